"""The Items page over a real database file."""

from __future__ import annotations

import json

from streamlit.testing.v1 import AppTest

from db.connection import Database
from db.content.items import add_items
from db.content.predictions import add_predictions
from db.exporters.scope import ExportScope
from db.people.reviewers import add_reviewer, list_reviewers
from db.review.item_list import ReviewRow
from db.review.queues import list_queues
from db.review.settings import ReviewSettings, save_settings
from streamlit_app.logic.exports import build_export
from streamlit_app.logic.review.browse_rows import PAGE_SIZE, num_pages, table
from tests.support.annotations import annotate
from tests.support.pages import OpenPage, markup_of, open_form
from tests.support.records import make_answer, make_drug_item

BROWSE = "items"


def column(test: AppTest, name: str) -> list[object]:
    return list(test.dataframe[0].value[name])


def labels_of(database: Database, name: str) -> dict[str, str | None]:
    cur = database.cursor()
    ids = {reviewer.name: reviewer.reviewer_id for reviewer in list_reviewers(cur)}
    query = "select item_id, label from standing_annotation where reviewer_id = $reviewer_id"
    return dict(cur.execute(query, {"reviewer_id": ids[name]}).fetchall())


def test_rows_say_what_text_head_gold_and_i_say(
    filled_store: Database, open_page: OpenPage
) -> None:
    annotate(filled_store, "Ann", "q-2", "maybe")
    test = open_page(BROWSE, reviewer="Ann")
    assert not test.exception
    assert "4 items" in markup_of(test)
    assert column(test, "Item") == ["q-1", "q-2", "q-3", "v-1"]
    assert column(test, "Label of record") == ["no", "maybe", "no", "B"]
    assert column(test, "Text") == ["✗ yes", "✗ no", "", "✓ B"]
    assert column(test, "Head") == ["✓ no", "✗ no", "✗ maybe", "✓ B"]
    assert column(test, "Confidence") == ["70%", "80%", "40%", "60%"]
    assert column(test, "My label") == ["", "maybe", "", ""]
    assert column(test, "Origin") == ["imported", "1 reviewer", "imported", "imported"]


def test_labels_of_items_to_label_blind_are_not_in_the_list(
    filled_store: Database, open_page: OpenPage
) -> None:
    with filled_store.transaction() as cur:
        root = add_reviewer(cur, "Root", "admin").reviewer_id
        save_settings(cur, ReviewSettings("blind"), root)
        annotate(cur, "Ann", "q-2", "maybe")
    test = open_page(BROWSE, reviewer="Ann")
    assert column(test, "Label of record") == ["", "maybe", "", ""]
    assert column(test, "Text") == ["", "✗ no", "", ""]
    assert column(test, "Head") == ["", "✗ no", "", ""]
    assert column(test, "My label") == ["", "maybe", "", ""]
    assert "3 of these items are blind for you" in markup_of(test)


def test_filters_order_and_search_narrow_the_list(
    filled_store: Database, open_page: OpenPage
) -> None:
    test = open_page(BROWSE, order="confidence")
    assert column(test, "Item") == ["q-3", "v-1", "q-1", "q-2"]
    test.selectbox(key="head").set_value("no").run()
    assert column(test, "Item") == ["q-1", "q-2"]
    test.text_input(key="search").set_value("drug 2").run()
    assert column(test, "Item") == ["q-2"]
    assert "1 item<" in markup_of(test)
    assert (test.query_params["head"], test.query_params["search"]) == ("no", "drug 2")


def test_items_that_only_another_run_answered_are_left_out_until_asked_for(
    filled_store: Database, open_page: OpenPage
) -> None:
    with filled_store.transaction() as cur:
        add_items(cur, [make_drug_item(9)], origin="items")
    # Imported without any answer: there to be reviewed.
    assert "q-9" in column(open_page(BROWSE), "Item")
    assert "q-9" not in column(open_page(BROWSE, answered="yes"), "Item")
    with filled_store.transaction() as cur:
        add_predictions(cur, [make_answer("q-9", "Yes.", "yes", "older")])
    test = open_page(BROWSE)
    assert "q-9" not in column(test, "Item")
    test.checkbox(key="answered").uncheck().run()
    assert "q-9" in column(test, "Item")
    assert "q-9" in column(open_page(BROWSE, answered="no"), "Item")


def test_pages_show_every_item_once(database: Database, open_page: OpenPage) -> None:
    total = 2 * PAGE_SIZE + 7
    with database.transaction() as cur:
        add_items(cur, [make_drug_item(n) for n in range(1000, 1000 + total)], origin="items")
    test = open_page(BROWSE)
    assert "107 items" in markup_of(test)
    seen = column(test, "Item")
    assert num_pages(total) == 3
    for page in (2, 3):
        test.pagination[0].set_value(page).run()
        seen += column(test, "Item")
    assert len(seen) == len(set(seen)) == total


def test_an_empty_list_says_so(database: Database, open_page: OpenPage) -> None:
    test = open_page(BROWSE)
    assert not test.exception
    assert "There are no items yet" in markup_of(test)


def test_hostile_cells_show_what_they_hide(payload: str) -> None:
    row = ReviewRow(
        payload, payload, "test", payload, payload, "imported", payload, payload, payload, 0.5,
        payload, 3, conflicting=True, num_agreeing=2,
    )  # fmt: skip
    cells = [str(value) for values in table([row]).values() for value in values]
    assert not any(hidden in cell for cell in cells for hidden in ("\u202e", "\u200b"))
    assert table([row])["Origin"] == ["disputed: 2 of 3 reviewers agree"]


def test_all_items_of_a_list_are_labelled_after_a_look_and_taken_back(
    filled_store: Database, open_page: OpenPage
) -> None:
    test = open_page(BROWSE, reviewer="Chief")
    test.toggle(key="bulk_open").set_value(True).run()
    test.segmented_control(key="bulk_kind").set_value("head").run()
    assert test.text[0].value == "4 of 4 items would change"
    assert list(labels_of(filled_store, "Chief")) == []
    test.button(key="bulk_do").click().run()
    assert not test.exception
    assert labels_of(filled_store, "Chief") == {
        "q-1": "no",
        "q-2": "no",
        "q-3": "maybe",
        "v-1": "B",
    }
    (undo,) = [button for button in test.button if "bulk_undo" in str(button.key)]
    undo.click().run()
    assert labels_of(filled_store, "Chief") == {}


def test_all_items_of_a_list_become_a_queue(filled_store: Database, open_page: OpenPage) -> None:
    test = open_page(BROWSE, reviewer="Chief", head="no", order="confidence")
    open_form(test, "browse_queue")
    assert "2 items: Head label: no" in markup_of(test)
    test.text_input(key="browse_queue_name").set_value(" ")
    test.button(key="browse_queue_create").click().run()
    assert "the name has 0 characters" in markup_of(test)
    test.text_input(key="browse_queue_name").set_value("Head says no")
    test.number_input(key="browse_queue_num_items").set_value(1)
    test.button(key="browse_queue_create").click().run()
    assert not test.exception
    assert "with 1 item" in markup_of(test)
    assert not test.session_state["browse_queue_open"]
    (queue,) = list_queues(filled_store.cursor())
    assert queue.settings.name == "Head says no"
    assert (queue.settings.order, queue.settings.mode) == ("uncertain", "blind")


def test_the_items_of_a_list_are_exported_by_those_who_may(
    filled_store: Database, open_page: OpenPage
) -> None:
    with filled_store.transaction() as cur:
        chief = add_reviewer(cur, "Chief", "admin").reviewer_id
        add_reviewer(cur, "Ann", "reviewer")
    test = open_page(BROWSE, reviewer="Chief", search="drug 2")
    test.toggle(key="browse_export").set_value(True).run()
    assert not test.exception
    test.selectbox(key="browse_export_kind").set_value("labels").run()
    scope = ExportScope(["q-2"])
    data = build_export(filled_store, "labels", "jsonl", None, reviewer_id=chief, scope=scope)
    assert [json.loads(line)["item_id"] for line in data.splitlines()] == ["q-2"]
    test = open_page(BROWSE, reviewer="Ann")
    assert "browse_export" not in [toggle.key for toggle in test.toggle]
