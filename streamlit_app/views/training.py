"""Training: start runs and watch them, what they learn from, which model is in use."""

from __future__ import annotations

from streamlit_app.components import room
from streamlit_app.parts import lineage, models, runs, training_data
from streamlit_app.wording import words

room.draw(
    "training",
    words("training_parts"),
    {
        "runs": runs.draw,
        "data": training_data.draw,
        "models": models.draw,
        "lineage": lineage.draw,
    },
)
