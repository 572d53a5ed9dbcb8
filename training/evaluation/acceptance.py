"""Which answers of a run may be accepted without a look, and whether rules still hold."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
from duckdb import DuckDBPyConnection

from db.connection import Database
from db.outcomes.acceptance import (
    AcceptanceRule,
    AcceptanceTerms,
    ScoredAnswers,
    acceptance_version,
    list_acceptances,
    list_scores,
    suspend_acceptance,
)
from db.outcomes.drawn import DrawnItems, list_drawn
from db.outcomes.run_pairs import PairFilter
from db.review.queues import get_queue
from eci.statistics.acceptance import Certificate, certify
from eci.statistics.betting import is_above
from training.evaluation.drawn_estimates import MIN_COVERED

_NO_ANSWER: Final = -1.0
"""Score of an item whose answer has no label: it is accepted last, which is never."""
_DIGITS: Final = 16
_checked: WeakKeyDictionary[Database, tuple[int, ...]] = WeakKeyDictionary()
"""What was checked last in each open database."""


@dataclass(frozen=True)
class AcceptancePlan:
    """What random reviews allow for the answers of a run.

    Attributes:
        certificate: The threshold, or how many more random reviews it takes.
        accepted: Items that would be accepted, with their answers' labels, in random order.
        num_items: Items that the random reviews speak for.
        last_event: Number of the rules' last event when this was found.
        queue_id: The queue that they were drawn for; None where none speaks for the run.
        suspended_at: When an acceptance of such answers was last found not to hold: reviews of
            queues drawn before count no more.
    """

    certificate: Certificate
    accepted: tuple[tuple[str, str], ...]
    num_items: int
    last_event: int
    queue_id: str | None = None
    suspended_at: datetime | None = None

    def terms(self, flt: PairFilter, review_share: float) -> AcceptanceTerms:
        """Return the terms of the rule that accepts them.

        Raises:
            ValueError: Nothing is certified.
        """
        found = self.certificate
        if found.threshold is None:
            raise ValueError("Nothing is certified; there are no terms to accept answers on.")
        return AcceptanceTerms(
            run_id=flt.run_a,
            label_set=flt.label_set,
            source=flt.source,
            split=flt.split,
            risk=found.risk,
            level=found.level,
            threshold=found.threshold,
            num_reviewed=found.num_reviewed,
            num_above=found.num_above,
            num_errors=found.num_errors,
            review_share=review_share,
        )


def plan_acceptance(
    cur: DuckDBPyConnection, flt: PairFilter, risk: float, level: float
) -> AcceptancePlan:
    """Find the answers that may be accepted without a look.

    Only reviews of a queue that was drawn from nearly all items with known probabilities count; of
    several such queues, the one with most reviews. Where probabilities differ, reviews are thinned
    at random to equal ones. Reviewers who do not agree on an item count as an error. Once an
    acceptance was suspended, only queues drawn afterwards count: what certified it was shown wrong.

    Args:
        flt: One run, compared with itself by its texts.
        risk: Largest share of errors among the accepted answers.
        level: Confidence level with which that holds.
    """
    last_event = acceptance_version(cur)[1]
    scored = list_scores(cur, flt.run_a, flt.label_set)
    suspended_at = _last_suspension(cur, flt)
    queues = [
        one
        for one in list_drawn(cur, flt)
        if _speaks_for_all(one)
        and (suspended_at is None or get_queue(cur, one.queue_id).created_at > suspended_at)
    ]
    samples = [(one, _sample(one)) for one in queues]
    if not samples:
        nothing = certify([], [], scored.probabilities, risk=risk, level=level)
        number = len(scored.item_nos)
        return AcceptancePlan(nothing, (), number, last_event, None, suspended_at)
    items, is_sampled = max(samples, key=lambda pair: int(pair[1].sum()))
    places = _places(scored, items.item_nos)
    scores = np.where(places >= 0, scored.probabilities[places], _NO_ANSWER)
    right = items.right[0, is_sampled] == 1  # not a number: reviewers do not agree
    found = certify(scores[is_sampled], right, scores[~is_sampled], risk=risk, level=level)
    accepted: list[tuple[str, str]] = []
    if found.threshold is not None:
        waits = (places >= 0) & (scores >= found.threshold) & ~items.is_labelled
        is_done = scored.is_reviewed | scored.is_accepted
        rows = [row for row in places[waits] if not is_done[row]]
        accepted = [(str(scored.item_ids[row]), str(scored.labels[row])) for row in rows]
        accepted.sort(key=lambda pair: _coin(pair[0], items.queue_id))
    number = len(items.item_nos)
    return AcceptancePlan(found, tuple(accepted), number, last_event, items.queue_id, suspended_at)


def check_acceptances(database: Database) -> list[AcceptanceRule]:
    """Stop the rules whose reviewed answers show more errors than they allow.

    The test may be repeated after every review: it raises a false alarm with a probability of at
    most one less the rule's level over all looks together. Without a review since the last look,
    or without a rule, it costs a millisecond.
    """
    version = acceptance_version(database.cursor())
    if version[0] == 0 or _checked.get(database) == version:
        return []
    broken = [
        rule
        for rule in list_acceptances(database.cursor())
        if rule.action == "accept"
        and is_above(rule.num_audit_errors, rule.num_audited, rule.terms.risk, 1 - rule.terms.level)
    ]
    if broken:
        with database.transaction() as cur:
            for rule in broken:
                reason = f"{rule.num_audit_errors} of {rule.num_audited} reviewed answers wrong"
                suspend_acceptance(cur, rule, reason)
    _checked[database] = version
    return broken


def _last_suspension(cur: DuckDBPyConnection, flt: PairFilter) -> datetime | None:
    return max(
        (
            rule.changed_at
            for rule in list_acceptances(cur, flt.run_a)
            if rule.action == "suspend" and rule.terms.label_set == flt.label_set
        ),
        default=None,
    )


def _speaks_for_all(items: DrawnItems) -> bool:
    return len(items.strata) >= MIN_COVERED * items.num_population


def _sample(items: DrawnItems) -> npt.NDArray[np.bool_]:
    """Return which items are reviewed and kept where probabilities are made equal."""
    if not items.is_labelled.any():
        return items.is_labelled
    least = float(items.probabilities.min())
    return np.array(
        [
            is_labelled and _coin(str(number), items.queue_id) * chance <= least
            for number, is_labelled, chance in zip(
                items.item_nos, items.is_labelled, items.probabilities, strict=True
            )
        ],
        dtype=np.bool_,
    )


def _coin(name: str, seed: str) -> float:
    """Return a number in [0, 1) that is the same each time."""
    digits = hashlib.sha256(f"{name}/{seed}".encode()).hexdigest()[:_DIGITS]
    return int(digits, 16) / 16**_DIGITS


def _places(scored: ScoredAnswers, item_nos: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the row of each item among the scored answers; -1 for none."""
    rows = {int(number): row for row, number in enumerate(scored.item_nos)}
    return np.array([rows.get(int(number), -1) for number in item_nos], dtype=np.int64)
