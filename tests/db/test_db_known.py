"""What is held of what was read: as it is now, whoever wrote since, and read once as long as so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from db.connection import Database


class Reads:
    """A read of numbers by item that counts how often it was asked for."""

    def __init__(self) -> None:
        self.number = 0
        self.asked: list[list[str]] = []

    def __call__(self, item_ids: Sequence[str]) -> Mapping[str, int]:
        self.asked.append(list(item_ids))
        return dict.fromkeys(item_ids, self.number)


def test_items_are_read_together_and_once(database: Database) -> None:
    read = Reads()
    assert database.known.get_of_items("n", ["a", "b"], read) == {"a": 0, "b": 0}
    assert database.known.get_of_items("n", ["b", "c", "c"], read) == {"b": 0, "c": 0}
    assert read.asked == [["a", "b"], ["c"]]
    assert database.known.get_of_items("another kind", ["a"], read) == {"a": 0}


def test_a_write_to_an_item_forgets_that_item_and_any_other_write_all(database: Database) -> None:
    read = Reads()
    known = database.known
    known.get_of_items("n", ["a", "b"], read)
    known.get("role", lambda: "reviewer")
    read.number = 1
    with database.transaction(only_labels=True):
        pass
    with database.transaction(only_labels=True, item_id="a"):
        pass
    assert known.get_of_items("n", ["a", "b"], read) == {"a": 1, "b": 0}
    assert known.get("role", lambda: "none") == "reviewer"
    with pytest.raises(ZeroDivisionError), database.transaction():
        raise ZeroDivisionError
    assert known.get_of_items("n", ["a", "b"], read) == {"a": 1, "b": 1}
    assert known.get("role", lambda: "none") == "none"


@pytest.mark.parametrize("item_id", ["a", None])
def test_what_was_read_before_a_write_is_not_held_after_it(
    database: Database, item_id: str | None
) -> None:
    read = Reads()

    def read_amid_a_write(item_ids: Sequence[str]) -> Mapping[str, int]:
        found = read(item_ids)
        with database.transaction(only_labels=item_id is not None, item_id=item_id):
            read.number = 1
        return found

    assert database.known.get_of_items("n", ["a"], read_amid_a_write) == {"a": 0}
    assert database.known.get_of_items("n", ["a"], read) == {"a": 1}
