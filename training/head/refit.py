"""Tiers 1 and 2 of retraining: new temperatures, or a new head, without the language model.

Both make proper runs: artifact, predictions, metrics. The head is fitted on cached features; only
items never seen by this model are prefilled, and only then is torch loaded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from db.errors import DbError
from db.paths import runs_dir
from db.records import OPTION_LABEL_SETS, Prediction, join_labels, labels_in
from db.retraining.lineage import TrainingRecord
from db.retraining.snapshot import Snapshot, SnapshotItem
from eci.arrays import IntArray
from eci.decisions import MOST_PROBABLE, DecisionSettings
from eci.errors import EciError
from eci.model.artifact import ArtifactInfo, CalibrationInfo, read_info
from eci.model.head_fit import (
    CrossValidationResult,
    FittedHead,
    HeadSearch,
    cross_validate,
    cross_validate_several,
    fit_head,
    fit_option_set,
    fit_several,
    several_logits,
)
from eci.statistics.calibration import TemperatureScaling, out_of_fold
from training.data.artifact_source import ArtifactSource
from training.data.job import Job
from training.data.questions import (
    ItemQuestion,
    SnapshotQuestions,
    describe_left_out,
    describe_missing_labels,
    refuse_leaks,
    to_question,
)
from training.errors import DataError, TrainingError
from training.evaluation.held_out import (
    HELD_OUT,
    Gold,
    HeldOut,
    calibrate,
    read_held_out,
    refit_rules,
)
from training.evaluation.metrics import evaluate
from training.evaluation.out_of_fold import (
    MIN_ITEMS_PER_FOLD,
    carried_over,
    held_out_rows,
    is_enough,
)
from training.head.artifact import copy_artifact, write_head_artifact
from training.head.features import Features, HeadFeatures
from training.head.source import find_features, prefill
from training.run.execution import RunContext
from training.run.json_files import read_object, replace_json
from training.run.result_tables import OUT_OF_FOLD, PREDICTIONS, RECORDS
from training.run.run_dir import RunDir
from training.settings.training import (
    RecalibrationSettings,
    RefitSettings,
)

MIN_JUDGED = 20
"""Of fewer items that an adapter has not learned from, nothing is said of a head on its states."""
NEW_SEARCH_GROWTH = 1.2
"""With this many times the items it was chosen on, the penalty is chosen again."""


@dataclass(frozen=True)
class LabelSetTask:
    """One label set: what its head is fitted on.

    ``y`` holds positions among the labels, or numbers of the sets of labels where several may be
    right; ``groups`` what folds must not divide.
    """

    name: str
    items: tuple[SnapshotItem, ...]
    features: Features
    y: tuple[int, ...]
    groups: tuple[str, ...]

    @property
    def is_options(self) -> bool:
        """Return whether its labels are the items' own options."""
        return self.name in OPTION_LABEL_SETS

    @property
    def is_several(self) -> bool:
        """Return whether several labels of an item may be right."""
        return any(item.is_several for item in self.items[:1])

    @property
    def right(self) -> IntArray:
        """Return whether each label is right for each item, ``(n, C)``, 0 or 1."""
        right = np.zeros((len(self.items), self.features.scores.shape[1]), dtype=np.int64)
        for row, item in zip(right, self.items, strict=True):
            row[[item.labels.index(label) for label in labels_in(item.label)]] = 1
        return right

    def unseen(self, learned: Collection[str]) -> IntArray:
        """Return the rows of items that an adapter has not learned from."""
        return np.flatnonzero([item.item_id not in learned for item in self.items])


@dataclass(frozen=True)
class _Fit:
    """A head, and the logits that its training items get from heads which had not seen them.

    ``num_judged`` of the items could judge it: 0 where the adapter has learned from nearly all.
    """

    head: FittedHead
    chosen: CrossValidationResult
    num_items: int
    num_judged: int

    def describe(self) -> dict[str, Any]:
        numbers = {"num_items": self.num_items, "num_judged": self.num_judged}
        if not self.num_judged:
            return {"l2": self.chosen.l2, **numbers}
        names = ("l2", "loss", "accuracy", "macro_f1")
        return {**{name: getattr(self.chosen, name) for name in names}, **numbers}

    def report(self, name: str) -> str:
        """Describe in one sentence how good the head is and on which items that was measured."""
        if not self.num_judged:
            return (
                f"{name}: the accuracy of the new head is unknown, because the adapter has learned "
                f"from all but a few of the {self.num_items} items; the strongest penalty was used."
            )
        which = " that the adapter has not seen" if self.num_judged < self.num_items else ""
        return (
            f"{name}: out of fold, the new head is right on {self.chosen.accuracy:.1%} of "
            f"{self.num_judged} items{which}."
        )


def run_refit(context: RunContext) -> None:
    """Refit the head on the snapshot's training items, calibrate, predict and evaluate.

    Raises:
        TrainingError: Settings, snapshot or data do not fit.
        EciError: The model that computes lacking features cannot be loaded.
    """
    run_dir = context.run_dir
    job = Job.read(run_dir, RefitSettings)
    settings, snapshot = job.settings, job.snapshot
    source = ArtifactSource.of(settings.artifact_run_id)
    questions = SnapshotQuestions.of(snapshot)
    features = _features(context, settings, source, questions)
    info = features.info
    asked = features.answerable(questions)
    kept = {entry.item.item_id for entry in (*asked.train, *asked.test)}
    context.warn(describe_left_out([*snapshot.train, *snapshot.test], kept))
    context.report_message("Fitting the head.")
    tasks = list(label_set_tasks(asked, features))
    context.warn(describe_missing_labels([item for task in tasks for item in task.items]))
    learned = source.learned_item_ids()
    context.warn(source.describe_unknown_learning())
    fits = _fit_all(tasks, settings, earlier_choices(source), learned)
    if not fits:
        raise DataError(
            "No label set has enough training items to fit a head: at least "
            f"{MIN_ITEMS_PER_FOLD * settings.num_folds} with a label and without a veto are "
            "needed. Import or label more items of the train split."
        )
    for name, fit in fits.items():
        context.report_message(fit.report(name))
    held_out = _held_out(tasks, fits)
    HELD_OUT.write(run_dir.held_out_path, held_out)
    gold = _golds({item.item_id: item for item in snapshot.train})
    info = _calibrated(held_out, gold, info, learned, settings.decision)
    _write_out_of_fold(run_dir, held_out, info.calibration, source, snapshot.train)
    heads = {name: fit.head for name, fit in fits.items()}
    info = write_head_artifact(run_dir.artifact_path, info, heads, source.artifact)
    replace_json(run_dir.path / "fit.json", {n: fit.describe() for n, fit in fits.items()})
    RECORDS.write(run_dir.records_path, _records(run_dir.run_id, tasks, fits))
    context.check_stop()
    predictions = _predict(run_dir.run_id, asked, features, heads, info)
    _finish(run_dir, snapshot, _with_texts(predictions, source.run_dir), info)


def run_recalibration(context: RunContext) -> None:
    """Recalibrate a run: refit its temperatures on held-out items, with the current labels.

    Raises:
        TrainingError: The run it starts from has no artifact, or no held-out items.
    """
    run_dir = context.run_dir
    job = Job.read(run_dir, RecalibrationSettings)
    settings, snapshot = job.settings, job.snapshot
    source = RunDir(runs_dir() / settings.artifact_run_id)
    info = read_info(source.artifact_path)
    items = {item.item_id: item for item in snapshot.train if not item.is_vetoed}
    gold = _golds(items)
    held_out = [entry for entry in read_held_out(source.held_out_path) if entry.item_id in gold]
    learned = ArtifactSource(source).learned_item_ids()
    new = _calibrated(held_out, gold, info, learned, settings.decision)
    copy_artifact(run_dir.artifact_path, source.artifact_path, new)
    HELD_OUT.write(run_dir.held_out_path, held_out)
    _write_out_of_fold(run_dir, held_out, new.calibration, ArtifactSource(source), snapshot.train)
    RECORDS.write(
        run_dir.records_path,
        [TrainingRecord(run_dir.run_id, entry.item_id, 0, 0, "dev", ()) for entry in held_out],
    )
    asked = {item.item_id: item for item in (*snapshot.train, *snapshot.test)}
    predictions = [
        _rescaled(prediction, run_dir.run_id, info, new, asked[prediction.item_id])
        for prediction in PREDICTIONS.read(source.predictions_path)
        if prediction.item_id in asked
    ]
    _finish(run_dir, snapshot, predictions, new)


def _features(
    context: RunContext,
    settings: RefitSettings,
    source: ArtifactSource,
    questions: SnapshotQuestions,
) -> HeadFeatures:
    """Return the features of all items; the language model is loaded only if some are lacking."""
    entries = [*questions.train, *questions.test]
    features = find_features(settings, source, [entry.item for entry in entries])
    if features is None or features.missing([entry.question for entry in entries]):
        refuse_leaks(questions)
        features = prefill(context, settings, source, entries)
        features.note_checked(questions)
    elif not features.is_checked(questions):
        refuse_leaks(questions)
        features.note_checked(questions)
    return features


def run_prefill(context: RunContext) -> None:
    """Compute the features that a refit of the snapshot's items would lack; nothing is fitted.

    Raises:
        TrainingError: Settings, snapshot or data do not fit.
        EciError: The model cannot be loaded.
    """
    job = Job.read(context.run_dir, RefitSettings)
    settings = job.settings
    source = ArtifactSource.of(settings.artifact_run_id)
    questions = SnapshotQuestions.of(job.snapshot)
    entries = [*questions.train, *questions.test]
    features = find_features(settings, source, [entry.item for entry in entries])
    if features is None or features.missing([entry.question for entry in entries]):
        prefill(context, settings, source, entries)


def _golds(items: Mapping[str, SnapshotItem]) -> dict[str, Gold]:
    """Return the places of the gold labels, which calibrate."""
    return {
        item_id: frozenset(map(item.labels.index, labels_in(item.label)))
        if item.is_several
        else item.labels.index(item.label)
        for item_id, item in items.items()
    }


def is_quick(run_dir: RunDir) -> bool:
    """Return whether a run needs no language model, and so may be done while a person waits.

    A run that cannot be judged is not quick: it finds out itself, and says why.
    """
    try:
        return _is_quick(run_dir)
    except (TrainingError, EciError, DbError):
        return False


def _is_quick(run_dir: RunDir) -> bool:
    stored = run_dir.read_settings()
    if stored.get("task") != "refit":
        return stored.get("task") == "recalibrate"
    job = Job.read(run_dir, RefitSettings)
    settings, snapshot = job.settings, job.snapshot
    items = [*snapshot.train, *snapshot.test]
    features = find_features(settings, ArtifactSource.of(settings.artifact_run_id), items)
    return features is not None and not features.missing([to_question(item) for item in items])


def label_set_tasks(questions: SnapshotQuestions, features: HeadFeatures) -> Iterator[LabelSetTask]:
    """Yield what can be learned from for each label set, that with the most items first.

    Raises:
        KeyError: Features of an item are missing.
    """
    by_set: dict[str, list[ItemQuestion]] = {}
    for entry in questions.train:
        item = entry.item
        if not item.is_vetoed and 0 not in item.vetoed_shots:
            by_set.setdefault(item.label_set, []).append(entry)
    for name, entries in sorted(by_set.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        items = tuple(entry.item for entry in entries)
        given = features.get([entry.question for entry in entries])
        y = _places(items)
        yield LabelSetTask(name, items, given, y, tuple(features.item_groups(entries)))


def _places(items: Sequence[SnapshotItem]) -> tuple[int, ...]:
    if not items[0].is_several:
        return tuple(item.labels.index(item.label) for item in items)
    sets = sorted({item.label for item in items})
    return tuple(sets.index(item.label) for item in items)


def _fit_all(
    tasks: Sequence[LabelSetTask],
    settings: RefitSettings,
    earlier: Mapping[str, Mapping[str, Any]],
    learned: Collection[str],
) -> dict[str, _Fit]:
    fits: dict[str, _Fit] = {}
    for task in tasks:
        if not is_enough(task.groups, task.y, settings.num_folds):
            continue  # it keeps the head it has
        before = earlier.get(task.name)
        is_chosen = before and len(task.items) <= NEW_SEARCH_GROWTH * before["num_items"]
        strengths = (before["l2"],) if before and is_chosen else settings.strengths
        fits[task.name] = _fit(task, settings, strengths, task.unseen(learned))
    return fits


def _fit(
    task: LabelSetTask, settings: RefitSettings, strengths: Sequence[float], judged: IntArray
) -> _Fit:
    states, scores = task.features.states, task.features.scores
    if task.is_several:
        return _fit_sets(task, settings, strengths)
    can_judge = len(judged) >= MIN_JUDGED
    chosen = cross_validate(
        states,
        scores,
        task.y,
        is_options=task.is_options,
        folds=out_of_fold(task.y, task.groups, num_folds=settings.num_folds, seed=settings.seed),
        search=HeadSearch(
            strengths if can_judge else (max(strengths),), intercept=settings.intercept
        ),
        judged=judged if can_judge else None,
    )
    head = fit_head(
        states,
        scores,
        task.y,
        is_options=task.is_options,
        l2=chosen.l2,
        intercept=settings.intercept,
    )
    return _Fit(head, chosen, len(task.items), len(judged) if can_judge else 0)


def _fit_sets(task: LabelSetTask, settings: RefitSettings, strengths: Sequence[float]) -> _Fit:
    """Fit a head of which each label has a probability of its own."""
    states, scores, right = task.features.states, task.features.scores, task.right
    folds = out_of_fold(task.y, task.groups, num_folds=settings.num_folds, seed=settings.seed)
    chosen = cross_validate_several(
        states, scores, right, is_options=task.is_options, folds=folds, strengths=strengths
    )
    if task.is_options:
        head = fit_option_set(states, scores, right, l2=chosen.l2)
    else:
        head = fit_several(states, right, l2=chosen.l2)
    return _Fit(head, chosen, len(task.items), len(task.items))


def earlier_choices(source: ArtifactSource) -> Mapping[str, Mapping[str, Any]]:
    """Return the penalty of the refit that this one starts from, by label set."""
    path = source.run_dir.path / "fit.json" if source.run_dir else None
    if path is None or not path.exists():
        return {}
    return read_object(path)


def _held_out(tasks: Sequence[LabelSetTask], fits: Mapping[str, _Fit]) -> list[HeldOut]:
    return [
        HeldOut(item.item_id, task.name, tuple(row[: len(item.labels)].tolist()))
        for task in tasks
        if task.name in fits
        for item, row in zip(task.items, fits[task.name].chosen.logits, strict=True)
    ]


def _calibrated(
    held_out: Sequence[HeldOut],
    gold: Mapping[str, Gold],
    before: ArtifactInfo,
    learned: Collection[str],
    decision: DecisionSettings | None,
) -> ArtifactInfo:
    """Calibrate and choose operating points on items that neither head nor adapter learned from.

    An adapter has seen its own training items: its predictions on them are overconfident. Label
    sets with too few others keep the temperature that they have.
    """
    unseen = {item_id: y for item_id, y in gold.items() if item_id not in learned}
    calibration = {**before.calibration, **calibrate(held_out, unseen)}
    chosen = refit_rules(held_out, unseen, calibration, decision, before)
    return before.model_copy(update={"calibration": calibration, **chosen})


def _write_out_of_fold(
    run_dir: RunDir,
    held_out: Sequence[HeldOut],
    calibration: Mapping[str, CalibrationInfo],
    source: ArtifactSource,
    items: Sequence[SnapshotItem],
) -> None:
    """Write the out-of-fold predictions of the training items."""
    learned, run_id = source.learned_item_ids(), run_dir.run_id
    several = {item.label_set for item in items if item.is_several}
    mine = held_out_rows(run_id, held_out, calibration, learned, several)
    carried = carried_over(run_id, source.run_dir, learned)
    OUT_OF_FOLD.write(run_dir.out_of_fold_path, [*mine, *carried])


def _records(
    run_id: str, tasks: Sequence[LabelSetTask], fits: Mapping[str, _Fit]
) -> Iterator[TrainingRecord]:
    for task in tasks:
        if task.name in fits:
            for item in task.items:
                yield TrainingRecord(run_id, item.item_id, 0, 0, "train", ())


def _predict(
    run_id: str,
    questions: SnapshotQuestions,
    features: HeadFeatures,
    heads: Mapping[str, FittedHead],
    info: ArtifactInfo,
) -> list[Prediction]:
    by_set: dict[str, list[ItemQuestion]] = {}
    for entry in (*questions.test, *questions.train):
        by_set.setdefault(entry.item.label_set, []).append(entry)
    predictions = []
    for name, entries in by_set.items():
        if name not in heads:
            continue
        given = features.get([entry.question for entry in entries])
        if entries[0].item.is_several:
            is_options = name in OPTION_LABEL_SETS
            logits = several_logits(heads[name], given.states, given.scores, is_options=is_options)
            p = 1 / (1 + np.exp(-logits / _temperature(info, name)))
            sets = info.decision_rules.get(name, MOST_PROBABLE).decide_sets(p)
            predictions += [
                _prediction(
                    run_id,
                    entry.item,
                    join_labels(sets.names_of(place, entry.item.labels), entry.item.labels),
                    row[: len(entry.item.labels)].tolist(),
                )
                for place, (entry, row) in enumerate(zip(entries, p, strict=True))
            ]
            continue
        scaling = TemperatureScaling(_temperature(info, name), len(entries))
        probabilities = scaling.transform(heads[name].logits(given.states, given.scores))
        decided = info.decision_rules.get(name, MOST_PROBABLE).decide(probabilities)
        for entry, row, place in zip(entries, probabilities, decided.labels, strict=True):
            own = row[: len(entry.item.labels)]
            label = entry.item.labels[place]
            predictions.append(_prediction(run_id, entry.item, label, (own / own.sum()).tolist()))
    return predictions


def _prediction(
    run_id: str, item: SnapshotItem, label: str | None, probabilities: Sequence[float]
) -> Prediction:
    return Prediction(
        run_id=run_id,
        item_id=item.item_id,
        answer=None,
        answer_label=None,
        head_label=label,
        head_probabilities=tuple(probabilities),
    )


def _temperature(info: ArtifactInfo, label_set: str) -> float:
    known = info.calibration.get(label_set)
    return known.temperature if known else 1.0


def _with_texts(predictions: Sequence[Prediction], source: RunDir | None) -> list[Prediction]:
    """Add the texts of the run that the adapter comes from: a new head does not change them."""
    written: dict[str, Prediction] = {}
    if source is not None:
        written = {
            p.item_id: p for p in PREDICTIONS.read(source.predictions_path) if p.answer is not None
        }
    return [
        replace(
            written[p.item_id],
            run_id=p.run_id,
            head_label=p.head_label,
            head_probabilities=p.head_probabilities,
        )
        if p.item_id in written
        else p
        for p in predictions
    ]


def _rescaled(
    prediction: Prediction,
    run_id: str,
    before: ArtifactInfo,
    after: ArtifactInfo,
    item: SnapshotItem,
) -> Prediction:
    """Return a prediction with the probabilities of other temperatures, decided again."""
    probabilities = prediction.head_probabilities
    if probabilities is None:
        return replace(prediction, run_id=run_id)
    name, p = item.label_set, np.array(probabilities)
    power = _temperature(before, name) / _temperature(after, name)
    rule = after.decision_rules.get(name, MOST_PROBABLE)
    if item.is_several:
        right, wrong = p**power, (1 - p) ** power
        row = right / (right + wrong)
        given = rule.decide_sets([row]).names_of(0, item.labels)
        return replace(
            prediction,
            run_id=run_id,
            head_label=join_labels(given, item.labels),
            head_probabilities=tuple(row.tolist()),
        )
    with np.errstate(divide="ignore"):
        powers = np.log(p) * power
    scaled = np.exp(powers - powers.max())
    scaled /= scaled.sum()
    decided = rule.decide([scaled])
    return replace(
        prediction,
        run_id=run_id,
        head_label=item.labels[decided.labels[0]],
        head_probabilities=tuple(scaled.tolist()),
    )


def _finish(
    run_dir: RunDir, snapshot: Snapshot, predictions: Sequence[Prediction], info: ArtifactInfo
) -> None:
    metrics = evaluate(predictions, snapshot.test, info.decision_rules)
    PREDICTIONS.write(run_dir.predictions_path, predictions)
    run_dir.write_metrics(metrics)
