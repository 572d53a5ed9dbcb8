"""Promoting and rolling back models: only by a person whose role permits it, never
automatically."""

from __future__ import annotations

from duckdb import DuckDBPyConnection

from db.connection import Database
from db.people.permissions import is_permitted, require
from db.people.reviewers import get_reviewer
from db.retraining.gate_uses import add_gate_use
from db.retraining.model_versions import (
    ModelVersion,
    find_by_alias,
    get_model,
    list_alias_events,
    set_alias,
)
from db.viewer import EVERYTHING, Viewer
from training.errors import TrainingError
from training.evaluation.gate import run_gate
from training.evaluation.gate_report import GateReport

MIN_REASON_LENGTH = 10


class PromotionError(TrainingError):
    """A model cannot be promoted or rolled back as asked."""


def gate_of(
    database: Database, version: int, viewer: Viewer, *, asked_by: str | None = None
) -> GateReport:
    """Compare a model with the current champion, for the person who reads it.

    Items that are hidden from the viewer are left out; what decides is :func:`promote`. That a
    person who can promote has seen the comparison is recorded: the gate corrects for their number.

    Args:
        asked_by: The reviewer who reads it.

    Raises:
        ModelNotFoundError: There is no such version.
    """
    cur = database.cursor()
    champion = find_by_alias(cur, "champion")
    model = get_model(cur, version)
    report = run_gate(cur, viewer, champion.run_id if champion else None, model.run_id)
    if asked_by is not None and is_permitted(get_reviewer(cur, asked_by), "train"):
        with database.transaction() as cur:
            _note_use(cur, report, asked_by)
    return report


def promote(database: Database, version: int, reviewer_id: str, reason: str = "") -> GateReport:
    """Make a model the champion; the gate is asked again, and what it says is kept.

    Args:
        reason: Needed where the gate does not pass: why it is promoted all the same.

    Raises:
        NotPermittedError: The person's role is not open to it.
        ModelNotFoundError: There is no such version.
        PromotionError: It is the champion already, or the gate fails and no reason is given.
    """
    with database.transaction() as cur:
        require(cur, reviewer_id, "train")
        model = get_model(cur, version)
        if "champion" in model.aliases:
            raise PromotionError(
                f"Version {version} is the champion already. Choose another version."
            )
        champion = find_by_alias(cur, "champion")
        report = run_gate(cur, EVERYTHING, champion.run_id if champion else None, model.run_id)
        _note_use(cur, report, reviewer_id)
        if not report.passed and len(reason.strip()) < MIN_REASON_LENGTH:
            open_checks = [*report.failed, *report.unsure]
            found = "; ".join(f"{check.name} ({check.finding})" for check in open_checks)
            raise PromotionError(
                f"Version {version} was not promoted: {len(open_checks)} of "
                f"{len(report.all_checks)} checks do not pass: {found}. Improve the model, or give "
                f"a reason of at least {MIN_REASON_LENGTH} characters to promote it all the same."
            )
        set_alias(
            cur,
            "champion",
            version,
            action="promote",
            reviewer_id=reviewer_id,
            reason=reason.strip(),
            gate=report.to_dict(),
        )
        if "challenger" in model.aliases:
            set_alias(cur, "challenger", None, action="promote", reviewer_id=reviewer_id)
    return report


def roll_back(database: Database, reviewer_id: str, reason: str) -> ModelVersion | None:
    """Return the alias champion back to the model that had it before.

    Args:
        reason: Why, kept with the change.

    Returns:
        The champion from now on; None where there was none before.

    Raises:
        NotPermittedError: The person's role is not open to it.
        PromotionError: There is no champion, or no reason is given.
    """
    with database.transaction() as cur:
        require(cur, reviewer_id, "train")
        if find_by_alias(cur, "champion") is None:
            raise PromotionError("There is no champion to roll back from. Promote a model first.")
        if len(reason.strip()) < MIN_REASON_LENGTH:
            raise PromotionError(
                f"The model in use was not rolled back: the reason {reason.strip()!r} is too "
                f"short. Give one of at least {MIN_REASON_LENGTH} characters."
            )
        reigns: list[int | None] = [None]
        for event in reversed(list_alias_events(cur, "champion")):
            if event.action == "roll back":
                reigns.pop()
            else:
                reigns.append(event.version)
        before = reigns[-2]
        set_alias(
            cur,
            "champion",
            before,
            action="roll back",
            reviewer_id=reviewer_id,
            reason=reason.strip(),
        )
    return None if before is None else get_model(database.cursor(), before)


def choose_challenger(database: Database, version: int, reviewer_id: str) -> None:
    """Make a model the challenger.

    Raises:
        NotPermittedError: The person's role is not open to it.
        ModelNotFoundError: There is no such version.
        PromotionError: It is the champion.
    """
    with database.transaction() as cur:
        require(cur, reviewer_id, "train")
        if "champion" in get_model(cur, version).aliases:
            raise PromotionError(
                f"Version {version} is the champion and cannot challenge itself. Choose another."
            )
        set_alias(cur, "challenger", version, action="choose", reviewer_id=reviewer_id)


def _note_use(cur: DuckDBPyConnection, report: GateReport, reviewer_id: str) -> None:
    add_gate_use(
        cur,
        report.champion_run_id,
        report.challenger_run_id,
        test_digest=report.test_digest,
        reviewer_id=reviewer_id,
    )
