"""Predictions of a model for the items of a snapshot: after training, or as a run of their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain

from db.paths import models_dir, runs_dir
from db.records import Prediction
from db.retraining.snapshot import Snapshot, SnapshotItem
from eci.answers.reader import read_answer
from eci.answers.several import read_labels
from eci.decisions import DecisionRule
from eci.model.artifact import read_info
from eci.model.eci_model import Answer, Classification, EciModel, Progress
from eci.questions.exemplars import ExemplarPool
from eci.questions.labels import LabelSet
from training.data.job import Job
from training.data.questions import (
    describe_left_out,
    fixed_label_sets,
    make_pool,
    to_question,
)
from training.evaluation.metrics import evaluate
from training.run.execution import RunContext
from training.run.process_group import gather, own_device
from training.run.result_tables import PREDICTIONS
from training.run.run_dir import RunDir
from training.settings.training import EvaluationSettings, PredictionSettings


class PredictionJob(Job[PredictionSettings]):
    """A run that only answers: what it was given, and in which order its predictions are written.

    Several processes or actors may each do a part of ``items``.
    """

    @property
    def items(self) -> list[SnapshotItem]:
        """Return all items to answer, the test split first."""
        return [*self.snapshot.test, *self.snapshot.train]

    def load_model(self, rank: int = 0, num_processes: int = 1) -> EciModel:
        """Load the model, with its adapter and head where the settings name a run's.

        Raises:
            EciError: Model or artifact cannot be loaded.
        """
        settings = self.settings
        return EciModel.load(
            settings.model.base,
            models_dir(),
            artifact=runs_dir() / settings.artifact_run_id / "artifact"
            if settings.artifact_run_id
            else None,
            quantization=settings.model.quantization,
            device=own_device(settings.model.device, rank, num_processes),
            prompts=settings.model.prompts,
            label_sets=fixed_label_sets(self.items),
        )

    def make_pool(self) -> ExemplarPool:
        """Return the pool from which all prompts draw their shots."""
        return make_pool(self.snapshot, self.settings, self.settings.evaluation.shots)

    def rules(self) -> Mapping[str, DecisionRule]:
        """Return the operating points of the artifact, by label set; none without an artifact."""
        run_id = self.settings.artifact_run_id
        return read_info(RunDir(runs_dir() / run_id).artifact_path).decision_rules if run_id else {}

    def write(self, context: RunContext, predictions: Iterable[Prediction]) -> None:
        """Write predictions, which may come in any order, and their metrics.

        Raises:
            DataError: No item could be asked.
        """
        by_item = {prediction.item_id: prediction for prediction in predictions}
        context.warn(describe_left_out(self.items, by_item))
        ordered = [by_item[item.item_id] for item in self.items if item.item_id in by_item]
        PREDICTIONS.write(self.run_dir.predictions_path, ordered)
        self.run_dir.write_metrics(evaluate(ordered, self.snapshot.test, self.rules()))


def run_prediction(context: RunContext) -> None:
    """Predict every item of the run's snapshot, without training anything.

    Where several processes share the work, each answers its share; the first one writes them all.

    Raises:
        TrainingError: Settings or snapshot do not fit.
        EciError: Model or artifact cannot be loaded, or a prompt does not fit.
    """
    job = PredictionJob.read(context.run_dir, PredictionSettings)
    context.report_message(f"Loading {job.settings.model.base}.")
    among = f" (each of {context.num_processes} processes)" if context.num_processes > 1 else ""
    predictions = predict_items(
        job.load_model(context.rank, context.num_processes),
        job.items[context.rank :: context.num_processes],
        run_id=context.run_dir.run_id,
        pool=job.make_pool(),
        settings=job.settings.evaluation,
        progress=report_answered(context, f"Answering items{among}"),
    )
    if context.num_processes == 1:
        job.write(context, predictions)
    elif (parts := gather(predictions, context.rank)) is not None:
        job.write(context, chain.from_iterable(parts))


def predict(
    context: RunContext,
    model: EciModel,
    pool: ExemplarPool,
    snapshot: Snapshot,
    settings: EvaluationSettings,
) -> list[Prediction]:
    """Predict the test items with their text and, if asked for, the training items without.

    Raises:
        Stopped: The run was asked to stop meanwhile.
    """
    test = predict_items(
        model,
        snapshot.test,
        run_id=context.run_dir.run_id,
        pool=pool,
        settings=settings,
        progress=report_answered(context, "Answering test items"),
    )
    if not settings.predict_train:
        return test
    train = predict_items(
        model,
        snapshot.train,
        run_id=context.run_dir.run_id,
        pool=pool,
        settings=settings.model_copy(update={"max_new_tokens": 0}),
        progress=report_answered(context, "Classifying training items"),
    )
    return test + train


def keep_answerable(context: RunContext, model: EciModel, snapshot: Snapshot) -> Snapshot:
    """Return a snapshot without the items that a model cannot be asked about, and warn of them.

    Raises:
        DataError: It can be asked about none.
    """
    items = [*snapshot.train, *snapshot.test]
    kept = {item.item_id for item in items if model.can_ask(to_question(item))}
    context.warn(describe_left_out(items, kept))
    return replace(
        snapshot,
        train=tuple(item for item in snapshot.train if item.item_id in kept),
        test=tuple(item for item in snapshot.test if item.item_id in kept),
    )


def predict_items(
    model: EciModel,
    items: Sequence[SnapshotItem],
    *,
    run_id: str,
    pool: ExemplarPool,
    settings: EvaluationSettings,
    progress: Progress | None = None,
) -> list[Prediction]:
    """Predict items, with text where ``settings.max_new_tokens`` allows any.

    Items that the model cannot be asked about are left out.
    """
    items = [item for item in items if model.can_ask(to_question(item))]
    questions = [to_question(item) for item in items]
    shots = [pool.choose_shared(question, settings.shots) for question in questions]
    if settings.max_new_tokens == 0:
        read = model.classify(questions, shots, batch_size=settings.batch_size, progress=progress)
        return [
            _prediction(run_id, item, classification, None)
            for item, classification in zip(items, read, strict=True)
        ]
    answers = model.answer(
        questions,
        shots,
        max_new_tokens=settings.max_new_tokens,
        batch_size=settings.batch_size,
        progress=progress,
    )
    labels = [question.label_set for question in questions]
    return [
        _answered(run_id, item, answer, label_set)
        for item, answer, label_set in zip(items, answers, labels, strict=True)
    ]


def report_answered(context: RunContext, what: str) -> Progress:
    """Return what reports in the run's messages how many items are done, and heeds a stop."""

    def update(done: int, total: int) -> None:
        context.report_message(f"{what}: {done} of {total}.")
        context.check_stop()

    return update


def _prediction(
    run_id: str, item: SnapshotItem, classification: Classification, seconds: float | None
) -> Prediction:
    return Prediction(
        run_id=run_id,
        item_id=item.item_id,
        answer=None,
        answer_label=None,
        head_label=classification.label,
        head_probabilities=classification.probabilities,
        prompt_tokens=classification.prompt_tokens,
        latency_seconds=seconds,
    )


def _answered(run_id: str, item: SnapshotItem, answer: Answer, labels: LabelSet) -> Prediction:
    read = read_labels if labels.is_several else read_answer
    reading = read(answer.text, labels)
    return replace(
        _prediction(run_id, item, answer.classification, answer.seconds),
        answer=answer.text,
        answer_label=reading.label,
        answer_form=reading.form,
        answer_start=reading.start,
        answer_end=reading.end,
        is_finished=answer.is_finished and reading.is_finished,
        answer_tokens=answer.num_tokens,
    )
