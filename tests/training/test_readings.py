"""Answers that come without a label are read once, by the labels of their own item."""

from __future__ import annotations

from dataclasses import replace

import pytest

from db.content.items import add_items
from db.content.label_sets import add_label_set
from db.content.predictions import add_predictions, find_prediction
from db.content.runs import add_run
from db.people.sign_in import add_person
from db.records import LabelSet, Prediction, SetLabel
from db.viewer import EVERYTHING
from tests.support.records import make_item, make_options_item, make_run
from tests.support.stores import open_store
from training.evaluation.readings import read_new_answers


@pytest.fixture
def database(tmp_path):
    opened = open_store(tmp_path / "review.duckdb")
    items = [make_item("q-1"), make_options_item("q-2", "AB"), make_item("q-3")]
    with opened.transaction() as cur:
        add_items(cur, items, origin="items")
        add_run(cur, make_run("r"))
        add_predictions(
            cur,
            [
                Prediction("r", "q-1", "Weighing it all up. Final answer: no.", None),
                Prediction("r", "q-2", "B", "A"),
                Prediction("r", "q-3", "Yes.", "yes", "bare", 0, 3),
            ],
        )
    yield opened
    opened.close()


def test_labels_and_forms_are_read_and_what_a_run_says_stands(database):
    assert read_new_answers(database) == 2
    cur = database.cursor()
    rows = cur.execute(
        "select item_id, text_label, text_form from read_prediction order by item_id"
    ).fetchall()
    assert rows == [("q-1", "no", "stated"), ("q-2", "A", "bare"), ("q-3", "yes", "bare")]
    assert find_prediction(cur, "r", "q-1", EVERYTHING) is not None


def test_a_second_time_there_is_nothing_to_read(database):
    read_new_answers(database)
    assert read_new_answers(database) == 0


@pytest.mark.parametrize(
    ("answer", "own_label", "expected"),
    [
        ("Thus the answer is:\n\n(B) no", "no", ("no", "stated")),
        ("B", "no", ("no", "bare")),
        # Which letter stood for which label is not known where the run's makers say otherwise.
        ("B", "yes", ("yes", "absent")),
        ("B", None, ("no", "inferred")),
        ("B) no", None, ("no", "bare")),
    ],
)
def test_letters_count_where_they_agree_with_the_label_of_the_run(
    database, answer, own_label, expected
):
    with database.transaction() as cur:
        add_run(cur, make_run("l"))
        add_predictions(cur, [Prediction("l", "q-1", answer, own_label)])
    read_new_answers(database)
    row = (
        database.cursor()
        .execute("select text_label, text_form from read_prediction where run_id = 'l'")
        .fetchone()
    )
    assert row == expected


def test_words_of_a_label_set_are_read_and_new_ones_are_read_again(database):
    labels = (
        SetLabel("grade 1", "G1", synonyms=("mild",), codes=("A",)),
        SetLabel("grade 2", codes=("B",)),
        SetLabel("grade 3", codes=("C",)),
    )
    answers = {
        "g-1": ("Final answer: B", "grade 2"),
        "g-2": ("The answer is mild.", "grade 1"),
        "g-3": ("grade 3", "grade 3"),
        "g-4": ("The answer is severe.", None),
    }
    names = tuple(label.name for label in labels)
    with database.transaction() as cur:
        chief = add_person(cur, "Chief", role="admin").reviewer_id
        add_label_set(cur, LabelSet("ctcae", labels), reviewer_id=chief)
        items = [
            make_item(item_id, label_set="ctcae", labels=names, gold_label=None)
            for item_id in answers
        ]
        add_items(cur, items, origin="items")
        add_predictions(cur, [Prediction("r", i, text, None) for i, (text, _) in answers.items()])
    read_new_answers(database)
    assert _labels(database) == {item_id: label for item_id, (_, label) in answers.items()}

    with database.transaction() as cur:
        severe = (*labels[:2], replace(labels[2], synonyms=("severe",)))
        add_label_set(cur, LabelSet("ctcae", severe), reviewer_id=chief)
    assert read_new_answers(database) == 4
    assert _labels(database)["g-4"] == "grade 3"


def _labels(database):
    query = "select item_id, text_label from read_prediction where item_id like 'g-%'"
    return dict(database.cursor().execute(query).fetchall())
