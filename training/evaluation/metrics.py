"""The figures of a run on its test items, by label set, for the text and for the head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from db.records import Prediction, labels_in
from db.retraining.snapshot import SnapshotItem
from eci.arrays import BoolArray, FloatArray
from eci.decisions import DecisionRule
from eci.statistics.conformal import coverage_report
from eci.statistics.estimates import NO_ITEMS, Estimate, proportion
from eci.statistics.metrics import classification_report, confusion_counts
from eci.statistics.reliability import calibration_error_of_sets, reliability_report
from eci.statistics.set_metrics import set_indicators, set_report


def evaluate(
    predictions: Sequence[Prediction],
    test: Sequence[SnapshotItem],
    rules: Mapping[str, DecisionRule],
) -> dict[str, Any]:
    """Score predictions against the label of record of each test item.

    Args:
        predictions: Those of other items are passed over.
        rules: Label set -> the operating point that the head's labels were decided at.

    Returns:
        Label set name -> ``{"n", "text", "head", "calibration", "decision"}``, ready for
        ``metrics.json``: each figure has a value, n and an interval. ``text`` is None where the run
        wrote none, ``head`` and ``calibration`` where it gave no probabilities, ``decision``
        where the label set has no operating point.
    """
    by_item = {prediction.item_id: prediction for prediction in predictions}
    groups: dict[str, list[SnapshotItem]] = {}
    for item in test:
        if item.item_id in by_item:
            groups.setdefault(item.label_set, []).append(item)
    return {
        name: _figures(items, [by_item[item.item_id] for item in items], rules.get(name))
        for name, items in sorted(groups.items())
    }


def _figures(
    items: Sequence[SnapshotItem], predictions: Sequence[Prediction], rule: DecisionRule | None
) -> dict[str, Any]:
    # Items with fewer options share the letters of those with more.
    labels = max((item.labels for item in items), key=len)
    gold = [item.label for item in items]
    if items[0].is_several:
        return _set_figures(gold, predictions, labels, rule)
    has_text = any(prediction.answer is not None for prediction in predictions)
    text = [prediction.answer_label for prediction in predictions]
    y = [list(labels).index(label) for label in gold]
    known = [i for i, prediction in enumerate(predictions) if prediction.head_probabilities]
    probabilities = padded(
        [predictions[i].head_probabilities or () for i in known], len(labels), 0.0
    )
    y = [y[i] for i in known]
    return {
        "n": len(items),
        "text": _scores(gold, text, labels) if has_text else None,
        "head": _scores(gold, [prediction.head_label for prediction in predictions], labels)
        if known
        else None,
        "calibration": _calibration(probabilities, y) if known else None,
        "decision": None if rule is None or not known else _decision(rule, probabilities, y),
    }


def _set_figures(
    gold: Sequence[str],
    predictions: Sequence[Prediction],
    labels: Sequence[str],
    rule: DecisionRule | None,
) -> dict[str, Any]:
    """Return the figures where several labels may be right: accuracy is the exact match."""

    def scores(given: Sequence[str | None]) -> dict[str, Any]:
        report = set_report(
            [labels_in(label) for label in gold], [labels_in(label) for label in given], labels
        )
        f1 = [
            2 * p * r / (p + r)
            for one in report.per_label
            if (p := one.precision.value or 0.0) + (r := one.recall.value or 0.0) > 0
        ]
        return {
            "accuracy": asdict(report.exact_match),
            "jaccard": asdict(report.jaccard),
            "macro_f1": asdict(Estimate(sum(f1) / len(labels), report.n, None)),
            "num_without_label": sum(label is None for label in given),
            "per_label": {one.label: asdict(one) for one in report.per_label},
        }

    has_text = any(prediction.answer is not None for prediction in predictions)
    return {
        "n": len(gold),
        "text": scores([one.answer_label for one in predictions]) if has_text else None,
        "head": scores([one.head_label for one in predictions]),
        "calibration": _set_calibration(gold, predictions, labels),
        "decision": None if rule is None else _set_decision(rule, gold, predictions, labels),
    }


def _set_decision(
    rule: DecisionRule,
    gold: Sequence[str],
    predictions: Sequence[Prediction],
    labels: Sequence[str],
) -> dict[str, Any] | None:
    known = [place for place, one in enumerate(predictions) if one.head_probabilities]
    p = padded([predictions[i].head_probabilities or () for i in known], len(labels), 0.0)
    right = set_indicators([labels_in(gold[place]) for place in known], labels)
    decided = rule.decide_sets(p)
    is_exact = (decided.given == right).all(axis=1)
    return _as_turned_out(rule, is_exact, decided.asks_person) if known else None


def _set_calibration(
    gold: Sequence[str], predictions: Sequence[Prediction], labels: Sequence[str]
) -> dict[str, Any] | None:
    given = [one.head_probabilities or () for one in predictions]
    if not any(given):
        return None
    p = padded(given, len(labels))
    right = set_indicators([labels_in(label) for label in gold], labels)
    return {"ece": asdict(calibration_error_of_sets(p, right))}


def _scores(
    gold: Sequence[str], predicted: Sequence[str | None], labels: Sequence[str]
) -> dict[str, Any]:
    report = classification_report(confusion_counts(gold, predicted, labels), labels)
    return {
        "accuracy": asdict(report.accuracy),
        "macro_f1": asdict(report.macro_f1),
        "num_without_label": report.num_without_label,
        "per_label": {entry.label: asdict(entry) for entry in report.per_label},
    }


def _calibration(probabilities: FloatArray, y: Sequence[int]) -> dict[str, Any]:
    report = reliability_report(probabilities, y)
    return {"ece": asdict(report.ece), "brier": asdict(report.brier)}


def _decision(rule: DecisionRule, probabilities: FloatArray, y: Sequence[int]) -> dict[str, Any]:
    """Return the operating point, and how it turned out on these items."""
    decided, gold = rule.decide(probabilities), np.array(y)
    found = _as_turned_out(rule, decided.labels == gold, decided.asks_person)
    if decided.sets is None:
        return found
    sets = coverage_report(decided.sets, gold).overall
    return {**found, "set_held": asdict(sets.coverage), "set_size": asdict(sets.mean_size)}


def _as_turned_out(
    rule: DecisionRule, is_right: BoolArray, asks_person: BoolArray
) -> dict[str, Any]:
    num_alone = int((~asks_person).sum())
    num_wrong = int((~is_right & ~asks_person).sum())
    return {
        **rule.model_dump(mode="json"),
        "answered_alone": asdict(proportion(num_alone, len(is_right), NO_ITEMS)),
        "wrong_alone": asdict(
            proportion(num_wrong, num_alone, "a person is asked about every item")
        ),
    }


def padded(rows: Sequence[Sequence[float]], width: int, fill: float = np.nan) -> FloatArray:
    """Return rows as an array, ``(len(rows), width)``: items with fewer options are filled up."""
    array = np.full((len(rows), width), fill)
    for row, values in zip(array, rows, strict=True):
        row[: len(values)] = values
    return array
