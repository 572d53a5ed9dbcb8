"""A joint run that starts from the adapter and head of an earlier one instead of new ones.

What the adapter is valid for comes with it: base model, prompts, pooling of the head, rank. The
dev items are chosen among those that it has not learned from. torch is imported inside functions:
the app plans such runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from db.paths import runs_dir
from eci.errors import ArtifactError
from eci.model.artifact import ADAPTER_FILES, HEAD_FILE, check_base, head_key, read_info
from eci.questions.labels import OPTIONS
from training.data.artifact_source import ArtifactSource
from training.errors import DataError, SettingsError
from training.run.json_files import read_object
from training.run.run_dir import RunDir
from training.settings.training import TrainingSettings, parse_settings

if TYPE_CHECKING:
    from eci.model.base_model import LoadedBase
    from eci.model.eci_model import EciModel


def has_adapter(run_id: str) -> bool:
    """Return whether a run's artifact has an adapter."""
    return (RunDir(runs_dir() / run_id).artifact_path / ADAPTER_FILES[0]).is_file()


def continued(settings: TrainingSettings, run_id: str) -> TrainingSettings:
    """Return the settings of a run that starts from the adapter of an earlier run's model.

    Args:
        settings: Of the preset; data, optimizer, evaluation and device stay as they are.
        run_id: A run that changed only the head stands for the one that trained its adapter.

    Raises:
        DataError: The run has no artifact, or no adapter.
        SettingsError: Its adapter is of a kind that training cannot go on from.
    """
    source = ArtifactSource.of(run_id)
    run_dir = source.adapter_run()
    if run_dir is None:
        raise DataError(
            f"The model of run {run_id} has no adapter: only its head was fitted. Start from a new "
            "adapter, or from a model of the tiers joint and gpu."
        )
    info = read_info(run_dir.artifact_path)
    fields = settings.model_dump()
    fields["artifact_run_id"] = run_dir.run_id
    fields["model"] |= {
        "base": str(run_dir.read_model()["base"]),
        "quantization": info.base.quantization,
        "template": info.template,
        "max_prompt_tokens": info.max_prompt_tokens,
        "thinking_tokens": info.thinking_tokens,
    }
    fields["head"] |= {"pooling": info.head["pooling"], "scores": info.head["uses_scores"]}
    fields["lora"] |= _shape(run_dir)
    return parse_settings(fields, f"run {run_dir.run_id}, which is started from")


def _shape(run_dir: RunDir) -> dict[str, Any]:
    """Return rank and alpha of a run's adapter."""
    path = run_dir.artifact_path / ADAPTER_FILES[1]
    config = read_object(path)
    varied = ("use_dora", "use_rslora", "rank_pattern", "alpha_pattern")
    found = [name for name in varied if config.get(name)]
    if config.get("peft_type") != "LORA" or found:
        raise SettingsError(
            f"The adapter of run {run_dir.run_id} is no plain LoRA "
            f"({', '.join(found) or config.get('peft_type')}), so training cannot go on from it. "
            "Start from a new adapter."
        )
    return {"rank": config.get("r"), "alpha": config.get("lora_alpha")}


def load_adapter(model: EciModel, base: LoadedBase, source: ArtifactSource) -> None:
    """Replace a new adapter's weights by those that a run starts from, if any.

    Args:
        model: After ``add_adapter``, which gave it the same shape.
        base: Must be what the adapter was trained on.

    Raises:
        ArtifactError: The adapter is damaged, or of another base model.
    """
    from peft import get_peft_model_state_dict, set_peft_model_state_dict
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    folder = source.artifact
    if folder is None:
        return
    check_base(read_info(folder), base.fingerprint, base.quantization, folder)
    try:
        weights = load_file(folder / ADAPTER_FILES[0])
        new = get_peft_model_state_dict(model.model)
        if unplaced := weights.keys() - new.keys():
            raise ArtifactError(
                f"The adapter in {folder} has {len(unplaced)} weights that a new one of this model "
                f"lacks (first: {min(unplaced)}). Start from a new adapter."
            )
        set_peft_model_state_dict(model.model, {**new, **weights})
    except (SafetensorError, RuntimeError) as error:
        raise ArtifactError(
            f"The adapter in {folder} cannot be loaded: {error}. Start from a new adapter."
        ) from error


def load_head(model: EciModel, source: ArtifactSource) -> None:
    """Load the heads that the run started from trained for the same label sets, if any."""
    from safetensors.torch import load_file

    folder = source.artifact
    if folder is None or not source.learned_item_ids():
        return
    info = read_info(folder)
    same = {
        head_key(name)
        for name, known in info.label_sets.items()
        if name in model.label_sets and known.label_set(name).names == model.label_sets[name].names
    }
    head = model.model.get_base_model().eci_head.modules_to_save["default"]
    stored = load_file(folder / HEAD_FILE)
    kept = {
        name: tensor
        for name, tensor in stored.items()
        if name.startswith("option_") or name.split(".")[1] in {*same, OPTIONS}
    }
    head.load_state_dict(kept, strict=False)
