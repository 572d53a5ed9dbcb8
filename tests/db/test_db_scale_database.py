"""The generator behind the benchmarks makes what the product itself could have stored."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path

import pytest

from db.connection import Database
from db.content.items import describe_item_faults, get_item
from db.content.predictions import list_predictions
from db.viewer import EVERYTHING

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "scale_database.py"


@pytest.fixture(scope="module")
def make() -> Callable[..., None]:
    return runpy.run_path(str(SCRIPT))["make"]  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def made(make: Callable[..., None], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scale") / "made.duckdb"
    make(path, items=400, predictions=1_000, annotations=400, seed=3)
    return path


def count(database: Database, table: str) -> int:
    row = database.cursor().execute(f"select count(*) from {table}").fetchone()
    assert row is not None
    return int(row[0])


def test_it_makes_as_many_rows_as_asked_and_the_views_see_them(made: Path) -> None:
    database = Database.open(made)
    assert count(database, "item") == 400
    assert count(database, "prediction") == 1_000
    assert count(database, "annotation where action = 'label'") == 400
    assert count(database, "scored_prediction where run_id = 'scale-run-02'") == 200
    assert count(database, "gold where origin = 'agreed'") > 200
    assert count(database, "gold where conflicting") > 0
    database.close()


def test_its_items_and_answers_are_sound(made: Path) -> None:
    database = Database.open(made)
    cur = database.cursor()
    predictions = list_predictions(cur, "scale-run-01", EVERYTHING)
    for prediction in predictions[:50]:
        item = get_item(cur, prediction.item_id, EVERYTHING)
        assert describe_item_faults(item) == []
        assert prediction.head_label in item.labels
        assert prediction.head_probabilities is not None
        assert len(prediction.head_probabilities) == len(item.labels)
        assert sum(prediction.head_probabilities) == pytest.approx(1)
        if prediction.answer_label is not None:
            assert prediction.answer is not None
            span = prediction.answer[prediction.answer_start : prediction.answer_end]
            assert span == prediction.answer_label
    assert {p.answer_form for p in predictions} >= {"bare", "leading", "stated", "absent"}
    database.close()


def test_the_same_seed_makes_the_same_rows(
    make: Callable[..., None], made: Path, tmp_path: Path
) -> None:
    make(tmp_path / "again.duckdb", items=400, predictions=1_000, annotations=400, seed=3)
    make(tmp_path / "other.duckdb", items=400, predictions=1_000, annotations=400, seed=4)
    prints = []
    for path in (made, tmp_path / "again.duckdb", tmp_path / "other.duckdb"):
        database = Database.open(path)
        prints.append(
            [
                database.cursor().execute(statement).fetchone()
                for statement in (
                    "select bit_xor(hash(item_id, question, gold_label, metadata)) from item",
                    "select bit_xor(hash(item_id, answer, head_probabilities)) from prediction",
                    "select bit_xor(hash(item_id, reviewer_id, label, created_at)) from annotation",
                    "select bit_xor(hash(item_id, label)) from adjudication",
                )
            ]
        )
        database.close()
    assert prints[0] == prints[1]
    assert all(a != b for a, b in zip(prints[0][:3], prints[2][:3], strict=True))


def test_it_overwrites_nothing(make: Callable[..., None], made: Path) -> None:
    with pytest.raises(FileExistsError, match="exists already"):
        make(made)
