"""A run written to a file is the same run when it is imported elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from db.connection import Database
from db.content.predictions import list_predictions
from db.content.runs import list_runs
from db.demo import load_demo
from db.errors import RunNotFoundError
from db.exporters.run_file import export_run
from db.importers import import_file
from db.viewer import EVERYTHING


def test_an_exported_run_comes_back_unchanged(tmp_path: Path) -> None:
    here, there = Database.open(tmp_path / "a.duckdb"), Database.open(tmp_path / "b.duckdb")
    for database in (here, there):
        load_demo(database)
    (run,) = list_runs(here.cursor())
    file = tmp_path / "run.jsonl"
    assert export_run(here.cursor(), run.run_id, file, EVERYTHING) == 120
    renamed = tmp_path / "renamed.jsonl"
    renamed.write_text(file.read_text().replace(run.run_id, "copied-run"))

    import_file(there, "predictions", renamed)

    copied = list_predictions(there.cursor(), "copied-run", EVERYTHING)
    original = list_predictions(here.cursor(), run.run_id, EVERYTHING)
    strip = [(p.item_id, p.answer, p.answer_label, p.head_probabilities) for p in original]
    assert [(p.item_id, p.answer, p.answer_label, p.head_probabilities) for p in copied] == strip
    for database in (here, there):
        database.close()


def test_exporting_an_unknown_run_names_it(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "a.duckdb")
    with pytest.raises(RunNotFoundError, match="no-such-run"):
        export_run(database.cursor(), "no-such-run", tmp_path / "x.jsonl", EVERYTHING)
    database.close()
