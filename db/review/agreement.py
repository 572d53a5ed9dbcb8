"""What people said of the same items, counted in DuckDB: what agreement is computed from.

An answer is the tuple of all labels that a rater accepts, sorted; it is empty where the item cannot
be answered. Ratings are the standing ones of each phase; unannounced repeats are counted apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from duckdb import DuckDBPyConnection

from db.records import AnnotationOrigin, Phase
from db.statements import fetch_column, fetch_records, fetch_row, load_sql
from db.viewer import Viewer

Answer = tuple[str, ...]
Gold = Literal["record", "imported"]
Shown = Literal["gold", "text", "head"]
"""What may draw a reviewer after the reveal: the gold label, the model's text, its head."""


@dataclass(frozen=True)
class RatingFilter:
    """Which ratings agreement is about: of items that are not hidden from the viewer.

    ``gold`` says which gold label they are held against. The label of record may itself come from
    the same reviewers; the imported one cannot.
    """

    viewer: Viewer
    label_set: str
    origin: AnnotationOrigin = "review"
    source: str | None = None
    gold: Gold = "imported"

    def parameters(self, *names: str, **others: Any) -> dict[str, Any]:
        """Return the named fields, and others, as the parameters of a statement."""
        own = {name: getattr(self, name) for name in ("label_set", "origin", "source", *names)}
        return {**own, **others, "viewer": self.viewer.parameter}


@dataclass(frozen=True)
class RatingScope:
    """Ratings that there are: of one origin, label set, source and phase."""

    origin: AnnotationOrigin
    label_set: str
    source: str
    phase: Phase
    num_ratings: int
    num_items: int
    num_reviewers: int


@dataclass(frozen=True)
class AnswerPattern:
    """Items that were answered alike: ``gold`` is None where they have no gold label."""

    gold: str | None
    answers: tuple[Answer, ...]
    num_items: int


@dataclass(frozen=True)
class GuidelinePattern:
    """Items that were answered alike under one version of the guidelines; '' is none."""

    version: str
    since: datetime
    answers: tuple[Answer, ...]
    num_items: int


@dataclass(frozen=True)
class Rating:
    """What one reviewer answered to one item; ``gold`` is None where it has no gold label, and
    ``version`` that of the guidelines, '' for none.
    """

    item_id: str
    reviewer_id: str
    gold: str | None
    answer: Answer
    version: str


@dataclass(frozen=True)
class RatedDraw:
    """Items of a filter that are labelled in a queue drawn with known probabilities.

    Attributes:
        probabilities: Of each labelled item, by its id.
        num_items: Items that the queue was drawn from, of ``num_population`` that there are.
    """

    queue_id: str
    probabilities: Mapping[str, float]
    num_items: int
    num_population: int


@dataclass(frozen=True)
class PairCount:
    """Items to which one reviewer gave ``answer`` and the other ``other_answer``."""

    reviewer_id: str
    other_id: str
    answer: Answer
    other_answer: Answer
    num_items: int


@dataclass(frozen=True)
class ReviewerCount:
    """Items of a gold label to which a reviewer gave an answer."""

    reviewer_id: str
    gold: str | None
    answer: Answer
    num_items: int


@dataclass(frozen=True)
class RepeatCount:
    """Items to which a reviewer gave an answer, and this one when they came again unannounced."""

    reviewer_id: str
    first: Answer
    repeat: Answer
    num_items: int


@dataclass(frozen=True)
class RevealCount:
    """How answers moved after something was shown; ``num_items`` items have the same counts.

    Attributes:
        reviewer_id: None where counted by item.
        item_id: Of counts by rating; None where several items are counted together.
        num_ratings: Ratings given before and after.
        num_held: Answers that held what was shown already before.
        num_dropped: Of these, those that gave it up.
        num_amended: Of these, those that kept it but changed their other labels.
        num_adopted: Others that took it up.
        num_moved: Others that changed, but not to what was shown.
        num_tempted: Answers that held the gold label while something else was shown.
        num_misled: Of these, those that gave the gold label up for it.
    """

    reviewer_id: str | None
    num_ratings: int
    num_held: int
    num_dropped: int
    num_amended: int
    num_adopted: int
    num_moved: int
    num_tempted: int
    num_misled: int
    num_items: int
    item_id: str | None = None

    @property
    def num_missed(self) -> int:
        """Return the number of answers that did not include what was shown before it was."""
        return self.num_ratings - self.num_held


@dataclass(frozen=True)
class Challenges:
    """Items with at least two reviewers in the end, and how many of them are in doubt."""

    num_items: int
    num_gold: int
    num_rejected: int
    num_lacking: int


@dataclass(frozen=True)
class RejectedItem:
    """An item whose gold label several reviewers do not accept."""

    item_id: str
    question: str
    gold: str
    answers: tuple[Answer, ...]
    num_rejecting: int


def list_rating_scopes(cur: DuckDBPyConnection, viewer: Viewer) -> list[RatingScope]:
    """Return which ratings there are of items that are not hidden, the most numerous first."""
    return fetch_records(cur, RatingScope, "agreement_scopes", viewer=viewer.parameter)


def list_rated_labels(cur: DuckDBPyConnection, flt: RatingFilter) -> list[str]:
    """Return every label that the rated items allow, in their order."""
    return fetch_column(cur, "agreement_labels", **flt.parameters())


def count_patterns(cur: DuckDBPyConnection, flt: RatingFilter, phase: Phase) -> list[AnswerPattern]:
    """Count items by how they were answered in a phase."""
    return fetch_records(
        cur, AnswerPattern, "agreement_patterns", **flt.parameters("gold", phase=phase)
    )


def count_by_guideline(
    cur: DuckDBPyConnection, flt: RatingFilter, phase: Phase
) -> list[GuidelinePattern]:
    """Count items by how they were answered under each version of the guidelines, oldest first."""
    return fetch_records(
        cur, GuidelinePattern, "agreement_by_guideline", **flt.parameters(phase=phase)
    )


def list_ratings(cur: DuckDBPyConnection, flt: RatingFilter, phase: Phase) -> list[Rating]:
    """Return every rating of a phase, by item."""
    return fetch_records(cur, Rating, "agreement_ratings", **flt.parameters("gold", phase=phase))


def list_rated_draws(cur: DuckDBPyConnection, flt: RatingFilter) -> list[RatedDraw]:
    """Return the draws whose labelled items are a sample of the items that they were drawn from."""
    statement = (
        "select queue_id, item_id, is_labelled, probability, num_population "  # noqa: S608
        f"from ({load_sql('draw_frame')}) as frame "
        f"join ({load_sql('rated_population')}) as population using (item_id) "
        "order by queue_id"
    )
    parameters = {
        "label_set": flt.label_set,
        "source": flt.source,
        "viewer": flt.viewer.parameter,
    }
    rows = cur.execute(statement, parameters).fetchall()
    found = []
    for queue_id, group in groupby(rows, key=lambda row: row[0]):
        own = list(group)
        if all(row[3] is not None for row in own):
            chances = {row[1]: float(row[3]) for row in own if row[2]}
            found.append(RatedDraw(queue_id, chances, len(own), int(own[0][4])))
    return found


def count_pairs(cur: DuckDBPyConnection, flt: RatingFilter, phase: Phase) -> list[PairCount]:
    """Count what every two reviewers said of the same items in a phase."""
    return fetch_records(cur, PairCount, "agreement_pairs", **flt.parameters(phase=phase))


def count_by_reviewer(
    cur: DuckDBPyConnection, flt: RatingFilter, phase: Phase
) -> list[ReviewerCount]:
    """Count what each reviewer said in a phase, by gold label."""
    return fetch_records(
        cur, ReviewerCount, "agreement_reviewers", **flt.parameters("gold", phase=phase)
    )


def count_repeats(cur: DuckDBPyConnection, flt: RatingFilter, phase: Phase) -> list[RepeatCount]:
    """Count what reviewers said of items that came again unannounced."""
    return fetch_records(cur, RepeatCount, "agreement_repeats", **flt.parameters(phase=phase))


def list_seconds(
    cur: DuckDBPyConnection, flt: RatingFilter
) -> list[tuple[str, npt.NDArray[np.float64]]]:
    """Return each reviewer's seconds an item, all phases together."""
    columns = cur.execute(load_sql("agreement_seconds"), flt.parameters()).fetchnumpy()
    who, seconds = np.asarray(columns["reviewer_id"], dtype=str), columns["seconds"]
    return [(str(name), np.asarray(seconds[who == name], np.float64)) for name in np.unique(who)]


def count_reveals(
    cur: DuckDBPyConnection,
    flt: RatingFilter,
    shown: Shown,
    by: Literal["item", "reviewer", "rating"],
) -> list[RevealCount]:
    """Count how answers moved towards or away from what was shown after the blind phase."""
    return fetch_records(
        cur, RevealCount, "agreement_reveals", **flt.parameters(shown=shown, by=by)
    )


def count_challenges(cur: DuckDBPyConnection, flt: RatingFilter, threshold: int = 2) -> Challenges:
    """Count the items whose gold label, or whose information, several reviewers find wanting."""
    return Challenges(
        *fetch_row(cur, "agreement_challenges", **flt.parameters("gold", threshold=threshold))
    )


def list_rejected(
    cur: DuckDBPyConnection,
    flt: RatingFilter,
    *,
    threshold: int = 2,
    limit: int = 50,
    offset: int = 0,
) -> list[RejectedItem]:
    """Return the items whose gold label at least ``threshold`` reviewers finally reject."""
    return fetch_records(
        cur,
        RejectedItem,
        "agreement_rejected",
        **flt.parameters("gold", threshold=threshold, limit=limit, offset=offset),
    )


def rating_version(cur: DuckDBPyConnection) -> tuple[int, ...]:
    """Return what changes whenever a rating or a decision is added: a key for caches."""
    return fetch_row(cur, "agreement_version")


def _answers(answers: list[list[str]]) -> tuple[Answer, ...]:
    return tuple(tuple(answer) for answer in answers)
