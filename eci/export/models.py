"""Plain Hugging Face folders of an artifact: the merged language model, or a classifier.

Transformers loads both without this package and without PEFT. In a merged model the LoRA weights
are added to those of the base model. An artifact of a 4-bit base model is merged into the weights
that its adapter was trained on, the dequantized ones: the original weights are another model.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import torch

from eci.errors import ExportError
from eci.export.card import card
from eci.export.folder import written_folder
from eci.model.artifact import HEAD_FILE, ArtifactInfo, check_base, head_key, read_info
from eci.model.base_model import LoadedBase, load_base, read_config
from eci.model.encoding import PLAIN_CHAT_TEMPLATE
from eci.model.head import HeadConfig

Dtype = Literal["auto", "float32", "bfloat16", "float16"]
_SAME: Final = 1e-6
"""By how much the intercepts of two labels may differ and still count as one."""


@dataclass(frozen=True)
class ExportSource:
    """An artifact and where its base model is.

    Attributes:
        artifact: Its folder.
        base: Name of the base model; None: as the artifact has it.
        models_dir: Where bundled models are unpacked.
        dtype: Of the weights that are written; ``auto``: as the base model is stored.
    """

    artifact: Path
    base: str | None
    models_dir: Path
    dtype: Dtype = "auto"

    def info(self) -> ArtifactInfo:
        """Return the description of the artifact. Raises ArtifactError where it is damaged."""
        return read_info(self.artifact)


def export_language_model(source: ExportSource, path: Path) -> None:
    """Write the base model with the adapter merged into it; the head is left out.

    Raises:
        ExportError: It cannot be written there.
        ArtifactError: The artifact is damaged, or of another base model.
    """
    info = source.info()
    about = _about(source, info, "language model")
    with written_folder(path, about) as folder:
        loaded, model = _merged(source, info)
        _save(model, loaded.tokenizer, folder)
        (folder / "README.md").write_text(card("language_model", info, about), "utf-8")


def export_classifier(source: ExportSource, path: Path, label_set: str | None) -> None:
    """Write a model for ``AutoModelForSequenceClassification`` with the same probabilities.

    Args:
        label_set: Which of the head's; None where it has one only.

    Raises:
        ExportError: The head is of another form, or the folder cannot be written.
        ArtifactError: The artifact is damaged, or of another base model.
    """
    info = source.info()
    name = _choose(info, label_set)
    weight = classifier_weight(info, source.artifact / HEAD_FILE, name)
    about = {**_about(source, info, "sequence classification"), "label_set": name}
    with written_folder(path, about) as folder:
        loaded, model = _merged(source, info)
        _save(_with_score(model, weight, info, name), loaded.tokenizer, folder)
        (folder / "README.md").write_text(card("classifier", info, about), "utf-8")


def classifier_weight(info: ArtifactInfo, head_file: Path, label_set: str) -> torch.Tensor:
    """Return a head as one matrix on the last state, temperature included.

    The classifiers of transformers are ``logits = W·u`` of the last token's last state ``u``,
    without an intercept: exact only for a head of that form.

    Returns:
        Shape ``(labels, hidden size)``, float32.

    Raises:
        ExportError: The head is of another form; it says in what it differs.
    """
    from safetensors.torch import load_file

    config, tensors, key = (
        HeadConfig.from_dict(info.head),
        load_file(head_file),
        head_key(label_set),
    )
    weight, bias = tensors[f"linears.{key}.weight"], tensors[f"linears.{key}.bias"]
    mean, spread = tensors[f"norms.{key}.mean"], tensors[f"norms.{key}.spread"]
    folded = weight / spread
    intercepts = bias - folded @ mean
    faults = []
    if [(part.region, part.depth) for part in config.parts] != [("last", 1.0)]:
        faults.append(f"it reads {config.pooling!r}, not the last token's last state ('last')")
    uses_scores = config.uses_scores and all(info.label_sets[label_set].verbalizers)
    if uses_scores and float(tensors[f"scales.{key}"]) != 0.0:
        faults.append("it adds the language model's own scores of the labels")
    if float(intercepts.max() - intercepts.min()) > _SAME:
        faults.append("it has an intercept for each label")
    if info.label_sets[label_set].is_several:
        faults.append("several of its labels may be right, each with a probability of its own")
    if info.thinking_tokens:
        faults.append("the model thinks before it is read")
    if faults:
        raise ExportError(
            f"The head of {label_set!r} cannot be a sequence classification model: "
            f"{'; '.join(faults)}. Merge the adapter, if there is one (--merged), and fit a head "
            "of that form on the merged model: python -m training run --tier refit --from base "
            "--base MERGED --form sequence-classification. ONNX takes heads of any form."
        )
    known = info.calibration.get(label_set)
    return folded / (known.temperature if known else 1.0)


def _choose(info: ArtifactInfo, label_set: str | None) -> str:
    names = list(info.label_sets)
    if label_set is None and len(names) == 1:
        return names[0]
    if label_set in names:
        return str(label_set)
    raise ExportError(
        f"Label set {label_set!r} is not one of this head: {', '.join(names) or 'none'}. Name one "
        "with --label-set; options of an item are no fixed labels."
        if label_set
        else f"The head has {len(names)} label sets ({', '.join(names) or 'none'}), and a "
        "classifier has one. Name it with --label-set."
    )


def _merged(source: ExportSource, info: ArtifactInfo) -> tuple[LoadedBase, Any]:
    """Return the base model, and it again with the adapter added to its weights."""
    name = source.base or info.base.name
    is_quantized = info.base.quantization != "none"
    dtype = _dtype(source, name)
    loaded = load_base(
        name,
        source.models_dir,
        quantization=info.base.quantization,
        device="auto" if is_quantized else "cpu",
        dtype=None if is_quantized else dtype,
    )
    check_base(info, loaded.fingerprint, loaded.quantization, source.artifact)
    model = loaded.model
    if is_quantized:
        model = model.dequantize().to(device="cpu", dtype=dtype)
    if info.has_adapter:
        from peft import PeftModel

        adapted = PeftModel.from_pretrained(model, str(source.artifact), is_trainable=False)
        model = adapted.merge_and_unload(safe_merge=True)
    return loaded, model.to(dtype)


def _dtype(source: ExportSource, name: str) -> torch.dtype:
    if source.dtype != "auto":
        return {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}[
            source.dtype
        ]
    stored = getattr(read_config(name, source.models_dir), "dtype", None)
    return stored if isinstance(stored, torch.dtype) else torch.float32


def _with_score(model: Any, weight: torch.Tensor, info: ArtifactInfo, label_set: str) -> Any:
    """Return a classifier of the same architecture with the decoder's weights and the head's."""
    from transformers import AutoModelForSequenceClassification

    labels = [label.name for label in info.label_sets[label_set].labels]
    config = model.config.__class__.from_dict(model.config.to_dict())
    config.num_labels = len(labels)
    config.id2label = dict(enumerate(labels))
    config.label2id = {label: i for i, label in enumerate(labels)}
    config.problem_type = "single_label_classification"
    try:
        classifier = AutoModelForSequenceClassification.from_config(config, dtype=model.dtype)
    except ValueError as error:
        raise ExportError(
            f"Transformers has no sequence classification for {config.model_type!r}. Export ONNX "
            "of the head instead."
        ) from error
    inner = getattr(classifier, classifier.base_model_prefix)
    inner.load_state_dict(model.get_decoder().state_dict())
    if tuple(classifier.score.weight.shape) != tuple(weight.shape):
        raise ExportError(f"The classifier of {config.model_type!r} has another shape of head.")
    with torch.no_grad():
        classifier.score.weight.copy_(weight)
    return classifier


def _save(model: Any, tokenizer: Any, folder: Path) -> None:
    if tokenizer.chat_template is None:
        tokenizer.chat_template = PLAIN_CHAT_TEMPLATE  # what the prompts were written with
    if model.config.get_text_config().pad_token_id is None:
        model.config.get_text_config().pad_token_id = tokenizer.pad_token_id
    model.config._name_or_path = ""
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _about(source: ExportSource, info: ArtifactInfo, kind: str) -> dict[str, Any]:
    return {
        "kind": kind,
        "base": source.base or info.base.name,
        "base_fingerprint": info.base.fingerprint,
        "quantization": info.base.quantization,
        "artifact_files": info.files,
        "dtype": source.dtype,
    }
