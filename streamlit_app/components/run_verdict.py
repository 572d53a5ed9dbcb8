"""What a run is worth, first thing after it: head against text, and against words alone."""

from __future__ import annotations

import streamlit as st
from cachetools import LRUCache

from db.paths import runs_dir
from eci.statistics.compare import Comparison
from streamlit_app.components import estimate_card
from streamlit_app.errors import OUR_ERRORS
from streamlit_app.logic.figures import (
    head_verdict,
    p_value_text,
    percent,
    points,
    points_interval,
)
from streamlit_app.logic.label_sets import label_set_words
from streamlit_app.session import sign_in
from streamlit_app.wording import say
from training.evaluation.verdict import Verdict, judge_run
from training.run.run_dir import RunDir

_judged: LRUCache[str, tuple[Verdict, ...]] = LRUCache(64)
"""Of runs by their ids: what a run gave never changes."""
_WAIT_SECONDS = 0.5


def draw(run_id: str) -> None:
    """Draw the verdict on a run that succeeded, a moment later where it is not known yet.

    To fit words takes a second: the figures of the run are not kept waiting for it.
    """
    if run_id in _judged:
        for verdict in _judged[run_id]:
            draw_verdict(verdict)
        return
    sign_in.fragment(run_every=_WAIT_SECONDS)(_judge_later)(run_id)


def draw_verdict(verdict: Verdict) -> None:
    """Draw one label set's cards and sentences."""
    st.markdown(f"**{say('run_verdict.heading', label_set=label_set_words(verdict.label_set))}**")
    with st.container(horizontal=True):
        if verdict.head_against_text is not None:
            _draw_cards(say("outcome_panel.head_minus_text"), verdict.head_against_text)
        if verdict.against_words is not None:
            by = "head" if verdict.is_head else "text"
            _draw_cards(say(f"run_verdict.{by}_minus_words"), verdict.against_words)
    if verdict.head_against_text is not None:
        st.markdown(head_verdict(verdict.head_against_text))
    if verdict.beats_words is not None and verdict.against_words is not None:
        _draw_words(verdict, verdict.against_words)


def _draw_cards(name: str, found: Comparison) -> None:
    explanation = say(
        "outcome_panel.difference_help",
        n=found.n,
        points=points(found.macro_f1_difference.value),
        points_interval=points_interval(found.macro_f1_difference),
    )
    difference = found.accuracy_difference
    shown = points_interval(difference)
    estimate_card.draw_text(name, points(difference.value), shown, explanation=explanation)
    estimate_card.draw_text(
        say("run_verdict.fixed_and_broken"),
        f"{found.fixed:,} / {found.broken:,}",
        "" if found.p_value is None else p_value_text(found.p_value),
        explanation=say("outcome_panel.mcnemar_help"),
    )


def _draw_words(verdict: Verdict, found: Comparison) -> None:
    assert verdict.beats_words is not None  # noqa: S101 - narrows types
    sentence = say(
        f"run_verdict.{verdict.beats_words}",
        words=percent(found.accuracy_a.value),
        model=percent(found.accuracy_b.value),
        points=points(found.macro_f1_difference.value),
        interval=points_interval(found.macro_f1_difference),
        n=found.n,
    )
    if verdict.beats_words == "worse":
        st.warning(sentence, icon=":material/warning:")
    else:
        st.markdown(sentence)


def _judge_later(run_id: str) -> None:
    """Draw that it will be there, and compute it when this is drawn again."""
    key = f"verdict_{run_id}"
    if key not in st.session_state:
        st.session_state[key] = True
        st.caption(say("run_verdict.computing"))
        return
    try:
        _judged[run_id] = judge_run(RunDir(runs_dir() / run_id))
    except OUR_ERRORS:  # of a run whose files are gone the stored figures are all there is
        _judged[run_id] = ()
    st.rerun(scope="app")
