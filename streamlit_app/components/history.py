"""Everything that was said of an item: who, when, from which label to which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from db.records import Annotation
from streamlit_app.components import safe_text
from streamlit_app.text_safety import Html, element

MAX_ANSWER = 400
"""Characters of a corrected answer that a line shows."""


def draw(history: Sequence[Annotation], names: Mapping[str, str]) -> None:
    """Draw the annotations of an item, newest first."""
    if not history:
        safe_text.draw(element("p", "Nobody has labelled this item yet.", cls="lc-quiet"))
        return
    lines = [_line(annotation, names) for annotation in reversed(history)]
    safe_text.draw(element("ol", *lines, cls="lc-history"))


def _line(annotation: Annotation, names: Mapping[str, str]) -> Html:
    when = annotation.created_at.strftime("%Y-%m-%d %H:%M UTC")
    details: list[str] = []
    if annotation.note:
        details.append(element("p", annotation.note, cls="lc-history-note"))
    if annotation.answer is not None:
        cut = annotation.answer[:MAX_ANSWER] + ("…" if len(annotation.answer) > MAX_ANSWER else "")
        details.append(element("p", "Corrected answer: ", cut, cls="lc-history-note"))
    return element(
        "li",
        element("strong", names.get(annotation.reviewer_id, annotation.reviewer_id)),
        " ",
        _change(annotation),
        element("time", when, datetime=annotation.created_at.isoformat()),
        element("span", "came with the data", cls="lc-quiet")
        if annotation.origin == "import"
        else "",
        *details,
        cls="lc-retracted" if annotation.action == "retract" else "",
    )


def _change(annotation: Annotation) -> Html:
    if annotation.action == "retract":
        return element("span", "took the label back", cls="lc-change")
    new = element("strong", annotation.label or "–")
    if annotation.old_label is None or annotation.origin == "import":
        return element("span", "said ", new, cls="lc-change")
    if annotation.old_label == annotation.label:
        return element("span", "confirmed ", new, cls="lc-change")
    return element("span", annotation.old_label, " → ", new, cls="lc-change")
