"""The routes for programs: read queues and progress, read an item, label it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel

from db.records import Annotation
from db.review.queue_progress import QueueProgress
from db.review.queues import Queue
from streamlit_app.api.contract import Id, JudgementId, JudgementSent, Sent
from streamlit_app.api.judgements import make_judgement
from streamlit_app.server import desk, programs
from streamlit_app.server.tokens import Sitting

routes = APIRouter(tags=["programs"])


class QueueOut(BaseModel):
    """One queue."""

    queue_id: str
    name: str
    run_id: str | None
    mode: str
    num_reviewers: int
    is_closed: bool


class ProgressOut(BaseModel):
    """How far a reviewer is in a queue; None: all of them."""

    reviewer_id: str | None
    num_done: int
    num_items: int
    median_seconds: float | None
    num_fast: int


class ItemOut(BaseModel):
    """One item; what a blind label must not know is None, and ``is_hidden`` is true."""

    item_id: str
    question: str
    context: list[dict[str, str]]
    options: list[dict[str, str]]
    labels: list[str]
    gold_label: str | None
    answer: str | None
    is_hidden: bool
    replaces: str | None


class LabelSent(Sent):
    """A judgement of a program."""

    judgement_id: JudgementId
    queue_id: Id | None = None
    replaces: Id | None = None
    judgement: JudgementSent


class LabelOut(BaseModel):
    """A judgement that the store holds."""

    status: str = "stored"
    annotation_id: str
    labels: list[str]
    phase: str


async def _caller(request: Request) -> Sitting:  # async: another function takes a thread
    caller: Sitting = request.state.sitting
    return caller


Caller = Annotated[Sitting, Depends(_caller)]


@routes.get("/queues")
def list_queues(caller: Caller) -> list[QueueOut]:
    """Return the open queues that the caller may work on."""
    return [_queue(queue) for queue in programs.list_queues(caller.reviewer_id)]


@routes.get("/queues/{queue_id}")
def get_queue(caller: Caller, queue_id: str) -> QueueOut:
    """Return one queue."""
    return _queue(programs.get_queue(caller.reviewer_id, queue_id))


@routes.get("/queues/{queue_id}/progress")
def get_progress(caller: Caller, queue_id: str) -> list[ProgressOut]:
    """Return how far a queue is in all, then how far each of its people is."""
    return [_progress(one) for one in programs.list_progress(caller.reviewer_id, queue_id)]


@routes.get("/items/{item_id:path}")
def get_item(caller: Caller, item_id: str, queue_id: str | None = None) -> ItemOut:
    """Return an item as the caller may see it; with `queue_id` as that queue shows it."""
    shown = desk.show_item(programs.in_queue(caller, queue_id), item_id)
    reviewed = shown.reviewed
    item = reviewed.item
    return ItemOut(
        item_id=item.item_id,
        question=item.question,
        context=[{"heading": part.heading, "text": part.text} for part in item.context],
        options=[{"label": part.label, "text": part.text} for part in item.options],
        labels=list(item.labels),
        gold_label=reviewed.gold.label,
        answer=reviewed.answer,
        is_hidden=item.is_hidden,
        replaces=reviewed.standing_id,
    )


@routes.post("/items/{item_id:path}/judgements")
def label(caller: Caller, item_id: str, sent: LabelSent) -> LabelOut:
    """Store a judgement once; `replaces` names the caller's own label that it replaces."""
    at = programs.in_queue(caller, sent.queue_id)
    saved = desk.store(
        at,
        programs.present(at, item_id),
        make_judgement(sent.judgement),
        judgement_id=sent.judgement_id,
        replaces=sent.replaces,
        pressed_at=datetime.now(UTC),
        seen=timedelta(0),
    )
    return _label(saved.annotation)


def _queue(queue: Queue) -> QueueOut:
    settings = queue.settings
    return QueueOut(
        queue_id=queue.queue_id,
        name=settings.name,
        run_id=settings.run_id,
        mode=settings.mode,
        num_reviewers=settings.num_reviewers,
        is_closed=queue.is_closed,
    )


def _progress(progress: QueueProgress) -> ProgressOut:
    return ProgressOut(**vars(progress))


def _label(stored: Annotation) -> LabelOut:
    return LabelOut(
        annotation_id=stored.annotation_id,
        labels=list(stored.judgement.labels),
        phase=stored.encounter.phase,
    )
