"""A build to look at, in files of one page each: who looks reads no more than they see."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from duckdb import DuckDBPyConnection

from db.retraining.judged_answers import JudgedAnswer, list_judged_answers
from db.retraining.snapshot import SnapshotState, read_snapshot, read_state
from db.statements import whole
from db.viewer import Viewer
from eci.errors import EciError
from eci.questions.exemplars import Choice
from training.data.build import Benchmark, Build, BuiltRecord, build, build_test
from training.data.build_files import count_rows, write_build
from training.data.formats import FORMATS, BuildFormat
from training.errors import DataError, TrainingError
from training.settings.training import DataSettings

PAGE_SIZE: Final = 50


@dataclass(frozen=True)
class PreviewChoices:
    """Which records are asked for."""

    benchmark: Benchmark
    num_shots: int
    exemplars: Choice
    only_corrected: bool


@dataclass(frozen=True)
class Preview:
    """A build whose records and answers are in a folder: what is small of it."""

    folder: Path
    built: Build
    tested: Build
    num_learned: int
    num_held_out: int
    num_corrected: int
    num_rows: Mapping[BuildFormat, int | str]
    """The rows that each format would have, or why it would have none."""

    @property
    def num_records(self) -> int:
        """Return how many records there are."""
        return self.num_learned + self.num_held_out

    def build_of(self, build_format: BuildFormat) -> Build:
        """Return what a format is made of, without its records: training or test items."""
        return self.tested if FORMATS[build_format].is_of_test else self.built

    def read_page(self, number: int) -> tuple[BuiltRecord, ...]:
        """Return the records of one page, counted from 1."""
        return _records(_page(self.folder, "built", number))


def write_preview(
    cur: DuckDBPyConnection, viewer: Viewer, choices: PreviewChoices, folder: Path
) -> tuple[SnapshotState, Preview | TrainingError | EciError]:
    """Build what a viewer may see, and write it into a folder.

    Returns:
        What it depends on, and the preview, or why nothing can be built.
    """
    with whole(cur):  # as of one moment
        state = read_state(cur, viewer)
        snapshot = read_snapshot(cur, viewer)
        answers = list_judged_answers(cur, viewer)
    try:
        built = build(
            snapshot,
            benchmark=choices.benchmark,
            num_shots=choices.num_shots,
            settings=DataSettings(exemplars=choices.exemplars),
            only_corrected=choices.only_corrected,
        )
        tested = build_test(snapshot, benchmark=choices.benchmark)
    except (TrainingError, EciError) as error:
        return state, error
    built = replace(built, answers=answers)
    _dump(folder / "answers", answers)
    for name, made in (("built", built), ("tested", tested)):
        for start in range(0, len(made.records), PAGE_SIZE):
            page = _page(folder, name, start // PAGE_SIZE + 1)
            _dump(page, made.records[start : start + PAGE_SIZE])
    preview = Preview(
        folder,
        replace(built, records=(), answers=()),
        replace(tested, records=()),
        len(built.fold("train")),
        len(built.fold("validation")),
        sum(record.is_corrected for record in built.records),
        {name: _count(tested if FORMATS[name].is_of_test else built, name) for name in FORMATS},
    )
    return state, preview


def export_preview(preview: Preview, build_format: BuildFormat, folder: Path) -> None:
    """Write a build that was looked at in one of the formats.

    Raises:
        DataError: The folder holds something already, or there are no rows to write.
        ExportError: Nothing can be written there.
    """
    built = preview.build_of(build_format)
    name = "tested" if built is preview.tested else "built"
    pages = sorted(preview.folder.glob(f"{name}-*"))
    records = tuple(record for page in pages for record in _records(page))
    answers = tuple(JudgedAnswer(**row) for row in _load(preview.folder / "answers"))
    write_build(replace(built, records=records, answers=answers), folder, build_format)


def _count(built: Build, build_format: BuildFormat) -> int | str:
    try:
        return sum(count_rows(built, build_format).values())
    except DataError as error:
        return str(error)


def _page(folder: Path, name: str, number: int) -> Path:
    return folder / f"{name}-{number:07}"


def _records(page: Path) -> tuple[BuiltRecord, ...]:
    return tuple(BuiltRecord(**_with_tuples(row)) for row in _load(page))


def _with_tuples(row: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(cell) if isinstance(cell, list) else cell for name, cell in row.items()}


def _dump(path: Path, rows: Sequence[BuiltRecord | JudgedAnswer]) -> None:
    path.write_bytes(zlib.compress(json.dumps([asdict(row) for row in rows]).encode(), 1))


def _load(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(zlib.decompress(path.read_bytes()))
    return rows
