"""Quality: where a run is wrong, and whether another one is better."""

from __future__ import annotations

from streamlit_app.components import room
from streamlit_app.parts import compare, error_analysis
from streamlit_app.wording import words

room.draw(
    "quality",
    words("quality_parts"),
    {"errors": error_analysis.draw, "compare": compare.draw},
)
