"""The figures of a run on its test items, by label set, for the text and for the head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from db.records import Prediction
from db.retraining.snapshot import SnapshotItem
from eci.statistics.metrics import classification_report, confusion_counts
from eci.statistics.reliability import reliability_report


def evaluate(predictions: Sequence[Prediction], test: Sequence[SnapshotItem]) -> dict[str, Any]:
    """Score predictions against the label of record of each test item.

    Args:
        predictions: Those of other items are passed over.
        test: Items with a label.

    Returns:
        Label set name -> ``{"n", "text", "head", "calibration"}``, ready for ``metrics.json``: each
        figure has a value, n and an interval. ``text`` is None where the run wrote none.
    """
    by_item = {prediction.item_id: prediction for prediction in predictions}
    groups: dict[str, list[SnapshotItem]] = {}
    for item in test:
        if item.item_id in by_item:
            groups.setdefault(item.label_set, []).append(item)
    return {
        name: _figures(items, [by_item[item.item_id] for item in items])
        for name, items in sorted(groups.items())
    }


def _figures(items: Sequence[SnapshotItem], predictions: Sequence[Prediction]) -> dict[str, Any]:
    # Items with fewer options share the letters of those with more.
    labels = max((item.labels for item in items), key=len)
    gold = [item.label for item in items]
    has_text = any(prediction.answer is not None for prediction in predictions)
    text = [prediction.answer_label for prediction in predictions]
    return {
        "n": len(items),
        "text": _scores(gold, text, labels) if has_text else None,
        "head": _scores(gold, [prediction.head_label for prediction in predictions], labels),
        "calibration": _calibration(gold, predictions, labels),
    }


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


def _calibration(
    gold: Sequence[str], predictions: Sequence[Prediction], labels: Sequence[str]
) -> dict[str, Any]:
    probabilities = np.zeros((len(gold), len(labels)))
    for row, prediction in zip(probabilities, predictions, strict=True):
        given = prediction.head_probabilities or ()
        row[: len(given)] = given
    report = reliability_report(probabilities, [list(labels).index(label) for label in gold])
    return {"ece": asdict(report.ece), "brier": asdict(report.brier)}
