"""How the answers of the runs carry their label, and the tokens they spend after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
# The two that give no label stand apart from the four that do.
FORM_COLORS: Mapping[str, str] = {
    "bare": palette.GREEN.chart,
    "leading": palette.BLUE.chart,
    "stated": palette.PURPLE.chart,
    "embedded": palette.OCHRE.chart,
    "contradictory": palette.VERMILLION.chart,
    "absent": palette.GREY.chart,
}


def draw(runs: Sequence[RunForms], names: Mapping[str, str]) -> None:
    """Draw the forms of each run's answers as shares of 100 %, and a table of what they cost."""
    if not runs:
        st.info(say("redundancy.no_run_answers"))
        return
    chart.draw(
        draw_shares(
            {names[run.run_id]: run.forms for run in runs},
            form_parts(),
            axis=say("redundancy.answers"),
        ),
        key="errors_forms",
        alt=say("redundancy.how_answers_each"),
        on_click=_choose_form,
        table={
            "run": [names[run.run_id] for run in runs],
            **{form: [run.forms[form] for run in runs] for form in FORM_ORDER},
        },
    )
    st.dataframe(
        forms_table(runs, names),
        hide_index=True,
        key="errors_redundancy",
        alt=say("redundancy.tokens_after_label"),
    )
    st.caption(say("redundancy.tokens_after_label_estimated"))
    _name_runs_without_texts(
        [names[run_id] for run_id in set(names) - {one.run_id for one in runs}]
    )


def _name_runs_without_texts(names: Sequence[str]) -> None:
    if names:
        more = (
            say("redundancy.more", num_more=len(names) - MAX_NAMED)
            if len(names) > MAX_NAMED
            else ""
        )
        shown = ", ".join(sorted(names)[:MAX_NAMED])
        st.text(say("redundancy.without_texts_were", shown=reveal(shown), more=more))


def form_parts() -> list[tuple[str, str, str]]:
    """Return key, name and colour of each form, in order."""
    return [(form, FORM_WORDS.get(form, form), FORM_COLORS[form]) for form in FORM_ORDER]


def forms_table(
    runs: Sequence[RunForms], names: Mapping[str, str]
) -> dict[str, list[str | int | float | None]]:
    """Arrange what the answers of each run cost as columns."""
    return {
        say("redundancy.run"): [reveal(names[run.run_id]) for run in runs],
        say("redundancy.num_answers"): [run.num_answers for run in runs],
        say("redundancy.not_bare"): [estimate_text(run.not_bare) for run in runs],
        say("redundancy.tokens_after"): [number_text(run.tokens_past) for run in runs],
        "n": [run.tokens_past.n for run in runs],
        say("redundancy.wasted_all_tokens"): [percent(run.share_past) for run in runs],
        say("redundancy.characters_after_label"): [
            "–" if run.characters_past is None else f"{run.characters_past:,.0f}" for run in runs
        ],
    }


def _choose_form() -> None:
    points = st.session_state["errors_forms"].selection.points
    chosen = points[0]["customdata"][0] if points else None
    outcome_items.choose(Selection(text_form=chosen))
