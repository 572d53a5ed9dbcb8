"""The Training page asks a model behind an API: only those that the server's file names."""

from __future__ import annotations

from typing import Any

import pytest

from db.connection import Database
from db.content.items import add_items
from db.content.runs import list_runs
from db.paths import endpoints_path, runs_dir
from tests.support.endpoints import KEY, VARIABLE, completion, scripted
from tests.support.pages import open_page, plain_texts
from tests.support.records import LABELS, make_item
from tests.support.runs import wait_for_end
from training.run.run_dir import RunDir, list_run_dirs

PAGE = "training"


@pytest.fixture
def filled(database: Database) -> Database:
    items = [
        make_item(f"q-{n}", gold_label=LABELS[n % 3], split="train" if n < 3 else "test")
        for n in range(5)
    ]
    with database.transaction() as cur:
        add_items(cur, items, origin="items")
    return database


def set_up(url: str, **more: Any) -> None:
    fields = {"url": url, "model": "big", "key_variable": VARIABLE, **more}
    lines = (f"{name} = {value!r}" for name, value in fields.items())
    endpoints_path().write_text("[mine]\n" + "\n".join(lines))


def test_without_endpoints_the_page_says_where_to_add_one(filled: Database) -> None:
    page = open_page(PAGE)
    assert "No endpoint is set up" in plain_texts(page)
    assert "endpoints.toml" in plain_texts(page)
    endpoints_path().write_text("[mine")
    assert "cannot be read" in plain_texts(open_page(PAGE))


def test_an_endpoint_without_its_key_is_named_and_nothing_is_started(filled: Database) -> None:
    set_up("http://127.0.0.1:9/v1")
    page = open_page(PAGE)
    assert f"the environment variable {VARIABLE} is not set on the server" in plain_texts(page)
    page.button(key="endpoint_predict").click().run()
    assert not page.exception
    assert f"The environment variable {VARIABLE}" in plain_texts(page)
    assert list_run_dirs(runs_dir()) == []


def test_one_press_asks_the_items_and_their_answers_are_ingested(
    filled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, KEY)
    with scripted(lambda turn, count: completion("yes\nIt did.")) as endpoint:
        set_up(endpoint.url, price_in=1.0, price_out=20.0)
        page = open_page(PAGE)
        assert "1 USD per million prompt tokens, 20 USD" in plain_texts(page)
        page.segmented_control(key="endpoint_split").set_value("test").run()
        page.button(key="endpoint_predict").click().run()
        assert not page.exception
        [run_dir] = list_run_dirs(runs_dir())
        wait_for_end(RunDir(run_dir.path), "succeeded")
        assert len(endpoint.asked) == 2 + 1
    page.run()
    figures = {metric.label: metric.value for metric in page.metric}
    assert (figures["Prompt tokens"], figures["Answer tokens"]) == ("200", "20")
    assert figures["Cost"] == "0.0006 USD"
    assert KEY not in plain_texts(page)
    [run] = list_runs(filled.cursor())
    assert (run.run_id, run.model, run.kind) == (run_dir.run_id, "big", "prediction")
