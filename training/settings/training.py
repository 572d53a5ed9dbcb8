"""Settings of a training run: TOML presets that become validated, frozen values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from db.conversions import replace_lone_surrogates
from db.paths import presets_dir
from eci.decisions import DecisionSettings
from eci.model.encoding import PromptSettings
from eci.model.head_fit import DEFAULT_L2
from eci.pooling import DEFAULT_POOLING, parse_pooling
from eci.questions.prompts import DEFAULT_TEMPLATE, list_templates
from training.errors import SettingsError
from training.settings.toml_files import parse_option, read_toml

RUN_ID = r"^[0-9a-z-]+$"


_MAX_SHOWN = 80
MAX_NUMBER = 2**31 - 1
"""Of seeds and of what is counted; more would be a slip, and fails far from here."""
_Whole = Annotated[int, Field(le=MAX_NUMBER)]


class Frozen(BaseModel):
    """Settings that never change, and that refuse names they do not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _known_template(name: str) -> str:
    if name not in list_templates():
        raise ValueError(f"there is no such template; known: {', '.join(list_templates())}")
    return name


TemplateName = Annotated[str, AfterValidator(_known_template)]


class ModelSettings(Frozen):
    """The frozen base model."""

    base: str = Field(
        "bundled:smollm2-135m",
        description="bundled:smollm2-135m, a local folder, or a Hugging Face id of a causal LM",
    )
    quantization: Literal["none", "nf4"] = Field("nf4", description="nf4: 4-bit, double quantized")
    device: str = Field("auto", description="auto takes the GPU where there is one; or cpu, cuda:0")
    template: TemplateName = Field(
        DEFAULT_TEMPLATE, description="wording of the prompts: three_step_v2, or short_v1"
    )
    max_prompt_tokens: int = Field(768, ge=32, le=32768, description="longest prompt in tokens")
    thinking_tokens: int = Field(
        0,
        ge=0,
        le=32768,
        description="longest thinking before the answer, of models that can; 0: answers at once",
    )

    @property
    def prompts(self) -> PromptSettings:
        """Return how the model is asked."""
        return PromptSettings(self.template, self.max_prompt_tokens, self.thinking_tokens)


class DataSettings(Frozen):
    """Which records are made of the snapshot's training items."""

    shots: tuple[Annotated[int, Field(ge=0, le=20)], ...] = Field(
        (0, 1), min_length=1, description="one record of each training item for each number here"
    )
    exemplars: Literal["random", "balanced", "nearest"] = Field(
        "balanced", description="how the shots of a record are chosen"
    )
    exemplar_context_words: _Whole = Field(
        60, ge=0, description="words of context that a shot shows; 0 shows none"
    )
    option_orders: int = Field(
        1, ge=1, le=24, description="records with the options in another order, the first included"
    )
    items_per_label_set: _Whole | None = Field(
        None, ge=4, description="at most this many items of each label set, corrected ones first"
    )
    max_answer_tokens: _Whole = Field(96, ge=1, description="longest answer to learn, in tokens")
    dev_fraction: float = Field(
        0.15,
        ge=0.0,
        le=0.5,
        description="fraction of items held out for calibration and early stop",
    )


def _checked_pooling(text: str) -> str:
    parse_pooling(text)
    return text


PoolingText = Annotated[str, AfterValidator(_checked_pooling)]


class HeadSettings(Frozen):
    """The ECI head."""

    pooling: PoolingText = Field(
        "last+evidence@0.5+question@0.5", description="hidden states that the head reads"
    )
    scores: bool = Field(
        True,
        description="whether the head sees the language model's own scores of the labels; without "
        "them a category takes no layer beyond the deepest that the head reads",
    )
    dropout: float = Field(0.1, ge=0.0, lt=1.0)
    weight: float = Field(0.5, ge=0.0, le=1.0, description="weight w of the head in the joint loss")


class LoraSettings(Frozen):
    """The adapter, on every linear layer of the decoder."""

    rank: int = Field(16, ge=1, le=512)
    alpha: _Whole = Field(32, ge=1)
    dropout: float = Field(0.05, ge=0.0, lt=1.0)


class OptimizerSettings(Frozen):
    """How long and how fast it learns."""

    epochs: float = Field(3.0, gt=0, le=100)
    max_steps: _Whole | None = Field(None, ge=1, description="ends before the epochs do")
    batch_size: _Whole = Field(4, ge=1, description="records in one forward pass")
    accumulation: _Whole = Field(1, ge=1, description="forward passes in one optimizer step")
    learning_rate: float = Field(2e-4, gt=0, le=1)
    head_learning_rate: float = Field(
        1e-3,
        gt=0,
        le=1,
        description="of heads that learn with the adapter: of options, of several right labels, "
        "and of label sets with too few items to be fitted out of fold",
    )
    warmup_fraction: float = Field(0.05, ge=0, lt=1)
    weight_decay: float = Field(0.01, ge=0)
    max_grad_norm: float = Field(1.0, gt=0)
    gradient_checkpointing: bool = False
    checkpoint_steps: _Whole = Field(50, ge=1, description="optimizer steps between checkpoints")
    patience: _Whole | None = Field(
        None, ge=1, description="evaluations without a better dev loss before it stops early"
    )


def share_step(optimizer: OptimizerSettings, num_processes: int) -> tuple[int, int]:
    """Divide an optimizer step among processes, so that all together learn from the same records.

    Returns:
        Batch size and accumulation of each process; the batch is never larger than in the settings.

    Raises:
        SettingsError: The records of a step cannot be divided evenly.
    """
    records = optimizer.batch_size * optimizer.accumulation
    each, rest = divmod(records, num_processes)
    if rest:
        allowed = [str(n) for n in range(1, records + 1) if records % n == 0]
        raise SettingsError(
            f"{num_processes} processes cannot share the {records} records of an optimizer step "
            f"(batch_size {optimizer.batch_size} x accumulation {optimizer.accumulation}) evenly. "
            f"Take {', '.join(allowed)} processes, or change batch_size or accumulation."
        )
    batch_size = max(n for n in range(1, optimizer.batch_size + 1) if each % n == 0)
    return batch_size, each // batch_size


class EvaluationSettings(Frozen):
    """What is predicted when training is over."""

    shots: _Whole = Field(0, ge=0, description="shots in every test prompt, shared by all items")
    max_new_tokens: _Whole = Field(48, ge=0, description="maximum answer length; 0: category only")
    batch_size: _Whole = Field(8, ge=1)
    predict_train: bool = Field(
        True, description="category of the training items too, without text: what it fixed there"
    )


class TrainingSettings(Frozen):
    """Everything a run depends on except its snapshot."""

    seed: _Whole = Field(0, ge=0)
    artifact_run_id: str | None = Field(
        None,
        pattern=RUN_ID,
        description="run whose adapter training starts from, or champion; none: a new adapter",
    )
    model: ModelSettings = ModelSettings()
    data: DataSettings = DataSettings()
    head: HeadSettings = HeadSettings()
    lora: LoraSettings = LoraSettings()
    optimizer: OptimizerSettings = OptimizerSettings()
    decision: DecisionSettings = DecisionSettings()
    evaluation: EvaluationSettings = EvaluationSettings()


class PredictionSettings(Frozen):
    """A run that only answers: the model as it is, or with the artifact of an earlier run."""

    model: ModelSettings = ModelSettings(quantization="none")
    artifact_run_id: str | None = Field(None, pattern=RUN_ID)
    exemplars: Literal["random", "balanced", "nearest"] = Field(
        "balanced", description="how the shots used in all prompts are chosen"
    )
    exemplar_context_words: _Whole = Field(
        60, ge=0, description="words of context that a shot shows"
    )
    seed: _Whole = Field(0, ge=0, description="decides which shots are drawn")
    evaluation: EvaluationSettings = EvaluationSettings()


class AdoptionSettings(PredictionSettings):
    """A run that makes a model of a plain PEFT adapter, which then predicts; nothing is trained."""

    adapter: str = Field(min_length=1, description="folder that PEFT's save_pretrained() wrote")


class RefitSettings(Frozen):
    """A run that refits the head on cached features; base model and adapter do not change."""

    seed: _Whole = Field(0, ge=0)
    model: ModelSettings = ModelSettings(quantization="none")
    artifact_run_id: str | None = Field(
        None, pattern=RUN_ID, description="whose adapter computes the features; none: base alone"
    )
    pooling: PoolingText = Field(
        DEFAULT_POOLING,
        description="hidden states that the head of a base model alone reads",
    )
    intercept: bool = Field(
        True,
        description="whether states are centred and labels have a bias; without, and with pooling "
        "last, the head of a base model alone is what AutoModelForSequenceClassification takes",
    )
    strengths: tuple[float, ...] = Field(
        DEFAULT_L2, min_length=1, description="penalties on the weights to choose from"
    )
    num_folds: int = Field(5, ge=2, le=20)
    decision: DecisionSettings | None = Field(
        None, description="what errors cost; none: as the model it starts from, else macro_f1"
    )
    batch_size: _Whole = Field(8, ge=1, description="items prefilled together where features lack")


class RecalibrationSettings(Frozen):
    """A run that refits the temperatures on held-out items; adapter and head do not change."""

    model: ModelSettings = ModelSettings(quantization="none")
    artifact_run_id: str = Field(pattern=RUN_ID)
    decision: DecisionSettings | None = Field(
        None, description="what errors cost; none: as the model it starts from, else macro_f1"
    )


@dataclass(frozen=True)
class Preset:
    """Settings under a name, with one plain sentence on what they are for."""

    name: str
    description: str
    settings: TrainingSettings


def list_presets() -> list[Preset]:
    """List the shipped presets and then a user's own; one of the same name replaces a shipped one.

    One that cannot be read is left out: see :func:`list_preset_faults`.
    """
    return [read for read in _read_presets() if isinstance(read, Preset)]


def list_preset_faults() -> list[str]:
    """Return for each preset that cannot be read what is wrong with it and what to do."""
    return [str(read) for read in _read_presets() if isinstance(read, SettingsError)]


def _read_presets() -> list[Preset | SettingsError]:
    found: dict[str, Preset | SettingsError] = {}
    for path in _preset_paths():
        try:
            found[path.stem] = read_preset(path)
        except SettingsError as error:
            found[path.stem] = error
    return list(found.values())


def get_preset(name_or_path: str) -> Preset:
    """Load a preset by its name or by the path of a TOML file.

    Raises:
        SettingsError: There is none, or it cannot be read.
    """
    if name_or_path.endswith(".toml"):
        return read_preset(Path(name_or_path))
    paths = {path.stem: path for path in _preset_paths()}
    if name_or_path not in paths:
        raise SettingsError(
            f"Preset {name_or_path!r} does not exist. Known: {', '.join(paths)}. Put your own as "
            f"{presets_dir()}/NAME.toml, or give the path of a .toml file."
        )
    return read_preset(paths[name_or_path])


def read_preset(path: Path) -> Preset:
    """Read a preset file, telling all its faults at once.

    Raises:
        SettingsError: The file cannot be read, is no TOML, or holds a value that is not allowed.
    """
    if replace_lone_surrogates(path.stem) != path.stem:
        raise SettingsError(
            f"The name of the settings file {str(path)!a} is no UTF-8 text, so no preset can "
            "have it. Rename the file."
        )
    try:
        fields = read_toml(path)
    except FileNotFoundError as error:
        raise SettingsError(
            f"There is no settings file {path}. Name a file that exists, or a preset."
        ) from error
    description = str(fields.pop("description", ""))
    return Preset(path.stem, description, parse_settings(fields, str(path)))


def parse_settings(fields: dict[str, Any], origin: str) -> TrainingSettings:
    """Validate the settings of a training run, telling all faults at once.

    Raises:
        SettingsError: A value is not allowed or a name is unknown.
    """
    return parse_as(TrainingSettings, fields, origin)


def parse_decision(options: Iterable[str]) -> DecisionSettings | None:
    """Read what errors cost from the command line; None where nothing is given.

    Args:
        options: Each ``NAME=VALUE``; ``matrix.LABELSET`` and ``order.LABELSET`` for one label set.

    Raises:
        SettingsError: A name or value is not allowed, or one is missing.
    """
    fields: dict[str, Any] = {}
    for option in options:
        name, value = parse_option(option, "Decision")
        name, _, label_set = name.partition(".")
        if label_set:
            fields.setdefault(name, {})[label_set] = value
        else:
            fields[name] = value
    return parse_as(DecisionSettings, fields, "the command line") if fields else None


_Settings = TypeVar("_Settings", bound=BaseModel)


def parse_as(kind: type[_Settings], fields: Mapping[str, Any], origin: str) -> _Settings:
    """Validate fields as settings of a kind, telling all faults at once.

    Raises:
        SettingsError: A value is not allowed or a name is unknown.
    """
    try:
        return kind.model_validate(dict(fields))
    except ValidationError as error:
        raise SettingsError(f"Settings in {origin} are not valid: {faults_of(error)}.") from error


def faults_of(error: ValidationError) -> str:
    """Describe in one line what is wrong with each setting."""
    return "; ".join(
        f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg'].lower()}"
        f" (given: {ascii(fault['input'])[:_MAX_SHOWN]})"
        for fault in error.errors()
    )


def _preset_paths() -> Iterator[Path]:
    shipped = Path(str(files("training.settings"))) / "presets"
    yield from sorted(shipped.glob("*.toml"))
    yield from sorted(presets_dir().glob("*.toml"))
