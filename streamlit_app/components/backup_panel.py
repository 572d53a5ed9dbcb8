"""Backups, and whether the disk has room, for admins."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from db.paths import home_dir
from db.people.permissions import is_permitted
from db.records import Reviewer
from streamlit_app import safe_text
from streamlit_app.server import backups, health, services
from streamlit_app.server.backups import BackupState
from streamlit_app.session import sign_in
from streamlit_app.session.local_time import local_text
from streamlit_app.session.press_notice import deferred_errors, draw_message, keep
from streamlit_app.wording import say

_NOTICE = "backups_notice"


def draw(person: Reviewer) -> None:
    """Draw when the last backup was made and the next one is due; other roles see nothing."""
    if not is_permitted(person, "manage_people"):
        return
    st.subheader(say("backups.heading"), anchor=False, divider="gray")
    has_message = draw_message(_NOTICE)
    state = backups.read_state()
    if state.failure and not has_message:
        safe_text.draw_notice(say("backups.failed", error=state.failure), kind="error")
    if health.is_disk_low():
        safe_text.draw_notice(say("backups.disk_low"), kind="warning")
    safe_text.draw_text("\n".join(_lines(state)), "backups_text")
    st.button(say("backups.make"), key="backups_make", on_click=_make)


def _lines(state: BackupState) -> list[str]:
    every = state.policy.every
    schedule = (
        say("backups.off")
        if every is None
        else say("backups.schedule", hours=every.total_seconds() / 3600)
    )
    if not state.backups:
        return [say("backups.none", folder=_name(state.policy.folder)), schedule]
    newest = state.backups[0]
    return [
        say(
            "backups.newest",
            when=local_text(newest.made_at),
            size=newest.num_bytes / 2**20,
        ),
        say("backups.kept", count=len(state.backups), folder=_name(state.policy.folder)),
        schedule,
    ]


def _name(folder: Path) -> str:
    """Return a folder as seen from the product's own."""
    home = home_dir()
    return str(folder.relative_to(home) if folder.is_relative_to(home) else folder)


def _make() -> None:
    with deferred_errors(_NOTICE):
        services.check_permission(sign_in.current_person(), "manage_people")
        keep(say("backups.made", file=backups.back_up().path.name), _NOTICE)
