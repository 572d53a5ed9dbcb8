"""The Compare page over a real database file."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from db.connection import Database
from db.content.items import add_items
from db.content.predictions import add_predictions
from db.content.runs import add_run
from db.outcomes.counts import RunSummary
from db.people.reviewers import add_reviewer
from db.records import Item, Prediction, Run
from db.review.item_list import ReviewFilter
from db.review.queues import QueueSettings, add_queue, find_item_at, list_queues
from eci.statistics.compare import compare
from eci.statistics.estimates import Estimate
from streamlit_app.logic.figures import p_value_text, points, points_interval
from streamlit_app.logic.outcomes.comparison import (
    default_labels,
    default_pair,
    learning_points,
    verdict,
)
from streamlit_app.logic.outcomes.run_outcomes import refresh
from tests.support.annotations import annotate
from tests.support.pages import item_ids, metrics, notices, open_form, open_page
from tests.support.records import (
    LABELS,
    make_answer,
    make_head_prediction,
    make_item,
    make_options_item,
    make_run,
)

NUM_ITEMS = 12


def item(number: int, **fields: Any) -> Item:
    return make_item(f"q-{number:02d}", **fields)


def run(run_id: str, day: int, base_run_id: str | None = None) -> Run:
    moment = datetime(2026, 3, day, tzinfo=UTC)
    return make_run(run_id, created_at=moment, base_run_id=base_run_id)


def predictions(run_id: str, labels: list[str | None]) -> list[Prediction]:
    return [
        make_answer(f"q-{n:02d}", "An answer.", label, run_id) for n, label in enumerate(labels)
    ]


@pytest.fixture
def compared(database: Database) -> Database:
    """Run "after" fixes items 0 to 7 and breaks item 8; 9 stays right, 10 and 11 stay wrong."""
    with database.transaction() as cur:
        add_items(cur, [item(n) for n in range(NUM_ITEMS)], origin="items")
        add_run(cur, run("before", 1))
        add_run(cur, run("after", 2, base_run_id="before"))
        add_run(cur, run("elsewhere", 3))
        before = ["no"] * 7 + [None] + ["yes", "yes", "no", "maybe"]
        after = ["yes"] * 8 + ["no", "yes", "no", None]
        add_predictions(cur, predictions("before", before) + predictions("after", after))
    return database


def open_compare(**params: str) -> AppTest:
    page = open_page("quality/compare", **params)
    assert not page.exception
    return page


def test_without_two_runs_the_page_says_what_to_do(database: Database):
    assert "there is none" in notices(open_compare())
    with database.transaction() as cur:
        add_run(cur, run("one", 1))
    assert "there is only one" in notices(open_compare())


def test_the_newest_run_with_a_base_is_compared_with_it_at_first(compared: Database):
    page = open_compare()
    assert page.selectbox(key="compare_a").value == "before"
    assert page.selectbox(key="compare_b").value == "after"


def test_fixed_and_broken_are_counted_and_judged(compared: Database):
    page = open_compare()
    shown = metrics(page)
    assert shown["Shared items"][0] == "12"
    assert shown["Accuracy of A"][0] == "16.7 %"
    assert shown["Accuracy of B"][0] == "75.0 %"
    assert shown["B minus A"][0] == "+58.3 points"
    # Twice the chance of at most 1 head in 9 tosses: 20/512.
    assert shown["McNemar"] == ("p = 0.039", "significant")
    assert any("B is significantly better" in text.value for text in page.markdown)


def test_changed_items_are_listed_by_group(compared: Database):
    page = open_compare()
    assert item_ids(page, "compare_items") == [f"q-{n:02d}" for n in range(8)]
    page.segmented_control(key="compare_show").select("broken").run()
    assert item_ids(page, "compare_items") == ["q-08"]
    table = page.dataframe(key="compare_items").value
    assert (table["A"][0], table["B"][0]) == ("✓ yes", "✗ no")
    page.segmented_control(key="compare_show").select("both_wrong").run()
    assert item_ids(page, "compare_items") == ["q-10", "q-11"]
    assert page.dataframe(key="compare_items").value["B"][1] == "✗ no label"


def test_a_comparison_opens_on_the_change_that_is_larger(compared: Database):
    page = open_compare(compare_a="Run after", compare_b="Run before")
    assert page.segmented_control(key="compare_show").value == "broken"
    page.run()
    assert item_ids(page, "compare_items") == [f"q-{n:02d}" for n in range(8)]
    page.segmented_control(key="compare_show").select("fixed").run()
    assert item_ids(page, "compare_items") == ["q-08"]


def test_the_text_of_one_run_can_be_compared_with_the_head_of_another(compared: Database):
    with compared.transaction() as cur:
        add_run(cur, run("head", 4))
        add_predictions(
            cur,
            [make_head_prediction(f"q-{n:02d}", "head", "yes") for n in range(NUM_ITEMS)],
        )
    page = open_compare()
    page.selectbox(key="compare_a").select("before").run()
    page.selectbox(key="compare_b").select("head").run()
    assert "compare other labels" in notices(page), "the choice made before stays"
    page.selectbox(key="compare_by").select("Text of A, head of B").run()
    assert metrics(page)["Accuracy of A"][0] == "16.7 %"
    assert metrics(page)["Accuracy of B"][0] == "100.0 %"
    version = refresh(compared, "before", "head")
    assert default_labels(compared, version, "before", "head") == ("text", "head")
    assert default_labels(compared, version, "before", "after") == ("text", "text")


def test_the_items_of_a_change_become_a_queue_and_a_file(compared: Database):
    with compared.transaction() as cur:
        add_reviewer(cur, "Eve", "engineer")
    page = open_compare(reviewer="Eve")
    open_form(page, "compare_queue")
    page.text_input(key="compare_queue_name").set_value("fixed ones")
    page.button(key="compare_queue_create").click().run()
    assert not page.exception
    (queue,) = list_queues(compared.cursor())
    assert (queue.settings.name, queue.settings.run_id) == ("fixed ones", "after")
    found = [find_item_at(compared.cursor(), queue.queue_id, n) for n in range(9)]
    assert found == [f"q-{n:02d}" for n in range(8)] + [None]
    address = next(code.value for code in page.code if "compare_a" in code.value)
    assert "compare_a=Run+before" in address
    assert "Eve" not in address, "a link that signs others in by another name"


def test_labels_that_changed_are_counted(compared: Database):
    table = next(frame.value for frame in open_compare().dataframe if "Items" in frame.value)
    assert table["Items"].tolist() == [7, 1, 1, 1]
    assert (table["A"][0], table["B"][0]) == ("✗ no", "✓ yes")


def test_all_runs_are_drawn_in_the_order_of_time(compared: Database):
    page = open_compare()
    page.segmented_control(key="compare_section").select("all").run()
    assert not page.exception
    drawn = json.loads(page.get("plotly_chart")[0].proto.spec)
    (text,) = drawn["data"]
    assert text["name"] == "Text label"
    assert text["x"] == [0, 1]
    names = drawn["layout"]["xaxis"]["ticktext"]
    assert names == ["2026-03-01 · Run before", "2026-03-02 · Run after"]
    assert text["y"] == [pytest.approx(2 / 12), pytest.approx(9 / 12)]
    assert any("No training run" in caption.value for caption in page.caption)


def test_learning_points_come_in_the_order_of_corrections():
    summaries = [
        RunSummary("b", "pubmedqa", 20, 20, 15, 20, 16),
        RunSummary("a", "pubmedqa", 20, 20, 12, 20, 14),
        RunSummary("imported", "pubmedqa", 20, 20, 12, 0, 0),
        RunSummary("b", "options", 5, 5, 1, 0, 0),
    ]
    names = {"a": "A", "b": "B", "imported": "I"}
    corrections = {"a": 10, "b": 40}
    points = learning_points(summaries, corrections, names, "pubmedqa", "head")
    assert [(point.x, point.run, point.value) for point in points] == [
        (10, "A", 0.7),
        (40, "B", 0.8),
    ]


def test_a_run_against_itself_is_refused(compared: Database):
    page = open_compare()
    page.selectbox(key="compare_a").select("after").run()
    assert "are the same" in notices(page)


def test_runs_on_other_items_share_nothing(compared: Database):
    with compared.transaction() as cur:
        add_items(cur, [make_options_item("q-50", "AB")], origin="items")
        add_predictions(cur, [make_answer("q-50", "A", "A", "elsewhere")])
    page = open_compare()
    page.selectbox(key="compare_b").select("elsewhere").run()
    assert "have no items in common" in notices(page)


def test_comparing_heads_that_do_not_exist_says_so(compared: Database):
    page = open_compare()
    page.selectbox(key="compare_by").select("Head label").run()
    assert "without an ECI head" in notices(page)


def test_a_split_without_shared_items_says_so(compared: Database):
    page = open_compare()
    page.selectbox(key="compare_split").select("train").run()
    assert "Choose another split" in notices(page)


def test_without_a_base_the_two_newest_runs_are_compared():
    assert default_pair([run("c", 3), run("b", 2), run("a", 1)]) == (1, 0)
    assert default_pair([run("c", 3), run("b", 2, base_run_id="a"), run("a", 1)]) == (2, 1)
    assert default_pair([run("c", 3, base_run_id="deleted"), run("b", 2)]) == (1, 0)


def test_a_difference_that_may_be_chance_is_called_not_significant():
    few = compare(["yes"] * 4, ["no"] * 2 + ["yes"] * 2, ["yes"] * 4, LABELS)
    assert verdict(few).startswith("Not significant: 2 fixed and 0 broken")
    same = compare(["yes"] * 4, ["no"] * 4, ["no"] * 4, LABELS)
    assert verdict(same).startswith("Not significant: both runs")
    worse = compare(["yes"] * 9, ["yes"] * 9, [None] * 9, LABELS)
    assert verdict(worse).startswith("B is significantly worse: 0 fixed, 9 broken")
    assert "no items" in verdict(compare([], [], [], LABELS))


def test_differences_and_p_values_are_written_plainly():
    assert points(0.0123) == "+1.2 points"
    assert points(None) == "–"
    assert points_interval(Estimate.undefined("nothing shared")) == "nothing shared"
    assert p_value_text(0.00004) == "p < 0.001"
    assert p_value_text(0.25) == "p = 0.25"


def test_drawn_reviews_take_the_place_of_what_is_counted(compared: Database):
    with compared.transaction() as cur:
        chief = add_reviewer(cur, "Chief", "admin").reviewer_id
        settings = QueueSettings("random", ReviewFilter(), order="random", seed=1)
        add_queue(cur, settings, queue_id="random", created_by=chief)
        query = "select item_id from queue_item order by position limit 10"
        for (item_id,) in cur.execute(query).fetchall():
            annotate(cur, "Ann", item_id, "no", queue_id="random")
    page = open_page("quality/compare")
    shown = " ".join(str(one.value) for one in [*page.markdown, *page.caption])
    assert "By the reviewers' labels, for all items" in shown
    assert "Hajek, from 10 reviewed items" in shown
    assert "estimated for 12 of 12 items from 10 reviewed ones" in shown
    assert "Counted plainly against the labels of record" in shown
    page.segmented_control(key="compare_section").set_value("all").run()
    assert not page.exception
    assert any("runs are shown by the reviewers' labels" in one.value for one in page.caption)
    errors = open_page("quality")
    errors.selectbox(key="errors_run").set_value("after").run()
    assert "Counted plainly against" in " ".join(one.value for one in errors.caption)
