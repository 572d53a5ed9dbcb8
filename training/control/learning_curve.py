"""What more labels would bring: heads fitted on parts of the training items, and a line through it.

The error of a head falls about as ``a + b / sqrt(n)`` with its number of training items n. Both are
found by least squares from heads fitted on parts of the items and judged on others; resampling the
parts gives the interval of what further items would bring.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from db.connection import Database
from db.retraining.snapshot import read_snapshot
from db.viewer import Viewer
from eci.arrays import FloatArray, IntArray
from eci.decisions import labels_from
from eci.model.head_fit import fit_head, fit_option_set, fit_several, several_logits
from eci.statistics.calibration import out_of_fold
from eci.statistics.estimates import Estimate, percentile_interval
from eci.statistics.set_metrics import jaccard
from training.control.plan import make_plan
from training.data.artifact_source import ArtifactSource
from training.data.questions import SnapshotQuestions
from training.errors import DataError
from training.evaluation.out_of_fold import MIN_ITEMS_PER_FOLD
from training.head.refit import MIN_JUDGED, LabelSetTask, earlier_choices, label_set_tasks
from training.head.source import find_features
from training.settings.training import RefitSettings

SHARES: Final = (0.25, 0.4, 0.6, 0.8, 1.0)
"""Parts of the items that are not held out."""
NUM_FOLDS: Final = 5
NUM_REPEATS: Final = 2
NUM_RESAMPLES: Final = 2000
_DEFAULT_L2: Final = 1.0


@dataclass(frozen=True)
class CurvePoint:
    """The error of one head on items it was not fitted on; of sets, how many are not exact.

    ``split`` numbers the division into fitted and judged items: heads of one division are judged
    on the same items, so they are resampled together. ``no_overlap`` is one less the mean Jaccard
    overlap, of sets alone.
    """

    num_items: int
    error: float
    split: int
    no_overlap: float | None = None


@dataclass(frozen=True)
class LearningCurve:
    """How the head of one label set gets better with more items.

    Attributes:
        label_set: The one with the most training items.
        num_items: Training items there are.
        points: One for each part, fold and repeat.
    """

    label_set: str
    num_items: int
    points: tuple[CurvePoint, ...]

    @property
    def is_of_sets(self) -> bool:
        """Return whether several labels of an item may be right."""
        return any(point.no_overlap is not None for point in self.points)

    def gain(self, num_new: int, *, of_overlap: bool = False, seed: int = 0) -> Estimate:
        """Estimate by how much accuracy rises with this many more items.

        The interval is that of the line through the points; that the line goes on as it does is
        assumed, so the further ahead, the less it says.

        Args:
            of_overlap: Of sets: the mean overlap instead of the exact match.

        Returns:
            A share; ``n`` counts the heads behind it.
        """
        sizes = np.array([point.num_items for point in self.points], dtype=float)
        errors = np.array(
            [(point.no_overlap or 0.0) if of_overlap else point.error for point in self.points]
        )
        step = 1 / np.sqrt(self.num_items) - 1 / np.sqrt(self.num_items + num_new)
        value = _slope(sizes, errors) * step
        rng = np.random.default_rng(seed)
        splits = np.array([point.split for point in self.points])
        members = [np.flatnonzero(splits == split) for split in np.unique(splits)]
        drawn = rng.integers(0, len(members), (NUM_RESAMPLES, len(members)))
        rows = (np.concatenate([members[i] for i in chosen]) for chosen in drawn)
        gains = np.array([_slope(sizes[some], errors[some]) for some in rows]) * step
        return Estimate(float(value), len(self.points), percentile_interval(gains, 0.95))


def learning_curve(database: Database, viewer: Viewer) -> LearningCurve:
    """Fit heads on growing parts of the training items, on cached features: some seconds.

    Items that are hidden from the viewer are left out.

    Raises:
        DataError: Features are lacking, or there are too few items.
    """
    settings = make_plan(database, "refit").settings
    assert isinstance(settings, RefitSettings)  # noqa: S101 - narrows types
    source = ArtifactSource.of(settings.artifact_run_id)
    snapshot = read_snapshot(database.cursor(), viewer)
    features = find_features(settings, source, [*snapshot.train, *snapshot.test])
    questions = SnapshotQuestions.of(snapshot)
    if features is None or features.missing([entry.question for entry in questions.train]):
        raise DataError(
            "The gain cannot be projected yet: the features of some training items are not "
            "computed. Refit the head once; from then on it takes seconds."
        )
    tasks = label_set_tasks(features.answerable(questions), features)
    task = next(iter(tasks), None)
    if task is None or len(task.items) < 4 * NUM_FOLDS * MIN_ITEMS_PER_FOLD:
        raise DataError(
            f"The gain cannot be projected from fewer than {4 * NUM_FOLDS * MIN_ITEMS_PER_FOLD} "
            "labelled training items. Import or label more."
        )
    judged = task.unseen(source.learned_item_ids())
    if len(judged) < MIN_JUDGED * NUM_FOLDS:
        raise DataError(
            f"The gain cannot be projected on this adapter: it has learned from all but "
            f"{len(judged)} of {len(task.items)} training items, and {MIN_JUDGED * NUM_FOLDS} that "
            "it has not seen are needed. Label further items, or project with the base model."
        )
    chosen = earlier_choices(source).get(task.name, {})
    return fit_curve(task, judged, l2=float(chosen.get("l2", _DEFAULT_L2)))


def fit_curve(task: LabelSetTask, judged: IntArray, *, l2: float = _DEFAULT_L2) -> LearningCurve:
    """Fit heads on growing parts of a label set's items.

    Args:
        judged: Rows that heads may be judged on: states from an adapter repeat the labels that it
            has learned.
        l2: Penalty on the weights.
    """
    points = [
        _point(
            task, on, np.intersect1d(fold.held_out, judged), l2, split=NUM_FOLDS * repeat + place
        )
        for repeat in range(NUM_REPEATS)
        for place, fold in enumerate(
            out_of_fold(task.y, task.groups, num_folds=NUM_FOLDS, seed=repeat)
        )
        for on in _parts(fold.train, repeat)
    ]
    return LearningCurve(task.name, len(task.y), tuple(points))


def _parts(rows: IntArray, seed: int) -> list[IntArray]:
    shuffled = np.random.default_rng(seed).permutation(rows)
    return [np.sort(shuffled[: max(int(share * len(rows)), 2)]) for share in SHARES]


def _point(task: LabelSetTask, on: IntArray, out: IntArray, l2: float, *, split: int) -> CurvePoint:
    learned, judged, y = task.features.take(on), task.features.take(out), np.array(task.y)
    if task.is_several:
        error, no_overlap = _set_errors(task, on, out, l2)
        return CurvePoint(len(on), error, split, no_overlap)
    head = fit_head(
        learned.states,
        learned.scores,
        y[on],
        is_options=task.is_options,
        l2=l2,
    )
    predicted = head.logits(judged.states, judged.scores).argmax(1)
    return CurvePoint(len(on), float((predicted != y[out]).mean()), split)


def _set_errors(task: LabelSetTask, on: IntArray, out: IntArray, l2: float) -> tuple[float, float]:
    """Return how many sets of judged items are not exactly right, and one less their overlap."""
    learned, judged, right = task.features.take(on), task.features.take(out), task.right
    if task.is_options:
        head = fit_option_set(learned.states, learned.scores, right[on], l2=l2)
    else:
        head = fit_several(learned.states, right[on], l2=l2)
    logits = several_logits(head, judged.states, judged.scores, is_options=task.is_options)
    given, gold = labels_from(1 / (1 + np.exp(-logits)), np.array([0.5])), right[out] == 1
    overlap = jaccard((given & gold).sum(axis=1), (given | gold).sum(axis=1))
    return float((given != gold).any(axis=1).mean()), float(1 - overlap.mean())


def _slope(sizes: FloatArray, errors: FloatArray) -> float:
    """Return b of ``a + b / sqrt(n)`` by least squares; 0 where all sizes are alike."""
    x = 1 / np.sqrt(sizes)
    spread = x - x.mean()
    total = float((spread**2).sum())
    return 0.0 if total == 0 else float((spread * (errors - errors.mean())).sum() / total)
