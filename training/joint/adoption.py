"""A plain PEFT adapter as a run: an artifact with an untrained head, and its predictions.

The head gives what the adapted language model gives; a refit that starts from the run trains it.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from db.paths import models_dir
from eci.model.artifact import ADAPTER_FILES, save_tensors, write_info
from eci.model.base_model import load_base
from eci.model.eci_model import build, with_adapter
from training.data.artifact_source import UNKNOWN_LEARNING
from training.data.questions import fixed_label_sets
from training.joint.adapter import describe_model
from training.joint.predict import PredictionJob, predict_items, report_answered
from training.run.execution import RunContext
from training.settings.training import AdoptionSettings


def run_adoption(context: RunContext) -> None:
    """Make the artifact of an adapter that plain PEFT saved, and predict with it.

    Raises:
        TrainingError: Settings or snapshot do not fit.
        EciError: Base model or adapter cannot be loaded, or do not belong together.
    """
    run_dir = context.run_dir
    job = PredictionJob.read(run_dir, AdoptionSettings)
    settings = job.settings
    assert isinstance(settings, AdoptionSettings)  # noqa: S101 - narrows types
    context.report_message(f"Loading {settings.model.base}.")
    base = load_base(
        settings.model.base,
        models_dir(),
        quantization=settings.model.quantization,
        device=settings.model.device,
    )
    model = build(
        base,
        label_sets=fixed_label_sets(job.items),
        prompts=settings.model.prompts,
    )
    info = describe_model(model, base, shots=settings.evaluation.shots, has_adapter=False)
    head = model.model.eci_head.state_dict()
    model.model = with_adapter(model.model, Path(settings.adapter))
    save_tensors(run_dir.artifact_path, head, None, None)
    for name in ADAPTER_FILES:
        shutil.copyfile(Path(settings.adapter) / name, run_dir.artifact_path / name)
    write_info(run_dir.artifact_path, info.model_copy(update={"has_adapter": True}))
    context.warn([UNKNOWN_LEARNING])
    predictions = predict_items(
        model,
        job.items,
        run_id=run_dir.run_id,
        pool=job.make_pool(),
        settings=settings.evaluation,
        progress=report_answered(context, "Answering items"),
    )
    job.write(context, predictions)
