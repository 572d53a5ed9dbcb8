"""Everything that was said of an item: who, when, in which phase, from which label to which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from db.records import Annotation
from streamlit_app import safe_text
from streamlit_app.components.answer_text import changes
from streamlit_app.markup import Html, element
from streamlit_app.wording import say, words

MAX_ANSWER = 4_000
"""Characters of an answer whose changes a line shows."""


def draw(history: Sequence[Annotation], names: Mapping[str, str]) -> None:
    """Draw the annotations of an item, newest first."""
    if not history:
        safe_text.draw(element("p", say("review.no_history"), cls="lc-quiet"))
        return
    lines = [_line(annotation, names) for annotation in reversed(history)]
    safe_text.draw(element("ol", *lines, cls="lc-history"))


def _line(annotation: Annotation, names: Mapping[str, str]) -> Html:
    when = annotation.created_at.strftime("%Y-%m-%d %H:%M UTC")
    details: list[Html] = []
    if annotation.note:
        details.append(element("p", annotation.note, cls="lc-history-note"))
    if annotation.answer is not None:
        before = (annotation.old_answer or "")[:MAX_ANSWER]
        details.append(changes(before, annotation.answer[:MAX_ANSWER]))
    return element(
        "li",
        element("strong", names.get(annotation.reviewer_id, annotation.reviewer_id)),
        " ",
        _change(annotation),
        element("time", when, datetime=annotation.created_at.isoformat()),
        *(element("span", fact, cls="lc-fact") for fact in _facts(annotation)),
        *details,
        cls="lc-retracted" if annotation.action == "retract" else "",
    )


def _change(annotation: Annotation) -> Html:
    if annotation.action == "retract":
        return element("span", say("review.took_back"), cls="lc-change")
    labels = ", ".join(annotation.labels) or say("review.no_label_fits")
    new = element("strong", labels)
    if annotation.old_label is None or annotation.origin == "import":
        return element("span", say("review.said"), " ", new, cls="lc-change")
    if (annotation.old_label,) == annotation.labels:
        return element("span", say("review.confirmed"), " ", new, cls="lc-change")
    return element("span", annotation.old_label, " → ", new, cls="lc-change")


def _facts(annotation: Annotation) -> list[str]:
    """Return the rest of what was said, a word or two each."""
    facts = []
    if annotation.origin == "import":
        facts.append(say("review.came_with_data"))
    if annotation.action == "label" and annotation.phase != "open":
        facts.append(words("phase")[annotation.phase])
    if annotation.presentation != "first":
        facts.append(words("presentation")[annotation.presentation])
    facts += [words("verdict")[name] for name in annotation.verdicts]
    if annotation.severity is not None:
        facts.append(say("review.severity_is", word=words("severity")[annotation.severity]))
    if annotation.confidence is not None:
        facts.append(say("review.confidence_is", word=words("confidence")[annotation.confidence]))
    if annotation.is_fast:
        facts.append(say("review.fast"))
    return facts
