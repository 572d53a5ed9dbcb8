"""What a reviewer can say beyond a label and a note; folded away until it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from db.records import Judgement, Span
from streamlit_app import safe_text
from streamlit_app.components.answer_text import changes
from streamlit_app.logic.review.correction import corrected_answer
from streamlit_app.logic.review.form_values import join_labels, split_labels
from streamlit_app.logic.review.sentences import sentence_spans
from streamlit_app.markup import reveal, widget_label
from streamlit_app.wording import say, words

MAX_SENTENCE = 120
"""Characters of a sentence in the list."""

Keep = Callable[..., None]
"""Stores fields of the draft, by name."""


def field_key(name: str, item_id: str) -> str:
    """Return the session key of a field; the item's id keeps a press from reaching another item."""
    return f"review_{name}_{item_id}"


def draw(
    item_id: str, labels: Sequence[str], answer: str | None, values: Judgement, keep: Keep
) -> None:
    """Draw the fields. Each change is stored as a draft.

    Args:
        item_id: The item on screen.
        labels: Its labels in order.
        answer: The model's answer; None where there is none to correct, or it must stay hidden.
        values: What the fields start from.
        keep: Called with what changed.
    """
    with st.container(key="review_more"):
        _draw_pills("verdicts", item_id, words("verdict"), values.verdicts, keep)
        _draw_choice("severity", item_id, values.severity, keep)
        _draw_choice("confidence", item_id, values.confidence, keep)
        names = {label: widget_label(label, place) for place, label in enumerate(labels)}
        _draw_pills("also", item_id, names, split_labels(values)[1], keep)
        if answer:
            _draw_sentence(item_id, answer, values.span, keep)
            _draw_correction(item_id, answer, values.answer)


def read(item_id: str, values: Judgement, answer: str | None) -> Judgement:
    """Return what the fields hold now, and what they start from where they are not drawn.

    Args:
        item_id: The item on screen.
        values: What the fields start from.
        answer: The model's answer, with which a corrected one is compared.
    """

    def held(name: str, otherwise: Any) -> Any:
        return st.session_state.get(field_key(name, item_id), otherwise)

    picked, also = split_labels(values)
    return Judgement(
        labels=join_labels(held("label", picked), held("also", also)),
        answer=corrected_answer(held("answer", values.answer), answer),
        note=(held("note", values.note) or "").strip(),
        verdicts=tuple(held("verdicts", values.verdicts)),
        severity=held("severity", values.severity),
        confidence=held("confidence", values.confidence),
        span=held("span", values.span),
    )


def _draw_pills(
    name: str, item_id: str, shown: dict[str, str], chosen: Sequence[str], keep: Keep
) -> None:
    key = field_key(name, item_id)
    st.pills(
        say(f"review.{name}"),
        list(shown),
        selection_mode="multi",
        default=list(chosen),
        format_func=shown.__getitem__,
        key=key,
        on_change=lambda: keep(**{name: list(st.session_state[key])}),
    )


def _draw_choice(name: str, item_id: str, chosen: str | None, keep: Keep) -> None:
    key = field_key(name, item_id)
    shown = words(name)
    st.segmented_control(
        say(f"review.{name}"),
        list(shown),
        default=chosen,
        format_func=shown.__getitem__,
        key=key,
        on_change=lambda: keep(**{name: st.session_state[key]}),
        width="stretch",
    )


def _draw_sentence(item_id: str, answer: str, chosen: Span | None, keep: Keep) -> None:
    """Draw the list of sentences; the one chosen is marked in the answer."""
    spans = [Span("answer", start, end) for start, end in sentence_spans(answer)]
    if chosen is not None and chosen not in spans:
        spans.insert(0, chosen)
    key = field_key("span", item_id)

    def store() -> None:
        span = st.session_state[key]
        keep(span=None if span is None else [span.text, span.start, span.end])

    st.selectbox(
        say("review.sentence"),
        spans,
        index=None if chosen is None else spans.index(chosen),
        format_func=lambda span: _shorten(answer[span.start : span.end]),
        placeholder=say("review.sentence_none"),
        key=key,
        on_change=store,
    )


def _draw_correction(item_id: str, answer: str, corrected: str | None) -> None:
    """Draw the answer for correction, and what was changed so far."""
    key = field_key("answer", item_id)
    is_short = len(answer) <= safe_text.SHOWN_CHARACTERS
    st.text_area(
        say("review.corrected"),
        value=corrected or (answer if is_short else ""),
        key=key,
        height=160,
        placeholder="" if is_short else say("review.corrected_long"),
    )
    written = corrected_answer(st.session_state.get(key), answer)
    if written is not None and is_short:
        safe_text.draw(changes(answer, written))


def _shorten(sentence: str) -> str:
    line = reveal(" ".join(sentence.split()))
    return line if len(line) <= MAX_SENTENCE else f"{line[: MAX_SENTENCE - 1]}…"
