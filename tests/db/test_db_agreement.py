"""What is counted of people's answers: phases, repeats, rechecks, pairs, moves after the reveal."""

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
from db.people.reviewers import add_reviewer
from db.review.adjudications import add_adjudication
from db.review.agreement import (
    RatingFilter,
    count_by_reviewer,
    count_challenges,
    count_pairs,
    count_patterns,
    count_repeats,
    count_reveals,
    list_rated_labels,
    list_rating_scopes,
    list_rejected,
    list_seconds,
    rating_version,
)
from db.review.annotations import retract_annotation
from db.viewer import EVERYTHING
from tests.support.annotations import annotate
from tests.support.records import make_item, make_prediction, make_run

OWN = RatingFilter(EVERYTHING, "pubmedqa")


@pytest.fixture
def cur(database: Database) -> Iterator[DuckDBPyConnection]:
    """Yield a store of three items with gold label yes; a model says no, its head maybe."""
    with database.transaction() as writing:
        add_items(writing, [make_item(f"q-{n}") for n in (1, 2, 3)], origin="items")
        add_run(writing, make_run("run-1"))
        said = [
            make_prediction(
                f"q-{n}",
                answer="No.",
                answer_label="no",
                head_label="maybe",
                head_probabilities=(0.2, 0.2, 0.6),
            )
            for n in (1, 2, 3)
        ]
        add_predictions(writing, said)
    with database.transaction() as cur:
        yield cur


def _id(cur: DuckDBPyConnection, who: str) -> str:
    return add_reviewer(cur, who).reviewer_id


def test_items_answered_alike_are_counted_together(cur: DuckDBPyConnection) -> None:
    for item_id in ("q-1", "q-2"):
        annotate(cur, "Ann", item_id, "yes")
        annotate(cur, "Bob", item_id, "no", "yes")
    annotate(cur, "Ann", "q-3", verdicts=["unanswerable"])

    first, second = count_patterns(cur, OWN, "open")

    assert (first.gold, first.answers, first.num_items) == ("yes", ((),), 1)
    assert (second.answers, second.num_items) == ((("no", "yes"), ("yes",)), 2)
    (pair,) = count_pairs(cur, OWN, "open")
    assert {pair.answer, pair.other_answer} == {("yes",), ("no", "yes")}
    assert pair.num_items == 2
    assert list_rated_labels(cur, OWN) == ["yes", "no", "maybe"]


def test_each_phase_counts_what_stands_in_it(cur: DuckDBPyConnection) -> None:
    annotate(cur, "Ann", "q-1", "no", phase="blind")
    annotate(cur, "Ann", "q-1", "maybe", phase="blind")
    annotate(cur, "Ann", "q-1", "yes", phase="revealed")

    (blind,) = count_patterns(cur, OWN, "blind")
    (revealed,) = count_patterns(cur, OWN, "revealed")

    assert (blind.answers, revealed.answers) == ((("maybe",),), (("yes",),))
    assert count_patterns(cur, OWN, "open") == []
    assert [(s.phase, s.num_ratings) for s in list_rating_scopes(cur, EVERYTHING)] == [
        ("blind", 1),
        ("revealed", 1),
    ]


def test_what_was_taken_back_does_not_count(cur: DuckDBPyConnection) -> None:
    annotate(cur, "Ann", "q-1", "no")
    before = rating_version(cur)
    retract_annotation(cur, annotation_id="r", item_id="q-1", reviewer_id=_id(cur, "Ann"))
    assert count_patterns(cur, OWN, "open") == []
    assert rating_version(cur) != before


def test_a_repeat_tells_of_its_reviewer_alone_and_a_recheck_replaces(
    cur: DuckDBPyConnection,
) -> None:
    annotate(cur, "Ann", "q-1", "no", is_fast=True)
    annotate(cur, "Ann", "q-1", "yes", presentation="recheck")
    annotate(cur, "Ann", "q-1", "maybe", presentation="repeat")
    annotate(cur, "Bob", "q-1", "yes")

    (pattern,) = count_patterns(cur, OWN, "open")
    (repeat,) = count_repeats(cur, OWN, "open")

    assert pattern.answers == (("yes",), ("yes",))
    assert (repeat.first, repeat.repeat, repeat.num_items) == (("yes",), ("maybe",), 1)
    assert repeat.reviewer_id == _id(cur, "Ann")
    assert count_repeats(cur, OWN, "blind") == []


def test_the_gold_label_is_the_imported_one_or_that_of_record(cur: DuckDBPyConnection) -> None:
    annotate(cur, "Ann", "q-1", "no")
    chief = add_reviewer(cur, "Chief", "adjudicator").reviewer_id
    add_adjudication(cur, adjudication_id="d", item_id="q-1", reviewer_id=chief, label="maybe")
    record = RatingFilter(EVERYTHING, "pubmedqa", gold="record")

    assert [count.gold for count in count_by_reviewer(cur, OWN, "open")] == ["yes"]
    assert [count.gold for count in count_by_reviewer(cur, record, "open")] == ["maybe"]


def test_filters_choose_by_origin_source_and_label_set(cur: DuckDBPyConnection) -> None:
    annotate(cur, "Ann", "q-1", "no")
    add_imported_labels(cur, [ImportedLabel("q-1", "annotator 1", ("yes",))])

    (imported,) = count_patterns(cur, RatingFilter(EVERYTHING, "pubmedqa", "import"), "open")

    assert imported.answers == (("yes",),)
    assert (
        count_patterns(cur, RatingFilter(EVERYTHING, "pubmedqa", source="elsewhere"), "open") == []
    )
    assert count_patterns(cur, RatingFilter(EVERYTHING, "options"), "open") == []


def test_moves_after_the_reveal_are_counted_towards_what_was_shown(cur: DuckDBPyConnection) -> None:
    shown = {"run_id": "run-1", "phase": "revealed"}
    annotate(cur, "Ann", "q-1", "no", phase="blind")
    annotate(cur, "Ann", "q-1", "yes", **shown)  # adopts gold, drops the text's label
    annotate(cur, "Ann", "q-2", "yes", phase="blind")
    annotate(cur, "Ann", "q-2", "no", **shown)  # misled by the text
    annotate(cur, "Bob", "q-2", "yes", phase="blind")
    annotate(cur, "Bob", "q-2", "yes", "maybe", **shown)  # keeps gold, takes the head's label up
    annotate(cur, "Bob", "q-3", "no", phase="blind")
    annotate(cur, "Bob", "q-3", "maybe", **shown)  # moves from wrong to wrong

    def total(what: Any, name: str) -> int:
        return sum(getattr(c, name) * c.num_items for c in count_reveals(cur, OWN, what, "item"))

    names = ("num_held", "num_dropped", "num_amended", "num_adopted", "num_moved")
    assert [total("gold", name) for name in names] == [2, 1, 1, 1, 1]
    assert [total("text", name) for name in names] == [2, 2, 0, 1, 1]
    assert [total("head", name) for name in names] == [0, 0, 0, 2, 2]
    assert (total("text", "num_tempted"), total("text", "num_misled")) == (2, 1)
    assert (total("head", "num_tempted"), total("head", "num_misled")) == (2, 0)
    by_reviewer = count_reveals(cur, OWN, "gold", "reviewer")
    assert {count.reviewer_id: count.num_adopted for count in by_reviewer} == {
        _id(cur, "Ann"): 1,
        _id(cur, "Bob"): 0,
    }
    assert [count.num_missed for count in by_reviewer] == [1, 1]


def test_without_a_run_nothing_of_a_model_was_shown(cur: DuckDBPyConnection) -> None:
    annotate(cur, "Ann", "q-1", "no", phase="blind")
    annotate(cur, "Ann", "q-1", "yes", phase="revealed")
    assert count_reveals(cur, OWN, "text", "item") == []


def test_seconds_of_both_phases_are_one_rating(cur: DuckDBPyConnection) -> None:
    annotate(cur, "Ann", "q-1", "no", phase="blind", duration_seconds=30)
    annotate(cur, "Ann", "q-1", "yes", phase="revealed", duration_seconds=12.5)
    annotate(cur, "Ann", "q-2", "yes", duration_seconds=4)
    annotate(cur, "Bob", "q-1", "yes")

    ((who, seconds),) = list_seconds(cur, OWN)

    assert (who, sorted(seconds)) == (_id(cur, "Ann"), [4, 42.5])
    assert list_seconds(cur, RatingFilter(EVERYTHING, "options")) == []


def test_doubts_of_several_people_are_counted_and_listed(cur: DuckDBPyConnection) -> None:
    for who in ("Ann", "Bob"):
        annotate(cur, who, "q-1", "no", phase="blind", verdicts=["information_missing"])
        annotate(cur, who, "q-1", "no", phase="revealed")
        annotate(cur, who, "q-2", "no", phase="blind")
        annotate(cur, who, "q-2", "yes", phase="revealed")
    annotate(cur, "Ann", "q-3", "no")

    found = count_challenges(cur, OWN)
    (rejected,) = list_rejected(cur, OWN)

    assert (found.num_items, found.num_gold) == (2, 2)
    assert (found.num_rejected, found.num_lacking) == (1, 1)
    assert (rejected.item_id, rejected.gold, rejected.num_rejecting) == ("q-1", "yes", 2)
    assert rejected.answers == (("no",), ("no",))
    assert list_rejected(cur, OWN, offset=1) == []
    assert len(list_rejected(cur, OWN, threshold=1)) == 2
