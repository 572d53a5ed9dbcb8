"""How often does the gate promote models that are better, no better, or worse, by test items?

    python benchmarks/gate_power.py

Simulated are two calibrated models of three labels, 60 % right or 8 points better, whose noise is
independent; then 40 models in a row that are no better than the champion, on the same test items.
"""

from __future__ import annotations

from collections import Counter
from statistics import NormalDist

import numpy as np
from history import Measured
from measuring import make_parser, record

from db.outcomes.gate_pairs import GatePair
from eci.arrays import FloatArray, IntArray
from training.evaluation.gate import judge_pairs
from training.evaluation.gate_checks import check_gain
from training.evaluation.gate_report import GateReport, SetGate

LABELS = ("yes", "no", "maybe")
SIZES = (50, 100, 200, 500, 1000, 2000)
LOW, HIGH = 0.60, 0.68
NUM_TRIES = 40
SCENARIOS = {
    "8 points better": (LOW, HIGH),
    "equal": (LOW, LOW),
    "8 points worse": (HIGH, LOW),
}


def main() -> None:
    """Simulate all scenarios and record the figures."""
    parser = make_parser(__doc__)
    parser.add_argument("--simulations", type=int, default=300)
    options = parser.parse_args()
    spreads = {accuracy: spread_for(accuracy) for accuracy in (LOW, HIGH)}
    figures = []
    for size in SIZES:
        for scenario, accuracies in SCENARIOS.items():
            outcomes = Counter(
                report(seed, size, *(spreads[one] for one in accuracies)).outcome
                for seed in range(options.simulations)
            )
            figures += [
                share(f"n = {size}, {scenario}", outcome, outcomes[outcome], options.simulations)
                for outcome in ("better", "no_worse", "too_few", "worse")
            ]
            print(figures[-4:], flush=True)
    wrong = Counter[bool]()
    for seed in range(options.simulations // 3):
        wrong[any_of_many_gains(seed, 200, spreads[LOW])] += 1
    what = f"a reign with {NUM_TRIES} challengers that are no better, n = 200"
    figures.append(share(what, "better", wrong[True], wrong.total(), at_most=0.05))
    record(__file__, figures, options)


def share(what: str, measure: str, count: int, n: int, at_most: float | None = None) -> Measured:
    """Return a share of the simulations with its 95 % interval (Wilson)."""
    z = NormalDist().inv_cdf(0.975)
    p = count / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    low, high = float(centre - half), float(centre + half)
    return Measured(what, measure, p, "share", n, low=low, high=high, at_most=at_most)


def posteriors(rng: np.random.Generator, gold: IntArray, spread: float) -> FloatArray:
    """Return what is known of labels that were seen through normal noise: calibrated."""
    seen = np.eye(3)[gold] + rng.normal(0, spread, (len(gold), 3))
    weights = np.exp((seen - seen.max(1, keepdims=True)) / spread**2)
    return np.asarray(weights / weights.sum(1, keepdims=True))


def spread_for(accuracy: float) -> float:
    """Return the noise through which this share of the labels is recognised."""
    gold = np.random.default_rng(0).integers(0, 3, 200_000)
    low, high = 0.1, 5.0
    while high - low > 1e-3:
        spread = (low + high) / 2
        seen = posteriors(np.random.default_rng(1), gold, spread).argmax(1)
        low, high = (spread, high) if (seen == gold).mean() > accuracy else (low, spread)
    return low


def judge(gold: IntArray, before: FloatArray, after: FloatArray) -> tuple[SetGate, ...]:
    """Compare two models on the same items."""
    return judge_pairs(
        [
            GatePair(
                str(n),
                "simulated",
                LABELS,
                LABELS[label],
                LABELS[int(a.argmax())],
                LABELS[int(b.argmax())],
                tuple(a),
                tuple(b),
            )
            for n, (label, a, b) in enumerate(zip(gold, before, after, strict=True))
        ]
    )


def report(seed: int, size: int, spread_before: float, spread_after: float) -> GateReport:
    """Return what the gate reports of one simulated pair of models."""
    rng = np.random.default_rng(seed)
    gold = rng.integers(0, 3, size)
    sets = judge(gold, posteriors(rng, gold, spread_before), posteriors(rng, gold, spread_after))
    return GateReport("before", "after", "simulated", 1, sets, (), check_gain(sets, 1), ())


def any_of_many_gains(seed: int, size: int, spread: float) -> bool:
    """Return whether any of many challengers that are no better is reported to be."""
    rng = np.random.default_rng(seed)
    gold = rng.integers(0, 3, size)
    champion = posteriors(rng, gold, spread)
    return any(
        check_gain(judge(gold, champion, posteriors(rng, gold, spread)), number).verdict == "pass"
        for number in range(1, NUM_TRIES + 1)
    )


if __name__ == "__main__":
    main()
