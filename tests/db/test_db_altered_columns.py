"""Every column of what the chain proves is altered in the file, and `verify` finds each change."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise, zip_longest
from typing import Any, Final

from duckdb import DuckDBPyConnection

from db.chain import CHAINED, PREDICTIONS
from db.connection import Database
from db.content.items import add_items
from db.evidence.verify import verify
from db.people.identity_changes import erase_person
from db.people.sign_in import Identity, add_person, sign_in_by_identity
from db.review.adjudications import add_adjudication
from tests.support.records import make_item

UNPROVEN: Final[dict[str, set[str]]] = {}
"""Columns, by table, that may be altered without notice, each with the reason: there is none."""

_SEALED: Final = {
    "reviewer": ("name",),
    "reviewer_change": ("name", "email", "issuer"),
    "reviewer_identity": ("issuer", "subject"),
    "signature": ("name",),
}
"""Columns that name a person; of them and ``salt`` the column ``seal`` has the digest."""

_MOMENT: Final = datetime(2026, 5, 1, 12, 30, 15, 123456)
_VALUES: Final[dict[str, tuple[Any, ...]]] = {
    "VARCHAR": ("", " ", "a", "A", "\u00e9", "e\u0301", "null", "1", "01"),
    "BOOLEAN": (False, True),
    "INTEGER": (0, 1, -1, 2**31 - 1),
    "BIGINT": (0, 1, -1, 2**53, 2**53 + 1),
    "DOUBLE": (0.0, 0.1, math.nextafter(0.1, 1), 1e300),
    "TIMESTAMP": (_MOMENT, _MOMENT + timedelta(microseconds=1), _MOMENT + timedelta(days=36_525)),
    "VARCHAR[]": ([], [""], [None], ["a", "b"], ["b", "a"], ["a,b"], ['a","b']),
    "DOUBLE[]": ([], [None], [0.1], [math.nextafter(0.1, 1)], [0.1, 0.2], [0.2, 0.1]),
}
"""Values of each type, next to those that look like them."""


@dataclass(frozen=True)
class _Column:
    name: str
    type: str
    is_nullable: bool
    is_unique: bool


@dataclass(frozen=True)
class _Alteration:
    """What one column of a row is, and what it becomes in the file."""

    column: str
    before: Any
    after: Any


def test_every_altered_value_of_every_column_is_found(database: Database) -> None:
    """Each row is made for one alteration, so all are made at once and checked together."""
    made = []
    cur = database.cursor()
    for table in (*CHAINED, PREDICTIONS):
        columns = _columns_of(cur, table)
        alterations = [one for column in columns for one in _alterations_of(table, column)]
        assert {one.column for one in alterations} == {one.name for one in columns}
        rows = [_row_of(table, columns, n, one) for n, one in enumerate(alterations)]
        keys = _insert(database, table, columns, rows)
        made.append((table, columns, list(zip(alterations, rows, keys, strict=True))))
    before = set(verify(cur).breaks)  # of references, as the rows refer to nothing
    for table, columns, changes in made:
        for one, _, (place, _) in changes:
            (kind,) = (column.type for column in columns if column.name == one.column)
            cur.execute(
                f'update {table} set "{one.column}" = $value::{kind} where rowid = $place',
                {"value": one.after, "place": place},
            )
    found = {(one.kind, one.key) for one in set(verify(cur).breaks) - before}
    missed = [
        f"{table}.{one.column}: {one.before!r} to {one.after!r}"
        for table, _, changes in made
        for one, row, (_, key) in changes
        if not {(table, key), (table, row.get("reviewer_id"))} & found
        and one.column not in UNPROVEN.get(table, ())
    ]
    assert not missed, "\n".join(missed)


def test_every_deleted_and_every_copied_row_is_found(database: Database) -> None:
    cur = database.cursor()
    stored = {}
    for table in (*CHAINED, PREDICTIONS):
        columns = _columns_of(cur, table)
        rows = [_row_of(table, columns, n) for n in range(3)]
        stored[table] = columns, _insert(database, table, columns, rows)
    honest = set(verify(cur).breaks)
    for table, (columns, places) in stored.items():
        gone, copied, doubled = (place for place, _ in places)
        cur.execute(f"delete from {table} where rowid = {gone}")
        keys = [one for one in columns if one.is_unique] or columns[:1]
        changed = ", ".join(
            f'"{one.name}" || \'x\' as "{one.name}"'
            if one.type == "VARCHAR"
            else f'"{one.name}" + 1000 as "{one.name}"'
            for one in keys
        )
        select = f"select * replace ({changed}) from {table} where rowid = {copied}"
        cur.execute(f"insert into {table} {select}")
        if not any(one.is_unique for one in columns):
            cur.execute(f"insert into {table} select * from {table} where rowid = {doubled}")
    found = {(one.kind, one.key, one.fault) for one in set(verify(cur).breaks) - honest}
    for table, (columns, places) in stored.items():
        first, second, third = (key for _, key in places)
        assert (table, first, "was deleted") in found
        if not any(one.is_unique for one in columns):
            assert (table, third, "is stored twice") in found
        if table == "reviewer_identity":  # its key is the seal
            assert (table, second, "is stored twice") in found
        else:
            added = "was added without a link"
            assert any((kind, fault) == (table, added) for kind, _, fault in found)


def test_no_column_of_an_erased_person_can_be_filled_again(database: Database) -> None:
    with database.transaction() as cur:
        add_items(cur, [make_item("q-1")], origin="items")
        chief = add_person(cur, "Chief", role="admin").reviewer_id
        sign_in = Identity("https://sign.example", "subject-1", "Ann", "ann@example.org", True)
        issuer = sign_in.issuer
        ann = add_person(
            cur, "Ann", role="adjudicator", email=sign_in.email, issuer=issuer, by=chief
        ).reviewer_id
        sign_in_by_identity(cur, sign_in)
        add_adjudication(cur, adjudication_id="a-1", item_id="q-1", reviewer_id=ann, label="no")
        erase_person(cur, ann)
    cur = database.cursor()
    assert verify(cur).breaks == ()
    columns = {table: [*sealed, "salt"] for table, sealed in _SEALED.items()}
    changes = [("reviewer_change", column) for column in columns.pop("reviewer_change")]
    rounds = [[(table, name) for name in names] for table, names in columns.items()]
    for value in ("", "Bo"):
        # One column of each table; the name of the erasure, which others are compared with, alone.
        for altered in (*zip_longest(*rounds), *zip(changes)):
            cur.begin()
            kinds = {
                table
                for table, column in filter(None, altered)
                if cur.execute(
                    f"update {table} set {column} = $value where reviewer_id = $ann "
                    f"and {column} is distinct from $value returning 1",
                    {"value": value, "ann": ann},
                ).fetchall()
            }
            assert kinds
            assert {one.kind for one in verify(cur).breaks} >= kinds, (altered, value)
            cur.rollback()
    cur.execute(
        "update reviewer_identity set issuer = subject[:3], subject = subject[4:] "
        "where reviewer_id = ?",
        [ann],
    )
    assert [one.kind for one in verify(cur).breaks] == ["reviewer_identity"]


def _columns_of(cur: DuckDBPyConnection, table: str) -> list[_Column]:
    constraints = cur.execute(
        "select unnest(constraint_column_names) from duckdb_constraints() "
        "where table_name = $table and database_name = current_database() "
        "and constraint_type in ('PRIMARY KEY', 'UNIQUE')",
        {"table": table},
    ).fetchall()
    unique = {name for (name,) in constraints}
    columns = cur.execute(
        "select column_name, data_type, is_nullable from duckdb_columns() "
        "where table_name = $table and database_name = current_database() order by column_index",
        {"table": table},
    ).fetchall()
    return [_Column(name, kind, is_nullable, name in unique) for name, kind, is_nullable in columns]


def _alterations_of(table: str, column: _Column) -> Iterator[_Alteration]:
    """Return ways from one value of the column's type to another, with null where it may be."""
    if table in _SEALED and column.name in (*_SEALED[table], "salt", "seal"):
        # Seals are computed. Salts and names are missing of the erased alone: the third test.
        whole = _default(column, 0)
        yield from (_Alteration(column.name, whole, after) for after in ("", f"{whole}x"))
        if column.is_nullable:
            yield _Alteration(column.name, whole, None)
            if column.name not in ("salt", "seal") and table != "signature":
                yield from (_Alteration(column.name, None, after) for after in ("", "x"))
        return
    if column.is_unique:
        yield _Alteration(column.name, _default(column, 10**6), _default(column, 10**6 + 1))
        return
    values = _values_of(column.type)
    yield from (_Alteration(column.name, one, two) for one, two in pairwise(values))
    if column.is_nullable:
        yield _Alteration(column.name, values[-1], None)
        yield from (_Alteration(column.name, None, value) for value in values[:2])


def _values_of(kind: str) -> Sequence[Any]:
    if not kind.startswith("STRUCT"):
        return _VALUES[kind]
    fields = {
        name.strip('"'): _VALUES[field]
        for name, field in re.findall(r'("?\w+"?) (VARCHAR(?:\[\])?)', kind)
    }
    whole = {name: values[2] for name, values in fields.items()}
    parts = [{**whole, name: value} for name, values in fields.items() for value in (*values, None)]
    return [[], [None], [whole, whole], *([part] for part in parts if part != whole), [whole]]


def _default(column: _Column, number: int) -> Any:
    """Return a value that no other row has, where the type has enough of them."""
    match column.type:
        case "VARCHAR":
            return f"{column.name}-{number}"
        case "INTEGER" | "BIGINT":
            return 10 * number
        case "TIMESTAMP":
            return _MOMENT
        case "DOUBLE":
            return 0.5
        case "BOOLEAN":
            return True
        case _:
            return []


def _row_of(
    table: str, columns: Sequence[_Column], number: int, altered: _Alteration | None = None
) -> dict[str, Any]:
    row = {column.name: _default(column, number) for column in columns}
    if altered is not None and altered.column != "seal":
        unique = {column.name for column in columns if column.is_unique}
        if altered.column not in unique:
            row[altered.column] = altered.before
    if table in _SEALED:
        texts = [row[name] or "" for name in _SEALED[table]]
        texts += [""] * (3 - len(texts))
        row["seal"] = hashlib.sha256("\x1f".join([row["salt"], *texts]).encode()).hexdigest()
    return row


def _insert(
    database: Database, table: str, columns: Sequence[_Column], rows: Sequence[Mapping[str, Any]]
) -> list[tuple[int, str]]:
    """Store rows as the product does, and return the place and key of each."""
    one = ", ".join(f"?::{column.type}" for column in columns)
    names = ", ".join(f'"{column.name}"' for column in columns)
    with database.transaction() as cur:
        cur.execute(
            f"insert into {table} ({names}) values {', '.join([f'({one})'] * len(rows))}",
            [row[column.name] for row in rows for column in columns],
        )
    keys = "run_id as row_key, rowid as place" if table == PREDICTIONS else "row_key, place"
    source = PREDICTIONS if table == PREDICTIONS else f"evidence_{table}"
    found = database.cursor().execute(
        f"select place, row_key from (select {keys} from {source}) order by place desc limit ?",
        [len(rows)],
    )
    return [(int(place), str(key)) for place, key in reversed(found.fetchall())]
