"""The Queues page over a real database file."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from db.connection import Database
from db.people.reviewers import add_reviewer
from db.review.item_list import ReviewFilter
from db.review.queue_progress import list_states
from db.review.queues import QueueSettings, add_queue, get_queue
from tests.support.annotations import annotate
from tests.support.pages import OpenPage, markup_of, open_page

NAME = "Pass <b>1</b>"


@pytest.fixture
def people(filled_store: Database) -> dict[str, str]:
    """Store an admin, two reviewers and a queue that is dealt to these."""
    with filled_store.transaction() as cur:
        found = {name: add_reviewer(cur, name).reviewer_id for name in ("Ann", "Bob", "Cyd")}
        found["Ada"] = add_reviewer(cur, "Ada", "admin").reviewer_id
        dealt = QueueSettings(
            NAME,
            ReviewFilter(),
            sharing="dealt",
            reviewer_ids=(found["Ann"], found["Bob"]),
        )
        add_queue(cur, dealt, queue_id="one", created_by=found["Ada"])
    return found


def press(test: AppTest, key: str) -> AppTest:
    test.button(key=f"queues_one_{key}").click().run()
    assert not test.exception
    return test


def left_of(database: Database) -> dict[str | None, int]:
    (state,) = list_states(database.cursor(), [get_queue(database.cursor(), "one")])
    return {person.reviewer_id: person.num_left for person in state.people}


def test_a_queue_shows_what_is_left_and_with_whom_and_its_people_are_changed(
    filled_store: Database, people: dict[str, str]
) -> None:
    annotate(filled_store, "Ann", "q-1", "yes", queue_id="one")
    test = open_page("queues", reviewer="Ada")
    assert "queues_one_people" not in {box.key for box in test.multiselect}
    test.query_params["queue"] = "one"  # as the link "Show the queue" does
    drawn = markup_of(test.run())
    assert "Pass &lt;b&gt;1&lt;/b&gt;" in drawn
    assert "3 of 4 labels left" in drawn
    assert "1 done · 1 left · last label today" in drawn
    assert any("queue=one" in code.value and "Ada" not in code.value for code in test.code)
    test.multiselect(key="queues_one_people").set_value([people["Bob"], people["Cyd"]])
    assert "Saved the reviewers" in markup_of(press(test, "save_people"))
    assert sum(left_of(filled_store).values()) == 3
    assert "no longer in the queue" in markup_of(test)
    test.selectbox(key="queues_one_from").set_value(people["Cyd"])
    press(test, "reassign")
    assert left_of(filled_store) == {people["Bob"]: 3, people["Cyd"]: 0, people["Ann"]: 0}
    assert "Added 0 items" in markup_of(press(test, "do_extend"))
    test.multiselect(key="queues_one_people").set_value([])
    press(test, "save_people")
    assert "3 labels are assigned to no one" in markup_of(test)
    assert "no open queues" in markup_of(press(test, "close"))
    test.button(key="queues_reopen_one").click().run()
    assert "3 of 4 labels left" in markup_of(test)


def test_a_reviewer_sees_their_own_queues_and_changes_none(
    filled_store: Database, people: dict[str, str], open_page: OpenPage
) -> None:
    test = open_page("queues", reviewer="Ann")
    assert "4 of 4 labels left" in markup_of(test)
    assert not {"queues_one_close", "queues_one_save_people"} & {b.key for b in test.button}
    assert "no open queues" in markup_of(open_page("queues", reviewer="Cyd"))
    press(test, "review")
    assert test.query_params["queue"] == "one"
