"""An uploaded file on its way into the store: read and counted first, stored when confirmed."""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import pyarrow as pa

from db.child_process import child_process
from db.connection import Database
from db.conversions import replace_lone_surrogates
from db.importers import Asked, ImportReport, known_to, stage_file, store_batch
from db.importers.any_file import Look, look_at
from db.importers.batch import ImportBatch
from db.importers.checks import without_given_labels
from db.importers.mapping import Mapping
from db.people.permissions import require
from db.records import labels_text
from streamlit_app.wording import say, say_count
from training.evaluation.readings import Compared, compare_staged, read_new_answers

_NUM_NAMED = 20
_MAX_NAME_BYTES = 200


@dataclass(frozen=True)
class Upload:
    """A file as the browser sent it."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Preview:
    """What a file holds, read and checked but not stored."""

    file_name: str
    batch: ImportBatch
    folder: tempfile.TemporaryDirectory[str]
    """Where the tables of the batch are, as long as the preview lives."""
    compared: Compared
    """The labels of its answers against those that the texts state."""

    def with_labels_of_texts(self) -> Preview:
        """Return the preview with the labels that its answers' texts state."""
        return replace(self, batch=without_given_labels(self.batch))

    @property
    def lines(self) -> tuple[str, ...]:
        """Return counts in words, one a line; they contain texts of the file."""
        batch = self.batch
        items, predictions = cast(pa.Table, batch.items), cast(pa.Table, batch.predictions)
        found = [batch.description] if batch.description else []
        if len(items):
            splits = _count(items["split"])
            labels = _count(items["gold_label"], say("upload.no_gold_label"))
            found.append(say_count("upload.items", len(items), splits=_counted(splits)))
            found.append(say("upload.gold_labels", labels=_counted(labels)))
        if batch.labels:
            found.append(say_count("upload.annotator_labels", len(batch.labels)))
        if batch.run is not None:
            found.append(say("upload.run", name=batch.run.name, model=batch.run.model))
            read = len(predictions) - predictions["answer_label"].null_count
            found.append(say_count("upload.answers", len(predictions), read=read))
        found += batch.notes
        if batch.unread:
            found.append(say("upload.unread", fields=", ".join(batch.unread[:_NUM_NAMED])))
        return tuple(found)


def read_upload(
    database: Database, upload: Upload, asked: Asked, *, test_split: Upload | None = None
) -> Preview:
    """Read an uploaded file completely; of the store only its label sets matter.

    Args:
        test_split: For PubMedQA, which needs it: the file that names the test items.

    Raises:
        ImportFileError: Faults in the file; the message names each.
    """
    folder = tempfile.TemporaryDirectory(prefix="llamacare-upload-")
    tables = Path(folder.name)
    with tempfile.TemporaryDirectory(dir=tables) as uploaded:
        path = _write(Path(uploaded), upload)
        named = _write(Path(uploaded), test_split) if test_split else None
        with child_process(for_bytes=len(upload.content)) as call:
            asked = replace(known_to(database, asked), test_split=named)
            batch = call(stage_file, path, tables, asked)
            compared = call(compare_staged, batch, tables)
    return Preview(path.name, batch.staged(tables), folder, compared)


def look_at_upload(upload: Upload, mapping: Mapping | None) -> Look:
    """Return the fields of an uploaded file, and the items that a mapping makes of its first rows.

    Raises:
        ImportFileError: It holds no rows.
    """
    with tempfile.TemporaryDirectory(prefix="llamacare-upload-") as folder:
        path = _write(Path(folder), upload)
        with child_process(for_bytes=len(upload.content)) as call:
            return call(look_at, path, mapping)


def store_preview(database: Database, preview: Preview, *, reviewer_id: str) -> ImportReport:
    """Store what was read, completely or not at all, and read the labels of its answers.

    Args:
        reviewer_id: Who asks for it.

    Raises:
        ImportFileError: It contradicts the store; the message names each place.
        NotPermittedError: Their role is not open to imports.
    """
    require(database.cursor(), reviewer_id, "import")
    report = store_batch(database, preview.batch, Path(preview.file_name))
    read_new_answers(database)
    return report


def describe_report(report: ImportReport) -> str:
    """Describe what an import changed; the name of the file comes from outside."""
    if report.is_unchanged:
        return say("upload.unchanged", file=report.file)
    parts = [
        say_count(f"upload.{name}", count)
        for name, count in (
            ("items_added", report.items.added),
            ("items_completed", report.items.enriched),
            ("items_known", report.items.unchanged),
            ("num_answers", report.num_predictions),
            ("num_annotator_labels", report.num_annotations),
        )
        if count
    ]
    return say("upload.imported", file=report.file, parts=", ".join(parts))


def _write(folder: Path, upload: Upload) -> Path:
    # The name matters (a run is called after its file) and comes from outside: only its last part.
    name = Path(upload.name.replace("\\", "/")).name.replace("\0", "")
    name = "upload" if name in ("", "..") else name
    path = folder / _file_name(replace_lone_surrogates(name))
    path.write_bytes(upload.content)
    return path


def _file_name(name: str) -> str:
    """Return the end of a name, with its ending, in as many bytes as a file system takes."""
    return name.encode()[-_MAX_NAME_BYTES:].decode(errors="ignore")


def _count(column: pa.ChunkedArray, none: str = "") -> Counter[str]:
    """Count the values of a column."""
    counts = column.value_counts().to_pylist()
    return Counter({entry["values"] or none: entry["counts"] for entry in counts})


def _counted(counts: Counter[str]) -> str:
    shown = counts.most_common(8)
    named = " · ".join(f"{labels_text(name)} {count:,}" for name, count in shown)
    num_more = len(counts) - len(shown)
    return say("upload.list_and_more", shown=named, count=num_more) if num_more else named
