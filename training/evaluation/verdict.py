"""What a finished run is worth: its head against its text, and both against words alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from db.records import Prediction
from db.retraining.snapshot import SnapshotItem, load_snapshot
from eci.statistics.compare import Comparison, compare
from training.evaluation.bag_of_words import judge_by_words
from training.run.result_tables import PREDICTIONS
from training.run.run_dir import RunDir

Outcome = Literal["better", "unclear", "worse"]


@dataclass(frozen=True)
class Verdict:
    """What a run is worth on the test items of one label set.

    Attributes:
        head_against_text: The text is run A and the head run B; None where one is missing.
        against_words: Words alone are run A, and run B is the head, or the text of a run without
            one; None where words alone cannot classify.
        is_head: Whether ``against_words`` is about the head.
    """

    label_set: str
    head_against_text: Comparison | None
    against_words: Comparison | None
    is_head: bool

    @property
    def beats_words(self) -> Outcome | None:
        """Return whether the run is better than words alone, as far as the items can tell.

        Accuracy and macro-F1 both count: of rare labels the one says little, of frequent ones the
        other. Worse in one and better in the other is unclear.
        """
        found = self.against_words
        if found is None or found.p_value is None:
            return None
        pair = (found.accuracy_difference, found.macro_f1_difference)
        intervals = [one.interval for one in pair if one.interval is not None]
        is_better = any(interval.low > 0 for interval in intervals)
        is_worse = any(interval.high < 0 for interval in intervals)
        if is_better == is_worse:
            return "unclear"
        return "better" if is_better else "worse"


def judge_run(run_dir: RunDir) -> tuple[Verdict, ...]:
    """Evaluate a run that succeeded: on the test items of its snapshot, by their labels there.

    Label sets of which several labels may be right are left out: their judgements are sets.

    Raises:
        TrainingError: A file of the run cannot be read.
        DbError: Its snapshot cannot be read.
    """
    snapshot = load_snapshot(run_dir.snapshot_path)
    predictions = {p.item_id: p for p in PREDICTIONS.read(run_dir.predictions_path)}
    by_set: dict[str, list[SnapshotItem]] = {}
    for item in snapshot.test:
        if item.item_id in predictions and not item.is_several:
            by_set.setdefault(item.label_set, []).append(item)
    return tuple(
        _judge(name, items, predictions, judge_by_words(snapshot, name))
        for name, items in sorted(by_set.items())
    )


def _judge(
    label_set: str,
    items: Sequence[SnapshotItem],
    predictions: Mapping[str, Prediction],
    by_words: Mapping[str, str],
) -> Verdict:
    own = [predictions[item.item_id] for item in items]
    head, text = [p.head_label for p in own], [p.answer_label for p in own]
    has_head, has_text = any(head), any(p.answer is not None for p in own)
    labels = max((item.labels for item in items), key=len)
    gold = [item.label for item in items]
    words = [by_words.get(item.item_id) for item in items]
    return Verdict(
        label_set,
        compare(gold, text, head, labels) if has_head and has_text else None,
        compare(gold, words, head if has_head else text, labels) if by_words else None,
        has_head,
    )
