"""Items from which a run can learn: all different, each label following from its number."""

from __future__ import annotations

from collections.abc import Sequence

from db.records import Item, Option, Section, Split
from tests.support.records import LABELS, make_item, make_options_item


def make_training_item(number: int, split: Split = "train") -> Item:
    """Return one of many different items with the labels yes, no and maybe."""
    return make_item(
        f"fix-{split}-{number:03d}",
        question=f"Does treatment {number} help?",
        context=(Section("RESULTS", f"It helped {number} of {number + 7} patients."),),
        gold_label=LABELS[number % 3],
        long_answer=f"Secret conclusion {number}.",
        split=split,
        source="tests",
        metadata={},
    )


def make_training_options_item(number: int, split: Split = "train") -> Item:
    """Return one of many different items with three or four options."""
    names = "ABCD"[: 4 if number % 2 else 3]
    return make_options_item(
        f"opt-{split}-{number:03d}",
        names,
        question=f"Which of these fits case {number}?",
        options=tuple(Option(name, f"choice {name} of {number}") for name in names),
        gold_label=names[number % len(names)],
        long_answer=f"Secret reason {number}.",
        split=split,
        source="tests",
        metadata={},
    )


def make_training_items() -> list[Item]:
    """Return 24 training and 10 test items of both kinds."""
    makers = (make_training_item, make_training_options_item)
    train = [makers[number % 2](number) for number in range(24)]
    return train + [makers[number % 2](100 + number, "test") for number in range(10)]


def make_remedy(number: int, split: Split = "train") -> Item:
    """Return an item whose context tells its label in words, so that a head can learn it."""
    label = LABELS[number % 3]
    words = {"yes": "helped all", "no": "helped nobody", "maybe": "gave no clear result"}[label]
    return make_item(
        f"more-{split}-{number:03d}",
        question=f"Is remedy {number} of ward {number * 3} any good?",
        context=(Section("RESULTS", f"Remedy {number} {words} of its {number + 5} patients."),),
        gold_label=label,
        long_answer=f"Conclusion {number}.",
        split=split,
        source="tests",
        metadata={},
    )


def make_graded(number: int, labels: Sequence[str], label_set: str, split: Split = "train") -> Item:
    """Return an item of a label set of one's own, whose context says its label in other words."""
    place = number % len(labels)
    mark = ("amber", "birch", "cedar", "dune", "ember", "fjord", "grove")[place % 7]
    return make_item(
        f"{label_set}-{split}-{number:03d}",
        question=f"How severe is reaction {number} of ward {number * 3}?",
        context=(Section("RESULTS", f"Reaction {number} was {mark} {mark} {place}."),),
        label_set=label_set,
        labels=tuple(labels),
        gold_label=labels[place],
        long_answer=f"Conclusion {number}.",
        split=split,
        source="tests",
        metadata={},
    )
