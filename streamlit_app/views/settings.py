"""Settings: files in and out, label sets, guidelines, people, programs, the project."""

from __future__ import annotations

from streamlit_app.components import room
from streamlit_app.parts import data, guidelines, label_sets, people, programs, project

room.draw(
    "settings",
    {
        "data": data.draw,
        "label_sets": label_sets.draw,
        "guidelines": guidelines.draw,
        "people": people.draw,
        "programs": programs.draw,
        "project": project.draw,
    },
)
