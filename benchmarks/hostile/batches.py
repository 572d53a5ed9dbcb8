"""Does anyone wait for a batch? Reviewers save in a real app next to one large job after another.

The jobs are started as people start them: in a browser on the Data and Training pages, and by a run
that ends. The saves are those of websocket sessions, from the press to the next item on screen.
"""

from __future__ import annotations

import json
import random
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from urllib.parse import quote

import numpy as np
from duckdb import DuckDBPyConnection
from history import Measured
from playwright.sync_api import Page, expect
from scale_database import make
from served_app import Server, chromium, serving
from websocket_reviewers import Crowd, review_at_once

from db.connection import Database
from db.people.reviewers import add_reviewer
from db.records import Prediction
from db.retraining.snapshot import MANIFEST_NAME, load_snapshot
from db.review.item_list import ReviewFilter
from db.review.queues import QueueSettings, add_queue
from streamlit_app.wording import words
from training.run.result_tables import PREDICTIONS
from training.run.run_dir import RunDir, list_run_dirs

NUM_ITEMS = 120_000
NUM_IMPORTED = 100_000
UPLOAD_BYTES = 40_000_000
NUM_SESSIONS = 50
EVERY_SECONDS = 2.0
AT_MOST_MS = 250.0
_OPERATOR = "Operator"
_LONGEST_MS = 900_000
_OF_RUN = "run_id like '%-batch-%'"
_SECTION = "Nobody waits for a batch"


@dataclass
class Scene:
    """One app with its queue, the operator's browser, and the sizes of the jobs."""

    home: Path
    server: Server
    page: Page
    queue_id: str
    rng: random.Random
    scale: float
    item_ids: list[str]
    num_imported: int = 0
    crowd: Crowd = field(default_factory=Crowd)
    exported: Path = Path()
    snapshot: Path = Path()

    def open(self, page: str, choices: str = "") -> None:
        """Open a page of the app as the operator, and wait until it is drawn."""
        self.page.goto(f"{self.server.url}/{page}?reviewer={_OPERATOR}{choices}")
        expect(self.page.locator("h1")).to_be_visible(timeout=_LONGEST_MS)

    def press(self, key: str) -> None:
        """Press the button with this key."""
        self.page.locator(f".st-key-{key} button").first.click(timeout=60_000)


def measure(seed: int, scale: float) -> list[Measured]:
    """Measure the saves without and next to each job.

    Args:
        seed: Of the texts of the imported files.
        scale: Of the numbers of items, predictions, bytes and sessions.
    """
    with tempfile.TemporaryDirectory(prefix="batches-") as folder:
        home = Path(folder)
        queue_id, item_ids = _prepare(home, scale)
        with serving(home) as server, chromium() as browser:
            page = browser.new_page(accept_downloads=True)
            page.set_default_timeout(_LONGEST_MS)
            scene = Scene(home, server, page, queue_id, random.Random(seed), scale, item_ids)  # noqa: S311
            with _saving(scene):
                spans = {what: job(scene) for what, job in JOBS.items()}
        figures = [
            figure for what, span in spans.items() for figure in _describe(scene, what, span)
        ]
        return [*figures, *_check(scene)]


def _prepare(home: Path, scale: float) -> tuple[str, list[str]]:
    num_items = round(NUM_ITEMS * scale)
    make(home / "review.duckdb", num_items, num_items, num_items // 20, seed=0)
    database = Database.open(home / "review.duckdb")
    with database.transaction() as cur:
        admin = add_reviewer(cur, _OPERATOR, "admin").reviewer_id
        for number in range(_num_sessions(scale)):
            add_reviewer(cur, f"Crowd{_num_sessions(scale)}-{number}")
        queue = add_queue(
            cur,
            QueueSettings("Batches", ReviewFilter()),
            queue_id=str(uuid.uuid4()),
            created_by=admin,
        )
    rows = database.cursor().execute("select item_id from item order by item_id").fetchall()
    database.close()
    return queue.queue_id, [item_id for (item_id,) in rows]


def _num_sessions(scale: float) -> int:
    return max(3, round(NUM_SESSIONS * min(1.0, scale)))


@contextmanager
def _saving(scene: Scene) -> Iterator[None]:
    """Have the reviewers save until the block ends."""
    for page_name in ("settings", "training"):
        scene.open(page_name)  # what a page loads once is loaded by now
    num_people, longest = _num_sessions(scene.scale), _LONGEST_MS / 1000 * len(JOBS)
    is_over = Event()
    where = (scene.server.url, scene.queue_id, num_people, EVERY_SECONDS, longest)
    with ThreadPoolExecutor(1) as thread:
        saving = thread.submit(review_at_once, *where, crowd=scene.crowd, until=is_over.is_set)
        try:
            while not scene.crowd.milliseconds and not saving.done():
                time.sleep(0.1)
            yield
        finally:
            is_over.set()
            saving.result()


def _describe(scene: Scene, what: str, span: tuple[float, float]) -> list[Measured]:
    """Return the figures of the saves that were going on during a job."""
    begun, ended = span
    saves = zip(scene.crowd.milliseconds, scene.crowd.pressed, strict=True)
    waits = [wait for wait, at in saves if begun <= at + wait / 1000 and at <= ended]
    title = f"{_num_sessions(scene.scale)} reviewers, each saving every {EVERY_SECONDS:g} s: {what}"
    figures = [
        Measured(
            title,
            f"p{share}",
            float(np.percentile(waits, share)) if waits else None,
            "ms",
            len(waits),
            at_most=AT_MOST_MS if share == 99 else None,
            section=_SECTION,
        )
        for share in (50, 95, 99)
    ]
    return [
        *figures,
        Measured(title, "slowest", max(waits, default=None), "ms", len(waits), section=_SECTION),
        Measured(title, "job", ended - begun, "s", section=_SECTION),
    ]


def _nothing(scene: Scene) -> tuple[float, float]:
    """Do nothing: what a save costs on this machine at this moment."""
    begun = time.monotonic()
    time.sleep(30 * scene.scale)
    return begun, time.monotonic()


def _write_items(scene: Scene, name: str, num_items: int = 0, num_bytes: int = 0) -> Path:
    path = scene.home / f"{name}.jsonl"
    words = ("renal", "cohort", "trial", "stroke", "serum", "insulin", "early", "severe", "sepsis")
    with path.open("w", encoding="utf-8") as file:
        number = 0
        while number < num_items or file.tell() < num_bytes:
            context = " ".join(scene.rng.choices(words, k=60))
            row = {
                "item_id": f"{name}-{number}",
                "question": f"Does {' '.join(scene.rng.choices(words, k=12))} help?",
                "label_set": "pubmedqa",
                "context": [{"heading": "RESULTS", "text": context}],
                "gold_label": scene.rng.choice(("yes", "no", "maybe")),
            }
            file.write(json.dumps(row) + "\n")
            number += 1
    return path


def _upload(scene: Scene, path: Path) -> float:
    """Upload a file under Settings, wait until it was read, and return the time of the start."""
    scene.open("settings", f"&data_format={quote(words('import_format')['items'])}")
    begun = time.monotonic()
    scene.page.locator("[data-testid=stFileUploaderDropzoneInput]").first.set_input_files(path)
    expect(scene.page.locator(".st-key-data_import button").first).to_be_enabled(
        timeout=_LONGEST_MS
    )
    return begun


def _parse(scene: Scene) -> tuple[float, float]:
    path = _write_items(scene, "large", num_bytes=round(UPLOAD_BYTES * scene.scale))
    begun = _upload(scene, path)
    return begun, time.monotonic()


def _import(scene: Scene) -> tuple[float, float]:
    scene.num_imported = round(NUM_IMPORTED * scene.scale)
    _upload(scene, _write_items(scene, "imported", num_items=scene.num_imported))
    begun = time.monotonic()
    scene.press("data_import")
    num_items = len(scene.item_ids) + scene.num_imported
    expect(scene.page.get_by_text(f"{num_items:,} items, ")).to_be_visible(timeout=_LONGEST_MS)
    return begun, time.monotonic()


def _export(scene: Scene) -> tuple[float, float]:
    scene.open("settings")
    scene.page.locator(".st-key-data_export_kind input").click()
    scene.page.get_by_role("option").first.click()  # all items, not the corrections alone
    expect(scene.page.get_by_role("option")).to_have_count(0)
    expect(scene.page.locator(".stApp")).to_have_attribute("data-test-script-state", "notRunning")
    while True:
        begun = time.monotonic()
        with scene.page.expect_download(timeout=_LONGEST_MS) as download:
            scene.press("data_download")
        if "items" in download.value.suggested_filename:
            break
        scene.page.wait_for_timeout(200)  # the page is not yet drawn with the choice
    scene.exported = scene.home / "exported.jsonl"
    download.value.save_as(scene.exported)
    return begun, time.monotonic()


def _ingest(scene: Scene) -> tuple[float, float]:
    """Let a run of predictions for all items of the start end, and wait until the app shows it."""
    run_dir = RunDir.create(scene.home / "runs", "batch", datetime.now(UTC))
    settings = {"model": {"base": "none"}}
    run_dir.write_settings({"preset": "batch", "task": "predict", "settings": settings})
    run_dir.write_metrics({})
    num_items = round(NUM_ITEMS * scene.scale)
    PREDICTIONS.write(
        run_dir.predictions_path,
        (
            Prediction(run_dir.run_id, item_id, answer, answer_label=None)
            for item_id in scene.item_ids[:num_items]
            for answer in (scene.rng.choice(ANSWERS),)
        ),
    )
    scene.open("settings")
    begun = time.monotonic()
    run_dir.enter_state("succeeded", "Done.")
    while not scene.page.get_by_text("runs: 2.").is_visible():
        if time.monotonic() - begun > _LONGEST_MS / 1000:
            raise TimeoutError("Settings never counted the run that ended.")
        time.sleep(min(3.0, 100 * scene.scale))  # each look costs the server a page
        scene.open("settings")
        expect(scene.page.get_by_text("current reviews")).to_be_visible()
    return begun, time.monotonic()


def _freeze(scene: Scene) -> tuple[float, float]:
    """Press Retrain, wait until the snapshot is complete, and cancel the run."""
    before = {run_dir.run_id for run_dir in list_run_dirs(scene.home / "runs")}
    scene.open("training", "&training_preset=smoke")
    begun = time.monotonic()
    scene.press("training_retrain")
    while True:
        new = [d for d in list_run_dirs(scene.home / "runs") if d.run_id not in before]
        if new and (new[0].snapshot_path / MANIFEST_NAME).exists():
            ended = time.monotonic()
            scene.snapshot = new[0].snapshot_path
            while not new[0].settings_path.exists():
                time.sleep(0.05)
            new[0].cancel_path.touch()
            return begun, ended
        time.sleep(0.05)


def _check(scene: Scene) -> list[Measured]:
    """Return how many saves were lost and how many results are not what they should be."""
    database = Database.open(scene.home / "review.duckdb")
    cur = database.cursor()
    saved = cur.execute("select name, item_id from annotation join reviewer using (reviewer_id)")
    stored = set(saved.fetchall())
    num_items = len(scene.item_ids) + scene.num_imported
    num_predicted = len(scene.item_ids)
    snapshot = load_snapshot(scene.snapshot)
    with scene.exported.open(encoding="utf-8") as exported:
        num_exported = sum(1 for _ in exported)
    results = {
        "items stored": (_count(cur, "item"), num_items),
        "items in the index": (_count(cur, "search_item"), num_items),
        "predictions stored": (_count(cur, f"prediction where {_OF_RUN}"), num_predicted),
        "their labels read": (_count(cur, f"answer_reading where {_OF_RUN}"), num_predicted),
        "lines exported": (num_exported, num_items),
        "items in the snapshot": (len(snapshot.train) + len(snapshot.test), num_items),
        "confirmed saves stored": (
            len({*scene.crowd.confirmed} & stored),
            len({*scene.crowd.confirmed}),
        ),
    }
    database.close()
    wrong = [f"{what}: {a}, not {b}" for what, (a, b) in results.items() if a != b]
    counts = {
        "saves that were not confirmed": (scene.crowd.num_lost, len(scene.crowd.milliseconds), ""),
        "results of the jobs that are wrong": (len(wrong), len(results), "; ".join(wrong)),
    }
    return [
        Measured(what, "wrong", bad, "count", n, at_most=0, section=_SECTION, note=note)
        for what, (bad, n, note) in counts.items()
    ]


def _count(cur: DuckDBPyConnection, rows: str) -> int:
    found = cur.execute(f"select count(*) from {rows}").fetchone()  # noqa: S608
    return int(found[0]) if found else 0


JOBS: Mapping[str, Callable[[Scene], tuple[float, float]]] = {
    "alone": _nothing,
    "upload of 40 MB read": _parse,
    "import of 100,000 items": _import,
    "ingest of 120,000 predictions": _ingest,
    "export of all items": _export,
    "freeze of a snapshot": _freeze,
}
ANSWERS = ("Yes.", "No, the trial found no effect.", "The answer is maybe.", "It depends on dose.")
