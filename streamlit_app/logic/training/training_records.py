"""What the Training page shows: records as rows, vetoes, and a build as one file."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from threading import Lock, Thread
from typing import Any, Final

from cachetools import LRUCache

from db.child_process import Call, child_process
from db.connection import Database
from db.conversions import utc_now
from db.copied_reads import is_small, read_aside
from db.retraining.record_vetoes import RecordVeto
from db.retraining.snapshot import SnapshotState, read_state
from db.viewer import Viewer
from streamlit_app.logic.training.lineage_view import shots_words
from streamlit_app.markup import one_line, reveal
from streamlit_app.wording import say, words
from training.data.build import BuiltRecord
from training.data.build_files import name_of
from training.data.formats import BuildFormat
from training.data.preview import Preview, PreviewChoices, export_preview, write_preview
from training.errors import DataError

PATIENCE_SECONDS: Final = 1.0
"""Waited before the page of a store that is not small is drawn without records."""
_MAX_PREVIEWS: Final = 4
_LONG: Final = timedelta(seconds=30)
_REST: Final = timedelta(minutes=10)
"""After it, what took long is built again where the data have changed."""
_RECORD_BYTES: Final = 1_000
"""About what a record takes."""

FORMAT_WORDS = words("build_format")
FORMAT_HELP = words("build_format_help")


@dataclass(frozen=True)
class Found:
    """The data at this moment, the records that were built last, and those being built."""

    state: SnapshotState
    written: WrittenPreview | None
    coming: Future[WrittenPreview] | None


def find_preview(database: Database, viewer: Viewer, choices: PreviewChoices, reader: str) -> Found:
    """Return the records that a build would write, but of hidden items, and those to come.

    What is there may be older than the data, but never holds an item that is hidden by now.

    Args:
        reader: Whose look at other records is over: what they wait for is not built.
    """
    found = _look(database, viewer, choices, reader)
    if found.coming is None:
        return found
    patience = None if is_small(database.cursor()) else PATIENCE_SECONDS
    is_there = bool(wait([found.coming], patience).done)
    return _look(database, viewer, choices, reader) if is_there else found


def require_unhidden(written: WrittenPreview, database: Database, viewer: Viewer) -> None:
    """Refuse records among which an item may be hidden from the viewer by now.

    Raises:
        DataError: What is hidden has changed since they were built.
    """
    if read_state(database.cursor(), viewer).hidden != written.state.hidden:
        raise DataError(say("training_data.hidden_since"))


class WrittenPreview:
    """A preview and the folder that holds its records, which goes when nobody has it any more."""

    def __init__(self, database: Database, viewer: Viewer, choices: PreviewChoices) -> None:
        self.moment = utc_now()
        folder = Path(tempfile.mkdtemp(prefix="llamacare-preview-"))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        cur = database.cursor()
        self.state, self._outcome = read_aside(cur, write_preview, viewer, choices, folder)
        self.time_taken = utc_now() - self.moment

    @property
    def preview(self) -> Preview:
        """Return the preview.

        Raises:
            TrainingError: The data leak from the test split, or hold nothing of the benchmark.
            EciError: There are fewer exemplars than shots.
        """
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome

    def is_due(self, state: SnapshotState) -> bool:
        """Return whether it should be built again: while others save, long builds take turns."""
        is_rested = self.time_taken < _LONG or utc_now() - self.moment > _REST
        return self.state != state and (is_rested or self.state.num_vetoes != state.num_vetoes)


@dataclass
class _Slot:
    """The records of one choice: those that were built last, and those that are being built."""

    reader: str
    written: WrittenPreview | None = None
    coming: Future[WrittenPreview] | None = None


class _Slots(LRUCache[Any, _Slot]):
    def popitem(self) -> tuple[Any, _Slot]:
        key, slot = super().popitem()
        if slot.coming is not None:
            slot.coming.cancel()
        return key, slot


_slots = _Slots(_MAX_PREVIEWS)
_looking = Lock()
_building = Lock()


def _look(database: Database, viewer: Viewer, choices: PreviewChoices, reader: str) -> Found:
    """Find what was completed, drop what may not be shown, and start what is missing."""
    state = read_state(database.cursor(), viewer)
    with _looking:
        slot = _slots.setdefault((database.path, viewer, choices), _Slot(reader))
        slot.reader = reader
        for other in _slots.values():
            if other is not slot and other.reader == reader and other.coming is not None:
                other.coming.cancel()
        if slot.coming is not None and slot.coming.done():
            coming, slot.coming = slot.coming, None
            slot.written = slot.written if coming.cancelled() else coming.result()
        if slot.written is not None and slot.written.state.hidden != state.hidden:
            slot.written = None
        if slot.coming is None and (slot.written is None or slot.written.is_due(state)):
            slot.coming = Future()
            work = (slot.coming, database, viewer, choices)
            # Of the kind that the end of the server does not wait for.
            Thread(target=_build, args=work, name="preview", daemon=True).start()
        return Found(state, slot.written, slot.coming)


def _build(
    coming: Future[WrittenPreview], database: Database, viewer: Viewer, choices: PreviewChoices
) -> None:
    with _building:  # one at a time: each takes gigabytes where there are many items
        if not coming.set_running_or_notify_cancel():
            return
        try:
            coming.set_result(WrittenPreview(database, viewer, choices))
        except Exception as error:
            coming.set_exception(error)


def record_table(records: Sequence[BuiltRecord]) -> dict[str, list[Any]]:
    """Arrange records as columns."""
    return {
        say("column.question"): [_question(record) for record in records],
        say("column.category"): [reveal(record.category) for record in records],
        say("column.label_from"): [record.label_origin for record in records],
        say("column.answer"): [one_line(record.completion, 120) for record in records],
        say("column.use"): [record.fold for record in records],
        say("column.step"): [reveal(record.step) for record in records],
        say("column.item"): [reveal(record.item_id) for record in records],
    }


def veto_table(vetoes: Sequence[RecordVeto], names: dict[str, str]) -> dict[str, list[Any]]:
    """Arrange standing vetoes as columns."""
    return {
        say("column.item"): [reveal(veto.item_id) for veto in vetoes],
        say("column.left_out"): [veto_words(veto) for veto in vetoes],
        say("column.by"): [reveal(names.get(veto.reviewer_id, "–")) for veto in vetoes],
        say("column.why"): [reveal(veto.note) for veto in vetoes],
        say("column.when"): [veto.created_at for veto in vetoes],
    }


def veto_words(veto: RecordVeto) -> str:
    """Describe what a veto excludes."""
    if veto.num_shots is None:
        return say("training_data.veto_item")
    return say("training_data.veto_record", shots=shots_words(veto.num_shots))


def zipped(written: WrittenPreview, build_format: BuildFormat) -> bytes:
    """Write a build in one format and give it as a zip file."""
    with exported(written, build_format) as (call, folder):
        return Path(call(shutil.make_archive, str(folder), "zip", folder)).read_bytes()


@contextmanager
def exported(written: WrittenPreview, build_format: BuildFormat) -> Iterator[tuple[Call, Path]]:
    """Yield a folder with a build in one format, and the process that wrote it.

    Raises:
        TrainingError: The build has nothing to write.
    """
    preview = written.preview
    num_bytes = preview.num_records * _RECORD_BYTES
    with (
        tempfile.TemporaryDirectory(prefix="llamacare-build-") as name,
        child_process(for_bytes=num_bytes) as call,
    ):
        folder = Path(name) / name_of(preview.build_of(build_format), build_format)
        call(export_preview, preview, build_format, folder)
        yield call, folder


def _question(record: BuiltRecord) -> str:
    _, _, asked = record.prompt[-1]["content"].rpartition("Question:")
    return one_line(asked.split("\n\n")[0], 140)
