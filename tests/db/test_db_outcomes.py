"""Counts made in DuckDB agree with scikit-learn and with counting by hand."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from duckdb import DuckDBPyConnection
from sklearn.metrics import accuracy_score, confusion_matrix

from db.connection import Database
from db.content.items import add_items
from db.content.predictions import add_predictions
from db.content.runs import add_run
from db.conversions import utc_now
from db.errors import DuplicateRunError, TrainingRunNotFoundError
from db.outcomes import scored_runs
from db.outcomes.counts import (
    Bin,
    RunSummary,
    count_bins,
    count_confidences,
    count_forms,
    count_joint,
    load_probabilities,
    summarise_runs,
)
from db.outcomes.item_lists import list_items_by_number
from db.outcomes.run_pairs import PairFilter, PairRow, count_pairs, list_pairs
from db.outcomes.selection import OutcomeFilter
from db.people.reviewers import add_reviewer
from db.records import GoldLabel, Item, Prediction, TrainingRun
from db.retraining.training_runs import add_training_run, add_training_state, list_training_runs
from db.review.adjudications import add_adjudication
from db.viewer import EVERYTHING
from tests.support.annotations import annotate
from tests.support.records import LABELS, make_item, make_prediction, make_run


@pytest.fixture
def predicted(database: Database) -> tuple[Database, list[Item], list[Prediction]]:
    """Return 300 items with one run of random text labels and random head probabilities."""
    chance = random.Random(7)  # noqa: S311 - test data
    items = [
        make_item(f"q-{number:03d}", gold_label=chance.choice(LABELS)) for number in range(300)
    ]
    predictions = []
    for item in items:
        weights = [chance.random() ** 3 for _ in LABELS]
        probabilities = tuple(weight / sum(weights) for weight in weights)
        text_label = chance.choice((*LABELS, None))
        predictions.append(
            make_prediction(
                item.item_id,
                answer_label=text_label,
                answer_form="absent" if text_label is None else "stated",
                head_label=LABELS[probabilities.index(max(probabilities))],
                head_probabilities=probabilities,
            )
        )
    with database.transaction() as cur:
        add_items(cur, items, origin="items")
        add_run(cur, make_run())
        add_predictions(cur, predictions)
    return database, items, predictions


def counted(database: Database, *run_ids: str) -> DuckDBPyConnection:
    """Return a cursor after bringing what is counted up to date."""
    cur = database.cursor()
    scored_runs.refresh(cur, run_ids or ("run-1",))
    return cur


def test_joint_counts_agree_with_scikit_learn(
    predicted: tuple[Database, list[Item], list[Prediction]],
) -> None:
    database, items, predictions = predicted
    gold = [item.gold_label for item in items]
    cells = count_joint(counted(database), OutcomeFilter(EVERYTHING, "run-1", "record", "pubmedqa"))
    heads = [p.head_label for p in predictions]
    texts = [p.answer_label or "none" for p in predictions]
    names = [*LABELS, "none"]
    found = np.zeros((2, 4, 4), dtype=int)
    for cell in cells:
        assert cell.has_text
        row = names.index(cell.gold)
        found[0, row, names.index(cell.text or "none")] += cell.count
        found[1, row, names.index(cell.head or "none")] += cell.count
    assert found[0].tolist() == confusion_matrix(gold, texts, labels=names).tolist()
    assert found[1].tolist() == confusion_matrix(gold, heads, labels=names).tolist()
    assert (
        count_joint(database.cursor(), OutcomeFilter(EVERYTHING, "run-1", "record", "options"))
        == []
    )


def test_bins_agree_with_numpy(
    predicted: tuple[Database, list[Item], list[Prediction]],
) -> None:
    database, items, predictions = predicted
    bins = count_bins(counted(database), OutcomeFilter(EVERYTHING, "run-1", "imported", "pubmedqa"))
    sure = np.array([max(p.head_probabilities or ()) for p in predictions])
    right = np.array(
        [p.head_label == i.gold_label for p, i in zip(predictions, items, strict=True)]
    )
    places = np.minimum(np.floor(sure * 15), 14).astype(int)
    for place, found in zip(np.unique(places), bins, strict=True):
        inside = places == place
        assert found == Bin(
            place / 15,
            (place + 1) / 15,
            int(inside.sum()),
            pytest.approx(sure[inside].mean(), abs=1e-9),
            pytest.approx(right[inside].mean(), abs=1e-9),
            pytest.approx(((right - sure)[inside] ** 2).sum(), abs=1e-9),
            pytest.approx((sure * (1 - sure))[inside].sum(), abs=1e-9),
        )


def test_probabilities_come_in_the_order_of_the_labels_asked_for(
    predicted: tuple[Database, list[Item], list[Prediction]],
) -> None:
    database, items, predictions = predicted
    flt = OutcomeFilter(EVERYTHING, "run-1", "imported", "pubmedqa")
    cur = counted(database)
    loaded = load_probabilities(cur, flt, ["maybe", "yes", "no", "unheard"])
    rows = list_items_by_number(cur, flt, loaded.item_nos.tolist())
    by_id = {p.item_id: p.head_probabilities or () for p in predictions}
    gold = {item.item_id: item.gold_label for item in items}
    assert len(rows) == 300
    for row, p, y in zip(rows, loaded.probabilities, loaded.y, strict=True):
        yes, no, maybe = by_id[row.item_id]
        assert p.tolist() == [maybe, yes, no, 0]
        assert ["maybe", "yes", "no"][y] == gold[row.item_id]
    sample = load_probabilities(cur, flt, LABELS, limit=40)
    again = load_probabilities(cur, flt, LABELS, limit=40)
    assert len(sample.y) == 40
    assert sample.item_nos.tolist() == again.item_nos.tolist()


def test_confidences_count_right_and_wrong_in_steps(
    predicted: tuple[Database, list[Item], list[Prediction]],
) -> None:
    database, items, predictions = predicted
    counts = count_confidences(
        counted(database), OutcomeFilter(EVERYTHING, "run-1", "imported", "pubmedqa")
    )
    threshold = 0.6
    above = [
        (p.head_label == i.gold_label)
        for p, i in zip(predictions, items, strict=True)
        if max(p.head_probabilities or ()) >= threshold
    ]
    found = [count for count in counts if count.low >= threshold]
    assert sum(count.count for count in found) == len(above)
    assert sum(count.count for count in found if count.is_right) == sum(above)


def test_a_certain_prediction_falls_into_the_last_bin(database: Database) -> None:
    with database.transaction() as cur:
        add_items(cur, [make_item()], origin="items")
        add_run(cur, make_run())
        sure = make_prediction(head_label="yes", head_probabilities=(1.0, 0.0, 0.0))
        add_predictions(cur, [sure])
    flt = OutcomeFilter(EVERYTHING, "run-1", "record", "pubmedqa")
    assert count_bins(counted(database), flt, num_bins=10) == [Bin(0.9, 1.0, 1, 1.0, 1.0, 0, 0)]


def test_summary_counts_what_was_right(
    predicted: tuple[Database, list[Item], list[Prediction]],
) -> None:
    database, items, predictions = predicted
    gold = [item.gold_label for item in items]
    (summary,) = summarise_runs(database.cursor(), EVERYTHING, "record")
    assert summary == RunSummary(
        run_id="run-1",
        label_set="pubmedqa",
        n=300,
        num_text=300,
        text_correct=sum(p.answer_label == g for p, g in zip(predictions, gold, strict=True)),
        num_head=300,
        head_correct=round(300 * accuracy_score(gold, [p.head_label for p in predictions])),
    )
    assert summarise_runs(database.cursor(), EVERYTHING, "record", split="train") == []
    forms = count_forms(counted(database), EVERYTHING, ["run-1"], "pubmedqa")
    num_unreadable = sum(p.answer_label is None for p in predictions)
    assert {count.form: count.count for count in forms} == {
        "absent": num_unreadable,
        "stated": 300 - num_unreadable,
    }


def test_tokens_past_the_label_are_the_share_of_the_characters(database: Database) -> None:
    with database.transaction() as cur:
        add_items(cur, [make_item("q-1"), make_item("q-2")], origin="items")
        add_run(cur, make_run())
        placed = {"answer_form": "leading", "answer_start": 0, "answer_end": 3}
        add_predictions(
            cur,
            [
                make_prediction("q-1", answer="Yes, it does.", answer_tokens=26, **placed),
                make_prediction("q-2", answer="Yes", **placed),
            ],
        )
    (count,) = count_forms(counted(database), EVERYTHING, ["run-1"], "pubmedqa")
    assert (count.count, count.num_placed, count.sum_characters_past) == (2, 2, 10)
    assert (count.num_tokens, count.sum_tokens) == (1, 26)
    assert count.sum_tokens_past == pytest.approx(26 * 10 / 13, abs=1e-9)


def test_pairs_of_runs_name_what_was_fixed_and_broken(database: Database) -> None:
    pairs = {
        "q-1": ("no", "yes", "fixed"),
        "q-2": ("yes", None, "broken"),
        "q-3": ("yes", "yes", "both_right"),
        "q-4": ("no", "maybe", "both_wrong"),
    }
    with database.transaction() as cur:
        add_items(cur, [make_item(item_id) for item_id in (*pairs, "q-5")], origin="items")
        add_run(cur, make_run("a"))
        add_run(cur, make_run("b"))
        add_predictions(cur, [make_prediction("q-5", "a")])
        for item_id, (label_a, label_b, _) in pairs.items():
            add_predictions(
                cur,
                [
                    make_prediction(item_id, "a", answer_label=label_a, answer_form="bare"),
                    make_prediction(item_id, "b", answer_label=label_b, answer_form="bare"),
                ],
            )
    cur = counted(database, "a", "b")
    flt = PairFilter(EVERYTHING, "a", "b", "text", "text", "record", "pubmedqa", split="test")
    assert list_pairs(cur, flt) == [
        PairRow(item_id, make_item(item_id).question, "yes", label_a, label_b, change)  # type: ignore[arg-type]
        for item_id, (label_a, label_b, change) in pairs.items()
    ]
    assert [row.item_id for row in list_pairs(cur, flt, "broken")] == ["q-2"]
    cells = {(cell.label_a, cell.label_b): cell.count for cell in count_pairs(cur, flt)}
    assert cells == {(a, b): 1 for a, b, _ in pairs.values()}
    assert count_pairs(cur, replace(flt, by_a="head", by_b="head")) == []
    assert count_pairs(cur, replace(flt, source="elsewhere")) == []


def test_a_correction_changes_the_record_but_not_the_imported_label(database: Database) -> None:
    with database.transaction() as cur:
        add_items(cur, [make_item()], origin="items")
        add_run(cur, make_run())
        add_predictions(cur, [make_prediction()])
    cur = database.cursor()
    assert [summary.text_correct for summary in summarise_runs(cur, EVERYTHING, "record")] == [1]
    annotate(database, "Ann", "q-1", "no")
    assert [summary.text_correct for summary in summarise_runs(cur, EVERYTHING, "imported")] == [1]
    assert [summary.text_correct for summary in summarise_runs(cur, EVERYTHING, "record")] == [0]


def test_an_adjudication_outranks_annotations_and_the_latest_one_stands(database: Database) -> None:
    with database.transaction() as cur:
        add_items(cur, [make_item()], origin="items")
        annotate(cur, "Ann", "q-1", "no")
        annotate(cur, "Bob", "q-1", "maybe")
        chief = add_reviewer(cur, "Chief", "adjudicator").reviewer_id
        for number, label in enumerate(("maybe", "no")):
            gold = add_adjudication(
                cur,
                adjudication_id=f"d-{number}",
                item_id="q-1",
                reviewer_id=chief,
                label=label,
            )
    assert gold == GoldLabel("q-1", "no", "adjudicated")


def test_training_runs_keep_their_latest_state(database: Database) -> None:
    run = TrainingRun("t-1", "smoke", "queued", {"seed": 1}, utc_now(), "Ann", "run-1")
    with database.transaction() as cur:
        add_training_run(cur, run)
        add_training_state(cur, "t-1", "running")
        add_training_state(cur, "t-1", "failed", "out of memory")
    (found,) = list_training_runs(database.cursor())
    assert (found.state, found.message, found.settings) == ("failed", "out of memory", {"seed": 1})
    assert found.created_at == run.created_at
    with pytest.raises(DuplicateRunError):
        add_training_run(database.cursor(), run)
    with pytest.raises(TrainingRunNotFoundError):
        add_training_state(database.cursor(), "t-2", "running")
