"""Generated shapes of files, each with its rows and right answers, for ``any_file``."""

from __future__ import annotations

import csv
import gzip
import io
import json
import tarfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

NUM_ROWS: Final = 120

Row = dict[str, Any]
_TRIAGE: Final = ("urgent", "soon", "routine")
_SIGNS: Final = ("cough", "fever", "rash", "pain")
_TEXTS: Final = ("Labetalol; by vein", "Diltiazem, 5 mg", 'the "usual" one', "none")


def _yes_no() -> list[Row]:
    labels = ("yes", "no", "maybe")
    return [
        {"id": f"g-{n}", "question": f"Does it help, in case {n}?", "gold": labels[n % 3]}
        for n in range(NUM_ROWS)
    ]


def _triage() -> list[Row]:
    return [{**row, "gold": _TRIAGE[n % 3]} for n, row in enumerate(_yes_no())]


def _options() -> list[Row]:
    return [
        {"id": f"o-{n}", "question": f"Which drug, in case {n}?", "gold": "ABCD"[n % 4]}
        for n in range(NUM_ROWS)
    ]


def _several(labels: Sequence[str]) -> list[Row]:
    """Return rows of which every second has two right labels, joined by ``+``."""
    size = len(labels)
    return [
        {
            "id": f"s-{n}",
            "question": f"What fits, in case {n}?",
            "gold": "+".join(labels[k] for k in sorted({n % size, (n // 2) % size})),
        }
        for n in range(NUM_ROWS)
    ]


def _csv(rows: list[Row], **dialect: Any) -> str:
    file = io.StringIO()
    writer = csv.DictWriter(file, list(rows[0]), **dialect)
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def _with_columns(rows: list[Row], names: tuple[str, ...]) -> list[Row]:
    return [{**row, **dict(zip(names, _TEXTS, strict=True))} for row in rows]


def _lines(rows: list[Row]) -> str:
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)


def _renamed(rows: list[Row], **names: str) -> list[Row]:
    return [{names.get(name, name): value for name, value in row.items()} for row in rows]


def _titled() -> bytes:
    text = _csv(_yes_no(), delimiter=";")
    return f"Ward questions;;\nexported 2025;;\n;;\n{text}".encode()


def _indexed(base: int) -> list[Row]:
    return [
        {**row, "options": list(_TEXTS), "gold": "ABCD".index(row["gold"]) + base}
        for row in _options()
    ]


def _parquet(rows: list[Row]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), sink)
    return sink.getvalue()


def _exams() -> str:
    """Return the options' items as HEAD-QA's two exams."""
    exams: dict[str, Any] = {}
    for row in _exam_rows():
        _, exam, number = row["id"].split("-")
        answers = [{"aid": place, "atext": text} for place, text in enumerate(_TEXTS, start=1)]
        data = exams.setdefault(exam, {"name": exam, "year": "2013", "data": []})["data"]
        data.append(
            {"qid": number, "qtext": row["question"], "ra": row["gold"], "answers": answers}
        )
    return json.dumps({"version": "1.0", "exams": exams})


def _exam_rows() -> list[Row]:
    return [
        {
            **row,
            "id": f"headqa-exam_{n % 2}-{n // 2 + 1}",
            "gold": str("ABCD".index(row["gold"]) + 1),
        }
        for n, row in enumerate(_options())
    ]


def _right_first() -> list[Row]:
    """Return rows with a column for the right option and one for each wrong one, as in GPQA."""
    rows = []
    for row in _options():
        right = _TEXTS["ABCD".index(row["gold"])]
        wrong = [text for text in _TEXTS if text != right]
        named = {f"Incorrect Answer {n}": text for n, text in enumerate(wrong, start=1)}
        rows.append({"id": row["id"], "Question": row["question"], "Correct Answer": right} | named)
    return rows


def _alphabetic() -> list[Row]:
    texts = sorted(_TEXTS, key=str.casefold)
    return [
        {**row, "gold": "ABCD"[texts.index(_TEXTS["ABCD".index(row["gold"])])]}
        for row in _options()
    ]


def _markdown(rows: list[Row]) -> str:
    lines = [" | ".join(map(str, row.values())) for row in rows]
    header = [" | ".join(rows[0]), " | ".join("---" for _ in rows[0])]
    return "\n".join(f"| {line} |" for line in [*header, *lines])


def _tar(rows: list[Row]) -> bytes:
    file, content = io.BytesIO(), _csv(rows).encode()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        info = tarfile.TarInfo("set/data.csv")
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


_GERMAN: Final = {"id": "Fall", "question": "Text der Anfrage", "gold": "Stufe"}
Make = Callable[[], str | bytes]
SHAPES: Final[Mapping[str, tuple[Make, list[Row], tuple[str, ...]]]] = {
    "semicolons.csv": (lambda: _csv(_triage(), delimiter=";"), _triage(), ()),
    "tabs.tsv": (lambda: _csv(_triage(), delimiter="\t"), _triage(), ()),
    "pipes.txt": (lambda: _csv(_triage(), delimiter="|"), _triage(), ()),
    "all_quoted.csv": (lambda: _csv(_yes_no(), quoting=csv.QUOTE_ALL), _yes_no(), ()),
    "single_quotes.csv": (
        lambda: _csv(_yes_no(), quotechar="'", quoting=csv.QUOTE_ALL),
        _yes_no(),
        (),
    ),
    "windows_1252.csv": (
        lambda: _csv([{**row, "note": "médecin"} for row in _yes_no()]).encode("cp1252"),
        _yes_no(),
        (),
    ),
    "utf_16.csv": (lambda: _csv(_triage(), delimiter="\t").encode("utf-16"), _triage(), ()),
    "titles_and_empty_rows.csv": (_titled, _yes_no(), ()),
    "stray_spaces.csv": (
        lambda: _csv([{k: f" {v} " for k, v in row.items()} for row in _triage()]),
        _triage(),
        (),
    ),
    "true_false.csv": (
        lambda: _csv(
            [{**row, "gold": "TRUE" if n % 2 else "FALSE"} for n, row in enumerate(_yes_no())]
        ),
        [{"gold": "TRUE" if n % 2 else "FALSE"} for n in range(NUM_ROWS)],
        (),
    ),
    "option_columns.csv": (
        lambda: _csv(_with_columns(_options(), ("A", "B", "C", "D"))),
        _options(),
        (),
    ),
    "numbered_options.csv": (
        lambda: _csv(
            _with_columns(
                [{**row, "gold": "ABCD".index(row["gold"]) + 1} for row in _options()],
                ("option1", "option2", "option3", "option4"),
            )
        ),
        _options(),
        (),
    ),
    "right_text.jsonl": (
        lambda: _lines(
            [
                {**row, "options": list(_TEXTS), "gold": _TEXTS["ABCD".index(row["gold"])]}
                for row in _options()
            ]
        ),
        _options(),
        (),
    ),
    "from_0.json": (lambda: json.dumps(_indexed(0)), _options(), ()),
    "from_1.json": (lambda: json.dumps(_indexed(1)), _options(), ()),
    "by_id.json": (lambda: json.dumps({row["id"]: row for row in _triage()}), _triage(), ()),
    "by_column.json": (
        lambda: json.dumps({name: [row[name] for row in _triage()] for name in _triage()[0]}),
        _triage(),
        (),
    ),
    "table.parquet": (lambda: _parquet(_triage()), _triage(), ()),
    "arabic_labels.jsonl": (
        lambda: _lines(
            [{**row, "gold": ("عاجل", "روتيني")[n % 2]} for n, row in enumerate(_yes_no())]
        ),
        [{"gold": ("عاجل", "روتيني")[n % 2]} for n in range(NUM_ROWS)],
        (),
    ),
    "own_headers.csv": (
        lambda: _csv(_renamed(_triage(), **_GERMAN), delimiter=";"),
        _triage(),
        ("id=Fall", "question=Text der Anfrage", "gold=Stufe"),
    ),
    "several_right.jsonl": (
        lambda: _lines(
            [
                {**row, "options": list(_TEXTS), "gold": row["gold"].split("+")}
                for row in _several("ABCD")
            ]
        ),
        _several("ABCD"),
        (),
    ),
    "letters_together.csv": (
        lambda: _csv(
            _with_columns(
                [{**row, "gold": row["gold"].replace("+", "")} for row in _several("ABCD")],
                ("A", "B", "C", "D"),
            )
        ),
        _several("ABCD"),
        (),
    ),
    "a_column_for_each_label.csv": (
        lambda: _csv(
            [
                {"id": row["id"], "question": row["question"]}
                | {sign: int(sign in row["gold"].split("+")) for sign in _SIGNS}
                for row in _several(_SIGNS)
            ]
        ),
        _several(_SIGNS),
        (),
    ),
    "compressed.csv.gz": (lambda: gzip.compress(_csv(_triage()).encode()), _triage(), ()),
    "headqa.json": (_exams, _exam_rows(), ()),
    "gpqa.csv": (lambda: _csv(_right_first()), _alphabetic(), ()),
    "options_in_one_cell.csv": (
        lambda: _csv(
            [{**row, "options": "A) x; B) y, or z; C) 5 mg; D) none"} for row in _options()]
        ),
        _options(),
        (),
    ),
    "options_marked_right.json": (
        lambda: json.dumps(
            [
                {"id": row["id"], "question": row["question"]}
                | {
                    "answers": [
                        {"text": t, "correct": row["gold"] == c}
                        for c, t in zip("ABCD", _TEXTS, strict=True)
                    ]
                }
                for row in _options()
            ]
        ),
        _options(),
        (),
    ),
    "question_inside.jsonl": (
        lambda: _lines(
            [
                {
                    "id": row["id"],
                    "data": {"Question": row["question"], "Options": _TEXTS}
                    | {"Correct Option": row["gold"]},
                }
                for row in _options()
            ]
        ),
        _options(),
        (),
    ),
    "texts_of_several.csv": (
        lambda: _csv(
            [
                {**row, **dict(zip("ABCD", _TEXTS, strict=True))}
                | {"gold": " | ".join(_TEXTS["ABCD".index(c)] for c in row["gold"].split("+"))}
                for row in _several("ABCD")
            ]
        ),
        _several("ABCD"),
        (),
    ),
    "markdown.md": (lambda: _markdown(_triage()), _triage(), ()),
    "set.tar.gz": (lambda: _tar(_triage()), _triage(), ()),
    "utf_32.csv": (lambda: _csv(_triage()).encode("utf-32"), _triage(), ()),
    "shift_jis.csv": (
        lambda: _csv(
            [{**row, "gold": ("はい", "いいえ")[n % 2]} for n, row in enumerate(_yes_no())]
        ).encode("cp932"),
        [{"gold": ("はい", "いいえ")[n % 2]} for n in range(NUM_ROWS)],
        (),
    ),
}
"""Name to what is in the file, the rows with the right answers, and the mapping it needs."""
