"""Can the head's confidence be trusted, and what happens when it answers alone?"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from db.outcomes.counts import Bin, ReviewTime
from db.outcomes.selection import Selection
from eci.statistics.estimates import Estimate
from streamlit_app import palette
from streamlit_app.charts.reliability import ReliabilityPoint, draw_reliability
from streamlit_app.charts.risk import draw_risk
from streamlit_app.charts.stacked_bars import draw_shares
from streamlit_app.components import chart, estimate_card, figure_table, outcome_items
from streamlit_app.logic.figures import (
    duration,
    estimate_text,
    interval_text,
    number_text,
    percent,
)
from streamlit_app.logic.outcomes.confidence import (
    ALPHA,
    ASSUMED_SECONDS,
    Calibration,
    TrustView,
    bin_accuracy,
    seconds_per_item,
)
from streamlit_app.markup import reveal
from streamlit_app.session import sign_in
from streamlit_app.wording import say, say_count

_SIZE_COLORS = (
    palette.GREY.chart,
    palette.BLUE.chart,
    palette.OCHRE.chart,
    palette.PURPLE.chart,
    palette.VERMILLION.chart,
    palette.GREEN.chart,
)


def draw(view: TrustView) -> None:
    """Draw calibration, answering alone and sets of labels."""
    left, right = st.columns(2, gap="medium")
    with left:
        _draw_calibration(view)
    with right:
        draw_alone(view)
    _draw_sets(view)


def calibration_sentence(found: Calibration) -> str:
    """Return in one sentence whether confidences are calibrated."""
    if found.ece.value is None or found.by_chance is None:
        return say("head_confidence.no_confidences")
    key = "head_confidence.miscalibrated" if found.is_off else "head_confidence.not_miscalibrated"
    return say(key, percent=percent(found.ece.value), chance=percent(found.by_chance.high))


def _draw_calibration(view: TrustView) -> None:
    st.markdown(
        say("head_confidence.calibration_heading"), help=say("head_confidence.calibration_help")
    )
    st.text(calibration_sentence(view.given))
    after = view.rescaled
    chart.draw(
        draw_reliability(points_of(view.given.bins), points_of(after.bins) if after else ()),
        key="errors_reliability",
        alt=say("head_confidence.reliability_alt"),
        on_click=_choose_bin,
        table=_bins_table(view.given.bins),
    )
    rows = [(say("head_confidence.as_predicted"), view.given)]
    if after is not None:
        rows.append((say("head_confidence.rescaled"), after))
    figure_table.draw(
        {
            say("head_confidence.probabilities"): [name for name, _ in rows],
            say("head_confidence.calibration_error"): [
                estimate_text(found.ece) for _, found in rows
            ],
            say("head_confidence.by_chance"): [
                f"{100 * found.by_chance.high:.1f}" if found.by_chance else "–" for _, found in rows
            ],
            say("head_confidence.brier_score"): [number_text(found.brier, 3) for _, found in rows],
            "n": [found.brier.n for _, found in rows],
        },
        alt=say("head_confidence.calibration_alt"),
    )
    n, num_sampled = view.given.ece.n, view.num_sampled
    if view.temperature is None:
        st.caption(say("head_confidence.calibration_note", n=n, num_sampled=num_sampled))
    else:
        st.caption(
            say(
                "head_confidence.calibration_note_rescaled",
                n=n,
                num_sampled=num_sampled,
                temperature=view.temperature,
            )
        )


@sign_in.fragment()
def draw_alone(view: TrustView) -> None:
    """Draw the slider and what follows from it; only this part is drawn again as it moves."""
    if st.session_state.pop("errors_rerun", False):
        st.rerun()  # a button here has chosen items, which are listed outside of this part
    st.markdown(say("head_confidence.automatic_heading"))
    threshold = (
        st.slider(
            say("head_confidence.confidence"),
            0.0,
            100.0,
            value=90.0,
            step=0.5,
            key="errors_threshold",
            bind="query-params",
        )
        / 100
    )
    point = view.curve.at(threshold)
    seconds = pick_seconds(view.review_time)
    reviews = view.n - point.num_answered
    with st.container(horizontal=True):
        estimate_card.draw(
            say("head_confidence.automatic"),
            point.coverage,
            explanation=say("head_confidence.automatic_help", num_answered=point.num_answered),
        )
        estimate_card.draw_text(
            say("head_confidence.errors"),
            f"{point.num_errors:,}",
            f"{percent(point.risk.value)} ({interval_text(point.risk)})",
            explanation=say("head_confidence.errors_help"),
        )
        estimate_card.draw_text(
            say("head_confidence.workload"),
            duration(reviews * seconds),
            say_count("figures.items", reviews),
            explanation=say("head_confidence.workload_help", seconds=seconds),
        )
    chart.draw(
        draw_risk(view.curve, point),
        key="errors_risk",
        alt=say("head_confidence.risk_coverage_alt"),
        table={
            say("head_confidence.threshold"): view.curve.thresholds.tolist(),
            "answered": view.curve.num_answered.tolist(),
            "wrong": view.curve.num_errors.tolist(),
        },
    )
    _draw_new_items(view, threshold, seconds)


def _draw_new_items(view: TrustView, threshold: float, seconds: float) -> None:
    point = view.curve.at(threshold)
    errors, reviews = point.expected_errors(1000), point.expected_reviews(1000)
    if reviews.value is not None and reviews.interval is not None:
        low, high = reviews.interval.low * seconds, reviews.interval.high * seconds
        st.caption(
            say(
                "head_confidence.forecast",
                errors=number_text(errors, 0),
                reviews=number_text(reviews, 0),
                shortest=duration(low),
                longest=duration(high),
                n=view.n,
            )
        )
    with st.container(horizontal=True):
        st.button(
            say("head_confidence.list_errors"),
            key="errors_list_let_through",
            on_click=_choose_and_leave,
            args=(Selection(head_is_right=False, confidence_from=threshold),),
        )
        st.button(
            say("head_confidence.list_reviews"),
            key="errors_list_to_review",
            on_click=_choose_and_leave,
            args=(Selection(confidence_below=threshold),),
        )


def _choose_and_leave(selection: Selection) -> None:
    outcome_items.choose(selection)
    st.session_state["errors_rerun"] = True


def pick_seconds(time: ReviewTime) -> float:
    """Return the measured time of one annotation, else one that the user enters."""
    measured = seconds_per_item(time)
    if measured.value is not None:
        st.caption(
            say(
                "head_confidence.annotation_time",
                mean=number_text(measured, 0),
                n=measured.n,
                median=time.median_seconds or 0,
            )
        )
        return measured.value
    return float(
        st.number_input(
            say("head_confidence.seconds_per_annotation"),
            1.0,
            3600.0,
            ASSUMED_SECONDS,
            key="errors_seconds",
        )
    )


def _choose_bin() -> None:
    chosen = chart.clicked("errors_reliability")
    if chosen is None:
        outcome_items.choose(Selection())
        return
    low, high, *_ = chosen
    outcome_items.choose(
        # The last bin includes its end.
        Selection(confidence_from=low, confidence_below=high if high < 1 else 1.1)
    )


def points_of(bins: Sequence[Bin]) -> list[ReliabilityPoint]:
    """Return each bin with the interval of its accuracy."""
    points = []
    for part in bins:
        interval = bin_accuracy(part).interval
        points.append(
            ReliabilityPoint(
                bin_low=part.low,
                bin_high=part.high,
                count=part.count,
                mean_confidence=part.mean_confidence,
                accuracy=part.accuracy,
                low=interval.low if interval else part.accuracy,
                high=interval.high if interval else part.accuracy,
            )
        )
    return points


def _bins_table(bins: Sequence[Bin]) -> dict[str, list[float]]:
    return {
        say("head_confidence.confidence_from"): [part.low for part in bins],
        say("head_confidence.confidence_below"): [part.high for part in bins],
        "items": [part.count for part in bins],
        say("head_confidence.mean_confidence"): [part.mean_confidence for part in bins],
        "right": [part.accuracy for part in bins],
    }


def _draw_sets(view: TrustView) -> None:
    if view.sets is None or view.conformal is None:
        return
    st.markdown(
        say("head_confidence.conformal_heading", percent=percent(1 - ALPHA, 0)),
        help=say("head_confidence.conformal_help"),
    )
    reports = [(say("head_confidence.all_items"), view.sets.overall)]
    reports += list(zip(view.labels, view.sets.per_label, strict=True))
    kept = [(name, report) for name, report in reports if sum(report.num_by_size)]
    sizes = range(len(view.labels) + 1)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        chart.draw(
            draw_shares(
                {
                    name: {str(size): report.num_by_size[size] for size in sizes}
                    for name, report in kept
                },
                [
                    (str(size), _size_words(size), _SIZE_COLORS[size % len(_SIZE_COLORS)])
                    for size in sizes
                ],
                axis=say("head_confidence.set_size_axis"),
            ),
            key="errors_sets",
            alt=say("head_confidence.set_size_alt"),
            table={
                say("head_confidence.gold_label"): [name for name, _ in kept],
                **{_size_words(s): [report.num_by_size[s] for _, report in kept] for s in sizes},
            },
        )
    with right:
        figure_table.draw(
            {
                say("head_confidence.gold_label"): [name for name, _ in kept],
                "n": [report.coverage.n for _, report in kept],
                say("head_confidence.coverage"): [
                    estimate_text(report.coverage) for _, report in kept
                ],
                say("head_confidence.labels_per_set"): [
                    _mean_size(report.mean_size) for _, report in kept
                ],
            },
            alt=say("head_confidence.sets_alt"),
        )
    always = ", ".join(view.conformal.always_included)
    st.caption(say("head_confidence.conformal_note", num_sampled=view.num_sampled))
    if always:
        st.text(say("head_confidence.always_included", always=reveal(always)))


def _size_words(size: int) -> str:
    return (
        say_count("head_confidence.num_labels", size) if size else say("head_confidence.no_label")
    )


def _mean_size(found: Estimate) -> str:
    return number_text(found, 2)
