"""Compare: two runs on the items they share; what the second fixed and what it broke."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from db.outcomes import By, Outcome, PairedOutcome
from db.records import Run
from streamlit_app import palette, services
from streamlit_app.charts.bars import BarPart, draw_bars
from streamlit_app.components import chart, estimate_card, scope_picker
from streamlit_app.logic.comparison import (
    OUTCOME_WORDS,
    ComparisonView,
    default_pair,
    load_comparison,
    p_value_text,
    points,
    points_interval,
    shared_label_sets,
    verdict,
)
from streamlit_app.logic.matrix import NO_LABEL
from streamlit_app.logic.rows import num_pages
from streamlit_app.state import open_in_review
from streamlit_app.text_safety import reveal

PAGE_SIZE = 50
BY_WORDS: dict[By, str] = {"text": "Label in the text", "head": "Label of the head"}
OUTCOME_TONES: dict[Outcome, palette.Tone] = {
    "fixed": palette.GREEN,
    "broken": palette.WRONG,
    "both_right": palette.RIGHT,
    "both_wrong": palette.GREY,
}
SPLIT_WORDS = {"test": "test", "dev": "dev", "train": "train", "all": "All splits"}


def main() -> None:
    """Draw the page."""
    st.title("Compare")
    runs = services.all_runs()
    if len(runs) < 2:
        st.info(
            "Two runs are needed, and there "
            + ("is only one" if runs else "is none")
            + ". Import the answers of another model on the Data page, or train a run on the "
            "Training page."
        )
        return
    run_a, run_b = pick_runs(runs)
    if run_a == run_b:
        st.info("Run A and run B are the same. Choose two different runs.")
        return
    shared = shared_label_sets(services.database(), run_a, run_b)
    if not shared:
        st.info(
            "These two runs share no items: they answered different data sets. Choose two runs on "
            "the same items."
        )
        return
    view = pick_view(run_a, run_b, shared)
    if not view.pairs:
        st.info(
            "There is no shared item on which both runs have this label and which has a gold "
            "label. Choose another split, or compare the other label: a run without an ECI head "
            "has no label of the head."
        )
        return
    draw_figures(view)
    draw_items(view, run_b)


def pick_runs(runs: Sequence[Run]) -> tuple[str, str]:
    """Draw the pickers of both runs."""
    place_a, place_b = default_pair(runs)
    column_a, column_b = st.columns(2)
    with column_a:
        run_a = scope_picker.pick_run("Run A (before)", runs, key="compare_a", index=place_a)
    with column_b:
        run_b = scope_picker.pick_run("Run B (after)", runs, key="compare_b", index=place_b)
    return run_a, run_b


def pick_view(run_a: str, run_b: str, shared: Sequence[str]) -> ComparisonView:
    """Draw the choices of what to compare and load it."""
    by_column, gold_column, set_column, split_column = st.columns(
        [3, 3, 2, 2], vertical_alignment="bottom"
    )
    with by_column:
        by: By = st.segmented_control(
            "Compare",
            list(BY_WORDS),
            format_func=lambda choice: BY_WORDS[choice],
            default="text",
            required=True,
            key="compare_by",
            bind="query-params",
        )
    with gold_column:
        gold = scope_picker.pick_gold("compare_against")
    with set_column:
        label_set: str = st.selectbox(
            "Labels",
            shared,
            format_func=scope_picker.label_set_words,
            key="compare_labels",
            bind="query-params",
        )
    with split_column:
        split: str = st.selectbox(
            "Split",
            list(SPLIT_WORDS),
            format_func=lambda name: SPLIT_WORDS[name],
            key="compare_split",
            bind="query-params",
        )
    return load_comparison(
        services.database(),
        run_a,
        run_b,
        by=by,
        gold=gold,
        label_set=label_set,
        split=None if split == "all" else split,
    )


def draw_figures(view: ComparisonView) -> None:
    """Draw both accuracies, their difference and what the test says of it."""
    found = view.comparison
    with st.container(horizontal=True):
        estimate_card.draw_text(
            "Shared items",
            f"{found.n:,}",
            "with a gold label",
            explanation="Items on which both runs have this label and which have a gold label.",
        )
        on_shared = "On the shared items. Wilson interval, 95 %."
        estimate_card.draw("Accuracy of A", found.accuracy_a, explanation=on_shared)
        estimate_card.draw("Accuracy of B", found.accuracy_b, explanation=on_shared)
        estimate_card.draw_text(
            "B minus A",
            points(found.accuracy_difference.value),
            points_interval(found.accuracy_difference),
            explanation="Difference of the accuracies; paired bootstrap over the shared items, "
            "95 %. Macro-F1 differs by "
            f"{points(found.macro_f1_difference.value)} "
            f"({points_interval(found.macro_f1_difference)}).",
        )
        estimate_card.draw_text(
            "McNemar",
            "–" if found.p_value is None else p_value_text(found.p_value),
            "significant" if found.is_significant else "not significant",
            explanation="Exact two-sided test: are changed items as likely fixed as broken? "
            "Significant below 0.05.",
        )
    st.markdown(f"**{verdict(found)}**")
    parts = [
        BarPart(words, len(view.of(outcome)), OUTCOME_TONES[outcome].chart)
        for outcome, words in OUTCOME_WORDS.items()
    ]
    chart.draw(draw_bars(parts), key="compare_outcomes", alt="Fixed, broken and unchanged items")


def draw_items(view: ComparisonView, run_b: str) -> None:
    """Draw the items of one outcome, each a way into Review."""
    st.subheader("Items", divider="gray")
    outcome: Outcome = st.segmented_control(
        "Show",
        list(OUTCOME_WORDS),
        format_func=lambda choice: f"{OUTCOME_WORDS[choice]} ({len(view.of(choice))})",
        default="fixed",
        required=True,
        key="compare_show",
    )
    pairs = view.of(outcome)
    if not pairs:
        st.info("There is no such item. Choose another group above.")
        return
    pages = num_pages(len(pairs), PAGE_SIZE)
    page = st.pagination(pages, key="compare_page") if pages > 1 else 1
    start = (min(page, pages) - 1) * PAGE_SIZE
    shown = pairs[start : start + PAGE_SIZE]
    st.caption("Select a row to open the item in Review, with the answer of run B.")
    event = st.dataframe(
        table(shown),
        key="compare_items",
        on_select="rerun",
        selection_mode="single-row",
        hide_index=True,
        column_config={"Question": st.column_config.TextColumn(width="large")},
        alt=f"Items: {OUTCOME_WORDS[outcome]}",
    )
    if event.selection.rows:
        open_in_review(shown[event.selection.rows[0]].item_id, run_id=run_b)


def table(pairs: Sequence[PairedOutcome]) -> dict[str, list[str]]:
    """Arrange items as columns, with a sign for right or wrong beside each label."""
    return {
        "Question": [reveal(" ".join(pair.question.split())[:220]) for pair in pairs],
        "Gold": [reveal(pair.gold) for pair in pairs],
        "A": [_marked(pair.label_a, pair.gold) for pair in pairs],
        "B": [_marked(pair.label_b, pair.gold) for pair in pairs],
        "Item": [reveal(pair.item_id) for pair in pairs],
    }


def _marked(label: str | None, gold: str) -> str:
    return f"{'✓' if label == gold else '✗'} {NO_LABEL if label is None else reveal(label)}"


main()
