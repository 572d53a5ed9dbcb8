"""Ratings by clinicians: both phases arrive as annotations, and bad lines are explained."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from db.connection import Database
from db.content.items import AddReport, add_items, get_item
from db.errors import ImportFileError
from db.importers import import_file
from db.importers.clinician_reviews import IMPORTANT_NOTE
from db.people.reviewers import list_reviewers
from db.records import Annotation, Encounter, Judgement
from db.review.annotations import list_annotations
from db.viewer import EVERYTHING
from tests.support.records import make_options_item

RATING = {
    "": "0",
    "time": "262775",
    "worker_id": "5",
    "qid": "116",
    "question": "Which gene?",
    "A": "NF1",
    "B": "NF2",
    "C": "TSC1",
    "D": "VHL",
    "answer_idx": "C",
    "blind_answerable": "TRUE",
    "blind_answers": "['B']",
    "info_missing": "FALSE",
    "important_info_missing": "FALSE",
    "seen_change": "FALSE",
    "seen_answerable": "",
    "seen_answers": "",
}

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes ratings, each a change of ``RATING``."""

    def write_file(*changes: dict[str, Any], columns: tuple[str, ...] = tuple(RATING)) -> Path:
        path = tmp_path / "ratings.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns, extrasaction="ignore")
            writer.writeheader()
            writer.writerows({**RATING, **change} for change in changes)
        return path

    return write_file


def _both(database: Database, item_id: str = "medqa-116") -> tuple[Annotation, Annotation]:
    blind, revealed = list_annotations(database.cursor(), item_id, EVERYTHING)
    return blind, revealed


def test_a_rating_becomes_a_blind_and_a_revealed_annotation(
    database: Database, write: Write
) -> None:
    path = write({"seen_change": "TRUE", "seen_answerable": "TRUE", "seen_answers": "['C', 'A']"})

    report = import_file(database, "clinician_reviews", path)

    assert (report.items, report.num_annotations) == (AddReport(added=1), 2)
    blind, revealed = _both(database)
    assert blind.judgement == Judgement(("B",))
    assert revealed.judgement == Judgement(("A", "C"))
    assert blind.encounter == Encounter(phase="blind")
    assert revealed.encounter == Encounter(phase="revealed", duration_seconds=262.775)
    assert {blind.origin, revealed.origin} == {"import"}
    (rater,) = list_reviewers(database.cursor())
    assert rater.name == "MedQA clinician 05"
    item = get_item(database.cursor(), "medqa-116", EVERYTHING)
    assert (item.gold_label, item.labels, item.split) == ("C", ("A", "B", "C", "D"), "test")


def test_who_changes_nothing_says_the_same_again(database: Database, write: Write) -> None:
    import_file(database, "clinician_reviews", write({}))
    blind, revealed = _both(database)
    assert blind.judgement == revealed.judgement == Judgement(("B",))


def test_missing_information_and_no_answer_become_verdicts(
    database: Database, write: Write
) -> None:
    path = write(
        {
            "blind_answerable": "FALSE",
            "blind_answers": "",
            "info_missing": "TRUE",
            "important_info_missing": "TRUE",
            "seen_change": "TRUE",
            "seen_answerable": "TRUE",
            "seen_answers": "['C']",
        }
    )
    import_file(database, "clinician_reviews", path)
    blind, revealed = _both(database)
    missing = ("information_missing", "unanswerable")
    assert blind.judgement == Judgement(verdicts=missing, note=IMPORTANT_NOTE)
    assert revealed.judgement == Judgement(("C",))


def test_the_same_file_again_adds_nothing(database: Database, write: Write) -> None:
    path = write({}, {"worker_id": "6"}, {"qid": "8"})
    assert import_file(database, "clinician_reviews", path).num_annotations == 6
    again = import_file(database, "clinician_reviews", path)
    assert again.is_unchanged
    assert again.items == AddReport(unchanged=2)


def test_ratings_join_the_item_that_its_own_file_brought(database: Database, write: Write) -> None:
    item = make_options_item("medqa-116", question='"Which drug?"', gold_label="C")
    quoted = {label: f'"Drug {label}"\n' for label in "ABCD"}
    with database.transaction() as cur:
        add_items(cur, [item], origin="medqa")

    report = import_file(database, "clinician_reviews", write(quoted))

    assert report.items == AddReport(unchanged=1)
    assert get_item(database.cursor(), "medqa-116", EVERYTHING) == item


def test_another_question_of_the_same_number_is_refused(database: Database, write: Write) -> None:
    with database.transaction() as cur:
        add_items(cur, [make_options_item("medqa-116", gold_label="C")], origin="medqa")
    with pytest.raises(ImportFileError, match="line 2: 'medqa-116' is stored already with another"):
        import_file(database, "clinician_reviews", write({}))
    assert list_annotations(database.cursor(), "medqa-116", EVERYTHING) == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"blind_answers": "__import__('os').system('x')"}, "expected a list of letters"),
        ({"blind_answers": "['A'] * 10**9"}, "expected a list of letters"),
        ({"blind_answers": "[" * 5000}, "expected a list of letters"),
        ({"blind_answers": "['A', " * 100 + "'A']"}, "expected a list of letters"),
        ({"blind_answers": "('A',)"}, "expected a list of letters"),
        ({"blind_answers": "['A', 'A']"}, "a letter is given twice"),
        ({"blind_answers": "['E']"}, r"blind_answers holds \['E'\]"),
        ({"blind_answers": "[]"}, "blind_answerable is TRUE with no answer"),
        ({"blind_answerable": "FALSE"}, r"blind_answerable is FALSE with answers \['B'\]"),
        ({"blind_answerable": "maybe"}, "'TRUE' or 'FALSE'"),
        ({"seen_answers": "['A']"}, "seen_change is FALSE with answers"),
        ({"seen_change": "TRUE"}, "seen_answerable is '' with no answer"),
        ({"time": "-3"}, "greater than or equal to 0"),
        ({"time": "1e400"}, "valid integer"),
        ({"answer_idx": "E"}, "answer_idx is 'E'"),
        ({"question": " "}, "expected some text"),
        ({"qid": "1\u200b"}, "match pattern"),
    ],
)
def test_a_bad_line_is_explained_and_nothing_is_stored(
    database: Database, write: Write, change: dict[str, str], fault: str
) -> None:
    path = write({"qid": "1"}, {"qid": "2", **change})
    with pytest.raises(ImportFileError, match=f"1 fault.\n- line 3: .*{fault}"):
        import_file(database, "clinician_reviews", path)
    assert list_annotations(database.cursor(), "medqa-1", EVERYTHING) == []


def test_lines_that_contradict_each_other_are_refused(database: Database, write: Write) -> None:
    path = write({}, {}, {"worker_id": "6", "A": "NF3"}, {"worker_id": "7", "answer_idx": "D"})
    with pytest.raises(ImportFileError) as caught:
        import_file(database, "clinician_reviews", path)
    assert "line 3: rater '5' on question '116' again (line 2)" in str(caught.value)
    assert "line 4: question '116' differs from the one in line 2" in str(caught.value)
    assert "line 5: question '116' differs from the one in line 2" in str(caught.value)


def test_a_file_without_the_columns_is_refused_once(database: Database, write: Write) -> None:
    path = write({}, {"qid": "2"}, columns=("time", "worker_id", "question"))
    with pytest.raises(ImportFileError, match=r"1 fault\.\n- line 1: the header lacks qid, A, B"):
        import_file(database, "clinician_reviews", path)


@pytest.mark.data
def test_the_released_half_imports_beside_its_data_set(database: Database, data_dir: Path) -> None:
    ratings = data_dir / "clinician_reviews" / "medqa_relabelling_even.csv"
    questions = data_dir / "medqa_usmle" / "medqa_us_4options_even.jsonl"

    first = import_file(database, "clinician_reviews", ratings)
    assert (first.items.added, first.num_annotations) == (637, 2 * 1914)
    assert len(list_reviewers(database.cursor())) == 18
    assert import_file(database, "medqa", questions).items == AddReport(enriched=637)
    assert import_file(database, "clinician_reviews", ratings).is_unchanged
