"""The chain over what people do: each row has a link, made by the transaction that stores it.

A link's line is canonical JSON with the SHA-256 of the row and of the line before it, so that a
later change of a row or a line, and a missing one, is noticed by ``db.evidence.verify``. What is
hashed of a row is what its view ``evidence_<table>`` writes. Rows that a save inserts are hashed
from their parameters: to read them back would take longer than all the rest of it. For the same
reason their numbers are taken from the sequence many at a time, before they are inserted.

The cursor of a transaction notes into which of these tables a statement inserts. So no writer has
to think of the chain, and a table becomes part of it by its view and its name in ``CHAINED``.
See docs/decisions/2026-11-30-a-chain-over-what-people-do.md.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final, cast

from duckdb import DuckDBPyConnection

from db.conversions import utc_now
from db.statements import (
    BEGIN_TRANSACTION,
    COMMIT,
    execute_parsed,
    fetch_column,
    fetch_value,
    load_sql,
    rolled_back_on_error,
    whole,
)

JOINED_LATER: Final = (
    *("queue_share", "bulk_item", "acceptance_rule", "accepted_item", "acceptance_event"),
    "replaced_item",
)
"""Tables that joined the chain after its first version: a link of kind ``JOINED`` says when."""
CHAINED: Final = (
    *("annotation", "adjudication", "signature", "review_event", "bulk_action", "bulk_undo"),
    *("reviewer", "reviewer_change", "reviewer_identity"),
    *("program_token", "program_token_revocation"),
    *("queue", "queue_item", "queue_draw", "guideline", "item_version", "set_aside", "label_set"),
    *("record_veto", "trigger_policy", "training_run", "run"),
    *("model_version", "model_alias", "gate_use", "setting", "saved_slice"),
    "imported_item",
    *JOINED_LATER,
)
"""The tables whose rows people cause, and items; each has a view ``evidence_<table>``."""
BEGIN: Final = "begin"
"""The kind of the first link: its key is the time since when the chain proves something."""
JOINED: Final = "joined"
"""The kind of a link whose key names a table and the time since when its rows are in the chain."""
PREDICTIONS: Final = "stored_prediction"
"""Of which a link stands for all of a run: they are stored with it, in one transaction."""
_MOST_ALONE: Final = 16
"""Rows of a transaction and table that have a link each; more of them share one."""
_TARGET: Final = re.compile(r"(?:--[^\n]*\n|\s)*(?:insert(?: or \w+)? into|update) (\w+)")
"""An update is noted where DuckDB stores the rows again, as it does where a list changes. Rows that
it changes in place get no link: there no update may change what ``evidence_<table>`` writes."""
_COLUMN: Final = re.compile(r"\$(\w+)(?:::[\w\[\]]+)? as (\w+)|'(\w+)' as (\w+)")
_ESCAPED: Final = re.compile(r"\\\\|\\u00[01][0-9a-f]")
_DOUBLES: Final = frozenset({"duration_seconds"})
_BY_PARAMETERS: Final = {
    "annotation_insert": ("annotation_id", "annotation_number"),
    "review_event_insert": ("event_number", "event_number"),
}
"""Statements of a save, whose rows are hashed from their parameters: columns of key and number."""
_encode: Final = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


def canonical(value: Mapping[str, Any]) -> str:
    """Write a mapping as the views ``evidence_<table>`` write a row, byte for byte."""
    text = _encode(value)
    # DuckDB writes control characters with capitals.
    return _ESCAPED.sub(_capital, text) if "\\u00" in text else text


def digest_of(text: str) -> str:
    """Return the SHA-256 of a text in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Head:
    """The end of a chain, by which a chain that was rewritten up to there can be recognised."""

    number: int
    """Of the last link, from 0."""
    digest: str
    """The SHA-256 of its line."""


def find_head(cur: DuckDBPyConnection) -> Head | None:
    """Return the end of the chain, or None where there is none yet."""
    row = cur.execute(load_sql("chain_last")).fetchone()
    return None if row is None else Head(int(row[0]), digest_of(row[1]))


def find_begin(cur: DuckDBPyConnection) -> str | None:
    """Return since when the chain proves something, or None where there is none."""
    return fetch_value(cur, str, "chain_begin", kind=BEGIN)


def _list_joining(cur: DuckDBPyConnection) -> list[str]:
    """Return the later tables that the chain does not speak of yet."""
    joined = fetch_column(cur, "chain_joined", kind=JOINED)
    return [kind for kind in JOINED_LATER if kind not in joined]


class Chain:
    """The chain of one database file in the process that owns it."""

    def __init__(self) -> None:
        """Make the chain of a file; its end is read when it is first needed."""
        self._lock = threading.Lock()
        self._head: Head | None = None
        self._numbering = threading.Lock()
        self._numbers: dict[str, Iterator[int]] = {}

    @contextmanager
    def writing(self, cur: DuckDBPyConnection) -> Iterator[DuckDBPyConnection]:
        """Run a block in one transaction whose rows get their links before it is committed.

        What can be hashed before is: other transactions wait while links are stored and committed,
        as they do for each other's commits anyway.
        """
        noted = _Noted(cur, self)
        with rolled_back_on_error(cur):
            execute_parsed(cur, BEGIN_TRANSACTION)
            yield cast(DuckDBPyConnection, noted)
            links = noted.links()
            if not links:
                execute_parsed(cur, COMMIT)
                return
            with self._lock:
                head = self._append(cur, links)
                execute_parsed(cur, COMMIT)
                self._head = head

    def begin(self, cur: DuckDBPyConnection) -> None:
        """Start the chain of a file that has none, with a link for what is stored already.

        In a chain of an earlier version the tables that are new to it are started so.
        """
        with self._lock:
            self._head = find_head(cur)
            self._numbers.clear()
            joining = _list_joining(cur)
            if self._head is not None and not joining:
                return
            with whole(cur):
                moment = utc_now().isoformat()
                links = []
                if self._head is None:
                    links.append(_Link(BEGIN, moment, digest_of("")))
                links += [_Link(JOINED, f"{kind} {moment}", digest_of("")) for kind in joining]
                for kind in joining if self._head else (*CHAINED, PREDICTIONS):
                    links += _links_of(cur, kind, since=0)
                head = self._append(cur, links)
            self._head = head

    def _append(self, cur: DuckDBPyConnection, links: Sequence[_Link]) -> Head:
        head = self._head or find_head(cur) or Head(-1, "")
        lines = []
        for link in links:
            lines.append(link.line(head))
            head = Head(head.number + 1, digest_of(lines[-1]))
        execute_parsed(cur, load_sql("chain_link_insert"), [lines])
        return head

    def take_number(self, cur: DuckDBPyConnection, kind: str) -> int:
        """Return the next number of the sequence of a table, for a row of it."""
        with self._numbering:
            number = next(self._numbers.get(kind, iter(())), None)
            if number is None:
                # Not in the transaction of the row: undone, it would leave them to be taken again.
                rows = cur.cursor().execute(_of_table("chain_numbers", kind)).fetchall()
                numbers = self._numbers[kind] = iter([number for (number,) in rows])
                number = next(numbers)
            return number

    def drop_numbers(self, kind: str) -> None:
        """Drop numbers taken before a statement took its own: rows after it need later ones."""
        with self._numbering:
            self._numbers.pop(kind, None)


@dataclass(frozen=True)
class _Link:
    kind: str
    key: str
    digest: str

    def line(self, head: Head) -> str:
        return canonical(
            {
                "digest": self.digest,
                "key": self.key,
                "kind": self.kind,
                "number": head.number + 1,
                "previous": head.digest,
            }
        )


class _Noted:
    """A cursor that notes what is inserted into the tables of the chain."""

    def __init__(self, cur: DuckDBPyConnection, chain: Chain) -> None:
        self._cur = cur
        self._chain = chain
        self._links: list[_Link] = []
        self._written: dict[str, None] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cur, name)

    def execute(self, sql: str, parameters: Any = None) -> DuckDBPyConnection:
        form = _form(sql)
        if form is not None and form.columns:
            number = self._chain.take_number(self._cur, form.kind)
            parameters = {**parameters, form.number: number}
            execute_parsed(self._cur, sql, parameters)
            self._links.append(form.link(parameters))
            return self._cur
        execute_parsed(self._cur, sql, parameters)
        if form is not None:
            self._written[form.kind] = None
            self._chain.drop_numbers(form.kind)
        return self._cur

    def executemany(self, sql: str, parameters: Sequence[Any]) -> DuckDBPyConnection:
        for row in parameters:
            self.execute(sql, row)
        return self._cur

    def links(self) -> list[_Link]:
        """Return the links of all that was inserted."""
        found = list(self._links)
        for kind in self._written:
            known = {link.key for link in found if link.kind == kind}
            found += [
                link for link in _links_of(self._cur, kind, since=_LOCAL) if link.key not in known
            ]
        return found


_LOCAL: Final = 36_028_797_018_960_000
"""DuckDB numbers the rows that a transaction has not committed yet from here."""


def _links_of(cur: DuckDBPyConnection, kind: str, *, since: int) -> list[_Link]:
    """Return links for the rows of a table from one place on; many of them share one link."""
    if kind == PREDICTIONS:
        cur.execute(load_sql("chain_runs"), {"place": since})
        return [_Link(kind, key, digest) for key, digest in cur.fetchall()]
    cur.execute(_of_table("chain_rows", kind), {"place": since, "limit": _MOST_ALONE + 1})
    rows = cur.fetchall()
    if len(rows) <= _MOST_ALONE:
        return [_Link(kind, key, digest) for key, digest in rows]
    batch = {"batch_id": str(uuid.uuid4()), "kind": kind}
    cur.execute(_of_table("chain_member_insert", kind), {"place": since, **batch})
    (digest,) = cur.execute(load_sql("chain_member_digest"), batch).fetchone() or ("",)
    return [_Link(kind, batch["batch_id"], digest)]


@cache
def _of_table(name: str, kind: str) -> str:
    """Return a statement on the table annotation as one on another table of the chain."""
    return load_sql(name).replace("annotation", kind)


@dataclass(frozen=True)
class _Form:
    """What is known of a statement that inserts into a table of the chain."""

    kind: str
    key: str = ""
    number: str = ""
    columns: tuple[tuple[str, str], ...] = ()
    """Parameter and column; none where the row is read back."""
    fixed: tuple[tuple[str, str], ...] = ()

    def link(self, parameters: Mapping[str, Any]) -> _Link:
        """Return the link of a row made of these parameters."""
        row: dict[str, Any] = dict(self.fixed)
        for parameter, column in self.columns:
            value = parameters[parameter]
            if value is not None:
                row[column] = _written(column, value)
        return _Link(self.kind, str(row[self.key]), digest_of(canonical(row)))


@cache
def _form(sql: str) -> _Form | None:
    found = _TARGET.match(sql)
    if found is None or found[1] not in (*CHAINED, PREDICTIONS):
        return None
    for name, (key, number) in _BY_PARAMETERS.items():
        if sql == load_sql(name):
            matches = _COLUMN.findall(sql)
            columns = tuple((one, column) for one, column, _, _ in matches if one)
            fixed = tuple((column, value) for _, _, value, column in matches if value)
            return _Form(found[1], key, number, columns, fixed)
    return _Form(found[1])


def _written(column: str, value: Any) -> Any:
    """Return a value as the views write it."""
    if isinstance(value, datetime):
        return f"{value.isoformat(timespec='microseconds')}Z"
    if column in _DOUBLES:
        return f"{value:.17g}"
    return value


def _capital(found: re.Match[str]) -> str:
    return found[0] if found[0] == "\\\\" else found[0][:4] + found[0][4:].upper()
