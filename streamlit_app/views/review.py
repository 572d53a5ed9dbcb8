"""Review: who works through what. The desk itself is drawn and run by ``assets/desk``."""

from __future__ import annotations

import streamlit as st

from db.records import Reviewer, Run
from streamlit_app import safe_text
from streamlit_app.components import desk_frame, filters, queue_form, queue_panel, room
from streamlit_app.errors import shown_errors
from streamlit_app.server import services
from streamlit_app.server.review_service import WorklistChoice
from streamlit_app.session import sign_in
from streamlit_app.session.state import review_session
from streamlit_app.wording import say


def pick_worklist(reviewer: Reviewer) -> tuple[WorklistChoice, Run | None]:
    """Draw the choice of a queue or of filters in the sidebar."""
    queue_form.arrived()
    queue = queue_panel.pick(reviewer)
    queue_panel.draw_waiting(queue, reviewer)
    if queue is not None:
        queue_panel.draw_about(queue, reviewer)
        runs = {run.run_id: run for run in services.all_runs()}
        return queue, runs.get(queue.settings.run_id or "")
    flt, order, run = filters.pick(reviewer.reviewer_id)
    filters.draw_clear()
    source = queue_form.of_filter(flt, order, reviewer)
    queue_form.draw("review_queue", say("queue.create_heading"), source, reviewer)
    return (flt, order), run


def draw_message() -> None:
    """Draw what the last press in the sidebar did."""
    session = review_session()
    safe_text.draw_line(session.message, kind=session.message_kind)
    session.say("")


room.draw_heading("review", is_seen=False)
with shown_errors():
    current_reviewer = sign_in.current_person()
    with st.sidebar:
        current_choice, current_run = pick_worklist(current_reviewer)
        draw_message()
    run_id = None if current_run is None else current_run.run_id
    desk_frame.draw(current_reviewer, current_choice, run_id)
