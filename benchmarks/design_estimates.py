"""Do figures hold however items were chosen, and does the watch alarm no more than it promises?

    python benchmarks/design_estimates.py              (the full run: 2,000 runs, 10,000 streams)
    python benchmarks/design_estimates.py --scale 0.05 (a short one, kept as a part)

Coverage of nominal 95 % intervals for six ways of choosing items and three models; false alarms and
delay of the watch, beside the rule of before; power of the planner's answers; width of PPI++ on
PubMedQA's 500 test questions with two models.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, get_args

import numpy as np
import numpy.typing as npt
from history import Measured
from measuring import make_parser, record

from db.review.draws import FLOOR, draw_sizes, thresholds
from eci.arrays import FloatArray, IntArray
from eci.statistics.agreement import agreement_sums, figures_of_sums
from eci.statistics.betting import is_above
from eci.statistics.compare import mcnemar_p_value, paired_difference
from eci.statistics.design import DrawnSample, Method, estimate_change, estimate_mean
from eci.statistics.estimates import binomial_cdf, proportion
from eci.statistics.planning import (
    plan_accuracy,
    plan_alpha,
    plan_certificate,
    plan_comparison,
    plan_no_worse,
)

TOTAL: Final = 1000
REVIEWED: Final = 150
METHODS: Final[tuple[Method, ...]] = get_args(Method)
NAMES: Final = {
    "naive": "plain",
    "horvitz_thompson": "HT",
    "hajek": "Hajek",
    "prediction_powered": "PPI++",
}
USED: Final[tuple[Method, ...]] = ("hajek", "prediction_powered")
"""What the pages use: PPI++, and Hajek where nothing is known of all items."""
LABELS: Final = 3
DATA: Final = {"QwQ-32B": "QwQ-32B", "gpt-4o-mini": "gpt-4o-mini"}


@dataclass(frozen=True)
class Model:
    """A finite set of items with what a model made of them.

    Attributes:
        errors: 1 where it is wrong by what people say.
        margins: Head's certainty; the least certain come first.
        differ: Whether text and head differ.
        labels: Label given, for strata.
        known: Whether it misses the imported label, which is right on nine of ten items.
    """

    errors: FloatArray
    margins: FloatArray
    differ: FloatArray
    labels: IntArray
    known: FloatArray


def make_model(seed: int, rate: float, calibration: float) -> Model:
    """Make a model with an error rate whose certainty predicts its errors, more or less."""
    rng = np.random.default_rng(seed)
    signal = rng.normal(size=TOTAL)
    logits = calibration * signal + rng.normal(size=TOTAL)
    errors = (logits > np.quantile(logits, 1 - rate)).astype(float)
    differ = (rng.random(TOTAL) < np.where(errors == 1, 0.4, 0.08)).astype(float)
    known = np.where(rng.random(TOTAL) < 0.1, 1 - errors, errors)
    labels = rng.choice(LABELS, TOTAL, p=[0.55, 0.34, 0.11])
    return Model(errors, -signal, differ, labels, known)


MODELS: Final = {
    "calibrated, 16.4 % errors": (1, 0.164, 2.0),
    "overconfident, 30 % errors": (2, 0.30, 0.4),
    "strong, 8 % errors": (3, 0.08, 1.0),
}


def draw(
    rng: np.random.Generator,
    model: Model,
    ranks: IntArray | None,
    n: int,
    inside: npt.NDArray[np.bool_] | None = None,
) -> DrawnSample:
    """Draw n items: with equal chances, or in an order of priority with the default floor.

    Args:
        inside: Keep those of a slice alone.
    """
    kind = "equal" if ranks is None else "prioritised"
    by_rank = draw_sizes(kind, TOTAL, FLOOR)  # type: ignore[arg-type]
    assert by_rank is not None
    sizes = by_rank if ranks is None else by_rank[ranks]
    chosen = np.argsort(rng.random(TOTAL) / sizes)[:n]
    chances = np.minimum(1, sizes[chosen] * thresholds(sizes)[n - 1])
    known, total = model.known, TOTAL
    mean = known.mean()
    if inside is not None:
        kept = inside[chosen]
        chosen, chances = chosen[kept], chances[kept]
        total, mean = int(inside.sum()), known[inside].mean()
    return DrawnSample.of(
        model.errors[chosen], chances, np.zeros(len(chosen)), [total], known[chosen], [mean]
    )


def draw_strata(rng: np.random.Generator, model: Model, n: int) -> DrawnSample:
    """Draw as many items of each label that the model gave."""
    parts = []
    for label in range(LABELS):
        own = np.flatnonzero(model.labels == label)
        parts.append(rng.choice(own, min(n // LABELS, len(own)), replace=False))
    chosen = np.concatenate(parts)
    strata, sizes = model.labels[chosen], np.bincount(model.labels, minlength=LABELS)
    chances = np.array([len(part) for part in parts])[strata] / sizes[strata]
    means = np.bincount(model.labels, model.known) / sizes
    return DrawnSample.of(model.errors[chosen], chances, strata, sizes, model.known[chosen], means)


def _ranks(key: FloatArray) -> IntArray:
    return np.argsort(np.argsort(key, kind="stable"), kind="stable")


WAYS: Final[Mapping[str, Callable[[np.random.Generator, Model], list[DrawnSample]]]] = {
    "random": lambda rng, m: [draw(rng, m, None, REVIEWED)],
    "least certain first": lambda rng, m: [draw(rng, m, _ranks(m.margins), REVIEWED)],
    "text and head differ first": lambda rng, m: [
        draw(rng, m, _ranks(m.margins - 10 * m.differ), REVIEWED)
    ],
    "strata": lambda rng, m: [draw_strata(rng, m, REVIEWED)],
    "all": lambda rng, m: [draw(rng, m, None, TOTAL)],
    "mixed": lambda rng, m: [
        draw(rng, m, None, REVIEWED // 2),
        draw(rng, m, _ranks(m.margins), REVIEWED // 2),
    ],
}


def measure_coverage(num_runs: int) -> Iterator[Measured]:
    """Count how often intervals hold the truth, by way of choosing, model and method."""
    for name, parameters in MODELS.items():
        model = make_model(*parameters)
        truth = float(model.errors.mean())
        for way, choose in WAYS.items():
            hits = dict.fromkeys(METHODS, 0)
            width = dict.fromkeys(METHODS, 0.0)
            for seed in range(num_runs):
                samples = choose(np.random.default_rng(seed), model)
                for method in METHODS:
                    interval = estimate_mean(_plain(samples, method), method).interval
                    assert interval is not None
                    hits[method] += interval.low - 1e-9 <= truth <= interval.high + 1e-9
                    width[method] += (interval.high - interval.low) / num_runs
            for method in METHODS:
                is_bounded = method in USED and way != "all"
                yield Measured(
                    f"{way}; {name}",
                    NAMES[method],
                    hits[method] / num_runs,
                    "share",
                    num_runs,
                    at_least=0.935 if is_bounded else None,
                    at_most=0.965 if is_bounded else None,
                    section="Coverage of 95 % intervals",
                )
                yield Measured(
                    f"{way}; {name}",
                    f"{NAMES[method]}, mean width in points",
                    100 * width[method],
                    "",
                    num_runs,
                    section="Width of 95 % intervals",
                )


def measure_changes(num_runs: int) -> Iterator[Measured]:
    """Count how often intervals of the difference of two models hold the truth, paired."""
    section = "Coverage of 95 % intervals of the difference of two models"
    before = make_model(1, 0.164, 2.0)
    pairs = {
        "5 points better": _improved(before, 0.45, 0.028),
        "as good": _improved(before, 0.3, 0.0589),
    }
    for name, after in pairs.items():
        truth = float((before.errors - after.errors).mean())
        for way, choose in WAYS.items():
            hits = dict.fromkeys(METHODS, 0)
            for seed in range(num_runs):
                samples = choose(np.random.default_rng(seed), before)
                again = choose(np.random.default_rng(seed), after)
                changed = [_less(a, b) for a, b in zip(samples, again, strict=True)]
                for method in METHODS:
                    interval = estimate_change(_plain(changed, method), method).interval
                    assert interval is not None
                    hits[method] += interval.low - 1e-9 <= truth <= interval.high + 1e-9
            for method in METHODS:
                is_bounded = method == "hajek" and way != "all"  # what the pages use
                yield Measured(
                    f"{way}; {name}",
                    NAMES[method],
                    hits[method] / num_runs,
                    "share",
                    num_runs,
                    at_least=0.935 if is_bounded else None,
                    at_most=0.965 if is_bounded else None,
                    section=section,
                )


def _improved(before: Model, fixed: float, broken: float) -> Model:
    """Return a model that fixes and breaks these shares of what the first has wrong and right."""
    rng = np.random.default_rng(9)
    is_wrong = before.errors == 1
    turned = rng.random(TOTAL) < np.where(is_wrong, fixed, broken)
    errors = np.where(turned, 1 - before.errors, before.errors)
    known = np.where(turned, 1 - before.known, before.known)
    return Model(errors, before.margins, before.differ, before.labels, known)


def _less(before: DrawnSample, after: DrawnSample) -> DrawnSample:
    """Return the same drawn items with the fall of the error as their value."""
    assert before.known is not None and after.known is not None
    assert before.known_means is not None and after.known_means is not None
    return DrawnSample.of(
        before.values - after.values,
        before.probabilities,
        before.strata,
        before.stratum_sizes,
        before.known - after.known,
        before.known_means - after.known_means,
    )


def measure_slices(num_runs: int) -> Iterator[Measured]:
    """Count how often intervals of a slice of three in ten items hold its own truth."""
    section = "Coverage of 95 % intervals of a slice of 300 items, of which about 45 are reviewed"
    for name, parameters in MODELS.items():
        model = make_model(*parameters)
        inside = np.random.default_rng(5).random(TOTAL) < 0.3
        truth = float(model.errors[inside].mean())
        orders = {
            "random": None,
            "least certain first": _ranks(model.margins),
            "text and head differ first": _ranks(model.margins - 10 * model.differ),
        }
        for way, ranks in orders.items():
            hits = dict.fromkeys(METHODS, 0)
            for seed in range(num_runs):
                sample = draw(np.random.default_rng(seed), model, ranks, REVIEWED, inside)
                for method in METHODS:
                    interval = estimate_mean([sample], method).interval
                    assert interval is not None
                    hits[method] += interval.low <= truth <= interval.high
            for method in METHODS:
                yield Measured(
                    f"{way}; {name}", NAMES[method], hits[method] / num_runs, "share", num_runs,
                    section=section,
                )  # fmt: skip


def _plain(samples: Sequence[DrawnSample], method: Method) -> list[DrawnSample]:
    """Pool the reviews for the plain mean, which knows of no draws."""
    if method != "naive" or len(samples) == 1:
        return list(samples)
    values = np.concatenate([sample.values for sample in samples])
    n = len(values)
    return [DrawnSample.of(values, np.full(n, n / TOTAL), np.zeros(n), [TOTAL])]


def first_alarms(looks: int, limit: float) -> IntArray:
    """Return how many errors raise an alarm after 1, 2 ... reviews; they only grow."""
    found, errors = [], 0
    for n in range(1, looks + 1):
        while errors <= n and not is_above(errors, n, limit):
            errors += 1
        found.append(errors)
    return np.array(found)


def first_wilson(looks: int, limit: float) -> IntArray:
    """Return the same for the rule of before: the lower end of Wilson's interval."""
    found, errors = [], 0
    for n in range(1, looks + 1):
        while errors <= n:
            interval = proportion(errors, n, "").interval
            assert interval is not None
            if interval.low > limit:
                break
            errors += 1
        found.append(errors)
    return np.array(found)


def measure_watch(num_streams: int, looks: int = 1000) -> Iterator[Measured]:
    """Count false alarms of streams at the limit, and how soon a rise of 10 points is found."""
    section = "Watching: looked at after every review"
    for limit in (0.05, 0.164, 0.3):
        rules = {
            "betting": first_alarms(looks, limit),
            "Wilson, before": first_wilson(looks, limit),
        }
        rng = np.random.default_rng(18)
        alarmed = dict.fromkeys(rules, 0)
        delays: list[IntArray] = []
        for start in range(0, num_streams, 500):
            size = min(500, num_streams - start)
            quiet = (rng.random((size, looks)) < limit).cumsum(axis=1)
            risen = (rng.random((size, looks)) < limit + 0.1).cumsum(axis=1)
            for rule, errors in rules.items():
                alarmed[rule] += int((quiet >= errors).any(axis=1).sum())
            above = risen >= rules["betting"]
            delays.append(np.where(above.any(axis=1), above.argmax(axis=1) + 1, looks + 1))
        what = f"limit {100 * limit:g} %, {looks} looks"
        for rule, count in alarmed.items():
            most = 0.05 if rule == "betting" else None
            share = count / num_streams
            yield Measured(
                what, f"false alarms, {rule}", share, "share", num_streams, at_most=most,
                section=section,
            )  # fmt: skip
        delay = np.concatenate(delays)
        for quantile, measure in ((0.5, "median"), (0.95, "95 of 100")):
            found = float(np.quantile(delay, quantile))
            yield Measured(
                what, f"reviews until a rise of 10 points is found, {measure}", found, "",
                num_streams, section=section,
            )  # fmt: skip


def measure_unchanged(num_streams: int) -> Iterator[Measured]:
    """Count runs set off by a model that has not changed, reviewed least certain first."""
    model = make_model(1, 0.164, 0.35)
    order = np.argsort(model.margins)
    limit = 0.164 + 0.05
    rules = {"before": first_wilson(100, limit), "now": first_alarms(100, limit)}
    rng = np.random.default_rng(0)
    for rule, errors in rules.items():
        strict = rule == "before"
        counts = {20: 0, 50: 0, 100: 0}
        for _ in range(num_streams):
            # Before: any review counted, so a shuffled tenth of the hardest; now: random ones.
            seen = rng.permutation(order[:200])[:100] if strict else rng.permutation(TOTAL)[:100]
            alarms = model.errors[seen].cumsum() >= errors
            for looks in counts:
                counts[looks] += bool(alarms[:looks].any())
        for looks, count in counts.items():
            yield Measured(
                f"after {looks} reviews", f"runs set off, {rule}", count / num_streams, "share",
                num_streams, at_most=None if strict else 0.05,
                section="A model that has not changed, of whose items the least certain come first",
            )  # fmt: skip


def measure_power(num_runs: int) -> Iterator[Measured]:
    """Simulate studies of the planned size."""
    section = "Planner: asked 80 %"
    rng = np.random.default_rng(4)
    for gap, discordant in ((0.05, 0.2), (0.1, 0.3), (0.03, 0.1)):
        plan = plan_comparison(gap, discordant)
        split = ((discordant + gap) / 2, (discordant - gap) / 2)
        found = _studies(rng, plan.num_items, split, num_runs, _is_significant)
        yield _power(
            f"two runs {100 * gap:g} points apart", plan.num_items, found, num_runs, section
        )
    for margin, discordant in ((0.05, 0.2), (0.1, 0.3)):
        plan = plan_no_worse(margin, discordant)
        split = (discordant / 2, discordant / 2)
        found = _studies(rng, plan.num_items, split, num_runs, _is_no_worse(margin))
        what = f"no worse by {100 * margin:g} points"
        yield _power(what, plan.num_items, found, num_runs, section)
    plan = plan_certificate(0.1, 0.07)
    errors = rng.binomial(plan.num_items, 0.07, num_runs)
    found = float(np.mean([binomial_cdf(int(e), plan.num_items, 0.1) <= 0.05 for e in errors]))
    yield _power("an error of at most 10 %, truly 7 %", plan.num_items, found, num_runs, section)
    yield from _precision(rng, num_runs)


def _power(what: str, items: int, found: float, n: int, section: str) -> Measured:
    note = f"{items} items"
    return Measured(
        what, "found", found, "share", n, at_least=0.78, at_most=0.82, section=section, note=note
    )


def _precision(rng: np.random.Generator, num_runs: int) -> Iterator[Measured]:
    """Simulate how often estimates lie within the margin: asked 95 %."""
    section = "Planner: within the margin, asked 95 %"
    plan = plan_accuracy(0.8, 0.03, TOTAL)
    right = rng.hypergeometric(800, 200, plan.num_items, num_runs) / plan.num_items
    inside = float((np.abs(right - 0.8) <= 0.03 + 1e-9).mean())
    note = f"{plan.num_items} of {TOTAL} items"
    yield Measured("accuracy of 80 %, 3 points", "inside", inside, "share", num_runs,
                   section=section, note=note)  # fmt: skip
    shares, alpha, margin = [0.55, 0.34, 0.11], 0.7, 0.05
    plan = plan_alpha(alpha, margin, shares, 3)
    size, found = LABELS, []
    for _ in range(min(num_runs, 1000)):
        truth = rng.choice(size, plan.num_items, p=shares)
        known = rng.random((plan.num_items, 3)) < np.sqrt(alpha)
        given = np.where(known, truth[:, None], rng.choice(size, known.shape, p=shares))
        counts = (given[..., None] == np.arange(size)).sum(axis=1)
        apart = 1.0 - np.eye(size)
        sums = agreement_sums(counts, apart).sum(axis=0)
        found.append(float(figures_of_sums(sums, size, apart)[2]))
    inside = float((np.abs(np.array(found) - alpha) <= margin).mean())
    yield Measured("alpha of 0.7, 0.05", "inside", inside, "share", len(found), section=section,
                   note=f"{plan.num_items} items, 3 readers")  # fmt: skip


def _studies(
    rng: np.random.Generator,
    n: int,
    split: tuple[float, float],
    num_runs: int,
    finds: Callable[[int, int, int], bool],
) -> float:
    drawn = rng.multinomial(n, [*split, 1 - sum(split)], num_runs)[:, :2]
    rows, numbers = np.unique(drawn, axis=0, return_counts=True)
    hits = [finds(n, int(fixed), int(broken)) for fixed, broken in rows]
    return float(numbers @ hits / num_runs)


def _is_significant(n: int, fixed: int, broken: int) -> bool:  # noqa: ARG001
    return mcnemar_p_value(fixed, broken) <= 0.05


def _is_no_worse(margin: float) -> Callable[[int, int, int], bool]:
    def finds(n: int, fixed: int, broken: int) -> bool:
        interval = paired_difference(n, fixed, broken).interval
        return interval is not None and interval.low > -margin

    return finds


def measure_pubmedqa(data: Path, num_runs: int) -> Iterator[Measured]:
    """Measure how much narrower PPI++ is than random review on real answers and annotators."""
    questions = json.loads((data / "pubmedqa" / "ori_pqal.json").read_text("utf-8"))
    answers = {model: _answers(data, model) for model in DATA}
    for model, other in (("QwQ-32B", "gpt-4o-mini"), ("gpt-4o-mini", "QwQ-32B")):
        ids = sorted(set(answers[model]) & set(answers[other]) & set(questions))
        given = np.array([answers[model][one] for one in ids])
        people = np.array([questions[one]["reasoning_required_pred"] for one in ids])
        imported = np.array([questions[one]["final_decision"] for one in ids])
        second = np.array([answers[other][one] for one in ids])
        errors = (given != people).astype(float)
        for name, known in (("the imported label", given != imported), (other, given != second)):
            yield from _widths(f"{model}, known: {name}", errors, known.astype(float), num_runs)


def _widths(what: str, errors: FloatArray, known: FloatArray, num_runs: int) -> Iterator[Measured]:
    total, n, truth = len(errors), 150, float(errors.mean())
    methods: tuple[Method, ...] = ("naive", *USED)
    hits, widths = dict.fromkeys(methods, 0), dict.fromkeys(methods, 0.0)
    for seed in range(num_runs):
        chosen = np.random.default_rng(seed).permutation(total)[:n]
        sample = DrawnSample.of(
            errors[chosen], np.full(n, n / total), np.zeros(n), [total], known[chosen],
            [known.mean()],
        )  # fmt: skip
        for method in methods:
            interval = estimate_mean([sample], method).interval
            assert interval is not None
            hits[method] += interval.low <= truth <= interval.high
            widths[method] += (interval.high - interval.low) / num_runs
    section = "PubMedQA, 150 of 500 questions reviewed at random by the annotators"
    for method, name in (("hajek", "random review"), ("prediction_powered", "PPI++")):
        yield Measured(what, f"coverage, {name}", hits[method] / num_runs, "share", num_runs,
                       section=section)  # fmt: skip
    for method, name in (("hajek", "random review"), ("naive", "the plain interval")):
        narrower = 1 - widths["prediction_powered"] / widths[method]
        yield Measured(what, f"PPI++ narrower than {name} by", narrower, "share", num_runs,
                       section=section)  # fmt: skip


def _answers(data: Path, model: str) -> dict[str, str]:
    path = data / "model_answers" / f"{model}-pubmedqa-test-zero_shot.json"
    entries: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))
    return {
        str(entry["realidx"]): entry["options"].get(str(entry["predicted_answer"]).strip(), "none")
        for entry in entries
    }


def main() -> None:
    """Simulate and record."""
    parser = make_parser(__doc__, wants_data=True)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the runs and streams")
    options = parser.parse_args()
    runs, streams = max(20, round(2000 * options.scale)), max(100, round(10_000 * options.scale))
    figures = [*measure_coverage(runs), *measure_changes(runs), *measure_slices(runs)]
    figures += [*measure_watch(streams), *measure_unchanged(streams)]
    figures += [*measure_power(streams), *measure_pubmedqa(Path(options.data), runs)]
    record(__file__, figures, options, is_partial=options.scale < 1)


if __name__ == "__main__":
    main()
