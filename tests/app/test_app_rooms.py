"""Rooms: who finds which, their parts, former addresses, and Home."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

import streamlit_app
from db.connection import Database
from db.content.items import count_by_label
from db.paths import runs_dir
from db.people.sign_in import add_person, sign_in_by_name
from db.records import Role
from db.retraining.readiness import ReadinessCount
from db.retraining.training_runs import add_training_run, add_training_state
from db.viewer import EVERYTHING
from streamlit_app.api.unknown_page import Unknown
from streamlit_app.logic.home_figures import find_due
from streamlit_app.server.moved import MOVED, Moved
from streamlit_app.session.rooms import ROOMS_OF, Room
from tests.support.annotations import annotate
from tests.support.pages import OpenPage, go_to, markup_of, notices
from tests.support.records import make_training_run
from training.control.triggers import Readiness, TriggerPolicy
from training.run.run_dir import RunDir

CHIP = "lc_chip"
VIEWS = Path(streamlit_app.__file__).with_name("views")


def add_people(database: Database) -> None:
    with database.transaction() as cur:
        sign_in_by_name(cur, "Chief")
        for role in ("reviewer", "adjudicator", "engineer"):
            add_person(cur, role.title(), role=role)


def test_every_room_has_its_view_and_every_role_its_rooms() -> None:
    rooms = set(get_args(Room))
    assert rooms == {path.stem for path in VIEWS.glob("*.py")} - {"__init__"}
    assert set(ROOMS_OF) == set(get_args(Role))
    assert {room for _, (room, _) in MOVED.items()} <= rooms


def sent_to(path: str, query: str = "") -> str | None:
    """Return where the server sends a browser that asks for an address; None: nowhere."""
    passed: list[Any] = []
    answers: list[Any] = []

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        passed.append(scope)

    async def collect(message: Any) -> None:
        answers.append(message)

    scope = {"type": "http", "method": "GET", "path": path, "query_string": query.encode()}
    asyncio.run(Moved(inner)(scope, None, collect))  # type: ignore[arg-type]
    if passed:
        return None
    return str(dict(answers[0]["headers"])[b"location"].decode())


@pytest.mark.parametrize(
    ("path", "query", "address"),
    [
        ("/browse", "show=reviewed", "items?show=reviewed"),
        ("/lineage", "", "training?part=lineage"),
        ("/errors", "errors_gold=a+%26+b", "quality?errors_gold=a+%26+b&part=errors"),
        ("/", "queue=q&reviewer=Dr.%20Lee", "review?queue=q&reviewer=Dr.+Lee"),
        ("/", "reviewer=Ann", None),
        ("/review", "queue=q", None),
        ("/api/v1/people", "", None),
    ],
)
def test_a_former_address_leads_to_the_one_that_took_its_place(
    path: str, query: str, address: str | None
) -> None:
    assert sent_to(path, query) == address


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/nonsense", 404),
        ("/review/nonsense", 404),
        ("/", 200),
        ("/review", 200),
        ("/api/v1/docs", 200),
        ("/media/report.html", 200),
    ],
)
def test_an_unknown_address_gets_a_page_of_our_own(path: str, code: int) -> None:
    client = TestClient(Unknown(PlainTextResponse("Streamlit", media_type="text/html")))
    answer = client.get(path, headers={"sec-fetch-dest": "document"})
    assert answer.status_code == code
    assert ("No page has this address" in answer.text) is (code == 404)
    assert client.get(path).text == "Streamlit"  # what a script fetches


def test_only_the_chosen_part_is_drawn_and_the_address_says_which(
    filled_store: Database, open_page: OpenPage
) -> None:
    page = open_page("training/models")
    assert not page.exception
    assert page.query_params["part"] == "models"
    assert "training_project" not in [button.key for button in page.button]
    page.segmented_control(key="training_part").set_value("runs").run()
    assert "training_project" in [button.key for button in page.button]
    assert "part" not in page.query_params
    assert open_page("training", part="nonsense").button(key="training_project")


def test_an_empty_store_offers_ways_to_begin_to_who_may_import(
    database: Database, open_page: OpenPage
) -> None:
    add_people(database)
    assert not [b for b in open_page("home", reviewer="Reviewer").button if b.key == "home_demo"]
    page = open_page("home", reviewer="Chief")
    page.button(key="home_demo").click().run()
    assert not page.exception
    assert sum(count_by_label(database.cursor(), EVERYTHING).values()) > 100
    assert "answered items have no review" in markup_of(page)


def test_home_counts_how_far_the_items_are_and_offers_what_waits(
    filled_store: Database, open_page: OpenPage
) -> None:
    add_people(filled_store)
    with filled_store.transaction() as cur:
        for who, label in (("Reviewer", "yes"), ("Adjudicator", "no")):
            annotate(cur, who, "q-1", label)
        for who in ("Reviewer", "Adjudicator"):
            annotate(cur, who, "q-2", "no")
    page = open_page("home", reviewer="Chief")
    assert not page.exception
    counts = [text.split("<small>")[0].rsplit(">", 1)[1] for text in funnel_lines(page)]
    assert counts[:4] == ["4", "4", "2", "1"]
    assert "Reviewers differ on 1 item." in markup_of(page)
    page.button(key="home_go_0").click().run()
    assert page.query_params["part"] == "adjudicate"


@pytest.mark.parametrize(
    ("policy", "hours", "watched", "share", "said"),
    [
        (TriggerPolicy(), 1, (0, 0), None, "started by a person"),
        (TriggerPolicy(refit_after_each=True), 1, (0, 0), None, "refitted after each correction"),
        (TriggerPolicy(mode="corrections"), 1, (0, 0), 0.5, "25 of 50 adjudicated"),
        (TriggerPolicy(mode="schedule"), 84, (0, 0), 0.5, "84 of 168 hours"),
        (TriggerPolicy(mode="schedule"), 200, (0, 0), 1.0, "with the next correction"),
        (TriggerPolicy(mode="schedule"), None, (0, 0), None, "with the next correction"),
        (TriggerPolicy(mode="errors"), 1, (0, 0), None, "has no data yet"),
        (TriggerPolicy(mode="errors"), 1, (200, 30), 1.0, "above 15 % by more than chance"),
    ],
)
def test_home_says_when_the_next_run_starts(
    policy: TriggerPolicy,
    hours: float | None,
    watched: tuple[int, int],
    share: float | None,
    said: str,
) -> None:
    now = datetime.now(UTC)
    since = None if hours is None else now - timedelta(hours=hours)
    counts = ReadinessCount(30, 25, 0, 0, 0, *watched, *watched)
    due = find_due(policy, Readiness(since, counts, 0.1), now)
    assert said in due.words
    assert due.share == (None if share is None else pytest.approx(share))


def funnel_lines(page: AppTest) -> list[str]:
    """Return the markup of each line of the funnel."""
    (funnel,) = (html.value for html in page.html if "lc-funnel" in html.value[:30])
    return funnel.split("</li>")[:-1]


def test_a_reviewer_sees_her_own_work_and_no_figures_of_the_model(
    filled_store: Database, open_page: OpenPage
) -> None:
    add_people(filled_store)
    with filled_store.transaction() as cur:
        annotate(cur, "Reviewer", "q-1", "yes")
    page = open_page("home", reviewer="Reviewer")
    assert not page.exception
    assert "Your work so far" in markup_of(page)
    assert "lc-funnel" not in markup_of(page).replace("ol.lc-funnel", "").split("</style>")[-1]
    assert not notices(go_to(page, "guidelines", reviewer="Reviewer"))


def test_every_page_shows_the_run_that_is_going_on(
    filled_store: Database, open_page: OpenPage
) -> None:
    assert CHIP not in {button.key for button in open_page("review").button}
    run_dir = RunDir.create(runs_dir(), "smoke", datetime.now(UTC))
    with filled_store.transaction() as cur:
        add_training_run(cur, make_training_run(run_dir.run_id, state="running"))
    for room in get_args(Room):
        assert open_page(room).button(key=CHIP).label == "Waiting"
    run_dir.update_status(state="running", step=3, num_steps=12)
    test = open_page("review")
    assert test.button(key=CHIP).label == "Running, 25 %"
    with filled_store.transaction() as cur:
        add_training_state(cur, run_dir.run_id, "succeeded")
    assert CHIP not in {button.key for button in test.run().button}
