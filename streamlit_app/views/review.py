"""Review: one item at a time; label, correct, save, next."""

from __future__ import annotations

import uuid

import streamlit as st

from db.errors import DbError, ItemNotFoundError
from db.records import Reviewer, Run
from db.review import Order, ReviewFilter
from streamlit_app import services
from streamlit_app.components import (
    answer_card,
    filters,
    history,
    item_card,
    keyboard,
    label_picker,
    progress_line,
    reference_card,
    reviewer_picker,
    safe_text,
    verdict_card,
)
from streamlit_app.errors import draw_error, shown_errors
from streamlit_app.logic.correction import corrected_answer
from streamlit_app.logic.label_keys import label_keys
from streamlit_app.services import ReviewedItem
from streamlit_app.state import ITEM_PARAM, Draw, review_session

session = review_session()


def save(draw: Draw, shown: ReviewedItem, reviewer_id: str, run_id: str | None) -> None:
    """Store the label picked for an item and show the next one.

    Args:
        draw: The showing of the item that the pressed button belongs to.
        shown: What was on screen with it.
        reviewer_id: Who pressed.
        run_id: The run whose answer was on screen.
    """
    item_id = draw.item_id
    if not session.is_on_screen(item_id):
        session.say("That press belonged to the item before; nothing was saved.", "warning")
        return
    label = st.session_state.get(label_picker.label_key(item_id))
    if label is None:
        session.say("Pick a label first, then save.", "warning")
        return
    prediction = shown.prediction
    written = st.session_state.get(_answer_key(item_id))
    try:
        stored = services.save_annotation(
            annotation_id=draw.annotation_id,
            item_id=item_id,
            reviewer_id=reviewer_id,
            label=label,
            run_id=run_id if prediction else None,
            answer=corrected_answer(written, prediction.answer if prediction else None),
            note=(st.session_state.get(_note_key(item_id)) or "").strip(),
            duration_seconds=draw.seconds,
        )
    except DbError as error:
        session.say(str(error), "error")
        return
    session.queue.mark_reviewed(item_id)
    session.saved.append(item_id)
    session.say(f"Saved {stored.label} for {item_id}.", "success")
    session.show(session.queue.next_open(item_id))


def skip(item_id: str) -> None:
    """Put an item off and show the next one."""
    if session.is_on_screen(item_id):
        session.queue.skip(item_id)
        following = session.queue.next_open(item_id)
        session.say("Skipped; it comes back at the end." if following != item_id else "")
        session.show(following)


def move(item_id: str, step: int) -> None:
    """Show the item before or after, labelled or not."""
    if not session.is_on_screen(item_id):
        return
    neighbour = session.queue.neighbour(item_id, step)
    if neighbour is None:
        session.say("This is the last item." if step > 0 else "This is the first item.")
    else:
        session.say("")
        session.show(neighbour)


def undo(reviewer_id: str, item_id: str | None) -> None:
    """Take the last label of this session back, else the one on screen, and show its item."""
    target = session.saved.pop() if session.saved else item_id
    if target is None:
        return
    try:
        services.undo_annotation(
            annotation_id=str(uuid.uuid4()), item_id=target, reviewer_id=reviewer_id
        )
    except DbError as error:
        session.say(str(error), "error")
        return
    standing = services.load_item(target, None, reviewer_id).mine
    if standing is None:
        session.queue.mark_open(target)
    session.say(f"Took back your label for {target}.", "success")
    session.show(target)


def show_first() -> None:
    """Go to the first item of the queue, labelled or not."""
    session.show(session.queue.item_ids[0])


def _answer_key(item_id: str) -> str:
    return f"review_answer_{item_id}"


def _note_key(item_id: str) -> str:
    return f"review_note_{item_id}"


def prepare(flt: ReviewFilter, order: Order) -> None:
    """Bring queue and item in step with the filters and the address."""
    if session.queue_key is not None and session.queue_key[0].reviewer_id != flt.reviewer_id:
        session.saved.clear()  # undo is for one's own labels
    if session.queue_key != (flt, order):
        session.queue = services.load_queue(flt, order)
        session.queue_key = (flt, order)
        if session.draw is None or session.draw.item_id not in session.queue:
            session.show(session.queue.next_open())
    asked = st.query_params.get(ITEM_PARAM)
    if asked is not None and asked != session.item_param:
        session.item_param = asked
        if not session.is_on_screen(asked):
            session.show(asked)


def set_address(item_id: str | None) -> None:
    """Name the item on screen in the address, so that a reload comes back to it."""
    if item_id is None:
        st.query_params.pop(ITEM_PARAM, None)
    elif st.query_params.get(ITEM_PARAM) != item_id:
        st.query_params[ITEM_PARAM] = item_id
    session.item_param = item_id


@st.fragment
def draw_body(reviewer: Reviewer, run: Run | None) -> None:
    """Draw the item on screen; a press of its buttons reruns this part alone."""
    session.num_draws += 1
    run_id = run.run_id if run else None
    draw = session.draw
    if draw is not None:
        try:
            shown = services.load_item(draw.item_id, run_id, reviewer.reviewer_id)
        except ItemNotFoundError as error:
            draw_error(str(error))
            st.button("Go to the queue", key="review_to_queue", on_click=to_queue)
            return
        set_address(draw.item_id)
        draw_item(draw, shown, reviewer, run)
    else:
        set_address(None)
        draw_end(reviewer)


def to_queue() -> None:
    """Leave an item that does not exist."""
    session.show(session.queue.next_open())


def draw_item(draw: Draw, shown: ReviewedItem, reviewer: Reviewer, run: Run | None) -> None:
    """Draw an item to the left, what is said of it and what to say of it to the right."""
    left, right = st.columns([1.7, 1], gap="large")
    with left, st.container(key="review_left"):
        item_card.draw(shown.item)
        if shown.prediction is not None:
            answer_card.draw(shown.prediction, run.model if run else "")
        reference_card.draw(shown.item)
        st.subheader("History", anchor=False)
        history.draw(shown.history, shown.reviewer_names)
    with right, st.container(key="review_right"):
        progress_line.draw(session.queue, draw.item_id)
        verdict_card.draw(shown.item, shown.prediction, shown.gold)
        draw_form(draw, shown, reviewer, run)


def draw_form(draw: Draw, shown: ReviewedItem, reviewer: Reviewer, run: Run | None) -> None:
    """Draw what the reviewer fills in. The marker comes last: see ``keyboard.draw_marker``."""
    item_id = draw.item_id
    mine = shown.mine
    draw_message()
    label_picker.draw(item_id, shown.item.labels, mine.label if mine else None)
    st.button(
        "Save & next",
        type="primary",
        width="stretch",
        key=f"review_save_{item_id}",
        on_click=save,
        args=(draw, shown, reviewer.reviewer_id, run.run_id if run else None),
    )
    with st.container(horizontal=True, key="review_moves"):
        draw_moves(item_id, reviewer, can_undo=bool(session.saved or mine))
    st.text_area(
        "Note",
        value=mine.note if mine else "",
        key=_note_key(item_id),
        height=72,
        on_change="ignore",
    )
    if shown.prediction is not None and shown.prediction.answer is not None:
        draw_answer_field(item_id, shown.prediction.answer, mine.answer if mine else None)
    keys = label_keys(shown.item.labels)
    keyboard.draw_help(shown.item.labels, keys)
    keyboard.draw_marker(item_id, session.num_draws, keys)


def draw_message() -> None:
    """Draw the line that says what the last press did; its place is kept when it is empty."""
    with st.container(key="review_message"):
        safe_text.draw_line(session.message, kind=session.message_kind)
    session.say("")


def draw_moves(item_id: str, reviewer: Reviewer, *, can_undo: bool) -> None:
    """Draw the buttons that move through the queue."""
    st.button("←", key=f"review_back_{item_id}", on_click=move, args=(item_id, -1))
    st.button("→", key=f"review_on_{item_id}", on_click=move, args=(item_id, 1))
    st.button("Skip", key=f"review_skip_{item_id}", on_click=skip, args=(item_id,))
    st.button(
        "Undo",
        key=f"review_undo_{item_id}",
        on_click=undo,
        args=(reviewer.reviewer_id, item_id),
        disabled=not can_undo,
    )


def draw_answer_field(item_id: str, answer: str, corrected: str | None) -> None:
    """Draw the answer for correction; left as it is, no corrected answer is stored."""
    is_short = len(answer) <= safe_text.SHOWN_CHARACTERS
    st.text_area(
        "Corrected answer",
        value=corrected or (answer if is_short else ""),
        key=_answer_key(item_id),
        height=160,
        placeholder="" if is_short else "The answer is too long to edit here; write a new one.",
        on_change="ignore",
    )


def draw_end(reviewer: Reviewer) -> None:
    """Draw what there is to do when nothing is open."""
    if not len(session.queue):
        filters.draw_no_item()
        return
    progress_line.draw(session.queue, None)
    draw_message()
    safe_text.draw_notice("Every item of this queue has your label.", kind="success")
    with st.container(horizontal=True):
        st.button("Go through them again", key="review_again", on_click=show_first)
        st.button(
            "Undo",
            key="review_undo_end",
            on_click=undo,
            args=(reviewer.reviewer_id, None),
            disabled=not session.saved,
        )
    keyboard.draw_marker("", session.num_draws, {})


with shown_errors():
    with st.sidebar:
        current_reviewer = reviewer_picker.pick()
        current_filter, current_order, current_run = filters.pick(current_reviewer.reviewer_id)
    prepare(current_filter, current_order)
    keyboard.load_script()
    draw_body(current_reviewer, current_run)
