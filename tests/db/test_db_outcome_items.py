"""The items behind a count: the same ones that were counted."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from db.annotations import add_annotation
from db.connection import Database
from db.items import add_items
from db.outcome_items import (
    NO_LABEL,
    OutcomeFilter,
    Scope,
    count_items,
    count_pair_outcomes,
    count_text_forms,
    list_items,
    list_labels,
    list_scopes,
)
from db.outcomes import compare_runs, confusion, reliability_bins
from db.predictions import add_predictions
from db.records import Item, Prediction, Run
from db.reviewers import add_reviewer
from db.runs import add_run

ALL = OutcomeFilter("run-1", "imported", "pubmedqa")

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
def filled(
    database: Database, make_item: Callable[..., Item], make_run: Callable[..., Run]
) -> Database:
    """Give one item for each way in which text and head can fare, and one without a head."""
    probabilities = {"yes": (0.6, 0.3, 0.1), "no": (0.3, 0.6, 0.1), "maybe": (0.1, 0.3, 0.6)}
    items = [make_item(item_id, gold_label=gold) for item_id, gold, *_ in CASES]
    predictions = [
        Prediction(
            "run-1",
            item_id,
            "An answer.",
            text,
            "absent" if text is None else "stated",
            head_label=head,
            head_probabilities=probabilities[head],
        )
        for item_id, _, text, head, _ in CASES
    ]
    with database.transaction() as cur:
        add_items(cur, [*items, make_item("q-8", split="train", source="other")], origin="items")
        add_run(cur, make_run())
        add_predictions(cur, [*predictions, Prediction("run-1", "q-8", "Yes.", "yes", "bare")])
    return database


def test_every_way_text_and_head_can_fare_is_counted_once(filled: Database) -> None:
    cur = filled.cursor()
    counts = count_pair_outcomes(cur, ALL)
    assert counts == {outcome: 1 for *_, outcome in CASES}
    for item_id, *_, outcome in CASES:
        (row,) = list_items(
            cur, OutcomeFilter("run-1", "imported", "pubmedqa", pair_outcome=outcome)
        )
        assert row.item_id == item_id


def test_the_items_of_a_cell_are_as_many_as_the_cell_counts(filled: Database) -> None:
    cur = filled.cursor()
    for by in ("text", "head"):
        cells = confusion(cur, "run-1", by, "imported", "pubmedqa")
        assert sum(cell.count for cell in cells) == {"text": 8, "head": 7}[by]
        for cell in cells:
            label = NO_LABEL if cell.predicted is None else cell.predicted
            flt = OutcomeFilter(
                "run-1", "imported", "pubmedqa", gold_label=cell.gold, **{f"{by}_label": label}
            )
            assert count_items(cur, flt) == len(list_items(cur, flt)) == cell.count


def test_source_and_split_limit_the_items(filled: Database) -> None:
    cur = filled.cursor()
    assert [
        row.item_id
        for row in list_items(
            cur, OutcomeFilter("run-1", "imported", "pubmedqa", source="other", split="train")
        )
    ] == ["q-8"]
    assert count_items(cur, OutcomeFilter("run-1", "imported", "pubmedqa", split="dev")) == 0


def test_pages_follow_each_other_without_gap(filled: Database) -> None:
    cur = filled.cursor()
    pages = [list_items(cur, ALL, limit=3, offset=offset) for offset in (0, 3, 6)]
    assert [row.item_id for page in pages for row in page] == [f"q-{n}" for n in range(1, 9)]


def test_a_correction_changes_the_outcome_against_the_label_of_record_only(
    filled: Database,
) -> None:
    with filled.transaction() as cur:
        reviewer = add_reviewer(cur, "Ada")
        add_annotation(
            cur,
            annotation_id="e1",
            item_id="q-5",
            reviewer_id=reviewer.reviewer_id,
            label="no",
        )
    cur = filled.cursor()
    assert count_pair_outcomes(cur, ALL)["both_right"] == 1
    record = OutcomeFilter("run-1", "record", "pubmedqa")
    assert count_pair_outcomes(cur, record)["both_right"] == 2


def test_forms_are_counted_within_the_filter(filled: Database) -> None:
    cur = filled.cursor()
    assert count_text_forms(cur, ALL) == {"stated": 5, "absent": 2, "bare": 1}
    test_only = OutcomeFilter("run-1", "imported", "pubmedqa", split="test")
    assert count_text_forms(cur, test_only) == {"stated": 5, "absent": 2}


def test_a_run_says_what_it_covers(filled: Database) -> None:
    assert list_scopes(filled.cursor(), "run-1") == [
        Scope("pubmedqa", "other", "train", 1),
        Scope("pubmedqa", "pubmedqa", "test", 7),
    ]


def test_labels_come_in_the_order_of_the_items(
    filled: Database, make_options_item: Callable[..., Item]
) -> None:
    with filled.transaction() as cur:
        add_items(cur, [make_options_item()], origin="items")
    cur = filled.cursor()
    assert list_labels(cur, "pubmedqa") == ["yes", "no", "maybe"]
    assert list_labels(cur, "options") == ["A", "B", "C", "D"]
    assert list_labels(cur, "unheard-of") == []


def test_bins_and_pairs_can_be_limited_to_a_source_and_a_label_set(filled: Database) -> None:
    cur = filled.cursor()
    whole = reliability_bins(cur, "run-1", "imported", "pubmedqa", source="pubmedqa")
    assert sum(part.count for part in whole) == 7
    assert reliability_bins(cur, "run-1", "imported", "pubmedqa", source="other") == []
    pairs = compare_runs(cur, "run-1", "run-1", "text", "imported", label_set="pubmedqa")
    assert len(pairs) == 8
    assert compare_runs(cur, "run-1", "run-1", "text", "imported", label_set="options") == []
