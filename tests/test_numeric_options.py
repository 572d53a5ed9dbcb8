"""Every number that a command accepts has bounds, and one outside them is a usage error."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

import db.cli.main
import eci.cli
import training.cli.main

COMMANDS = {
    "db": db.cli.main.main,
    "eci": eci.cli.main,
    "training": training.cli.main.main,
}
NUMBERS = (click.types.IntParamType, click.types.FloatParamType)


def numeric_options(
    command: click.Command, words: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from numeric_options(inner, (*words, name))
    for parameter in command.params:
        if isinstance(parameter.type, NUMBERS):
            yield words, parameter.opts[0]


OPTIONS = [
    found for name, command in COMMANDS.items() for found in numeric_options(command, (name,))
]


def test_there_are_options_to_check() -> None:
    assert (("db", "queue", "add"), "--reviewers") in OPTIONS
    assert len(OPTIONS) >= 12


@pytest.mark.parametrize("value", ["99999999999999", "-1", "1e999", "²", "9" * 5000])
@pytest.mark.parametrize(("words", "option"), OPTIONS)
def test_a_number_out_of_bounds_is_a_usage_error(
    words: tuple[str, ...], option: str, value: str
) -> None:
    result = CliRunner().invoke(COMMANDS[words[0]], [*words[1:], f"{option}={value}"])
    assert result.exit_code == 2, result.output
    assert f"Invalid value for '{option}'" in result.stderr
