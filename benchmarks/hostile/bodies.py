"""Does a real server stay up, quick and silent about itself under hostile requests?

Bodies, headers, names of hosts, paths, uploads, tokens and frames of the websocket, each drawn from
a seed of its own: what is printed of one that fails tries it again.
"""

from __future__ import annotations

import json
import random
import re
import socket
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from history import Measured
from served_app import Server, serving
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websocket_reviewers import TOKEN
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from db.connection import Database
from db.content.items import add_items
from db.people.sign_in import add_person
from db.records import Item

NUM_INPUTS: Final = 2000
_MAX_SECONDS: Final = 10.0
_IGNORED_SECONDS: Final = 3.0
_MAX_MEGABYTES: Final = 1200
_SECTION: Final = "Requests"

_PATHS: Final = (
    *("/", "/people", "/api/v1/desk/drafts", "/assets/theme.css", "/assets", "/media/a.csv"),
    *("/_stcore/health", "/_stcore/host-config", "/_stcore/metrics", "/_stcore/stream"),
    *("/_stcore/upload_file/a/b", "/_stcore/agent/interact", "/_stcore/agent/openapi.json"),
    *("/component/a/b.js", "/_stcore/bidi-components/a/b.js", "/app/static/a", "/oauth2callback"),
    *(
        "/api/v1/desk/next?count=9",
        "/api/v1/desk/cards/q-1",
        "/api/v1/desk/neighbour?item=q-1&step=1",
    ),
    *("/api/v1/desk/judgements", "/api/v1/queues/x/progress", "/api/v1/items/q-1/judgements"),
    *("/auth/login", "/auth/logout", "/static/js/a.js", "/api/v1/openapi.json", "/favicon.png"),
)
_DESK: Final[Mapping[str, tuple[str, ...]]] = {
    "judgements": (
        *("judgement_id", "presentation_id", "item_id", "item_version", "replaces", "judgement"),
        *("pressed_at", "seen_ms"),
    ),
    "undo": ("judgement_id", "item_id"),
    "skip": ("item_id", "pressed_at"),
    "flag": ("item_id", "is_flagged", "pressed_at"),
    "drafts": ("presentation_id", "item_id", "fields"),
    "leave": ("item_ids",),
    "opened": ("opened",),
}
"""What the desk posts to under ``/api/v1/desk``, and the fields of each."""
_SOUND: Final[Mapping[str, object]] = {
    "judgement_id": "6f1c1f0e-3f53-4f0c-9a58-3f0b5d0d7a11",
    "presentation_id": "x",
    "item_id": "q-1",
    "item_version": 1,
    "replaces": None,
    "judgement": {"labels": ["yes"]},
    "pressed_at": 1_790_000_000_000,
    "seen_ms": 1,
    "is_flagged": True,
    "fields": {"note": "n"},
    "item_ids": ["q-1"],
    "opened": [],
}
_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "BREW")
_SPOILS: Final = (
    *("../", "%2e%2e/", "%00", "%ff%fe", "//", "\\", "?a=%00", "?" + "q=" * 2000, "%", "#", ";a=b"),
    *("/" + "x" * 5000, "/" + "a/" * 2000, "%E2%84%AA", "/.env", "/etc/passwd", "C:\\", "~"),
)
_HOSTS: Final = (
    *("evil.example", "", "localhost@evil.example", "localhost:99999", "localhost:x", "[::1", "*"),
    *(
        "localhost.evil.example",
        "0.0.0.0.",
        "127.0.0.1.nip.io",
        "\x7f",
        "a" * 3000,
        "xn--lcalhost-6ya",
    ),
)
_PROXY_HEADERS: Final = (
    *("X-Forwarded-For", "X-Real-IP", "Forwarded", "Via", "X-Forwarded-Host", "X-Client-IP"),
    *("True-Client-IP", "CF-Connecting-IP", "X-Original-Forwarded-For", "X-Envoy-External-Address"),
)
_TEXTS: Final = (
    *("", "\x00", "\ud83d", "K\u212a", "\u202e\u200b", "<script>alert(1)</script>", "x" * 100_000),
    *("'; drop table annotation; --", "../../etc/passwd", "{{7*7}}", "\N{PILE OF POO}" * 1000),
    *("NaN", "-1", "9" * 400, "1e999", "null", "%s%n", "\r\nSet-Cookie: a=b"),
)


@dataclass
class Outcome:
    """What the inputs led to together."""

    broken: list[str] = field(default_factory=list)
    """Answers of 500 and above, and errors of the program on a page."""
    slow: list[str] = field(default_factory=list)
    leaked: list[str] = field(default_factory=list)
    """Answers that show the inside of the program."""
    seconds: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Page:
    """What an open page was given: without it most requests would end at the first check."""

    token: str
    session: str
    xsrf: str


@dataclass
class Target:
    """The server, and what a page of it was given."""

    server: Server
    port: int
    page: Page
    rng: random.Random

    def text(self) -> str:
        """Return a hostile text."""
        return self.rng.choice(_TEXTS)


def measure(seed: int, scale: float) -> list[Measured]:
    """Send the inputs of a seed to a server and count what must not happen."""
    num_inputs = max(round(NUM_INPUTS * scale), len(KINDS))
    outcome = Outcome()
    with tempfile.TemporaryDirectory(prefix="hostile-bodies-") as folder:
        home = Path(folder)
        _fill(home / "review.duckdb")
        with serving(home, OMP_NUM_THREADS="1") as server:
            port = int(server.url.rsplit(":", 1)[1])
            with _connect(server) as line:  # open to the end: uploads go to its session
                page = _open_page(server, line)
                for number in range(num_inputs):
                    name = list(KINDS)[number % len(KINDS)]
                    rng = random.Random(f"{seed}/{number}")  # noqa: S311
                    label = f"{name}, seed {seed}, number {number}"
                    _try(outcome, Target(server, port, page, rng), name, label)
                    if server.process.poll() is not None:
                        raise SystemExit(f"The server ended at {label}")
                _open_page(server, line)  # it still serves
            peak = _peak_megabytes(server)
    return [
        _none(
            "answers of 500 and above, or errors of the program on a page",
            outcome.broken,
            num_inputs,
        ),
        _none(f"answers that took over {_MAX_SECONDS:g} s", outcome.slow, num_inputs),
        _none("answers that show paths or tracebacks", outcome.leaked, num_inputs),
        Measured(
            "slowest answer", "seconds", max(outcome.seconds), "s", num_inputs, section=_SECTION
        ),
        Measured(
            "peak memory of the server",
            "peak",
            peak,
            "MB",
            num_inputs,
            at_most=_MAX_MEGABYTES,
            section=_SECTION,
        ),
    ]


def _try(outcome: Outcome, target: Target, name: str, label: str) -> None:
    begun = time.perf_counter()
    try:
        answer = KINDS[name](target)
    except TimeoutError:
        answer = ""
        outcome.slow.append(label)
        print(f"slow: {label}", file=sys.stderr)
    seconds = time.perf_counter() - begun
    outcome.seconds.append(seconds)
    if re.match(r"HTTP/1.1 5\d\d|exception:", answer):
        outcome.broken.append(label)
        print(f"broken: {label}: {answer[:300]!r}", file=sys.stderr)
    if re.search(r"Traceback|site-packages|File \"/", answer):
        outcome.leaked.append(label)
        print(f"leaked: {label}: {answer[:300]!r}", file=sys.stderr)


def _none(what: str, found: list[str], n: int) -> Measured:
    return Measured(what, "count", len(found), n=n, at_most=0, section=_SECTION)


def _fill(path: Path) -> None:
    database = Database.open(path)
    with database.transaction() as cur:
        add_person(cur, "Reviewer 1", role="admin")
        add_items(cur, make_items(20), origin="items")
    database.close()


def make_items(num_items: int) -> list[Item]:
    """Return items ``q-0`` and on, with the labels yes, no and maybe."""
    return [
        Item(
            f"q-{number}",
            source="own",
            question=f"Does drug {number} help?",
            context=(),
            label_set="pubmedqa",
            labels=("yes", "no", "maybe"),
            options=(),
            gold_label="yes",
            long_answer="",
            split="test",
            metadata={},
        )
        for number in range(num_items)
    ]


# ---- HTTP, byte by byte: a well-bred client would not send most of this


def _send(target: Target, head: str, body: bytes = b"", pieces: int = 1) -> str:
    """Send a request and return the beginning of its answer; empty where the server hung up."""
    with socket.create_connection(("localhost", target.port), timeout=_MAX_SECONDS) as line:
        # A server that refuses hangs up while more is sent.
        with suppress(BrokenPipeError, ConnectionResetError):
            line.sendall(head.encode("latin-1", "replace"))
            for _ in range(pieces):
                line.sendall(body)
        answer = b""
        with suppress(ConnectionResetError):
            while chunk := line.recv(65_536):
                answer += chunk
                if len(answer) > 200_000 or _is_whole(answer):
                    break
    return answer.decode("utf-8", "replace")


def _is_whole(answer: bytes) -> bool:
    head, gap, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
    return bool(gap) and (length is None or len(body) >= int(length[1]))


def _head(method: str, path: str, port: int, *lines: str, host: str | None = None) -> str:
    named = f"localhost:{port}" if host is None else host
    fields = [f"{method} {path} HTTP/1.1", f"Host: {named}", *lines, "Connection: close"]
    return "\r\n".join(fields) + "\r\n\r\n"


def _path(target: Target) -> str:
    chosen = target.rng.choice(_PATHS)
    return chosen + target.rng.choice(("", *_SPOILS))


def _desk(target: Target) -> str:
    """Post to the desk: hostile body, mostly with the token of a page."""
    rng = target.rng
    route = rng.choice(tuple(_DESK))
    deep = rng.choice((10, 1000, 100_000))
    value = target.text()
    body = rng.choice(
        (
            b"[" * deep,
            b'{"a":' * deep + b"1" + b"}" * deep,
            rng.randbytes(rng.choice((0, 10, 5000))),
            _fields(note=value, label=rng.choice((0, -1, 99, 1e300, value))),
            _fields(answer=value * rng.choice((1, 9)), span=value),
            _fields(span={"text": "answer", "start": rng.choice((1e308, -1, 0)), "end": 4e12}),
            b'{"fields": NaN, "item_id": Infinity}',
            b'{"item_id": ' + b"9" * 5000 + b"}",
            _fields(note="x" * 900_000),
            *(_sent(rng, route, value) for _ in range(4)),
        )
    )
    token = rng.choice(
        (target.page.token, target.page.token, "guessed", value[:2000].replace("\n", ""))
    )
    token = token.replace("\r", "").replace("\x00", "")
    length = rng.choice((str(len(body)), str(len(body)), str(len(body)), "-1", "x", "0"))
    lines = (f"Authorization: Bearer {token}", f"Content-Length: {length}")
    return _send(target, _head("POST", f"/api/v1/desk/{route}", target.port, *lines), body)


def _sent(rng: random.Random, route: str, text: str) -> bytes:
    """Return what the desk sends by a route, with some of its fields hostile."""
    hostile = (
        *(text, -1, 1e308, 10**30, None, [], {"labels": [text] * 3, "note": text}),
        *([text] * 200, [{"presentation_id": text, "at": 10**18}] * 50),
    )
    sent = {
        name: _SOUND[name] if rng.random() < 0.6 else rng.choice(hostile) for name in _DESK[route]
    }
    return json.dumps(sent).encode()


def _fields(**fields: object) -> bytes:
    """Return a draft with these fields, of an item that was never shown in this way."""
    return json.dumps({"presentation_id": "x", "item_id": "q-1", "fields": fields}).encode()


def _endless(target: Target) -> str:
    """Announce 400 MB for a draft, with or without a token, and send them until hung up on."""
    token = target.rng.choice((target.page.token, "guessed"))
    kind = target.rng.choice(("Content-Length: 419430400", "Transfer-Encoding: chunked"))
    piece = b" " * 1_048_576
    if kind.startswith("Transfer"):
        piece = b"100000\r\n" + piece + b"\r\n"
    head = _head("POST", "/api/v1/desk/drafts", target.port, f"Authorization: Bearer {token}", kind)
    return _send(target, head, piece, pieces=400)


def _route(target: Target) -> str:
    """Ask for a path, spoilt or not, by any method."""
    rng = target.rng
    lines = rng.sample(
        (
            "Content-Length: 0",
            f"X-Forwarded-For: {rng.choice(('127.0.0.1', target.text()[:200]))}",
            f"Cookie: _streamlit_user={target.text()[:500]}; _streamlit_xsrf=2|a|b|c",
            f"Origin: {rng.choice(('null', f'http://localhost:{target.port}'))}",
            f"Range: bytes={rng.choice(('0-1', '-', '9-1', '0-' + '9' * 50, '0-1,' * 500))}",
            "Accept-Encoding: gzip, br, \xff",
            "X-Long: " + "y" * rng.choice((10, 9000, 70_000)),
            "If-None-Match: " + "*" * 500,
        ),
        k=3,
    )
    clean = [line.replace("\r", "").replace("\n", "").replace("\x00", "") for line in lines]
    return _send(target, _head(rng.choice(_METHODS), _path(target), target.port, *clean))


def _name(target: Target) -> str:
    """Call the server by another host's name: anything but a refusal would answer it."""
    rng = target.rng
    head = _head(rng.choice(_METHODS[:6]), rng.choice(_PATHS), target.port, host=rng.choice(_HOSTS))
    if rng.random() < 0.2:
        head = head.replace("\r\nHost:", "\r\nHost: localhost\r\nHost:")
    answer = _send(target, head)
    return "exception: answered to another name" if answer.startswith("HTTP/1.1 2") else answer


def _upload(target: Target) -> str:
    """Put a file into a session that mostly exists, in a form that mostly is none."""
    rng = target.rng
    boundary = rng.choice(("b", "b", "b" * 200, "", "\xff"))
    named = target.text()[:100].encode("utf-8", "replace")
    part = b'--b\r\nContent-Disposition: form-data; name="f"; filename="' + named + b'"'
    body = rng.choice(
        (
            part + b"\r\n\r\nx\r\n--b--\r\n",
            part + b"\r\n\r\nx\r\n" + part + b"\r\n\r\ny\r\n--b--\r\n",
            part,
            rng.randbytes(3000),
            b"--b\r\n" * 3000,
            b"--b\r\n" + b"X: y\r\n" * 20_000,
        )
    )
    session = rng.choice((target.page.session, target.page.session, "a", "%00", "x" * 3000))
    xsrf = rng.choice((target.page.xsrf, target.page.xsrf, "a", "2|a|b|c"))
    lines = (
        f"Content-Type: multipart/form-data; boundary={boundary}",
        f"Content-Length: {rng.choice((len(body), len(body), 100_000_000, -1))}",
        f"Cookie: _streamlit_xsrf={xsrf}",
        f"X-Xsrftoken: {xsrf}",
    )
    head = _head("PUT", f"/_stcore/upload_file/{session}/f", target.port, *lines)
    return _send(target, head, body)


def _garbage(target: Target) -> str:
    """Send what is no HTTP."""
    rng = target.rng
    starts = ("GET / HTTP/9.9", "GET", " ", "\x16\x03\x01", "PRI * HTTP/2.0", "GET  /")
    start = rng.choice(starts)
    return _send(target, f"{start}\r\n{target.text()[:3000]}\r\n\r\n", rng.randbytes(200))


# ---- the websocket


def _connect(server: Server, headers: Mapping[str, str] | None = None) -> ClientConnection:
    return connect(
        server.url.replace("http", "ws") + "/_stcore/stream",
        additional_headers=headers,
        subprotocols=[Subprotocol("streamlit")],
        max_size=None,
        open_timeout=_MAX_SECONDS,
    )


def _rerun(query: str) -> BackMsg:
    message = BackMsg()
    message.rerun_script.query_string = query
    message.rerun_script.page_name = "review"
    return message


def _until_finished(line: ClientConnection, seconds: float = _MAX_SECONDS) -> str:
    """Return what the page drew: its markup, and ``exception:`` where the program failed."""
    drawn = ""
    ends = time.monotonic() + seconds
    while True:
        message = ForwardMsg()
        message.ParseFromString(line.recv(timeout=max(ends - time.monotonic(), 0), decode=False))
        kind = message.WhichOneof("type")
        if kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            element = message.delta.new_element
            if element.WhichOneof("type") == "exception":
                return f"exception: {element.exception}"
            if element.WhichOneof("type") == "html":
                drawn += element.html.body
        if kind == "script_finished":
            return drawn


def _open_page(server: Server, line: ClientConnection) -> Page:
    """Open the Review page and return what it was given."""
    line.send(_rerun("item=q-1").SerializeToString())
    message = ForwardMsg()
    while message.WhichOneof("type") != "new_session":
        message.ParseFromString(line.recv(timeout=_MAX_SECONDS, decode=False))
    found = TOKEN.search(_until_finished(line))
    if found is None:
        raise SystemExit("The Review page named no token.")
    with urllib.request.urlopen(f"{server.url}/_stcore/health") as answer:  # noqa: S310
        cookie = re.search(r"_streamlit_xsrf=([^;]+)", answer.headers["Set-Cookie"] or "")
    session = message.new_session.initialize.session_id
    return Page(found[1], session, "" if cookie is None else cookie[1])


def _frame(target: Target) -> str:
    """Send frames that no page sends, and wait for the server to hang up or to draw."""
    rng = target.rng
    value = target.text().encode("utf-8", "replace").decode()
    message = _rerun(
        rng.choice(
            (
                f"item={value[:2000]}",
                "reviewer=" + value[:2000],
                f"queue={value[:500]}&run={value[:500]}",
                "item=q-1&" * 500,
                "show=" + value[:200] + "&order=%ff&source=%00&search=" + value[:2000],
                "%",
            )
        )
    )
    states = message.rerun_script.widget_states.widgets
    for widget in rng.sample(("reviewer", "show", "search", "review_save_q-1", "people_save"), k=2):
        states.add(id=f"$$ID-{rng.randrange(99)}-{widget}", string_value=value[:5000])
    message.rerun_script.page_script_hash = rng.choice(("", "0" * 32, value[:200]))
    message.rerun_script.fragment_id = rng.choice(("", "", value[:100]))
    frame = rng.choice(
        (message.SerializeToString(), message.SerializeToString(), rng.randbytes(500), b"", None)
    )
    try:
        with _connect(target.server) as line:
            if frame is None:
                line.send("a text frame")
            elif rng.random() < 0.1:
                line.send(b"\x0a" + rng.randbytes(6_000_000))
            else:
                line.send(frame)
            with suppress(TimeoutError):
                return _until_finished(line, _IGNORED_SECONDS)
            # A frame that asks for nothing that there is gets no answer; the next one must.
            line.send(_rerun("item=q-1").SerializeToString())
            return _until_finished(line)
    except (ConnectionClosed, InvalidHandshake):
        return ""


def _proxied(target: Target) -> str:
    """Come through a proxy, and claim to be at this machine: no item may be drawn for a name."""
    name = target.rng.choice(_PROXY_HEADERS)
    value = target.rng.choice(("127.0.0.1", "::1", "localhost", "for=127.0.0.1;host=localhost", ""))
    try:
        with _connect(target.server, {name: value}) as line:
            line.send(_rerun("item=q-1&reviewer=Reviewer 1").SerializeToString())
            drawn = _until_finished(line)
    except (ConnectionClosed, InvalidHandshake):
        return ""
    return f"exception: an item was drawn with {name}" if "data-lc-item" in drawn else drawn


KINDS: Final[dict[str, Callable[[Target], str]]] = {
    "route": _route,
    "desk": _desk,
    "name": _name,
    "upload": _upload,
    "garbage": _garbage,
    "frame": _frame,
    "proxied": _proxied,
    "endless": _endless,
}


def _peak_megabytes(server: Server) -> float:
    text = Path(f"/proc/{server.process.pid}/status").read_text(encoding="utf-8")
    found = re.search(r"VmHWM:\s+(\d+) kB", text)
    return int(found[1]) / 1024 if found else 0.0
