"""How far people agree, from what the store counts: the figures of the Agreement page.

Answers that hold several labels, or none, are handled in one of three ways. ``single`` leaves them
out, as published figures do. ``sets`` keeps them: an answer is then one category, and alpha weighs
how far two sets are apart (MASI); it is the way for items with several right labels. ``ordinal``
leaves them out too, and alpha weighs how far two labels are apart in their order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from duckdb import DuckDBPyConnection

from db.records import Phase
from db.review.agreement import (
    AnswerPattern,
    RatedDraw,
    Rating,
    RatingFilter,
    count_by_guideline,
    count_pairs,
    list_rated_labels,
)
from eci.arrays import FloatArray
from eci.statistics.agreement import (
    MORE_THAN_TWO,
    Agreement,
    agreement,
    clustered_share,
    pair_agreement,
)
from eci.statistics.estimates import LEVEL, Estimate
from eci.statistics.planning import share_level
from eci.statistics.two_way import agreement_intervals, pair_intervals, share_interval
from training.evaluation.agreement.categories import Categories, gold_answer, is_accepted
from training.evaluation.agreement.figures import (
    Answers,
    GuidelineAgreement,
    LabelAgreement,
    PhaseAgreement,
    Readers,
)
from training.evaluation.agreement.intervals import (
    OF_MANY,
    OF_PAIRS,
    of_readers,
    with_interval,
    with_intervals,
)
from training.evaluation.rated_draws import RatedItems, find_rated_draw, load_rated, ratings_of

NO_GOLD = "no rated item has a reference label"


def load_phase(
    cur: DuckDBPyConnection,
    flt: RatingFilter,
    phase: Phase,
    answers: Answers = "single",
    readers: Readers = "others",
) -> PhaseAgreement:
    """Compute the figures of one phase.

    Args:
        readers: With ``others`` intervals resample readers and items together where there are at
            least three readers; else items alone.
    """
    plain = _load_rated_phase(cur, flt, phase, answers, readers, None)
    draw = find_rated_draw(cur, flt, phase)
    if draw is None:
        return plain
    found = _load_rated_phase(cur, flt, phase, answers, readers, draw)
    return replace(found, draw=draw, plain=plain)


def _load_rated_phase(
    cur: DuckDBPyConnection,
    flt: RatingFilter,
    phase: Phase,
    answers: Answers,
    readers: Readers,
    draw: RatedDraw | None,
) -> PhaseAgreement:
    rated = load_rated(cur, flt, phase, draw)
    patterns, drawn = rated.patterns, rated.drawn
    labels = list_rated_labels(cur, flt)
    said = [answer for pattern in patterns for answer in pattern.answers]
    golds = [gold_answer(pattern.gold) for pattern in patterns if pattern.gold]
    categories = Categories.of(labels, [*said, *golds], answers)
    num_items = np.array([pattern.num_items for pattern in patterns], dtype=np.int64)
    if answers == "ordinal":
        categories = categories.with_ranks(p.answers for p in patterns for _ in range(p.num_items))
    counts = categories.count(pattern.answers for pattern in patterns)
    overall = agreement(counts, num_items, distances=categories.distances, drawn=drawn)
    if draw is None and max((len(pattern.answers) for pattern in patterns), default=0) == 2:
        overall = replace(overall, cohen_kappa=_cohen_of_two(cur, flt, phase, categories))
    ratings = [len(pattern.answers) * pattern.num_items for pattern in patterns]
    single = [sum(len(a) == 1 for a in p.answers) * p.num_items for p in patterns]
    found = PhaseAgreement(
        phase=phase,
        num_items=int(num_items.sum()),
        num_ratings=sum(ratings),
        num_single=sum(single),
        overall=overall,
        holds_gold=_holds_gold(rated),
        with_gold=_with_gold(rated, categories),
        per_label=tuple(
            LabelAgreement(
                label, agreement(categories.against_rest(counts, label), num_items, drawn=drawn)
            )
            for label in labels
        ),
    )
    return found if readers == "same" else _for_other_readers(cur, flt, found, categories, draw)


def load_by_guideline(
    cur: DuckDBPyConnection,
    flt: RatingFilter,
    phase: Phase,
    answers: Answers = "single",
    readers: Readers = "others",
) -> list[GuidelineAgreement]:
    """Compute the agreement of a phase under each version of the guidelines, oldest first.

    Args:
        readers: As in ``load_phase``.
    """
    counted = count_by_guideline(cur, flt, phase)
    said = [answer for pattern in counted for answer in pattern.answers]
    categories = Categories.of(list_rated_labels(cur, flt), said, answers)
    since = {pattern.version: pattern.since for pattern in counted}
    level = share_level(LEVEL, max(1, len(since)))
    ratings = ratings_of(cur, flt, phase, None) if readers == "others" else ()
    found = []
    for version, first in since.items():
        own = [pattern for pattern in counted if pattern.version == version]
        table = categories.count(pattern.answers for pattern in own)
        num_items = np.array([pattern.num_items for pattern in own], dtype=np.int64)
        agreed = agreement(table, num_items, distances=categories.distances, level=level)
        if readers == "others":
            of_version = [
                one for one in ratings if one.version == version and one.answer in categories.places
            ]
            intervals = agreement_intervals(
                of_readers(of_version, [categories.places[one.answer] for one in of_version]),
                len(categories.places),
                categories.distances,
                level=level,
            )
            agreed = with_intervals(agreed, intervals, OF_MANY)
        found.append(GuidelineAgreement(version, first, agreed))
    return found


def _for_other_readers(
    cur: DuckDBPyConnection,
    flt: RatingFilter,
    found: PhaseAgreement,
    categories: Categories,
    draw: RatedDraw | None,
) -> PhaseAgreement:
    """Replace intervals by those that resample readers and items together."""
    ratings = ratings_of(cur, flt, found.phase, draw)
    counted = [one for one in ratings if one.answer in categories.places]
    judged = [one for one in ratings if one.gold is not None]
    paired = [
        one
        for one in counted
        if one.gold is not None and gold_answer(one.gold) in categories.places
    ]
    overall = of_readers(counted, [categories.places[one.answer] for one in counted])
    size = len(categories.places)
    gold = {one.item_id: categories.places[gold_answer(one.gold)] for one in paired if one.gold}
    drawn = _chances(counted, draw)
    pairs = pair_intervals(
        of_readers(paired, [categories.places[one.answer] for one in paired]),
        [gold[item_id] for item_id in sorted(gold)],
        size,
        drawn=_chances(paired, draw),
    )
    holds = share_interval(
        of_readers(judged, [int(is_accepted(one.gold, one.answer)) for one in judged]),
        drawn=_chances(judged, draw),
    )
    many = agreement_intervals(overall, size, categories.distances, drawn=drawn)
    return replace(
        found,
        overall=with_intervals(found.overall, many, OF_MANY),
        holds_gold=with_interval(found.holds_gold, holds),
        with_gold=with_intervals(found.with_gold, pairs, OF_PAIRS),
        per_label=tuple(
            replace(one, agreement=_label_for_others(one, counted, drawn))
            for one in found.per_label
        ),
    )


def _label_for_others(
    found: LabelAgreement, counted: Sequence[Rating], drawn: FloatArray | None
) -> Agreement:
    has_label = of_readers(counted, [int(found.label in one.answer) for one in counted])
    intervals = agreement_intervals(has_label, 2, drawn=drawn)
    return with_intervals(found.agreement, intervals, OF_MANY)


def _chances(ratings: Sequence[Rating], draw: RatedDraw | None) -> FloatArray | None:
    """Return with which probability each rated item was drawn, by item id."""
    if draw is None:
        return None
    return np.array([draw.probabilities[one] for one in sorted({r.item_id for r in ratings})])


def _cohen_of_two(
    cur: DuckDBPyConnection, flt: RatingFilter, phase: Phase, categories: Categories
) -> Estimate:
    """Return Cohen's kappa where there are two people in all; else say why there is none."""
    pairs = count_pairs(cur, flt, phase)
    if len({who for pair in pairs for who in (pair.reviewer_id, pair.other_id)}) != 2:
        return Estimate.undefined(MORE_THAN_TWO)
    table = categories.table((pair.answer, pair.other_answer, pair.num_items) for pair in pairs)
    return pair_agreement(table).cohen_kappa


def _holds_gold(rated: RatedItems) -> Estimate:
    patterns, drawn = _with_a_gold(rated)
    return clustered_share(
        np.array([sum(is_accepted(p.gold, a) for a in p.answers) for p in patterns], np.int64),
        np.array([len(p.answers) for p in patterns], np.int64),
        np.array([p.num_items for p in patterns], np.int64),
        because=NO_GOLD,
        drawn=drawn,
    )


def _with_gold(rated: RatedItems, categories: Categories) -> Agreement:
    patterns, drawn = _with_a_gold(rated)
    tables = [
        categories.table(
            (gold_answer(p.gold), answer, 1) for answer in p.answers if p.gold is not None
        )
        for p in patterns
    ]
    size = len(categories.places)
    return pair_agreement(
        np.array(tables, np.int64).reshape(len(tables), size, size),
        np.array([p.num_items for p in patterns], np.int64),
        drawn=drawn,
    )


def _with_a_gold(rated: RatedItems) -> tuple[list[AnswerPattern], FloatArray | None]:
    """Return the patterns of items that have a gold label, with their probabilities."""
    has_gold = np.array([pattern.gold is not None for pattern in rated.patterns], np.bool_)
    patterns = [pattern for pattern in rated.patterns if pattern.gold is not None]
    return patterns, None if rated.drawn is None else rated.drawn[has_gold]
