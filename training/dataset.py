"""From snapshot items to the rows that train adapter and head.

The dev items are set aside first, item by item; records that are derived from an item (more shots,
other option orders) therefore always stay on its side.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from db.records import OPTIONS_LABEL_SET
from db.snapshot import Snapshot, SnapshotItem
from eci.batching import Row
from eci.exemplars import ExemplarPool
from eci.labels import PUBMEDQA, LabelSet
from eci.model import EciModel
from eci.near_duplicates import find_duplicates
from eci.prompts import Exemplar, Question
from training.errors import DataError
from training.settings import DataSettings

MIN_TRAIN_ITEMS = 4
_NUM_NAMED = 20


@dataclass(frozen=True)
class Record:
    """One training example: a question with its shots, its label and the answer to learn."""

    item_id: str
    question: Question
    label: str
    rationale: str
    shots: tuple[Exemplar, ...]


@dataclass(frozen=True)
class TrainingData:
    """Records to learn from, records held out, and the exemplars both may show."""

    train: tuple[Record, ...]
    dev: tuple[Record, ...]
    pool: ExemplarPool


def to_question(item: SnapshotItem) -> Question:
    """Give an item as the question that is put to the model; its long answer stays out."""
    context = tuple((section.heading, section.text) for section in item.context)
    return Question(item.question, context, label_set_of(item), item.item_id)


def to_exemplar(item: SnapshotItem, context_words: int) -> Exemplar:
    """Give an item as a shot, with at most ``context_words`` words of its context."""
    question = to_question(item).with_context_words(context_words)
    return Exemplar(question, item.label, _rationale(item))


def label_set_of(item: SnapshotItem) -> LabelSet:
    """Give the label set of an item, with definitions where they are known."""
    if item.label_set == OPTIONS_LABEL_SET:
        return LabelSet.from_options([(option.label, option.text) for option in item.options])
    if item.labels == PUBMEDQA.names:
        return PUBMEDQA
    return LabelSet.fixed(item.label_set, item.labels)


def fixed_label_sets(items: Iterable[SnapshotItem]) -> tuple[LabelSet, ...]:
    """Give the fixed label sets that occur, in the order of their names.

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
    _refuse_leaks(snapshot)
    chosen = _limit(snapshot.train, settings.items_per_label_set, seed)
    if len(chosen) < MIN_TRAIN_ITEMS:
        raise DataError(
            f"The snapshot has {len(chosen)} training items with a label; at least "
            f"{MIN_TRAIN_ITEMS} are needed. Import or label more items of the train split."
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
        for record in _records(item, pool, num_shots, settings.option_orders, seed)
    ]
    held_out = [_record(item, to_question(item), item.label, ()) for item in dev]
    return TrainingData(tuple(train), tuple(held_out), pool)


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


def _refuse_leaks(snapshot: Snapshot) -> None:
    """Refuse training items of the test split, and those that repeat one of it."""
    strays = [item.item_id for item in snapshot.train if item.split == "test"]
    if strays:
        raise DataError(
            f"{len(strays)} items of the test split are among the training items "
            f"({', '.join(strays[:_NUM_NAMED])}). They must never be learned from; freeze a new "
            "snapshot."
        )
    repeated = find_duplicates(
        [to_question(item) for item in snapshot.train], [to_question(i) for i in snapshot.test]
    )
    if repeated:
        named = "; ".join(
            f"{pair.question.question_id} repeats {pair.original.question_id} "
            f"(overlap {pair.overlap:.2f})"
            for pair in repeated[:_NUM_NAMED]
        )
        raise DataError(
            f"{len(repeated)} training items repeat items of the test split: {named}. A model that "
            "learns from them cannot be tested on the others; put them in the test split."
        )


def _limit(
    items: Sequence[SnapshotItem], per_label_set: int | None, seed: int
) -> list[SnapshotItem]:
    """Keep at most so many items of each label set: corrected ones first, the rest by label."""
    if per_label_set is None:
        return list(items)
    by_set: dict[str, list[SnapshotItem]] = {}
    for item in _shuffled(items, seed):
        by_set.setdefault(item.label_set, []).append(item)
    kept = []
    for group in by_set.values():
        corrected = [item for item in group if _is_corrected(item)]
        others = _label_by_label([item for item in group if not _is_corrected(item)])
        kept += (corrected + others)[:per_label_set]
    return kept


def _label_by_label(items: Sequence[SnapshotItem]) -> list[SnapshotItem]:
    """Order items so that every beginning of the list has its labels in balance."""
    waiting: dict[str, list[SnapshotItem]] = {}
    for item in items:
        waiting.setdefault(item.label, []).append(item)
    ordered = []
    while waiting:
        for label in sorted(waiting):
            ordered.append(waiting[label].pop(0))
        waiting = {label: queue for label, queue in waiting.items() if queue}
    return ordered


def _hold_out(
    items: Sequence[SnapshotItem], fraction: float, seed: int
) -> tuple[list[SnapshotItem], list[SnapshotItem]]:
    """Set aside the dev split; where a label set has none, a share of its uncorrected items."""
    by_set: dict[str, list[SnapshotItem]] = {}
    for item in _shuffled(items, seed):
        by_set.setdefault(item.label_set, []).append(item)
    dev: list[SnapshotItem] = []
    for group in by_set.values():
        untouched = [item for item in group if not _is_corrected(item)]
        own = [item for item in group if item.split == "dev"]
        dev += own or untouched[: int(len(group) * fraction)]
    set_aside = {item.item_id for item in dev}
    return [item for item in items if item.item_id not in set_aside], dev


def _records(
    item: SnapshotItem, pool: ExemplarPool, num_shots: int, option_orders: int, seed: int
) -> list[Record]:
    shots = pool.choose(to_question(item), num_shots)
    records = []
    for order in range(option_orders):
        question, label = to_question(item), item.label
        if order and item.label_set == OPTIONS_LABEL_SET:
            question, label = _reordered(item, seed + order)
        elif order:
            break
        records.append(_record(item, question, label, shots))
    return records


def _reordered(item: SnapshotItem, seed: int) -> tuple[Question, str]:
    """Put the option texts under other letters, so that no letter is learned by heart."""
    texts = [(option.label == item.label, option.text) for option in item.options]
    random.Random(f"{seed}:{item.item_id}").shuffle(texts)  # noqa: S311 - no secret
    pairs = list(zip(item.labels, texts, strict=True))
    labels = LabelSet.from_options([(name, text) for name, (_, text) in pairs])
    question = Question(item.question, to_question(item).context, labels, item.item_id)
    return question, next(name for name, (is_gold, _) in pairs if is_gold)


def _record(
    item: SnapshotItem, question: Question, label: str, shots: tuple[Exemplar, ...]
) -> Record:
    return Record(item.item_id, question, label, _rationale(item), shots)


def _is_corrected(item: SnapshotItem) -> bool:
    return item.label_origin != "imported" or item.corrected_answer is not None


def _rationale(item: SnapshotItem) -> str:
    return item.corrected_answer or item.long_answer


def _shuffled(items: Sequence[SnapshotItem], seed: int) -> list[SnapshotItem]:
    shuffled = sorted(items, key=lambda item: item.item_id)
    random.Random(seed).shuffle(shuffled)  # noqa: S311 - no secret hangs on it
    return shuffled
