"""Lineage: from a correction to the weights that learned it, and back from a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import streamlit as st

from db.paths import runs_dir
from db.records import TrainingRun
from db.retraining.lineage import (
    Correction,
    ItemOutcome,
    count_training_records,
    list_correction_runs,
    list_corrections,
    list_item_outcomes,
    list_training_records,
)
from db.retraining.run_energy import list_run_energy
from db.retraining.training_runs import find_training_run, list_training_runs
from db.viewer import Viewer
from streamlit_app import safe_text
from streamlit_app.charts.lineage_flow import draw_flow
from streamlit_app.components import blind_items, chart, fact_table, item_table
from streamlit_app.logic.training.lineage_view import (
    change_words,
    correction_table,
    describe_energy,
    describe_records,
    outcome_table,
    record_table,
    run_table,
)
from streamlit_app.markup import element, join, reveal
from streamlit_app.server import services
from streamlit_app.session import local_time, sign_in
from streamlit_app.session.state import open_in_review
from streamlit_app.wording import say
from training.control.ingest import refresh

FROM_CORRECTION, FROM_RUN = say("lineage.from_correction"), say("lineage.from_run")
_WAY = "lineage_way"
_ITEM = "lineage_item"
_RUN = "lineage_run"


def draw() -> None:
    """Draw this part."""
    refresh(services.database(), runs_dir())
    viewer = sign_in.current_viewer()
    blind_items.draw_left_out(viewer)
    st.segmented_control(
        say("lineage.start_from"),
        [FROM_CORRECTION, FROM_RUN],
        key=_WAY,
        default=FROM_CORRECTION,
        required=True,
    )
    if st.session_state[_WAY] == FROM_RUN:
        draw_from_run(viewer)
    else:
        draw_from_correction(viewer)


def draw_from_correction(viewer: Viewer) -> None:
    """Draw the corrections, and for the selected one where it went."""
    cur = services.database().cursor()
    item_id = st.session_state.get(_ITEM)
    corrections = list_corrections(cur, viewer, item_id=item_id)
    if item_id is not None:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.text(say("lineage.corrections", item_id=reveal(item_id)))
            st.button(say("lineage.show_all"), key="lineage_all", on_click=_show_item, args=(None,))
    if not corrections:
        st.info(say("lineage.no_corrections"))
        return
    st.caption(say("lineage.select_correction_note"))
    chosen = item_table.select(
        corrections,
        correction_table(corrections),
        key="lineage_corrections",
        column_config={say("column.when"): local_time.column()},
    )
    if chosen is None and len(corrections) == 1:
        chosen = corrections[0]
    if chosen is not None:
        draw_correction(chosen, viewer)


def draw_correction(one: Correction, viewer: Viewer) -> None:
    """Draw the records, snapshots and runs that a correction went into."""
    st.header(say("lineage.use_heading"), divider="gray", anchor=False)
    safe_text.draw(
        join(
            element("div", one.question),
            element(
                "div",
                say("lineage.by", what=change_words(one), who=one.reviewer or "–"),
                cls="lc-quiet",
            ),
        )
    )
    if st.button(say("lineage.open_item"), key="lineage_open"):
        open_in_review(one.item_id)
    cur = services.database().cursor()
    runs = list_correction_runs(cur, viewer, one.correction_id, one.item_id)
    if not runs:
        st.info(say("lineage.in_test_split" if one.split == "test" else "lineage.not_used"))
        return
    st.caption(say("lineage.select_run_note"))
    names = services.run_names()
    run = item_table.select(runs, run_table(runs, names), key="lineage_runs") or runs[0]
    records = list_training_records(services.database().cursor(), run.run_id, one.item_id)
    st.text(say("lineage.records_heading", run=reveal(names[run.run_id])))
    st.dataframe(record_table(records), hide_index=True, key="lineage_records")
    st.button(
        say("lineage.all_of_run"),
        key="lineage_to_run",
        on_click=_show_run,
        args=(run.run_id,),
    )


def draw_from_run(viewer: Viewer) -> None:
    """Draw a run: its snapshot, the corrections in it, its records, what it fixed and broke."""
    cur = services.database().cursor()
    runs = [run for run in list_training_runs(cur) if run.settings.get("task") != "predict"]
    if not runs:
        st.info(say("lineage.no_runs"))
        return
    by_id = {run.run_id: run for run in runs}
    asked = st.session_state.get(_RUN)
    retired = find_training_run(cur, asked) if asked and asked not in by_id else None
    if retired is not None:
        by_id[retired.run_id] = retired  # of a correction's runs: out of the list, not forgotten
    elif asked not in by_id:
        st.session_state[_RUN] = runs[0].run_id
    names = services.run_names()
    chosen: str = st.selectbox(
        say("lineage.run"), list(by_id), format_func=lambda one: reveal(names[one]), key=_RUN
    )
    run = by_id[chosen]
    corrections = list_corrections(cur, viewer, run_id=run.run_id)
    draw_run_facts(run, len(corrections), names)
    outcomes = list_item_outcomes(cur, viewer, run.run_id)
    draw_flow_of(names[chosen], corrections, outcomes)
    st.header(say("lineage.changed_items"), divider="gray", anchor=False)
    draw_outcomes(run, outcomes)
    st.header(
        say("lineage.snapshot_corrections"),
        divider="gray",
        anchor=False,
        help=say("lineage.snapshot_help"),
    )
    if not corrections:
        st.caption(say("lineage.none"))
        return
    item_table.on_select(
        corrections,
        correction_table(corrections),
        _pick,
        key="lineage_run_corrections",
        column_config={say("column.when"): local_time.column()},
    )


def draw_flow_of(
    run_name: str, corrections: Sequence[Correction], outcomes: Sequence[ItemOutcome]
) -> None:
    """Draw from which corrections to which changed items a run leads."""
    if not corrections and not outcomes:
        return
    sources = Counter(say(f"lineage.kind_{one.kind}") for one in corrections)
    counts = Counter(one.outcome for one in outcomes)
    ends = {name: (say(f"lineage.num_{name}"), counts[name]) for name in ("fixed", "broken")}
    steps = [*sources.items(), *ends.values()]
    chart.draw(
        draw_flow(sources, run_name, ends),
        key="lineage_flow",
        alt=say("lineage.flow_alt"),
        table={"step": [name for name, _ in steps], "items": [count for _, count in steps]},
    )


def draw_run_facts(run: TrainingRun, num_corrections: int, names: Mapping[str, str]) -> None:
    """Draw what a run read, learned and used, in a few lines."""
    base, source = run.base_run_id, _adapter_source(run)
    cur = services.database().cursor()
    energy = {used.run_id: used for used in list_run_energy(cur)}
    facts = {
        say("lineage.snapshot"): str(run.settings.get("snapshot_id", "–")),
        say("lineage.num_corrections"): f"{num_corrections:,}",
        say("lineage.records"): describe_records(count_training_records(cur, run.run_id)),
        say("lineage.started_from"): names[base] if base else say("lineage.no_other_run"),
        say("lineage.adapter_of"): names[source] if source else say("lineage.no_other_run"),
        say("lineage.energy"): describe_energy(energy.get(run.run_id)),
    }
    fact_table.draw(facts)


def _adapter_source(run: TrainingRun) -> str | None:
    """Return the run whose adapter a run started from, which settings of all tasks name alike."""
    source = (run.settings.get("settings") or {}).get("artifact_run_id")
    return None if source is None else str(source)


def draw_outcomes(run: TrainingRun, outcomes: Sequence[ItemOutcome]) -> None:
    """Draw fixed and broken items; a selected one leads to its corrections."""
    if run.base_run_id is None:
        st.caption(say("lineage.no_starting_run"))
        return
    num_fixed = sum(one.outcome == "fixed" for one in outcomes)
    st.caption(
        say(
            "lineage.changed_items_summary",
            num_fixed=num_fixed,
            num_broken=len(outcomes) - num_fixed,
        )
    )
    if outcomes:
        item_table.on_select(outcomes, outcome_table(outcomes), _pick, key="lineage_outcomes")


def _pick(row: Correction | ItemOutcome) -> None:
    _show_item(row.item_id)
    st.session_state[_WAY] = FROM_CORRECTION


def _show_item(item_id: str | None) -> None:
    st.session_state[_ITEM] = item_id


def _show_run(run_id: str) -> None:
    st.session_state[_RUN] = run_id
    st.session_state[_WAY] = FROM_RUN
