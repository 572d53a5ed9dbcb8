"""Files that are damaged or at odds with the store: one clean refusal, and nothing changed."""

from __future__ import annotations

import hashlib
import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from db.cli.main import main
from db.connection import Database
from db.content.items import add_items, describe_item_faults
from db.content.predictions import add_predictions
from db.content.runs import add_run
from db.errors import (
    ImportFileError,
    InvalidPredictionError,
    InvalidReviewerError,
    NothingToRetractError,
    NotPermittedError,
    RunNotFoundError,
    SnapshotError,
)
from db.exporters import export_file
from db.exporters.run_file import export_run
from db.importers import Format, import_file
from db.outcomes.selection import Selection
from db.people.reviewers import add_reviewer, list_people
from db.retraining.snapshot import freeze, load_snapshot
from db.review.annotations import list_annotations, retract_annotation
from db.review.item_list import ReviewFilter
from db.review.queue_progress import queue_progress
from db.review.queues import QueueSettings, add_queue, get_queue, list_queues
from db.review.settings import read_settings
from db.viewer import EVERYTHING
from tests.support.records import make_item, make_options_item, make_prediction, make_run
from tests.support.stores import open_store

ITEM = {"item_id": "q-1", "question": "Does it help?", "label_set": "pubmedqa"}
RUN = {"name": "A run", "model": "a-model", "run_id": "run-1"}
ANSWER = {"item_id": "q-1", "answer": "Yes.", "answer_label": "yes", "answer_form": "bare"}
DEEP = "[" * 300 + "]" * 300
TABLES = ("item", "run", "prediction", "reviewer", "annotation")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_store(tmp_path / "store.duckdb")
    yield opened
    opened.close()


def write(folder: Path, name: str, *lines: Any) -> Path:
    """Write lines, each as JSON unless it is a text."""
    path = folder / name
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("\n".join(texts), encoding="utf-8")
    return path


def counts(database: Database) -> dict[str, int]:
    cur = database.cursor()
    return {
        table: cur.execute(f"select count(*) from {table}").fetchall()[0][0] for table in TABLES
    }


def with_metadata(text: str) -> str:
    return json.dumps(ITEM)[:-1] + ', "metadata": {"x": ' + text + "}}"


def with_created_at(text: str) -> str:
    return json.dumps({"run": {**RUN, "created_at": text}})


REFUSED: dict[str, tuple[Format, str, tuple[Any, ...], str]] = {
    "infinite": ("items", "a.jsonl", (with_metadata("1e999"),), "too large a number"),
    "beyond 64 bits": ("items", "a.jsonl", (with_metadata(str(2**63)),), "64 bits"),
    "5000 digits": ("items", "a.jsonl", (with_metadata("9" * 5000),), "64 bits"),
    "nested": ("items", "a.jsonl", (with_metadata(DEEP),), "nested deeper"),
    "nested far": ("items", "a.jsonl", (with_metadata("[" * 100_000),), "nested too deeply"),
    "pmid nested": ("pubmedqa", "a.json", ('{"1": ' + DEEP + "}",), "nested deeper"),
    "early": ("predictions", "a.jsonl", (with_created_at("0001-01-01T00:00+14:00"),), "years"),
    "late": ("predictions", "a.jsonl", (with_created_at("9999-12-31T23:59-14:00"),), "years"),
    "header only": ("items", "a.csv", ("item_id,question",), "without any line"),
    "column twice": ("items", "a.csv", ("item_id,question,question", "1,a,b"), "more than once"),
    "cells too many": ("items", "a.csv", ("item_id,question", "1,a,b"), "beyond the header"),
    "cells too few": ("items", "a.csv", ("item_id,question,split", "1,a"), "2 cells"),
    "27 options": (
        "items",
        "a.jsonl",
        ({**ITEM, "label_set": "options", "options": [{"label": "AA", "text": "x"}] * 27},),
        "27 labels",
    ),
    "one option": (
        "medqa",
        "a.jsonl",
        ({"question": "Which?", "options": {"A": "x"}, "answer_idx": "A"},),
        "at least two",
    ),
    "no object": ("items", "a.jsonl", ("null",), "dictionary"),
    "no entries": ("model_answers", "m-medqa.json", ("[]",), "without any rows"),
}


@pytest.mark.parametrize(
    ("file_format", "name", "lines", "words"), REFUSED.values(), ids=REFUSED.keys()
)
def test_a_hostile_file_is_refused_by_name_and_nothing_is_stored(
    database: Database,
    tmp_path: Path,
    file_format: Format,
    name: str,
    lines: tuple[Any, ...],
    words: str,
) -> None:
    path = write(tmp_path, name, *lines)
    before = counts(database)
    with pytest.raises(ImportFileError, match=words) as caught:
        import_file(database, file_format, path)
    assert name in str(caught.value)
    assert counts(database) == before


@pytest.mark.parametrize("name", ["x" * 300, "a\0b", "\udcff", "loop/file"])
def test_a_path_that_cannot_be_opened_is_one_clear_error(
    database: Database, tmp_path: Path, name: str
) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(ImportFileError):
        import_file(database, "items", tmp_path / name)


def test_a_stored_run_is_not_passed_off_as_a_changed_one(
    database: Database, tmp_path: Path
) -> None:
    import_file(database, "items", write(tmp_path, "i.jsonl", ITEM, {**ITEM, "item_id": "q-2"}))
    first = write(tmp_path, "run.jsonl", {"run": RUN}, ANSWER)
    assert import_file(database, "predictions", first).num_predictions == 1
    assert import_file(database, "predictions", first).is_unchanged
    changes: tuple[tuple[dict[str, Any], ...], ...] = (
        ({"run": RUN}, {**ANSWER, "answer": "Yes!"}),
        ({"run": RUN}, {**ANSWER, "answer_label": "no"}),
        ({"run": RUN}, {**ANSWER, "latency_seconds": 2.0}),
        ({"run": RUN}, ANSWER, {"item_id": "q-2", "answer": "No."}),
        ({"run": RUN}, {"item_id": "q-2", "answer": "No."}),
        ({"run": {**RUN, "model": "another"}}, ANSWER),
        ({"run": {**RUN, "metrics": {"accuracy": 1}}}, ANSWER),
    )
    before = counts(database)
    for lines in changes:
        with pytest.raises(ImportFileError, match="run-1"):
            import_file(database, "predictions", write(tmp_path, "run.jsonl", *lines))
        assert counts(database) == before


def test_a_run_can_be_imported_from_its_own_export(database: Database, tmp_path: Path) -> None:
    import_file(database, "items", write(tmp_path, "i.jsonl", ITEM))
    unread = {"item_id": "q-1", "answer": "Yes, it does."}
    import_file(database, "predictions", write(tmp_path, "run.jsonl", {"run": RUN}, unread))
    export_run(database.cursor(), "run-1", tmp_path / "again.jsonl", EVERYTHING)
    assert import_file(database, "predictions", tmp_path / "again.jsonl").is_unchanged


def pubmedqa(folder: Path) -> Path:
    entry = {"QUESTION": "Does it?", "CONTEXTS": ["It did."], "LABELS": ["RESULTS"]}
    more = {"LONG_ANSWER": "It does.", "final_decision": "yes", "reasoning_free_pred": "yes"}
    write(folder, "test_ground_truth.json", {"1": "yes"})
    return write(folder, "ori_pqal.json", {"1": {**entry, **more, "surprise": 1}})


def test_a_person_with_the_name_of_an_annotator_gets_none_of_the_labels(
    database: Database, tmp_path: Path
) -> None:
    name = "PubMedQA annotator 2 (with conclusion)"
    with database.transaction() as cur:
        person = add_reviewer(cur, name)
    assert import_file(database, "pubmedqa", pubmedqa(tmp_path)).num_annotations == 1
    assert import_file(database, "pubmedqa", pubmedqa(tmp_path)).is_unchanged
    (label,) = list_annotations(database.cursor(), "pubmedqa-1", EVERYTHING)
    assert label.reviewer_id != person.reviewer_id
    assert [one.reviewer_id for one in list_people(database.cursor())] == [person.reviewer_id]


def test_no_one_takes_the_name_or_the_labels_of_an_annotator(
    database: Database, tmp_path: Path
) -> None:
    import_file(database, "pubmedqa", pubmedqa(tmp_path))
    (label,) = list_annotations(database.cursor(), "pubmedqa-1", EVERYTHING)
    with database.transaction() as cur, pytest.raises(InvalidReviewerError, match="data set"):
        add_reviewer(cur, "PubMedQA annotator 2 (with conclusion)")
    refusals = (NothingToRetractError, NotPermittedError)
    with database.transaction() as cur, pytest.raises(refusals):
        retract_annotation(
            cur, annotation_id="undo", item_id="pubmedqa-1", reviewer_id=label.reviewer_id
        )


def test_fields_that_are_not_read_are_named(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("LLAMACARE_HOME", str(tmp_path / "home"))
    done = CliRunner().invoke(main, ["import", "pubmedqa", str(pubmedqa(tmp_path))])
    assert done.exit_code == 0
    assert "not read: 'surprise'" in done.stderr


@pytest.mark.parametrize("kind", ["items", "predictions"])
def test_an_export_of_a_run_that_is_not_there_is_refused(
    database: Database, tmp_path: Path, kind: Any
) -> None:
    target = tmp_path / "out.jsonl"
    with pytest.raises(RunNotFoundError, match="NOPE"):
        export_file(database.cursor(), kind, "jsonl", target, EVERYTHING, run_id="NOPE")
    assert not target.exists()


@pytest.mark.parametrize("count", [0, 1, 27])
def test_items_have_2_to_26_labels(count: int) -> None:
    labels = [chr(65 + place) for place in range(count)]
    item = make_options_item(labels=labels, gold_label=None)
    assert any("expected at" in fault for fault in describe_item_faults(item))


@pytest.mark.parametrize("labels", [("yes", "Yes"), ("yes", " yes"), ("yes", " ")])
def test_labels_that_a_model_cannot_tell_apart_are_refused(labels: tuple[str, ...]) -> None:
    assert describe_item_faults(make_item(labels=labels, gold_label=None))


@pytest.mark.parametrize("value", ["{}", "[]", "3", '{"mode": "x"}', '{"words_per_minute": []}'])
def test_review_settings_that_are_damaged_hide_what_may_have_to_be_hidden(value: str) -> None:
    is_sound = value == "{}"
    assert read_settings(value).mode == ("open" if is_sound else "blind")
    assert read_settings('{"mode": "open", "of_a_later_version": 1}').mode == "open"


@pytest.mark.parametrize("stored", ["{}", "[]", "3", '{"show": "x"}', '{"item_ids": 3}'])
def test_a_queue_with_a_damaged_filter_keeps_its_items(database: Database, stored: str) -> None:
    with database.transaction() as cur:
        add_items(cur, [make_item("q-1"), make_item("q-2")], origin="items")
        person = add_reviewer(cur, "Ada", "admin").reviewer_id
        for name in ("damaged", "sound"):
            settings = QueueSettings(name, ReviewFilter())
            add_queue(cur, settings, queue_id=name, created_by=person)
        cur.execute("update queue set filter = ? where queue_id = 'damaged'", [stored])
    cur = database.cursor()
    assert {queue.queue_id for queue in list_queues(cur)} == {"damaged", "sound"}
    queue = get_queue(cur, "damaged")
    assert queue_progress(cur, queue).num_items == 2


@pytest.mark.parametrize("text", ["[" * 100_000, '{"slices": ' + DEEP + "}", '{"source": 1e999}'])
def test_a_saved_slice_that_is_damaged_selects_everything(text: str) -> None:
    assert Selection.from_json(text) == Selection()


def rewritten(directory: Path, table: Any) -> None:
    """Replace the training part of a snapshot, with a manifest that names its hash."""
    pq.write_table(table, directory / "train.parquet")
    manifest = json.loads((directory / "manifest.json").read_text())
    content = (directory / "train.parquet").read_bytes()
    manifest["files"]["train.parquet"]["sha256"] = hashlib.sha256(content).hexdigest()
    (directory / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize("damage", ["other columns", "no Parquet", "metadata nested", "no labels"])
def test_a_snapshot_with_a_matching_hash_is_still_checked(
    database: Database, tmp_path: Path, damage: str
) -> None:
    with database.transaction() as cur:
        add_items(cur, [make_item("q-1", split="train")], origin="items")
        freeze(cur, tmp_path / "snapshot", created_by="tests")
    directory = tmp_path / "snapshot"
    table = pq.read_table(directory / "train.parquet")
    if damage == "other columns":
        table = pa.table({"a": [1]})
    elif damage == "metadata nested":
        place = table.schema.get_field_index("metadata")
        table = table.set_column(place, "metadata", pa.array(['{"a": ' + DEEP + "}"]))
    elif damage == "no labels":
        place = table.schema.get_field_index("labels")
        table = table.set_column(place, "labels", pa.array([None], pa.list_(pa.string())))
    rewritten(directory, table)
    if damage == "no Parquet":
        (directory / "train.parquet").write_bytes(b"PAR1")
        manifest = json.loads((directory / "manifest.json").read_text())
        digest = hashlib.sha256(b"PAR1").hexdigest()
        manifest["files"]["train.parquet"]["sha256"] = digest
        (directory / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(SnapshotError, match="changed after it was frozen"):
        load_snapshot(directory)


@pytest.mark.parametrize(
    ("field", "value"), [("latency_seconds", math.inf), ("latency_seconds", -1.0), ("tokens", -1)]
)
def test_predictions_with_impossible_figures_are_refused(
    database: Database, field: str, value: float
) -> None:
    name = "prompt_tokens" if field == "tokens" else field
    with database.transaction() as cur:
        add_items(cur, [make_item("q-1")], origin="items")
        add_run(cur, make_run())
        with pytest.raises(InvalidPredictionError):
            add_predictions(cur, [make_prediction(**{name: value})])


def test_files_with_names_that_are_no_utf_8_are_imported_and_exported(tmp_path: Path) -> None:
    environment = {**os.environ, "LLAMACARE_HOME": str(tmp_path / "home"), "PYTHONUTF8": "1"}
    source = write(tmp_path, "items-\udcff.jsonl", ITEM)
    target = tmp_path / "out-\udcff.jsonl"
    for arguments in (["import", "items", str(source)], ["export", "items", str(target)]):
        command = [sys.executable, "-m", "db", *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
        assert "\ufffd.jsonl: 1" in done.stdout.decode()
    assert target.exists()
