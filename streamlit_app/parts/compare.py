"""Compare: two runs on the items they share, and all runs in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

import streamlit as st

from db.outcomes.counts import RunSummary
from db.outcomes.run_pairs import Change, PairFilter, list_pairs
from db.outcomes.selection import By, Gold
from db.records import Run
from db.viewer import Viewer
from eci.statistics.compare import Comparison
from streamlit_app import palette
from streamlit_app.charts.bars import BarPart, draw_bars
from streamlit_app.charts.trend import draw_trend
from streamlit_app.components import (
    blind_items,
    chart,
    choices,
    comparison_actions,
    estimate_card,
    figure_table,
    item_table,
    scope_picker,
)
from streamlit_app.logic.figures import p_value_text, percent, points, points_interval
from streamlit_app.logic.label_sets import label_set_words
from streamlit_app.logic.outcomes.comparison import (
    CHANGE_WORDS,
    CHANGES,
    ComparisonView,
    Drawn,
    default_labels,
    default_pair,
    drawn_verdict,
    learning_points,
    load_by_label_set,
    load_comparison,
    load_corrections,
    load_drawn_accuracies,
    load_drawn_change,
    load_summaries,
    marked,
    most_changed,
    pair_table,
    shared_label_sets,
    trend_points,
    trend_table,
    verdict,
)
from streamlit_app.logic.outcomes.gold_doubts import load_ceiling
from streamlit_app.logic.outcomes.run_outcomes import drawn_words, plain_words, refresh
from streamlit_app.markup import reveal
from streamlit_app.server import services
from streamlit_app.session import sign_in
from streamlit_app.wording import say, say_count
from training.evaluation.drawn_estimates import DrawnChange

PAGE_SIZE = 50
CHANGE_TONES: dict[Change, palette.Tone] = {
    "fixed": palette.GREEN,
    "broken": palette.WRONG,
    "both_right": palette.RIGHT,
    "both_wrong": palette.GREY,
}
SPLIT_WORDS = {"test": "test", "dev": "dev", "train": "train", "all": say("compare.all_splits")}
Section = Literal["pair", "all"]
SECTION_WORDS: dict[Section, str] = {
    "pair": say("compare.two_runs"),
    "all": say("compare.all_runs"),
}
MAX_LABEL_CHANGES = 12
LABELS_WORDS: dict[tuple[By, By], str] = {
    ("text", "text"): say("compare.text_label"),
    ("head", "head"): say("compare.head_label"),
    ("text", "head"): say("compare.text_a_head_b"),
    ("head", "text"): say("compare.head_a_text_b"),
}


def draw() -> None:
    """Draw this part."""
    runs = services.all_runs()
    if len(runs) < 2:
        key = "compare.needs_two_runs_one" if runs else "compare.needs_two_runs_none"
        st.info(say(key))
        return
    section = choices.pick(
        say("compare.section"),
        SECTION_WORDS,
        key="compare_section",
        bind="query-params",
        label_visibility="collapsed",
    )
    viewer = sign_in.current_viewer()
    blind_items.draw_left_out(viewer)
    if section == "pair":
        draw_pair(runs, viewer)
    else:
        draw_all(runs, viewer)


def draw_pair(runs: Sequence[Run], viewer: Viewer) -> None:
    """Draw two runs on the items they share."""
    run_a, run_b = pick_runs(runs)
    if run_a == run_b:
        st.info(say("compare.same_run_notice"))
        return
    version = refresh(services.database(), run_a, run_b)
    shared = shared_label_sets(services.database(), version, run_a, run_b)
    if not shared:
        st.info(say("compare.no_common_items_notice"))
        return
    default = default_labels(services.database(), version, run_a, run_b)
    flt = pick_filter(PairFilter(viewer, run_a, run_b, *default, "record", ""), shared, version)
    view = load_comparison(services.database(), version, flt)
    if not view.comparison.n:
        st.info(say("compare.no_common_labels_notice"))
        return
    draw_figures(view, load_drawn_change(services.database(), version, flt))
    draw_items(view, flt, services.run_names())


def pick_runs(runs: Sequence[Run]) -> tuple[str, str]:
    """Draw the pickers of both runs."""
    place_a, place_b = default_pair(runs)
    column_a, column_b = st.columns(2)
    with column_a:
        run_a = scope_picker.pick_run(say("compare.run_a"), runs, key="compare_a", index=place_a)
    with column_b:
        run_b = scope_picker.pick_run(say("compare.run_b"), runs, key="compare_b", index=place_b)
    return run_a, run_b


def pick_filter(default: PairFilter, shared: Sequence[str], version: str) -> PairFilter:
    """Draw the choices of what to compare, and all label sets side by side, the worst first.

    Args:
        default: The runs, and the labels that are compared at first.
    """
    by_column, gold_column, set_column, split_column = st.columns(
        [3, 3, 2, 2], vertical_alignment="bottom"
    )
    with by_column:
        by_a, by_b = pick_labels((default.by_a, default.by_b))
    with gold_column:
        gold = scope_picker.pick_gold("compare_against")
    with split_column:
        split = pick_split()
    flt = replace(default, by_a=by_a, by_b=by_b, gold=gold, split=split)
    views = load_by_label_set(services.database(), version, flt, shared)
    with set_column:
        label_set = pick_label_set(list(views), list(views).index(most_changed(views)))
    if len(views) > 1:
        figure_table.draw(label_set_table(views), alt=say("compare.label_sets_alt"))
    return replace(flt, label_set=label_set)


def label_set_table(views: Mapping[str, ComparisonView]) -> dict[str, list[str | int]]:
    """Arrange what changed in each label set as columns."""
    found = [view.comparison for view in views.values()]
    return {
        say("compare.labels"): [label_set_words(name) for name in views],
        say("compare.items"): [one.n for one in found],
        say("compare.accuracy_a"): [percent(one.accuracy_a.value) for one in found],
        say("compare.accuracy_b"): [percent(one.accuracy_b.value) for one in found],
        say("compare.accuracy_difference"): [
            f"{points(one.accuracy_difference.value)} ({points_interval(one.accuracy_difference)})"
            for one in found
        ],
        CHANGE_WORDS["fixed"]: [one.fixed for one in found],
        CHANGE_WORDS["broken"]: [one.broken for one in found],
    }


def pick_labels(default: tuple[By, By]) -> tuple[By, By]:
    """Draw the choice of the label of each run that is judged."""
    chosen: tuple[By, By] = st.selectbox(
        say("compare.compare"),
        list(LABELS_WORDS),
        # Streamlit warns of a default together with a value that is chosen already.
        index=0 if "compare_by" in st.session_state else list(LABELS_WORDS).index(default),
        format_func=LABELS_WORDS.__getitem__,
        key="compare_by",
        bind="query-params",
    )
    return chosen


def pick_label_set(label_sets: Sequence[str], index: int = 0) -> str:
    """Draw the choice of label set."""
    chosen: str = st.selectbox(
        say("compare.labels"),
        label_sets,
        index=0 if "compare_labels" in st.session_state else index,
        format_func=label_set_words,
        key="compare_labels",
        bind="query-params",
    )
    return chosen


def pick_split() -> str | None:
    """Draw the choice of split; None for all."""
    chosen: str = st.selectbox(
        say("compare.split"),
        list(SPLIT_WORDS),
        format_func=lambda name: SPLIT_WORDS[name],
        key="compare_split",
        bind="query-params",
    )
    return None if chosen == "all" else chosen


def draw_figures(view: ComparisonView, drawn: DrawnChange | None) -> None:
    """Draw both accuracies, their difference and what the test says of it.

    Args:
        drawn: The same for all items although only some were reviewed; it takes the place of what
            is counted.
    """
    found = view.comparison
    shown_a, shown_b = found.accuracy_a, found.accuracy_b
    difference, on_shared = found.accuracy_difference, say("compare.accuracy_help")
    difference_help = say("compare.accuracy_difference_help")
    if drawn is not None:
        shown_a, shown_b = drawn.accuracy_a.estimate, drawn.accuracy_b.estimate
        difference = drawn.difference.estimate
        on_shared = difference_help = drawn_words(drawn.difference)
    with st.container(horizontal=True):
        estimate_card.draw_text(
            say("compare.shared_items"),
            f"{found.n:,}",
            say("compare.with_gold_label"),
            explanation=say("compare.shared_items_help"),
        )
        estimate_card.draw(say("compare.accuracy_a"), shown_a, explanation=on_shared)
        estimate_card.draw(say("compare.accuracy_b"), shown_b, explanation=on_shared)
        estimate_card.draw_text(
            say("compare.accuracy_difference"),
            points(difference.value),
            points_interval(difference),
            explanation=difference_help,
        )
        _draw_tests(found)
    if drawn is not None:
        st.markdown(f"**{drawn_verdict(drawn.difference.estimate)}**")
        figures = [
            (say("compare.accuracy_a"), drawn.accuracy_a, found.accuracy_a),
            (say("compare.accuracy_b"), drawn.accuracy_b, found.accuracy_b),
            (say("compare.accuracy_difference"), drawn.difference, found.accuracy_difference),
        ]
        st.caption(" ".join([drawn_words(drawn.accuracy_a), plain_words(figures)]).strip())
    st.markdown(f"**{verdict(found)}**" if drawn is None else verdict(found))
    left, right = st.columns(2, gap="medium")
    with left:
        _draw_changes(view)
    with right:
        _draw_label_changes(view)


def _draw_tests(found: Comparison) -> None:
    """Draw what is counted over the shared items with a gold label."""
    estimate_card.draw_text(
        say("compare.macro_f1_difference"),
        points(found.macro_f1_difference.value),
        points_interval(found.macro_f1_difference),
        explanation=say("compare.macro_f1_difference_help"),
    )
    estimate_card.draw_text(
        say("compare.mcnemar"),
        "–" if found.p_value is None else p_value_text(found.p_value),
        say("compare.significant" if found.is_significant else "compare.not_significant"),
        explanation=say("compare.mcnemar_help"),
    )


def _draw_changes(view: ComparisonView) -> None:
    changes = view.changes
    parts = [
        BarPart(CHANGE_WORDS[change], changes[change], CHANGE_TONES[change].chart, change)
        for change in CHANGES
    ]
    chart.draw(
        draw_bars(parts),
        key="compare_outcomes",
        alt=say("compare.changes_alt"),
        on_click=_choose_change,
        table={
            "change": [part.name for part in parts],
            "items": [part.count for part in parts],
        },
    )
    st.caption(say("compare.changes_note"))


def _draw_label_changes(view: ComparisonView) -> None:
    changes = list(view.label_changes.items())[:MAX_LABEL_CHANGES]
    if not changes:
        return
    st.dataframe(
        {
            say("compare.gold"): [reveal(gold) for (gold, _, _), _ in changes],
            "A": [marked(a, gold) for (gold, a, _), _ in changes],
            "B": [marked(b, gold) for (gold, _, b), _ in changes],
            say("compare.items"): [count for _, count in changes],
        },
        hide_index=True,
        key="compare_label_changes",
        alt=say("compare.label_changes_alt"),
    )


def draw_items(view: ComparisonView, flt: PairFilter, names: Mapping[str, str]) -> None:
    """Draw the items of one change, each a way into Review."""
    st.header(say("compare.items"), divider="gray")
    changes = view.changes
    change = choices.pick(
        say("compare.show"),
        {one: f"{CHANGE_WORDS[one]} ({changes[one]:,})" for one in CHANGES},
        # Streamlit warns of a default together with a value that is chosen already.
        default="fixed" if "compare_show" in st.session_state else view.larger_change,
        key="compare_show",
        bind="query-params",
    )
    total = changes[change]
    if not total:
        st.info(say("compare.no_match"))
        return
    item_table.draw_pages("compare_page", total, PAGE_SIZE)
    page = item_table.page_number("compare_page", total, PAGE_SIZE)
    rows = list_pairs(
        services.database().cursor(),
        flt,
        change,
        limit=PAGE_SIZE,
        offset=(page - 1) * PAGE_SIZE,
    )
    st.caption(say("compare.open_item_note"))
    item_table.draw(
        rows,
        pair_table(rows, "A", "B"),
        lambda row: row.item_id,
        key="compare_items",
        run_id=flt.run_b,
        column_config={say("compare.question"): st.column_config.TextColumn(width="large")},
        alt=say("compare.items_of_change", change=CHANGE_WORDS[change]),
    )
    shown_names = {run_id: reveal(name) for run_id, name in names.items()}
    comparison_actions.draw(flt, change, total, shown_names, CHANGE_WORDS[change])


def draw_all(runs: Sequence[Run], viewer: Viewer) -> None:
    """Draw all runs in the order of time, and by the corrections they learned from."""
    version = refresh(services.database(), *(run.run_id for run in runs))
    everything = load_summaries(services.database(), version, viewer, "imported", None)
    if not everything:
        st.info(say("compare.no_predictions"))
        return
    label_sets = list(dict.fromkeys(one.label_set for one in everything))
    gold, label_set, split = pick_all_scope(label_sets)
    summaries = load_summaries(services.database(), version, viewer, gold, split)
    names = services.run_names()
    ceiling = load_ceiling(services.database(), version, viewer, summaries, gold, label_set, split)
    drawn: Drawn = {}
    if gold == "record":
        run_ids = tuple(one.run_id for one in summaries if one.label_set == label_set)
        drawn = load_drawn_accuracies(
            services.database(), version, viewer, run_ids, label_set, split
        )
    trend = [
        (words, trend_points(summaries, runs, names, label_set, by, drawn))
        for by, words in scope_picker.BY_WORDS.items()
    ]
    st.markdown(say("compare.trend_heading"))
    chart.draw(
        draw_trend(trend, axis=say("compare.run"), ceiling=ceiling),
        key="compare_trend",
        alt=say("compare.trend_alt"),
        table=trend_table(trend),
    )
    st.caption(say("compare.trend_note"))
    if drawn:
        st.caption(say_count("drawn.trend", len({run_id for run_id, _ in drawn})))
    draw_learning(summaries, names, label_set, ceiling, drawn)


def pick_all_scope(label_sets: Sequence[str]) -> tuple[Gold, str, str | None]:
    """Draw the choices of gold label, label set and split for all runs."""
    gold_column, set_column, split_column = st.columns([3, 2, 2], vertical_alignment="bottom")
    with gold_column:
        gold = scope_picker.pick_gold("compare_against")
    with set_column:
        label_set = pick_label_set(label_sets)
    with split_column:
        split = pick_split()
    return gold, label_set, split


def draw_learning(
    summaries: Sequence[RunSummary],
    names: Mapping[str, str],
    label_set: str,
    ceiling: tuple[str, float, float, float] | None,
    drawn: Drawn,
) -> None:
    """Draw accuracy over the number of corrections that training runs learned from."""
    corrections = load_corrections(services.database())
    learning = [
        (words, learning_points(summaries, corrections, names, label_set, by, drawn))
        for by, words in scope_picker.BY_WORDS.items()
    ]
    st.markdown(say("compare.corrections_heading"))
    if not any(found for _, found in learning):
        st.caption(say("compare.no_training_runs"))
        return
    chart.draw(
        draw_trend(learning, axis=say("compare.corrections_axis"), ceiling=ceiling),
        key="compare_learning",
        alt=say("compare.corrections_alt"),
        table={
            "label": [words for words, found in learning for _ in found],
            "corrections": [point.x for _, found in learning for point in found],
            "run": [point.run for _, found in learning for point in found],
            "accuracy": [point.value for _, found in learning for point in found],
        },
    )


def _choose_change() -> None:
    clicked = chart.clicked("compare_outcomes")
    if clicked is not None:
        st.session_state["compare_show"] = clicked[0]
