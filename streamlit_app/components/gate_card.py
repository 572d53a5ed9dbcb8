"""What the gate found of a challenger: every check, then the figures behind them."""

from __future__ import annotations

from collections.abc import Iterator

import streamlit as st

from streamlit_app import palette, safe_text
from streamlit_app.charts.intervals import IntervalRow, draw_intervals
from streamlit_app.components import chart
from streamlit_app.logic.label_sets import label_set_words
from streamlit_app.logic.outcomes.run_outcomes import drawn_words
from streamlit_app.logic.training.models_view import (
    estimate_words,
    headline,
    in_words,
    recall_table,
    slice_table,
    uses_note,
)
from streamlit_app.markup import Html, element, reveal
from streamlit_app.wording import say
from training.evaluation.gate_checks import MARGIN, RECALL_MARGIN
from training.evaluation.gate_report import Check, GateReport, SetGate

_CELL = "padding: .3rem 1rem .3rem 0; text-align: left; vertical-align: top; border: 0"
_SIGNS = {"fail": ("✗", "lc-wrong"), "unsure": ("?", "lc-wrong"), "pass": ("✓", "lc-right")}
"""Sign and class of each verdict, in the order in which checks are drawn."""


def draw(report: GateReport) -> None:
    """Draw the verdict, the checks and the figures."""
    safe_text.draw_notice(headline(report), kind="success" if report.passed else "warning")
    order = list(_SIGNS)
    checks = sorted(report.all_checks, key=lambda check: order.index(check.verdict))
    rows = (_row(check, report) for check in checks)
    safe_text.draw(element("table", element("tbody", *rows)))
    _draw_differences(report)
    st.caption(uses_note(report))
    with st.expander(say("gate.details")):
        for place, one in enumerate(report.sets):
            _draw_set(one, place)
        if report.slices:
            st.markdown(say("gate.slices_heading"))
            st.dataframe(slice_table(report.slices), hide_index=True, key="models_slices")
        st.caption(say("gate.method_note", test_digest=report.test_digest))


def _draw_differences(report: GateReport) -> None:
    """Draw each compared figure as an interval, against the margin that it must not fall below."""
    rows = [row for one in report.sets for row in _differences(one)]
    if not rows:
        return
    chart.draw(
        draw_intervals(
            rows,
            axis=say("gate.differences_axis"),
            is_difference=True,
            thresholds={say("gate.margin"): -MARGIN, say("gate.recall_margin"): -RECALL_MARGIN},
        ),
        key="models_gate",
        alt=say("gate.differences_alt"),
        table={
            "figure": [row.name for row in rows],
            "difference": [row.value for row in rows],
            "low": [row.low for row in rows],
            "high": [row.high for row in rows],
            "items": [row.num_items for row in rows],
        },
    )
    st.caption(say("gate.differences_note"))


def _differences(one: SetGate) -> Iterator[IntervalRow]:
    found = [
        (say("gate.accuracy"), one.comparison.accuracy_difference, 1),
        ("Macro-F1", one.comparison.macro_f1_difference, 1),
        *([(say("set_panel.overlap"), one.overlap[2], 1)] if one.overlap else []),
        *((say("gate.recall_of", label=reveal(each.label)), each.rise, 1) for each in one.recalls),
    ]
    if one.ece_rise is not None:
        found.append((say("gate.calibration"), one.ece_rise, -1))
    for name, estimate, sign in found:
        if estimate.value is None or estimate.interval is None:
            continue
        low, high = sorted((sign * estimate.interval.low, sign * estimate.interval.high))
        named = f"{label_set_words(one.label_set)}: {name}"
        tone = palette.WRONG if high < 0 else palette.HEAD
        yield IntervalRow(named, sign * estimate.value, low, high, estimate.n, tone.chart)


def _row(check: Check, report: GateReport) -> Html:
    sign, cls = _SIGNS[check.verdict]
    mark = element("span", sign, cls=cls, title=say(f"gate.{check.verdict}"))
    return element(
        "tr",
        element("td", mark, style=_CELL),
        element("td", in_words(check.name, report), style=_CELL),
        element("td", in_words(check.finding, report), cls="lc-quiet", style=_CELL),
    )


def _draw_set(one: SetGate, place: int) -> None:
    safe_text.draw(element("h3", label_set_words(one.label_set)))
    safe_text.draw(element("p", one.comparison.sentence))
    if one.drawn is not None:
        safe_text.draw(element("p", drawn_words(one.drawn.difference)))
    rows = [
        (say("gate.accuracy"), *one.accuracies),
        ("Macro-F1", one.macro_f1_before, one.macro_f1_after),
        *([(say("set_panel.overlap"), *one.overlap[:2])] if one.overlap else []),
        (say("gate.calibration_error"), one.ece_before, one.ece_after),
    ]
    names = (say("gate.figure"), say("gate.before"), say("gate.after"))
    cells = [
        (name, *("–" if each is None else estimate_words(each) for each in both))
        for name, *both in rows
    ]
    figures = dict(zip(names, zip(*cells, strict=True), strict=True))
    left, right = st.columns(2)
    with left:
        st.dataframe(figures, hide_index=True, key=f"models_figures_{place}")
    with right:
        st.dataframe(recall_table(one), hide_index=True, key=f"models_recalls_{place}")
