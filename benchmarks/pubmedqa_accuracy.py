"""How good is the head on PubMedQA: 500 training items, the official 500 test items?

Pooling depth, penalty and label weights are chosen by cross-validation on the training items; the
test split is looked at once, by the head that was chosen.

    python benchmarks/pubmedqa_accuracy.py
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from history import Measured
from measuring import estimated, make_parser, record

from db.importers.pubmedqa import parse_pubmedqa
from db.paths import models_dir
from db.records import Item
from eci.arrays import Float32Array, FloatArray, IntArray
from eci.decisions import balanced_weights, choose_power
from eci.model.base_model import DEFAULT_BASE, load_base
from eci.model.eci_model import build
from eci.model.encoding import PromptSettings
from eci.model.features import stack
from eci.model.head_fit import (
    DEFAULT_L2,
    CrossValidationResult,
    FittedHead,
    HeadSearch,
    cross_validate,
    fit_head,
)
from eci.questions.labels import PUBMEDQA
from eci.questions.prompts import Question
from eci.statistics.calibration import TemperatureScaling, out_of_fold
from eci.statistics.compare import compare
from eci.statistics.conformal import ConformalSets, coverage_report
from eci.statistics.estimates import NO_ITEMS, Estimate, proportion
from eci.statistics.metrics import classification_report, confusion_counts
from eci.statistics.reliability import reliability_report
from eci.statistics.selective import RiskCurve, risk_curve

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
ALPHA = 0.1


@dataclass(frozen=True)
class Data:
    """Features and gold of some items."""

    states: Float32Array
    scores: Float32Array
    y: IntArray

    def scores_for(self, candidate: Candidate) -> Float32Array:
        """Return the label scores, or zeros where the head does not see them."""
        return self.scores if candidate.uses_scores else np.zeros_like(self.scores)


@dataclass(frozen=True)
class Choice:
    """A candidate judged on the training items alone, over all seeds."""

    candidate: Candidate
    chosen: tuple[CrossValidationResult, ...]

    @property
    def item_losses(self) -> FloatArray:
        """Out-of-fold cross-entropy of each training item, averaged over seeds."""
        return np.mean([c.losses for c in self.chosen], axis=0)  # type: ignore[no-any-return]

    @property
    def l2(self) -> float:
        """Return the penalty that most seeds chose."""
        found = [c.l2 for c in self.chosen]
        return max(set(found), key=found.count)


def main() -> None:
    """Choose on the training items, judge on the test items, and record the figures."""
    options = make_parser(__doc__, wants_data=True).parse_args()
    items = parse_pubmedqa(options.data / "pubmedqa" / "ori_pqal.json").items
    train = [item for item in items if item.split != "test"]
    test = [item for item in items if item.split == "test"]
    learned, judged = (load(part) for part in (train, test))
    choices = [cross_validate_training(candidate, learned) for candidate in CANDIDATES]
    best = choose_shallowest(choices)
    figures = [*cross_validation(choices, best), *judge(best, learned, judged)]
    record(__file__, figures, options, base=DEFAULT_BASE, seeds=" ".join(map(str, SEEDS)))


def load(
    items: Sequence[Item],
    pooling: str = PARTS,
    prompts: PromptSettings | None = None,
    *,
    uses_scores: bool = True,
) -> Data:
    """Prefill items."""
    base = load_base(DEFAULT_BASE, models_dir())
    prompts = prompts or PromptSettings()
    model = build(base, pooling=pooling, prompts=prompts, uses_scores=uses_scores)
    questions = [
        Question(i.question, tuple((s.heading, s.text) for s in i.context), PUBMEDQA, i.item_id)
        for i in items
    ]
    found = model.features(
        questions, progress=lambda done, total: print(f"\r{done}/{total}", end="")
    )
    y = np.array([PUBMEDQA.index(item.gold_label or "") for item in items])
    return Data(*stack(found), y)


def cross_validate_training(candidate: Candidate, data: Data) -> Choice:
    """Judge a candidate on held-out folds."""
    chosen = tuple(
        cross_validate(
            data.states,
            data.scores_for(candidate),
            data.y,
            is_options=False,
            folds=out_of_fold(data.y, seed=seed),
            search=HeadSearch(DEFAULT_L2, [candidate.columns]),
        )
        for seed in SEEDS
    )
    return Choice(candidate, chosen)


def choose_shallowest(choices: Sequence[Choice]) -> Choice:
    """Return the cheapest candidate within one standard error of the best (Breiman et al. 1984)."""
    best = min(choices, key=lambda choice: float(choice.item_losses.mean()))
    for choice in choices:
        difference = choice.item_losses - best.item_losses
        if difference.mean() <= difference.std() / np.sqrt(len(difference)):
            return choice
    return best


def cross_validation(choices: Sequence[Choice], best: Choice) -> Iterator[Measured]:
    """Return what was tried on the training items."""
    for choice in choices:
        loss = choice.item_losses
        note = "chosen: the cheapest within one standard error" if choice is best else ""
        for measure, figure, unit in (
            ("penalty", choice.l2, ""),
            ("cross-entropy", loss.mean(), ""),
            ("its standard error", loss.std() / np.sqrt(len(loss)), ""),
            ("accuracy", np.mean([c.accuracy for c in choice.chosen]), "share"),
        ):
            yield Measured(
                *(choice.candidate.name, measure, float(figure), unit, len(loss)),
                section="Chosen on the training items",
                note=note,
            )


def judge(best: Choice, learned: Data, judged: Data) -> list[Measured]:
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
        "head, most probable label": probabilities.argmax(1),
        f"head, labels weighted by 1 / share^{power:g}": (probabilities * weights).argmax(1),
        "verbalizer, zero-shot (label scores of the same prefill)": judged.scores.argmax(1),
        "always the most frequent label": majority,
    }
    sets = ConformalSets.fit(calibration, learned.y, labels=PUBMEDQA.names, alpha=ALPHA)
    return [
        *accuracies(predictions, judged.y),
        *differences(predictions, judged.y),
        *calibration_figures(probabilities, judged.y, scaling),
        *coverage(sets, probabilities, judged.y),
    ]


def _logits(head: FittedHead, candidate: Candidate, data: Data) -> FloatArray:
    return head.logits(data.states, data.scores_for(candidate))


def counts(y: IntArray, predicted: IntArray) -> IntArray:
    """Count gold by predicted label."""
    gold, given = ([PUBMEDQA.names[i] for i in column] for column in (y, predicted))
    return confusion_counts(gold, given, PUBMEDQA.names)


def accuracies(predictions: dict[str, IntArray], y: IntArray) -> Iterator[Measured]:
    """Return accuracy, macro-F1 and recalls of each way to decide."""
    section = "Looked at once: the test split"
    for name, predicted in predictions.items():
        report = classification_report(counts(y, predicted), PUBMEDQA.names)
        yield estimated(name, "accuracy", report.accuracy, n=report.n, section=section)
        yield estimated(name, "macro-F1", report.macro_f1, n=report.n, section=section)
        for label, found in zip(PUBMEDQA.names, report.per_label, strict=True):
            yield estimated(name, f"recall {label}", found.recall, n=report.n, section=section)


def differences(predictions: dict[str, IntArray], y: IntArray) -> Iterator[Measured]:
    """Compare the head with the majority, item by item."""
    head, *_, majority = predictions.values()
    names = [[PUBMEDQA.names[i] for i in values] for values in (y, majority, head)]
    found = compare(*names, PUBMEDQA.names)
    what, section = "most probable label", "The head against the most frequent label"
    for measure, figure in (
        ("fixes", found.fixed),
        ("breaks", found.broken),
        ("exact McNemar p", found.p_value),
    ):
        yield Measured(what, measure, figure, n=found.n, section=section)
    yield estimated(what, "accuracy difference", found.accuracy_difference, section=section)
    yield estimated(what, "macro-F1 difference", found.macro_f1_difference, section=section)


def calibration_figures(
    probabilities: FloatArray, y: IntArray, scaling: TemperatureScaling
) -> Iterator[Measured]:
    """Return calibration and what abstaining buys."""
    report = reliability_report(probabilities, y)
    floor = report.ece_if_calibrated
    assert floor is not None
    section = "Calibration and abstaining"
    ece, measure = "expected calibration error, 15 bins", "measured"
    yield estimated(ece, measure, report.ece, section=section)
    for end, figure in (("lowest", floor.low), ("highest", floor.high)):
        yield Measured(f"{ece}: {end} if calibrated", measure, figure, "share", section=section)
    temperature = "temperature, from out-of-fold logits"
    yield Measured(temperature, measure, scaling.temperature, section=section)
    yield estimated("Brier score", measure, report.brier, "", section=section)
    curve = risk_curve(probabilities.max(1), probabilities.argmax(1) == y)
    for share in (1, 0.5, 0.3):
        what = f"accuracy of the most confident {share:.0%}"
        yield estimated(what, measure, selective_accuracy(curve, share), section=section)


def selective_accuracy(curve: RiskCurve, coverage: float) -> Estimate:
    """Return the accuracy when the most confident share is answered; ties count in part."""
    answered = int(np.ceil(coverage * curve.n - 1e-9))
    errors = float(np.interp(answered, [0, *curve.num_answered], [0, *curve.num_errors]))
    return proportion(answered - errors, answered, NO_ITEMS)


def coverage(sets: ConformalSets, probabilities: FloatArray, y: IntArray) -> Iterator[Measured]:
    """Return how often the class-conditional conformal sets hold the gold label."""
    report = coverage_report(sets.sets(probabilities), y)
    section = f"Class-conditional sets, 1 - alpha = {1 - ALPHA:.0%}"
    for name, part, num_fitted in zip(
        (*PUBMEDQA.names, "all"),
        (*report.per_label, report.overall),
        (*sets.num_calibration, None),
        strict=True,
    ):
        n, value = part.coverage.n, part.coverage.value
        assert value is not None
        yield estimated(name, "coverage", part.coverage, section=section)
        if num_fitted is not None:
            # The coverage that a threshold from m items really has varies as Beta(m (1-a), m a).
            for items, extra in (("test", 0.0), ("test and calibration", 1 / (num_fitted + 2))):
                error = np.sqrt(ALPHA * (1 - ALPHA) * (1 / n + extra))
                away = float((value - 1 + ALPHA) / error)
                measure = f"standard errors from it, of {items} items"
                yield Measured(name, measure, away, n=n, section=section)
        yield estimated(name, "mean size", part.mean_size, "", section=section)


if __name__ == "__main__":
    main()
