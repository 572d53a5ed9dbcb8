"""Models: which one is in use, which may replace it, and the checks before promotion."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from db.content.runs import get_run
from db.paths import runs_dir
from db.people.permissions import is_permitted
from db.records import Reviewer
from db.retraining.model_versions import ModelVersion, find_by_alias, list_alias_events, list_models
from streamlit_app import safe_text
from streamlit_app.components import (
    blind_items,
    gate_card,
    item_table,
    operating_point,
    set_aside,
)
from streamlit_app.logic.training.models_view import event_table, version_name, version_table
from streamlit_app.markup import element
from streamlit_app.server import services
from streamlit_app.session import local_time, sign_in
from streamlit_app.session.local_time import local_text
from streamlit_app.session.press_notice import deferred_errors, draw_message
from streamlit_app.wording import say
from training.control.ingest import list_set_aside, refresh
from training.control.registry import choose_challenger, gate_of, promote, roll_back


def draw() -> None:
    """Draw this part."""
    person = sign_in.current_person()
    database = services.database()
    refresh(database, runs_dir())
    set_aside.draw("runs", list_set_aside(database))
    cur = database.cursor()
    models = list_models(cur)
    if not models:
        st.info(say("models.no_models"))
        return
    champion, challenger = find_by_alias(cur, "champion"), find_by_alias(cur, "challenger")
    draw_aliases(champion, challenger)
    draw_operating_points([model for model in (champion, challenger) if model is not None])
    draw_message()
    may = is_permitted(person, "train")
    if not may:
        st.caption(say("models.not_open"))
    if challenger is not None:
        draw_gate(challenger, person, may=may)
    if champion is not None:
        draw_roll_back(person, may=may)
    draw_versions(models, person, may=may)
    with st.expander(say("models.history")):
        st.dataframe(
            event_table(list_alias_events(cur)),
            hide_index=True,
            column_config={say("column.when"): local_time.column()},
            key="models_events",
        )


def draw_aliases(champion: ModelVersion | None, challenger: ModelVersion | None) -> None:
    """Draw the two models that matter, side by side."""
    for column, title, explanation, model, missing in zip(
        st.columns(2),
        (say("models.champion"), say("models.challenger")),
        (say("models.champion_help"), say("models.challenger_help")),
        (champion, challenger),
        (say("models.no_champion"), say("models.no_challenger")),
        strict=True,
    ):
        with column, st.container(border=True):
            st.markdown(f"**{title}**", help=explanation)
            safe_text.draw(element("div", version_name(model) if model else missing))
            if model is not None:
                safe_text.draw(
                    element(
                        "div",
                        f"{model.base_model} · {local_text(model.created_at)}",
                        cls="lc-quiet",
                    )
                )


def draw_operating_points(models: Sequence[ModelVersion]) -> None:
    """Draw how these models decide for labels."""
    cur = services.database().cursor()
    for model in models:
        heading = say("decision.of_model", model=version_name(model))
        operating_point.draw(get_run(cur, model.run_id), heading)


def draw_gate(challenger: ModelVersion, person: Reviewer, *, may: bool) -> None:
    """Draw what the gate says of the challenger, and the button that promotes it."""
    st.header(say("models.gate_heading", version=challenger.version), divider="gray", anchor=False)
    viewer = services.viewer_of(person.reviewer_id)
    blind_items.draw_left_out(viewer)
    report = gate_of(services.database(), challenger.version, viewer, asked_by=person.reviewer_id)
    gate_card.draw(report)
    reason_key = f"models_reason_{challenger.version}"
    if not report.passed:
        st.text_input(
            say("models.override_reason"),
            key=reason_key,
            disabled=not may,
            help=say("models.override_reason_help"),
        )
    st.button(
        say("models.promote", version=challenger.version),
        key="models_promote",
        type="primary" if report.passed else "secondary",
        disabled=not may,
        on_click=_promote,
        args=(challenger.version, person.reviewer_id, reason_key),
    )


def draw_roll_back(person: Reviewer, *, may: bool) -> None:
    """Draw the way to give the alias back to the model that had it before, with a reason."""
    with st.popover(say("models.roll_back"), disabled=not may):
        st.text_input(
            say("models.roll_back_reason"),
            key="models_roll_back_reason",
            help=say("models.roll_back_help"),
        )
        st.button(
            say("models.roll_back_confirm"),
            key="models_roll_back",
            on_click=_roll_back,
            args=(person.reviewer_id,),
        )


def draw_versions(models: Sequence[ModelVersion], person: Reviewer, *, may: bool) -> None:
    """Draw all versions; a selected one can become the challenger."""
    st.header(say("models.all_versions"), divider="gray", anchor=False)
    chosen = item_table.select(
        models,
        version_table(models),
        key="models_versions",
        column_config={say("column.made"): local_time.column()},
    )
    st.button(
        say("models.choose_challenger"),
        key="models_choose",
        disabled=not may or chosen is None or bool(chosen.aliases),
        on_click=_choose,
        args=(chosen.version if chosen else 0, person.reviewer_id),
    )


def _promote(version: int, reviewer_id: str, reason_key: str) -> None:
    with deferred_errors():
        promote(
            services.database(), version, reviewer_id, str(st.session_state.get(reason_key, ""))
        )


def _roll_back(reviewer_id: str) -> None:
    with deferred_errors():
        roll_back(
            services.database(), reviewer_id, st.session_state.get("models_roll_back_reason", "")
        )


def _choose(version: int, reviewer_id: str) -> None:
    with deferred_errors():
        choose_challenger(services.database(), version, reviewer_id)
