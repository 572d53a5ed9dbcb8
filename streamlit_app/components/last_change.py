"""What a run changed on the test items, next to the run it was started from."""

from __future__ import annotations

import streamlit as st

from db.outcomes.run_pairs import list_pairs
from streamlit_app.components import figure_table, item_table
from streamlit_app.logic.home_figures import LastChange
from streamlit_app.logic.outcomes.comparison import CHANGE_WORDS, pair_table
from streamlit_app.markup import reveal
from streamlit_app.server import services
from streamlit_app.session.state import open_comparison
from streamlit_app.wording import say

MAX_LISTED = 5
"""Items listed of each kind and label set; Compare has them all."""


def draw(change: LastChange, room: str, *, with_items: bool = False) -> None:
    """Draw how many items the run fixed and broke, and the way to all of them.

    Args:
        room: Where it is drawn; begins the keys of the widgets.
        with_items: List the first of these items too, each a way into Review.
    """
    counts = {
        CHANGE_WORDS["fixed"]: [f"{change.num_fixed:,}"],
        CHANGE_WORDS["broken"]: [f"{change.num_broken:,}"],
        say("last_change.compared"): [f"{change.n:,}"],
    }
    name = reveal(services.run_names()[change.run.run_id])
    figure_table.draw({say("last_change.run"): [name], **counts}, alt=say("last_change.heading"))
    if with_items and change.num_fixed + change.num_broken:
        _draw_items(change, room)
    if st.button(say("last_change.see_all"), key=f"{room}_compare"):
        open_comparison(change.base.run_id, change.run.run_id)


def _draw_items(change: LastChange, room: str) -> None:
    cur = services.database().cursor()
    rows = [
        row
        for kind in ("fixed", "broken")
        for pair in change.pairs
        for row in list_pairs(cur, pair, kind, limit=MAX_LISTED)
    ]
    item_table.draw(
        rows,
        pair_table(rows, say("column.before"), say("column.now")),
        lambda row: row.item_id,
        key=f"{room}_changed",
        run_id=change.run.run_id,
        column_config={say("compare.question"): st.column_config.TextColumn(width="large")},
        alt=say("last_change.items_alt"),
    )
