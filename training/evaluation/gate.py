"""The gate between challenger and champion: what must hold before a person may promote.

Judged are the heads' labels on the frozen test split, against the labels of record. Accuracy is one
of several checks and never enough: a head that never says "maybe" can gain accuracy and lose its
use. Each check is an interval of the paired difference against a margin (non-inferiority), so that
it distinguishes better, no worse, worse, and too few items to know. Where several labels may be
right, accuracy is the exact match, the Jaccard overlap takes the place of macro-F1, and recall and
calibration are those of the single labels.

Where every test item has a label of record, nothing was chosen. Where only some have, reviewers
chose them: accuracy is then estimated for all from drawn reviews, or the gate says that it holds
for these alone.

The same test items are asked again with each further challenger. Of the error level of all
comparisons with one champion, the k-th gets ``1 / (k (k + 1))``: however many follow, a model that
is no better is found better in at most that share of all reigns.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from duckdb import DuckDBPyConnection

from db.outcomes.gate_pairs import GatePair, count_test_items, list_gate_pairs
from db.outcomes.run_pairs import PairFilter
from db.outcomes.scored_runs import refresh, refresh_annotations
from db.outcomes.selection import OutcomeFilter, Selection
from db.outcomes.slices import MIN_ITEMS as MIN_SLICE
from db.outcomes.slices import list_slice_changes
from db.records import labels_in
from db.retraining.gate_uses import count_gate_uses
from db.viewer import Viewer
from eci.arrays import FloatArray
from eci.statistics.compare import compare, mcnemar_p_value, paired_difference
from eci.statistics.metrics import LabelReport, classification_report, confusion_counts
from eci.statistics.reliability import (
    calibration_error_of_sets,
    ece_difference,
    reliability_report,
)
from eci.statistics.set_metrics import SetLabelReport, compare_sets, set_indicators, set_report
from eci.statistics.slices import benjamini_hochberg
from training.evaluation.drawn_estimates import DrawnChange, estimate_difference
from training.evaluation.gate_checks import (
    MARGIN,
    MIN_SUPPORT,
    check_accuracy,
    check_cover,
    check_ece,
    check_gain,
    check_no_worse,
    check_recall,
)
from training.evaluation.gate_report import (
    ALPHA,
    Check,
    Cover,
    GateReport,
    LabelRecall,
    SetGate,
    SliceFinding,
)
from training.evaluation.metrics import padded

MIN_ITEMS: Final = 30
"""With fewer test items of a label set no check can pass: every difference is noise."""


def run_gate(
    cur: DuckDBPyConnection, viewer: Viewer, champion: str | None, challenger: str
) -> GateReport:
    """Compare a challenger's run with the champion's, or with the majority-class baseline.

    Args:
        viewer: Who reads the report; hidden items are left out.
        champion: Run of the champion; None while there is none.
    """
    pairs = list_gate_pairs(cur, viewer, champion, challenger)
    counts = count_test_items(cur, viewer, champion, challenger)
    drawn = {} if champion is None else _find_drawn(cur, viewer, champion, challenger, counts)
    sets = judge_pairs(pairs, counts, drawn)
    slices: tuple[SliceFinding, ...] = ()
    if champion is not None:
        slices = _judge_slices(cur, viewer, champion, challenger, [one.label_set for one in sets])
    num_uses = count_gate_uses(cur, champion, challenger)
    return GateReport(
        champion_run_id=champion,
        challenger_run_id=challenger,
        test_digest=_digest(pairs),
        num_uses=num_uses,
        sets=sets,
        slices=slices,
        gain=check_gain(sets, num_uses),
        checks=(_check_items(sets), _check_slices(slices)),
    )


def judge_pairs(
    pairs: Sequence[GatePair],
    num_items: Mapping[str, int] | None = None,
    drawn: Mapping[str, DrawnChange] | None = None,
) -> tuple[SetGate, ...]:
    """Compare both models on the pairs of each label set.

    Args:
        num_items: Test items that both classified, labelled or not; the pairs where None.
        drawn: What reviewers of drawn items say of them, where they do.
    """
    by_set: dict[str, list[GatePair]] = {}
    for pair in pairs:
        by_set.setdefault(pair.label_set, []).append(pair)
    found = []
    for name, members in by_set.items():
        total = (num_items or {}).get(name, len(members))
        cover = Cover(len(members), total, (drawn or {}).get(name))
        found.append(_judge_set(name, members, cover))
    return tuple(found)


def _find_drawn(
    cur: DuckDBPyConnection,
    viewer: Viewer,
    champion: str,
    challenger: str,
    label_sets: Iterable[str],
) -> dict[str, DrawnChange]:
    """Estimate both models on all test items of each label set, where draws can speak for them."""
    refresh(cur, (champion, challenger))
    found = {}
    for name in label_sets:
        pair = PairFilter(
            viewer, champion, challenger, "head", "head", "record", name, split="test"
        )
        change = estimate_difference(cur, pair)
        if change is not None:
            found[name] = change
    return found


def _judge_set(name: str, pairs: Sequence[GatePair], cover: Cover) -> SetGate:
    # Items with fewer options share the letters of those with more.
    labels = max((pair.labels for pair in pairs), key=len)
    gold = [pair.gold_label for pair in pairs]
    majority = Counter(gold).most_common(1)[0][0]
    before = [pair.label_a or majority for pair in pairs]
    after = [pair.label_b for pair in pairs]
    if pairs[0].is_several:
        return _judge_sets(name, pairs, cover, before, labels)
    comparison = compare(gold, before, after, labels)
    report_a = classification_report(confusion_counts(gold, before, labels), labels)
    report_b = classification_report(confusion_counts(gold, after, labels), labels)
    given, y = _columns(pairs, [pair.probabilities_b for pair in pairs], labels)
    ece_before = ece_rise = None
    if all(pair.probabilities_a is not None for pair in pairs):
        earlier, _ = _columns(pairs, [pair.probabilities_a or () for pair in pairs], labels)
        ece_before = reliability_report(earlier, y).ece
        ece_rise = ece_difference(earlier, given, y)
    judged = SetGate(
        name,
        comparison,
        report_a.macro_f1,
        report_b.macro_f1,
        _recalls(
            (report_a.per_label, report_b.per_label),
            *([{x} for x in of] for of in (gold, before, after)),
        ),
        ece_before,
        reliability_report(given, y).ece,
        ece_rise,
        cover,
        (),
    )
    return replace(judged, checks=_checks(judged))


def _judge_sets(
    name: str,
    pairs: Sequence[GatePair],
    cover: Cover,
    before: Sequence[str],
    labels: Sequence[str],
) -> SetGate:
    """Compare both models where several labels may be right: each label is a task of its own."""
    gold, sets_a, sets_b = (
        [frozenset(labels_in(label)) for label in of]
        for of in ([p.gold_label for p in pairs], before, [p.label_b for p in pairs])
    )
    found = compare_sets(gold, sets_a, sets_b, labels)
    reports = [set_report(gold, sets, labels).per_label for sets in (sets_a, sets_b)]
    right = set_indicators(gold, labels)
    given = padded([pair.probabilities_b for pair in pairs], len(labels))
    ece_before = ece_rise = None
    if all(pair.probabilities_a is not None for pair in pairs):
        earlier = padded([pair.probabilities_a or () for pair in pairs], len(labels))
        ece_before = calibration_error_of_sets(earlier, right)
        ece_rise = ece_difference(earlier, given, right)
    judged = SetGate(
        name,
        found.exact,
        found.macro_f1_a,
        found.macro_f1_b,
        _recalls((reports[0], reports[1]), gold, sets_a, sets_b),
        ece_before,
        calibration_error_of_sets(given, right),
        ece_rise,
        cover,
        (),
        (found.jaccard_a, found.jaccard_b, found.jaccard_difference),
    )
    return replace(judged, checks=_checks(judged))


def _checks(one: SetGate) -> tuple[Check, ...]:
    name = one.label_set
    return (
        check_accuracy(name, one.comparison, one.cover),
        check_no_worse(f"{name}: {one.balance[0]}", one.balance[1], MARGIN),
        check_recall(name, one.recalls, has_champion=one.ece_rise is not None),
        check_ece(name, one.ece_rise, one.ece_after),
        *(() if one.cover.is_whole else (check_cover(name, one.cover),)),
    )


def _recalls(
    reports: tuple[Sequence[LabelReport | SetLabelReport], Sequence[LabelReport | SetLabelReport]],
    gold: Sequence[Collection[str]],
    before: Sequence[Collection[str]],
    after: Sequence[Collection[str]],
) -> tuple[LabelRecall, ...]:
    """Pair the recalls of both models; an item with one right label is a set of one."""
    judged = [one for one in reports[0] if one.support >= MIN_SUPPORT]
    level = 1 - ALPHA / max(len(judged), 1)
    found = Counter(
        (label, label in a, label in b)
        for right, a, b in zip(gold, before, after, strict=True)
        for label in right
    )
    return tuple(
        LabelRecall(
            a.label,
            a.support,
            a.recall,
            b.recall,
            paired_difference(
                a.support, found[a.label, False, True], found[a.label, True, False], level
            ),
        )
        for a, b in zip(*reports, strict=True)
    )


def _columns(
    pairs: Sequence[GatePair], given: Sequence[Sequence[float]], labels: Sequence[str]
) -> tuple[FloatArray, list[int]]:
    positions = {label: i for i, label in enumerate(labels)}
    return padded(given, len(labels), 0.0), [positions[pair.gold_label] for pair in pairs]


def _check_items(sets: Sequence[SetGate]) -> Check:
    counted = {one.label_set: one.comparison.n for one in sets}
    is_enough = bool(counted) and all(n >= MIN_ITEMS for n in counted.values())
    found = ", ".join(f"{name} {n}" for name, n in counted.items()) or "none"
    return Check(
        f"The test split has at least {MIN_ITEMS} items of each label set",
        "pass" if is_enough else "fail",
        found,
    )


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


def _digest(pairs: Sequence[GatePair]) -> str:
    content: Mapping[str, str] = {pair.item_id: pair.gold_label for pair in pairs}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
