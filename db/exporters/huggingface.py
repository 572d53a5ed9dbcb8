"""Rows as a dataset folder that the ``datasets`` library loads: Parquet by split, and a card.

``load_dataset("path/of/the/folder")`` reads it. The splits are those of the items; ``dev`` is
called ``validation`` there. The card's header names the files, as the Hub documents it
(https://huggingface.co/docs/hub/datasets-manual-configuration).
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

_SPLITS: Final = {"train": "train", "dev": "validation", "test": "test"}
_CARD = """---
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
        folder: Created where missing; its files are replaced.
    """
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    for old in data.glob("*.parquet"):
        old.unlink()
    counts: dict[str, int] = {}
    with ExitStack() as stack:
        writers: dict[str, pq.ParquetWriter] = {}
        for batch in reader:
            for split, name in _SPLITS.items():
                rows = batch.filter(pc.equal(batch.column("split"), split))
                if rows.num_rows:
                    if name not in writers:
                        path = data / f"{name}-00000-of-00001.parquet"
                        writer = pq.ParquetWriter(path, reader.schema, compression="zstd")
                        writers[name] = stack.enter_context(writer)
                    writers[name].write_batch(rows)
                    counts[name] = counts.get(name, 0) + rows.num_rows
        if not writers:  # a dataset without a file cannot be loaded
            path = data / "train-00000-of-00001.parquet"
            stack.enter_context(pq.ParquetWriter(path, reader.schema))
            counts["train"] = 0
    (folder / "README.md").write_text(_card(folder.name, counts, reader.schema), "utf-8")
    return sum(counts.values())


def _card(title: str, counts: dict[str, int], schema: pa.Schema) -> str:
    files = "\n".join(
        f"  - split: {name}\n    path: data/{name}-00000-of-00001.parquet" for name in counts
    )
    return _CARD.format(
        files=files,
        title=title,
        total=sum(counts.values()),
        counts=", ".join(f"{name} {count}" for name, count in counts.items()),
        columns=", ".join(f"`{name}`" for name in schema.names),
    )
