"""What the gate found of a challenger: every check, then the figures behind them."""

from __future__ import annotations

import streamlit as st

from streamlit_app import safe_text
from streamlit_app.logic.outcomes.run_outcomes import drawn_words
from streamlit_app.logic.training.models_view import (
    estimate_words,
    headline,
    recall_table,
    slice_table,
    uses_note,
)
from streamlit_app.markup import Html, element
from streamlit_app.wording import say
from training.evaluation.gate_report import Check, GateReport, SetGate

_CELL = "padding: .3rem 1rem .3rem 0; text-align: left; vertical-align: top; border: 0"
_SIGNS = {"fail": ("✗", "lc-wrong"), "unsure": ("?", "lc-wrong"), "pass": ("✓", "lc-right")}
"""Sign and class of each verdict, in the order in which checks are drawn."""


def draw(report: GateReport) -> None:
    """Draw the verdict, the checks and the figures."""
    safe_text.draw_notice(headline(report), kind="success" if report.passed else "warning")
    order = list(_SIGNS)
    rows = (_row(c) for c in sorted(report.all_checks, key=lambda c: order.index(c.verdict)))
    safe_text.draw(element("table", element("tbody", *rows)))
    st.caption(uses_note(report))
    with st.expander(say("gate.details")):
        for place, one in enumerate(report.sets):
            _draw_set(one, place)
        if report.slices:
            st.markdown(say("gate.slices_heading"))
            st.dataframe(slice_table(report.slices), hide_index=True, key="models_slices")
        st.caption(say("gate.method_note", test_digest=report.test_digest))


def _row(check: Check) -> Html:
    sign, cls = _SIGNS[check.verdict]
    mark = element("span", sign, cls=cls, title=say(f"gate.{check.verdict}"))
    return element(
        "tr",
        element("td", mark, style=_CELL),
        element("td", check.name, style=_CELL),
        element("td", check.finding, cls="lc-quiet", style=_CELL),
    )


def _draw_set(one: SetGate, place: int) -> None:
    safe_text.draw(element("h4", one.label_set))
    safe_text.draw(element("p", one.comparison.sentence))
    if one.drawn is not None:
        safe_text.draw(element("p", drawn_words(one.drawn.difference)))
    figures = {
        say("gate.figure"): [say("gate.accuracy"), "Macro-F1", say("gate.calibration_error")],
        say("gate.before"): [
            estimate_words(one.accuracies[0]),
            estimate_words(one.macro_f1_before),
            "–" if one.ece_before is None else estimate_words(one.ece_before),
        ],
        say("gate.after"): [
            estimate_words(one.accuracies[1]),
            estimate_words(one.macro_f1_after),
            estimate_words(one.ece_after),
        ],
    }
    left, right = st.columns(2)
    with left:
        st.dataframe(figures, hide_index=True, key=f"models_figures_{place}")
    with right:
        st.dataframe(recall_table(one), hide_index=True, key=f"models_recalls_{place}")
