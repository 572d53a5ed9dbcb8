"""The desk's routes over a real store: each save once, against what stands, for its own item."""

from __future__ import annotations

import json
import os
import re
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from db.connection import Database
from db.content.item_versions import correct_item
from db.content.items import get_item
from db.conversions import utc_now
from db.people.sign_in import add_person, change_person
from db.review import reservations
from db.review.annotations import list_annotations
from db.review.drafts import find_draft
from db.review.item_list import ReviewFilter
from db.review.queue_changes import close_queue
from db.review.queues import Queue, QueueSettings, add_queue
from db.viewer import EVERYTHING
from streamlit_app.api.application import make_api
from streamlit_app.server import desk, tokens
from streamlit_app.server.tokens import Sitting, mint_presented, mint_sitting
from tests.support.full_disk import full_disk

CANARIES = ("Yes, it does.", "It did not help.", "newer", "lc-verdict-table")
"""What the model, the gold label and the run say of q-1."""


class Desk:
    """A person at a desk: the requests that the script in the browser sends."""

    def __init__(self, client: TestClient, sitting: Sitting) -> None:
        self.client = client
        self.sitting = sitting
        self.head = {"Authorization": f"Bearer {mint_sitting(sitting)}"}

    def ask(self, path: str, **asked: Any) -> dict[str, Any]:
        """Return the answer to a GET that must succeed."""
        answer = self.client.get(f"/api/v1/desk/{path}", params=asked, headers=self.head)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def post(self, path: str, sent: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Return code and answer of a POST."""
        answer = self.client.post(f"/api/v1/desk/{path}", json=sent, headers=self.head)
        return answer.status_code, answer.json()

    def cards(self, n: int = 5, *have: str) -> list[dict[str, Any]]:
        """Return the next items."""
        found: list[dict[str, Any]] = self.ask("next", n=n, have=list(have))["cards"]
        return found

    def save(self, card: dict[str, Any], label: str, **changes: Any) -> tuple[int, dict[str, Any]]:
        """Press Save on a card."""
        return self.post("judgements", {**press(card, label), **changes})


def press(card: dict[str, Any], label: str, **judgement: Any) -> dict[str, Any]:
    """Return what a press of Save sends."""
    return {
        "judgement_id": str(uuid.uuid4()),
        "presentation_id": card["presentation_id"],
        "item_id": card["item_id"],
        "replaces": card["replaces"],
        "judgement": {"labels": [label], **judgement},
        "pressed_at": 1000 * time.time(),
        "seen_ms": 4000,
    }


@pytest.fixture
def client(database: Database) -> Iterator[TestClient]:
    """Return a client of the routes, mounted as the app mounts them."""
    del database
    with TestClient(Starlette(routes=[Mount("/api/v1", make_api())])) as found:
        yield found


@pytest.fixture
def people(filled_store: Database) -> dict[str, str]:
    """Return the ids of an admin and two reviewers, by name."""
    roles = {"Ada": "admin", "Ann": "reviewer", "Bob": "reviewer"}
    with filled_store.transaction() as cur:
        return {
            name: add_person(cur, name, role=role).reviewer_id  # type: ignore[arg-type]
            for name, role in roles.items()
        }


@pytest.fixture
def at_desk(client: TestClient, people: dict[str, str]) -> Callable[..., Desk]:
    """Return the function that seats a person, with the run that answered all items."""

    def seat(who: str = "Ann", **more: Any) -> Desk:
        return Desk(client, Sitting(people[who], **{"run_id": "newer", **more}))

    return seat


@pytest.fixture
def make_queue(filled_store: Database, people: dict[str, str]) -> Callable[..., Queue]:
    """Return the function that makes a queue of all items."""

    def make(**settings: Any) -> Queue:
        name = f"Queue {uuid.uuid4()}"
        wanted = QueueSettings(name, ReviewFilter(run_id="newer"), **settings)
        with filled_store.transaction() as cur:
            return add_queue(cur, wanted, queue_id=name, created_by=people["Ada"])

    return make


def stored(store: Database, item_id: str = "q-1") -> list[tuple[str, str | None]]:
    """Return action and label of every annotation on an item, oldest first."""
    history = list_annotations(store.cursor(), item_id, EVERYTHING)
    return [(one.action, one.judgement.label) for one in history]


# --- next items


def test_the_next_items_come_in_order_with_all_that_the_page_draws(
    at_desk: Callable[..., Desk],
) -> None:
    ann = at_desk()
    first, second = ann.cards(2)
    assert (first["item_id"], second["item_id"]) == ("q-1", "q-2")
    assert (first["phase"], first["replaces"], first["held_until"]) == ("open", None, None)
    assert [button["label"] for button in first["labels"]] == ["yes", "no", "maybe"]
    assert "Does drug 1 help?" in first["fragments"]["item"]
    assert "it does." in first["fragments"]["answer"]
    assert first["details"]["answer"] == "Yes, it does."
    (third,) = ann.ask("next", n=1, after="q-2", have=["q-1", "q-2"])["cards"]
    assert third["item_id"] == "q-3"


@pytest.mark.parametrize("num_reviewers", [1, 2])
def test_no_item_is_given_to_more_people_than_the_queue_asks_for(
    at_desk: Callable[..., Desk], make_queue: Callable[..., Queue], num_reviewers: int
) -> None:
    queue = make_queue(num_reviewers=num_reviewers)
    given = [
        card["item_id"]
        for who in ("Ann", "Bob", "Ada")
        for card in at_desk(who, queue_id=queue.queue_id).cards(2)
    ]
    assert len(given) >= 4
    assert max(given.count(item_id) for item_id in given) == num_reviewers


def test_what_is_held_ahead_is_given_to_others_when_left_or_expired(
    at_desk: Callable[..., Desk],
    make_queue: Callable[..., Queue],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    queue_id = make_queue().queue_id
    ann, bob = at_desk("Ann", queue_id=queue_id), at_desk("Bob", queue_id=queue_id)
    held = [card["item_id"] for card in ann.cards(4)]
    assert bob.cards(4) == []
    assert ann.post("leave", {"item_ids": held[1:]})[0] == 200
    assert [card["item_id"] for card in bob.cards(4)] == held[1:]
    later = utc_now() + reservations.RESERVATION + timedelta(seconds=1)
    monkeypatch.setattr(reservations, "utc_now", lambda: later)
    assert [card["item_id"] for card in bob.cards(1, *held[1:])] == held[:1]


def test_a_late_save_of_an_item_that_another_person_has_by_now_is_kept(
    at_desk: Callable[..., Desk],
    make_queue: Callable[..., Queue],
    filled_store: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    queue_id = make_queue().queue_id
    ann, bob = at_desk("Ann", queue_id=queue_id), at_desk("Bob", queue_id=queue_id)
    (card,) = ann.cards(1)
    later = utc_now() + reservations.RESERVATION + timedelta(seconds=1)
    monkeypatch.setattr(reservations, "utc_now", lambda: later)
    (same,) = bob.cards(1)
    assert same["item_id"] == card["item_id"]
    assert [ann.save(card, "no")[0], bob.save(same, "yes")[0]] == [200, 200]
    assert sorted(label or "" for _, label in stored(filled_store)) == ["no", "yes"]


def test_the_end_states_why_nothing_further_is_open(
    at_desk: Callable[..., Desk], make_queue: Callable[..., Queue]
) -> None:
    queue_id = make_queue().queue_id
    ann, bob = at_desk("Ann", queue_id=queue_id), at_desk("Bob", queue_id=queue_id)
    cards = ann.cards(4)
    assert "4 items are reserved by other reviewers" in bob.ask("next")["end"]
    for card in cards:
        assert ann.save(card, card["labels"][0]["label"])[0] == 200
    end = ann.ask("next")["end"]
    assert "every item" in end
    assert ann.ask("next")["progress"]["done"] == 4
    end = ann.ask("day", since=0)["html"]
    assert "What you did today" in end and "4 items" in end
    assert "3 of 4: 75.0 % (95 % interval 30.1 % to 95.4 %)" in end
    tomorrow = 1000 * (time.time() + 86_400)
    assert "What you did today" not in ann.ask("day", since=tomorrow)["html"]


# --- saves


def test_a_save_sent_twice_is_stored_once_and_answered_alike(
    at_desk: Callable[..., Desk], filled_store: Database
) -> None:
    ann = at_desk()
    sent = press(ann.cards(1)[0], "no", note="Not seen", severity="minor")
    answers = [ann.post("judgements", sent) for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    code, answer = answers[0]
    assert (code, answer["status"], answer["progress"]["done"]) == (200, "stored", 1)
    assert stored(filled_store) == [("label", "no")]
    (kept,) = list_annotations(filled_store.cursor(), "q-1", EVERYTHING)
    assert (kept.annotation_id, kept.judgement.note) == (sent["judgement_id"], "Not seen")
    assert kept.old_answer == "Yes, it does."


def test_the_id_of_a_save_is_for_no_other_judgement_or_item(
    at_desk: Callable[..., Desk], filled_store: Database
) -> None:
    ann, bob = at_desk(), at_desk("Bob")
    first, second = ann.cards(2)
    sent = press(first, "no")
    assert ann.post("judgements", sent)[0] == 200
    other = {**sent, "judgement": {"labels": ["yes"]}}
    elsewhere = {**press(second, "no"), "judgement_id": sent["judgement_id"]}
    theirs = {**press(bob.cards(1)[0], "no"), "judgement_id": sent["judgement_id"]}
    for who, wrong in ((ann, other), (ann, elsewhere), (bob, theirs)):
        code, answer = who.post("judgements", wrong)
        assert (code, answer["status"]) == (409, "refused"), answer
    assert stored(filled_store) == [("label", "no")]
    assert stored(filled_store, "q-2") == []


def test_a_second_tab_replaces_nothing_without_being_asked(
    at_desk: Callable[..., Desk], filled_store: Database
) -> None:
    tab, other = at_desk(), at_desk()
    (old,), (card,) = tab.cards(1), other.cards(1)
    assert other.save(card, "no")[0] == 200
    code, answer = tab.save(old, "yes")
    assert (code, answer["status"]) == (409, "conflict")
    assert answer["standing"]["labels"] == ["no"]
    assert stored(filled_store) == [("label", "no")]
    code, _ = tab.save(old, "yes", replaces=answer["standing"]["annotation_id"])
    assert code == 200
    assert stored(filled_store) == [("label", "no"), ("label", "yes")]


@pytest.mark.parametrize("change", ["access", "role", "closed", "others"])
def test_a_save_that_is_no_longer_allowed_is_refused_with_the_reason_and_stored_never(
    at_desk: Callable[..., Desk],
    make_queue: Callable[..., Queue],
    people: dict[str, str],
    filled_store: Database,
    change: str,
) -> None:
    queue = make_queue()
    ann = at_desk(queue_id=queue.queue_id)
    first, second = ann.cards(2)
    assert ann.save(first, "no")[0] == 200
    with filled_store.transaction() as cur:
        if change == "closed":
            close_queue(cur, queue.queue_id, people["Ada"])
        elif change == "others":
            cur.execute("update queue set reviewer_ids = [?]", [people["Bob"]])
        else:
            role = "none" if change == "access" else "engineer"
            change_person(cur, people["Ann"], role=role)  # type: ignore[arg-type]
    for path, sent in (
        ("judgements", press(second, "yes")),
        ("judgements", press(second, "yes")),
    ):
        code, answer = ann.post(path, sent)
        assert (code, answer["status"]) == (403, "refused"), answer
        assert (
            "is closed" in answer["error"]
            or "may not" in answer["error"]
            or ("open to other reviewers" in answer["error"])
        )
    answer = ann.client.get("/api/v1/desk/next", headers=ann.head)
    assert answer.status_code == 403
    assert stored(filled_store, "q-2") == []


def test_access_given_back_stores_what_was_refused(
    at_desk: Callable[..., Desk], people: dict[str, str], filled_store: Database
) -> None:
    ann = at_desk()
    sent = press(ann.cards(1)[0], "no")
    for role, code in (("none", 403), ("reviewer", 200)):
        with filled_store.transaction() as cur:
            change_person(cur, people["Ann"], role=role)  # type: ignore[arg-type]
        assert ann.post("judgements", sent)[0] == code
    assert stored(filled_store) == [("label", "no")]


def test_a_label_of_a_version_with_another_sense_is_refused(
    at_desk: Callable[..., Desk], people: dict[str, str], filled_store: Database
) -> None:
    ann = at_desk()
    (card,) = ann.cards(1)
    for changes_sense, code in ((False, 200), (True, 409)):
        with filled_store.transaction() as cur:
            before = get_item(cur, "q-1", EVERYTHING)
            corrected = replace(before, question=f"Does it help, {changes_sense}?")
            correct_item(
                cur,
                corrected,
                reviewer_id=people["Ada"],
                reason="A slip",
                changes_sense=changes_sense,
            )
        found, answer = ann.save(card, "no")
        assert found == code, answer
        if code == 200:
            (card,) = (ann.ask("cards/q-1"),)
            assert card["item_version"] == 2
    assert "corrected since" in answer["error"]


def test_a_store_that_cannot_be_written_asks_for_the_same_save_again(
    at_desk: Callable[..., Desk], filled_store: Database
) -> None:
    ann = at_desk()
    sent = press(ann.cards(1)[0], "no")
    with full_disk():
        code, answer = ann.post("judgements", sent)
    assert (code, answer["status"]) == (503, "unavailable")
    assert ann.post("judgements", sent)[0] == 200
    assert stored(filled_store) == [("label", "no")]


def test_a_save_goes_through_after_the_server_was_started_again(
    at_desk: Callable[..., Desk], filled_store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = at_desk()
    (card,) = ann.cards(1)
    monkeypatch.setattr(desk, "_WORKLISTS", desk._Worklists())
    tokens._signer_of.cache_clear()
    assert ann.save(card, "no")[0] == 200
    assert stored(filled_store) == [("label", "no")]


@pytest.mark.parametrize(
    "changed",
    [
        {"presentation_id": "nothing"},
        {"item_id": "q-2"},
        {"judgement": {"labels": ["A"]}},
        {"judgement": {"labels": []}},
        {"judgement": {"labels": ["yes"], "span": {"text": "answer", "start": 5, "end": 2}}},
        {"judgement_id": "no-uuid"},
        {"seen_ms": -1},
        {"pressed_at": "now"},
        {"more": 1},
    ],
)
def test_a_body_that_does_not_fit_stores_nothing(
    at_desk: Callable[..., Desk], filled_store: Database, changed: dict[str, Any]
) -> None:
    ann = at_desk()
    (card,) = ann.cards(1)
    code, answer = ann.post("judgements", {**press(card, "no"), **changed})
    assert code in (409, 422), answer
    assert answer["error"]
    assert stored(filled_store) == []


def test_a_presentation_for_another_person_is_refused(
    at_desk: Callable[..., Desk], filled_store: Database
) -> None:
    ann, bob = at_desk(), at_desk("Bob")
    (card,) = bob.cards(1)
    code, answer = ann.save(card, "no")
    assert (code, answer["status"]) == (403, "refused")
    assert stored(filled_store) == []


def test_the_time_on_screen_is_no_longer_than_since_the_item_was_served(
    at_desk: Callable[..., Desk], filled_store: Database
) -> None:
    ann = at_desk()
    (card,) = ann.cards(1)
    code, answer = ann.save(card, "no", seen_ms=3_600_000)
    assert (code, answer["is_fast"]) == (200, True)
    (kept,) = list_annotations(filled_store.cursor(), "q-1", EVERYTHING)
    assert kept.encounter.duration_seconds is not None
    assert kept.encounter.duration_seconds < 600
    assert kept.encounter.client_at is not None


def test_an_answer_that_was_not_changed_is_no_correction(
    at_desk: Callable[..., Desk], filled_store: Database
) -> None:
    ann = at_desk()
    first, second = ann.cards(2)
    for card, text in ((first, "Yes, it does.\r\n"), (second, "Perhaps.")):
        judgement = {"labels": ["no"], "answer": text}
        assert ann.save(card, "no", judgement=judgement)[0] == 200
    answers = [
        list_annotations(filled_store.cursor(), item_id, EVERYTHING)[0].judgement.answer
        for item_id in ("q-1", "q-2")
    ]
    assert answers == [None, "Perhaps."]


# --- blind first


def test_a_blind_card_holds_nothing_hidden_and_the_reveal_comes_once_the_label_is_stored(
    at_desk: Callable[..., Desk], make_queue: Callable[..., Queue], filled_store: Database
) -> None:
    ann = at_desk(queue_id=make_queue(mode="blind").queue_id)
    (card,) = ann.cards(1)
    assert card["phase"] == "blind"
    for text in (json.dumps(card), json.dumps(ann.ask(f"cards/{card['item_id']}", whole=True))):
        assert not [canary for canary in CANARIES if canary in text]
    sent = press(card, "no")
    code, answer = ann.post("judgements", sent)
    reveal = answer["reveal"]
    assert (code, reveal["phase"], reveal["replaces"]) == (200, "revealed", sent["judgement_id"])
    assert "it does." in reveal["fragments"]["answer"]
    assert answer["progress"]["done"] == 0
    again = ann.post("judgements", sent)[1]
    assert again["reveal"]["fragments"] == reveal["fragments"]
    code, answer = ann.save(reveal, "yes")
    assert (code, answer["progress"]["done"]) == (200, 1)
    phases = [
        one.encounter.phase
        for one in list_annotations(filled_store.cursor(), card["item_id"], EVERYTHING)
    ]
    assert phases == ["blind", "revealed"]


def test_no_label_is_stored_as_blind_after_the_reveal(
    at_desk: Callable[..., Desk], make_queue: Callable[..., Queue], filled_store: Database
) -> None:
    ann = at_desk(queue_id=make_queue(mode="blind").queue_id)
    (card,) = ann.cards(1)
    sent = press(card, "no")
    assert ann.post("judgements", sent)[0] == 200
    code, answer = ann.save(card, "yes", replaces=sent["judgement_id"])
    assert (code, answer["status"]) == (409, "conflict")
    assert stored(filled_store) == [("label", "no")]


def test_an_item_that_waits_in_a_blind_queue_is_withheld_elsewhere(
    at_desk: Callable[..., Desk], make_queue: Callable[..., Queue]
) -> None:
    ann = at_desk()
    queue = make_queue(mode="blind")
    answer = ann.client.get("/api/v1/desk/cards/q-1", headers=ann.head)
    assert (answer.status_code, answer.json()["status"]) == (403, "withheld")
    assert answer.json()["queue_id"] == queue.queue_id
    assert not [canary for canary in CANARIES if canary in answer.text]
    assert ann.cards(5) == []


# --- undo, skip, flag, draft, neighbours


def test_undo_takes_back_what_it_names_or_reports_that_it_no_longer_stands(
    at_desk: Callable[..., Desk], filled_store: Database
) -> None:
    tab, other = at_desk(), at_desk()
    first = press(tab.cards(1)[0], "no")
    assert tab.post("judgements", first)[0] == 200
    named = {"judgement_id": first["judgement_id"], "item_id": "q-1"}
    second = press(other.ask("cards/q-1"), "yes")
    assert other.post("judgements", second)[0] == 200
    code, answer = tab.post("undo", named)
    assert (code, answer["status"], answer["standing"]["labels"]) == (409, "conflict", ["yes"])
    latest = {"judgement_id": second["judgement_id"], "item_id": "q-1"}
    for _ in range(2):
        code, answer = other.post("undo", latest)
        assert (code, answer["card"]["replaces"]) == (200, first["judgement_id"])
    code, answer = tab.post("undo", named)
    assert (code, answer["card"]["replaces"], answer["progress"]["done"]) == (200, None, 0)
    assert [action for action, _ in stored(filled_store)] == [
        *("label", "label", "retract", "retract"),
    ]
    unknown = {"judgement_id": str(uuid.uuid4()), "item_id": "q-1"}
    assert tab.post("undo", unknown)[0] == 409


def test_what_was_skipped_comes_again_once_nothing_else_is_open(
    at_desk: Callable[..., Desk], make_queue: Callable[..., Queue]
) -> None:
    for more in ({}, {"queue_id": make_queue().queue_id}):
        ann = at_desk("Ann", **more)
        first = ann.cards(1)[0]["item_id"]
        assert ann.post("skip", {"item_id": first, "pressed_at": 1e12})[0] == 200
        order = [card["item_id"] for card in ann.cards(5)]
        assert order == [*("q-2", "q-3", "v-1"), first]


def test_a_flag_is_kept_with_the_next_label(
    at_desk: Callable[..., Desk], filled_store: Database
) -> None:
    ann = at_desk()
    sent = {"item_id": "q-1", "is_flagged": True}
    assert [ann.post("flag", sent)[0] for _ in range(2)] == [200, 200]
    (card,) = ann.cards(1)
    assert card["is_flagged"]
    assert ann.save(card, "no")[0] == 200
    assert list_annotations(filled_store.cursor(), "q-1", EVERYTHING)[0].judgement.is_flagged


def test_a_draft_is_where_the_form_starts_until_the_item_is_saved(
    at_desk: Callable[..., Desk], people: dict[str, str], filled_store: Database
) -> None:
    ann = at_desk()
    (card,) = ann.cards(1)
    fields = {"label": "no", "note": "an emoji \\ud83d cut", "verdicts": ["model_wrong"]}
    fields["span"] = {"text": "answer", "start": 0, "end": 3}  # type: ignore[assignment]
    draft = {"presentation_id": card["presentation_id"], "item_id": "q-1", "fields": fields}
    raw = json.dumps(draft).replace("\\\\ud83d", "\\ud83d")
    head = {**ann.head, "Content-Type": "application/json"}
    assert ann.client.post("/api/v1/desk/drafts", content=raw, headers=head).status_code == 200
    start = ann.cards(1)[0]["start"]
    assert (start["label"], start["note"]) == ("no", "an emoji \ufffd cut")
    assert (start["span"]["end"], start["verdicts"]) == (3, ["model_wrong"])
    assert ann.save(card, "no")[0] == 200
    assert find_draft(filled_store.cursor(), "q-1", people["Ann"], "open") is None
    code, answer = ann.post("drafts", draft)
    assert (code, answer["status"]) == (409, "conflict")
    assert find_draft(filled_store.cursor(), "q-1", people["Ann"], "open") is None


def test_neighbours_are_found_and_none_is_past_an_end(
    at_desk: Callable[..., Desk], make_queue: Callable[..., Queue]
) -> None:
    for more in ({}, {"queue_id": make_queue().queue_id}):
        ann = at_desk("Ann", **more)
        ann.cards(1)
        asked = [("q-1", 1), ("q-2", -1), ("q-1", -1), ("v-1", 1)]
        found = [ann.ask("neighbour", item=item, step=step)["item_id"] for item, step in asked]
        assert found == ["q-2", "q-1", None, None]


def test_items_that_came_into_sight_are_recorded(
    at_desk: Callable[..., Desk], filled_store: Database
) -> None:
    ann = at_desk()
    sights = [
        {"presentation_id": card["presentation_id"], "at": 1e12 + number}
        for number, card in enumerate(ann.cards(3))
    ]
    assert ann.post("opened", {"opened": sights})[0] == 200
    query = "select action, item_id, phase from review_event order by event_number"
    rows = filled_store.cursor().execute(query).fetchall()
    assert rows == [("open", item_id, "open") for item_id in ("q-1", "q-2", "q-3")]


# --- strangers and hostile bodies


@pytest.mark.parametrize("head", ["", "Bearer", "Bearer x.y", "Basic {}", "Bearer {}x"])
def test_nothing_is_answered_or_read_without_a_token(
    at_desk: Callable[..., Desk], client: TestClient, head: str
) -> None:
    token = mint_sitting(at_desk().sitting)
    headers = {"Authorization": head.format(token)}

    def body() -> Iterator[bytes]:
        raise AssertionError("The body of a stranger was read.")
        yield b""

    assert client.get("/api/v1/desk/next", headers=headers).status_code == 401
    answer = client.post("/api/v1/desk/judgements", content=b"{", headers=headers)
    assert (answer.status_code, answer.json()["status"]) == (401, "unauthorised")


def test_a_presentation_is_no_token_and_a_token_no_presentation(
    at_desk: Callable[..., Desk], client: TestClient
) -> None:
    ann = at_desk()
    (card,) = ann.cards(1)
    head = {"Authorization": f"Bearer {card['presentation_id']}"}
    assert client.get("/api/v1/desk/next", headers=head).status_code == 401
    token = mint_sitting(ann.sitting)
    assert ann.save(card, "no", presentation_id=token)[0] == 409


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"[" * 100_000, 400),
        (b'{"judgement":' * 70 + b"1" + b"}" * 70, 400),
        (b"[]", 400),
        (b"null", 400),
        (b"\xff\xfe{}", 400),
        (b'{"a": NaN}', 400),
        (b'{"note": "' + b"x" * 3_000_000 + b'"}', 413),
        (b"", 400),
    ],
)
def test_a_hostile_body_is_refused_and_the_next_request_answered(
    at_desk: Callable[..., Desk], body: bytes, code: int
) -> None:
    ann = at_desk()
    head = {**ann.head, "Content-Type": "application/json"}
    answer = ann.client.post("/api/v1/desk/judgements", content=body, headers=head)
    assert (answer.status_code, answer.json()["status"]) == (code, "invalid")
    assert ann.cards(1)


def test_the_routes_describe_themselves(client: TestClient) -> None:
    paths = client.get("/api/v1/openapi.json").json()["paths"]
    assert {"/desk/next", "/desk/judgements", "/desk/undo"} <= set(paths)
    page = client.get("/api/v1/docs/").text
    files = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(files) == 3
    assert all(client.get(f"/api/v1/docs/{file}").status_code == 200 for file in files)


def test_an_unknown_route_is_answered_as_json(at_desk: Callable[..., Desk]) -> None:
    ann = at_desk()
    answer = ann.client.get("/api/v1/nowhere", headers=ann.head)
    assert (answer.status_code, answer.json()["status"]) == (404, "missing")


def test_the_key_is_for_the_owner_alone_and_another_key_makes_other_tokens(
    at_desk: Callable[..., Desk], client: TestClient
) -> None:
    token = mint_sitting(at_desk().sitting)
    path = tokens.key_path()
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_bytes(b"another key of thirty-two bytes.")
    tokens._signer_of.cache_clear()
    head = {"Authorization": f"Bearer {token}"}
    assert client.get("/api/v1/desk/next", headers=head).status_code == 401


def test_pages_opened_at_once_get_one_key_and_a_key_cut_short_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def made_slowly(num_bytes: int) -> bytes:
        time.sleep(0.05)
        return os.urandom(num_bytes)

    monkeypatch.setattr(tokens.secrets, "token_bytes", made_slowly)
    path = tmp_path / "home" / "desk.key"
    for _ in range(2):
        with ThreadPoolExecutor(4) as threads:
            keys = set(threads.map(tokens._read_key, [path] * 4))
        assert keys == {path.read_bytes()}
        assert len(path.read_bytes()) == 32
        assert path.stat().st_mode & 0o777 == 0o600
        path.write_bytes(b"")  # killed before it was written


def test_a_forged_phase_is_no_presentation(
    at_desk: Callable[..., Desk], filled_store: Database
) -> None:
    ann = at_desk()
    (card,) = ann.cards(1)
    presented = tokens.find_presented(card["presentation_id"])
    assert presented is not None
    forged = mint_presented(replace(presented, phase="revealed"))
    head, _, _ = forged.rpartition(".")
    _, _, signature = card["presentation_id"].rpartition(".")
    assert ann.save(card, "no", presentation_id=f"{head}.{signature}")[0] == 409
    assert stored(filled_store) == []


def test_a_span_lies_in_the_answer_that_was_shown(
    at_desk: Callable[..., Desk], make_queue: Callable[..., Queue], filled_store: Database
) -> None:
    ann = at_desk()
    (card,) = ann.cards(1)
    length = len(card["details"]["answer"])
    span = {"text": "answer", "start": 0, "end": length + 1}
    code, answer = ann.post("judgements", press(card, "no", span=span))
    assert (code, answer["status"]) == (409, "refused")
    assert f"ends at character {length + 1}" in answer["error"]
    for text, corrected, ok in (("corrected", None, 409), ("corrected", "New.", 200)):
        sent = press(card, "no", answer=corrected, span={"text": text, "start": 0, "end": 4})
        assert ann.post("judgements", sent)[0] == ok
    blind = at_desk(queue_id=make_queue(mode="blind").queue_id)
    (hidden,) = blind.cards(1)
    sent = press(hidden, "no", span={"text": "answer", "start": 0, "end": 1})
    code, answer = blind.post("judgements", sent)
    assert (code, "did not have before them" in answer["error"]) == (409, True)
    assert len(stored(filled_store)) == 1


def test_keys_are_a_persons_own_and_no_two_commands_share_one(
    at_desk: Callable[..., Desk], people: dict[str, str], filled_store: Database
) -> None:
    ann = at_desk()
    assert ann.post("keys", {"keys": {"flag": "z"}})[1]["keys"]["flag"] == "z"
    for keys in ({"flag": "s"}, {"flag": "7"}, {"flag": "Escape"}, {"dance": "d"}):
        code, answer = ann.post("keys", {"keys": keys})
        assert (code, answer["status"]) == (409, "refused")
    assert desk.keys_of(people["Ann"])["flag"] == "z"
    assert desk.keys_of(people["Ada"])["flag"] == "f"
    for stored_keys, flag, skip in (('{"flag": "s"}', "s", "a"), ('{"dance": "d"}', "f", "s")):
        with filled_store.transaction() as cur:  # from before another command had the key; damaged
            cur.execute("update setting set value = $keys", {"keys": stored_keys})
        keys = desk.keys_of(people["Ann"])
        assert (keys["flag"], keys["skip"]) == (flag, skip)
