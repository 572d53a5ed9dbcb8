"""What a new run would learn from, what is missing, and what more labels would bring."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from db.content.overview import ItemCount, count_items_by_label
from db.viewer import Viewer
from streamlit_app import safe_text
from streamlit_app.charts.label_counts import draw_label_counts
from streamlit_app.components import chart
from streamlit_app.errors import OUR_ERRORS
from streamlit_app.logic.outcomes.matrix import order_labels
from streamlit_app.logic.training.readiness import (
    Line,
    gain_words,
    label_balance,
    missing_words,
    readiness_lines,
)
from streamlit_app.markup import Html, element, join
from streamlit_app.server import services
from streamlit_app.wording import say
from training.control.learning_curve import learning_curve
from training.control.triggers import Readiness

NUM_NEW = (50, 200)
_GAIN = "training_gain"
_CELL = "border: 0; padding: .15rem 1.2rem .15rem 0; text-align: left; vertical-align: top"
_SIGNS = {True: ("✓", "lc-right"), False: ("!", "lc-wrong"), None: ("·", "lc-quiet")}


def draw(viewer: Viewer, found: Readiness) -> None:
    """Draw the meter for a viewer."""
    counts = count_items_by_label(services.database().cursor(), viewer)
    st.header(say("readiness.title"), divider="gray", anchor=False)
    safe_text.draw(element("table", *(_row(line) for line in readiness_lines(found))))
    _draw_balance(counts)
    missing = missing_words(found, counts)
    if missing:
        with st.expander(say("readiness.missing", num_missing=len(missing))):
            safe_text.draw(element("ul", join(*(element("li", text) for text in missing))))
    st.button(
        say("readiness.project"),
        key="training_project",
        on_click=_project,
        args=(viewer,),
        help=say("readiness.project_help"),
    )
    for text in st.session_state.get(_GAIN, ()):
        safe_text.draw_line(text)


def _draw_balance(counts: Sequence[ItemCount]) -> None:
    """Draw how many items that a run may learn from carry which label, a bar a label set."""
    balance = label_balance(counts)
    if not balance:
        return
    labels = order_labels(
        ("yes", "no", "maybe"), {label for part in balance.values() for label in part}
    )
    rows = [(name, label, count) for name, part in balance.items() for label, count in part.items()]
    st.caption(say("readiness.balance"))
    chart.draw(
        draw_label_counts(balance, labels),
        key="training_balance",
        alt=say("readiness.balance"),
        table={
            "labels": [name for name, _, _ in rows],
            "label": [label for _, label, _ in rows],
            "items": [count for _, _, count in rows],
        },
    )


def _row(line: Line) -> Html:
    sign, cls = _SIGNS[line.is_fine]
    return element(
        "tr",
        element("td", element("span", sign, cls=cls, aria_hidden="true"), style=_CELL),
        element("th", line.name, scope="row", style=_CELL),
        element("td", line.value, style=_CELL),
    )


def _project(viewer: Viewer) -> None:
    try:
        curve = learning_curve(services.database(), viewer)
    except OUR_ERRORS as error:
        st.session_state[_GAIN] = [str(error)]
        return
    st.session_state[_GAIN] = [text for number in NUM_NEW for text in gain_words(curve, number)]
