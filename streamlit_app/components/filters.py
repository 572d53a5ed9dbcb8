"""Run and filters in the sidebar, shared by Review and Browse: what is browsed can be reviewed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import streamlit as st

from db.records import Run
from db.review.item_list import Order, ReviewFilter, Show
from streamlit_app import safe_text
from streamlit_app.logic.review.verdict import FORM_WORDS
from streamlit_app.markup import reveal
from streamlit_app.server import services
from streamlit_app.session import address
from streamlit_app.session.state import review_session
from streamlit_app.wording import say

Word = TypeVar("Word", bound=str)
HEAD_ALONE = ("refit", "recalibrate")
"""Tasks of runs that write no texts: they are offered after those that do."""

SHOW_WORDS: dict[Show, str] = {
    "all": say("filters.show_all"),
    "unreviewed": say("filters.unreviewed"),
    "reviewed": say("filters.reviewed"),
    "text_wrong": say("filters.text_wrong"),
    "head_wrong": say("filters.head_wrong"),
    "text_head_differ": say("filters.text_head_differ"),
    "no_label": say("filters.no_text_label"),
    "conflicting": say("filters.conflicting"),
    "flagged": say("filters.flagged"),
    "fast": say("filters.fast"),
    "accepted": say("filters.accepted"),
    "set_aside": say("filters.set_aside"),
}
ORDER_WORDS: dict[Order, str] = {
    "item_id": say("filters.order_item_id"),
    "confidence": say("filters.order_confidence"),
}


_DEFAULTS = {
    "show": "all",
    "search": "",
    "source": None,
    "split": None,
    "gold": None,
    "text": None,
    "head": None,
    "form": None,
    "answered": False,
}


def clear() -> None:
    """Clear every filter; run and order stay. A callback: the widgets are drawn after it."""
    for key, value in _DEFAULTS.items():
        st.session_state[key] = value


def draw_no_item() -> None:
    """Draw why a list is empty, with a button that clears the filters."""
    if not services.all_sources():
        safe_text.draw_notice(say("filters.no_items"))
        return
    safe_text.draw_notice(say("filters.nothing"))
    st.button(say("filters.clear"), key="clear_filters", on_click=clear)


def draw_clear() -> None:
    """Draw a button that clears the filters, where any is set."""
    chosen = (key for key in _DEFAULTS if key != "answered")  # that box stands in sight
    if any(st.session_state.get(key, _DEFAULTS[key]) != _DEFAULTS[key] for key in chosen):
        st.button(say("filters.clear"), key="clear_filters", on_click=clear)


def in_words(flt: ReviewFilter) -> str:
    """Describe which items pass a filter; holds texts from the data."""
    parts = [] if flt.show == "all" else [SHOW_WORDS[flt.show]]
    conditions = (
        ("source", flt.source),
        ("split", flt.split),
        ("gold_label", flt.gold_label),
        ("text_label", flt.answer_label),
        ("head_label", flt.head_label),
        ("answer_form", FORM_WORDS.get(flt.answer_form or "", flt.answer_form)),
        ("search", flt.search.strip() or None),
        ("run", services.run_names()[flt.run_id] if flt.run_id else None),
    )
    parts += [f"{say(f'filters.{name}')}: {value}" for name, value in conditions if value]
    if flt.only_predicted:
        parts.append(say("filters.only_answered"))
    return "; ".join(parts) or say("filters.show_all")


def pick(reviewer_id: str) -> tuple[ReviewFilter, Order, Run | None]:
    """Draw the run picker and the filters; each choice stays in the address.

    Returns:
        The filter, the order, and the run whose predictions are shown (None without any run).
    """
    run = _pick_run(services.all_runs())
    only_predicted = run is not None and _pick_only_predicted()
    show = _pick_words(say("filters.show"), SHOW_WORDS, "show")
    order = _pick_words(say("filters.order"), ORDER_WORDS, "order")
    address.seed("search")
    search = st.text_input(
        say("filters.search"),
        key="search",
        persist_state="session",
        placeholder=say("filters.search_placeholder"),
    )
    address.keep("search", search, "")
    source = _choice(say("filters.source"), services.all_sources(), "source")
    split = _choice(say("filters.split"), ("train", "dev", "test"), "split")
    with st.expander(say("filters.labels"), expanded=_any_set("gold", "text", "head", "form")):
        labels = services.known_labels(services.viewer_of(reviewer_id))
        gold = _choice(say("filters.gold_label"), labels, "gold")
        text = _choice(say("filters.text_label"), labels, "text")
        head = _choice(say("filters.head_label"), labels, "head")
        form = _choice(say("filters.answer_form"), tuple(FORM_WORDS), "form")
    flt = ReviewFilter(
        run_id=run.run_id if run else None,
        source=source,
        split=split,
        show=show,
        gold_label=gold,
        answer_label=text,
        head_label=head,
        answer_form=form,
        search=search,
        reviewer_id=reviewer_id,
        only_predicted=only_predicted,
    )
    review_session().params = st.query_params.to_dict()
    return flt, order, run


def _pick_run(runs: Sequence[Run]) -> Run | None:
    if not runs:
        return None
    names = services.run_names()
    runs = sorted(runs, key=lambda run: run.settings.get("task") in HEAD_ALONE)
    by_id = {run.run_id: run for run in runs}
    address.seed("run", by_id)
    chosen = st.selectbox(
        say("filters.run"),
        list(by_id),
        format_func=lambda run_id: reveal(names[run_id]),
        key="run",
        persist_state="session",
    )
    address.keep("run", chosen, runs[0].run_id)
    return by_id[chosen]


def _pick_only_predicted() -> bool:
    """Exclude items that only other runs answered, unless the address or the box says otherwise.

    Where no run answered some, they were imported to be reviewed as they are: nothing is excluded.
    """
    default = "no" if services.has_unanswered_items() else "yes"
    if "answered" not in st.session_state:
        st.session_state["answered"] = st.query_params.get("answered", default) != "no"
    answered = st.checkbox(say("filters.only_answered"), key="answered", persist_state="session")
    address.keep("answered", "yes" if answered else "no", default)
    return answered


def _pick_words(title: str, words: Mapping[Word, str], key: str) -> Word:
    """Pick one of several words, the first one unless another is chosen."""
    address.seed(key, words)
    chosen = st.selectbox(
        title, list(words), format_func=words.__getitem__, key=key, persist_state="session"
    )
    address.keep(key, chosen, next(iter(words)))
    return chosen


def _choice(title: str, options: Sequence[str], key: str) -> str | None:
    address.seed(key, options)
    chosen = st.selectbox(
        title,
        options,
        index=None,
        format_func=reveal,
        placeholder=say("filters.any"),
        key=key,
        persist_state="session",
    )
    address.keep(key, chosen)
    return chosen


def _any_set(*keys: str) -> bool:
    return any(st.session_state.get(key) is not None for key in keys)
