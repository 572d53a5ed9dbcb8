"""Tables that leave the page as files."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

from db.spreadsheets import inert_text

Cell = str | int | float | None


def csv_bytes(columns: Mapping[str, Sequence[Cell]]) -> bytes:
    """Write columns as CSV, UTF-8 with a mark at the start that Excel needs.

    No text in it runs in a spreadsheet; see ``db.spreadsheets``.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([inert_text(name) for name in columns])
    for row in zip(*columns.values(), strict=True):
        writer.writerow([inert_text(cell) if isinstance(cell, str) else cell for cell in row])
    return out.getvalue().encode("utf-8-sig")
