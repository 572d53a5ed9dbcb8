"""The labels an item may have: one ordered type for fixed categories and for answer options."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from eci.errors import LabelSetError, UnknownLabelError

OPTIONS: Final = "options"
"""Name of every label set whose labels are the options of its own item."""
SEVERAL_OPTIONS: Final = "several_options"
"""The same for items of whose options several may be right."""
OPTION_SETS: Final = (OPTIONS, SEVERAL_OPTIONS)
LABEL_END: Final = "\x1f"
"""Ends each label of a set of labels that is written as one text; no label contains it."""

MIN_OPTIONS: Final = 2
MAX_OPTIONS: Final = 26
"""One for each letter, as items are imported with."""


@dataclass(frozen=True, slots=True)
class Label:
    """One allowed category.

    Attributes:
        name: What is stored and compared, such as ``"yes"`` or ``"B"``.
        text: What the category says where its name does not: the text of an option.
        definition: When the category applies, in one line for a prompt.
        code: A letter or number that stands for it in prompts and answers, next to its name.
    """

    name: str
    text: str = ""
    definition: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class LabelSet:
    """The ordered categories of an item.

    The order is part of the identity: column j of every probability array belongs to ``labels[j]``.

    Attributes:
        name: ``"options"`` where the labels are the item's own options, else the name of the set.
        labels: At least one label; names differ even when case and outer spaces are ignored. Two to
        26 where the name is ``"options"`` or ``"several_options"``.
        is_several: Whether several labels of an item may be right. Gold and prediction are then
            sets, written as one text by :meth:`join`.

    Raises:
        LabelSetError: The labels break one of these rules.
    """

    name: str
    labels: tuple[Label, ...]
    is_several: bool = False

    def __post_init__(self) -> None:
        faults = _faults(self.name, self.labels)
        if faults:
            raise LabelSetError(f"Label set {self.name!r} cannot be built: {'; '.join(faults)}.")

    @classmethod
    def from_options(
        cls, options: Mapping[str, str] | Sequence[tuple[str, str]], *, is_several: bool = False
    ) -> LabelSet:
        """Build the label set of an item from its options, in the order given.

        Args:
            options: Letter to text, such as ``{"A": "Aspirin", "B": "Heparin"}``; 2 to 26 of them.

        Raises:
            LabelSetError: Fewer than 2 or more than 26 options, a letter twice, or one empty.

        Example:
            >>> LabelSet.from_options({"A": "yes", "B": "no"}).names
            ('A', 'B')
        """
        pairs = options.items() if isinstance(options, Mapping) else options
        labels = tuple(Label(name, text) for name, text in pairs)
        return cls(SEVERAL_OPTIONS if is_several else OPTIONS, labels, is_several)

    @classmethod
    def fixed(cls, name: str, names: Sequence[str], *, is_several: bool = False) -> LabelSet:
        """Build a label set that many items share, from the names of its labels.

        Raises:
            LabelSetError: No names, a name twice, or one empty.

        Example:
            >>> LabelSet.fixed("triage", ["urgent", "routine"]).index("routine")
            1
        """
        return cls(name, tuple(Label(label) for label in names), is_several)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the labels, in order."""
        return tuple(label.name for label in self.labels)

    @property
    def is_options(self) -> bool:
        """Return whether the labels are the options of one item and differ from item to item."""
        return self.name in OPTION_SETS

    def join(self, names: Collection[str]) -> str:
        """Return labels as the one label of an item: of a set with several right ones, their set.

        Raises:
            UnknownLabelError: A label is not in the set, or there is not exactly one where one is
                right.

        Example:
            >>> several = LabelSet.fixed("signs", ["cough", "fever"], is_several=True)
            >>> several.join(["fever", "cough"])
            'cough\\x1ffever\\x1f'
        """
        places = sorted({self.index(name) for name in names})
        if self.is_several and places:
            return "".join(f"{self.names[place]}{LABEL_END}" for place in places)
        if len(places) != 1:
            raise UnknownLabelError(
                f"{len(places)} labels were given of label set {self.name!r}; expected "
                f"{'at least one' if self.is_several else 'one'}."
            )
        return self.names[places[0]]

    def indices(self, label: str) -> tuple[int, ...]:
        """Return the positions of the labels that a label of an item stands for.

        Raises:
            UnknownLabelError: One is not in the set.
        """
        if not self.is_several:
            return (self.index(label),)
        return tuple(self.index(name) for name in label.removesuffix(LABEL_END).split(LABEL_END))

    def index(self, name: str) -> int:
        """Return the position of a label.

        Raises:
            UnknownLabelError: No label has exactly this name.
        """
        for position, label in enumerate(self.labels):
            if label.name == name:
                return position
        raise UnknownLabelError(
            f"Label {name!r} is not in label set {self.name!r}. Allowed: {', '.join(self.names)}. "
            f"Use one of these exactly as written, or another label set."
        )

    def __len__(self) -> int:
        return len(self.labels)

    def __iter__(self) -> Iterator[Label]:
        return iter(self.labels)


def _faults(name: str, labels: tuple[Label, ...]) -> list[str]:
    """Return every rule that the labels break, so that a user can correct a file in one go."""
    faults = []
    if not name.strip():
        faults.append("its name is empty; give it one")
    if not labels:
        faults.append("it has no labels; give at least one")
    if name in OPTION_SETS and not MIN_OPTIONS <= len(labels) <= MAX_OPTIONS:
        faults.append(
            f"it has {len(labels)} options; {MIN_OPTIONS} to {MAX_OPTIONS} are allowed, "
            f"split or shorten the item"
        )
    empty = [str(position) for position, label in enumerate(labels, 1) if not label.name.strip()]
    if empty:
        faults.append(f"the name of label {', '.join(empty)} is empty; name each label")
    texts = [name, *(text for one in labels for text in (one.name, one.text, one.code))]
    if any("\ud800" <= character <= "\udfff" for text in texts for character in text):
        faults.append("a text in it is no UTF-8; type it again")
    counts = Counter(label.name.strip().casefold() for label in labels if label.name.strip())
    twice = [key for key, count in counts.items() if count > 1]
    codes = Counter(label.code.strip().casefold() for label in labels if label.code.strip())
    twice += [f"the code {key}" for key, count in codes.items() if count > 1]
    if twice:
        faults.append(f"{', '.join(map(repr, twice))} occurs more than once; rename or drop one")
    return faults


PUBMEDQA: Final = LabelSet(
    "pubmedqa",
    (
        Label("yes", definition="the study's results support a positive answer to the question"),
        Label("no", definition="the study's results support a negative answer to the question"),
        Label("maybe", definition="the results are mixed, uncertain or too weak to decide"),
    ),
)
"""PubMedQA's three categories, in the order of Jin et al. 2019."""

ANY_SEVERAL_OPTIONS: Final = LabelSet.from_options({"A": "", "B": ""}, is_several=True)
"""Among the label sets of a head: it is to know options of which several may be right."""
