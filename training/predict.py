"""Predictions of a model for the items of a snapshot: after training, or as a run of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from db.home import models_dir, runs_dir
from db.records import Prediction
from db.snapshot import Snapshot, SnapshotItem, load_snapshot
from eci.answers import read_answer
from eci.exemplars import ExemplarPool
from eci.labels import LabelSet
from eci.model import Answer, Classification, EciModel, Progress
from training.dataset import fixed_label_sets, to_exemplar, to_question
from training.evaluate import evaluate
from training.execution import RunContext
from training.predictions import write_predictions
from training.settings import EvaluationSettings, parse_prediction_settings


def run_prediction(context: RunContext) -> None:
    """Let a model answer every item of the run's snapshot, without training anything.

    Raises:
        TrainingError: Settings or snapshot do not fit.
        EciError: Model or artifact cannot be loaded, or a prompt does not fit.
    """
    run_dir = context.run_dir
    stored = run_dir.read_settings()
    settings = parse_prediction_settings(stored["settings"], str(run_dir.settings_path))
    snapshot = load_snapshot(run_dir.snapshot_path)
    context.report_message(f"Loading {settings.model.base}.")
    model = EciModel.load(
        settings.model.base,
        models_dir(),
        artifact=runs_dir() / settings.artifact_run_id / "artifact"
        if settings.artifact_run_id
        else None,
        quantization=settings.model.quantization,
        device=settings.model.device,
        max_prompt_tokens=settings.model.max_prompt_tokens,
        label_sets=fixed_label_sets([*snapshot.train, *snapshot.test]),
    )
    pool = ExemplarPool(
        [
            to_exemplar(item, settings.exemplar_context_words)
            for item in snapshot.train
            if not item.is_vetoed
        ],
        settings.exemplars,
        settings.seed,
        # A shot that repeats a test item would give its answer away.
        forbidden=[to_question(i) for i in snapshot.test] if settings.evaluation.shots else (),
    )
    predictions = predict_items(
        model,
        [*snapshot.test, *snapshot.train],
        run_id=run_dir.run_id,
        pool=pool,
        settings=settings.evaluation,
        progress=_progress(context, "Answering items"),
    )
    write_predictions(run_dir.predictions_path, predictions)
    run_dir.write_metrics(evaluate(predictions, snapshot.test))


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
        progress=_progress(context, "Answering test items"),
    )
    if not settings.predict_train:
        return test
    train = predict_items(
        model,
        snapshot.train,
        run_id=context.run_dir.run_id,
        pool=pool,
        settings=settings.model_copy(update={"max_new_tokens": 0}),
        progress=_progress(context, "Classifying training items"),
    )
    return test + train


def predict_items(
    model: EciModel,
    items: Sequence[SnapshotItem],
    *,
    run_id: str,
    pool: ExemplarPool,
    settings: EvaluationSettings,
    progress: Progress | None = None,
) -> list[Prediction]:
    """Predict items, with text where ``settings.max_new_tokens`` allows any."""
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


def _progress(context: RunContext, what: str) -> Progress:
    def tell(done: int, total: int) -> None:
        context.report_message(f"{what}: {done} of {total}.")
        context.check_stop()

    return tell


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
    reading = read_answer(answer.text, labels)
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
