"""The planner: from a question to a number of items, hours and the queue of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from db.connection import opened_database
from db.content.items import add_items
from db.people.reviewers import add_reviewer
from db.review.queue_progress import queue_progress
from db.review.queues import list_queues
from db.viewer import EVERYTHING
from tests.support.annotations import annotate
from tests.support.records import make_item
from training.cli.main import main
from training.errors import SettingsError
from training.evaluation.review_plan import (
    Question,
    Workplace,
    make_review_plan,
    measure_workplace,
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Store 600 items, a quarter of them no, and two timed reviews."""
    monkeypatch.setenv("LLAMACARE_HOME", str(tmp_path))
    with opened_database() as database, database.transaction() as cur:
        items = [
            make_item(f"q-{n:03d}", gold_label="no" if n % 4 == 0 else "yes") for n in range(600)
        ]
        add_items(cur, items, origin="items")
        add_reviewer(cur, "Chief", "admin")
        for n, seconds in enumerate((30.0, 90.0)):
            annotate(cur, "Ann", f"q-{n:03d}", "no", duration_seconds=seconds)
    return tmp_path


def planned(*options: str) -> dict[str, float]:
    found = CliRunner().invoke(main, ["plan-review", *options, "--json"])
    assert found.exit_code == 0, found.output
    return dict(json.loads(found.stdout))


def test_items_and_hours_are_those_of_this_workplace(home: Path) -> None:
    plan = planned("--accuracy", "0.8", "--margin", "0.03")
    assert (plan["num_items"], plan["seconds_an_item"]) == (683, 60)
    assert plan["hours"] == pytest.approx(683 / 60)
    assert (
        planned("--accuracy", "0.8", "--margin", "0.03", "--population", "1000")["num_items"] == 407
    )
    assert planned("--error-at-most", "0.05")["num_items"] == 59
    many = planned("--accuracy", "0.8", "--margin", "0.03", "--statements", "5")
    assert many["num_items"] == 1180
    with opened_database() as database:
        workplace = measure_workplace(database.cursor(), EVERYTHING)
    assert sorted(workplace.prevalence) == pytest.approx([151 / 600, 449 / 600])
    assert workplace.num_items == 600


def test_the_planned_queue_is_made_random_and_blind(home: Path) -> None:
    options = ["--accuracy", "0.8", "--margin", "0.05", "--population", "600", "--readers", "2"]
    made = ["--queue", "Accuracy", "--by", "Chief", "--seed", "7"]
    plan = planned(*options, *made)
    with opened_database() as database:
        (queue,) = list_queues(database.cursor())
        places = queue_progress(database.cursor(), queue, None).num_items
    assert places == 2 * plan["num_items"]
    settings = queue.settings
    assert (settings.order, settings.mode, settings.seed) == ("random", "blind", 7)
    assert settings.design is not None and settings.design.num_items == plan["num_items"]


def test_without_a_readable_database_the_plan_is_made_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "review.duckdb").write_bytes(b"no database" * 1000)
    monkeypatch.setenv("LLAMACARE_HOME", str(tmp_path))
    found = CliRunner().invoke(main, ["plan-review", "--accuracy", "0.8", "--margin", "0.03"])
    assert found.exit_code == 0
    assert "683 random items" in found.stdout
    assert "Without what was measured here" in found.stderr


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        ([], 2, "0 questions were asked"),
        (["--accuracy", "0.8", "--alpha", "0.7", "--margin", "0.1"], 2, "2 questions were asked"),
        (["--accuracy", "0.8"], 2, "needs --margin"),
        (["--accuracy", "1.8", "--margin", "0.1"], 2, "not in the range"),
        (["--accuracy", "0.8", "--margin", "0.1", "--queue", "Q"], 2, "--queue needs --by"),
        (["--difference", "0.3", "--discordant", "0.1"], 1, "no smaller than the difference"),
        (["--difference", "0.001", "--discordant", "0.9"], 1, "More than 20,000 items"),
    ],
)
def test_questions_that_cannot_be_asked_are_refused(
    home: Path, options: list[str], code: int, said: str
) -> None:
    found = CliRunner().invoke(main, ["plan-review", *options])
    assert found.exit_code == code
    assert said in found.output


def test_more_items_than_there_are_cannot_be_planned() -> None:
    question = Question("difference", 0, 0.05, population=100)
    with pytest.raises(SettingsError, match="items are needed and there are 100"):
        make_review_plan(question, Workplace())
