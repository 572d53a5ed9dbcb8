"""The recipe: one run from its directory to adapter, head, predictions and metrics."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from transformers import EarlyStoppingCallback, PrinterCallback, TrainingArguments

from db.paths import models_dir
from db.retraining.snapshot import Snapshot
from eci.arrays import FloatArray, IntArray
from eci.model.artifact import ADAPTER_FILES
from eci.model.base_model import load_base, read_config
from eci.model.batching import Row
from eci.model.eci_model import EciModel, build
from training.data.artifact_source import ArtifactSource
from training.data.dataset import (
    Record,
    TrainingData,
    build_training_data,
    to_rows,
)
from training.data.job import Job
from training.data.questions import fixed_label_sets
from training.errors import SettingsError
from training.evaluation.held_out import HELD_OUT, Gold, HeldOut, calibrate, choose_rules
from training.evaluation.metrics import evaluate
from training.evaluation.out_of_fold import held_out_rows
from training.joint.adapter import add_adapter, describe_reach, library_versions, save_artifact
from training.joint.base_heads import fit_again, judged_by_set, start_head
from training.joint.continuation import load_adapter, load_head
from training.joint.memory import DecoderShape
from training.joint.predict import keep_answerable, predict
from training.joint.sharding import exceeds, shard
from training.joint.trainer import EciTrainer, ProgressCallback, RowDataset
from training.run.execution import RunContext
from training.run.json_files import read_object
from training.run.process_group import leave_group, own_device
from training.run.result_tables import OUT_OF_FOLD, PREDICTIONS, RECORDS
from training.run.run_dir import RunDir
from training.settings.launchers import AccelerateLauncher, parse_launcher
from training.settings.training import (
    TrainingSettings,
    share_step,
)


def run_qlora(context: RunContext) -> None:
    """Train adapter and head on the run's snapshot, then predict and evaluate.

    Everything is read from and written to the run directory. A checkpoint found there is resumed.
    Where several processes share the steps, the first one does the rest alone; of a base model that
    is divided among them, all compute the rest together and the first one keeps it.

    Raises:
        TrainingError: Settings, snapshot or data do not fit.
        EciError: The base model cannot be loaded or a prompt does not fit.
    """
    run_dir = context.run_dir
    stored = run_dir.read_settings()
    job = Job.read(run_dir, TrainingSettings)
    settings, snapshot = job.settings, job.snapshot
    context.report_message(f"Loading {settings.model.base}.")
    divides = _divides(context, stored, settings)
    base = load_base(
        settings.model.base,
        models_dir(),
        quantization=settings.model.quantization,
        device=own_device(settings.model.device, context.rank, context.num_processes),
        waits_on_host=divides,
    )
    if context.is_first:
        run_dir.write_settings(
            {**stored, "base_fingerprint": base.fingerprint.weights, "versions": library_versions()}
        )
    torch.manual_seed(settings.seed)
    label_sets = fixed_label_sets([*snapshot.train, *snapshot.test])
    settings.decision.require_labels(label_sets)
    model = build(
        base,
        label_sets=label_sets,
        pooling=settings.head.pooling,
        uses_scores=settings.head.scores,
        dropout=settings.head.dropout,
        weight=settings.head.weight,
        prompts=settings.model.prompts,
    )
    snapshot = keep_answerable(context, model, snapshot)
    source = ArtifactSource.of(settings.artifact_run_id)
    data = build_training_data(snapshot, settings.data, settings.seed, source.learned_item_ids())
    context.warn([*data.describe_missing_labels(), *source.describe_unknown_learning()])
    if context.is_first:
        RECORDS.write(run_dir.records_path, data.lineage(run_dir.run_id))
    add_adapter(model, settings.lora, checkpointing=settings.optimizer.gradient_checkpointing)
    load_adapter(model, base, source)
    context.report_message(describe_reach(model.model.get_base_model()))
    if divides:
        context.report_message(f"Dividing the base model among {context.num_processes} processes.")
        shard(model.model, base.device)
    heads = start_head(
        context,
        model,
        data.learned,
        batch_size=settings.evaluation.batch_size,
        crosses=source.artifact is None,  # an earlier run's adapter is not in these states
    )
    load_head(model, source)
    _train(context, model, data, settings, heads.fold_of)
    if not divides:
        leave_group()
        if not context.is_first:
            return
    context.check_stop()
    fit_again(context, model, data.learned, heads, batch_size=settings.evaluation.batch_size)
    with _results_kept(context) as kept:
        others = judged_by_set(data.learned, heads.judged)
        held_out = _calibrate(kept, model, data.dev, settings, others)
        sets = [record.question.label_set for record in data.dev]
        several = {labels.name for labels in sets if labels.is_several}
        rows = held_out_rows(run_dir.run_id, held_out, model.calibration, (), several)
        OUT_OF_FOLD.write(kept.run_dir.out_of_fold_path, [*rows, *heads.judged])
        shots = settings.evaluation.shots
        to = kept.run_dir.artifact_path
        save_artifact(model, base, to, shots=shots, decision=settings.decision)
        _predict(kept, model, data, snapshot, settings)
    leave_group()


def _divides(context: RunContext, stored: dict[str, Any], settings: TrainingSettings) -> bool:
    """Return whether the base model is divided among the processes; all come to the same answer."""
    launcher = parse_launcher(stored.get("launcher"), str(context.run_dir.settings_path))
    if not isinstance(launcher, AccelerateLauncher) or launcher.sharding == "none":
        return False
    if launcher.sharding == "full":
        return True
    if settings.model.device == "cpu" or not torch.cuda.is_available():
        return False
    cards = [torch.cuda.get_device_properties(i) for i in range(context.num_processes)]
    return exceeds(
        DecoderShape.of(read_config(settings.model.base, models_dir())),
        settings,
        num_processes=context.num_processes,
        card_bytes=min(card.total_memory for card in cards),
    )


@contextmanager
def _results_kept(context: RunContext) -> Iterator[RunContext]:
    """Return where results go: of several processes that compute them together, the
    first's stay."""
    if context.is_first:
        yield context
        return
    with TemporaryDirectory(prefix="llamacare-") as folder:
        rank, num_processes = context.rank, context.num_processes
        yield RunContext(RunDir(Path(folder)), rank=rank, num_processes=num_processes)


def _train(
    context: RunContext,
    model: EciModel,
    data: TrainingData,
    settings: TrainingSettings,
    fold_of: Mapping[str, int],
) -> None:
    limit = settings.data.max_answer_tokens
    if model.thinking_tokens:
        context.report_message("Thinking about all records before the first step.")

    def encoded(records: Sequence[Record]) -> tuple[list[Row], int]:
        size = settings.evaluation.batch_size
        return to_rows(
            model,
            records,
            limit,
            batch_size=size,
            progress=lambda *_: context.check_stop(),
        )

    rows, num_shortened = encoded(data.train)
    rows = [
        replace(row, fold=fold_of.get(record.item_id, -1))
        for row, record in zip(rows, data.train, strict=True)
    ]
    dev_rows, _ = encoded(data.dev)
    context.report_message(
        f"Training on {len(rows)} records of {len({r.item_id for r in data.train})} items"
        f" ({num_shortened} shortened to fit); {len(dev_rows)} items held out."
    )
    callback = ProgressCallback(context)
    trainer = EciTrainer(
        model=model.model,
        args=_arguments(context, settings, has_dev=bool(dev_rows)),
        train_dataset=RowDataset(rows),
        eval_dataset=RowDataset(dev_rows) if dev_rows else None,
        callbacks=[callback, *_early_stop(settings, has_dev=bool(dev_rows))],
        pad_id=model.encoder.pad_id,
        weight=settings.head.weight,
        head_learning_rate=settings.optimizer.head_learning_rate,
    )
    callback.trainer = trainer
    trainer.remove_callback(PrinterCallback)
    checkpoint = context.run_dir.latest_checkpoint()
    if checkpoint is not None:
        _require_same_adapter(checkpoint, settings)
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    model.model.eval()


def _require_same_adapter(checkpoint: Path, settings: TrainingSettings) -> None:
    """Refuse to go on from an adapter of another shape.

    Raises:
        SettingsError: The settings were changed since the checkpoint was written.
    """
    rank = read_object(checkpoint / ADAPTER_FILES[1]).get("r")
    if rank != settings.lora.rank:
        raise SettingsError(
            f"{checkpoint} has an adapter of rank {rank}, the settings of this run say "
            f"{settings.lora.rank}. Set lora.rank to {rank} again, or start a new run."
        )


def _arguments(
    context: RunContext, settings: TrainingSettings, *, has_dev: bool
) -> TrainingArguments:
    optimizer = settings.optimizer
    batch_size, accumulation = share_step(optimizer, context.num_processes)
    stops_early = has_dev and optimizer.patience is not None
    strategy = "steps" if stops_early else "no"
    arguments = TrainingArguments(
        output_dir=str(context.run_dir.checkpoints_path),
        num_train_epochs=optimizer.epochs,
        max_steps=optimizer.max_steps or -1,
        per_device_train_batch_size=batch_size,
        per_device_eval_batch_size=optimizer.batch_size,
        gradient_accumulation_steps=accumulation,
        learning_rate=optimizer.learning_rate,
        warmup_steps=optimizer.warmup_fraction,
        weight_decay=optimizer.weight_decay,
        max_grad_norm=optimizer.max_grad_norm,
        lr_scheduler_type="cosine",
        save_strategy="steps",
        save_steps=optimizer.checkpoint_steps,
        save_total_limit=2,
        eval_strategy=strategy,
        eval_steps=optimizer.checkpoint_steps,
        load_best_model_at_end=stops_early,
        metric_for_best_model="eval_loss",
        prediction_loss_only=True,
        label_names=["labels", "cls_labels", "right_labels"],
        remove_unused_columns=False,
        use_cpu=settings.model.device == "cpu",
        seed=settings.seed,
        data_seed=settings.seed,
        logging_strategy="no",
        report_to=[],
        disable_tqdm=True,
        dataloader_pin_memory=False,
        # A process whose rows are all of one label set leaves the head of another without gradient.
        ddp_find_unused_parameters=True,
    )
    if arguments.n_gpu > 1:
        # The Trainer would copy the model to each card, multiply the batch and average what are
        # totals. One process uses one card.
        context.report_message(
            f"This machine has {arguments.n_gpu} graphics cards; a run in one process uses one of "
            "them. Choose the launcher accelerate to use more."
        )
        arguments._n_gpu = 1
    return arguments


def _early_stop(settings: TrainingSettings, *, has_dev: bool) -> list[Any]:
    if settings.optimizer.patience is None or not has_dev:
        return []
    return [EarlyStoppingCallback(early_stopping_patience=settings.optimizer.patience)]


def _calibrate(
    context: RunContext,
    model: EciModel,
    dev: Sequence[Record],
    settings: TrainingSettings,
    others: Mapping[str, tuple[FloatArray, IntArray]],
) -> list[HeldOut]:
    """Calibrate the model and choose its operating points on the held-out items.

    Args:
        others: Of items that were learned from, what heads on the base model say out of fold.
    """
    context.report_message("Calibrating and saving adapter and head.")
    held_out = _held_out(context, model, dev, settings.evaluation.batch_size)
    HELD_OUT.write(context.run_dir.held_out_path, held_out)
    labels: dict[str, Gold] = {}
    for record in dev:
        places = record.question.label_set.indices(record.label)
        is_several = record.question.label_set.is_several
        labels[record.item_id] = frozenset(places) if is_several else places[0]
    model.calibration = calibrate(held_out, labels)
    model.decision_rules = choose_rules(
        held_out, labels, model.calibration, settings.decision, model.label_sets.values(), others
    )
    return held_out


def _predict(
    context: RunContext,
    model: EciModel,
    data: TrainingData,
    snapshot: Snapshot,
    settings: TrainingSettings,
) -> None:
    """Predict with the trained model, and score the predictions."""
    run_dir = context.run_dir
    predictions = predict(context, model, data.pool, snapshot, settings.evaluation)
    PREDICTIONS.write(run_dir.predictions_path, predictions)
    run_dir.write_metrics(evaluate(predictions, snapshot.test, model.decision_rules))
    # They hold optimizer state as pickles and are of no use once the artifact is written.
    shutil.rmtree(run_dir.checkpoints_path, ignore_errors=True)


def _held_out(
    context: RunContext, model: EciModel, dev: Sequence[Record], batch_size: int
) -> list[HeldOut]:
    """Return the logits of the items that were not learned from."""
    read = model.classify(
        [record.question for record in dev],
        batch_size=batch_size,
        progress=lambda *_: context.check_stop(),
    )
    return [
        HeldOut(record.item_id, record.question.label_set.name, classification.logits)
        for record, classification in zip(dev, read, strict=True)
    ]
