"""The sections of the Errors page, what can be done with a selection, and the report."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from duckdb import DuckDBPyConnection
from streamlit.testing.v1 import AppTest

from db.connection import Database
from db.content.items import add_items
from db.content.predictions import add_predictions
from db.content.runs import add_run, list_runs
from db.importers import import_file
from db.outcomes.selection import NO_LABEL, OutcomeFilter, Selection
from db.outcomes.slices import list_slices, save_slice
from db.people.reviewers import add_reviewer
from db.records import Reviewer
from db.review.item_list import ReviewFilter
from db.review.queues import QueueSettings, add_item_queue, find_item_at, list_queues
from db.review.visibility import view_as
from db.viewer import EVERYTHING
from eci.statistics.estimates import proportion
from streamlit_app.components import confidence_panel, selection_actions
from streamlit_app.components.scope_picker import PickedScope
from streamlit_app.logic.figures import duration, head_verdict
from streamlit_app.logic.outcomes.confidence import load_trust, seconds_per_item
from streamlit_app.logic.outcomes.run_outcomes import load_errors, refresh
from streamlit_app.logic.outcomes.selection_summary import selection_words
from streamlit_app.logic.outcomes.slice_ranking import load_slices
from streamlit_app.logic.outcomes.suspects import load_suspect_ids, load_suspects
from streamlit_app.report.errors_report import build_report
from tests.support.annotations import annotate
from tests.support.full_disk import full_disk
from tests.support.pages import captions, item_ids, markup_of, open_form, open_page, prose
from tests.support.records import LABELS, head_says, make_answer, make_item, make_run
from training.evaluation.readings import read_new_answers
from training.evaluation.reporting.report_text import figure
from training.evaluation.reporting.reports import model_card

HOSTILE = "</script><img src=x onerror=alert(1)> ![x](https://evil.example/a.png)"
ERRORS = "quality"
NUM_ITEMS = 240
FLT = OutcomeFilter(EVERYTHING, "both", "imported", "pubmedqa").also(Selection(split="test"))


@pytest.fixture
def filled(database: Database) -> Database:
    """Return 240 test items; the head is far worse on those about pregnancy, and too sure of
    itself.

    A reviewer says the gold label of the first 20 items, and no of every fifth of them.
    """
    chance = np.random.default_rng(5)
    items, predictions = [], []
    for number in range(NUM_ITEMS):
        gold = LABELS[chance.choice(3, p=[0.5, 0.3, 0.2])]
        hard = number % 4 == 0
        right = chance.random() < (0.35 if hard else 0.9)
        head = gold if right else LABELS[(LABELS.index(gold) + 1) % 3]
        text = gold if chance.random() < 0.3 else chance.choice(["yes", "no"])
        items.append(
            make_item(
                f"q-{number:03d}",
                question=f"Does it help in case {number}? {HOSTILE}",
                context=(),
                gold_label=gold,
                metadata={"mesh": ["Humans", "Pregnancy"] if hard else ["Humans"], "year": "2011"},
            )
        )
        sure = 0.97 if chance.random() < 0.7 else 0.6
        fields = {"answer_tokens": 6, **head_says(head, sure)}
        answer = make_answer(f"q-{number:03d}", f"It may be {text}.", str(text), "both", **fields)
        predictions.append(answer)
    with database.transaction() as cur:
        add_items(cur, items, origin="items")
        add_run(cur, make_run("both"))
        add_predictions(cur, predictions)
        for number, one in enumerate(items[:20]):
            assert one.gold_label is not None
            label = "no" if number % 5 == 0 else one.gold_label
            annotate(cur, "Ada", one.item_id, label, duration_seconds=30.0 + number)
    return database


def open_section(section: str) -> AppTest:
    page = open_page(ERRORS)
    page.segmented_control(key="errors_section").select(section).run()
    assert not page.exception
    return page


def charts(page: AppTest) -> list[str]:
    return [json.loads(chart.proto.spec)["data"][0]["type"] for chart in page.get("plotly_chart")]


@pytest.mark.parametrize(
    ("section", "num_charts"),
    [
        ("help", 2),
        ("confusion", 3),
        ("confidence", 3),
        ("slices", 1),
        ("gold", 1),
        ("verbosity", 1),
    ],
)
def test_every_section_draws_its_charts_and_lists_items(
    filled: Database, section: str, num_charts: int
):
    page = open_section(section)
    assert len(charts(page)) == num_charts
    assert len(page.dataframe(key="errors_items").value) == 50
    assert "evil.example" not in prose(page)


def test_the_verdict_says_whether_the_head_helps(filled: Database):
    view = load_errors(filled, refresh(filled, "both"), replace(FLT, gold="record"))
    assert head_verdict(view.comparison).startswith("The head helps: ")
    page = open_section("help")
    assert any(text.value == f"**{head_verdict(view.comparison)}**" for text in page.markdown)
    assert sum(view.pair_outcomes.values()) == NUM_ITEMS


def test_the_worst_slice_comes_first_and_is_named_as_worse(filled: Database):
    version = refresh(filled, "both")
    view = load_slices(filled, version, FLT, "head", ())
    ranked = view.slices
    assert set(view.alike) >= {"source", "split", "year_range", "num_options"}
    assert (ranked[0].dimension, ranked[0].value) == ("mesh", "Pregnancy")
    assert ranked[0].is_worse
    assert ranked[0].result.n == 60
    assert "Humans" not in {one.value for one in ranked}  # every item has it: nothing to compare


def test_a_model_card_has_the_slices_of_the_page(filled: Database):
    metrics = {"pubmedqa": {"n": NUM_ITEMS, "head": {"accuracy": asdict(proportion(1, 2, ""))}}}
    with filled.transaction() as cur:
        cur.execute("update run set metrics = ? where run_id = 'both'", [json.dumps(metrics)])
    card = model_card(filled.cursor(), "both")
    ranked = load_slices(filled, refresh(filled, "both"), FLT, "head", ()).slices
    rows = [line for line in card.splitlines() if line.startswith("| pubmedqa, head |")]
    assert len(rows) == len(ranked) > 1
    for row, one in zip(rows, ranked, strict=True):
        accuracy, difference = figure(one.result.accuracy), figure(one.result.difference, "points")
        assert row.endswith(f" | {accuracy} | {difference} |")
    assert "mesh: Pregnancy" in rows[0]


def test_a_saved_slice_is_offered_and_ranked_among_the_others(filled: Database):
    with filled.transaction() as cur:
        by = add_reviewer(cur, "Ann").reviewer_id
        save_slice(cur, "hard ones", Selection(slices=(("mesh", "Pregnancy"),)), saved_by=by)
    page = open_section("slices")
    table = next(f.value for f in page.dataframe if "Adjusted p" in f.value)
    assert "Saved: hard ones" in table["Slice"].tolist()
    page.selectbox(key="errors_saved").select("hard ones").run()
    page.segmented_control(key="errors_section").select("help").run()
    assert {metric.label: metric.value for metric in page.metric}["Items"] == "60"


def test_confidence_that_is_off_is_called_so_and_rescaling_mends_it(filled: Database):
    view = load_trust(filled, refresh(filled, "both"), FLT, LABELS)
    assert view.given.is_off
    assert "Do not take the confidence at face value" in confidence_panel.calibration_sentence(
        view.given
    )
    assert view.temperature is not None
    assert view.temperature > 1.2
    assert view.rescaled is not None
    assert view.rescaled.brier.value < view.given.brier.value
    seconds = seconds_per_item(view.review_time)
    assert seconds.value == pytest.approx(np.mean(30 + np.arange(20)), abs=1e-9)
    sd = np.std(30 + np.arange(20), ddof=1)
    assert seconds.interval.high == pytest.approx(
        39.5 + 1.959963984540054 * sd / np.sqrt(20), abs=1e-9
    )


def test_the_slider_says_what_answering_alone_costs(filled: Database):
    against_record = replace(FLT, gold="record")
    view = load_trust(filled, refresh(filled, "both"), against_record, LABELS)
    point = view.curve.at(0.9)
    shown = {metric.label: metric for metric in open_section("confidence").metric}
    assert shown["Errors let through"].value == f"{point.num_errors:,}"
    reviews = NUM_ITEMS - point.num_answered
    assert shown["Review workload"].value == duration(reviews * 39.5)
    assert shown["Review workload"].delta == f"{reviews} items"


def test_errors_let_through_can_be_listed(filled: Database):
    page = open_section("confidence")
    page.button(key="errors_list_let_through").click().run()
    rows = page.dataframe(key="errors_items").value
    assert (rows["Head confidence"] >= 0.9).all()
    assert all(head.startswith("✗") for head in rows["Head"])
    page.button(key="errors_clear").click().run()
    assert len(page.dataframe(key="errors_items").value) == 50


def test_doubtful_labels_are_ranked_and_made_a_queue(filled: Database):
    version = refresh(filled, "both")
    view = load_suspects(filled, version, FLT, LABELS)
    assert view is not None
    assert 0 < view.num_suspects < NUM_ITEMS / 2
    qualities = [one.quality for one in view.rows]
    assert qualities == sorted(qualities)
    ids = load_suspect_ids(filled, FLT, view)
    assert ids[: len(view.rows)] == [one.row.item_id for one in view.rows]


def test_people_are_drawn_as_the_ceiling(filled: Database):
    page = open_section("gold")
    (chart,) = page.get("plotly_chart")
    spec = json.loads(chart.proto.spec)
    assert spec["layout"]["yaxis"]["ticktext"] == ["Text", "Head", "Reviewers here"]
    assert "Human ceiling" in spec["layout"]["annotations"][0]["text"]
    shown = " ".join(element.value for element in page.markdown) + captions(page)
    assert "None of these items is adjudicated" in shown


def test_what_is_listed_becomes_a_slice_and_a_queue(filled: Database):
    with filled.transaction() as cur:
        add_reviewer(cur, "Eve", "engineer")
    page = open_page(ERRORS, reviewer="Eve")
    page.selectbox(key="errors_pair").select("text_right").run()
    listed = item_ids(page, "errors_items")
    page.text_input(key="errors_slice_name").set_value("lost by the head")
    page.button(key="errors_slice_save").click().run()
    (saved,) = list_slices(filled.cursor())
    assert (saved.name, saved.selection) == (
        "lost by the head",
        Selection(pair_outcome="text_right"),
    )
    open_form(page, "errors_queue")
    page.text_input(key="errors_queue_name").set_value("to look at")
    page.button(key="errors_queue_create").click().run()
    assert not page.exception
    (queue,) = list_queues(filled.cursor())
    assert (queue.settings.name, queue.settings.run_id) == ("to look at", "both")
    found = [find_item_at(filled.cursor(), queue.queue_id, n) for n in range(len(listed))]
    assert found == listed
    assert find_item_at(filled.cursor(), queue.queue_id, len(listed)) is None


def test_one_press_opens_what_is_listed_in_review(filled: Database):
    with filled.transaction() as cur:
        eve = add_reviewer(cur, "Eve", "engineer")
    page = open_page(ERRORS, reviewer="Eve")
    page.selectbox(key="errors_pair").select("text_right").run()
    listed = item_ids(page, "errors_items")
    assert "text correct, head wrong" in markup_of(page)
    page.button(key="errors_queue_review").click().run()
    assert not page.exception
    (queue,) = list_queues(filled.cursor())
    assert page.query_params["queue"] == queue.queue_id
    assert (queue.settings.name, queue.settings.mode) == ("text correct, head wrong", "open")
    assert queue.settings.reviewer_ids == (eve.reviewer_id,)
    assert find_item_at(filled.cursor(), queue.queue_id, 0) == listed[0]


def test_a_slice_that_a_full_disk_keeps_is_still_there_and_the_page_says_so(filled: Database):
    with filled.transaction() as cur:
        eve = add_reviewer(cur, "Eve", "engineer")
        save_slice(cur, "hard", Selection(pair_outcome="text_right"), saved_by=eve.reviewer_id)
    page = open_page(ERRORS, reviewer="Eve")
    page.selectbox(key="errors_saved").select("hard").run()
    with full_disk():
        page.button(key="errors_slice_drop").click().run()
    assert not page.exception
    assert "Nothing was saved" in markup_of(page)
    assert [saved.name for saved in list_slices(filled.cursor())] == ["hard"]


def ask_blind(cur: DuckDBPyConnection, item_id: str, by: Reviewer) -> None:
    add_item_queue(
        cur,
        QueueSettings("Blind", ReviewFilter(), mode="blind"),
        [item_id],
        queue_id="blind",
        created_by=by.reviewer_id,
    )


def test_a_file_of_a_reviewer_leaves_out_what_they_are_to_label_blind(filled: Database):
    with filled.transaction() as cur:
        eve = add_reviewer(cur, "Eve", "engineer")
        ask_blind(cur, "q-007", eve)
        ada = add_reviewer(cur, "Ada")
    version = refresh(filled, "both")
    rows = {}
    for person in (ada, eve):
        flt = replace(FLT, viewer=view_as(filled.cursor(), person.reviewer_id))
        rows[person.name] = selection_actions.items_csv(flt).decode().count("\nq-")
    assert rows == {"Ada": NUM_ITEMS - 1, "Eve": NUM_ITEMS}
    flt = replace(FLT, viewer=view_as(filled.cursor(), ada.reviewer_id))
    scope = PickedScope(flt, version, None, "test", None)
    view, runs = load_errors(filled, version, flt), list_runs(filled.cursor())
    written = build_report(
        filled, view, scope, flt, {run.run_id: run.name for run in runs}
    ).decode()
    assert "<td>q-006</td>" in written
    assert "<td>q-007</td>" not in written
    assert "1 item awaits the blind label of the reader of this report" in written


def test_the_list_leaves_out_what_a_reviewer_is_to_label_blind(filled: Database):
    with filled.transaction() as cur:
        root = add_reviewer(cur, "Root", "admin")
        add_reviewer(cur, "Ada")
        ask_blind(cur, "q-007", root)
    listed = {}
    for name in ("Ada", "Root"):
        listed[name] = set(item_ids(open_page(ERRORS, reviewer=name), "errors_items"))
    assert listed["Root"] - listed["Ada"] == {"q-007"}


def test_a_reviewer_may_not_make_queues(filled: Database):
    with filled.transaction() as cur:
        add_reviewer(cur, "Root", "admin")
    page = open_page(ERRORS, reviewer="Ada")
    open_form(page, "errors_queue")
    makes = {"errors_queue_create", "errors_queue_review"}
    assert not any(button.key in makes for button in page.button)


def test_an_address_restores_conditions_without_a_picker(filled: Database):
    chosen = Selection(slices=(("mesh", "Pregnancy"),), head_is_right=False)
    page = open_page(ERRORS, errors_more=chosen.to_json())
    assert any(selection_words(chosen) in text.value for text in page.text)
    assert all(head.startswith("✗") for head in page.dataframe(key="errors_items").value["Head"])


def test_a_selection_is_said_in_words():
    words = selection_words(
        Selection(
            gold_label="yes",
            text_label=NO_LABEL,
            slices=(("mesh", "Humans"),),
            confidence_from=0.9,
            confidence_below=1.1,
        )
    )
    assert words == (
        "reference label: yes; text label: no label; mesh term: humans; confidence at least 90.0%"
    ).replace("humans", "Humans")


@pytest.fixture
def report(filled: Database) -> str:
    version = refresh(filled, "both")
    scope = PickedScope(FLT, version, None, "test", None)
    narrowed = FLT.also(Selection(pair_outcome="text_right"))
    view = load_errors(filled, version, FLT)
    names = {run.run_id: run.name for run in list_runs(filled.cursor())}
    made = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
    return build_report(filled, view, scope, narrowed, names, made).decode()


def test_the_report_holds_every_section_its_filters_and_the_listed_items(
    report: str, filled: Database
):
    for heading in (
        "Does ECI help?",
        "Confusion",
        "Confidence",
        "Slices",
        "Reference labels",
        "Verbosity",
    ):
        assert f"<h2>{heading}</h2>" in report
    assert "text correct, head wrong" in report
    assert "2026-03-02 08:30 UTC" in report
    view = load_errors(filled, refresh(filled, "both"), FLT)
    assert f"{view.pair_outcomes['text_right']} items, by ID." in report
    assert report.count("Plotly.newPlot") >= 9


def test_the_report_needs_no_network_and_runs_no_text(report: str):
    assert "default-src 'none'" in report
    assert 'src="http' not in report
    assert "<img src=x" not in report
    assert "&lt;img src=x" in report


@pytest.mark.data
def test_the_real_answers_of_qwq_fill_every_section_that_needs_no_head(
    database: Database, data_dir: Path
):
    import_file(database, "pubmedqa", data_dir / "pubmedqa" / "ori_pqal.json")
    answers = data_dir / "model_answers" / "QwQ-32B-pubmedqa-test-zero_shot.json"
    import_file(database, "model_answers", answers)
    read_new_answers(database)
    page = open_section("gold")
    rows = json.loads(page.get("plotly_chart")[0].proto.spec)["layout"]["yaxis"]["ticktext"]
    assert rows == [
        "Text",
        "PubMedQA annotator 1 (context only)",
        "PubMedQA annotator 2 (with conclusion)",
    ]
    page.segmented_control(key="errors_section").select("verbosity").run()
    table = next(f.value for f in page.dataframe if "More than the label (%)" in f.value)
    assert table["Answers"].tolist() == [500]
    page.segmented_control(key="errors_section").select("slices").run()
    table = next(f.value for f in page.dataframe if "Adjusted p" in f.value)
    assert {"MeSH term: Humans", "Question begins with: does"} <= set(table["Slice"])
    page.segmented_control(key="errors_section").select("confidence").run()
    assert "no ECI head" in " ".join(notice.value for notice in page.info)
