"""Writing a build in one of the formats, whole or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from db.exporters.targets import folder_target
from training.data.build import Build
from training.data.formats import FORMATS, BuildFormat
from training.data.formats.chat_markers import without_markers
from training.data.formats.tables import Rows
from training.errors import DataError
from training.run.json_files import replace_json


@dataclass(frozen=True)
class WrittenBuild:
    """What was written: the files, the rows of each table, and texts whose markers were broken."""

    files: tuple[Path, ...]
    num_rows: dict[str, int]
    num_changed_texts: int


def count_rows(build: Build, build_format: BuildFormat) -> dict[str, int]:
    """Return how many rows each table of a format would have.

    Raises:
        DataError: It would have none, or too few for what reads it, or takes no shots.
    """
    return {name: len(rows) for name, rows in _rows(build, build_format).items()}


def write_build(build: Build, folder: Path, build_format: BuildFormat) -> WrittenBuild:
    """Write a build into a folder of its own, which appears once it is complete.

    Raises:
        ExportError: Nothing can be written there; what was there is unchanged.
        DataError: The folder holds something already, or there are no rows to write.
    """
    if folder.is_dir() and any(folder.iterdir()):
        raise DataError(
            f"{folder} is not empty, and a build never mixes with another. Name a new folder."
        )
    safe, num_changed = without_markers(build)
    rows = _rows(safe, build_format)
    num_rows = {name: len(table) for name, table in rows.items()}
    with folder_target(folder) as partial:
        files = FORMATS[build_format].write(rows, safe, partial)
        described = _describe(build, build_format) | {
            "num_records": num_rows,
            "num_changed_texts": num_changed,
        }
        replace_json(partial / "build.json", described)
        names = [path.relative_to(partial) for path in (*files, partial / "build.json")]
    return WrittenBuild(tuple(folder / name for name in names), num_rows, num_changed)


def name_of(build: Build, build_format: BuildFormat) -> str:
    """Return what a build is called: what it is of, and its form."""
    return f"{build.benchmark}-{build.num_shots}shot-{build_format}"


def _rows(build: Build, build_format: BuildFormat) -> Rows:
    chosen = FORMATS[build_format]
    if build.num_shots and not chosen.takes_shots:
        raise DataError(
            f"{build_format!r} holds one question and its answer, and {build.num_shots} shots were "
            "asked for. Build it with 0 shots, or as 'sharegpt' or 'prompt_completion'."
        )
    rows = chosen.rows(build)
    if not rows:
        raise DataError(
            f"There is nothing to write as {build_format!r}: {len(build.records)} records of "
            f"{build.benchmark!r} ({build.num_vetoed} items vetoed) give no row. {chosen.nothing}"
        )
    num_training = len(rows.get("train", ()))
    if num_training < chosen.min_training_rows and chosen.min_training_rows > 1:
        raise DataError(
            f"{build_format!r} has {num_training} training records, and fewer than "
            f"{chosen.min_training_rows} are refused by what reads it. Build more items, or as "
            "'chat'."
        )
    return rows


def _describe(build: Build, build_format: BuildFormat) -> dict[str, Any]:
    return {
        "benchmark": build.benchmark,
        "num_shots": build.num_shots,
        "format": build_format,
        "template": build.template,
        "snapshot_id": build.snapshot_id,
        "seed": build.seed,
        "num_vetoed": build.num_vetoed,
    }
