"""Evidence packs, reports and cards for download, written by a child process from a copy."""

from __future__ import annotations

import tempfile
from pathlib import Path

from db.child_process import child_process
from db.connection import Database
from db.copied_reads import read_aside
from db.evidence.last_check import check_database
from db.evidence.verify import Verified
from db.people.permissions import require
from db.review.agreement import RatingFilter
from streamlit_app.logic.training.training_records import WrittenPreview, exported
from training.data.formats import BuildFormat
from training.evaluation.reporting.evidence_cli import write_evidence
from training.evaluation.reporting.report_text import render_html
from training.evaluation.reporting.reports import data_card, model_card, review_report


def check_chain(database: Database) -> Verified:
    """Check that the database is as it was stored, and note what was found for the next look."""
    with child_process() as call:  # which may read the file that this process has open
        return call(check_database, database.path)


def build_pack(database: Database, *, with_names: bool, reviewer_id: str) -> bytes:
    """Return an evidence pack, a zip; what is hidden from who labels blind is in it.

    Raises:
        NotPermittedError: The person who asks is no admin.
        DatabaseOpenError: The database cannot be copied or read.
    """
    require(database.cursor(), reviewer_id, "manage_people")
    with tempfile.TemporaryDirectory(prefix="llamacare-pack-") as folder, child_process() as call:
        target = Path(folder) / "evidence.zip"
        call(write_evidence, database.path, target, with_names=with_names)
        return target.read_bytes()


def build_review_report(database: Database, flt: RatingFilter, *, reviewer_id: str) -> bytes:
    """Return methods and results of a review as an HTML page.

    Raises:
        NotPermittedError: The role of the person who asks is not open to exports.
        DataError: Nothing was judged.
    """
    cur = database.cursor()
    require(cur, reviewer_id, "export")
    return _page(read_aside(cur, review_report, flt), f"Review of {flt.label_set}")


def build_model_card(database: Database, run_id: str, *, is_html: bool, reviewer_id: str) -> bytes:
    """Return the model card of a run as an HTML page, or as Markdown with metadata.

    Raises:
        NotPermittedError: The role of the person who asks is not open to exports.
        RunNotFoundError: No run has this id.
    """
    cur = database.cursor()
    require(cur, reviewer_id, "export")
    text = read_aside(cur, model_card, run_id)
    return _page(text, f"Model card of {run_id}") if is_html else text.encode()


def build_data_card(written: WrittenPreview, build_format: BuildFormat, *, is_html: bool) -> bytes:
    """Return the data card of a build as an HTML page, or as Markdown with metadata.

    Raises:
        TrainingError: The build has nothing to write.
    """
    with exported(written, build_format) as (call, folder):
        text = call(data_card, folder)
    return _page(text, f"Data card of {folder.name}") if is_html else text.encode()


def _page(markdown: str, title: str) -> bytes:
    return render_html(markdown, title).encode()
