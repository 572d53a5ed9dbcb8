"""Reviewers one by one: against gold labels, each other and themselves, and their times."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from duckdb import DuckDBPyConnection

from db.records import Phase
from db.review.agreement import (
    PairCount,
    RatingFilter,
    count_by_reviewer,
    count_pairs,
    count_repeats,
    list_rated_labels,
    list_seconds,
)
from eci.statistics.agreement import pair_agreement
from eci.statistics.estimates import proportion
from eci.statistics.quantiles import quantile
from training.evaluation.agreement.categories import Categories, gold_answer, is_accepted
from training.evaluation.agreement.figures import (
    Answers,
    Pair,
    ReviewerAgreement,
    SelfAgreement,
    Times,
)
from training.evaluation.agreement.phases import NO_GOLD

MAX_PAIRED = 25
"""Reviewers whose pairs are computed: more than these no heatmap shows."""


NOT_TIMED = "no rating was timed"


def load_reviewers(
    cur: DuckDBPyConnection, flt: RatingFilter, phase: Phase, answers: Answers = "single"
) -> list[ReviewerAgreement]:
    """Compare each reviewer's answers of a phase with the gold labels, the busiest first."""
    counted = count_by_reviewer(cur, flt, phase)
    labels = list_rated_labels(cur, flt)
    golds = [gold_answer(count.gold) for count in counted if count.gold]
    categories = Categories.of(labels, [*golds, *(count.answer for count in counted)], answers)
    found = []
    for who in dict.fromkeys(count.reviewer_id for count in counted):
        own = [count for count in counted if count.reviewer_id == who]
        judged = [(count.gold, count.answer, count.num_items) for count in own if count.gold]
        hits = sum(n for gold, answer, n in judged if is_accepted(gold, answer))
        table = categories.table((gold_answer(gold), answer, n) for gold, answer, n in judged)
        found.append(
            ReviewerAgreement(
                reviewer_id=who,
                num_ratings=sum(count.num_items for count in own),
                holds_gold=proportion(hits, sum(n for *_, n in judged), NO_GOLD),
                with_gold=pair_agreement(table),
            )
        )
    return sorted(found, key=lambda reviewer: -reviewer.num_ratings)


def load_pairs(
    cur: DuckDBPyConnection, flt: RatingFilter, phase: Phase, answers: Answers = "single"
) -> list[Pair]:
    """Compute how far every two of the busiest reviewers agree in a phase."""
    counted = count_pairs(cur, flt, phase)
    shared: dict[str, int] = {}
    for count in counted:
        for who in (count.reviewer_id, count.other_id):
            shared[who] = shared.get(who, 0) + count.num_items
    busiest = set(sorted(shared, key=lambda who: -shared[who])[:MAX_PAIRED])
    by_pair: dict[tuple[str, str], list[PairCount]] = {}
    for count in counted:
        if {count.reviewer_id, count.other_id} <= busiest:
            by_pair.setdefault((count.reviewer_id, count.other_id), []).append(count)
    said = [answer for count in counted for answer in (count.answer, count.other_answer)]
    categories = Categories.of(list_rated_labels(cur, flt), said, answers)
    return [
        Pair(
            *who,
            pair_agreement(
                categories.table((p.answer, p.other_answer, p.num_items) for p in pairs)
            ),
        )
        for who, pairs in by_pair.items()
    ]


def load_self_agreement(
    cur: DuckDBPyConnection, flt: RatingFilter, phase: Phase, answers: Answers = "single"
) -> list[SelfAgreement]:
    """Compute how far reviewers say the same of items that came again; all together come first."""
    counted = count_repeats(cur, flt, phase)
    said = [answer for count in counted for answer in (count.first, count.repeat)]
    categories = Categories.of(list_rated_labels(cur, flt), said, answers)
    overall: list[str | None] = [None, *dict.fromkeys(count.reviewer_id for count in counted)]
    return [
        SelfAgreement(
            who,
            pair_agreement(
                categories.table(
                    (count.first, count.repeat, count.num_items)
                    for count in counted
                    if who in (None, count.reviewer_id)
                )
            ),
        )
        for who in overall
        if counted
    ]


def load_times(cur: DuckDBPyConnection, flt: RatingFilter) -> list[Times]:
    """Return quartiles of the seconds a rating took, all reviewers together first."""
    timed = list_seconds(cur, flt)
    if not timed:
        return [_times(None, np.zeros(0))]
    overall = _times(None, np.concatenate([seconds for _, seconds in timed]))
    return [overall, *(_times(who, seconds) for who, seconds in timed)]


def _times(reviewer_id: str | None, seconds: npt.NDArray[np.float64]) -> Times:
    lower, median, upper = (quantile(seconds, share, NOT_TIMED) for share in (0.25, 0.5, 0.75))
    return Times(reviewer_id, lower, median, upper)
