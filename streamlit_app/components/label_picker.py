"""The label buttons of an item."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from streamlit_app.markup import widget_label
from streamlit_app.wording import say


def label_key(item_id: str, page: str) -> str:
    """Return the session key that holds the label picked for an item on a page."""
    return f"{page}_label_{item_id}"


def draw(item_id: str, labels: Sequence[str], current: str | None = None, *, page: str) -> None:
    """Draw one button a label; the choice is held under :func:`label_key` until it is saved.

    A press is drawn by the browser at once and does not rerun the page: the server hears of it
    together with Save.

    Args:
        item_id: Part of the key, so that no press can reach another item.
        labels: The item's labels in order.
        current: The reviewer's own label, standing or drafted, chosen from the start.
        page: The page that asks, part of the key.
    """
    named = labels[0] in ("yes", "no", "maybe")
    with st.container(key=f"review_picker_{'named' if named else 'ordered'}"):
        st.segmented_control(
            say("review.your_label"),
            labels,
            default=current,
            format_func=lambda label: widget_label(label, labels.index(label)),
            key=label_key(item_id, page),
            on_change="ignore",
            label_visibility="collapsed",
            width="stretch",
        )
