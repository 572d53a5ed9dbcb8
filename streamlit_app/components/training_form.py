"""What a new run would learn from, with which settings, and the button that starts it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence

import streamlit as st

from db.overview import ItemCount, ReviewCount, count_items_by_label, count_reviews
from db.records import Run
from streamlit_app import services
from streamlit_app.components import reviewer_picker, safe_text, scope_picker
from streamlit_app.components.training_live import draw_message, told_errors
from streamlit_app.logic.matrix import order_labels
from streamlit_app.logic.training_view import (
    HistoryEntry,
    describe_expected,
    describe_settings,
    finished_durations,
)
from streamlit_app.text_safety import element, join, reveal
from training.settings import list_presets
from training.start import start_run

SHOWN_KEY = "training_shown"
"""Session state: the run that the page shows."""
QUICK_PRESET = "smoke"
_PRESS = "training_press"


def draw(history: Sequence[HistoryEntry], runs: Sequence[Run]) -> None:
    """Draw readiness, preset and the Retrain button."""
    cur = services.database().cursor()
    last = history[0].run if history else None
    counts = [count for count in count_items_by_label(cur) if count.split == "train"]
    _draw_readiness(count_reviews(cur, last.created_at if last else None), counts, bool(last))
    presets = {preset.name: preset for preset in list_presets()}
    settings_column, start_column = st.columns([3, 2], gap="large")
    with settings_column:
        names = list(presets)
        name = st.selectbox(
            "Preset",
            names,
            # The quick one first: a press by mistake must not cost hours.
            index=names.index(QUICK_PRESET) if QUICK_PRESET in names else 0,
            format_func=reveal,
            key="training_preset",
            bind="query-params",
        )
        safe_text.draw_text(presets[name].description, "training_description")
        _draw_settings(describe_settings(presets[name].settings))
    with start_column:
        reviewer = reviewer_picker.pick()
        base_run_id = (
            scope_picker.pick_run("Compare the result with", runs, key="training_base")
            if runs
            else None
        )
        st.caption(describe_expected(finished_durations(history), name))
        has_items = any(count.label is not None for count in counts)
        press: str = st.session_state.setdefault(_PRESS, uuid.uuid4().hex)
        st.button(
            "Retrain",
            type="primary",
            width="stretch",
            key="training_retrain",
            disabled=not has_items,
            on_click=_start,
            args=(press, name, reviewer.reviewer_id, base_run_id),
        )
        if not has_items:
            st.caption(
                "There are no labelled items in the training split. Import some on the Data page."
            )
        draw_message()


def _start(press: str, preset: str, started_by: str, base_run_id: str | None) -> None:
    # A second press of the same button, before the page was drawn again, must not start a second
    # run: it carries the same token.
    if st.session_state.get(_PRESS) != press:
        return
    with told_errors():
        run_id = start_run(services.database(), preset, started_by, base_run_id)
        st.session_state[SHOWN_KEY] = run_id
    st.session_state[_PRESS] = uuid.uuid4().hex


def _draw_readiness(reviews: ReviewCount, counts: Sequence[ItemCount], has_run: bool) -> None:
    since = "since the last run" if has_run else "so far"
    if reviews.num_train == 0:
        learned = (
            f"No training item was reviewed {since}. A new run would learn from the labels as they "
            "are."
        )
    else:
        learned = (
            f"{reviews.num_train} reviews of training items {since}, {reviews.num_changed_train} "
            "of them change the imported label."
        )
    if reviews.num_annotations > reviews.num_train:
        learned += (
            f" {reviews.num_annotations - reviews.num_train} more are on other items, which no run "
            "learns from."
        )
    safe_text.draw_notice(learned, kind="success" if reviews.num_changed_train else "info")
    sources = dict.fromkeys(count.source for count in counts)
    lines = (_count_line(source, counts) for source in sources)
    safe_text.draw(element("div", *(element("div", line) for line in lines), cls="lc-quiet"))


def _count_line(source: str, counts: Sequence[ItemCount]) -> str:
    found = {count.label: count.count for count in counts if count.source == source}
    parts = [f"{label} {found[label]:,}" for label in order_labels(_first(found), found)]
    if None in found:
        parts.append(f"no label {found[None]:,}")
    return f"Training items of {source}: {' · '.join(parts)}"


def _first(found: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(label for label in ("yes", "no", "maybe") if label in set(found))


def _draw_settings(settings: dict[str, str]) -> None:
    style = "border: 0; padding: .1rem 1.2rem .1rem 0; text-align: left; font-size: .85rem"
    rows = (
        element(
            "tr", element("th", name, scope="row", style=style), element("td", value, style=style)
        )
        for name, value in settings.items()
    )
    safe_text.draw(element("table", join(*rows)))
