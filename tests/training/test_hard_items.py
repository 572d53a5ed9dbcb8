"""An item that a model cannot be asked about, or with many options, stops only itself."""

from __future__ import annotations

import string
from typing import Any

import pytest
from click.testing import CliRunner

from db.connection import Database
from db.content.items import add_items
from db.content.predictions import list_predictions
from db.paths import runs_dir
from db.records import Item, Option, Reviewer
from db.retraining.snapshot import read_snapshot
from db.viewer import EVERYTHING
from tests.support.records import make_item, make_options_item
from training.cli.main import main
from training.control.ingest import refresh
from training.control.plan import Plan, prepare_plan
from training.control.start import prepare_prediction, prepare_run
from training.data.build import build
from training.errors import DataError
from training.head.refit import is_quick, run_refit
from training.joint.predict import run_prediction
from training.joint.qlora import run_qlora
from training.run.execution import execute
from training.settings.training import (
    PredictionSettings,
    Preset,
    RefitSettings,
    parse_as,
    parse_settings,
)


def hard_items(split: str) -> list[Item]:
    """Return an item with 26 options and one that is too long, all words of their own."""
    letters = string.ascii_uppercase
    many = make_options_item(
        f"many-{split}",
        letters,
        question=f"Which {split} letter?",
        options=tuple(Option(letter, f"{split} choice {letter}{letter}") for letter in letters),
        gold_label="S",
        split=split,
    )
    long = " ".join(f"{split}{number}" for number in range(2000))
    return [many, make_item(f"long-{split}", question=f"Is it {long}?", context=(), split=split)]


@pytest.fixture
def with_hard_items(database: Database) -> Database:
    with database.transaction() as cur:
        add_items(cur, [*hard_items("train"), *hard_items("test")], origin="items")
    return database


def test_predicting_leaves_out_what_cannot_be_asked_and_names_it(
    with_hard_items: Database, tiny_settings: dict[str, Any]
) -> None:
    model = {**tiny_settings["model"], "quantization": "none"}
    fields = {"model": model, "evaluation": {"max_new_tokens": 4}}
    settings = parse_as(PredictionSettings, fields, "tests")
    run_dir = prepare_prediction(with_hard_items, settings, "tests")
    assert execute(run_dir, run_prediction) == "succeeded", run_dir.read_status().message
    message = run_dir.read_status().message
    assert "2 of 38 items were set aside" in message
    assert "long-test, long-train" in message
    refresh(with_hard_items, runs_dir())
    cur = with_hard_items.cursor()
    answered = {p.item_id: p for p in list_predictions(cur, run_dir.run_id, EVERYTHING)}
    assert len(answered) == 36
    assert len(answered["many-test"].head_probabilities or ()) == 26


def test_training_leaves_out_what_cannot_be_asked_and_names_it(
    with_hard_items: Database, tiny_settings: dict[str, Any]
) -> None:
    preset = Preset("test", "A test.", parse_settings({**tiny_settings}, "tests"))
    run_dir = prepare_run(with_hard_items, preset, "tests")
    assert execute(run_dir, run_qlora) == "succeeded", run_dir.read_status().message
    assert "2 of 38 items were set aside" in run_dir.read_status().message
    refresh(with_hard_items, runs_dir())
    cur = with_hard_items.cursor()
    assert len(list_predictions(cur, run_dir.run_id, EVERYTHING)) == 36


def test_a_refit_leaves_out_what_cannot_be_asked_and_stays_quick(
    engineer: Reviewer, with_hard_items: Database, base_alone: RefitSettings
) -> None:
    for is_first in (True, False):
        run_dir = prepare_plan(with_hard_items, Plan("refit", base_alone, None), "tests")
        assert is_quick(run_dir) is not is_first
        assert execute(run_dir, run_refit) == "succeeded", run_dir.read_status().message
        assert "2 of 98 items were set aside" in run_dir.read_status().message


def test_where_no_item_can_be_asked_the_run_says_so(
    database: Database, tiny_settings: dict[str, Any]
) -> None:
    model = {**tiny_settings["model"], "quantization": "none", "max_prompt_tokens": 32}
    settings = parse_as(PredictionSettings, {"model": model}, "tests")
    run_dir = prepare_prediction(database, settings, "tests")
    assert execute(run_dir, run_prediction) == "failed"
    assert "34 of 34 items were set aside" in run_dir.read_status().message


def test_items_with_26_options_are_built(with_hard_items: Database) -> None:
    built = build(read_snapshot(with_hard_items.cursor(), EVERYTHING), benchmark="all", num_shots=1)
    assert "many-train" in {record.item_id for record in built.records}


def test_a_label_without_any_training_item_is_named(
    database: Database, tiny_settings: dict[str, Any]
) -> None:
    with database.transaction() as cur:
        cur.execute("update imported_item set gold_label = 'no' where gold_label = 'maybe'")
    built = build(read_snapshot(database.cursor(), EVERYTHING), benchmark="pubmedqa", num_shots=0)
    (warning,) = built.warnings
    assert "No training item of pubmedqa has the label maybe" in warning
    database.close()
    done = CliRunner().invoke(main, ["build", "--benchmark", "pubmedqa"])
    assert done.exit_code == 0, done.output
    assert "the label maybe" in done.stderr


def test_a_run_warns_of_a_label_without_any_training_item(
    database: Database, tiny_settings: dict[str, Any]
) -> None:
    with database.transaction() as cur:
        cur.execute("update imported_item set gold_label = 'no' where gold_label = 'maybe'")
    preset = Preset("test", "A test.", parse_settings({**tiny_settings}, "tests"))
    run_dir = prepare_run(database, preset, "tests")
    assert execute(run_dir, run_qlora) == "succeeded", run_dir.read_status().message
    assert "has the label maybe" in run_dir.read_status().message


def test_building_nothing_is_refused(database: Database) -> None:
    with pytest.raises(DataError, match="Nothing was built"):
        build(
            read_snapshot(database.cursor(), EVERYTHING),
            benchmark="all",
            num_shots=0,
            only_corrected=True,
        )
