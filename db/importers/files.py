"""Reading files from elsewhere: text, JSON, JSON lines and CSV."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from db.conversions import parse_json
from db.errors import ImportFileError
from db.importers.faults import FaultList

MAX_FILE_BYTES = 1_000_000_000
"""A file is read whole, so that it is imported either completely or not at all."""


def read_bytes(path: Path) -> bytes:
    """Read a file.

    Raises:
        ImportFileError: It is missing, no file, empty, too large or not readable.
    """
    try:
        if not path.is_file():
            found = "a folder" if path.is_dir() else "nothing"
            raise ImportFileError(
                f"{path} cannot be imported: expected a file there, found {found}. "
                "Check the name, or unpack the folder's file."
            )
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise ImportFileError(
                f"{path.name} cannot be imported: it has {size:,} bytes, at most "
                f"{MAX_FILE_BYTES:,} are allowed. Split it into several files."
            )
        content = path.read_bytes()
    except OSError as error:
        raise ImportFileError(
            f"{str(path)[:200]} cannot be read: {error.strerror}. Give access to it, or check its "
            "name."
        ) from error
    if not content.strip():
        raise ImportFileError(f"{path.name} cannot be imported: the file is empty.")
    return content


def read_text(path: Path) -> str:
    """Read a file as UTF-8, with or without a byte order mark.

    Raises:
        ImportFileError: As ``read_bytes``, or it is no UTF-8 text.
    """
    content = read_bytes(path)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise not_utf8(path, content, error) from error


def not_utf8(path: Path, content: bytes, error: UnicodeDecodeError) -> ImportFileError:
    """Return the error about a file whose content is no UTF-8 text."""
    line = content.count(b"\n", 0, error.start) + 1
    return ImportFileError(
        f"{path.name} cannot be imported: it is no UTF-8 text (line {line}, byte "
        f"{content[error.start]:#04x} at offset {error.start}). Save it as UTF-8."
    )


def read_json(path: Path, faults: FaultList) -> Any:
    """Read a file that is one JSON value; a key given twice in an object is noted as a fault.

    Raises:
        ImportFileError: As ``read_text``, or it is no JSON.
    """
    return read_json_text(path, read_text(path), faults)


def read_json_text(path: Path, text: str, faults: FaultList) -> Any:
    """Read the text of a file as ``read_json`` does."""
    repeated: list[str] = []
    try:
        value = _parse(text, repeated)
    except ValueError as error:
        raise ImportFileError(
            f"{path.name} cannot be imported: it is no valid JSON. {error}."
        ) from error
    for key in repeated:
        faults.add(f"key {key!r}", "given twice in one object")
    return value


def read_json_lines(path: Path, faults: FaultList) -> Iterator[tuple[str, Any]]:
    """Yield each line's place and JSON value; empty lines are skipped, faults noted.

    Raises:
        ImportFileError: As ``read_text``.
    """
    return read_lines(read_text(path), faults)


def read_lines(text: str, faults: FaultList) -> Iterator[tuple[str, Any]]:
    """Yield each line of a text as ``read_json_lines`` does."""
    # Not splitlines(): JSON text may hold U+2028 and its like, which are no line ends here.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        place = f"line {number}"
        repeated: list[str] = []
        try:
            value = _parse(line, repeated)
        except ValueError as error:
            faults.add(place, f"no valid JSON: {error}")
            continue
        for key in repeated:
            faults.add(place, f"key {key!r} given twice in one object")
        yield place, value


def read_csv(
    path: Path, faults: FaultList, *, columns: Sequence[str] = ()
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each line's place and its cells by column; faults of the form are noted.

    Args:
        columns: What the header has to name; where it does not, no line is given.

    Raises:
        ImportFileError: As ``read_text``.
    """
    text = read_text(path)
    csv.field_size_limit(max(csv.field_size_limit(), len(text)))
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        header = list(reader.fieldnames or ())
        lacking = [name for name in columns if name not in header]
        if lacking:
            faults.add("line 1", f"the header lacks {', '.join(lacking)}")
        twice = [name for name, count in Counter(header).items() if count > 1]
        if twice:
            faults.add("line 1", f"the header names {', '.join(map(ascii, twice))} more than once")
        if lacking or twice:
            return
        is_empty = True
        for row in reader:
            is_empty = False
            place = f"line {reader.line_num}"
            if None in row:
                surplus = ascii(row[None])[:60]
                faults.add(
                    place, f"cells beyond the header: Extra inputs are not permitted ({surplus})"
                )
                continue
            if None in row.values():
                given = sum(cell is not None for cell in row.values())
                faults.add(place, f"{given} cells, but the header has {len(header)}")
                continue
            yield place, row
        if is_empty:
            faults.add("the whole file", "a header without any line after it")
    except csv.Error as error:
        faults.add(f"line {reader.line_num}", f"no valid CSV: {error}")


def describe_json(value: Any) -> str:
    """Describe what kind of JSON value was found where another kind was expected."""
    if value in ({}, []):
        return "an empty object" if isinstance(value, dict) else "an empty list"
    names = {dict: "an object", list: "a list", str: "a text", bool: "a truth value"}
    return names.get(type(value), "null" if value is None else "a number")


def _parse(text: str, repeated: list[str]) -> Any:
    def collect(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        collected: dict[str, Any] = {}
        for key, value in pairs:
            if key in collected:
                repeated.append(key)
            collected[key] = value
        return collected

    return parse_json(text, collect, has_nan=True)
