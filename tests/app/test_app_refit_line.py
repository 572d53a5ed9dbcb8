"""The line that tells reviewers what their corrections made of the model."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from db.connection import Database
from db.content.predictions import add_predictions
from db.people.reviewers import add_reviewer
from db.retraining.refit_effect import RefitEffect
from db.retraining.snapshot import freeze
from db.review.settings import ReviewSettings, save_settings
from streamlit_app.logic.training.refit_summary import effect_words
from streamlit_app.server import refit_news, services
from tests.support.annotations import annotate
from tests.support.desk import Desk
from tests.support.pages import OpenPage
from tests.support.records import head_says, make_answer
from tests.support.trained_runs import add_trained_run
from training.control.automatic import AFTER_CORRECTION

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def _effect(**wanted: Any) -> RefitEffect:
    fields = {
        "run_id": "auto", "ended_at": NOW - timedelta(seconds=12), "num_corrected": 34,
        "n": 250, "num_right": 153, "num_right_before": 149,
    }  # fmt: skip
    return RefitEffect(**{**fields, **wanted})


@pytest.mark.parametrize(
    ("effect", "words"),
    [
        (
            _effect(),
            "Head refitted 12 s ago on 34 corrected items: 61.2 % (55.0 to 67.0) of 250 test "
            "items correct, before 59.6 %.",
        ),
        (
            _effect(ended_at=NOW - timedelta(hours=3), num_corrected=1, num_right_before=None),
            "Head refitted 3 h ago on 1 corrected item: 61.2 % (55.0 to 67.0) of 250 test "
            "items correct.",
        ),
    ],
)
def test_the_effect_is_told_with_its_interval(effect: RefitEffect, words: str) -> None:
    assert effect_words(effect, NOW) == words


@pytest.fixture
def refitted(filled_store: Database, tmp_path: Path) -> str:
    """Return the admin of a store in which a correction was refitted, the test item now wrong."""
    with filled_store.transaction() as cur:
        ada = add_reviewer(cur, "Ada", "admin").reviewer_id
        annotate(cur, "Ada", "q-1", "yes")
        snapshot_id = freeze(cur, tmp_path / "snapshot", created_by=ada).snapshot_id
        settings = {
            "task": "refit", "triggered_by": AFTER_CORRECTION, "snapshot_id": snapshot_id,
            "settings": {"artifact_run_id": "newer"},
        }  # fmt: skip
        add_trained_run(cur, "auto", settings, base_run_id="newer", created_at=NOW, created_by=ada)
        add_predictions(cur, [make_answer("v-1", "", None, "auto", **head_says("C", 1.0, "ABCD"))])
    refit_news.update(filled_store)
    return ada


def test_a_reviewer_sees_what_the_last_refit_changed(refitted: str, open_page: OpenPage) -> None:
    shown = Desk(open_page()).markup
    assert "on 1 corrected item: 0.0 % (0.0 to 79.3) of 1 test items correct" in shown
    assert "before 100.0 %" in shown


def test_a_blind_reviewer_sees_nothing_of_it(
    refitted: str, filled_store: Database, open_page: OpenPage
) -> None:
    with filled_store.transaction() as cur:
        save_settings(cur, ReviewSettings("blind"), refitted)
    assert "Head refitted" not in Desk(open_page()).markup


def test_nothing_is_said_where_no_correction_was_refitted(
    filled_store: Database, open_page: OpenPage
) -> None:
    refit_news.update(filled_store)
    assert "Head refitted" not in Desk(open_page()).markup


def test_a_page_opens_with_a_run_that_somebody_asked_for(refitted: str) -> None:
    assert [run.run_id for run in services.all_runs()] == ["newer", "older", "auto"]
