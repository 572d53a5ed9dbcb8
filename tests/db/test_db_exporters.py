"""Exports hold what the store holds, in every format."""

from __future__ import annotations

import csv
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args
from xml.etree import ElementTree

import pyarrow.parquet as pq
import pytest

from db.connection import IN_MEMORY, Database
from db.content.items import add_items
from db.content.predictions import add_predictions
from db.content.runs import add_run
from db.errors import ExportError
from db.exporters import EXPORT_KINDS, TABLE_FORMATS, ExportFormat, export_file, formats_of
from db.exporters.label_studio import LABELING_CONFIG
from db.exporters.scope import ExportScope
from db.importers.items import parse_items
from db.people.reviewers import add_reviewer
from db.review.annotations import retract_annotation
from db.review.item_list import ReviewFilter
from db.review.queues import QueueSettings, add_queue
from db.viewer import EVERYTHING
from tests.support.annotations import annotate
from tests.support.records import make_item, make_prediction, make_run
from tests.support.stores import open_store

MOMENT = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
ANSWER = 'Line one,\n"line two" ; ε β\t=1+1'


QUESTIONS = (make_item("q-1", split="train"), make_item("q-2", split="train", gold_label=None))


@pytest.fixture
def filled(database: Database) -> Database:
    with database.transaction() as cur:
        add_items(cur, QUESTIONS, origin="items")
        for run_id in ("run-a", "run-b"):
            add_run(cur, make_run(run_id, settings={"k": 1}, created_at=MOMENT))
        answer = make_prediction(
            "q-1", "run-a", answer=ANSWER, answer_label="no", answer_form="stated", answer_start=0,
            answer_end=4,
        )  # fmt: skip
        head = {"head_label": "yes", "head_probabilities": (0.7, 0.2, 0.1)}
        add_predictions(cur, [answer, make_prediction("q-1", "run-b", answer=None, **head)])
        said = {"run_id": "run-a", "note": "unclear", "created_at": MOMENT}
        annotate(cur, "Ada", "q-1", "maybe", annotation_id="e1", **said)
        ada = annotate(cur, "Ada", "q-2", "no", annotation_id="e2", created_at=MOMENT).reviewer_id
        retract_annotation(cur, annotation_id="e3", item_id="q-2", reviewer_id=ada)
    return database


def _read_jsonl(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.mark.parametrize("file_format", TABLE_FORMATS)
@pytest.mark.parametrize(
    ("kind", "num_rows"),
    [("items", 2), ("labels", 2), ("annotations", 3), ("corrections", 1), ("predictions", 2)],
)
def test_every_kind_is_written_whole_in_every_format(filled, tmp_path, kind, num_rows, file_format):
    path = tmp_path / f"out.{file_format}"
    assert export_file(filled.cursor(), kind, file_format, path, EVERYTHING) == num_rows
    if file_format == "jsonl":
        read = len(_read_jsonl(path))
    elif file_format == "csv":
        read = len(list(csv.reader(path.open(encoding="utf-8", newline="")))) - 1
    else:
        read = pq.read_table(path).num_rows
    assert read == num_rows


def test_exported_items_can_be_imported_again(filled, tmp_path):
    export_file(filled.cursor(), "items", "jsonl", tmp_path / "items.jsonl", EVERYTHING)
    batch = parse_items(tmp_path / "items.jsonl")
    assert batch.items == QUESTIONS


def test_labels_show_the_label_of_record_beside_the_imported_one(filled, tmp_path):
    export_file(filled.cursor(), "labels", "jsonl", tmp_path / "labels.jsonl", EVERYTHING)
    first, second = _read_jsonl(tmp_path / "labels.jsonl")
    assert (first["imported_label"], first["label_of_record"]) == ("yes", "maybe")
    assert first["label_of_record_origin"] == "agreed"
    assert first["annotated_labels"] == ["maybe"]
    assert (second["label_of_record"], second["num_annotations"]) == (None, 0)


def test_annotations_hold_the_whole_history_with_names_and_utc_times(filled, tmp_path):
    export_file(filled.cursor(), "annotations", "jsonl", tmp_path / "a.jsonl", EVERYTHING)
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
    for file_format in TABLE_FORMATS:
        export_file(
            cur, "predictions", file_format, tmp_path / file_format, EVERYTHING, run_id="run-a"
        )
    (from_jsonl,) = _read_jsonl(tmp_path / "jsonl")
    (from_csv,) = csv.DictReader((tmp_path / "csv").open(encoding="utf-8", newline=""))
    (from_parquet,) = pq.read_table(tmp_path / "parquet").to_pylist()
    assert from_jsonl["answer"] == from_csv["answer"] == from_parquet["answer"] == ANSWER


def test_probabilities_are_lists_where_the_format_has_lists_and_json_in_csv(filled, tmp_path):
    cur = filled.cursor()
    export_file(cur, "predictions", "parquet", tmp_path / "p", EVERYTHING, run_id="run-b")
    export_file(cur, "predictions", "csv", tmp_path / "c", EVERYTHING, run_id="run-b")
    assert pq.read_table(tmp_path / "p").to_pylist()[0]["head_probabilities"] == [0.7, 0.2, 0.1]
    (row,) = csv.DictReader((tmp_path / "c").open(encoding="utf-8", newline=""))
    assert json.loads(row["head_probabilities"]) == [0.7, 0.2, 0.1]


@pytest.mark.parametrize("kind", EXPORT_KINDS)
def test_an_empty_store_gives_files_without_rows(tmp_path, kind):
    database = Database.open(IN_MEMORY)
    for file_format in formats_of(kind):
        assert (
            export_file(database.cursor(), kind, file_format, tmp_path / file_format, EVERYTHING)
            == 0
        )
    database.close()


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝"])
def test_no_cell_of_a_csv_begins_as_a_formula(filled, tmp_path, start):
    formula = f"{start}HYPERLINK(1)"
    annotate(filled, "Ada", "q-2", "no", note=formula)
    export_file(filled.cursor(), "annotations", "csv", tmp_path / "a.csv", EVERYTHING)
    rows = list(csv.DictReader((tmp_path / "a.csv").open(encoding="utf-8", newline="")))
    assert rows[-1]["note"] == f"'{formula}"
    assert rows[0]["note"] == "unclear"


def test_a_label_studio_task_holds_what_stands_and_what_the_run_says(filled, tmp_path):
    path = tmp_path / "tasks.json"
    assert (
        export_file(
            filled.cursor(), "annotations", "label_studio", path, EVERYTHING, run_id="run-b"
        )
        == 1
    )
    (task,) = json.loads(path.read_text("utf-8"))
    assert task["data"]["item_id"] == "q-1"
    assert task["data"]["labels"] == [{"value": "yes"}, {"value": "no"}, {"value": "maybe"}]
    (annotation,) = task["annotations"]
    assert annotation["unique_id"] == "e1"
    assert annotation["created_at"] == "2026-03-01T12:30:00Z"
    label, note = annotation["result"]
    assert label["value"] == {"choices": ["maybe"]}
    assert "reviewer: Ada" in label["meta"]["text"]
    assert (note["type"], note["value"]) == ("textarea", {"text": ["unclear"]})
    assert [(one["model_version"], one["result"][0]["value"]) for one in task["predictions"]] == [
        ("text", {"choices": ["yes"]}),
        ("head", {"choices": ["yes"]}),
    ]
    assert task["predictions"][1]["score"] == 0.7


def test_label_studio_results_name_only_what_its_labelling_config_has(filled, tmp_path):
    export_file(
        filled.cursor(), "annotations", "label_studio", tmp_path / "t", EVERYTHING, run_id="run-b"
    )
    (task,) = json.loads((tmp_path / "t").read_text("utf-8"))
    config = ElementTree.fromstring(LABELING_CONFIG)  # noqa: S314 (our own text)
    controls = {one.get("name"): one for one in config if one.get("toName")}
    objects = {one.get("name") for one in config if one.get("name") and not one.get("toName")}
    variables = {one.get("value", "")[1:] for one in config if one.get("value", "").startswith("$")}
    assert variables <= set(task["data"])
    results = [
        result for said in task["annotations"] + task["predictions"] for result in said["result"]
    ]
    for result in results:
        assert controls[result["from_name"]].tag.lower() == result["type"]
        assert result["to_name"] in objects


def test_a_dataset_folder_names_a_file_for_each_split(filled, tmp_path):
    with filled.transaction() as cur:
        add_items(cur, [make_item("q-3", split="dev")], origin="items")
        annotate(cur, "Ada", "q-3", "no")
    folder = tmp_path / "annotations"
    assert export_file(filled.cursor(), "annotations", "huggingface", folder, EVERYTHING) == 4
    card = (folder / "README.md").read_text("utf-8")
    named = re.findall(r"- split: (\w+)\n    path: (\S+)", card)
    rows = {split: pq.read_table(folder / path).num_rows for split, path in named}
    assert rows == {"train": 3, "validation": 1}
    assert {path.name for path in (folder / "data").iterdir()} == {
        Path(path).name for _, path in named
    }


def test_a_kind_without_a_format_says_which_it_has(filled, tmp_path):
    with pytest.raises(ExportError, match=r"'items' cannot be exported as 'label_studio'.*jsonl"):
        export_file(filled.cursor(), "items", "label_studio", tmp_path / "x", EVERYTHING)


@pytest.mark.parametrize("file_format", get_args(ExportFormat))
def test_an_export_next_to_others_is_the_same(
    file_format: ExportFormat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db.child_process.SMALL_BYTES", 0)  # a child process for anything
    database = open_store(tmp_path / "store.duckdb")
    with database.transaction() as cur:
        add_items(cur, [make_item(f"q-{n}") for n in range(30)], origin="x")
        for n in range(20):
            annotate(cur, "Ann", f"q-{n}", "no")
    paths = [tmp_path / "alone" / "file", tmp_path / "shared" / "file"]
    counts = []
    for path, is_shared in zip(paths, (False, True), strict=True):
        path.parent.mkdir()
        cur = database.cursor()
        counts.append(
            export_file(cur, "annotations", file_format, path, EVERYTHING, is_shared=is_shared)
        )
    assert counts == [20, 20]
    assert contents(paths[0]) == contents(paths[1])


def contents(path: Path) -> dict[str, bytes]:
    files = [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.is_file())
    return {str(file.relative_to(path.parent)): file.read_bytes() for file in files}


def test_corrections_are_what_people_changed_and_stands(filled, tmp_path):
    export_file(filled.cursor(), "corrections", "jsonl", tmp_path / "c", EVERYTHING)
    (row,) = _read_jsonl(tmp_path / "c")
    assert (row["item_id"], row["reviewer"], row["old_label"], row["label"], row["note"]) == (
        "q-1", "Ada", "yes", "maybe", "unclear",
    )  # fmt: skip


DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("kind", "scope", "expected"),
    [
        ("items", ExportScope(item_ids=["q-2"]), ["q-2"]),
        ("items", ExportScope(item_ids=[]), []),
        ("items", ExportScope(queue_id="k"), ["q-2", "q-3"]),
        ("labels", ExportScope(queue_id="k", item_ids=["q-3", "q-1"]), ["q-3"]),
        ("annotations", ExportScope(queue_id="k"), ["q-3"]),
        ("annotations", ExportScope(reviewer="Ada"), ["q-1", "q-2", "q-2"]),
        ("annotations", ExportScope(reviewer="Bob", since=MOMENT), ["q-3"]),
        ("annotations", ExportScope(until=MOMENT + DAY), ["q-1", "q-2"]),
        ("annotations", ExportScope(since=MOMENT, until=MOMENT), []),
        ("corrections", ExportScope(reviewer="Bob"), ["q-3"]),
        ("corrections", ExportScope(until=MOMENT + DAY), ["q-1"]),
    ],
)
def test_an_export_is_narrowed_to_items_a_queue_a_person_and_a_time(
    filled, tmp_path, kind, scope, expected
):
    with filled.transaction() as cur:
        add_items(cur, [make_item("q-3", split="train")], origin="items")
        who = add_reviewer(cur, "Chief", "admin").reviewer_id
        flt = ReviewFilter(item_ids=("q-2", "q-3"))
        add_queue(cur, QueueSettings("Mine", flt), queue_id="k", created_by=who)
        annotate(cur, "Bob", "q-3", "no", queue_id="k", created_at=MOMENT + 2 * DAY)
    path = tmp_path / "out"
    num_rows = export_file(filled.cursor(), kind, "jsonl", path, EVERYTHING, scope=scope)
    assert [row["item_id"] for row in _read_jsonl(path)] == expected
    assert num_rows == len(expected)


@pytest.mark.parametrize("kind", ["items", "labels", "predictions"])
@pytest.mark.parametrize("scope", [ExportScope(reviewer="Ada"), ExportScope(since=MOMENT)])
def test_what_has_no_person_and_no_time_is_not_narrowed_to_one(filled, tmp_path, kind, scope):
    with pytest.raises(ExportError, match="cannot be narrowed to a person or a time"):
        export_file(filled.cursor(), kind, "jsonl", tmp_path / "out", EVERYTHING, scope=scope)
    assert not (tmp_path / "out").exists()
