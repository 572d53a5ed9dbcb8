"""A small store of items to train on, and settings that finish in seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from db.connection import Database
from db.content.items import add_items
from db.people.reviewers import add_reviewer
from db.records import Item, Option, Reviewer, Section
from training.settings.training import RefitSettings


def make_item(number: int, *, split: str = "train", options: bool = False) -> Item:
    """Give one of many different items; its label follows from its number."""
    if options:
        names = ("A", "B", "C", "D")[: 4 if number % 2 else 3]
        return Item(
            item_id=f"opt-{split}-{number:03d}",
            source="tests",
            question=f"Which of these fits case {number}?",
            context=(),
            label_set="options",
            labels=names,
            options=tuple(Option(name, f"choice {name} of {number}") for name in names),
            gold_label=names[number % len(names)],
            long_answer=f"Secret reason {number}.",
            split=split,  # type: ignore[arg-type]
        )
    return Item(
        item_id=f"fix-{split}-{number:03d}",
        source="tests",
        question=f"Does treatment {number} help?",
        context=(Section("RESULTS", f"It helped {number} of {number + 7} patients."),),
        label_set="pubmedqa",
        labels=("yes", "no", "maybe"),
        options=(),
        gold_label=("yes", "no", "maybe")[number % 3],
        long_answer=f"Secret conclusion {number}.",
        split=split,  # type: ignore[arg-type]
    )


def make_items() -> list[Item]:
    """Give 24 training and 10 test items of both kinds."""
    train = [make_item(i, options=bool(i % 2)) for i in range(24)]
    test = [make_item(100 + i, split="test", options=bool(i % 2)) for i in range(10)]
    return train + test


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """An open store under a home of its own, with items."""
    monkeypatch.setenv("LLAMACARE_HOME", str(tmp_path / "home"))
    opened = Database.open()
    with opened.transaction() as cur:
        add_items(cur, make_items(), origin="items")
    yield opened
    opened.close()


@pytest.fixture
def tiny_settings(tiny_model_dir: Path) -> dict[str, Any]:
    """Settings of a run on the random model: seconds on a CPU."""
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


def _make_remedy(number: int, split: str = "train") -> Item:
    label = ("yes", "no", "maybe")[number % 3]
    words = {"yes": "helped all", "no": "helped nobody", "maybe": "gave no clear result"}[label]
    return Item(
        f"more-{split}-{number:03d}",
        "tests",
        f"Is remedy {number} of ward {number * 3} any good?",
        (Section("RESULTS", f"Remedy {number} {words} of its {number + 5} patients."),),
        "pubmedqa",
        ("yes", "no", "maybe"),
        (),
        label,
        f"Conclusion {number}.",
        split,  # type: ignore[arg-type]
    )


@pytest.fixture
def make_remedy() -> Callable[..., Item]:
    """Give the maker of the items that ``engineer`` adds, for more of them."""
    return _make_remedy


@pytest.fixture
def engineer(database: Database) -> Reviewer:
    """An engineer of a store with enough items to fit a head."""
    with database.transaction() as cur:
        add_items(cur, [_make_remedy(n) for n in range(48)], origin="items")
        add_items(cur, [_make_remedy(100 + n, "test") for n in range(12)], origin="items")
        return add_reviewer(cur, "Eve", "engineer")


@pytest.fixture
def base_alone(tiny_settings: dict[str, Any]) -> RefitSettings:
    """Settings of a refit on the random model without any adapter."""
    model = {**tiny_settings["model"], "quantization": "none"}
    return RefitSettings.model_validate({"model": model, "num_folds": 3})
