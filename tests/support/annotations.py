"""Labels given to items by people who need only be named."""

from __future__ import annotations

from dataclasses import fields as fields_of
from datetime import datetime
from itertools import count
from typing import Any

from duckdb import DuckDBPyConnection

from db.connection import Database
from db.people.reviewers import add_reviewer, get_reviewer
from db.records import Annotation, Encounter, Item, Judgement
from db.review.annotations import OnScreen, add_annotation
from db.review.item_state import read_item_states

_numbers = count(1)
_OF_ENCOUNTER = {field.name for field in fields_of(Encounter)}


def annotate(
    store: Database | DuckDBPyConnection,
    who: str,
    item_id: str,
    *labels: str,
    annotation_id: str | None = None,
    created_at: datetime | None = None,
    on_screen: OnScreen | None = None,
    **fields: Any,
) -> Annotation:
    """Store the labels that a reviewer gives to an item; add the reviewer where they are new.

    Args:
        store: A database, for a transaction of its own, or a cursor of the caller's transaction.
        annotation_id: Made here when None.
        on_screen: What the press was made on, where there was a screen.
        fields: Further fields of ``Judgement`` and ``Encounter``.
    """
    if isinstance(store, Database):
        more = {"annotation_id": annotation_id, "created_at": created_at, **fields}
        more["on_screen"] = on_screen
        with store.transaction() as cur:
            return annotate(cur, who, item_id, *labels, **more)
    encounter = {name: fields.pop(name) for name in _OF_ENCOUNTER & set(fields)}
    return add_annotation(
        store,
        Judgement(labels, **fields),
        Encounter(**encounter),
        annotation_id=annotation_id or f"annotation-{next(_numbers)}",
        item_id=item_id,
        reviewer_id=add_reviewer(store, who).reviewer_id,
        on_screen=on_screen,
        created_at=created_at,
    )


def on_screen(
    cur: DuckDBPyConnection, reviewer_id: str, item: Item, replaces: str | None = None
) -> OnScreen:
    """Return what a screen shows of an item, outside a queue, with the answer ``As shown.``"""
    return OnScreen(
        replaces,
        reviewer=get_reviewer(cur, reviewer_id),
        queue=None,
        item=item,
        answer="As shown.",
        state=read_item_states(cur, [item.item_id], reviewer_id)[item.item_id],
    )
