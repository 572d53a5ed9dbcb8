"""Can the label in the text be trusted? What can be told of a run without a head."""

from __future__ import annotations

import streamlit as st

from db.outcome_filter import Selection
from eci.estimates import proportion
from streamlit_app import palette
from streamlit_app.charts.intervals import IntervalRow, draw_intervals
from streamlit_app.components import chart, estimate_card, outcome_items, trust_panel
from streamlit_app.logic.figures import duration, interval_text, percent
from streamlit_app.logic.text_trust import (
    LABELLED_FORMS,
    WAY_WORDS,
    TextTrustView,
    selection_of,
)

WITHOUT_HEAD = (
    "This run has no ECI head, so it gives no confidences: there is no calibration, no slider of "
    "confidence and no set of labels to show. Its text can still be judged by the way in which it "
    "gives its label. For confidences, train or predict with a head on the Training page."
)


def draw(view: TextTrustView) -> None:
    """Draw accuracy by the form of the answer, and what answering alone by form would cost."""
    st.info(WITHOUT_HEAD, icon=":material/info:")
    left, right = st.columns(2, gap="medium")
    with left:
        _draw_forms(view)
    with right:
        draw_alone(view)


def form_rows(view: TextTrustView) -> list[IntervalRow]:
    """Give the accuracy by how the answer gives its label, apart for hedging ones, as rows."""
    rows = []
    for one in view.labelled:
        found = proportion(one.num_right, one.n, "")
        value = found.value or 0.0
        color = palette.GREY if one.is_hedging else palette.TEXT
        rows.append(
            IntervalRow(
                f"{WAY_WORDS[one.way]}{', hedging' if one.is_hedging else ''} (n = {one.n:,})",
                value,
                found.interval.low if found.interval else value,
                found.interval.high if found.interval else value,
                one.n,
                color.chart,
            )
        )
    return rows


def _draw_forms(view: TextTrustView) -> None:
    st.markdown("**Is the label more often right when the text gives it plainly?**")
    rows = form_rows(view)
    if not rows:
        st.info("No answer of these gives a label.")
        return
    chart.draw(
        draw_intervals(rows, axis="Answers that are right (%), 95 % interval"),
        key="errors_text_forms",
        alt="Accuracy by the way in which the answer gives its label",
        on_click=lambda: _choose_form(view),
        table={
            "answer": [row.name for row in rows],
            "items": [row.num_items for row in rows],
            "right": [row.value for row in rows],
            "low": [row.low for row in rows],
            "high": [row.high for row in rows],
        },
    )
    st.caption(
        f"n = {view.n:,} answers that were read; Wilson intervals. Hedging: the answer has words "
        "such as may, could or unclear. Told: whoever made the run says which label the "
        "answer gives, but our reader finds none in it, or there is no text. Click a point to list "
        "its answers."
    )


@st.fragment
def draw_alone(view: TextTrustView) -> None:
    """Draw the choice of what may be answered alone and what follows from it."""
    st.markdown("**Answer alone only when the label is given like this**")
    forms = st.pills(
        "How the text gives its label",
        LABELLED_FORMS,
        format_func=WAY_WORDS.__getitem__,
        selection_mode="multi",
        default=("bare", "leading", "stated"),
        key="errors_alone_forms",
        bind="query-params",
    )
    with_hedging = st.toggle(
        "Also answers with hedging words", value=True, key="errors_alone_hedge"
    )
    answered, wrong = view.alone(forms, with_hedging=with_hedging)
    seconds = trust_panel.pick_seconds(view.review_time)
    reviews = view.n - wrong.n
    with st.container(horizontal=True):
        estimate_card.draw(
            "Answered alone",
            answered,
            explanation=f"{wrong.n:,} answers. Wilson interval, 95 %.",
        )
        estimate_card.draw_text(
            "Errors let through",
            f"{round((wrong.value or 0) * wrong.n):,}",
            f"{percent(wrong.value)} ({interval_text(wrong)})",
            explanation="Wrong answers among those given alone, here and as a share of them; "
            "Wilson interval, 95 %.",
        )
        estimate_card.draw_text(
            "Review created",
            duration(reviews * seconds),
            f"{reviews:,} items",
            explanation=f"All other items, times {seconds:.0f} seconds each.",
        )


def _choose_form(view: TextTrustView) -> None:
    points = st.session_state["errors_text_forms"].selection.points
    chosen = selection_of(view.labelled[int(points[0]["customdata"][0])]) if points else None
    outcome_items.choose(chosen or Selection())
