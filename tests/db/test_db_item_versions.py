"""Items corrected after import, each as a version, and items set aside and restored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from duckdb import DuckDBPyConnection

from db.connection import Database
from db.content.item_versions import (
    correct_item,
    list_set_aside,
    list_versions,
    set_items_aside,
)
from db.content.items import add_items, get_item
from db.content.overview import count_items_by_label
from db.content.predictions import add_predictions, find_prediction
from db.content.runs import add_run
from db.errors import DbError, InvalidItemError, ItemConflictError, NotPermittedError
from db.outcomes.counts import summarise_runs
from db.people.reviewers import add_reviewer
from db.people.sign_in import add_person
from db.records import Item, Option, Section
from db.retraining.lineage import (
    TrainingRecord,
    add_training_records,
    list_corrections,
    list_training_records,
)
from db.retraining.snapshot import freeze, load_snapshot, read_snapshot
from db.review.adjudications import add_adjudication, list_adjudications
from db.review.agreement import RatingFilter, count_patterns
from db.review.annotations import get_gold, list_annotations
from db.review.bulk_actions import do_action, undo_action
from db.review.item_list import ReviewFilter, get_rows, list_item_ids
from db.review.queue_progress import queue_progress
from db.review.queues import QueueSettings, add_queue, get_queue
from db.viewer import EVERYTHING
from tests.support.annotations import annotate, on_screen
from tests.support.records import (
    make_head_prediction,
    make_item,
    make_options_item,
    make_prediction,
    make_run,
)
from tests.support.reserving import reserve_next
from tests.support.trained_runs import add_trained_run


@pytest.fixture
def chief(database: Database) -> str:
    """Return an admin of a store with three items, of which a run answered all."""
    with database.transaction() as cur:
        add_items(cur, [make_item(f"q-{n}", split="train") for n in (1, 2, 3)], origin="items")
        add_items(cur, [make_options_item("v-1")], origin="items")
        add_run(cur, make_run())
        add_predictions(cur, [make_head_prediction(f"q-{n}", "run-1", "no") for n in (1, 2, 3)])
        return add_person(cur, "Chief", role="admin").reviewer_id


def _get(cur: DuckDBPyConnection, item_id: str = "q-1") -> Item:
    return get_item(cur, item_id, EVERYTHING)


def _correct(database: Database, chief: str, item_id: str = "q-1", **fields: Any) -> Item:
    sense = fields.pop("changes_sense", False)
    with database.transaction() as cur:
        corrected = replace(_get(cur, item_id), **fields)
        return correct_item(cur, corrected, reviewer_id=chief, reason="a slip", changes_sense=sense)


CHANGES: list[tuple[str, dict[str, Any]]] = [
    ("q-1", {"question": "Does it help in 2 of 3?"}),
    ("q-1", {"context": (Section("", "Other words, \u65e5\u672c\u8a9e."),)}),
    ("q-1", {"context": ()}),
    ("q-1", {"gold_label": "no"}),
    ("q-1", {"gold_label": None}),
    ("q-1", {"split": "dev"}),
    ("q-1", {"long_answer": ""}),
    ("q-1", {"label_set": "triage", "labels": ("urgent", "soon"), "gold_label": "soon"}),
    ("v-1", {"options": tuple(Option(label, f"Dose {label}") for label in "ABCD")}),
    ("v-1", {
        "labels": ("A", "B", "C"),
        "options": tuple(Option(label, f"Dose {label}") for label in "ABC"),
    }),
]  # fmt: skip


@pytest.mark.parametrize(("item_id", "fields"), CHANGES)
def test_a_correction_is_what_every_read_gives_and_the_import_stays(
    database: Database, chief: str, item_id: str, fields: dict[str, Any]
) -> None:
    before = _get(database.cursor(), item_id)
    made = _correct(database, chief, item_id, **fields)
    cur = database.cursor()
    assert _get(cur, item_id) == made == replace(before, **fields, version=2)
    first, second = list_versions(cur, item_id)
    assert (first.item, first.reason, first.reviewer_id) == (before, "", None)
    assert (second.item, second.reason, second.reviewer_id) == (made, "a slip", chief)
    assert second.changes_sense == ("labels" in fields)
    with database.transaction() as writer:
        report = add_items(writer, [before], origin="items")
    assert (report.added, report.unchanged) == (0, 1)
    assert _get(cur, item_id) == made


def test_a_corrected_word_is_found_and_the_former_one_is_not(
    database: Database, chief: str
) -> None:
    _correct(database, chief, question="Does aspirin help?")
    _correct(database, chief, question="Does ibuprofen help?")
    cur = database.cursor()
    for word, expected in (("ibuprofen", ["q-1"]), ("aspirin", [])):
        assert list_item_ids(cur, ReviewFilter(search=word), EVERYTHING) == expected


REFUSED: list[tuple[str, Callable[[Item], Item], str, type[DbError]]] = [
    ("nothing differs", lambda item: item, "a slip", InvalidItemError),
    ("reason", lambda item: replace(item, split="dev"), " ", InvalidItemError),
    ("reason", lambda item: replace(item, split="dev"), "x" * 2001, InvalidItemError),
    ("question is empty", lambda item: replace(item, question=" "), "a slip", InvalidItemError),
    ("gold_label", lambda item: replace(item, gold_label="never"), "a slip", InvalidItemError),
    ("only these", lambda item: replace(item, source="other"), "a slip", InvalidItemError),
    ("half of an emoji", lambda item: replace(item, question="\ud83d"), "a slip", DbError),
    ("blind", lambda item: replace(item, gold_label=None, is_hidden=True), "a slip",
        NotPermittedError),
]  # fmt: skip


@pytest.mark.parametrize(("message", "change", "reason", "error"), REFUSED)
def test_a_correction_that_makes_no_sense_is_refused_and_stores_nothing(
    database: Database,
    chief: str,
    message: str,
    change: Callable[[Item], Item],
    reason: str,
    error: type[DbError],
) -> None:
    with pytest.raises(error, match=message), database.transaction() as cur:
        correct_item(cur, change(_get(cur)), reviewer_id=chief, reason=reason)
    assert len(list_versions(database.cursor(), "q-1")) == 1


def test_a_correction_of_a_version_that_was_corrected_meanwhile_is_refused(
    database: Database, chief: str
) -> None:
    seen = _get(database.cursor())
    _correct(database, chief, question="First correction?")
    late = replace(seen, question="Second correction?")
    with (
        pytest.raises(ItemConflictError, match="since its version 1"),
        database.transaction() as cur,
    ):
        correct_item(cur, late, reviewer_id=chief, reason="a slip")


def test_judgements_answers_and_training_rows_name_the_version_they_saw(
    database: Database, chief: str, tmp_path: Path
) -> None:
    annotate(database, "Ann", "q-1", "no")
    _correct(database, chief, question="Does the new drug help?")
    annotate(database, "Bob", "q-1", "no")
    snapshot_id = freeze(database.cursor(), tmp_path / "s", created_by="Chief").snapshot_id
    _correct(database, chief, question="Does the newest drug help?")
    with database.transaction() as cur:
        add_trained_run(cur, "run-2", {"task": "train", "snapshot_id": snapshot_id})
        add_predictions(cur, [make_prediction("q-1", "run-2"), make_prediction("q-2", "run-2")])
        add_training_records(cur, [TrainingRecord("run-2", "q-1", 0, 0, "train", ("q-2",))])
        add_run(cur, make_run("run-3"))
        add_predictions(cur, [make_prediction("q-1", "run-3")])
    cur = database.cursor()
    assert [one.item_version for one in list_annotations(cur, "q-1", EVERYTHING)] == [1, 2]
    assert [one.item_version for one in list_training_records(cur, "run-2")] == [2]
    counts = [
        (one.item.version, one.num_annotations, one.num_predictions, one.num_training_runs)
        for one in list_versions(cur, "q-1")
    ]
    assert counts == [(1, 1, 1, 0), (2, 1, 1, 1), (3, 0, 1, 0)]
    assert get_gold(cur, "q-1", EVERYTHING).label == "no"


def test_a_version_of_another_sense_asks_for_new_labels_and_keeps_what_was_said(
    database: Database, chief: str
) -> None:
    with database.transaction() as cur:
        add_queue(cur, QueueSettings("Mine", ReviewFilter()), queue_id="k", created_by=chief)
        ann = add_person(cur, "Ann", role="reviewer").reviewer_id
    annotate(database, "Ann", "q-1", "no", queue_id="k")
    with database.transaction() as cur:
        add_adjudication(cur, adjudication_id="d", item_id="q-1", reviewer_id=chief, label="maybe")
    summaries = _num_scored(database)
    _correct(database, chief, question="Does it harm?", changes_sense=True)

    cur = database.cursor()
    gold = get_gold(cur, "q-1", EVERYTHING)
    assert (gold.label, gold.origin) == ("yes", "imported")
    assert list_corrections(cur, EVERYTHING) == []
    assert queue_progress(cur, get_queue(cur, "k")).num_done == 0
    reserved = reserve_next(database, get_queue(cur, "k"), ann)
    assert reserved is not None and reserved.item_id == "q-1"
    assert _num_scored(database) == summaries - 1
    assert find_prediction(cur, "run-1", "q-1", EVERYTHING) is None
    said = list_annotations(cur, "q-1", EVERYTHING)
    assert [(one.action, one.judgement.labels, one.item_version) for one in said] == [
        ("label", ("no",), 1), ("retract", (), 2),
    ]  # fmt: skip
    assert [one.label for one in list_adjudications(cur, "q-1", EVERYTHING)] == ["maybe"]

    annotate(database, "Ann", "q-1", "maybe", queue_id="k")
    assert get_gold(cur, "q-1", EVERYTHING).label == "maybe"
    (row,) = get_rows(cur, ["q-1"], EVERYTHING)
    assert (row.question, row.gold_label, row.gold_origin) == ("Does it harm?", "maybe", "agreed")


def _num_scored(database: Database) -> int:
    (summary,) = summarise_runs(database.cursor(), EVERYTHING, "record", "train")
    return summary.num_head


def test_a_label_given_to_a_version_of_another_sense_is_refused(
    database: Database, chief: str
) -> None:
    cur = database.cursor()
    with database.transaction() as writing:
        ann = add_reviewer(writing, "Ann").reviewer_id
    shown = _get(cur)
    first = on_screen(cur, ann, shown)
    _correct(database, chief, question="Does it help much?")
    annotate(database, "Ann", "q-1", "no", annotation_id="a", on_screen=first)
    _correct(database, chief, question="Does it harm?", changes_sense=True)
    with pytest.raises(ItemConflictError, match="corrected since"):
        second = on_screen(cur, ann, shown)
        annotate(database, "Ann", "q-1", "no", annotation_id="b", on_screen=second)


def test_undoing_a_bulk_retraction_restores_no_label_of_another_sense(
    database: Database, chief: str
) -> None:
    annotate(database, "Chief", "q-1", "no")
    annotate(database, "Chief", "q-2", "no")
    both = ReviewFilter(item_ids=("q-1", "q-2"))
    with database.transaction() as cur:
        do_action(cur, both, "retract", reviewer_id=chief, batch_id="b", num_expected=2)
    _correct(database, chief, question="Does it harm?", changes_sense=True)
    with database.transaction() as cur:
        undo_action(cur, "b", reviewer_id=chief)
    cur = database.cursor()
    labels = [get_gold(cur, item_id, EVERYTHING).label for item_id in ("q-1", "q-2")]
    assert labels == ["yes", "no"]


def test_results_of_a_run_that_saw_other_labels_are_stored_and_count_for_nothing(
    database: Database, chief: str, tmp_path: Path
) -> None:
    snapshot_id = freeze(database.cursor(), tmp_path / "s", created_by="Chief").snapshot_id
    _correct(database, chief, labels=("yes", "no"))
    with database.transaction() as cur:
        add_trained_run(cur, "run-2", {"task": "train", "snapshot_id": snapshot_id})
        add_predictions(cur, [make_head_prediction("q-1", "run-2", "no")])
    assert find_prediction(database.cursor(), "run-2", "q-1", EVERYTHING) is None


def test_an_item_set_aside_is_in_no_queue_metric_or_training_set_until_it_is_restored(
    database: Database, chief: str, tmp_path: Path
) -> None:
    for who, label in (("Ann", "no"), ("Bob", "yes")):
        annotate(database, who, "q-1", label)
    with database.transaction() as cur:
        add_queue(cur, QueueSettings("Mine", ReviewFilter()), queue_id="k", created_by=chief)
    in_use = _uses(database, chief, tmp_path / "1")
    with database.transaction() as cur:
        assert set_items_aside(cur, ["q-1"], reviewer_id=chief, reason="not medical") == ["q-1"]
        assert set_items_aside(cur, ["q-1"], reviewer_id=chief, reason="again") == []
    aside = _uses(database, chief, tmp_path / "2")
    assert aside == {name: value - 1 for name, value in in_use.items()}
    cur = database.cursor()
    (entry,) = list_set_aside(cur)
    assert (entry.item_id, entry.reason, entry.reviewer_id) == ("q-1", "not medical", chief)
    assert list_item_ids(cur, ReviewFilter(show="set_aside"), EVERYTHING) == ["q-1"]
    assert _get(cur).item_id == "q-1"
    assert [row.item_id for row in get_rows(cur, ["q-1"], EVERYTHING)] == ["q-1"]
    with pytest.raises(ItemConflictError, match="set aside \\(not medical\\)"):
        annotate(database, "Ann", "q-1", "yes")
    with database.transaction() as cur:
        assert set_items_aside(
            cur, ["q-1", "q-2"], reviewer_id=chief, reason="it is", is_aside=False
        ) == ["q-1"]
    assert _uses(database, chief, tmp_path / "3") == in_use
    assert list_set_aside(database.cursor()) == []


def _uses(database: Database, chief: str, folder: Path) -> dict[str, int]:
    """Count the items of everything that an item set aside must not be in."""
    cur = database.cursor()
    freeze(cur, folder, created_by="Chief")
    patterns = count_patterns(cur, RatingFilter(EVERYTHING, "pubmedqa"), "open")
    return {
        "list": len(list_item_ids(cur, ReviewFilter(), EVERYTHING)),
        "queue": queue_progress(cur, get_queue(cur, "k")).num_items,
        "scored": _num_scored(database),
        "snapshot": len(load_snapshot(folder).train),
        "preview": len(read_snapshot(cur, EVERYTHING).train),
        "overview": sum(one.count for one in count_items_by_label(cur, EVERYTHING)),
        "agreement": sum(one.num_items for one in patterns),
    }


def test_a_queue_passes_over_an_item_that_was_set_aside_after_it_was_made(
    database: Database, chief: str
) -> None:
    with database.transaction() as cur:
        queue = add_queue(
            cur, QueueSettings("Mine", ReviewFilter()), queue_id="k", created_by=chief
        )
    first = reserve_next(database, queue, chief)
    assert first is not None and first.item_id == "q-1"
    with database.transaction() as cur:
        set_items_aside(cur, ["q-2"], reviewer_id=chief, reason="a duplicate")
    following = reserve_next(database, queue, chief, after=first.position)
    assert following is not None and following.item_id == "q-3"


def test_setting_aside_what_is_not_there_is_refused(database: Database, chief: str) -> None:
    with (
        pytest.raises(DbError, match=r"1 of 2 items are not in the database.*'q-99'"),
        database.transaction() as cur,
    ):
        set_items_aside(cur, ["q-1", "q-99"], reviewer_id=chief, reason="a duplicate")
    assert list_set_aside(database.cursor()) == []
