"""The artifact: adapter, head, calibration and what they are valid for, in one folder.

Safetensors and JSON only. Loading returns all of an artifact or raises :class:`ArtifactError`.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from eci.decisions import DecisionRule, DecisionSettings
from eci.errors import ArtifactError
from eci.model.fingerprint import HEADERS_ONLY, Fingerprint
from eci.questions.labels import OPTION_SETS, PUBMEDQA, Label, LabelSet

INFO_FILE: Final = "eci.json"
HEAD_FILE: Final = "eci_head.safetensors"
ADAPTER_FILES: Final = ("adapter_model.safetensors", "adapter_config.json")


_LAYER_ADAPTERS: Final = (
    *("LORA", "ADALORA", "IA3", "LOHA", "LOKR", "OFT", "BOFT", "VERA", "LN_TUNING"),
)


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class BaseInfo(_Frozen):
    """The base model that adapter and head were trained on."""

    name: str
    fingerprint: str
    quantization: Literal["none", "nf4"]
    tokenizer: str = ""
    """Identifies the tokenizer's files; empty in artifacts older than this field."""


class LabelInfo(_Frozen):
    """One label of a fixed label set."""

    name: str
    definition: str = ""
    code: str = ""


class LabelSetInfo(_Frozen):
    """A fixed label set and the first tokens of its labels."""

    labels: tuple[LabelInfo, ...]
    verbalizers: tuple[tuple[int, ...], ...]
    is_several: bool = False

    def label_set(self, name: str) -> LabelSet:
        """Return it as a label set."""
        labels = tuple(
            Label(label.name, definition=label.definition, code=label.code) for label in self.labels
        )
        return LabelSet(name, labels, self.is_several)


class CalibrationInfo(_Frozen):
    """Temperature by which logits are divided, and on how many held-out items it was fitted."""

    temperature: float = Field(gt=0)
    num_items: int = Field(ge=0)


def head_key(label_set: str) -> str:
    """Return the part of a head's tensor names that represents a label set.

    A set may have any name, and torch takes no dot and no name of its own.

    Example:
        >>> head_key("pubmedqa"), head_key("v1.5")
        ('pubmedqa', 'set-76312e35')
    """
    if label_set in (*OPTION_SETS, PUBMEDQA.name):
        return label_set
    return f"set-{label_set.encode().hex()}"


class ArtifactInfo(_Frozen):
    """Everything a loader must know and check; the content of ``eci.json``."""

    format_version: Literal[2] = 2
    base: BaseInfo
    template: str
    template_digest: str
    prompt_digest: str = ""
    """Of prompts as tokens, after chat template and tokenizer; empty in older artifacts."""
    max_prompt_tokens: int = Field(gt=0)
    thinking_tokens: int = Field(0, ge=0)
    """Longest thinking before the answer that the head reads after; 0: it answers at once."""
    shots: int = Field(ge=0)
    head: dict[str, Any]
    label_sets: dict[str, LabelSetInfo]
    calibration: dict[str, CalibrationInfo] = {}
    decision: DecisionSettings | None = None
    """What errors cost, for the choice of ``decision_rules``; None in older artifacts."""
    decision_rules: dict[str, DecisionRule] = {}
    """Label set -> its operating point; elsewhere the most probable label is decided for."""
    has_adapter: bool
    files: dict[str, str] = {}
    """File name -> SHA-256."""
    versions: dict[str, str] = {}

    @model_validator(mode="after")
    def _require_agreement(self) -> Self:
        for name, known in self.label_sets.items():
            if not known.labels or len(known.labels) != len(known.verbalizers):
                raise ValueError(f"label set {name!r} has not one list of tokens for each label")
            if any(token < 0 for tokens in known.verbalizers for token in tokens):
                raise ValueError(f"label set {name!r} has a negative token")
        sizes = {name: len(known.labels) for name, known in self.label_sets.items()}
        if self.head.get("label_sets", sizes) != sizes:
            raise ValueError("the head has other label sets")
        for name, rule in self.decision_rules.items():
            size = sizes.get(name)
            if size and (
                (rule.costs and len(rule.costs) != size)
                or (rule.set_thresholds and len(rule.set_thresholds) != size)
            ):
                raise ValueError(f"the operating point of {name!r} is of other labels")
        return self


def write_info(folder: Path, info: ArtifactInfo) -> ArtifactInfo:
    """Complete an artifact whose tensors are in ``folder``: hash them, then write ``eci.json``.

    ``eci.json`` comes last, so that a folder without it is recognised as unfinished.
    """
    names = (HEAD_FILE, *(ADAPTER_FILES if info.has_adapter else ()))
    files = {name: _sha256(folder / name) for name in names}
    complete = info.model_copy(update={"files": files})
    partial = folder / f"{INFO_FILE}.partial"
    partial.write_text(complete.model_dump_json(indent=1))
    partial.replace(folder / INFO_FILE)
    return complete


def read_info(folder: Path) -> ArtifactInfo:
    """Read ``eci.json`` and check that every file is there and unchanged.

    Raises:
        ArtifactError: Something is missing, damaged, or written by another version.
    """
    try:
        return _read_checked(folder)
    except OSError as error:
        raise ArtifactError(
            f"Artifact {folder} cannot be read: {error.strerror} ({error.filename}). Give access "
            "to it, copy it again or retrain."
        ) from error


def _read_checked(folder: Path) -> ArtifactInfo:
    path = folder / INFO_FILE
    if not path.is_file():
        raise ArtifactError(
            f"{folder} is no finished artifact: it has no {INFO_FILE}. Name the artifact folder of "
            "a run that succeeded."
        )
    try:
        info = ArtifactInfo.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ArtifactError(
            f"{path} cannot be read: {where}: {first['msg']}. Copy the artifact again or retrain."
        ) from error
    expected = {HEAD_FILE, *(ADAPTER_FILES if info.has_adapter else ())}
    faults = [f"{name} is not listed" for name in sorted(expected - set(info.files))]
    for name, digest in info.files.items():
        if name not in expected:
            faults.append(f"{name} does not belong to an artifact")
        elif not (folder / name).is_file():
            faults.append(f"{name} is missing")
        elif _sha256(folder / name) != digest:
            faults.append(f"{name} has changed since it was written")
    if faults:
        raise ArtifactError(
            f"Artifact {folder} is damaged: {'; '.join(faults)}. Copy it again or retrain."
        )
    return info


def read_plain_adapter(folder: Path) -> str:
    """Read the configuration of an adapter that plain PEFT saved.

    Returns:
        The base model that it names; empty where it names none.

    Raises:
        ArtifactError: It is no adapter in safetensors, or one that does not change layers.
    """
    config, weights = folder / ADAPTER_FILES[1], folder / ADAPTER_FILES[0]
    try:
        fields = json.loads(config.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise ArtifactError(
            f"{folder} is no adapter: its {config.name} cannot be read ({error}). Name a folder "
            "that PEFT's save_pretrained() wrote."
        ) from error
    if not weights.is_file():
        raise ArtifactError(
            f"Adapter {folder} has no {weights.name}: other formats can run code and are not read. "
            "Save it again with PEFT's save_pretrained(), which writes safetensors."
        )
    kind = fields.get("peft_type") if isinstance(fields, dict) else None
    if kind not in _LAYER_ADAPTERS:
        raise ArtifactError(
            f"Adapter {folder} is of kind {kind!r}; those that change layers can be taken: "
            f"{', '.join(_LAYER_ADAPTERS)}. Merge it into its base model, and name that."
        )
    return str(fields.get("base_model_name_or_path") or "")


def check_base(
    info: ArtifactInfo, fingerprint: Fingerprint, quantization: str, folder: Path
) -> None:
    """Refuse a base model that the artifact was not trained on.

    An artifact that is older than fingerprints of whole files is compared by the headers of the
    files alone, with a warning.

    Raises:
        ArtifactError: Weights, tokenizer or quantization differ; it says which.
    """
    is_old = info.base.fingerprint.startswith(HEADERS_ONLY)
    weights = fingerprint.headers if is_old else fingerprint.weights
    faults = []
    if info.base.fingerprint != weights:
        faults.append(f"its weights or configuration ({weights}, not {info.base.fingerprint})")
    if info.base.tokenizer not in ("", fingerprint.tokenizer):
        faults.append("its tokenizer or chat template")
    if faults:
        raise ArtifactError(
            f"Artifact {folder} was trained on {info.base.name!r}; the base model given differs in "
            f"{' and in '.join(faults)}. Load the base model it was trained on."
        )
    if info.base.quantization != quantization:
        raise ArtifactError(
            f"Artifact {folder} is valid for quantization {info.base.quantization!r}, not "
            f"{quantization!r}: head and calibration depend on it. Load the base model that way."
        )
    if is_old:
        warnings.warn(
            f"Artifact {folder} was made before base models were compared in full: other weights "
            "of the same shapes would not be noticed. Retrain or refit to record them.",
            stacklevel=2,
        )


def save_tensors(
    folder: Path, head: Mapping[str, Any], adapter: Mapping[str, Any] | None, adapter_config: Any
) -> None:
    """Write head and adapter tensors into an empty or new folder.

    Args:
        folder: Emptied first: an old artifact must not shine through.
        adapter: State of the LoRA weights alone, or None.
        adapter_config: The ``LoraConfig`` that loads ``adapter``.
    """
    from safetensors.torch import save_file

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    save_file(_plain(head), folder / HEAD_FILE)
    if adapter is not None:
        save_file(_plain(adapter), folder / ADAPTER_FILES[0])
        adapter_config.save_pretrained(folder)


def _plain(state: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
