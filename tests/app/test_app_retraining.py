"""The pages Models, Lineage and Training data over a real database file."""

from __future__ import annotations

import io
import json
import zipfile
from concurrent.futures import wait
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from db import child_process
from db.connection import Database
from db.content.items import add_items
from db.content.predictions import add_predictions
from db.people.reviewers import add_reviewer
from db.records import Item, Section
from db.retraining.lineage import TrainingRecord, add_training_records
from db.retraining.model_versions import find_by_alias, list_alias_events, register_model
from db.retraining.record_vetoes import add_record_veto, list_record_vetoes
from db.retraining.retired_runs import retire_runs
from db.retraining.snapshot import freeze, read_state
from db.review.adjudications import add_adjudication
from db.review.annotations import retract_annotation
from db.review.item_list import ReviewFilter
from db.review.queues import QueueSettings, add_item_queue
from db.review.visibility import view_as
from db.viewer import EVERYTHING
from streamlit_app.logic.reports import build_data_card
from streamlit_app.logic.training import training_records
from streamlit_app.logic.training.models_view import in_words
from streamlit_app.logic.training.training_records import WrittenPreview, zipped
from streamlit_app.server.services import run_names
from streamlit_app.session.sign_in import DEFAULT_NAME
from tests.support.annotations import annotate
from tests.support.pages import OpenPage, captions, markup_of
from tests.support.records import LABELS, make_head_prediction, make_item
from tests.support.trained_runs import add_trained_run
from training.control.registry import gate_of
from training.data.preview import PreviewChoices
from training.errors import DataError


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


def _written(database: Database, benchmark: Any, num_shots: int) -> WrittenPreview:
    choices = PreviewChoices(benchmark, num_shots, "balanced", only_corrected=False)
    return WrittenPreview(database, EVERYTHING, choices)


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
    built = _written(store, "pubmedqa", 1)
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
    built = _written(store, "all", 0)
    packed = zipfile.ZipFile(io.BytesIO(zipped(built, "lm_eval")))
    assert "llamacare_pubmedqa.yaml" in packed.namelist()
    lines = b"".join(packed.read(name) for name in packed.namelist() if name.endswith("jsonl"))
    assert b"test-001" in lines and b"train-001" not in lines
    card = build_data_card(built, "lm_eval", is_html=True).decode()
    assert "Data card: all-0shot-lm_eval" in card
    assert "It holds items of the test split" in card
    assert "llamacare_pubmedqa.yaml" in card


def _records(test: AppTest) -> set[str]:
    return {x for frame in test.dataframe if "Use" in frame.value for x in frame.value["Item"]}


@pytest.fixture
def large(store: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A store that is read by a child process, on a page that does not wait for it."""
    training_records._slots.clear()
    monkeypatch.setattr(child_process, "SMALL_BYTES", 0)
    monkeypatch.setattr(training_records, "PATIENCE_SECONDS", 0)
    return store


def _wait_for_build() -> None:
    """Wait until no preview is being built, one that was asked for before included."""
    pending = [slot.coming for slot in training_records._slots.values() if slot.coming]
    assert not wait(pending, 60).not_done


def test_the_page_does_not_wait_for_the_records_of_a_large_store(
    large: Database, open_page: OpenPage
) -> None:
    test = open_page("training/data")
    assert not test.exception
    assert "put together from 72 items" in captions(test)
    assert "training records" not in _texts(test)
    _wait_for_build()
    test.run()
    assert "put together" not in captions(test) and "As of" not in captions(test)
    assert "12 training records" not in _texts(test) and "training records" in _texts(test)
    assert _records(test) == {f"train-{n:03d}" for n in range(12)}
    packed = zipfile.ZipFile(io.BytesIO(zipped(_written(large, "all", 0), "chat")))
    assert b"train-001" in b"".join(packed.read(name) for name in packed.namelist())


def test_records_of_a_large_store_say_as_of_when_they_are_until_newer_ones_are_there(
    large: Database, open_page: OpenPage
) -> None:
    open_page("training/data")
    _wait_for_build()
    test = open_page("training/data")
    (slot,) = training_records._slots.values()
    assert slot.written is not None
    slot.written.time_taken = timedelta(0)  # whatever the machine does
    with training_records._building:  # so that the next build waits
        annotate(large, "Ann", "train-001", "yes")
        test.run()
        assert "As of" in captions(test) and "put together" in captions(test)
        assert "1 corrected" in _texts(test)
    _wait_for_build()
    test.run()
    assert "As of" not in captions(test)
    assert "2 corrected" in _texts(test)


def test_a_build_that_took_long_is_repeated_for_a_veto_and_else_after_a_rest(
    large: Database, open_page: OpenPage
) -> None:
    open_page("training/data")
    _wait_for_build()
    test = open_page("training/data")
    (slot,) = training_records._slots.values()
    assert slot.written is not None and slot.coming is None
    slot.written.time_taken = timedelta(minutes=1)
    annotate(large, "Ann", "train-001", "yes")
    test.run()
    assert "As of" in captions(test) and "put together" not in captions(test)
    slot.written.moment -= timedelta(minutes=11)
    assert slot.written.is_due(read_state(large.cursor(), EVERYTHING))
    slot.written.moment += timedelta(minutes=11)
    admin = add_reviewer(large.cursor(), DEFAULT_NAME).reviewer_id
    with large.transaction() as cur:
        add_record_veto(cur, item_id="train-002", num_shots=None, reviewer_id=admin)
    test.run()
    assert "put together" in captions(test)
    _wait_for_build()
    test.run()
    assert _records(test) == {f"train-{n:03d}" for n in range(12)} - {"train-002"}


def test_finished_records_never_show_an_item_that_was_hidden_since(
    large: Database, open_page: OpenPage
) -> None:
    with large.transaction() as cur:
        admin = add_reviewer(cur, DEFAULT_NAME).reviewer_id
        ann = add_reviewer(cur, "Ann", "adjudicator").reviewer_id
        blind = QueueSettings("Blind one", ReviewFilter(), mode="blind", reviewer_ids=(ann,))
        add_item_queue(cur, blind, ["train-001"], queue_id="queue-blind", created_by=admin)
    annotate(large, "Ann", "train-001", "yes", queue_id="queue-blind", phase="blind")
    open_page("training/data", reviewer="Ann")
    _wait_for_build()
    test = open_page("training/data", reviewer="Ann")
    assert "train-001" in _records(test)
    (slot,) = training_records._slots.values()
    written = slot.written
    assert written is not None and any(written.preview.folder.iterdir())
    with training_records._building:
        with large.transaction() as cur:
            retract_annotation(cur, annotation_id="undo", item_id="train-001", reviewer_id=ann)
        test.run()
        assert _records(test) == set()
        assert "put together" in captions(test) and "As of" not in captions(test)
        with pytest.raises(DataError, match="await your blind label"):
            training_records.require_unhidden(written, large, view_as(large.cursor(), ann))
    _wait_for_build()
    test.run()
    assert _records(test) == {f"train-{n:03d}" for n in range(12)} - {"train-001"}


def test_why_nothing_can_be_built_is_said_as_it_is_in_a_small_store(
    large: Database, open_page: OpenPage
) -> None:
    test = open_page("training/data")
    test.segmented_control(key="data_benchmark").set_value("usmle-step1").run()
    _wait_for_build()
    test.run()
    assert "No labelled training item belongs to" in markup_of(test)
    assert not test.exception


def test_the_folder_of_records_goes_with_them(large: Database) -> None:
    written = _written(large, "all", 0)
    folder = written.preview.folder
    assert any(folder.iterdir())
    del written
    assert not folder.exists()


def test_without_models_and_corrections_the_pages_say_what_to_do(
    database: Database, open_page: OpenPage
) -> None:
    assert "no models yet" in open_page("training/models").info[0].value
    assert "no corrections yet" in open_page("training/lineage").info[0].value
