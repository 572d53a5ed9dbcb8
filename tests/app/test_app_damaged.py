"""A damaged store is named on the page, with what to do, and never as a traceback."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from db.connection import Database
from streamlit_app.server import services
from tests.support.damage import damage_column
from tests.support.pages import markup_of, open_unknown

PAGES = ("review", "items", "settings", "settings/people")


@pytest.fixture
def closed_store(filled_store: Database) -> Iterator[Path]:
    """Yield the path of the filled store, closed, which the next page opens."""
    services.add_person_named("Ann")
    filled_store.close()
    services.database.cache_clear()
    yield filled_store.path
    gc.unfreeze()
    services.database.cache_clear()


@pytest.mark.parametrize("page", PAGES)
def test_a_damaged_table_is_named_on_the_page(closed_store: Path, page: str) -> None:
    damage_column(closed_store, "imported_item", "item_id")
    damage_column(closed_store, "reviewer", "role")
    test = open_unknown(page, reviewer="Ann")
    assert not test.exception
    assert f"The database {closed_store} is damaged" in markup_of(test)
    assert "python -m db backup" in markup_of(test)


@pytest.mark.parametrize("damage", ["cut", "foreign", "no log"])
def test_a_store_that_cannot_be_opened_is_named_on_the_page(
    closed_store: Path, damage: str
) -> None:
    content = closed_store.read_bytes()
    if damage == "cut":
        closed_store.write_bytes(content[: len(content) // 3])
    elif damage == "foreign":
        closed_store.write_text("no database " * 1000)
    else:
        other = Database.open(closed_store)
        with other.transaction():
            content = closed_store.read_bytes()
        other.close()
        closed_store.write_bytes(content)
    test = open_unknown("items", reviewer="Ann")
    assert not test.exception
    assert str(closed_store) in markup_of(test)
