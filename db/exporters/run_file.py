"""One run as a file that the importer ``predictions`` reads again."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from duckdb import DuckDBPyConnection

from db.content.predictions import list_predictions
from db.content.runs import get_run
from db.exporters.targets import file_target
from db.records import is_label_set, labels_in
from db.viewer import Viewer


def export_run(cur: DuckDBPyConnection, run_id: str, path: Path, viewer: Viewer) -> int:
    """Write a run and its predictions as JSON lines; give the number of predictions.

    Args:
        cur: A cursor of its own.
        path: An ordinary file there is replaced once the new one is complete.
        viewer: Who gets the file; predictions for hidden items are left out.

    Raises:
        ExportError: The file cannot be written there; what was there is unchanged.
        RunNotFoundError: There is no such run.
    """
    run = get_run(cur, run_id)
    header = {name: value for name, value in asdict(run).items() if name != "kind"}
    header["created_at"] = run.created_at.isoformat()
    predictions = list_predictions(cur, run_id, viewer)
    with file_target(path, cur) as partial, partial.open("w", encoding="utf-8") as file:
        file.write(json.dumps({"run": header}, ensure_ascii=False) + "\n")
        for prediction in predictions:
            fields = {
                name: [*labels_in(value)]
                if name in ("answer_label", "head_label") and is_label_set(value)
                else value
                for name, value in asdict(prediction).items()
                if name != "run_id" and value is not None
            }
            file.write(json.dumps(fields, ensure_ascii=False) + "\n")
    return len(predictions)
