"""Writing a build: chat JSON lines, a Hugging Face dataset folder, the reference's fields."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from db.exporters.targets import folder_target
from training.data.build import Build, BuiltRecord, Fold
from training.errors import DataError
from training.run.json_files import replace_json

BuildFormat = Literal["chat", "huggingface", "reference"]
FOLDS: Final[tuple[Fold, ...]] = ("train", "validation")

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


def write_build(build: Build, folder: Path, build_format: BuildFormat) -> list[Path]:
    """Write a build into a folder of its own, which appears once it is complete; give the files.

    Raises:
        ExportError: Nothing can be written there; what was there is unchanged.
        DataError: The folder holds something already, or there are no records to write.
    """
    if folder.is_dir() and any(folder.iterdir()):
        raise DataError(
            f"{folder} is not empty, and a build never mixes with another. Name a new folder."
        )
    if not build.records:
        raise DataError(
            f"There is nothing to write: no record of {build.benchmark!r} is left after "
            f"{build.num_vetoed} vetoes. Take vetoes back, or build all items, not only corrected."
        )
    with folder_target(folder) as partial:
        files = _WRITERS[build_format](build, partial)
        replace_json(partial / "build.json", _describe(build, build_format))
        names = [path.relative_to(partial) for path in (*files, partial / "build.json")]
    return [folder / name for name in names]


def reference_fields(record: BuiltRecord) -> dict[str, str]:
    """Return a record in the fields of LlamaCare's released data."""
    turns = (f"### {turn['role'].capitalize()}\n{turn['content']}" for turn in record.prompt)
    return {
        "prompt_question": "\n\n".join(turns),
        "prompt_answer": record.completion,
        "final_decision": record.category,
    }


def _write_chat(build: Build, folder: Path) -> list[Path]:
    return _write_lines(build, folder, BuiltRecord.to_dict)


def _write_reference(build: Build, folder: Path) -> list[Path]:
    return _write_lines(build, folder, reference_fields)


def _write_lines(
    build: Build, folder: Path, fields: Callable[[BuiltRecord], Mapping[str, Any]]
) -> list[Path]:
    written = []
    for fold in FOLDS:
        records = build.fold(fold)
        if records:
            path = folder / f"{fold}.jsonl"
            lines = (json.dumps(fields(record), ensure_ascii=False) for record in records)
            path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
            written.append(path)
    return written


def _write_huggingface(build: Build, folder: Path) -> list[Path]:
    """Write Parquet files where the hub's loaders look for them, and a card."""
    data = folder / "data"
    data.mkdir()
    sizes: dict[Fold, tuple[int, int]] = {}
    written = []
    for fold in FOLDS:
        records = build.fold(fold)
        if records:
            path = data / f"{fold}-00000-of-00001.parquet"
            table = pa.Table.from_pylist([record.to_dict() for record in records], schema=_SCHEMA)
            pq.write_table(table, path, compression="zstd")
            sizes[fold] = (len(records), path.stat().st_size)
            written.append(path)
    card = folder / "README.md"
    card.write_text(_card(build, sizes), encoding="utf-8")
    return [*written, card]


def _card(build: Build, sizes: Mapping[Fold, tuple[int, int]]) -> str:
    splits = [
        line
        for fold, (num_records, num_bytes) in sizes.items()
        for line in (
            f"  - name: {fold}",
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
            for fold in sizes
            for line in (f"  - split: {fold}", f"    path: data/{fold}-*.parquet")
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


def _describe(build: Build, build_format: BuildFormat) -> dict[str, Any]:
    return {
        "benchmark": build.benchmark,
        "num_shots": build.num_shots,
        "format": build_format,
        "template": build.template,
        "snapshot_id": build.snapshot_id,
        "seed": build.seed,
        "num_records": {fold: len(build.fold(fold)) for fold in FOLDS},
        "num_vetoed": build.num_vetoed,
    }


_WRITERS: Final[Mapping[BuildFormat, Callable[[Build, Path], list[Path]]]] = {
    "chat": _write_chat,
    "huggingface": _write_huggingface,
    "reference": _write_reference,
}
BUILD_FORMATS: Final[tuple[BuildFormat, ...]] = tuple(_WRITERS)
