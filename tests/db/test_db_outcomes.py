"""Counts made in DuckDB agree with scikit-learn and with counting by hand."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix

from db.adjudications import add_adjudication
from db.annotations import add_annotation
from db.connection import Database
from db.errors import DuplicateRunError, TrainingRunNotFoundError
from db.items import add_items
from db.outcomes import (
    Bin,
    Cell,
    PairedOutcome,
    RunSummary,
    answer_forms,
    compare_runs,
    confusion,
    reliability_bins,
    summarise_runs,
)
from db.predictions import add_predictions
from db.records import GoldLabel, Item, Prediction, Run, TrainingRun
from db.reviewers import add_reviewer
from db.runs import add_run
from db.training_runs import add_training_run, add_training_state, list_training_runs
from db.values import utc_now

LABELS = ("yes", "no", "maybe")


@pytest.fixture
def predicted(
    database: Database,
    make_item: Callable[..., Item],
    make_run: Callable[..., Run],
    make_prediction: Callable[..., Prediction],
) -> tuple[Database, list[Item], list[Prediction]]:
    """Give 300 items with one run of random text labels and random head probabilities."""
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


def _matrix(cells: list[Cell], labels: tuple[str | None, ...]) -> list[list[int]]:
    counts = {(cell.gold, cell.predicted): cell.count for cell in cells}
    return [[counts.get((gold, label), 0) for label in labels] for gold in LABELS]


def test_confusion_agrees_with_scikit_learn(
    predicted: tuple[Database, list[Item], list[Prediction]],
) -> None:
    database, items, predictions = predicted
    gold = [item.gold_label for item in items]
    cur = database.cursor()
    head = confusion(cur, "run-1", "head", "imported", "pubmedqa", split="test")
    expected = confusion_matrix(gold, [p.head_label for p in predictions], labels=list(LABELS))
    assert _matrix(head, LABELS) == expected.tolist()
    text = confusion(cur, "run-1", "text", "record", "pubmedqa", source="pubmedqa")
    read = [p.answer_label or "none" for p in predictions]
    expected = confusion_matrix(gold, read, labels=[*LABELS, "none"])
    assert _matrix(text, (*LABELS, None)) == expected[:3].tolist()
    assert confusion(cur, "run-1", "text", "record", "options") == []


def test_reliability_bins_agree_with_numpy(
    predicted: tuple[Database, list[Item], list[Prediction]],
) -> None:
    database, items, predictions = predicted
    bins = reliability_bins(database.cursor(), "run-1", "imported", "pubmedqa")
    confidences = np.array([max(p.head_probabilities or ()) for p in predictions])
    right = np.array(
        [p.head_label == i.gold_label for p, i in zip(predictions, items, strict=True)]
    )
    places = np.minimum(np.floor(confidences * 15), 14).astype(int)
    for place, found in zip(np.unique(places), bins, strict=True):
        inside = places == place
        assert found == Bin(
            place / 15,
            (place + 1) / 15,
            int(inside.sum()),
            pytest.approx(confidences[inside].mean(), abs=1e-9),
            pytest.approx(right[inside].mean(), abs=1e-9),
        )


def test_a_certain_prediction_falls_into_the_last_bin(
    database: Database,
    make_item: Callable[..., Item],
    make_run: Callable[..., Run],
    make_prediction: Callable[..., Prediction],
) -> None:
    with database.transaction() as cur:
        add_items(cur, [make_item()], origin="items")
        add_run(cur, make_run())
        sure = make_prediction(head_label="yes", head_probabilities=(1.0, 0.0, 0.0))
        add_predictions(cur, [sure])
    bins = reliability_bins(database.cursor(), "run-1", "record", "pubmedqa", num_bins=10)
    assert bins == [Bin(0.9, 1.0, 1, 1.0, 1.0)]


def test_summary_counts_what_was_right(
    predicted: tuple[Database, list[Item], list[Prediction]],
) -> None:
    database, items, predictions = predicted
    gold = [item.gold_label for item in items]
    (summary,) = summarise_runs(database.cursor(), "record")
    assert summary == RunSummary(
        run_id="run-1",
        label_set="pubmedqa",
        n=300,
        num_text=300,
        text_correct=sum(p.answer_label == g for p, g in zip(predictions, gold, strict=True)),
        num_unreadable=sum(p.answer_label is None for p in predictions),
        num_head=300,
        head_correct=round(300 * accuracy_score(gold, [p.head_label for p in predictions])),
    )
    assert summarise_runs(database.cursor(), "record", split="train") == []
    forms = answer_forms(database.cursor(), "run-1")
    assert forms == {
        "absent": summary.num_unreadable,
        "stated": 300 - summary.num_unreadable,
    }


def test_comparing_runs_names_what_was_fixed_and_broken(
    database: Database,
    make_item: Callable[..., Item],
    make_run: Callable[..., Run],
    make_prediction: Callable[..., Prediction],
) -> None:
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
    compared = compare_runs(database.cursor(), "a", "b", "text", "record", "test")
    assert compared == [
        PairedOutcome(item_id, make_item(item_id).question, "yes", label_a, label_b, outcome)  # type: ignore[arg-type]
        for item_id, (label_a, label_b, outcome) in pairs.items()
    ]
    assert compare_runs(database.cursor(), "a", "b", "head", "record") == []


def test_a_correction_changes_the_record_but_not_the_imported_label(
    database: Database,
    make_item: Callable[..., Item],
    make_run: Callable[..., Run],
    make_prediction: Callable[..., Prediction],
) -> None:
    with database.transaction() as cur:
        add_items(cur, [make_item()], origin="items")
        add_run(cur, make_run())
        add_predictions(cur, [make_prediction()])
        ann = add_reviewer(cur, "Ann").reviewer_id
        add_annotation(cur, annotation_id="a", item_id="q-1", reviewer_id=ann, label="no")
    cur = database.cursor()
    assert [summary.text_correct for summary in summarise_runs(cur, "imported")] == [1]
    assert [summary.text_correct for summary in summarise_runs(cur, "record")] == [0]
    assert confusion(cur, "run-1", "text", "record", "pubmedqa") == [Cell("no", "yes", 1)]


def test_an_adjudication_outranks_annotations_and_the_latest_one_stands(
    database: Database, make_item: Callable[..., Item]
) -> None:
    with database.transaction() as cur:
        add_items(cur, [make_item()], origin="items")
        for name, label in (("Ann", "no"), ("Bob", "maybe")):
            reviewer_id = add_reviewer(cur, name).reviewer_id
            add_annotation(
                cur, annotation_id=name, item_id="q-1", reviewer_id=reviewer_id, label=label
            )
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
