"""What tests of the Review and Items pages share: a real database file with a few items."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from db.connection import Database
from db.content.items import add_items
from db.content.predictions import add_predictions
from db.content.runs import add_run
from streamlit_app.server import services
from tests.support import pages
from tests.support.records import MOMENT, make_answer, make_drug_item, make_options_item, make_run
from tests.support.stores import lay_store

# Each AppTest would read the metadata of every package installed, for components of Streamlit's.
manifest_scanner.scan_component_manifests = cache(manifest_scanner.scan_component_manifests)

PAYLOADS = (
    "<script>document.title='taken'</script>",
    "![x](https://tracker.example/pixel.png)",
    ":green-badge[GOLD yes] :red[**verified**]",
    "</mark></div><h1>Saved</h1><img src=x onerror=alert(1)>",
    "[click](javascript:alert(1)) $$\\frac{1}{0}$$",
    "abc\u202egnp.exe\u200b",
)


@pytest.fixture(params=PAYLOADS)
def payload(request: pytest.FixtureRequest) -> str:
    """Return each hostile text in turn."""
    return str(request.param)


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """Open an empty database file as the app's own."""
    monkeypatch.setenv("LLAMACARE_HOME", str(tmp_path))
    services.database.cache_clear()
    lay_store()
    opened = services.database()
    yield opened
    gc.unfreeze()
    opened.close()
    services.database.cache_clear()


@pytest.fixture
def filled_store(database: Database) -> Database:
    """Return three yes/no/maybe items, a vignette, and two runs; the newer one answered all."""
    vignette = make_options_item("v-1", question="A man coughs. Which drug?")
    newer = make_run("newer", created_at=MOMENT + timedelta(days=1))
    answers = (
        ("q-1", "Yes, it does.", "yes", "no", (0.2, 0.7, 0.1)),
        ("q-2", "No.", "no", "no", (0.1, 0.8, 0.1)),
        ("q-3", "Hard to tell.", None, "maybe", (0.3, 0.3, 0.4)),
        ("v-1", "The answer is B.", "B", "B", (0.1, 0.6, 0.2, 0.1)),
    )
    with database.transaction() as cur:
        add_items(cur, [*(make_drug_item(n) for n in (1, 2, 3)), vignette], origin="items")
        for run in (make_run("older"), newer):
            add_run(cur, run)
        add_predictions(
            cur,
            [
                make_answer(
                    item_id, answer, label, "newer", head_label=head, head_probabilities=shares
                )
                for item_id, answer, label, head, shares in answers
            ],
        )
    return database


@pytest.fixture
def open_page(database: Database) -> Callable[..., AppTest]:
    """Return the function that opens a page; the app's own database is that of the test."""
    return pages.open_page
