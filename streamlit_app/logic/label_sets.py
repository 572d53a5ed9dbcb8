"""Label sets as rows that a person edits, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from db.connection import Database
from db.content.label_moves import change_labels
from db.content.label_sets import add_label_set, known_label_sets
from db.records import (
    FREE_TEXT_LABEL_SET,
    OPTIONS_LABEL_SET,
    SEVERAL_OPTIONS_LABEL_SET,
    LabelKind,
    LabelSet,
    SetLabel,
)
from eci.questions.labels import PUBMEDQA
from streamlit_app.markup import reveal
from streamlit_app.wording import say

_COLUMNS: Final = ("name", "short_name", "key", "definition", "synonyms", "codes")
_SEPARATOR: Final = ";"
"""Between synonyms of one label: they may contain commas."""


def load(database: Database) -> dict[str, LabelSet]:
    """Return every label set, stored or known by its items, by name."""
    return known_label_sets(database.cursor())


def rows_of(label_set: LabelSet | None) -> list[dict[str, str]]:
    """Return a row for each label; two empty ones for a new set."""
    if label_set is None:
        return [dict.fromkeys(_COLUMNS, "")] * 2
    return [
        {
            "name": label.name,
            "short_name": label.short_name,
            "key": label.key,
            "definition": label.definition,
            "synonyms": f"{_SEPARATOR} ".join(label.synonyms),
            "codes": f"{_SEPARATOR} ".join(label.codes),
        }
        for label in label_set.labels
    ]


def set_of(name: str, kind: LabelKind, rows: Sequence[Mapping[str, Any]]) -> LabelSet:
    """Return the label set of edited rows; rows without a label are left out."""
    texts = [{key: str(row.get(key) or "").strip() for key in _COLUMNS} for row in rows]
    labels = tuple(
        SetLabel(
            name=row["name"],
            short_name=row["short_name"],
            key=row["key"],
            definition=row["definition"],
            synonyms=_parts(row["synonyms"]),
            codes=_parts(row["codes"]),
        )
        for row in texts
        if row["name"]
    )
    return LabelSet(name, labels, kind)


def save(
    database: Database,
    label_set: LabelSet,
    moves: Mapping[str, str | None],
    *,
    reviewer_id: str,
    reason: str,
) -> LabelSet:
    """Store a label set or its next version, with other labels where they changed.

    Args:
        moves: What became of each label that is no longer there; None: retired.

    Raises:
        InvalidLabelSetError: It contradicts itself or its items.
        NotPermittedError: The role of the person is not open to it.
    """
    with database.transaction() as cur:
        stored = known_label_sets(cur).get(label_set.name)
        if stored is None or stored.names == label_set.names:
            return add_label_set(cur, label_set, reviewer_id=reviewer_id, reason=reason)
        if not stored.version:  # known by its items alone: what it was is stored first
            add_label_set(cur, stored, reviewer_id=reviewer_id)
        return change_labels(cur, label_set, moves, reviewer_id=reviewer_id, reason=reason)


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(_SEPARATOR) if part.strip())


def label_set_words(label_set: str) -> str:
    """Return the name of a label set on screen."""
    if label_set == SEVERAL_OPTIONS_LABEL_SET:
        return say("scope.several_options")
    if label_set == FREE_TEXT_LABEL_SET:
        return say("scope.free_text")
    if label_set == PUBMEDQA.name:
        return say("scope.yes_no_maybe")
    return say("scope.options") if label_set == OPTIONS_LABEL_SET else reveal(label_set)
