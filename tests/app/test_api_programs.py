"""The routes for programs, with a token made by an admin."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from db.connection import Database
from db.people.program_tokens import add_token, list_tokens, revoke_token
from db.people.sign_in import add_person
from db.records import Role
from db.review.annotations import list_annotations
from db.review.item_list import ReviewFilter
from db.review.queues import QueueSettings, add_queue
from db.viewer import EVERYTHING
from streamlit_app.api.application import make_api


class Program:
    """A program that sends requests with its token."""

    def __init__(self, client: TestClient, token: str) -> None:
        self.client = client
        self.head = {"Authorization": f"Bearer {token}"}

    def get(self, path: str, **asked: str) -> tuple[int, Any]:
        """Return code and answer of a GET."""
        answer = self.client.get(path, params=asked, headers=self.head)
        return answer.status_code, answer.json()

    def label(self, item_id: str, label: str, **more: Any) -> tuple[int, Any]:
        """Return code and answer of a label."""
        sent = {"judgement_id": str(uuid.uuid4()), "judgement": {"labels": [label]}, **more}
        answer = self.client.post(f"/items/{item_id}/judgements", json=sent, headers=self.head)
        return answer.status_code, answer.json()


@pytest.fixture
def program(filled_store: Database) -> Iterator[Program]:
    """Return a program with the role of a reviewer."""
    with filled_store.transaction() as cur:
        token = add_token(cur, "Labeller")
    with TestClient(make_api()) as client:
        yield Program(client, token)


def make_queue(store: Database, mode: str = "open") -> str:
    """Make a queue of all items and return its id."""
    settings = QueueSettings("All", ReviewFilter(run_id="newer"), mode=mode)  # type: ignore[arg-type]
    with store.transaction() as cur:
        admin = add_person(cur, "Ada", role="admin").reviewer_id
        return add_queue(cur, settings, queue_id="all", created_by=admin).queue_id


def test_a_program_reads_queues_and_progress_and_labels_an_item_once(
    program: Program, filled_store: Database
) -> None:
    queue_id = make_queue(filled_store)
    code, queues = program.get("/queues")
    assert (code, [queue["name"] for queue in queues]) == (200, ["All"])
    assert program.get(f"/queues/{queue_id}")[1] == queues[0]
    code, item = program.get("/items/q-1", queue_id=queue_id)
    assert (code, item["answer"], item["gold_label"]) == (200, "Yes, it does.", "no")
    same = {"queue_id": queue_id, "judgement_id": str(uuid.uuid4())}
    for _ in range(2):
        code, answer = program.label("q-1", "maybe", **same)
        assert (code, answer["labels"]) == (200, ["maybe"])
    assert program.label("q-1", "yes", queue_id=queue_id)[0] == 409
    assert program.label("q-1", "yes", queue_id=queue_id, replaces=same["judgement_id"])[0] == 200
    code, progress = program.get(f"/queues/{queue_id}/progress")
    assert (code, [one["num_done"] for one in progress]) == (200, [1, 1])
    history = list_annotations(filled_store.cursor(), "q-1", EVERYTHING)
    assert [one.judgement.label for one in history] == ["maybe", "yes"]
    assert not any(one.encounter.is_fast for one in history)


def test_of_a_blind_queue_a_program_sees_nothing_hidden_before_its_label(
    program: Program, filled_store: Database
) -> None:
    queue_id = make_queue(filled_store, "blind")
    assert program.get("/items/q-1")[0] == 403
    code, item = program.get("/items/q-1", queue_id=queue_id)
    assert (code, item["is_hidden"], item["answer"], item["gold_label"]) == (200, True, None, None)
    code, answer = program.label("q-1", "yes", queue_id=queue_id)
    assert (code, answer["phase"]) == (200, "blind")
    code, item = program.get("/items/q-1", queue_id=queue_id)
    assert (code, item["answer"], item["gold_label"]) == (200, "Yes, it does.", "yes")


@pytest.mark.parametrize(("role", "code"), [("engineer", 403), ("adjudicator", 200)])
def test_a_program_may_do_what_its_role_permits(
    program: Program, filled_store: Database, role: Role, code: int
) -> None:
    with filled_store.transaction() as cur:
        add_token(cur, "Labeller", role=role)
    assert program.get("/items/q-1")[0] == 200
    assert program.label("q-1", "yes")[0] == code


def test_a_revoked_token_is_that_of_a_stranger_from_then_on(
    program: Program, filled_store: Database
) -> None:
    assert program.get("/queues")[0] == 200
    with filled_store.transaction() as cur:
        revoke_token(cur, list_tokens(cur)[0].token_id)
    assert program.get("/queues")[0] == 401
    assert program.label("q-1", "yes")[0] == 401


def test_what_does_not_exist_is_missing(program: Program) -> None:
    assert program.get("/queues/none")[0] == 404
    assert program.get("/items/none")[0] == 404
    assert program.label("none", "yes")[0] == 404
    assert program.label("q-1", "yes", queue_id="none")[0] == 404
