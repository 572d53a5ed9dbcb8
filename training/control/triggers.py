"""When to retrain: a policy that a person sets, and what it makes of what has come in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from db.connection import Database
from db.content.runs import find_run
from db.people.permissions import require
from db.records import TrainingRun
from db.retraining.model_versions import find_by_alias
from db.retraining.readiness import ReadinessCount, count_readiness, last_correction_at
from db.retraining.training_runs import list_training_runs
from db.retraining.trigger_policies import (
    StoredPolicy,
    add_trigger_policy,
    find_trigger_policy,
)
from db.viewer import EVERYTHING, Viewer
from eci.statistics.betting import is_above
from training.control.automatic import AFTER_CORRECTION, is_automatic
from training.control.launch import launch
from training.control.plan import Tier, make_plan, prepare_plan, start_plan
from training.errors import SettingsError
from training.run.energy import WORLD
from training.run.status import ACTIVE_STATES
from training.settings.training import faults_of

_VAIN: Final = ("failed", "cancelled")
"""Ends of runs that learned nothing."""
_FITS: Final = ("train", "refit")
"""Tasks that fit a head to the labels."""

Mode = Literal["manual", "corrections", "schedule", "errors"]


class TriggerPolicy(BaseModel):
    """When a run starts automatically, and which."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Mode = Field(
        "manual",
        description="manual; after a number of adjudicated corrections; on a schedule; when the "
        "error on fresh reviews rises",
    )
    num_corrections: int = Field(
        50, ge=1, le=100_000, description="adjudicated corrections since the last run"
    )
    every_hours: float = Field(168.0, ge=1, le=8784)
    error_rise: float = Field(
        0.05,
        gt=0,
        le=1,
        description="by which the error on fresh random reviews exceeds that on the test",
    )
    tier: Tier = "refit"
    preset: str | None = Field(None, description="of the tiers joint and gpu")
    refit_after_each: bool = Field(
        False, description="refit the head after each correction, in addition to the mode"
    )
    country: str = Field(
        WORLD,
        pattern=r"^[A-Z]{3}$",
        description="whose electricity mix the emissions are computed with",
    )


@dataclass(frozen=True)
class Readiness:
    """What a run started now would find.

    Attributes:
        since: The last training run; None where there was none. Refits after each correction do
            not count: with them nothing would ever add up.
        test_error: Share of test items that the model in use gets wrong; None without one.
    """

    since: datetime | None
    counts: ReadinessCount
    test_error: float | None

    def error_limit(self, error_rise: float) -> float | None:
        """Return the share of wrong answers on fresh reviews above which the model got worse."""
        return None if self.test_error is None else min(1.0, self.test_error + error_rise)


def get_policy(database: Database) -> TriggerPolicy:
    """Return the current policy; the manual one until another is set.

    Raises:
        SettingsError: What is stored is no policy.
    """
    stored = find_trigger_policy(database.cursor())
    return TriggerPolicy() if stored is None else _parse(stored)


def _parse(stored: StoredPolicy) -> TriggerPolicy:
    try:
        return TriggerPolicy.model_validate(stored.policy)
    except ValidationError as error:
        raise SettingsError(
            "The policy for starting runs cannot be used, so no run starts automatically: "
            f"{faults_of(error)}. Set it again on the Training page."
        ) from error


def set_policy(database: Database, policy: TriggerPolicy, reviewer_id: str) -> None:
    """Set the policy from now on; runs that it starts are started in this person's name.

    Raises:
        NotPermittedError: The person's role is not open to it.
    """
    with database.transaction() as cur:
        require(cur, reviewer_id, "train")
        add_trigger_policy(cur, policy.model_dump(mode="json"), reviewer_id)


def read_readiness(database: Database, viewer: Viewer) -> Readiness:
    """Count what has come in since the last training run; hidden items are left out."""
    cur = database.cursor()
    last = _last_run(database)
    champion = find_by_alias(cur, "champion")
    run_id = champion.run_id if champion else last.run_id if last else None
    since = last.created_at if last else None
    return Readiness(
        since, count_readiness(cur, viewer, since, run_id), _test_error(database, run_id)
    )


def find_reason(policy: TriggerPolicy, found: Readiness, now: datetime) -> str | None:
    """Return why a run is due, in a sentence; None where it is not."""
    counts = found.counts
    if policy.mode == "corrections" and counts.num_adjudicated >= policy.num_corrections:
        return (
            f"{counts.num_adjudicated} items were adjudicated since the last run; the policy asks "
            f"for {policy.num_corrections}."
        )
    if policy.mode == "schedule":
        waited = None if found.since is None else now - found.since
        if counts.num_corrected and (
            waited is None or waited >= timedelta(hours=policy.every_hours)
        ):
            return (
                f"{policy.every_hours:g} hours have passed since the last run, and "
                f"{counts.num_corrected} items were corrected."
            )
    limit = found.error_limit(policy.error_rise)
    if policy.mode == "errors" and found.test_error is not None and limit is not None:
        wrong, n = counts.num_watched_wrong, counts.num_watched
        # Only items drawn at random, and by a bound that holds at all looks together: this looks
        # every few seconds.
        if n and is_above(wrong, n, limit):
            return (
                f"The model is wrong on {100 * wrong / n:.0f} % of {n} freshly reviewed items that "
                f"were drawn at random, on the test split on {100 * found.test_error:.0f} %."
            )
    return None


def tick(database: Database, now: datetime) -> str | None:
    """Start what is due; to be called every few seconds by the app.

    Nothing starts while another run waits or works; the policy is checked again when it ends.

    Returns:
        The id of the run that was started.

    Raises:
        NotPermittedError: Who set the policy may train no more.
        TrainingError: The run cannot be started.
    """
    cur = database.cursor()
    stored = find_trigger_policy(cur)
    if stored is None:
        return None
    policy = _parse(stored)
    runs = list_training_runs(cur)
    if any(run.state in ACTIVE_STATES for run in runs):
        return None
    if runs and runs[0].state in _VAIN and not _is_corrected_since(database, runs[0]):
        return None  # what failed a moment ago would fail again, for ever
    reason = find_reason(policy, read_readiness(database, EVERYTHING), now)
    if reason is not None:
        plan = make_plan(database, policy.tier, preset=policy.preset)
        return start_plan(database, plan, stored.reviewer_id, triggered_by=reason)
    if policy.refit_after_each and _is_corrected_since(database, _last_fit(runs)):
        require(cur, stored.reviewer_id, "train")
        run_dir = prepare_plan(
            database,
            make_plan(database, "refit"),
            stored.reviewer_id,
            triggered_by=AFTER_CORRECTION,
        )
        # In its own process: nothing waits for it, and reviewing must stay smooth meanwhile.
        launch(run_dir)
        return run_dir.run_id
    return None


def _is_corrected_since(database: Database, run: TrainingRun | None) -> bool:
    """Return whether an item was corrected after a run was made, or ever where it is None."""
    latest = last_correction_at(database.cursor())
    return latest is not None and (run is None or latest > run.created_at)


def _last_fit(runs: Sequence[TrainingRun]) -> TrainingRun | None:
    """Return the last run whose head learned the corrections of its time.

    An automatic one that failed counts: it would fail again. One of a person's that failed does
    not, so its corrections are still to be learned.
    """
    fits = (run for run in runs if run.settings.get("task") in _FITS)
    return next((r for r in fits if r.state not in _VAIN or is_automatic(r.settings)), None)


def _last_run(database: Database) -> TrainingRun | None:
    """Return the last run, other than after a correction, that learned anything, or still may."""
    runs = (run for run in list_training_runs(database.cursor()) if run.state not in _VAIN)
    asked_for = (run for run in runs if not is_automatic(run.settings))
    return next((run for run in asked_for if run.settings.get("task") != "predict"), None)


def _test_error(database: Database, run_id: str | None) -> float | None:
    run = find_run(database.cursor(), run_id) if run_id else None
    if run is None:
        return None
    counts = [_count_right(figures) for figures in run.metrics.values()]
    total = sum(n for _, n in counts)
    return 1 - sum(right for right, _ in counts) / total if total else None


def _count_right(figures: Any) -> tuple[float, int]:
    """Return how many test items a head got right, and of how many; metrics may hold anything."""
    try:
        accuracy = figures["head"]["accuracy"]
        n = int(accuracy["n"])
        return float(accuracy["value"] or 0.0) * n, n
    except (KeyError, TypeError, ValueError):
        return 0.0, 0
