"""What the Training page shows: records as rows, vetoes, and a build as one file."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from db.connection import Database
from db.retraining.judged_answers import list_judged_answers
from db.retraining.record_vetoes import RecordVeto
from db.retraining.snapshot import read_snapshot
from db.viewer import Viewer
from streamlit_app.logic.training.lineage_view import shots_words
from streamlit_app.markup import one_line, reveal
from streamlit_app.wording import say, words
from training.data.build import Benchmark, Build, BuiltRecord, build, build_test
from training.data.build_files import write_build
from training.data.formats import FORMATS, BuildFormat
from training.settings.training import DataSettings

FORMAT_WORDS = words("build_format")
FORMAT_HELP = words("build_format_help")


def preview(
    database: Database,
    viewer: Viewer,
    benchmark: Benchmark,
    num_shots: int,
    exemplars: str,
    only_corrected: bool,
) -> Build:
    """Return the records that a build would write at this moment, but of hidden items.

    The same data is built once for all sessions: building searches for leaks, which takes a while.

    Raises:
        TrainingError: The data leak from the test split, or hold nothing of the benchmark.
        EciError: There are fewer exemplars than shots.
    """
    snapshot = read_snapshot(database.cursor(), viewer)
    key = snapshot.manifest.snapshot_id
    return _preview(_Keyed(key, snapshot), benchmark, num_shots, exemplars, only_corrected)


def to_export(database: Database, viewer: Viewer, built: Build, build_format: BuildFormat) -> Build:
    """Return what a format is made of: the records shown, with judged answers; or test items."""
    chosen = FORMATS[build_format]
    cur = database.cursor()
    if chosen.is_of_test:
        return build_test(read_snapshot(cur, viewer), benchmark=built.benchmark)
    if chosen.is_of_answers:
        return replace(built, answers=list_judged_answers(cur, viewer))
    return built


class _Keyed:
    """A snapshot that is equal to every other of its id: what ``lru_cache`` compares."""

    def __init__(self, key: str, snapshot: Any) -> None:
        self.key, self.snapshot = key, snapshot

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Keyed) and other.key == self.key

    def __hash__(self) -> int:
        return hash(self.key)


@lru_cache(maxsize=4)
def _preview(
    keyed: _Keyed, benchmark: Benchmark, num_shots: int, exemplars: Any, only_corrected: bool
) -> Build:
    return build(
        keyed.snapshot,
        benchmark=benchmark,
        num_shots=num_shots,
        settings=DataSettings(exemplars=exemplars),
        only_corrected=only_corrected,
    )


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


def zipped(built: Build, build_format: BuildFormat) -> bytes:
    """Write a build in one format and give it as a zip file."""
    packed = io.BytesIO()
    with tempfile.TemporaryDirectory() as name, zipfile.ZipFile(packed, "w") as archive:
        folder = Path(name) / "build"
        for path in write_build(built, folder, build_format).files:
            archive.write(path, path.relative_to(folder), zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _question(record: BuiltRecord) -> str:
    _, _, asked = record.prompt[-1]["content"].rpartition("Question:")
    return one_line(asked.split("\n\n")[0], 140)
