"""Text label, head label and gold label side by side; the head's probabilities as bars."""

from __future__ import annotations

import math
from collections.abc import Mapping

from db.records import GoldLabel, Item, Prediction, is_label_set, labels_in, labels_text
from streamlit_app.logic.review.verdict import FORM_WORDS, judge, origin_words
from streamlit_app.markup import Html, element
from streamlit_app.wording import say

_SIGNS = {"success": "✓", "warning": "≠", "info": "i"}


def card(item: Item, prediction: Prediction | None, gold: GoldLabel) -> Html:
    """Return the markup of who says what of an item."""
    text = head = form = None
    has_answer = False
    if prediction is not None:
        text, head = prediction.answer_label, prediction.head_label
        has_answer = prediction.answer is not None or text is not None
        form = FORM_WORDS.get(prediction.answer_form or "", prediction.answer_form)
    verdict = judge(text, head, gold.label, has_answer=has_answer)
    rows = [
        _row(
            item,
            say("verdict_card.text"),
            text,
            form or "",
            gold.label,
            missing=say("verdict_card.no_label") if has_answer else "–",
        ),
        _row(
            item,
            say("verdict_card.head"),
            head,
            _confidence(item, prediction),
            gold.label,
            missing="–",
        ),
        _row(
            item,
            say("verdict_card.record"),
            gold.label,
            _origin(item, gold),
            None,
            missing=say("verdict_card.none"),
        ),
    ]
    sign = element("span", _SIGNS[verdict.kind], cls="lc-notice-sign", aria_hidden="true")
    notice = element("div", sign, element("span", verdict.text), cls=f"lc-verdict-{verdict.kind}")
    return element(
        "section",
        notice,
        element("table", element("tbody", *rows), cls="lc-verdict-table"),
        _bars(item, prediction),
        cls="lc-verdict",
    )


def blind_card() -> Html:
    """Return the markup of the same place before the reveal."""
    title = element("strong", say("review.blind_title"))
    why = element("span", say("review.blind_why"))
    return element("section", title, why, cls="lc-verdict lc-blind")


def label_chip(item: Item, label: str) -> Html:
    """Return a label as a chip in its colour; the name is always readable, not the colour alone."""
    if is_label_set(label):
        chips = (label_chip(item, one) for one in labels_in(label))
        return element("span", *chips, cls="lc-chips")
    place = item.labels.index(label) % 5 if label in item.labels else 0
    named = label if label in ("yes", "no", "maybe") else None
    tone = f"lc-label-{named}" if named else f"lc-position-{place}"
    return element("span", label, cls=f"lc-chip {tone}")


def _row(
    item: Item, who: str, label: str | None, how: str, gold: str | None, *, missing: str
) -> Html:
    chip = element("span", missing, cls="lc-quiet") if label is None else label_chip(item, label)
    sign: Html | str = ""
    if gold is not None and (label is not None or missing == say("verdict_card.no_label")):
        right = label == gold
        sign = element(
            "span",
            "✓" if right else "✗",
            cls="lc-right" if right else "lc-wrong",
            title=say("verdict_card.as_gold") if right else say("verdict_card.not_as_gold"),
        )
    return element(
        "tr",
        element("th", who, scope="row"),
        element("td", chip),
        element("td", sign, cls="lc-sign"),
        element("td", how, cls="lc-quiet"),
    )


def _confidence(item: Item, prediction: Prediction | None) -> str:
    label = prediction.head_label if prediction else None
    probabilities = _probabilities(item, prediction)
    if is_label_set(label):
        right = labels_in(label)
        each = (p if name in right else 1 - p for name, p in probabilities.items())
        return say("verdict_card.confidence", chosen=math.prod(each))
    chosen = probabilities.get(label or "")
    return "" if chosen is None else say("verdict_card.confidence", chosen=chosen)


def _origin(item: Item, gold: GoldLabel) -> str:
    origin = origin_words(gold.origin, gold.conflicting, gold.num_agreeing, gold.num_reviewers)
    if gold.origin in ("agreed", "adjudicated") and item.gold_label not in (None, gold.label):
        return say("verdict_card.replaced", origin=origin, gold_label=labels_text(item.gold_label))
    return origin


def _probabilities(item: Item, prediction: Prediction | None) -> Mapping[str, float]:
    if prediction is None or prediction.head_probabilities is None:
        return {}
    return dict(zip(item.labels, prediction.head_probabilities, strict=False))


def _bars(item: Item, prediction: Prediction | None) -> Html | str:
    probabilities = _probabilities(item, prediction)
    if not probabilities:
        return ""
    bars = [
        element(
            "div",
            element("span", label, cls="lc-bar-name"),
            element(
                "span",
                element(
                    "span",
                    cls=f"lc-bar-fill {_tone(label, place)}",
                    style=f"width:{100 * min(max(probability, 0.0), 1.0):.1f}%",
                ),
                cls="lc-bar-track",
            ),
            element("span", f"{probability:.1%}", cls="lc-bar-number"),
            cls="lc-bar",
        )
        for place, (label, probability) in enumerate(probabilities.items())
    ]
    return element(
        "div", *bars, cls="lc-bars", role="group", aria_label=say("verdict_card.probabilities")
    )


def _tone(label: str, place: int) -> str:
    return f"lc-label-{label}" if label in ("yes", "no", "maybe") else f"lc-position-{place % 5}"
