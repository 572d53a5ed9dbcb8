"""Small real files of every format, made of the bundled demo, with ids of their own."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

from db.importers import Format

NUM_ITEMS: Final = 2
BASE: Final = "base"
"""Tag of the items that a store holds from the beginning."""


def sample(file_format: Format, tag: str) -> dict[str, bytes]:
    """Return the files of an import by name; what they hold is new in a store for each tag.

    Args:
        tag: Becomes part of all ids.
    """
    return {
        "items": lambda: {"items.jsonl": _lines(_items(tag))},
        "predictions": lambda: {"run.jsonl": _lines([_run(tag), *_predictions()])},
        "medqa": lambda: {"medqa.jsonl": _lines(_medqa(tag))},
        "model_answers": lambda: {f"m{tag}-medqa-test.json": _json(_answers(tag))},
        "clinician_reviews": lambda: {"reviews.csv": _reviews(tag)},
        "pubmedqa": lambda: _pubmedqa(tag),
    }[file_format]()


def items_csv(tag: str) -> bytes:
    """Return items with options as CSV."""
    rows = [
        {
            "item_id": item["item_id"],
            "question": item["question"],
            "gold_label": item["gold_label"],
            "split": item["split"],
            **{f"option_{part['label']}": part["text"] for part in item["options"]},
        }
        for item in _items(tag)
        if item["options"]
    ]
    return _csv(rows)


def records(tag: str) -> bytes:
    """Return questions as ``python -m eci classify`` reads them."""
    return _lines(
        [
            {
                "id": item["item_id"],
                "question": item["question"],
                "context": item["context"],
                **(
                    {"options": {part["label"]: part["text"] for part in item["options"]}}
                    if item["options"]
                    else {"label_set": "pubmedqa"}
                ),
                "label": item["gold_label"],
                "metadata": item.get("metadata", {}),
            }
            for item in _items(tag)
        ]
    )


@cache
def _demo(name: str) -> list[dict[str, Any]]:
    text = files("db.demo").joinpath(f"{name}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def _items(tag: str) -> list[dict[str, Any]]:
    chosen = [*_demo("usmle_style")[:NUM_ITEMS], *_demo("pubmedqa_style")[:NUM_ITEMS]]
    return [{**item, "item_id": f"{tag}-{number}"} for number, item in enumerate(chosen)]


def _run(tag: str) -> dict[str, Any]:
    run = {**_demo("answers")[0]["run"], "run_id": f"run-{tag}", "metrics": {"n": 4}}
    return {"run": run}


def _predictions() -> list[dict[str, Any]]:
    answers = _demo("answers")[1 : 1 + NUM_ITEMS]
    return [
        {**answer, "item_id": f"{BASE}-{NUM_ITEMS + number}"}
        for number, answer in enumerate(answers)
    ]


def _medqa(tag: str) -> list[dict[str, Any]]:
    return [
        {
            "question": item["question"],
            "options": {part["label"]: part["text"] for part in item["options"]},
            "answer_idx": item["gold_label"],
            "meta_info": "step1",
            "realidx": f"{tag}-{number}",
        }
        for number, item in enumerate(_items(tag))
        if item["options"]
    ]


def _answers(tag: str) -> list[dict[str, Any]]:
    given = {"raw_response": "The answer is A.", "predicted_answer": "A", "time_elapsed": 1.5}
    usage = {"token_usage": {"prompt_tokens": 10, "completion_tokens": 5}}
    return [{**entry, **given, **usage} for entry in _medqa(tag)]


def _reviews(tag: str) -> bytes:
    fixed = {
        "time": "61000",
        "worker_id": "1",
        "blind_answerable": "TRUE",
        "blind_answers": "['A', 'C']",
        "info_missing": "FALSE",
        "important_info_missing": "FALSE",
        "seen_change": "FALSE",
        "seen_answerable": "",
        "seen_answers": "",
    }
    return _csv(
        [
            {
                **fixed,
                "qid": entry["realidx"],
                "question": entry["question"],
                **{letter: entry["options"][letter] for letter in "ABCD"},
                "answer_idx": "A",
            }
            for entry in _medqa(tag)
        ]
    )


def _pubmedqa(tag: str) -> dict[str, bytes]:
    entries = {
        f"{tag}-{number}": {
            "QUESTION": item["question"],
            "CONTEXTS": [part["text"] for part in item["context"]],
            "LABELS": [part["heading"] for part in item["context"]],
            "LONG_ANSWER": item["long_answer"],
            "final_decision": item["gold_label"],
            "reasoning_required_pred": "no",
            "MESHES": ["Humans"],
            "YEAR": "2011",
        }
        for number, item in enumerate(_items(tag))
        if not item["options"]
    }
    first = next(iter(entries))
    split = {first: entries[first]["final_decision"]}
    return {"ori_pqal.json": _json(entries), "test_ground_truth.json": _json(split)}


def _lines(values: list[dict[str, Any]]) -> bytes:
    return b"".join(_json(value) + b"\n" for value in values)


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _csv(rows: list[Mapping[str, str]]) -> bytes:
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, names, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
