"""What the gate found of a challenger: every check, then the figures behind them."""

from __future__ import annotations

import streamlit as st

from streamlit_app.components import safe_text
from streamlit_app.logic.models_view import (
    estimate_words,
    headline,
    recall_table,
    slice_table,
)
from streamlit_app.text_safety import Html, element
from training.gate import Check, GateReport, SetGate

_CELL = "padding: .3rem 1rem .3rem 0; text-align: left; vertical-align: top; border: 0"


def draw(report: GateReport) -> None:
    """Draw the verdict, the checks and the figures."""
    safe_text.draw_notice(headline(report), kind="success" if report.passed else "warning")
    failed_first = sorted(report.all_checks, key=lambda check: check.verdict == "pass")
    rows = (_row(check) for check in failed_first)
    safe_text.draw(element("table", element("tbody", *rows)))
    with st.expander("The figures behind the checks"):
        for place, one in enumerate(report.sets):
            _draw_set(one, place)
        if report.slices:
            st.markdown("**Slices of the test split**")
            st.dataframe(slice_table(report.slices), hide_index=True, key="models_slices")
        st.caption(
            f"Test split and its labels of record: {report.test_digest}. p values of slices are "
            "adjusted for their number (Benjamini and Hochberg)."
        )


def _row(check: Check) -> Html:
    is_fine = check.verdict == "pass"
    sign = element(
        "span",
        "✓" if is_fine else "✗",
        cls="lc-right" if is_fine else "lc-wrong",
        title="holds" if is_fine else "does not hold",
    )
    return element(
        "tr",
        element("td", sign, style=_CELL),
        element("td", check.name, style=_CELL),
        element("td", check.finding, cls="lc-quiet", style=_CELL),
    )


def _draw_set(one: SetGate, place: int) -> None:
    safe_text.draw(element("h4", one.label_set))
    safe_text.draw(element("p", one.comparison.sentence))
    figures = {
        "Figure": ["Accuracy", "Macro-F1", "Calibration error (ECE)"],
        "Before": [
            estimate_words(one.comparison.accuracy_a),
            estimate_words(one.macro_f1_before),
            "–" if one.ece_before is None else estimate_words(one.ece_before),
        ],
        "After": [
            estimate_words(one.comparison.accuracy_b),
            estimate_words(one.macro_f1_after),
            estimate_words(one.ece_after),
        ],
    }
    left, right = st.columns(2)
    with left:
        st.dataframe(figures, hide_index=True, key=f"models_figures_{place}")
    with right:
        st.dataframe(recall_table(one), hide_index=True, key=f"models_recalls_{place}")
