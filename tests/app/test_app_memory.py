"""What was computed from the database is computed once, as long as the data stay as they are."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from db.connection import IN_MEMORY, Database
from streamlit_app.logic.cache import MAX_REMEMBERED, cached


@pytest.fixture
def database() -> Iterator[Database]:
    opened = Database.open(IN_MEMORY)
    yield opened
    opened.close()


def test_the_same_data_and_arguments_are_computed_once(database: Database) -> None:
    computed: list[tuple[str, int, int]] = []

    @cached
    def compute(_: Database, version: str, first: int, *, second: int = 0) -> int | None:
        computed.append((version, first, second))
        return None if first < 0 else first + second

    for _ in range(2):
        assert compute(database, "1", 1, second=2) == 3
        assert compute(database, "1", -1) is None
        assert compute(database, "2", 1, second=2) == 3
    assert computed == [("1", 1, 2), ("1", -1, 0), ("2", 1, 2)]


def test_the_least_recently_used_result_goes_first(database: Database) -> None:
    computed: list[int] = []

    @cached
    def compute(_: Database, __: str, number: int) -> int:
        computed.append(number)
        return number

    for number in range(MAX_REMEMBERED):
        compute(database, "1", number)
    compute(database, "1", 0)
    compute(database, "1", MAX_REMEMBERED)
    compute(database, "1", 0)
    compute(database, "1", 1)
    assert computed == [*range(MAX_REMEMBERED + 1), 1]
