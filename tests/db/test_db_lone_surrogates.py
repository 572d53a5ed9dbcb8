"""Half of an emoji, which JSON may hold and UTF-8 may not: one clear error wherever text enters."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from duckdb import DuckDBPyConnection

from db.connection import Database
from db.content.items import add_items
from db.content.predictions import add_predictions
from db.content.runs import add_run, get_run
from db.errors import (
    DbError,
    GuidelineError,
    ImportFileError,
    InvalidAnnotationError,
    InvalidDraftError,
    InvalidItemError,
    InvalidQueueError,
    InvalidReviewerError,
    InvalidSliceError,
    InvalidTextError,
)
from db.importers import FORMATS, import_file
from db.outcomes.selection import Selection
from db.outcomes.slices import save_slice
from db.people.reviewers import add_reviewer
from db.people.sign_in import Identity, add_person
from db.records import Prediction
from db.retraining.model_versions import register_model, set_alias
from db.retraining.record_vetoes import add_record_veto
from db.review.adjudications import add_adjudication
from db.review.annotations import list_annotations
from db.review.drafts import save_draft
from db.review.guidelines import add_guideline
from db.review.item_list import ReviewFilter, list_item_ids
from db.review.queues import QueueSettings, add_item_queue, add_queue
from db.viewer import EVERYTHING
from tests.support.annotations import annotate
from tests.support.records import make_item, make_run

HALF = "Take two \ud83d a day"


@pytest.fixture
def filled(database: Database) -> Database:
    with database.transaction() as cur:
        add_items(cur, [make_item("q-1")], origin="items")
        add_run(cur, make_run("run-1"))
        add_reviewer(cur, "Ada", "admin")
    return database


def _ada(cur: DuckDBPyConnection) -> str:
    return add_reviewer(cur, "Ada").reviewer_id


def _annotate(cur: DuckDBPyConnection, **said: str) -> None:
    annotate(cur, "Ada", "q-1", "no", **said)


def _adjudicate(cur: DuckDBPyConnection) -> None:
    add_adjudication(
        cur, adjudication_id="d", item_id="q-1", reviewer_id=_ada(cur), label="no", note=HALF
    )


def _veto(cur: DuckDBPyConnection) -> None:
    add_record_veto(cur, item_id="q-1", num_shots=None, reviewer_id=_ada(cur), note=HALF)


def _name_alias(cur: DuckDBPyConnection) -> None:
    register_model(cur, "run-1", _ada(cur))
    set_alias(cur, "champion", 1, action="choose", reviewer_id=_ada(cur), reason=HALF)


def _queue(cur: DuckDBPyConnection, name: str, source: str | None = None) -> None:
    settings = QueueSettings(name, ReviewFilter(source=source))
    add_queue(cur, settings, queue_id="q", created_by=_ada(cur))


def _item_queue(cur: DuckDBPyConnection) -> None:
    settings = QueueSettings(HALF, ReviewFilter())
    add_item_queue(cur, settings, ["q-1"], queue_id="q", created_by=_ada(cur))


@pytest.mark.parametrize(
    ("write", "error", "named"),
    [
        (lambda cur: _annotate(cur, note=HALF), InvalidAnnotationError, "note on item 'q-1'"),
        (lambda cur: _annotate(cur, answer=HALF), InvalidAnnotationError, "corrected answer"),
        (_adjudicate, InvalidAnnotationError, "note on item 'q-1'"),
        (_veto, InvalidTextError, "note on item 'q-1'"),
        (_name_alias, InvalidTextError, "reason"),
        (lambda cur: _queue(cur, HALF), InvalidQueueError, "name of the queue"),
        (lambda cur: _queue(cur, "Mine", HALF), InvalidTextError, r"value with '.*Take two"),
        (_item_queue, InvalidQueueError, "name of the queue"),
        (
            lambda cur: save_slice(cur, HALF, Selection(source="own"), saved_by=_ada(cur)),
            InvalidSliceError,
            "name of the slice",
        ),
        (
            lambda cur: add_guideline(cur, HALF, reviewer_id=_ada(cur)),
            GuidelineError,
            "guideline",
        ),
        (lambda cur: add_reviewer(cur, HALF), InvalidReviewerError, "reviewer name"),
        (
            lambda cur: add_person(cur, "Bob", role="reviewer", email="b\ud83d@x.org", issuer="https://x.org"),
            InvalidReviewerError,
            "e-mail address",
        ),
        (lambda cur: Identity("issuer", "1", HALF), InvalidReviewerError, "name that the sign-in"),
        (
            lambda cur: save_draft(cur, "q-1", _ada(cur), "open", {"note": HALF}),
            InvalidDraftError,
            "note of the draft for item 'q-1'",
        ),
        (
            lambda cur: add_predictions(cur, [Prediction("run-1", "q-1", HALF, None)]),
            InvalidTextError,
            "Take two",
        ),
    ],
)  # fmt: skip
def test_a_text_with_half_an_emoji_is_refused_by_name_and_nothing_is_stored(
    filled: Database, write: Callable[[DuckDBPyConnection], object], error: type[DbError],
    named: str,
) -> None:  # fmt: skip
    with pytest.raises(error, match=named) as caught, filled.transaction() as cur:
        write(cur)
    assert "half of an emoji" in str(caught.value)
    str(caught.value).encode()  # the message itself can be shown
    assert list_annotations(filled.cursor(), "q-1", EVERYTHING) == []


def test_items_with_half_an_emoji_are_refused_by_id(database: Database) -> None:
    with pytest.raises(InvalidItemError, match="'q-2': a text holds half"):
        add_items(
            database.cursor(), [make_item("q-1"), make_item("q-2", question=HALF)], origin="items"
        )


def test_a_search_for_half_an_emoji_finds_its_words(filled: Database) -> None:
    cur = filled.cursor()
    assert list_item_ids(cur, ReviewFilter(search="drug \ud83d help"), EVERYTHING) == ["q-1"]
    assert list_item_ids(cur, ReviewFilter(search="\ud83d"), EVERYTHING) == []


SAMPLES: dict[str, Any] = {
    "pubmedqa": {
        "1": {
            "QUESTION": "Does it help?", "CONTEXTS": ["It did."], "LABELS": ["RESULTS"],
            "LONG_ANSWER": "It does.", "final_decision": "yes", "MESHES": ["Humans"],
            "YEAR": "2011", "reasoning_required_pred": "yes", "reasoning_free_pred": "yes",
        }
    },
    "medqa": [
        {
            "question": "Which drug?", "answer": "One", "options": {"A": "One", "B": "Two"},
            "meta_info": "step1", "answer_idx": "A", "metamap_phrases": ["drug"],
        }
    ],
    "model_answers": [
        {
            "realidx": "7", "question": "Which drug?", "options": {"A": "One", "B": "Two"},
            "answer_idx": "A", "answer_rationale": "So.", "raw_response": "A.",
            "predicted_answer": "A",
        }
    ],
    "items": [
        {
            "item_id": "own-1", "question": "Which?", "label_set": "options", "source": "own",
            "context": [{"heading": "H", "text": "T"}], "gold_label": "A", "long_answer": "So.",
            "options": [{"label": "A", "text": "One"}, {"label": "B", "text": "Two"}],
            "split": "train", "metadata": {"key": ["value"]},
        }
    ],
    "predictions": [
        {
            "run": {
                "name": "Mine", "model": "m", "run_id": "r", "settings": {"key": "value"},
                "metrics": {"key": "value"},
            }
        },
        {"item_id": "q-1", "answer": "Yes.", "answer_label": "yes", "answer_form": "stated"},
    ],
}  # fmt: skip
LINES = ("medqa", "items", "predictions")


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of each text of a JSON value."""
    if isinstance(value, str):
        return [path]
    entries = value.items() if isinstance(value, dict) else enumerate(value)
    return [found for key, inner in entries for found in _paths(inner, (*path, key))]


def _with_half(value: Any, path: tuple[Any, ...]) -> Any:
    if not path:
        return f"{value}\ud83d"
    copy = value.copy()
    copy[path[0]] = _with_half(value[path[0]], path[1:])
    return copy


def _write(folder: Path, format_: str, value: Any) -> Path:
    path = folder / "model-medqa-x.json"
    lines = value if format_ in LINES else [value]
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    (folder / "test_ground_truth.json").write_text('{"1": "yes"}')
    return path.rename(folder / "own.jsonl") if format_ == "items" else path


@pytest.mark.parametrize("format_", SAMPLES)
def test_an_import_names_the_place_of_half_an_emoji(
    filled: Database, tmp_path: Path, format_: Any
) -> None:
    assert set(SAMPLES) == set(FORMATS) - {"clinician_reviews"}  # that one is CSV, not JSON
    sample = SAMPLES[format_]
    place = {"pubmedqa": "PMID '1'", "model_answers": "entry 1"}
    for path in _paths(sample):
        faulty = _with_half(sample, path)
        file = _write(tmp_path, format_, faulty)
        ignored = format_ == "medqa" and path[1] in ("metamap_phrases", "answer")
        if ignored:
            continue
        with pytest.raises(ImportFileError) as caught:
            import_file(filled, format_, file)
        line = path[0] + 1 if format_ in LINES else 1
        assert f"- {place.get(format_, f'line {line}')}: " in str(caught.value), path
        str(caught.value).encode()
    report = import_file(filled, format_, _write(tmp_path, format_, sample))
    assert not report.is_unchanged


def test_a_file_name_that_is_no_text_names_its_run_as_far_as_it_is(
    filled: Database, tmp_path: Path
) -> None:
    path = _write(tmp_path, "model_answers", SAMPLES["model_answers"])
    foreign = tmp_path / os.fsdecode(b"model\xff-medqa-x.json")
    path.rename(foreign)
    run_id = str(import_file(filled, "model_answers", foreign).run_id)
    assert get_run(filled.cursor(), run_id).model == "model\ufffd"
