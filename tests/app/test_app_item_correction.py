"""The form on Browse that corrects an item or sets it aside."""

from __future__ import annotations

from dataclasses import replace

import pytest

from db.connection import Database
from db.content.item_versions import list_set_aside, list_versions
from db.content.items import add_items, get_item
from db.content.predictions import add_predictions
from db.people.reviewers import add_reviewer
from db.records import Role, join_labels
from db.review.item_list import ReviewFilter
from db.review.queues import QueueSettings, add_queue
from db.viewer import EVERYTHING
from tests.support.pages import OpenPage, markup_of
from tests.support.records import make_answer, make_item

BROWSE = "items"


def _add(database: Database, name: str, role: Role) -> str:
    with database.transaction() as cur:
        return add_reviewer(cur, name, role).reviewer_id


def test_a_corrected_question_is_a_new_version_in_the_list(
    filled_store: Database, open_page: OpenPage
) -> None:
    chief = _add(filled_store, "Chief", "admin")
    test = open_page(BROWSE, reviewer="Chief")
    test.toggle(key="correction_open").set_value(True).run()
    test.selectbox(key="correction_item").set_value("v-1").run()
    assert test.button(key="correction_save").disabled
    (question,) = (area for area in test.text_area if "question" in area.key)
    question.set_value("Which drug, really?").run()
    option = next(area for area in test.text_area if "_B_" in area.key)
    option.set_value("Another drug").run()
    next(box for box in test.text_input if "reason" in box.key).set_value("a slip").run()
    test.button(key="correction_save").click().run()
    assert not test.exception
    assert "The new version is stored" in markup_of(test)
    assert "Which drug, really?" in list(test.dataframe[0].value["Question"])
    _, second = list_versions(filled_store.cursor(), "v-1")
    assert (second.item.question, second.reviewer_id, second.reason) == (
        "Which drug, really?", chief, "a slip",
    )  # fmt: skip
    assert [o.text for o in second.item.options if o.label == "B"] == ["Another drug"]


def test_every_right_label_of_an_item_is_open_to_correction(
    filled_store: Database, open_page: OpenPage
) -> None:
    _add(filled_store, "Chief", "admin")
    signs = ("cough", "fever", "rash")
    item = make_item("s-1", label_set="signs", labels=signs, is_several=True, gold_label=None)
    with filled_store.transaction() as cur:
        gold = join_labels(["cough"], signs)
        add_items(cur, [replace(item, gold_label=gold)], origin="items")
        add_predictions(cur, [make_answer("s-1", "A rash.", None, "newer")])
    test = open_page(BROWSE, reviewer="Chief")
    test.toggle(key="correction_open").set_value(True).run()
    test.selectbox(key="correction_item").set_value("s-1").run()
    (right,) = test.multiselect
    assert right.value == ["cough"]
    right.set_value(["rash", "cough"])
    next(box for box in test.text_input if "reason" in box.key).set_value("a slip").run()
    test.button(key="correction_save").click().run()
    assert not test.exception
    changed = get_item(filled_store.cursor(), "s-1", EVERYTHING)
    assert (changed.version, changed.gold_labels) == (2, ("cough", "rash"))


def test_an_item_set_aside_leaves_the_list_and_its_filter_restores_it(
    filled_store: Database, open_page: OpenPage
) -> None:
    _add(filled_store, "Chief", "admin")
    test = open_page(BROWSE, reviewer="Chief")
    test.toggle(key="correction_open").set_value(True).run()
    test.selectbox(key="correction_item").set_value("q-2").run()
    next(box for box in test.text_input if "reason" in box.key).set_value("no medicine").run()
    test.button(key="correction_set_aside").click().run()
    assert list(test.dataframe[0].value["Item"]) == ["q-1", "q-3", "v-1"]
    test.selectbox(key="show").set_value("set_aside").run()
    assert list(test.dataframe[0].value["Item"]) == ["q-2"]
    next(box for box in test.text_input if "reason" in box.key).set_value("it is").run()
    test.button(key="correction_restore").click().run()
    assert list_set_aside(filled_store.cursor()) == []


@pytest.mark.parametrize(("role", "is_offered"), [("reviewer", False), ("adjudicator", True)])
def test_the_form_is_offered_to_those_who_may_correct_items(
    filled_store: Database, open_page: OpenPage, role: Role, is_offered: bool
) -> None:
    _add(filled_store, "Root", "admin")
    _add(filled_store, "Ann", role)
    test = open_page(BROWSE, reviewer="Ann")
    assert any(toggle.key == "correction_open" for toggle in test.toggle) == is_offered


def test_an_item_to_label_blind_is_not_open_to_correction(
    filled_store: Database, open_page: OpenPage
) -> None:
    chief = _add(filled_store, "Chief", "admin")
    with filled_store.transaction() as cur:
        blind = QueueSettings("Blind", ReviewFilter(), mode="blind", reviewer_ids=(chief,))
        add_queue(cur, blind, queue_id="blind", created_by=chief)
    test = open_page(BROWSE, reviewer="Chief")
    test.toggle(key="correction_open").set_value(True).run()
    assert "label this item blind" in markup_of(test)
    assert not [area for area in test.text_area if area.key.startswith("correction")]
