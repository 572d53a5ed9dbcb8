"""Every format: what it gives, and that a bad file changes nothing and is explained."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db.connection import Database
from db.content.items import AddReport, add_items, count_by_label, get_item, item_table
from db.content.predictions import find_prediction, list_predictions
from db.content.runs import get_run, list_runs
from db.demo import load_demo
from db.errors import ImportFileError, ItemConflictError
from db.importers import FORMATS, Asked, Format, import_file, read_file, store_batch
from db.importers import files as import_files
from db.importers.pubmedqa import ANNOTATOR_1
from db.people.reviewers import list_reviewers
from db.records import Option, Section
from db.review.annotations import list_annotations
from db.viewer import EVERYTHING
from tests.support.records import make_item
from tests.support.stores import open_store

PMID_ENTRY = {
    "QUESTION": "Does it help?",
    "CONTEXTS": ["We gave it.", "It helped."],
    "LABELS": ["METHODS", "RESULTS"],
    "MESHES": ["Humans"],
    "YEAR": "2011",
    "reasoning_required_pred": "no",
    "reasoning_free_pred": "yes",
    "final_decision": "yes",
    "LONG_ANSWER": "It helped in most.",
}
MEDQA_ENTRY = {
    "realidx": 7,
    "question": "Which drug?",
    "answer": "Labetalol",
    "options": {"A": "Diltiazem", "B": "Labetalol"},
    "meta_info": "step1",
    "answer_idx": "B",
    "metamap_phrases": ["drug"],
}
ANSWER_ENTRY = {
    "realidx": "101",
    "question": "We gave it.\nIt helped.\nDoes it help?",
    "answer": "yes",
    "answer_rationale": "It helped in most.",
    "options": {"A": "yes", "B": "no", "C": "maybe"},
    "answer_idx": "A",
    "completion": "<think>Hm.</think> Yes.",
    "predicted_answer": "B",
    "token_usage": {"prompt_tokens": 357, "completion_tokens": 12},
    "time_elapsed": 7.5,
}
OWN_ITEM = {"item_id": "own-1", "question": "Does it help?", "label_set": "pubmedqa"}


def _write(path: Path, content: Any) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


def _lines(*values: Any) -> str:
    return "\n".join(json.dumps(value) for value in values)


def _num_rows(database: Database) -> list[int]:
    cur = database.cursor()
    tables = ("item", "run", "prediction", "annotation", "reviewer")
    return [len(cur.execute(f"select 1 from {table}").fetchall()) for table in tables]


def _refusal(database: Database, format_: Format, path: Path, **options: Any) -> str:
    before = _num_rows(database)
    with pytest.raises(ImportFileError) as caught:
        import_file(database, format_, path, **options)
    assert _num_rows(database) == before
    return str(caught.value)


@pytest.fixture
def pubmedqa_file(tmp_path: Path) -> Path:
    """Return a file of two entries, 101 in test and 102 in train, with its split file."""
    _write(tmp_path / "test_ground_truth.json", {"101": "yes"})
    return _write(
        tmp_path / "ori_pqal.json",
        {"101": PMID_ENTRY, "102": {**PMID_ENTRY, "final_decision": "no", "YEAR": None}},
    )


def test_pubmedqa_gives_items_splits_and_two_annotators(
    database: Database, pubmedqa_file: Path
) -> None:
    report = import_file(database, "pubmedqa", pubmedqa_file)
    assert (report.items, report.num_annotations) == (AddReport(added=2), 4)
    cur = database.cursor()
    item = get_item(cur, "pubmedqa-101", EVERYTHING)
    assert item.context == (Section("METHODS", "We gave it."), Section("RESULTS", "It helped."))
    assert (item.split, item.gold_label, item.labels) == ("test", "yes", ("yes", "no", "maybe"))
    assert item.metadata == {"pmid": "101", "mesh": ["Humans"], "year": "2011"}
    assert get_item(cur, "pubmedqa-102", EVERYTHING).split == "train"
    names = {reviewer.reviewer_id: reviewer.name for reviewer in list_reviewers(cur)}
    first, _ = list_annotations(cur, "pubmedqa-101", EVERYTHING)
    assert (names[first.reviewer_id], first.judgement.label, first.origin) == (
        ANNOTATOR_1,
        "no",
        "import",
    )
    again = import_file(database, "pubmedqa", pubmedqa_file)
    assert again.is_unchanged
    assert again.items == AddReport(unchanged=2)


def test_pubmedqa_without_a_split_is_refused(database: Database, pubmedqa_file: Path) -> None:
    pubmedqa_file.with_name("test_ground_truth.json").rename(pubmedqa_file.with_name("split.json"))
    assert "--test-split FILE" in _refusal(database, "pubmedqa", pubmedqa_file)
    split = pubmedqa_file.with_name("split.json")
    import_file(database, "pubmedqa", pubmedqa_file, test_split=split)
    assert count_by_label(database.cursor(), EVERYTHING, split="test") == {"yes": 1}


def test_a_split_that_does_not_fit_is_refused(database: Database, pubmedqa_file: Path) -> None:
    split = _write(pubmedqa_file.with_name("s.json"), {"101": "no", "999": "yes", "102": "perhaps"})
    message = _refusal(database, "pubmedqa", pubmedqa_file, test_split=split)
    assert "PMID '101': label is 'no' here but 'yes'" in message
    assert "PMID '999': is not in ori_pqal.json" in message
    assert "PMID '102': label: Input should be 'yes', 'no' or 'maybe'" in message
    assert "3 faults" in message


def test_pubmedqa_names_every_fault(database: Database, tmp_path: Path) -> None:
    _write(tmp_path / "test_ground_truth.json", {})
    path = _write(
        tmp_path / "ori_pqal.json",
        '{"1": {"QUESTION": 5}, "2": ' + json.dumps({**PMID_ENTRY, "LABELS": ["A"]}) + ', "2": 3}',
    )
    message = _refusal(database, "pubmedqa", path)
    assert "key '2': given twice" in message
    assert "PMID '1': QUESTION: Input should be a valid string (found 5)" in message
    assert "PMID '1': CONTEXTS: Field required" in message
    assert "PMID '2'" in message


def test_medqa_gives_items_with_their_own_options(database: Database, tmp_path: Path) -> None:
    unnumbered = {name: value for name, value in MEDQA_ENTRY.items() if name != "realidx"}
    path = _write(tmp_path / "medqa.jsonl", _lines(MEDQA_ENTRY, unnumbered))
    assert import_file(database, "medqa", path, split="dev").items.added == 2
    item = get_item(database.cursor(), "medqa-7", EVERYTHING)
    assert item.options == (Option("A", "Diltiazem"), Option("B", "Labetalol"))
    assert (item.label_set, item.labels, item.gold_label) == ("options", ("A", "B"), "B")
    assert (item.split, item.metadata) == ("dev", {"step": "step1"})
    assert import_file(database, "medqa", path, split="dev").is_unchanged


def test_medqa_names_every_line_with_a_fault(database: Database, tmp_path: Path) -> None:
    path = _write(
        tmp_path / "medqa.jsonl",
        "\n".join(
            [
                json.dumps(MEDQA_ENTRY),
                "{not json",
                json.dumps({**MEDQA_ENTRY, "realidx": 8, "answer_idx": "C"}),
                json.dumps({**MEDQA_ENTRY, "realidx": 9, "answer": "Diltiazem"}),
                json.dumps({**MEDQA_ENTRY, "question": "Which other drug?"}),
            ]
        ),
    )
    message = _refusal(database, "medqa", path)
    assert "line 2: no valid JSON" in message
    assert "line 3: the right answer 'C' is none of its labels (A, B)" in message
    assert "line 4: names one option as right and gives another's text" in message
    assert "line 5: item_id 'medqa-7' was given in line 1" in message
    assert "line 1:" not in message


def test_model_answers_become_a_run(database: Database, tmp_path: Path) -> None:
    cut_off = {
        **ANSWER_ENTRY,
        "realidx": "102",
        "completion": "<think>Hm, ",
        "predicted_answer": "",
    }
    letter = {**MEDQA_ENTRY, "predicted_answer": "A"}
    path = _write(tmp_path / "QwQ-32B-pubmedqa-test-zero_shot.json", [ANSWER_ENTRY, cut_off])
    letters = _write(tmp_path / "QwQ-32B-medqa-test.json", [letter])
    report = import_file(database, "model_answers", path)
    assert (report.items.added, report.num_predictions) == (2, 2)
    assert report.run_id is not None
    cur = database.cursor()
    run = get_run(cur, report.run_id)
    assert (run.name, run.model) == ("QwQ-32B-pubmedqa-test-zero_shot", "QwQ-32B")
    found = {p.item_id: p for p in list_predictions(cur, run.run_id, EVERYTHING)}
    first = found["pubmedqa-101"]
    assert (first.answer, first.answer_label) == ("<think>Hm.</think> Yes.", "no")
    assert (first.prompt_tokens, first.answer_tokens, first.latency_seconds) == (357, 12, 7.5)
    assert first.is_finished
    assert (found["pubmedqa-102"].is_finished, found["pubmedqa-102"].answer_label) == (False, None)
    other = str(import_file(database, "model_answers", letters).run_id)
    (bare,) = list_predictions(cur, other, EVERYTHING)
    assert (bare.item_id, bare.answer, bare.answer_label) == ("medqa-7", None, "A")
    item = get_item(cur, "pubmedqa-101", EVERYTHING)
    assert item.question == "Does it help?"
    assert [part.text for part in item.context] == ["We gave it.", "It helped."]
    assert import_file(database, "model_answers", path).is_unchanged
    assert len(list_runs(cur)) == 2


def test_an_authoritative_file_completes_the_items_of_answers(
    database: Database, pubmedqa_file: Path, tmp_path: Path
) -> None:
    answers = _write(tmp_path / "m-pubmedqa-x.json", [ANSWER_ENTRY])
    run_id = import_file(database, "model_answers", answers).run_id
    assert import_file(database, "pubmedqa", pubmedqa_file).items == AddReport(1, 0, 1)
    cur = database.cursor()
    assert get_item(cur, "pubmedqa-101", EVERYTHING).context[0].heading == "METHODS"
    assert find_prediction(cur, str(run_id), "pubmedqa-101", EVERYTHING) is not None
    assert import_file(database, "pubmedqa", pubmedqa_file).is_unchanged
    assert import_file(database, "model_answers", answers).is_unchanged
    assert get_item(cur, "pubmedqa-101", EVERYTHING).context[0].heading == "METHODS"


def test_an_item_that_only_answers_named_belongs_to_its_data_set_afterwards(
    database: Database, tmp_path: Path
) -> None:
    answers = _write(tmp_path / "m-medqa-x.json", [{**MEDQA_ENTRY, "predicted_answer": "A"}])
    import_file(database, "model_answers", answers)
    path = _write(tmp_path / "medqa.jsonl", _lines(MEDQA_ENTRY))
    assert import_file(database, "medqa", path).items == AddReport(enriched=1)
    changed = _write(tmp_path / "new.jsonl", _lines({**MEDQA_ENTRY, "question": "Which other?"}))
    assert "line 1: 'medqa-7' is stored already with another question" in _refusal(
        database, "medqa", changed
    )


def test_answers_with_another_gold_label_than_the_stored_item_are_refused(
    database: Database, pubmedqa_file: Path, tmp_path: Path
) -> None:
    import_file(database, "pubmedqa", pubmedqa_file)
    answers = _write(tmp_path / "m-pubmedqa-x.json", [{**ANSWER_ENTRY, "realidx": "102"}])
    message = _refusal(database, "model_answers", answers)
    assert "entry 1: 'pubmedqa-102' is stored already with another gold_label" in message


def test_answers_of_an_unnamed_model_are_named_after_their_file(
    database: Database, tmp_path: Path
) -> None:
    path = _write(tmp_path / "answers.json", [ANSWER_ENTRY])
    report = import_file(database, "model_answers", path)
    assert get_run(database.cursor(), str(report.run_id)).model == "answers"
    path = _write(tmp_path / "others.json", [{**ANSWER_ENTRY, "completion": "No."}])
    report = import_file(database, "model_answers", path, model="gpt")
    assert get_run(database.cursor(), str(report.run_id)).model == "gpt"


def test_own_items_as_json_lines_and_as_csv_are_the_same(
    database: Database, tmp_path: Path
) -> None:
    full = {
        **OWN_ITEM,
        "label_set": "options",
        "source": "ward",
        "context": [{"heading": "", "text": 'A, "quoted"\nnote.'}],
        "options": [{"label": "A", "text": "this"}, {"label": "B", "text": "that"}],
        "gold_label": "B",
        "long_answer": "Because.",
        "split": "test",
    }
    path = _write(tmp_path / "own.jsonl", _lines(full, {**OWN_ITEM, "item_id": "own-2"}))
    assert import_file(database, "items", path).items.added == 2
    table = (
        "item_id,question,source,context,option_A,option_B,gold_label,long_answer,split\r\n"
        'own-1,Does it help?,ward,"A, ""quoted""\nnote.",this,that,B,Because.,test\r\n'
        "own-2,Does it help?,,,,,,,\r\n"
    )
    spreadsheet = tmp_path / "own.csv"
    spreadsheet.write_bytes(b"\xef\xbb\xbf" + table.encode())
    assert import_file(database, "items", spreadsheet).items == AddReport(unchanged=2)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"gold_label": "perhaps"}, "gold_label is 'perhaps', expected one of"),
        ({"label_set": "triage"}, "expected at least two different ones"),
        ({"label_set": "options"}, "expected at least two different ones"),
        ({"labels": ["no", "yes", "maybe"]}, "expected ['yes', 'no', 'maybe']"),
        ({"options": [{"label": "A", "text": "x"}]}, 'options need label_set "options"'),
        ({"split": "validation"}, "split: Input should be 'train', 'dev' or 'test'"),
        ({"question": "  "}, "question: Value error, expected some text"),
        ({"question": "a\0b"}, "question: Value error, a NUL character is not allowed"),
        ({"metadata": {"x": ["a\0"]}}, "metadata: Value error, a NUL character"),
        ({"metadata": {"x": "\ud800"}}, "metadata: Value error, half of a surrogate pair"),
        ({"question": "\ud800"}, "question: Value error, half of a surrogate"),
        ({"item_id": "a\nb"}, "item_id: String should match pattern"),
        ({"goldlabel": "yes"}, "goldlabel: Extra inputs are not permitted"),
        ({"context": "text"}, "context: Input should be a valid tuple"),
    ],
)
def test_a_faulty_own_item_is_explained(
    database: Database, tmp_path: Path, change: dict[str, Any], fault: str
) -> None:
    path = _write(
        tmp_path / "own.jsonl", _lines({**OWN_ITEM, "item_id": "ok"}, {**OWN_ITEM, **change})
    )
    assert f"line 2: {fault}" in _refusal(database, "items", path).replace(
        "labels are [], ", ""
    ).replace("labels are ['no', 'yes', 'maybe'], ", "")


def test_a_csv_with_more_cells_than_columns_is_explained(
    database: Database, tmp_path: Path
) -> None:
    path = _write(tmp_path / "own.csv", "item_id,question\na,Q?,surplus\n")
    assert "line 2: cells beyond the header: Extra inputs" in _refusal(database, "items", path)


def test_own_predictions_become_a_run(database: Database, tmp_path: Path) -> None:
    items = _write(tmp_path / "own.jsonl", _lines(OWN_ITEM))
    import_file(database, "items", items)
    header = {"run": {"name": "Mine", "model": "llama", "created_at": "2026-01-02T03:04:05Z"}}
    prediction = {
        "item_id": "own-1",
        "answer": "Yes.",
        "head_label": "yes",
        "head_probabilities": [0.5, 0.25, 0.25],
    }
    path = _write(tmp_path / "run.jsonl", _lines(header, prediction))
    report = import_file(database, "predictions", path)
    found = find_prediction(database.cursor(), str(report.run_id), "own-1", EVERYTHING)
    assert found is not None
    assert found.head_probabilities == (0.5, 0.25, 0.25)
    assert import_file(database, "predictions", path).is_unchanged


def test_predictions_that_do_not_fit_the_store_are_named_by_line(
    database: Database, tmp_path: Path
) -> None:
    import_file(database, "items", _write(tmp_path / "own.jsonl", _lines(OWN_ITEM)))
    path = _write(
        tmp_path / "run.jsonl",
        _lines(
            {"run": {"name": "Mine", "model": "llama"}},
            {"item_id": "nowhere", "answer": "Yes."},
            {"item_id": "own-1", "answer_label": "perhaps"},
        ),
    )
    message = _refusal(database, "predictions", path)
    assert "line 2: 'nowhere' there is no such item" in message
    assert "line 3: 'own-1' answer_label perhaps is none of [yes, no, maybe]" in message


def test_predictions_without_a_run_line_are_explained(database: Database, tmp_path: Path) -> None:
    path = _write(tmp_path / "run.jsonl", _lines({"item_id": "own-1", "answer": "Yes."}))
    assert "line 1: run: Field required" in _refusal(database, "predictions", path)


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize(
    ("content", "explanation"),
    [
        (b"", "the file is empty"),
        (b" \n\t", "the file is empty"),
        (b'{"caf\xe9": 1}', "no UTF-8 text (line 1, byte 0xe9 at offset 5)"),
        (b"\x89PNG\r\n\x1a\n\x00", ""),
        (b"[" * 100_000, "JSON"),
        (b'{"a": NaN}', "JSON"),
        (b"42", ""),
        (b"[]", ""),
        (b"null", ""),
        (b'"text"', ""),
        (b"[[1]]", ""),
        (b'{"1": {}}', ""),
    ],
)
def test_a_file_of_something_else_is_one_clear_error(
    database: Database, tmp_path: Path, format_: Format, content: bytes, explanation: str
) -> None:
    path = tmp_path / "m-medqa-x.json"
    path.write_bytes(content)
    message = _refusal(database, format_, path, test_split=path)
    assert "m-medqa-x.json" in message
    is_csv = format_ == "clinician_reviews" and explanation == "JSON"
    assert ("the header lacks" if is_csv else explanation) in message


def test_a_folder_and_a_missing_file_are_explained(database: Database, tmp_path: Path) -> None:
    assert "found a folder" in _refusal(database, "items", tmp_path)
    assert "found nothing" in _refusal(database, "items", tmp_path / "none.jsonl")


def test_a_file_too_large_is_refused_unread(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_files, "MAX_FILE_BYTES", 10)
    path = _write(tmp_path / "own.jsonl", _lines(OWN_ITEM))
    assert "at most 10 are allowed" in _refusal(database, "items", path)


def test_a_long_list_of_faults_is_cut_but_counted(database: Database, tmp_path: Path) -> None:
    lines = [{**OWN_ITEM, f"field{number}": 1} for number in range(70)]
    message = _refusal(database, "items", _write(tmp_path / "own.jsonl", _lines(*lines)))
    assert "70 faults" in message
    assert "and 20 more" in message
    assert message.count("\n- line") == 50


def test_a_fault_of_many_lines_is_named_once(database: Database, tmp_path: Path) -> None:
    path = _write(tmp_path / "own.jsonl", _lines(*[{**OWN_ITEM, "question": ""}] * 70))
    message = _refusal(database, "items", path)
    assert "70 places (line 1, line 2 ...): question: Value error, expected some text" in message
    assert message.count("\n- ") == 1


def test_the_demo_loads_once(database: Database) -> None:
    first = load_demo(database)
    assert first.items.added == 120
    assert load_demo(database).is_unchanged


ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@settings(max_examples=6)
@given(texts=st.lists(ANY_TEXT, min_size=20, max_size=20))
def test_any_text_survives_an_import(
    texts: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("any-text")
    database = open_store(folder / "store.duckdb")
    entries = [
        {
            **OWN_ITEM,
            "item_id": f"own-{number}",
            "question": f"Q{text}",
            "long_answer": text,
            "metadata": {f"k{text}": text},
        }
        for number, text in enumerate(texts)
    ]
    lines = "\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries)
    import_file(database, "items", _write(folder / "own.jsonl", lines))
    for number, text in enumerate(texts):
        item = get_item(database.cursor(), f"own-{number}", EVERYTHING)
        assert (item.question, item.long_answer) == (f"Q{text}", text)
        assert item.metadata == {f"k{text}": text}
    database.close()


def test_hostile_text_stays_text(database: Database, tmp_path: Path) -> None:
    hostile = '\'); drop table item; -- <script>alert(1)</script> =HYPERLINK("x") ${jndi:x} {{x}}'
    path = _write(tmp_path / "own.jsonl", _lines({**OWN_ITEM, "question": hostile}))
    import_file(database, "items", path)
    assert get_item(database.cursor(), "own-1", EVERYTHING).question == hostile


def test_half_a_surrogate_pair_is_refused_wherever_it_stands(
    database: Database, tmp_path: Path
) -> None:
    half = "a\ud800"
    item = {**OWN_ITEM, "item_id": half, "source": half, "gold_label": half, half: 1}
    message = _refusal(database, "items", _write(tmp_path / "own.jsonl", _lines(item)))
    message.encode()
    _write(tmp_path / "test_ground_truth.json", {half: half})
    entry = {**PMID_ENTRY, "MESHES": [half], "LABELS": [half, half]}
    pubmedqa = _write(tmp_path / "ori_pqal.json", {half: entry})
    _refusal(database, "pubmedqa", pubmedqa).encode()
    medqa = {**MEDQA_ENTRY, "realidx": half, "options": {half: half, "B": half}}
    _refusal(database, "medqa", _write(tmp_path / "m.jsonl", _lines(medqa))).encode()
    twice = _write(tmp_path / "twice.jsonl", '{"\\ud800": 1, "\\ud800": 2}')
    _refusal(database, "items", twice).encode()


def test_a_table_of_items_is_added_like_items(tmp_path: Path) -> None:
    database = open_store(tmp_path / "store.duckdb")
    with database.transaction() as cur:
        add_items(cur, [make_item(f"q-{number}") for number in range(20)], origin="items")
    incoming_items = [make_item(f"q-{number}") for number in range(10, 30)]
    with database.transaction() as cur:
        table = item_table(incoming_items, origin="items")
        assert add_items(cur, table, origin="items") == AddReport(added=10, unchanged=10)
    changed = [replace(item, question="Another?") for item in incoming_items]
    with (
        pytest.raises(ItemConflictError, match=r"20 items are already stored.*'q-10'"),
        database.transaction() as cur,
    ):
        add_items(cur, item_table(changed, origin="items"), origin="items")


def test_a_staged_file_is_stored_like_a_file_that_was_read_at_once(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    rows = [
        {"item_id": f"q-{n}", "question": f"Why {n}?", "label_set": "pubmedqa", "gold_label": "no"}
        for n in range(30)
    ]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    stored = []
    for is_staged in (False, True):
        database = open_store(tmp_path / f"{is_staged}.duckdb")
        batch = read_file(path, Asked(format="items"))
        if is_staged:
            batch = batch.stage(tmp_path).staged(tmp_path)
        report = store_batch(database, batch, path)
        items = database.cursor().execute("select * exclude (created_at) from item").fetchall()
        stored.append((report, items))
        with database.transaction() as cur:
            cur.execute(
                "update imported_item set question = '?', content_hash = '' where item_id = 'q-7'"
            )
        with pytest.raises(ImportFileError, match="line 8: 'q-7' is stored already with another"):
            store_batch(database, batch, path)
        database.close()
    assert stored[0] == stored[1]
    assert stored[0][0].items == AddReport(added=30)


def test_an_import_next_to_others_is_the_same_and_refuses_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db.child_process.SMALL_BYTES", 0)  # a child process for anything
    monkeypatch.setattr("db.importers._FEW", 0)
    first, more, wrong = (tmp_path / f"{name}.jsonl" for name in ("first", "more", "wrong"))
    rows = [
        {"item_id": f"q-{n}", "question": f"Is drug {n} safe?", "label_set": "pubmedqa"}
        for n in range(4)
    ]
    first.write_text("\n".join(map(json.dumps, rows[:2])))
    more.write_text("\n".join(map(json.dumps, [*rows[2:], {**rows[1], "item_id": "again"}])))
    wrong.write_text(json.dumps({**rows[3], "question": "Is drug 9 safe?"}))
    seen = []
    for is_shared in (False, True):
        database = open_store(tmp_path / f"{is_shared}.duckdb")
        database.is_shared = is_shared
        reports = [import_file(database, "items", path) for path in (first, more)]
        with pytest.raises(ImportFileError, match="'q-3' is stored already") as refusal:
            import_file(database, "items", wrong)
        seen.append((reports, str(refusal.value)))
    assert seen[0] == seen[1]
    assert [report.items.added for report in seen[0][0]] == [2, 2]
    assert seen[0][0][1].match.num_by_text == 1
