"""Where a run computes: a choice only where other launchers than the local one are set up."""

from __future__ import annotations

import streamlit as st

from streamlit_app.errors import shown_errors
from streamlit_app.wording import say, words
from training.settings.launchers import LOCAL, Kind, Launcher, list_launchers


def pick(key: str) -> Launcher:
    """Draw the choice of a launcher and give it; without ``launchers.toml`` there is none.

    Where that file cannot be used its fault is drawn, and only this machine is left.
    """
    launchers: dict[Kind, Launcher] = {}
    with shown_errors():
        launchers = list_launchers()
    if len(launchers) <= 1:
        return LOCAL
    chosen: Kind = st.selectbox(
        say("training_form.launcher"),
        list(launchers),
        format_func=words("launcher").__getitem__,
        help=say("training_form.launcher_help"),
        key=key,
    )
    return launchers[chosen]
