"""Any file: what it is recognised as, and that its items, labels and answers are right."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from db.connection import Database
from db.content.item_versions import set_items_aside
from db.content.items import get_item
from db.content.predictions import list_predictions
from db.errors import ImportFileError
from db.importers import ImportReport, import_file
from db.importers.any_file import look_at, parse_any
from db.importers.choices import Choices
from db.people.reviewers import add_reviewer
from db.records import Item
from db.viewer import EVERYTHING
from tests.support.stores import open_store

HEADER = "item_id;question;gold_label"
ZIP_OF_LATER = (
    b"PK\x01\x02\x14\x00" + (104).to_bytes(2, "little") + bytes(38) + b"PK\x05\x06"
    + bytes(4) + b"\x01\x00\x01\x00" + (46).to_bytes(4, "little")
    + (4).to_bytes(4, "little") + bytes(2)
)  # fmt: skip
"""The directory of an archive that needs a later version of ZIP."""
QUESTION = "Does early mobilisation shorten the stay after hip repair?"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_store(tmp_path / "store.duckdb")
    yield opened
    opened.close()


def write(folder: Path, name: str, content: Any) -> Path:
    path = folder / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


def items_of(path: Path, **choices: Any) -> list[Item]:
    return list(parse_any(path, Choices(**choices)).items)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "content",
    [
        f"{HEADER}\nw-1;{QUESTION};yes\nw-2;Is it, then, safe?;no\n",
        f"\ufeff{HEADER}\r\nw-1;{QUESTION};Yes \r\nw-2;Is it, then, safe?;NO\r\n",
        f"Ward 2025;;\n\n{HEADER}\n;;\nw-1;{QUESTION};yes\n;;\nw-2;Is it, then, safe?;FALSE",
        f"sep=;\n{HEADER}\nw-1;{QUESTION};yes\nw-2;Is it, then, safe?;no",
        f"{HEADER};;\nw-1;{QUESTION};yes;;\nw-2;Is it, then, safe?;no;;\n".replace(";", "\t"),
        f"{HEADER}\nw-1;{QUESTION};yes\nw-2;Is it, then, safe?;no\n".replace(";", "|"),
        f'item_id,question,gold_label\nw-1,"{QUESTION}",y\nw-2,"Is it, then, safe?",n\n',
        f"'id','question','gold'\n'w-1','{QUESTION}','yes'\n'w-2','Is it, then, safe?','no'",
    ],
    ids=["semicolon", "excel", "titles", "sep", "tabs", "pipes", "commas", "single quotes"],
)
def test_a_table_of_any_dialect_gives_the_same_items(tmp_path: Path, content: str) -> None:
    first, second = items_of(write(tmp_path, "t.csv", content))
    assert (first.item_id, first.question, first.gold_label) == ("w-1", QUESTION, "yes")
    assert (second.question, second.gold_label) == ("Is it, then, safe?", "no")
    assert first.labels == ("yes", "no", "maybe")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_a_table_of_any_encoding_is_read(tmp_path: Path, encoding: str) -> None:
    text = "item_id,question,gold_label\na,Réduit-elle la durée ?,yes\nb,Où ?,no\n"
    (first, _) = items_of(write(tmp_path, "t.csv", text.encode(encoding)))
    assert first.question == "Réduit-elle la durée ?"


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["urgent", "soon", "routine"], ("urgent", "soon", "routine")),
        (["grade 3", "grade 1", "grade 2"], ("grade 1", "grade 2", "grade 3")),
        (["I10", "E11", "J45"], ("I10", "E11", "J45")),
        (["ア", "イ", "ア"], ("ア", "イ")),
        (["عاجل", "روتيني", "عاجل"], ("عاجل", "روتيني")),
        (["TRUE", "FALSE", "TRUE"], ("TRUE", "FALSE")),
        (["T1a", "T2", "t1A"], ("T1a", "T2")),
    ],
)
def test_labels_are_those_of_the_data(
    tmp_path: Path, labels: list[str], expected: tuple[str, ...]
) -> None:
    rows = "".join(f"c{n},Case {n}?,{label}\n" for n, label in enumerate(labels))
    items = items_of(write(tmp_path, "own.csv", f"id,question,category\n{rows}"))
    assert items[0].labels == expected
    folded = {label.casefold(): label for label in reversed(expected)}
    assert [item.gold_label for item in items] == [folded[label.casefold()] for label in labels]


def test_more_labels_than_a_set_holds_are_refused_with_their_number(tmp_path: Path) -> None:
    rows = "".join(f"c{n},Case {n}?,text number {n} of its own\n" for n in range(60))
    path = write(tmp_path, "own.csv", f"id,question,gold\n{rows}")
    with pytest.raises(ImportFileError, match=r"60 different labels .* --labels"):
        parse_any(path)


def test_labels_can_be_named_for_the_whole_file(tmp_path: Path) -> None:
    path = write(tmp_path, "own.csv", "id,question,gold\nc,Case?,soon\nd,Other?,\n")
    (first, second) = items_of(path, labels=("urgent", "soon", "routine"))
    assert (first.labels, first.gold_label) == (("urgent", "soon", "routine"), "soon")
    assert second.gold_label is None


@pytest.mark.parametrize(
    "row",
    [
        {"question": "Q?", "options": {"A": "x", "B": "y", "C": "z"}, "answer_idx": "B"},
        {"question": "Q?", "options": ["x", "y", "z"], "answer": "B"},
        {"question": "Q?", "choices": ["x", "y", "z"], "gold": "y"},
        {"Question": "Q?", "A": "x", "B": "y", "C": "z", "Answer": "(b)"},
        {"question": "Q?", "opa": "x", "opb": "y", "opc": "z", "correct_option": "Option B"},
        {"question": "Q?", "choice_1": "x", "choice_2": "y", "choice_3": "z", "correct": "B. y"},
        {
            "question": "Q?",
            "options": [{"letter": c, "content": t} for c, t in zip("ABC", "xyz", strict=True)],
            "label": ["B"],
        },
        {
            "question": "Q?",
            "choices": {"text": ["x", "y", "z"], "label": ["A", "B", "C"]},
            "target": "B",
        },
        {"question": "Q?", "options": "A. x\nB. y\nC. z", "answer": "B"},
        {"question": "Q?", "options": "{'A': 'x', 'B': 'y', 'C': 'z'}", "answer": "B"},
        {"question": "Q?", "options": "A) x; B) y; C) z", "answer": "B"},
        {"question": "Q?", "options": "(A) x (B) y (C) z", "answer": "B"},
        {"question": "Q?", "options": "x | y | z", "answer": "y"},
        {"question": "Q?", "answers": [{"text": t, "correct": t == "y"} for t in "xyz"]},
        {"question": "Q?", "mc1_targets": {"x": 0, "y": 1, "z": 0}},
        {"question": "Q?", "options": ["x", "y", "z"], "answer": "**B**"},
        {"question": "Q?", "options": ["x", "y", "z"], "answer": "B. Because it works."},
        {"question": "Q?", "options": ["x", "y", "z"], "answer_letter": "B"},
        {"question": "Q?", "correct_answer": "y", "distractor1": "x", "distractor2": "z"},
        {
            "Question": "Q?",
            "Correct Answer": "y",
            "Incorrect Answer 1": "z",
            "Incorrect Answer 2": "x",
        },
        {
            "id": 7,
            "data": {
                "Question": "Q?",
                "Options": {"A": "x", "B": "y", "C": "z"},
                "Correct Option": "B",
            },
        },
    ],
)
def test_options_and_the_right_one_are_found_in_any_form(tmp_path: Path, row: Any) -> None:
    path = write(tmp_path, "own.json", [row])
    (item,) = items_of(path)
    assert look_at(path).items == (item,)
    assert [(part.label, part.text) for part in item.options] == [
        ("A", "x"),
        ("B", "y"),
        ("C", "z"),
    ]
    assert item.gold_label == "B"


@pytest.mark.parametrize(("numbers", "gold"), [([1, 2, 3], "ABC"), ([0, 2, 1], "ACB")])
def test_options_are_counted_from_0_or_1_as_the_whole_file_shows(
    tmp_path: Path, numbers: list[int], gold: str
) -> None:
    rows = [
        {"id": str(n), "question": f"Q{n}?", "options": ["x", "y", "z"], "correct": number}
        for n, number in enumerate(numbers)
    ]
    items = items_of(write(tmp_path, "own.json", rows))
    assert "".join(str(item.gold_label) for item in items) == gold


@pytest.mark.parametrize(
    "arrange",
    [
        lambda rows: "\n".join(map(json.dumps, rows)),
        json.dumps,
        lambda rows: json.dumps({"data": rows, "version": 1}),
        lambda rows: json.dumps({"hospital": "x", "cases": rows}),
        lambda rows: json.dumps({row["id"]: row for row in rows}),
        lambda rows: json.dumps({name: [row[name] for row in rows] for name in rows[0]}),
        lambda rows: json.dumps(
            {"columns": [*rows[0]], "data": [list(row.values()) for row in rows]}
        ),
    ],
    ids=["lines", "list", "wrapped", "under a name", "by id", "by column", "split"],
)
def test_json_of_any_arrangement_gives_the_same_items(tmp_path: Path, arrange: Any) -> None:
    rows = [
        {"id": "q-1", "question": "Is it?", "gold": "yes"},
        {"id": "q-2", "question": "Why not?", "gold": "no"},
    ]
    items = items_of(write(tmp_path, "own.json", arrange(rows)))
    assert [(item.item_id, item.gold_label) for item in items] == [("q-1", "yes"), ("q-2", "no")]


def test_parquet_and_a_dataset_folder_keep_their_splits(tmp_path: Path) -> None:
    folder = tmp_path / "set" / "data"
    folder.mkdir(parents=True)
    for split, gold in (("train", "yes"), ("validation", "no"), ("test", "maybe")):
        row = {"id": split, "question": f"{split}?", "gold": gold}
        pq.write_table(pa.Table.from_pylist([row]), folder / f"{split}-00000-of-00001.parquet")
    items = items_of(tmp_path / "set")
    assert {item.item_id: item.split for item in items} == {
        "train": "train",
        "validation": "dev",
        "test": "test",
    }
    (item,) = items_of(folder / "test-00000-of-00001.parquet")
    assert (item.gold_label, item.split) == ("maybe", "test")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"%PDF-1.7 ...", "a PDF document"),
        ("a.csv", b"\x89PNG\r\n\x1a\n", "a PNG image"),
        ("a.tar", b"data.csv".ljust(257, b"\0") + b"ustar", "cannot be unpacked"),
        ("a.sav", b"$FL2@(#) SPSS DATA FILE", "an SPSS file"),
        ("a.duckdb", bytes(8) + b"DUCK", "a DuckDB database"),
        ("a.db", b"SQLite format 3\x00 ...", "an SQLite database"),
        ("a.pkl", b"\x80\x04\x95\x00\x00", "a Python pickle"),
        ("a.pkl", b"\x80\x02}q\x00.", "a Python pickle"),
        ("a.json", b"{}", "without any rows"),
        ("a.gguf", b"GGUF\x03\x00", "the weights of a model"),
        ("a.json", b"<!doctype html><html>", "a web page"),
        ("a.xlsx", b"PK\x03\x04 cut off", "a damaged ZIP archive"),
        ("a.xlsx", b"PK\x03\x04" + ZIP_OF_LATER, "a damaged ZIP archive"),
        ("a.parquet", b"PAR1 cut off PAR1", "begins as Parquet"),
        ("a.bin", b"\x01\x02\x03\x00\x00", "a binary file of an unknown kind"),
        ("a.txt", b"Only some words\nin lines.\n", "text without columns"),
        (
            "a.json",
            b'{"colour": "red", "n": [1, 2]}',
            "unknown format. Its fields are 'colour', 'n'",
        ),
        ("a.json", b'[{"instance_id": "1", "stats": []}]', "scenario_state.json"),
        ("a.json", b'{"results": {}, "n-shot": {}, "configs": {}}', "--log_samples"),
        ("a.json", b'{"1": "yes", "2": "no"}', "Import ori_pqal.json"),
    ],
)
def test_what_cannot_be_imported_is_named_as_what_it_is(
    tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    with pytest.raises(ImportFileError) as caught:
        parse_any(write(tmp_path, name, content))
    assert words in str(caught.value)
    assert str(caught.value).startswith(name)


def test_a_zip_archive_is_named_with_what_is_in_it(tmp_path: Path) -> None:
    members = (
        ("word/document.xml", "x", "a Word document"),
        ("data.mat", "x", "'data.mat'"),
        ("mimetype", "application/vnd.oasis.opendocument.text", "an OpenDocument file"),
    )
    for member, content, words in members:
        path = tmp_path / "a.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(member, content)
        with pytest.raises(ImportFileError, match=words):
            parse_any(path)


def log_likelihoods(*values: float) -> list[list[str]]:
    return [[str(value), "False"] for value in values]


def test_log_likelihoods_become_probabilities_in_the_order_of_the_labels(tmp_path: Path) -> None:
    row = {
        "doc_id": 0,
        "doc": {"QUESTION": QUESTION, "CONTEXTS": ["c"], "LABELS": ["A"], "final_decision": "no"},
        "target": "no",
        # Asked in an order of its own.
        "arguments": {
            f"gen_args_{n}": {"arg_0": "...", "arg_1": f" {label}"}
            for n, label in enumerate(("no", "maybe", "yes"))
        },
        "resps": [[pair] for pair in log_likelihoods(-0.2, -3.0, -2.0)],
        "filtered_resps": log_likelihoods(-0.2, -3.0, -2.0),
        "filter": "none",
    }
    batch = parse_any(write(tmp_path, "samples_pubmedqa_2025-01-02T03-04-05.jsonl", row))
    (prediction,) = batch.predictions
    yes, no, maybe = prediction.head_probabilities  # type: ignore[union-attr]
    assert no > yes > maybe
    assert yes + no + maybe == pytest.approx(1)
    assert (prediction.answer_label, prediction.head_label) == ("no", "no")
    assert batch.description == "lm-evaluation-harness samples of pubmedqa, 1 answer"


def test_each_filter_of_generated_samples_is_a_run(tmp_path: Path) -> None:
    row = {
        "doc_id": 3,
        "doc": {"question": "Q?", "choices": ["x", "y"], "answer": 1, "subject": "anatomy"},
        "target": "B",
        "arguments": [["Q? Answer:", {"until": []}]],
        "resps": [["I think it is (B)."]],
    }
    rows = [
        {**row, "filtered_resps": ["[invalid]"], "filter": "strict-match"},
        {**row, "filtered_resps": ["B"], "filter": "flexible-extract"},
    ]
    path = write(
        tmp_path, "samples_mmlu_2025-01-02T03-04-05.jsonl", "\n".join(map(json.dumps, rows))
    )
    batch = parse_any(path)
    assert [run.name.split()[-1] for run in batch.runs] == ["strict-match", "flexible-extract"]
    assert [prediction.answer_label for prediction in batch.predictions] == [None, "B"]
    assert {prediction.answer for prediction in batch.predictions} == {"I think it is (B)."}
    assert batch.items[0].gold_label == "B"


def test_an_inspect_log_is_read_from_its_archive(tmp_path: Path) -> None:
    path = tmp_path / "log.eval"
    sample = {
        "id": "s-1",
        "epoch": 1,
        "input": [{"role": "user", "content": "Which drug?"}],
        "choices": ["Labetalol", "Diltiazem"],
        "target": ["A"],
        "output": {
            "model": "acme/m1",
            "choices": [{"message": {"content": "ANSWER: A"}, "stop_reason": "stop"}],
            "usage": {"input_tokens": 7, "output_tokens": 3},
        },
        "scores": {"choice": {"value": "C", "answer": "A"}},
    }
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("header.json", json.dumps({"eval": {"task": "x/medqa", "model": "m"}}))
        archive.writestr("samples/s-1_epoch_1.json", json.dumps(sample))
    batch = parse_any(path)
    (item,), (prediction,) = batch.items, batch.predictions
    assert (item.item_id, item.gold_label, item.source) == ("medqa-s-1", "A", "medqa")
    assert (prediction.answer, prediction.answer_label) == ("ANSWER: A", "A")
    assert (prediction.prompt_tokens, batch.runs[0].model) == (7, "acme/m1")
    whole = {"eval": {"task": "medqa", "model": "m"}, "samples": [sample]}
    assert parse_any(write(tmp_path, "log.json", whole)).predictions[0].answer == "ANSWER: A"


def imported(database: Database, path: Path, **options: Any) -> ImportReport:
    return import_file(database, None, path, **options)


def test_answers_are_matched_to_stored_items_by_id(database: Database, tmp_path: Path) -> None:
    imported(database, write(tmp_path, "w.csv", f"{HEADER}\nw-1;{QUESTION};yes\nw-2;Is it?;no\n"))
    rows = [
        {
            "custom_id": f"w-{n}",
            "response": {
                "body": {"model": "gpt", "choices": [{"message": {"content": "Yes, it does."}}]}
            },
        }
        for n in (1, 2)
    ]
    report = imported(database, write(tmp_path, "batch.jsonl", "\n".join(map(json.dumps, rows))))
    assert (report.items.added, report.num_predictions) == (0, 2)
    assert report.description == "OpenAI batch output, 2 answers"
    stored = list_predictions(database.cursor(), str(report.run_id), EVERYTHING)
    assert [prediction.item_id for prediction in stored] == ["w-1", "w-2"]


def test_an_answer_is_matched_by_the_question_in_its_prompt(
    database: Database, tmp_path: Path
) -> None:
    imported(database, write(tmp_path, "w.csv", f"{HEADER}\nw-1;{QUESTION};yes\nw-2;Is it?;no\n"))
    row = {
        "request_id": "0",
        "prompt": f"Answer yes, no or maybe.\n\n{QUESTION.replace(' stay', '  stay')}\nAnswer:",
        "outputs": [{"text": " Yes.", "finish_reason": "stop"}],
    }
    report = imported(database, write(tmp_path, "vllm.jsonl", row))
    assert (report.items.added, report.items.unchanged) == (0, 0)
    (stored,) = list_predictions(database.cursor(), str(report.run_id), EVERYTHING)
    assert (stored.item_id, stored.answer) == ("w-1", "Yes.")


def test_answers_of_items_that_are_not_stored_are_refused_by_name(
    database: Database, tmp_path: Path
) -> None:
    path = write(tmp_path, "answers.jsonl", {"item_id": "w-1", "answer": "Yes."})
    with pytest.raises(ImportFileError, match=r"'w-1' there is no such item"):
        imported(database, path)


def test_the_same_question_under_another_id_is_not_stored_twice(
    database: Database, tmp_path: Path
) -> None:
    options = {"A": "x", "B": "y"}
    entry = {"realidx": 7, "question": "Which  drug?", "options": options, "answer_idx": "B"}
    imported(database, write(tmp_path, "m.jsonl", {**entry, "meta_info": "step1"}))
    other = {
        "question": "Which drug?",
        "options": options,
        "prediction": "A",
        "ground_truth": "B",
        "all_probs": {"A": 0.601, "B": 0.4},
    }
    report = imported(database, write(tmp_path, "probabilities_medqa.json", [other]))
    assert (report.items.added, report.match.num_by_text) == (0, 1)
    (stored,) = list_predictions(database.cursor(), str(report.run_id), EVERYTHING)
    assert (stored.item_id, stored.answer_label) == ("medqa-7", "A")
    assert stored.head_probabilities == pytest.approx((0.601 / 1.001, 0.4 / 1.001))
    assert imported(database, tmp_path / "probabilities_medqa.json").is_unchanged


def test_answers_to_an_item_that_was_set_aside_are_stored_for_it(
    database: Database, tmp_path: Path
) -> None:
    imported(database, write(tmp_path, "w.csv", f"{HEADER}\nw-1;{QUESTION};yes\nw-2;Is it?;no\n"))
    with database.transaction() as cur:
        chief = add_reviewer(cur, "Chief", "admin").reviewer_id
        set_items_aside(cur, ["w-1"], reviewer_id=chief, reason="not medical")
    by_id = imported(database, write(tmp_path, "a.jsonl", {"item_id": "w-1", "answer": "Yes."}))
    table = f"id;question;gold;answer\nx-1;{QUESTION};yes;No.\n"
    by_text = imported(database, write(tmp_path, "b.csv", table))
    for report in (by_id, by_text):
        assert (report.items.added, report.num_predictions) == (0, 1)
    with database.transaction() as cur:
        set_items_aside(cur, ["w-1"], reviewer_id=chief, reason="it is", is_aside=False)
    for report in (by_id, by_text):
        (stored,) = list_predictions(database.cursor(), str(report.run_id), EVERYTHING)
        assert stored.item_id == "w-1"


def test_the_same_question_in_another_context_is_another_item(
    database: Database, tmp_path: Path
) -> None:
    lines = "id;question;context;gold\nw-1;Does it help?;In adults.;yes\n"
    imported(database, write(tmp_path, "a.csv", lines))
    lines = "id;question;context;gold\nw-9;Does it help?;In children.;yes\n"
    assert imported(database, write(tmp_path, "b.csv", lines)).items.added == 1


def test_numbers_as_ids_of_two_files_do_not_collide(database: Database, tmp_path: Path) -> None:
    for name, question in (("ward", "Does it help?"), ("clinic", "Is it safe?")):
        path = write(tmp_path, f"{name}.csv", f"ID;Question;Gold\n1;{question};yes\n2;Why?;no\n")
        imported(database, path)
    assert get_item(database.cursor(), "ward-1", EVERYTHING).question == "Does it help?"
    assert get_item(database.cursor(), "clinic-1", EVERYTHING).question == "Is it safe?"


@pytest.mark.parametrize("total", [0.991, 1.0, 1.009])
def test_rounded_probabilities_are_rescaled(tmp_path: Path, total: float) -> None:
    row = {"question": "Q?", "options": {"A": "x", "B": "y"}, "answer_idx": "A"}
    row |= {"predicted_answer": "A", "all_probs": {"A": 0.5, "B": total - 0.5}}
    (prediction,) = parse_any(write(tmp_path, "m.json", [row])).predictions
    assert sum(prediction.head_probabilities or ()) == pytest.approx(1, abs=1e-9)


def test_probabilities_that_do_not_sum_to_1_are_refused(tmp_path: Path) -> None:
    row = {"question": "Q?", "options": {"A": "x", "B": "y"}, "answer_idx": "A"}
    row |= {"predicted_answer": "A", "all_probs": {"A": 0.5, "B": 0.3}}
    with pytest.raises(ImportFileError, match="do not sum to 1"):
        parse_any(write(tmp_path, "m.json", [row]))


def test_faults_of_many_lines_are_named_once_in_the_words_of_the_file(tmp_path: Path) -> None:
    rows = [
        {"id": str(n), "question": f"Q{n}?", "options": {"A": "x", "B": "y"}, "answer": "Z"}
        for n in range(400)
    ]
    with pytest.raises(ImportFileError) as caught:
        parse_any(write(tmp_path, "own.json", rows))
    assert (
        "400 places (entry 1, entry 2 ...): the right answer 'Z' is none of its labels (A, B)"
        in str(caught.value)
    )
    assert "Read id from 'id'; question from 'question'; options from" in str(caught.value)
    assert "gold from 'answer'." in str(caught.value)
    assert "[" not in str(caught.value)


def test_a_format_that_is_built_otherwise_is_one_clear_error(tmp_path: Path) -> None:
    row = {"doc_id": 0, "doc": {"question": "Q?"}, "filtered_resps": 3, "resps": 4, "arguments": 5}
    with pytest.raises(ImportFileError, match="samples_x"):
        parse_any(write(tmp_path, "samples_x_2025.jsonl", row))


def test_the_root_of_a_disk_is_looked_into_as_any_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    def unpack(path: Path) -> Iterator[Path]:
        raise ImportFileError(f"{path} was looked into.")

    monkeypatch.setattr("db.importers.any_file.unpacked", unpack)
    with pytest.raises(ImportFileError, match="/ was looked into"):
        parse_any(Path("/"))
