"""The columns that lists of items are filtered and ordered by, and what each must be joined to.

The full join costs 300 ms and more at 200,000 items and 1,000,000 predictions, most of it for
columns that a list does not ask for. Only the parts that are named are joined.

What a model, the gold label or anybody else says of an item that is hidden from the viewer is null
or false: no condition and no order can tell such items apart by it.
"""

from __future__ import annotations

import re
from typing import Final

from db.statements import load_sql
from db.viewer import Viewer

_COLUMNS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "item_id": ("item.item_id", ()),
    "source": ("item.source", ()),
    "split": ("item.split", ()),
    "question": ("item.question", ()),
    "arrived_at": ("item.created_at", ()),
    "gold_label": ("gold.label", ("gold",)),
    "gold_origin": ("gold.origin", ("gold",)),
    "conflicting": ("gold.conflicting", ("gold",)),
    "is_predicted": ("outcome.item_id is not null", ("prediction",)),
    "head_label": ("outcome.head_label", ("prediction",)),
    "head_confidence": ("outcome.head_confidence", ("prediction",)),
    "head_margin": ("outcome.head_margin", ("prediction",)),
    "confidence_rank": ("coalesce(outcome.head_confidence, 2)", ("prediction",)),
    # What a head that has not learned from the item gives the label of record: low where the label
    # may be an error.
    "self_confidence": (
        "unseen.probabilities[list_position(item.labels, gold.label)]",
        ("unseen", "gold"),
    ),
    "errors_a_second": ("(1 - correct.probability) / correct.seconds", ("correct",)),
    "answer_label": ("outcome.text_label", ("read_prediction",)),
    "answer_form": ("outcome.text_form", ("read_prediction",)),
    "has_text_outcome": ("coalesce(outcome.has_text_outcome, false)", ("read_prediction",)),
    "my_label": ("mine.label", ("mine",)),
    "num_annotations": ("coalesce(reviewed.num_annotations, 0)", ("reviewed",)),
    "is_fast": ("coalesce(reviewed.is_fast, false)", ("reviewed",)),
    "is_flagged": ("flagged.item_id is not null", ("flagged",)),
    "is_accepted": ("accepted.item_id is not null", ("accepted",)),
    "is_set_aside": ("aside.item_id is not null", ("aside",)),
}
"""Each column: its expression, and the parts that it needs in addition to the item."""

_OPEN: Final = frozenset(
    {
        "item_id",
        "source",
        "split",
        "question",
        "arrived_at",
        "is_predicted",
        "my_label",
        "is_set_aside",
    }
)
"""Columns that cannot influence a reviewer who labels the item blind."""

_WHERE_HIDDEN: Final = {
    "conflicting": "false",
    "has_text_outcome": "false",
    "is_accepted": "false",
    "num_annotations": "0",
    "confidence_rank": "2",
}
"""What a column holds of a hidden item where that is not null."""
_OF_REVIEWER: Final = frozenset({"is_fast", "is_flagged"})
"""Columns that are open where they speak of the viewer, and false where they speak of anybody."""

_WORD: Final = re.compile(r"[a-z_]+")


def _part(name: str) -> str:
    return f"left join ({load_sql(f'review_{name}')}) as {name} on {name}.item_id = item.item_id"


def _of_run(table: str, name: str) -> str:
    return (
        f"left join (select * from {table} where run_id = $run_id) as {name} "  # noqa: S608
        f"on {name}.item_id = item.item_id"
    )


_JOINS: Final = {
    "prediction": _of_run("prediction", "outcome"),
    "read_prediction": _of_run("read_prediction", "outcome"),
    "unseen": _of_run("unseen_prediction", "unseen"),
    "correct": _of_run("correctness", "correct"),
    "accepted": _of_run("accepted", "accepted"),
    "gold": "join gold on gold.item_id = item.item_id",
    "mine": _part("mine"),
    "reviewed": _part("reviewed"),
    "flagged": _part("flagged"),
    "aside": "left join set_aside_item as aside on aside.item_id = item.item_id",
}
"""In the order in which they are joined."""


def tells(expressions: str) -> bool:
    """Return whether SQL expressions of ours name a column that is hidden from some viewers."""
    return bool(set(_WORD.findall(expressions)) & set(_COLUMNS) - _OPEN)


def source_of(expressions: str, viewer: Viewer) -> str:
    """Return the subquery that holds every column that SQL expressions of ours name.

    It takes the parameters ``run_id``, ``reviewer_id`` and ``viewer`` where a part needs them.
    """
    named = sorted(set(_WORD.findall(expressions)) & set(_COLUMNS))
    parts = {part for name in named for part in _COLUMNS[name][1]}
    if "read_prediction" in parts:
        parts.discard("prediction")  # it has the same columns
    is_gated = viewer.is_held_back and tells(expressions)
    columns = ", ".join(f"{_expression(name, is_gated)} as {name}" for name in named)
    joins = " ".join(_JOINS[part] for part in _JOINS if part in parts)
    if is_gated:
        joins += f" left join ({_HIDDEN}) as hidden on hidden.item_id = item.item_id"
    items = "every_item as item" if "aside" in parts else "item"
    return f"(select {columns or 'item.item_id'} from {items} {joins})"  # noqa: S608


_HIDDEN: Final = "select distinct item_id from scratch.hidden_item($viewer)"


def _expression(name: str, is_gated: bool) -> str:
    shown = _COLUMNS[name][0]
    if not is_gated or name in _OPEN:
        return shown
    if name in _OF_REVIEWER:
        return f"({shown} and (hidden.item_id is null or $reviewer_id is not null))"
    otherwise = _WHERE_HIDDEN.get(name, "null")
    return f"case when hidden.item_id is null then {shown} else {otherwise} end"
