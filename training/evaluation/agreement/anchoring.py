"""How answers move after something is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from duckdb import DuckDBPyConnection

from db.review.agreement import RatingFilter, RevealCount, Shown, count_reveals
from eci.statistics.agreement import clustered_share
from eci.statistics.estimates import Estimate, Interval, proportion
from eci.statistics.two_way import share_interval
from training.evaluation.agreement.figures import Anchoring, Readers
from training.evaluation.agreement.intervals import of_readers, with_interval

NOTHING_MISSED = "all judgements had it before the reveal"
NOTHING_HELD = "nobody held it before"
NOBODY_TEMPTED = "nobody who was right was shown anything else"


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
        return share_interval(of_readers(own, [getattr(one, hits) for one in own]))

    return replace(
        found,
        adopted=with_interval(found.adopted, interval("num_adopted", "num_missed")),
        dropped=with_interval(found.dropped, interval("num_dropped", "num_held")),
        misled=with_interval(found.misled, interval("num_misled", "num_tempted")),
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
