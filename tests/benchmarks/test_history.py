"""Figures survive in the history, and the committed tables are what it holds."""

from __future__ import annotations

import argparse
import runpy
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import history
import measuring
import pytest
from history import (
    HISTORY,
    RESULTS,
    HistoryError,
    Machine,
    Measured,
    Row,
    append,
    newest_run,
    read,
    render,
    write_tables,
)
from hypothesis import given
from hypothesis import strategies as st

BENCHMARKS = RESULTS.parent
SCRIPTS = sorted(
    path for path in BENCHMARKS.glob("*.py") if '__name__ == "__main__"' in path.read_text()
)
NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
ROW = Row(
    *("refit | one", "median", 0.25, "s"),
    n=9,
    at_most=0.3,
    benchmark="speed",
    date=NOON,
    commit="a" * 40,
    num_rows=1,
    machine=Machine("a processor", 2, 8.0, "none"),
    versions={"python": "3.11.7"},
    conditions={"items": 200_000, "base": "tiny", "load average": 1.5},
)


def test_rows_come_back_as_they_were_appended(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    other = replace(ROW, figure=None, note="undefined: no items", low=-0.5, high=0.5, n=None)
    append([ROW], path)
    append([other, ROW], path)
    assert read(path) == [ROW, other, ROW]
    assert read(tmp_path / "absent.jsonl") == []


@given(text=st.text(), figure=st.floats(allow_nan=False, allow_infinity=False))
def test_any_text_and_figure_come_back(
    tmp_path_factory: pytest.TempPathFactory, text: str, figure: float
) -> None:
    path = tmp_path_factory.mktemp("history") / "history.jsonl"
    rows = [replace(ROW, what=text, note=text, figure=figure), ROW]
    append(rows, path)
    assert read(path) == rows


def test_a_torn_last_line_is_reported_and_skipped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "history.jsonl"
    append([replace(ROW, num_rows=2), replace(ROW, num_rows=2, measure="slowest")], path)
    path.write_bytes(path.read_bytes()[:-20])
    rows = read(path)
    assert [row.measure for row in rows] == ["median"]
    message = capsys.readouterr().err
    assert "line 2 was cut off" in message
    assert "measure it again" in message
    assert newest_run(rows, "speed") == []


def test_the_row_after_a_torn_line_stands_alone(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    append([ROW, ROW], path)
    path.write_bytes(path.read_bytes()[:-20])
    append([replace(ROW, what="later")], path)
    assert [row.what for row in read(path)] == [ROW.what, "later"]


def test_a_row_whose_newline_an_editor_took_away_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    append([ROW], path)
    path.write_bytes(path.read_bytes().rstrip())
    assert read(path) == [ROW]
    append([ROW], path)
    assert read(path) == [ROW, ROW]


def test_all_lines_that_are_no_rows_are_named(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    append([ROW], path)
    path.write_text(f'<<<<<<< HEAD\n{path.read_text()}{{"what": "x"}}\n')
    with pytest.raises(HistoryError) as raised:
        read(path)
    message = str(raised.value)
    assert "line 1: Invalid JSON" in message
    assert "line 2" not in message
    assert "line 3: measure Field required; figure" in message


def test_an_append_that_the_disk_refuses_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "history.jsonl"
    append([ROW], path)

    def refuse(_: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(history.os, "fsync", refuse)
    with pytest.raises(OSError, match="no space left"):
        append([ROW, ROW], path)
    assert read(path) == [ROW]


def test_the_table_is_of_the_newest_complete_run(tmp_path: Path) -> None:
    (tmp_path / "speed.notes.md").write_text("# Speed\n\n{tables}\n\nWhy.\n")
    later = [ROW.date + timedelta(hours=hours) for hours in range(1, 4)]
    rows = [
        replace(ROW, date=later[0], figure=0.1234),
        replace(ROW, figure=0.5),
        replace(ROW, date=later[1], figure=0.6, num_rows=2),
        replace(ROW, date=later[2], figure=0.7, is_partial=True),
    ]
    append(rows, tmp_path / "history.jsonl")
    assert write_tables(tmp_path) == [tmp_path / "speed.md"]
    table = (tmp_path / "speed.md").read_text()
    assert table.startswith("# Speed\n\n| what | median | n |\n|---|---|---|\n| refit \\| one |")
    assert "0.1234 s, at most 0.3: met" in table
    assert "\n\nWhy.\n\nMeasured by `python benchmarks/speed.py` on 2026-11-29 13:00" in table
    assert "items 200,000, base tiny, load average 1.5" in table
    assert not any(figure in table for figure in ("0.5 s", "0.6 s", "0.7 s"))


def test_a_table_tells_intervals_limits_sections_and_what_is_undefined() -> None:
    share = replace(
        ROW, measure="accuracy", figure=0.604, unit="share", low=0.58, high=0.63, at_most=None
    )
    page = render(
        [
            share,
            replace(share, what="b", at_least=0.7, section="Second"),
            replace(ROW, what="b", figure=None, n=12, note="no items", section="Second"),
            replace(ROW, what="c", figure=12345.6, section="Second"),
        ],
        "{tables}",
    )
    assert "| refit \\| one | 60.4 % (58 to 63) | 9 |" in page
    assert "## Second\n\n| what | accuracy | median | n | note |" in page
    assert (
        "| b | 60.4 % (58 to 63), at least 70: **missed** | undefined | 9 / 12 | no items |" in page
    )
    assert "| c |  | 12,346 s, at most 0.3: **missed** | 9 |  |" in page


def test_a_benchmark_without_a_place_for_its_tables_is_named(tmp_path: Path) -> None:
    append([ROW], tmp_path / "history.jsonl")
    with pytest.raises(HistoryError, match=r"speed\.notes\.md does not exist"):
        write_tables(tmp_path)
    (tmp_path / "speed.notes.md").write_text("# Speed\n")
    with pytest.raises(HistoryError, match=r"no single line \{tables\}"):
        write_tables(tmp_path)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "speed.notes.md").write_text("# Speed\n\n{tables}\n")
    monkeypatch.setattr(measuring, "RESULTS", tmp_path)
    return tmp_path


def record_one(folder: Path, **options: Any) -> None:
    given = argparse.Namespace(**{"dry_run": False, "items": 3, "data": folder, **options})
    figures = [Measured("refit", "median", 1.5, "s")]
    is_partial = bool(options.get("part"))
    measuring.record("benchmarks/speed.py", figures, given, is_partial=is_partial, num_folds=5)


def test_a_recorded_run_tells_machine_versions_commit_and_conditions(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record_one(folder)
    (row,) = read(folder / "history.jsonl")
    assert (row.benchmark, row.what, row.figure, row.unit) == ("speed", "refit", 1.5, "s")
    assert row.machine.cores
    assert row.machine.memory_gib
    assert row.versions["python"] == sys.version.split()[0]
    assert {"duckdb", "streamlit", "torch"} <= set(row.versions)
    assert row.conditions.keys() == {"items", "num folds", "load average"}
    assert abs(row.date - datetime.now(UTC)) < timedelta(minutes=5)
    assert (folder / "speed.md").read_text() == capsys.readouterr().out


def test_a_dry_run_keeps_nothing_and_a_part_leaves_the_table(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record_one(folder, dry_run=True)
    assert "| refit | 1.5 s |" in capsys.readouterr().out
    assert [path.name for path in folder.iterdir()] == ["speed.notes.md"]
    record_one(folder, part="start")
    assert [row.is_partial for row in read(folder / "history.jsonl")] == [True]
    assert not (folder / "speed.md").exists()


def test_repeated_measurements_and_estimates_become_figures() -> None:
    times = [float(t) for t in range(1, 101)]
    median, p95, slowest = measuring.spread("x", times, "s", quantile=0.95, at_most={"p95": 90})
    assert (median.measure, median.figure, median.n) == ("median", 50.5, 100)
    assert (p95.measure, p95.figure, p95.at_most) == ("p95", pytest.approx(95.05), 90)
    assert (slowest.measure, slowest.figure, slowest.at_most) == ("slowest", 100.0, None)
    interval = SimpleNamespace(low=0.1, high=0.3)
    found = SimpleNamespace(value=0.2, n=50, interval=interval, undefined_because=None)
    assert measuring.estimated("x", "accuracy", found) == Measured(
        *("x", "accuracy", 0.2, "share", 50, 0.1, 0.3)
    )
    none = SimpleNamespace(value=None, n=0, interval=None, undefined_because="no items")
    assert measuring.estimated("x", "accuracy", none).note == "no items"


def test_the_committed_tables_are_what_the_history_holds() -> None:
    rows = read(HISTORY)
    tables = {path.stem for path in RESULTS.glob("*.md") if not path.name.endswith(".notes.md")}
    measured = {row.benchmark for row in rows}
    assert tables == {name for name in measured if newest_run(rows, name)}
    for name in tables:
        notes = (RESULTS / f"{name}.notes.md").read_text(encoding="utf-8")
        page = (RESULTS / f"{name}.md").read_text(encoding="utf-8")
        assert page == render(newest_run(rows, name), notes), "run python benchmarks/history.py"


def test_every_benchmark_of_the_history_is_a_script_here() -> None:
    names = {path.stem for path in SCRIPTS}
    assert {row.benchmark for row in read(HISTORY)} <= names
    notes = {path.name.removesuffix(".notes.md") for path in RESULTS.glob("*.notes.md")}
    assert notes <= names


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_every_script_can_be_imported_and_tells_its_options(
    script: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [str(script), "--help"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(script), run_name="__main__")
    assert ended.value.code == 0
    assert f"usage: {script.name}" in capsys.readouterr().out
