"""The operating points of a run's model, one row a label set."""

from __future__ import annotations

import streamlit as st

from db.records import Run
from streamlit_app.components import figure_table
from streamlit_app.logic.training.decision_view import decision_table
from streamlit_app.wording import say


def draw(run: Run, heading: str) -> None:
    """Draw how labels are decided and when a person is asked; nothing of a run without any."""
    table = decision_table(run)
    if not table:
        return
    st.text(heading, help=say("decision.about"))
    figure_table.draw(table, alt=say("decision.alt"))
