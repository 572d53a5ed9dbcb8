"""Errors: what one run gets wrong, in its text and in its head, and the items behind each count."""

from __future__ import annotations

import streamlit as st

from streamlit_app import palette, services
from streamlit_app.charts.bars import BarPart, draw_bars
from streamlit_app.charts.reliability import draw_reliability
from streamlit_app.charts.style import CONFIG
from streamlit_app.components import confusion_panel, estimate_card, outcome_items, scope_picker
from streamlit_app.logic.outcomes import (
    PAIR_WORDS,
    ErrorsView,
    Judged,
    estimate_text,
    load_errors,
    percent,
)
from streamlit_app.logic.verdict import FORM_WORDS
from streamlit_app.text_safety import reveal

PAIR_TONES = {
    "both_right": palette.BLUE,
    "head_right": palette.GREEN,
    "head_rescued": palette.GREEN,
    "text_right": palette.OCHRE,
}
FORM_TONES = {"absent": palette.WRONG, "contradictory": palette.WRONG}


def main() -> None:
    """Draw the page."""
    st.title("Errors")
    runs = services.all_runs()
    if not runs:
        st.info(
            "There is no run yet. Import answers of a model on the Data page, or train one on the "
            "Training page; then its errors are counted here."
        )
        return
    flt = scope_picker.pick(runs)
    if flt is None:
        st.info("This run has no predictions yet. Choose another run.")
        return
    view = load_errors(services.database(), flt)
    if view.text is None and view.head is None:
        st.info(
            "None of these items counts: either they have no gold label, or the run's answers to "
            "them were not read yet. Choose another split or source."
        )
        return
    draw_figures(view)
    draw_pairs(view)
    st.header("Which labels are confused", divider="gray")
    confusion_panel.draw(view)
    st.subheader("Items", anchor="items")
    outcome_items.draw(view, flt)
    st.header("Label by label", divider="gray")
    draw_label_tables(view)
    forms_column, trust_column = st.columns(2, gap="large")
    with forms_column:
        draw_forms(view)
    with trust_column:
        draw_trust(view)


def draw_figures(view: ErrorsView) -> None:
    """Draw the line of figures at the top, each with its interval."""
    text = view.text.report if view.text else None
    head = view.head.report if view.head else None
    first = st.columns(3)
    with first[0]:
        estimate_card.draw_text(
            "Items",
            f"{view.num_items:,}",
            "with a gold label",
            explanation="Items that have a gold label and a prediction of this run.",
        )
    with first[1]:
        estimate_card.draw(
            "Accuracy of the text",
            text.accuracy if text else None,
            explanation="Share of items whose label, read from the answer's text, is the gold "
            "label; an answer without a label is wrong. Wilson interval, 95 %.",
        )
    with first[2]:
        estimate_card.draw(
            "Accuracy of the head",
            head.accuracy if head else None,
            explanation="Share of items whose most probable label, by the ECI head, is the gold "
            "label. Wilson interval, 95 %.",
        )
    second = st.columns(4)
    macro = "Mean of the labels' F1, each counting the same. Bootstrap interval, 95 %."
    with second[0]:
        estimate_card.draw(
            "Macro-F1 of the text", text.macro_f1 if text else None, explanation=macro
        )
    with second[1]:
        estimate_card.draw(
            "Macro-F1 of the head", head.macro_f1 if head else None, explanation=macro
        )
    with second[2]:
        estimate_card.draw(
            "Answers without a label",
            view.without_label,
            explanation="Share of answers from which no label could be read.",
        )
    with second[3]:
        estimate_card.draw(
            "Answers not bare",
            view.not_bare,
            explanation="Share of answers that are more than the label itself: text that a reader "
            "or a parser has to go through to find it.",
        )


def draw_pairs(view: ErrorsView) -> None:
    """Draw how text and head fare together, where the run has both."""
    if not any(view.pair_outcomes.values()):
        return
    st.header("Does the head help?", divider="gray")
    parts = [
        BarPart(words, view.pair_outcomes[pair], PAIR_TONES.get(pair, palette.WRONG).chart)
        for pair, words in PAIR_WORDS.items()
    ]
    st.plotly_chart(draw_bars(parts), key="errors_pairs", config=CONFIG, alt="Text and head")


def draw_label_tables(view: ErrorsView) -> None:
    """Draw precision, recall and F1 of every label, for text and head."""
    for title, judged in (("Label read from the text", view.text), ("ECI head", view.head)):
        if judged is not None:
            st.markdown(f"**{title}**")
            st.dataframe(label_table(judged), hide_index=True, alt=f"Figures by label, {title}")
    st.caption("In brackets: 95 % intervals, Wilson for precision and recall, bootstrap for F1.")


def label_table(judged: Judged) -> dict[str, list[str | int]]:
    """Arrange the figures of each label as columns."""
    rows = judged.report.per_label
    return {
        "Label": [reveal(row.label) for row in rows],
        "Items with this gold label": [row.support for row in rows],
        "Given this label": [row.predicted for row in rows],
        "Precision": [estimate_text(row.precision) for row in rows],
        "Recall": [estimate_text(row.recall) for row in rows],
        "F1": [estimate_text(row.f1) for row in rows],
    }


def draw_forms(view: ErrorsView) -> None:
    """Draw how the answers give their label."""
    st.header("How answers give their label", divider="gray")
    if not any(view.forms.values()):
        st.info("No answer of these items has been read yet.")
        return
    parts = [
        BarPart(FORM_WORDS.get(form, form), count, FORM_TONES.get(form, palette.RIGHT).chart)
        for form, count in view.forms.items()
    ]
    st.plotly_chart(
        draw_bars(parts, unit="answers"), key="errors_forms", config=CONFIG, alt="Answer forms"
    )


def draw_trust(view: ErrorsView) -> None:
    """Draw what the head's confidence is worth."""
    st.header("Can the head's confidence be trusted?", divider="gray")
    if not view.reliability:
        st.info("This run has no head probabilities, so there is no confidence to judge.")
        return
    error = view.calibration_error
    st.caption(
        f"Expected calibration error {percent(error.value)} (n = {error.n:,}). Points under the "
        "dashed line: more confident than right. Bars: 95 % intervals."
    )
    st.plotly_chart(
        draw_reliability(view.reliability),
        key="errors_reliability",
        config=CONFIG,
        alt="Reliability diagram of the head",
    )


main()
