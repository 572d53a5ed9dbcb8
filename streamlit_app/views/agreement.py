"""Agreement: how far people agree, what must be adjudicated, which gold labels are doubtful."""

from __future__ import annotations

from streamlit_app.components import room
from streamlit_app.parts import adjudicate, doubtful_gold, rater_agreement
from streamlit_app.wording import words

room.draw(
    "agreement",
    words("agreement_parts"),
    {
        "agreement": rater_agreement.draw,
        "adjudicate": adjudicate.draw,
        "doubtful": doubtful_gold.draw,
    },
)
