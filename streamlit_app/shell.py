"""The script behind every page: page settings, theme, sign-in, header, navigation; nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import streamlit as st

from db.records import Role
from streamlit_app import theme
from streamlit_app.components import connection_notice, desk_frame, header
from streamlit_app.errors import shown_errors
from streamlit_app.session import sign_in
from streamlit_app.session.rooms import ROOMS_OF, Room, heed_address
from streamlit_app.wording import say

# A file of ours: Streamlit fetches emoji and material page icons from a foreign host.
ICON = str(Path(__file__).parent / "assets" / "icon.svg")


def rooms(role: Role) -> list[st.Page]:
    """Return all rooms, those in the navigation of a role first and in its order."""
    shown = ROOMS_OF[role]
    others = (room for room in get_args(Room) if room not in shown)
    return [
        st.Page(
            f"views/{room}.py",
            title=say(f"navigation.{room}"),
            default=room == "home",
            visibility="visible" if room in shown else "hidden",
        )
        for room in (*shown, *others)
    ]


st.set_page_config(page_title=say("navigation.app"), page_icon=ICON, layout="wide")
theme.apply()
connection_notice.draw()
person = None
is_in = False
with shown_errors():
    is_in = sign_in.enter()
    person = header.draw() if is_in else None
heed_address()
page = st.navigation(
    rooms(person.role if person else "none"), position="top" if is_in else "hidden"
)
if person is not None:
    with shown_errors():
        project = header.project_name() or say("navigation.app")
        st.set_page_config(page_title=f"{page.title} · {project}")
        page.run()
elif refused := sign_in.refused_person():
    desk_frame.draw_refused(refused, "")
desk_frame.draw_page_end()
