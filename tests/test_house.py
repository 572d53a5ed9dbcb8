"""Rules of the house that a small program can check."""

from __future__ import annotations

import ast
from collections import Counter
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

MAX_MODULES: Final = 20
"""Modules in one folder; more than that ask for rooms. The app's components are one list."""

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


def modules(package: str) -> list[Path]:
    """Return the modules of a package without ``__init__`` and ``__main__``."""
    return [path for path in sorted((ROOT / package).rglob("*.py")) if path.stem[:2] != "__"]


@pytest.mark.parametrize("package", PACKAGES)
def test_no_module_name_occurs_twice_in_a_package(package: str) -> None:
    # Importers and exporters are one module a format, whatever else has that name.
    formats = {ROOT / "db" / "importers", ROOT / "db" / "exporters"}
    names = Counter(path.stem for path in modules(package) if path.parent not in formats)
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_no_folder_holds_more_modules_than_can_be_looked_over(package: str) -> None:
    folders = Counter(path.parent.relative_to(ROOT).as_posix() for path in modules(package))
    del folders["streamlit_app/components"]
    assert {folder for folder, count in folders.items() if count > MAX_MODULES} == set()


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
