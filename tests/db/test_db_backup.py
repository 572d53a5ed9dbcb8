"""Copies of the database file: complete ones, those that lack what was saved last, restoring."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from db import backup, open_mark
from db.cli.main import main
from db.connection import Database, accept_without_log
from db.errors import (
    BackupError,
    DatabaseOpenError,
    InvalidSettingError,
    MissingLogError,
    SaveError,
)
from db.evidence.backup_folder import (
    Backup,
    BackupPolicy,
    add_backup,
    is_due,
    list_backups,
    superfluous,
)
from db.evidence.last_check import find_last_check
from db.paths import database_path
from db.people.reviewers import add_reviewer
from tests.support.full_disk import full_disk
from tests.support.stores import lay_store, open_store
from tests.support.waiting import wait_for

WRITER = """
import sys
from db.connection import Database
from db.people.reviewers import add_reviewer

database = Database.open()
number = 0
while True:
    with database.transaction() as cur:
        add_reviewer(cur, f"Reviewer {number}")
    print(number, flush=True)
    number += 1
    if number % 7 == 0:
        database.cursor().execute("checkpoint")
"""
NAMES = "select name from reviewer order by name"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep everything in a folder of the test."""
    monkeypatch.setenv("LLAMACARE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def store(home: Path) -> Iterator[Database]:
    """Yield an open store with a reviewer, who is in its log alone."""
    opened = open_store()
    add(opened, "Ann")
    yield opened
    opened.close()


def add(database: Database, name: str) -> None:
    with database.transaction() as cur:
        add_reviewer(cur, name)


def names_in(path: Path) -> list[str]:
    database = Database.open(path)
    try:
        return [name for (name,) in database.cursor().execute(NAMES).fetchall()]
    finally:
        database.close()


def with_log(path: Path, target: Path) -> None:
    for source, copy in zip(
        [path, *open_mark.log_paths(path)], [target, *open_mark.log_paths(target)], strict=True
    ):
        if source.exists():
            shutil.copyfile(source, copy)


def test_a_copy_without_its_log_is_refused_by_name(store: Database, tmp_path: Path) -> None:
    copy = tmp_path / "copied.duckdb"
    shutil.copyfile(store.path, copy)
    with pytest.raises(MissingLogError, match=r"copied\.duckdb\.wal.*python -m db backup"):
        Database.open(copy)
    shutil.copyfile(f"{store.path}.wal", f"{copy}.wal")
    assert names_in(copy) == ["Ann"]


@pytest.mark.parametrize("size", [0, 1, 20])
def test_a_log_cut_at_its_beginning_counts_as_missing(
    store: Database, tmp_path: Path, size: int
) -> None:
    copy = tmp_path / "copied.duckdb"
    with_log(store.path, copy)
    with Path(f"{copy}.wal").open("r+b") as log:
        log.truncate(size)
    with pytest.raises(DatabaseOpenError):
        Database.open(copy)


def test_a_copy_put_over_a_closed_database_is_refused(store: Database, tmp_path: Path) -> None:
    shutil.copyfile(store.path, tmp_path / "copied.duckdb")
    store.close()
    shutil.copyfile(tmp_path / "copied.duckdb", store.path)
    result = CliRunner().invoke(main, ["status"])
    assert (result.exit_code, result.stdout) == (1, "")
    assert "review.duckdb.wal" in result.stderr


def test_a_copy_without_its_log_can_be_accepted(store: Database, tmp_path: Path) -> None:
    copy = tmp_path / "copied.duckdb"
    shutil.copyfile(store.path, copy)
    accept_without_log(copy)
    assert names_in(copy) == []


@pytest.mark.parametrize("closed_by", ["close", "end"])
def test_a_copy_of_a_closed_database_needs_no_log(
    home: Path, tmp_path: Path, closed_by: str
) -> None:
    code = "from db.connection import Database; database = Database.open()\n"
    code += "with database.transaction() as cur: cur.execute('create table extra (a int)')\n"
    code += "database.close()" if closed_by == "close" else ""
    subprocess.run([sys.executable, "-c", code], check=True)
    shutil.copyfile(database_path(), tmp_path / "copied.duckdb")
    assert names_in(tmp_path / "copied.duckdb") == []
    assert [path.name for path in home.iterdir()] == ["review.duckdb"]


@pytest.mark.parametrize("checkpointed", [False, True])
def test_a_database_whose_process_was_killed_opens_with_all_that_was_saved(
    home: Path, tmp_path: Path, checkpointed: bool
) -> None:
    code = WRITER if not checkpointed else WRITER.replace("% 7", "% 1")
    names = _kill_after(code, 5)
    assert set(names_in(database_path())) >= names


def test_backup_copies_a_closed_database(store: Database, tmp_path: Path) -> None:
    store.close()
    result = CliRunner().invoke(main, ["backup", str(tmp_path / "copy.duckdb")])
    assert (result.exit_code, result.stderr) == (0, "")
    assert names_in(tmp_path / "copy.duckdb") == ["Ann"]
    assert {path.name for path in tmp_path.iterdir()} == {"home", "copy.duckdb"}


def test_backup_copies_what_is_saved_while_another_process_writes(
    home: Path, tmp_path: Path
) -> None:
    writer = subprocess.Popen([sys.executable, "-c", WRITER], stdout=subprocess.PIPE, text=True)
    try:
        assert writer.stdout is not None
        for number in range(12):
            last = int(writer.stdout.readline())
            copy = tmp_path / f"copy-{number}.duckdb"
            result = CliRunner().invoke(main, ["backup", str(copy)])
            assert result.exit_code == 0, result.stderr
            names = names_in(copy)
            assert {f"Reviewer {earlier}" for earlier in range(last + 1)} <= set(names)
            assert len(names) == len(set(names)) == max(int(name.split()[1]) for name in names) + 1
    finally:
        writer.kill()
        writer.communicate()


def test_backup_of_a_killed_process_includes_its_log(home: Path, tmp_path: Path) -> None:
    names = _kill_after(WRITER, 10)
    CliRunner().invoke(main, ["backup", str(tmp_path / "copy.duckdb")])
    assert set(names_in(tmp_path / "copy.duckdb")) >= names


def test_backup_refuses_what_it_cannot_copy_and_where_it_cannot_write(
    store: Database, tmp_path: Path
) -> None:
    store.close()
    whole = store.path.read_bytes()
    for target in (store.path, Path(f"{store.path}.wal"), tmp_path / "none" / "copy", tmp_path):
        result = CliRunner().invoke(main, ["backup", str(target)])
        assert (result.exit_code, result.stdout) == (1, "")
        assert "was not written" in result.stderr
    assert store.path.read_bytes() == whole
    earlier = tmp_path / "copy.duckdb"
    earlier.write_text("an earlier copy")
    for damaged in (b"", b"no database" * 1000, whole[: len(whole) // 3]):
        store.path.write_bytes(damaged)
        result = CliRunner().invoke(main, ["backup", str(earlier)])
        assert (result.exit_code, result.stdout) == (1, ""), damaged[:20]
        assert str(store.path) in result.stderr
    store.path.unlink()
    assert "no database" in CliRunner().invoke(main, ["backup", str(earlier)]).stderr
    assert earlier.read_text() == "an earlier copy"
    assert {path.name for path in tmp_path.iterdir()} == {"home", "copy.duckdb"}


def test_a_copy_is_a_database_of_its_own(store: Database, tmp_path: Path) -> None:
    store.close()
    CliRunner().invoke(main, ["backup", str(tmp_path / "copy.duckdb")])
    with duckdb.connect(str(tmp_path / "copy.duckdb")) as copy:
        assert copy.execute("select * from open_mark").fetchall() == []


def _kill_after(code: str, num_lines: int) -> set[str]:
    """Run a writer, kill it after some lines, and return the names that it confirmed."""
    writer = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    lines = [writer.stdout.readline() for _ in range(num_lines)]
    writer.kill()
    rest, _ = writer.communicate()
    return {f"Reviewer {line.strip()}" for line in (*lines, *rest.splitlines())}


@pytest.mark.parametrize("num_bytes", [1, 100, 2_000_000])
def test_a_session_on_a_full_disk_leaves_a_database_that_opens(home: Path, num_bytes: int) -> None:
    database = open_store()
    with full_disk(num_bytes), contextlib.suppress(SaveError), database.transaction() as cur:
        add_reviewer(cur, "Ann")
    with full_disk():
        database.close()
    assert names_in(database_path()) == (["Ann"] if num_bytes == 2_000_000 else [])
    assert not database_path().with_name("review.duckdb.open").exists()


NOW = datetime(2026, 11, 30, 9, tzinfo=UTC)


def restore(file: Path) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["restore", str(file)])
    return result.exit_code, result.stderr


def test_a_backup_is_restored_where_nothing_is_and_stays(store: Database, tmp_path: Path) -> None:
    store.close()
    CliRunner().invoke(main, ["backup", str(tmp_path / "copy.duckdb")])
    code, why = restore(tmp_path / "copy.duckdb")
    assert (code, "has review.duckdb, and nothing is overwritten" in why) == (1, True)
    store.path.rename(tmp_path / "moved.duckdb")
    for rest in open_mark.log_paths(store.path):
        rest.touch()
        assert rest.name in restore(tmp_path / "copy.duckdb")[1]
        assert not store.path.exists()
        rest.unlink()
    whole = (tmp_path / "copy.duckdb").read_bytes()
    assert restore(tmp_path / "copy.duckdb") == (0, "")
    assert (tmp_path / "copy.duckdb").read_bytes() == whole
    assert names_in(store.path) == ["Ann"]
    files = sorted(path.name for path in store.path.parent.iterdir())
    assert files == ["review.duckdb", "review.duckdb.verified"]


def test_a_backup_of_an_altered_database_is_kept_with_those_before_and_not_restored_unasked(
    store: Database, tmp_path: Path
) -> None:
    policy = policy_of(tmp_path / "copies")
    store.close()
    for hour in range(3):
        assert add_backup(store.path, policy, NOW + timedelta(hours=hour))[1] == ()
    noted = find_last_check(store.path)
    assert noted is not None
    assert (noted.num_breaks, noted.head is None) == (0, False)
    with duckdb.connect(str(store.path)) as connection:
        connection.execute("update reviewer set role = 'admin'")
    made, [first] = add_backup(store.path, policy, NOW + timedelta(hours=3))
    assert len(list_backups(policy.folder)) == 4
    noted = find_last_check(store.path)
    assert noted is not None
    assert noted.first_break == str(first)
    result = CliRunner().invoke(main, ["backup", str(tmp_path / "copy.duckdb")])
    assert (result.exit_code, str(first) in result.stderr) == (1, True)
    store.path.unlink()
    code, why = restore(made.path)
    assert (code, "was not restored: it is not as it was stored" in why) == (1, True)
    assert not store.path.exists()
    assert CliRunner().invoke(main, ["restore", "--altered", str(made.path)]).exit_code == 0
    assert names_in(store.path) == ["Ann"]


def test_a_copy_by_hand_is_restored_with_its_log_and_refused_without(
    store: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_log(store.path, tmp_path / "by_hand.duckdb")
    shutil.copyfile(store.path, tmp_path / "alone.duckdb")
    monkeypatch.setenv("LLAMACARE_HOME", str(tmp_path / "other"))
    code, why = restore(tmp_path / "alone.duckdb")
    assert (code, "alone.duckdb.wal" in why) == (1, True)
    assert restore(tmp_path / "by_hand.duckdb") == (0, "")
    assert names_in(database_path()) == ["Ann"]


def test_nothing_is_restored_that_is_damaged_foreign_or_of_a_newer_version(
    store: Database, tmp_path: Path
) -> None:
    store.close()
    whole = store.path.read_bytes()
    store.path.unlink()
    files = {
        "cut": whole[: len(whole) // 2],
        "no database": b"no database" * 1000,
        "foreign": whole,
        "newer": whole,
    }
    found = {}
    for name, content in files.items():
        path = tmp_path / f"{name}.duckdb"
        path.write_bytes(content)
        if name in ("foreign", "newer"):
            statement = {
                "foreign": "delete from migration",
                "newer": "insert into migration values (99, '0099_later', 'x', now()::timestamp)",
            }[name]
            with duckdb.connect(str(path)) as connection:
                connection.execute(statement)
        found[name] = restore(path)
        assert not store.path.exists()
    assert {code for code, _ in found.values()} == {1}
    assert "is no database of this product" in found["foreign"][1]
    assert "0099_later" in found["newer"][1]
    assert ".before-0099" in found["newer"][1]


def test_a_copy_that_is_not_what_was_written_is_no_backup(
    store: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.close()
    fold = backup._fold_log

    def changed_after(copy: Path, path: Path) -> dict[str, object]:
        written = fold(copy, path)
        with duckdb.connect(str(copy)) as connection:
            connection.execute("update reviewer set name = 'Bob'")
        return written

    monkeypatch.setattr(backup, "_fold_log", changed_after)
    result = CliRunner().invoke(main, ["backup", str(tmp_path / "copy.duckdb")])
    assert (result.exit_code, "is not what was written" in result.stderr) == (1, True)
    assert not (tmp_path / "copy.duckdb").exists()


def test_a_killed_backup_leaves_nothing_under_a_name_and_the_next_one_clears_up(
    home: Path,
) -> None:
    database = open_store()
    with database.transaction() as cur:
        cur.execute("create table bulk as select hash(range) as a from range(3_000_000)")
    database.close()
    process = subprocess.Popen([sys.executable, "-m", "db", "backup"], stdout=subprocess.PIPE)
    folder = home / "backups"
    wait_for(lambda: list(folder.glob(".review-*")) if folder.is_dir() else [])
    process.kill()
    process.communicate()
    assert list_backups(folder) == []
    assert list(folder.glob(".review-*"))
    done = CliRunner().invoke(main, ["backup"])
    assert (done.exit_code, "'column bulk.a': is not of this version" in done.stderr) == (1, True)
    [made] = list_backups(folder)
    assert sorted(path.name for path in folder.iterdir()) == [".lock", made.path.name]
    backup.verify(made.path)


def policy_of(folder: Path, hours: float = 24.0) -> BackupPolicy:
    return BackupPolicy(folder, timedelta(hours=hours) if hours else None, 3, 2)


def test_the_newest_backups_and_the_last_of_each_week_are_kept() -> None:
    daily = [Backup(Path(str(day)), NOW - timedelta(days=day), 1) for day in range(30)]
    dropped = superfluous(daily, policy_of(Path()))
    kept = [one.made_at.strftime("%a %d") for one in daily if one not in dropped]
    assert kept == ["Mon 30", "Sun 29", "Sat 28"]  # of this week and the last one
    weekly = [Backup(Path(str(week)), NOW - timedelta(weeks=week), 1) for week in range(6)]
    assert superfluous(weekly, policy_of(Path())) == weekly[3:]
    few = BackupPolicy(Path(), None, 1, 3)
    dropped = superfluous(daily, few)
    kept = [one.made_at.strftime("%a %d") for one in daily if one not in dropped]
    assert kept == ["Mon 30", "Sun 29", "Sun 22"]


def test_a_backup_is_due_when_something_was_saved_since_one_that_is_old_enough(
    store: Database, tmp_path: Path
) -> None:
    policy = policy_of(tmp_path / "copies")
    store.close()
    assert is_due(store.path, policy, NOW)
    assert not is_due(store.path, policy_of(tmp_path, hours=0), NOW)
    add_backup(store.path, policy, NOW)
    later = NOW + timedelta(hours=24)
    os.utime(store.path, times=(NOW.timestamp() - 1,) * 2)
    assert not is_due(store.path, policy, later)
    os.utime(store.path, times=(NOW.timestamp() + 1,) * 2)
    assert is_due(store.path, policy, later)
    assert not is_due(store.path, policy, later - timedelta(seconds=1))


def test_old_backups_are_deleted_and_what_else_is_in_the_folder_is_not(tmp_path: Path) -> None:
    path, policy = lay_store(tmp_path / "a.duckdb"), policy_of(tmp_path / "copies")
    policy.folder.mkdir()
    others = ("review.duckdb", "review-2026.duckdb", "notes.txt", ".review-x.duckdb.deadbeef.txt")
    for name in others:
        (policy.folder / name).write_text("kept")
    for hour in range(5):
        add_backup(path, policy, NOW + timedelta(hours=hour))
    assert len(list_backups(policy.folder)) == 3
    assert {path.name for path in policy.folder.iterdir()} >= set(others)


def test_a_backup_that_cannot_be_made_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = lay_store(tmp_path / "a.duckdb")
    (tmp_path / "file").write_text("")
    with pytest.raises(BackupError, match="LLAMACARE_BACKUPS"):
        add_backup(path, policy_of(tmp_path / "file"), NOW)
    with full_disk(), pytest.raises(BackupError, match="No backup was made"):
        add_backup(path, policy_of(tmp_path / "copies"), NOW)
    assert list_backups(tmp_path / "copies") == []
    with pytest.raises(BackupError, match=r"cannot be read.*LLAMACARE_BACKUPS"):
        list_backups(tmp_path / ("x" * 300))
    for hours in ("often", "-1", "nan"):
        monkeypatch.setenv("LLAMACARE_BACKUP_HOURS", hours)
        with pytest.raises(InvalidSettingError, match=f"{hours}.*number from 0"):
            BackupPolicy.read()
