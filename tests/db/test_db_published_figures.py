"""Real files give the counts and scores that were published for them."""

from __future__ import annotations

from pathlib import Path

import pytest
from sklearn.metrics import accuracy_score, f1_score

from db.connection import Database
from db.content.items import AddReport, count_by_label, get_item
from db.importers import import_file
from db.importers.pubmedqa import ANNOTATOR_1, ANNOTATOR_2
from db.outcomes.counts import count_joint, summarise_runs
from db.outcomes.scored_runs import refresh
from db.outcomes.selection import OutcomeFilter
from db.people.reviewers import list_reviewers
from db.viewer import EVERYTHING

pytestmark = pytest.mark.data

ANSWERS = "model_answers/QwQ-32B-pubmedqa-test-zero_shot.json"


def test_pubmedqa_has_its_published_counts_and_annotator_agreement(
    database: Database, data_dir: Path
) -> None:
    report = import_file(database, "pubmedqa", data_dir / "pubmedqa" / "ori_pqal.json")
    assert (report.items, report.num_annotations) == (AddReport(added=1000), 2000)
    cur = database.cursor()
    assert count_by_label(cur, EVERYTHING) == {"yes": 552, "no": 338, "maybe": 110}
    assert sum(count_by_label(cur, EVERYTHING, "pubmedqa", "test").values()) == 500
    names = {reviewer.reviewer_id: reviewer.name for reviewer in list_reviewers(cur)}
    labels = "select item_id, reviewer_id, label from standing_annotation where origin = 'import'"
    annotations = cur.execute(labels).fetchall()
    items = {item_id: get_item(cur, item_id, EVERYTHING) for item_id, _, _ in annotations}
    for name, accuracy, macro_f1 in ((ANNOTATOR_1, 0.780, 0.7219), (ANNOTATOR_2, 0.904, 0.8418)):
        pairs = [
            (items[item_id].gold_label, label)
            for item_id, reviewer_id, label in annotations
            if names[reviewer_id] == name and items[item_id].split == "test"
        ]
        gold, given = zip(*pairs, strict=True)
        assert len(pairs) == 500
        assert accuracy_score(gold, given) == pytest.approx(accuracy, abs=1e-9)
        assert f1_score(gold, given, average="macro") == pytest.approx(macro_f1, abs=5e-5)


def test_answers_score_as_published_before_and_after_the_data_set_arrives(
    database: Database, data_dir: Path
) -> None:
    report = import_file(database, "model_answers", data_dir / ANSWERS)
    cur = database.cursor()
    refresh(cur, [str(report.run_id)])
    cells = count_joint(cur, OutcomeFilter(EVERYTHING, str(report.run_id), "imported", "pubmedqa"))
    assert sum(cell.count for cell in cells if cell.gold == cell.text) == 389
    assert sum(cell.count for cell in cells) == 500
    enriched = import_file(database, "pubmedqa", data_dir / "pubmedqa" / "ori_pqal.json")
    assert enriched.items == AddReport(added=500, enriched=500)
    (summary,) = summarise_runs(cur, EVERYTHING, "record")
    assert (summary.n, summary.text_correct, summary.head_correct) == (500, 389, 0)


def test_every_released_file_imports_and_a_second_time_adds_nothing(
    database: Database, data_dir: Path
) -> None:
    medqa = data_dir / "medqa_usmle" / "medqa_us_4options_even.jsonl"
    assert import_file(database, "medqa", medqa).items.added == 637
    paths = [
        path
        for path in sorted((data_dir / "model_answers").glob("*.json"))
        if "-pubmedqa-" in path.name or "-medqa-" in path.name  # the benchmarks that are read
    ]
    assert len(paths) >= 4
    for path in paths:
        assert import_file(database, "model_answers", path).num_predictions in (100, 500)
    for path in paths:
        assert import_file(database, "model_answers", path).is_unchanged
    assert import_file(database, "medqa", medqa).items.added == 0
