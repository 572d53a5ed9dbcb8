"""The Errors page over a real database file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from db.connection import Database
from db.content.items import add_items
from db.content.predictions import add_predictions
from db.content.runs import add_run
from db.importers import import_file
from db.records import Item, Prediction
from eci.statistics.estimates import Estimate
from streamlit_app.components.outcome_items import choose_cell
from streamlit_app.logic.figures import estimate_text, percent
from tests.support.annotations import annotate
from tests.support.pages import item_ids, metrics, notices, open_page, prose
from tests.support.records import head_says, make_answer, make_item, make_options_item, make_run
from training.evaluation.readings import read_new_answers

HOSTILE = "![x](https://evil.example/a.png) <img src=x onerror=alert(1)>"


def item(number: int, gold: str | None, **fields: Any) -> Item:
    question = f"Does it help in case {number}? {HOSTILE}"
    return make_item(f"q-{number:02d}", question=question, gold_label=gold, **fields)


def prediction(run_id: str, number: int, text: str | None, head: str | None = None) -> Prediction:
    fields = {} if head is None else head_says(head)
    return make_answer(f"q-{number:02d}", f"An answer. {HOSTILE}", text, run_id, **fields)


@pytest.fixture
def filled(database: Database) -> Database:
    """Ten test items: the text gets 6 right and one answer has no label; the head gets 8 right."""
    gold = ["yes"] * 5 + ["no"] * 3 + ["maybe"] * 2
    text = ["yes"] * 4 + ["no"] + ["no"] * 2 + ["yes"] + ["no", None]
    head = ["yes"] * 5 + ["no"] * 3 + ["yes", "no"]
    with database.transaction() as cur:
        add_items(cur, [item(n, label) for n, label in enumerate(gold)], origin="items")
        add_run(cur, make_run("both"))
        add_predictions(
            cur,
            [prediction("both", n, t, h) for n, (t, h) in enumerate(zip(text, head, strict=True))],
        )
    return database


def open_errors() -> AppTest:
    page = open_page("quality")
    assert not page.exception
    return page


def test_without_runs_the_page_says_what_to_do(database: Database):
    assert "Import the answers of a model" in notices(open_errors())


def test_a_run_without_predictions_is_named_as_such(database: Database):
    with database.transaction() as cur:
        add_run(cur, make_run("empty"))
    assert "no predictions yet" in notices(open_errors())


def test_items_without_a_gold_label_are_explained(database: Database):
    with database.transaction() as cur:
        add_items(cur, [item(1, None)], origin="items")
        add_run(cur, make_run("r"))
        add_predictions(cur, [prediction("r", 1, "yes")])
    assert "no reference label" in notices(open_errors())


def test_the_figures_count_text_and_head_with_intervals(filled: Database):
    shown = metrics(open_errors())
    assert shown["Items"][0] == "10"
    # Wilson interval of 6 in 10.
    assert shown["Accuracy of the text"] == ("60.0 %", "31.3 % to 83.2 %")
    assert shown["Accuracy of the head"][0] == "80.0 %"
    assert shown["Answers without a label"][0] == "10.0 %"
    assert shown["Head minus text"][0] == "+20.0 points"
    # Two answers put right and none wrong: twice the chance of 0 in 2 tosses.
    assert shown["McNemar"] == ("p = 0.5", "not significant")


def test_a_run_without_a_head_shows_its_text_and_says_so(database: Database):
    with database.transaction() as cur:
        add_items(cur, [item(1, "yes")], origin="items")
        add_run(cur, make_run("r"))
        add_predictions(cur, [prediction("r", 1, "yes")])
    page = open_errors()
    assert "Accuracy of the head" not in metrics(page)
    assert any("no ECI head" in caption.value for caption in page.caption)
    assert "Head" not in page.dataframe(key="errors_items").value


def test_all_items_are_listed_until_a_cell_is_chosen(filled: Database):
    page = open_errors()
    assert len(item_ids(page, "errors_items")) == 10
    page.selectbox(key="errors_gold").select("yes").run()
    page.selectbox(key="errors_text").select("no").run()
    assert not page.exception
    assert item_ids(page, "errors_items") == ["q-04"]


def test_the_no_label_column_lists_answers_without_a_label(filled: Database):
    page = open_errors()
    page.selectbox(key="errors_text").select("").run()
    assert item_ids(page, "errors_items") == ["q-09"]


def test_text_and_head_can_be_crossed(filled: Database):
    page = open_errors()
    page.selectbox(key="errors_pair").select("head_right").run()
    assert item_ids(page, "errors_items") == ["q-04", "q-07"]


def test_an_empty_choice_says_how_to_leave_it(filled: Database):
    page = open_errors()
    page.selectbox(key="errors_form").select("bare").run()
    assert "No item matches" in notices(page)


def test_choosing_a_cell_replaces_the_earlier_choice(monkeypatch: pytest.MonkeyPatch):
    state = {"errors_head": "no", "errors_form": "bare", "errors_more": "{}"}
    monkeypatch.setattr("streamlit_app.components.outcome_items.st.session_state", state)
    choose_cell("text", "yes", "no")
    chosen = {"errors_gold": "yes", "errors_text": "no", "errors_page": 1}
    assert {key: value for key, value in state.items() if value is not None} == chosen


def test_a_sum_chooses_a_whole_row_or_column(monkeypatch: pytest.MonkeyPatch):
    state: dict[str, object] = {}
    monkeypatch.setattr("streamlit_app.components.outcome_items.st.session_state", state)
    choose_cell("head", "*", "no")
    assert (state["errors_gold"], state["errors_head"]) == (None, "no")
    choose_cell("head", "yes", "*")
    assert (state["errors_gold"], state["errors_head"]) == ("yes", None)


def test_corrections_count_against_the_label_of_record_only(filled: Database):
    annotate(filled, "Ada", "q-04", "no")
    page = open_errors()
    assert metrics(page)["Accuracy of the text"][0] == "70.0 %"
    page.segmented_control(key="errors_against").select("imported").run()
    assert metrics(page)["Accuracy of the text"][0] == "60.0 %"


def test_items_whose_labels_are_their_options_are_scored_too(database: Database):
    with database.transaction() as cur:
        items = [make_options_item(f"q-{n:02d}", gold_label=gold) for n, gold in enumerate("ABCD")]
        add_items(cur, items, origin="items")
        add_run(cur, make_run("r"))
        add_predictions(cur, [prediction("r", n, "A") for n in range(4)])
    page = open_errors()
    assert metrics(page)["Accuracy of the text"][0] == "25.0 %"
    table = next(drawn.value for drawn in page.get("html") if "Recall (%)" in drawn.value)
    rows = re.findall(r'<tr><th scope="row">(\w)</th>((?:<td>[^<]*</td>)+)</tr>', table)
    assert [label for label, _ in rows] == ["A", "B", "C", "D"]
    # Gold, given, precision: nothing was ever called B.
    assert rows[1][1].startswith("<td>1</td><td>0</td><td>–</td>")


def test_the_test_split_comes_first_and_all_splits_can_be_chosen(filled: Database):
    with filled.transaction() as cur:
        add_items(cur, [item(50, "yes", split="train")], origin="items")
        add_predictions(cur, [prediction("both", 50, "yes", "yes")])
    page = open_errors()
    assert metrics(page)["Items"][0] == "10"
    page.selectbox(key="errors_split").select("all").run()
    assert metrics(page)["Items"][0] == "11"


def test_no_text_from_outside_reaches_markdown(filled: Database):
    page = open_errors()
    assert "evil.example" not in prose(page)


@pytest.mark.data
def test_the_real_answers_of_qwq_are_77_8_percent_right_on_500_items(
    database: Database, data_dir: Path
):
    import_file(database, "pubmedqa", data_dir / "pubmedqa" / "ori_pqal.json")
    answers = data_dir / "model_answers" / "QwQ-32B-pubmedqa-test-zero_shot.json"
    import_file(database, "model_answers", answers)
    read_new_answers(database)
    page = open_errors()
    shown = metrics(page)
    assert shown["Items"][0] == "500"
    assert shown["Accuracy of the text"] == ("77.8 %", "74.0 % to 81.2 %")
    assert len(item_ids(page, "errors_items")) == 50


def test_shares_are_written_as_percentages():
    assert percent(0.778) == "77.8 %"
    assert percent(None) == "–"
    assert estimate_text(Estimate.undefined("nothing")) == "–"
