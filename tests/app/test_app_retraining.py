"""The pages Models, Lineage and Training data over a real database file."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from db.connection import Database
from db.content.items import add_items
from db.content.predictions import add_predictions
from db.people.reviewers import add_reviewer
from db.records import Item, Section
from db.retraining.lineage import TrainingRecord, add_training_records
from db.retraining.model_versions import find_by_alias, list_alias_events, register_model
from db.retraining.record_vetoes import list_record_vetoes
from db.retraining.retired_runs import retire_runs
from db.retraining.snapshot import freeze
from db.review.adjudications import add_adjudication
from db.viewer import EVERYTHING
from streamlit_app.logic.reports import build_data_card
from streamlit_app.logic.training.models_view import in_words
from streamlit_app.logic.training.training_records import preview, to_export, zipped
from streamlit_app.server.services import run_names
from streamlit_app.session.sign_in import DEFAULT_NAME
from tests.support.pages import OpenPage
from tests.support.records import LABELS, make_head_prediction, make_item
from tests.support.trained_runs import add_trained_run
from training.control.registry import gate_of


def _item(number: int, split: str, **fields: Any) -> Item:
    text = f"{number + 3} {split} patients took {split}-{number} each {split} morning."
    defaults = {
        "question": f"Does {split} drug {number} help {split} people?",
        "context": (Section("", text),),
        "gold_label": LABELS[number % 3],
        "long_answer": f"Reason {number}.",
    }
    return make_item(f"{split}-{number:03d}", split=split, **{**defaults, **fields})


@pytest.fixture
def store(database: Database, tmp_path: Path) -> Database:
    """Two trained runs on 60 test items, the later one better; one adjudicated training item."""
    gold = [LABELS[n % 3] for n in range(60)]
    with database.transaction() as cur:
        items = [_item(n, "train") for n in range(12)] + [_item(n, "test") for n in range(60)]
        items[3] = replace(items[3], question="<b>Hostile?</b>")
        add_items(cur, items, origin="items")
        admin = add_reviewer(cur, DEFAULT_NAME, "admin").reviewer_id
        add_adjudication(
            cur, adjudication_id="d", item_id="train-003", reviewer_id=admin, label="no"
        )
    snapshot_id = freeze(database.cursor(), tmp_path / "s", created_by="tests").snapshot_id
    settings = {"task": "train", "snapshot_id": snapshot_id}
    worse = ["yes" if n % 2 else label for n, label in enumerate(gold)]
    with database.transaction() as cur:
        for run_id, base, labels in (("one", None, worse), ("two", "one", gold)):
            add_trained_run(cur, run_id, settings, base_run_id=base, created_by=admin)
            heads = [
                make_head_prediction(f"test-{n:03d}", run_id, label)
                for n, label in enumerate(labels)
            ]
            add_predictions(cur, heads)
            record = TrainingRecord(run_id, "train-003", 1, 0, "train", ("train-004",))
            add_training_records(cur, [record])
            register_model(cur, run_id, admin)
    return database


def _texts(test: AppTest) -> str:
    return "\n".join([*(e.value for e in test.html), *(e.value for e in test.text)])


def test_a_challenger_that_passes_is_promoted_and_rolled_back(
    store: Database, open_page: OpenPage
) -> None:
    test = open_page("training/models")
    assert not test.exception
    assert "Ready to promote" in _texts(test)
    assert "too few items to tell: ECE" in _texts(test) and "n = 60" in _texts(test)
    test.button(key="models_promote").click().run()
    assert not test.exception
    champion = find_by_alias(store.cursor(), "champion")
    assert champion is not None and champion.run_id == "two"
    test.text_input(key="models_roll_back_reason").set_value("worse on the ward")
    test.button(key="models_roll_back").click().run()
    assert find_by_alias(store.cursor(), "champion") is None
    assert [e.action for e in list_alias_events(store.cursor(), "champion")] == [
        "roll back",
        "promote",
    ]


def test_the_operating_points_of_champion_and_challenger_are_shown(
    store: Database, open_page: OpenPage
) -> None:
    assert "Operating point" not in _texts(open_page("training/models"))
    rule = {"cost": "accuracy", "num_items": 40, "set_coverage": 0.9, "ask_unless_single": True}
    with store.transaction() as cur:
        cur.execute(
            "update run set metrics = $metrics where run_id = 'two'",
            {"metrics": json.dumps({"pubmedqa": {"decision": rule}})},
        )
    text = _texts(open_page("training/models"))
    assert "Operating point of Version 2" in text
    assert "where the set is not a single label" in text


def test_what_the_gate_wrote_names_label_sets_as_the_page_does(store: Database) -> None:
    report = gate_of(store, 2, EVERYTHING)
    names = ("pubmedqa", r"grade \d", r"grade \d late", "yes")
    report = replace(report, sets=tuple(replace(report.sets[0], label_set=one) for one in names))
    text = r"pubmedqa: fell; grade \d late: rose; pubmedqa2: held"
    assert in_words(text, report) == r"Yes, no, maybe: fell; grade \d late: rose; pubmedqa2: held"
    assert in_words("held", replace(report, sets=())) == "held"


def test_a_reviewer_sees_the_gate_and_cannot_promote(store: Database, open_page: OpenPage) -> None:
    with store.transaction() as cur:
        add_reviewer(cur, "Ann", "reviewer")
    test = open_page("training/models", reviewer="Ann")
    assert "eady to promote" in _texts(test)
    assert test.button(key="models_promote").disabled


def test_lineage_walks_from_the_correction_to_the_run_and_what_it_fixed(
    store: Database, open_page: OpenPage
) -> None:
    test = open_page("training/lineage")
    assert not test.exception
    shown = _texts(test)
    assert "&lt;b&gt;Hostile?" in shown and "<b>Hostile" not in shown
    test.button(key="lineage_to_run").click().run()
    assert not test.exception
    assert test.selectbox(key="lineage_run").value in ("one", "two")
    test.selectbox(key="lineage_run").set_value("two").run()
    assert "20 fixed, 0 broken" in "\n".join(caption.value for caption in test.caption)
    assert "1 one-shot training" in _texts(test)
    assert f">{run_names()['one']}</td>" in _texts(test)
    (flow,) = (one for one in test.get("plotly_chart") if "sankey" in one.proto.spec)
    assert run_names()["two"] in flow.proto.spec


def test_lineage_leads_to_a_run_that_stands_in_no_list_any_more(
    store: Database, open_page: OpenPage
) -> None:
    with store.transaction() as cur:
        retire_runs(cur, ["two"])
    test = open_page("training/lineage")
    test.button(key="lineage_to_run").click().run()
    assert not test.exception
    assert test.selectbox(key="lineage_run").value == "two"
    assert "20 fixed, 0 broken" in "\n".join(caption.value for caption in test.caption)


def test_training_data_are_shown_with_their_shots_and_packed(
    store: Database, open_page: OpenPage
) -> None:
    test = open_page("training/data")
    assert not test.exception
    assert "training records" in _texts(test), _texts(test)[-600:]
    built = preview(store, EVERYTHING, "pubmedqa", 1, "balanced", only_corrected=False)
    names = zipfile.ZipFile(io.BytesIO(zipped(built, "huggingface"))).namelist()
    assert {"README.md", "build.json", "data/train-00000-of-00001.parquet"} <= set(names)
    assert list_record_vetoes(store.cursor(), EVERYTHING) == []


def test_a_format_says_how_many_rows_it_has_or_why_it_has_none(
    store: Database, open_page: OpenPage
) -> None:
    test = open_page("training/data")
    for build_format, expected in (
        ("alpaca", "Download "),
        ("lm_eval", "Download "),
        ("dpo", "Review items of the train split together with the answers of a run"),
    ):
        test.selectbox(key="data_build_format").select(build_format).run()
        assert not test.exception
        shown = [*(one.label for one in test.get("download_button")), _texts(test)]
        assert expected in "\n".join(shown), build_format
        assert ("Data card (HTML)" in shown) == ("Download " in expected)
    built = preview(store, EVERYTHING, "all", 0, "balanced", only_corrected=False)
    tested = to_export(store, EVERYTHING, built, "lm_eval")
    assert {record.fold for record in tested.records} == {"test"}
    names = zipfile.ZipFile(io.BytesIO(zipped(tested, "lm_eval"))).namelist()
    assert "llamacare_pubmedqa.yaml" in names
    card = build_data_card(tested, "lm_eval", is_html=True).decode()
    assert "Data card: all-0shot-lm_eval" in card
    assert "It holds items of the test split" in card
    assert "llamacare_pubmedqa.yaml" in card


def test_without_models_and_corrections_the_pages_say_what_to_do(
    database: Database, open_page: OpenPage
) -> None:
    assert "no models yet" in open_page("training/models").info[0].value
    assert "no corrections yet" in open_page("training/lineage").info[0].value
