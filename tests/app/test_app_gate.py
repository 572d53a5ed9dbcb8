"""The gate before every route: by which name, from which site, and what is closed."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from streamlit_app.server.gate import Gate

OWN, FOREIGN = "localhost:8501", "evil.example"
PATHS = (
    "/",
    "/people",
    "/_stcore/health",
    "/_stcore/host-config",
    "/_stcore/upload_file/a/b",
    "/media/a.csv",
    "/assets/theme.css",
    "/api/v1/desk/drafts",
    "/api/v1/items",
)


@pytest.fixture(scope="module")
def client() -> TestClient:
    async def answer(request: Request) -> Response:
        return PlainTextResponse("answered")

    async def stream(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.close()

    routes = [
        WebSocketRoute("/_stcore/stream", stream),
        Route("/{path:path}", answer, methods=["GET", "POST", "PUT", "DELETE", "OPTIONS"]),
    ]
    return TestClient(Starlette(routes=routes, middleware=[Middleware(Gate)]))


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_no_route_answers_to_another_hosts_name(client: TestClient, method: str, path: str) -> None:
    assert client.request(method, path, headers={"host": OWN}).text == "answered"
    refused = client.request(method, path, headers={"host": FOREIGN})
    assert refused.status_code == 400
    assert "allowedHosts" in refused.text
    assert FOREIGN not in refused.text


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:8501",
        "127.0.0.1:8501",
        "[::1]:8501",
        "localhost.:8501",
    ],
)
def test_the_names_of_this_machine_are_answered(client: TestClient, host: str) -> None:
    assert client.get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "",
        "localhost@evil.example",
        "localhost/evil",
        "localhost:99999",
        "localhost:x",
        "localhost.evil.example",
        "evil.example:8501",
        "127.0.0.1.nip.io",
        "[::1",
        "10.0.0.1",
    ],
)
def test_what_only_looks_like_a_name_of_this_machine_is_refused(
    client: TestClient, host: str
) -> None:
    assert client.get("/", headers={"host": host}).status_code == 400


def test_a_request_with_two_names_is_refused(client: TestClient) -> None:
    headers = [("host", OWN), ("host", FOREIGN)]
    assert client.get("/", headers=headers).status_code == 400


def test_the_websocket_is_closed_under_another_name_and_to_other_sites(client: TestClient) -> None:
    own = {"host": OWN, "origin": f"https://{OWN}"}
    with client.websocket_connect("/_stcore/stream", headers=own):
        pass
    for refused in ({"host": FOREIGN}, {**own, "origin": "http://localhost:3000"}):
        with (
            pytest.raises(WebSocketDisconnect) as closed,
            client.websocket_connect("/_stcore/stream", headers=refused),
        ):
            pass
        assert closed.value.code == 1008


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:8502", ""])
def test_a_page_of_another_site_changes_nothing(client: TestClient, origin: str) -> None:
    headers = {"host": OWN, "origin": origin}
    assert client.post("/api/v1/items", headers=headers).status_code == 403
    assert client.get("/api/v1/items", headers=headers).status_code == 200
    own = {"host": OWN, "origin": f"http://{OWN}"}
    assert client.post("/api/v1/items", headers=own).status_code == 200


@pytest.mark.parametrize("path", ["/_stcore/metrics", "/_stcore/metrics/", "/base/_stcore/metrics"])
def test_figures_about_the_server_are_closed(client: TestClient, path: str) -> None:
    for method in ("GET", "POST", "OPTIONS"):
        answer = client.request(method, path, headers={"host": OWN})
        assert answer.status_code == 404
        assert "answered" not in answer.text
