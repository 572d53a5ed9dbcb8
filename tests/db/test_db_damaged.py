"""A damaged database is named as such, with what to do, wherever the damage is met."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click
import duckdb
import pytest
from click.testing import CliRunner

import training.cli.main
from db.cli.main import main
from db.connection import Database, opened_database
from db.content.items import add_items
from db.content.predictions import add_predictions
from db.content.runs import add_run
from db.errors import DatabaseDamagedError, DatabaseOpenError, SaveError
from tests.support.annotations import annotate
from tests.support.damage import damage_column
from tests.support.full_disk import full_disk
from tests.support.records import make_item, make_prediction, make_run
from tests.support.stores import open_store


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the path of a closed store with items, answers and labels."""
    monkeypatch.setenv("LLAMACARE_HOME", str(tmp_path))
    database = open_store()
    with database.transaction() as cur:
        items = [make_item(f"q-{number}", question=f"Is it {number}?") for number in range(50)]
        add_items(cur, items, origin="items")
        add_run(cur, make_run())
        add_predictions(cur, [make_prediction(item.item_id) for item in items])
        annotate(cur, "Ann", "q-1", "no")
    database.close()
    return database.path


@pytest.mark.parametrize(
    ("column", "command"),
    [
        (("imported_item", "question"), ("export", "items", "OUT.jsonl")),
        (("imported_item", "question"), ("reindex",)),
        (("imported_item", "item_id"), ("status",)),
        (("imported_item", "item_id"), ("backup", "OUT.duckdb")),
        (("annotation", "note"), ("export", "annotations", "OUT.csv")),
        (("stored_prediction", "answer"), ("export", "predictions", "OUT.parquet")),
        (("stored_prediction", "answer"), ("export-run", "run-1", "OUT.jsonl")),
        (("reviewer", "name"), ("people", "list")),
        (("reviewer", "name"), ("people", "add", "Bob")),
        (("imported_item", "question"), ("queue", "add", "All", "--by", "Ann")),
    ],
)
def test_a_command_that_meets_damage_says_so_and_what_to_do(
    path: Path, tmp_path: Path, column: tuple[str, str], command: tuple[str, ...]
) -> None:
    damage_column(path, *column)
    words = [word.replace("OUT", str(tmp_path / "out")) for word in command]
    result = CliRunner().invoke(main, words)
    assert isinstance(result.exception, SystemExit), result.exception
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: ")
    assert str(path) in result.stderr
    assert "copy" in result.stderr
    assert list(tmp_path.glob("out*")) == []


@pytest.mark.parametrize("command", [("agreement",), ("build", "--out", "OUT"), ("run", "smoke")])
def test_a_command_of_the_training_package_does_too(
    path: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    for column in (("imported_item", "label_set"), ("annotation", "labels"), ("reviewer", "name")):
        damage_column(path, *column)
    words = [word.replace("OUT", str(tmp_path / "out")) for word in command]
    result = CliRunner().invoke(training.cli.main.main, words)
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == 1
    assert "damaged" in result.stderr
    assert str(path) in result.stderr


def _other_tables(path: Path) -> None:
    path.unlink()
    with duckdb.connect(str(path)) as other:
        other.execute("create table migration (number integer)")


def _no_view(path: Path) -> None:
    with duckdb.connect(str(path)) as other:
        other.execute("drop table search_posting")


@pytest.mark.parametrize("damage", [_other_tables, _no_view])
def test_another_schema_is_refused(path: Path, damage: Callable[[Path], None]) -> None:
    damage(path)
    for words in (["status"], ["reindex"]):
        result = CliRunner().invoke(main, words)
        assert result.exception is None or isinstance(result.exception, SystemExit)
    assert result.exit_code == 1
    assert str(path) in result.stderr


def test_text_that_is_no_json_is_refused_by_name(path: Path, tmp_path: Path) -> None:
    with duckdb.connect(str(path)) as other:
        other.execute("update imported_item set metadata = 'no json'")
    result = CliRunner().invoke(main, ["export", "items", str(tmp_path / "out.jsonl")])
    assert result.exit_code == 1
    assert "'no json' is stored where JSON is expected" in result.stderr
    Database.open(path).close()  # which waits for ever while an export is still reading


def test_a_fault_of_the_program_is_no_damage(path: Path) -> None:
    with pytest.raises(duckdb.ConversionException), opened_database(path) as database:
        database.cursor().execute("select cast('a' as integer)")
    with pytest.raises(click.UsageError), opened_database(path):
        raise click.UsageError("no damage either")


def test_damage_is_an_error_of_opening(path: Path) -> None:
    damage_column(path, "migration", "checksum")
    with pytest.raises(DatabaseOpenError, match=r"before-<number>") as caught:
        Database.open(path)
    assert isinstance(caught.value, DatabaseDamagedError)


@pytest.mark.parametrize("num_bytes", [0, 1000, 5000])
def test_a_full_disk_at_opening_is_no_damage(path: Path, num_bytes: int) -> None:
    with duckdb.connect(str(path)) as raw:  # as an earlier version left it
        for table in ("search_posting", "search_answer", "search_item"):
            raw.execute(f"delete from {table}")
    with full_disk(num_bytes), pytest.raises(DatabaseOpenError, match="Free space") as caught:
        Database.open(path)
    assert not isinstance(caught.value, DatabaseDamagedError)
    database = Database.open(path)
    assert database.cursor().execute("select count(*) from search_item").fetchone() == (50,)
    database.close()


def test_a_key_that_is_stored_twice_is_an_error_of_ours(tmp_path: Path) -> None:
    database = open_store(tmp_path / "review.duckdb")
    with (
        pytest.raises(SaveError, match=r"Nothing was saved: .*duplicate key.* file damaged"),
        database.transaction() as cur,
    ):
        for _ in range(2):
            cur.execute("insert into retired_run values ('run-1', '2026-01-01')")
    assert database.cursor().execute("from retired_run").fetchall() == []
    database.close()
