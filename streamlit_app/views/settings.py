"""Settings: files in and out, label sets, guidelines, people, programs, the project."""

from __future__ import annotations

from streamlit_app.components import room
from streamlit_app.parts import (
    data,
    guideline_editor,
    label_set_editor,
    people,
    program_tokens,
    project,
)
from streamlit_app.wording import words

room.draw(
    "settings",
    words("settings_parts"),
    {
        "data": data.draw,
        "label_sets": label_set_editor.draw,
        "guidelines": guideline_editor.draw,
        "people": people.draw,
        "programs": program_tokens.draw,
        "project": project.draw,
    },
)
