"""A quiet line: what the corrections so far have made of the model."""

from __future__ import annotations

from datetime import UTC, datetime

from db.viewer import Viewer
from streamlit_app import safe_text
from streamlit_app.logic.training.refit_summary import effect_words
from streamlit_app.markup import element
from streamlit_app.server import refit_news, services
from streamlit_app.server.worklist import Worklist
from streamlit_app.wording import say


def draw(worklist: Worklist, viewer: Viewer) -> None:
    """Draw the effect of the last refit after a correction, where there was one.

    Never for a reviewer who labels blind: who sees that corrections lower or raise the figure
    may label for it, and the figure counts the items that are hidden from them.
    """
    effect = refit_news.latest(services.database())
    if effect is not None and worklist.mode != "blind" and not viewer.is_held_back:
        words = effect_words(effect, datetime.now(UTC))
        safe_text.draw(element("div", words, cls="lc-refit", title=say("refit.help")))
