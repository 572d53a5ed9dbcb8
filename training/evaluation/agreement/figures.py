"""What agreement comes to: one record for each table of the Agreement page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from db.records import Phase
from db.review.agreement import RatedDraw, RevealCount
from eci.statistics.agreement import Agreement
from eci.statistics.estimates import Estimate

Answers = Literal["single", "sets", "ordinal"]


Readers = Literal["others", "same"]
"""For whom an interval holds: for readers who were not asked too, or for the same ones."""


@dataclass(frozen=True)
class LabelAgreement:
    """Agreement on one label against all others."""

    label: str
    agreement: Agreement


@dataclass(frozen=True)
class PhaseAgreement:
    """What the ratings of one phase say.

    Attributes:
        num_ratings: All of them, those left out by ``single`` included.
        overall: Of all reviewers together.
        holds_gold: Share of all ratings whose answer holds the gold label.
        with_gold: Ratings with the gold label of their item, each a pair.
        draw: The draw by whose probabilities items are weighted, so that figures hold for all items
            that it was drawn from; None where they hold for the rated items.
        plain: The same figures of all rated items alike, where there is a draw.
    """

    phase: Phase
    num_items: int
    num_ratings: int
    num_single: int
    overall: Agreement
    holds_gold: Estimate
    with_gold: Agreement
    per_label: tuple[LabelAgreement, ...]
    draw: RatedDraw | None = None
    plain: PhaseAgreement | None = None


@dataclass(frozen=True)
class GuidelineAgreement:
    """How far reviewers agree who worked with the same version of the guidelines; '' is none.

    Intervals of all versions hold together at 95 % (Bonferroni).
    """

    version: str
    since: datetime
    agreement: Agreement


@dataclass(frozen=True)
class ReviewerAgreement:
    """How one reviewer's answers lie to the gold labels."""

    reviewer_id: str
    num_ratings: int
    holds_gold: Estimate
    with_gold: Agreement


@dataclass(frozen=True)
class Pair:
    """How far two reviewers agree on the items that both rated."""

    reviewer_id: str
    other_id: str
    agreement: Agreement


@dataclass(frozen=True)
class SelfAgreement:
    """How far a reviewer says the same again; ``reviewer_id`` is None for all together."""

    reviewer_id: str | None
    agreement: Agreement


@dataclass(frozen=True)
class Anchoring:
    """How answers moved after something was shown; shares of ratings.

    Attributes:
        counts: All ratings together.
        adopted: Of answers that did not hold it, those that took it up.
        dropped: Of answers that held it, those that gave it up: harmful where it is the gold label.
        misled: Of correct answers that were shown another label, those that abandoned the gold
            label for it.
    """

    reviewer_id: str | None
    counts: RevealCount
    adopted: Estimate
    dropped: Estimate
    misled: Estimate


@dataclass(frozen=True)
class Times:
    """Seconds a rating, all phases together; ``reviewer_id`` is None for all reviewers."""

    reviewer_id: str | None
    lower: Estimate
    median: Estimate
    upper: Estimate
