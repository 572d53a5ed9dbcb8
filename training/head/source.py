"""What a head is refitted on: the base model alone, or with the adapter of an earlier run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from db.atomic_files import replaced_file
from db.paths import models_dir
from db.retraining.snapshot import SnapshotItem
from eci.model.artifact import ArtifactInfo, check_base, read_info
from eci.model.base_model import resolve_base_model
from eci.model.features import stack
from eci.model.fingerprint import Fingerprint
from eci.questions.prompts import Question, load_template
from training.data.artifact_source import ArtifactSource
from training.data.questions import ItemQuestion, fixed_label_sets
from training.head.features import Features, HeadFeatures, features_dir
from training.run.execution import RunContext
from training.settings.training import RefitSettings

if TYPE_CHECKING:
    from eci.model.eci_model import EciModel

_PART = 64
"""Items prefilled before their features are kept."""


def find_features(
    settings: RefitSettings, source: ArtifactSource, items: Sequence[SnapshotItem]
) -> HeadFeatures | None:
    """Return what is kept of a model without loading it; None where only loading shows which it is.

    Raises:
        ArtifactError: The source's artifact is damaged.
        BaseModelError: The base model is not there.
    """
    info = _find_info(settings, source, items)
    return None if info is None else HeadFeatures(features_dir(), info)


def _find_info(
    settings: RefitSettings, source: ArtifactSource, items: Sequence[SnapshotItem]
) -> ArtifactInfo | None:
    if source.artifact is not None:
        return _described(settings, source.artifact)
    path = _base_info_path(settings)
    if path is None or not path.exists():
        return None
    try:
        info = ArtifactInfo.model_validate_json(path.read_bytes())
    except (ValidationError, OSError):  # of the cache: loading the model writes it again
        return None
    known = {name: labels.label_set(name).names for name, labels in info.label_sets.items()}
    needed = {
        labels.name: labels.names for labels in fixed_label_sets(items) if not labels.is_options
    }
    return info if needed.items() <= known.items() else None


def _described(settings: RefitSettings, artifact: Path) -> ArtifactInfo:
    """Describe an artifact, with its base model under the name that it has now.

    Raises:
        ArtifactError: What has that name now is another base model.
    """
    info = read_info(artifact)
    if settings.model.base != info.base.name:
        place = resolve_base_model(settings.model.base, models_dir())
        if Path(place).is_dir():
            fingerprint = Fingerprint.of(place, models_dir())
            check_base(info, fingerprint, info.base.quantization, artifact)
    base = info.base.model_copy(update={"name": settings.model.base})
    return info.model_copy(update={"base": base})


def prefill(
    context: RunContext,
    settings: RefitSettings,
    source: ArtifactSource,
    entries: Sequence[ItemQuestion],
) -> HeadFeatures:
    """Load the model, prefill the items whose features are lacking, and keep the features."""
    from eci.model.base_model import load_base
    from eci.model.eci_model import EciModel, build
    from training.joint.adapter import describe_model

    context.report_message(f"Loading {settings.model.base}.")
    if source.artifact is not None:
        info = _described(settings, source.artifact)
        model = EciModel.load(
            settings.model.base,
            models_dir(),
            artifact=source.artifact,
            quantization=info.base.quantization,
            device=settings.model.device,
        )
    else:
        base = load_base(
            settings.model.base,
            models_dir(),
            quantization=settings.model.quantization,
            device=settings.model.device,
        )
        model = build(
            base,
            label_sets=fixed_label_sets(entry.item for entry in entries),
            pooling=settings.pooling,
            uses_scores=False,
            prompts=settings.model.prompts,
        )
        info = describe_model(model, base, shots=0, has_adapter=False)
        path = _base_info_path(settings)
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            with replaced_file(path) as partial:
                partial.write_text(info.model_dump_json())
    features = HeadFeatures(features_dir(), info)
    questions = [entry.question for entry in entries]
    _add_missing(context, model, features, questions, settings.batch_size)
    return features


def _add_missing(
    context: RunContext,
    model: EciModel,
    features: HeadFeatures,
    questions: Sequence[Question],
    batch_size: int,
) -> None:
    missing = [questions[i] for i in features.missing(questions)]
    unanswerable = [question for question in missing if not model.can_ask(question)]
    if unanswerable:
        features.note_unanswerable(unanswerable)
        missing = [questions[i] for i in features.missing(questions)]
    num_done = 0

    def update(done: int, _: int) -> None:
        context.report_progress(step=num_done + done, num_steps=len(missing))
        context.check_stop()

    # In parts, so that a run that is stopped has not computed for nothing.
    for start in range(0, len(missing), _PART):
        part = missing[start : start + _PART]
        given = model.features(part, batch_size=batch_size, progress=update)
        for name in dict.fromkeys(question.label_set.name for question in part):
            mine = [i for i, question in enumerate(part) if question.label_set.name == name]
            features.add([part[i] for i in mine], Features(*stack([given[i] for i in mine])))
        num_done += len(part)


def _base_info_path(settings: RefitSettings) -> Path | None:
    """Return the path of a base model's description; None where only loading can identify it."""
    resolved = resolve_base_model(settings.model.base, models_dir())
    if not Path(resolved).is_dir():
        return None
    fingerprint = Fingerprint.of(resolved, models_dir())
    content = [
        fingerprint.weights,
        fingerprint.tokenizer,
        settings.model.quantization,
        load_template(settings.model.template).digest,
        settings.model.max_prompt_tokens,
        settings.model.thinking_tokens,
        settings.pooling,
    ]
    key = hashlib.sha256(json.dumps(content).encode()).hexdigest()[:24]
    return features_dir() / f"{key}.json"
