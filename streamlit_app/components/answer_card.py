"""The model's answer as plain text, with the part that decided its label marked."""

from __future__ import annotations

import streamlit as st

from db.records import Prediction
from streamlit_app.components import safe_text
from streamlit_app.text_safety import Html, element, join


def draw(prediction: Prediction, model: str) -> None:
    """Draw what a model wrote for an item."""
    answer = prediction.answer
    if answer is None:
        body = element("p", "The run released only a label, no text.", cls="lc-quiet")
    elif not answer.strip():
        body = element("p", "The model wrote nothing.", cls="lc-quiet")
    else:
        key = f"review_answer_shown_{prediction.item_id}_{prediction.run_id}"
        limit = None if st.session_state.get(key) else safe_text.SHOWN_CHARACTERS
        body = element("div", marked_answer(prediction, limit), cls="lc-answer-text")
    safe_text.draw(
        element(
            "section",
            element("h3", "Answer of ", element("span", model, cls="lc-model")),
            element("p", *_facts(prediction), cls="lc-facts"),
            body,
            cls="lc-answer",
        )
    )
    if answer is not None and answer.strip():
        safe_text.draw_show_all(answer, key)


def marked_answer(prediction: Prediction, limit: int | None = None) -> Html:
    """Give the answer with the characters that decided its label inside ``<mark>``.

    Each part is escaped on its own, so the mark cannot be moved or forged from inside the text.
    """
    answer = (prediction.answer or "")[:limit]
    start, end = prediction.answer_start, prediction.answer_end
    if start is None or end is None or not 0 <= start < end <= len(answer):
        return join(answer)
    mark = element("mark", answer[start:end], title="The label was read from here")
    return join(answer[:start], mark, answer[end:])


def _facts(prediction: Prediction) -> list[Html]:
    facts = []
    if prediction.answer_tokens is not None:
        facts.append(f"{prediction.answer_tokens:,} tokens")
    if prediction.latency_seconds is not None:
        facts.append(f"{prediction.latency_seconds:.1f} s")
    if not prediction.is_finished:
        facts.append("cut off at the length limit")
    return [element("span", fact) for fact in facts]
