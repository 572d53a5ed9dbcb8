"""What a search by words finds, and that the index follows what is written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db import search
from db.connection import IN_MEMORY, Database
from db.content.items import PROVISIONAL_ORIGIN, add_items
from db.content.predictions import add_predictions
from db.content.runs import add_run
from db.errors import SaveError
from db.people.sign_in import add_person
from db.records import Option, Section
from db.review.adjudications import add_adjudication
from db.review.item_list import ReviewFilter, item_id_array, list_item_ids
from db.statements import load_sql
from db.viewer import EVERYTHING
from tests.support.annotations import annotate
from tests.support.records import make_item, make_prediction, make_run


def found(database: Database, text: str, run_id: str | None = None) -> list[str]:
    flt = ReviewFilter(search=text, run_id=run_id)
    ids = list_item_ids(database.cursor(), flt, EVERYTHING)
    assert item_id_array(database.cursor(), flt, EVERYTHING).to_pylist() == ids
    return ids


@pytest.fixture
def filled(database: Database) -> Database:
    with database.transaction() as cur:
        add_items(
            cur,
            [
                make_item(
                    "q-1",
                    question="Does β-blockade help in Ménière's disease?",
                    context=(Section("RESULTS", "Vertigo ceased."),),
                ),
                make_item(
                    "q-2", question="Is COX-2 inhibition safe?", context=(Section("", "HbA1c"),)
                ),
                make_item(
                    "v-1",
                    label_set="options",
                    labels=("A", "B"),
                    options=(Option("A", "Labetalol"), Option("B", "Diltiazem")),
                    gold_label="A",
                    question="Which drug?",
                    context=(),
                ),
            ],
            origin="items",
        )
        for run_id in ("run-1", "run-2"):
            add_run(cur, make_run(run_id))
        add_predictions(
            cur,
            [
                make_prediction("q-1", answer="Yes: betahistine eases the vertigo."),
                make_prediction("q-1", run_id="run-2", answer="No."),
                make_prediction("q-2", run_id="run-2", answer=None, answer_label="no"),
            ],
        )
    return database


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("meniere", ["q-1"]),
        ("MÉNIÈRE'S Disease", ["q-1"]),
        ("β blockade", ["q-1"]),
        ("cox-2", ["q-2"]),
        ("hba1c safe", ["q-2"]),
        ("inhibit", ["q-2"]),
        ("results", ["q-1"]),
        ("diltiazem", ["v-1"]),
        ("q 1", ["q-1"]),
        ("vertigo safe", []),
        ("nhibition", []),
        ("co", []),
        ("?!", []),
        ("  ", ["q-1", "q-2", "v-1"]),
    ],
)
def test_every_word_must_occur_and_a_long_one_may_go_on(
    filled: Database, text: str, ids: list[str]
) -> None:
    assert found(filled, text) == ids


def test_answers_are_those_of_the_run_that_is_looked_at(filled: Database) -> None:
    assert found(filled, "betahistine", "run-1") == ["q-1"]
    assert found(filled, "betahistine vertigo ceased", "run-1") == ["q-1"]
    assert found(filled, "betahistine", "run-2") == []
    assert found(filled, "betahistine") == []


def test_notes_of_reviewers_and_decisions_are_searched(filled: Database) -> None:
    with filled.transaction() as cur:
        chief = add_person(cur, "Chief", role="admin").reviewer_id
        annotate(cur, "Chief", "q-2", "no", note="Rofécoxib was withdrawn")
        add_adjudication(
            cur, adjudication_id="d", item_id="v-1", reviewer_id=chief, label="B", note="Asthma!"
        )
    assert found(filled, "rofecoxib") == ["q-2"]
    assert found(filled, "asthma") == ["v-1"]
    assert found(filled, "drawn") == []
    assert found(filled, "withdraw cox") == ["q-2"]


def test_an_item_that_is_completed_is_found_by_its_new_words_only(database: Database) -> None:
    bare = make_item("q-1", context=(), question="Provisional wording?")
    with database.transaction() as cur:
        add_items(cur, [bare], origin=PROVISIONAL_ORIGIN)
        add_run(cur, make_run("run-1"))
        add_predictions(cur, [make_prediction("q-1", answer="Unchanged answer.")])
        add_items(
            cur, [replace(bare, question="Final wording?", source="other")], origin="pubmedqa"
        )
    assert found(database, "final wording") == ["q-1"]
    assert found(database, "provisional") == []
    assert found(database, "unchanged", "run-1") == ["q-1"]


def test_what_was_rolled_back_is_not_found(database: Database) -> None:
    with pytest.raises(KeyError), database.transaction() as cur:
        add_items(cur, [make_item("q-1")], origin="items")
        raise KeyError
    assert found(database, "drug") == []
    with database.transaction() as cur:
        add_items(cur, [make_item("q-1")], origin="items")
    assert found(database, "drug") == ["q-1"]


def test_there_is_no_cap(database: Database) -> None:
    with database.transaction() as cur:
        add_items(cur, [make_item(f"q-{number}") for number in range(11_000)], origin="items")
    database.complete_index()
    assert (
        len(item_id_array(database.cursor(), ReviewFilter(search="drug help"), EVERYTHING))
        == 11_000
    )


def test_a_file_from_before_the_index_is_indexed_when_it_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "review.duckdb"
    before = Database.open(path)
    with before.transaction() as cur:
        add_items(cur, [make_item("q-1")], origin="items")
        cur.execute("delete from search_posting")
        cur.execute("delete from search_item")
    assert found(before, "drug") == []
    before.close()
    after = Database.open(path)
    assert found(after, "drug") == ["q-1"]
    after.close()


def _lose_words(path: Path, lost: str) -> None:
    """Leave a file as the version before left it where it was killed while it indexed."""
    with duckdb.connect(str(path)) as raw:
        raw.execute(f"delete from search_posting where {lost}")
        raw.execute("delete from migration where number = 16")


@pytest.mark.parametrize(
    ("lost", "text", "run_id"),
    [
        ("item_number = 2 and run_number = 0", "cox-2", None),
        ("run_number = 1", "betahistine", "run-1"),
        ("true", "diltiazem", None),
    ],
)
def test_a_file_whose_index_lost_words_is_indexed_again_when_it_is_opened(
    filled: Database, lost: str, text: str, run_id: str | None
) -> None:
    expected = found(filled, text, run_id)
    filled.close()
    _lose_words(filled.path, lost)
    after = Database.open(filled.path)
    assert found(after, text, run_id) == expected != []
    counts = after.cursor().execute("select count(*), count(distinct item_id) from search_item")
    assert counts.fetchall() == [(3, 3)]
    after.close()


def test_a_rebuilt_index_finds_what_the_first_one_found(filled: Database) -> None:
    postings = """
        select item_id, run_number, word
        from search_posting join search_item using (item_number) order by all
    """
    before = filled.cursor().execute(postings).fetchall()
    filled.cursor().execute("delete from search_posting where item_number > 1")
    with filled.transaction() as cur:
        counts = search.rebuild(cur)
    assert filled.cursor().execute(postings).fetchall() == before
    assert counts == search.IndexCounts(items=3, answers=2, words=len(before))


@pytest.mark.parametrize(
    "statement", ["search_item_post", "search_answer_post", "search_answer_add"]
)
def test_indexing_that_is_cut_short_leaves_nothing_marked_as_indexed(
    filled: Database, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    cur = filled.cursor()
    for table in ("search_posting", "search_answer", "search_item"):
        cur.execute(f"delete from {table}")

    def fail_at(name: str) -> str:
        if name == statement:
            raise KeyboardInterrupt
        return load_sql(name)

    monkeypatch.setattr(search, "load_sql", fail_at)
    with pytest.raises(KeyboardInterrupt):
        search.catch_up(cur)
    monkeypatch.undo()
    marked = """
        select
            (select count(*) from search_item where item_number not in
                (select item_number from search_posting where run_number = 0))
            + (select count(*) from search_answer where (run_number, item_number) not in
                (select (run_number, item_number) from search_posting))
    """
    assert filled.cursor().execute(marked).fetchone() == (0,)
    search.catch_up(cur)
    assert found(filled, "cox-2") == ["q-2"]
    assert found(filled, "betahistine", "run-1") == ["q-1"]


def test_a_large_import_is_indexed_after_it_by_whoever_comes_first(
    filled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "BATCH", 2)
    with filled.transaction() as cur:
        items = [make_item(f"n-{number}", question="Is zolpidem safe?") for number in range(5)]
        add_items(cur, items, origin="x")
        answers = [make_prediction(item.item_id, "run-1", answer="Mirtazapine.") for item in items]
        add_predictions(cur, answers)
    assert found(filled, "zolpidem") == []
    ids = [item.item_id for item in items]
    statements = []

    def fail_at_the_third(cur: duckdb.DuckDBPyConnection) -> int:
        statements.append(cur)
        if len(statements) == 3:
            raise duckdb.IOException("No space left on device")
        return index_some(cur)

    index_some = search.index_some
    monkeypatch.setattr(search, "index_some", fail_at_the_third)
    with pytest.raises(SaveError, match=r"Everything is stored, but not all.*No space left"):
        filled.complete_index()
    assert found(filled, "zolpidem") == ids[:4]  # two parts that are whole
    filled.complete_index()
    assert found(filled, "zolpidem") == found(filled, "mirtazapine", "run-1") == ids
    statements.clear()
    filled.complete_index()
    assert not statements


# DuckDB knows characters that this Python's Unicode tables do not.
@settings(deadline=None)  # the first call opens the database
@given(st.text(st.characters(exclude_categories=("Cn", "Cs"))))
def test_a_search_has_the_same_words_as_the_index(text: str) -> None:
    cur = _database().cursor()
    row = cur.execute("select search_words($text)", {"text": text}).fetchone()
    assert row is not None
    assert sorted(row[0]) == sorted(search.words_of(text))


@settings(deadline=None)
@given(st.text())
def test_any_text_can_be_searched_for(text: str) -> None:
    assert list_item_ids(_database().cursor(), ReviewFilter(search=text), EVERYTHING) == []


_OPENED: list[Database] = []


def _database() -> Database:
    if not _OPENED:
        _OPENED.append(Database.open(IN_MEMORY))
    return _OPENED[0]
