"""One person in two tabs: no order of labels, undos and skips replaces what a tab did not show."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from desk_tabs import Tab, TwoTabs
from starlette.testclient import TestClient

from db.connection import Database
from db.people.sign_in import add_person
from db.review.annotations import list_annotations, standing_annotations
from db.viewer import EVERYTHING
from streamlit_app.api.application import make_api

ITEM = "q-1"
NUM_INTERLEAVINGS, NUM_STEPS = 10, 8
"""Few of those that benchmarks/desk_faults.py goes through."""


@pytest.fixture
def client(filled_store: Database) -> Iterator[TestClient]:
    """Return a client of the routes over a filled store."""
    del filled_store
    with TestClient(make_api()) as found:
        yield found


def test_no_interleaving_of_two_tabs_replaces_what_was_not_shown(
    client: TestClient, filled_store: Database
) -> None:
    num_asked = 0
    for seed in range(NUM_INTERLEAVINGS):
        with filled_store.transaction() as cur:
            who = add_person(cur, f"Person {seed}", role="reviewer").reviewer_id
        model = TwoTabs([Tab(client, who, [ITEM]), Tab(client, who, [ITEM])], seed)
        for _ in range(NUM_STEPS):
            model.step()
        num_asked += model.num_asked
        assert model.faults == [], f"seed {seed}"
        history = list_annotations(filled_store.cursor(), ITEM, EVERYTHING)
        mine = standing_annotations(history).get(who)
        assert (mine and mine.annotation_id) == model.standing(ITEM), f"seed {seed}"
    assert num_asked > NUM_INTERLEAVINGS // 2  # else they never crossed


def test_of_presses_at_the_same_moment_one_is_stored_and_the_others_are_asked(
    client: TestClient, filled_store: Database
) -> None:
    with filled_store.transaction() as cur:
        who = add_person(cur, "Ann", role="reviewer").reviewer_id
    tabs = [Tab(client, who, [ITEM, "q-2"]) for _ in range(8)]
    for item_id in (ITEM, "q-2"):
        with ThreadPoolExecutor(len(tabs)) as pool:
            answers = list(pool.map(lambda tab: tab.save(item_id, "yes", None)[1], tabs))  # noqa: B023
        assert sorted(answer["status"] for answer in answers) == ["conflict"] * 7 + ["stored"]
        assert len(list_annotations(filled_store.cursor(), item_id, EVERYTHING)) == 1
