"""A selection of items in words."""

from __future__ import annotations

from db.outcome_filter import NO_LABEL, Selection
from streamlit_app.logic.matrix import NO_LABEL as NO_LABEL_WORDS
from streamlit_app.logic.outcomes import PAIR_WORDS
from streamlit_app.logic.slice_ranking import DIMENSION_WORDS
from streamlit_app.logic.verdict import FORM_WORDS


def selection_words(selection: Selection) -> str:
    """Say which items pass a selection; empty for all of them.

    Holds texts from the data: draw it as text.
    """
    parts = [
        f"{name}: {value}"
        for name, value in (
            ("source", selection.source),
            ("split", selection.split),
            ("gold label", selection.gold_label),
            ("label in the text", _label(selection.text_label)),
            ("label of the head", selection.head_label),
            ("form", FORM_WORDS.get(selection.text_form or "", selection.text_form)),
            ("a reviewer says", _label(selection.reviewer_label)),
        )
        if value is not None
    ]
    if selection.pair_outcome is not None:
        parts.append(PAIR_WORDS[selection.pair_outcome].lower())
    parts += [f"{DIMENSION_WORDS[name].lower()}: {value}" for name, value in selection.slices]
    if selection.head_is_right is not None:
        parts.append("head right" if selection.head_is_right else "head wrong")
    if selection.confidence_from is not None:
        parts.append(f"confidence at least {selection.confidence_from:.1%}")
    if selection.confidence_below is not None and selection.confidence_below <= 1:
        parts.append(f"confidence below {selection.confidence_below:.1%}")
    return "; ".join(parts)


def _label(label: str | None) -> str | None:
    return NO_LABEL_WORDS if label == NO_LABEL else label
