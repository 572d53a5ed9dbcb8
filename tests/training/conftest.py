"""A small store of items to train on, and settings that finish in seconds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from db.connection import Database
from db.content.items import add_items
from db.people.reviewers import add_reviewer
from db.records import Reviewer
from tests.support.runs import kill
from tests.support.stores import open_store
from tests.support.training_items import make_remedy, make_training_items
from training.control import launch
from training.run.run_dir import list_run_dirs
from training.settings.training import RefitSettings


@pytest.fixture(autouse=True)
def runs_do_not_give_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a run its share of the cores: beside other tests it would wait for minutes."""
    monkeypatch.setattr(launch, "give_way", lambda pid: None)


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """An open store under a home of its own, with items."""
    monkeypatch.setenv("LLAMACARE_HOME", str(tmp_path / "home"))
    opened = open_store()
    with opened.transaction() as cur:
        add_items(cur, make_training_items(), origin="items")
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def tiny_settings(tiny_model_dir: Path) -> dict[str, Any]:
    """Settings of a run on the random model: seconds on a CPU. To be copied, never changed."""
    return {
        "model": {
            "base": str(tiny_model_dir),
            "quantization": "nf4",
            "device": "cpu",
            "max_prompt_tokens": 900,
        },
        "data": {"shots": [0, 1], "max_answer_tokens": 24, "dev_fraction": 0.2},
        "lora": {"rank": 4, "alpha": 8, "dropout": 0.0},
        "head": {"dropout": 0.0},
        "optimizer": {
            "epochs": 1,
            "max_steps": 6,
            "batch_size": 4,
            "learning_rate": 0.003,
            "checkpoint_steps": 3,
        },
        "evaluation": {"max_new_tokens": 8},
    }


@pytest.fixture
def engineer(database: Database) -> Reviewer:
    """An engineer of a store with enough items to fit a head."""
    with database.transaction() as cur:
        add_items(cur, [make_remedy(n) for n in range(48)], origin="items")
        add_items(cur, [make_remedy(100 + n, "test") for n in range(12)], origin="items")
        return add_reviewer(cur, "Eve", "engineer")


@pytest.fixture
def base_alone(tiny_settings: dict[str, Any]) -> RefitSettings:
    """Settings of a refit on the random model without any adapter."""
    model = {**tiny_settings["model"], "quantization": "none"}
    return RefitSettings.model_validate({"model": model, "num_folds": 3})


@pytest.fixture
def runs_dir(tmp_path: Path) -> Iterator[Path]:
    """A folder of runs, of which none outlives the test."""
    yield tmp_path / "runs"
    for run_dir in list_run_dirs(tmp_path / "runs"):
        kill(run_dir)
