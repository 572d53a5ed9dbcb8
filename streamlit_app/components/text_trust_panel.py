"""Can the label in the text be trusted? What can be told of a run without a head."""

from __future__ import annotations

import streamlit as st

from db.outcomes.selection import Selection
from eci.statistics.estimates import proportion
from streamlit_app import palette
from streamlit_app.charts.intervals import IntervalRow, draw_intervals
from streamlit_app.components import chart, confidence_panel, estimate_card, outcome_items
from streamlit_app.logic.figures import duration, interval_text, percent
from streamlit_app.logic.outcomes.text_trust import (
    LABELLED_FORMS,
    WAY_WORDS,
    TextTrustView,
    selection_of,
)
from streamlit_app.wording import say, say_count

WITHOUT_HEAD = say("text_trust.run_no_eci")


def draw(view: TextTrustView) -> None:
    """Draw accuracy by the form of the answer, and what answering alone by form would cost."""
    st.info(WITHOUT_HEAD, icon=":material/info:")
    left, right = st.columns(2, gap="medium")
    with left:
        _draw_forms(view)
    with right:
        draw_alone(view)


def form_rows(view: TextTrustView) -> list[IntervalRow]:
    """Return the accuracy by how the answer gives its label, apart for hedging ones, as rows."""
    rows, hedging = [], say("text_trust.hedging")
    for one in view.labelled:
        found = proportion(one.num_right, one.n, "")
        value = found.value or 0.0
        color = palette.GREY if one.is_hedging else palette.TEXT
        rows.append(
            IntervalRow(
                f"{WAY_WORDS[one.way]}{hedging if one.is_hedging else ''} (n = {one.n:,})",
                value,
                found.interval.low if found.interval else value,
                found.interval.high if found.interval else value,
                one.n,
                color.chart,
            )
        )
    return rows


def _draw_forms(view: TextTrustView) -> None:
    st.markdown(say("text_trust.label_more_often"))
    rows = form_rows(view)
    if not rows:
        st.info(say("text_trust.no_answer_these"))
        return
    chart.draw(
        draw_intervals(rows, axis=say("text_trust.answers_right_interval")),
        key="errors_text_forms",
        alt=say("text_trust.accuracy_by_way"),
        on_click=lambda: _choose_form(view),
        table={
            "answer": [row.name for row in rows],
            "items": [row.num_items for row in rows],
            "right": [row.value for row in rows],
            "low": [row.low for row in rows],
            "high": [row.high for row in rows],
        },
    )
    st.caption(say("text_trust.n_answers_were", n=view.n))


@st.fragment
def draw_alone(view: TextTrustView) -> None:
    """Draw the choice of what may be answered alone and what follows from it."""
    st.markdown(say("text_trust.answer_alone_only"))
    forms = st.pills(
        say("text_trust.how_text_gives"),
        LABELLED_FORMS,
        format_func=WAY_WORDS.__getitem__,
        selection_mode="multi",
        default=("bare", "leading", "stated"),
        key="errors_alone_forms",
        bind="query-params",
    )
    with_hedging = st.toggle(
        say("text_trust.also_answers_hedging"), value=True, key="errors_alone_hedge"
    )
    answered, wrong = view.alone(forms, with_hedging=with_hedging)
    seconds = confidence_panel.pick_seconds(view.review_time)
    reviews = view.n - wrong.n
    with st.container(horizontal=True):
        estimate_card.draw(
            say("text_trust.answered_alone"),
            answered,
            explanation=say("text_trust.answers_help", n=wrong.n),
        )
        estimate_card.draw_text(
            say("text_trust.errors_let_through"),
            f"{round((wrong.value or 0) * wrong.n):,}",
            f"{percent(wrong.value)} ({interval_text(wrong)})",
            explanation=say("text_trust.wrong_answers_among"),
        )
        estimate_card.draw_text(
            say("text_trust.review_created"),
            duration(reviews * seconds),
            say_count("figures.items", reviews),
            explanation=say("text_trust.all_other_items", seconds=seconds),
        )


def _choose_form(view: TextTrustView) -> None:
    points = st.session_state["errors_text_forms"].selection.points
    chosen = selection_of(view.labelled[int(points[0]["customdata"][0])]) if points else None
    outcome_items.choose(chosen or Selection())
