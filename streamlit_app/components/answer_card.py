"""The model's answer, with the part that decided its label marked."""

from __future__ import annotations

import streamlit as st

from db.records import Prediction, Span
from streamlit_app import safe_text
from streamlit_app.logic.review.answer_markup import Mark, draw_answer
from streamlit_app.markup import Html, element, join
from streamlit_app.wording import say


def draw(prediction: Prediction, model: str, span: Span | None = None) -> None:
    """Draw what a model wrote for an item.

    Args:
        prediction: Whose answer to draw.
        model: Who wrote it.
        span: What the reviewer marked as supporting the label.
    """
    answer = prediction.answer
    key = f"review_answer_shown_{prediction.item_id}_{prediction.run_id}"
    is_whole = bool(st.session_state.get(key))
    safe_text.draw(_card(prediction, model, span, is_whole=is_whole))
    if answer is not None and answer.strip():
        safe_text.draw_show_all(answer, key)


def card(
    prediction: Prediction, model: str, span: Span | None = None, *, is_whole: bool = False
) -> Html:
    """Return the markup of what a model wrote, cut at the limit unless it is asked for whole.

    Args:
        prediction: Whose answer it is.
        model: Who wrote it.
        span: What the reviewer marked as supporting the label.
        is_whole: Whether a long text is not cut.
    """
    whole = _card(prediction, model, span, is_whole=is_whole)
    return whole if is_whole else join(whole, safe_text.whole_button(prediction.answer or ""))


def _card(prediction: Prediction, model: str, span: Span | None, *, is_whole: bool) -> Html:
    answer = prediction.answer
    if answer is None:
        body = element("p", say("review.no_text"), cls="lc-quiet")
    elif not answer.strip():
        body = element("p", say("review.empty_answer"), cls="lc-quiet")
    else:
        limit = None if is_whole else safe_text.SHOWN_CHARACTERS
        body = element("div", marked_answer(prediction, limit, span), cls="lc-answer-text")
    return element(
        "section",
        element("h3", say("review.answer_of"), " ", element("span", model, cls="lc-model")),
        element("p", *_facts(prediction), cls="lc-facts"),
        body,
        cls="lc-answer",
    )


def marked_answer(
    prediction: Prediction, limit: int | None = None, span: Span | None = None
) -> Html:
    """Return the answer with the characters inside ``<mark>`` that decided or support its label."""
    marks: list[Mark] = []
    if span is not None and span.text == "answer":
        marks.append((span.start, span.end, "lc-support", say("review.marked_by_reviewer")))
    start, end = prediction.answer_start, prediction.answer_end
    if start is not None and end is not None:
        marks.append((start, end, "", say("review.label_read_here")))
    return draw_answer((prediction.answer or "")[:limit], marks)


def _facts(prediction: Prediction) -> list[Html]:
    facts = []
    if prediction.answer_tokens is not None:
        facts.append(say("review.tokens", count=prediction.answer_tokens))
    if prediction.latency_seconds is not None:
        facts.append(say("review.seconds", seconds=prediction.latency_seconds))
    if not prediction.is_finished:
        facts.append(say("review.cut_off"))
    return [element("span", fact) for fact in facts]
