"""Errors: what one run gets wrong, in its text and in its head, and the items behind each count."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Literal

import streamlit as st

from db.content.label_sets import kind_of
from db.outcomes.slices import list_slice_faults
from db.records import Run
from streamlit_app.components import (
    acceptance_panel,
    blind_items,
    choices,
    confidence_panel,
    confusion_panel,
    gold_panel,
    outcome_items,
    outcome_panel,
    scope_picker,
    selection_actions,
    set_aside,
    set_panel,
    slices_panel,
    text_trust_panel,
    verbosity_panel,
)
from streamlit_app.components.scope_picker import PickedScope
from streamlit_app.logic.outcomes.confidence import load_trust
from streamlit_app.logic.outcomes.gold_doubts import load_both_golds, load_people
from streamlit_app.logic.outcomes.run_outcomes import (
    ErrorsView,
    load_drawn,
    load_drawn_help,
    load_errors,
)
from streamlit_app.logic.outcomes.set_outcomes import load_set_calibration, load_sets
from streamlit_app.logic.outcomes.slice_ranking import load_saved, load_slices
from streamlit_app.logic.outcomes.suspects import learned_sentence, load_sources
from streamlit_app.logic.outcomes.text_trust import load_text_trust
from streamlit_app.logic.outcomes.verbosity import load_all_forms
from streamlit_app.report.errors_report import build_report
from streamlit_app.server import services
from streamlit_app.session import sign_in
from streamlit_app.session.rooms import go_to
from streamlit_app.wording import say

Section = Literal["help", "confusion", "confidence", "slices", "gold", "verbosity", "acceptance"]
SECTION_WORDS: dict[Section, str] = {
    "help": say("errors.head_effect"),
    "confusion": say("errors.confusion"),
    "confidence": say("errors.confidence"),
    "slices": say("errors.slices"),
    "gold": say("errors.gold_labels"),
    "verbosity": say("errors.verbosity"),
    "acceptance": say("errors.acceptance"),
}


SECTIONS_OF_SETS: tuple[Section, ...] = ("help", "confidence", "slices", "verbosity")
"""Of items with several right labels: the others count one label an item."""


def draw() -> None:
    """Draw this part."""
    runs = services.all_runs()
    if not runs:
        st.info(say("errors.no_runs"))
        return
    viewer = sign_in.current_viewer()
    blind_items.draw_left_out(viewer)
    scope = scope_picker.pick(runs, viewer)
    if scope is None:
        st.info(say("errors.no_predictions"))
        return
    view = load_errors(services.database(), scope.version, scope.flt)
    if view.text is None and view.head is None:
        st.info(say("errors.no_scored_items"))
        return
    _warn_of_learned(view, scope)
    outcome_items.restore()
    kind = kind_of(services.database().cursor(), scope.flt.label_set)
    sections = SECTION_WORDS if kind != "several" else SECTIONS_OF_SETS
    section = choices.pick(
        say("errors.section"),
        {one: SECTION_WORDS[one] for one in sections},
        key="errors_section",
        bind="query-params",
        label_visibility="collapsed",
    )
    if kind == "several" and section not in ("slices", "verbosity"):
        draw_sets(view, scope, section)
    else:
        DRAWERS[section](view, scope, runs)
    if kind == "ordinal" and section in ("help", "confusion"):
        set_panel.draw_order(view.judged)
    st.header(say("errors.items"), divider="gray")
    narrowed, total = outcome_items.draw(view, scope.flt)
    report = partial(build_report, services.database(), view, scope, narrowed, _named(runs))
    selection_actions.draw(scope, narrowed, total, report)


def _named(runs: Sequence[Run]) -> dict[str, str]:
    names = services.run_names()
    return {run.run_id: names[run.run_id] for run in runs}


def _warn_of_learned(view: ErrorsView, scope: PickedScope) -> None:
    """Warn where figures are too good: the run has seen the labels that it is scored against."""
    sources = load_sources(services.database(), scope.version, scope.flt)
    if sources.num_learned:
        st.warning(learned_sentence(sources, view.num_items), icon=":material/school:")


def draw_sets(view: ErrorsView, scope: PickedScope, section: Section) -> None:
    """Draw the figures or the calibration of items with several right labels."""
    database = services.database()
    if section == "confidence":
        set_panel.draw_calibration(load_set_calibration(database, scope.version, scope.flt))
        return
    outcome_panel.draw_figures(view, load_drawn(database, scope.version, scope.flt), None)
    set_panel.draw(load_sets(database, scope.version, scope.flt))


def draw_help(view: ErrorsView, scope: PickedScope, runs: Sequence[Run]) -> None:  # noqa: ARG001
    """Draw text by head by gold."""
    database = services.database()
    outcome_panel.draw(
        view,
        load_drawn(database, scope.version, scope.flt),
        load_drawn_help(database, scope.version, scope.flt),
    )


def draw_confusion(view: ErrorsView, scope: PickedScope, runs: Sequence[Run]) -> None:  # noqa: ARG001
    """Draw the confusion matrices of text, head and reviewers."""
    people = load_people(services.database(), scope.version, scope.flt, view.labels)
    reviewers = next((one for one in people if one.origin == "review"), None)
    confusion_panel.draw(view, reviewers)


def draw_confidence(view: ErrorsView, scope: PickedScope, runs: Sequence[Run]) -> None:  # noqa: ARG001
    """Draw the calibration of the head and the threshold for automatic answers."""
    if view.head is None:
        text_trust_panel.draw(load_text_trust(services.database(), scope.version, scope.flt))
        return
    confidence_panel.draw(load_trust(services.database(), scope.version, scope.flt, view.labels))


def draw_slices(view: ErrorsView, scope: PickedScope, runs: Sequence[Run]) -> None:  # noqa: ARG001
    """Draw the slices, the worst first."""
    by = slices_panel.pick_by(view)
    database = services.database()
    set_aside.draw("choices", list_slice_faults(database.cursor()))
    slices_panel.draw(load_slices(database, scope.version, scope.flt, by, load_saved(database)))


def draw_gold(view: ErrorsView, scope: PickedScope, runs: Sequence[Run]) -> None:  # noqa: ARG001
    """Draw figures against both kinds of gold label, and the way to those in doubt."""
    database = services.database()
    gold_panel.draw(
        load_both_golds(database, scope.version, scope.flt),
        load_people(database, scope.version, scope.flt, view.labels),
    )
    if st.button(say("errors.doubtful_gold"), key="errors_doubtful", icon=":material/flag:"):
        go_to("agreement", "doubtful")


def draw_verbosity(view: ErrorsView, scope: PickedScope, runs: Sequence[Run]) -> None:  # noqa: ARG001
    """Draw how the answers of every run carry their label."""
    run_ids = tuple(run.run_id for run in runs)
    forms = load_all_forms(services.database(), scope.flt, run_ids, scope.source, scope.split)
    verbosity_panel.draw(forms, services.run_names())


def draw_acceptance(view: ErrorsView, scope: PickedScope, runs: Sequence[Run]) -> None:  # noqa: ARG001
    """Draw which answers may be accepted without review."""
    acceptance_panel.draw(scope)


DRAWERS: Mapping[Section, Callable[[ErrorsView, PickedScope, Sequence[Run]], None]] = {
    "help": draw_help,
    "confusion": draw_confusion,
    "confidence": draw_confidence,
    "slices": draw_slices,
    "gold": draw_gold,
    "verbosity": draw_verbosity,
    "acceptance": draw_acceptance,
}
