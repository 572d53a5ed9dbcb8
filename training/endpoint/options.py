"""The options of ``python -m training predict`` that name an endpoint and how it is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
_OF_RUN: Final = ("split", "max_context_words", "seed")
"""Options of the run; the others are of the model behind the endpoint."""


@dataclass(frozen=True)
class EndpointOptions:
    """The endpoint, and the other options that were given: the rest are its own, or defaults."""

    endpoint: str | None
    given: Mapping[str, Any]

    def settings(self, shots: int, max_new_tokens: int | None) -> EndpointSettings:
        """Return the settings of a run that asks this endpoint.

        Raises:
            SettingsError: A value is not allowed, or the endpoint is not set up.
            UsageError: Address and model do not go together.
        """
        run = {name: value for name, value in self.given.items() if name in _OF_RUN}
        if max_new_tokens is not None:
            run["max_new_tokens"] = max_new_tokens
        fields = {"model": self._model(), "shots": shots, **run}
        return parse_as(EndpointSettings, fields, _ORIGIN)

    def refuse_without_endpoint(self) -> None:
        """Refuse options of an endpoint where none is named.

        Raises:
            UsageError: It names them.
        """
        unused = [option.opts[0] for option in _parameters() if option.name in self.given]
        if unused:
            raise click.UsageError(f"{', '.join(unused)} belong to --endpoint, which is missing.")

    def _model(self) -> dict[str, Any]:
        assert self.endpoint is not None  # noqa: S101 - narrows types
        said = {name: value for name, value in self.given.items() if name not in _OF_RUN}
        if "model_name" in said:
            said["base"] = said.pop("model_name")
        if "body" in said:
            said["body"] = dict(parse_option(one, "Field") for one in said["body"])
        if "://" not in self.endpoint:
            return {**get_endpoint(self.endpoint).model_dump(), **said}
        if "base" not in said:
            raise click.UsageError("Name the model there with --model.")
        return {**said, "url": self.endpoint}


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
        chosen = {str(option.name): options.pop(str(option.name)) for option in _parameters()}
        endpoint = chosen.pop("endpoint")
        given = {name: value for name, value in chosen.items() if _is_given(value)}
        command(*arguments, endpoint_choice=EndpointOptions(endpoint, given), **options)

    function: Callable[..., None] = gathered
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def _is_given(value: Any) -> bool:
    return value is not None and value is not False and value != ()


def _parameters() -> list[click.Parameter]:
    return click.command()(endpoint_options(lambda **_: None)).params
