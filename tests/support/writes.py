"""Which functions of ``db`` write on a person's behalf, read from the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import db

PACKAGE = Path(db.__file__).parent
_CHANGES = re.compile(r"\b(insert\s+into|update|delete\s+from)\s", re.IGNORECASE)
_PERSON = re.compile(r"^(reviewer_id|by)$|_by$")
_PERSONAL_RECORDS = frozenset({"ReviewEvent"})
"""Records that name the person who acts."""
_NOT_ON_BEHALF = ("cli", "demo")
"""Rooms whose functions only call others."""


@dataclass
class _Function:
    name: str
    parameters: list[str]
    kinds: set[str]
    calls: set[str] = field(default_factory=set)
    statements: set[str] = field(default_factory=set)

    @property
    def names_a_person(self) -> bool:
        """Return whether a caller says in whose name it acts."""
        return any(map(_PERSON.search, self.parameters)) or bool(self.kinds & _PERSONAL_RECORDS)

    def merge(self, other: _Function) -> None:
        """Add what a function of the same name in another module does: none may be missed."""
        self.parameters += other.parameters
        self.kinds |= other.kinds
        self.calls |= other.calls
        self.statements |= other.statements


def personal_writes() -> set[str]:
    """Return the public functions of ``db`` that name a person and write to the store."""
    functions: dict[str, _Function] = {}
    for path in _modules():
        for one in _functions(path):
            functions.setdefault(one.name, one).merge(one)
    writers = {name for name, one in functions.items() if _writes(one)}
    while True:
        more = {name for name, one in functions.items() if one.calls & writers} - writers
        if not more:
            break
        writers |= more
    return {
        name
        for name, one in functions.items()
        if name in writers and one.names_a_person and not name.startswith("_")
    }


def _modules() -> Iterator[Path]:
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.relative_to(PACKAGE).parts[0] not in _NOT_ON_BEHALF:
            yield path


def _functions(path: Path) -> Iterator[_Function]:
    """Yield the functions of a module; a method counts as a function of its own name."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.FunctionDef):
            continue
        taken = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        function = _Function(
            node.name,
            [parameter.arg for parameter in taken],
            {
                part.id
                for parameter in taken
                if parameter.annotation is not None
                for part in ast.walk(parameter.annotation)
                if isinstance(part, ast.Name)
            },
        )
        for part in ast.walk(node):
            if isinstance(part, ast.Call):
                called = part.func
                if isinstance(called, ast.Name | ast.Attribute):
                    function.calls.add(called.id if isinstance(called, ast.Name) else called.attr)
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                function.statements.add(part.value)
        function.calls -= {"execute", "executemany", function.name}
        yield function


def _writes(function: _Function) -> bool:
    """Return whether a function runs a statement, of a file or its own, that changes the store."""
    for text in function.statements:
        path = PACKAGE / "sql" / f"{text}.sql"
        is_name = re.fullmatch(r"[a-z0-9_]+", text) is not None
        if is_name and not text.startswith("scratch_") and path.is_file():
            if _CHANGES.search(path.read_text(encoding="utf-8")):
                return True
        elif not is_name and re.match(r"\s*(insert into|update \w+ set|delete from) ", text):
            return True
    return False
