"""Programs that use the routes: their tokens, made and revoked by an admin."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import streamlit as st

from db.people.permissions import is_permitted
from db.people.program_tokens import (
    PROGRAM_ROLES,
    ProgramToken,
    add_token,
    list_tokens,
    revoke_token,
)
from streamlit_app import safe_text
from streamlit_app.markup import reveal
from streamlit_app.server import services
from streamlit_app.session import sign_in
from streamlit_app.session.local_time import local_text
from streamlit_app.session.press_notice import deferred_errors, draw_message, keep
from streamlit_app.wording import say, words

_NOTICE = "tokens_notice"
_SECRET = "tokens_secret"  # noqa: S105 - the name of a place in the session


def draw() -> None:
    """Draw the tokens, and the forms that make and revoke one."""
    admin = sign_in.current_person()
    st.caption(say("tokens.help"))
    if not is_permitted(admin, "manage_people"):
        safe_text.draw_notice(say("tokens.admins_only"))
        return
    tokens = list_tokens(services.database().cursor())
    if tokens:
        st.dataframe(_table(tokens), hide_index=True, key="tokens_table")
    _draw_notice()
    make, revoke = st.columns(2, gap="large")
    with make, st.form("tokens_form", border=False):
        st.text_input(say("tokens.program"), key="tokens_name", help=say("tokens.program_help"))
        st.selectbox(
            say("tokens.role"),
            PROGRAM_ROLES,
            format_func=words("role").__getitem__,
            key="tokens_role",
        )
        st.form_submit_button(
            say("tokens.make"), key="tokens_make", on_click=_make, args=(admin.reviewer_id,)
        )
    with revoke:
        _draw_revoke(tokens, admin.reviewer_id)


def _draw_revoke(tokens: Sequence[ProgramToken], admin_id: str) -> None:
    valid = {one.token_id: one for one in tokens if one.revoked_at is None}
    if not valid:
        return
    chosen = st.selectbox(
        say("tokens.token"),
        valid,
        format_func=lambda one: say(
            "tokens.of", name=reveal(valid[one].name), when=_moment(valid[one].created_at)
        ),
        key="tokens_chosen",
    )
    st.button(say("tokens.revoke"), key="tokens_revoke", on_click=_revoke, args=(chosen, admin_id))


def _table(tokens: Sequence[ProgramToken]) -> dict[str, list[str]]:
    role_words = words("role")
    return {
        say("tokens.program"): [reveal(one.name) for one in tokens],
        say("tokens.role"): [role_words[one.role] for one in tokens],
        say("tokens.created"): [_moment(one.created_at) for one in tokens],
        say("tokens.used"): [_moment(one.used_at) or say("tokens.never") for one in tokens],
        say("tokens.revoked"): [_moment(one.revoked_at) for one in tokens],
    }


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else local_text(moment)


def _make(admin_id: str) -> None:
    state = st.session_state
    name, role = state["tokens_name"], state["tokens_role"]
    with deferred_errors(_NOTICE):
        with services.database().transaction() as cur:
            state[_SECRET] = add_token(cur, name, role=role, by=admin_id)
        state["tokens_name"] = ""
        keep(say("tokens.made", name=name, role=words("role")[role]), _NOTICE)


def _revoke(token_id: str, admin_id: str) -> None:
    with deferred_errors(_NOTICE):
        with services.database().transaction() as cur:
            revoke_token(cur, token_id, by=admin_id)
        keep(say("tokens.was_revoked"), _NOTICE)


def _draw_notice() -> None:
    """Draw what the last press did, and a secret once: it is not stored."""
    draw_message(_NOTICE)
    secret = st.session_state.pop(_SECRET, None)
    if secret:
        st.code(secret, language=None)
