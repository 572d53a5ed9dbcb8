"""Saves and large jobs at once, in a real app: no save is lost, and each job does all its work."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest
from hostile import batches

pytestmark = pytest.mark.browser


def test_no_save_is_lost_next_to_large_jobs_and_each_job_is_complete() -> None:
    # Apart: a process drives one browser, and other tests may have theirs here.
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        figures = pool.submit(batches.measure, seed=1, scale=0.01).result()
    counts = {figure.what: figure for figure in figures if figure.measure == "wrong"}
    assert {what: (figure.figure, figure.note) for what, figure in counts.items()} == {
        "saves that were not confirmed": (0, ""),
        "results of the jobs that are wrong": (0, ""),
    }
    assert counts["saves that were not confirmed"].n > 3
    assert len([figure for figure in figures if figure.measure == "p99"]) == len(batches.JOBS)
