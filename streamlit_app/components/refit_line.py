"""A quiet line: what the corrections so far have made of the model."""

from __future__ import annotations

from datetime import UTC, datetime

from db.viewer import Viewer
from streamlit_app.logic.training.refit_summary import effect_words
from streamlit_app.markup import Html, element, join
from streamlit_app.server import refit_news, services
from streamlit_app.server.worklist import Worklist
from streamlit_app.wording import say


def line(worklist: Worklist, viewer: Viewer) -> Html:
    """Return the markup of the effect of the last refit after a correction; empty for none.

    Never for a reviewer who labels blind: who sees that corrections lower or raise the figure
    may label for it, and the figure counts the items that are hidden from them.
    """
    effect = refit_news.latest(services.database())
    if effect is None or worklist.mode == "blind" or viewer.is_held_back:
        return join()
    words = effect_words(effect, datetime.now(UTC))
    return element("div", words, cls="lc-refit", title=say("refit.help"))
