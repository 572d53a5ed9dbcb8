"""Watching an error without false alarms: limits that hold however often one looks.

Wilson's interval is right for one look. Who looks after every review and stops at the first alarm
raises false ones in 15 to 31 of 100 cases instead of 2.5. Here a bettor stakes on each review that
the error is above the limit, at odds that are fair if it is at the limit: the capital is then a
martingale (below the limit a supermartingale), so the chance that it ever reaches ``1 / alpha`` is
at most ``alpha`` (Ville 1939). The bets are a mixture over all shares above the limit (Robbins
1970; Waudby-Smith and Ramdas 2024), so the capital depends on the counts alone. Drawing without
replacement makes it grow more slowly still, so the bound holds for finite queues too.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from eci.arrays import FloatArray
from eci.statistics.estimates import LEVEL, Estimate, Interval, check_level

NAME: Final = "betting, valid at every look"
_GRID: Final = (np.arange(256) + 0.5) / 256
"""Places of the mixture within what is above, or below, the limit."""
_BISECTIONS: Final = 30


def log_capital(errors: int, n: int, limit: float) -> float:
    """Return the logarithm of what a stake of 1 on "more errors than the limit" has become.

    Args:
        errors: Wrong ones among ``n`` reviews of items drawn with equal probability.
        limit: A share in [0, 1]; at 1 there is nothing to bet on.

    Raises:
        ValueError: Counts or a limit that cannot be.
    """
    _check(errors, n)
    if not 0 <= limit <= 1:
        raise ValueError(f"The limit is {limit}; allowed is a share from 0 to 1.")
    if limit == 1:
        return -math.inf if errors < n else 0.0
    if limit == 0:
        return math.inf if errors else -math.inf if n else 0.0
    above = limit + (1 - limit) * _GRID
    gains = errors * np.log(above / limit) + (n - errors) * np.log1p((limit - above) / (1 - limit))
    return _log_mean(gains)


def is_above(errors: int, n: int, limit: float, alpha: float = 1 - LEVEL) -> bool:
    """Return whether the error is above a limit; wrong with probability ``alpha`` over all looks.

    Args:
        alpha: Divide it by the number of limits that are watched at the same time (Bonferroni).
    """
    return log_capital(errors, n, limit) >= -math.log(alpha)


def watched_share(errors: int, n: int, because: str, level: float = LEVEL) -> Estimate:
    """Estimate a share with an interval that holds at all looks together: a confidence sequence.

    Each end is one-sided at half of what the level leaves over.

    Args:
        because: Why there is no value where ``n`` is 0.
    """
    check_level(level)
    _check(errors, n)
    if n == 0:
        return Estimate.undefined(because)
    alpha = (1 - level) / 2
    low = _bound(errors, n, alpha)
    high = 1 - _bound(n - errors, n, alpha)
    return Estimate(errors / n, n, Interval(low, high, level, NAME))


def certified_limit(errors: int, n: int, alpha: float = 1 - LEVEL) -> float:
    """Return the smallest limit that the error is certified not to exceed, whenever one looks.

    Too small with probability ``alpha`` over all looks. 1 before the first review.
    """
    _check(errors, n)
    return 1.0 if n == 0 else 1 - _bound(n - errors, n, alpha)


def _bound(errors: int, n: int, alpha: float) -> float:
    """Return the largest limit that the capital rules out: it falls as the limit rises."""
    low, high = 0.0, errors / n
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if is_above(errors, n, middle, alpha) else (low, middle)
    return low


def _log_mean(logs: FloatArray) -> float:
    top = float(logs.max())
    return top + math.log(float(np.exp(logs - top).mean()))


def _check(errors: int, n: int) -> None:
    if not 0 <= errors <= n:
        raise ValueError(
            f"There are {errors} errors in {n} reviews; expected none or more and at most as many "
            "as there are reviews."
        )
