"""From snapshot items to the rows that train adapter and head.

The dev items are set aside first, each with all that was made of it; records that are derived from
an item (more shots, other option orders, corrected or augmented items) always stay on its side.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from db.records import OPTIONS_LABEL_SET
from db.retraining.lineage import Fold, TrainingRecord
from db.retraining.snapshot import Snapshot, SnapshotItem
from eci.questions.exemplars import ExemplarPool
from eci.questions.labels import PUBMEDQA, LabelSet
from eci.questions.near_duplicates import find_duplicates
from eci.questions.prompts import Exemplar, Question
from training.data.groups import join_groups
from training.errors import DataError
from training.settings.training import DataSettings

if TYPE_CHECKING:  # both need torch, and the app previews records without it
    from eci.model.batching import Row
    from eci.model.eci_model import EciModel

MIN_TRAIN_ITEMS = 4
_NUM_NAMED = 20


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
    """Records to learn from, records held out, and the exemplars both may show."""

    train: tuple[Record, ...]
    dev: tuple[Record, ...]
    pool: ExemplarPool

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


def to_question(item: SnapshotItem) -> Question:
    """Return an item as the question that is put to the model; its long answer stays out."""
    context = tuple((section.heading, section.text) for section in item.context)
    return Question(item.question, context, label_set_of(item), item.item_id)


def to_exemplar(item: SnapshotItem, context_words: int) -> Exemplar:
    """Return an item as a shot, with at most ``context_words`` words of its context."""
    question = to_question(item).with_context_words(context_words)
    return Exemplar(question, item.label, _rationale(item))


def label_set_of(item: SnapshotItem) -> LabelSet:
    """Return the label set of an item, with definitions where they are known."""
    if item.label_set == OPTIONS_LABEL_SET:
        return LabelSet.from_options([(option.label, option.text) for option in item.options])
    if item.labels == PUBMEDQA.names:
        return PUBMEDQA
    return LabelSet.fixed(item.label_set, item.labels)


def fixed_label_sets(items: Iterable[SnapshotItem]) -> tuple[LabelSet, ...]:
    """Return the fixed label sets that occur, in the order of their names.

    Raises:
        DataError: One name stands for different labels.
    """
    found: dict[str, LabelSet] = {}
    for item in items:
        if item.label_set == OPTIONS_LABEL_SET:
            continue
        mine = label_set_of(item)
        known = found.setdefault(mine.name, mine)
        if known.names != mine.names:
            raise DataError(
                f"Label set {mine.name!r} means {', '.join(known.names)} in one item and "
                f"{', '.join(mine.names)} in item {item.item_id}. Give them different names."
            )
    return tuple(found[name] for name in sorted(found))


def build_training_data(snapshot: Snapshot, settings: DataSettings, seed: int) -> TrainingData:
    """Split, choose shots and write the records.

    Args:
        snapshot: Only its training items are learned from; its test items are kept out.
        settings: How many shots, which exemplars, how many items.
        seed: Decides split, shots and option orders.

    Raises:
        DataError: Training items belong to the test split or repeat one of it, or are too few.
        PromptError: Fewer exemplars than shots.
    """
    refuse_leaks(snapshot)
    fit_for_use = [item for item in snapshot.train if not item.is_vetoed]
    chosen = _limit(fit_for_use, settings.items_per_label_set, seed)
    if len(chosen) < MIN_TRAIN_ITEMS:
        raise DataError(
            f"The snapshot has {len(chosen)} training items with a label and without a veto; at "
            f"least {MIN_TRAIN_ITEMS} are needed. Import or label more items of the train split."
        )
    fit, dev = _hold_out(chosen, settings.dev_fraction, seed)
    pool = ExemplarPool(
        [to_exemplar(item, settings.exemplar_context_words) for item in fit],
        settings.exemplars,
        seed,
    )
    train = [
        record
        for item in fit
        for num_shots in settings.shots
        for record in records_of(item, pool, num_shots, settings.option_orders, seed)
    ]
    held_out = [record for item in dev for record in records_of(item, pool, 0, 1, seed)]
    return TrainingData(tuple(train), tuple(held_out), pool)


def records_of(
    item: SnapshotItem, pool: ExemplarPool, num_shots: int, option_orders: int, seed: int
) -> list[Record]:
    """Write the records of one item with so many shots, its vetoes heeded.

    Raises:
        PromptError: Fewer exemplars than shots.
    """
    if num_shots in item.vetoed_shots:
        return []
    shots = pool.choose(to_question(item), num_shots)
    records = []
    for order in range(option_orders):
        question, label = to_question(item), item.label
        if order and item.label_set == OPTIONS_LABEL_SET:
            question, label = _reordered(item, seed + order)
        elif order:
            break
        records.append(
            Record(item.item_id, question, label, _rationale(item), num_shots, shots, order)
        )
    return records


def to_rows(
    model: EciModel, records: Iterable[Record], max_answer_tokens: int
) -> tuple[list[Row], int]:
    """Encode records; also say how many contexts had to be shortened."""
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
    return rows, num_shortened


def refuse_leaks(snapshot: Snapshot) -> None:
    """Refuse training items of the test split, made from one of it, or repeating one of it.

    Raises:
        DataError: It names them.
    """
    test_ids = {item.item_id for item in snapshot.test}
    strays = [
        item.item_id
        for item in snapshot.train
        if item.split == "test" or item.parent_item_id in test_ids
    ]
    if strays:
        raise DataError(
            f"{len(strays)} items of the test split, or made from one, are among the training "
            f"items ({_named(strays)}). They must never be learned from; freeze a new snapshot."
        )
    repeated = find_duplicates(
        [to_question(item) for item in snapshot.train], [to_question(i) for i in snapshot.test]
    )
    if repeated:
        pairs = [
            f"{pair.question.question_id} repeats {pair.original.question_id} "
            f"(overlap {pair.overlap:.2f})"
            for pair in repeated
        ]
        raise DataError(
            f"{len(repeated)} training items repeat items of the test split: {_named(pairs)}. A "
            "model that learns from them cannot be tested on the others; put them in the test "
            "split."
        )


def _named(names: Sequence[str]) -> str:
    more = f", and {len(names) - _NUM_NAMED} more" if len(names) > _NUM_NAMED else ""
    return ", ".join(names[:_NUM_NAMED]) + more


def _limit(
    items: Sequence[SnapshotItem], per_label_set: int | None, seed: int
) -> list[SnapshotItem]:
    """Keep at most so many items of each label set: corrected ones first, the rest in
    the shares of their labels.
    """
    if per_label_set is None:
        return list(items)
    by_set: dict[str, list[SnapshotItem]] = {}
    for item in _shuffled(items, seed):
        by_set.setdefault(item.label_set, []).append(item)
    kept = []
    for group in by_set.values():
        corrected = [item for item in group if is_corrected(item)]
        others = _in_proportion([item for item in group if not is_corrected(item)])
        kept += (corrected + others)[:per_label_set]
    return kept


def _in_proportion(items: Sequence[SnapshotItem]) -> list[SnapshotItem]:
    """Order items so that every beginning of the list has the labels in the shares of the whole.

    Labels in equal numbers taught a short run that the rarest is the likeliest.
    """
    by_label: dict[str, list[SnapshotItem]] = {}
    for item in items:
        by_label.setdefault(item.label, []).append(item)
    places = [
        ((rank + 0.5) / len(group), label, item)
        for label, group in by_label.items()
        for rank, item in enumerate(group)
    ]
    return [item for _, _, item in sorted(places, key=lambda place: place[:2])]


def _hold_out(
    items: Sequence[SnapshotItem], fraction: float, seed: int
) -> tuple[list[SnapshotItem], list[SnapshotItem]]:
    """Set aside the dev split; where a label set has none, a share of its uncorrected items.

    What was made from an item, or repeats it, goes where the item goes.
    """
    by_set: dict[str, list[SnapshotItem]] = {}
    for item in _shuffled(items, seed):
        by_set.setdefault(item.label_set, []).append(item)
    dev: list[SnapshotItem] = []
    for group in by_set.values():
        untouched = [item for item in group if not is_corrected(item)]
        own = [item for item in group if item.split == "dev"]
        dev += own or untouched[: int(len(group) * fraction)]
    family = dict(zip((item.item_id for item in items), item_groups(items), strict=True))
    set_aside = {family[item.item_id] for item in dev}
    fit = [item for item in items if family[item.item_id] not in set_aside]
    return fit, [item for item in items if family[item.item_id] in set_aside]


def item_groups(items: Sequence[SnapshotItem]) -> list[str]:
    """Name the family of each item: what folds must not divide."""
    parents = [item.parent_item_id or item.item_id for item in items]
    return join_groups(parents, [to_question(item) for item in items])


def _reordered(item: SnapshotItem, seed: int) -> tuple[Question, str]:
    """Put the option texts under other letters, so that no letter is learned by heart."""
    texts = [(option.label == item.label, option.text) for option in item.options]
    random.Random(f"{seed}:{item.item_id}").shuffle(texts)  # noqa: S311 - no secret
    pairs = list(zip(item.labels, texts, strict=True))
    labels = LabelSet.from_options([(name, text) for name, (_, text) in pairs])
    question = Question(item.question, to_question(item).context, labels, item.item_id)
    return question, next(name for name, (is_gold, _) in pairs if is_gold)


def is_corrected(item: SnapshotItem) -> bool:
    """Return whether a person settled the item's label or wrote its text."""
    return item.label_origin != "imported" or item.corrected_answer is not None


def _rationale(item: SnapshotItem) -> str:
    return item.corrected_answer or item.long_answer


def _shuffled(items: Sequence[SnapshotItem], seed: int) -> list[SnapshotItem]:
    shuffled = sorted(items, key=lambda item: item.item_id)
    random.Random(seed).shuffle(shuffled)  # noqa: S311 - no secret hangs on it
    return shuffled
