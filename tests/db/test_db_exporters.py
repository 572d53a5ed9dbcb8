"""Exports hold what the store holds, in every format."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from db.annotations import add_annotation, retract_annotation
from db.connection import IN_MEMORY, Database
from db.exporters import EXPORT_FORMATS, EXPORT_KINDS, export_file
from db.importers.items import parse_items
from db.items import add_items
from db.predictions import add_predictions
from db.records import Item, Prediction, Run, Section
from db.reviewers import add_reviewer
from db.runs import add_run

MOMENT = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
ANSWER = 'Line one,\n"line two" ; ε β\t=1+1'


@pytest.fixture
def filled():
    database = Database.open(IN_MEMORY)
    with database.transaction() as cur:
        add_items(cur, [_item("q-1", "yes"), _item("q-2", None)], origin="items")
        for run_id in ("run-a", "run-b"):
            add_run(cur, Run(run_id, run_id.title(), "imported", "m", {"k": 1}, {}, MOMENT))
        add_predictions(
            cur,
            [
                Prediction("run-a", "q-1", ANSWER, "no", "stated", 0, 4),
                Prediction(
                    "run-b",
                    "q-1",
                    None,
                    "yes",
                    head_label="yes",
                    head_probabilities=(0.7, 0.2, 0.1),
                ),
            ],
        )
        reviewer = add_reviewer(cur, "Ada")
        add_annotation(
            cur,
            annotation_id="e1",
            item_id="q-1",
            reviewer_id=reviewer.reviewer_id,
            label="maybe",
            run_id="run-a",
            note="unclear",
            created_at=MOMENT,
        )
        add_annotation(
            cur,
            annotation_id="e2",
            item_id="q-2",
            reviewer_id=reviewer.reviewer_id,
            label="no",
            created_at=MOMENT,
        )
        retract_annotation(cur, annotation_id="e3", item_id="q-2", reviewer_id=reviewer.reviewer_id)
    yield database
    database.close()


def _item(item_id: str, gold: str | None) -> Item:
    return Item(
        item_id,
        "demo",
        "Does it help?",
        (Section("AIM", "To see."),),
        "pubmedqa",
        ("yes", "no", "maybe"),
        (),
        gold,
        "It does.",
        "train",
        {"year": 2020, "mesh": ["A", "B"]},
    )


def _read_jsonl(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.mark.parametrize("file_format", EXPORT_FORMATS)
@pytest.mark.parametrize(
    ("kind", "num_rows"), [("items", 2), ("labels", 2), ("annotations", 3), ("predictions", 2)]
)
def test_every_kind_is_written_whole_in_every_format(filled, tmp_path, kind, num_rows, file_format):
    path = tmp_path / f"out.{file_format}"
    assert export_file(filled.cursor(), kind, file_format, path) == num_rows
    if file_format == "jsonl":
        read = len(_read_jsonl(path))
    elif file_format == "csv":
        read = len(list(csv.reader(path.open(encoding="utf-8", newline="")))) - 1
    else:
        read = pq.read_table(path).num_rows
    assert read == num_rows


def test_exported_items_can_be_imported_again(filled, tmp_path):
    export_file(filled.cursor(), "items", "jsonl", tmp_path / "items.jsonl")
    batch = parse_items(tmp_path / "items.jsonl")
    assert batch.items == (_item("q-1", "yes"), _item("q-2", None))


def test_labels_show_the_label_of_record_beside_the_imported_one(filled, tmp_path):
    export_file(filled.cursor(), "labels", "jsonl", tmp_path / "labels.jsonl")
    first, second = _read_jsonl(tmp_path / "labels.jsonl")
    assert (first["imported_label"], first["label_of_record"]) == ("yes", "maybe")
    assert first["label_of_record_origin"] == "agreed"
    assert first["annotated_labels"] == ["maybe"]
    assert (second["label_of_record"], second["num_annotations"]) == (None, 0)


def test_annotations_hold_the_whole_history_with_names_and_utc_times(filled, tmp_path):
    export_file(filled.cursor(), "annotations", "jsonl", tmp_path / "a.jsonl")
    rows = _read_jsonl(tmp_path / "a.jsonl")
    assert [(row["annotation_id"], row["action"]) for row in rows] == [
        ("e1", "label"),
        ("e2", "label"),
        ("e3", "retract"),
    ]
    assert rows[0]["reviewer"] == "Ada"
    assert rows[0]["created_at"] == "2026-03-01T12:30:00Z"
    assert (rows[0]["old_label"], rows[0]["old_answer"]) == ("yes", ANSWER)


def test_predictions_of_one_run_survive_every_format(filled, tmp_path):
    cur = filled.cursor()
    for file_format in EXPORT_FORMATS:
        export_file(cur, "predictions", file_format, tmp_path / file_format, run_id="run-a")
    (from_jsonl,) = _read_jsonl(tmp_path / "jsonl")
    (from_csv,) = csv.DictReader((tmp_path / "csv").open(encoding="utf-8", newline=""))
    (from_parquet,) = pq.read_table(tmp_path / "parquet").to_pylist()
    assert from_jsonl["answer"] == from_csv["answer"] == from_parquet["answer"] == ANSWER


def test_probabilities_are_lists_where_the_format_has_lists_and_json_in_csv(filled, tmp_path):
    cur = filled.cursor()
    export_file(cur, "predictions", "parquet", tmp_path / "p", run_id="run-b")
    export_file(cur, "predictions", "csv", tmp_path / "c", run_id="run-b")
    assert pq.read_table(tmp_path / "p").to_pylist()[0]["head_probabilities"] == [0.7, 0.2, 0.1]
    (row,) = csv.DictReader((tmp_path / "c").open(encoding="utf-8", newline=""))
    assert json.loads(row["head_probabilities"]) == [0.7, 0.2, 0.1]


@pytest.mark.parametrize("kind", EXPORT_KINDS)
def test_an_empty_store_gives_files_without_rows(tmp_path, kind):
    database = Database.open(IN_MEMORY)
    for file_format in EXPORT_FORMATS:
        assert export_file(database.cursor(), kind, file_format, tmp_path / file_format) == 0
    database.close()
