"""What is watched from outside: health, metrics and logs."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from db.connection import Database
from db.errors import InvalidSettingError
from db.people.program_tokens import add_token
from db.people.sign_in import add_person
from db.retraining.trigger_policies import add_trigger_policy
from streamlit_app.api.application import make_api
from streamlit_app.api.monitoring import ROUTES
from streamlit_app.server import background, health, services
from streamlit_app.server.logs import JsonLines, configure

HOLD = "import sys, duckdb; c = duckdb.connect(sys.argv[1]); print('open', flush=True); input()"
CANARY = "canary 7f3a"


@pytest.fixture
def client(filled_store: Database) -> Iterator[TestClient]:
    """Yield a client of the app's own routes."""
    with TestClient(Starlette(routes=[*ROUTES, Mount("/api/v1", make_api())])) as client:
        yield client


def test_health_is_that_of_the_store_the_disk_and_its_owner(
    client: TestClient, filled_store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = client.get("/healthz")
    well = {"status": "ok", "store": "ok", "disk": "ok", "owner": "this process"}
    assert (answer.status_code, answer.json()) == (200, well)
    monkeypatch.setattr(health, "free_bytes", lambda: 1000)
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {**well, "disk": "low"})
    filled_store.close()
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()["store"]) == (503, "failing")
    services.database.cache_clear()
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(filled_store.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "open\n"
    answer = client.get("/healthz")
    holder.communicate("\n")
    assert (answer.status_code, answer.json()["owner"]) == (503, "another process")


def test_metrics_count_what_is_stored_and_how_long_requests_took(
    client: TestClient, filled_store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.get("/metrics").status_code == 404
    monkeypatch.setenv("LLAMACARE_METRICS_TOKEN", "secret")
    with filled_store.transaction() as cur:
        token = add_token(cur, "Labeller")
    client.get("/api/v1/items/q-1", headers={"Authorization": f"Bearer {token}"})
    assert client.get("/metrics").status_code == 401
    answer = client.get("/metrics", headers={"Authorization": "Bearer secret"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    families = {one.name: one.samples for one in text_string_to_metric_families(answer.text)}
    assert families["llamacare_items"][0].value == 4
    assert families["llamacare_backup_timestamp_seconds"][0].value == 0
    counts = {
        sample.labels["route"]: sample.value
        for sample in families["llamacare_request_seconds"]
        if sample.name.endswith("_count") and sample.labels["status"] == "200"
    }
    assert counts["/items/{item_id:path}"] >= 1
    assert "q-1" not in answer.text


def test_a_log_line_is_json_and_quotes_nothing_that_an_exception_says() -> None:
    output = io.StringIO()
    handler = logging.StreamHandler(output)
    handler.setFormatter(JsonLines())
    for name in ("streamlit_app.of_this_test", "foreign.of_this_test"):
        logger = logging.getLogger(name)
        logger.propagate = False
        logger.addHandler(handler)
        try:
            raise ValueError(CANARY)
        except ValueError as error:
            if name.startswith("foreign"):
                logger.error(f"It failed: {error}", exc_info=True)
            else:
                logger.exception("It failed.")
    ours, foreign = map(json.loads, output.getvalue().splitlines())
    assert (ours["message"], ours["exception"], ours["level"]) == (
        "It failed.",
        "ValueError",
        "error",
    )
    assert "test_watching.py" in foreign["at"][0]
    assert CANARY not in output.getvalue()


def test_an_unknown_form_of_logs_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLAMACARE_LOG", "xml")
    with pytest.raises(InvalidSettingError, match="expected text or json"):
        configure()


def test_a_policy_that_cannot_be_used_stops_no_other_work(
    filled_store: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with filled_store.transaction() as cur:
        admin = add_person(cur, "Ada", role="admin")
        add_trigger_policy(cur, {"mode": "whenever"}, admin.reviewer_id)
    checked: list[Database] = []
    monkeypatch.setattr(background, "check_acceptances", checked.append)
    background.tick_once()
    assert "The policy for starting runs cannot be used" in caplog.text
    assert checked == [filled_store]
