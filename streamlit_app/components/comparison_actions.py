"""From a comparison to work: the listed items become a queue, a file or a link."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from db.outcomes.run_pairs import Change, PairFilter, PairRow, list_pairs
from streamlit_app.components import link_popover, queue_form, selection_actions
from streamlit_app.logic.tables import csv_bytes
from streamlit_app.server import services
from streamlit_app.session import sign_in
from streamlit_app.wording import say

MAX_EXPORTED = 1_000_000


def draw(flt: PairFilter, change: Change, total: int, names: Mapping[str, str], shown: str) -> None:
    """Draw what can be done with the items of one change.

    Args:
        shown: The change in words.
        names: Of the runs, by id, as their pickers show them.
    """
    with st.container(horizontal=True, vertical_alignment="center", key="lc_bar_compare"):
        selection_actions.draw_count(total, shown)
        source = queue_form.of_items(
            say("pair_work.change", change=shown, a=names[flt.run_a], b=names[flt.run_b]),
            total,
            lambda: [row.item_id for row in _rows(flt, change, MAX_EXPORTED)],
            flt.run_b,
        )
        person = sign_in.current_person()
        queue_form.draw_review("compare_queue", source, person)
        queue_form.draw("compare_queue", say("pair_work.queue"), source, person)
        st.download_button(
            say("pair_work.export"),
            data=sign_in.checked(lambda: pairs_csv(flt, change)),
            file_name="compared.csv",
            mime="text/csv",
            key="compare_export",
            icon=":material/download:",
            on_click="ignore",
            help=say("pair_work.export_help"),
        )
        link_popover.draw({"compare_a": names[flt.run_a], "compare_b": names[flt.run_b]})


def pairs_csv(flt: PairFilter, change: Change) -> bytes:
    """Write the items of one change with both runs' labels."""
    rows = _rows(flt, change, MAX_EXPORTED)
    return csv_bytes(
        {
            "item_id": [row.item_id for row in rows],
            "question": [row.question for row in rows],
            "gold_label": [row.gold for row in rows],
            "label_a": [row.label_a for row in rows],
            "label_b": [row.label_b for row in rows],
            "change": [row.change for row in rows],
        }
    )


def _rows(flt: PairFilter, change: Change, limit: int) -> list[PairRow]:
    return list_pairs(services.database().cursor(), flt, change, limit=limit)
