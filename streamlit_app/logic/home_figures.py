"""What Home shows: how far the items are, what the last run changed, and when the next is due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from db.connection import Database
from db.content.overview import Funnel, count_funnel
from db.outcomes.run_pairs import PairFilter
from db.records import Run
from db.retraining.model_versions import find_by_alias
from db.retraining.training_runs import list_training_runs
from db.review.item_list import data_version
from db.viewer import Viewer
from streamlit_app.logic.cache import cached
from streamlit_app.logic.outcomes.comparison import (
    default_labels,
    load_comparison,
    shared_label_sets,
)
from streamlit_app.logic.training.readiness import with_test_items
from streamlit_app.wording import say, say_count
from training.control.triggers import Readiness, TriggerPolicy, read_readiness

TEST = "test"


@dataclass(frozen=True)
class LastChange:
    """What a run gets right and wrong on the test items, next to the run it was started from."""

    run: Run
    base: Run
    num_fixed: int
    num_broken: int
    n: int
    pairs: tuple[PairFilter, ...]
    """The items compared, a filter for each label set."""


@dataclass(frozen=True)
class Due:
    """How near the next automatic run is: a share of the way, None without a goal; in words."""

    share: float | None
    words: str


def state_of(database: Database) -> str:
    """Return a text that differs whenever funnel or readiness may have become another."""
    cur = database.cursor()
    states = [(run.run_id, run.state) for run in list_training_runs(cur)]
    champion = find_by_alias(cur, "champion")
    return repr((data_version(cur), states, champion and champion.version))


@cached
def load_funnel(database: Database, state: str, viewer: Viewer) -> Funnel:  # noqa: ARG001
    """Count how many items have come how far."""
    return count_funnel(database.cursor(), viewer)


@cached
def load_readiness(database: Database, state: str, viewer: Viewer) -> Readiness:  # noqa: ARG001
    """Count what has come in since the last training run."""
    return read_readiness(database, viewer)


def funnel_steps(funnel: Funnel) -> list[tuple[str, int, str]]:
    """Return name, number of items and explanation of each step."""
    counts = {
        "imported": funnel.num_imported,
        "answered": funnel.num_answered,
        "reviewed": funnel.num_reviewed,
        "agreed": funnel.num_agreed,
        "corrected": funnel.num_corrected,
        "learned": funnel.num_learned,
    }
    return [
        (say(f"funnel.{name}"), count, say(f"funnel.{name}_help")) for name, count in counts.items()
    ]


def newest_pair(runs: Sequence[Run]) -> tuple[Run, Run] | None:
    """Return the newest run that was started from another one, and that one."""
    by_id = {run.run_id: run for run in runs}
    started = (run for run in runs if run.base_run_id in by_id)
    newest = max(started, key=lambda run: run.created_at, default=None)
    return None if newest is None else (newest, by_id[newest.base_run_id or ""])


def load_last_change(
    database: Database, version: str, viewer: Viewer, run: Run, base: Run
) -> LastChange:
    """Compare two runs on the test items, all label sets together.

    Args:
        version: What ``outcomes.refresh`` gave for both runs.
    """
    by_base, by_run = default_labels(database, version, base.run_id, run.run_id)
    pairs = tuple(
        PairFilter(
            viewer, base.run_id, run.run_id, by_base, by_run, "record", label_set, split=TEST
        )
        for label_set in shared_label_sets(database, version, base.run_id, run.run_id)
    )
    found = [load_comparison(database, version, pair).comparison for pair in pairs]
    return LastChange(
        run,
        base,
        num_fixed=sum(one.fixed for one in found),
        num_broken=sum(one.broken for one in found),
        n=sum(one.n for one in found),
        pairs=pairs,
    )


def find_due(policy: TriggerPolicy, found: Readiness, now: datetime) -> Due:
    """Return how near the next run is by the policy."""
    counts = found.counts
    if policy.mode == "corrections":
        wanted = policy.num_corrections
        words = say("due.corrections", count=counts.num_adjudicated, goal=wanted)
        return Due(min(counts.num_adjudicated / wanted, 1.0), words)
    if policy.mode == "schedule":
        if found.since is None:
            return Due(None, say("due.schedule_over"))
        hours, goal = (now - found.since).total_seconds() / 3600, policy.every_hours
        words = say("due.schedule" if hours < goal else "due.schedule_over", hours=hours, goal=goal)
        return Due(min(hours / goal, 1.0), words)
    limit = found.error_limit(policy.error_rise)
    if policy.mode == "errors" and limit is not None and counts.num_watched:
        share = counts.num_watched_wrong / counts.num_watched
        words = say("due.errors", share=100 * share, n=counts.num_watched, limit=100 * limit)
        return Due(min(share / limit, 1.0), words)
    waiting = say_count("due.waiting", counts.num_corrected)
    key = {"errors": "errors_unknown", "manual": "refits" if policy.refit_after_each else "manual"}
    words = with_test_items(waiting, counts.num_test_corrected)
    return Due(None, f"{words} {say(f'due.{key[policy.mode]}')}")
