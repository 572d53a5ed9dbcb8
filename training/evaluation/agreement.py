"""How far people agree, from what the store counts: the figures of the Agreement page.

Answers that hold several labels, or none, are handled in one of three ways. ``single`` leaves them
out, as published figures do. ``sets`` keeps them: an answer is then one category, and alpha weighs
how far two sets are apart (MASI); it is the way for items with several right labels. ``ordinal``
leaves them out too, and alpha weighs how far two labels are apart in their order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from duckdb import DuckDBPyConnection

from db.records import Phase, labels_in
from db.review.agreement import (
    Answer,
    AnswerPattern,
    PairCount,
    RatedDraw,
    Rating,
    RatingFilter,
    RevealCount,
    Shown,
    count_by_guideline,
    count_by_reviewer,
    count_pairs,
    count_repeats,
    count_reveals,
    list_rated_labels,
    list_seconds,
)
from eci.arrays import FloatArray
from eci.statistics.agreement import (
    MORE_THAN_TWO,
    Agreement,
    agreement,
    clustered_share,
    masi_distances,
    pair_agreement,
)
from eci.statistics.estimates import LEVEL, Estimate, Interval, proportion
from eci.statistics.ordinal import ordinal_distances
from eci.statistics.planning import share_level
from eci.statistics.quantiles import quantile
from eci.statistics.two_way import Ratings, agreement_intervals, pair_intervals, share_interval
from training.evaluation.rated_draws import RatedItems, find_rated_draw, load_rated, ratings_of

Answers = Literal["single", "sets", "ordinal"]
Readers = Literal["others", "same"]
"""For whom an interval holds: for readers who were not asked too, or for the same ones."""
MAX_PAIRED = 25
"""Reviewers whose pairs are computed: more than these no heatmap shows."""

NO_GOLD = "no rated item has a gold label"
NOT_TIMED = "no rating was timed"
NOTHING_MISSED = "all judgements had it before the reveal"
NOTHING_HELD = "nobody held it before"
NOBODY_TEMPTED = "nobody who was right was shown anything else"


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
    categories = _Categories.of(labels, [*said, *golds], answers)
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
    cur: DuckDBPyConnection, flt: RatingFilter, phase: Phase, answers: Answers = "single"
) -> list[GuidelineAgreement]:
    """Compute the agreement of a phase under each version of the guidelines, oldest first."""
    counted = count_by_guideline(cur, flt, phase)
    said = [answer for pattern in counted for answer in pattern.answers]
    categories = _Categories.of(list_rated_labels(cur, flt), said, answers)
    since = {pattern.version: pattern.since for pattern in counted}
    level = share_level(LEVEL, max(1, len(since)))
    ratings = ratings_of(cur, flt, phase, None)
    found = []
    for version, first in since.items():
        own = [pattern for pattern in counted if pattern.version == version]
        table = categories.count(pattern.answers for pattern in own)
        num_items = np.array([pattern.num_items for pattern in own], dtype=np.int64)
        agreed = agreement(table, num_items, distances=categories.distances, level=level)
        of_version = [
            one for one in ratings if one.version == version and one.answer in categories.places
        ]
        intervals = agreement_intervals(
            _of_readers(of_version, [categories.places[one.answer] for one in of_version]),
            len(categories.places),
            categories.distances,
            level=level,
        )
        agreed = _with_intervals(agreed, intervals, _OF_MANY)
        found.append(GuidelineAgreement(version, first, agreed))
    return found


def load_reviewers(
    cur: DuckDBPyConnection, flt: RatingFilter, phase: Phase, answers: Answers = "single"
) -> list[ReviewerAgreement]:
    """Compare each reviewer's answers of a phase with the gold labels, the busiest first."""
    counted = count_by_reviewer(cur, flt, phase)
    labels = list_rated_labels(cur, flt)
    golds = [gold_answer(count.gold) for count in counted if count.gold]
    categories = _Categories.of(labels, [*golds, *(count.answer for count in counted)], answers)
    found = []
    for who in dict.fromkeys(count.reviewer_id for count in counted):
        own = [count for count in counted if count.reviewer_id == who]
        judged = [(count.gold, count.answer, count.num_items) for count in own if count.gold]
        hits = sum(n for gold, answer, n in judged if _is_accepted(gold, answer))
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
    categories = _Categories.of(list_rated_labels(cur, flt), said, answers)
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
    categories = _Categories.of(list_rated_labels(cur, flt), said, answers)
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


def load_anchoring(
    cur: DuckDBPyConnection, flt: RatingFilter, shown: Shown, readers: Readers = "others"
) -> list[Anchoring]:
    """Compute how reviewers moved after something was shown; all together come first.

    Empty where no reviewer has rated before and after.

    Args:
        readers: As in ``load_phase``, for all together.
    """
    by_item = count_reveals(cur, flt, shown, "item")
    if not by_item:
        return []
    by_reviewer = count_reveals(cur, flt, shown, "reviewer")
    overall = _anchoring(by_item)
    if readers == "others":
        overall = _for_other_people(overall, count_reveals(cur, flt, shown, "rating"))
    single = [_anchoring([count]) for count in by_reviewer]
    return [overall, *sorted(single, key=lambda found: -found.counts.num_ratings)]


def load_times(cur: DuckDBPyConnection, flt: RatingFilter) -> list[Times]:
    """Return quartiles of the seconds a rating took, all reviewers together first."""
    timed = list_seconds(cur, flt)
    if not timed:
        return [_times(None, np.zeros(0))]
    overall = _times(None, np.concatenate([seconds for _, seconds in timed]))
    return [overall, *(_times(who, seconds) for who, seconds in timed)]


def gold_answer(gold: str) -> Answer:
    """Return a gold label as the answer that says exactly it: its labels, sorted."""
    return tuple(sorted(labels_in(gold)))


def _is_accepted(gold: str | None, answer: Answer) -> bool:
    """Return whether an answer accepts a gold label: holds it or, of a set, is the same set."""
    return gold is not None and (gold in answer or gold_answer(gold) == answer)


@dataclass(frozen=True)
class _Categories:
    """The answers that count as categories, in order; all others are left out."""

    places: Mapping[Answer, int]
    distances: npt.NDArray[np.float64] | None

    @classmethod
    def of(cls, labels: Sequence[str], said: Iterable[Answer], answers: Answers) -> _Categories:
        """Return every allowed label and, with ``sets``, every other answer given."""
        single: list[Answer] = [(label,) for label in labels]
        if answers != "sets":
            return cls({answer: place for place, answer in enumerate(single)}, None)
        others = sorted(set(said) - set(single), key=lambda answer: (len(answer), answer))
        known = [*single, *others]
        places = {answer: place for place, answer in enumerate(known)}
        return cls(places, masi_distances(known))

    def with_ranks(self, items: Iterable[Sequence[Answer]]) -> _Categories:
        """Return the categories with the distances of their order, by how often each is given."""
        counts = self.count(items)
        paired = counts[counts.sum(axis=1) >= 2].sum(axis=0)
        return replace(self, distances=ordinal_distances(paired))

    def count(self, items: Iterable[Sequence[Answer]]) -> npt.NDArray[np.int64]:
        """Count the answers to each item, shape ``(n_items, n_categories)``."""
        counted = [self._count_one(answers) for answers in items]
        return np.array(counted, dtype=np.int64).reshape(len(counted), len(self.places))

    def _count_one(self, answers: Sequence[Answer]) -> list[int]:
        counts = [0] * len(self.places)
        for answer in answers:
            if answer in self.places:
                counts[self.places[answer]] += 1
        return counts

    def table(self, pairs: Iterable[tuple[Answer, Answer, int]]) -> npt.NDArray[np.int64]:
        """Count pairs of answers, shape ``(n_categories, n_categories)``."""
        table = np.zeros((len(self.places), len(self.places)), dtype=np.int64)
        for one, other, num_items in pairs:
            if one in self.places and other in self.places:
                table[self.places[one], self.places[other]] += num_items
        return table

    def against_rest(self, counts: npt.NDArray[np.int64], label: str) -> npt.NDArray[np.int64]:
        """Reduce counts to answers with and without a label, shape ``(n_items, 2)``."""
        has_label = np.array([label in answer for answer in self.places], dtype=bool)
        return np.stack(
            [counts[:, has_label].sum(axis=1), counts[:, ~has_label].sum(axis=1)], axis=1
        )


def _for_other_readers(
    cur: DuckDBPyConnection,
    flt: RatingFilter,
    found: PhaseAgreement,
    categories: _Categories,
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
    overall = _of_readers(counted, [categories.places[one.answer] for one in counted])
    size = len(categories.places)
    gold = {one.item_id: categories.places[gold_answer(one.gold)] for one in paired if one.gold}
    drawn = _chances(counted, draw)
    pairs = pair_intervals(
        _of_readers(paired, [categories.places[one.answer] for one in paired]),
        [gold[item_id] for item_id in sorted(gold)],
        size,
        drawn=_chances(paired, draw),
    )
    holds = share_interval(
        _of_readers(judged, [int(_is_accepted(one.gold, one.answer)) for one in judged]),
        drawn=_chances(judged, draw),
    )
    many = agreement_intervals(overall, size, categories.distances, drawn=drawn)
    return replace(
        found,
        overall=_with_intervals(found.overall, many, _OF_MANY),
        holds_gold=_with_interval(found.holds_gold, holds),
        with_gold=_with_intervals(found.with_gold, pairs, _OF_PAIRS),
        per_label=tuple(
            replace(one, agreement=_label_for_others(one, counted, drawn))
            for one in found.per_label
        ),
    )


def _label_for_others(
    found: LabelAgreement, counted: Sequence[Rating], drawn: FloatArray | None
) -> Agreement:
    has_label = _of_readers(counted, [int(found.label in one.answer) for one in counted])
    intervals = agreement_intervals(has_label, 2, drawn=drawn)
    return _with_intervals(found.agreement, intervals, _OF_MANY)


def _chances(ratings: Sequence[Rating], draw: RatedDraw | None) -> FloatArray | None:
    """Return with which probability each rated item was drawn, by item id."""
    if draw is None:
        return None
    return np.array([draw.probabilities[one] for one in sorted({r.item_id for r in ratings})])


_OF_MANY = ("percent", "fleiss_kappa", "krippendorff_alpha", "gwet_ac1")
_OF_PAIRS = ("percent", "cohen_kappa", "fleiss_kappa", "krippendorff_alpha", "gwet_ac1")


def _of_readers(ratings: Sequence[Rating], categories: Sequence[int]) -> Ratings:
    return Ratings.of(
        np.array([one.item_id for one in ratings], dtype=str),
        np.array([one.reviewer_id for one in ratings], dtype=str),
        np.array(categories, dtype=np.int64),
    )


def _with_interval(estimate: Estimate, interval: Interval | None) -> Estimate:
    """Return an estimate with an interval for other readers, where it has a value and there is one.

    At 0 and 1, where resamples are all alike, Wilson's interval stays.
    """
    is_point = interval is not None and interval.low == interval.high
    if estimate.value is None or interval is None or is_point:
        return estimate
    return replace(estimate, interval=interval)


def _with_intervals(
    found: Agreement, intervals: Sequence[Interval | None], names: Sequence[str]
) -> Agreement:
    changed: dict[str, Any] = {
        name: _with_interval(getattr(found, name), interval)
        for name, interval in zip(names, intervals, strict=True)
    }
    return replace(found, **changed)


def _cohen_of_two(
    cur: DuckDBPyConnection, flt: RatingFilter, phase: Phase, categories: _Categories
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
        np.array([sum(_is_accepted(p.gold, a) for a in p.answers) for p in patterns], np.int64),
        np.array([len(p.answers) for p in patterns], np.int64),
        np.array([p.num_items for p in patterns], np.int64),
        because=NO_GOLD,
        drawn=drawn,
    )


def _with_gold(rated: RatedItems, categories: _Categories) -> Agreement:
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


def _anchoring(counts: Sequence[RevealCount]) -> Anchoring:
    def share(hits: str, totals: str, because: str) -> Estimate:
        found, rated, num_items = (
            np.array([getattr(count, name) for count in counts], np.int64)
            for name in (hits, totals, "num_items")
        )
        if counts[0].reviewer_id is None:
            return clustered_share(found, rated, num_items, because=because)
        # A reviewer meets each item once, so their ratings are independent of each other.
        return proportion(int(found.sum()), int(rated.sum()), because)

    return Anchoring(
        reviewer_id=counts[0].reviewer_id,
        counts=_total(counts),
        adopted=share("num_adopted", "num_missed", NOTHING_MISSED),
        dropped=share("num_dropped", "num_held", NOTHING_HELD),
        misled=share("num_misled", "num_tempted", NOBODY_TEMPTED),
    )


def _for_other_people(found: Anchoring, ratings: Sequence[RevealCount]) -> Anchoring:
    """Replace intervals by those that resample reviewers and items together."""

    def interval(hits: str, totals: str) -> Interval | None:
        own = [one for one in ratings if getattr(one, totals)]
        return share_interval(
            Ratings.of(
                np.array([one.item_id for one in own], dtype=str),
                np.array([one.reviewer_id for one in own], dtype=str),
                np.array([getattr(one, hits) for one in own], dtype=np.int64),
            )
        )

    return replace(
        found,
        adopted=_with_interval(found.adopted, interval("num_adopted", "num_missed")),
        dropped=_with_interval(found.dropped, interval("num_dropped", "num_held")),
        misled=_with_interval(found.misled, interval("num_misled", "num_tempted")),
    )


def _total(counts: Sequence[RevealCount]) -> RevealCount:
    def total(name: str) -> int:
        return sum(getattr(count, name) * count.num_items for count in counts)

    return RevealCount(
        reviewer_id=counts[0].reviewer_id,
        num_ratings=total("num_ratings"),
        num_held=total("num_held"),
        num_dropped=total("num_dropped"),
        num_amended=total("num_amended"),
        num_adopted=total("num_adopted"),
        num_moved=total("num_moved"),
        num_tempted=total("num_tempted"),
        num_misled=total("num_misled"),
        num_items=sum(count.num_items for count in counts),
    )


def _times(reviewer_id: str | None, seconds: npt.NDArray[np.float64]) -> Times:
    lower, median, upper = (quantile(seconds, share, NOT_TIMED) for share in (0.25, 0.5, 0.75))
    return Times(reviewer_id, lower, median, upper)
