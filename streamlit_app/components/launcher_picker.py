"""Where a run computes: a choice only where other launchers than the local one are set up."""

from __future__ import annotations

import streamlit as st

from streamlit_app.wording import say, words
from training.settings.launchers import LOCAL, Kind, Launcher, list_launchers


def pick(key: str) -> Launcher:
    """Draw the choice of a launcher and give it; without ``launchers.toml`` there is none.

    Raises:
        SettingsError: That file cannot be read or holds a value that is not allowed.
    """
    launchers = list_launchers()
    if len(launchers) == 1:
        return LOCAL
    chosen: Kind = st.selectbox(
        say("training_form.launcher"),
        list(launchers),
        format_func=words("launcher").__getitem__,
        help=say("training_form.launcher_help"),
        key=key,
    )
    return launchers[chosen]
