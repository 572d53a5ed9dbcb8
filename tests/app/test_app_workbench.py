"""A worklist of filters, over a real database file."""

from __future__ import annotations

import pytest

from db.connection import Database
from db.people.reviewers import add_reviewer
from db.review.item_list import ReviewFilter
from streamlit_app.server.worklist import FilterWorklist


def next_of(work: FilterWorklist, after: str | None = None) -> str | None:
    """Return the next open item after one."""
    exclude = () if after is None else (after,)
    return next(iter(work.ahead(1, after, exclude) or work.ahead(1)), None)


@pytest.fixture
def admin(filled_store: Database) -> str:
    with filled_store.transaction() as cur:
        return add_reviewer(cur, "Ada", "admin").reviewer_id


def test_work_on_filters_goes_round_once_and_leaves_what_was_put_off_for_last(
    filled_store: Database, admin: str
) -> None:
    work = FilterWorklist(filled_store, ReviewFilter(reviewer_id=admin), "item_id", "open")
    assert (work.total, work.num_done, next_of(work)) == (4, 0, "q-1")
    assert (work.neighbour("q-1", -1), work.neighbour("q-1", 1)) == (None, "q-2")
    assert (work.neighbour("elsewhere", 1), work.number("elsewhere")) == ("q-1", None)
    work.put_off("q-2")
    assert next_of(work, "q-1") == "q-3"
    assert next_of(work, "v-1") == "q-1"
    only = FilterWorklist(
        filled_store, ReviewFilter(search="coughs", reviewer_id=admin), "item_id", "open"
    )
    only.put_off("v-1")
    assert next_of(only, "v-1") == "v-1"
    query = "select action from review_event where item_id = 'v-1'"
    assert filled_store.cursor().execute(query).fetchall() == [("skip",)]
