"""Tables: CSV and TSV of any dialect, spreadsheets and Parquet, each as rows by column name."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from string import ascii_uppercase
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from db.errors import ImportFileError
from db.importers.entries import Row
from db.importers.faults import FaultList
from db.importers.files import MAX_FILE_BYTES
from db.importers.guessing import guess_field
from db.spreadsheets import original_text

_DELIMITERS: Final = (",", ";", "\t", "|")
_NUM_SAMPLED: Final = 60
_MIN_FIT: Final = 0.5
"""Which fraction of the first lines have to have as many cells as each other."""
_MAX_STRANGE: Final = 0.4
_MIN_USUAL: Final = {"cp1251": 0.9, "cp932": 0.25, "gb18030": 0.8}
"""Which fraction of the characters of a text has to be in the usual script of an encoding."""
_MAX_TITLE_ROWS: Final = 10
PARQUET_MARK: Final = b"PAR1"
ARROW_MARK: Final = b"ARROW1"
ARROW_STREAM_MARK: Final = b"\xff\xff\xff\xff"
"""As Hugging Face saves a data set to disk."""
_BATCH_ROWS: Final = 2_000
_MAX_CELLS: Final = 20_000_000
"""Of a spreadsheet: a small file may unpack to more than memory holds."""

_OWN: Final = frozenset({"annotation_id", "run_id", "label_set"})
"""Columns of our own exports, of which texts are kept to the letter."""

Line = tuple[str, list[Any]]


def csv_rows(name: str, text: str, faults: FaultList) -> Iterator[Row]:
    """Yield the rows of a CSV or TSV text, whichever separator and quotes it uses."""
    dialect, text = _dialect(text)
    if _fit(text, dialect)[0] < _MIN_FIT:
        raise ImportFileError(
            f"{name} was not imported: it is text without columns. Expected a table (CSV, TSV, "
            "Excel, Parquet) or JSON."
        )
    csv.field_size_limit(max(csv.field_size_limit(), len(text)))
    return table_rows(_csv_lines(text, dialect, faults), faults)


def text_of_table(content: bytes) -> str:
    """Return a table that is no UTF-8: as Excel saves western, Cyrillic, Japanese or Chinese text.

    Nothing where it is in none of these: read as Windows-1252 it would be other words.
    """
    western = content.decode("cp1252", errors="replace")
    letters = re.findall(r"[^\W\d_a-zA-Z]", western)
    # In these languages two letters with accents seldom stand together, and signs are rarer still.
    joined = sum(len(run) for run in re.findall(r"[^\W\d_a-zA-Z]{2,}", western))
    signs = len(re.findall(r"[^\w\s\x00-\x7f“”„‘’‚–—…•·°µ€£§«»¿¡±²³\xa0]", western))
    if joined + signs <= _MAX_STRANGE * (len(letters) + signs):
        return western
    cyrillic = content.decode("cp1251", errors="replace")
    if _is_cyrillic(cyrillic):
        return cyrillic
    for encoding, usual in (("cp932", r"[\u3041-\u30ff]"), ("gb18030", r"[\u4e00-\u9fff]")):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        foreign = re.findall(r"[^\x00-\x7f]", text)
        if len(re.findall(usual, text)) > _MIN_USUAL[encoding] * len(foreign):
            return text
    return ""


def _is_cyrillic(text: str) -> bool:
    """Return whether bytes read as Windows-1251 are Cyrillic words, and not another alphabet.

    Of Chinese, Greek and Arabic bytes capitals stand inside words, of KOI8 nearly all are capitals,
    and of Hebrew ones none is among the last letters.
    """
    foreign, letters = re.findall(r"[^\x00-\x7f]", text), re.findall(r"[\u0400-\u04ff]", text)
    inside = re.findall(r"[\u0430-\u045f][\u0400-\u042f]", text)
    small = re.findall(r"[\u0430-\u045f]", text)
    return (
        len(letters) > _MIN_USUAL["cp1251"] * len(foreign)
        and len(inside) < 0.02 * len(letters)
        and 2 * len(small) > len(letters)
        and bool(re.search(r"[\u044a-\u044f]", text))
    )


def table_rows(lines: Iterable[Line], faults: FaultList) -> Iterator[Row]:
    """Yield rows by column name: titles, empty lines and columns without anything are left out."""
    filled = ((place, cells) for place, cells in lines if any(_is_filled(cell) for cell in cells))
    filled = (line for line in filled if not _is_ruler(line[1]))
    first = list(islice(filled, _NUM_SAMPLED))
    if not first:
        return
    header, start = _header(first, faults)
    is_exact = {"item_id"} < set(header) and not _OWN.isdisjoint(header)
    num_rows = 0
    for place, cells in _chained(first[start:], filled):
        num_rows += 1
        surplus = [cell for cell in cells[len(header) :] if _is_filled(cell)]
        if surplus:
            faults.add(place, "has more cells than the header has columns")
        elif len(cells) < len(header):
            faults.add(place, "has fewer cells than the header has columns")
        else:
            pairs = zip(header, cells, strict=False)
            yield place, {name: cell if is_exact else _plain(cell) for name, cell in pairs}
    if num_rows == 0:
        faults.add("the whole file", "a header without any line after it")


def sheet_rows(path: Path, faults: FaultList) -> tuple[str, Iterator[Row]]:
    """Return which sheets of a workbook are read, in words, and their rows.

    They are the sheets with the header that names most known fields: cover pages and notes have
    none, and a table may go on in further sheets.
    """
    with _explained(path):
        workbook = CalamineWorkbook.from_path(path)
        sheets = [sheet for sheet in _sheets(path, workbook) if sheet.height > 1]
        if not sheets:
            raise ImportFileError(f"{path.name} cannot be imported: no sheet in it has any rows.")
        headers = [_sheet_header(sheet) for sheet in sheets]
        best = max(headers, key=_num_known)
        chosen = [sheet for sheet, header in zip(sheets, headers, strict=True) if header == best]
    kind = "an Excel sheet" if len(sheets) == 1 else f"{len(chosen)} of {len(sheets)} Excel sheets"

    def rows() -> Iterator[Row]:
        with _explained(path):
            for sheet in chosen:
                before = f"{sheet.name!a}, " if len(chosen) > 1 else ""
                for place, row in table_rows(_sheet_lines(sheet), faults):
                    yield before + place, row

    return kind, rows()


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except (CalamineError, OSError, ValueError) as error:
        raise ImportFileError(
            f"{path.name} cannot be imported: it begins as a spreadsheet and cannot be read as one "
            f"({str(error)[:120]}). Save it again, as XLSX or CSV."
        ) from error


def _sheets(path: Path, workbook: CalamineWorkbook) -> Iterator[CalamineSheet]:
    num_cells = 0
    for name in workbook.sheet_names:
        sheet = workbook.get_sheet_by_name(name)
        num_cells += sheet.total_height * sheet.total_width
        if num_cells > _MAX_CELLS:
            raise ImportFileError(
                f"{path.name} cannot be imported: its sheets have {num_cells:,} cells, at most "
                f"{_MAX_CELLS:,} are allowed. Save it as CSV, or remove what it does not need."
            )
        yield sheet


def _sheet_header(sheet: CalamineSheet) -> list[str]:
    """Return the cells of the header of a sheet."""
    lines = (line for line in _sheet_lines(sheet) if any(map(_is_filled, line[1])))
    first = list(islice(lines, _NUM_SAMPLED))
    return [str(cell or "").strip() for cell in first[_header_position(first)][1]] if first else []


def _sheet_lines(sheet: CalamineSheet) -> Iterator[Line]:
    """Yield the lines of a sheet; a cell merged over several rows has its value in each."""
    first_row, first_column = sheet.start or (0, 0)
    below = {
        (row, start[1]): start
        for start, end in sheet.merged_cell_ranges or ()
        for row in range(start[0] + 1, end[0] + 1)
    }
    merged: dict[tuple[int, int], Any] = {}
    for row, line in enumerate(sheet.iter_rows(), start=first_row):
        cells = list(line)
        for place, cell in enumerate(cells):
            at = (row, place + first_column)
            cells[place] = merged[at] = merged.get(below[at], cell) if at in below else cell
        yield f"row {row + 1}", cells


def parquet_rows(path: Path) -> Iterator[Row]:
    """Yield the rows of a Parquet file, batch by batch."""
    try:
        file = pq.ParquetFile(path)
        size = sum(
            file.metadata.row_group(group).total_byte_size for group in range(file.num_row_groups)
        )
        if size > MAX_FILE_BYTES:
            raise ImportFileError(
                f"{path.name} cannot be imported: it unpacks to {size:,} bytes, at most "
                f"{MAX_FILE_BYTES:,} are allowed. Split it into several files."
            )
        number = 0
        for batch in file.iter_batches(_BATCH_ROWS):
            for row in batch.to_pylist():
                number += 1
                yield f"row {number}", row
    except (pa.ArrowException, OSError, ValueError) as error:
        raise ImportFileError(
            f"{path.name} cannot be imported: it begins as Parquet and cannot be read as such "
            f"({str(error)[:120]}). Write or download it again."
        ) from error


def arrow_rows(path: Path) -> Iterator[Row]:
    """Yield the rows of an Arrow file or stream, batch by batch."""
    try:
        with pa.OSFile(str(path)) as file:
            is_stream = file.read(len(ARROW_STREAM_MARK)) == ARROW_STREAM_MARK
            file.seek(0)
            reader = pa.ipc.open_stream(file) if is_stream else pa.ipc.open_file(file)
            count = itertools.count(1)
            places = range(0 if is_stream else reader.num_record_batches)
            for batch in reader if is_stream else map(reader.get_batch, places):
                batch.validate(full=True)  # what comes from elsewhere may point outside itself
                for row in batch.to_pylist():
                    yield f"row {next(count)}", row
    except (pa.ArrowException, OSError, ValueError) as error:
        raise ImportFileError(
            f"{path.name} cannot be imported: it begins as an Arrow file and cannot be read as one "
            f"({str(error)[:120]}). Write it again, or save it as Parquet."
        ) from error


def _dialect(text: str) -> tuple[dict[str, Any], str]:
    """Return how a text separates and quotes its cells, and the text without Excel's ``sep=``."""
    stated = re.match(r"\s*\"?sep=(.)\"?\r?\n", text)
    if stated:
        return {"delimiter": stated[1]}, text[stated.end() :]
    quotes = ['"', "'"] if re.match(r"\s*'[^'\n]*'\s*[,;\t|]", text) else ['"']
    candidates = [
        {"delimiter": delimiter, "quotechar": quote, **escape}
        for quote in reversed(quotes)
        for escape in ({}, {"escapechar": "\\"} if '\\"' in text else {})
        for delimiter in _DELIMITERS
    ]
    return max(candidates, key=lambda candidate: _fit(text, candidate)), text


def _fit(text: str, dialect: dict[str, Any]) -> tuple[float, int]:
    """Return which fraction of the first rows have as many cells as most, and that number."""
    widths: Counter[int] = Counter()
    try:
        for cells in islice(csv.reader(io.StringIO(text, newline=""), **dialect), _NUM_SAMPLED):
            if any(cell.strip() for cell in cells):
                widths[len(cells)] += 1
    except csv.Error:
        return 0.0, 0
    if not widths:
        return 0.0, 0
    width, count = max(widths.items(), key=lambda pair: (pair[1], pair[0]))
    return (count / widths.total() if width > 1 else 0.0), width


def _csv_lines(text: str, dialect: dict[str, Any], faults: FaultList) -> Iterator[Line]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, **dialect)
    begun = 1
    try:
        for cells in reader:
            yield f"line {begun}", [original_text(cell) for cell in cells]
            begun = reader.line_num + 1
    except csv.Error as error:
        faults.add(f"line {begun}", f"no valid CSV: {error}")


def _header(first: Sequence[Line], faults: FaultList) -> tuple[list[str], int]:
    """Return the column names, and where the rows begin; a table without header gets names."""
    if _is_lettered(first):
        options = ascii_uppercase[: len(first[0][1]) - 2]
        return ["question", *options, "gold"], 0
    start = _header_position(first)
    names = [" ".join(str(cell or "").split()) for cell in first[start][1]]
    while names and not names[-1]:
        names.pop()
    named = [name or f"column {number}" for number, name in enumerate(names, start=1)]
    for name, count in Counter(named).items():
        if count > 1 and guess_field(name) is not None:
            faults.add(first[start][0], f"the header names {name!a} more than once")
    earlier = [named[:place].count(name) for place, name in enumerate(named)]
    pairs = zip(named, earlier, strict=True)
    return [f"{name} ({count + 1})" if count else name for name, count in pairs], start + 1


def _header_position(first: Sequence[Line]) -> int:
    """Return the row that names most known fields among the first; titles come before it."""
    width = Counter(_num_filled(cells) for _, cells in first).most_common(1)[0][0]
    candidates = range(min(len(first), _MAX_TITLE_ROWS))
    seen = Counter((place, str(cell)) for _, cells in first for place, cell in enumerate(cells))
    # A cell that comes again in its column, such as "no", is no name of it.
    single = [
        [cell for place, cell in enumerate(first[at][1]) if seen[place, str(cell)] == 1]
        for at in candidates
    ]
    known = [_num_known(cells) for cells in single]
    if sum(max(known)) > 1:
        return known.index(max(known))
    return next((at for at in candidates if _num_filled(first[at][1]) >= min(width, 2)), 0)


def _num_known(cells: Sequence[Any]) -> tuple[int, int]:
    """Return how many fields a row names, and options; letters and numbers alone name none."""
    fields = [guess_field(str(cell)) for cell in cells]
    named = sum(field not in (None, "options") for field in fields)
    return named, fields.count("options") if named else 0


def _is_lettered(first: Sequence[Line]) -> bool:
    """Return whether every row, the first too, is a question, options and a letter, as in MMLU."""
    width = len(first[0][1])
    letters = ascii_uppercase[: max(width - 2, 0)]
    return (
        len(letters) > 1
        and all(
            len(cells) == width and len(str(cells[-1])) == 1 and str(cells[-1]) in letters
            for _, cells in first
        )
        and guess_field(str(first[0][1][0])) is None
    )


def _is_ruler(cells: Sequence[Any]) -> bool:
    """Return whether a line is the one below a header of Markdown: ``|---|:---:|``."""
    texts = [str(cell).strip() for cell in cells if _is_filled(cell)]
    return len(texts) > 1 and all(re.fullmatch(r":?-{2,}:?", text) for text in texts)


def _num_filled(cells: Sequence[Any]) -> int:
    return sum(_is_filled(cell) for cell in cells)


def _is_filled(cell: Any) -> bool:
    return bool(_plain(cell) != "")


def _plain(cell: Any) -> Any:
    """Return a cell without what is around its text; nothing as an empty text."""
    return "" if cell is None else cell.strip() if isinstance(cell, str) else cell


def _chained(first: Iterable[Line], rest: Iterable[Line]) -> Iterator[Line]:
    yield from first
    yield from rest
