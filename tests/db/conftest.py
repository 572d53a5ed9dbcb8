"""What tests of the review store share: an empty database and makers of records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from db.connection import IN_MEMORY, Database
from db.records import Item, Option, Prediction, Run, Section


@pytest.fixture
def database() -> Iterator[Database]:
    """Give an empty, migrated database."""
    opened = Database.open(IN_MEMORY)
    yield opened
    opened.close()


@pytest.fixture
def make_item() -> Callable[..., Item]:
    """Give a maker of yes/no/maybe items; keywords override its fields."""

    def make(item_id: str = "q-1", **overrides: object) -> Item:
        fields: dict[str, object] = {
            "item_id": item_id,
            "source": "pubmedqa",
            "question": f"Does the drug help in case {item_id}?",
            "context": (Section("METHODS", "We gave it."), Section("RESULTS", "It helped.")),
            "label_set": "pubmedqa",
            "labels": ("yes", "no", "maybe"),
            "options": (),
            "gold_label": "yes",
            "long_answer": "It helped in most.",
            "split": "test",
            "metadata": {"year": "2011", "mesh": ["Humans"]},
        }
        return Item(**{**fields, **overrides})  # type: ignore[arg-type]

    return make


@pytest.fixture
def make_options_item(make_item: Callable[..., Item]) -> Callable[..., Item]:
    """Give a maker of items whose labels are their own four options."""

    def make(item_id: str = "v-1", **overrides: object) -> Item:
        options = tuple(Option(label, f"Drug {label}") for label in "ABCD")
        fields: dict[str, object] = {
            "source": "medqa",
            "context": (),
            "label_set": "options",
            "labels": ("A", "B", "C", "D"),
            "options": options,
            "gold_label": "B",
        }
        return make_item(item_id, **{**fields, **overrides})

    return make


@pytest.fixture
def make_run() -> Callable[..., Run]:
    """Give a maker of runs."""

    def make(run_id: str = "run-1", **overrides: object) -> Run:
        fields: dict[str, object] = {
            "name": f"Run {run_id}",
            "kind": "imported",
            "model": "a-model",
            "settings": {"temperature": 0},
            "metrics": {},
            "created_at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        }
        return Run(run_id, **{**fields, **overrides})  # type: ignore[arg-type]

    return make


@pytest.fixture
def make_prediction() -> Callable[..., Prediction]:
    """Give a maker of predictions."""

    def make(item_id: str = "q-1", run_id: str = "run-1", **overrides: object) -> Prediction:
        fields: dict[str, object] = {"answer": "Yes, it does.", "answer_label": "yes"}
        return Prediction(run_id, item_id, **{**fields, **overrides})  # type: ignore[arg-type]

    return make
