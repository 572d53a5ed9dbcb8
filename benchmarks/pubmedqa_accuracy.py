"""How good is the head on PubMedQA: 500 training items, the official 500 test items?

Pooling depth, penalty and label weights are chosen by cross-validation on the training items; the
test split is looked at once, by the head that was chosen. Features are cached, so a second run
takes seconds.

    python benchmarks/pubmedqa_accuracy.py
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from db.home import cache_dir, models_dir
from db.importers.pubmedqa import parse_pubmedqa
from db.records import Item
from eci.arrays import Float32Array, FloatArray, IntArray
from eci.base import DEFAULT_BASE, load_base
from eci.calibration import TemperatureScaling, balanced_weights, decide
from eci.compare import compare
from eci.conformal import ConformalSets, coverage_report
from eci.estimates import Estimate, Interval
from eci.features import FeatureCache, stack
from eci.fit import DEFAULT_L2, Chosen, FittedHead, choose, fit_head
from eci.labels import PUBMEDQA
from eci.metrics import classification_report, confusion_counts, macro_f1
from eci.model import build
from eci.prompts import Question
from eci.reliability import reliability_report
from eci.selective import risk_curve

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "benchmarks" / "results" / "pubmedqa_accuracy.md"
PREDICTION = (
    "Predicted before the test split was looked at, from cross-validation: 59 % accuracy, standard "
    "error 2.2 points, so 60 % about as likely as not; macro-F1 of the weighted "
    "operating point 43 to 46; ECE at the noise floor of about 5 points."
)
TRIED = "What falls short, and what was tried: docs/decisions/2026-11-22-what-the-head-reads.md."
PARTS = "evidence@0.5+question@0.5+evidence@0.7+question@0.7+evidence+question+last"


@dataclass(frozen=True)
class Candidate:
    """Which of PARTS a head reads, and whether it sees the language model's label scores."""

    name: str
    columns: tuple[int, ...]
    uses_scores: bool = False


# From the cheapest to the dearest.
CANDIDATES = (
    Candidate("evidence@0.5", (0,)),
    Candidate("evidence@0.5+question@0.5", (0, 1)),
    Candidate("evidence@0.7+question@0.7", (2, 3)),
    Candidate("evidence+question+last, label scores", (4, 5, 6), uses_scores=True),
)
SEEDS = (0, 1, 2)
POWERS = (0.0, 0.25, 0.5, 0.75, 1.0)
ALPHA = 0.1


@dataclass(frozen=True)
class Data:
    """Features and gold of some items."""

    states: Float32Array
    scores: Float32Array
    y: IntArray

    def scores_for(self, candidate: Candidate) -> Float32Array:
        """Give the label scores, or zeros where the head does not see them."""
        return self.scores if candidate.uses_scores else np.zeros_like(self.scores)


@dataclass(frozen=True)
class Choice:
    """A candidate judged on the training items alone, over all seeds."""

    candidate: Candidate
    chosen: tuple[Chosen, ...]

    @property
    def item_losses(self) -> FloatArray:
        """Out-of-fold cross-entropy of each training item, averaged over seeds."""
        return np.mean([c.losses for c in self.chosen], axis=0)  # type: ignore[no-any-return]

    @property
    def l2(self) -> float:
        """The penalty that most seeds chose."""
        found = [c.l2 for c in self.chosen]
        return max(set(found), key=found.count)


def main() -> None:
    """Make the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "pubmedqa")
    options = parser.parse_args()
    items = parse_pubmedqa(options.data / "ori_pqal.json").items
    train = [item for item in items if item.split != "test"]
    test = [item for item in items if item.split == "test"]
    learned, judged = (load(part) for part in (train, test))
    choices = [cross_validate(candidate, learned) for candidate in CANDIDATES]
    best = choose_shallowest(choices)
    text = "\n\n".join(
        [
            "# PubMedQA: the head on frozen SmolLM2-135M-Instruct",
            f"{len(train)} training items, the official {len(test)} test items. {DEFAULT_BASE}, "
            "bfloat16, no adapter, zero-shot prompts. Seed 0; cross-validation with seeds "
            f"{', '.join(map(str, SEEDS))}, 5 folds. Intervals are 95 %.",
            "## Chosen on the training items",
            cross_validation_table(choices, best),
            "## Looked at once: the test split",
            *test_tables(best, learned, judged),
            PREDICTION,
            "Made by `python benchmarks/pubmedqa_accuracy.py`.",
        ]
    )
    print(text)
    RESULT.write_text(text + "\n", encoding="utf-8")


def load(items: Sequence[Item]) -> Data:
    """Prefill items, or find their features on disk."""
    model = build(load_base(DEFAULT_BASE, models_dir()), pooling=PARTS)
    questions = [
        Question(i.question, tuple((s.heading, s.text) for s in i.context), PUBMEDQA, i.item_id)
        for i in items
    ]
    found = FeatureCache(cache_dir() / "benchmarks", model.key).features(
        model, questions, progress=lambda done, total: print(f"\r{done}/{total}", end="")
    )
    y = np.array([PUBMEDQA.index(item.gold_label or "") for item in items])
    return Data(*stack(found), y)


def cross_validate(candidate: Candidate, data: Data) -> Choice:
    """Judge a candidate on held-out folds."""
    chosen = tuple(
        choose(
            data.states,
            data.scores_for(candidate),
            data.y,
            is_options=False,
            candidates=[candidate.columns],
            strengths=DEFAULT_L2,
            seed=seed,
        )
        for seed in SEEDS
    )
    return Choice(candidate, chosen)


def choose_shallowest(choices: Sequence[Choice]) -> Choice:
    """Give the cheapest candidate within one standard error of the best (Breiman et al. 1984)."""
    best = min(choices, key=lambda choice: float(choice.item_losses.mean()))
    for choice in choices:
        difference = choice.item_losses - best.item_losses
        if difference.mean() <= difference.std() / np.sqrt(len(difference)):
            return choice
    return best


def cross_validation_table(choices: Sequence[Choice], best: Choice) -> str:
    """Write what was tried on the training items."""
    rows = ["| read | penalty | cross-entropy | accuracy | |", "|---|---|---|---|---|"]
    for choice in choices:
        loss = choice.item_losses
        accuracy = np.mean([c.accuracy for c in choice.chosen])
        rows.append(
            f"| {choice.candidate.name} | {choice.l2:g} | {loss.mean():.3f} (standard error "
            f"{loss.std() / np.sqrt(len(loss)):.3f}) | {accuracy:.1%} "
            f"| {'chosen: the cheapest within one standard error' if choice is best else ''} |"
        )
    return "\n".join(rows)


def test_tables(best: Choice, learned: Data, judged: Data) -> list[str]:
    """Fit the chosen head on all training items and judge it on the test items."""
    head = fit_head(
        learned.states,
        learned.scores_for(best.candidate),
        learned.y,
        is_options=False,
        columns=best.candidate.columns,
        l2=best.l2,
    )
    held_out = best.chosen[0].logits
    scaling = TemperatureScaling.fit(held_out, learned.y)
    calibration = scaling.transform(held_out)
    probabilities = scaling.transform(_logits(head, best.candidate, judged))
    power = choose_power(calibration, learned.y)
    weights = balanced_weights(learned.y, len(PUBMEDQA)) ** power
    majority = np.full(len(judged.y), np.bincount(learned.y).argmax())
    predictions = {
        "head, most probable label": decide(probabilities),
        f"head, labels weighted by 1 / share^{power:g}": decide(probabilities, weights),
        "verbalizer, zero-shot (label scores of the same prefill)": judged.scores.argmax(1),
        "always the most frequent label": majority,
    }
    sets = ConformalSets.fit(calibration, learned.y, labels=PUBMEDQA.names, alpha=ALPHA)
    return [
        accuracy_table(predictions, judged.y),
        difference(predictions, judged.y),
        trust_table(probabilities, judged.y, scaling),
        coverage_table(sets, probabilities, judged.y),
        TRIED,
    ]


def _logits(head: FittedHead, candidate: Candidate, data: Data) -> FloatArray:
    return head.logits(data.states, data.scores_for(candidate))


def choose_power(probabilities: FloatArray, y: IntArray) -> float:
    """Choose how much rare labels count, by macro-F1 on out-of-fold probabilities."""
    weights = balanced_weights(y, len(PUBMEDQA))
    found = {p: macro_f1(counts(y, decide(probabilities, weights**p))) for p in POWERS}
    return max(found, key=lambda power: float(found[power]))


def counts(y: IntArray, predicted: IntArray) -> IntArray:
    """Count gold by predicted label."""
    gold, given = ([PUBMEDQA.names[i] for i in column] for column in (y, predicted))
    return confusion_counts(gold, given, PUBMEDQA.names)


def accuracy_table(predictions: dict[str, IntArray], y: IntArray) -> str:
    """Write accuracy, macro-F1 and recalls of each way to decide."""
    names = " / ".join(PUBMEDQA.names)
    rows = [f"| decided by | n | accuracy | macro-F1 | recall {names} |", "|---|---|---|---|---|"]
    for name, predicted in predictions.items():
        report = classification_report(counts(y, predicted), PUBMEDQA.names)
        recalls = " / ".join(_percent(label.recall, short=True) for label in report.per_label)
        rows.append(
            f"| {name} | {report.n} | {_percent(report.accuracy)} | {_percent(report.macro_f1)} "
            f"| {recalls} |"
        )
    return "\n".join(rows)


def difference(predictions: dict[str, IntArray], y: IntArray) -> str:
    """Compare the head with the majority, item by item."""
    head, *_, majority = predictions.values()
    names = [[PUBMEDQA.names[i] for i in values] for values in (y, majority, head)]
    return f"Against the most frequent label: {compare(*names, PUBMEDQA.names).sentence}"


def trust_table(probabilities: FloatArray, y: IntArray, scaling: TemperatureScaling) -> str:
    """Write calibration and what abstaining buys."""
    report = reliability_report(probabilities, y)
    floor = report.ece_if_calibrated
    assert floor is not None
    curve = risk_curve(probabilities.max(1), probabilities.argmax(1) == y)
    selective = ", ".join(
        f"{_percent(curve.accuracy_at_coverage(share))} at {share:.0%}" for share in (1, 0.5, 0.3)
    )
    return "\n".join(
        [
            "| trust | |",
            "|---|---|",
            f"| expected calibration error, 15 bins | {_percent(report.ece)}; perfectly calibrated "
            f"probabilities would give {_interval(floor)} |",
            f"| temperature, from out-of-fold logits | {scaling.temperature:.2f} |",
            f"| Brier score | {_number(report.brier)} |",
            f"| accuracy when only the most confident are answered | {selective} |",
        ]
    )


def coverage_table(sets: ConformalSets, probabilities: FloatArray, y: IntArray) -> str:
    """Write how often the class-conditional conformal sets hold the gold label."""
    report = coverage_report(sets.sets(probabilities), y)
    rows = [
        f"| class-conditional sets, 1 - alpha = {1 - ALPHA:.0%} | n | coverage | standard errors "
        "from it: of the test items alone / and of the calibration items | mean size |",
        "|---|---|---|---|---|",
    ]
    for name, part, num_fitted in zip(
        PUBMEDQA.names, report.per_label, sets.num_calibration, strict=True
    ):
        n, value = part.coverage.n, part.coverage.value
        assert value is not None
        # The coverage that a threshold from m items really has varies as Beta(m (1 - a), m a).
        variance = ALPHA * (1 - ALPHA) * np.array([1 / n, 1 / n + 1 / (num_fitted + 2)])
        away = " / ".join(f"{(value - 1 + ALPHA) / error:+.1f}" for error in np.sqrt(variance))
        rows.append(
            f"| {name} | {n} | {_percent(part.coverage)} | {away} | {_number(part.mean_size)} |"
        )
    rest = report.overall
    rows.append(
        f"| all | {rest.coverage.n} | {_percent(rest.coverage)} | | {_number(rest.mean_size)} |"
    )
    return "\n".join(rows)


def _percent(estimate: Estimate, *, short: bool = False) -> str:
    if estimate.value is None:
        return f"undefined: {estimate.undefined_because}"
    value = f"{100 * estimate.value:.1f}"
    return (
        value if short or estimate.interval is None else f"{value} ({_interval(estimate.interval)})"
    )


def _interval(interval: Interval) -> str:
    return f"{100 * interval.low:.1f} to {100 * interval.high:.1f}"


def _number(estimate: Estimate) -> str:
    assert estimate.value is not None and estimate.interval is not None
    return f"{estimate.value:.3f} ({estimate.interval.low:.3f} to {estimate.interval.high:.3f})"


if __name__ == "__main__":
    main()
