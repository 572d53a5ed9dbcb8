"""Rules of the house that a small program can check."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES: Final = ("db", "eci", "training", "streamlit_app")
MAX_PARAMETERS: Final = 8

LONGER: Final = {
    "eci/model/eci_causal_lm.py: forward": "generate() and Trainer read the names in its signature",
}
"""Functions that take more parameters than that, and why."""

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def num_parameters(function: _Function) -> int:
    """Count what a caller may pass; ``*args`` and ``**kwargs`` count as one each."""
    taken = function.args
    named = [*taken.posonlyargs, *taken.args, *taken.kwonlyargs]
    named += [rest for rest in (taken.vararg, taken.kwarg) if rest is not None]
    return sum(parameter.arg not in ("self", "cls") for parameter in named)


def is_command(function: _Function) -> bool:
    """Return whether click calls it, with one parameter for each option of the command."""
    calls = [call.func for call in function.decorator_list if isinstance(call, ast.Call)]
    return any(isinstance(call, ast.Attribute) and call.attr == "command" for call in calls)


def too_long(source: str) -> Iterator[str]:
    """Yield the functions that take too many parameters."""
    for node in ast.walk(ast.parse(source)):
        is_checked = isinstance(node, _Function) and not is_command(node)
        if is_checked and num_parameters(node) > MAX_PARAMETERS:
            yield node.name


@pytest.mark.parametrize("package", PACKAGES)
def test_no_function_takes_more_than_eight_parameters(package: str) -> None:
    found = {
        f"{path.relative_to(ROOT).as_posix()}: {name}"
        for path in sorted((ROOT / package).rglob("*.py"))
        for name in too_long(path.read_text(encoding="utf-8"))
    }
    excepted = {name for name in LONGER if name.startswith(f"{package}/")}
    assert found == excepted, "Put what belongs together into one record, or say in LONGER why not."


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def f(a, b, c, d, *, e, f, g, h): ...", []),
        ("def f(a, b, c, d, *, e, f, g, h, i): ...", ["f"]),
        ("async def f(a, b, c, d, *e, f, g, h, **i): ...", ["f"]),
        ("class A:\n    def f(self, a, b, c, d, e, f, g, h): ...", []),
        ("class A:\n    def f(self, a, b, c, d, e, f, g, h, i): ...", ["f"]),
        ("@queue.command('add')\ndef f(a, b, c, d, e, f, g, h, i): ...", []),
        ("@cache\ndef f(a, b, c, d, e, f, g, h, i): ...", ["f"]),
    ],
)
def test_parameters_are_counted_as_a_caller_passes_them(source: str, expected: list[str]) -> None:
    assert list(too_long(source)) == expected
