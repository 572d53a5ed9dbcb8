"""How far the text label can be trusted: what is known of a run without a head."""

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
from streamlit_app.session import sign_in
from streamlit_app.wording import say, say_count

WITHOUT_HEAD = say("text_confidence.no_head_notice")


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
    rows = []
    for one in view.labelled:
        found = proportion(one.num_right, one.n, "")
        value = found.value or 0.0
        color = palette.GREY if one.is_hedging else palette.TEXT
        form = WAY_WORDS[one.way]
        if one.is_hedging:
            form = say("text_confidence.form_with_hedging", form=form)
        rows.append(
            IntervalRow(
                f"{form} (n = {one.n:,})",
                value,
                found.interval.low if found.interval else value,
                found.interval.high if found.interval else value,
                one.n,
                color.chart,
            )
        )
    return rows


def _draw_forms(view: TextTrustView) -> None:
    st.markdown(say("text_confidence.forms_heading"))
    rows = form_rows(view)
    if not rows:
        st.info(say("text_confidence.no_labels"))
        return
    chart.draw(
        draw_intervals(rows, axis=say("text_confidence.accuracy_axis")),
        key="errors_text_forms",
        alt=say("text_confidence.forms_alt"),
        on_click=lambda: _choose_form(view),
        table={
            "answer": [row.name for row in rows],
            "items": [row.num_items for row in rows],
            "right": [row.value for row in rows],
            "low": [row.low for row in rows],
            "high": [row.high for row in rows],
        },
    )
    st.caption(say("text_confidence.forms_note", n=view.n))


@sign_in.fragment()
def draw_alone(view: TextTrustView) -> None:
    """Draw the choice of what may be answered alone and what follows from it."""
    st.markdown(say("text_confidence.automatic_heading"))
    forms = st.pills(
        say("text_confidence.answer_form"),
        LABELLED_FORMS,
        format_func=WAY_WORDS.__getitem__,
        selection_mode="multi",
        default=("bare", "leading", "stated"),
        key="errors_alone_forms",
        bind="query-params",
    )
    with_hedging = st.toggle(
        say("text_confidence.include_hedging"), value=True, key="errors_alone_hedge"
    )
    answered, wrong = view.alone(forms, with_hedging=with_hedging)
    seconds = confidence_panel.pick_seconds(view.review_time)
    reviews = view.n - wrong.n
    with st.container(horizontal=True):
        estimate_card.draw(
            say("text_confidence.automatic"),
            answered,
            explanation=say("text_confidence.automatic_help", n=wrong.n),
        )
        estimate_card.draw_text(
            say("text_confidence.errors"),
            f"{round((wrong.value or 0) * wrong.n):,}",
            f"{percent(wrong.value)} ({interval_text(wrong)})",
            explanation=say("text_confidence.errors_help"),
        )
        estimate_card.draw_text(
            say("text_confidence.workload"),
            duration(reviews * seconds),
            say_count("figures.items", reviews),
            explanation=say("text_confidence.workload_help", seconds=seconds),
        )


def _choose_form(view: TextTrustView) -> None:
    clicked = chart.clicked("errors_text_forms")
    chosen = selection_of(view.labelled[int(clicked[0])]) if clicked else None
    outcome_items.choose(chosen or Selection())
