"""Training: start a run from the corrections, watch it, find it again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import streamlit as st

from db.outcomes.counts import summarise_runs
from db.paths import runs_dir
from db.people.permissions import is_permitted
from db.records import Run
from db.retraining.run_energy import list_run_energy
from db.retraining.training_runs import list_training_runs
from db.viewer import Viewer
from streamlit_app import palette
from streamlit_app.charts.intervals import IntervalRow, draw_intervals
from streamlit_app.components import (
    blind_items,
    card_downloads,
    chart,
    endpoint_form,
    features_line,
    item_table,
    last_change,
    operating_point,
    plan_panel,
    policy_form,
    readiness_meter,
    run_verdict,
    set_aside,
    size_curve,
    training_form,
    training_live,
)
from streamlit_app.errors import draw_error, shown_errors
from streamlit_app.logic import reports
from streamlit_app.logic.home_figures import load_last_change, load_readiness, state_of
from streamlit_app.logic.outcomes import run_outcomes as outcomes
from streamlit_app.logic.training.training_view import (
    HistoryEntry,
    Score,
    history_table,
    score_table,
    scores_of,
)
from streamlit_app.markup import reveal
from streamlit_app.server import services
from streamlit_app.session import local_time, sign_in
from streamlit_app.session.rooms import go_to
from streamlit_app.wording import say, words
from training.control.ingest import list_set_aside, refresh
from training.errors import TrainingError
from training.run.run_dir import RunDir
from training.run.status import ACTIVE_STATES, Status

BARS = {"head_accuracy": palette.HEAD, "text_accuracy": palette.TEXT}
"""The scores that are drawn, with their colours."""


def draw() -> None:
    """Draw this part."""
    person = sign_in.current_person()
    refresh(services.database(), runs_dir())
    set_aside.draw("runs", list_set_aside(services.database()))
    viewer = services.viewer_of(person.reviewer_id)
    blind_items.draw_left_out(viewer)
    history = load_history(viewer)
    runs = services.all_runs()
    shown = pick_shown(history)
    # What was just started or chosen, or goes on, is seen without scrolling.
    is_first = shown is not None and (
        training_form.SHOWN_KEY in st.session_state or shown.run.state in ACTIVE_STATES
    )
    if shown is not None and is_first:
        draw_run(shown, runs, viewer)
    with shown_errors():
        features_line.draw(person)
    database = services.database()
    readiness = load_readiness(database, state_of(database), viewer)
    readiness_meter.draw(viewer, readiness)
    plan_panel.draw(person, viewer, readiness)
    with shown_errors():
        training_form.draw(person, runs)
        training_form.draw_prediction(person)
        endpoint_form.draw(person)
        policy_form.draw(person)
    if shown is None:
        st.info(say("training.nothing"))
        return
    if not is_first:
        draw_run(shown, runs, viewer)
    size_curve.draw([score for entry in history for score in entry.scores])
    draw_history(history)


def draw_run(shown: HistoryEntry, runs: Sequence[Run], viewer: Viewer) -> None:
    """Draw one run: as it goes, or what came of it."""
    st.header(say("training.run"), divider="gray")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.text(reveal(services.run_names()[shown.run.run_id]))
        draw_links(shown, runs)
    if shown.run.state == "failed" and shown.status and shown.status.state == "succeeded":
        draw_error(shown.run.message)  # it ran to its end, but its results could not be ingested
    if shown.run.state == "succeeded":
        draw_change(shown, runs, viewer)
        run_verdict.draw(shown.run.run_id)
        draw_cards(shown.run.run_id)
    # The state in the store, as of `refresh` above: should the run have ended since then, the page
    # is drawn once more and takes its results in.
    training_live.draw(shown.run.run_id, was_active=shown.run.state in ACTIVE_STATES)
    draw_scores(shown, runs)


def draw_change(shown: HistoryEntry, runs: Sequence[Run], viewer: Viewer) -> None:
    """Draw what the run fixed and broke; never for who is held back, as on Home."""
    by_id = {run.run_id: run for run in runs}
    run, base = by_id.get(shown.run.run_id), by_id.get(shown.run.base_run_id or "")
    if run is None or base is None or viewer.is_held_back:
        return
    database = services.database()
    version = outcomes.refresh(database, run.run_id, base.run_id)
    change = load_last_change(database, version, viewer, run, base)
    if change.n:
        last_change.draw(change, "training", with_items=True)


def draw_cards(run_id: str) -> None:
    """Draw the downloads of the model card, for those who may export."""
    person = sign_in.current_person()
    if not is_permitted(person, "export"):
        return
    build = partial(
        reports.build_model_card, services.database(), run_id, reviewer_id=person.reviewer_id
    )
    card_downloads.draw("model", build)


def load_history(viewer: Viewer) -> list[HistoryEntry]:
    """Read all training runs, newest first, with their status and their scores."""
    cur = services.database().cursor()
    scores = summarise_runs(cur, viewer, "record")
    energy = {used.run_id: used for used in list_run_energy(cur)}
    return [
        HistoryEntry(
            run,
            _status(run.run_id),
            tuple(s for s in scores if s.run_id == run.run_id),
            energy.get(run.run_id),
        )
        for run in list_training_runs(cur)
    ]


def _status(run_id: str) -> Status | None:
    try:
        return RunDir(runs_dir() / run_id).read_status()
    except (TrainingError, OSError):
        return None


def pick_shown(history: Sequence[HistoryEntry]) -> HistoryEntry | None:
    """Choose what to show: the run selected or started here, else one going on, else the last."""
    if not history:
        return None
    by_id = {entry.run.run_id: entry for entry in history}
    chosen = by_id.get(st.session_state.get(training_form.SHOWN_KEY, ""))
    going_on = [entry for entry in history if entry.status and entry.status.is_active]
    return chosen or (going_on[-1] if going_on else history[0])


def draw_links(entry: HistoryEntry, runs: Sequence[Run]) -> None:
    """Draw the ways on from a run whose results are there."""
    run_id = entry.run.run_id
    if run_id not in {run.run_id for run in runs}:
        return
    if st.button(say("training.training_records"), key="training_lineage"):
        st.session_state["lineage_run"] = run_id
        st.session_state["lineage_way"] = say("lineage.from_run")
        go_to("training", "lineage")
    if st.button(say("training.errors"), key="training_errors"):
        st.session_state["errors_run"] = run_id
        go_to("quality", "errors")


def draw_scores(entry: HistoryEntry, runs: Sequence[Run]) -> None:
    """Draw the test figures of a run that has ended, with those of the run it started from."""
    by_id = {run.run_id: run for run in runs}
    run = by_id.get(entry.run.run_id)
    if run is None or not run.metrics:
        return
    scores = scores_of(run, by_id.get(run.base_run_id or ""))
    table = score_table(scores)
    rows = [row for score in scores if score.name in BARS for row in _bars(score)]
    if rows:
        chart.draw(
            draw_intervals(rows, axis=say("training.scores_axis")),
            key="training_bars",
            alt=say("training.scores_alt"),
            table=table,
        )
    st.dataframe(table, hide_index=True, key="training_scores")
    operating_point.draw(run, say("decision.heading"))


def _bars(score: Score) -> Iterator[IntervalRow]:
    """Yield a figure before and after a run, those that have an interval."""
    for when, figure in (("before", score.before), ("now", score.now)):
        if figure is None or figure.value is None or figure.interval is None:
            continue
        name = say("training.score_of", score=words("score")[score.name], labels=score.labels)
        color = palette.GREY if when == "before" else BARS[score.name]
        yield IntervalRow(
            f"{name} · {say(f'column.{when}').lower()}",
            figure.value,
            figure.interval.low,
            figure.interval.high,
            figure.n,
            color.chart,
        )


def draw_history(history: Sequence[HistoryEntry]) -> None:
    """Draw all runs; a selected one is shown above."""
    st.header(say("training.all_runs"), divider="gray")
    st.caption(say("training.select_note"))
    item_table.on_select(
        history,
        history_table(history, services.run_names()),
        _show,
        key="training_history",
        column_config={
            say("column.started"): local_time.column(),
        },
        alt=say("training.all_alt"),
    )


def _show(entry: HistoryEntry) -> None:
    st.session_state[training_form.SHOWN_KEY] = entry.run.run_id
