"""Files in odd forms: compressed, encoded otherwise, with sets of labels in many spellings."""

from __future__ import annotations

import binascii
import bz2
import gzip
import io
import json
import struct
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from db.connection import Database
from db.content.predictions import list_predictions
from db.errors import ImportFileError
from db.importers import import_file
from db.importers.any_file import look_at, parse_any
from db.importers.batch import ImportBatch
from db.importers.readers.squad import UNANSWERABLE
from db.records import FREE_TEXT_LABEL_SET, Item, labels_in
from db.viewer import EVERYTHING
from tests.support.stores import open_store

TABLE = "id,question,gold\na,Does it help?,yes\nb,Is it safe?,no\n"
DRUGS = ["Aspirin", "Heparin", "Warfarin", "Iron, oral"]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_store(tmp_path / "store.duckdb")
    yield opened
    opened.close()


def parsed(folder: Path, name: str, content: Any) -> ImportBatch:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else _text(content).encode())
    return parse_any(path)


def _text(content: Any) -> str:
    return content if isinstance(content, str) else json.dumps(content)


def golds(batch: ImportBatch) -> list[str]:
    return ["+".join(labels_in(item.gold_label)) for item in batch.items]


def zipped(files: dict[str, Any]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content if isinstance(content, bytes) else _text(content))
    return file.getvalue()


def zstd_zipped(files: dict[str, Any]) -> bytes:
    """Return an archive whose parts Zstandard compressed: method 93, which Python cannot write."""
    body = directory = b""
    for name, content in files.items():
        raw = _text(content).encode()
        packed = pa.Codec("zstd").compress(raw, asbytes=True)
        facts = (0, 93, 0, 33, binascii.crc32(raw), len(packed), len(raw), len(name))
        local = struct.pack("<IHHHHHIIIHH", 0x04034B50, 63, *facts, 0) + name.encode()
        entry = struct.pack(
            "<IHHHHHHIIIHHHHHII", 0x02014B50, 63, 63, *facts, 0, 0, 0, 0, 0, len(body)
        )
        body += local + packed
        directory += entry + name.encode()
    end = (0, 0, len(files), len(files), len(directory), len(body), 0)
    return body + directory + struct.pack("<IHHHHIIH", 0x06054B50, *end)


def tarred(files: dict[str, str]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        link = tarfile.TarInfo("link.csv")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
    return file.getvalue()


def arrow(write: Callable[..., Any]) -> bytes:
    table = pa.Table.from_pylist(
        [{"id": "a", "question": "1?", "gold": "yes"}, {"id": "b", "question": "2?", "gold": "no"}]
    )
    sink = pa.BufferOutputStream()
    with write(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv.gz", gzip.compress(TABLE.encode(), mtime=0)),
        ("t.csv.bz2", bz2.compress(TABLE.encode())),
        ("t.csv.zst", pa.Codec("zstd").compress(TABLE.encode(), asbytes=True)),
        ("t.zip", zipped({"data/t.csv": TABLE, "__MACOSX/._t.csv": "x", "README.md": "x"})),
        ("t.zip", zipped({"inner.zip": zipped({"t.csv": TABLE})})),
        ("t.zip", zstd_zipped({"t.csv": TABLE})),
        ("t.arrow", arrow(pa.ipc.new_stream)),
        ("t.feather", arrow(pa.ipc.new_file)),
        ("t.tar", tarred({"set/t.csv": TABLE, "set/README.md": "x"})),
        ("t.tar.gz", gzip.compress(tarred({"t.csv": TABLE}), mtime=0)),
        ("t.md", "| id | question | gold |\n|----|:---:|---|\n| a | 1? | yes |\n| b | 2? | no |"),
        ("t.csv", TABLE.encode("utf-32")),
        ("t.csv", TABLE.encode("utf-16-le")),
        ("t.csv", TABLE.encode("utf-16-be")),
        ("t.csv", TABLE.replace("\n", "\r")),
        ("t.csv", 'id,question,gold\r\na,"Does\r\nit\nhelp?",yes\nb,Is it safe?,no\r'),
        ("t.json", b"\xef\xbb\xbf" + json.dumps([{"question": q, "gold": g} for q, g in
                                                (("1?", "yes"), ("2?", "no"))]).encode()),
        ("t.json", '{\n"question": "1?",\n"gold": "yes"\n}\n{\n"question": "2?",\n"gold": "no"}'),
        ("t.json", [["id", "question", "gold"], [1, "1?", "yes"], [2, "2?", "no"]]),
        ("t.json", '[{"question": "1", "gold": "yes", "e": NaN}, {"question": "2", "gold": "no"}]'),
        ("t.csv", "id,question,note,note,gold\n1,1?,a,b,yes\n2,2?,a,b,no\n"),
    ],
)  # fmt: skip
def test_the_same_two_items_come_out_of_every_wrapping(
    tmp_path: Path, name: str, content: Any
) -> None:
    assert golds(parsed(tmp_path, name, content)) == ["yes", "no"]
    assert look_at(tmp_path / name).items[1].gold_label == "no"


@pytest.mark.parametrize(
    ("encoding", "question", "words"),
    [
        ("cp932", "患者は発熱していますか", ("はい", "いいえ")),
        ("gb18030", "患者是否发热", ("是", "否")),
        ("cp1251", "Есть ли у пациентов температура или боль", ("да", "нет")),
    ],
)
def test_a_table_in_an_encoding_of_another_script_keeps_its_words(
    tmp_path: Path, encoding: str, question: str, words: tuple[str, str]
) -> None:
    rows = "".join(f"{n},{question} {n},{word}\n" for n, word in enumerate(words))
    batch = parsed(tmp_path, "t.csv", f"id,question,gold\n{rows}".encode(encoding))
    assert golds(batch) == list(words)


@pytest.mark.parametrize(
    ("encoding", "question"),
    [
        ("koi8_r", "Помогает ли это при кашле и боли?"),
        ("cp1253", "Βοηθάει αυτό στον βήχα και τον πόνο;"),
        ("cp1255", "האם זה עוזר לשיעול ולכאב?"),
        ("cp1256", "هل يساعد هذا في السعال والألم؟"),
    ],
)
def test_a_table_in_an_unknown_encoding_is_refused_and_not_read_as_other_words(
    tmp_path: Path, encoding: str, question: str
) -> None:
    with pytest.raises(ImportFileError, match="Save it as UTF-8"):
        parsed(tmp_path, "t.csv", f"id,question,gold\n1,{question},yes\n".encode(encoding))


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(TABLE.encode(), mtime=0)[:-9],
        zipped({"t.csv": TABLE * 99}).replace(b"t.csv", b"u.csv", 1),
    ],
    ids=["cut off", "renamed inside"],
)  # fmt: skip
def test_a_damaged_archive_is_named(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ImportFileError, match=r"^t\.x was not imported: it cannot be unpacked"):
        parsed(tmp_path, "t.x", content)


def test_archives_within_archives_are_not_followed_for_ever(tmp_path: Path) -> None:
    content = TABLE.encode()
    for _ in range(5):
        content = zipped({"t.zip": content})
    with pytest.raises(ImportFileError, match="Unpack it"):
        parsed(tmp_path, "t.zip", content)


def test_an_archive_or_folder_of_several_files_is_a_data_set_with_splits(tmp_path: Path) -> None:
    rows = {split: [{"question": f"{split}?", "gold": "yes"}] for split in ("train", "dev", "test")}
    files = {f"{split}.json": rows[split] for split in rows} | {"dataset_info.json": {"a": 1}}
    batch = parsed(tmp_path, "set.zip", zipped(files))
    assert {item.question: item.split for item in batch.items} == {
        "train?": "train",
        "dev?": "dev",
        "test?": "test",
    }
    (saved := tmp_path / "saved" / "validation").mkdir(parents=True)
    (saved / "data-00000-of-00001.arrow").write_bytes(arrow(pa.ipc.new_stream))
    (saved / "state.json").write_text("{}")
    assert {item.split for item in parse_any(tmp_path / "saved").items} == {"dev"}


@pytest.mark.parametrize(
    "values",
    [
        *(["A,C", "B"], ["A;C", "B"], ["AC", "B"], ["[A, C]", "[B]"], ["{A,C}", "{B}"]),
        *(["1|3", "2"], ["1,3", "4"], ["0,2", "1"], ["A C", "B"], ["(A), (C)", "(B)"]),
        *(["A & C", "B"], ["a,c", "b"], ["A+C", "B"], ["A，C", "B"], ["A and C", "B"]),
        *([["A", "C"], "B"], [[0, 2], [1]], [[1, 3], [2]], ["{'A', 'C'}", "B"]),
        *(["Aspirin; Warfarin", "Heparin"], ["ASPIRIN, warfarin", "HEPARIN"]),
        *(["Aspirin\nWarfarin", "Heparin"], ["Aspirin | Warfarin", "Iron, oral"]),
        *([["ASPIRIN", "warfarin"], ["heparin"]], ["1.0|3.0", "2.0"]),
    ],
)  # fmt: skip
def test_several_right_options_are_read_however_a_file_writes_them(
    tmp_path: Path, values: list[Any]
) -> None:
    rows = [{"question": f"{n}?", "options": DRUGS, "answer": v} for n, v in enumerate(values)]
    batch = parsed(tmp_path, "own.json", rows)
    assert golds(batch)[0] == "A+C"
    assert {item.label_set for item in batch.items} == {"several_options"}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("id,question,cough,fever,rash\na,1?,1,0,1\nb,2?,0,1,0\n", ["cough+rash", "fever"]),
        ("id;text;label_cough;label_fever\na;1?;TRUE;TRUE\nb;2?;FALSE;TRUE\n",
         ["cough+fever", "fever"]),
        ("id,question,cough,fever,rash\na,1?,x,,x\nb,2?,,x,\n", ["cough+rash", "fever"]),
        ("id,question,A,B,C,right_A,right_B,right_C\na,1?,x,y,z,1,0,1\nb,2?,x,y,z,0,1,0\n",
         ["A+C", "B"]),
        ("text\tlabels\n1?\tfever,cough\n2?\trash\n3?\tfever,rash\n",
         ["fever+cough", "rash", "fever+rash"]),
        ('{"text": "1?", "labels": ["cough", "fever"]}\n{"text": "2?", "labels": ["rash"]}',
         ["cough+fever", "rash"]),
    ],
)  # fmt: skip
def test_a_column_for_each_label_and_lists_of_labels_are_sets(
    tmp_path: Path, content: str, expected: list[str]
) -> None:
    batch = parsed(tmp_path, "t.csv" if content[0] != "{" else "t.jsonl", content)
    assert golds(batch) == expected
    assert all(item.is_several for item in batch.items)


FRENCH = {
    "id": "6979d46501a3270436d37b98cf351439",
    "question": "Cocher les propositions exactes :",
    "correct_answers": ["a", "c"],
    "subject_name": "pharmacie",
    "type": "multiple",
    "nbr_correct_answers": 2,
}
TEXTS = ("Un", "Deux", "Trois", "Quatre", "Cinq")
IGAKU = {
    "problem_id": "112A12",
    "problem_text": "原因として考えられるのはどれか。2つ選べ。",
    "choices": ["一", "二", "三", "四", "五"],
    "text_only": True,
    "answer": ["d", "e"],
    "points": "1",
}


def test_frenchmedmcqa_is_recognised_as_published(tmp_path: Path) -> None:
    """The fields are those of github.com/qanastek/FrenchMedMCQA, and of its Hugging Face form."""
    row = {**FRENCH, "answers": dict(zip("abcde", TEXTS, strict=True))}
    batch = parsed(tmp_path, "dev.json", [row, {**row, "id": "f2", "correct_answers": ["e"]}])
    assert (golds(batch), batch.description) == (["a+c", "e"], "FrenchMedMCQA, 2 items")
    assert {(item.source, item.split) for item in batch.items} == {("frenchmedmcqa", "dev")}
    # How many are right would tell a reviewer who labels blind.
    assert set(batch.items[0].metadata) == {"subject_name", "type"}  # type: ignore[union-attr]
    options = {f"answer_{c}": text for c, text in zip("abcde", TEXTS, strict=True)}
    hub = {"id": "f1", "question": "Cocher :", **options, "number_correct_answers": 1}
    path = tmp_path / "train.parquet"
    pq.write_table(pa.Table.from_pylist([{**hub, "correct_answers": [0, 2]}]), path)
    assert golds(parse_any(path)) == ["A+C"]


def test_igakuqa_and_its_baselines_are_recognised_as_published(
    database: Database, tmp_path: Path
) -> None:
    """The fields are those of github.com/jungokasai/IgakuQA."""
    number = {**IGAKU, "problem_id": "112D75", "problem_text": "いくつか。", "choices": []}
    one = {**IGAKU, "problem_id": "112A1", "problem_text": "どれか。", "answer": ["e"]}
    path = tmp_path / "112-A.jsonl"
    lines = [IGAKU, one, {**number, "answer": ["125"]}]
    path.write_text("\n".join(map(json.dumps, lines)), "utf-8")
    batch = parse_any(path)
    assert golds(batch) == ["D+E", "E", ""]
    is_open = [(item.label_set, item.long_answer) for item in batch.items][2]
    assert is_open == ("free_text", "125")
    assert import_file(database, None, path).items.added == 3
    answers = tmp_path / "112-A_gpt4.jsonl"
    said = (("112A12", "d,e"), ("112A1", "b"))
    answers.write_text(
        "\n".join(
            json.dumps({"problem_id": name, "prediction": text, "explanation": text})
            for name, text in said
        )
    )
    report = import_file(database, None, answers)
    assert (report.match.num_by_id, report.run_id is not None) == (2, True)
    found = list_predictions(database.cursor(), str(report.run_id), viewer=EVERYTHING)
    assert {labels_in(one.answer_label) for one in found} == {("D", "E"), ("B",)}


SAMPLE = {
    "id": "s-1",
    "epoch": 1,
    "input": "Which drugs?",
    "choices": DRUGS,
    "target": ["A", "C"],
    "output": {"choices": [{"message": {"content": "ANSWER: A,C"}, "stop_reason": "stop"}]},
    "scores": {"choice": {"value": "C", "answer": "A, C"}},
}


@pytest.mark.parametrize("pack", [zipped, zstd_zipped])
def test_an_inspect_log_is_read_whichever_way_it_is_compressed(
    tmp_path: Path, pack: Callable[[dict[str, Any]], bytes]
) -> None:
    header = {"eval": {"task": "drugs", "model": "acme/m1"}}
    content = pack({"header.json": header, "samples/s-1_epoch_1.json": SAMPLE})
    batch = parsed(tmp_path, "log.eval", content)
    assert golds(batch) == ["A+C"]
    assert labels_in(batch.predictions[0].answer_label) == ("A", "C")  # type: ignore[union-attr]


def _xlsx(rows: list[list[str]], merged: str = "") -> bytes:
    """Return a workbook of cells written as XML, such as ``<v>1</v>``."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    cells = "".join(
        f'<row r="{y}">'
        + "".join(
            f'<c r="{chr(64 + x)}{y}" t="{"n" if "<v>" in cell else "inlineStr"}">{cell}</c>'
            for x, cell in enumerate(row, start=1)
            if cell
        )
        + "</row>"
        for y, row in enumerate(rows, start=1)
    )
    merge = f'<mergeCells count="1"><mergeCell ref="{merged}"/></mergeCells>' if merged else ""
    package = "http://schemas.openxmlformats.org/package/2006"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    return zipped(
        {
            "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.'
            f'relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType="{kind}.'
            'sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="'
            f'{kind}.worksheet+xml"/></Types>',
            "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
            f'Type="{relation}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
            "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{relation}"><sheets>'
            '<sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
            f'<Relationship Id="r1" Type="{relation}/worksheet" Target="worksheets/sheet1.xml"/>'
            "</Relationships>",
            "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{cells}'
            f"</sheetData>{merge}</worksheet>",
        }
    )


def _words(*texts: str) -> list[str]:
    return [f"<is><t>{text}</t></is>" if text else "" for text in texts]


def test_cells_merged_over_rows_and_numbers_as_labels_are_read_in_a_workbook(
    tmp_path: Path,
) -> None:
    rows = [
        _words("context", "question", "gold"),
        [*_words("ward 3", "1?"), "<v>1.0</v>"],
        [*_words("", "2?"), "<v>2</v>"],
        [*_words("ward 4", "3?"), "<v>3</v>"],
    ]
    batch = parsed(tmp_path, "t.xlsx", _xlsx(rows, "A2:A3"))
    found = [item.context[0].text for item in batch.items]
    assert found == ["ward 3", "ward 3", "ward 4"]
    assert (golds(batch), batch.items[0].labels) == (["1", "2", "3"], ("1", "2", "3"))


def test_numbers_that_pandas_wrote_as_decimals_are_whole_labels(tmp_path: Path) -> None:
    batch = parsed(tmp_path, "t.csv", "id,question,gold\na,1?,1.0\nb,2?,2.0\nc,3?,\n")
    assert (golds(batch), batch.items[0].labels) == (["1", "2", ""], ("1", "2"))


def test_labels_that_a_spreadsheet_made_dates_of_are_pointed_out(tmp_path: Path) -> None:
    batch = parsed(tmp_path, "t.csv", "id,question,grade\na,1?,02. Jan\nb,2?,03. Jan\n")
    assert "labels that look like dates (02. Jan, 03. Jan)" in batch.notes[0]


def test_references_of_helm_are_options_where_one_is_wrong_else_ways_to_say_the_answer(
    tmp_path: Path,
) -> None:
    def state(*references: tuple[str, bool]) -> dict[str, Any]:
        given = [
            {"output": {"text": text}, "tags": ["correct"] if is_right else []}
            for text, is_right in references
        ]
        instance = {"id": "i1", "input": {"text": "Which?"}, "references": given, "split": "test"}
        result = {"completions": [{"text": "x"}]}
        return {"request_states": [{"instance": instance, "request": {}, "result": result}]}

    several = parsed(tmp_path, "a.json", state(("x", True), ("y", False), ("z", True)))
    assert golds(several) == ["A+C"]
    (item,) = parsed(tmp_path, "b.json", state(("Paris", True), ("paris", True))).items
    assert (item.label_set, item.long_answer, item.is_several) == (
        "free_text",
        "Paris\nparis",
        False,
    )


def test_promptfoo_says_in_its_assertions_what_is_right(tmp_path: Path) -> None:
    case = {
        "vars": {"question": "Does it help?"},
        "assert": [{"type": "icontains", "value": "yes"}],
    }
    row = {
        "testCase": case,
        "vars": case["vars"],
        "provider": {"id": "acme:m1", "label": ""},
        "response": {"output": "Yes.", "tokenUsage": {"prompt": 3, "completion": 1}},
        "success": True,
    }
    results = {"version": 3, "prompts": [], "results": [row], "stats": {}}
    batch = parsed(tmp_path, "p.json", {"evalId": "e", "results": results, "config": {}})
    assert (golds(batch), batch.runs[0].model) == (["yes"], "acme:m1")


def test_options_that_cannot_be_read_are_a_fault_and_not_left_out(tmp_path: Path) -> None:
    row = {"question": "1?", "options": "Aspirin or Heparin", "answer": "A"}
    with pytest.raises(ImportFileError, match="its options cannot be read"):
        parsed(tmp_path, "t.json", [row])
    lines = [{"question": "1?", "options": "A 一\nB 二\nC 三", "answer": v} for v in ("AC", "B")]
    lines[1]["question"] = "2?"
    assert golds(parsed(tmp_path, "t.json", lines)) == ["A+C", "B"]


def test_answers_of_a_gemini_batch_are_found_by_key_or_by_their_request(tmp_path: Path) -> None:
    response = {
        "candidates": [{"content": {"parts": [{"text": "…", "thought": True}, {"text": "B"}]}}],
        "modelVersion": "gemini-9",
    }
    (by_key,) = parsed(tmp_path, "a.jsonl", {"key": "q1", "response": response}).predictions
    assert (by_key.item_id, by_key.answer) == ("q1", "B")
    request = {"contents": [{"role": "user", "parts": [{"text": "Does it help at all?"}]}]}
    batch = parsed(tmp_path, "b.jsonl", {"request": request, "response": response})
    assert "Does it help at all?" in batch.hints.values()


EXAM = {
    "name": "Cuaderno_2013_1_M",
    "year": "2013",
    "category": "medicine",
    "data": [
        {
            "qid": str(number),
            "qtext": f"{number}?",
            "ra": str(number + 1),
            "answers": [{"aid": n, "atext": text} for n, text in enumerate(DRUGS, start=1)],
            "image": "",
        }
        for number in (1, 2)
    ],
}


@pytest.mark.parametrize("exams", [{EXAM["name"]: EXAM}, [EXAM]])
def test_headqa_is_recognised_as_published(tmp_path: Path, exams: Any) -> None:
    """The fields are those of github.com/aghie/head-qa, and of its Hugging Face form."""
    batch = parsed(tmp_path, "dev.json", {"version": "1.0", "language": "en", "exams": exams})
    assert (golds(batch), batch.description) == (["2", "3"], "HEAD-QA, 2 items")
    first = batch.items[0]
    assert isinstance(first, Item)
    assert (first.item_id, first.split) == ("headqa-Cuaderno_2013_1_M-1", "dev")
    assert (first.question, first.options[1].text) == ("1?", "Heparin")
    rows = [
        {"name": EXAM["name"], "year": "2013", "category": "medicine", **question,
         "qid": int(question["qid"]), "ra": int(question["ra"])}
        for question in EXAM["data"]
    ]  # fmt: skip
    hub = parsed(tmp_path, "validation.jsonl", "\n".join(map(json.dumps, rows)))
    assert hub.items == batch.items


def test_questions_about_passages_are_items_without_labels(tmp_path: Path) -> None:
    """The fields are those of SQuAD 2.0, and of its Hugging Face form."""
    answer = {"text": "fluids", "answer_start": 5}
    asked = [
        {"id": "q1", "question": "What is given?", "answers": [answer, answer]},
        {"id": "q2", "question": "To whom?", "answers": [], "is_impossible": True},
    ]
    article = {"title": "Sepsis", "paragraphs": [{"context": "Give fluids.", "qas": asked}]}
    batch = parsed(tmp_path, "dev-v2.0.json", {"version": "v2.0", "data": [article]})
    assert batch.description == "SQuAD, 2 items"
    given, lacking = batch.items
    assert isinstance(given, Item)
    assert isinstance(lacking, Item)
    assert (given.context[0].heading, given.context[0].text) == ("Sepsis", "Give fluids.")
    assert (given.labels, given.long_answer) == ((), "fluids")
    # Shown with the right answer only: whether there is one would tell a blind reviewer.
    assert (lacking.long_answer, lacking.metadata) == (UNANSWERABLE, {})
    row = {**asked[0], "title": "Sepsis", "context": "Give fluids."}
    hub = parsed(
        tmp_path, "dev-v2_0.json", [{**row, "answers": {"text": ["fluids"], "answer_start": [5]}}]
    )
    assert [replace(item, split="x", source="") for item in hub.items] == [
        replace(given, split="x", source="")
    ]


def test_race_has_several_questions_in_lists_for_each_article(tmp_path: Path) -> None:
    row = {"id": "high1", "article": "Give fluids.", "questions": ["1?", "2?"],
           "options": [DRUGS, DRUGS], "answers": ["B", "D"]}  # fmt: skip
    batch = parsed(tmp_path, "race.json", [row])
    assert (golds(batch), batch.description) == (["B", "D"], "RACE, 2 items")


def test_logged_chats_are_answers_that_name_their_item_by_the_question(tmp_path: Path) -> None:
    asked = [{"role": "system", "content": "x"}, {"role": "user", "content": "Does it help?"}]
    completion = {"model": "m-1", "choices": [{"message": {"content": "Yes."}}]}
    for row in (
        {"messages": asked, **completion},
        {"request": {"messages": asked}, "response": completion},
    ):
        batch = parsed(tmp_path, "log.jsonl", json.dumps(row))
        assert (batch.predictions[0].answer, batch.runs[0].model) == ("Yes.", "m-1")
        assert "Does it help?" in batch.hints.values()


def _ods(sheets: dict[str, list[list[str]]]) -> bytes:
    names = "urn:oasis:names:tc:opendocument:xmlns"
    tables = "".join(
        f'<table:table table:name="{name}">'
        + "".join(
            "<table:table-row>"
            + "".join(
                f'<table:table-cell office:value-type="string"><text:p>{cell}</text:p>'
                "</table:table-cell>"
                for cell in row
            )
            + "</table:table-row>"
            for row in rows
        )
        + "</table:table>"
        for name, rows in sheets.items()
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    return zipped(
        {
            "mimetype": kind,
            "META-INF/manifest.xml": f'<manifest:manifest xmlns:manifest="{names}:manifest:1.0">'
            f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{kind}"/>'
            "</manifest:manifest>",
            "content.xml": f'<office:document-content xmlns:office="{names}:office:1.0" '
            f'xmlns:table="{names}:table:1.0" xmlns:text="{names}:text:1.0">'
            f"<office:body><office:spreadsheet>{tables}"
            "</office:spreadsheet></office:body></office:document-content>",
        }
    )


def test_every_sheet_with_the_header_is_read_and_a_cover_is_left_out(tmp_path: Path) -> None:
    header = ["id", "question", "gold"]
    sheets = {
        "Cover": [["Ward audit 2025", ""], ["Contact", "Dr X"], ["Notes", "none"]],
        "Medicine": [["Questions", "", ""], header, ["a", "1?", "yes"], ["b", "2?", "no"]],
        "Surgery": [header, ["c", "3?", "maybe"]],
    }
    batch = parsed(tmp_path, "t.ods", _ods(sheets))
    assert golds(batch) == ["yes", "no", "maybe"]
    assert batch.description == "2 of 3 Excel sheets, 3 items"
    assert batch.places["c"] == "'Surgery', row 2"


def test_a_field_that_may_show_the_right_answer_is_no_metadata(tmp_path: Path) -> None:
    row = {
        "question": "1?",
        "options": DRUGS,
        "gold": "A",
        "correctAnswerText": "Aspirin",
        "age": 5,
    }
    (item,) = parsed(tmp_path, "t.json", [row]).items
    assert isinstance(item, Item)
    assert (item.gold_label, item.metadata) == ("A", {"age": 5})


def test_values_that_are_missing_or_answers_to_open_questions_are_no_labels(tmp_path: Path) -> None:
    batch = parsed(tmp_path, "t.csv", "id,question,gold\na,1?,NA\nb,2?,yes\nc,3?,no\n")
    assert golds(batch) == ["", "yes", "no"]
    assert batch.items[1].labels == ("yes", "no", "maybe")
    long = [{"question": f"{n}?", "answer": f"It depends on {n} things. " * 9} for n in range(3)]
    batch = parsed(tmp_path, "t.json", long)
    assert {item.label_set for item in batch.items} == {FREE_TEXT_LABEL_SET}
    assert "1 things" in batch.items[1].long_answer


def test_a_row_of_values_is_no_header_because_a_value_is_a_name_too(tmp_path: Path) -> None:
    rows = "".join(f"{n},arm {n},{n}?,{'yes' if n % 2 else 'no'}\n" for n in range(6))
    with pytest.raises(ImportFileError, match="'record', 'arm', 'words', 'verdict'"):
        parsed(tmp_path, "t.csv", f"record,arm,words,verdict\n{rows}")


def test_questions_listed_under_a_patient_are_items_of_their_own(tmp_path: Path) -> None:
    patients = [
        {"id": 1, "age": 70, "questions": [{"question": "1?", "gold": "yes"},
                                           {"question": "2?", "gold": "no"}]},
        {"id": 2, "age": 5, "questions": [{"question": "3?", "gold": "no"}]},
    ]  # fmt: skip
    batch = parsed(tmp_path, "t.json", {"patients": patients})
    assert golds(batch) == ["yes", "no", "no"]
    assert [item.metadata for item in batch.items] == [{"age": 70}, {"age": 70}, {"age": 5}]
    look = look_at(tmp_path / "t.json")
    assert look_at(tmp_path / "t.json", look.mapping).items == look.items == batch.items
