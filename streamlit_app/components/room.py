"""A room: its heading, and its parts, of which the chosen one alone is computed and drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from streamlit_app import safe_text
from streamlit_app.errors import shown_errors
from streamlit_app.markup import element
from streamlit_app.session import address
from streamlit_app.session.rooms import PART_PARAM, Room
from streamlit_app.wording import say


def draw_heading(room: Room, *, is_seen: bool = True) -> None:
    """Draw the heading of a room, the only one of the first level on its page.

    Args:
        is_seen: Whether it is drawn for the eye, and not for screen readers alone.
    """
    heading = element("h1", say(f"navigation.{room}"), cls="lc-room" if is_seen else "lc-live")
    safe_text.draw(heading)


def draw(room: Room, names: Mapping[str, str], parts: Mapping[str, Callable[[], None]]) -> None:
    """Draw the heading, the choice of a part, which stays in the address, and that part.

    Args:
        names: What each part is called.
        parts: What draws each part; the first one is shown unless another is chosen.
    """
    with st.container(horizontal=True, vertical_alignment="center", key="lc_room_head"):
        draw_heading(room)
        part = _pick(room, names, list(parts))
    with shown_errors():
        parts[part]()


def _pick(room: Room, names: Mapping[str, str], parts: Sequence[str]) -> str:
    """Draw the choice of a part; the address says which, so that Back and links change it."""
    key, first = f"{room}_part", parts[0]
    asked = st.query_params.get(PART_PARAM)
    st.session_state[key] = asked if asked in parts else first
    chosen: str | None = st.segmented_control(
        say("room.part"),
        parts,
        format_func=names.__getitem__,
        required=True,
        key=key,
        on_change=_keep,
        args=(key, first),
        label_visibility="collapsed",
    )
    return chosen or first


def _keep(key: str, first: str) -> None:
    address.keep(PART_PARAM, st.session_state[key], first)
