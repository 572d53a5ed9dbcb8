"""A snapshot holds what a run may read, says what it holds, and notices any change."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.connection import Database
from db.content.items import add_items
from db.errors import SnapshotError
from db.people.reviewers import add_reviewer
from db.records import Section
from db.retraining.snapshot import (
    MANIFEST_NAME,
    TEST_NAME,
    TRAIN_NAME,
    SnapshotCount,
    SnapshotItem,
    freeze,
    load_snapshot,
)
from db.review.adjudications import add_adjudication
from tests.support.annotations import annotate
from tests.support.records import make_item, make_options_item
from tests.support.stores import open_store


@pytest.fixture
def filled(database: Database) -> Database:
    """Return items of all splits, one without a label."""
    with database.transaction() as cur:
        items = [
            make_item("q-1", split="train"),
            make_item("q-2"),
            make_item("q-3", split="train", gold_label=None),
            make_item("q-4", split="dev"),
            make_options_item("v-1", split="train"),
        ]
        add_items(cur, items, origin="items")
    return database


def _freeze(database: Database, directory: Path) -> str:
    return freeze(database.cursor(), directory, created_by="Ann").snapshot_id


def test_only_labelled_items_are_frozen_and_test_items_lie_apart(
    filled: Database, tmp_path: Path
) -> None:
    manifest = freeze(filled.cursor(), tmp_path / "s", created_by="Ann")
    snapshot = load_snapshot(tmp_path / "s")
    assert snapshot.manifest == manifest
    assert [item.item_id for item in snapshot.train] == ["q-1", "q-4", "v-1"]
    assert [item.item_id for item in snapshot.test] == ["q-2"]
    assert manifest.counts == (
        SnapshotCount(split="dev", label_set="pubmedqa", label_origin="imported", count=1),
        SnapshotCount(split="test", label_set="pubmedqa", label_origin="imported", count=1),
        SnapshotCount(split="train", label_set="options", label_origin="imported", count=1),
        SnapshotCount(split="train", label_set="pubmedqa", label_origin="imported", count=1),
    )
    assert manifest.created_by == "Ann"


def test_an_item_carries_its_correction_and_where_it_comes_from(
    filled: Database, tmp_path: Path
) -> None:
    annotate(filled, "Ann", "q-1", "no", annotation_id="Ann-no", answer="It did not help.")
    _freeze(filled, tmp_path / "s")
    item = make_item("q-1", split="train")
    assert load_snapshot(tmp_path / "s").train[0] == SnapshotItem(
        item_id="q-1",
        source=item.source,
        split="train",
        question=item.question,
        context=item.context,
        label_set=item.label_set,
        labels=item.labels,
        options=(),
        label="no",
        label_origin="agreed",
        imported_label="yes",
        long_answer=item.long_answer,
        corrected_answer="It did not help.",
        annotation_ids=("Ann-no",),
        parent_item_id=None,
        vetoed_shots=(),
        is_vetoed=False,
        metadata=item.metadata,
    )


def test_a_text_for_a_label_that_does_not_stand_is_left_out(
    filled: Database, tmp_path: Path
) -> None:
    annotate(filled, "Ann", "q-1", "no", annotation_id="Ann-no", answer="It did not help.")
    annotate(filled, "Bob", "q-1", "maybe", annotation_id="Bob-maybe", answer="Unclear.")
    _freeze(filled, tmp_path / "conflict")
    (item, *_) = load_snapshot(tmp_path / "conflict").train
    assert (item.label, item.corrected_answer) == ("yes", None)
    assert item.annotation_ids == ("Ann-no", "Bob-maybe")
    with filled.transaction() as cur:
        chief = add_reviewer(cur, "Chief", "adjudicator").reviewer_id
        add_adjudication(cur, adjudication_id="d", item_id="q-1", reviewer_id=chief, label="maybe")
    _freeze(filled, tmp_path / "settled")
    (item, *_) = load_snapshot(tmp_path / "settled").train
    assert (item.label, item.label_origin) == ("maybe", "adjudicated")
    assert item.corrected_answer == "Unclear."


def test_equal_content_has_an_equal_id_and_other_content_another(
    filled: Database, tmp_path: Path
) -> None:
    first = _freeze(filled, tmp_path / "a")
    assert _freeze(filled, tmp_path / "b") == first
    annotate(filled, "Ann", "q-1", "no")
    assert _freeze(filled, tmp_path / "c") != first


def test_a_snapshot_is_never_overwritten(filled: Database, tmp_path: Path) -> None:
    _freeze(filled, tmp_path)
    with pytest.raises(SnapshotError, match="holds a snapshot already"):
        _freeze(filled, tmp_path)


def test_nothing_to_freeze_is_explained(database: Database, tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match="no item in the database has a label"):
        _freeze(database, tmp_path)


@pytest.mark.parametrize("name", [TRAIN_NAME, TEST_NAME])
def test_a_changed_file_is_refused(filled: Database, tmp_path: Path, name: str) -> None:
    _freeze(filled, tmp_path)
    content = bytearray((tmp_path / name).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / name).write_bytes(bytes(content))
    with pytest.raises(SnapshotError, match=rf"{name} has SHA-256"):
        load_snapshot(tmp_path)


def test_a_missing_part_or_manifest_is_refused(filled: Database, tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match="is no snapshot"):
        load_snapshot(tmp_path)
    _freeze(filled, tmp_path)
    (tmp_path / TRAIN_NAME).unlink()
    with pytest.raises(SnapshotError, match=r"train\.parquet cannot be read"):
        load_snapshot(tmp_path)


def test_test_items_moved_among_the_training_items_are_refused(
    filled: Database, tmp_path: Path
) -> None:
    _freeze(filled, tmp_path)
    (tmp_path / TRAIN_NAME).rename(tmp_path / "kept")
    (tmp_path / TEST_NAME).rename(tmp_path / TRAIN_NAME)
    (tmp_path / "kept").rename(tmp_path / TEST_NAME)
    manifest = json.loads((tmp_path / MANIFEST_NAME).read_text())
    files = manifest["files"]
    files[TRAIN_NAME], files[TEST_NAME] = files[TEST_NAME], files[TRAIN_NAME]
    (tmp_path / MANIFEST_NAME).write_text(json.dumps(manifest))
    with pytest.raises(SnapshotError, match="not kept apart"):
        load_snapshot(tmp_path)


@pytest.mark.parametrize(
    ("change", "explanation"),
    [
        ({"snapshot_id": "snapshot-0"}, "its content is not that of snapshot-0"),
        ({"schema_version": 1}, "schema_version"),
        ({"files": {}}, "does not name train.parquet"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_an_edited_manifest_is_refused(
    filled: Database, tmp_path: Path, change: dict[str, object], explanation: str
) -> None:
    _freeze(filled, tmp_path)
    manifest = json.loads((tmp_path / MANIFEST_NAME).read_text())
    (tmp_path / MANIFEST_NAME).write_text(json.dumps({**manifest, **change}))
    with pytest.raises(SnapshotError, match=explanation):
        load_snapshot(tmp_path)


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=20, max_size=20))
def test_any_text_survives_store_and_snapshot(
    texts: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    items = [
        make_item(
            f"q-{number:02}",
            question=f"Q{text}",
            context=(Section(text, text),),
            long_answer=text,
            split="train",
            metadata={f"k{text}": [text]},
        )
        for number, text in enumerate(texts)
    ]
    database = open_store(tmp_path_factory.mktemp("any-text") / "store.duckdb")
    add_items(database.cursor(), items, origin="items")
    directory = tmp_path_factory.mktemp("snapshot")
    freeze(database.cursor(), directory, created_by=texts[0])
    database.close()
    for item, found in zip(items, load_snapshot(directory).train, strict=True):
        assert (found.question, found.context) == (item.question, item.context)
        assert (found.long_answer, found.metadata) == (item.long_answer, item.metadata)


def test_a_large_snapshot_is_written_by_a_child_process_and_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = open_store(tmp_path / "store.duckdb")
    with database.transaction() as cur:
        add_items(cur, [make_item(f"q-{n}", long_answer="ä" * 900) for n in range(400)], origin="x")
    by_child = freeze(database.cursor(), tmp_path / "child", created_by="tests")
    monkeypatch.setattr("db.child_process.SMALL_BYTES", 10**9)
    at_once = freeze(database.cursor(), tmp_path / "at_once", created_by="tests")
    assert by_child.snapshot_id == at_once.snapshot_id
    assert by_child.files == at_once.files
    assert load_snapshot(tmp_path / "child").train == load_snapshot(tmp_path / "at_once").train
