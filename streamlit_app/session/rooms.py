"""The rooms of the app: who finds which in the navigation, and the way to a part of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NoReturn, get_args
from urllib.parse import urlencode, urlsplit

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from db.records import Role

Room = Literal[
    "home",
    "review",
    "queues",
    "items",
    "agreement",
    "quality",
    "training",
    "settings",
    "guidelines",
    "glossary",
]
"""Each is the file of this name in ``views/``, and its address."""

ROOMS_OF: Final[Mapping[Role, tuple[Room, ...]]] = {
    "reviewer": ("home", "review", "guidelines"),
    "adjudicator": (
        *("home", "review", "queues", "agreement", "items", "quality", "training", "settings"),
    ),
    "engineer": (
        *("home", "quality", "training", "items", "agreement", "queues", "review", "settings"),
    ),
    "admin": (
        *("home", "review", "queues", "items", "agreement", "quality", "training", "settings"),
    ),
    "none": ("home",),
}
"""The rooms in the navigation by role, in the order in which it needs them.

What is not in it has an address all the same: what a person may do is checked in ``db``.
"""
_ADDRESS: Final = "room_in_address"
PART_PARAM: Final = "part"
"""Name in the address of the part of a room."""


def heed_address() -> None:
    """Make ``st.navigation`` open the room of the browser's address where no room was asked for.

    A browser whose line broke before its first page was drawn knows none, and asks for the app's
    script, or nothing, when it is connected again; Streamlit then opens the default page, whatever
    the address.
    """
    context = get_script_run_ctx()
    if context is None:
        return
    if st.context.url:
        name = urlsplit(st.context.url).path.rstrip("/").rpartition("/")[2]
        st.session_state[_ADDRESS] = name if name in get_args(Room) else ""
    pages = context.pages_manager
    is_asked = pages.intended_page_script_hash not in {None, "", pages.main_script_hash}
    if not is_asked and not pages.intended_page_name:
        pages.set_script_intent("", st.session_state.get(_ADDRESS, ""))


def go_to(room: Room, part: str | None = None, **params: str) -> NoReturn:
    """Open a room, at one of its parts; the parameters go into the address."""
    if part is not None:
        params[PART_PARAM] = part
    # Given even where it is empty: without it Streamlit refuses to leave while a widget keeps its
    # value in the address.
    st.switch_page(f"views/{room}.py", query_params=params)


def address_of(room: Room, **params: str) -> str:
    """Return the whole address of a room, to hand on to others."""
    folder = (st.context.url or "").split("?")[0].rsplit("/", 1)[0]
    return f"{folder}/{room}?{urlencode(params)}"
