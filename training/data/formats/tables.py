"""What a format is: rows made of a build, and the files that hold them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from training.data.build import Build, BuiltRecord, Fold

Rows = Mapping[str, Sequence[Mapping[str, Any]]]
"""Rows by the name of their table, such as ``train``."""
TRAINING_FOLDS: Final[tuple[Fold, ...]] = ("train", "validation")

_NOTHING: Final = "Take vetoes back, or build all items, not only corrected ones."


@dataclass(frozen=True)
class Format:
    """One format of training data.

    ``rows`` gives the tables of a build without empty ones; ``write`` writes them into an empty
    folder and gives the files.
    """

    rows: Callable[[Build], Rows]
    write: Callable[[Rows, Build, Path], list[Path]]
    nothing: str = _NOTHING
    """What to do where there are no rows."""
    takes_shots: bool = True
    """Whether its prompts can show exemplars."""
    is_of_answers: bool = False
    """Whether it holds answers of models that people judged."""
    is_of_test: bool = False
    """Whether it holds the test items, for evaluation, and no others."""
    min_training_rows: int = 1
    """Fewer are refused by what reads it."""


def rows_by_fold(fields: Callable[[BuiltRecord], Mapping[str, Any]]) -> Callable[[Build], Rows]:
    """Return what makes one row of each record, in a table for each fold."""

    def rows(build: Build) -> Rows:
        return {
            fold: [fields(record) for record in records]
            for fold in TRAINING_FOLDS
            if (records := build.fold(fold))
        }

    return rows


def write_lines(tables: Rows, _: Build, folder: Path) -> list[Path]:
    """Write JSON lines, a file for each table."""
    return [
        write_text(folder / f"{name}.jsonl", "".join(f"{to_json(row)}\n" for row in rows))
        for name, rows in tables.items()
    ]


def write_arrays(tables: Rows, _: Build, folder: Path) -> list[Path]:
    """Write a file for each table that is one JSON array, a row a line."""
    return [
        write_text(folder / f"{name}.json", "[\n" + ",\n".join(map(to_json, rows)) + "\n]\n")
        for name, rows in tables.items()
    ]


def write_text(path: Path, text: str) -> Path:
    """Write a UTF-8 file and return its path."""
    path.write_text(text, encoding="utf-8")
    return path


def to_json(value: object) -> str:
    """Return JSON in one line that ends at no other character than ``\\n``.

    Some readers of lines split at U+2028, U+2029 and U+0085 as well, which JSON allows in texts.
    """
    text = json.dumps(value, ensure_ascii=False)
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").replace("\x85", "\\u0085")


def by_label_set(records: Sequence[BuiltRecord]) -> dict[str, list[BuiltRecord]]:
    """Return records by label set, under names that are fit for files and configurations.

    Items with their own options are one group; sets of one name with different labels are two.
    """
    names: dict[tuple[str, tuple[str, ...]], str] = {}
    groups: dict[str, list[BuiltRecord]] = {}
    for record in records:
        key = (record.label_set, () if record.has_options else record.labels)
        if key not in names:
            plain = re.sub(r"[^a-z0-9]+", "_", record.label_set.lower()).strip("_") or "labels"
            taken = sum(re.fullmatch(rf"{plain}(_\d+)?", name) is not None for name in groups)
            names[key] = f"{plain}_{taken + 1}" if taken else plain
        groups.setdefault(names[key], []).append(record)
    return groups
