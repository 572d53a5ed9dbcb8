"""One training run as it goes: progress, curves, log, and what can be done with it."""

from __future__ import annotations

import streamlit as st

from db.paths import runs_dir
from streamlit_app import safe_text
from streamlit_app.charts.progress import Curve, draw_curves
from streamlit_app.components import chart
from streamlit_app.logic.training.training_view import (
    STATE_WORDS,
    Progress,
    describe_bytes,
    run_seconds,
    summarise_progress,
)
from streamlit_app.markup import reveal
from streamlit_app.server import services
from streamlit_app.session import sign_in
from streamlit_app.session.press_notice import deferred_errors, draw_message
from streamlit_app.wording import say
from training.control.launch import cancel, launch, reap
from training.control.run_duration import describe_duration
from training.run.energy import read_energy
from training.run.execution import FINISHED
from training.run.run_dir import RunDir
from training.run.status import Status

REFRESH_SECONDS = 1.0
_KINDS: dict[str, safe_text.NoticeKind] = {"failed": "error", "interrupted": "warning"}
"""States whose message says what happened and what to do."""
RESUMABLE = ("interrupted", "cancelled", "failed")


def draw(run_id: str, *, was_active: bool) -> None:
    """Draw a run; while it is going on, this part of the page alone is drawn again each second.

    Args:
        was_active: Whether the rest of the page was drawn for a run that is going on.
    """
    run_dir = RunDir(runs_dir() / run_id)
    interval = REFRESH_SECONDS if was_active else None
    sign_in.fragment(run_every=interval)(_draw)(run_dir, was_active)


def _draw(run_dir: RunDir, was_active: bool) -> None:
    status = reap(run_dir)
    if was_active != status.is_active:
        # The whole page: results are ingested, and refreshing ends or begins.
        st.rerun(scope="app")
    draw_message()
    progress = summarise_progress(run_dir.read_events()[0])
    _draw_state(status, progress)
    _draw_actions(run_dir, status)
    if progress.prompt_tokens is not None:
        _draw_usage(status, progress)
    elif progress.steps:
        _draw_figures(run_dir, status, progress)
        if any(value is not None for value in (progress.curves or {}).get("loss", ())):
            _draw_charts(progress)
    _draw_log(run_dir)


def _draw_state(status: Status, progress: Progress) -> None:
    share = 1.0 if status.state == "succeeded" else progress.share
    facts = [STATE_WORDS[status.state]]
    if progress.num_steps:
        facts.append(say("training_live.step", step=progress.step, num_steps=progress.num_steps))
    if run_seconds(status) is not None:
        facts.append(describe_duration(run_seconds(status)))
    st.progress(share, text=", ".join(facts))
    if status.state in _KINDS:
        safe_text.draw_notice(status.message, kind=_KINDS[status.state])
    elif status.state == "succeeded" and status.message != FINISHED:
        safe_text.draw_notice(status.message, kind="warning")
    elif status.is_active:
        safe_text.draw_line(status.message)


def _draw_actions(run_dir: RunDir, status: Status) -> None:
    may = sign_in.may("train")
    if status.is_active:
        asked = run_dir.is_cancel_requested()
        st.button(
            say("training_live.cancelling") if asked else say("training_live.cancel"),
            key="training_cancel",
            disabled=asked or not may,
            on_click=_cancel,
            args=(run_dir.run_id,),
        )
    elif status.state in RESUMABLE:
        st.button(
            say("training_live.resume"),
            key="training_resume",
            disabled=not may,
            on_click=_resume,
            args=(run_dir.run_id,),
            help=say("training_live.resume_help"),
        )


def _draw_figures(run_dir: RunDir, status: Status, progress: Progress) -> None:
    latest = {name: values[-1] for name, values in (progress.curves or {}).items() if values}
    figures = [
        (say("training_live.joint_loss"), _short(latest.get("loss"))),
        (say("training_live.text_loss"), _short(latest.get("lm_loss"))),
        (say("training_live.head_loss"), _short(latest.get("eci_loss"))),
        (say("training_live.learning_rate"), _short(progress.learning_rate)),
        (say("training_live.speed"), _whole(progress.tokens_per_second)),
        (say("training_live.memory"), describe_bytes(progress.rss_bytes)),
    ]
    energy = read_energy(run_dir)
    if energy is not None:
        # Watt-hours: kilowatt-hours of a run of minutes are all zeros.
        kind = "_value_estimated" if energy.is_estimated else "_value"
        watt_hours, grams = 1000 * energy.energy_kwh, 1000 * energy.emissions_kg
        for name, amount in (("energy", watt_hours), ("carbon", grams)):
            value = say(f"training_live.{name}{kind}", value=amount)
            figures.append((say(f"training_live.{name}"), value))
    if status.is_active and progress.share < 1:
        figures.append((say("training_live.time_left"), describe_duration(progress.seconds_left)))
    with st.container(horizontal=True, gap="large"):
        for label, value in figures:
            st.metric(label, value, width="content")


def _draw_usage(status: Status, progress: Progress) -> None:
    """Draw what a run that asks an endpoint has used."""
    figures = [
        (say("training_live.prompt_tokens"), _whole(progress.prompt_tokens)),
        (say("training_live.answer_tokens"), _whole(progress.completion_tokens)),
    ]
    if progress.cost is not None:
        amount = say("training_live.cost_value", cost=progress.cost, currency=progress.currency)
        figures.append((say("training_live.cost"), amount))
    if status.is_active and progress.share < 1:
        figures.append((say("training_live.time_left"), describe_duration(progress.seconds_left)))
    with st.container(horizontal=True, gap="large"):
        for label, value in figures:
            st.metric(label, value, width="content")


def _draw_charts(progress: Progress) -> None:
    curves = progress.curves or {}
    names = {
        "loss": say("training_live.joint_loss_series"),
        "lm_loss": say("training_live.text_series"),
        "eci_loss": say("training_live.head_series"),
    }
    losses, rate = st.columns([3, 2])
    with losses:
        chart.draw(
            draw_curves(
                [Curve(words, progress.steps, curves[name]) for name, words in names.items()],
                num_steps=progress.num_steps or None,
                unit=say("training_live.loss_axis"),
            ),
            key="training_losses",
            alt=say("training_live.losses_alt"),
            table={"step": progress.steps, **{name: curves[name] for name in names}},
        )
    with rate:
        chart.draw(
            draw_curves(
                [
                    Curve(
                        say("training_live.learning_rate_series"),
                        progress.steps,
                        curves["learning_rate"],
                    )
                ],
                num_steps=progress.num_steps or None,
                unit=say("training_live.learning_rate"),
            ),
            key="training_rate",
            alt=say("training_live.learning_rate_alt"),
            table={"step": progress.steps, "learning_rate": curves["learning_rate"]},
        )


def _draw_log(run_dir: RunDir) -> None:
    log = run_dir.tail_log()
    with st.expander(say("training_live.log"), expanded=False):
        if not log.strip():
            st.caption(say("training_live.no_log"))
            return
        with st.container(height=280, key="training_log"):
            # Plain text without highlighting: a log may quote what a model or a file says.
            st.code(reveal(log), language=None, wrap_lines=True)


def _short(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"


def _whole(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"


def _cancel(run_id: str) -> None:
    with deferred_errors():
        services.check_permission(sign_in.current_person(), "train")
        cancel(RunDir(runs_dir() / run_id))


def _resume(run_id: str) -> None:
    with deferred_errors():
        services.check_permission(sign_in.current_person(), "train")
        launch(RunDir(runs_dir() / run_id))
