"""Makers of valid records; a test overrides the fields that it is about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from db.records import (
    Item,
    LabelSet,
    Option,
    Prediction,
    Run,
    Section,
    SetLabel,
    TrainingRun,
)

LABELS = ("yes", "no", "maybe")
MOMENT = datetime(2026, 3, 1, tzinfo=UTC)


def make_item(item_id: str = "q-1", **fields: Any) -> Item:
    """Return a test item with the labels yes, no and maybe and the gold label yes."""
    defaults: dict[str, Any] = {
        "source": "pubmedqa",
        "question": f"Does the drug help in case {item_id}?",
        "context": (Section("METHODS", "We gave it."), Section("RESULTS", "It helped.")),
        "label_set": "pubmedqa",
        "labels": LABELS,
        "options": (),
        "gold_label": "yes",
        "long_answer": "It helped in most.",
        "split": "test",
        "metadata": {"year": "2011", "mesh": ["Humans"]},
    }
    return Item(item_id, **{**defaults, **fields})


def make_drug_item(name: int | str, **fields: Any) -> Item:
    """Return a training item ``q-<name>`` about a drug that did not help."""
    defaults: dict[str, Any] = {
        "question": f"Does drug {name} help?",
        "context": (Section("METHODS", f"We gave drug {name}."), Section("", "It did not.")),
        "gold_label": "no",
        "long_answer": "It did not help.",
        "split": "train",
        "metadata": {},
    }
    return make_item(f"q-{name}", **{**defaults, **fields})


def make_options_item(item_id: str = "v-1", labels: Sequence[str] = "ABCD", **fields: Any) -> Item:
    """Return a test item whose labels are its own options; the gold label is B."""
    defaults: dict[str, Any] = {
        "source": "medqa",
        "context": (),
        "label_set": "options",
        "labels": tuple(labels),
        "options": tuple(Option(label, f"Drug {label}") for label in labels),
        "gold_label": "B",
        "long_answer": "",
    }
    return make_item(item_id, **{**defaults, **fields})


def make_label_set(name: str, *labels: str) -> LabelSet:
    """Return a label set of names alone."""
    return LabelSet(name, tuple(map(SetLabel, labels)))


def make_run(run_id: str = "run-1", **fields: Any) -> Run:
    """Return an imported run of 1 March 2026."""
    defaults: dict[str, Any] = {
        "name": f"Run {run_id}",
        "kind": "imported",
        "model": "a-model",
        "settings": {},
        "metrics": {},
        "created_at": MOMENT,
    }
    return Run(run_id, **{**defaults, **fields})


def make_training_run(run_id: str, **fields: Any) -> TrainingRun:
    """Return a training run that succeeded on 1 March 2026."""
    defaults: dict[str, Any] = {
        "preset": "smoke",
        "state": "succeeded",
        "settings": {},
        "created_at": MOMENT,
        "created_by": "tests",
    }
    return TrainingRun(run_id, **{**defaults, **fields})


def make_prediction(item_id: str = "q-1", run_id: str = "run-1", **fields: Any) -> Prediction:
    """Return a prediction whose answer says yes, in a form that nobody has read yet."""
    defaults: dict[str, Any] = {"answer": "Yes, it does.", "answer_label": "yes"}
    return Prediction(run_id, item_id, **{**defaults, **fields})


def make_answer(
    item_id: str, answer: str, label: str | None, run_id: str = "run-1", **fields: Any
) -> Prediction:
    """Return a prediction whose label is marked where the answer gives it last."""
    start = answer.lower().rfind(label.lower()) if label else -1
    place = {} if start < 0 else {"answer_start": start, "answer_end": start + len(label or "")}
    form = {"answer_form": "stated" if label else "absent"}
    return Prediction(run_id, item_id, answer, label, **{**form, **place, **fields})


def head_says(
    label: str, probability: float = 0.8, labels: Sequence[str] = LABELS
) -> dict[str, Any]:
    """Return the fields of a prediction whose head gives a label this probability."""
    rest = (1 - probability) / (len(labels) - 1)
    shares = tuple(probability if name == label else rest for name in labels)
    return {"head_label": label, "head_probabilities": shares}


def make_head_prediction(
    item_id: str, run_id: str, label: str, probability: float = 0.8
) -> Prediction:
    """Return a prediction of a head alone, without an answer."""
    return Prediction(run_id, item_id, None, None, **head_says(label, probability))
