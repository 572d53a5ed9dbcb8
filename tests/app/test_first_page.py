"""The page of a queue's address: with the first items for whom may work on them, else without."""

from __future__ import annotations

import gzip
import html
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.testclient import TestClient
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from db.connection import Database
from db.people.sign_in import Identity, add_person, change_person, sign_in_by_identity
from db.review.item_list import ReviewFilter
from db.review.queue_changes import close_queue
from db.review.queues import QueueSettings, add_queue
from streamlit_app.api.application import make_api
from streamlit_app.api.first_page import FirstPage
from streamlit_app.server import script_files
from streamlit_app.server.script_files import ScriptFiles
from streamlit_app.session import sign_in
from tests.support.pages import markup_of, open_page

CANARIES = ("Yes, it does.", "It did not help.", "newer", "lc-verdict-table")
VISIT = {"sec-fetch-dest": "document", "sec-fetch-mode": "navigate"}
NOTHING = "passed on"


@pytest.fixture
def client() -> TestClient:
    """Return a client at this machine; what is passed on is answered by one text."""

    async def answer(request: Request) -> Response:
        return PlainTextResponse(NOTHING)

    routes = [Mount("/api/v1", make_api()), Route("/{path:path}", answer)]
    middleware = [Middleware(ScriptFiles), Middleware(FirstPage)]
    app = Starlette(routes=routes, middleware=middleware)
    return TestClient(app, base_url="http://localhost:8501", client=("127.0.0.1", 1))


@pytest.fixture
def people(filled_store: Database) -> dict[str, str]:
    """Return the ids of an admin and a reviewer."""
    with filled_store.transaction() as cur:
        ann = add_person(cur, "Ann", role="reviewer").reviewer_id
        return {"Ann": ann, "Ada": add_person(cur, "Ada", role="admin").reviewer_id}


@pytest.fixture
def make_queue(filled_store: Database, people: dict[str, str]) -> Callable[..., str]:
    """Return a function that makes a queue of all items and returns its id."""

    def make(**settings: Any) -> str:
        wanted = QueueSettings("All", ReviewFilter(run_id="newer"), **settings)
        with filled_store.transaction() as cur:
            return add_queue(cur, wanted, queue_id="all", created_by=people["Ada"]).queue_id

    return make


def config_in(page: str) -> dict[str, Any]:
    found = re.search(r'data-lc-desk="([^"]*)"', page)
    assert found is not None, page[-300:]
    config: dict[str, Any] = json.loads(html.unescape(found[1]))
    return config


def test_a_queues_address_comes_with_its_first_items_and_the_same_desk(
    client: TestClient, make_queue: Callable[..., str]
) -> None:
    queue_id = make_queue()
    page = client.get(f"/review?queue={queue_id}&reviewer=Ann", headers=VISIT)
    assert page.headers["cache-control"] == "no-store"
    assert '<div id="root"></div>' in page.text
    config = config_in(page.text)
    given = [card["item_id"] for card in config["first"]["next"]["cards"]]
    head = {"Authorization": f"Bearer {config['token']}"}
    asked = client.get("/api/v1/desk/next", params={"n": 5, "have": given}, headers=head).json()
    assert len(given) == 2
    assert asked["cards"]
    assert not set(given) & {card["item_id"] for card in asked["cards"]}
    drawn = config_in(markup_of(open_page(queue=queue_id, reviewer="Ann")))
    assert drawn["scope"] == config["scope"]
    for address in re.findall(r'(?:src|href)="(/assets/[^"]*)"', page.text):
        file = client.get(address)
        assert file.headers["content-type"].startswith("text/javascript")
        assert "immutable" in file.headers["cache-control"]

    item_id = asked["cards"][0]["item_id"]
    opened = config_in(
        client.get(f"/review?queue={queue_id}&reviewer=Ann&item={item_id}", headers=VISIT).text
    )["first"]
    assert opened["opened"]["item_id"] == item_id
    assert item_id not in {card["item_id"] for card in opened["next"]["cards"]}


def test_a_blind_queue_brings_nothing_that_is_hidden(
    client: TestClient, make_queue: Callable[..., str]
) -> None:
    page = client.get(f"/review?queue={make_queue(mode='blind')}&reviewer=Ann", headers=VISIT).text
    config = config_in(page)
    assert config["first"]["next"]["cards"][0]["phase"] == "blind"
    assert not [canary for canary in CANARIES if canary in json.dumps(config["first"])]


@pytest.mark.parametrize(
    ("address", "headers"),
    [
        ("/review?queue=all&reviewer=Nobody", VISIT),
        ("/review?queue=none&reviewer=Ann", VISIT),
        ("/review?reviewer=Ann", VISIT),
        ("/browse?queue=all&reviewer=Ann", VISIT),
        ("/review?queue=all&reviewer=Ann", {"sec-fetch-dest": "image"}),
        ("/review?queue=all&reviewer=Ann", {**VISIT, "sec-purpose": "prefetch"}),
        ("/review?queue=all&reviewer=Ann", {**VISIT, "x-forwarded-for": "10.0.0.1"}),
    ],
)
def test_any_other_request_goes_on_as_ever(
    client: TestClient,
    make_queue: Callable[..., str],
    filled_store: Database,
    address: str,
    headers: dict[str, str],
) -> None:
    make_queue()
    assert client.get(address, headers=headers).text == NOTHING
    cur = filled_store.cursor()
    assert cur.execute("select count(*) from reservation").fetchone() == (0,)


def test_who_may_not_work_in_the_queue_gets_none_of_its_items(
    client: TestClient,
    make_queue: Callable[..., str],
    filled_store: Database,
    people: dict[str, str],
) -> None:
    address = f"/review?queue={make_queue()}&reviewer=Ann"
    assert client.get(address, headers=VISIT).text != NOTHING
    with filled_store.transaction() as cur:
        change_person(cur, people["Ann"], role="none", by=people["Ada"])
    assert client.get(address, headers=VISIT).text == NOTHING
    with filled_store.transaction() as cur:
        change_person(cur, people["Ann"], role="reviewer", by=people["Ada"])
        close_queue(cur, "all", people["Ada"])
    assert client.get(address, headers=VISIT).text == NOTHING


@pytest.mark.parametrize(
    ("claims", "signed_as", "is_let_in"),
    [
        ({}, USER_COOKIE_NAME, True),
        ({"sub": "another"}, USER_COOKIE_NAME, False),
        ({"iss": "https://other.example"}, USER_COOKIE_NAME, False),
        ({"origin": "https://other.example"}, USER_COOKIE_NAME, False),
        ({"is_logged_in": False}, USER_COOKIE_NAME, False),
        ({}, "another_cookie", False),
    ],
)
def test_a_sign_in_is_known_by_its_signed_cookie_alone(
    client: TestClient,
    make_queue: Callable[..., str],
    filled_store: Database,
    people: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    claims: dict[str, Any],
    signed_as: str,
    is_let_in: bool,
) -> None:
    ada, address = people["Ada"], f"/review?queue={make_queue()}&reviewer=Ann"
    who = Identity("https://login.example", "lee-7", "Lee", "lee@example.org", True)
    with filled_store.transaction() as cur:
        add_person(cur, "Lee", role="reviewer", email=who.email, issuer=who.issuer, by=ada)
        sign_in_by_identity(cur, who)
    monkeypatch.setattr(sign_in, "has_provider", lambda: True)
    assert client.get(address, headers=VISIT).text == NOTHING, "a name proves nothing"
    origin = "http://localhost:8501"
    told = {"iss": who.issuer, "sub": who.subject, "origin": origin, "is_logged_in": True, **claims}
    cookie = create_signed_value(get_cookie_secret(), signed_as, json.dumps(told)).decode()
    client.cookies.set(USER_COOKIE_NAME, cookie)
    assert (client.get(address, headers=VISIT).text != NOTHING) is is_let_in


def test_scripts_are_sent_whole_compressed_or_not(client: TestClient) -> None:
    address = script_files.address("side_bar.js")
    whole = (script_files.ASSETS / "side_bar.js").read_bytes()
    for accepted in ("gzip, br", "identity"):
        with client.stream("GET", address, headers={"accept-encoding": accepted}) as answer:
            body = b"".join(answer.iter_raw())
            is_packed = answer.headers.get("content-encoding") == "gzip"
        assert is_packed == (accepted != "identity")
        assert (gzip.decompress(body) if is_packed else body) == whole
    assert client.get(address.replace(script_files.edition(), "0" * 16)).text == NOTHING


def test_the_queue_is_sent_to_the_browser_at_each_draw(
    make_queue: Callable[..., str],
) -> None:
    queue_id = make_queue()
    test = open_page(queue=queue_id, reviewer="Ann")
    # A message that is lost leaves the browser with the first option: no queue.
    assert test.selectbox(key="queue").proto.set_value
    scope = config_in(markup_of(test))["scope"]
    test.run()
    assert test.selectbox(key="queue").proto.set_value
    test.selectbox(key="queue").set_value(None).run()
    assert "queue" not in test.query_params
    assert config_in(markup_of(test))["scope"] != scope
