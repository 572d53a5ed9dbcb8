"""Annotating, the label of record, and the lists that pages read."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from db.connection import Database
from db.content.items import add_items, get_item
from db.content.predictions import add_predictions
from db.content.readings import (
    AnswerReading,
    add_readings,
    find_unread,
    reading_table,
    unread_answers,
)
from db.content.runs import add_run
from db.errors import (
    AnnotationConflictError,
    InvalidAnnotationError,
    InvalidLabelError,
    ItemNotFoundError,
    NothingToRetractError,
    ReviewerNotFoundError,
)
from db.people.reviewers import add_reviewer
from db.records import Annotation, Encounter, GoldLabel, Judgement, Span
from db.review.annotations import (
    add_annotation,
    get_gold,
    list_annotations,
    retract_annotation,
    standing_annotations,
)
from db.review.item_list import ReviewFilter, get_rows, item_id_array, list_item_ids
from db.viewer import EVERYTHING
from tests.support.annotations import annotate, on_screen
from tests.support.records import make_item, make_options_item, make_prediction, make_run


@pytest.fixture
def filled(database: Database) -> Database:
    """Return six items and one run: right, wrong, unreadable, not yet read, none, and options."""
    with database.transaction() as cur:
        items = [make_item(f"q-{number}") for number in range(1, 6)]
        add_items(cur, [*items, make_options_item("v-1")], origin="items")
        add_run(cur, make_run())
        head = {"head_label": "yes", "head_probabilities": (0.6, 0.3, 0.1)}
        sure = {"head_label": "no", "head_probabilities": (0.05, 0.9, 0.05)}
        add_predictions(
            cur,
            [
                make_prediction("q-1", **head),
                make_prediction("q-2", answer="No.", answer_label="no", **sure),
                make_prediction("q-3", answer="?", answer_label=None, answer_form="absent"),
                make_prediction("q-4", answer="100% yes_no", answer_label=None),
                make_prediction("v-1", answer="B", answer_label="B"),
            ],
        )
        add_reviewer(cur, "Ann")
        add_reviewer(cur, "Bob")
    return database


def _reviewer(database: Database, name: str) -> str:
    return add_reviewer(database.cursor(), name).reviewer_id


def _standing(database: Database, item_id: str) -> dict[str, Annotation]:
    return standing_annotations(list_annotations(database.cursor(), item_id, EVERYTHING))


def _shown(database: Database, **filters: object) -> list[str]:
    flt = ReviewFilter(run_id="run-1", **filters)  # type: ignore[arg-type]
    ids = list_item_ids(database.cursor(), flt, EVERYTHING, "item_id")
    assert item_id_array(database.cursor(), flt, EVERYTHING).to_pylist() == ids
    return ids


def test_an_annotation_keeps_what_stood_before(filled: Database) -> None:
    ann = _reviewer(filled, "Ann")
    when = datetime(2026, 5, 1, 12, tzinfo=UTC)
    with filled.transaction() as cur:
        first = annotate(
            cur, "Ann", "q-1", "no", run_id="run-1", answer="No, it does not.",
            note="see table 2", duration_seconds=12.5, created_at=when,
        )  # fmt: skip
        second = annotate(cur, "Ann", "q-1", "maybe", run_id="run-1")
    assert (first.old_label, first.old_answer) == ("yes", "Yes, it does.")
    assert (first.created_at, first.encounter.duration_seconds) == (when, 12.5)
    assert first.judgement.note == "see table 2"
    assert (second.old_label, second.old_answer) == ("no", "No, it does not.")
    cur = filled.cursor()
    assert list_annotations(cur, "q-1", EVERYTHING) == [first, second]
    assert _standing(filled, "q-1") == {ann: second}
    assert get_gold(cur, "q-1", EVERYTHING) == GoldLabel("q-1", "maybe", "agreed")


def test_the_same_annotation_again_changes_nothing(filled: Database) -> None:
    for _ in range(2):
        annotate(filled, "Ann", "q-1", "no", annotation_id="a-1")
    assert len(list_annotations(filled.cursor(), "q-1", EVERYTHING)) == 1
    with pytest.raises(InvalidAnnotationError, match="belongs to item 'q-1'"):
        annotate(filled, "Ann", "q-2", "no", annotation_id="a-1")


def test_undo_brings_back_what_the_reviewer_said_before(filled: Database) -> None:
    ann = _reviewer(filled, "Ann")
    annotate(filled, "Ann", "q-1", "no", annotation_id="a-1")
    annotate(filled, "Ann", "q-1", "maybe", annotation_id="a-2")
    with filled.transaction() as cur:
        undone = retract_annotation(cur, annotation_id="u-1", item_id="q-1", reviewer_id=ann)
        again = retract_annotation(cur, annotation_id="u-1", item_id="q-1", reviewer_id=ann)
    assert undone == again
    assert (undone.action, undone.retracted_annotation_id) == ("retract", "a-2")
    assert _standing(filled, "q-1")[ann].annotation_id == "a-1"
    with filled.transaction() as cur:
        retract_annotation(cur, annotation_id="u-2", item_id="q-1", reviewer_id=ann)
    assert _standing(filled, "q-1") == {}
    assert get_gold(filled.cursor(), "q-1", EVERYTHING) == GoldLabel("q-1", "yes", "imported")
    assert len(list_annotations(filled.cursor(), "q-1", EVERYTHING)) == 4
    with pytest.raises(NothingToRetractError, match="nothing to undo"):
        retract_annotation(filled.cursor(), annotation_id="u-3", item_id="q-1", reviewer_id=ann)


def test_reviewers_who_differ_leave_the_imported_label_standing(filled: Database) -> None:
    annotate(filled, "Ann", "q-1", "no")
    annotate(filled, "Bob", "q-1", "maybe")
    assert get_gold(filled.cursor(), "q-1", EVERYTHING) == GoldLabel(
        "q-1", "yes", "imported", conflicting=True
    )
    assert _shown(filled, show="conflicting") == ["q-1"]
    annotate(filled, "Ann", "q-1", "maybe")
    assert get_gold(filled.cursor(), "q-1", EVERYTHING) == GoldLabel("q-1", "maybe", "agreed")


def test_wrong_labels_and_unknown_ids_are_refused(filled: Database) -> None:
    with pytest.raises(InvalidLabelError, match=r"'perhaps' .* choose one of \['yes', 'no'"):
        annotate(filled, "Ann", "q-1", "perhaps")
    with pytest.raises(ItemNotFoundError, match="'q-99'"):
        annotate(filled, "Ann", "q-99", "yes")
    with pytest.raises(ReviewerNotFoundError):
        add_annotation(
            filled.cursor(), Judgement(("no",)), Encounter(), annotation_id="a", item_id="q-1",
            reviewer_id="nobody",
        )  # fmt: skip
    assert list_annotations(filled.cursor(), "q-1", EVERYTHING) == []


def test_each_filter_shows_what_it_says(filled: Database) -> None:
    assert _shown(filled) == ["q-1", "q-2", "q-3", "q-4", "q-5", "v-1"]
    assert _shown(filled, show="text_wrong") == ["q-2", "q-3"]
    assert _shown(filled, show="head_wrong") == ["q-2"]
    assert _shown(filled, show="text_head_differ") == []
    assert _shown(filled, show="no_label") == ["q-3"]
    assert _shown(filled, gold_label="B") == ["v-1"]
    assert _shown(filled, source="medqa") == ["v-1"]
    assert _shown(filled, answer_label="yes") == ["q-1"]
    assert _shown(filled, head_label="no", split="test") == ["q-2"]
    assert _shown(filled, answer_form="absent") == ["q-3"]
    assert _shown(filled, only_predicted=True) == ["q-1", "q-2", "q-3", "q-4", "v-1"]


def test_reviewed_means_by_me_where_a_reviewer_is_given(filled: Database) -> None:
    annotate(filled, "Ann", "q-1", "no")
    ann, bob = _reviewer(filled, "Ann"), _reviewer(filled, "Bob")
    assert _shown(filled, show="reviewed") == ["q-1"]
    assert _shown(filled, show="reviewed", reviewer_id=ann) == ["q-1"]
    assert _shown(filled, show="reviewed", reviewer_id=bob) == []
    assert len(_shown(filled, show="unreviewed", reviewer_id=bob)) == 6
    (row,) = get_rows(filled.cursor(), ["q-1"], EVERYTHING, run_id="run-1", reviewer_id=ann)
    assert (row.my_label, row.num_annotations, row.gold_label) == ("no", 1, "no")


def test_search_finds_words_in_any_order_and_takes_signs_as_spaces(filled: Database) -> None:
    assert _shown(filled, search="Q-1 DRUG help") == ["q-1"]
    assert _shown(filled, search="it helped")[:2] == ["q-1", "q-2"]
    assert _shown(filled, search="100%") == ["q-4"]
    assert _shown(filled, search="Yes_No 100") == ["q-4"]
    assert _shown(filled, search="%") == []  # no word to find
    assert _shown(filled, search="'; drop table item; --") == []


def test_equal_confidences_and_both_orders_end_in_the_order_of_ids(filled: Database) -> None:
    flt = ReviewFilter(run_id="run-1")
    for order, expected in (
        ("item_id", ["q-1", "q-2", "q-3", "q-4", "q-5", "v-1"]),
        ("confidence", ["q-1", "q-2", "q-3", "q-4", "q-5", "v-1"]),
    ):
        assert list_item_ids(filled.cursor(), flt, EVERYTHING, order) == expected


def test_least_confident_items_come_first(filled: Database) -> None:
    with filled.transaction() as cur:
        add_run(cur, make_run("run-2"))
        rows = [("q-3", 0.9), ("q-2", 0.5), ("q-5", 0.7)]
        add_predictions(
            cur,
            [
                make_prediction(
                    item_id, "run-2", head_label="yes", head_probabilities=(top, 1 - top, 0.0)
                )
                for item_id, top in rows
            ],
        )
    flt = ReviewFilter(run_id="run-2")
    ids = list_item_ids(filled.cursor(), flt, EVERYTHING, "confidence")
    assert ids == ["q-2", "q-5", "q-3", "q-1", "q-4", "v-1"]


def test_a_reading_fills_in_for_runs_that_did_not_read_their_answers(filled: Database) -> None:
    cur = filled.cursor()

    def unread(reader_version: str) -> set[str]:
        tables = find_unread(cur, reader_version)
        return {answer.item_id for table in tables for answer in unread_answers(table)}

    assert unread("1") == {"q-1", "q-2", "q-4", "v-1"}
    reading = AnswerReading("run-1", "q-4", "maybe", "embedded", 5, 8, True, "1")
    assert add_readings(cur, reading_table([reading])) == 1
    assert _shown(filled, show="text_wrong") == ["q-2", "q-3", "q-4"]
    assert _shown(filled, answer_form="embedded", answer_label="maybe") == ["q-4"]
    assert "q-4" not in unread("1")
    assert "q-4" in unread("2")
    newer = AnswerReading("run-1", "q-4", "yes", "leading", 5, 8, True, "2")
    add_readings(cur, reading_table([newer]))
    assert _shown(filled, answer_label="yes") == ["q-1", "q-4"]


def test_many_reviewers_at_once_lose_nothing(filled: Database) -> None:
    names = [f"Reviewer {number}" for number in range(8)]
    reviewer_ids = [_reviewer(filled, name) for name in names]

    def work(name: str) -> None:
        for number in range(5):
            annotate(filled, name, "q-1", ("yes", "no")[number % 2], note=f"{number}")

    with ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(work, names))
    cur = filled.cursor()
    assert len(list_annotations(cur, "q-1", EVERYTHING)) == 40
    standing = _standing(filled, "q-1")
    assert {who: said.judgement.note for who, said in standing.items()} == dict.fromkeys(
        reviewer_ids, "4"
    )


def test_several_labels_or_none_with_a_reason_are_kept_and_make_no_agreed_label(
    filled: Database,
) -> None:
    verdicts = ("several_acceptable", "gold_wrong")
    both = annotate(filled, "Ann", "q-1", "maybe", "yes", verdicts=verdicts).judgement
    assert (both.label, both.labels) == (None, ("yes", "maybe"))
    assert both.verdicts == ("gold_wrong", "several_acceptable")
    assert get_gold(filled.cursor(), "q-1", EVERYTHING) == GoldLabel("q-1", "yes", "imported")
    annotate(filled, "Bob", "q-1", "maybe", "yes")
    assert not get_gold(filled.cursor(), "q-1", EVERYTHING).conflicting
    annotate(filled, "Bob", "q-1", "maybe")
    assert get_gold(filled.cursor(), "q-1", EVERYTHING).conflicting
    with pytest.raises(InvalidLabelError, match="was given no label"):
        annotate(filled, "Ann", "q-1")
    none = annotate(filled, "Ann", "q-1", verdicts=("unanswerable",)).judgement
    assert (none.label, none.labels) == (None, ())
    assert get_gold(filled.cursor(), "q-1", EVERYTHING).conflicting
    annotate(filled, "Bob", "q-1", verdicts=("information_missing",))
    assert get_gold(filled.cursor(), "q-1", EVERYTHING) == GoldLabel("q-1", "yes", "imported")


def test_everything_a_reviewer_says_comes_back_and_nonsense_is_refused(filled: Database) -> None:
    ann = _reviewer(filled, "Ann")
    judgement = Judgement(
        labels=("no",),
        answer="No.",
        severity="severe",
        confidence="low",
        span=Span("corrected", 0, 3),
        is_flagged=True,
    )
    encounter = Encounter(
        is_fast=True,
        phase="blind",
        presentation="recheck",
        queue_id="a-queue",
        guideline_version="2",
        client_at=datetime(2026, 5, 1, 12, tzinfo=UTC),
    )
    with filled.transaction() as cur:
        stored = add_annotation(
            cur, judgement, encounter, annotation_id="e-1", item_id="q-1", reviewer_id=ann
        )
    assert (stored.judgement, stored.encounter) == (judgement, encounter)
    for wrong in ({"severity": "huge"}, {"confidence": "0.9"}, {"verdicts": ("bad",)}):
        with pytest.raises(InvalidAnnotationError, match="is not known"):
            replace(judgement, **wrong)  # type: ignore[arg-type]
    with pytest.raises(InvalidAnnotationError, match="The phase 'single' is not known"):
        replace(encounter, phase="single")  # type: ignore[arg-type]
    with pytest.raises(InvalidAnnotationError, match="span from 3 to 3"):
        replace(judgement, span=Span("corrected", 3, 3))
    with pytest.raises(InvalidAnnotationError, match="duration -1 s"):
        replace(encounter, duration_seconds=-1)


def _save(
    database: Database, who: str, label: str, annotation_id: str, replaces: str | None
) -> Annotation:
    """Store a label as a screen does: with the annotation that it shows as standing."""
    with database.transaction() as cur:
        shown = on_screen(cur, who, get_item(cur, "q-1", EVERYTHING), replaces)
        stored = add_annotation(
            cur, Judgement((label,)), Encounter(), annotation_id=annotation_id,
            item_id="q-1", reviewer_id=who, on_screen=shown,
        )  # fmt: skip
    assert stored.old_answer == "As shown."
    return stored


@pytest.mark.parametrize("replaces", [None, "a-0", "b-1"])
def test_a_save_replaces_nothing_but_what_was_on_screen(
    filled: Database, replaces: str | None
) -> None:
    ann, bob = _reviewer(filled, "Ann"), _reviewer(filled, "Bob")
    _save(filled, ann, "no", "a-0", None)
    _save(filled, bob, "no", "b-1", None)
    _save(filled, ann, "maybe", "a-1", "a-0")
    with pytest.raises(AnnotationConflictError, match=r"now it is \['maybe'\]") as caught:
        _save(filled, ann, "yes", "a-2", replaces)
    assert (caught.value.annotation_id, caught.value.labels) == ("a-1", ("maybe",))
    assert _standing(filled, "q-1")[ann].annotation_id == "a-1"
    assert _save(filled, ann, "yes", "a-3", "a-1").judgement.label == "yes"


def test_a_press_sent_twice_is_stored_once_and_its_id_is_for_no_other(filled: Database) -> None:
    ann = _reviewer(filled, "Ann")
    first = _save(filled, ann, "no", "a-0", None)
    assert _save(filled, ann, "no", "a-0", None) == first
    assert len(list_annotations(filled.cursor(), "q-1", EVERYTHING)) == 1
    with pytest.raises(InvalidAnnotationError, match="'a-0' belongs to"):
        _save(filled, ann, "yes", "a-0", None)
    assert _standing(filled, "q-1")[ann].judgement.label == "no"
    _save(filled, ann, "yes", "a-1", "a-0")
    assert _save(filled, ann, "no", "a-0", None) == first  # sent late once more


def test_undo_retracts_the_annotation_that_is_meant_or_nothing(filled: Database) -> None:
    ann = _reviewer(filled, "Ann")
    _save(filled, ann, "no", "a-0", None)
    _save(filled, ann, "yes", "a-1", "a-0")

    def undo(meant: str) -> Annotation:
        with filled.transaction() as cur:
            return retract_annotation(
                cur, annotation_id=f"undo-{meant}", item_id="q-1", reviewer_id=ann, retracts=meant
            )

    with pytest.raises(AnnotationConflictError, match="was changed since"):
        undo("a-0")
    assert undo("a-1") == undo("a-1")
    assert _standing(filled, "q-1")[ann].annotation_id == "a-0"
    undo("a-0")
    with pytest.raises(NothingToRetractError):
        undo("a-2")


def test_what_was_said_blind_stays_beside_what_was_said_after_the_reveal(filled: Database) -> None:
    ann = _reviewer(filled, "Ann")
    for phase, label in (("blind", "no"), ("revealed", "yes")):
        annotate(filled, "Ann", "q-1", label, phase=phase)
    query = "select phase, label from phase_annotation where item_id = 'q-1' order by all"
    assert filled.cursor().execute(query).fetchall() == [("blind", "no"), ("revealed", "yes")]
    assert _standing(filled, "q-1")[ann].encounter.phase == "revealed"
