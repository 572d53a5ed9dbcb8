"""What tests of the review store share: an empty database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from db.connection import Database
from tests.support.stores import open_store


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """Yield an empty, migrated database."""
    opened = open_store(tmp_path / "review.duckdb")
    yield opened
    opened.close()
