"""What a head's confidence is worth: calibration, answering alone, sets of labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from db.connection import Database
from db.outcomes.counts import (
    Bin,
    ReviewTime,
    count_bins,
    count_confidences,
    load_probabilities,
    measure_review_time,
)
from db.outcomes.selection import OutcomeFilter
from eci.arrays import FloatArray, IntArray
from eci.statistics.binned_calibration import BinSums, binned_ece
from eci.statistics.calibration import TemperatureScaling
from eci.statistics.conformal import ConformalSets, CoverageReport, coverage_report
from eci.statistics.estimates import Estimate, Interval, mean, proportion
from eci.statistics.reliability import NUM_BINS, brier_losses, reliability_report
from eci.statistics.selective import RiskCurve, risk_curve
from streamlit_app.logic.cache import cached
from streamlit_app.wording import say

MAX_SAMPLE: Final = 3_000
"""Items for what needs single probabilities: its error is below 0.01, and it takes 0.1 s."""
NUM_FOLDS: Final = 2
"""A temperature is one number: half of the sample determines it, in a third of the time of 5
folds."""
ALPHA: Final = 0.1
ASSUMED_SECONDS: Final = 60.0
"""For one annotation, where none was timed yet."""


@dataclass(frozen=True)
class Calibration:
    """How far confidences can be taken at their word.

    ``by_chance``: where the error of perfectly calibrated confidences would lie.
    """

    bins: tuple[Bin, ...]
    ece: Estimate
    by_chance: Interval | None
    brier: Estimate

    @property
    def is_off(self) -> bool:
        """Return whether the error is larger than chance explains."""
        return (
            self.ece.value is not None
            and self.by_chance is not None
            and self.ece.value > self.by_chance.high
        )


@dataclass(frozen=True)
class TrustView:
    """Everything the section on trust draws.

    Attributes:
        given: The probabilities as the run gave them; the bins and the error over all items.
        rescaled: After temperature scaling, each item by a temperature fitted on other items; over
            the sample, as is the Brier score of both.
        temperature: Geometric mean of those fitted; None without probabilities.
        num_sampled: Items in the sample.
        curve: Coverage and risk over all items, confidence in steps of 0.1 %.
        sets: Conformal sets fitted on one half of the sample, judged on the other.
    """

    labels: tuple[str, ...]
    n: int
    given: Calibration
    rescaled: Calibration | None
    temperature: float | None
    num_sampled: int
    curve: RiskCurve
    sets: CoverageReport | None
    conformal: ConformalSets | None
    review_time: ReviewTime


def seconds_per_item(time: ReviewTime) -> Estimate:
    """Return the mean time of one annotation, from those that were timed."""
    if time.mean_seconds is None:
        return Estimate.undefined(say("undefined.not_timed"))
    n, total = time.num_annotations, time.num_annotations * time.mean_seconds
    squares = (n - 1) * (time.sd_seconds or 0) ** 2 + total * time.mean_seconds
    return mean(total, squares, n, "")


@cached
def load_trust(
    database: Database,
    version: str,  # noqa: ARG001
    flt: OutcomeFilter,
    labels: tuple[str, ...],
) -> TrustView:
    """Count and compute what the section on trust shows of a run with a head."""
    cur = database.cursor()
    bins = count_bins(cur, flt, NUM_BINS)
    counts = count_confidences(cur, flt)
    sample = load_probabilities(cur, flt, labels, MAX_SAMPLE)
    p, y = sample.probabilities, sample.y
    rescaled, temperature = _rescale(p, y)
    conformal, sets = _conformal(p, y, labels)
    return TrustView(
        labels=labels,
        n=sum(part.count for part in bins),
        given=_calibration(bins, p, y),
        rescaled=None if rescaled is None else _calibration(bins_of(rescaled, y), rescaled, y),
        temperature=temperature,
        num_sampled=len(y),
        curve=risk_curve(
            [count.low for count in counts],
            np.array([count.is_right for count in counts], dtype=bool),
            [count.count for count in counts],
        ),
        sets=sets,
        conformal=conformal,
        review_time=measure_review_time(cur),
    )


def bins_of(p: FloatArray, y: IntArray) -> list[Bin]:
    """Sort single items into bins, as the database does with all of them."""
    confidence, right = p.max(axis=1), p.argmax(axis=1) == y
    which = np.minimum((confidence * NUM_BINS).astype(np.int64), NUM_BINS - 1)
    found = []
    for number in np.unique(which).tolist():
        sure, hits = confidence[which == number], right[which == number]
        found.append(
            Bin(
                number / NUM_BINS,
                (number + 1) / NUM_BINS,
                len(sure),
                float(sure.mean()),
                float(hits.mean()),
                float(((hits - sure) ** 2).sum()),
                float((sure * (1 - sure)).sum()),
            )
        )
    return found


def bin_accuracy(part: Bin) -> Estimate:
    """Return the share of a bin's items that are right; Wilson interval."""
    return proportion(part.accuracy * part.count, part.count, say("undefined.empty_bin"))


def _calibration(bins: Sequence[Bin], p: FloatArray, y: IntArray) -> Calibration:
    n = sum(part.count for part in bins)
    if n and n == len(y) and n <= MAX_SAMPLE // 2:
        report = reliability_report(p, y)
        return Calibration(tuple(bins), report.ece, report.ece_if_calibrated, report.brier)
    sums = [
        BinSums(
            part.count,
            part.count * (part.accuracy - part.mean_confidence),
            part.sum_squared_gaps,
            part.sum_variances,
        )
        for part in bins
    ]
    ece, by_chance = binned_ece(sums)
    losses = brier_losses(p, y)
    nothing = say("undefined.no_items")
    brier = mean(float(losses.sum()), float((losses**2).sum()), len(losses), nothing)
    return Calibration(tuple(bins), ece, by_chance, brier)


def _rescale(p: FloatArray, y: IntArray) -> tuple[FloatArray | None, float | None]:
    """Rescale each item by the temperature that the other fold asks for; give also their mean."""
    if len(y) < 10:
        return None, None
    with np.errstate(divide="ignore"):
        logits = np.log(p)
    # A gold label of probability 0 would be one that the item does not offer.
    logits[np.arange(len(y)), y] = np.maximum(logits[np.arange(len(y)), y], np.log(1e-12))
    fold = np.arange(len(y)) % NUM_FOLDS
    rescaled, temperatures = np.empty_like(p), []
    for number in range(NUM_FOLDS):
        held_out = fold == number
        scaling = TemperatureScaling.fit(logits[~held_out], y[~held_out])
        rescaled[held_out] = scaling.transform(logits[held_out])
        temperatures.append(scaling.temperature)
    return rescaled, float(np.exp(np.log(temperatures).mean()))


def _conformal(
    p: FloatArray, y: IntArray, labels: tuple[str, ...]
) -> tuple[ConformalSets | None, CoverageReport | None]:
    if len(y) < 20:
        return None, None
    fitting = np.arange(len(y)) % 2 == 0
    sets = ConformalSets.fit(p[fitting], y[fitting], labels=labels, alpha=ALPHA)
    return sets, coverage_report(sets.sets(p[~fitting]), y[~fitting], num_resamples=500)
