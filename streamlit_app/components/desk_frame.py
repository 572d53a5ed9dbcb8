"""What the Review page says to its desk, by data alone: see ``assets/desk/desk.js``."""

from __future__ import annotations

import hashlib
import json
from typing import Final

import streamlit as st

from db.records import NO_LABEL_VERDICTS, Reviewer
from db.review.queues import Queue
from streamlit_app import safe_text
from streamlit_app.markup import element, reveal
from streamlit_app.server import desk
from streamlit_app.server.review_service import WorklistChoice
from streamlit_app.server.tokens import Sitting, mint_sitting
from streamlit_app.session.state import ITEM_PARAM, review_session
from streamlit_app.wording import words

API: Final = "/api/v1"
# Served by our own server: the page's Content-Security-Policy runs no inline script.
_SCRIPT: Final = '<script type="module" src="/assets/desk/desk.js"></script>'


def draw(reviewer: Reviewer, choice: WorklistChoice, run_id: str | None) -> None:
    """Draw nothing that can be seen: who works through what, the texts, and the script."""
    st.html(_SCRIPT, unsafe_allow_javascript=True)
    scope = _scope(reviewer, choice, run_id)
    config = {
        "api": API,
        "token": _token(scope, reviewer, choice, run_id),
        "scope": scope,
        "reviewer_id": reviewer.reviewer_id,
        "reviewer": reviewer.name,
        "reviewer_shown": reveal(reviewer.name),
        "item": st.query_params.get(ITEM_PARAM),
        "max_shown": safe_text.SHOWN_CHARACTERS,
        "keys": desk.keys_of(reviewer.reviewer_id),
        "commands": words("desk_keys"),
        "texts": words("review_desk"),
        "no_label_verdicts": sorted(NO_LABEL_VERDICTS),
        "words": {name: words(name) for name in ("verdict", "severity", "confidence")},
    }
    safe_text.draw(element("div", cls="lc-desk-frame", data_lc_desk=json.dumps(config)))


def _scope(reviewer: Reviewer, choice: WorklistChoice, run_id: str | None) -> str:
    """Return what is the same as long as the same items are worked through by the same person."""
    what = choice.queue_id if isinstance(choice, Queue) else repr(choice)
    text = repr((reviewer.reviewer_id, what, run_id, review_session().edition))
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]


def _token(scope: str, reviewer: Reviewer, choice: WorklistChoice, run_id: str | None) -> str:
    """Return the token of the sitting, the same one at each rerun: its list is frozen."""
    session = review_session()
    if session.token is None or session.token[0] != scope:
        if isinstance(choice, Queue):
            sitting = Sitting(reviewer.reviewer_id, queue_id=choice.queue_id, run_id=run_id)
        else:
            flt, order = choice
            sitting = Sitting(reviewer.reviewer_id, filter=flt, order=order, run_id=run_id)
        session.token = (scope, mint_sitting(sitting))
    return session.token[1]
