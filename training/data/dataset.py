"""From snapshot items to the rows that train adapter and head.

The dev items are set aside first, each with all that was made of it; records that are derived from
an item (more shots, other option orders, corrected or augmented items) always stay on its side.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from db.records import OPTIONS_LABEL_SET
from db.retraining.lineage import Fold, TrainingRecord
from db.retraining.snapshot import Snapshot, SnapshotItem
from eci.questions.exemplars import ExemplarPool
from eci.questions.labels import LabelSet
from eci.questions.prompts import Exemplar, Question
from training.data.questions import (
    ItemQuestion,
    SnapshotQuestions,
    describe_missing_labels,
    item_groups,
    refuse_leaks,
)
from training.errors import DataError
from training.settings.training import DataSettings

if TYPE_CHECKING:  # both need torch, and the app previews records without it
    from eci.model.batching import Row
    from eci.model.eci_model import EciModel, Progress

MIN_TRAIN_ITEMS = 4


@dataclass(frozen=True)
class Record:
    """One training example: a question with its shots, its label and the answer to learn.

    ``num_shots`` were asked for and ``shots`` are what there was. ``option_order`` is 0 for the
    item's own order of options; the others are augmented records of the same item.
    """

    item_id: str
    question: Question
    label: str
    rationale: str
    num_shots: int
    shots: tuple[Exemplar, ...]
    option_order: int = 0


@dataclass(frozen=True)
class TrainingData:
    """Records to learn from, records held out, and the exemplars both may show.

    ``questions`` are those of the whole snapshot, for what comes after training.
    """

    train: tuple[Record, ...]
    dev: tuple[Record, ...]
    pool: ExemplarPool
    questions: SnapshotQuestions

    @property
    def learned(self) -> list[ItemQuestion]:
        """Return the items that are learned from, in the order of the snapshot."""
        learned = {record.item_id for record in self.train}
        return [entry for entry in self.questions.train if entry.item.item_id in learned]

    def describe_missing_labels(self) -> list[str]:
        """Describe which labels nothing is learned about."""
        return describe_missing_labels([entry.item for entry in self.learned])

    def lineage(self, run_id: str) -> Iterator[TrainingRecord]:
        """Yield which items a run learns from and holds out, and with which shots."""
        folds: tuple[tuple[Fold, tuple[Record, ...]], ...] = (
            ("train", self.train),
            ("dev", self.dev),
        )
        for fold, records in folds:
            for record in records:
                shown = tuple(shot.question.question_id for shot in record.shots)
                yield TrainingRecord(
                    run_id, record.item_id, record.num_shots, record.option_order, fold, shown
                )


def build_training_data(
    snapshot: Snapshot, settings: DataSettings, seed: int, learned: Collection[str] = ()
) -> TrainingData:
    """Split, choose shots and write the records.

    Args:
        snapshot: Only its training items are learned from; its test items are kept out.
        learned: Items that the adapter started from has learned from: they are never held out.

    Raises:
        DataError: Training items belong to the test split or repeat one of it, or are too few.
        PromptError: Fewer exemplars than shots.
    """
    questions = SnapshotQuestions.of(snapshot)
    refuse_leaks(questions)
    fit_for_use = [entry for entry in questions.train if not entry.item.is_vetoed]
    chosen = _limit(fit_for_use, settings.items_per_label_set, seed)
    if len(chosen) < MIN_TRAIN_ITEMS:
        raise DataError(
            f"The snapshot has {len(chosen)} training items with a label and without a veto; at "
            f"least {MIN_TRAIN_ITEMS} are needed. Import or label more items of the train split."
        )
    fit, dev = _hold_out(chosen, settings.dev_fraction, seed, learned)
    pool = ExemplarPool(
        [entry.exemplar(settings.exemplar_context_words) for entry in fit],
        settings.exemplars,
        seed,
    )
    train = [
        record
        for entry in fit
        for num_shots in settings.shots
        for record in records_of(entry, pool, num_shots, settings.option_orders, seed)
    ]
    held_out = [record for entry in dev for record in records_of(entry, pool, 0, 1, seed)]
    return TrainingData(tuple(train), tuple(held_out), pool, questions)


def records_of(
    entry: ItemQuestion, pool: ExemplarPool, num_shots: int, option_orders: int, seed: int
) -> list[Record]:
    """Return the records of one item with that number of shots, its vetoes heeded.

    Raises:
        PromptError: Fewer exemplars than shots.
    """
    item = entry.item
    if num_shots in item.vetoed_shots:
        return []
    shots = pool.choose(entry.question, num_shots)
    records = []
    for order in range(option_orders):
        question, label = entry.question, item.label
        if order and item.label_set == OPTIONS_LABEL_SET:
            question, label = _reordered(entry, seed + order)
        elif order:
            break
        records.append(
            Record(item.item_id, question, label, entry.rationale, num_shots, shots, order)
        )
    return records


def to_rows(
    model: EciModel,
    records: Iterable[Record],
    max_answer_tokens: int,
    *,
    batch_size: int = 8,
    progress: Progress | None = None,
) -> tuple[list[Row], int]:
    """Encode records; also say how many contexts had to be shortened.

    A model that thinks does so here, as it is: what is learned is the answer after the thinking,
    never the thinking.

    Args:
        batch_size: Records thought about together.
        progress: Called after each of these batches.
    """
    rows, num_shortened = [], 0
    for record in records:
        row, is_shortened = model.row(
            record.question,
            record.shots,
            label=record.label,
            rationale=record.rationale,
            max_answer_tokens=max_answer_tokens,
        )
        rows.append(row)
        num_shortened += is_shortened
    return [row for row, _ in model.think(rows, batch_size, progress)], num_shortened


def _limit(
    entries: Sequence[ItemQuestion], per_label_set: int | None, seed: int
) -> list[ItemQuestion]:
    """Return at most ``per_label_set`` items of each label set: corrected ones first, the rest in
    the proportions of their labels.
    """
    if per_label_set is None:
        return list(entries)
    limited = []
    for group in _by_label_set(entries, seed):
        corrected = [entry for entry in group if is_corrected(entry.item)]
        others = _in_proportion([entry for entry in group if not is_corrected(entry.item)])
        limited += (corrected + others)[:per_label_set]
    return limited


def _in_proportion(entries: Sequence[ItemQuestion]) -> list[ItemQuestion]:
    """Order items so that every beginning of the list has the labels in the proportions of the
    whole.

    Labels in equal numbers taught a short run that the rarest is the likeliest.
    """
    by_label: dict[str, list[ItemQuestion]] = {}
    for entry in entries:
        by_label.setdefault(entry.item.label, []).append(entry)
    ranked = [
        ((rank + 0.5) / len(group), label, entry)
        for label, group in by_label.items()
        for rank, entry in enumerate(group)
    ]
    return [entry for _, _, entry in sorted(ranked, key=lambda place: place[:2])]


def _hold_out(
    entries: Sequence[ItemQuestion], fraction: float, seed: int, learned: Collection[str]
) -> tuple[list[ItemQuestion], list[ItemQuestion]]:
    """Set aside the dev split; where a label set has none, a fraction of its items at random.

    The labels are held out in the proportions of the whole, corrected items like all others: held
    out of untouched ones alone, no item would be left once people have labelled all, and the
    figures would be those of the items that nobody had to correct. What was made from an item, or
    repeats it, goes where the item goes; nothing that repeats a learned item is held out.
    """
    group_of = {
        entry.item.item_id: group
        for entry, group in zip(entries, item_groups(entries), strict=True)
    }
    known = {group for item_id, group in group_of.items() if item_id in learned}
    set_aside: set[str] = set()
    for members in _by_label_set(entries, seed):
        own = [entry for entry in members if entry.item.split == "dev"]
        sizes = Counter(group_of[entry.item.item_id] for entry in members)
        num_wanted = len(own) or int(len(members) * fraction)
        num_held_out = sum(size for group, size in sizes.items() if group in set_aside)
        for entry in own or _in_proportion(members):
            group = group_of[entry.item.item_id]
            if not own and num_held_out >= num_wanted:
                break
            if group not in set_aside and group not in known:
                set_aside.add(group)
                num_held_out += sizes[group]
    fit = [entry for entry in entries if group_of[entry.item.item_id] not in set_aside]
    return fit, [entry for entry in entries if group_of[entry.item.item_id] in set_aside]


def _reordered(entry: ItemQuestion, seed: int) -> tuple[Question, str]:
    """Move the option texts to other letters, so that no letter is learned by heart."""
    item = entry.item
    texts = [(option.label == item.label, option.text) for option in item.options]
    random.Random(f"{seed}:{item.item_id}").shuffle(texts)  # noqa: S311 - no secret
    pairs = list(zip(item.labels, texts, strict=True))
    labels = LabelSet.from_options([(name, text) for name, (_, text) in pairs])
    question = replace(entry.question, label_set=labels)
    return question, next(name for name, (is_gold, _) in pairs if is_gold)


def is_corrected(item: SnapshotItem) -> bool:
    """Return whether a person decided the item's label or wrote its text."""
    return item.label_origin != "imported" or item.corrected_answer is not None


def _by_label_set(entries: Sequence[ItemQuestion], seed: int) -> Iterable[list[ItemQuestion]]:
    """Return the items of each label set, shuffled."""
    shuffled = sorted(entries, key=lambda entry: entry.item.item_id)
    random.Random(seed).shuffle(shuffled)  # noqa: S311 - no secret hangs on it
    by_set: dict[str, list[ItemQuestion]] = {}
    for entry in shuffled:
        by_set.setdefault(entry.item.label_set, []).append(entry)
    return by_set.values()
