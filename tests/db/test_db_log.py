"""When the log of an open database is moved into the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from db.connection import IN_MEMORY, Database
from db.content.items import add_items
from tests.support.records import make_item
from tests.support.stores import open_store


def test_a_long_log_is_moved_into_the_file_when_nobody_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db.connection._LONG_LOG_BYTES", 0)
    database = open_store(tmp_path / "store.duckdb")
    log = tmp_path / "store.duckdb.wal"
    with database.transaction() as cur:
        add_items(cur, [make_item("q-1")], origin="x")
    assert log.stat().st_size > 0
    assert not database.fold_log(quiet_seconds=60)
    with database.transaction() as cur:
        add_items(cur, [make_item("q-2")], origin="x")
        assert not database.fold_log(quiet_seconds=0)
    assert database.fold_log(quiet_seconds=0)
    assert not log.exists() or log.stat().st_size == 0
    assert not database.fold_log(quiet_seconds=0)
    assert database.cursor().execute("select count(*) from item").fetchone() == (2,)
    assert not Database.open(IN_MEMORY).fold_log(quiet_seconds=0)
