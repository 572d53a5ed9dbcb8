"""Formats that ``load_dataset`` of the ``datasets`` library reads as a folder.

https://huggingface.co/docs/hub/datasets-manual-configuration
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from training.data.build import Build, BuiltRecord
from training.data.formats.tables import (
    Format,
    Rows,
    by_label_set,
    rows_by_fold,
    write_text,
)

_CHAT = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
_SCHEMA: Final = pa.schema(
    [
        ("item_id", pa.string()),
        ("messages", _CHAT),
        ("category", pa.string()),
        ("labels", pa.list_(pa.string())),
        ("source", pa.string()),
        ("step", pa.string()),
        ("label_origin", pa.string()),
        ("is_corrected", pa.bool_()),
        ("num_shots", pa.int32()),
        ("shot_item_ids", pa.list_(pa.string())),
    ]
)


_CLASSES: Final = """# Texts and classes

`text` is a question with its context and `item_id` its id. `label` is the number of its class and
`label_text` the name, which `load_dataset(FOLDER, CONFIG)["train"].features["label"]` knows too. A
configuration is a label set."""


def _write_huggingface(tables: Rows, build: Build, folder: Path) -> list[Path]:
    """Write Parquet files where the hub's loaders look for them, and a card."""
    (folder / "data").mkdir()
    paths = {name: folder / "data" / f"{name}-00000-of-00001.parquet" for name in tables}
    for name, rows in tables.items():
        _write_parquet(rows, _SCHEMA, paths[name])
    sizes = {name: (len(tables[name]), path.stat().st_size) for name, path in paths.items()}
    return [*paths.values(), write_text(folder / "README.md", _card(build, sizes))]


def _write_parquet(rows: Sequence[Mapping[str, Any]], schema: pa.Schema, path: Path) -> None:
    pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), path, compression="zstd")


def _card(build: Build, sizes: Mapping[str, tuple[int, int]]) -> str:
    splits = [
        line
        for name, (num_records, num_bytes) in sizes.items()
        for line in (
            f"  - name: {name}",
            f"    num_bytes: {num_bytes}",
            f"    num_examples: {num_records}",
        )
    ]
    total = sum(num_bytes for _, num_bytes in sizes.values())
    header = [
        "---",
        "task_categories:",
        "- question-answering",
        "- text-classification",
        "tags:",
        "- medical",
        "configs:",
        "- config_name: default",
        "  data_files:",
        *(
            line
            for name in sizes
            for line in (f"  - split: {name}", f"    path: data/{name}-*.parquet")
        ),
        "dataset_info:",
        "  features:",
        *_features(),
        "  splits:",
        *splits,
        f"  download_size: {total}",
        f"  dataset_size: {total}",
        "---",
    ]
    counts = Counter(record.category for record in build.records)
    shown = ", ".join(f"{label} {count}" for label, count in sorted(counts.items()))
    shots = {0: "zero-shot", 1: "one-shot"}.get(build.num_shots, f"{build.num_shots}-shot")
    body = [
        f"# {build.benchmark}, {shots}",
        "",
        f"{len(build.records)} records, prompt template `{build.template}`, snapshot "
        f"`{build.snapshot_id}`, seed {build.seed}. Categories: {shown}.",
        "",
        "`messages` is the chat with the answer to learn as its last turn, `category` the label "
        "for the classification head, `shot_item_ids` the items shown as shots. Items of the test "
        "split and items that repeat them are in no prompt and no answer.",
        "",
        f"{build.num_vetoed} items were left out by a reviewer's veto. The texts keep the licences "
        "of their sources.",
    ]
    return "\n".join([*header, "", *body]) + "\n"


def _features() -> Iterable[str]:
    for field in _SCHEMA:
        yield f"  - name: {field.name}"
        if field.type == _CHAT:
            yield "    list:"
            for part in ("role", "content"):
                yield from (f"    - name: {part}", "      dtype: string")
        elif pa.types.is_list(field.type):
            yield f"    list: {field.type.value_type}"
        else:
            yield f"    dtype: {field.type}"


def _text_label_rows(build: Build) -> Rows:
    """Return texts and labels in a table for each label set and fold."""
    tables: dict[str, list[dict[str, Any]]] = {}
    for name, group in _with_classes(build).items():
        for record in group:
            tables.setdefault(f"{name}/{record.fold}", []).append(_text_label(record))
    return tables


def _text_label(record: BuiltRecord) -> dict[str, Any]:
    return {
        "item_id": record.item_id,
        "text": record.prompt[-1]["content"],
        "label": record.labels.index(record.category),
        "label_text": record.category,
    }


def _with_classes(build: Build) -> dict[str, list[BuiltRecord]]:
    """Return the records by label set that have one class, of classes that items have in common."""
    return by_label_set(
        [record for record in build.records if record.has_one_label and not record.has_options]
    )


def _write_text_label(tables: Rows, build: Build, folder: Path) -> list[Path]:
    """Write a dataset of each label set, whose names of classes are in the Parquet files."""
    written = []
    for name, group in _with_classes(build).items():
        (folder / name).mkdir()
        schema = _class_schema(group[0].labels)
        for table in (table for table in tables if table.startswith(f"{name}/")):
            path = folder / f"{table}.parquet"
            _write_parquet(tables[table], schema, path)
            written.append(path)
    configs = [
        line
        for name in dict.fromkeys(table.split("/")[0] for table in tables)
        for line in (
            f"- config_name: {name}",
            "  data_files:",
            *(
                part
                for table in tables
                if table.startswith(f"{name}/")
                for part in (f"  - split: {table.split('/')[1]}", f"    path: {table}.parquet")
            ),
        )
    ]
    header = "\n".join(["---", "task_categories:", "- text-classification", "configs:", *configs])
    return [*written, write_text(folder / "README.md", f"{header}\n---\n\n{_CLASSES}\n")]


def _class_schema(labels: Sequence[str]) -> pa.Schema:
    """Return a schema that gives ``datasets`` the names of the classes, whatever they hold."""
    text = {"dtype": "string", "_type": "Value"}
    features: dict[str, Any] = dict.fromkeys(("item_id", "text", "label_text"), text)
    names = {"names": list(labels), "_type": "ClassLabel"}
    info = json.dumps({"info": {"features": features | {"label": names}}})
    fields = [("item_id", pa.string()), ("text", pa.string()), ("label", pa.int64())]
    fields.append(("label_text", pa.string()))
    return pa.schema(fields, metadata={"huggingface": info})


HUGGINGFACE: Final = Format(rows_by_fold(BuiltRecord.to_dict), _write_huggingface)
TEXT_LABEL: Final = Format(
    _text_label_rows,
    _write_text_label,
    nothing="Its items have options of their own, so no classes are common to all, or several "
    "labels are right. Import items of a label set such as yes, no, maybe.",
    takes_shots=False,
)
