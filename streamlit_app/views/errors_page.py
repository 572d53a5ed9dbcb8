"""Errors: what one run gets wrong, in its text and in its head, and the items behind each count."""

from __future__ import annotations

import streamlit as st

from streamlit_app import palette, services
from streamlit_app.charts.bars import BarPart, draw_bars
from streamlit_app.charts.reliability import draw_reliability
from streamlit_app.components import (
    chart,
    confusion_panel,
    estimate_card,
    outcome_items,
    scope_picker,
)
from streamlit_app.logic.outcomes import (
    PAIR_WORDS,
    ErrorsView,
    Judged,
    load_errors,
    percent,
)
from streamlit_app.logic.verdict import FORM_WORDS

PAIR_TONES = {
    "both_right": palette.BLUE,
    "head_right": palette.GREEN,
    "head_rescued": palette.GREEN,
    "text_right": palette.OCHRE,
}
MACRO_F1_EXPLANATION = (
    "Mean of the labels' F1, each label counting the same. Bootstrap interval, 95 %."
)
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
    st.subheader("Which labels are confused", divider="gray")
    has_both = view.text is not None and view.head is not None
    confusion_panel.draw(view, draw_beside=lambda: draw_forms(view))
    st.subheader("Items", divider="gray")
    outcome_items.draw(view, flt)
    if has_both:
        forms_column, trust_column = st.columns(2, gap="medium")
        with forms_column:
            draw_forms(view)
        with trust_column:
            draw_trust(view)
    elif view.head is not None:
        draw_trust(view)


def draw_figures(view: ErrorsView) -> None:
    """Draw the figures at the top, each with its interval: the text's, then the head's."""
    with st.container(horizontal=True):
        estimate_card.draw_text(
            "Items",
            f"{view.num_items:,}",
            "with a gold label",
            explanation="Items that have a gold label and a prediction of this run.",
        )
        if view.text:
            draw_text_figures(view, view.text)
    if view.head is None:
        st.caption(
            "This run has no ECI head, so everything here is about its texts. Runs from the "
            "Training page have one."
        )
        return
    with st.container(horizontal=True):
        draw_head_figures(view, view.head)


def draw_text_figures(view: ErrorsView, judged: Judged) -> None:
    """Draw what the labels read from the texts are worth."""
    estimate_card.draw(
        "Accuracy of the text",
        judged.report.accuracy,
        explanation="Share of items whose label, read from the answer's text, is the gold "
        "label; an answer without a label is wrong. Wilson interval, 95 %.",
    )
    estimate_card.draw(
        "Macro-F1 of the text", judged.report.macro_f1, explanation=MACRO_F1_EXPLANATION
    )
    estimate_card.draw(
        "Answers without a label",
        view.without_label,
        explanation="Share of answers from which no label could be read.",
    )
    estimate_card.draw(
        "Answers not bare",
        view.not_bare,
        explanation="Share of answers that are more than the label itself: text that a reader "
        "or a parser has to go through to find it.",
    )


def draw_head_figures(view: ErrorsView, judged: Judged) -> None:
    """Draw what the head's labels are worth."""
    estimate_card.draw(
        "Accuracy of the head",
        judged.report.accuracy,
        explanation="Share of items whose most probable label, by the ECI head, is the gold "
        "label. Wilson interval, 95 %.",
    )
    estimate_card.draw(
        "Macro-F1 of the head", judged.report.macro_f1, explanation=MACRO_F1_EXPLANATION
    )
    estimate_card.draw(
        "Calibration error",
        view.calibration_error,
        explanation="Mean gap between the head's confidence and how often it is right (expected "
        "calibration error over 15 bins): 0 % means that its confidence can be taken at its word.",
    )


def draw_pairs(view: ErrorsView) -> None:
    """Draw how text and head fare together, where the run has both."""
    if not any(view.pair_outcomes.values()):
        return
    st.subheader("Does the head help?", divider="gray")
    parts = [
        BarPart(words, view.pair_outcomes[pair], PAIR_TONES.get(pair, palette.WRONG).chart)
        for pair, words in PAIR_WORDS.items()
    ]
    chart.draw(draw_bars(parts), key="errors_pairs", alt="How text and head fare together")


def draw_forms(view: ErrorsView) -> None:
    """Draw how the answers give their label."""
    if not any(view.forms.values()):
        return
    st.markdown("**How answers give their label**")
    parts = [
        BarPart(FORM_WORDS.get(form, form), count, FORM_TONES.get(form, palette.RIGHT).chart)
        for form, count in view.forms.items()
    ]
    chart.draw(
        draw_bars(parts, unit="answers"), key="errors_forms", alt="How answers give their label"
    )
    if view.num_named_by_the_run:
        st.caption(
            f"{view.num_named_by_the_run:,} answers give no label that can be read in their text, "
            "for example because they were cut off; the run names a label for them all the same, "
            "and that one is scored."
        )


def draw_trust(view: ErrorsView) -> None:
    """Draw what the head's confidence is worth."""
    st.markdown("**Can the head's confidence be trusted?**")
    error = view.calibration_error
    st.caption(
        f"Expected calibration error {percent(error.value)} (n = {error.n:,}). Points under the "
        "dashed line: more confident than right. Bars: 95 % intervals."
    )
    chart.draw(
        draw_reliability(view.reliability),
        key="errors_reliability",
        alt="Reliability diagram of the head",
    )


main()
