"""Figures of label sets whose labels are sets, or are of an order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from db.connection import Database
from db.outcomes.counts import JointCell
from db.outcomes.selection import By, OutcomeFilter
from db.outcomes.unseen import load_set_probabilities
from db.records import is_label_set, labels_in
from eci.statistics.estimates import NO_ITEMS, Estimate, proportion
from eci.statistics.ordinal import mean_rank_error, weighted_kappa
from eci.statistics.reliability import (
    calibration_error_of_sets,
    reliability_report,
    two_labels,
)
from eci.statistics.set_metrics import SetReport, set_report
from streamlit_app.logic.cache import cached
from streamlit_app.logic.outcomes.run_outcomes import Judged, load_errors


@dataclass(frozen=True)
class LabelCalibration:
    """How far the head's probability can be believed that one label is right.

    Attributes:
        mean: Mean probability; what is right is the same share where it is calibrated.
        right: Share of the items with this label that have it as gold.
    """

    label: str
    mean: float
    right: Estimate
    ece: Estimate
    brier: Estimate


@dataclass(frozen=True)
class SetCalibration:
    """The calibration error of all labels together, and the figures of each."""

    ece: Estimate
    per_label: tuple[LabelCalibration, ...]


_Cells: TypeAlias = list[tuple[str, str | None, int]]


@dataclass(frozen=True)
class OrderFigures:
    """How far the labels given are from the gold labels in their order, of items with a label."""

    kappa: Estimate
    rank_error: Estimate


@cached
def load_sets(database: Database, version: str, flt: OutcomeFilter) -> Mapping[By, SetReport]:
    """Compare the sets of text and head with the gold sets, as far as each exists."""
    view = load_errors(database, version, flt)
    found: dict[By, SetReport] = {}
    texts: _Cells = [(c.gold, c.text, c.count) for c in view.cells if c.has_text]
    heads: _Cells = [(c.gold, c.head, c.count) for c in view.cells if c.head is not None]
    pairs: tuple[tuple[By, _Cells], ...] = (
        ("text", texts),
        ("head", heads),
    )
    labels = single_labels(view.labels, view.cells)
    for by, cells in pairs:
        if cells:
            gold = [labels_in(gold) for gold, _, count in cells for _ in range(count)]
            given = [labels_in(label) for _, label, count in cells for _ in range(count)]
            found[by] = set_report(gold, given, labels)
    return found


@cached
def load_set_calibration(database: Database, version: str, flt: OutcomeFilter) -> SetCalibration:
    """Compute how far the probabilities of the labels of sets can be believed."""
    labels = [
        label for label in load_errors(database, version, flt).labels if not is_label_set(label)
    ]
    found = load_set_probabilities(database.cursor(), flt, labels, only_unseen=False)
    figures = []
    for place, label in enumerate(labels):
        has = np.isfinite(found.probabilities[:, place])
        p, right = found.probabilities[has, place], found.right[has, place]
        if len(p):
            report = reliability_report(two_labels(p), right.astype(np.int64))
            share = proportion(int(right.sum()), len(right), NO_ITEMS)
            figures.append(
                LabelCalibration(label, float(p.mean()), share, report.ece, report.brier)
            )
    return SetCalibration(
        calibration_error_of_sets(found.probabilities, found.right), tuple(figures)
    )


def single_labels(labels: Sequence[str], cells: Sequence[JointCell]) -> tuple[str, ...]:
    """Return the labels of which sets are made, in order."""
    seen = {label for c in cells for one in (c.gold, c.text, c.head) for label in labels_in(one)}
    known = [label for one in labels for label in labels_in(one)]
    return tuple(dict.fromkeys(label for label in known if label in seen))


def order_figures(judged: Judged) -> OrderFigures:
    """Return the figures of an order, from the counts of gold and given labels."""
    table = [row[:-1] for row in judged.matrix.counts]
    return OrderFigures(weighted_kappa(table), mean_rank_error(table))
