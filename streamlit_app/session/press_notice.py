"""What a press did, or why it did nothing, until the next draw: a callback cannot draw."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import streamlit as st

from streamlit_app import safe_text
from streamlit_app.errors import OUR_ERRORS

MESSAGE_KEY: Final = "press_notice"
"""Session state: of pages with one place for such words."""


def keep(message: str, key: str = MESSAGE_KEY, kind: safe_text.NoticeKind = "success") -> None:
    """Store what a press did for :func:`draw_message`."""
    st.session_state[key] = (kind, message)


@contextmanager
def deferred_errors(key: str = MESSAGE_KEY) -> Iterator[None]:
    """Store an error that the user can correct for :func:`draw_message`."""
    try:
        yield
    except OUR_ERRORS as error:
        keep(str(error), key, "error")


def draw_message(key: str = MESSAGE_KEY) -> bool:
    """Draw what the last press did, once; return whether there was anything."""
    kind, message = st.session_state.pop(key, ("info", ""))
    if message:
        safe_text.draw_notice(message, kind=kind)
    return bool(message)
