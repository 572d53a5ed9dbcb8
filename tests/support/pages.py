"""Pages of the app, run in this process by Streamlit's own driver, and what stands on them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest

from db.people.reviewers import find_person
from db.people.sign_in import sign_in_by_name
from streamlit_app.server import services

OpenPage = Callable[..., AppTest]
SHELL = Path(services.__file__).parents[1] / "shell.py"
TIMEOUT_SECONDS = 60


def open_page(page: str = "review", **params: str) -> AppTest:
    """Return a page drawn in a fresh session; the parameters are those of its address.

    The page is a room, or a part of one as in ``training/models``.
    A reviewer in the address is added first where no one has the name, as the button does.
    """
    name = params.get("reviewer")
    if name is not None and find_person(services.database().cursor(), name) is None:
        with services.database().transaction() as cur:
            sign_in_by_name(cur, name)
    return open_unknown(page, **params)


def open_unknown(page: str = "review", **params: str) -> AppTest:
    """Return a page drawn in a fresh session, whoever the address names."""
    test = AppTest.from_file(str(SHELL), default_timeout=TIMEOUT_SECONDS)
    return go_to(test, page, **params)


def go_to(test: AppTest, page: str, **params: str) -> AppTest:
    """Open another page in a session."""
    room, _, part = page.partition("/")
    test.query_params.update({"part": part} if part else {}, **params)
    return test.switch_page(f"views/{room}.py").run()


def open_form(test: AppTest, key: str) -> None:
    """Open the form of a new queue."""
    test.session_state[f"{key}_open"] = True
    test.run()


def markup_of(test: AppTest) -> str:
    """Return all markup that the app drew itself."""
    return _joined(test.html)


def notices(test: AppTest) -> str:
    """Return the texts of all notices."""
    return _joined(test.info)


def captions(test: AppTest) -> str:
    """Return the texts of all captions."""
    return _joined(test.caption)


def prose(test: AppTest) -> str:
    """Return all that is drawn as Markdown, where text from elsewhere would be dangerous."""
    return _joined([*test.markdown, *test.caption, *test.info])


def plain_texts(test: AppTest) -> str:
    """Return everything that is written on the page without Markdown, captions and notices too."""
    return _joined([*test.html, *test.text, *test.caption, *test.info])


def metrics(test: AppTest) -> dict[str, tuple[str, str]]:
    """Return each metric's value and difference by its label."""
    return {metric.label: (metric.value, metric.delta) for metric in test.metric}


def table(test: AppTest, column: str) -> Any:
    """Return the first table that has a column of this name."""
    return next(frame.value for frame in test.dataframe if column in frame.value)


def item_ids(test: AppTest, key: str) -> list[str]:
    """Return the items that the table with this key lists."""
    ids: list[str] = test.dataframe(key=key).value["Item"].tolist()
    return ids


def _joined(elements: Any) -> str:
    return "\n".join(str(element.value) for element in elements)
