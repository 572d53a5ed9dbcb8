"""Snapshot items as the questions that a model is asked. An item becomes a question once."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass

from db.records import OPTION_LABEL_SETS, SEVERAL_OPTIONS_LABEL_SET, labels_in
from db.retraining.snapshot import Snapshot, SnapshotItem
from eci.errors import LabelSetError
from eci.questions.exemplars import ExemplarPool
from eci.questions.labels import ANY_SEVERAL_OPTIONS, PUBMEDQA, Label, LabelSet
from eci.questions.near_duplicates import find_duplicates
from eci.questions.prompts import Exemplar, Question
from training.data.groups import join_groups
from training.errors import DataError
from training.settings.endpoints import EndpointSettings
from training.settings.training import PredictionSettings

_NUM_NAMED = 20


@dataclass(frozen=True)
class ItemQuestion:
    """An item of a snapshot and the question made from it."""

    item: SnapshotItem
    question: Question

    @classmethod
    def of(cls, item: SnapshotItem) -> ItemQuestion:
        """Return an item with its question."""
        return cls(item, to_question(item))

    @property
    def rationale(self) -> str:
        """Return the text that explains the label: a reviewer's where there is one.

        The imported text explains the imported label: where reviewers chose another, it argues for
        what they rejected, and nothing is learned in its place.
        """
        if self.item.corrected_answer:
            return self.item.corrected_answer
        return self.item.long_answer if self.item.label == self.item.imported_label else ""

    def exemplar(self, context_words: int) -> Exemplar:
        """Return the item as a shot, with at most ``context_words`` words of its context."""
        question = self.question.with_context_words(context_words)
        return Exemplar(question, self.item.label, self.rationale)


@dataclass(frozen=True)
class SnapshotQuestions:
    """The labelled items of a snapshot with their questions, in the order of the snapshot."""

    train: tuple[ItemQuestion, ...]
    test: tuple[ItemQuestion, ...]

    @classmethod
    def of(cls, snapshot: Snapshot) -> SnapshotQuestions:
        """Return every item of a snapshot with its question."""
        return cls(
            tuple(ItemQuestion.of(item) for item in snapshot.train),
            tuple(ItemQuestion.of(item) for item in snapshot.test),
        )


def to_question(item: SnapshotItem) -> Question:
    """Return an item as the question that is put to the model; its long answer stays out."""
    context = tuple((section.heading, section.text) for section in item.context)
    return Question(item.question, context, label_set_of(item), item.item_id)


def label_set_of(item: SnapshotItem) -> LabelSet:
    """Return the label set of an item, with definitions and codes where they are known."""
    try:
        if item.label_set in OPTION_LABEL_SETS:
            options = [(option.label, option.text) for option in item.options]
            return LabelSet.from_options(options, is_several=item.is_several)
        nothing = ("",) * len(item.labels)
        definitions, name = item.definitions or nothing, item.label_set
        if item.labels == PUBMEDQA.names and not item.is_several:
            definitions, name = tuple(label.definition for label in PUBMEDQA), PUBMEDQA.name
        labels = tuple(
            Label(label, definition=text.rstrip(". "), code=code)
            for label, text, code in zip(
                item.labels, definitions, item.codes or nothing, strict=True
            )
        )
        return LabelSet(name, labels, item.is_several)
    except LabelSetError as error:
        raise DataError(f"Item {item.item_id!r} cannot be asked. {error}") from error


def describe_missing_labels(items: Sequence[SnapshotItem]) -> list[str]:
    """Describe for each fixed label set which labels no item to learn from has."""
    learned: dict[tuple[str, tuple[str, ...]], set[str]] = {}
    for item in items:
        if item.label_set not in OPTION_LABEL_SETS:
            learned.setdefault((item.label_set, item.labels), set()).update(labels_in(item.label))
    return [
        f"No training item of {name} has the label {', '.join(missing)}, so a model cannot learn "
        "it. Import or label some."
        for (name, labels), known in sorted(learned.items())
        if (missing := [label for label in labels if label not in known])
    ]


def fixed_label_sets(items: Iterable[SnapshotItem]) -> tuple[LabelSet, ...]:
    """Return the fixed label sets that occur, in the order of their names.

    Where there are items with several right options, ``ANY_SEVERAL_OPTIONS`` is among them.

    Raises:
        DataError: One name is used for different labels.
    """
    found: dict[str, LabelSet] = {}
    for item in items:
        if item.label_set == SEVERAL_OPTIONS_LABEL_SET:
            found[item.label_set] = ANY_SEVERAL_OPTIONS
        if item.label_set in OPTION_LABEL_SETS:
            continue
        mine = label_set_of(item)
        known = found.setdefault(mine.name, mine)
        if known.names != mine.names:
            raise DataError(
                f"Label set {mine.name!r} means {', '.join(known.names)} in one item and "
                f"{', '.join(mine.names)} in item {item.item_id}. Give them different names."
            )
    return tuple(found[name] for name in sorted(found))


def describe_left_out(items: Sequence[SnapshotItem], kept: Container[str]) -> list[str]:
    """Describe in one sentence the items that a model cannot be asked about, where there are any.

    Raises:
        DataError: It can be asked about none.
    """
    names = [item.item_id for item in items if item.item_id not in kept]
    if not names:
        return []
    text = (
        f"{len(names)} of {len(items)} items were set aside, as the model cannot be asked about "
        f"them: {named(names)}. Their questions are longer than max_prompt_tokens, or the head "
        "does not know their labels. Shorten them, or raise max_prompt_tokens."
    )
    if len(names) == len(items):
        raise DataError(text)
    return [text]


def make_pool(
    snapshot: Snapshot, settings: PredictionSettings | EndpointSettings, num_shots: int
) -> ExemplarPool:
    """Return the pool from which all prompts of a run draw their shots."""
    return ExemplarPool(
        [
            ItemQuestion.of(item).exemplar(settings.exemplar_context_words)
            for item in snapshot.train
            if not item.is_vetoed
        ],
        settings.exemplars,
        settings.seed,
        # A shot that repeats a test item would give its answer away.
        forbidden=[to_question(item) for item in snapshot.test] if num_shots else (),
    )


def item_groups(entries: Sequence[ItemQuestion]) -> list[str]:
    """Return the group of each item: what folds must not divide."""
    parents = [entry.item.parent_item_id or entry.item.item_id for entry in entries]
    return join_groups(parents, [entry.question for entry in entries])


def refuse_leaks(questions: SnapshotQuestions) -> None:
    """Refuse training items of the test split, made from one of it, or repeating one of it.

    Raises:
        DataError: It names them.
    """
    test_ids = {entry.item.item_id for entry in questions.test}
    strays = [
        entry.item.item_id
        for entry in questions.train
        if entry.item.split == "test" or entry.item.parent_item_id in test_ids
    ]
    if strays:
        raise DataError(
            f"{len(strays)} items of the test split, or made from one, are among the training "
            f"items ({named(strays)}). They must never be learned from; freeze a new snapshot."
        )
    repeated = find_duplicates(
        [entry.question for entry in questions.train], [entry.question for entry in questions.test]
    )
    if repeated:
        pairs = [
            f"{pair.question.question_id} repeats {pair.original.question_id} "
            f"(overlap {pair.overlap:.2f})"
            for pair in repeated
        ]
        raise DataError(
            f"{len(repeated)} training items repeat items of the test split: {named(pairs)}. A "
            "model that learns from them cannot be tested on the others; put them in the test "
            "split."
        )


def named(names: Sequence[str]) -> str:
    """Return names for a message, the first of them where there are many."""
    more = f", and {len(names) - _NUM_NAMED} more" if len(names) > _NUM_NAMED else ""
    return ", ".join(names[:_NUM_NAMED]) + more
