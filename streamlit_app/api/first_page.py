"""The page that a queue's address opens, with the desk and its first items in it.

Streamlit's page shows nothing before some sixty scripts are there, a websocket is open and a
script has run. The desk needs none of that, so it comes with the page and stays when the rest is
drawn around it (``assets/desk/desk.js``).
"""

from __future__ import annotations

import gzip
import re
import uuid
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Final

import streamlit as st
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from db.errors import DbError
from db.review.queues import require_open
from db.review.rights import known_queue
from streamlit_app import theme
from streamlit_app.api.cards import make_card
from streamlit_app.api.desk_routes import give_next
from streamlit_app.components import desk_frame
from streamlit_app.markup import Html, element, join
from streamlit_app.server import desk, script_files, services
from streamlit_app.server.tokens import mint_sitting
from streamlit_app.session import sign_in
from streamlit_app.session.state import ITEM_PARAM, QUEUE_PARAM

_PATH: Final = "/review"
_NUM_ITEMS: Final = 2
"""Sent with the page; the desk asks for further ones while the first is read."""
_ROOT: Final = '<div id="root"></div>'
_UNUSED_FONT: Final = re.compile(r'<link\s+rel="preload"[^>]*\sas="font"[^>]*>')
"""Streamlit's own; our theme has the system's."""
_HEADERS: Final = {"Cache-Control": "no-store", "Vary": "Accept-Encoding"}


class FirstPage:
    """ASGI middleware that answers the address of a queue, where its person may work in it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the page with the desk in it, or pass the request on."""
        page = None
        if _is_visit(scope):
            page = await run_in_threadpool(_make_page, HTTPConnection(scope))
        await (self.app if page is None else page)(scope, receive, send)


def _is_visit(scope: Scope) -> bool:
    """Return whether a person goes to a queue: no image of another site, nothing fetched ahead."""
    if scope["type"] != "http" or scope["method"] != "GET" or scope["path"] != _PATH:
        return False
    asked = HTTPConnection(scope)
    is_page = asked.headers.get("sec-fetch-dest") == "document"
    return is_page and "sec-purpose" not in asked.headers and QUEUE_PARAM in asked.query_params


def _make_page(asked: HTTPConnection) -> HTMLResponse | None:
    """Return the page; None where Streamlit's own says why nothing is shown."""
    try:
        config = _config(asked, asked.query_params)
    except DbError:
        return None
    if config is None:
        return None
    page, headers = _page(desk_frame.frame(config)).encode(), dict(_HEADERS)
    if "gzip" in asked.headers.get("accept-encoding", ""):
        page, headers["Content-Encoding"] = gzip.compress(page, 5), "gzip"
    return HTMLResponse(page, headers=headers)


def _config(asked: HTTPConnection, query: Mapping[str, str]) -> dict[str, Any] | None:
    """Return what the page's frame would tell the desk, and its first items.

    Nothing of the address is repeated: the page is compressed, and holds a token.
    """
    person = sign_in.find_visitor(asked)
    if person is None:
        return None
    queue = known_queue(services.database(), query[QUEUE_PARAM])
    require_open(queue, person.reviewer_id)
    run_id = queue.settings.run_id
    if all(run.run_id != run_id for run in services.all_runs()):
        run_id = None
    at = replace(desk_frame.sitting_of(person, queue, run_id), sitting_id=str(uuid.uuid4()))
    scope = desk_frame.scope_of(person, queue, run_id)
    config = desk_frame.config_of(person, scope, mint_sitting(at))
    item_id = query.get(ITEM_PARAM)
    shown = None
    if item_id is not None:
        shown = make_card(desk.show_item(at, item_id), desk.worklist_of(at))
    have = () if item_id is None else (item_id,)
    following = give_next(at, _NUM_ITEMS, item_id, have)
    first = {
        "opened": None if shown is None else shown.model_dump(mode="json"),
        "next": following.model_dump(mode="json"),
    }
    return {**config, "first": first}


def _page(frame: Html) -> str:
    head, root, rest = _parts()
    font = f"font-family: {st.get_option('theme.font')}"
    return f"{head}{root}{element('div', frame, cls='lc-first', style=font)}{rest}"


@cache
def _parts() -> tuple[str, str, str]:
    """Return Streamlit's page with our style and scripts, cut where the desk's frame goes."""
    page = (Path(st.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    before, root, rest = page.partition(_ROOT)
    head, script, more = before.partition('<script type="module"')
    shared = map(script_files.address, ("connection.js", "side_bar.js"))
    files = [*shared, *script_files.addresses("desk")]
    ahead = (element("link", rel="modulepreload", href=file) for file in files)
    ours = join(script_files.script("desk/desk.js"), *ahead)
    head = _UNUSED_FONT.sub("", head)
    return f"{head}{theme.style()}{ours}{script}{more}", root, rest
