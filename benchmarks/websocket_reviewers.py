"""Many reviewers at once: each opens the page by its websocket, then works at the desk's routes."""

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
from desk_load import LOW, Line, make_press, next_path
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

TOKEN = re.compile(r"&#34;token&#34;: &#34;([^&]+)&#34;")
"""The desk's token in the page, escaped as an attribute."""
_OPENING = 0.3
"""Seconds from one person's arrival to the next: opening the page is not what is timed."""
_LONGEST_OPENING = 100.0


@dataclass
class Crowd:
    """What the reviewers saw together."""

    milliseconds: list[float] = field(default_factory=list)
    """From each press of Save to its confirmation."""
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


async def _open_page(stream: str, query: str) -> str:
    """Open the Review page as a browser does and return the token that its desk works with."""
    async with websockets.connect(
        stream,
        subprotocols=[websockets.Subprotocol("streamlit")],
        max_size=None,
        open_timeout=_LONGEST_OPENING,  # a busy server is slow, not gone
        ping_interval=None,
    ) as socket:
        opening = BackMsg()
        opening.rerun_script.query_string = query
        opening.rerun_script.page_name = "review"
        await socket.send(opening.SerializeToString())
        while True:
            message = ForwardMsg()
            message.ParseFromString(await socket.recv(decode=False))
            if message.WhichOneof("type") != "delta":
                continue
            found = TOKEN.search(message.delta.new_element.html.body)
            if found is not None:
                return found[1]


async def _review(url: str, *work: Any, crowd: Crowd) -> None:
    """Review until the end, or until the connection is lost."""
    try:
        await _review_connected(url, *work, crowd)
    except (websockets.ConnectionClosed, OSError, asyncio.IncompleteReadError):
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
    await asyncio.sleep(opens_at)
    line = Line(url, await _open_page(url.replace("http", "ws") + "/_stcore/stream", query))
    cards: list[dict[str, Any]] = []
    last: str | None = None
    while not is_over():
        if len(cards) <= LOW:
            given = await line.ask("GET", next_path(cards, last))
            cards += given["cards"]
            crowd.shown += [(who, card["item_id"]) for card in given["cards"]]
            last = cards[-1]["item_id"] if cards else last
        if not crowd.milliseconds or time.monotonic() < begins:
            await asyncio.sleep(max(0.0, begins - time.monotonic()) + rng.uniform(0, every))
        if not cards:
            return
        card = cards.pop(0)
        begun = time.monotonic()
        answer = await line.ask("POST", "/desk/judgements", make_press(card, 0))
        crowd.milliseconds.append(1000 * (time.monotonic() - begun))
        crowd.pressed.append(begun)
        if answer["status"] == "stored":
            crowd.confirmed.append((who, card["item_id"]))
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
    begins = time.monotonic() + every + _OPENING * num_people

    async def together() -> None:
        await asyncio.gather(
            *(
                _review(
                    url,
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
