"""Counts of what the store holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from db.connection import Database
from db.content.items import add_items
from db.content.overview import (
    Funnel,
    ItemCount,
    ReviewCount,
    count_funnel,
    count_items_by_label,
    count_reviews,
)
from db.content.predictions import add_predictions
from db.content.runs import add_run
from db.people.reviewers import add_reviewer
from db.review.annotations import retract_annotation
from db.viewer import EVERYTHING
from tests.support.annotations import annotate
from tests.support.records import make_head_prediction, make_item, make_run

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=2)


def test_items_are_counted_by_their_label_of_record(database: Database) -> None:
    with database.transaction() as cur:
        items = [make_item("q-1"), make_item("q-2"), make_item("q-3", gold_label=None)]
        add_items(cur, items, origin="items")
    annotate(database, "Ada", "q-2", "no", created_at=NOON)
    assert count_items_by_label(database.cursor(), EVERYTHING) == [
        ItemCount("pubmedqa", "test", "pubmedqa", "no", 1),
        ItemCount("pubmedqa", "test", "pubmedqa", "yes", 1),
        ItemCount("pubmedqa", "test", "pubmedqa", None, 1),
    ]


def test_reviews_are_counted_from_a_moment_on_and_apart_for_training(database: Database) -> None:
    with database.transaction() as cur:
        items = [make_item("q-1", split="train"), make_item("q-2", split="train"), make_item("q-3")]
        add_items(cur, items, origin="items")
    annotate(database, "Ada", "q-1", "no", created_at=NOON)
    annotate(database, "Ada", "q-2", "yes", created_at=LATER)
    annotate(database, "Ada", "q-3", "no", created_at=LATER)
    cur = database.cursor()
    assert count_reviews(cur, EVERYTHING) == ReviewCount(3, 2, 2, 1)
    assert count_reviews(cur, EVERYTHING, NOON + timedelta(hours=1)) == ReviewCount(2, 1, 1, 0)
    assert count_reviews(cur, EVERYTHING, NOON + timedelta(hours=9)) == ReviewCount(0, 0, 0, 0)


def test_what_was_taken_back_does_not_count(database: Database) -> None:
    with database.transaction() as cur:
        add_items(cur, [make_item("q-1")], origin="items")
    annotate(database, "Ada", "q-1", "no", created_at=NOON)
    with database.transaction() as cur:
        reviewer = add_reviewer(cur, "Ada")
        retract_annotation(
            cur, annotation_id="back", item_id="q-1", reviewer_id=reviewer.reviewer_id
        )
    assert count_reviews(database.cursor(), EVERYTHING).num_annotations == 0


def test_an_answer_is_unreviewed_however_many_other_items_are_reviewed(database: Database) -> None:
    with database.transaction() as cur:
        add_items(cur, [make_item(f"q-{number}") for number in range(5)], origin="items")
        add_run(cur, make_run("run"))
        add_predictions(cur, [make_head_prediction(f"q-{n}", "run", "yes") for n in (0, 1)])
    for item_id in ("q-1", "q-2", "q-3"):
        annotate(database, "Ada", item_id, "yes")
    assert count_funnel(database.cursor(), EVERYTHING) == Funnel(
        num_imported=5,
        num_answered=2,
        num_unreviewed=1,
        num_reviewed=3,
        num_agreed=0,
        num_corrected=0,
        num_learned=0,
        num_disputed=0,
    )
