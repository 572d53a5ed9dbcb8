"""How the answers of the runs carry their label, and the tokens they spend after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
import streamlit as st

from db.outcomes.selection import Selection
from streamlit_app import palette
from streamlit_app.charts.stacked_bars import draw_shares
from streamlit_app.components import chart, outcome_items
from streamlit_app.logic.figures import estimate_text, number_text, percent
from streamlit_app.logic.outcomes.run_outcomes import FORM_ORDER
from streamlit_app.logic.outcomes.verbosity import RunForms
from streamlit_app.logic.review.verdict import FORM_WORDS
from streamlit_app.markup import reveal
from streamlit_app.wording import say

MAX_NAMED = 6
# The two without a label are set apart from the five with one.
FORM_COLORS: Mapping[str, str] = {
    "bare": palette.GREEN.chart,
    "leading": palette.BLUE.chart,
    "stated": palette.PURPLE.chart,
    "embedded": palette.OCHRE.chart,
    "inferred": palette.PINK.chart,
    "contradictory": palette.VERMILLION.chart,
    "absent": palette.GREY.chart,
}


def draw(runs: Sequence[RunForms], names: Mapping[str, str]) -> None:
    """Draw the forms of each run's answers as shares of 100 %, and a table of what they cost."""
    if not runs:
        st.info(say("verbosity.no_answers"))
        return
    chart.draw(
        draw_forms(runs, names),
        key="errors_forms",
        alt=say("verbosity.forms_alt"),
        on_click=_choose_form,
        table={
            "run": [names[run.run_id] for run in runs],
            **{form: [run.forms[form] for run in runs] for form in FORM_ORDER},
        },
    )
    st.dataframe(
        forms_table(runs, names),
        hide_index=True,
        key="errors_verbosity",
        alt=say("verbosity.tokens_alt"),
    )
    st.caption(say("verbosity.tokens_note"))
    _name_runs_without_texts(
        [names[run_id] for run_id in set(names) - {one.run_id for one in runs}]
    )


def _name_runs_without_texts(names: Sequence[str]) -> None:
    if names:
        shown = reveal(", ".join(sorted(names)[:MAX_NAMED]))
        num_more = len(names) - MAX_NAMED
        if num_more > 0:
            st.text(say("verbosity.many_runs_without_text", shown=shown, num_more=num_more))
        else:
            st.text(say("verbosity.runs_without_text", shown=shown))


def draw_forms(runs: Sequence[RunForms], names: Mapping[str, str]) -> go.Figure:
    """Draw the forms of each run's answers as percentages of its answers."""
    parts = [(form, FORM_WORDS.get(form, form), FORM_COLORS[form]) for form in FORM_ORDER]
    counts = {names[run.run_id]: run.forms for run in runs}
    return draw_shares(counts, parts, axis=say("verbosity.answers"))


def forms_table(
    runs: Sequence[RunForms], names: Mapping[str, str]
) -> dict[str, list[str | int | float | None]]:
    """Arrange what the answers of each run cost as columns."""
    return {
        say("verbosity.run"): [reveal(names[run.run_id]) for run in runs],
        say("verbosity.num_answers"): [run.num_answers for run in runs],
        say("verbosity.not_bare"): [estimate_text(run.not_bare) for run in runs],
        say("verbosity.tokens_after"): [number_text(run.tokens_past) for run in runs],
        "n": [run.tokens_past.n for run in runs],
        say("verbosity.share_of_tokens"): [percent(run.share_past) for run in runs],
        say("verbosity.characters_after"): [
            "–" if run.characters_past is None else f"{run.characters_past:,.0f}" for run in runs
        ],
    }


def _choose_form() -> None:
    chosen = chart.clicked("errors_forms")
    outcome_items.choose(Selection(text_form=chosen[0] if chosen else None))
