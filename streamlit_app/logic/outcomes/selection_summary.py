"""A selection of items in words."""

from __future__ import annotations

from db.outcomes.selection import NO_LABEL, Selection
from streamlit_app.logic.outcomes.matrix import NO_LABEL as NO_LABEL_WORDS
from streamlit_app.logic.outcomes.run_outcomes import PAIR_WORDS
from streamlit_app.logic.outcomes.slice_ranking import DIMENSION_WORDS
from streamlit_app.logic.review.verdict import FORM_WORDS
from streamlit_app.wording import say


def selection_words(selection: Selection) -> str:
    """Describe which items pass a selection; empty for all of them.

    Holds texts from the data: draw it as text.
    """
    parts = [
        f"{say(f'selection.{name}')}: {value}"
        for name, value in (
            ("source", selection.source),
            ("split", selection.split),
            ("gold_label", selection.gold_label),
            ("text_label", _label(selection.text_label)),
            ("head_label", selection.head_label),
            ("form", FORM_WORDS.get(selection.text_form or "", selection.text_form)),
            ("reviewer_label", _label(selection.reviewer_label)),
        )
        if value is not None
    ]
    if selection.pair_outcome is not None:
        parts.append(PAIR_WORDS[selection.pair_outcome].lower())
    parts += [f"{DIMENSION_WORDS[name].lower()}: {value}" for name, value in selection.slices]
    if selection.head_is_right is not None:
        parts.append(
            say("selection.head_right" if selection.head_is_right else "selection.head_wrong")
        )
    if selection.confidence_from is not None:
        parts.append(say("selection.confidence_from", share=selection.confidence_from))
    if selection.confidence_below is not None and selection.confidence_below <= 1:
        parts.append(say("selection.confidence_below", share=selection.confidence_below))
    return "; ".join(parts)


def _label(label: str | None) -> str | None:
    return NO_LABEL_WORDS if label == NO_LABEL else label
