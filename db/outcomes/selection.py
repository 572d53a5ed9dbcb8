"""Which items of a run the Errors page is about, as a filter that can be stored and restored."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Final, Literal, get_args

from db.conversions import parse_json
from db.statements import load_sql
from db.viewer import Viewer

By = Literal["text", "head"]
"""Which of a run's two labels is judged: the one read from the answer, or the head's."""
Gold = Literal["imported", "record"]
"""What it is judged against: the label the item came with, or the label of record."""

NO_LABEL: Final = ""
"""Asks for answers from which no label could be read; no label has an empty name."""

PairOutcome = Literal[
    "both_right",
    "text_right",
    "head_right",
    "head_rescued",
    "both_wrong_alike",
    "both_wrong_differently",
    "wrong_and_absent",
]
"""How the label in the text and the head's label of one item fare against its gold label.

``text_right``, ``head_right``: only that one is. ``head_rescued``: the head is right where the
answer had no readable label. ``wrong_and_absent``: the answer had none and the head is wrong.
"""
PAIR_OUTCOMES: Final[tuple[PairOutcome, ...]] = get_args(PairOutcome)

Dimension = Literal[
    "source",
    "split",
    "year_range",
    "mesh",
    "step",
    "question_type",
    "length_range",
    "num_options",
    "hedging",
    "text_form",
    "record_origin",
]
"""What items and answers are sliced by; each is a column of ``outcome_rows``, ``mesh`` a list."""
DIMENSIONS: Final[tuple[Dimension, ...]] = get_args(Dimension)
ANSWER_DIMENSIONS: Final[tuple[Dimension, ...]] = ("hedging", "text_form")
"""Those that tell of the answer to an item, and so differ between runs."""

_EQUALITIES: Final = (
    "source",
    "split",
    "gold_label",
    "head_label",
    "text_form",
    "pair_outcome",
)

_ANNOTATED: Final = (
    "item_no in (select item_no from scratch.annotation where origin = 'review' and {says})"
)


@dataclass(frozen=True)
class Selection:
    """Conditions on the items and answers of a run, all of which must hold; None means any.

    Attributes:
        text_label: May be ``NO_LABEL``.
        reviewer_label: A reviewer's standing annotation says this; ``NO_LABEL``: several, or none.
        slices: Pairs of a dimension and its value.
        head_is_right: Whether the head's label is the gold label.
        confidence_from: The head's confidence is at least this, in [0, 1].
        confidence_below: It is below this; a value above 1 lets 1 in.
    """

    source: str | None = None
    split: str | None = None
    gold_label: str | None = None
    text_label: str | None = None
    head_label: str | None = None
    text_form: str | None = None
    pair_outcome: PairOutcome | None = None
    reviewer_label: str | None = None
    slices: tuple[tuple[Dimension, str], ...] = ()
    head_is_right: bool | None = None
    confidence_from: float | None = None
    confidence_below: float | None = None

    def to_json(self) -> str:
        """Write the conditions that are set."""
        empty = Selection()
        return json.dumps(
            {k: v for k, v in asdict(self).items() if v != getattr(empty, k)}, sort_keys=True
        )

    @classmethod
    def from_json(cls, text: str) -> Selection:
        """Read what ``to_json`` wrote; conditions that are unknown or make no sense are left out.

        The text may come from an address that was typed.
        """
        try:
            stored = parse_json(text)
        except ValueError:
            return cls()
        return cls(**_sound(stored)) if isinstance(stored, dict) else cls()

    @classmethod
    def find_stored(cls, text: str) -> Selection | None:
        """Return what ``to_json`` wrote; None where any of it cannot be read as it was meant."""
        read = cls.from_json(text)
        try:
            is_whole = json.dumps(parse_json(text), sort_keys=True) == read.to_json()
        except ValueError:
            return None
        return read if is_whole else None

    @property
    def is_empty(self) -> bool:
        """Return whether every item passes."""
        return self == Selection()

    @property
    def is_of_items(self) -> bool:
        """Return whether it asks only what the items are, not what a model answered or how
        confident it was.

        Items chosen by what a model got wrong look better with any other model (regression to
        the mean), so only such selections are fair where two models are compared.
        """
        about_items = Selection(
            source=self.source,
            split=self.split,
            gold_label=self.gold_label,
            reviewer_label=self.reviewer_label,
            slices=tuple(one for one in self.slices if one[0] not in ANSWER_DIMENSIONS),
        )
        return self == about_items


@dataclass(frozen=True)
class OutcomeFilter:
    """The items of one run and label set to count or list: those that pass every selection.

    Items that are hidden from the viewer are left out of every count, list and file.
    """

    viewer: Viewer
    run_id: str
    gold: Gold
    label_set: str
    parts: tuple[Selection, ...] = ()

    def also(self, selection: Selection) -> OutcomeFilter:
        """Narrow the filter by one more selection."""
        if selection.is_empty:
            return self
        return replace(self, parts=(*self.parts, selection))


def select_rows(columns: str, flt: OutcomeFilter, tail: str = "") -> tuple[str, dict[str, Any]]:
    """Return a statement over the filtered rows of ``outcome_rows`` and its parameters.

    Args:
        columns: What to select and ``tail`` what follows the conditions: constants of this
            package, never a value from outside.
    """
    parameters: dict[str, Any] = {
        "run_id": flt.run_id,
        "gold": flt.gold,
        "label_set": flt.label_set,
        "viewer": flt.viewer.parameter,
    }
    conditions = ["true"]
    for number, part in enumerate(flt.parts):
        for condition, value in _conditions(part):
            name = f"value_{len(parameters)}_{number}"
            conditions.append(condition.format(f"${name}"))
            if value is not None:
                parameters[name] = value
    rows, where = load_sql("outcome_rows"), " and ".join(conditions)
    # Only constants of this package are put together; values are bound.
    return f"select {columns} from ({rows}) where {where} {tail}", parameters  # noqa: S608


def _conditions(part: Selection) -> list[tuple[str, Any]]:
    """Return each condition with a place for its value; without one where there is none to bind."""
    found: list[tuple[str, Any]] = [
        (f"{name} = {{}}", getattr(part, name))
        for name in _EQUALITIES
        if getattr(part, name) is not None
    ]
    if part.text_label == NO_LABEL:
        found.append(("has_text_outcome and text_label is null", None))
    elif part.text_label is not None:
        found.append(("text_label = {}", part.text_label))
    if part.reviewer_label is not None:
        says = "label is null" if part.reviewer_label == NO_LABEL else "label = {}"
        found.append((_ANNOTATED.format(says=says), part.reviewer_label or None))
    for dimension, value in part.slices:
        found.append(
            ("list_contains(mesh, {})" if dimension == "mesh" else f"{dimension} = {{}}", value)
        )
    if part.head_is_right is not None:
        found.append(("(head_label = gold_label) = {}::boolean", part.head_is_right))
    if part.confidence_from is not None:
        found.append(("head_confidence >= {}", part.confidence_from))
    if part.confidence_below is not None:
        found.append(("head_confidence < {}", part.confidence_below))
    return found


def _sound(stored: Mapping[str, Any]) -> dict[str, Any]:
    kinds: dict[str, tuple[type, ...]] = {
        "head_is_right": (bool,),
        "confidence_from": (int, float),
        "confidence_below": (int, float),
    }
    sound = {
        field.name: stored[field.name]
        for field in fields(Selection)
        if field.name != "slices"
        and isinstance(stored.get(field.name), kinds.get(field.name, (str,)))
    }
    if sound.get("pair_outcome") not in (None, *PAIR_OUTCOMES):
        del sound["pair_outcome"]
    slices = stored.get("slices")
    return {
        **sound,
        "slices": tuple(
            (pair[0], pair[1])
            for pair in (slices if isinstance(slices, list) else [])
            if isinstance(pair, list)
            and len(pair) == 2
            and pair[0] in DIMENSIONS
            and isinstance(pair[1], str)
        ),
    }
