"""What is settled, by whom and why; the label it replaces stays readable."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from duckdb import DuckDBPyConnection

from db.connection import Database
from db.content.imported_labels import ImportedLabel, add_imported_labels
from db.content.items import add_items
from db.content.predictions import add_predictions
from db.content.runs import add_run
from db.errors import InvalidAnnotationError, InvalidLabelError, NotPermittedError
from db.people.reviewers import add_reviewer
from db.review.adjudications import add_adjudication, list_adjudications, list_disputed
from db.review.annotations import get_gold, retract_annotation
from db.viewer import EVERYTHING
from tests.support.annotations import annotate
from tests.support.records import make_item, make_prediction, make_run


@pytest.fixture
def cur(database: Database) -> Iterator[DuckDBPyConnection]:
    """Yield a cursor on a store of four items whose imported label is yes."""
    with database.transaction() as writing:
        add_items(writing, [make_item(f"q-{n}") for n in range(1, 5)], origin="items")
    with database.transaction() as cur:
        yield cur


@pytest.fixture
def chief(cur: DuckDBPyConnection) -> str:
    """Return the id of an adjudicator."""
    return add_reviewer(cur, "Chief", "adjudicator").reviewer_id


def test_a_decision_keeps_its_reason_and_what_it_replaced(
    cur: DuckDBPyConnection, chief: str
) -> None:
    gold = add_adjudication(
        cur,
        adjudication_id="d-1",
        item_id="q-1",
        reviewer_id=chief,
        label="no",
        reason="gold_mistaken",
        note="The table says otherwise.",
    )
    add_adjudication(
        cur,
        adjudication_id="d-2",
        item_id="q-1",
        reviewer_id=chief,
        label="maybe",
        reason="medicine_unsettled",
    )

    assert (gold.label, gold.origin) == ("no", "adjudicated")
    first, second = list_adjudications(cur, "q-1", EVERYTHING)
    assert (first.old_label, first.old_origin, first.label) == ("yes", "imported", "no")
    assert (first.reason, first.note) == ("gold_mistaken", "The table says otherwise.")
    assert (second.old_label, second.old_origin, second.label) == ("no", "adjudicated", "maybe")
    assert get_gold(cur, "q-1", EVERYTHING).label == "maybe"
    assert list_adjudications(cur, "q-2", EVERYTHING) == []


def test_the_same_decision_sent_twice_is_stored_once(cur: DuckDBPyConnection, chief: str) -> None:
    for _ in range(2):
        add_adjudication(
            cur, adjudication_id="d-1", item_id="q-1", reviewer_id=chief, label="no", reason="other"
        )
    assert len(list_adjudications(cur, "q-1", EVERYTHING)) == 1


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"label": "perhaps"}, InvalidLabelError, r"choose one of \['yes', 'no', 'maybe'\]"),
        ({"reason": "bored"}, InvalidAnnotationError, "choose one of .'gold_confirmed'"),
    ],
)
def test_unknown_words_are_refused(
    cur: DuckDBPyConnection, chief: str, change: dict[str, Any], error: type, message: str
) -> None:
    asked = {"label": "no", "reason": "other", **change}
    with pytest.raises(error, match=message):
        add_adjudication(cur, adjudication_id="d", item_id="q-1", reviewer_id=chief, **asked)
    assert list_adjudications(cur, "q-1", EVERYTHING) == []


@pytest.mark.parametrize("role", ["reviewer", "engineer"])
def test_only_who_may_settle_settles(cur: DuckDBPyConnection, role: Any) -> None:
    somebody = add_reviewer(cur, "Somebody", role).reviewer_id
    with pytest.raises(NotPermittedError):
        add_adjudication(
            cur,
            adjudication_id="d",
            item_id="q-1",
            reviewer_id=somebody,
            label="no",
            reason="other",
        )
    assert get_gold(cur, "q-1", EVERYTHING).origin == "imported"


def test_items_on_which_people_differ_wait_until_somebody_decides(
    cur: DuckDBPyConnection, chief: str
) -> None:
    for who, label in (("Ann", "yes"), ("Bob", "no"), ("Cid", "no")):
        annotate(cur, who, "q-2", label)
    for who, label in (("Ann", "yes"), ("Bob", "no"), ("Cid", "maybe")):
        annotate(cur, who, "q-3", label)
    for who in ("Ann", "Bob"):
        annotate(cur, who, "q-1", "yes")

    assert list_disputed(cur, EVERYTHING) == ["q-3", "q-2"]  # on q-3 all three pairs differ
    assert list_disputed(cur, EVERYTHING, "rejected") == ["q-3", "q-2"]
    assert list_disputed(cur, EVERYTHING, "rejected", threshold=3) == []
    assert (
        list_disputed(cur, EVERYTHING, source="elsewhere")
        == list_disputed(cur, EVERYTHING, label_set="options")
        == []
    )

    add_adjudication(
        cur, adjudication_id="d", item_id="q-3", reviewer_id=chief, label="no", reason="other"
    )

    assert list_disputed(cur, EVERYTHING) == ["q-2"]
    assert list_disputed(cur, EVERYTHING, "decided") == ["q-3"]


def test_who_takes_a_label_back_no_longer_differs(cur: DuckDBPyConnection) -> None:
    annotate(cur, "Ann", "q-1", "yes")
    annotate(cur, "Bob", "q-1", "no")
    bob = add_reviewer(cur, "Bob").reviewer_id
    assert list_disputed(cur, EVERYTHING) == ["q-1"]
    retract_annotation(cur, annotation_id="r", item_id="q-1", reviewer_id=bob)
    assert list_disputed(cur, EVERYTHING) == []


def test_what_counts_is_what_people_say_after_the_reveal(cur: DuckDBPyConnection) -> None:
    annotate(cur, "Ann", "q-1", "yes", phase="blind")
    annotate(cur, "Bob", "q-1", "no", phase="blind")
    assert list_disputed(cur, EVERYTHING) == ["q-1"]
    annotate(cur, "Bob", "q-1", "yes", phase="revealed")
    assert list_disputed(cur, EVERYTHING) == []


def test_annotators_of_a_data_set_can_be_left_out(cur: DuckDBPyConnection) -> None:
    annotate(cur, "Ann", "q-1", "yes")
    add_imported_labels(cur, [ImportedLabel("q-1", "annotator 1", ("no",))])
    assert list_disputed(cur, EVERYTHING) == ["q-1"]
    assert (
        list_disputed(cur, EVERYTHING, origin="review")
        == list_disputed(cur, EVERYTHING, origin="import")
        == []
    )


def test_disputes_among_our_own_reviewers_come_before_those_of_a_data_set(
    cur: DuckDBPyConnection,
) -> None:
    imported = [
        ImportedLabel(item_id, f"annotator {number}", (label,))
        for item_id in ("q-1", "q-2")
        for number, label in enumerate(("no", "maybe", "no"))
    ]
    add_imported_labels(cur, imported)
    annotate(cur, "Ann", "q-3", "yes")
    annotate(cur, "Bob", "q-3", "no")
    annotate(cur, "Ann", "q-2", "yes")
    assert list_disputed(cur, EVERYTHING) == ["q-3", "q-2", "q-1"]


def test_items_come_first_on_which_a_decision_changes_most(database: Database) -> None:
    with database.transaction() as cur:
        names = ("a-none", "b-split", "c-runs", "d-against")
        add_items(cur, [make_item(name) for name in names], origin="items")
        # Two of three against the label of record; one of two; the same with runs; two of two.
        said = {
            "a-none": ("yes", "yes", "maybe"),
            "b-split": ("yes", "no"),
            "c-runs": ("yes", "no"),
            "d-against": ("no", "maybe"),
        }
        for item_id, labels in said.items():
            for who, label in zip(("Ann", "Bob", "Cyd"), labels, strict=False):
                annotate(cur, who, item_id, label)
    cur = database.cursor()
    assert list_disputed(cur, EVERYTHING) == ["d-against", "b-split", "c-runs", "a-none"]
    with database.transaction() as cur:
        for number in range(3):
            add_run(cur, make_run(f"run-{number}"))
            prediction = make_prediction("c-runs", run_id=f"run-{number}", answer_label="no")
            add_predictions(cur, [prediction])
    cur = database.cursor()
    # Whatever is decided, three runs become right or wrong.
    assert list_disputed(cur, EVERYTHING) == ["c-runs", "d-against", "b-split", "a-none"]
