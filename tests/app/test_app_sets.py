"""Errors of items with several right labels: calibration of each label, and doubtful gold sets."""

from __future__ import annotations

import pytest

from db.connection import Database
from db.content.items import add_items
from db.content.predictions import add_predictions
from db.content.runs import add_run
from db.outcomes.selection import OutcomeFilter
from db.people.sign_in import add_person
from db.records import join_labels, labels_in
from db.viewer import EVERYTHING
from eci.decisions import DecisionRule
from streamlit_app.logic.outcomes.run_outcomes import refresh
from streamlit_app.logic.outcomes.set_outcomes import load_set_calibration
from streamlit_app.logic.outcomes.suspects import load_suspects
from streamlit_app.logic.tables import Cell
from streamlit_app.logic.training.decision_view import decision_table
from tests.support.pages import captions, open_page, plain_texts
from tests.support.records import make_item, make_prediction, make_run

SIGNS = ("cough", "fever", "rash")
FLT = OutcomeFilter(EVERYTHING, "run-1", "record", "signs")


@pytest.fixture
def signs(database: Database) -> Database:
    """Forty items; of two the gold set lacks a label that the head is sure of, or has one more."""
    golds = [("cough",), ("cough", "fever"), ("rash",), ("fever", "rash")] * 10
    known = dict(enumerate(golds))
    known[0], known[3] = ("cough", "rash"), ("fever",)
    with database.transaction() as cur:
        items = [
            make_item(
                f"q-{n:02d}",
                question=f"Which signs has case {n}?",
                label_set="signs",
                labels=SIGNS,
                gold_label=join_labels(golds[n], SIGNS),
                is_several=True,
            )
            for n in range(40)
        ]
        add_items(cur, items, origin="items")
        add_run(cur, make_run("run-1"))
        add_predictions(
            cur,
            [
                make_prediction(
                    f"q-{n:02d}",
                    "run-1",
                    head_label=join_labels(known[n], SIGNS),
                    head_probabilities=tuple(0.9 if s in known[n] else 0.2 for s in SIGNS),
                )
                for n in range(40)
            ],
        )
    return database


def test_gold_sets_are_doubted_label_by_label(signs: Database) -> None:
    version = refresh(signs, "run-1")
    view = load_suspects(signs, version, FLT, SIGNS)
    assert view is not None and view.num_suspects == 2
    found = {one.row.item_id: one for one in view.rows}
    assert labels_in(found["q-00"].suggested) == ("cough", "rash")
    assert labels_in(found["q-03"].suggested) == ("fever",)
    # rash is not gold in q-00 and has 0.9; cough 0.9 is right, fever 0.2 is not.
    assert found["q-00"].quality == pytest.approx(0.1)
    assert found["q-00"].probability_of_gold == pytest.approx(0.9 * 0.8 * 0.1)
    assert found["q-00"].probability_of_suggested == pytest.approx(0.9 * 0.8 * 0.9)
    assert (view.accuracy.value, view.accuracy.n) == (38 / 40, 40)


def test_each_label_has_its_calibration(signs: Database) -> None:
    found = load_set_calibration(signs, refresh(signs, "run-1"), FLT)
    by_label = {one.label: one for one in found.per_label}
    assert tuple(by_label) == SIGNS
    assert by_label["cough"].right.value == 0.5
    assert by_label["cough"].mean == pytest.approx((20 * 0.9 + 20 * 0.2) / 40)
    # Said with 0.9 and right 20 of 20, with 0.8 and right 20 of 20: both in a bin of their own.
    assert by_label["cough"].ece.value == pytest.approx(0.5 * 0.1 + 0.5 * 0.2)
    # rash: 20 said with 0.9, one of them wrong (q-00); 20 not, one of them wrong (q-03).
    assert by_label["rash"].ece.value == pytest.approx(0.5 * abs(19 / 20 - 0.9) + 0.5 * 0.15)
    assert found.ece.n == 40
    high, low = abs(59 / 60 - 0.9), abs(59 / 60 - 0.8)
    assert found.ece.value == pytest.approx(0.5 * high + 0.5 * low)


def test_calibration_and_doubtful_sets_are_on_their_pages(signs: Database) -> None:
    refresh(signs, "run-1")
    page = open_page("quality")
    page.segmented_control(key="errors_section").select("confidence").run()
    assert not page.exception
    assert "Each label of an item is a question of its own" in captions(page)
    page = open_page("agreement/doubtful")
    assert not page.exception
    assert "2 of 40 reference labels (5.0 %) are doubtful" in plain_texts(page)


def test_the_operating_point_of_sets_names_its_thresholds() -> None:
    def shown(rule: DecisionRule) -> tuple[Cell, ...]:
        metrics = {"signs": {"decision": rule.model_dump(mode="json")}}
        return tuple(column[0] for column in decision_table(make_run(metrics=metrics)).values())

    rule = DecisionRule(
        cost="macro_f1", num_items=46, mean_cost=0.28, mean_cost_most_probable=0.32,
        set_coverage=0.9, label_thresholds=(0.5, 0.3, 0.2),
    )  # fmt: skip
    label_set, decided_by, num_items, compared, *_ = shown(rule)
    assert (label_set, num_items) == ("signs", 46)
    assert decided_by == "overlap: each label from its own threshold on, 20.0 % to 50.0 %"
    assert compared == "72.0 % (68.0 %)"
    halves = rule.model_copy(update={"label_thresholds": (0.5,)})
    assert "no other thresholds were better" in str(shown(halves)[1])
    exact = halves.model_copy(update={"cost": "accuracy"})
    assert shown(exact)[1] == "exact match: labels from 50 % on"


def test_sets_of_a_list_are_labelled_in_bulk(signs: Database) -> None:
    with signs.transaction() as cur:
        chief = add_person(cur, "Chief", role="admin").reviewer_id
    page = open_page("items", reviewer="Chief")
    page.toggle(key="bulk_open").set_value(True).run()
    page.segmented_control(key="bulk_kind").set_value("head").run()
    assert page.text[0].value == "40 of 40 items would change"
    page.button(key="bulk_do").click().run()
    assert not page.exception
    said = signs.cursor().execute(
        "select item_id, label from standing_annotation where reviewer_id = $chief",
        {"chief": chief},
    )
    given = dict(said.fetchall())
    assert len(given) == 40 and labels_in(given["q-00"]) == ("cough", "rash")
