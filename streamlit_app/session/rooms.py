"""The rooms of the app: who finds which in the navigation, and the way to a part of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NoReturn
from urllib.parse import urlencode

import streamlit as st

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
PART_PARAM: Final = "part"
"""Name in the address of the part of a room."""


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
