"""Text from elsewhere, and markup built from it, on the page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal

import streamlit as st

from streamlit_app.markup import Html, element, reveal
from streamlit_app.wording import say

SHOWN_CHARACTERS = 20_000
"""Longer texts are cut: a megabyte keeps the browser busy for seconds."""

_WAITING: ContextVar[list[Html] | None] = ContextVar("waiting", default=None)

NoticeKind = Literal["error", "warning", "info", "success"]
_SIGNS: dict[NoticeKind, str] = {"error": "✕", "warning": "!", "info": "i", "success": "✓"}


def draw(markup: Html) -> None:
    """Draw markup built by ``markup.py``; a plain string is refused, so nothing slips by unescaped.

    Raises:
        TypeError: ``markup`` was not built by ``markup.py``.
    """
    if not isinstance(markup, Html):
        raise TypeError(f"draw() takes Html built by markup.py, got {type(markup).__name__}.")
    waiting = _WAITING.get()
    if waiting is None:
        st.html(markup)
    else:
        waiting.append(markup)


@contextmanager
def together() -> Iterator[None]:
    """Draw what is drawn inside as one element: each one of its own costs the browser some 2 ms."""
    token = _WAITING.set([])
    try:
        yield
        _draw_waiting()
    finally:
        _WAITING.reset(token)


def _draw_waiting() -> None:
    waiting = _WAITING.get()
    if waiting:
        st.html(element("div", *waiting, cls="lc-together"))
        waiting.clear()


def draw_notice(message: str, *, kind: NoticeKind = "info") -> None:
    """Draw a message in a coloured box; the message is plain text, whatever it holds."""
    draw(notice(message, kind=kind))


def notice(message: str, *, kind: NoticeKind = "info") -> Html:
    """Return the markup of a message in a coloured box."""
    sign = element("span", _SIGNS[kind], cls="lc-notice-sign", aria_hidden="true")
    body = element("span", message)
    role = "alert" if kind == "error" else "status"
    return element("div", sign, body, cls=f"lc-notice lc-notice-{kind}", role=role)


def draw_line(message: str, *, kind: NoticeKind = "info") -> None:
    """Draw a one-line message, announced to screen readers; an empty one keeps its place."""
    sign = element("span", _SIGNS[kind], aria_hidden="true") if message else ""
    line = element("div", sign, " ", message, cls=f"lc-line lc-line-{kind}", role="status")
    draw(line)


def shown_part(text: str, key: str, *, limit: int = SHOWN_CHARACTERS) -> str:
    """Return the part of ``text`` to draw: all of it, or its beginning until "show all" is pressed.

    Draw the button with :func:`draw_show_all` after the text.
    """
    return text if st.session_state.get(key) else text[:limit]


def draw_show_all(text: str, key: str, *, limit: int = SHOWN_CHARACTERS) -> None:
    """Draw a button that shows the rest of a text that :func:`shown_part` cut."""
    if len(text) > limit and not st.session_state.get(key):
        _draw_waiting()
        st.button(
            say("long_text.show_all", num_text=len(text)),
            key=f"{key}_button",
            on_click=st.session_state.__setitem__,
            args=(key, True),
        )


def whole_button(text: str, *, limit: int = SHOWN_CHARACTERS) -> Html:
    """Return the button that asks the desk for a cut text whole; empty where nothing is cut."""
    if len(text) <= limit:
        return Html()
    words = say("long_text.show_all", num_text=len(text))
    return element("button", words, type="button", data_lc_whole="")


def draw_text(text: str, key: str, *, limit: int = SHOWN_CHARACTERS) -> None:
    """Draw plain text, cut at ``limit`` characters with a button that shows all."""
    st.text(reveal(shown_part(text, key, limit=limit)))
    draw_show_all(text, key, limit=limit)
