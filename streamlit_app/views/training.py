"""Training: start runs and watch them, what they learn from, which model is in use."""

from __future__ import annotations

from streamlit_app.components import room
from streamlit_app.parts import lineage, models, runs, training_data

room.draw(
    "training",
    {
        "runs": runs.draw,
        "data": training_data.draw,
        "models": models.draw,
        "lineage": lineage.draw,
    },
)
