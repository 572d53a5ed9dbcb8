"""Quality: where a run is wrong, and whether another one is better."""

from __future__ import annotations

from streamlit_app.components import room
from streamlit_app.parts import compare, errors

room.draw("quality", {"errors": errors.draw, "compare": compare.draw})
