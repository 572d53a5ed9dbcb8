"""What the desk shows where nothing further is open."""

from __future__ import annotations

from streamlit_app.markup import Html
from streamlit_app.safe_text import notice
from streamlit_app.server import review_service, services
from streamlit_app.server.tokens import Sitting
from streamlit_app.server.worklist import Worklist
from streamlit_app.wording import say


def make_end(at: Sitting, worklist: Worklist, num_at_hand: int = 0) -> Html:
    """Return the markup of why nothing further is open.

    Args:
        num_at_hand: Items that the browser holds, to be labelled or waiting to be sent.
    """
    if not worklist.total:
        return notice(say("filters.nothing" if services.all_sources() else "filters.no_items"))
    is_unfinished = worklist.num_done + num_at_hand < worklist.total
    if is_unfinished and review_service.waiting_in_queues(at.reviewer_id):
        return notice(say("review.only_blind_left"))
    if is_unfinished and at.queue_id is not None:
        held = review_service.count_others_of(at.queue_id, at.reviewer_id)
        return notice(say("review.none_open", held=held))
    return notice(say("review.all_done"), kind="success")
