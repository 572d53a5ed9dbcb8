"""Agreement: how far people agree, what must be adjudicated."""

from __future__ import annotations

from streamlit_app.components import room
from streamlit_app.parts import adjudicate, agreement

room.draw("agreement", {"agreement": agreement.draw, "adjudicate": adjudicate.draw})
