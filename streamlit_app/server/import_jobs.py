"""Imports in the background: the person who started one may leave the page and come back to it."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Final

from db.importers import ImportReport
from streamlit_app.logic.uploads import Preview, store_preview
from streamlit_app.server import services

_SOON_SECONDS: Final = 1.0
"""Most imports are done by then, and show no progress."""

_one_at_a_time = threading.Lock()
_jobs: dict[str, ImportJob] = {}


@dataclass
class ImportJob:
    """One import, under way or ended: with a report, or with an error and nothing stored."""

    preview: Preview
    reviewer_id: str
    begun: float = field(default_factory=time.monotonic)
    ended: threading.Event = field(default_factory=threading.Event)
    report: ImportReport | None = None
    error: Exception | None = None

    @property
    def seconds(self) -> float:
        """Return how long it has been under way."""
        return time.monotonic() - self.begun

    def run(self) -> None:
        """Store the file; imports wait for each other, because two would conflict."""
        try:
            with _one_at_a_time:
                self.report = store_preview(
                    services.database(), self.preview, reviewer_id=self.reviewer_id
                )
        except Exception as error:
            self.error = error
        finally:
            self.ended.set()


def start(preview: Preview, reviewer_id: str) -> None:
    """Start to store a file for a person, whose earlier import has ended; wait for a moment."""
    job = find(reviewer_id)
    if job is not None and not job.ended.is_set():
        return  # a second press, or a second window
    _jobs[reviewer_id] = job = ImportJob(preview, reviewer_id)
    # A daemon: when the server stops, nothing of an unfinished import is stored.
    threading.Thread(target=job.run, name="import", daemon=True).start()
    job.ended.wait(_SOON_SECONDS)


def find(reviewer_id: str) -> ImportJob | None:
    """Return the import of a person, None where there is none that they do not know the end of."""
    return _jobs.get(reviewer_id)


def forget(job: ImportJob) -> None:
    """Drop an import whose end was shown."""
    _jobs.pop(job.reviewer_id, None)
