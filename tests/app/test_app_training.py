"""The Training page over a real database file and real run directories."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from db.connection import Database
from db.content.items import add_items
from db.content.predictions import add_predictions
from db.content.runs import add_run, list_runs
from db.outcomes.counts import RunSummary
from db.paths import runs_dir
from db.people.reviewers import add_reviewer
from db.people.sign_in import add_person, change_person
from db.retraining.lineage import TrainingRecord
from db.retraining.model_versions import register_model
from db.retraining.snapshot import load_snapshot
from db.retraining.training_runs import list_training_runs
from db.retraining.trigger_policies import add_trigger_policy
from streamlit_app.logic.training.training_view import (
    HistoryEntry,
    describe_settings,
    history_table,
)
from tests.support.annotations import annotate
from tests.support.pages import open_page, plain_texts
from tests.support.records import LABELS, make_answer, make_item, make_run, make_training_run
from tests.support.training_items import make_remedy
from training.control.start import prepare_run
from training.control.triggers import get_policy
from training.run.json_files import replace_json
from training.run.result_tables import PREDICTIONS, RECORDS
from training.run.run_dir import RunDir
from training.run.status import Status
from training.settings.launchers import launchers_path
from training.settings.training import TrainingSettings, list_presets

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOSTILE = "<img src=x onerror=alert(1)>"
# A base model that is not there: the run fails within seconds, after it has really been started.
PRESET = """
description = "Fails at once: its base model does not exist."
[model]
base = "{base}"
quantization = "none"
device = "cpu"
"""


@pytest.fixture
def database(database: Database, tmp_path: Path) -> Database:
    """Add a preset that cannot run to the app's own database and home."""
    presets = tmp_path / "presets"
    presets.mkdir()
    (presets / "test.toml").write_text(PRESET.format(base=tmp_path / "nowhere"), encoding="utf-8")
    return database


@pytest.fixture
def filled(database: Database) -> Database:
    items = [
        make_item(f"q-{n}", gold_label=LABELS[n % 3], split="train" if n < 6 else "test")
        for n in range(9)
    ]
    with database.transaction() as cur:
        add_items(cur, items, origin="items")
        add_run(cur, make_run("base"))
        add_predictions(cur, [make_answer("q-6", "Yes.", "yes", "base")])
    return database


def started_run(database: Database, state: str = "running", **status: object) -> RunDir:
    """Make a run that says it is in a state; this test's own process stands behind it."""
    preset = next(preset for preset in list_presets() if preset.name == "test")
    run_dir = prepare_run(database, preset, "reviewer-1", "base")
    fields = {"state": state, "started_at": datetime.now(UTC) - timedelta(seconds=75), **status}
    run_dir.update_status(**fields)
    if state == "running":
        import psutil

        created = datetime.fromtimestamp(psutil.Process(os.getpid()).create_time(), UTC)
        run_dir.update_status(pid=os.getpid(), pid_created_at=created)
    return run_dir


def open_training(**params: str) -> AppTest:
    page = open_page("training", **params)
    assert not page.exception
    return page


def progress_text(page: AppTest) -> str:
    (bar,) = page.get("progress")
    return bar.proto.text


def test_without_training_items_nothing_can_be_started(database: Database):
    page = open_training()
    assert page.button(key="training_retrain").disabled
    assert "no labelled items in the training split" in plain_texts(page)
    assert "no training runs yet" in plain_texts(page)


def test_the_page_says_what_a_run_would_learn_from(filled: Database):
    for item_id, label in (("q-0", "no"), ("q-1", "no"), ("q-7", "yes")):
        annotate(filled, "Ada", item_id, label)
    page = open_training()
    text = plain_texts(page)
    assert "Corrected items" in text and "1, 0 of them adjudicated" in text
    (balance,) = (c for c in page.get("plotly_chart") if "training_balance" in c.proto.id)
    assert all(part in balance.proto.spec for part in ("yes 1", "no 3", "maybe 2"))
    assert "28 more training items of maybe" in text
    assert "no item has two reviews" in text


def test_the_quick_preset_is_chosen_at_first_and_described(filled: Database):
    page = open_training(training_preset="smoke")
    assert page.selectbox(key="training_preset").value == "smoke"
    assert "bundled:smollm2-135m" in plain_texts(page)
    page.selectbox(key="training_preset").select("test").run()
    assert "Fails at once" in plain_texts(page)
    assert "has not run on this machine yet" in plain_texts(page)


def test_retrain_starts_one_run_notes_it_and_returns(filled: Database):
    page = open_training(training_preset="smoke")
    page.selectbox(key="training_preset").select("test").run()
    page.button(key="training_retrain").click().run()
    assert not page.exception
    (run,) = list_training_runs(filled.cursor())
    assert (run.preset, run.base_run_id) == ("test", "base")
    run_dir = RunDir(runs_dir() / run.run_id)
    assert (run_dir.snapshot_path / "manifest.json").is_file()
    process = run_dir.read_status().process
    assert process is not None
    if process.is_alive():
        process.kill()


def test_a_run_goes_to_the_launcher_that_is_picked_among_those_set_up(filled: Database):
    keys = {box.key for box in open_training(training_preset="smoke").selectbox}
    assert "training_launcher" not in keys
    launchers_path().write_text("[accelerate]\nnum_processes = 4\n")
    page = open_training(training_preset="smoke")
    page.selectbox(key="training_preset").select("test").run()
    assert page.selectbox(key="training_launcher").value == "local"
    page.selectbox(key="training_launcher").select("accelerate").run()
    page.button(key="training_retrain").click().run()
    assert not page.exception
    (run,) = list_training_runs(filled.cursor())
    assert run.settings["launcher"] == {
        "kind": "accelerate",
        "num_processes": 4,
        "sharding": "auto",
    }
    process = RunDir(runs_dir() / run.run_id).read_status().process
    assert process is not None
    process.kill()


def test_a_policy_is_set_on_the_page(filled: Database):
    page = open_training()
    page.selectbox(key="policy_mode").select("corrections")
    page.number_input(key="policy_number").set_value(7)
    page.selectbox(key="policy_country").select("NOR")
    next(b for b in page.button if b.label == "Save policy").click().run()
    assert not page.exception
    policy = get_policy(filled)
    assert (policy.mode, policy.num_corrections, policy.country) == ("corrections", 7, "NOR")


def test_the_quick_tiers_say_from_what_they_start(filled: Database):
    page = open_training()
    assert page.segmented_control(key="training_tier").value == "refit"
    assert page.selectbox(key="training_source").value == "base"
    page.segmented_control(key="training_tier").set_value("recalibrate").run()
    assert "no models yet" in plain_texts(page)
    assert page.button(key="training_retrain").disabled


@pytest.mark.usefixtures("bundled_is_tiny")
def test_the_gain_cannot_be_projected_without_features_and_says_so(filled: Database):
    page = open_training()
    page.button(key="training_project").click().run()
    assert not page.exception
    assert "Refit the head once" in plain_texts(page)


def test_a_running_run_shows_its_progress(filled: Database):
    run_dir = started_run(filled, num_steps=10, step=4, message="Running.")
    for step in (3, 4):
        run_dir.append_event(
            "progress",
            step=step,
            num_steps=10,
            loss=2.0 / step,
            lm_loss=2.5,
            eci_loss=1.0,
            learning_rate=1e-4,
            tokens_per_second=321.0,
            rss_bytes=3 * 2**30,
            seconds_left=200,
        )
    run_dir.log_path.write_text(f"Loading weights {HOSTILE}\n", encoding="utf-8")
    used = {"energy_kwh": 0.0021, "emissions_kg": 0.0005, "duration_seconds": 75.0}
    replace_json(run_dir.energy_path, {**used, "country": "NOR", "is_estimated": True})
    page = open_training()
    assert progress_text(page).startswith("Running, step 4 of 10, 1 min")
    figures = {metric.label: metric.value for metric in page.metric}
    assert figures["Joint loss"] == "0.5"
    assert figures["Tokens per second"] == "321"
    assert figures["Memory"] == "3.0 GiB"
    assert figures["Time left"] == "3 min 20 s"
    assert figures["Energy"] == "about 2.1 Wh"
    assert HOSTILE in page.code[0].value
    assert page.code[0].language in ("", "plaintext")


def test_cancel_asks_the_run_to_stop(filled: Database, monkeypatch: pytest.MonkeyPatch):
    # The test's own process stands for the run's, so nobody may signal it.
    monkeypatch.setattr("training.run.process.ProcessId.ask_to_stop", lambda self: None)
    run_dir = started_run(filled)
    page = open_training()
    page.button(key="training_cancel").click().run()
    assert not page.exception
    assert run_dir.is_cancel_requested()
    assert page.button(key="training_cancel").disabled


def test_a_run_is_cancelled_and_resumed_only_by_those_who_may_train(
    filled: Database, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("training.run.process.ProcessId.ask_to_stop", lambda self: None)
    run_dir = started_run(filled)
    with filled.transaction() as cur:
        add_person(cur, "Chief", role="admin")
        bob = add_person(cur, "Bob", role="engineer").reviewer_id
    page = open_page("training", reviewer="Bob")
    assert not page.button(key="training_cancel").disabled
    with filled.transaction() as cur:
        change_person(cur, bob, role="reviewer")
    page.button(key="training_cancel").click().run()
    assert "may not start training" in "".join(str(one.value) for one in page.html)
    assert not run_dir.is_cancel_requested()
    assert page.button(key="training_cancel").disabled
    run_dir.update_status(pid=2**22 - 1)
    assert page.run().button(key="training_resume").disabled


def test_a_run_whose_process_is_gone_is_interrupted_and_can_be_resumed(filled: Database):
    run_dir = started_run(filled)
    run_dir.update_status(pid=2**22 - 1)
    page = open_training()
    assert "Interrupted" in progress_text(page)
    assert not page.button(key="training_resume").disabled
    (run,) = list_training_runs(filled.cursor())
    assert run.state == "interrupted"


def test_a_failed_run_says_why_as_text(filled: Database):
    started_run(filled, "failed", message=f"Out of memory {HOSTILE}", finished_at=datetime.now(UTC))
    page = open_training()
    assert "Out of memory" in plain_texts(page)
    assert HOSTILE not in plain_texts(page)
    assert page.dataframe(key="training_history").value["State"].tolist() == ["Failed"]


def test_a_damaged_run_does_not_take_the_page_down(filled: Database):
    run_dir = started_run(filled, "cancelled", finished_at=datetime.now(UTC))
    run_dir.status_path.write_text("{", encoding="utf-8")
    page = open_training()
    (run,) = list_training_runs(filled.cursor())
    assert page.dataframe(key="training_history").value["Run"].tolist() == [run.name]
    assert run.name in plain_texts(page)


DEEP = "[" * 100_000
DAMAGES = {
    "status nested": ("status.json", DEEP),
    "settings nested": ("settings.json", '{"settings": ' + DEEP),
    "time at the edge": (
        "status.json",
        '{"state": "failed", "started_at": "0001-01-01T00:00+14:00"}',
    ),
    "pid": ("status.json", '{"state": "running", "pid": 1e999}'),
}


@pytest.mark.parametrize(("name", "text"), DAMAGES.values(), ids=DAMAGES)
def test_damaged_runs_are_counted_and_named_on_training_and_models(
    filled: Database, name: str, text: str
):
    started_run(filled, "failed", message="The disk was full.")
    damaged = RunDir.create(runs_dir(), "damaged", NOON)
    damaged.write_settings({"settings": {}})
    (damaged.path / name).write_text(text)
    (runs_dir() / "20260101-000000-\udcff").mkdir()
    for page in ("training", "training/models"):
        drawn = open_page(page)
        assert not drawn.exception
        assert "2 run directories are set aside" in plain_texts(drawn)
        assert damaged.run_id in plain_texts(drawn)
    assert "The disk was full." in plain_texts(open_training())


def test_bad_figures_among_the_events_do_not_take_the_page_down(filled: Database):
    run_dir = started_run(filled)
    run_dir.append_event("progress", step="three", num_steps=[])
    run_dir.append_event("progress", step=2**62, num_steps=-1, loss="low", rss_bytes={})
    with run_dir.events_path.open("a") as file:
        file.write('{"at": "2026-01-01", "kind": "progress", "step": 1, "seconds_left": 1e999}\n')
    assert "Running" in progress_text(open_training())


def test_a_damaged_preset_and_launchers_leave_the_rest_of_the_form(filled: Database):
    (launchers_path().parent / "presets" / "broken.toml").write_text("x = " + DEEP)
    launchers_path().write_text("[ray")
    page = open_training(training_preset="smoke")
    assert "1 preset is set aside" in plain_texts(page)
    assert "broken.toml" in plain_texts(page)
    assert "launchers.toml" in plain_texts(page)
    assert page.selectbox(key="training_preset").value == "smoke"
    assert page.selectbox(key="policy_mode").value == "manual"


def test_a_policy_that_is_damaged_can_be_set_again(filled: Database):
    with filled.transaction() as cur:
        person = add_reviewer(cur, "Ada", "engineer")
        add_trigger_policy(cur, {"mode": "sometimes", "tier": 3}, person.reviewer_id)
    page = open_training()
    assert "Set it again on the Training page" in plain_texts(page)
    assert page.selectbox(key="policy_mode").value == "manual"


@pytest.mark.parametrize(
    "metrics", [{"a": 1}, {"a": {"head": {"accuracy": {"value": "x", "n": []}}}}]
)
def test_metrics_of_any_shape_do_not_take_the_page_down(
    filled: Database, metrics: dict[str, object]
):
    run_dir = started_run(filled, "succeeded")
    run_dir.write_metrics(metrics)
    PREDICTIONS.write(run_dir.predictions_path, [make_answer("q-6", "Yes.", "yes", run_dir.run_id)])
    open_training()
    assert [run.metrics for run in list_runs(filled.cursor()) if run.metrics] == [metrics]


def test_a_run_that_ends_while_the_page_is_drawn_draws_the_page_once_more(filled: Database):
    def script(run_id: str) -> None:
        import streamlit as st

        from streamlit_app.components import training_live

        st.session_state["num_draws"] = st.session_state.get("num_draws", 0) + 1
        training_live.draw(run_id, was_active=st.session_state["num_draws"] == 1)

    run_dir = started_run(filled, "succeeded", finished_at=datetime.now(UTC))
    page = AppTest.from_function(script, args=(run_dir.run_id,), default_timeout=30).run()
    assert not page.exception
    assert page.session_state["num_draws"] == 2
    assert progress_text(page).startswith("Finished")


def test_the_operating_point_of_a_run_is_shown_with_what_follows(filled: Database):
    run_dir = started_run(filled, "succeeded")
    rule = {
        **{"cost": "macro_f1", "num_items": 120, "mean_cost": 0.4, "mean_cost_most_probable": 0.55},
        **{"costs": [[0, 1, 1], [2, 0, 2], [4, 4, 0]], "target_error": 0.05, "threshold": 0.83},
        **{"set_coverage": 0.9, "set_thresholds": [0.5, 0.6, None]},
    }
    share = {"value": 0.62, "n": 50, "interval": {"low": 0.5, "high": 0.7}}
    figures = {"head": {"accuracy": share}, "decision": {**rule, "answered_alone": share}}
    odd = {"decision": {"cost": HOSTILE}}
    run_dir.write_metrics({"pubmedqa": figures, "odd": odd, HOSTILE: {"decision": rule}})
    PREDICTIONS.write(run_dir.predictions_path, [make_answer("q-6", "Yes.", "yes", run_dir.run_id)])
    text = plain_texts(open_training())
    for words in ("60.0 % (45.0 %)", "below 83.0 % confidence, for 5.0 % errors", "62.0 % (50.0"):
        assert words in text
    assert "<img" not in text


@pytest.mark.usefixtures("bundled_is_tiny")
def test_the_cost_of_errors_is_chosen_on_the_page(filled: Database):
    page = open_training()
    assert page.number_input(key="training_target_error").disabled
    page.selectbox(key="training_cost").select("ordinal").run()
    page.number_input(key="training_target_error").set_value(5.0).run()
    page.button(key="training_retrain").click().run()
    assert not page.exception
    (run,) = list_training_runs(filled.cursor())
    decision = run.settings["settings"]["decision"]
    assert (decision["cost"], decision["target_error"]) == ("ordinal", 0.05)


def test_a_base_model_that_has_moved_is_asked_for_and_given_to_the_run(
    filled: Database, tmp_path: Path
):
    run_dir = started_run(filled, "succeeded")  # its base model's folder is not there
    run_dir.write_metrics({})
    PREDICTIONS.write(run_dir.predictions_path, [make_answer("q-6", "Yes.", "yes", run_dir.run_id)])
    open_training()
    with filled.transaction() as cur:
        register_model(cur, run_dir.run_id, "reviewer-1")
    page = open_training()
    assert "is gone" in page.text_input(key="training_place").label
    assert "is gone" in page.text_input(key="training_answer_place").label
    page.text_input(key="training_place").set_value(str(tmp_path)).run()
    page.button(key="training_retrain").click().run()
    assert not page.exception
    newest = list_training_runs(filled.cursor())[0]
    assert newest.settings["settings"]["model"]["base"] == str(tmp_path)
    page.selectbox(key="training_source").select("base").run()
    assert "training_place" not in {box.key for box in page.text_input}


def test_scores_add_up_over_label_sets():
    run = make_training_run("r")
    scores = (
        RunSummary("r", "pubmedqa", 20, 20, 10, 20, 15),
        RunSummary("r", "options", 10, 5, 5, 10, 3),
    )
    status = Status("succeeded", started_at=NOON, finished_at=NOON + timedelta(seconds=90))
    entry = HistoryEntry(run, status, scores)
    assert entry.share_right("text") == pytest.approx(15 / 25)
    assert entry.share_right("head") == pytest.approx(18 / 30)
    table = history_table([entry, HistoryEntry(run, None, ())], {"r": "lora"})
    assert table["Text correct"] == ["60.0 %", "–"]
    assert table["Duration"] == ["1 min 30 s", "–"]


@pytest.mark.parametrize("preset", list_presets(), ids=lambda preset: preset.name)
def test_every_shipped_preset_can_be_described(preset):
    assert preset.settings.model.base in describe_settings(preset.settings)["Base model"]


def test_settings_are_described_in_words():
    words = describe_settings(TrainingSettings())
    assert words["Prompts"] == "zero-shot, one-shot, wording three_step_v2, up to 768 tokens"
    assert words["Length"] == "3 epochs, 4 records per step"
    assert words["Operating point"] == "macro-F1"


def test_a_run_is_first_shown_with_what_it_is_worth(filled: Database):
    with filled.transaction() as cur:
        add_items(cur, [make_remedy(n) for n in range(30)], origin="items")
        add_items(cur, [make_remedy(100 + n, "test") for n in range(24)], origin="items")
    for num_learned in (12, 30):
        run_dir = started_run(filled, "succeeded")
        snapshot = load_snapshot(run_dir.snapshot_path)
        test = [item for item in snapshot.test if item.item_id.startswith("more-")]
        answers = [
            make_answer(item.item_id, f"{item.label}.", item.label, run_dir.run_id) for item in test
        ]
        heads = {"head_label": "yes", "head_probabilities": (0.8, 0.1, 0.1)}
        PREDICTIONS.write(run_dir.predictions_path, [replace(one, **heads) for one in answers])
        run_dir.write_metrics({})
        RECORDS.write(
            run_dir.records_path,
            [
                TrainingRecord(run_dir.run_id, item.item_id, 0, 0, "train", ())
                for item in snapshot.train[-num_learned:]
            ],
        )
    page = open_training()
    page.run()  # the bag of words is fitted once the figures are there
    assert not page.exception
    assert any(text.value.startswith("The head harms") for text in page.markdown)
    assert page.warning[0].value.startswith("A bag of words is better than this run")
    cards = {metric.label: metric.value for metric in page.metric}
    assert cards["Head minus text"] == "-66.7 points"
    (chart,) = [c for c in page.get("plotly_chart") if "training_sizes" in c.proto.id]
    assert "12" in chart.proto.spec
    assert "30" in chart.proto.spec


def test_what_a_run_changed_is_listed_with_it_and_leads_to_the_items(filled: Database):
    run_dir = started_run(filled, "succeeded")
    run_dir.write_metrics({})
    PREDICTIONS.write(run_dir.predictions_path, [make_answer("q-6", "No.", "no", run_dir.run_id)])
    page = open_training()
    (changed,) = (table for table in page.dataframe if table.key == "training_changed")
    (row,) = changed.value.to_dict("records")
    assert (row["Before"], row["Now"]) == ("✓ yes", "✗ no")
    page.button(key="training_compare").click().run()
    assert not page.exception
    assert page.query_params["part"] == "compare"
