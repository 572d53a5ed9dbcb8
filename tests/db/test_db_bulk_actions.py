"""Acting on many items at once: what is seen first is what is done, and it is taken back whole."""

from __future__ import annotations

from datetime import datetime

import pytest

from db.connection import Database
from db.content.items import add_items
from db.content.predictions import add_predictions
from db.content.runs import add_run
from db.errors import BulkActionError, NotPermittedError
from db.people.sign_in import add_person
from db.review.annotations import get_gold, list_annotations, standing_annotations
from db.review.bulk_actions import (
    ItemKind,
    do_action,
    list_actions,
    preview_action,
    undo_action,
)
from db.review.item_list import ReviewFilter, list_item_ids
from db.review.queues import QueueSettings, add_queue, list_queues
from db.statements import load_sql
from db.viewer import EVERYTHING
from tests.support.annotations import annotate
from tests.support.records import make_item, make_prediction, make_run

FLT = ReviewFilter(run_id="run-1")
IDS = ["q-1", "q-2", "q-3", "q-4"]


@pytest.fixture
def people(database: Database) -> dict[str, str]:
    heads = {"q-1": "no", "q-2": "no", "q-3": "yes", "q-4": None}
    with database.transaction() as cur:
        add_items(cur, [make_item(item_id) for item_id in IDS], origin="items")
        add_run(cur, make_run("run-1"))
        add_predictions(
            cur,
            [
                make_prediction(
                    item_id,
                    answer_label="maybe",
                    head_label=head,
                    head_probabilities=None if head is None else (0.4, 0.3, 0.3),
                )
                for item_id, head in heads.items()
            ],
        )
        chief = add_person(cur, "Chief", role="admin").reviewer_id
        ann = add_person(cur, "Ann", role="adjudicator").reviewer_id
        bob = add_person(cur, "Bob", role="reviewer").reviewer_id
        annotate(cur, "Ann", "q-1", "maybe", note="mine")
    return {"chief": chief, "ann": ann, "bob": bob}


def act(database: Database, kind: ItemKind, who: str, batch: str = "b", flt: ReviewFilter = FLT):
    expected = preview_action(database.cursor(), flt, kind, who).num_changed
    with database.transaction() as cur:
        return do_action(cur, flt, kind, reviewer_id=who, batch_id=batch, num_expected=expected)


def labels(database: Database, who: str) -> dict[str, str | None]:
    cur = database.cursor()
    standing = {id_: standing_annotations(list_annotations(cur, id_, EVERYTHING)) for id_ in IDS}
    return {item_id: said[who].judgement.label for item_id, said in standing.items() if who in said}


def test_the_preview_counts_what_would_change_and_writes_nothing(
    database: Database, people: dict[str, str]
) -> None:
    seen = preview_action(database.cursor(), FLT, "head", people["ann"])
    assert (seen.num_found, seen.num_changed, seen.labels) == (4, 3, {"no": 2, "yes": 1})
    assert labels(database, people["ann"]) == {"q-1": "maybe"}
    assert list_actions(database.cursor()) == []


def test_labelling_as_the_head_says_is_undone_in_one_go(
    database: Database, people: dict[str, str]
) -> None:
    ann = people["ann"]
    done = act(database, "head", ann)
    assert done.num_items == 3
    assert labels(database, ann) == {"q-1": "no", "q-2": "no", "q-3": "yes"}
    assert get_gold(database.cursor(), "q-2", EVERYTHING).origin == "agreed"
    own, set_by_head = list_annotations(database.cursor(), "q-1", EVERYTHING)
    assert (set_by_head.old_label, set_by_head.encounter.run_id) == ("maybe", "run-1")
    with database.transaction() as cur:
        assert undo_action(cur, "b", reviewer_id=ann).undone_at is not None
    assert labels(database, ann) == {"q-1": "maybe"}
    assert get_gold(database.cursor(), "q-2", EVERYTHING).origin == "imported"
    assert own.judgement.note == "mine"
    assert len(list_annotations(database.cursor(), "q-1", EVERYTHING)) == 3  # nothing is deleted
    with pytest.raises(BulkActionError, match="taken back already"), database.transaction() as cur:
        undo_action(cur, "b", reviewer_id=ann)


def test_what_was_said_after_the_action_stays_when_it_is_undone(
    database: Database, people: dict[str, str]
) -> None:
    ann = people["ann"]
    act(database, "text", ann, flt=ReviewFilter(run_id="run-1", search="q-2"))
    assert labels(database, ann) == {"q-1": "maybe", "q-2": "maybe"}
    annotate(database, "Ann", "q-2", "yes")
    with database.transaction() as cur:
        undo_action(cur, "b", reviewer_id=ann)
    assert labels(database, ann) == {"q-1": "maybe", "q-2": "yes"}


def test_taking_ones_own_labels_back_is_undone_with_all_that_was_said(
    database: Database, people: dict[str, str]
) -> None:
    ann = people["ann"]
    annotate(database, "Bob", "q-1", "no")
    assert act(database, "retract", ann).num_items == 1
    assert labels(database, ann) == {}
    assert labels(database, people["bob"]) == {"q-1": "no"}
    with database.transaction() as cur:
        undo_action(cur, "b", reviewer_id=ann)
    standing = standing_annotations(list_annotations(database.cursor(), "q-1", EVERYTHING))[ann]
    assert (standing.judgement.label, standing.judgement.note) == ("maybe", "mine")


def test_flags_come_and_go(database: Database, people: dict[str, str]) -> None:
    chief = people["chief"]
    flagged = ReviewFilter(show="flagged", reviewer_id=chief)
    assert act(database, "flag", chief).num_items == 4
    assert len(list_item_ids(database.cursor(), flagged, EVERYTHING)) == 4
    assert preview_action(database.cursor(), FLT, "flag", chief).num_changed == 0
    with database.transaction() as cur:
        undo_action(cur, "b", reviewer_id=chief)
    assert len(list_item_ids(database.cursor(), flagged, EVERYTHING)) == 0


def test_the_same_press_twice_acts_once(database: Database, people: dict[str, str]) -> None:
    first = act(database, "head", people["ann"])
    with database.transaction() as cur:
        again = do_action(cur, FLT, "head", reviewer_id=people["ann"], batch_id="b", num_expected=3)
    assert again == first
    assert database.cursor().execute("select count(*) from annotation").fetchone() == (4,)


def test_nothing_is_done_where_the_preview_no_longer_holds(
    database: Database, people: dict[str, str]
) -> None:
    ann = people["ann"]
    annotate(database, "Ann", "q-3", "yes")
    with (
        pytest.raises(BulkActionError, match=r"would change 2 items, the preview showed 3"),
        database.transaction() as cur,
    ):
        do_action(cur, FLT, "head", reviewer_id=ann, batch_id="b", num_expected=3)
    assert list_actions(database.cursor()) == []


def test_a_reviewer_may_not_and_an_action_is_undone_by_who_did_it_or_an_admin(
    database: Database, people: dict[str, str]
) -> None:
    with pytest.raises(NotPermittedError, match="bulk edit items"):
        act(database, "head", people["bob"])
    act(database, "head", people["chief"])
    with pytest.raises(BulkActionError, match="someone else"), database.transaction() as cur:
        undo_action(cur, "b", reviewer_id=people["ann"])
    act(database, "flag", people["ann"], batch="c")
    with database.transaction() as cur:
        undo_action(cur, "c", reviewer_id=people["chief"])
    flagged = ReviewFilter(show="flagged", reviewer_id=people["ann"])
    assert len(list_item_ids(database.cursor(), flagged, EVERYTHING)) == 0


def test_a_queue_that_an_earlier_version_made_as_an_action_is_closed_by_the_undo(
    database: Database, people: dict[str, str]
) -> None:
    ann = people["ann"]
    with database.transaction() as cur:
        add_queue(cur, QueueSettings("Second look", FLT), queue_id="b", created_by=ann)
        facts = {
            "kind": "queue",
            "filter": "{}",
            "num_items": 4,
            "created_at": datetime(2026, 5, 1),
        }
        batch = {"batch_id": "b", "reviewer_id": ann}
        cur.execute(load_sql("bulk_action_insert"), batch | facts)
        undo_action(cur, "b", reviewer_id=ann)
    assert list_queues(database.cursor(), ann) == []
    with pytest.raises(BulkActionError, match="taken back already"), database.transaction() as cur:
        undo_action(cur, "b", reviewer_id=ann)
