"""Annotations and a run's predictions as tasks that Label Studio imports.

The file is a JSON list of tasks, as Label Studio documents it
(https://labelstud.io/guide/task_format): each has ``data``, ``annotations`` and ``predictions``,
whose results name the controls of :data:`LABELING_CONFIG`. ``completed_by`` is left out: Label
Studio refuses users that it does not know. The reviewer's name is in each result's ``meta``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from db.records import labels_in, labels_text

LABELING_CONFIG: Final = """<View>
  <Header value="$question"/>
  <Text name="context" value="$context"/>
  <Text name="answer" value="$answer"/>
  <Choices name="label" toName="context" value="$labels" choice="multiple" required="true"/>
  <TextArea name="corrected" toName="context" placeholder="Corrected answer"/>
  <TextArea name="note" toName="context" placeholder="Note"/>
</View>
"""
"""What to paste into Settings, Labeling interface, Code before importing the file."""

TEXT_VERSION: Final = "text"
HEAD_VERSION: Final = "head"


def write_label_studio(reader: pa.RecordBatchReader, path: Path) -> int:
    """Write rows of ``export_label_studio`` as a JSON list of tasks and give their number."""
    num_tasks = 0
    with path.open("w", encoding="utf-8") as file:
        file.write("[")
        for batch in reader:
            for row in batch.to_pylist():
                file.write(",\n" if num_tasks else "\n")
                file.write(json.dumps(_task(row), ensure_ascii=False))
                num_tasks += 1
        file.write("\n]\n")
    return num_tasks


def _task(row: Mapping[str, Any]) -> dict[str, Any]:
    options = {option["label"]: option["text"] for option in row["options"]}
    return {
        "data": {
            "item_id": row["item_id"],
            "source": row["source"],
            "split": row["split"],
            "question": row["question"],
            "context": row["context"] or row["question"],
            "answer": row["answer"] or "",
            "label_of_record": labels_text(row["label_of_record"]),
            # Choices that a task brings along: their text is shown, the label is what is stored.
            "labels": [
                {"value": label, "hint": options[label]} if label in options else {"value": label}
                for label in row["labels"]
            ],
        },
        "annotations": [_annotation(annotation) for annotation in row["annotations"] or ()],
        "predictions": _predictions(row),
    }


def _annotation(annotation: Mapping[str, Any]) -> dict[str, Any]:
    facts = {
        "reviewer": annotation["reviewer"],
        "phase": annotation["phase"],
        "confidence": annotation["confidence"],
        "severity": annotation["severity"],
        "verdicts": ", ".join(annotation["verdicts"]),
        "guideline_version": annotation["guideline_version"],
    }
    facts_text = [f"{name}: {value}" for name, value in facts.items() if value]
    result = [{**_choices(annotation["labels"]), "meta": {"text": facts_text}}]
    result += [
        _text(name, annotation[column])
        for name, column in (("corrected", "answer"), ("note", "note"))
        if annotation[column]
    ]
    return {
        "unique_id": annotation["annotation_id"],
        "created_at": annotation["created_at"].isoformat() + "Z",
        "lead_time": annotation["duration_seconds"],
        "was_cancelled": False,
        "ground_truth": False,
        "result": result,
    }


def _predictions(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = []
    if row["text_label"] is not None:
        found.append(
            {"model_version": TEXT_VERSION, "result": [_choices(labels_in(row["text_label"]))]}
        )
    if row["head_label"] is not None:
        found.append(
            {
                "model_version": HEAD_VERSION,
                "score": row["head_confidence"],
                "result": [_choices(labels_in(row["head_label"]))],
            }
        )
    return found


def _choices(labels: Sequence[str]) -> dict[str, Any]:
    value = {"choices": list(labels)}
    return {
        "id": "label",
        "from_name": "label",
        "to_name": "context",
        "type": "choices",
        "value": value,
    }


def _text(name: str, text: str) -> dict[str, Any]:
    value = {"text": [text]}
    return {"id": name, "from_name": name, "to_name": "context", "type": "textarea", "value": value}
