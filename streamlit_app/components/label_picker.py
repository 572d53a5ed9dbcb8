"""The label buttons of an item."""

from __future__ import annotations

import streamlit as st

from db.records import Item
from streamlit_app.markup import widget_label
from streamlit_app.wording import say


def label_key(item_id: str, page: str) -> str:
    """Return the session key that holds the label picked for an item on a page."""
    return f"{page}_label_{item_id}"


def picked(item: Item, page: str) -> str | None:
    """Return the label picked for an item: of several, their set."""
    chosen = st.session_state.get(label_key(item.item_id, page))
    names = [] if chosen is None else [chosen] if isinstance(chosen, str) else [*chosen]
    return item.label_of(names)


def draw(item: Item, *, page: str) -> None:
    """Draw one button a label; the choice is held under :func:`label_key` until it is saved.

    A press is drawn by the browser at once and does not rerun the page: the server hears of it
    together with Save.

    Args:
        item: Its id is part of the key, so that no press can reach another item.
        page: The page that asks, part of the key.
    """
    labels = item.labels
    if not labels:
        return
    named = labels[0] in ("yes", "no", "maybe")
    with st.container(key=f"review_picker_{'named' if named else 'ordered'}"):
        st.segmented_control(
            say("review.your_label"),
            labels,
            selection_mode="multi" if item.is_several else "single",
            format_func=lambda label: widget_label(label, labels.index(label)),
            key=label_key(item.item_id, page),
            on_change="ignore",
            label_visibility="collapsed",
            width="stretch",
        )
