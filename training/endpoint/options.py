"""The options of ``python -m training predict`` that name an endpoint and how it is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from typing import Any, Final, get_args

import click

from training.settings.endpoints import (
    EndpointSettings,
    Omitted,
    get_endpoint,
)
from training.settings.toml_files import parse_option
from training.settings.training import parse_as

_ORIGIN: Final = "the command line"
_HELP: Final = "With --endpoint: "


@dataclass(frozen=True)
class EndpointOptions:
    """What the options say; None is left to endpoints.toml, or has a default."""

    endpoint: str | None
    model_name: str | None
    key_variable: str | None
    split: str | None
    temperature: float | None
    max_context_words: int | None
    seed: int | None
    logprobs: bool
    body: tuple[str, ...]
    omit: tuple[str, ...]
    concurrency: int | None
    attempts: int | None
    timeout_seconds: float | None
    price_in: float | None
    price_out: float | None
    currency: str | None

    def settings(self, shots: int, max_new_tokens: int | None) -> EndpointSettings:
        """Return the settings of a run that asks this endpoint.

        Raises:
            SettingsError: A value is not allowed, or the endpoint is not set up.
            UsageError: Address and model do not go together.
        """
        model = self._model()
        run = {
            "split": self.split,
            "max_context_words": self.max_context_words,
            "seed": self.seed,
            "max_new_tokens": max_new_tokens,
        }
        given = {name: value for name, value in run.items() if value is not None}
        return parse_as(EndpointSettings, {"model": model, "shots": shots, **given}, _ORIGIN)

    def refuse_without_endpoint(self) -> None:
        """Refuse options of an endpoint where none is named.

        Raises:
            UsageError: It names them.
        """
        unused = [
            option.opts[0]
            for option in _parameters()
            if option.name != "endpoint" and getattr(self, str(option.name))
        ]
        if unused:
            raise click.UsageError(f"{', '.join(unused)} belong to --endpoint, which is missing.")

    def _model(self) -> dict[str, Any]:
        assert self.endpoint is not None  # noqa: S101 - narrows types
        is_address = "://" in self.endpoint
        if is_address and not self.model_name:
            raise click.UsageError("Name the model there with --model.")
        stored = {} if is_address else get_endpoint(self.endpoint).model_dump()
        said = {
            "url": self.endpoint if is_address else None,
            "base": self.model_name,
            "key_variable": self.key_variable,
            "temperature": self.temperature,
            "logprobs": self.logprobs or None,
            "body": dict(parse_option(one, "Field") for one in self.body) or None,
            "omit": self.omit or None,
            "concurrency": self.concurrency,
            "attempts": self.attempts,
            "timeout_seconds": self.timeout_seconds,
            "price_in": self.price_in,
            "price_out": self.price_out,
            "currency": self.currency,
        }
        return {**stored, **{name: value for name, value in said.items() if value is not None}}


_OPTIONS: Final = (
    click.option(
        "--endpoint",
        metavar="URL",
        help="Ask a model behind an OpenAI-compatible interface instead: https://HOST/v1, or the "
        "name of one in endpoints.toml.",
    ),
    click.option("--model", "model_name", metavar="NAME", help=_HELP + "name of the model there."),
    click.option(
        "--key-variable",
        metavar="NAME",
        help=_HELP + "environment variable that has the key. The key is stored nowhere.",
    ),
    click.option(
        "--split", type=click.Choice(["all", "test"]), help=_HELP + "items to ask [default: all]."
    ),
    click.option("--temperature", type=click.FloatRange(0, 2), help=_HELP + "[default: 0]."),
    click.option(
        "--max-context-words",
        type=click.IntRange(0, 10_000_000),
        help=_HELP + "words of context in a prompt [default: all].",
    ),
    click.option(
        "--seed",
        type=click.IntRange(0, 2**31 - 1),
        help=_HELP + "draws the shots and is sent with each request [default: 0].",
    ),
    click.option(
        "--logprobs",
        is_flag=True,
        help=_HELP + "ask for log-probabilities: those of the labels become probabilities.",
    ),
    click.option(
        "--body",
        multiple=True,
        metavar="NAME=VALUE",
        help=_HELP + "a further field of every request, such as top_p=0.9. Repeatable.",
    ),
    click.option(
        "--omit",
        multiple=True,
        type=click.Choice(get_args(Omitted)),
        help=_HELP + "a field that the model refuses. Repeatable.",
    ),
    click.option(
        "--concurrency",
        type=click.IntRange(1, 256),
        help=_HELP + "requests at a time [default: 4].",
    ),
    click.option(
        "--attempts",
        type=click.IntRange(1, 20),
        help=_HELP + "how often an item is sent at most, with growing pauses [default: 6].",
    ),
    click.option(
        "--timeout",
        "timeout_seconds",
        type=click.FloatRange(1, 3600),
        help=_HELP + "seconds to wait for an answer [default: 120].",
    ),
    click.option(
        "--price-in",
        type=click.FloatRange(0, 1e6),
        help=_HELP + "price of a million prompt tokens, to count the cost.",
    ),
    click.option(
        "--price-out",
        type=click.FloatRange(0, 1e6),
        help=_HELP + "price of a million answer tokens.",
    ),
    click.option("--currency", metavar="CODE", help=_HELP + "of the prices [default: USD]."),
)


def endpoint_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options to a command, which gets them as one ``endpoint_choice``."""

    @wraps(command)
    def gathered(*arguments: Any, **options: Any) -> None:
        chosen = {field.name: options.pop(field.name) for field in fields(EndpointOptions)}
        command(*arguments, endpoint_choice=EndpointOptions(**chosen), **options)

    function: Callable[..., None] = gathered
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def _parameters() -> list[click.Parameter]:
    return click.command()(endpoint_options(lambda **_: None)).params
