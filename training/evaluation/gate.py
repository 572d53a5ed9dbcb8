"""The gate between challenger and champion: what must hold before a person may promote.

Judged are the heads' labels on the frozen test split, against the labels of record. Accuracy is one
of several checks and never enough: a head that never says "maybe" can gain accuracy and lose its
use.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from duckdb import DuckDBPyConnection

from db.outcomes.gate_pairs import GatePair, list_gate_pairs
from db.outcomes.scored_runs import refresh, refresh_annotations
from db.outcomes.selection import OutcomeFilter, Selection
from db.outcomes.slices import MIN_ITEMS as MIN_SLICE
from db.outcomes.slices import SliceChange, list_slice_changes
from db.viewer import Viewer
from eci.statistics.compare import Comparison, compare, mcnemar_p_value, paired_difference
from eci.statistics.estimates import Estimate
from eci.statistics.metrics import classification_report, confusion_counts
from eci.statistics.multiple_testing import benjamini_hochberg
from eci.statistics.reliability import reliability_report

MIN_ITEMS: Final = 30
"""With fewer test items of a label set no check can pass: every difference is noise."""
MIN_SUPPORT: Final = 10
"""Labels with fewer test items are shown but not judged."""
MARGIN: Final = 0.02
"""Macro-F1 may be lower, and calibration error higher, by this much at most."""
RECALL_MARGIN: Final = 0.05
MIN_CALIBRATION_ITEMS: Final = 100
"""With fewer items the bins of the ECE hold mostly noise, which raises it."""
MAX_ECE: Final = 0.1
"""A first champion may miss by this much: at 80 % confidence, 70 to 90 of 100 items are right."""
ALPHA: Final = 0.05

Verdict = Literal["pass", "unsure", "fail"]


@dataclass(frozen=True)
class Check:
    """One thing that must hold, and what was found.

    Attributes:
        verdict: ``unsure`` where the items are too few to tell; it blocks nothing, and the person
            who promotes must see it.
    """

    name: str
    verdict: Verdict
    finding: str


@dataclass(frozen=True)
class LabelRecall:
    """How much of one label both models find."""

    label: str
    support: int
    before: Estimate
    after: Estimate


@dataclass(frozen=True)
class SetGate:
    """The gate for one label set; ``before`` is the champion, or the majority-class baseline."""

    label_set: str
    comparison: Comparison
    macro_f1_before: Estimate
    macro_f1_after: Estimate
    recalls: tuple[LabelRecall, ...]
    ece_before: Estimate | None
    ece_after: Estimate
    checks: tuple[Check, ...]


@dataclass(frozen=True)
class SliceFinding:
    """One slice of the test items of a label set.

    Attributes:
        difference: Accuracy after less accuracy before, with its paired interval.
        p_value: Exact McNemar, adjusted for all slices that were looked at, of all label sets.
    """

    label_set: str
    change: SliceChange
    difference: Estimate
    p_value: float

    @property
    def is_worse(self) -> bool:
        """Return whether the challenger breaks more of it than chance explains."""
        return self.p_value < ALPHA and self.change.num_broken > self.change.num_fixed


@dataclass(frozen=True)
class GateReport:
    """The result of comparing a challenger with the champion, before its promotion."""

    champion_run_id: str | None
    challenger_run_id: str
    test_digest: str
    """Identifies the test items and their labels of record at this moment."""
    sets: tuple[SetGate, ...]
    slices: tuple[SliceFinding, ...]
    checks: tuple[Check, ...]
    """Those that concern all label sets together."""

    @property
    def all_checks(self) -> tuple[Check, ...]:
        """Return every check, those of the label sets first."""
        return (*(check for one in self.sets for check in one.checks), *self.checks)

    @property
    def failed(self) -> tuple[Check, ...]:
        """Return the checks that do not hold."""
        return tuple(check for check in self.all_checks if check.verdict == "fail")

    @property
    def unsure(self) -> tuple[Check, ...]:
        """Return the checks that too few items leave open."""
        return tuple(check for check in self.all_checks if check.verdict == "unsure")

    @property
    def passed(self) -> bool:
        """Return whether nothing fails; what too few items leave open does not block."""
        return not self.failed

    def to_dict(self) -> dict[str, Any]:
        """Return what is kept with a promotion."""
        return {
            "champion_run_id": self.champion_run_id,
            "challenger_run_id": self.challenger_run_id,
            "test_digest": self.test_digest,
            "passed": self.passed,
            "checks": [vars(check) for check in self.all_checks],
        }


def run_gate(
    cur: DuckDBPyConnection, viewer: Viewer, champion: str | None, challenger: str
) -> GateReport:
    """Compare a challenger's run with the champion's, or with the majority-class baseline.

    Args:
        viewer: Who reads the report; hidden items are left out.
        champion: Run of the champion; None while there is none.
        challenger: Run of the model that may be promoted.
    """
    pairs = list_gate_pairs(cur, viewer, champion, challenger)
    by_set: dict[str, list[GatePair]] = {}
    for pair in pairs:
        by_set.setdefault(pair.label_set, []).append(pair)
    sets = tuple(_judge_set(name, members) for name, members in by_set.items())
    slices = _judge_slices(cur, viewer, champion, challenger, list(by_set)) if champion else ()
    return GateReport(
        champion_run_id=champion,
        challenger_run_id=challenger,
        test_digest=_digest(pairs),
        sets=sets,
        slices=slices,
        checks=(_check_items(sets), _check_gain(sets), _check_slices(slices)),
    )


def _judge_set(name: str, pairs: Sequence[GatePair]) -> SetGate:
    # Items with fewer options share the letters of those with more.
    labels = max((pair.labels for pair in pairs), key=len)
    gold = [pair.gold_label for pair in pairs]
    majority = Counter(gold).most_common(1)[0][0]
    before = [pair.label_a or majority for pair in pairs]
    after = [pair.label_b for pair in pairs]
    comparison = compare(gold, before, after, labels)
    report_a = classification_report(confusion_counts(gold, before, labels), labels)
    report_b = classification_report(confusion_counts(gold, after, labels), labels)
    recalls = tuple(
        LabelRecall(a.label, a.support, a.recall, b.recall)
        for a, b in zip(report_a.per_label, report_b.per_label, strict=True)
    )
    ece_after = _ece(pairs, [pair.probabilities_b for pair in pairs], labels)
    known = [pair.probabilities_a for pair in pairs]
    ece_before = None if None in known else _ece(pairs, [p or () for p in known], labels)
    checks = (
        _check_accuracy(name, comparison),
        _check_macro_f1(name, comparison),
        _check_recall(name, recalls, has_champion=None not in known),
        _check_ece(name, ece_before, ece_after),
    )
    return SetGate(
        name,
        comparison,
        report_a.macro_f1,
        report_b.macro_f1,
        recalls,
        ece_before,
        ece_after,
        checks,
    )


def _ece(
    pairs: Sequence[GatePair], given: Sequence[Sequence[float]], labels: Sequence[str]
) -> Estimate:
    probabilities = np.zeros((len(pairs), len(labels)))
    for row, shares in zip(probabilities, given, strict=True):
        row[: len(shares)] = shares
    positions = {label: i for i, label in enumerate(labels)}
    return reliability_report(probabilities, [positions[pair.gold_label] for pair in pairs]).ece


def _check_accuracy(name: str, found: Comparison) -> Check:
    is_worse = found.is_significant and found.broken > found.fixed
    p_value = "–" if found.p_value is None else f"{found.p_value:.2g}"
    return Check(
        f"{name}: accuracy is not significantly lower",
        "fail" if is_worse else "pass",
        f"fixes {found.fixed}, breaks {found.broken} of {found.n} (exact McNemar p = {p_value})",
    )


def _check_macro_f1(name: str, found: Comparison) -> Check:
    difference = found.macro_f1_difference
    is_lower = difference.value is None or difference.value < -MARGIN
    interval = difference.interval
    is_surely_lower = interval is not None and interval.high < 0
    return Check(
        f"{name}: macro-F1 is not lower by more than {MARGIN:.0%}",
        "fail" if is_lower or is_surely_lower else "pass",
        _points(difference),
    )


def _check_recall(name: str, recalls: Sequence[LabelRecall], *, has_champion: bool) -> Check:
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
    fallen = [
        recall
        for recall in judged
        if (recall.before.value or 0.0) - (recall.after.value or 0.0) > RECALL_MARGIN
    ]
    found = ", ".join(
        f"{recall.label} {100 * (recall.before.value or 0):.0f} % to "
        f"{100 * (recall.after.value or 0):.0f} % (n = {recall.support})"
        for recall in fallen or recalls
    )
    return Check(
        f"{name}: no label's recall falls by more than {RECALL_MARGIN:.0%}",
        "fail" if fallen else "pass",
        found,
    )


def _check_ece(name: str, before: Estimate | None, after: Estimate) -> Check:
    if before is None or before.value is None or after.value is None:
        return check_first_ece(name, after)
    is_worse = after.value - before.value > MARGIN
    return Check(
        f"{name}: calibration error is not higher by more than {MARGIN:.0%}",
        "fail" if is_worse else "pass",
        f"ECE {100 * before.value:.1f} % to {100 * after.value:.1f} % (n = {after.n})",
    )


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


def _check_items(sets: Sequence[SetGate]) -> Check:
    counted = {one.label_set: one.comparison.n for one in sets}
    is_enough = bool(counted) and all(n >= MIN_ITEMS for n in counted.values())
    found = ", ".join(f"{name} {n}" for name, n in counted.items()) or "none"
    return Check(
        f"The test split has at least {MIN_ITEMS} items of each label set",
        "pass" if is_enough else "fail",
        found,
    )


def _check_gain(sets: Sequence[SetGate]) -> Check:
    """Check for one significant gain: in labels, or in calibration."""
    gains = []
    for one in sets:
        found, interval = one.comparison, one.comparison.macro_f1_difference.interval
        if interval is not None and interval.low > 0:
            gains.append(f"{one.label_set}: macro-F1 {_points(found.macro_f1_difference)}")
        elif found.is_significant and found.fixed > found.broken:
            gains.append(f"{one.label_set}: fixes {found.fixed}, breaks {found.broken}")
        elif _is_better_calibrated(one):
            gains.append(f"{one.label_set}: calibration")
    return Check(
        "At least one metric improves significantly",
        "pass" if gains else "fail",
        "; ".join(gains) or "no significant gain in macro-F1, accuracy or calibration",
    )


def _is_better_calibrated(one: SetGate) -> bool:
    before, after = one.ece_before, one.ece_after
    if before is None or before.interval is None or after.interval is None:
        return False
    return after.interval.high < before.interval.low


def _judge_slices(
    cur: DuckDBPyConnection,
    viewer: Viewer,
    champion: str,
    challenger: str,
    label_sets: Sequence[str],
) -> tuple[SliceFinding, ...]:
    """Compare both runs in the slices of the Errors page, on the test items they share."""
    refresh(cur, (champion, challenger))
    refresh_annotations(cur)  # a saved slice may ask what a reviewer said
    found = []
    for label_set in label_sets:
        tested = OutcomeFilter(viewer, champion, "record", label_set, (Selection(split="test"),))
        found += [(label_set, one) for one in list_slice_changes(cur, tested, challenger)]
    adjusted = benjamini_hochberg([mcnemar_p_value(c.num_fixed, c.num_broken) for _, c in found])
    return tuple(
        SliceFinding(name, c, paired_difference(c.n, c.num_fixed, c.num_broken), float(p))
        for (name, c), p in zip(found, adjusted, strict=True)
    )


def _check_slices(slices: Sequence[SliceFinding]) -> Check:
    worse = [one.change for one in slices if one.is_worse]
    found = ", ".join(
        f"{c.value}: breaks {c.num_broken}, fixes {c.num_fixed} of {c.n}" for c in worse
    )
    return Check(
        f"No slice of {MIN_SLICE} items or more is significantly worse",
        "fail" if worse else "pass",
        found or f"{len(slices)} slices compared",
    )


def _points(difference: Estimate) -> str:
    if difference.value is None or difference.interval is None:
        return f"undefined: {difference.undefined_because}"
    low, high = 100 * difference.interval.low, 100 * difference.interval.high
    return f"{100 * difference.value:+.1f} points ({low:+.1f} to {high:+.1f}, n = {difference.n})"


def _digest(pairs: Sequence[GatePair]) -> str:
    content: Mapping[str, str] = {pair.item_id: pair.gold_label for pair in pairs}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
