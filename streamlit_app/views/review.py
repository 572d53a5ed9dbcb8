"""Review: one item at a time; label, correct, save, next."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from functools import wraps
from typing import Any, ParamSpec

import streamlit as st

from db.errors import DbError, ItemNotFoundError, ItemWithheldError, SaveError
from db.records import Annotation, Judgement, Reviewer, Run
from db.review.events import ReviewEvent
from db.review.queues import Queue
from streamlit_app import safe_text
from streamlit_app.components import (
    answer_card,
    filters,
    guideline_panel,
    history,
    item_card,
    keyboard,
    label_picker,
    more_fields,
    progress_line,
    queue_panel,
    reference_card,
    refit_line,
    reviewer_picker,
    verdict_card,
)
from streamlit_app.errors import draw_error, shown_errors
from streamlit_app.logic.review.form_values import split_labels, starting_values
from streamlit_app.logic.review.label_keys import label_keys
from streamlit_app.logic.review.reading_time import floor_seconds
from streamlit_app.markup import element
from streamlit_app.server import review_service, services
from streamlit_app.server.draft_box import BOXES, DraftBox
from streamlit_app.server.event_log import EVENTS
from streamlit_app.server.review_service import LookAhead, ReviewedItem, WorklistChoice
from streamlit_app.server.worklist import Worklist
from streamlit_app.session import sign_in
from streamlit_app.session.state import ITEM_PARAM, Draw, review_session
from streamlit_app.wording import say

session = review_session()
Parameters = ParamSpec("Parameters")


def reported(press: Callable[Parameters, None]) -> Callable[Parameters, None]:
    """Return a callback whose error is kept for the line above the labels: it cannot draw."""

    @wraps(press)
    def pressed(*args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        try:
            press(*args, **kwargs)
        except DbError as error:
            session.say(str(error), "error")

    return pressed


@reported
def save(draw: Draw, shown: ReviewedItem, reviewer_id: str) -> None:
    """Store the judgement of an item and show the next one, or the same one revealed.

    Args:
        draw: The presentation of the item that the pressed button belongs to.
        shown: What was on screen with it.
        reviewer_id: Who pressed.
    """
    item_id = draw.item_id
    worklist = session.worklist
    if not session.is_on_screen(item_id) or worklist is None:
        session.say(say("review.late_press"), "warning")
        return
    if not is_theirs(reviewer_id):
        return
    judgement = more_fields.read(item_id, _start(shown), shown.answer)
    if not judgement.is_complete:
        session.say(say("review.pick_first"), "warning")
        return
    seconds = session.seconds_read(draw)
    phase = shown.encounter.phase
    floor = floor_seconds(shown.item, shown.prediction, phase, session.words_per_minute)
    encounter = replace(
        shown.encounter,
        queue_id=worklist.queue_of(item_id),
        duration_seconds=seconds,
        is_fast=shown.mine is None and seconds < floor,
        client_at=BOXES.pressed_at(draw.annotation_id),
    )
    box = BOXES.get(draw.annotation_id)
    with nullcontext(True) if box is None else box.saving() as has_draft:
        stored = review_service.save(
            judgement,
            encounter,
            shown,
            annotation_id=draw.annotation_id,
            reviewer_id=reviewer_id,
            has_draft=has_draft,
        )
    BOXES.drop(draw.annotation_id)
    after_save(stored, shown, reviewer_id)


def is_theirs(reviewer_id: str) -> bool:
    """Return whether the person who pressed is still the one chosen; report it if not."""
    if sign_in.is_at_screen(reviewer_id):
        return True
    session.say(say("review.other_person"), "warning")
    return False


def after_save(stored: Annotation, shown: ReviewedItem, reviewer_id: str) -> None:
    """Report what was saved and go to the reveal after a blind label, else to the next item.

    There is no reveal as long as another queue waits for a blind label on the item.
    """
    item_id = stored.item_id
    labels = ", ".join(stored.judgement.labels) or say("review.no_label")
    session.saved.append(item_id)
    if stored.encounter.phase == "blind" and review_service.is_withheld(item_id, reviewer_id):
        session.say(say("review.saved_withheld", label=labels), "success")
        show_next(item_id)
    elif stored.encounter.phase == "blind":
        session.say(say("review.saved_blind", label=labels), "success")
        session.show(item_id)
        queue_id = stored.encounter.queue_id
        EVENTS.note(ReviewEvent("reveal", reviewer_id, item_id, queue_id, "revealed"))
    else:
        if session.worklist is not None and _is_unfinished(shown.mine):
            session.worklist.mark_done(item_id)
        key = "saved_fast" if stored.encounter.is_fast else "saved"
        session.say(say(f"review.{key}", label=labels, item=item_id), "success")
        show_next(item_id)
    session.seconds_on.pop(item_id, None)


def show_next(after: str) -> None:
    """Show the item that was read ahead, or find the next one now."""
    ahead, worklist = session.ahead, session.worklist
    if ahead is not None and ahead.after == after:
        session.ahead = None
        try:
            shown = ahead.result()
        except DbError:  # meanwhile it is gone, or to be labelled blind elsewhere
            session.show(worklist.next_open(after) if worklist else None)
            return
        if shown is None:
            session.show(None)
            return
        if shown.item.item_id != after:
            session.show(shown.item.item_id, shown if review_service.is_current(shown) else None)
            return
    session.show(worklist.next_open(after) if worklist else None)


@reported
def skip(draw: Draw) -> None:
    """Postpone an item and show the next one."""
    item_id, worklist = draw.item_id, session.worklist
    if not session.is_on_screen(item_id) or worklist is None:
        return
    worklist.put_off(item_id, BOXES.pressed_at(draw.annotation_id))
    show_next(item_id)
    stays = session.is_on_screen(item_id)
    session.say("" if stays else say("review.skipped"))


@reported
def flag(draw: Draw, reviewer_id: str) -> None:
    """Flag the item on screen, or take the flag off."""
    shown = draw.shown
    if not session.is_on_screen(draw.item_id) or shown is None or not is_theirs(reviewer_id):
        return
    flagged = not shown.is_flagged
    pressed_at = BOXES.pressed_at(draw.annotation_id)
    review_service.flag(draw.item_id, reviewer_id, flagged, pressed_at)
    draw.shown = replace(shown, is_flagged=flagged)
    session.say(say("review.flagged" if flagged else "review.unflagged", item=draw.item_id))


@reported
def move(item_id: str, step: int) -> None:
    """Show the item before or after, labelled or not."""
    if not session.is_on_screen(item_id) or session.worklist is None:
        return
    neighbour = session.worklist.neighbour(item_id, 1 if step > 0 else -1)
    if neighbour is None:
        session.say(say("review.last_item" if step > 0 else "review.first_item"))
    else:
        session.say("")
        session.show(neighbour)


def undo(reviewer_id: str, item_id: str | None) -> None:
    """Retract the last label of this session, else the one on screen, and show its item."""
    if not is_theirs(reviewer_id):
        return
    target = session.saved[-1] if session.saved else item_id
    if target is None:
        return
    try:
        undone = review_service.undo(target, reviewer_id)
    except SaveError as error:
        session.say(str(error), "error")
        return
    except DbError as error:
        del session.saved[-1:]  # there is nothing to take back: the next press goes further
        session.say(str(error), "error")
        return
    del session.saved[-1:]
    if session.worklist is not None and undone.encounter.phase != "blind":
        still = review_service.standing(target, reviewer_id, session.worklist.queue_id)
        if _is_unfinished(still):
            session.worklist.mark_open(target)
    session.say(say("review.undone", item=target), "success")
    session.show(target)


def show_first(item_id: str) -> None:
    """Show the first item of the list, labelled or not."""
    session.show(item_id)


def toggle_more() -> None:
    """Open or fold the fields beyond label and note."""
    session.says_more = not session.says_more


def _is_unfinished(standing: Annotation | None) -> bool:
    """Return whether an item has no judgement, or only one from before the reveal."""
    return standing is None or standing.encounter.phase == "blind"


def _start(shown: ReviewedItem) -> Judgement:
    return starting_values(shown.mine, shown.draft, shown.item.labels)


def prepare(choice: WorklistChoice, reviewer: Reviewer) -> None:
    """Update worklist and item to the filters or the queue, and the address."""
    session.words_per_minute = review_service.settings().words_per_minute
    key = (reviewer.reviewer_id, choice)
    if session.worklist_key != key:
        if session.worklist_key is not None and session.worklist_key[0] != reviewer.reviewer_id:
            session.saved.clear()  # undo is for one's own labels
            session.seconds_on.clear()
            session.draw = None
        session.worklist = review_service.open_worklist(choice, reviewer.reviewer_id)
        session.worklist_key = key
        session.ahead = None
        on_screen = None if session.draw is None else session.draw.item_id
        is_listed = on_screen is not None and session.worklist.number(on_screen) is not None
        if is_listed and session.worklist.queue_id is None:
            session.show(on_screen)  # the same item, as the new filters show it
        elif st.query_params.get(ITEM_PARAM) in (None, session.item_param):
            session.show(session.worklist.next_open())
    asked = st.query_params.get(ITEM_PARAM)
    if asked is not None and asked != session.item_param:
        session.item_param = asked
        if not session.is_on_screen(asked):
            session.show(asked)


def set_address(item_id: str | None) -> None:
    """Write the item on screen to the address, so that a reload comes back to it."""
    if item_id is None:
        st.query_params.pop(ITEM_PARAM, None)
    elif st.query_params.get(ITEM_PARAM) != item_id:
        st.query_params[ITEM_PARAM] = item_id
    session.item_param = item_id


@sign_in.fragment()
def draw_body(reviewer: Reviewer, run: Run | None) -> None:
    """Draw the item on screen; a press of its buttons reruns this part alone."""
    session.num_draws += 1
    draw, worklist = session.draw, session.worklist
    if draw is None or worklist is None:
        set_address(None)
        draw_end(reviewer)
        return
    if draw.shown and not review_service.may_still_show(draw.shown, reviewer.reviewer_id):
        draw.shown = None
    try:
        run_id = run.run_id if run else None
        shown = draw.shown or review_service.load_item(
            draw.item_id, run_id, reviewer.reviewer_id, worklist
        )
    except ItemNotFoundError as error:
        draw_error(str(error))
        st.button(say("review.to_queue"), key="review_to_queue", on_click=to_queue)
        return
    except ItemWithheldError as error:
        set_address(draw.item_id)
        draw_withheld(error)
        return
    draw.shown = shown
    if BOXES.get(draw.annotation_id) is None:
        box = DraftBox(
            services.database(), draw.item_id, reviewer.reviewer_id, shown.encounter.phase,
            shown.item.labels, dict(shown.draft),
        )  # fmt: skip
        BOXES.put(draw.annotation_id, box)
    set_address(draw.item_id)
    draw_item(draw, shown, worklist, reviewer, run)
    look_ahead(draw, shown, worklist, reviewer, run)


def look_ahead(
    draw: Draw, shown: ReviewedItem, worklist: Worklist, reviewer: Reviewer, run: Run | None
) -> None:
    """Read the next item, and write down that this one was opened, while it is being read."""
    if draw.is_noted:
        return
    draw.is_noted = True
    session.ahead = LookAhead(
        worklist,
        draw.item_id,
        run.run_id if run else None,
        reviewer.reviewer_id,
        shown.encounter.phase,
    )


def draw_withheld(error: ItemWithheldError) -> None:
    """Draw why an item is not shown, and the ways on."""
    draw_message()
    safe_text.draw_notice(say("review.withheld", item=error.item_id))
    with st.container(horizontal=True):
        if error.queue_id is not None:
            is_leaving = st.button(
                say("review.to_blind_queue"),
                key="review_to_blind_queue",
                type="primary",
                on_click=queue_panel.choose,
                args=(error.queue_id,),
            )
            if is_leaving:
                st.rerun()  # the sidebar too: this part alone was drawn again
        st.button(say("review.to_queue"), key="review_to_queue", on_click=to_queue)
    keyboard.draw_marker("", session.num_draws, {})


@reported
def to_queue() -> None:
    """Show the queue instead of an item that does not exist, or is not shown."""
    session.show(session.worklist.next_open() if session.worklist else None)


def draw_item(
    draw: Draw, shown: ReviewedItem, worklist: Worklist, reviewer: Reviewer, run: Run | None
) -> None:
    """Draw an item to the left, its labels and the form for a judgement to the right.

    Before the reveal nothing that the model, the gold label or anybody else says is drawn, so
    none of it reaches the browser.
    """
    values = more_fields.read(draw.item_id, _start(shown), shown.answer)
    left, right = st.columns([1.7, 1], gap="large")
    with left, st.container(key="review_left"), safe_text.together():
        item_card.draw(shown.item)
        guideline_panel.draw_panel(shown.guideline)
        if not shown.is_blind:
            if shown.prediction is not None:
                answer_card.draw(shown.prediction, run.model if run else "", values.span)
            reference_card.draw(shown.item)
            safe_text.draw(element("h3", say("review.history")))
            history.draw(shown.history, shown.reviewer_names)
    with right, st.container(key="review_right"):
        with safe_text.together():
            progress_line.draw(worklist, draw.item_id)
            refit_line.draw(worklist, shown.viewer)
            if shown.is_blind:
                verdict_card.draw_blind()
            else:
                verdict_card.draw(shown.item, shown.prediction, shown.gold)
            draw_message()
        draw_form(draw, shown, reviewer)


def draw_form(draw: Draw, shown: ReviewedItem, reviewer: Reviewer) -> None:
    """Draw what the reviewer fills in. The marker comes last: see ``keyboard.draw_marker``."""
    item_id = draw.item_id
    values = _start(shown)
    label_picker.draw(item_id, shown.item.labels, split_labels(values)[0])
    st.button(
        say("review.save_blind" if shown.is_blind else "review.save"),
        type="primary",
        width="stretch",
        key=f"review_save_{item_id}",
        on_click=save,
        args=(draw, shown, reviewer.reviewer_id),
    )
    with st.container(horizontal=True, key="review_moves"):
        draw_moves(draw, shown, reviewer, can_undo=bool(session.saved or shown.mine))
    st.text_area(
        say("review.note"),
        value=values.note,
        key=more_fields.field_key("note", item_id),
        height=72,
        on_change="ignore",
    )
    box = BOXES.get(draw.annotation_id)

    def keep(**changes: Any) -> None:
        try:
            if box is not None:
                box.update(**changes)
        except DbError as error:
            session.say(str(error), "error")

    st.button(
        say("review.hide_details" if session.says_more else "review.details"),
        key=f"review_more_{item_id}",
        type="tertiary",
        on_click=toggle_more,
    )
    if session.says_more and box is not None:
        more_fields.draw(item_id, shown.item.labels, shown.answer, values, keep)
    keys = label_keys(shown.item.labels)
    with safe_text.together():
        keyboard.draw_help(shown.item.labels, keys)
        keyboard.draw_marker(item_id, session.num_draws, keys, draw.annotation_id)


def draw_message() -> None:
    """Draw the line that says what the last press did; its place is kept when it is empty."""
    safe_text.draw_line(session.message, kind=session.message_kind)
    session.say("")


def draw_moves(draw: Draw, shown: ReviewedItem, reviewer: Reviewer, *, can_undo: bool) -> None:
    """Draw the buttons that move through the queue."""
    item_id, reviewer_id = draw.item_id, reviewer.reviewer_id
    st.button("←", key=f"review_back_{item_id}", on_click=move, args=(item_id, -1))
    st.button("→", key=f"review_on_{item_id}", on_click=move, args=(item_id, 1))
    st.button(
        say("review.skip"),
        key=f"review_skip_{item_id}",
        on_click=skip,
        args=(draw,),
    )
    st.button(
        say("review.undo"),
        key=f"review_undo_{item_id}",
        on_click=undo,
        args=(reviewer_id, item_id),
        disabled=not can_undo,
    )
    st.button(
        say("review.unflag" if shown.is_flagged else "review.flag"),
        key=f"review_flag_{item_id}",
        on_click=flag,
        args=(draw, reviewer_id),
    )


def draw_end(reviewer: Reviewer) -> None:
    """Draw what there is to do when nothing is open."""
    worklist = session.worklist
    if worklist is None or not worklist.total:
        filters.draw_no_item()
        return
    progress_line.draw(worklist, None)
    draw_message()
    choice = session.worklist_key[1] if session.worklist_key else None
    is_unfinished = worklist.num_done < worklist.total
    if is_unfinished and review_service.waiting_in_queues(reviewer.reviewer_id):
        safe_text.draw_notice(say("review.only_blind_left"))
    elif is_unfinished and isinstance(choice, Queue):
        held = review_service.count_others(choice, reviewer.reviewer_id)
        safe_text.draw_notice(say("review.none_open", held=held))
    else:
        safe_text.draw_notice(say("review.all_done"), kind="success")
    with st.container(horizontal=True):
        first = worklist.first()
        if first is not None:
            st.button(say("review.again"), key="review_again", on_click=show_first, args=(first,))
        st.button(
            say("review.undo"),
            key="review_undo_end",
            on_click=undo,
            args=(reviewer.reviewer_id, None),
            disabled=not session.saved,
        )
    keyboard.draw_marker("", session.num_draws, {})


def pick_worklist(reviewer: Reviewer) -> tuple[WorklistChoice, Run | None]:
    """Draw the choice of a queue or of filters in the sidebar."""
    queue = queue_panel.pick(reviewer)
    queue_panel.draw_waiting(queue, reviewer)
    if queue is not None:
        queue_panel.draw_about(queue, reviewer)
        runs = {run.run_id: run for run in services.all_runs()}
        return queue, runs.get(queue.settings.run_id or "")
    flt, order, run = filters.pick(reviewer.reviewer_id)
    queue_panel.draw_make(flt, order, reviewer)
    return (flt, order), run


with shown_errors():
    with st.sidebar:
        current_reviewer = reviewer_picker.pick()
        current_choice, current_run = pick_worklist(current_reviewer)
    prepare(current_choice, current_reviewer)
    keyboard.load_script()
    draw_body(current_reviewer, current_run)
