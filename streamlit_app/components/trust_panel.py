"""Can the head's confidence be trusted, and what happens when it answers alone?"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from db.outcome_filter import Selection
from db.outcomes import Bin, ReviewTime
from eci.estimates import Estimate
from streamlit_app import palette
from streamlit_app.charts.reliability import ReliabilityPoint, draw_reliability
from streamlit_app.charts.risk import draw_risk
from streamlit_app.charts.shares import draw_shares
from streamlit_app.components import chart, estimate_card, figure_table, outcome_items
from streamlit_app.logic.figures import (
    duration,
    estimate_text,
    interval_text,
    number_text,
    percent,
)
from streamlit_app.logic.trust import (
    ALPHA,
    ASSUMED_SECONDS,
    Calibration,
    TrustView,
    bin_accuracy,
    seconds_per_item,
)
from streamlit_app.text_safety import reveal

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
    """Say in plain words whether confidences can be taken at their word."""
    if found.ece.value is None or found.by_chance is None:
        return "There are no confidences to judge."
    chance = f"perfect confidences would give up to {percent(found.by_chance.high)} by chance"
    if found.is_off:
        return (
            f"Confidence is off by {percent(found.ece.value)} on average; {chance}. Do not take it "
            "at its word."
        )
    return (
        f"Confidence is off by {percent(found.ece.value)} on average, which chance explains: "
        f"{chance}."
    )


def _draw_calibration(view: TrustView) -> None:
    st.markdown("**Can the head's confidence be trusted?**")
    st.text(calibration_sentence(view.given))
    after = view.rescaled
    chart.draw(
        draw_reliability(points_of(view.given.bins), points_of(after.bins) if after else ()),
        key="errors_reliability",
        alt="Reliability diagram of the head",
        on_click=_choose_bin,
        table=_bins_table(view.given.bins),
    )
    rows = [("As the run gave them", view.given)]
    if after is not None:
        rows.append(("After temperature scaling", after))
    figure_table.draw(
        {
            "Probabilities": [name for name, _ in rows],
            "Calibration error (%)": [estimate_text(found.ece) for _, found in rows],
            "By chance up to (%)": [
                f"{100 * found.by_chance.high:.1f}" if found.by_chance else "–" for _, found in rows
            ],
            "Brier score (0 to 2)": [number_text(found.brier, 3) for _, found in rows],
            "n": [found.brier.n for _, found in rows],
        },
        alt="Calibration error and Brier score before and after calibration",
    )
    st.caption(
        f"Expected calibration error over 15 bins, n = {view.given.ece.n:,}; Brier scores and the "
        f"rescaled line over a random sample of {view.num_sampled:,}. "
        + (
            f"The temperature is {view.temperature:.2f} (above 1: the head was too sure); each "
            "item is rescaled by one fitted on other items. "
            if view.temperature is not None
            else ""
        )
        + "Points under the dashed line: more confident than right. Click a point to list its "
        "items. Bars: 95 % intervals."
    )


@st.fragment
def draw_alone(view: TrustView) -> None:
    """Draw the slider and what follows from it; only this part is drawn again as it moves."""
    if st.session_state.pop("errors_rerun", False):
        st.rerun()  # a button here has chosen items, which are listed outside of this part
    st.markdown("**Answer alone above this confidence**")
    threshold = (
        st.slider(
            "Confidence (%)",
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
            "Answered alone",
            point.coverage,
            explanation=f"{point.num_answered:,} items. Wilson interval, 95 %.",
        )
        estimate_card.draw_text(
            "Errors let through",
            f"{point.num_errors:,}",
            f"{percent(point.risk.value)} ({interval_text(point.risk)})",
            explanation="Wrong answers among those given alone, here and as a share of them; "
            "Wilson interval, 95 %.",
        )
        estimate_card.draw_text(
            "Review created",
            duration(reviews * seconds),
            f"{reviews:,} items",
            explanation=f"Items below the confidence, times {seconds:.0f} seconds each.",
        )
    chart.draw(
        draw_risk(view.curve, point),
        key="errors_risk",
        alt="Share of wrong answers over share answered alone",
        table={
            "confidence at least": view.curve.thresholds.tolist(),
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
            f"Of 1,000 new items like these: {number_text(errors, 0)} errors let through and "
            f"{number_text(reviews, 0)} reviews, {duration(low)} to {duration(high)} of work. "
            f"n = {view.n:,}."
        )
    with st.container(horizontal=True):
        st.button(
            "List errors let through",
            key="errors_list_let_through",
            on_click=_choose_and_leave,
            args=(Selection(head_is_right=False, confidence_from=threshold),),
        )
        st.button(
            "List what goes to review",
            key="errors_list_to_review",
            on_click=_choose_and_leave,
            args=(Selection(confidence_below=threshold),),
        )


def _choose_and_leave(selection: Selection) -> None:
    outcome_items.choose(selection)
    st.session_state["errors_rerun"] = True


def pick_seconds(time: ReviewTime) -> float:
    """Take the measured time of one annotation, else one that the reader gives."""
    measured = seconds_per_item(time)
    if measured.value is not None:
        st.caption(
            f"One annotation takes {number_text(measured, 0)} seconds (mean, 95 % interval, "
            f"n = {measured.n:,}; median {time.median_seconds or 0:.0f})."
        )
        return measured.value
    return float(
        st.number_input(
            "Seconds for one annotation (none was timed yet)",
            1.0,
            3600.0,
            ASSUMED_SECONDS,
            key="errors_seconds",
        )
    )


def _choose_bin() -> None:
    points = st.session_state["errors_reliability"].selection.points
    if not points:
        outcome_items.choose(Selection())
        return
    low, high, *_ = points[0]["customdata"]
    outcome_items.choose(
        # The last bin includes its end.
        Selection(confidence_from=low, confidence_below=high if high < 1 else 1.1)
    )


def points_of(bins: Sequence[Bin]) -> list[ReliabilityPoint]:
    """Give each bin with the interval of its accuracy."""
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
        "confidence from": [part.low for part in bins],
        "confidence below": [part.high for part in bins],
        "items": [part.count for part in bins],
        "mean confidence": [part.mean_confidence for part in bins],
        "right": [part.accuracy for part in bins],
    }


def _draw_sets(view: TrustView) -> None:
    if view.sets is None or view.conformal is None:
        return
    st.markdown(f"**Which labels stay possible, at {percent(1 - ALPHA, 0)} certainty**")
    reports = [("all items", view.sets.overall)]
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
                axis="Items by size of their set (%)",
            ),
            key="errors_sets",
            alt="Size of the conformal sets for each gold label",
            table={
                "gold label": [name for name, _ in kept],
                **{_size_words(s): [report.num_by_size[s] for _, report in kept] for s in sizes},
            },
        )
    with right:
        figure_table.draw(
            {
                "Gold label": [name for name, _ in kept],
                "n": [report.coverage.n for _, report in kept],
                "Set holds it (%)": [estimate_text(report.coverage) for _, report in kept],
                "Labels in the set": [_mean_size(report.mean_size) for _, report in kept],
            },
            alt="Coverage and size of the sets",
        )
    always = ", ".join(view.conformal.always_included)
    st.caption(
        "Class-conditional conformal sets: thresholds from one half of a random sample of "
        f"{view.num_sampled:,}, judged on the other half. A set of one label decides the item; a "
        "larger one says what a reviewer still has to tell apart."
    )
    if always:
        st.text(f"Of too few items to be left out of a set: {reveal(always)}.")


def _size_words(size: int) -> str:
    return {0: "no label", 1: "one label"}.get(size, f"{size} labels")


def _mean_size(found: Estimate) -> str:
    return number_text(found, 2)
