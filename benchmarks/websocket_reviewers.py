"""Many reviewers at once: sessions that speak Streamlit's websocket protocol, without browsers."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

_SAVED = re.compile(r"Saved (\S+) for (\S+?)\.(?:<| )")
_OPENING = 0.3
"""Seconds from one person's arrival to the next: opening the page is not what is timed."""
_ITEM = re.compile(r'data-lc-item="([^"]+)"')


@dataclass
class Crowd:
    """What the reviewers saw together."""

    milliseconds: list[float] = field(default_factory=list)
    """From each press of Save to the end of the answer that shows the next item."""
    pressed: list[float] = field(default_factory=list)
    """When each of them was pressed, on the monotonic clock."""
    confirmed: list[tuple[str, str]] = field(default_factory=list)
    """Reviewer and item of every save that the page confirmed."""
    shown: list[tuple[str, str]] = field(default_factory=list)
    """Reviewer and item of every item shown."""
    num_cut: int = 0
    """Sessions whose connection was lost."""

    @property
    def num_lost(self) -> int:
        """Return how many presses of Save the page did not confirm."""
        return len(self.milliseconds) - len(self.confirmed) + self.num_cut

    @property
    def num_twice(self) -> int:
        """Return how many items of a queue with one reviewer an item two people had on screen."""
        people = Counter(item for item, _ in {(item, who) for who, item in self.shown})
        return sum(count > 1 for count in people.values())


@dataclass
class _Session:
    """What one session knows of its page."""

    item: str = ""
    save: str = ""
    picker: str = ""
    label: str = ""
    fragment: str = ""
    script: str = ""
    said: tuple[str, str] | None = None

    def read(self, message: ForwardMsg) -> bool:
        """Take a message in; True at the end of a run."""
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self.script = message.new_session.page_script_hash
        if kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            element = message.delta.new_element
            what = element.WhichOneof("type")
            if what == "button" and "review_save_" in element.button.id:
                self.save, self.fragment = element.button.id, message.delta.fragment_id
            elif what == "button_group" and "review_label_" in element.button_group.id:
                self.picker = element.button_group.id
                self.label = element.button_group.options[0].content
            elif what == "html":
                found = _ITEM.search(element.html.body)
                self.item = found[1] if found else self.item
                said = _SAVED.search(element.html.body)
                self.said = (said[1], said[2]) if said else self.said
        return bool(kind == "script_finished")


async def _until_finished(socket: websockets.ClientConnection, session: _Session) -> None:
    while True:
        message = ForwardMsg()
        message.ParseFromString(await socket.recv(decode=False))
        if session.read(message):
            return


async def _review(url: str, *work: Any, crowd: Crowd) -> None:
    """Review until the end, or until the connection is lost."""
    try:
        await _review_connected(url, *work, crowd)
    except (websockets.ConnectionClosed, OSError):
        crowd.num_cut += 1


async def _review_connected(
    url: str,
    query: str,
    who: str,
    opens_at: float,
    every: float,
    begins: float,
    is_over: Callable[[], bool],
    crowd: Crowd,
) -> None:
    rng = random.Random(who)  # noqa: S311
    async with websockets.connect(
        url, subprotocols=[websockets.Subprotocol("streamlit")], max_size=None
    ) as socket:
        session = _Session()
        await asyncio.sleep(opens_at)
        opening = BackMsg()
        opening.rerun_script.query_string = query
        await socket.send(opening.SerializeToString())
        while not session.save:
            await _until_finished(socket, session)
        await asyncio.sleep(max(0.0, begins - time.monotonic()) + rng.uniform(0, every))
        while not is_over():
            crowd.shown.append((who, session.item))
            press = BackMsg()
            press.rerun_script.query_string = query
            press.rerun_script.page_script_hash = session.script
            press.rerun_script.fragment_id = session.fragment
            states = press.rerun_script.widget_states.widgets
            states.add(id=session.picker).string_array_value.data.append(session.label)
            states.add(id=session.save, trigger_value=True)
            saved, session.said = session.item, None
            begun = time.monotonic()
            await socket.send(press.SerializeToString())
            await _until_finished(socket, session)
            crowd.milliseconds.append(1000 * (time.monotonic() - begun))
            crowd.pressed.append(begun)
            if session.said is not None and session.said[1] == saved:
                crowd.confirmed.append((who, saved))
            await asyncio.sleep(max(0.0, every * rng.uniform(0.8, 1.2)))


def review_at_once(
    url: str,
    queue_id: str,
    num_people: int,
    every: float,
    seconds: float,
    *,
    crowd: Crowd | None = None,
    until: Callable[[], bool] = lambda: False,
) -> Crowd:
    """Let people work on one queue.

    Args:
        url: Of the server.
        queue_id: A queue with one reviewer an item.
        num_people: How many sessions.
        every: Seconds from a save to the next, give or take a fifth.
        seconds: How long, from when everybody has had time to open the page.
        crowd: Filled as they work; a new one when None.
        until: Whether they stop before that.
    """
    crowd = Crowd() if crowd is None else crowd
    stream = url.replace("http", "ws") + "/_stcore/stream"
    begins = time.monotonic() + every + _OPENING * num_people

    async def together() -> None:
        await asyncio.gather(
            *(
                _review(
                    stream,
                    f"queue={queue_id}&reviewer=Crowd{num_people}-{number}",
                    f"Crowd{num_people}-{number}",
                    _OPENING * number,
                    every,
                    begins,
                    lambda: until() or time.monotonic() >= begins + seconds,
                    crowd=crowd,
                )
                for number in range(num_people)
            )
        )

    # In a thread of its own: the browser's driver keeps an event loop in the one that calls.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, together()).result()
    return crowd
