"""What the gate reports: checks with their verdicts, the figures behind them, and the outcome."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from db.outcomes.slices import SliceChange
from eci.statistics.compare import Comparison
from eci.statistics.estimates import Estimate
from training.evaluation.drawn_estimates import DrawnChange

ALPHA: Final = 0.05
"""Error level of all comparisons with one champion together."""

Verdict = Literal["pass", "unsure", "fail"]
Outcome = Literal["better", "no_worse", "too_few", "worse"]


@dataclass(frozen=True)
class Check:
    """One thing that must hold, and what was found.

    Attributes:
        verdict: ``unsure`` where the items are too few to tell; it blocks nothing, and the person
            who promotes must see it.
    """

    name: str
    verdict: Verdict
    finding: str


@dataclass(frozen=True)
class LabelRecall:
    """How much of one label both models find.

    Attributes:
        rise: After less before, paired; its interval allows for all labels judged together.
    """

    label: str
    support: int
    before: Estimate
    after: Estimate
    rise: Estimate


@dataclass(frozen=True)
class Cover:
    """How the labelled test items stand to all that both models classified.

    Attributes:
        drawn: What reviewers found of items that were drawn from them with known probabilities;
            None where no draw can speak for them.
    """

    num_labelled: int
    num_items: int
    drawn: DrawnChange | None = None

    @property
    def is_whole(self) -> bool:
        """Return whether every test item has a label, so that none was chosen."""
        return self.num_labelled >= self.num_items


@dataclass(frozen=True)
class SetGate:
    """The gate for one label set; ``before`` is the champion, or the majority-class baseline."""

    label_set: str
    comparison: Comparison
    macro_f1_before: Estimate
    macro_f1_after: Estimate
    recalls: tuple[LabelRecall, ...]
    ece_before: Estimate | None
    ece_after: Estimate
    ece_rise: Estimate | None
    """After less before, paired; None without a champion."""
    cover: Cover
    checks: tuple[Check, ...]
    overlap: tuple[Estimate, Estimate, Estimate] | None = None
    """Mean Jaccard overlap before and after, and its paired difference, where labels are sets."""

    @property
    def balance(self) -> tuple[str, Estimate]:
        """Return the name and difference of the figure that is judged with accuracy."""
        if self.overlap is not None:
            return "overlap", self.overlap[2]
        return "macro-F1", self.comparison.macro_f1_difference

    @property
    def drawn(self) -> DrawnChange | None:
        """Return the figures of drawn items where they take the place of the counted ones: where
        only some test items are labelled, and so were chosen.
        """
        return None if self.cover.is_whole else self.cover.drawn

    @property
    def accuracies(self) -> tuple[Estimate, Estimate]:
        """Return the accuracy before and after, valid for how the items were chosen."""
        if self.drawn is None:
            return self.comparison.accuracy_a, self.comparison.accuracy_b
        return self.drawn.accuracy_a.estimate, self.drawn.accuracy_b.estimate

    @property
    def difference(self) -> Estimate:
        """Return the accuracy after less before, by the same estimator."""
        if self.drawn is None:
            return self.comparison.accuracy_difference
        return self.drawn.difference.estimate


@dataclass(frozen=True)
class SliceFinding:
    """One slice of the test items of a label set.

    Attributes:
        difference: Accuracy after less accuracy before, with its paired interval.
        p_value: Exact McNemar, adjusted for all slices that were looked at, of all label sets.
    """

    label_set: str
    change: SliceChange
    difference: Estimate
    p_value: float

    @property
    def is_worse(self) -> bool:
        """Return whether the challenger breaks more of it than chance explains."""
        return self.p_value < ALPHA and self.change.num_broken > self.change.num_fixed


@dataclass(frozen=True)
class GateReport:
    """The result of comparing a challenger with the champion, before its promotion."""

    champion_run_id: str | None
    challenger_run_id: str
    test_digest: str
    """Identifies the test items and their labels of record at this moment."""
    num_uses: int
    """Models compared with this champion on the test split so far, this one included."""
    sets: tuple[SetGate, ...]
    slices: tuple[SliceFinding, ...]
    gain: Check
    """Whether anything improves; without it a model is no better, whatever else holds."""
    checks: tuple[Check, ...]
    """Further ones that concern all label sets together."""

    @property
    def all_checks(self) -> tuple[Check, ...]:
        """Return every check, those of the label sets first."""
        of_sets = (check for one in self.sets for check in one.checks)
        return (*of_sets, *self.checks, self.gain)

    @property
    def failed(self) -> tuple[Check, ...]:
        """Return the checks that do not hold."""
        return tuple(check for check in self.all_checks if check.verdict == "fail")

    @property
    def unsure(self) -> tuple[Check, ...]:
        """Return the checks that too few items leave open."""
        return tuple(check for check in self.all_checks if check.verdict == "unsure")

    @property
    def outcome(self) -> Outcome:
        """Return what the checks say together."""
        if self.failed:
            return "worse"
        if self.gain.verdict == "pass":
            return "better"
        return "no_worse" if self.unsure == (self.gain,) else "too_few"

    @property
    def passed(self) -> bool:
        """Return whether it is better and nothing fails; what too few items leave open does not
        block.
        """
        return self.outcome == "better"

    def to_dict(self) -> dict[str, Any]:
        """Return what is kept with a promotion."""
        return {
            "champion_run_id": self.champion_run_id,
            "challenger_run_id": self.challenger_run_id,
            "test_digest": self.test_digest,
            "passed": self.passed,
            "outcome": self.outcome,
            "num_uses": self.num_uses,
            "checks": [vars(check) for check in self.all_checks],
            "accuracy": [
                {
                    "label_set": one.label_set,
                    "before": asdict(one.accuracies[0]),
                    "after": asdict(one.accuracies[1]),
                    "difference": asdict(one.difference),
                }
                for one in self.sets
            ],
        }


def level_of_use(number: int) -> float:
    """Return the level at which the gain of the ``number``-th comparison must be significant.

    These levels add up to ``ALPHA``, however many comparisons follow.
    """
    return ALPHA / (number * (number + 1))
