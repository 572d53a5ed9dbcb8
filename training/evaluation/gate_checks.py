"""The checks of the gate: an interval of the paired difference against a margin, each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import NormalDist
from typing import Final

from eci.statistics.compare import Comparison
from eci.statistics.estimates import Estimate
from training.evaluation.gate_report import (
    ALPHA,
    Check,
    Cover,
    LabelRecall,
    SetGate,
    Verdict,
    level_of_use,
)

MIN_SUPPORT: Final = 10
"""Labels with fewer test items are shown but not judged."""
MARGIN: Final = 0.02
"""Accuracy and macro-F1 may be lower, and calibration error higher, by this much at most."""
RECALL_MARGIN: Final = 0.05
MIN_CALIBRATION_ITEMS: Final = 100
"""With fewer items the bins of the ECE hold mostly noise, which raises it."""
MAX_ECE: Final = 0.1
"""A first champion may miss by this much: at 80 % confidence, 70 to 90 of 100 items are right."""
NUM_CHECKS: Final = 4
"""Of one label set: accuracy, macro-F1 or overlap, recall and calibration."""
_WORST_FIRST: Final[tuple[Verdict, ...]] = ("fail", "unsure", "pass")


def check_no_worse(what: str, difference: Estimate, margin: float) -> Check:
    """Check that a figure, the higher the better, does not fall by more than a margin."""
    title = f"{what} is not lower by more than {100 * margin:.0f} points"
    return Check(title, _verdict(difference, margin), _points(difference))


def check_accuracy(name: str, comparison: Comparison, cover: Cover) -> Check:
    """Check that accuracy does not fall, by the estimator valid for how the items were chosen.

    Where every test item is labelled, none was chosen and the counted difference is that of all.
    Where only some are, it speaks for those alone, and drawn reviews for all. The other figure is
    named after it where it differs.
    """
    counted, drawn = comparison.accuracy_difference, cover.drawn
    used = counted if drawn is None or cover.is_whole else drawn.difference.estimate
    check = check_no_worse(f"{name}: accuracy", used, MARGIN)
    if drawn is None:
        return check
    random = drawn.difference.estimate
    if cover.is_whole and _points(random) != _points(counted):
        other = (
            f"by the reviewers' labels alone, of {random.n} drawn items, {_points(random)}, "
            f"{method_of(random)}: imported labels do not count there"
        )
    elif not cover.is_whole:
        other = (
            f"{method_of(random)} for all {cover.num_items} test items; counted plainly "
            f"{_points(counted)}, as the labelled items were not chosen evenly"
        )
    else:
        return check
    return replace(check, finding=f"{check.finding}; {other}")


def check_cover(name: str, cover: Cover) -> Check:
    """Check that the labelled test items can speak for all of them."""
    found = f"{cover.num_labelled} of {cover.num_items} test items are labelled"
    drawn = cover.drawn
    if drawn is None:
        found += (
            " and no queue drawn with known probabilities covers them, so every figure holds for "
            "these alone. Label all of them, or review a random queue of them"
        )
    else:
        found += (
            f"; accuracy is estimated from {drawn.difference.estimate.n} drawn ones, every other "
            "figure holds for the labelled ones alone"
        )
    title = f"{name}: the labelled test items can speak for all"
    return Check(title, "unsure" if drawn is None else "pass", found)


def method_of(estimate: Estimate) -> str:
    """Return by which method an interval was computed."""
    return estimate.interval.method if estimate.interval else "no interval"


def _verdict(difference: Estimate, margin: float, num_checks: int = NUM_CHECKS) -> Verdict:
    """Return ``pass`` where a fall beyond the margin is excluded, ``fail`` where one is shown.

    Args:
        num_checks: Made together: a fall is shown at ``ALPHA`` divided by it.
    """
    value, interval = difference.value, difference.interval
    if value is None or interval is None:
        return "unsure"
    if interval.low >= -margin:
        return "pass"
    normal = NormalDist()
    wider = normal.inv_cdf(1 - ALPHA / (2 * num_checks)) / normal.inv_cdf((1 + interval.level) / 2)
    return "fail" if value + wider * (interval.high - value) < 0 else "unsure"


def check_recall(name: str, recalls: Sequence[LabelRecall], *, has_champion: bool) -> Check:
    """Check that no label is lost: against a champion by how much of it both find."""
    judged = [recall for recall in recalls if recall.support >= MIN_SUPPORT]
    if not has_champion:
        title = f"{name}: every label is predicted at least once"
        if not judged:
            few = f"too few items to tell: no label has {MIN_SUPPORT} test items"
            return Check(title, "unsure", few)
        lost = [recall.label for recall in judged if not recall.after.value]
        if lost:
            return Check(title, "fail", f"never predicted: {', '.join(lost)}")
        return Check(title, "pass", f"predicted: {', '.join(recall.label for recall in judged)}")
    num_checks = NUM_CHECKS * len(judged)
    verdicts = {one.label: _verdict(one.rise, RECALL_MARGIN, num_checks) for one in judged}
    verdict: Verdict = next((v for v in _WORST_FIRST if v in verdicts.values()), "unsure")
    found = "; ".join(
        f"{recall.label} {100 * (recall.before.value or 0):.0f} % to "
        f"{100 * (recall.after.value or 0):.0f} %, {_points(recall.rise)}"
        for recall in recalls
        if verdicts.get(recall.label, verdict) == verdict
    )
    return Check(
        f"{name}: no label's recall falls by more than {100 * RECALL_MARGIN:.0f} points",
        verdict,
        found,
    )


def check_ece(name: str, rise: Estimate | None, after: Estimate) -> Check:
    """Check that probabilities are calibrated as well as before, or well enough for a first
    champion.
    """
    if rise is None or rise.value is None:
        return check_first_ece(name, after)
    return Check(
        f"{name}: calibration error is not higher by more than {100 * MARGIN:.0f} points",
        _verdict(_negative(rise), MARGIN),
        f"ECE {_points(rise)}",
    )


def _negative(estimate: Estimate) -> Estimate:
    value, interval = estimate.value, estimate.interval
    if value is None or interval is None:
        return estimate
    turned = replace(interval, low=-interval.high, high=-interval.low)
    return Estimate(-value, estimate.n, turned)


def check_first_ece(name: str, ece: Estimate) -> Check:
    """Check the interval of the ECE against a fixed bound, for want of a champion."""
    title = f"{name}: probabilities are calibrated (ECE of {MAX_ECE:.0%} at most)"
    if ece.value is None or ece.interval is None:
        return Check(title, "unsure", f"too few items to tell: {ece.undefined_because}")
    low, high = ece.interval.low, ece.interval.high
    found = f"ECE {100 * ece.value:.1f} % ({100 * low:.1f} to {100 * high:.1f}, n = {ece.n})"
    if ece.n >= MIN_CALIBRATION_ITEMS and low > MAX_ECE:
        return Check(title, "fail", f"{found}. Recalibrate the head on the Training page")
    if ece.n >= MIN_CALIBRATION_ITEMS and high <= MAX_ECE:
        return Check(title, "pass", found)
    return Check(title, "unsure", f"too few items to tell: {found}")


def check_gain(sets: Sequence[SetGate], num_uses: int) -> Check:
    """Check for one significant gain: in accuracy, in macro-F1 or overlap, or in calibration.

    Args:
        num_uses: Models compared with this champion so far, this one included.
    """
    level = level_of_use(num_uses)
    tried = [
        (gain, p)
        for one in sets
        for gain, p in (
            _accuracy_gain(one),
            (
                f"{one.label_set}: {one.balance[0]} {_points(one.balance[1])}",
                _p_value(one.balance[1]),
            ),
            (
                f"{one.label_set}: ECE {_points(one.ece_rise)}" if one.ece_rise else "",
                _p_value(_negative(one.ece_rise)) if one.ece_rise else 1.0,
            ),
        )
    ]
    gains = [gain for gain, p in tried if p is not None and p * len(tried) < level]
    nothing = f"no gain in accuracy, macro-F1 or calibration is significant at {100 * level:.2g} %"
    return Check(
        "At least one metric improves significantly",
        "pass" if gains else "unsure",
        "; ".join(gains) or nothing,
    )


def _accuracy_gain(one: SetGate) -> tuple[str, float | None]:
    counted = one.comparison
    if one.drawn is not None:
        difference = one.drawn.difference.estimate
        return f"{one.label_set}: accuracy {_points(difference)}", _p_value(difference)
    p = counted.p_value if counted.fixed > counted.broken else 1.0
    return f"{one.label_set}: accuracy {_points(counted.accuracy_difference)}", p


def _p_value(difference: Estimate) -> float:
    """Return the two-sided p value of a rise, from its interval taken for a normal one; 1 for a
    fall.
    """
    interval = difference.interval
    if difference.value is None or interval is None or difference.value <= 0:
        return 1.0
    normal = NormalDist()
    spread = (interval.high - interval.low) / (2 * normal.inv_cdf((1 + interval.level) / 2))
    return 2 * normal.cdf(-difference.value / spread) if spread > 0 else 0.0


def _points(difference: Estimate) -> str:
    if difference.value is None or difference.interval is None:
        return f"undefined: {difference.undefined_because}"
    low, high = 100 * difference.interval.low, 100 * difference.interval.high
    return f"{100 * difference.value:+.1f} points ({low:+.1f} to {high:+.1f}, n = {difference.n})"
