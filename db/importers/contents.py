"""What a file is by its bytes: a table, JSON in one of its arrangements, or something else."""

from __future__ import annotations

import json
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from db.conversions import parse_json
from db.errors import ImportFileError
from db.importers.entries import Row
from db.importers.faults import FaultList
from db.importers.file_names import SPLITS
from db.importers.files import MAX_FILE_BYTES, not_utf8, read_bytes, read_json_text, read_lines
from db.importers.guessing import guess_mapping
from db.importers.paths import value_at
from db.importers.readers.tables import (
    ARROW_MARK,
    ARROW_STREAM_MARK,
    PARQUET_MARK,
    arrow_rows,
    csv_rows,
    parquet_rows,
    sheet_rows,
    table_rows,
    text_of_table,
)
from db.importers.unpacking import is_data, read_member

_BINARIES: Final = (
    (b"%PDF", "a PDF document", "Copy its table into a spreadsheet."),
    (b"\x89PNG", "a PNG image", "Import the text it shows."),
    (b"\xff\xd8\xff", "a JPEG image", "Import the text it shows."),
    (b"GIF8", "a GIF image", "Import the text it shows."),
    (b"\x1f\x8b", "a gzip archive", "Unpack it first."),
    (b"BZh", "a bzip2 archive", "Unpack it first."),
    (b"\xfd7zXZ", "an xz archive", "Unpack it first."),
    (b"(\xb5/\xfd", "a zstd archive", "Unpack it first."),
    (b"7z\xbc\xaf", "a 7z archive", "Unpack it first."),
    (b"Rar!", "a RAR archive", "Unpack it first."),
    (b"SQLite format 3", "an SQLite database", "Export the table as CSV."),
    (b"GGUF", "the weights of a model", "Use it as a base model, on the Training page."),
    (b"\x89HDF", "an HDF5 file", "Export the table as CSV or Parquet."),
    (b"\x93NUMPY", "a NumPy array", "Export it as CSV or JSON."),
    *(
        (mark, "a Python pickle, which is never opened", "Save it as JSON or Parquet.")
        for mark in (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
    ),
    (b"$FL2", "an SPSS file", "Save it as CSV."),
    (b"<stata_dta>", "a Stata file", "Save it as CSV."),
    (b"RDX", "an R data file", "Save it as CSV."),
    (b"X\n\0\0\0", "an R data file", "Save it as CSV."),
    (b"{\\rtf", "an RTF document", "Copy its table into a spreadsheet."),
    (b"<!DOCTYPE", "a web page", "Save the data, not the page that shows it."),
    (b"<html", "a web page", "Save the data, not the page that shows it."),
    (b"<?xml", "an XML file", "Export the table as CSV or JSON."),
    (b"version https://git-lfs", "a Git LFS pointer, not the data", "Fetch it with git lfs pull."),
)
_ZIPS: Final = (
    ("word/document.xml", "a Word document", "Copy its table into a spreadsheet."),
    ("ppt/presentation.xml", "a PowerPoint file", "Copy its table into a spreadsheet."),
    ("data.pkl", "the weights of a model", "Use it as a base model, on the Training page."),
)
_SPREADSHEETS: Final = ("xl/workbook.xml", "xl/workbook.bin", "content.xml")
_DAMAGED: Final = (
    *(ValueError, OSError, RuntimeError, NotImplementedError),
    *(zipfile.BadZipFile, zlib.error),
)
_IN_FOLDERS: Final = (".parquet", ".arrow", ".jsonl", ".json", ".csv", ".tsv")
_LISTS: Final = (
    "request_states",
    "testCases",
    "test_cases",
    "results.results",
    "samples",
    "questions",
    "predictions",
    "data",
    "rows",
    "records",
    "items",
    "examples",
    "annotations",
)
"""Where in a JSON object its rows are."""
_MIN_ZEROS: Final = 0.8
_MARKUP: Final = re.compile(rb"<[a-zA-Z][^<>]*>")
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


@dataclass(frozen=True)
class Contents:
    """The rows of a file, and what it is in words."""

    kind: str
    rows: Iterator[Row]
    around: Mapping[str, Any] = field(default_factory=dict)
    """The JSON object that holds the list of rows."""


def open_contents(path: Path, faults: FaultList) -> Contents:
    """Return the rows of a file or of a dataset folder, read as they are asked for.

    Raises:
        ImportFileError: It is nothing that holds rows; the message names what it is.
    """
    if path.is_dir():
        return _folder(path, faults)
    content = read_bytes(path)
    if content.startswith(PARQUET_MARK):
        return Contents("a Parquet file", parquet_rows(path))
    if content.startswith(b"PK\x03\x04"):
        return _zip(path, faults)
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        return Contents(*sheet_rows(path, faults))
    if content.startswith((ARROW_MARK, ARROW_STREAM_MARK)):
        return Contents("an Arrow file", arrow_rows(path))
    _refuse_binary(path, content)
    text = _decoded(path, content)
    if text.lstrip()[:1] in ("{", "["):
        return _json(path, text, faults)
    return Contents("a table", csv_rows(path.name, text, faults))


def first_rows(contents: Contents, count: int) -> tuple[list[Row], Iterator[Row]]:
    """Return the first rows, and all of them."""
    first = list(islice(contents.rows, count))
    return first, chain(first, contents.rows)


def divided(first: list[Row], rows: Iterator[Row], count: int) -> tuple[list[Row], Iterator[Row]]:
    """Return a row for each question where each row has a list of them, as a patient may have.

    What else a row says goes with each of its questions, but for its id.
    """
    found = next((value for _, value in first if isinstance(value, dict)), {})
    names = [
        name
        for name, part in found.items()
        if isinstance(part, list)
        and part
        and isinstance(part[0], dict)
        and "question" in guess_mapping(list(part[0]))
    ]
    if len(names) != 1 or "question" in guess_mapping(list(found)):
        return first, rows
    (name,) = names
    outer = guess_mapping(list(found)).get("id")

    def each() -> Iterator[Row]:
        for place, row in rows:
            parts = row.get(name) if isinstance(row, dict) else None
            if not isinstance(parts, list):
                yield place, row
                continue
            kept = {key: value for key, value in row.items() if key not in (name, outer)}
            for number, part in enumerate(parts, start=1):
                both = {**kept, **part} if isinstance(part, dict) else part
                yield f"{place}, question {number}", both

    made = each()
    again = list(islice(made, count))
    return again, chain(again, made)


def _refuse_binary(path: Path, content: bytes) -> None:
    start = content.lstrip()[:64]
    for prefix, name, advice in _BINARIES:
        if start.lower().startswith(prefix.lower()):
            raise ImportFileError(f"{path.name} was not imported: it is {name}. {advice}")
    if _MARKUP.match(start):
        raise ImportFileError(
            f"{path.name} was not imported: it is an XML or HTML file. Export the table as CSV or "
            "JSON."
        )
    if content[8:12] == b"DUCK":
        raise ImportFileError(
            f"{path.name} was not imported: it is a DuckDB database. Export the table as CSV."
        )
    if not _utf16_of(content) and _CONTROL.search(content[:65_536]):
        raise ImportFileError(
            f"{path.name} was not imported: it is a binary file of an unknown kind (it begins with "
            f"{content[:8].hex(' ')}). Expected text (CSV, TSV, JSON), Excel or Parquet."
        )


def _utf16_of(content: bytes) -> str:
    """Return which UTF-16, or UTF-32, a text is in: by its mark, or as every other byte is 0."""
    if content.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        return "utf-32"
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    even, odd = content[:400:2], content[1:400:2]
    if len(odd) > 1 and not even.count(0) and odd.count(0) > _MIN_ZEROS * len(odd):
        return "utf-16-le"
    is_big = len(odd) > 1 and not odd.count(0) and even.count(0) > _MIN_ZEROS * len(even)
    return "utf-16-be" if is_big else ""


def _decoded(path: Path, content: bytes) -> str:
    """Return the text of a file in UTF-8, UTF-16 with its mark or, for tables, Windows-1252."""
    utf16 = _utf16_of(content)
    if utf16:
        return content.decode(utf16, errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        text = "" if content.lstrip()[:1] in (b"{", b"[") else text_of_table(content)
        if text:
            return text
        raise not_utf8(path, content, error) from error


def _zip(path: Path, faults: FaultList) -> Contents:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            size = sum(info.file_size for info in archive.infolist())
            kind = _mimetype(archive) if "mimetype" in names else b""
    except _DAMAGED as error:
        raise ImportFileError(
            f"{path.name} was not imported: it is a damaged ZIP archive ({error}). Download or "
            "save it again."
        ) from error
    if size > MAX_FILE_BYTES:
        raise ImportFileError(
            f"{path.name} cannot be imported: it unpacks to {size:,} bytes, at most "
            f"{MAX_FILE_BYTES:,} are allowed. Split it into several files."
        )
    for member, name, advice in _ZIPS:
        if any(found.endswith(member) for found in names):
            raise ImportFileError(f"{path.name} was not imported: it is {name}. {advice}")
    if b"opendocument" in kind and b"spreadsheet" not in kind:
        raise ImportFileError(
            f"{path.name} was not imported: it is an OpenDocument file without a spreadsheet. "
            "Copy its table into one."
        )
    if any(name in names for name in _SPREADSHEETS):
        return Contents(*sheet_rows(path, faults))
    if "header.json" in names and any(name.startswith("samples/") for name in names):
        return _inspect_log(path, sorted(names))
    raise ImportFileError(
        f"{path.name} was not imported: it is a ZIP archive with {len(names)} files (first: "
        f"{', '.join(map(ascii, names[:3]))}). Unpack it, and import the file that holds the data."
    )


def _mimetype(archive: zipfile.ZipFile) -> bytes:
    with archive.open("mimetype") as file:
        return file.read(80)


def _inspect_log(path: Path, names: list[str]) -> Contents:
    def samples() -> Iterator[Row]:
        with zipfile.ZipFile(path) as archive:
            for name in names:
                if name.startswith("samples/") and name.endswith(".json"):
                    yield name, _member(path, archive, name)

    with zipfile.ZipFile(path) as archive:
        around = _member(path, archive, "header.json")
    return Contents("an Inspect log", samples(), around if isinstance(around, dict) else {})


def _member(path: Path, archive: zipfile.ZipFile, name: str) -> Any:
    try:
        return parse_json(read_member(archive, archive.getinfo(name)))
    except (*_DAMAGED, pa.ArrowException) as error:
        raise ImportFileError(
            f"{path.name} was not imported: its part {name!a} cannot be read ({str(error)[:120]}). "
            "Download or write the log again."
        ) from error


def _folder(path: Path, faults: FaultList) -> Contents:
    """Return the rows of a dataset folder: each data file in it, its name giving the split."""
    files = sorted(
        file
        for file in path.rglob("*")
        if file.suffix.lower() in _IN_FOLDERS and is_data(file.name)
    )
    files = [file for file in files if file.is_file()]
    if not files:
        raise ImportFileError(
            f"{path} cannot be imported: expected a file there, found a folder without data files "
            f"({', '.join(_IN_FOLDERS)}). Check the name, or unpack the folder's file."
        )

    def rows() -> Iterator[Row]:
        for file in files:
            split = _split_of(file)
            for place, row in open_contents(file, faults).rows:
                has_split = isinstance(row, dict) and "split" not in row and split
                yield f"{file.name}, {place}", {**row, "split": split} if has_split else row

    return Contents("a dataset folder", rows())


def _split_of(file: Path) -> str:
    """Return the split that the beginning of a file's name or its folder says, or nothing."""
    words = [re.match(r"[a-z]*", name.lower()) for name in (file.name, file.parent.name)]
    return next((word[0] for word in words if word and word[0] in SPLITS), "")


def _json(path: Path, text: str, faults: FaultList) -> Contents:
    lines = [line for line in text.split("\n", 40) if line.strip()]
    if len(lines) > 1 and _is_json_object(lines[0]):
        return Contents("JSON lines", read_lines(text, faults))
    try:
        value = read_json_text(path, text, faults)
    except ImportFileError:
        values = _one_after_another(text)
        if len(values) < 2:
            raise
        return Contents("JSON objects", _numbered(values))
    if isinstance(value, list):
        if value and all(isinstance(row, list) for row in value):
            return Contents("a JSON list", table_rows(_numbered(value), faults))
        return Contents("a JSON list", _numbered(value))
    if isinstance(exams := value.get("exams"), dict):  # of HEAD-QA, by their names
        return Contents("a JSON object", _rows_of_object(exams))
    for place in (*_LISTS, *_only_list(value)):
        found = value_at(value, place)
        if isinstance(found, list) and found and isinstance(found[0], dict):
            around = {key: inner for key, inner in value.items() if key != place.split(".")[0]}
            return Contents("a JSON object", _numbered(found), around)
    if len(lines) == 1 and path.suffix == ".jsonl":
        return Contents("JSON lines", iter([("line 1", value)]), value)
    return Contents("a JSON object", _rows_of_object(value), value)


def _one_after_another(text: str) -> list[Any]:
    """Return the objects of a text that writes each over several lines; none where it is none."""
    decoder, values, start = json.JSONDecoder(), [], 0
    try:
        while found := re.compile(r"\s*(?=[{\[])").match(text, start):
            _, end = decoder.raw_decode(text, found.end())
            values.append(parse_json(text[found.end() : end]))
            start = end
    except (ValueError, RecursionError):
        return []
    return [] if text[start:].strip() else values


def _only_list(value: Mapping[str, Any]) -> list[str]:
    """Return the name of the only list of objects in an object that is no row itself."""
    names = [
        name
        for name, part in value.items()
        if isinstance(part, list) and part and isinstance(part[0], dict)
    ]
    return names if len(names) == 1 and "question" not in guess_mapping(list(value)) else []


def _is_json_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _numbered(values: Iterable[Any]) -> Iterator[Row]:
    for number, value in enumerate(values, start=1):
        yield f"entry {number}", value


def _rows_of_object(value: Mapping[str, Any]) -> Iterator[Row]:
    """Yield the rows of an object: one for each key, one for each position of its lists, or it."""
    parts = list(value.values())
    columns, table = value.get("columns"), value.get("data")
    if isinstance(columns, list) and isinstance(table, list):
        yield from _numbered(dict(zip(columns, row, strict=False)) for row in table)
    elif len(parts) > 1 and all(isinstance(part, list) and len(part) > 1 for part in parts):
        yield from _numbered(
            dict(zip(value, row, strict=False)) for row in zip(*parts, strict=False)
        )
    elif parts and all(isinstance(part, dict) for part in parts) and "doc" not in value:
        for key, part in value.items():
            yield f"entry {key!a}", {"id": key, **part}
    else:
        yield "line 1", dict(value)
