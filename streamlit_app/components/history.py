"""All judgements on an item: who, when, in which phase, from which label to which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from db.records import Annotation, labels_in
from streamlit_app.components.answer_text import changes
from streamlit_app.markup import Html, element
from streamlit_app.wording import say, words

MAX_ANSWER = 4_000
"""Characters of an answer whose changes a line shows."""


def lines(history: Sequence[Annotation], names: Mapping[str, str]) -> Html:
    """Return the markup of the annotations of an item, newest first."""
    if not history:
        return element("p", say("review.no_history"), cls="lc-quiet")
    return element("ol", *(_line(one, names) for one in reversed(history)), cls="lc-history")


def facts(annotation: Annotation) -> list[str]:
    """Return what belongs to a judgement beyond labels, note and answer, a word or two each."""
    judgement, encounter = annotation.judgement, annotation.encounter
    found = []
    if encounter.presentation != "first":
        found.append(words("presentation")[encounter.presentation])
    found += [words("verdict")[name] for name in judgement.verdicts]
    if judgement.severity is not None:
        found.append(say("review.severity_is", word=words("severity")[judgement.severity]))
    if judgement.confidence is not None:
        found.append(say("review.confidence_is", word=words("confidence")[judgement.confidence]))
    if encounter.is_fast:
        found.append(say("review.fast"))
    return found


def texts(annotation: Annotation) -> list[Html]:
    """Return the note, and what was changed in the answer."""
    note, answer = annotation.judgement.note, annotation.judgement.answer
    found: list[Html] = []
    if note:
        found.append(element("p", note, cls="lc-history-note"))
    if answer is not None:
        found.append(changes((annotation.old_answer or "")[:MAX_ANSWER], answer[:MAX_ANSWER]))
    return found


def _line(annotation: Annotation, names: Mapping[str, str]) -> Html:
    when = annotation.created_at.strftime("%Y-%m-%d %H:%M UTC")
    source = []
    if annotation.origin == "import":
        source.append(say("review.imported"))
    if annotation.action == "label" and annotation.encounter.phase != "open":
        source.append(words("phase")[annotation.encounter.phase])
    return element(
        "li",
        element("strong", names.get(annotation.reviewer_id, annotation.reviewer_id)),
        " ",
        _change(annotation),
        element("time", when, datetime=annotation.created_at.isoformat()),
        *(element("span", fact, cls="lc-fact") for fact in (*source, *facts(annotation))),
        *texts(annotation),
        cls="lc-retracted" if annotation.action == "retract" else "",
    )


def _change(annotation: Annotation) -> Html:
    if annotation.action == "retract":
        return element("span", say("review.retracted"), cls="lc-change")
    labels = ", ".join(annotation.judgement.labels) or say("review.no_label")
    new = element("strong", labels)
    if annotation.old_label is None or annotation.origin == "import":
        return element("span", say("review.chose"), " ", new, cls="lc-change")
    if labels_in(annotation.old_label) == annotation.judgement.labels:
        return element("span", say("review.confirmed"), " ", new, cls="lc-change")
    return element("span", annotation.old_label, " → ", new, cls="lc-change")
