"""What the product exports it imports: into another store it is the same, into its own nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from db.connection import Database
from db.content.items import add_items
from db.content.predictions import add_predictions
from db.content.runs import add_run
from db.errors import ImportFileError
from db.exporters import TABLE_FORMATS, ExportFormat, export_file
from db.exporters.run_file import export_run
from db.importers import import_file
from db.people.reviewers import add_reviewer
from db.records import Section, Span, join_labels
from db.review.annotations import retract_annotation
from db.viewer import EVERYTHING
from tests.support.annotations import annotate
from tests.support.records import make_item, make_options_item, make_prediction, make_run
from tests.support.stores import open_store

HOSTILE = "=1+1 ' \"quoted\"\n'=not a formula, 质 ;|\t"
SIGNS = ("cough, dry", "fever", "rash")
GRADES = ("grade 1", "grade 2", "grade 3")
ITEMS = [
    make_item(
        "q-1",
        question=f"{HOSTILE}?  ",
        context=(Section("METHODS", "We gave it."), Section("", "'=x")),
        metadata={"year": 2011, "deep": {"a": [1, None, "ü"]}},
        long_answer="-Because.",
    ),
    make_item("q-2", gold_label=None, split="dev", source="clinic"),
    make_options_item("q-3", labels=["ア", "イ"], gold_label="イ"),
    make_item("q-4", label_set="grading", labels=GRADES, gold_label="grade 2"),
    make_item(
        "q-5", label_set="signs", labels=SIGNS, gold_label=join_labels(SIGNS[:2], SIGNS),
        is_several=True,
    ),
    replace(
        make_options_item("q-6", labels=["a", "b", "c"]), label_set="several_options",
        gold_label=join_labels(["c"], ["a", "b", "c"]), is_several=True,
    ),
]  # fmt: skip


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[Database]:
    """Yield a store with items of every kind, two runs, and annotations of every kind."""
    database = open_store(tmp_path / "first.duckdb")
    with database.transaction() as cur:
        add_items(cur, ITEMS, origin="items")
        for run_id in ("run-1", "run-2"):
            add_run(cur, make_run(run_id))
        head = {"head_label": "yes", "head_probabilities": (0.7, 0.2, 0.1)}
        add_predictions(
            cur,
            [
                make_prediction("q-1", "run-1", answer=HOSTILE, answer_label=None, **head),
                make_prediction("q-3", "run-1", answer="It is イ.", answer_label="イ"),
                make_prediction("q-1", "run-2", answer=None, answer_label="no"),
                make_prediction(
                    "q-5",
                    "run-1",
                    answer="Fever.",
                    answer_label=join_labels(["fever"], SIGNS),
                    head_label=join_labels(SIGNS, SIGNS),
                    head_probabilities=(0.9, 0.8, 0.5),
                ),
                make_prediction(
                    "q-6", "run-2", answer=None, answer_label=join_labels("ac", ["a", "b", "c"])
                ),
            ],
        )
    add_annotations(database)
    yield database
    database.close()


def add_annotations(database: Database) -> None:
    moment = datetime(2026, 3, 1, 10, 30, 5, 123456, UTC)
    annotate(
        database, "Ann Lee", "q-1", "no", annotation_id="a-1", created_at=moment,
        note=HOSTILE, answer="No: it does not.", verdicts=("model_wrong", "several_acceptable"),
        severity="moderate", confidence="high", span=Span("corrected", 0, 2), is_flagged=True,
        run_id="run-1", phase="blind", duration_seconds=12.25, is_fast=True, client_at=moment,
    )  # fmt: skip
    annotate(database, "Ann Lee", "q-1", "no", "maybe", annotation_id="a-2", phase="revealed")
    annotate(database, "Bo", "q-3", "イ", annotation_id="a-3")
    annotate(database, "Bo", "q-4", verdicts=("unanswerable",), annotation_id="a-4")
    annotate(database, "Bo", "q-4", "grade 3", annotation_id="a-5")
    annotate(database, "Bo", "q-5", "rash", "cough, dry", annotation_id="a-7")
    annotate(database, "Ann Lee", "q-6", "b", annotation_id="a-8")
    with database.transaction() as cur:
        retract_annotation(
            cur, annotation_id="a-6", item_id="q-4", reviewer_id=add_reviewer(cur, "Bo").reviewer_id
        )


def rows(database: Database, query: str) -> list[Any]:
    return database.cursor().execute(query).fetchall()


def items_in(database: Database) -> list[Any]:
    return rows(database, "select * exclude (created_at, origin) from item order by item_id")


def predictions_in(database: Database) -> list[Any]:
    return rows(database, "select * from prediction order by run_id, item_id")


SAID: str = """
    select annotation_id, item_id, reviewer.name, label, labels, action, answer, old_label,
        old_answer, verdicts, severity, confidence, span_text, span_start, span_end, note, phase,
        presentation, is_flagged, is_fast, duration_seconds, guideline_version, run_id,
        retracted_annotation_id, client_at, annotation.created_at
    from annotation left join reviewer using (reviewer_id) order by annotation_number
"""
STANDING = "select annotation_id from standing_annotation order by annotation_id"


def assert_round_trip(filled: Database, path: Path, read: Callable[[Database], list[Any]]) -> None:
    """Check that a file of an export gives the same in another store, and nothing in its own."""
    other = open_store(path.parent / "other.duckdb")
    items = path.parent / "all.jsonl"
    export_file(filled.cursor(), "items", "jsonl", items, EVERYTHING)
    import_file(other, None, items)
    import_file(other, None, path)
    assert read(other) == read(filled)
    assert import_file(other, None, path).is_unchanged
    assert import_file(filled, None, path).is_unchanged
    other.close()


@pytest.mark.parametrize("file_format", TABLE_FORMATS)
def test_items_survive_every_format(
    filled: Database, tmp_path: Path, file_format: ExportFormat
) -> None:
    path = tmp_path / f"out.{file_format}"
    export_file(filled.cursor(), "items", file_format, path, EVERYTHING)
    other = open_store(tmp_path / "other.duckdb")
    assert import_file(other, None, path).items.added == len(ITEMS)
    assert items_in(other) == items_in(filled)
    assert import_file(filled, None, path).is_unchanged
    other.close()


@pytest.mark.parametrize("file_format", TABLE_FORMATS)
def test_predictions_survive_every_format(
    filled: Database, tmp_path: Path, file_format: ExportFormat
) -> None:
    path = tmp_path / f"out.{file_format}"
    export_file(filled.cursor(), "predictions", file_format, path, EVERYTHING)
    assert_round_trip(filled, path, predictions_in)


def test_a_run_survives_its_own_file(filled: Database, tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    export_run(filled.cursor(), "run-1", path, EVERYTHING)
    query = "select * from prediction where run_id = 'run-1' order by item_id"
    assert_round_trip(filled, path, lambda database: rows(database, query))


@pytest.mark.parametrize("file_format", [*TABLE_FORMATS, "huggingface"])
def test_annotations_survive_every_format(
    filled: Database, tmp_path: Path, file_format: ExportFormat
) -> None:
    path = tmp_path / f"out.{file_format}"
    export_file(filled.cursor(), "annotations", file_format, path, EVERYTHING)
    by_id = lambda database: sorted(rows(database, SAID))  # noqa: E731
    assert_round_trip(filled, path, by_id)


def test_what_stands_is_the_same_in_the_other_store(filled: Database, tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    export_file(filled.cursor(), "annotations", "jsonl", path, EVERYTHING)
    assert_round_trip(filled, path, lambda database: rows(database, STANDING))


def test_label_studio_tasks_give_what_stands_of_each_reviewer_and_phase(
    filled: Database, tmp_path: Path
) -> None:
    path = tmp_path / "tasks.json"
    export_file(filled.cursor(), "annotations", "label_studio", path, EVERYTHING)
    assert len(json.loads(path.read_text())) == 5
    query = """
        select annotation_id, item_id, reviewer.name, labels, answer, note, phase, confidence,
            duration_seconds, phase_annotation.created_at
        from phase_annotation left join reviewer using (reviewer_id) order by annotation_id
    """
    assert_round_trip(filled, path, lambda database: rows(database, query))


def test_two_installations_are_merged(filled: Database, tmp_path: Path) -> None:
    other = open_store(tmp_path / "there.duckdb")
    with other.transaction() as cur:
        add_items(cur, [*ITEMS[:2], *ITEMS[4:], make_item("q-9")], origin="items")
    annotate(other, "Cy", "q-1", "yes", annotation_id="b-1")
    annotate(other, "Ann Lee", "q-2", "no", annotation_id="b-2")
    annotate(other, "Cy", "q-5", "fever", "rash", annotation_id="b-3")
    for kind in ("items", "annotations"):
        path = tmp_path / f"{kind}.jsonl"
        export_file(other.cursor(), kind, "jsonl", path, EVERYTHING)  # type: ignore[arg-type]
        import_file(filled, None, path)
    assert len(items_in(filled)) == len(ITEMS) + 1
    query = """
        select reviewer.name, annotation.origin, item_id, label
        from annotation left join reviewer using (reviewer_id)
        where annotation_id like 'b-%' order by item_id
    """
    said = rows(filled, query)
    assert said == [
        ("Cy", "import", "q-1", "yes"),
        ("Ann Lee (data set)", "import", "q-2", "no"),
        ("Cy", "import", "q-5", join_labels(["fever", "rash"], SIGNS)),
    ]
    other.close()


def test_an_annotation_of_a_label_that_the_item_has_not_is_refused(
    filled: Database, tmp_path: Path
) -> None:
    path = tmp_path / "a.jsonl"
    row = {"annotation_id": "x", "item_id": "q-3", "labels": ["ウ"], "reviewer": "Cy", "note": ""}
    path.write_text(json.dumps(row), "utf-8")
    before = rows(filled, SAID)
    with pytest.raises(ImportFileError, match="'q-3' the label 'ウ' is none of its own"):
        import_file(filled, None, path)
    path.write_text(json.dumps({**row, "item_id": "nowhere"}), "utf-8")
    with pytest.raises(ImportFileError, match="'nowhere' there is no such item"):
        import_file(filled, None, path)
    assert rows(filled, SAID) == before
