"""Keep every figure that a benchmark measured, and write the tables from the newest runs.

    python benchmarks/history.py          # writes all tables again

``results/history.jsonl`` has one JSON object a figure; rows are appended and never changed. A table
``results/<benchmark>.md`` is ``results/<benchmark>.notes.md``, what a person wrote about it, with
the figures of the benchmark's newest complete run in place of the line ``{tables}``.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO

from pydantic import AwareDatetime, ConfigDict, TypeAdapter, ValidationError

RESULTS = Path(__file__).resolve().parent / "results"
HISTORY = RESULTS / "history.jsonl"
UNRECORDED = "unrecorded"
_SLOT = "{tables}"


class HistoryError(ValueError):
    """The history or a benchmark's notes cannot be used as they are."""


@dataclass(frozen=True)
class Measured:
    """One figure. A peer measured in the same run is a figure of its own.

    Attributes:
        what: What was measured, in plain words: the line of the table.
        measure: Which figure of it, such as ``median``: the column of the table.
        figure: None where it is undefined; ``note`` then says why.
        unit: Empty for a count. A ``share`` lies in [0, 1] and is shown in per cent.
        low: Lower end of the 95 % interval.
        at_most: The limit that the figure is to keep, or ``at_least``.
        section: Heading of the table, where a benchmark has several.
    """

    what: str
    measure: str
    figure: float | None
    unit: str = ""
    n: int | None = None
    low: float | None = None
    high: float | None = None
    at_most: float | None = None
    at_least: float | None = None
    section: str = ""
    note: str = ""


@dataclass(frozen=True)
class Machine:
    """What a run was measured on."""

    cpu: str = UNRECORDED
    cores: int | None = None
    memory_gib: float | None = None
    accelerator: str = UNRECORDED


@dataclass(frozen=True, kw_only=True)
class Row(Measured):
    """A figure with the run that it comes from; rows of one run share ``date``.

    Attributes:
        benchmark: Name of the script, without ``.py``.
        commit: The code that was measured; ``+changes`` where it had changes beyond that.
        conditions: What the run was asked for, such as the number of items, and the load.
        num_rows: How many rows the run has: fewer in the file are an incomplete run.
        is_partial: Whether only some parts of the benchmark were asked for.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    benchmark: str
    date: AwareDatetime
    commit: str
    num_rows: int
    is_partial: bool = False
    machine: Machine = field(default_factory=Machine)
    versions: Mapping[str, str] = field(default_factory=dict)
    conditions: Mapping[str, int | float | str] = field(default_factory=dict)


_ROW: TypeAdapter[Row] = TypeAdapter(Row)


def append(rows: Sequence[Row], path: Path = HISTORY) -> None:
    """Append rows to a history, all of them or none, and sync the file to disk.

    Raises:
        OSError: They could not be written; the file is as it was.
    """
    data = b"".join(_ROW.dump_json(row) + b"\n" for row in rows)
    with path.open("ab+", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        _mend_end(file, path)
        size = file.seek(0, os.SEEK_END)
        try:
            if file.write(data) < len(data):
                raise OSError(f"The disk has no room for {len(data):,} more bytes in {path}.")
            os.fsync(file.fileno())
        except OSError:
            file.truncate(size)
            raise


def read(path: Path = HISTORY) -> list[Row]:
    """Return all rows of a history, oldest first; none where there is no file.

    A last line that was cut off while it was written is reported on stderr and skipped.

    Raises:
        HistoryError: Other lines are no rows; all of them are named.
    """
    if not path.exists():
        return []
    *lines, end = path.read_bytes().split(b"\n")
    rows, faults = [], []
    for number, line in enumerate(lines, start=1):
        try:
            rows.append(_ROW.validate_json(line))
        except ValidationError as error:
            faults.append(f"{path}, line {number}: {_describe(error)}")
    if faults:
        faults.append("Take the lines from git again, or repair them by hand.")
        raise HistoryError("\n".join(faults))
    if end:
        try:
            rows.append(_ROW.validate_json(end))
        except ValidationError:
            print(
                f"{path}, line {len(lines) + 1} was cut off while it was written and is skipped. "
                "Its run counts as incomplete: measure it again.",
                file=sys.stderr,
            )
    return rows


def newest_run(rows: Iterable[Row], benchmark: str) -> list[Row]:
    """Return the rows of a benchmark's newest complete run, none where there is no such run."""
    runs: dict[datetime, list[Row]] = {}
    for row in rows:
        if row.benchmark == benchmark and not row.is_partial:
            runs.setdefault(row.date, []).append(row)
    complete = [date for date, run in runs.items() if len(run) == run[0].num_rows]
    return runs[max(complete)] if complete else []


def write_tables(folder: Path = RESULTS) -> list[Path]:
    """Write the table of every benchmark in a folder's history, and return their paths.

    Raises:
        HistoryError: The history has lines that are no rows, or a benchmark has no notes.
    """
    rows = read(folder / HISTORY.name)
    written = []
    for benchmark in sorted({row.benchmark for row in rows}):
        if run := newest_run(rows, benchmark):
            path = folder / f"{benchmark}.md"
            path.write_text(render(run, read_notes(folder, benchmark)), encoding="utf-8")
            written.append(path)
    return written


def render(run: Sequence[Row], notes: str) -> str:
    """Return the page of a run: the notes with its tables, and what it was measured on."""
    sections: dict[str, list[Row]] = {}
    for row in run:
        sections.setdefault(row.section, []).append(row)
    tables = "\n\n".join(
        (f"## {heading}\n\n" if heading else "") + _table(rows)
        for heading, rows in sections.items()
    )
    return f"{notes.replace(_SLOT, tables).rstrip()}\n\n{_describe_run(run[0])}\n"


def _table(rows: Sequence[Row]) -> str:
    measures = list(dict.fromkeys(row.measure for row in rows))
    lines: dict[str, list[Row]] = {}
    for row in rows:
        lines.setdefault(row.what, []).append(row)
    table = [["what", *measures, "n", "note"]]
    for what, line in lines.items():
        cells = ["; ".join(_cell(row) for row in line if row.measure == m) for m in measures]
        counts = dict.fromkeys(f"{row.n:,}" for row in line if row.n is not None)
        notes = dict.fromkeys(row.note for row in line if row.note)
        table.append([what, *cells, " / ".join(counts), "; ".join(notes)])
    # Neither n nor notes where no line has any.
    columns = [c for c in zip(*table, strict=True) if c[0] not in {"n", "note"} or any(c[1:])]
    written = [
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |"
        for line in zip(*columns, strict=True)
    ]
    return "\n".join([written[0], "|---" * len(columns) + "|", *written[1:]])


def _cell(row: Row) -> str:
    scale, unit, digits = (100, "%", 3) if row.unit == "share" else (1, row.unit, 4)

    def write(value: float) -> str:
        return _number(scale * value, digits)

    if row.figure is None:
        return "undefined"
    text = f"{write(row.figure)} {unit}".rstrip()
    if row.low is not None and row.high is not None:
        text += f" ({write(row.low)} to {write(row.high)})"
    for words, limit, is_met in (
        ("at most", row.at_most, row.figure <= (row.at_most or 0)),
        ("at least", row.at_least, row.figure >= (row.at_least or 0)),
    ):
        if limit is not None:
            text += f", {words} {write(limit)}: {'met' if is_met else '**missed**'}"
    return text


def _number(value: float, digits: int = 4) -> str:
    is_whole = abs(value) >= 1000 or float(value).is_integer()
    return f"{value:,.0f}" if is_whole else f"{value:.{digits}g}"


def _describe_run(row: Row) -> str:
    machine = row.machine
    memory = f"{machine.memory_gib} GiB" if machine.memory_gib else UNRECORDED
    parts = [
        f"processor {machine.cpu}",
        f"cores {machine.cores or UNRECORDED}",
        f"memory {memory}",
        f"accelerator {machine.accelerator}",
    ]
    versions = [f"{name} {number}" for name, number in row.versions.items()]
    conditions = [
        f"{name} {value if isinstance(value, str) else _number(value)}"
        for name, value in row.conditions.items()
    ]
    described = [", ".join(part) for part in (parts, versions, conditions) if part]
    return (
        f"Measured by `python benchmarks/{row.benchmark}.py` on {row.date:%Y-%m-%d %H:%M} UTC, "
        f"commit {row.commit[:7]}{row.commit[40:]}: {'; '.join(described)}."
    )


def read_notes(folder: Path, benchmark: str) -> str:
    path = folder / f"{benchmark}.notes.md"
    notes = path.read_text(encoding="utf-8") if path.exists() else ""
    if notes.count(_SLOT) != 1:
        raise HistoryError(
            f"{path} {'has no single' if notes else 'does not exist; it needs a title and a'} line "
            f"{_SLOT}, which is where the figures of {benchmark}.py go. Write it."
        )
    return notes


def _mend_end(file: IO[bytes], path: Path) -> None:
    """Let the next row begin a line of its own, whatever a crash or an editor left at the end."""
    file.seek(0)
    content = file.read()
    end = content[content.rfind(b"\n") + 1 :]
    if not end:
        return
    try:
        _ROW.validate_json(end)
        file.write(b"\n")
    except ValidationError:
        file.truncate(len(content) - len(end))
        print(f"Dropped the last line of {path}, which was cut off.", file=sys.stderr)


def _describe(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, fault['loc']))} {fault['msg']}".strip()
        for fault in error.errors(include_url=False)
    )


def main() -> int:
    """Write all tables again; exit code 1 where the history or the notes cannot be used."""
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    try:
        for path in write_tables():
            print(path)
    except HistoryError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
