"""What is stored again, and what becomes of someone who has it stored again in the file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner
from duckdb import DuckDBPyConnection

from db import chain, migrate
from db.chain import CHAINED, JOINED_LATER, Chain, Head, canonical, find_head
from db.cli.main import main
from db.connection import Database
from db.content.items import PROVISIONAL_ORIGIN, add_items
from db.content.predictions import add_predictions
from db.content.runs import add_run
from db.evidence.verify import verify
from db.evidence.verify_pack import Broken, expected_digests
from db.people.sign_in import add_person
from db.review.draws import QueueDesign
from db.review.item_list import ReviewFilter
from db.review.queues import QueueSettings, add_queue, extend_queue
from db.statements import load_sql
from tests.support.records import make_item, make_prediction, make_run

WHOLE = make_item("q-1", question="Does it help, and whom?")
BARE = replace(WHOLE, question="Does it?", context=())
"""The same item, as a file of answers has it."""


def store_again(database: Database) -> None:
    """Store what was once stored again: a completed item, a queue with more places, a run."""
    with database.transaction() as cur:
        chief = add_person(cur, "Chief", role="admin").reviewer_id
        add_items(cur, [make_item(f"r-{n}") for n in range(8)], origin="items")
        add_items(cur, [BARE], origin=PROVISIONAL_ORIGIN)
        add_run(cur, make_run())
        add_predictions(cur, [make_prediction("q-1"), make_prediction("r-1")])
        drawn = QueueSettings(
            "Drawn", ReviewFilter(), order="random", design=QueueDesign(num_items=2)
        )
        queue = add_queue(cur, drawn, queue_id="drawn", created_by=chief)
    with database.transaction() as cur:
        assert extend_queue(cur, queue, chief, 3) == 3
    with database.transaction() as cur:
        assert add_items(cur, [WHOLE], origin="items").enriched == 1


def link(cur: DuckDBPyConnection, kind: str, key: str, digest: str) -> None:
    """Append a link that fits, as someone with the file could."""
    head = find_head(cur) or Head(-1, "")
    line = canonical(
        {
            "digest": digest,
            "key": key,
            "kind": kind,
            "number": head.number + 1,
            "previous": head.digest,
        }
    )
    cur.execute("insert into chain_link values (?)", [line])


def link_row(cur: DuckDBPyConnection, kind: str, key: str) -> None:
    """Append a link for what a row is now."""
    if kind == "stored_prediction":
        digests = dict(cur.execute(load_sql("chain_runs"), {"place": 0}).fetchall())
    else:
        digests = dict(cur.execute(f"select row_key, sha256(body) from evidence_{kind}").fetchall())
    link(cur, kind, key, digests[key])


ALTERATIONS = {
    "an item": ("imported_item", "r-1", "long_answer = 'No.' where item_id = 'r-1'"),
    "a completed item": ("imported_item", "q-1", "question = 'Is it?' where item_id = 'q-1'"),
    "a draw": ("queue_draw", "drawn/r-1", "draw_threshold = 1 where item_id = 'r-1'"),
    "a run": ("stored_prediction", "run-1", "answer = 'No.' where item_id = 'q-1'"),
}


def test_what_an_item_was_before_an_import_completed_it_is_kept_and_proved(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_again(database)
    found = verify(database.cursor())
    assert found.breaks == ()
    assert (found.num_again, found.num_completed) == (0, 1)
    rows = database.cursor().execute("select item_id, body from replaced_item").fetchall()
    assert [(item_id, json.loads(body)["question"]) for item_id, body in rows] == [
        ("q-1", "Does it?")
    ]
    database.close()
    monkeypatch.setenv("LLAMACARE_HOME", str(tmp_path))
    result = CliRunner().invoke(main, ["verify"])
    assert result.exit_code == 0
    assert "1 items were completed by a later import" in result.output
    assert "stored again" not in result.output


@pytest.mark.parametrize("what", ALTERATIONS)
def test_a_row_that_is_altered_and_linked_again_is_found(database: Database, what: str) -> None:
    store_again(database)
    kind, key, change = ALTERATIONS[what]
    cur = database.cursor()
    cur.execute(f"update {kind} set {change}")
    link_row(cur, kind, key)
    last = find_head(cur)
    assert last is not None
    again = [one for one in verify(cur).breaks if "later link" in one.fault]
    assert [(one.number, one.kind, one.key) for one in again] == [(last.number, kind, key)]


def keep_what_it_is(cur: DuckDBPyConnection, item_id: str) -> None:
    """Keep what an item is as an import would that completes it, with a link that fits."""
    cur.execute(
        load_sql("replaced_item_insert"), {"item_ids": [item_id], "replaced_at": "2026-05-01"}
    )
    (key,) = cur.execute("select row_key from evidence_replaced_item").fetchone() or ("",)
    link_row(cur, "replaced_item", key)


@pytest.mark.parametrize(
    ("origin", "change", "is_found"),
    [
        ("items", "question = 'Is it?'", True),  # it was no item that an import may complete
        (PROVISIONAL_ORIGIN, "gold_label = 'no'", True),
        (PROVISIONAL_ORIGIN, "labels = ['no', 'yes', 'maybe']", True),
        (PROVISIONAL_ORIGIN, "long_answer = 'Really.'", False),  # what an import could do
    ],
)
def test_only_what_an_import_may_complete_can_be_stored_again_with_what_it_was(
    database: Database, origin: str, change: str, is_found: bool
) -> None:
    with database.transaction() as cur:
        add_items(cur, [make_item("q-1", gold_label="yes")], origin=origin)
    cur = database.cursor()
    keep_what_it_is(cur, "q-1")
    cur.execute(f"update imported_item set {change}, origin = 'items'")
    link_row(cur, "imported_item", "q-1")
    assert bool(verify(cur).breaks) == is_found


def test_what_was_stored_again_before_is_counted_and_later_it_is_an_alteration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "review.duckdb"
    with duckdb.connect(str(path)) as old:
        for migration in migrate.shipped_migrations():
            if migration.number < 33:
                migrate.apply(old, migration)
        old.execute(
            "insert into imported_item select 'q' || n, 's', 'x', [], 'u', ['yes'], [], null, '', "
            "'test', '{}', 'items', 'h', timestamp '2026-01-01', false from range(3) as numbers(n)"
        )
        with monkeypatch.context() as patch:
            before = [one for one in JOINED_LATER if one != "replaced_item"]
            patch.setattr(chain, "JOINED_LATER", before)
            patch.setattr(chain, "CHAINED", [one for one in CHAINED if one != "replaced_item"])
            Chain().begin(old)
        old.execute("update imported_item set long_answer = 'It does.' where item_id = 'q1'")
        link_row(old.cursor(), "imported_item", "q1")
    Database.open(path).close()
    monkeypatch.setenv("LLAMACARE_HOME", str(tmp_path))
    result = CliRunner().invoke(main, ["verify"])
    assert result.exit_code == 0, result.output
    assert "1 items, runs and probabilities of draws were stored again before 20" in result.output
    with duckdb.connect(str(path)) as connection:
        connection.execute("update imported_item set long_answer = 'Not.' where item_id = 'q1'")
        link_row(connection.cursor(), "imported_item", "q1")
        (found,) = verify(connection).breaks
    assert (found.kind, found.key) == ("imported_item", "q1")


@pytest.mark.parametrize(
    ("kind", "is_before", "kept", "is_broken"),
    [
        ("imported_item", True, None, False),
        ("stored_prediction", True, None, False),
        ("annotation", True, None, True),
        ("imported_item", False, None, True),
        ("imported_item", False, "a/1", False),
        ("imported_item", False, "a/2", True),
        ("stored_prediction", False, "a/1", True),
        ("queue_draw", False, "a/1", True),
    ],
)
def test_a_pack_with_a_row_linked_again_is_broken_where_the_store_is(
    tmp_path: Path, kind: str, is_before: bool, kept: str | None, is_broken: bool
) -> None:
    members = tmp_path / "members.jsonl"
    members.write_text("")
    joined = {"kind": "joined", "key": "replaced_item 2026-11-30", "digest": "0"}
    links = [{"kind": kind, "key": "a", "digest": digest} for digest in "12"]
    links.insert(2 if is_before else 0, joined)
    if kept is not None:
        links.append({"kind": "replaced_item", "key": kept, "digest": "3"})
    numbered = [{**one, "number": number} for number, one in enumerate(links)]
    if not is_broken:
        assert expected_digests(numbered, members)[kind, "a"] == "2"
        return
    with pytest.raises(Broken, match="later link"):
        expected_digests(numbered, members)
