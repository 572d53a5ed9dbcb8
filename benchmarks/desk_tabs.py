"""One person in two tabs: what must be stored after any order of labels, undos and skips."""

from __future__ import annotations

import random
import uuid
from collections.abc import Sequence
from typing import Any, Final

import httpx

from streamlit_app.server.tokens import Sitting, mint_sitting

LABELS: Final = ("yes", "no", "maybe")
_WEIGHTS: Final = {"label": 5, "undo": 3, "skip": 1, "read": 2}


class Tab:
    """One tab: the cards as they were when it got them, and what it saved.

    Args:
        client: Of the routes; its addresses begin behind ``/api/v1``.
        reviewer_id: Who sits there.
        item_ids: Items of which the labels are yes, no and maybe.
    """

    def __init__(self, client: httpx.Client, reviewer_id: str, item_ids: Sequence[str]) -> None:
        self._client = client
        self._head = {"Authorization": f"Bearer {mint_sitting(Sitting(reviewer_id))}"}
        self.cards = {item_id: self.read(item_id) for item_id in item_ids}
        self.saved: list[tuple[str, str]] = []

    def read(self, item_id: str) -> dict[str, Any]:
        """Return the card of an item as it is now."""
        card: dict[str, Any] = self._client.get(f"desk/cards/{item_id}", headers=self._head).json()
        return card

    def post(self, path: str, **sent: Any) -> dict[str, Any]:
        """Return the answer to what was sent."""
        answer: dict[str, Any] = self._client.post(
            f"desk/{path}", json=sent, headers=self._head
        ).json()
        return answer

    def save(self, item_id: str, label: str, replaces: str | None) -> tuple[str, dict[str, Any]]:
        """Press Save on the card that this tab holds; return the press's id and the answer."""
        judgement_id = str(uuid.uuid4())
        answer = self.post(
            "judgements",
            judgement_id=judgement_id,
            presentation_id=self.cards[item_id]["presentation_id"],
            item_id=item_id,
            replaces=replaces,
            judgement={"labels": [label]},
            pressed_at=1_780_000_000_000,
            seen_ms=4000,
        )
        return judgement_id, answer


class TwoTabs:
    """What must be stored: of each item the labels that count, the last one standing."""

    def __init__(self, tabs: Sequence[Tab], seed: int) -> None:
        self._tabs, self._rng = tabs, random.Random(seed)  # noqa: S311
        self._item_ids = list(tabs[0].cards)
        self.labels: dict[str, list[tuple[str, str]]] = {one: [] for one in self._item_ids}
        self.num_asked = 0
        self.faults: list[str] = []
        """What an answer said otherwise than it must."""

    def standing(self, item_id: str) -> str | None:
        """Return the id of the label that counts."""
        return self.labels[item_id][-1][0] if self.labels[item_id] else None

    def step(self) -> None:
        """Do one thing in one tab and compare its answer with what must come of it."""
        tab = self._rng.choice(self._tabs)
        item_id = self._rng.choice(self._item_ids)
        what = self._rng.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
        if what == "label":
            self._label(tab, item_id)
        elif what == "undo" and tab.saved:
            self._undo(tab)
        elif what == "skip":
            self._expect("skip", tab.post("skip", item_id=item_id), "stored")
        else:
            tab.cards[item_id] = tab.read(item_id)

    def _label(self, tab: Tab, item_id: str) -> None:
        """Save: stored over what the tab showed; else the tab is told what stands, and asked."""
        label, shown = self._rng.choice(LABELS), tab.cards[item_id]["replaces"]
        judgement_id, answer = tab.save(item_id, label, shown)
        if shown != self.standing(item_id):
            self.num_asked += 1
            self._expect("a label over another than was shown", answer, "conflict")
            standing = (answer.get("standing") or {}).get("annotation_id")
            if standing != self.standing(item_id):
                self.faults.append(f"{item_id}: told that {standing} stands")
            if self._rng.random() < 0.5:  # keep what is stored
                return
            judgement_id, answer = tab.save(item_id, label, standing)
        if self._expect("a label over what was shown", answer, "stored"):
            self.labels[item_id].append((judgement_id, label))
            tab.saved.append((judgement_id, item_id))
        tab.cards[item_id] = tab.read(item_id)

    def _undo(self, tab: Tab) -> None:
        """Take back what the tab saved last: only where that is what stands."""
        judgement_id, item_id = tab.saved.pop()
        answer = tab.post("undo", judgement_id=judgement_id, item_id=item_id)
        if judgement_id == self.standing(item_id):
            if self._expect("undo of what stands", answer, "undone"):
                self.labels[item_id].pop()
                tab.cards[item_id] = answer["card"]
        else:
            self._expect("undo of what stands no longer", answer, "conflict", "refused")

    def _expect(self, what: str, answer: dict[str, Any], *statuses: str) -> bool:
        if answer["status"] not in statuses:
            self.faults.append(f"{what}: {answer['status']} {answer.get('error', '')}")
        return answer["status"] in statuses
