"""Labels of a file against those that the texts of its answers state, as ``python -m eci`` reads.

Reading a label is the work of ``eci``, of which this package knows nothing but the command.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, cast

import pyarrow as pa

from db.importers.batch import ImportBatch
from db.records import OPTIONS_LABEL_SET, Item, Prediction


def differing_labels(batch: ImportBatch) -> tuple[int, int]:
    """Return how many labels of a file differ from what the texts state, and of how many.

    Only answers with both, to items that are in the file; none where the reader cannot be started.
    """
    if isinstance(batch.predictions, pa.Table) or isinstance(batch.items, pa.Table):
        return 0, 0
    items = {item.item_id: item for item in batch.items}
    given = [
        prediction
        for prediction in batch.predictions
        if prediction.answer
        and prediction.answer_label
        and prediction.item_id in items
        and not items[prediction.item_id].is_several  # the program reads one label
    ]
    if not given:
        return 0, 0
    lines = [json.dumps(_question(items[each.item_id], each)) for each in given]
    read = list(_read("\n".join(lines)))
    if len(read) != len(given):
        return 0, 0
    differing = sum(
        label is not None and label != prediction.answer_label
        for label, prediction in zip(read, given, strict=True)
    )
    return differing, len(given)


def _question(item: Item, prediction: Prediction) -> dict[str, Any]:
    if item.label_set == OPTIONS_LABEL_SET:
        options = {option.label: option.text for option in item.options}
        return {"text": prediction.answer, "options": options}
    return {"text": prediction.answer, "labels": list(item.labels)}


def _read(lines: str) -> Iterator[str | None]:
    done = subprocess.run(
        [sys.executable, "-m", "eci", "read", "-"],
        input=lines,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    for line in done.stdout.splitlines():
        yield cast("str | None", json.loads(line)["label"])
