"""Which answers of models count as accepted or rejected by people."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from db.connection import Database
from db.content.item_versions import correct_item, set_items_aside
from db.content.items import add_items
from db.content.predictions import add_predictions
from db.content.runs import add_run
from db.people.program_tokens import add_token
from db.people.reviewers import add_reviewer
from db.records import Annotation, Prediction
from db.retraining.judged_answers import list_judged_answers
from db.review.adjudications import add_adjudication
from db.review.bulk_actions import do_action
from db.review.item_list import ReviewFilter
from db.viewer import EVERYTHING, Viewer
from tests.support.annotations import annotate
from tests.support.records import make_drug_item, make_run


@pytest.fixture
def answered(database: Database) -> Database:
    """Two training items with gold label no; run-1 answers no to the first, yes to the second."""
    with database.transaction() as cur:
        add_items(cur, [make_drug_item(1), make_drug_item(2)], origin="items")
        add_run(cur, make_run())
        answers = {"q-1": "No. It did not help.", "q-2": "Yes, it did."}
        add_predictions(
            cur,
            [
                Prediction("run-1", item_id, text, text[:3].strip(".,").lower())
                for item_id, text in answers.items()
            ],
        )
    return database


def _judged(database: Database) -> dict[str, bool]:
    found = list_judged_answers(database.cursor(), EVERYTHING)
    return {answer.item_id: answer.is_accepted for answer in found}


def _say(database: Database, who: str, item_id: str, label: str, **fields: Any) -> Annotation:
    return annotate(database, who, item_id, label, **{"run_id": "run-1", **fields})


@pytest.mark.parametrize(
    ("fields", "accepted"),
    [
        ({}, {"q-1": True, "q-2": False}),
        ({"phase": "blind"}, {"q-2": False}),  # read by no one, but contradicted
        ({"run_id": None}, {}),
        ({"answer": "No; the trial was too small."}, {"q-1": False, "q-2": False}),
        ({"verdicts": ("model_wrong",)}, {"q-1": False, "q-2": False}),
        ({"severity": "minor"}, {"q-1": False, "q-2": False}),
    ],
)
def test_an_answer_is_accepted_as_read_and_rejected_as_contradicted_or_objected_to(
    answered: Database, fields: dict[str, Any], accepted: dict[str, bool]
) -> None:
    for item_id in ("q-1", "q-2"):
        _say(answered, "Ann", item_id, "no", **fields)
    assert _judged(answered) == accepted


def test_an_overruled_reviewer_neither_accepts_nor_rejects(answered: Database) -> None:
    _say(answered, "Ann", "q-1", "yes", verdicts=("model_wrong",))
    assert _judged(answered) == {"q-1": False}
    _say(answered, "Ben", "q-1", "no")
    assert _judged(answered) == {}  # they differ, and no one has decided
    with answered.transaction() as cur:
        eve = add_reviewer(cur, "Eve", "adjudicator").reviewer_id
        add_adjudication(
            cur,
            adjudication_id="decision-1",
            item_id="q-1",
            reviewer_id=eve,
            label="no",
            reason="gold_confirmed",
            note="",
        )
    assert _judged(answered) == {"q-1": True}


def test_neither_programs_nor_bulk_edits_read_a_text(answered: Database) -> None:
    with answered.transaction() as cur:
        add_token(cur, "triage-bot")
    _say(answered, "triage-bot", "q-1", "no")
    assert _judged(answered) == {}
    with answered.transaction() as cur:
        chief = add_reviewer(cur, "Ann", "adjudicator").reviewer_id
        flt = ReviewFilter(run_id="run-1")
        do_action(cur, flt, "text", reviewer_id=chief, batch_id="b", num_expected=2)
    assert _judged(answered) == {}


def test_test_items_hidden_items_and_items_set_aside_are_left_out(answered: Database) -> None:
    for item_id in ("q-1", "q-2"):
        _say(answered, "Ann", item_id, "no")
    assert len(_judged(answered)) == 2
    assert list_judged_answers(answered.cursor(), Viewer("ben", is_blind=True)) == ()
    with answered.transaction() as cur:
        chief = add_reviewer(cur, "Eve", "admin").reviewer_id
        set_items_aside(cur, ["q-1"], reviewer_id=chief, reason="no medicine")
        q_2 = replace(make_drug_item(2), split="test")
        correct_item(cur, q_2, reviewer_id=chief, reason="held out")
    assert _judged(answered) == {}
