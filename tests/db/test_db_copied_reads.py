"""Long reads on a copy of an open database: what they see, and what they leave behind."""

from __future__ import annotations

import os
import signal
import tempfile
import threading
from pathlib import Path

import pytest
from duckdb import DuckDBPyConnection

from db.connection import IN_MEMORY, Database
from db.content.items import add_items
from db.copied_reads import read_aside
from db.errors import ChildProcessFailedError, DatabaseLockedError, DatabaseOpenError
from db.retraining.snapshot import freeze, load_snapshot
from tests.support.annotations import annotate
from tests.support.records import make_item
from tests.support.stores import open_store


def look(cur: DuckDBPyConnection) -> tuple[int, str, list[str]]:
    (path,) = cur.execute(
        "select path from duckdb_databases() where database_name = current_database()"
    ).fetchone()
    found = cur.execute("select item_id from item order by item_id").fetchall()
    return os.getpid(), path, [item_id for (item_id,) in found]


def read_damaged(cur: DuckDBPyConnection) -> None:
    cur.execute("select * from no_such_table")


def kill_oneself(cur: DuckDBPyConnection) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def open_again(cur: DuckDBPyConnection, path: Path) -> None:
    Database.open(path)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put copies into a folder of their own, and make one however little there is."""
    monkeypatch.setattr("db.child_process.SMALL_BYTES", 0)
    folder = tmp_path / "copies"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_a_read_aside_sees_what_was_saved_and_nothing_else(tmp_path: Path, folder: Path) -> None:
    database = open_store(tmp_path / "it's.duckdb")
    with database.transaction() as cur:
        add_items(cur, [make_item("q-1")], origin="x")  # in the log alone
    with database.transaction() as cur:
        add_items(cur, [make_item("q-2")], origin="x")
        process_id, path, found = read_aside(database.cursor(), look)
    assert process_id != os.getpid()
    assert Path(path).is_relative_to(folder)
    assert found == ["q-1"]
    assert read_aside(database.cursor(), look)[2] == ["q-1", "q-2"]
    assert not list(folder.iterdir())


def test_a_store_in_memory_and_a_small_one_are_read_at_once(tmp_path: Path) -> None:
    for path in (IN_MEMORY, tmp_path / "store.duckdb"):
        assert read_aside(Database.open(path).cursor(), look)[0] == os.getpid()


@pytest.mark.parametrize(
    ("function", "error"),
    [(kill_oneself, ChildProcessFailedError), (read_damaged, DatabaseOpenError)],
)
def test_a_read_that_fails_leaves_nothing_and_the_store_its_lock(
    function, error, tmp_path: Path, folder: Path
) -> None:
    database = open_store(tmp_path / "store.duckdb")
    with database.transaction() as cur:
        add_items(cur, [make_item("q-1")], origin="x")
    with pytest.raises(error):
        read_aside(database.cursor(), function)
    assert not list(folder.iterdir())
    with pytest.raises(DatabaseLockedError):
        read_aside(database.cursor(), open_again, database.path)


def test_a_snapshot_frozen_amid_saves_is_one_state(tmp_path: Path, folder: Path) -> None:
    database = open_store(tmp_path / "store.duckdb")
    pairs = [(f"a-{number}", f"b-{number}") for number in range(40)]
    with database.transaction() as cur:
        items = [make_item(item_id, gold_label="yes") for pair in pairs for item_id in pair]
        add_items(cur, items, origin="x")
    is_frozen = threading.Event()

    def save() -> None:
        for pair in pairs:
            with database.transaction() as cur:
                for item_id in pair:
                    annotate(cur, "Ann", item_id, "no")
            is_frozen.wait(0.02)

    saving = threading.Thread(target=save)
    saving.start()
    with database.transaction() as cur:
        manifest = freeze(cur, tmp_path / "frozen", created_by="tests")
    is_frozen.set()
    saving.join()
    snapshot = load_snapshot(tmp_path / "frozen")
    frozen = {item.item_id: item.label for item in (*snapshot.train, *snapshot.test)}
    assert all(frozen[one] == frozen[other] for one, other in pairs)
    noted = database.cursor().execute(
        "select item_id from snapshot_correction where snapshot_id = $id",
        {"id": manifest.snapshot_id},
    )
    corrected = {item_id for item_id, label in frozen.items() if label == "no"}
    assert {item_id for (item_id,) in noted.fetchall()} == corrected
