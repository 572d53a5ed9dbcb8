"""Guidelines as a room of its own, for those whose work they are about."""

from __future__ import annotations

from streamlit_app.components import room
from streamlit_app.parts import guideline_editor

room.draw_heading("guidelines")
guideline_editor.draw()
