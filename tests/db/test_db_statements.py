"""Every SQL file fits the migrated schema, and the migrations behave."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

import db
from db import migrate
from db.arrow_tables import SCHEMAS
from db.connection import Database
from db.errors import MigrationError
from db.exporters import export_file
from db.review.agreement import RatingFilter, count_patterns, count_repeats
from db.review.annotations import get_gold, list_annotations
from db.review.drafts import find_draft
from db.statements import load_sql
from db.viewer import EVERYTHING
from tests.support.stores import open_store


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Yield an empty store to which no test writes."""
    opened = open_store(tmp_path_factory.mktemp("untouched") / "review.duckdb")
    yield opened
    opened.close()


STATEMENTS = sorted(path.stem for path in (Path(db.__file__).parent / "sql").glob("*.sql"))


@pytest.mark.parametrize("name", STATEMENTS)
def test_every_statement_prepares_on_a_fresh_database(untouched: Database, name: str) -> None:
    cur = untouched.cursor()
    for table, schema in SCHEMAS.items():
        cur.register(table, schema.empty_table())
    tables = ("verify_links", "verify_contents", "verify_expected")
    if name.startswith("verify_"):  # they read what the first three of them make
        for first in tables:
            cur.execute(load_sql(first))
    if name not in tables:
        cur.execute(f"prepare checked as {load_sql(name)}")


def named_statements() -> Iterator[str]:
    """Yield a pattern for each name of a statement that the code of ``db`` holds or makes up."""
    for path in Path(db.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield re.escape(node.value)
            is_call = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
            if is_call and node.func.id == "load_sql" and isinstance(node.args[0], ast.JoinedStr):
                yield "".join(
                    re.escape(part.value) if isinstance(part, ast.Constant) else r"\w+"
                    for part in node.args[0].values
                )


def test_every_statement_is_used() -> None:
    used = re.compile("|".join(set(named_statements())))
    assert [name for name in STATEMENTS if not used.fullmatch(name)] == []


def test_incoming_tables_have_the_columns_of_the_tables_they_fill(database: Database) -> None:
    cur = database.cursor()
    filled = {
        "incoming_reading": "answer_reading",
        "incoming_label": "annotation",
        "incoming_target": "annotation",
    }
    for table, schema in SCHEMAS.items():
        if table == "incoming_place":
            continue  # fills no table: it is compared with items
        stored = filled.get(table, table.removeprefix("incoming_"))
        columns = {row[0] for row in cur.execute(f"describe {stored}").fetchall()}
        assert set(schema.names) <= columns, table


def test_opening_again_applies_nothing(tmp_path: Path) -> None:
    path = tmp_path / "review.duckdb"
    Database.open(path).close()
    again = Database.open(path)
    assert migrate.pending(again.cursor()) == []
    again.close()
    assert list(tmp_path.glob("*.before-*")) == []


def test_a_failed_migration_leaves_no_trace_and_stays_pending(database: Database) -> None:
    cur = database.cursor()
    bad = migrate.Migration(
        9009, "9009_bad", "create table half (a int); insert into nowhere select 1;"
    )
    with pytest.raises(MigrationError, match="9009_bad"):
        migrate.apply(cur, bad)
    assert cur.execute("select 1 from duckdb_tables() where table_name = 'half'").fetchall() == []
    assert migrate.pending(cur, (*migrate.shipped_migrations(), bad)) == [bad]


def test_an_edited_migration_is_refused(database: Database) -> None:
    first, *rest = migrate.shipped_migrations()
    edited = migrate.Migration(first.number, first.name, first.sql + "-- later thought")
    with pytest.raises(MigrationError, match="edited after it was applied"):
        migrate.pending(database.cursor(), (edited, *rest))


def test_a_database_of_a_newer_version_is_refused(database: Database) -> None:
    cur = database.cursor()
    migrate.apply(cur, migrate.Migration(9000, "9000_future", "create table future (a int)"))
    with pytest.raises(MigrationError, match="9000_future"):
        migrate.pending(cur)


def test_a_pending_migration_copies_the_file_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "review.duckdb"
    opened = Database.open(path)
    opened.cursor().execute(
        "insert into reviewer by name select 'r' as reviewer_id, 'Ann' as name, "
        "'reviewer' as role, now()::timestamp as created_at"
    )
    opened.close()
    later = migrate.Migration(9000, "9000_later", "alter table reviewer add column email varchar")
    shipped = migrate.shipped_migrations()
    monkeypatch.setattr(migrate, "shipped_migrations", lambda: (*shipped, later))
    Database.open(path).close()
    with duckdb.connect(str(tmp_path / "review.duckdb.before-9000")) as copy:
        assert copy.execute("select reviewer_id, name, role from reviewer").fetchall() == [
            ("r", "Ann", "reviewer")
        ]
    with duckdb.connect(str(path)) as migrated:
        assert migrated.execute("select email from reviewer").fetchall() == [(None,)]


_BEFORE_OPEN_PHASE = """
insert into reviewer by name
select unnest(['ann', 'bob']) as reviewer_id, upper(reviewer_id) as name, 'reviewer' as role,
    now()::timestamp as created_at, 'person' as origin;
insert into item by name
select 'q-1' as item_id, 'pubmedqa' as source, 'Does it?' as question, [] as context,
    'pubmedqa' as label_set, ['yes', 'no', 'maybe'] as labels, [] as options, 'yes' as gold_label,
    '' as long_answer, 'test' as split, '{}' as metadata, 'items' as origin, 'x' as content_hash,
    now()::timestamp as created_at;
insert into annotation by name
select *, [label] as labels, 'q-1' as item_id, now()::timestamp as created_at,
    'label' as action, 'review' as origin, '' as note
from (
    values
        ('a', 'ann', 'no', 'single', 'first'),
        ('b', 'ann', 'maybe', 'single', 'repeat'),
        ('c', 'bob', 'yes', 'blind', 'first'),
        ('d', 'bob', 'maybe', 'revealed', 'first')
) as labelled (annotation_id, reviewer_id, label, phase, showing);
insert into draft by name
select 'q-1' as item_id, 'ann' as reviewer_id, 'single' as phase, '{"note": "begun"}' as body,
    now()::timestamp as created_at;
insert into review_event by name
select unnest(['open', 'reveal']) as action, 'bob' as reviewer_id, 'q-1' as item_id,
    unnest(['single', 'revealed']) as phase, now()::timestamp as created_at;
"""


def test_a_database_of_the_version_before_gets_the_words_of_this_one(tmp_path: Path) -> None:
    path = tmp_path / "review.duckdb"
    with duckdb.connect(str(path)) as before:
        for migration in migrate.shipped_migrations()[:14]:
            migrate.apply(before, migration)
        before.execute(_BEFORE_OPEN_PHASE)

    database = Database.open(path)
    cur = database.cursor()
    history = list_annotations(cur, "q-1", EVERYTHING)
    assert [(one.encounter.phase, one.encounter.presentation) for one in history] == [
        ("open", "first"), ("open", "repeat"), ("blind", "first"), ("revealed", "first"),
    ]  # fmt: skip
    assert get_gold(cur, "q-1", EVERYTHING).label == "maybe"
    for view in ("standing_annotation", "phase_annotation", "rating", "final_rating"):
        rows = cur.execute(f"select annotation_id from {view} order by annotation_id").fetchall()
        assert (
            rows
            == {
                "standing_annotation": [("b",), ("d",)],
                "phase_annotation": [("b",), ("c",), ("d",)],
                "rating": [("a",), ("c",), ("d",)],
                "final_rating": [("a",), ("d",)],
            }[view]
        )
    (pattern,) = count_patterns(cur, RatingFilter(EVERYTHING, "pubmedqa"), "open")
    assert pattern.answers == (("no",),)
    (repeat,) = count_repeats(cur, RatingFilter(EVERYTHING, "pubmedqa"), "open")
    assert (repeat.first, repeat.repeat) == (("no",), ("maybe",))
    assert find_draft(cur, "q-1", "ann", "open") == {"note": "begun"}
    phases = "select phase from review_event where item_id = 'q-1' order by event_number"
    assert cur.execute(phases).fetchall() == [("open",), ("revealed",)]

    export_file(cur, "annotations", "jsonl", tmp_path / "annotations.jsonl", EVERYTHING)
    lines = (tmp_path / "annotations.jsonl").read_text(encoding="utf-8").splitlines()
    exported = [json.loads(line) for line in lines]
    assert [(row["phase"], row["presentation"]) for row in exported] == [
        (one.encounter.phase, one.encounter.presentation) for one in history
    ]
    database.close()
    with duckdb.connect(f"{path}.before-0015") as copy:
        kept = copy.execute("select phase, showing from annotation where annotation_id = 'b'")
        assert kept.fetchall() == [("single", "repeat")]
