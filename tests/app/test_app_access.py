"""A tab that is open while its person's access is taken away."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from db.connection import Database
from db.errors import NotPermittedError
from db.people.reviewers import find_person
from db.people.sign_in import add_person, change_person
from db.records import Role
from streamlit_app.session import sign_in
from tests.support.desk import Desk
from tests.support.pages import plain_texts

OpenPage = Callable[..., AppTest]
TABLES = ("annotation", "review_event", "draft", "reservation", "saved_slice", "adjudication")
PAGES = (
    "review",
    "items",
    "agreement/adjudicate",
    "agreement",
    "quality",
    "quality/compare",
    "training",
    "training/data",
    "training/models",
    "training/lineage",
    "settings",
    "guidelines",
    "settings/people",
)


@pytest.fixture
def set_role(filled_store: Database) -> Callable[[Role], None]:
    """Return a function that sets Bob's role; Chief is the admin."""
    with filled_store.transaction() as cur:
        add_person(cur, "Chief", role="admin")
        add_person(cur, "Bob", role="adjudicator")

    def change(role: Role) -> None:
        with filled_store.transaction() as cur:
            bob = find_person(cur, "Bob")
            assert bob is not None
            change_person(cur, bob.reviewer_id, role=role)

    return change


def count_rows(database: Database) -> dict[str, int]:
    cur = database.cursor()
    return {
        table: cur.execute(f"select count(*) from {table}").fetchone()[0]  # type: ignore[index]
        for table in TABLES
    }


def assert_nothing_is_shown(test: AppTest) -> None:
    assert not test.exception
    texts = plain_texts(test) + "".join(str(one.value) for one in test.markdown)
    assert "Does drug" not in texts
    assert "Choose a name" in texts or "has no role here" in texts or "no name" in texts.lower()
    assert not test.dataframe


@pytest.mark.parametrize("page", PAGES)
def test_the_next_draw_of_a_page_shows_nothing_but_why(
    filled_store: Database, open_page: OpenPage, set_role: Callable[[Role], None], page: str
) -> None:
    test = open_page(page, reviewer="Bob")
    assert not test.exception
    set_role("none")
    before = count_rows(filled_store)
    assert_nothing_is_shown(test.run())
    assert count_rows(filled_store) == before


@pytest.mark.parametrize("what", ["save", "flag", "skip", "undo"])
def test_no_press_at_the_desk_stores_anything_any_more(
    filled_store: Database, open_page: OpenPage, set_role: Callable[[Role], None], what: str
) -> None:
    desk = Desk(open_page(reviewer="Bob"))
    desk.save("maybe")
    assert desk.item_id == "q-2"
    set_role("none")
    before = count_rows(filled_store)
    getattr(desk, what)(*(["yes"] if what == "save" else []))
    assert "may not" in desk.message
    assert count_rows(filled_store) == before
    desk.show_next()
    assert desk.card is None and "may not" in desk.message


def test_a_role_that_is_given_back_counts_at_once(
    filled_store: Database, open_page: OpenPage, set_role: Callable[[Role], None]
) -> None:
    test = open_page(reviewer="Bob")
    set_role("none")
    assert_nothing_is_shown(test.run())
    set_role("reviewer")
    Desk(open_page(reviewer="Bob")).save("maybe")
    assert count_rows(filled_store)["annotation"] == 1


@pytest.mark.parametrize("is_ours", [True, False])
def test_what_a_page_or_callback_raises_is_drawn_as_the_apps_own_text(
    is_ours: bool, caplog: pytest.LogCaptureFixture
) -> None:
    def script(is_ours: bool) -> None:
        from db.errors import NotPermittedError
        from streamlit_app.errors import report_error

        error = NotPermittedError("'Bob' may not.") if is_ours else ValueError("inside")
        assert report_error(error)

    test = AppTest.from_function(script, kwargs={"is_ours": is_ours}).run()
    assert not test.exception
    shown = plain_texts(test)
    assert "inside" not in shown
    if is_ours:
        assert "may not" in shown
    else:
        assert caplog.messages[-1].split()[1].rstrip(":") in shown


def test_a_download_asks_again_when_it_is_pressed(
    filled_store: Database,
    set_role: Callable[[Role], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bob = find_person(filled_store.cursor(), "Bob")
    monkeypatch.setattr(sign_in, "current_person", lambda: bob)
    download = sign_in.checked(lambda: b"items")
    assert download() == b"items"
    set_role("none")
    with pytest.raises(NotPermittedError, match="see items"):
        download()
