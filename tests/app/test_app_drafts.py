"""Drafts over HTTP: 204 says that the store has the change, and one bad change spoils no other."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route
from starlette.testclient import TestClient

from db.connection import Database
from db.errors import DbError, SaveError
from db.people.reviewers import add_reviewer
from db.people.sign_in import add_person, change_person
from db.review.drafts import find_draft
from db.review.events import ReviewEvent
from streamlit_app.server import bodies, draft_box
from streamlit_app.server.draft_box import BOXES, TOKEN_HEADER, DraftBox, take_draft
from streamlit_app.server.event_log import EventLog
from tests.support.full_disk import full_disk


def actions(store: Database) -> list[str]:
    """Return the actions of the stored events on q-1, oldest first."""
    query = "select action from review_event where item_id = 'q-1' order by event_number"
    return [row[0] for row in store.cursor().execute(query).fetchall()]


@pytest.fixture
def ann(filled_store: Database) -> str:
    """Return a reviewer."""
    return add_reviewer(filled_store.cursor(), "Ann").reviewer_id


@pytest.fixture
def box(filled_store: Database, ann: str) -> Iterator[DraftBox]:
    """A showing of one item to Ann."""
    shown = DraftBox(filled_store, "q-1", ann, "open", ("yes", "no", "maybe"))
    BOXES.put("token", shown)
    yield shown
    BOXES.drop("token")


TOKEN = {TOKEN_HEADER: "token"}


class Browser:
    """Posts as the page's script does, and reads what the store has."""

    def __init__(self, database: Database, reviewer_id: str) -> None:
        self._reviewer_id = reviewer_id
        route = Route("/review/draft", take_draft, methods=["POST"])
        self._client = TestClient(Starlette(routes=[route]), raise_server_exceptions=False)
        self._database = database

    def post(self, **sent: Any) -> tuple[int, str]:
        answer = self._client.post("/review/draft", json=sent, headers=TOKEN)
        return answer.status_code, answer.text

    def post_text(self, body: bytes) -> int:
        return self._client.post("/review/draft", content=body, headers=TOKEN).status_code

    def stored(self) -> dict[str, Any] | None:
        return find_draft(self._database.cursor(), "q-1", self._reviewer_id, "open")


@pytest.fixture
def browser(filled_store: Database, box: DraftBox) -> Browser:
    return Browser(filled_store, box.reviewer_id)


def test_a_change_is_acknowledged_only_once_the_store_has_it(
    filled_store: Database, browser: Browser, ann: str
) -> None:
    assert browser.post(note="first")[0] == 204
    with full_disk():
        answers = [browser.post(note="second") for _ in range(3)]
        answers += [browser.post(label=1)]
    assert [status for status, _ in answers] == [503] * 4
    assert all("Nothing was saved" in text for _, text in answers)
    assert browser.stored() == {"note": "first"}
    assert browser.post(note="second")[0] == 204
    assert browser.post(label=1)[0] == 204
    assert browser.stored() == {"note": "second", "label": "no"}
    filled_store.close()
    again = Database.open(filled_store.path)
    assert find_draft(again.cursor(), "q-1", ann, "open") == {"note": "second", "label": "no"}
    again.close()


def test_a_fault_of_the_program_is_no_acknowledgement_either(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(draft_box, "save_draft", fail)
        assert [browser.post(note="typed")[0] for _ in range(2)] == [500, 500]
    assert browser.post(note="typed")[0] == 204
    assert browser.stored() == {"note": "typed"}


def test_a_draft_that_is_too_long_is_refused_each_time_and_spoils_no_later_one(
    browser: Browser,
) -> None:
    assert browser.post(note="short")[0] == 204
    for _ in range(3):
        status, text = browser.post(note="x" * 300_000)
        assert status == 409
        assert "at most 200,000 are kept" in text
    assert browser.post(label=2)[0] == 204
    assert browser.stored() == {"note": "short", "label": "maybe"}
    assert browser.post(note="shorter")[0] == 204
    assert browser.stored() == {"note": "shorter", "label": "maybe"}


@pytest.mark.parametrize("name", ["note", "answer"])
def test_half_an_emoji_costs_a_draft_that_character_alone(browser: Browser, name: str) -> None:
    body = f'{{"{name}": "before \\ud83d after \\ud83d\\ude00"}}'.encode()
    assert browser.post_text(body) == 204
    assert browser.stored() == {name: "before \ufffd after \U0001f600"}
    assert browser.post_text(body) == 204
    assert browser.post(label=0)[0] == 204
    assert browser.stored() == {name: "before \ufffd after \U0001f600", "label": "yes"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[",
        b"[]",
        b"null",
        b"7",
        b'"text"',
        b"[" * 700_000,
        b'{"a":' * 100_000,
        b'{"note": ' + b"[" * 2_000 + b"]" * 2_000 + b"}",
        b'{"note": {"note": "inside"}}',
        b'{"note": "caf\xe9"}',
        b'{"pressed_at": NaN}',
        b'{"pressed_at": -Infinity}',
        b'{"label": ' + b"9" * 10_000 + b"}",
        b'{"note": "a"} {"note": "b"}',
        b"\xff\xfe{\x00}\x00",
    ],
)
def test_what_is_no_flat_json_object_is_refused_with_the_reason(
    browser: Browser, body: bytes
) -> None:
    assert browser.post_text(body) == 400
    assert browser.stored() is None


class Sender:
    """Sends a body without an end, and counts how much of it is asked for."""

    def __init__(self, headers: dict[str, str]) -> None:
        self.num_bytes = 0
        self.status = 0
        pairs = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        self.scope = {"type": "http", "method": "POST", "path": "/review/draft", "headers": pairs}

    async def receive(self) -> dict[str, Any]:
        self.num_bytes += 65_536
        return {"type": "http.request", "body": b" " * 65_536, "more_body": True}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        self.status = message.get("status", self.status)

    def post(self) -> int:
        async def answer() -> None:
            request = Request(self.scope, self.receive)
            await (await take_draft(request))(self.scope, self.receive, self.send)

        # In a thread of its own: a browser test may have left an event loop in this one.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, answer()).result()
        return self.status


@pytest.mark.parametrize("token", [None, "", "guessed", "TOKEN", "token "])
def test_nothing_is_read_from_a_sender_without_the_token_of_a_page(
    box: DraftBox, token: str | None
) -> None:
    sender = Sender({} if token is None else {TOKEN_HEADER: token})
    assert sender.post() == 404
    assert sender.num_bytes == 0


def test_a_body_without_an_end_is_read_to_the_limit_and_no_further(box: DraftBox) -> None:
    sender = Sender(TOKEN)
    assert sender.post() == 413
    assert sender.num_bytes < 1_000_000


def test_a_body_that_does_not_arrive_is_given_up(
    box: DraftBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = Sender(TOKEN)

    async def never() -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    monkeypatch.setattr(sender, "receive", never)
    monkeypatch.setattr(bodies, "_READING_SECONDS", 0.05)
    assert sender.post() == 408


def test_a_change_that_arrives_while_the_item_is_saved_does_not_bring_the_draft_back(
    browser: Browser, box: DraftBox
) -> None:
    assert browser.post(note="typed")[0] == 204
    answers = []
    late = threading.Thread(target=lambda: answers.append(browser.post(note="typed more")))
    with box.saving() as has_draft:
        assert has_draft
        late.start()
        late.join(0.3)
        assert late.is_alive()  # it waits for the outcome of the save
    late.join()
    assert [status for status, _ in answers] == [404]
    assert browser.stored() == {"note": "typed"}  # what the save itself clears


def test_a_draft_stays_open_where_saving_the_item_failed(browser: Browser, box: DraftBox) -> None:
    with pytest.raises(SaveError), box.saving() as has_draft:
        assert not has_draft
        raise SaveError("The disk is full.")
    assert browser.post(note="typed")[0] == 204
    assert browser.stored() == {"note": "typed"}


def test_events_are_kept_until_the_store_takes_them(filled_store: Database, ann: str) -> None:
    log = EventLog()
    with full_disk():
        log.note(ReviewEvent("open", ann, "q-1"))
        log.flush()
        log.flush()
    assert actions(filled_store) == []
    log.note(ReviewEvent("reveal", ann, "q-1"))
    log.flush()
    assert actions(filled_store) == ["open", "reveal"]
    log.flush()
    assert len(actions(filled_store)) == 2


def test_an_event_that_can_never_be_stored_holds_no_other_up(
    filled_store: Database, monkeypatch: pytest.MonkeyPatch, ann: str
) -> None:
    def fail(*arguments: object) -> None:
        raise DbError("It cannot be stored.")

    log = EventLog()
    with monkeypatch.context() as patch:
        patch.setattr("streamlit_app.server.event_log.add_events", fail)
        log.note(ReviewEvent("open", ann, "q-1"))
        log.flush()
    log.note(ReviewEvent("reveal", ann, "q-1"))
    log.flush()
    assert actions(filled_store) == ["reveal"]


def test_the_events_of_a_person_whose_access_was_taken_away_hold_no_other_up(
    filled_store: Database, ann: str
) -> None:
    with filled_store.transaction() as cur:
        bob = add_person(cur, "Bob", role="reviewer").reviewer_id
        change_person(cur, bob, role="none")
    log = EventLog()
    for who in (bob, ann, "reviewer-unknown"):
        log.note(ReviewEvent("open", who, "q-1"))
    log.flush()
    query = "select reviewer_id from review_event"
    assert filled_store.cursor().execute(query).fetchall() == [(ann,)]
    log.note(ReviewEvent("open", bob, "q-1"))
    log.flush()
    assert len(actions(filled_store)) == 1


def test_a_draft_of_a_person_whose_access_was_taken_away_is_refused(
    filled_store: Database, browser: Browser, ann: str
) -> None:
    assert browser.post(note="before")[0] == 204
    with filled_store.transaction() as cur:
        change_person(cur, ann, role="none")
    status, text = browser.post(note="after")
    assert status == 403
    assert "may not label items" in text
    assert browser.stored() == {"note": "before"}
