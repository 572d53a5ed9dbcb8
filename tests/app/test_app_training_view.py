"""What the Training page makes of a run's events and times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from streamlit_app.logic.training.training_view import (
    MAX_CURVE_POINTS,
    describe_bytes,
    run_seconds,
    summarise_progress,
)
from training.run.run_dir import Event
from training.run.status import Status

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def progress(step: int, **fields: object) -> Event:
    return Event(NOON, "progress", {"step": step, "num_steps": 10, **fields})


def test_latest_figures_and_curves_come_from_progress_events_only():
    seen = summarise_progress(
        [
            Event(NOON, "state", {"state": "running"}),
            progress(1, loss=2.0, lm_loss=2.5, eci_loss=1.0, tokens_per_second=90.0),
            progress(2, loss=1.5, eci_loss=0.8, tokens_per_second=95.0, seconds_left=30),
            Event(NOON, "message", {"text": "saved"}),
        ]
    )
    assert (seen.step, seen.num_steps, seen.share) == (2, 10, 0.2)
    assert (seen.tokens_per_second, seen.seconds_left) == (95.0, 30.0)
    assert seen.curves is not None
    assert seen.curves["loss"] == (2.0, 1.5)
    assert seen.curves["lm_loss"] == (2.5, None)


def test_steps_repeated_after_a_resume_replace_what_was_told_before():
    events = [progress(1, loss=3.0), progress(2, loss=2.0), progress(3, loss=1.0)]
    seen = summarise_progress([*events, progress(2, loss=1.9)])
    assert seen.steps == (1, 2)
    assert seen.curves is not None
    assert seen.curves["loss"] == (3.0, 1.9)


def test_a_run_that_has_told_nothing_has_no_progress():
    seen = summarise_progress([])
    assert (seen.step, seen.share, seen.curves) == (0, 0.0, None)


def test_long_curves_are_thinned_and_keep_their_end():
    events = [Event(NOON, "progress", {"step": step, "loss": 1.0}) for step in range(1, 5001)]
    seen = summarise_progress(events)
    assert len(seen.steps) <= MAX_CURVE_POINTS
    assert seen.steps[-1] == 5000


def test_sizes_are_written_in_binary_units():
    assert describe_bytes(3 * 2**30) == "3.0 GiB"
    assert describe_bytes(200 * 2**20) == "200 MiB"
    assert describe_bytes(None) == "–"


def test_a_run_lasts_from_its_start_to_its_end_or_to_now():
    started = Status("running", started_at=NOON)
    assert run_seconds(started, NOON + timedelta(seconds=90)) == 90
    ended = Status("succeeded", started_at=NOON, finished_at=NOON + timedelta(seconds=30))
    assert run_seconds(ended, NOON + timedelta(hours=9)) == 30
    assert run_seconds(Status("queued")) is None
