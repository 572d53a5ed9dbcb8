"""The options of every command that loads a model, and the model that they choose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

import click

from eci.errors import LabelSetError, PromptError
from eci.model.artifact import read_info
from eci.model.base_model import DEFAULT_BASE, Quantization
from eci.model.bundled import default_models_dir
from eci.questions.labels import PUBMEDQA, LabelSet
from eci.questions.prompts import DEFAULT_TEMPLATE, list_templates

if TYPE_CHECKING:
    from eci.model.eci_model import EciModel

_MAX_PROMPT_TOKENS: Final = 1024


@dataclass(frozen=True)
class ModelChoice:
    """What the options say; None is left to the artifact, or has a default."""

    base: str | None
    artifact: Path | None
    quantization: Quantization | None
    device: str
    models_dir: Path | None
    template: str | None
    max_prompt_tokens: int | None
    thinking_tokens: int | None
    label_sets: dict[str, LabelSet]

    def check(self) -> ModelChoice:
        """Return the choice with base model, quantization and label sets of its artifact filled in.

        Raises:
            UsageError: Options contradict the artifact.
            ArtifactError: The artifact cannot be read.
        """
        if self.artifact is None:
            known = {PUBMEDQA.name: PUBMEDQA, **self.label_sets}
            return ModelChoice(**{**self._fields(), "base": self.name, "label_sets": known})
        if self.label_sets or self.template or self.max_prompt_tokens or self.thinking_tokens:
            raise click.UsageError(
                "--artifact brings its own --label-set, --template, --max-prompt-tokens and "
                "--thinking."
            )
        info = read_info(self.artifact)
        found = {
            "base": self.base or info.base.name,
            "quantization": self.quantization or info.base.quantization,
            "label_sets": {name: known.label_set(name) for name, known in info.label_sets.items()},
        }
        return ModelChoice(**{**self._fields(), **found})

    @property
    def name(self) -> str:
        """Return the name of the base model."""
        return self.base or DEFAULT_BASE

    def load(self) -> EciModel:
        """Load the model of a checked choice.

        Only now is torch imported, so that a usage error does not wait for it.

        Raises:
            EciError: It cannot be loaded, or its head cannot tell the labels apart.
        """
        from transformers.utils import logging

        from eci.model.eci_model import EciModel
        from eci.model.encoding import PromptSettings

        logging.disable_progress_bar()
        click.echo(f"Loading {self.name}.", err=True)
        model = EciModel.load(
            self.name,
            self.models_dir or default_models_dir(),
            artifact=self.artifact,
            quantization=self.quantization or "none",
            device=self.device,
            prompts=PromptSettings(
                self.template or DEFAULT_TEMPLATE,
                self.max_prompt_tokens or _MAX_PROMPT_TOKENS,
                self.thinking_tokens or 0,
            ),
            label_sets=tuple(self.label_sets.values()),
        )
        for labels in () if self.artifact else model.label_sets.values():
            if not all(model.encoder.verbalizers(labels)):
                raise PromptError(
                    f"An untrained head cannot tell the labels of {labels.name!r} apart: two of "
                    f"{', '.join(labels.names)} share their first token in this tokenizer. Train a "
                    "head on labelled items and give it as --artifact, or rename the labels."
                )
        return model

    def _fields(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}


def _declared(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, LabelSet]:
    """Read every ``NAME=LABEL,LABEL``."""
    declared: dict[str, LabelSet] = {}
    for value in values:
        name, _, labels = value.partition("=")
        if not labels or name in {PUBMEDQA.name, *declared}:
            raise click.BadParameter(
                f"{value!r}; expected NAME=LABEL,LABEL,... with a name of its own, such as "
                "triage=urgent,routine.",
                context,
                parameter,
            )
        try:
            declared[name] = LabelSet.fixed(name, labels.split(","))
        except LabelSetError as error:
            raise click.BadParameter(str(error), context, parameter) from error
    return declared


_OPTIONS: Final = (
    click.option(
        "--base",
        help="Base model: a folder, a Hugging Face id, or bundled:NAME. "
        f"[default: that of --artifact, else {DEFAULT_BASE}]",
    ),
    click.option(
        "--artifact",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="Folder with a trained head and adapter. Without it the head is the untrained one, "
        "which reproduces the label probabilities of the language model.",
    ),
    click.option(
        "--quantization",
        type=click.Choice(get_args(Quantization)),
        help="Of the base model. [default: that of --artifact, else none]",
    ),
    click.option("--device", default="auto", help="Such as cpu or cuda:0."),
    click.option(
        "--models-dir",
        type=click.Path(file_okay=False, path_type=Path),
        help="Where bundled models are unpacked. [default: models in $LLAMACARE_HOME]",
    ),
    click.option(
        "--template",
        type=click.Choice(list_templates()),
        help=f"Wording of the prompts. [default: that of --artifact, else {DEFAULT_TEMPLATE}]",
    ),
    click.option(
        "--max-prompt-tokens",
        type=click.IntRange(32, 131_072),
        help="Longest prompt; longer contexts are cut. "
        f"[default: that of --artifact, else {_MAX_PROMPT_TOKENS}]",
    ),
    click.option(
        "--thinking",
        "thinking_tokens",
        type=click.IntRange(1, 32_768),
        metavar="N",
        help="Let the model think for up to N tokens first; the category is read after that. "
        "[default: that of --artifact, else it answers at once]",
    ),
    click.option(
        "--label-set",
        "label_sets",
        multiple=True,
        callback=_declared,
        metavar="NAME=LABEL,LABEL,...",
        help="A fixed label set that may be named, beyond pubmedqa (yes, no, maybe). Repeatable.",
    ),
)


def model_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options to a command, which gets them as one ``model_choice``."""

    @wraps(command)
    def gathered(*arguments: Any, **options: Any) -> None:
        chosen = {field.name: options.pop(field.name) for field in fields(ModelChoice)}
        command(*arguments, model_choice=ModelChoice(**chosen), **options)

    function: Callable[..., None] = gathered
    for option in reversed(_OPTIONS):
        function = option(function)
    return function
