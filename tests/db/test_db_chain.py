"""The chain over what people do: honest stores are as they were stored, altered ones are not."""

from __future__ import annotations

import random
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from db import chain, migrate
from db.chain import (
    CHAINED,
    JOINED_LATER,
    PREDICTIONS,
    Chain,
    canonical,
    find_begin,
    find_head,
)
from db.cli.main import main
from db.connection import IN_MEMORY, Database
from db.content.items import add_items
from db.errors import EvidenceError
from db.evidence.heads import keep_head
from db.evidence.verify import verify
from db.people.identity_changes import erase_person
from db.people.reviewers import add_reviewer
from db.people.sign_in import add_person
from db.people.signatures import MEANINGS, list_signatures
from db.review.adjudications import add_adjudication
from db.review.annotations import retract_annotation
from tests.support.annotations import annotate
from tests.support.records import make_item
from tests.support.stores import open_store
from tests.support.tampering import alter, store_acts

_NOT_HASHED = {
    "reviewer": {"name", "salt"},
    "reviewer_change": {"name", "email", "issuer", "salt"},
    "reviewer_identity": {"issuer", "subject", "salt"},
    "signature": {"name", "salt"},
}
"""What names a person is sealed instead, so that it can be erased."""

_NOT_CHAINED = {
    **dict.fromkeys(("chain_link", "chain_member"), "the chain itself"),
    **dict.fromkeys(("migration", "open_mark"), "the state of the file; verify compares the first"),
    **dict.fromkeys(
        ("search_item", "search_answer", "search_run", "search_posting"),
        "computed from texts; verify computes it again",
    ),
    **dict.fromkeys(
        ("answer_reading", "correctness", "correctness_fit"),
        "computed from answers and judgements, and replaced when computed again",
    ),
    **dict.fromkeys(
        ("training_state", "training_record", "snapshot_correction", "out_of_fold", "run_energy"),
        "what a run wrote, whose files and snapshot have digests",
    ),
    **dict.fromkeys(
        ("snapshot_item_version", "seen_version"), "which versions of items, chained, a run read"
    ),
    "retired_run": "the program's own tidying; nothing is judged by it",
    **dict.fromkeys(("draft", "reservation"), "of the moment: deleted, or free after half an hour"),
    "program_token_use": "a note that a token was used, of which no decision depends",
}
"""Tables that need no link, and why."""

_SHARED = duckdb.connect()


def test_an_honest_store_verifies_and_every_alteration_of_it_is_found(tmp_path: Path) -> None:
    path = tmp_path / "review.duckdb"
    database = open_store(path)
    store_acts(database, seed=7)
    database.close()
    draw = random.Random(7)  # noqa: S311 - repeatable, not secret
    with duckdb.connect(str(path)) as connection:
        honest = verify(connection)
        assert honest.breaks == ()
        assert honest.num_rows > 100
        for _ in range(12):
            done = alter(connection, draw)
            assert verify(connection, [honest.head] if honest.head else []).breaks, done
            connection.rollback()


@given(text=st.text(st.characters(codec="utf-8"), max_size=40))
def test_python_and_duckdb_write_the_same_canonical_text(text: str) -> None:
    row = {"b": [text, "x"], "a": text, "n": 3, "t": True}
    (body,) = _SHARED.execute(
        "select json_merge_patch('{}', json_object("
        "'a', $a, 'b', [$a, 'x'], 'gone', null, 'n', 3, 't', true))::varchar",
        {"a": text},
    ).fetchone() or ("",)
    assert canonical(row) == body


def test_every_column_of_a_chained_table_is_hashed_or_sealed(database: Database) -> None:
    cur = database.cursor()
    for table in CHAINED:
        columns = cur.execute(
            "select column_name from duckdb_columns() "
            "where table_name = $table and database_name = current_database()",
            {"table": table},
        ).fetchall()
        (view,) = cur.execute(
            'select "sql" from duckdb_views() where view_name = $view',
            {"view": f"evidence_{table}"},
        ).fetchone() or ("",)
        missing = {name for (name,) in columns if f"'{name}'" not in view}
        assert missing == _NOT_HASHED.get(table, set()), table


def test_every_table_is_chained_or_need_not_be(database: Database) -> None:
    rows = database.cursor().execute(
        "select table_name from duckdb_tables() where database_name = current_database()"
    )
    tables = {name for (name,) in rows.fetchall()}
    assert tables == {*CHAINED, PREDICTIONS, *_NOT_CHAINED}
    assert not _NOT_CHAINED.keys() & {*CHAINED, PREDICTIONS}


def test_transactions_that_fail_and_that_run_at_once_leave_one_chain(database: Database) -> None:
    with database.transaction() as cur:
        add_items(cur, [make_item(f"q-{n}") for n in range(15)], origin="items")
        people = [add_reviewer(cur, f"Person {n}") for n in range(4)]

    def label(name: str) -> None:
        for number in range(15):
            annotate(database, name, f"q-{number}", "yes")
            with pytest.raises(ZeroDivisionError), database.transaction() as cur:
                annotate(cur, name, f"q-{number}", "no")
                raise ZeroDivisionError

    threads = [threading.Thread(target=label, args=(one.name,)) for one in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = verify(database.cursor())
    assert found.breaks == ()
    (num_annotations,) = database.cursor().execute(
        "select count(*) from annotation"
    ).fetchone() or (0,)
    assert num_annotations == 60


def test_what_is_stored_later_has_the_higher_number(database: Database) -> None:
    with database.transaction() as cur:
        add_items(cur, [make_item("q")], origin="items")
        person = add_reviewer(cur, "Ann")
    for label in ("yes", "no"):
        annotate(database, "Ann", "q", label)
        with pytest.raises(ZeroDivisionError), database.transaction() as cur:
            annotate(cur, "Ann", "q", "maybe")
            raise ZeroDivisionError
        with database.transaction() as cur:
            retract_annotation(
                cur, annotation_id=f"undo-{label}", item_id="q", reviewer_id=person.reviewer_id
            )
    rows = database.cursor().execute(
        "select action, label from annotation order by annotation_number"
    )
    assert [label if action == "label" else action for action, label in rows.fetchall()] == [
        "yes", "retract", "no", "retract",
    ]  # fmt: skip


def test_a_store_from_before_the_chain_is_chained_and_says_since_when(tmp_path: Path) -> None:
    path = tmp_path / "old.duckdb"
    with duckdb.connect(str(path)) as old:
        for migration in migrate.shipped_migrations():
            if migration.number < 28:
                migrate.apply(old, migration)
        old.execute(
            "insert into reviewer (reviewer_id, name, role, created_at) "
            "values ('reviewer-1', 'Ann', 'admin', timestamp '2026-01-01')"
        )
    before = datetime.now(UTC)
    database = Database.open(path)
    found = verify(database.cursor())
    database.close()
    assert found.breaks == ()
    assert found.num_rows == 1
    assert before - timedelta(seconds=1) < datetime.fromisoformat(found.since) < datetime.now(UTC)


def test_tables_join_a_chain_of_before_once_and_nothing_of_it_is_rewritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "old.duckdb"
    with duckdb.connect(str(path)) as old:
        for migration in migrate.shipped_migrations():
            if migration.number < 32:
                migrate.apply(old, migration)
        old.execute(
            "insert into reviewer (reviewer_id, name, role, created_at, salt, seal) values "
            "('r', 'Ann', 'admin', timestamp '2026-01-01', 's', sealed('s', 'Ann', null, null))"
        )
        old.execute(
            "insert into imported_item select 'q' || n, 's', 'x', [], 'u', ['yes'], [], null, '', "
            "'test', '{}', 'items', 'h', timestamp '2026-01-01', false from range(40) as numbers(n)"
        )
        old.execute(
            "insert into queue values ('queue', 'Q', null, '{}', 'imported', 0, 1, 'open', "
            "'dealt', ['r'], 0, timestamp '2026-01-01', 'r', null)"
        )
        old.execute(
            "insert into queue_item select 'queue', substr(item_id, 2)::int, item_id "
            "from imported_item"
        )
        old.execute("insert into queue_share select 'queue', item_id, 'r', 1 from queue_item")
        with monkeypatch.context() as patch:
            patch.setattr(chain, "JOINED_LATER", ())
            patch.setattr(chain, "CHAINED", [one for one in CHAINED if one not in JOINED_LATER])
            Chain().begin(old)
        head = find_head(old)
    for _ in range(2):
        Database.open(path).close()
    with duckdb.connect(str(path)) as connection:
        (num_joined,) = connection.execute(
            "select count(*) from chain_link where line ->> '$.kind' = 'joined'"
        ).fetchone() or (0,)
        assert num_joined == len(JOINED_LATER)
        assert verify(connection, [head]).breaks == ()
        connection.execute("update queue_share set reviewer_id = 's' where item_id = 'q7'")
        faults = {str(one).partition(": ")[2] for one in verify(connection, [head]).breaks}
    assert "queue_share 'queue/q7/r/1': was deleted" in faults


def test_a_decision_is_signed_with_name_time_and_meaning(database: Database) -> None:
    with database.transaction() as cur:
        add_items(cur, [make_item("q-1")], origin="items")
        judge = add_person(cur, "Dr. Judge", role="adjudicator")
        add_adjudication(
            cur, adjudication_id="a-1", item_id="q-1", reviewer_id=judge.reviewer_id, label="no"
        )
    (signature,) = list_signatures(database.cursor())
    assert (signature.signed_kind, signature.signed_id) == ("adjudication", "a-1")
    assert (signature.name, signature.meaning) == ("Dr. Judge", MEANINGS["adjudicate"])


def test_verify_names_the_first_break_and_a_head_shows_a_rewritten_chain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLAMACARE_HOME", str(tmp_path))
    path = tmp_path / "review.duckdb"
    database = open_store(path)
    with database.transaction() as cur:
        add_items(cur, [make_item("q-1")], origin="items")
    for name in ("Ann", "Bo"):
        annotate(database, name, "q-1", "yes", annotation_id=f"by-{name}")
    database.close()
    head = CliRunner().invoke(main, ["verify", "--head"]).output.strip()
    assert CliRunner().invoke(main, ["verify", "--against", head]).exit_code == 0

    with duckdb.connect(str(path)) as connection:
        connection.execute("update annotation set label = 'no' where annotation_id = 'by-Ann'")
    result = CliRunner().invoke(main, ["verify"])
    assert result.exit_code == 1
    assert "annotation 'by-Ann': was changed after it was stored" in result.stderr

    with duckdb.connect(str(path)) as connection:
        connection.execute("delete from chain_link")
        connection.execute("delete from chain_member")
    Database.open(path).close()  # begins a new chain over what is there
    assert CliRunner().invoke(main, ["verify"]).exit_code == 0
    result = CliRunner().invoke(main, ["verify", "--against", head])
    assert result.exit_code == 1
    assert "links were" in result.stderr
    new = CliRunner().invoke(main, ["verify", "--head"]).output
    (tmp_path / "heads.txt").write_text(f"2026-05-01T00:00:00+00:00 {head}\nx {new}")
    monkeypatch.setenv("LLAMACARE_HEADS", str(tmp_path / "heads.txt"))
    result = CliRunner().invoke(main, ["verify", "--against", new])
    assert result.exit_code == 1
    assert "links were" in result.stderr


def test_a_changed_row_with_a_link_of_its_own_is_found(database: Database) -> None:
    with database.transaction() as cur:
        add_items(cur, [make_item("q-1")], origin="items")
    annotate(database, "Ann", "q-1", "yes", annotation_id="a-1")
    head = find_head(database.cursor())
    assert head is not None
    cur = database.cursor()
    cur.execute("update annotation set note = 'forged' where annotation_id = 'a-1'")
    (digest,) = cur.execute("select sha256(body) from evidence_annotation").fetchone() or ("",)
    link = {"digest": digest, "key": "a-1", "kind": "annotation", "number": head.number + 1}
    line = canonical({**link, "previous": head.digest})
    cur.execute("insert into chain_link values (?)", [line])
    (found,) = verify(cur, [head]).breaks
    assert (found.number, found.key) == (head.number + 1, "a-1")
    assert "later link" in found.fault


def test_nobody_can_be_named_in_the_place_of_an_erased_person(database: Database) -> None:
    with database.transaction() as cur:
        add_person(cur, "Chief", role="admin")
        ann = add_person(cur, "Ann", role="adjudicator").reviewer_id
        erase_person(cur, ann)
    cur = database.cursor()
    assert verify(cur).breaks == ()
    for change in (
        "update reviewer set name = 'Bo' where origin = 'person' and name like 'Erased%'",
        "update reviewer_change set name = 'Bo' where kind = 'erase'",
        "update reviewer_change set email = 'bo@example.org' where name is null and salt is null",
    ):
        cur.begin()
        cur.execute(change)
        assert verify(cur).breaks, change
        cur.rollback()


@pytest.mark.parametrize("line", ["{}", "no JSON"])
@pytest.mark.parametrize("end", ["min", "max"])
def test_an_altered_end_of_the_chain_is_named_and_the_file_can_be_opened(
    tmp_path: Path, line: str, end: str
) -> None:
    path = tmp_path / "review.duckdb"
    database = open_store(path)
    with database.transaction() as cur:
        add_items(cur, [make_item("q-1")], origin="items")
    database.close()
    with duckdb.connect(str(path)) as connection:
        ((number,),) = connection.execute(f"select {end}(rowid) from chain_link").fetchall()
        connection.execute("update chain_link set line = ? where rowid = ?", [line, number])
    database = Database.open(path)
    cur = database.cursor()
    found = verify(cur)
    assert found.breaks[0].number == number
    assert find_begin(cur) == (found.since or None)
    database.close()


def test_a_head_is_kept_elsewhere_once_an_hour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database.open(IN_MEMORY)
    heads = tmp_path / "heads.txt"
    monkeypatch.setenv("LLAMACARE_HEADS", str(heads))
    now = datetime(2026, 5, 1, tzinfo=UTC)
    assert keep_head(database.cursor(), now)
    with database.transaction() as cur:
        add_reviewer(cur, "Ann")
    assert not keep_head(database.cursor(), now + timedelta(minutes=59))
    assert keep_head(database.cursor(), now + timedelta(minutes=60))
    head = find_head(database.cursor())
    assert head is not None
    assert heads.read_text().splitlines()[-1].split()[1:] == [str(head.number), head.digest]
    monkeypatch.setenv("LLAMACARE_HEADS", str(tmp_path))
    with pytest.raises(EvidenceError, match="Name a text file"):
        keep_head(database.cursor(), now)
