"""The items behind a count: the same ones that were counted."""

from __future__ import annotations

from dataclasses import replace

import pytest
from duckdb import DuckDBPyConnection
from hypothesis import given
from hypothesis import strategies as st

from db.connection import Database
from db.content.items import add_items
from db.content.predictions import add_predictions
from db.content.runs import add_run
from db.errors import InvalidSliceError
from db.outcomes.counts import count_annotators, count_joint, measure_review_time
from db.outcomes.item_lists import (
    Scope,
    count_items,
    list_item_ids,
    list_items,
    list_labels,
    list_scopes,
)
from db.outcomes.scored_runs import refresh, refresh_annotations
from db.outcomes.selection import DIMENSIONS, NO_LABEL, PAIR_OUTCOMES, OutcomeFilter, Selection
from db.outcomes.slices import count_right, count_slices, drop_slice, list_slices, save_slice
from db.people.reviewers import add_reviewer
from db.viewer import EVERYTHING
from tests.support.annotations import annotate
from tests.support.records import (
    make_answer,
    make_item,
    make_options_item,
    make_prediction,
    make_run,
)

ALL = OutcomeFilter(EVERYTHING, "run-1", "imported", "pubmedqa")

# Item, gold, label in the text, label of the head, how text and head fare together.
CASES = (
    ("q-1", "yes", "yes", "yes", "both_right"),
    ("q-2", "yes", "yes", "no", "text_right"),
    ("q-3", "yes", "no", "yes", "head_right"),
    ("q-4", "yes", None, "yes", "head_rescued"),
    ("q-5", "yes", "no", "no", "both_wrong_alike"),
    ("q-6", "no", "yes", "maybe", "both_wrong_differently"),
    ("q-7", "no", None, "maybe", "wrong_and_absent"),
)


@pytest.fixture
def filled(database: Database) -> Database:
    """Return one item for each way in which text and head can fare, and one without a head."""
    probabilities = {"yes": (0.6, 0.3, 0.1), "no": (0.3, 0.6, 0.1), "maybe": (0.1, 0.3, 0.6)}
    items = [make_item(item_id, gold_label=gold) for item_id, gold, *_ in CASES]
    predictions = [
        make_answer(
            item_id, "An answer.", text, head_label=head, head_probabilities=probabilities[head]
        )
        for item_id, _, text, head, _ in CASES
    ]
    with database.transaction() as cur:
        add_items(cur, [*items, make_item("q-8", split="train", source="other")], origin="items")
        add_run(cur, make_run())
        add_predictions(
            cur,
            [
                *predictions,
                make_prediction("q-8", answer="Yes.", answer_label="yes", answer_form="bare"),
            ],
        )
    return database


def counted(database: Database) -> DuckDBPyConnection:
    """Return a cursor after bringing what is counted up to date."""
    cur = database.cursor()
    refresh(cur, ["run-1"])
    return cur


def found_ids(cur: DuckDBPyConnection, **conditions: object) -> list[str]:
    return list_item_ids(cur, ALL.also(Selection(**conditions)))  # type: ignore[arg-type]


def test_every_way_text_and_head_can_fare_is_found(filled: Database) -> None:
    cur = counted(filled)
    for item_id, *_, outcome in CASES:
        assert found_ids(cur, pair_outcome=outcome) == [item_id]


def test_the_items_of_a_cell_are_as_many_as_the_cell_counts(filled: Database) -> None:
    cur = counted(filled)
    cells = count_joint(cur, ALL)
    assert sum(cell.count for cell in cells) == 8
    for cell in cells:
        if cell.head is None:
            continue
        flt = ALL.also(
            Selection(
                gold_label=cell.gold,
                text_label=NO_LABEL if cell.text is None else cell.text,
                head_label=cell.head,
            )
        )
        assert count_items(cur, flt) == len(list_items(cur, flt)) == cell.count


def test_source_split_and_slices_limit_the_items(filled: Database) -> None:
    cur = counted(filled)
    assert found_ids(cur, source="other", split="train") == ["q-8"]
    assert found_ids(cur, split="dev") == []
    assert len(found_ids(cur, slices=(("mesh", "Humans"), ("year_range", "2010 to 2014")))) == 8
    assert found_ids(cur, slices=(("text_form", "bare"),)) == ["q-8"]
    assert found_ids(cur, slices=(("mesh", "Humans' or true --"),)) == []


def test_confidence_and_being_right_limit_the_items(filled: Database) -> None:
    cur = counted(filled)
    assert found_ids(cur, head_is_right=True) == ["q-1", "q-3", "q-4"]
    assert found_ids(cur, head_is_right=False, confidence_from=0.6) == ["q-2", "q-5", "q-6", "q-7"]
    assert found_ids(cur, confidence_below=0.6) == []


def test_what_reviewers_say_limits_the_items(filled: Database) -> None:
    with filled.transaction() as cur:
        annotate(cur, "Ada", "q-1", "no")
        annotate(cur, "Ada", "q-2", "yes")
    cur = counted(filled)
    refresh_annotations(cur)
    assert found_ids(cur, reviewer_label="no") == ["q-1"]
    assert found_ids(cur, reviewer_label=NO_LABEL) == []
    cells = {(cell.gold, cell.label): cell.count for cell in count_annotators(cur, ALL)}
    assert cells == {("yes", "no"): 1, ("yes", "yes"): 1}
    assert measure_review_time(cur).num_annotations == 0


def test_pages_follow_each_other_without_gap(filled: Database) -> None:
    cur = counted(filled)
    pages = [list_items(cur, ALL, limit=3, offset=offset) for offset in (0, 3, 6)]
    assert [row.item_id for page in pages for row in page] == [f"q-{n}" for n in range(1, 9)]
    assert all(row.question for page in pages for row in page)


def test_a_correction_is_counted_against_the_label_of_record_only(filled: Database) -> None:
    assert len(found_ids(counted(filled), pair_outcome="both_right")) == 1
    annotate(filled, "Ada", "q-5", "no")
    cur = counted(filled)
    right = Selection(pair_outcome="both_right")
    assert list_item_ids(cur, ALL.also(right)) == ["q-1"]
    assert list_item_ids(cur, replace(ALL, gold="record").also(right)) == ["q-1", "q-5"]


def test_what_is_counted_follows_the_data(filled: Database) -> None:
    cur = counted(filled)
    before = refresh(cur, ["run-1"])
    assert refresh(cur, ["run-1"]) == before
    with filled.transaction() as writing:
        add_items(writing, [make_item("q-9", gold_label="maybe")], origin="items")
        add_predictions(
            writing,
            [make_prediction("q-9", answer="Maybe.", answer_label="maybe", answer_form="bare")],
        )
    assert refresh(cur, ["run-1"]) != before
    assert found_ids(cur, gold_label="maybe") == ["q-9"]
    with filled.transaction() as writing:
        for number in range(1, 10):
            annotate(writing, "Ada", f"q-{number}", "maybe")
        annotate(writing, "Ada", "q-1", "yes")
    refresh(cur, ["run-1"])
    record = replace(ALL, gold="record")
    assert count_items(cur, record.also(Selection(gold_label="maybe"))) == 8
    assert count_items(cur, record.also(Selection(gold_label="yes"))) == 1


def test_many_corrections_at_once_are_followed_too(filled: Database) -> None:
    with filled.transaction() as writing:
        add_items(writing, [make_item(f"m-{n}") for n in range(60)], origin="items")
        add_predictions(
            writing,
            [
                make_prediction(f"m-{n}", answer="Yes.", answer_label="yes", answer_form="bare")
                for n in range(60)
            ],
        )
    cur = counted(filled)
    with filled.transaction() as writing:
        for n in range(60):
            annotate(writing, "Ada", f"m-{n}", "no")
    refresh(cur, ["run-1"])
    record = replace(ALL, gold="record").also(Selection(gold_label="no"))
    assert count_items(cur, record) == 62


def test_a_run_says_what_it_covers(filled: Database) -> None:
    assert list_scopes(counted(filled), "run-1") == [
        Scope("pubmedqa", "other", "train", 1),
        Scope("pubmedqa", "pubmedqa", "test", 7),
    ]


def test_labels_come_in_the_order_of_the_items(filled: Database) -> None:
    with filled.transaction() as cur:
        add_items(cur, [make_options_item()], origin="items")
    cur = counted(filled)
    assert list_labels(cur, "pubmedqa") == ["yes", "no", "maybe"]
    assert list_labels(cur, "options") == ["A", "B", "C", "D"]
    assert list_labels(cur, "unheard-of") == []


def test_slices_are_counted_as_by_hand(filled: Database) -> None:
    cur = counted(filled)
    assert count_right(cur, ALL, "head") == (7, 3)
    assert count_right(cur, ALL, "text") == (8, 3)
    counts = {(c.dimension, c.value): (c.n, c.num_right) for c in count_slices(cur, ALL, "text", 1)}
    assert counts["split", "test"] == (7, 2)
    assert counts["source", "other"] == (1, 1)
    assert counts["mesh", "Humans"] == (8, 3)
    assert counts["year_range", "2010 to 2014"] == (8, 3)
    assert counts["question_type", "does"] == (8, 3)
    assert counts["num_options", "3"] == (8, 3)
    assert counts["text_form", "stated"] == (5, 2)
    assert counts["hedging", "without hedging words"] == (8, 3)
    assert ("step", "step1") not in counts
    assert {c.n for c in count_slices(cur, ALL, "head", 7)} == {7}


def test_a_slice_is_kept_by_name_until_it_is_dropped(filled: Database) -> None:
    chosen = Selection(gold_label="maybe", slices=(("mesh", "Aged, 80 and over"),))
    with filled.transaction() as cur:
        ann = add_reviewer(cur, "Ann").reviewer_id
        save_slice(cur, "  hard   ones ", Selection(gold_label="no"), saved_by=ann)
        save_slice(cur, "hard ones", chosen, saved_by=ann)
        save_slice(cur, "others", Selection(split="dev"), saved_by=ann)
    assert [(one.name, one.selection) for one in list_slices(filled.cursor())] == [
        ("hard ones", chosen),
        ("others", Selection(split="dev")),
    ]
    with filled.transaction() as cur:
        drop_slice(cur, "hard ones", saved_by=ann)
    assert [one.name for one in list_slices(filled.cursor())] == ["others"]


@pytest.mark.parametrize(
    ("name", "selection", "message"),
    [
        (" ", Selection(split="dev"), "1 to 80 are allowed"),
        ("x" * 81, Selection(split="dev"), "1 to 80 are allowed"),
        ("all", Selection(), "it has no condition"),
    ],
)
def test_a_slice_without_name_or_condition_is_refused(
    database: Database, name: str, selection: Selection, message: str
) -> None:
    ann = add_reviewer(database.cursor(), "Ann").reviewer_id
    with pytest.raises(InvalidSliceError, match=message):
        save_slice(database.cursor(), name, selection, saved_by=ann)


@given(
    st.builds(
        Selection,
        source=st.none() | st.text(),
        text_label=st.none() | st.text(),
        pair_outcome=st.none() | st.sampled_from(PAIR_OUTCOMES),
        slices=st.lists(st.tuples(st.sampled_from(DIMENSIONS), st.text())).map(tuple),
        head_is_right=st.none() | st.booleans(),
        confidence_from=st.none() | st.floats(0, 1),
    )
)
def test_a_selection_comes_back_from_json(selection: Selection) -> None:
    assert Selection.from_json(selection.to_json()) == selection


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "[1]",
        '{"source": 3, "slices": [["nowhere", "x"], ["mesh", 4], "mesh"], "pair_outcome": "best"}',
        '{"unknown": "drop table item"}',
    ],
)
def test_conditions_that_make_no_sense_are_left_out(text: str) -> None:
    assert Selection.from_json(text).is_empty
