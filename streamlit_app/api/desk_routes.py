"""The routes of the review desk: each checks what was sent, calls the desk once, and answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel

from db.errors import InvalidAnnotationError
from streamlit_app.api.cards import make_card, make_progress
from streamlit_app.api.contract import (
    MAX_AHEAD,
    MAX_MOMENT,
    Card,
    Cards,
    Day,
    Done,
    DraftSent,
    FlagSent,
    Keys,
    KeysSent,
    LeaveSent,
    Neighbour,
    OpenedSent,
    SaveSent,
    SkipSent,
    Stored,
    Undone,
    UndoSent,
)
from streamlit_app.api.endings import make_day, make_end
from streamlit_app.api.judgements import make_judgement
from streamlit_app.server import desk
from streamlit_app.server.tokens import Presented, Sitting, find_presented
from streamlit_app.wording import say

routes = APIRouter(prefix="/desk", tags=["desk"])


async def _sitting(request: Request) -> Sitting:  # async: another function takes a thread
    sitting: Sitting = request.state.sitting
    return sitting


AtDesk = Annotated[Sitting, Depends(_sitting)]


@routes.get("/next", response_model=Cards)
def next_items(
    at: AtDesk,
    after: Annotated[str | None, Query(max_length=2_000)] = None,
    n: Annotated[int, Query(ge=1, le=MAX_AHEAD)] = 5,
    have: Annotated[tuple[str, ...], Query(max_length=4 * MAX_AHEAD)] = (),
) -> Response:
    """Reserve the next open items for the reviewer and return them.

    `have`: an item that the browser has already, once for each.
    """
    return _written(give_next(at, n, after, have))


def give_next(at: Sitting, n: int, after: str | None, have: Sequence[str]) -> Cards:
    """Reserve the next open items for the reviewer and return them, or the end of the list."""
    shown = desk.next_items(at, n, after, have)
    worklist = desk.worklist_of(at)
    return Cards(
        cards=[make_card(one, worklist) for one in shown],
        progress=make_progress(worklist),
        end=None if shown else str(make_end(at, worklist, len(have))),
    )


@routes.get("/day")
def day(at: AtDesk, since: Annotated[float, Query(ge=0, le=MAX_MOMENT)]) -> Day:
    """Return what the reviewer did since a moment, in milliseconds since 1970."""
    return Day(html=str(make_day(at, _moment(since))))


@routes.get("/cards/{item_id:path}")
def card(at: AtDesk, item_id: str, *, whole: bool = False) -> Card:
    """Return one item; `whole` does not cut long texts."""
    return make_card(desk.show_item(at, item_id), desk.worklist_of(at), is_whole=whole)


@routes.get("/neighbour")
def neighbour(at: AtDesk, item: str, step: Literal["-1", "1"]) -> Neighbour:
    """Return the item before or after, labelled or not."""
    return Neighbour(item_id=desk.worklist_of(at).neighbour(item, 1 if step == "1" else -1))


@routes.post("/judgements", response_model=Stored)
def store(at: AtDesk, sent: SaveSent) -> Response:
    """Store a judgement once; of a blind one the reveal comes back."""
    presented = _presented(sent.presentation_id, sent.item_id)
    saved = desk.store(
        at,
        presented,
        make_judgement(sent.judgement),
        judgement_id=sent.judgement_id,
        replaces=sent.replaces,
        pressed_at=_moment(sent.pressed_at),
        seen=timedelta(milliseconds=sent.seen_ms),
    )
    worklist = desk.worklist_of(at)
    return _written(
        Stored(
            judgement_id=sent.judgement_id,
            message=_saved_message(saved),
            reveal=None if saved.reveal is None else make_card(saved.reveal, worklist),
            progress=make_progress(worklist),
            is_fast=saved.annotation.encounter.is_fast,
        )
    )


@routes.post("/undo")
def undo(at: AtDesk, sent: UndoSent) -> Undone:
    """Retract one judgement, where it still stands."""
    shown = desk.undo(at, sent.item_id, sent.judgement_id)
    worklist = desk.worklist_of(at)
    return Undone(
        message=say("review.undone", item=sent.item_id),
        card=make_card(shown, worklist),
        progress=make_progress(worklist),
    )


@routes.post("/skip")
def skip(at: AtDesk, sent: SkipSent) -> Done:
    """Postpone an item until nothing else is open."""
    desk.skip(at, sent.item_id, _maybe_moment(sent.pressed_at))
    return Done(message=say("review.skipped"))


@routes.post("/flag")
def flag(at: AtDesk, sent: FlagSent) -> Done:
    """Flag an item, or take the flag off."""
    desk.flag(at, sent.item_id, sent.is_flagged, _maybe_moment(sent.pressed_at))
    key = "flagged" if sent.is_flagged else "unflagged"
    return Done(message=say(f"review.{key}", item=sent.item_id))


@routes.post("/drafts")
def keep_draft(at: AtDesk, sent: DraftSent) -> Done:
    """Store what is picked and typed so far; it replaces the draft before."""
    body = sent.fields.model_dump(exclude_unset=True)
    span = sent.fields.span
    if span is not None:
        body["span"] = [span.text, span.start, span.end]
    desk.keep_draft(at, _presented(sent.presentation_id, sent.item_id), body)
    return Done()


@routes.post("/keys")
def set_keys(at: AtDesk, sent: KeysSent) -> Keys:
    """Store which key does what for the person at the desk; nothing sent is the default."""
    return Keys(keys=desk.set_keys(at, sent.keys))


@routes.post("/leave")
def leave(at: AtDesk, sent: LeaveSent) -> Done:
    """Release items that were held ahead and not seen."""
    desk.leave(at, sent.item_ids)
    return Done()


@routes.post("/opened")
def opened(at: AtDesk, sent: OpenedSent) -> Done:
    """Record when items came into sight."""
    seen = [(_presented(one.presentation_id), _moment(one.at)) for one in sent.opened]
    desk.note_opened(at, seen)
    return Done()


def _written(answer: BaseModel) -> Response:
    """Return an answer as text at once: FastAPI would check all of it again first."""
    return Response(answer.model_dump_json(), media_type="application/json")


def _presented(token: str, item_id: str | None = None) -> Presented:
    presented = find_presented(token)
    if presented is None or item_id not in (None, presented.item_id):
        raise InvalidAnnotationError(say("desk.unknown_presentation"))
    return presented


def _moment(milliseconds: float) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _maybe_moment(milliseconds: float | None) -> datetime | None:
    return None if milliseconds is None else _moment(milliseconds)


def _saved_message(saved: desk.Saved) -> str:
    annotation = saved.annotation
    labels = ", ".join(annotation.judgement.labels) or say("review.no_label")
    if saved.is_withheld:
        return say("review.saved_withheld", label=labels)
    if saved.reveal is not None:
        return say("review.saved_blind", label=labels)
    key = "saved_fast" if annotation.encounter.is_fast else "saved"
    return say(f"review.{key}", label=labels, item=annotation.item_id)
