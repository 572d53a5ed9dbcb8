"""A selected row of a table: opened, acted on, or gone with the rows it was chosen from."""

from __future__ import annotations

import pytest

from streamlit_app.components import item_table


@pytest.mark.parametrize(
    ("selection", "chosen"),
    [
        ({"rows": [], "cells": []}, None),
        ({"rows": [1], "columns": []}, "b"),
        ({"rows": [], "cells": [(0, "Question")]}, "a"),
        ({"rows": [2], "cells": []}, None),  # of a longer list, which the page no longer shows
        ({"rows": [], "cells": [(5, "Question")]}, None),
    ],
)
def test_the_selected_row_is_one_of_the_rows_on_the_page(
    selection: dict[str, object], chosen: str | None
) -> None:
    assert item_table._chosen(["a", "b"], selection) == chosen


def test_a_page_past_the_last_one_is_the_last_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(item_table.st, "session_state", {"page": 9})
    assert item_table.page_number("page", 120, 50) == 3
    assert item_table.page_number("page", 0, 50) == 1
    assert item_table.page_number("other", 120, 50) == 1
