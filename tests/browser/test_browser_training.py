"""Retrain in a real browser: progress moves, the run appears, Compare shows what changed."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from db.connection import Database
from db.content.items import add_items
from db.content.predictions import add_predictions
from db.content.runs import add_run, list_runs
from db.outcomes.run_pairs import PairFilter, list_pairs
from db.outcomes.scored_runs import refresh
from db.retraining.training_runs import list_training_runs
from db.viewer import EVERYTHING
from tests.support.records import make_answer, make_run
from tests.support.training_items import make_training_item

pytestmark = pytest.mark.browser

# A run loads torch and its libraries first, which takes long where other tests run beside it.
RUN_TIMEOUT_MS = 100_000
NUM_TEST_ITEMS = 6

PRESET = """
description = "A random model of four layers: seconds, for tests of the machinery."
[model]
base = "{base}"
quantization = "none"
device = "cpu"
max_prompt_tokens = 900
[data]
shots = [0]
max_answer_tokens = 16
[lora]
rank = 4
alpha = 8
dropout = 0.0
[optimizer]
epochs = 1
max_steps = 12
batch_size = 2
learning_rate = 0.003
checkpoint_steps = 6
[evaluation]
max_new_tokens = 4
predict_train = false
"""


@pytest.fixture
def trainable(tiny_model_dir: Path) -> Callable[[Database], None]:
    """Return a seed: items, a run that is right on every test item, and a preset named test."""

    def fill(database: Database) -> None:
        presets = database.path.parent / "presets"
        presets.mkdir()
        (presets / "test.toml").write_text(PRESET.format(base=tiny_model_dir), encoding="utf-8")
        items = [make_training_item(n) for n in range(24)]
        test_items = [make_training_item(100 + n, "test") for n in range(NUM_TEST_ITEMS)]
        with database.transaction() as cur:
            add_items(cur, items + test_items, origin="items")
            add_run(cur, make_run("base"))
            right = [(item.item_id, str(item.gold_label)) for item in test_items]
            add_predictions(cur, [make_answer(name, label, label, "base") for name, label in right])

    return fill


def test_retrain_shows_progress_and_ends_in_a_comparison(serve, page: Page, trainable):
    server = serve(trainable)
    reviewing = page.context.new_page()  # opened before there is a run
    reviewing.goto(f"{server.url}/review")
    expect(reviewing.locator(".lc-card:not([hidden])")).to_be_visible()
    page.goto(f"{server.url}/training?training_preset=test")
    page.locator(".st-key-training_retrain button").click()

    bar = page.get_by_test_id("stProgress")
    expect(bar).to_contain_text(re.compile("Waiting|Starting|Training"), timeout=60_000)
    expect(page.locator(".st-key-training_cancel button")).to_be_enabled()
    chip = reviewing.locator(".st-key-lc_chip")
    expect(chip).to_be_visible(timeout=60_000)
    expect(bar).to_contain_text(re.compile(r"step [1-9]\d* of 12"), timeout=RUN_TIMEOUT_MS)
    expect(chip).to_contain_text(re.compile(r", [1-9]\d* %"), timeout=RUN_TIMEOUT_MS)
    # While it is drawn anew, the old chart lies hidden beside it.
    expect(page.locator(".st-key-training_losses .js-plotly-plot:visible").first).to_be_visible()

    # The page may go away while the run is going on.
    page.reload()
    bar = page.get_by_test_id("stProgress")
    expect(bar).to_contain_text("Finished", timeout=RUN_TIMEOUT_MS)
    expect(chip).to_have_count(0)
    reviewing.close()
    page.locator(".st-key-training_compare button").click()

    # The base run was right throughout, the random model cannot be.
    expect(page.get_by_role("radio", name="Compare runs", checked=True)).to_be_visible()
    broken = page.get_by_role("radio", name=re.compile(r"Broken \([1-9]\d*\)"))
    expect(broken).to_be_visible()
    broken.click()
    expect(page.locator(".st-key-compare_items canvas").first).to_be_visible()

    database = server.database()
    cur = database.cursor()
    (training_run,) = list_training_runs(cur)
    assert training_run.state == "succeeded"
    assert {run.run_id for run in list_runs(cur)} == {"base", training_run.run_id}
    refresh(cur, ["base", training_run.run_id])
    shared = PairFilter(
        EVERYTHING, "base", training_run.run_id, "text", "text", "record", "pubmedqa"
    )
    pairs = list_pairs(cur, replace(shared, split="test"))
    assert len(pairs) == NUM_TEST_ITEMS
    assert any(pair.change == "broken" for pair in pairs)
    database.close()


def test_a_run_can_be_cancelled_and_says_so(serve, page: Page, trainable):
    server = serve(trainable)
    page.goto(f"{server.url}/training?training_preset=test")
    page.locator(".st-key-training_retrain button").click()
    page.locator(".st-key-training_cancel button").click(timeout=60_000)
    expect(page.get_by_test_id("stProgress")).to_contain_text("Cancelled", timeout=RUN_TIMEOUT_MS)
    expect(page.get_by_role("button", name="Resume")).to_be_enabled()
