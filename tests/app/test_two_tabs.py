"""One person in two tabs: no order of labels, undos and skips replaces what a tab did not show."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.testclient import TestClient

from db.connection import Database
from db.people.sign_in import add_person
from db.review.annotations import list_annotations, standing_annotations
from db.viewer import EVERYTHING
from streamlit_app.api.application import make_api
from streamlit_app.server.tokens import Sitting, mint_sitting

ITEMS = ("q-1",)
LABELS = ("yes", "no", "maybe")
NUM_INTERLEAVINGS, NUM_STEPS = 10, 8  # benchmarks/desk_faults.py has 50 and more


@pytest.fixture
def client(filled_store: Database) -> Iterator[TestClient]:
    """Return a client of the routes over a filled store."""
    del filled_store
    with TestClient(make_api()) as found:
        yield found


class Tab:
    """One tab: the cards as they were when it got them, and what it saved."""

    def __init__(self, client: TestClient, reviewer_id: str) -> None:
        self._client = client
        self._head = {"Authorization": f"Bearer {mint_sitting(Sitting(reviewer_id))}"}
        self.cards = {item_id: self.read(item_id) for item_id in ITEMS}
        self.saved: list[tuple[str, str]] = []

    def read(self, item_id: str) -> dict[str, Any]:
        """Return the card of an item as it is now."""
        card: dict[str, Any] = self._client.get(f"/desk/cards/{item_id}", headers=self._head).json()
        return card

    def post(self, path: str, **sent: Any) -> dict[str, Any]:
        """Return the answer to what was sent."""
        answer: dict[str, Any] = self._client.post(
            f"/desk/{path}", json=sent, headers=self._head
        ).json()
        return answer

    def save(self, item_id: str, label: str, replaces: str | None) -> tuple[str, dict[str, Any]]:
        """Press Save on the card that this tab holds; return the press's id and the answer."""
        judgement_id = str(uuid.uuid4())
        card = self.cards[item_id]
        answer = self.post(
            "judgements",
            judgement_id=judgement_id,
            presentation_id=card["presentation_id"],
            item_id=item_id,
            replaces=replaces,
            judgement={"labels": [label]},
            pressed_at=1_780_000_000_000,
            seen_ms=4000,
        )
        return judgement_id, answer


class Model:
    """What must be stored: of each item the labels that count, the last one standing."""

    def __init__(self, tabs: list[Tab], rng: random.Random) -> None:
        self.tabs, self.rng = tabs, rng
        self.kept: dict[str, list[tuple[str, str]]] = {item_id: [] for item_id in ITEMS}
        self.num_conflicts = 0

    def standing(self, item_id: str) -> str | None:
        """Return the id of the label that stands."""
        return self.kept[item_id][-1][0] if self.kept[item_id] else None

    def step(self) -> None:
        """Do one thing in one tab and compare its answer with what must come of it."""
        tab = self.rng.choice(self.tabs)
        item_id = self.rng.choice(ITEMS)
        what = self.rng.choices(["label", "undo", "skip", "read"], [5, 3, 1, 2])[0]
        if what == "label":
            self.label(tab, item_id)
        elif what == "undo" and tab.saved:
            self.undo(tab)
        elif what == "skip":
            assert tab.post("skip", item_id=item_id)["status"] == "stored"
        else:
            tab.cards[item_id] = tab.read(item_id)
            assert tab.cards[item_id]["replaces"] == self.standing(item_id)

    def label(self, tab: Tab, item_id: str) -> None:
        """Save: stored over what the tab showed; else the tab is told what stands, and asked."""
        label, shown = self.rng.choice(LABELS), tab.cards[item_id]["replaces"]
        judgement_id, answer = tab.save(item_id, label, shown)
        if shown != self.standing(item_id):
            assert answer["status"] == "conflict"
            standing = answer["standing"]
            assert standing["annotation_id"] == self.standing(item_id)
            assert standing["labels"] == [one for _, one in self.kept[item_id][-1:]]
            self.num_conflicts += 1
            if self.rng.random() < 0.5:  # keep what is stored
                return
            judgement_id, answer = tab.save(item_id, label, standing["annotation_id"])
        assert answer["status"] == "stored"
        self.kept[item_id].append((judgement_id, label))
        tab.saved.append((judgement_id, item_id))
        tab.cards[item_id] = tab.read(item_id)

    def undo(self, tab: Tab) -> None:
        """Take back what the tab saved last: only where that is what stands."""
        judgement_id, item_id = tab.saved.pop()
        answer = tab.post("undo", judgement_id=judgement_id, item_id=item_id)
        if judgement_id == self.standing(item_id):
            assert answer["status"] == "undone"
            self.kept[item_id].pop()
            tab.cards[item_id] = answer["card"]
        else:
            assert answer["status"] in ("conflict", "refused")


def test_no_interleaving_of_two_tabs_replaces_what_was_not_shown(
    client: TestClient, filled_store: Database
) -> None:
    num_conflicts = 0
    for seed in range(NUM_INTERLEAVINGS):
        with filled_store.transaction() as cur:
            who = add_person(cur, f"Person {seed}", role="reviewer").reviewer_id
        model = Model([Tab(client, who), Tab(client, who)], random.Random(seed))  # noqa: S311
        for _ in range(NUM_STEPS):
            model.step()
        num_conflicts += model.num_conflicts
        for item_id in ITEMS:
            history = list_annotations(filled_store.cursor(), item_id, EVERYTHING)
            mine = standing_annotations(history).get(who)
            assert (mine and mine.annotation_id) == model.standing(item_id), f"seed {seed}"
    assert num_conflicts > NUM_INTERLEAVINGS // 2  # else they never crossed


def test_of_presses_at_the_same_moment_one_is_stored_and_the_others_are_asked(
    client: TestClient, filled_store: Database
) -> None:
    with filled_store.transaction() as cur:
        who = add_person(cur, "Ann", role="reviewer").reviewer_id
    tabs = [Tab(client, who) for _ in range(8)]
    for item_id in ITEMS:
        with ThreadPoolExecutor(len(tabs)) as pool:
            answers = list(pool.map(lambda tab: tab.save(item_id, "yes", None)[1], tabs))  # noqa: B023
        assert sorted(answer["status"] for answer in answers) == ["conflict"] * 7 + ["stored"]
        assert len(list_annotations(filled_store.cursor(), item_id, EVERYTHING)) == 1
