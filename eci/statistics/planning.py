"""How many items to review for a statement of a given precision, before anything is reviewed.

Each answer is the smallest number of items that does what is asked. Where chance decides what is
found, as in telling two runs apart, the answer finds it with probability ``power``; that power is
computed exactly from the binomial distributions involved, except for alpha, which is simulated.
Several statements from the same reviews share the error that is allowed (Bonferroni).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np

from eci.arrays import FloatArray
from eci.statistics.agreement import agreement_sums, figures_of_sums
from eci.statistics.compare import mcnemar_p_value
from eci.statistics.estimates import LEVEL, binomial_cdf, binomial_pmf

POWER: Final = 0.8
MAX_ITEMS: Final = 20_000
_NUM_STUDIES: Final = 2000
_STUDY_ITEMS: Final = 400
_TAIL: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Plan:
    """Items to review, and how many people label each.

    Attributes:
        power: Probability of finding what is asked for; None where precision is asked for.
    """

    num_items: int
    num_readers: int
    power: float | None = None

    def hours(self, seconds_an_item: float) -> float:
        """Return the working hours of all people together."""
        return self.num_items * self.num_readers * seconds_an_item / 3600


def plan_accuracy(
    accuracy: float, margin: float, population: int | None = None, level: float = LEVEL
) -> Plan:
    """Compute the items to estimate a share within a margin, from random items (Cochran 1977).

    Args:
        accuracy: What is expected; 0.5 asks for most.
        population: Number of items in all; None for as many as you like.

    Raises:
        ValueError: A share, margin or population that cannot be.

    Example:
        >>> plan_accuracy(0.8, 0.03).num_items, plan_accuracy(0.8, 0.03, 1000).num_items
        (683, 407)
    """
    _require_shares(accuracy=accuracy, margin=margin)
    z = NormalDist().inv_cdf((1 + level) / 2)
    endless = z * z * accuracy * (1 - accuracy) / margin**2
    return Plan(_of_population(endless, population), 1)


def plan_alpha(
    alpha: float,
    margin: float,
    prevalence: Sequence[float],
    num_readers: int = 2,
    population: int | None = None,
    *,
    level: float = LEVEL,
    seed: int = 0,
) -> Plan:
    """Compute the items to estimate Krippendorff's nominal alpha within a margin.

    In simulated studies readers either recognise the label of an item, with the probability that
    makes alpha what is expected, or choose one by its prevalence. The spread of alpha over studies
    falls with the root of their items.

    Args:
        prevalence: How frequent each label is; summing to 1.
        num_readers: People who label each item.
    """
    _require_shares(alpha=alpha, margin=margin)
    shares = np.asarray(prevalence, dtype=np.float64)
    if len(shares) < 2 or (shares < 0).any() or not math.isclose(shares.sum(), 1, abs_tol=1e-6):
        raise ValueError(
            f"The prevalences are {shares.tolist()}; expected one of each of at least two labels, "
            "none negative, summing to 1."
        )
    if num_readers < 2:
        raise ValueError(f"{num_readers} reader an item shows no agreement; ask for 2 or more.")
    rng = np.random.default_rng(seed)
    spread = _spread_of_alpha(rng, math.sqrt(alpha), shares, num_readers)
    z = NormalDist().inv_cdf((1 + level) / 2)
    endless = _STUDY_ITEMS * (z * spread / margin) ** 2
    return Plan(_of_population(endless, population), num_readers)


def plan_comparison(
    difference: float, discordant: float, *, power: float = POWER, level: float = LEVEL
) -> Plan:
    """Compute the items to tell two runs apart by McNemar's exact test.

    Args:
        difference: By how much the accuracy of one exceeds that of the other.
        discordant: Share of items on which exactly one is right; at least ``difference``.
    """
    _require_shares(power=power)
    _require_changes(difference, discordant)
    alpha = 1 - level

    def fewest(changed: int) -> int:
        """Return how few of the changed items may be broken for a significant gain, less one."""
        return _most(changed, lambda broken: mcnemar_p_value(changed - broken, broken) <= alpha)

    z = NormalDist().inv_cdf((1 + level) / 2) + NormalDist().inv_cdf(power)
    start = z * z * discordant / difference**2 if difference else math.inf
    return _smallest(lambda n: _power_of_counts(n, difference, discordant, fewest), power, start)


def plan_certificate(
    limit: float, expected: float, *, power: float = POWER, level: float = LEVEL
) -> Plan:
    """Compute the items to certify that at most a share ``limit`` is wrong.

    The upper end of Clopper and Pearson's (1934) one-sided interval must not exceed the limit.

    Args:
        expected: The share that is really wrong, below the limit.
    """
    _require_shares(limit=limit, power=power)
    if not 0 <= expected < limit:
        raise ValueError(
            f"The expected error is {expected}; it must be at least 0 and below the limit {limit}."
        )

    def found(n: int) -> float:
        allowed = _most(n, lambda errors: binomial_cdf(errors, n, limit) <= 1 - level)
        if allowed < 0:
            return 0.0
        return 1.0 if expected == 0 else binomial_cdf(allowed, n, expected)

    z = NormalDist().inv_cdf(level) + NormalDist().inv_cdf(power)
    plan = _smallest(found, power, z * z * limit * (1 - limit) / (limit - expected) ** 2)
    # One more error is allowed from time to time, and power leaps: an earlier leap may do.
    first = next(n for n in range(plan.num_items // 2, plan.num_items + 1) if found(n) >= power)
    return Plan(first, 1, found(first))


def plan_no_worse(
    margin: float,
    discordant: float,
    difference: float = 0.0,
    *,
    power: float = POWER,
    level: float = LEVEL,
) -> Plan:
    """Compute the items to show that a run is no worse than a clinician by more than a margin.

    The lower end of the interval of the paired difference (Tango 1998's question, with the
    interval of Agresti and Min 2005) must exceed ``-margin``; one-sided at half of what the level
    leaves over.

    Args:
        discordant: Share of items on which exactly one of the two is right.
        difference: True accuracy of the run less that of the clinician.
    """
    _require_shares(margin=margin, power=power)
    _require_changes(abs(difference), discordant)
    z = NormalDist().inv_cdf((1 + level) / 2)

    def found(n: int) -> float:
        def most(changed: int) -> int:
            broken = np.arange(changed + 1)
            gap, size = changed - 2 * broken, n + 2
            lower = gap / size - z * np.sqrt(changed + 1 - gap**2 / size) / size
            return int((lower > -margin).sum()) - 1

        return _power_of_counts(n, difference, discordant, most)

    start = (
        (z + NormalDist().inv_cdf(power)) ** 2 * discordant / max(margin + difference, 1e-9) ** 2
    )
    return _smallest(found, power, start)


def share_level(level: float, num_statements: int) -> float:
    """Return the level of each of several statements that hold together at ``level``."""
    if num_statements < 1:
        raise ValueError(f"{num_statements} statements are planned; at least 1 is needed.")
    return 1 - (1 - level) / num_statements


def _power_of_counts(
    n: int, difference: float, discordant: float, most_broken: Callable[[int], int]
) -> float:
    """Return the probability that at most ``most_broken(changed)`` of the changed items are broken.

    Changed items are binomial of ``n``; the broken ones are binomial of those.
    """
    chance = (discordant - difference) / 2 / discordant
    changed = np.arange(n + 1)
    weights = binomial_pmf(changed, n, min(discordant, 1 - 1e-12))
    total = 0.0
    for number in np.flatnonzero(weights > _TAIL):
        most = most_broken(int(number))
        if most >= 0:
            below = 1.0 if chance <= 0 else binomial_cdf(most, int(number), chance)
            total += float(weights[number]) * below
    return total


def _most(size: int, is_allowed: Callable[[int], bool]) -> int:
    """Return the largest number up to ``size // 2`` that is allowed, -1 for none; by bisection."""
    low, high = -1, size // 2
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if is_allowed(middle) else (low, middle - 1)
    return low


def _smallest(found: Callable[[int], float], power: float, start: float) -> Plan:
    """Return the smallest number of items with enough power, by bisection.

    Exact tests make power rise in a saw, so that a few items less may do as well.

    Args:
        start: About how many the normal approximation asks for.
    """
    low, high = 0, max(2, math.ceil(min(start, MAX_ITEMS + 1)))
    while high <= MAX_ITEMS and found(high) < power:
        low, high = high, math.ceil(high * 1.3)
    if high > MAX_ITEMS:
        raise ValueError(
            f"More than {MAX_ITEMS:,} items would be needed. Ask for a larger difference or "
            "margin, or for less power."
        )
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if found(middle) >= power else (middle, high)
    return Plan(high, 1, found(high))


def _spread_of_alpha(
    rng: np.random.Generator, recognised: float, shares: FloatArray, num_readers: int
) -> float:
    """Return the standard deviation of alpha over simulated studies of ``_STUDY_ITEMS`` items."""
    size, total = len(shares), 40_000
    truth = rng.choice(size, total, p=shares)
    guesses = rng.choice(size, (total, num_readers), p=shares)
    is_known = rng.random((total, num_readers)) < recognised
    labels = np.where(is_known, truth[:, None], guesses)
    counts = (labels[..., None] == np.arange(size)).sum(axis=1)
    patterns, numbers = np.unique(counts, axis=0, return_counts=True)
    apart = 1.0 - np.eye(size)
    sums = agreement_sums(patterns, apart)
    drawn = rng.multinomial(_STUDY_ITEMS, numbers / total, size=_NUM_STUDIES)
    return float(np.nanstd(figures_of_sums(drawn @ sums, size, apart)[:, 2]))


def _of_population(endless: float, population: int | None) -> int:
    """Apply the finite population correction to a number of items and round up."""
    if population is None:
        return math.ceil(endless - 1e-9)
    if population < 1:
        raise ValueError(f"The population is {population} items; at least 1 is needed.")
    return min(population, math.ceil(endless / (1 + (endless - 1) / population) - 1e-9))


def _require_shares(**shares: float) -> None:
    for name, value in shares.items():
        if not 0 < value < 1:
            raise ValueError(f"The {name} is {value}; allowed is a share between 0 and 1.")


def _require_changes(difference: float, discordant: float) -> None:
    if not 0 < discordant <= 1 or not 0 <= difference <= discordant:
        raise ValueError(
            f"The runs differ by {difference} while exactly one is right on a share of "
            f"{discordant}; that share must be above 0, at most 1, and no smaller than the "
            "difference."
        )
