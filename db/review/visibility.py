"""The gate of blind labelling: what is hidden from whom, and where it waits to be labelled.

This is the only place that says so. The reads of labels, answers and notes take the viewer that
:func:`view_as` makes; the statements behind them join ``scratch.hidden_item($viewer)``. See
docs/decisions/2026-11-29-blindness-is-a-gate.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa
from duckdb import DuckDBPyConnection

from db.arrow_tables import incoming_table
from db.people.permissions import PERMISSIONS, is_permitted, require_of
from db.people.reviewers import get_reviewer
from db.records import Reviewer
from db.review.settings import read_settings
from db.statements import execute_for, fetch_value, load_sql
from db.viewer import EVERYTHING, Viewer


def view_as(cur: DuckDBPyConnection, reviewer_id: str) -> Viewer:
    """Return what a reviewer may see at this moment.

    Those who may get every file out are held back by the blind queues that name them, and by
    nothing else: they run the project, and could not while others label. Where the project says so,
    those who may adjudicate do not see who made a judgement before the item is adjudicated.

    Raises:
        ReviewerNotFoundError: No reviewer has this id.
        NotPermittedError: They have no role, or no more.
    """
    asked = {"reviewer_id": reviewer_id, "labelling_roles": sorted(PERMISSIONS["annotate"])}
    row = cur.execute(load_sql("viewer_facts"), asked).fetchone()
    stored, num_queued, queues, *facts = row or (None, 0, None)
    person = Reviewer(*facts) if facts else get_reviewer(cur, reviewer_id)
    require_of(cur, person, "read")
    settings = read_settings(stored)
    queues = queues or []
    is_open = settings.mode == "open" and all(queue["mode"] == "open" for queue in queues)
    if is_open and not settings.hides_names:
        return EVERYTHING
    is_exempt = is_permitted(person, "export")
    hides_names = settings.hides_names and is_permitted(person, "adjudicate")
    own = [queue for queue in queues if queue["is_named"] or not is_exempt]
    blind_queues = tuple(queue["queue_id"] for queue in own if queue["mode"] == "blind")
    is_blind = settings.mode == "blind" and not is_exempt
    if not blind_queues and not is_blind and not hides_names:
        return EVERYTHING
    open_queues = tuple(queue["queue_id"] for queue in own if queue["mode"] == "open")
    return Viewer(
        reviewer_id,
        blind_queues=blind_queues,
        is_blind=is_blind,
        open_queues=open_queues if is_blind else (),
        num_queued=num_queued,
        hides_names=hides_names,
    )


def count_hidden(cur: DuckDBPyConnection, viewer: Viewer) -> int:
    """Count the items that are hidden from a viewer; tells nothing of what they say."""
    if not viewer.is_held_back:
        return 0
    return fetch_value(cur, int, "hidden_count", viewer=viewer.parameter) or 0


def count_waiting(cur: DuckDBPyConnection, viewer: Viewer) -> dict[str, int]:
    """Count the items that each blind queue wants the viewer to label; queues without are left out.

    Returns:
        By the queue's id, the oldest queue first.
    """
    if not viewer.blind_queues:
        return {}
    parameters = {"viewer": replace(viewer, is_blind=False).parameter}
    found = dict(cur.execute(load_sql("hidden_count_by_queue"), parameters).fetchall())
    return {queue_id: found[queue_id] for queue_id in viewer.blind_queues if queue_id in found}


def list_waiting_queues(
    cur: DuckDBPyConnection, viewer: Viewer, item_ids: Sequence[str]
) -> dict[str, tuple[str | None, ...]]:
    """Return what waits for the viewer's blind label on each of some items; nothing: not hidden.

    Returns:
        Ids of queues for each item; None stands for the whole project.
    """
    waiting: dict[str, tuple[str | None, ...]] = dict.fromkeys(item_ids, ())
    if viewer.is_held_back:
        rows = execute_for(cur, "hidden_list_queues", item_ids, viewer=viewer.parameter)
        for item_id, queue_id in rows:
            waiting[item_id] += (queue_id,)
    return waiting


def list_waiting(
    cur: DuckDBPyConnection, viewer: Viewer, item_ids: Sequence[str] | pa.StringArray
) -> dict[str, str | None]:
    """Return which of some items are hidden from a viewer, each with a queue that waits for it.

    Returns:
        Ids of items and of queues; None where only the whole project waits.
    """
    if not viewer.is_held_back or not len(item_ids):
        return {}
    table = pa.table({"item_id": pa.array(item_ids, pa.string())})
    with incoming_table(cur, "incoming_queue_item", table):
        rows = cur.execute(load_sql("hidden_waiting"), {"viewer": viewer.parameter}).fetchall()
    return dict(rows)
