"""Which run, gold label and items the Errors page is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from db.outcomes.item_lists import Scope
from db.outcomes.scored_runs import refresh_annotations
from db.outcomes.selection import By, Gold, OutcomeFilter, Selection
from db.records import Run
from db.viewer import Viewer
from streamlit_app.components import choices
from streamlit_app.logic.label_sets import label_set_words
from streamlit_app.logic.outcomes.run_outcomes import (
    label_sets,
    load_scopes,
    refresh,
    sources,
    splits,
)
from streamlit_app.logic.outcomes.slice_ranking import load_saved
from streamlit_app.markup import reveal
from streamlit_app.server import services
from streamlit_app.wording import say

BY_WORDS: dict[By, str] = {"text": say("scope.text_label"), "head": say("scope.head_label")}
GOLD_WORDS: dict[Gold, str] = {
    "record": say("scope.label_record"),
    "imported": say("scope.imported_label"),
}
ALL_SPLITS = "all"
GOLD_HELP = say("scope.gold_help")


@dataclass(frozen=True)
class PickedScope:
    """What the page is about: the filter, and the state of the data that it is counted in."""

    flt: OutcomeFilter
    version: str
    source: str | None
    split: str | None
    saved_slice: str | None

    @property
    def words(self) -> str:
        """Return in words what is counted, except the run."""
        parts = [
            say("scope.counted_labels", labels=label_set_words(self.flt.label_set)),
            say("scope.counted_source", source=self.source or say("scope.all")),
            say("scope.counted_split", split=self.split or say("scope.all")),
            say("scope.scored_against", gold=GOLD_WORDS[self.flt.gold].lower()),
        ]
        if self.saved_slice:
            parts.append(say("scope.counted_slice", name=self.saved_slice))
        return "; ".join(parts)


def pick(runs: Sequence[Run], viewer: Viewer) -> PickedScope | None:
    """Draw the pickers; None where the chosen run has no predictions yet."""
    run_column, gold_column = st.columns([3, 2], vertical_alignment="bottom")
    with run_column:
        run_id = pick_run(say("scope.run"), runs, key="errors_run")
    with gold_column:
        gold = pick_gold("errors_against")
    version = refresh(services.database(), run_id)
    scopes = load_scopes(services.database(), version, run_id)
    if not scopes:
        return None
    return _pick_items(viewer, run_id, gold, scopes, version)


def in_address(scope: PickedScope) -> dict[str, str]:
    """Return what the address says of the scope.

    Streamlit leaves out what is chosen by default, and the default run is the newest: an address
    that names none opens another run later.
    """
    return {
        "errors_run": reveal(services.run_names()[scope.flt.run_id]),
        "errors_labels": label_set_words(scope.flt.label_set),
        "errors_split": _split_words(scope.split or ALL_SPLITS),
    }


def _split_words(split: str) -> str:
    return say("scope.all_splits") if split == ALL_SPLITS else split


def pick_run(title: str, runs: Sequence[Run], *, key: str, index: int = 0) -> str:
    """Draw a picker of runs and give the run's id; the choice stays in the address."""
    names = services.run_names()
    chosen: str = st.selectbox(
        title,
        [run.run_id for run in runs],
        # Streamlit warns of a default together with a value that another page has already chosen.
        index=0 if key in st.session_state else index,
        format_func=lambda run_id: reveal(names[run_id]),
        key=key,
        bind="query-params",
    )
    return chosen


def pick_by(title: str, *, key: str, default: By) -> By:
    """Draw the choice of which label of a prediction is judged."""
    return choices.pick(title, BY_WORDS, default=default, key=key, bind="query-params")


def pick_gold(key: str) -> Gold:
    """Draw the choice of what to score against."""
    return choices.pick(
        say("scope.score_against"),
        GOLD_WORDS,
        default="record",
        key=key,
        bind="query-params",
        help=GOLD_HELP,
    )


def _pick_items(
    viewer: Viewer, run_id: str, gold: Gold, scopes: Sequence[Scope], version: str
) -> PickedScope:
    saved = {one.name: one.selection for one in load_saved(services.database())}
    columns = iter(st.columns(4 if saved else 3))
    with next(columns):
        label_set: str = st.selectbox(
            say("scope.labels"),
            label_sets(scopes),
            format_func=label_set_words,
            key="errors_labels",
            bind="query-params",
        )
    with next(columns):
        source: str | None = st.selectbox(
            say("scope.source"),
            sources(scopes, label_set),
            index=None,
            placeholder=say("scope.all_sources"),
            format_func=reveal,
            key="errors_source",
            bind="query-params",
        )
    with next(columns):
        split: str = st.selectbox(
            say("scope.split"),
            [*splits(scopes, label_set), ALL_SPLITS],
            format_func=_split_words,
            key="errors_split",
            bind="query-params",
            help=say("scope.split_help"),
        )
    name: str | None = None
    if saved:
        with next(columns):
            name = st.selectbox(
                say("scope.saved_slice"),
                list(saved),
                index=None,
                placeholder=say("scope.all_items"),
                format_func=reveal,
                key="errors_saved",
                bind="query-params",
            )
    shown_split = None if split == ALL_SPLITS else split
    flt = OutcomeFilter(viewer, run_id, gold, label_set).also(
        Selection(source=source, split=shown_split)
    )
    if name is not None:
        flt = flt.also(saved[name])
        if saved[name].reviewer_label is not None:
            refresh_annotations(services.database().cursor())
    return PickedScope(flt, version, source, shown_split, name)
