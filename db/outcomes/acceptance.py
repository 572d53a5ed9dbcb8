"""Answers accepted without a look: rules, the items they accept, and how each rule ended.

An accepted item is not a reviewed one: no label of record, metric or training set sees it. A rule
never changes; that it was suspended or undone is a further row.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
from duckdb import DuckDBPyConnection

from db.arrow_tables import incoming
from db.errors import InvalidSettingError
from db.people.permissions import require
from db.review.item_list import ReviewFilter
from db.review.queues import QueueSettings, add_item_queue
from db.statements import append_row, fetch_records, fetch_row, load_sql
from db.viewer import Viewer

AcceptanceAction = Literal["accept", "suspend", "undo"]
MAX_AUDIT: Final = 20_000
"""Accepted items that a queue can hold."""


@dataclass(frozen=True, eq=False)
class ScoredAnswers:
    """What the correctness head gives the answers of a run, one entry an item.

    Attributes:
        item_nos: Number of each item, good until a refresh.
        item_ids: Of the items.
        labels: The answers' labels.
        probabilities: That the label is right.
        is_reviewed: Whether a reviewer judged the item.
        is_accepted: Whether a rule accepted the answer.
    """

    item_nos: npt.NDArray[np.int64]
    item_ids: npt.NDArray[np.object_]
    labels: npt.NDArray[np.object_]
    probabilities: npt.NDArray[np.float64]
    is_reviewed: npt.NDArray[np.bool_]
    is_accepted: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class AcceptanceTerms:
    """What a rule accepts, and on what ground.

    Attributes:
        source: Of the items; None for all.
        split: Of the items; None for all.
        risk: Largest share of errors among the accepted items.
        level: Confidence level with which that holds.
        threshold: Smallest probability of being right.
        num_reviewed: Random reviews behind it.
        num_above: Those that reach the threshold.
        num_errors: Wrong ones among these.
        review_share: Of the accepted items, drawn at random to be reviewed all the same.
    """

    run_id: str
    label_set: str
    source: str | None
    split: str | None
    risk: float
    level: float
    threshold: float
    num_reviewed: int
    num_above: int
    num_errors: int
    review_share: float


@dataclass(frozen=True)
class AcceptanceRule:
    """A rule with what became of it.

    Attributes:
        action: What was done last: accept, suspend (automatically) or undo.
        num_audited: Accepted items of its queue that were reviewed since.
        num_audit_errors: Wrong ones among them.
    """

    rule_id: str
    terms: AcceptanceTerms
    queue_id: str | None
    created_by: str
    created_at: datetime
    num_accepted: int
    action: AcceptanceAction
    reason: str
    changed_at: datetime
    num_audited: int
    num_audit_errors: int


def list_scores(cur: DuckDBPyConnection, run_id: str, label_set: str) -> ScoredAnswers:
    """Return what the head gives each answer; call ``scored_runs.refresh`` for the run first."""
    scope = {"run_id": run_id, "label_set": label_set}
    rows = cur.execute(load_sql("correctness_list"), scope).fetchnumpy()
    return ScoredAnswers(
        np.asarray(rows["item_no"], dtype=np.int64),
        np.asarray(rows["item_id"], dtype=object),
        np.asarray(rows["text_label"], dtype=object),
        np.asarray(rows["probability"], dtype=np.float64),
        np.asarray(rows["is_reviewed"], dtype=np.bool_),
        np.asarray(rows["is_accepted"], dtype=np.bool_),
    )


def add_acceptance(
    cur: DuckDBPyConnection,
    terms: AcceptanceTerms,
    accepted: Sequence[tuple[str, str]],
    *,
    last_event: int,
    queue_name: str,
    created_by: str,
) -> str:
    """Store a rule that accepts answers, and create the queue of those reviewed all the same.

    The caller owns the transaction.

    Args:
        accepted: Items with the labels of their answers; in random order, for the first of them
            are the queue.
        last_event: Of the ``acceptance_version`` that the answers were chosen at.
        queue_name: Of that queue.

    Returns:
        Id of the rule.

    Raises:
        InvalidSettingError: Nothing to accept, no item of it would be reviewed, or rules were
            added or ended since the answers were chosen.
        InvalidQueueError: The name of the queue cannot be used.
        NotPermittedError: The person may not accept answers without review.
    """
    require(cur, created_by, "accept")
    if last_event != acceptance_version(cur)[1]:
        raise InvalidSettingError(
            "Answers were accepted or an acceptance ended since this page was drawn, so nothing "
            "was accepted now. Look at what the page shows now, then accept again."
        )
    num_audit = min(MAX_AUDIT, round(terms.review_share * len(accepted)))
    if num_audit < 1:
        raise InvalidSettingError(
            f"{terms.review_share:.0%} of {len(accepted)} accepted answers is not one that would "
            "be reviewed. Raise the percentage that is reviewed, or accept more answers."
        )
    queue = add_item_queue(
        cur,
        QueueSettings(queue_name, ReviewFilter(run_id=terms.run_id)),
        [item_id for item_id, _ in accepted[:num_audit]],
        queue_id=str(uuid.uuid4()),
        created_by=created_by,
    )
    rule_id = _insert_rule(cur, terms, queue.queue_id, created_by)
    rows = [{"item_id": item_id, "label": label} for item_id, label in accepted]
    with incoming(cur, "incoming_target", rows):
        cur.execute(load_sql("accepted_item_insert"), {"rule_id": rule_id})
    _add_event(cur, rule_id, "accept", "", (0, 0), created_by)
    return rule_id


def _insert_rule(
    cur: DuckDBPyConnection, terms: AcceptanceTerms, queue_id: str, created_by: str
) -> str:
    rule_id = str(uuid.uuid4())
    stored = {**vars(terms), "confidence_level": terms.level}
    del stored["level"]
    append_row(
        cur,
        "acceptance_rule_insert",
        **stored,
        rule_id=rule_id,
        queue_id=queue_id,
        created_by=created_by,
    )
    return rule_id


def undo_acceptance(cur: DuckDBPyConnection, rule: AcceptanceRule, reviewer_id: str) -> None:
    """Undo a rule: its items are accepted no more. The caller owns the transaction.

    Raises:
        NotPermittedError: The person may not accept answers without review.
    """
    require(cur, reviewer_id, "accept")
    counts = (rule.num_audited, rule.num_audit_errors)
    _add_event(cur, rule.rule_id, "undo", "", counts, reviewer_id)


def suspend_acceptance(cur: DuckDBPyConnection, rule: AcceptanceRule, reason: str) -> None:
    """Store that a rule is suspended automatically: its items are accepted no more."""
    counts = (rule.num_audited, rule.num_audit_errors)
    _add_event(cur, rule.rule_id, "suspend", reason, counts, None)


def list_acceptances(cur: DuckDBPyConnection, run_id: str | None = None) -> list[AcceptanceRule]:
    """Return the rules of a run, or of all, newest first."""
    return fetch_records(cur, _rule, "acceptance_list", run_id=run_id)


def acceptance_version(cur: DuckDBPyConnection) -> tuple[int, ...]:
    """Return how many rules accept answers now, and numbers that change with rules and reviews.

    A thousandth of what ``list_acceptances`` costs: what nothing has changed for is not counted.
    """
    return fetch_row(cur, "acceptance_version")


def _rule(rule_id: str, *rest: Any) -> AcceptanceRule:
    return AcceptanceRule(rule_id, AcceptanceTerms(*rest[:11]), *rest[11:])


def _add_event(
    cur: DuckDBPyConnection,
    rule_id: str,
    action: AcceptanceAction,
    reason: str,
    counts: tuple[int, int],
    reviewer_id: str | None,
) -> None:
    append_row(
        cur,
        "acceptance_event_insert",
        rule_id=rule_id,
        action=action,
        reason=reason,
        num_reviewed=counts[0],
        num_errors=counts[1],
        reviewer_id=reviewer_id,
    )


@dataclass(frozen=True)
class TimedReview:
    """One review in a queue: how its queue was ordered, and whether the answer was wrong."""

    order: str
    is_error: bool
    seconds: float


def list_timed_reviews(
    cur: DuckDBPyConnection, run_id: str, label_set: str, viewer: Viewer
) -> list[TimedReview]:
    """Return the timed reviews of a run's answers in queues, oldest first; no hidden items."""
    scope = {"run_id": run_id, "label_set": label_set, "viewer": viewer.parameter}
    return fetch_records(cur, TimedReview, "review_yield", **scope)
