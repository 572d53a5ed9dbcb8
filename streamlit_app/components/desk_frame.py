"""What the Review page says to its desk, by data alone: see ``assets/desk/desk.js``."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

import streamlit as st

from db.records import NO_LABEL_VERDICTS, Reviewer
from db.review.queues import Queue
from streamlit_app import safe_text
from streamlit_app.markup import Html, element, reveal
from streamlit_app.server import desk
from streamlit_app.server.review_service import WorklistChoice
from streamlit_app.server.script_files import script
from streamlit_app.server.tokens import Sitting, mint_sitting
from streamlit_app.session.state import ITEM_PARAM, review_session
from streamlit_app.wording import words

API: Final = "/api/v1"


def draw(reviewer: Reviewer, choice: WorklistChoice, run_id: str | None) -> None:
    """Draw nothing that can be seen: who works through what, the texts, and the script."""
    session = review_session()
    scope = scope_of(reviewer, choice, run_id, session.edition)
    if session.token is None or session.token[0] != scope:  # the same at each rerun: a frozen list
        session.token = (scope, mint_sitting(sitting_of(reviewer, choice, run_id)))
    token, item_id = session.token[1], st.query_params.get(ITEM_PARAM)
    _draw(frame({**config_of(reviewer, scope, token), "item": item_id}))


def draw_refused(reviewer: Reviewer, why: str) -> None:
    """Draw a desk without items, for one whose access was taken away: what they saved is not lost.

    What waits in the browser is sent once more, and listed with what to do.

    Args:
        reviewer: Whose access was taken away.
        why: Shown on the desk; empty where the page says so itself.
    """
    _draw(frame({**config_of(reviewer, "", ""), "closed": why}))


def draw_page_end() -> None:
    """Draw what says that all of a page is there: without the desk's frame, it is another page."""
    safe_text.draw(element("div", cls="lc-page-end"))


def frame(config: dict[str, Any]) -> Html:
    """Return the element that tells the desk who works through what."""
    return element("div", cls="lc-desk-frame", data_lc_desk=json.dumps(config))


def config_of(reviewer: Reviewer, scope: str, token: str) -> dict[str, Any]:
    """Return what the desk needs to know."""
    return {
        "api": API,
        "token": token,
        "scope": scope,
        "reviewer_id": reviewer.reviewer_id,
        "reviewer": reviewer.name,
        "reviewer_shown": reveal(reviewer.name),
        "item": None,
        "closed": None,
        "first": None,
        "max_shown": safe_text.SHOWN_CHARACTERS,
        "keys": desk.keys_of(reviewer.reviewer_id),
        "commands": words("desk_keys"),
        "texts": words("review_desk"),
        "no_label_verdicts": sorted(NO_LABEL_VERDICTS),
        "words": {name: words(name) for name in ("verdict", "severity", "confidence")},
    }


def scope_of(
    reviewer: Reviewer, choice: WorklistChoice, run_id: str | None, edition: str = ""
) -> str:
    """Return what is the same as long as the same items are worked through by the same person."""
    what = choice.queue_id if isinstance(choice, Queue) else repr(choice)
    text = repr((reviewer.reviewer_id, what, run_id, edition))
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]


def sitting_of(reviewer: Reviewer, choice: WorklistChoice, run_id: str | None) -> Sitting:
    """Return who sits down to what."""
    if isinstance(choice, Queue):
        return Sitting(reviewer.reviewer_id, queue_id=choice.queue_id, run_id=run_id)
    flt, order = choice
    return Sitting(reviewer.reviewer_id, filter=flt, order=order, run_id=run_id)


def _draw(drawn: Html) -> None:
    st.html(script("desk/desk.js"), unsafe_allow_javascript=True)
    safe_text.draw(drawn)
