"""Exports of annotation tools: who said what of which stored item, when and for how long."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from db.connection import Database
from db.content.items import add_items
from db.importers import import_file
from tests.support.records import make_item
from tests.support.stores import open_store

QUESTION = "Does early mobilisation shorten the stay after hip repair?"
CHOICE = {"type": "choices", "from_name": "label", "value": {"choices": ["yes"]}}
TOOLS: dict[str, tuple[str, Any, tuple[Any, ...]]] = {
    "Label Studio": (
        "export.json",
        [
            {
                "id": 1,
                "data": {"item_id": "ward-1", "question": QUESTION},
                "annotations": [
                    {
                        "completed_by": {"email": "dr.a@example.org"},
                        "result": [CHOICE],
                        "created_at": "2025-03-04T18:50:53Z",
                        "lead_time": 10.7,
                    },
                    {"completed_by": 2, "result": [CHOICE], "was_cancelled": True},
                ],
            }
        ],
        ("dr.a@example.org", "yes", "2025-03-04 18:50:53", 10.7),
    ),
    "Label Studio, without our id": (
        "export.json",
        [
            {
                "id": 77,
                "data": {"text": QUESTION},
                "annotations": [{"completed_by": 3, "result": [CHOICE]}],
            }
        ],
        ("3", "yes", None, None),
    ),
    "Label Studio, short": (
        "min.csv",
        "id,question,label,annotator,annotation_id,created_at,lead_time\n"
        f"1,{QUESTION},yes,dr.a@example.org,9,2025-03-04T20:50:53+02:00,10.7\n",
        ("dr.a@example.org", "yes", "2025-03-04 18:50:53", 10.7),
    ),
    "Argilla": (
        "records.jsonl",
        {
            "id": "r1",
            "fields": {"question": QUESTION, "answer": "Yes."},
            "responses": {"label": [{"value": "yes", "user_id": "u1"}]},
            "status": "completed",
        },
        ("u1", "yes", None, None),
    ),
    "doccano": (
        "all.jsonl",
        {"id": 5, "text": QUESTION, "label": ["yes"], "Comments": []},
        ("doccano annotator", "yes", None, None),
    ),
    "Prodigy": (
        "prodigy.jsonl",
        {
            "text": QUESTION,
            "options": [{"id": label, "text": label} for label in ("yes", "no", "maybe")],
            "_task_hash": 2,
            "accept": ["yes"],
            "answer": "accept",
            "_annotator_id": "ses-ann",
            "_timestamp": 1700000000,
        },
        ("ses-ann", "yes", "2023-11-14 22:13:20", None),
    ),
    "Potato": (
        "annotated_instances.jsonl",
        {
            "id": "ward-1",
            "displayed_text": QUESTION,
            "label_annotations": {"category": {"yes": "true", "no": "false"}},
            "behavioral_data": {"time_string": "Time spent: 0d 0h 1m 12s "},
        },
        ("ann", "yes", None, 72.0),
    ),
}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_store(tmp_path / "store.duckdb")
    with opened.transaction() as cur:
        add_items(cur, [make_item("ward-1", question=QUESTION)], origin="items")
    yield opened
    opened.close()


@pytest.mark.parametrize("tool", TOOLS)
def test_annotations_come_with_person_label_and_time(
    database: Database, tmp_path: Path, tool: str
) -> None:
    name, content, expected = TOOLS[tool]
    path = tmp_path / "ann" / name
    path.parent.mkdir()
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    report = import_file(database, None, path)
    assert (report.items.added, report.num_annotations) == (0, 1)
    query = """
        select item_id, name, label, annotation.created_at, duration_seconds, annotation.origin
        from annotation join reviewer using (reviewer_id)
    """
    (row,) = database.cursor().execute(query).fetchall()
    person, label, moment, seconds = expected
    assert (row[0], row[1], row[2], row[4], row[5]) == ("ward-1", person, label, seconds, "import")
    assert moment is None or str(row[3]) == moment
    assert import_file(database, None, path).is_unchanged


@pytest.mark.parametrize("answer", ["ignore", "reject"])
def test_what_was_not_accepted_is_no_annotation(
    database: Database, tmp_path: Path, answer: str
) -> None:
    row = {**TOOLS["Prodigy"][1], "answer": answer}
    path = tmp_path / "prodigy.jsonl"
    path.write_text("\n".join(map(json.dumps, [TOOLS["Prodigy"][1], row])), "utf-8")
    assert import_file(database, None, path).num_annotations == 1


def test_several_people_and_labels_of_their_own_make_a_label_set(
    database: Database, tmp_path: Path
) -> None:
    rows = [
        {
            "id": f"c-{n}",
            "fields": {"text": f"Chest pain for {n} hours"},
            "responses": {
                "label": [
                    {"value": label, "user_id": user}
                    for user, label in (("u1", first), ("u2", "soon"))
                ]
            },
        }
        for n, first in enumerate(("urgent", "soon", "routine"))
    ]
    path = tmp_path / "triage.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    report = import_file(database, None, path)
    assert (report.items.added, report.num_annotations) == (3, 6)
    query = "select distinct labels from item where item_id like 'c-%'"
    assert database.cursor().execute(query).fetchall() == [(["urgent", "soon", "routine"],)]
