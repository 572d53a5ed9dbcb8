"""A mark inside the database file while it is open, so that a copy without its log is noticed.

DuckDB keeps what was saved last in a log, ``<name>.wal``, and the file alone opens without it as
if nothing were missing. So the file is marked before the first transaction and unmarked when it is
closed: a marked file without its log was copied from an open one. ``<name>.open`` next to it names
the session that made the mark, for as long as it lasts: a process that is killed may leave a marked
file without a log, because there was nothing in it.
See docs/decisions/2026-11-29-a-copy-without-its-log.md.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from db.conversions import to_timestamp, utc_now
from db.errors import MissingLogError
from db.statements import load_sql, whole


def log_paths(path: Path) -> list[Path]:
    """Return where DuckDB may write what is not in a database file yet; the first is the usual."""
    names = (".wal", ".wal.checkpoint", ".wal.recovery")
    return [path.with_name(f"{path.name}{name}") for name in names]


def sessions_path(path: Path) -> Path:
    """Return where the names of the sessions are that have a file open."""
    return path.with_name(f"{path.name}.open")


def has_log(path: Path) -> bool:
    """Return whether there is something in a log of a file."""
    return any(log.is_file() and log.stat().st_size > 0 for log in log_paths(path))


def check(cur: DuckDBPyConnection, path: Path, *, had_log: bool) -> bool:
    """Check that a file was not copied from an open one without its log.

    Args:
        cur: Of the file, just opened; DuckDB has read the log, if there was one.
        path: Where its session was marked.
        had_log: What :func:`has_log` returned before.

    Returns:
        Whether the log is as it should be. If not, its own session left the file without one.

    Raises:
        MissingLogError: What was saved last is not in it.
    """
    mark = _find(cur)
    if mark is None:
        return True
    session_id, opened_at, is_logged = mark
    if had_log and is_logged:
        return True
    if session_id in _read_sessions(path):
        return False
    raise MissingLogError(
        f"The database {path} was copied while it was open, without {log_paths(path)[0].name}: "
        f"what was saved after {opened_at:%Y-%m-%d %H:%M} UTC may be missing. Copy that file next "
        "to it, or restore a copy made by `python -m db backup`. Where neither exists, "
        "`python -m db accept` accepts the file as it is."
    )


def begin(cur: DuckDBPyConnection, path: Path) -> None:
    """Write the mark into the file, which has a log from now on."""
    session_id = secrets.token_hex(8)
    # First, and after those of sessions that were killed: a mark in the file must be known here.
    with sessions_path(path).open("a", encoding="utf-8") as sessions:
        sessions.write(f"\n{session_id}\n")
    with whole(cur):
        cur.execute(load_sql("open_mark_delete"))
        now = to_timestamp(utc_now())
        cur.execute(load_sql("open_mark_insert"), {"session_id": session_id, "opened_at": now})
    # Not while another Database of this process writes to it; then the mark is in the log alone.
    with suppress(duckdb.TransactionException):
        cur.execute("checkpoint")
    cur.execute(load_sql("open_mark_log"))


def clear(cur: DuckDBPyConnection) -> None:
    """Delete the mark, where there is one."""
    if _find(cur) is not None:
        cur.execute(load_sql("open_mark_delete"))


def end(path: Path) -> None:
    """Remove the names of sessions; the file is closed, and the mark was deleted before."""
    sessions_path(path).unlink(missing_ok=True)


def _find(cur: DuckDBPyConnection) -> tuple[str, object, bool] | None:
    (has_table,) = cur.execute(load_sql("open_mark_has_table")).fetchone() or (0,)
    return cur.execute(load_sql("open_mark_find")).fetchone() if has_table else None


def _read_sessions(path: Path) -> list[str]:
    try:
        return sessions_path(path).read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError):
        return []
