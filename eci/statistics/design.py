"""Means of all items from those that were drawn for review with known probabilities.

Reviewers look at some items more readily than at others, so the plain mean of what they found is no
estimate of all items. Where the probability with which each item was drawn is known, weighting by
its inverse is one. Strata are drawn independently, without replacement; within a stratum the
probabilities may differ (sequential Poisson sampling: Ohlsson 1998).

Variances are those of sampling with fixed size and unequal probabilities without second-order
probabilities (Hajek 1964; Rosen 1997), so that a stratum that is reviewed whole adds none. The
interval of a share is Jeffreys' (Brown, Cai and DasGupta 2001) with the effective number of items,
that of simple random sampling with the same variance (Korn and Graubard 1998); it never leaves
[0, 1] and does not collapse where no error was found.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from eci.arrays import FloatArray, IntArray, as_vector
from eci.statistics.estimates import LEVEL, Estimate, Interval, check_level, proportion

Method = Literal["naive", "horvitz_thompson", "hajek", "prediction_powered"]
NAMES: Final[dict[Method, str]] = {
    "naive": "plain mean",
    "horvitz_thompson": "Horvitz-Thompson",
    "hajek": "Hajek",
    "prediction_powered": "PPI++",
}
NOTHING_DRAWN: Final = "no drawn item has been reviewed"
_COMPLETE: Final = 1e9
"""Effective items from which on nothing is open."""
_MOST_LEVERAGE: Final = 0.9
EMPTY_STRATUM: Final = "a stratum has no reviewed item yet"


@dataclass(frozen=True, slots=True, eq=False)
class DrawnSample:
    """Reviewed items of one draw, with how they came to be drawn.

    Attributes:
        values: What was found, such as 1 for an error and 0 otherwise, shape ``(n,)``.
        probabilities: With which each was drawn, in (0, 1], shape ``(n,)``.
        strata: Number of each one's stratum, from 0, shape ``(n,)``.
        stratum_sizes: Items of each stratum, drawn or not, shape ``(n_strata,)``.
        known: A guess at the value that there is for all items, such as whether an imported label
            is missed, shape ``(n,)``; None where there is none.
        known_means: Its mean over all items of each stratum, shape ``(n_strata,)``.
    """

    values: FloatArray
    probabilities: FloatArray
    strata: IntArray
    stratum_sizes: IntArray
    known: FloatArray | None = None
    known_means: FloatArray | None = None

    @classmethod
    def of(
        cls,
        values: npt.ArrayLike,
        probabilities: npt.ArrayLike,
        strata: npt.ArrayLike,
        stratum_sizes: npt.ArrayLike,
        known: npt.ArrayLike | None = None,
        known_means: npt.ArrayLike | None = None,
    ) -> DrawnSample:
        """Return a checked sample.

        Raises:
            ValueError: Shapes that do not fit, a probability outside (0, 1], a stratum without a
                size or with more reviewed items than it has.
        """
        found = as_vector(values, "values")
        n = len(found)
        chances = as_vector(probabilities, "inclusion probabilities", n)
        outside = (chances <= 0) | (chances > 1)
        if outside.any():
            raise ValueError(
                f"The inclusion probability of item {int(outside.argmax())} is "
                f"{chances[outside][0]}; allowed is more than 0 and at most 1."
            )
        places, sizes = np.asarray(strata, np.int64), np.asarray(stratum_sizes, np.int64)
        if places.shape != (n,) or (n and not 0 <= places.min() <= places.max() < len(sizes)):
            raise ValueError(
                f"The {n} items need as many strata, each from 0 to {len(sizes) - 1}; the strata "
                f"have shape {places.shape}."
            )
        counts = np.bincount(places, minlength=len(sizes))
        if (counts > sizes).any():
            worst = int((counts - sizes).argmax())
            raise ValueError(
                f"Stratum {worst} has {sizes[worst]} items and {counts[worst]} reviewed ones; "
                "count both over the same items."
            )
        if known is None or known_means is None:
            return cls(found, chances, places, sizes)
        guesses = as_vector(known, "known values", n)
        means = as_vector(known_means, "known means", len(sizes))
        return cls(found, chances, places, sizes, guesses, means)

    @property
    def population(self) -> int:
        """Return how many items the estimate is about."""
        return int(self.stratum_sizes.sum())


@dataclass(frozen=True, slots=True)
class _Part:
    """The mean that one sample estimates.

    ``effective``: how many equally weighted items it is worth; ``open_share``: what of its variance
    is left in a finite number of items, 0 where all are reviewed.
    """

    value: float
    variance: float
    effective: float
    open_share: float


def estimate_mean(
    samples: Sequence[DrawnSample], method: Method = "hajek", level: float = LEVEL
) -> Estimate:
    """Estimate the mean of all items from one or more independent draws of the same items.

    Several draws are averaged by the number of equally weighted items that each is worth (Kish
    1965), which does not depend on what was found in them.

    Args:
        samples: Each draws from all items that the estimate is about.
        method: ``naive``: the plain mean, for comparison. ``horvitz_thompson``: sums weighted by
            the inverse probabilities over the known number of items. ``hajek``: weighted by the
            same, over the sum of the weights. ``prediction_powered``: PPI++ with power tuning
            (Angelopoulos, Duchi and Zrnic 2023) in its design-based form, the Hajek mean corrected
            by what is known of all items, by as much as lowers the variance; Hajek where nothing is
            known.

    Returns:
        ``n`` counts reviewed items; the interval names the method.
    """
    check_level(level)
    found = _combine(samples, method, level)
    if isinstance(found, Estimate):
        return found
    is_share = all(_is_share(sample) for sample in samples)
    if is_share and method == "naive":
        return proportion(found.value * found.n, found.n, NOTHING_DRAWN, level)
    if is_share:
        value = min(1.0, max(0.0, found.value))
        low, high = _share_interval(value, found, level)
    elif found.n < 2:
        return Estimate(found.value, found.n, None)
    else:
        value = found.value
        spread = found.t * math.sqrt(found.variance / max(1e-12, 1 - 1 / found.n))
        low, high = value - spread, value + spread
    return Estimate(value, found.n, Interval(low, high, level, found.name))


def estimate_change(
    samples: Sequence[DrawnSample], method: Method = "hajek", level: float = LEVEL
) -> Estimate:
    """Estimate the mean of paired differences of all items, such as accuracy after less before.

    The interval is that of Agresti and Min (2005), half an item added to each of the four cells of
    the paired table, with the number of items whose simple random sample has the same variance.

    Args:
        samples: As in ``estimate_mean``, with values of 1, 0 and -1: right only after, alike, right
            only before; what is known of all items is such a difference too.

    Raises:
        ValueError: Another value.
    """
    check_level(level)
    if any(not np.isin(sample.values, (-1, 0, 1)).all() for sample in samples):
        raise ValueError("A paired difference of an item is 1, 0 or -1; other values were given.")
    found = _combine(samples, method, level)
    if isinstance(found, Estimate):
        return found
    moved = [replace(sample, values=np.abs(sample.values), known=None) for sample in samples]
    changed = _combine(moved, "naive" if method == "naive" else "hajek", level)
    if isinstance(changed, Estimate):
        return changed
    value = min(1.0, max(-1.0, found.value))
    spread = max(0.0, changed.value - value**2)
    n = spread / found.variance if spread > 0 and found.variance > 0 else found.effective
    gap, size = value * n, n + 2
    width = found.z * math.sqrt(changed.value * n + 1 - gap**2 / size) / size
    low, high = max(-1.0, gap / size - width), min(1.0, gap / size + width)
    return Estimate(value, found.n, Interval(min(low, value), max(high, value), level, found.name))


@dataclass(frozen=True, slots=True)
class _Combined:
    """What several samples say together.

    ``effective``: items of a simple random sample of endlessly many that they are worth where no
    variance shows; ``t``: quantile of Student's t with the degrees of freedom; ``z``: that for
    intervals that know the variance of a share, which pay only for degrees of freedom that simple
    random sampling does not cost; with power tuning they pay for all of them.
    """

    value: float
    variance: float
    effective: float
    n: int
    t: float
    z: float
    name: str


def _combine(samples: Sequence[DrawnSample], method: Method, level: float) -> _Combined | Estimate:
    """Average the samples, or say why there is no estimate."""
    used = [sample for sample in samples if len(sample.values)]
    n = sum(len(sample.values) for sample in used)
    if not used:
        return Estimate.undefined(NOTHING_DRAWN)
    if method != "naive" and any(_lacks_a_stratum(sample) for sample in used):
        return Estimate.undefined(EMPTY_STRATUM, n)
    parts = [_part(sample, method) for sample in used]
    weights = np.array([part.effective for part in parts], dtype=np.float64)
    weights /= weights.sum()
    value = float(sum(w * part.value for w, part in zip(weights, parts, strict=True)))
    variance = float(sum(w * w * part.variance for w, part in zip(weights, parts, strict=True)))
    open_share = float(weights @ [part.open_share for part in parts])
    effective = sum(part.effective for part in parts) / max(open_share, 1e-12)
    has_powers = any(sample.known is not None for sample in used)
    name = NAMES["hajek" if method == "prediction_powered" and not has_powers else method]
    freedom = n - sum(len(np.unique(sample.strata)) for sample in used)
    tail = (1 + level) / 2
    t = _normal(level) if method == "naive" else _t_quantile(tail, freedom - (name == "PPI++"))
    is_plain = method == "naive" or name == "PPI++"
    z = t if is_plain else t * _normal(level) / _t_quantile(tail, n - 1)
    return _Combined(value, variance, effective, n, t, z, name)


def _lacks_a_stratum(sample: DrawnSample) -> bool:
    counts = np.bincount(sample.strata, minlength=len(sample.stratum_sizes))
    return bool(((counts == 0) & (sample.stratum_sizes > 0)).any())


def _part(sample: DrawnSample, method: Method) -> _Part:
    """Estimate from one sample; its variance is without the correction n / (n - 1)."""
    if method == "naive":
        n = len(sample.values)
        value = float(sample.values.mean())
        return _Part(value, float(sample.values.var()) / n, n, 1.0)
    effective, open_share = _effective(sample)
    if method == "horvitz_thompson":
        value, variance = _horvitz_thompson(sample)
        return _Part(value, variance, effective, open_share)
    value = _mean(sample, sample.values)
    variance = _covariance(sample, sample.values, sample.values)
    if method == "hajek" or sample.known is None or sample.known_means is None:
        return _Part(value, variance, effective, open_share)
    guesses = sample.known
    spread = _covariance(sample, guesses, guesses)
    power = 0.0
    if spread > 0:
        power = min(1.0, max(0.0, _covariance(sample, sample.values, guesses) / spread))
    rest = sample.values - power * guesses
    shares = sample.stratum_sizes / sample.population
    value = _mean(sample, rest) + power * float(shares @ sample.known_means)
    # Residuals of a fitted power are too small by their leverage (MacKinnon and White 1985, HC2).
    # Where guess and finding never differed, they may in an item that was not drawn: as for few
    # paired items, one difference either way is added (Bonett and Price 2012).
    variance = _covariance(sample, rest, rest, _leverage(sample, guesses))
    variance += 2 * power**2 * open_share / effective**2
    return _Part(value, variance, effective, open_share)


def _is_share(sample: DrawnSample) -> bool:
    return bool(((sample.values == 0) | (sample.values == 1)).all())


def _weights(sample: DrawnSample) -> FloatArray:
    """Return each item's weight within its stratum, summing to the stratum's share of all."""
    inverse = 1 / sample.probabilities
    totals = np.bincount(sample.strata, inverse, minlength=len(sample.stratum_sizes))
    shares = sample.stratum_sizes / sample.population
    weights: FloatArray = inverse * (shares / np.where(totals > 0, totals, 1))[sample.strata]
    return weights


def _mean(sample: DrawnSample, values: FloatArray) -> float:
    return float(_weights(sample) @ values)


def _residuals(sample: DrawnSample, values: FloatArray) -> FloatArray:
    """Return the values less the weighted mean of each one's stratum."""
    inverse = 1 / sample.probabilities
    size = len(sample.stratum_sizes)
    totals = np.bincount(sample.strata, inverse, minlength=size)
    sums = np.bincount(sample.strata, inverse * values, minlength=size)
    residuals: FloatArray = values - (sums / np.where(totals > 0, totals, 1))[sample.strata]
    return residuals


def _leverage(sample: DrawnSample, guesses: FloatArray) -> FloatArray:
    """Return how much each item determines its own fitted value: by its weight and its guess."""
    weights = _weights(sample)
    totals = np.bincount(sample.strata, weights, minlength=len(sample.stratum_sizes))
    squares = weights * _residuals(sample, guesses) ** 2
    leverage: FloatArray = weights / totals[sample.strata] + squares / max(squares.sum(), 1e-12)
    return leverage


def _covariance(
    sample: DrawnSample, a: FloatArray, b: FloatArray, leverage: FloatArray | None = None
) -> float:
    """Estimate the covariance of the Hajek means of two values of the same items.

    The factor n / (n - 1) of each stratum is left out for a single stratum: the interval and the
    t quantile stand in for it. With several it is kept, but for the whole sample.

    Args:
        leverage: Of values that were fitted; without it each item has 1 / n of its stratum.
    """
    counts = np.bincount(sample.strata, minlength=len(sample.stratum_sizes))[sample.strata]
    strata = np.unique(sample.strata)
    n = len(a)
    single = counts == 1
    own = 1 / counts if leverage is None else np.minimum(leverage, _MOST_LEVERAGE)
    factor = np.where(single, 0.0, 1 / (1 - np.where(single, 0.0, own))) * (1 - 1 / max(n, 2))
    terms = (1 - sample.probabilities) * _weights(sample) ** 2
    value = float((factor * terms * _residuals(sample, a) * _residuals(sample, b)).sum())
    if single.any() and len(strata) > 1:  # a stratum of one shows no spread: that of all is used
        spread = (a - _mean(sample, a)) * (b - _mean(sample, b))
        value += float(terms[single].sum() * spread.mean())
    return value


def _horvitz_thompson(sample: DrawnSample) -> tuple[float, float]:
    """Return the Horvitz-Thompson mean and its variance for a fixed number of items."""
    expanded = sample.values / sample.probabilities
    variance = 0.0
    for stratum in np.unique(sample.strata):
        inside = sample.strata == stratum
        size = int(inside.sum())
        open_share = 1 - sample.probabilities[inside]
        if open_share.sum() <= 0:
            continue
        centre = (open_share * expanded[inside]).sum() / open_share.sum()
        squares = (open_share * (expanded[inside] - centre) ** 2).sum()
        variance += float(squares) * (size / max(size - 1, 1))
    n = len(expanded)
    mean = float(expanded.sum()) / sample.population
    return mean, variance / sample.population**2 * (1 - 1 / max(n, 2))


def _effective(sample: DrawnSample) -> tuple[float, float]:
    """Return how many equally weighted items the weights are worth (Kish), and the open share."""
    squares = _weights(sample) ** 2
    open_share = float((1 - sample.probabilities) @ squares / squares.sum())
    return float(_weights(sample).sum() ** 2 / squares.sum()), open_share


def _share_interval(value: float, found: _Combined, level: float) -> tuple[float, float]:
    """Compute Jeffreys' interval with the items that a variance is worth.

    Where nothing or everything was found, the other end is that of Clopper and Pearson (1934).
    """
    if found.effective > _COMPLETE:
        return value, value
    from scipy.special import betaincinv

    inner = value * (1 - value)
    n = inner / found.variance if found.variance > 0 and inner > 0 else found.effective
    n = max(n, 1.0) * (_normal(level) / found.z) ** 2
    tail = (1 - level) / 2
    if inner == 0:
        end = tail ** (1 / n)
        return (0.0, 1 - end) if value == 0 else (end, 1.0)
    hits, misses = value * n + 0.5, (1 - value) * n + 0.5
    low, high = (float(betaincinv(hits, misses, share)) for share in (tail, 1 - tail))
    return min(low, value), max(high, value)


def _normal(level: float) -> float:
    return NormalDist().inv_cdf((1 + level) / 2)


def _t_quantile(probability: float, freedom: int) -> float:
    """Return the quantile of Student's t; that of one degree of freedom where none is left."""
    from scipy.special import stdtrit

    return float(stdtrit(max(freedom, 1), probability))
