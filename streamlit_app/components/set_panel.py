"""Figures of items with several right labels: exact match, overlap, and each label on its own."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from db.outcomes.selection import By
from eci.statistics.estimates import Estimate
from eci.statistics.set_metrics import SetReport
from streamlit_app.components import estimate_card, figure_table
from streamlit_app.logic.figures import estimate_text, percent
from streamlit_app.logic.outcomes.run_outcomes import Judged
from streamlit_app.logic.outcomes.set_outcomes import SetCalibration, order_figures
from streamlit_app.markup import reveal
from streamlit_app.wording import say


def draw(reports: Mapping[By, SetReport]) -> None:
    """Draw the figures of text and head, and those of each label under them."""
    st.caption(say("set_panel.note"))
    for by, report in reports.items():
        st.markdown(f"**{say(f'set_panel.{by}')}** · n = {report.n:,}")
        with st.container(horizontal=True):
            estimate_card.draw(
                say("set_panel.exact_match"),
                report.exact_match,
                explanation=say("set_panel.exact_match_help"),
            )
            estimate_card.draw(
                say("set_panel.overlap"), report.jaccard, explanation=say("set_panel.overlap_help")
            )
        figure_table.draw(
            {
                say("set_panel.label"): [reveal(one.label) for one in report.per_label],
                say("set_panel.support"): [one.support for one in report.per_label],
                say("set_panel.given"): [one.predicted for one in report.per_label],
                say("set_panel.precision"): [
                    estimate_text(one.precision) for one in report.per_label
                ],
                say("set_panel.recall"): [estimate_text(one.recall) for one in report.per_label],
            },
            alt=say("set_panel.table_alt", who=say(f"set_panel.{by}")),
        )


def draw_calibration(found: SetCalibration) -> None:
    """Draw how far the probability of each label can be believed."""
    st.caption(say("set_panel.calibration_note"))
    if not found.per_label:
        st.info(say("head_confidence.no_confidences"))
        return
    estimate_card.draw(
        say("set_panel.calibration_error"),
        found.ece,
        explanation=say("set_panel.calibration_error_help"),
    )
    figure_table.draw(
        {
            say("set_panel.label"): [reveal(one.label) for one in found.per_label],
            say("set_panel.mean"): [percent(one.mean) for one in found.per_label],
            say("set_panel.right"): [estimate_text(one.right) for one in found.per_label],
            say("set_panel.label_error"): [estimate_text(one.ece) for one in found.per_label],
            say("set_panel.brier"): [_number(one.brier)[0] for one in found.per_label],
        },
        alt=say("set_panel.calibration_alt"),
    )


def _number(estimate: Estimate) -> tuple[str, str]:
    """Return a number and, as its note, its interval or why there is none."""
    if estimate.value is None or estimate.interval is None:
        return "–", estimate.undefined_because or ""
    low, high = (f"{end:.2f}" for end in (estimate.interval.low, estimate.interval.high))
    return f"{estimate.value:.2f}", say("figures.interval", low=low, high=high)


def draw_order(judged: Mapping[By, Judged]) -> None:
    """Draw how far text and head are from the gold labels in their order."""
    with st.container(horizontal=True):
        for by, one in judged.items():
            figures = order_figures(one)
            name = say(f"set_panel.{by}")
            estimate_card.draw_text(
                say("set_panel.weighted_kappa", who=name),
                *_number(figures.kappa),
                explanation=say("set_panel.weighted_kappa_help", n=figures.kappa.n),
            )
            estimate_card.draw_text(
                say("set_panel.rank_error", who=name),
                *_number(figures.rank_error),
                explanation=say("set_panel.rank_error_help", n=figures.rank_error.n),
            )
