"""Rows as a dataset folder that the ``datasets`` library loads: Parquet by split, and a card.

``load_dataset("path/of/the/folder")`` reads it. The splits are those of the items; ``dev`` is
called ``validation`` there. The card's header names the files, as the Hub documents it
(https://huggingface.co/docs/hub/datasets-manual-configuration).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from db.exporters.files import with_label_lists

_SPLITS: Final = {"train": "train", "dev": "validation", "test": "test"}
_CARD_NAME: Final = "README.md"
_CARD: Final = """---
configs:
- config_name: default
  data_files:
{files}
---

# {title}

Exported from LlamaCare Review. {total} rows: {counts}. Columns: {columns}.
"""


def write_huggingface(reader: pa.RecordBatchReader, folder: Path) -> int:
    """Write a dataset folder and give the number of rows.

    Args:
        reader: Rows with a column ``split``.
        folder: An empty one; its name becomes the title of the card.
    """
    data = folder / "data"
    data.mkdir()
    counts: dict[str, int] = {}
    with ExitStack() as stack:
        writers: dict[str, pq.ParquetWriter] = {}
        for given in reader:
            batch = with_label_lists(given)
            for split, name in _SPLITS.items():
                rows = batch.filter(pc.equal(batch.column("split"), split))
                if rows.num_rows:
                    if name not in writers:
                        path = folder / _file_name(name)
                        writer = pq.ParquetWriter(path, reader.schema, compression="zstd")
                        writers[name] = stack.enter_context(writer)
                    writers[name].write_batch(rows)
                    counts[name] = counts.get(name, 0) + rows.num_rows
        if not writers:  # a dataset without a file cannot be loaded
            path = folder / _file_name("train")
            stack.enter_context(pq.ParquetWriter(path, reader.schema))
            counts["train"] = 0
    (folder / _CARD_NAME).write_text(_card(folder.name, counts, reader.schema), "utf-8")
    return sum(counts.values())


def is_unchanged_export(folder: Path) -> bool:
    """Return whether a folder holds an earlier export as it was written, and nothing else.

    The card names files, rows and columns: in a folder from elsewhere, or one that was edited
    since, it differs.
    """
    held = {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
    splits = [name for name in _SPLITS.values() if _file_name(name) in held]
    if not splits or held != {_CARD_NAME, "data", *map(_file_name, splits)}:
        return False
    try:
        files = {name: pq.ParquetFile(folder / _file_name(name)) for name in splits}
        card = (folder / _CARD_NAME).read_text("utf-8")
    except (OSError, ValueError, pa.ArrowException):
        return False
    counts = {name: file.metadata.num_rows for name, file in files.items()}
    return card == _card(folder.name, counts, files[splits[0]].schema_arrow)


def _file_name(split: str) -> str:
    return f"data/{split}-00000-of-00001.parquet"


def _card(title: str, counts: Mapping[str, int], schema: pa.Schema) -> str:
    found = {name: counts[name] for name in _SPLITS.values() if name in counts}
    files = "\n".join(f"  - split: {name}\n    path: {_file_name(name)}" for name in found)
    return _CARD.format(
        files=files,
        title=title,
        total=sum(found.values()),
        counts=", ".join(f"{name} {count}" for name, count in found.items()),
        columns=", ".join(f"`{name}`" for name in schema.names),
    )
