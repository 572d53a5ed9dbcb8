"""Intervals that resample readers and items together, in the place of those over items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from db.review.agreement import Rating, RevealCount
from eci.statistics.agreement import Agreement
from eci.statistics.estimates import Estimate, Interval
from eci.statistics.two_way import Ratings

OF_MANY = ("percent", "fleiss_kappa", "krippendorff_alpha", "gwet_ac1")
OF_PAIRS = ("percent", "cohen_kappa", "fleiss_kappa", "krippendorff_alpha", "gwet_ac1")


def of_readers(ratings: Sequence[Rating | RevealCount], categories: Sequence[int]) -> Ratings:
    return Ratings.of(
        np.array([one.item_id for one in ratings], dtype=str),
        np.array([one.reviewer_id for one in ratings], dtype=str),
        np.array(categories, dtype=np.int64),
    )


def with_interval(estimate: Estimate, interval: Interval | None) -> Estimate:
    """Return an estimate with an interval for other readers, where it has a value and there is one.

    At 0 and 1, where resamples are all alike, Wilson's interval stays.
    """
    is_point = interval is not None and interval.low == interval.high
    if estimate.value is None or interval is None or is_point:
        return estimate
    return replace(estimate, interval=interval)


def with_intervals(
    found: Agreement, intervals: Sequence[Interval | None], names: Sequence[str]
) -> Agreement:
    changed: dict[str, Any] = {
        name: with_interval(getattr(found, name), interval)
        for name, interval in zip(names, intervals, strict=True)
    }
    return replace(found, **changed)
