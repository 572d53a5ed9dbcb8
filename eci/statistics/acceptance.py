"""Which answers may be accepted without a look: a threshold with a guarantee for these very items.

Some items of a list were drawn at random and reviewed; all have a score that rises with being
right. The error among the items that were not reviewed and whose score reaches the threshold is at
most ``risk``, with probability ``level`` over the draw. The test is exact: of the items above a
threshold the reviewed ones are a random sample without replacement, so their errors follow the
hypergeometric distribution. Thresholds are tried in a fixed order, the highest first, until one
fails (fixed-sequence testing: Angelopoulos et al. 2021, Learn then Test), so each has the whole
error level. Scores may come from a model only if it was fitted without the item that it scores.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from eci.arrays import BoolArray, FloatArray, as_vector
from eci.statistics.estimates import LEVEL, check_level, log_factorials

FIRST: Final = 0.3
"""Share of the reviews above the first threshold that is tried."""
STEP: Final = 0.05
HOPED: Final = 3
"""A threshold is tried if it would pass with this part of the errors that are allowed."""
_GROWTH: Final = 1.04


@dataclass(frozen=True, slots=True)
class Certificate:
    """What reviews of random items show of the items that were not reviewed.

    Attributes:
        risk: Largest share of errors among the accepted items.
        level: Probability that this holds.
        num_reviewed: Random items that were reviewed.
        threshold: Smallest score that is accepted; None where nothing can be certified yet.
        num_accepted: Items that were not reviewed and reach it.
        num_above: Reviewed items that reach it.
        num_errors: Wrong ones among those.
        more_reviews: Random reviews after which something could be certified, if the error rate
            stays; None where a threshold was found, or where none of the items would be left.
    """

    risk: float
    level: float
    num_reviewed: int
    threshold: float | None
    num_accepted: int
    num_above: int
    num_errors: int
    more_reviews: int | None


def certify(
    scores: npt.ArrayLike,
    is_right: npt.ArrayLike,
    waiting: npt.ArrayLike,
    *,
    risk: float,
    level: float = LEVEL,
) -> Certificate:
    """Find the smallest score from which on items may be accepted without a look.

    Args:
        scores: Of the reviewed items, which are a simple random sample of all; ``(n_reviewed,)``.
        is_right: Whether each of those answers is right, same shape, bool.
        waiting: Scores of the items that were not reviewed, ``(n_waiting,)``.
        risk: Share of errors that may be accepted, between 0 and 1.
        level: Probability with which that holds.

    Raises:
        ValueError: Arrays that do not fit, or a risk or level that cannot be.
    """
    check_level(level)
    if not 0 < risk < 1:
        raise ValueError(f"The risk is {risk}; allowed is a share between 0 and 1.")
    reviewed, others = as_vector(scores, "scores"), as_vector(waiting, "waiting scores")
    right = np.asarray(is_right, dtype=np.bool_)
    if right.shape != reviewed.shape:
        raise ValueError(
            f"There are {len(right)} findings for {len(reviewed)} scores; give one for each."
        )
    counts = list(_counts(reviewed, right, others))
    found: _Count | None = None
    for count in _tried(counts, risk, level):
        if not count.passes(count.errors, risk, level):
            break
        found = count
    if found is None or not found.waiting:
        more = _more_reviews(counts, len(right), len(others), risk, level)
        return Certificate(risk, level, len(right), None, 0, 0, 0, more)
    accepted = (found.score, found.waiting, found.above, found.errors)
    return Certificate(risk, level, len(right), *accepted, None)


def p_value(errors: int, reviewed: int, waiting: int, risk: float) -> float:
    """Return the chance to find this few errors if more than ``risk`` of the others are wrong.

    Args:
        errors: Wrong ones among the reviewed items above a threshold.
        reviewed: Items above it that were reviewed, a random sample.
        waiting: Items above it that were not.
        risk: Share of errors among ``waiting``.

    Example:
        >>> round(p_value(0, 10, 10, 0.2), 4)
        0.1053
    """
    if waiting == 0:
        return 0.0
    wrong = math.floor(risk * waiting + 1e-9) + 1 + errors
    total = reviewed + waiting
    logs = log_factorials(total + 1)
    found = np.arange(max(0, reviewed + wrong - total), min(errors, reviewed, wrong) + 1)
    ways = _log_choose(logs, wrong, found) + _log_choose(logs, total - wrong, reviewed - found)
    chances = np.exp(ways - _log_choose(logs, total, np.array(reviewed)))
    return min(1.0, float(chances.sum()))


@dataclass(frozen=True, slots=True)
class _Count:
    """The items that reach one score."""

    score: float
    above: int
    errors: int
    waiting: int

    def passes(self, errors: int, risk: float, level: float) -> bool:
        """Return whether that many errors would certify the score."""
        return p_value(errors, self.above, self.waiting, risk) <= 1 - level

    def grown(self, growth: float) -> _Count:
        """Return what more reviews would show if the error rate stays."""
        above = round(self.above * growth)
        errors = math.ceil(self.errors * growth)
        return _Count(self.score, above, errors, max(0, self.waiting - (above - self.above)))


def _tried(counts: list[_Count], risk: float, level: float) -> Iterator[_Count]:
    """Yield the thresholds that are tried, from the first that a fair number of errors would pass.

    Which one that is depends on the scores and numbers of items alone, not on the findings.
    """
    fair = (c.passes(math.floor(risk * c.above / HOPED), risk, level) for c in counts)
    start = next((place for place, is_fair in enumerate(fair) if is_fair), len(counts))
    yield from counts[start:]


def _counts(scores: FloatArray, right: BoolArray, waiting: FloatArray) -> Iterator[_Count]:
    """Yield the thresholds in the order in which they are tried; findings do not change it."""
    n = len(scores)
    order = np.argsort(-scores, kind="stable")
    falling, errors = scores[order], np.cumsum(~right[order])
    others = np.sort(waiting)
    place = 0
    for k in range(round(FIRST / STEP), round(1 / STEP) + 1):
        at = min(n, max(1, round(n * k * STEP)))
        above = int(np.searchsorted(-falling, -falling[at - 1], side="right")) if n else 0
        if above <= place:
            continue  # the same score again
        place = above
        score = float(falling[above - 1])
        reach = len(others) - int(np.searchsorted(others, score, side="left"))
        yield _Count(score, above, int(errors[above - 1]), reach)


def _more_reviews(
    counts: list[_Count], n: int, num_waiting: int, risk: float, level: float
) -> int | None:
    """Find the fewest further reviews with which the rate found so far would certify something."""
    known = counts or [_Count(0.0, 1, 0, num_waiting - 1)]
    start = max(n, 1)
    total = start
    while (total := max(math.ceil(total * _GROWTH), total + 1)) < n + num_waiting:
        grown = [count.grown(total / start) for count in known]
        first = next(_tried(grown, risk, level), None)
        if first is not None and first.waiting and first.passes(first.errors, risk, level):
            return total - n
    return None


def _log_choose(logs: FloatArray, n: int, chosen: npt.NDArray[np.int64]) -> FloatArray:
    ways: FloatArray = logs[n] - logs[chosen] - logs[n - chosen]
    return ways
