"""The Settings page, the way in, and the catalogue of texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from db.connection import Database
from db.content.items import add_items
from db.people.reviewers import add_reviewer, list_people
from db.people.sign_in import add_person, sign_in_by_name
from streamlit_app.server import services
from streamlit_app.server.gate import is_private
from streamlit_app.server.programs import find_caller
from streamlit_app.session.sign_in import read_identity
from tests.support.annotations import annotate
from tests.support.desk import Desk
from tests.support.pages import OpenPage, go_to, markup_of, open_unknown
from tests.support.records import make_item

SHELL = Path(services.__file__).parents[1] / "shell.py"
PEOPLE = "settings/people"


def roles(database: Database) -> dict[str, str]:
    return {person.name: person.role for person in list_people(database.cursor())}


def test_the_first_name_on_a_new_file_is_admin_and_adds_others(
    database: Database, open_page: OpenPage
) -> None:
    page = open_page(PEOPLE)
    assert not page.exception
    page.text_input(key="people_name_new").set_value("Ann <b>").run()
    page.selectbox(key="people_role_new").select("adjudicator").run()
    page.button(key="people_save").click().run()
    assert not page.exception
    assert roles(database) == {"Reviewer 1": "admin", "Ann <b>": "adjudicator"}
    assert "Saved Ann &lt;b&gt; with the role Adjudicator." in markup_of(page)
    assert list(page.dataframe[0].value["Name"]) == ["Ann <b>", "Reviewer 1"]


def test_a_role_is_changed_and_the_change_is_listed(
    database: Database, open_page: OpenPage
) -> None:
    with database.transaction() as cur:
        sign_in_by_name(cur, "Chief")
        ann = add_person(cur, "Ann", role="reviewer").reviewer_id
    page = open_page(PEOPLE, reviewer="Chief")
    page.selectbox(key="people_person").select(ann).run()
    page.selectbox(key=f"people_role_{ann}").select("none").run()
    page.button(key="people_save").click().run()
    assert roles(database)["Ann"] == "none"
    changes = page.dataframe[-1].value
    assert (changes["Name"][0], changes["Role"][0]) == ("Ann", "No access")
    assert changes["Changed by"][0] == "Chief"


def test_a_person_is_renamed_merged_and_erased_and_pages_show_it(
    database: Database, open_page: OpenPage
) -> None:
    with database.transaction() as cur:
        sign_in_by_name(cur, "Chief")
        add_items(cur, [make_item("q-1"), make_item("q-2")], origin="items")
        ann, twin, eve = (
            add_person(cur, name, role="reviewer").reviewer_id for name in ("Ann", "A.", "Eve")
        )
    for name, item_id in (("Ann", "q-1"), ("A.", "q-2"), ("Eve", "q-1"), ("Eve", "q-2")):
        annotate(database, name, item_id, "yes")
    page = open_page(PEOPLE, reviewer="Chief")
    page.text_input(key="people_name_new").set_value("Ann").run()
    page.button(key="people_save").click().run()
    assert "There is a person named" in markup_of(page)
    page.selectbox(key="identity_person").select(twin).run()
    page.selectbox(key=f"identity_into_{twin}").select(ann).run()
    page.button(key="identity_merge").click().run()
    assert "Both are Ann from now on: 1 judgements were carried over" in markup_of(page)
    page.selectbox(key="identity_person").select(ann).run()
    page.text_input(key=f"identity_name_{ann}").set_value("Ann Lee").run()
    page.button(key="identity_rename").click().run()
    page.selectbox(key="identity_person").select(eve).run()
    assert page.button(key="identity_erase").disabled
    page.checkbox(key=f"identity_sure_{eve}").check().run()
    page.button(key="identity_erase").click().run()
    assert not page.exception
    assert list(page.dataframe[0].value["Name"]) == ["Erased person 1", "Ann Lee", "Chief"]
    assert set(page.dataframe[-1].value["What"]) >= {"Renamed", "Identity erased"}
    assert "Eve" not in "".join(page.dataframe[-1].value["Name"])
    agreement = open_page("agreement", reviewer="Chief")
    tables = [one.value for one in agreement.dataframe if "Reviewer" in one.value]
    assert {name for table in tables for name in table["Reviewer"]} == {
        "Ann Lee",
        "Erased person 1",
    }


def test_nobody_but_an_admin_is_offered_the_form(database: Database, open_page: OpenPage) -> None:
    with database.transaction() as cur:
        sign_in_by_name(cur, "Chief")
        add_person(cur, "Ann", role="reviewer")
    page = open_page(PEOPLE, reviewer="Ann")
    assert not [button for button in page.button if button.key == "people_save"]
    assert "Admins: Chief." in markup_of(page)


def test_what_cannot_be_stored_is_explained(database: Database, open_page: OpenPage) -> None:
    page = open_page(PEOPLE)
    page.text_input(key="people_name_new").set_value("Ann").run()
    page.text_input(key="people_email_new").set_value("ann").run()
    page.button(key="people_save").click().run()
    assert "is no e-mail address" in markup_of(page)
    assert roles(database) == {"Reviewer 1": "admin"}


def test_somebody_without_a_role_is_told_whom_to_ask(
    database: Database, open_page: OpenPage
) -> None:
    with database.transaction() as cur:
        sign_in_by_name(cur, "Chief")
        add_person(cur, "Ann", role="none")
    page = open_page(PEOPLE, reviewer="Ann")
    assert "has no role here" in markup_of(page)
    assert "Chief" in markup_of(page)


def test_the_name_picker_offers_people_and_no_imported_annotators(
    database: Database, open_page: OpenPage
) -> None:
    with database.transaction() as cur:
        sign_in_by_name(cur, "Chief")
        add_reviewer(cur, "annotator 1", origin="import")
        add_person(cur, "Gone", role="none")
    options = open_page(PEOPLE, reviewer="Chief").selectbox(key="reviewer").options
    assert options == ["Reviewer 1", "Chief"]


def test_a_new_name_is_added_with_the_button_and_reviews_from_then_on(
    filled_store: Database, open_page: OpenPage
) -> None:
    page = open_page()
    page.text_input(key="reviewer_new_name").set_value("  Dr.  Okafor ")
    page.button(key="reviewer_add_submit").click().run()
    assert not page.exception
    assert roles(filled_store) == {"Reviewer 1": "admin", "Dr. Okafor": "reviewer"}
    assert page.selectbox(key="reviewer").value == "Dr. Okafor"
    assert page.query_params["reviewer"] == "Dr. Okafor"


def test_a_name_that_cannot_be_used_is_refused_in_its_place(
    filled_store: Database, open_page: OpenPage
) -> None:
    page = open_page()
    page.text_input(key="reviewer_new_name").set_value("  ")
    page.button(key="reviewer_add_submit").click().run()
    assert "cannot be used" in markup_of(page)
    assert page.selectbox(key="reviewer").value == "Reviewer 1"
    assert roles(filled_store) == {"Reviewer 1": "admin"}


@pytest.mark.parametrize("view", ["review", "items", PEOPLE])
def test_an_unknown_name_in_the_address_adds_nobody_and_shows_nothing(
    filled_store: Database, view: str
) -> None:
    with filled_store.transaction() as cur:
        sign_in_by_name(cur, "Chief")
    page = open_unknown(view, reviewer="Eve <b>")
    assert not page.exception
    assert "No reviewer is called Eve &lt;b&gt;" in markup_of(page)
    assert "Does drug" not in markup_of(page)
    assert roles(filled_store) == {"Chief": "admin"}


def test_who_came_with_an_unknown_name_picks_one_and_goes_on(filled_store: Database) -> None:
    with filled_store.transaction() as cur:
        sign_in_by_name(cur, "Chief")
    page = open_unknown(reviewer="Eve")
    assert page.selectbox(key="reviewer").value is None
    go_to(page, PEOPLE)
    assert page.selectbox(key="reviewer").value is None  # nobody else, either
    go_to(page, "review")
    page.selectbox(key="reviewer").set_value("Chief").run()
    assert "Does drug 1 help?" in Desk(page).markup
    assert page.query_params["reviewer"] == "Chief"


def test_a_name_in_the_address_is_found_in_any_case(
    filled_store: Database, open_page: OpenPage
) -> None:
    with filled_store.transaction() as cur:
        sign_in_by_name(cur, "Chief")
    assert open_page(reviewer=" chief").selectbox(key="reviewer").value == "Chief"
    assert roles(filled_store) == {"Chief": "admin"}


@pytest.mark.parametrize(
    ("bound", "visitor", "private"),
    [
        ("localhost", None, True),
        ("127.0.0.1", "127.0.0.1", True),
        ("127.8.0.1", "::1", True),
        ("::1", None, True),
        ("[::1]", None, True),
        (None, None, False),
        ("", None, False),
        ("0.0.0.0", None, False),  # noqa: S104 (judged, not bound)
        ("192.168.0.4", None, False),
        ("localhost.example.org", None, False),
        ("localhost", "10.0.0.9", False),
        ("localhost", "not an address", False),
    ],
)
def test_names_are_picked_only_where_nobody_else_can_reach_the_app(
    bound: str | None, visitor: str | None, private: bool
) -> None:
    assert is_private(bound, visitor, ["host", "user-agent", "cookie", "origin"]) is private


@pytest.mark.parametrize(
    "header",
    [
        "X-Forwarded-For",
        "x-forwarded-host",
        "X-Forwarded-Proto",
        "X-Original-Forwarded-For",
        "Forwarded",
        "FORWARDED",
        "Via",
        "X-Real-IP",
        "X-RealIP",
        "X-Client-IP",
        "X-Cluster-Client-Ip",
        "True-Client-IP",
        "CF-Connecting-IP",
        "CF-Ray",
        "Fastly-Client-IP",
        "X-Envoy-External-Address",
        "X-Remote-Addr",
    ],
)
def test_whatever_a_proxy_adds_means_that_the_visitor_may_be_anywhere(header: str) -> None:
    assert not is_private("localhost", None, ["host", header])
    assert not is_private("localhost", "127.0.0.1", [header])


@pytest.mark.parametrize(
    ("claim", "verified"),
    [({"email_verified": True}, True), ({"email_verified": "true"}, True),
     ({"email_verified": False}, False), ({"email_verified": "false"}, False), ({}, False)],
)  # fmt: skip
def test_an_address_counts_only_where_the_provider_verified_it(
    claim: dict[str, Any], verified: bool
) -> None:
    identity = read_identity({"iss": "i", "sub": 7, "email": "a@x.org", **claim})
    assert (identity.subject, identity.name, identity.email) == ("7", "", "a@x.org")
    assert identity.is_email_verified is verified


def test_an_admin_makes_a_token_shown_once_sees_its_use_and_revokes_it(
    database: Database, open_page: OpenPage
) -> None:
    with database.transaction() as cur:
        sign_in_by_name(cur, "Chief")
        add_person(cur, "Ann", role="reviewer")
    page = open_page("settings/programs", reviewer="Chief")
    page.text_input(key="tokens_name").set_value("Ann")
    page.button(key="tokens_make").click().run()
    assert "belongs to a person" in markup_of(page)
    page.text_input(key="tokens_name").set_value("Judge")
    page.selectbox(key="tokens_role").select("reviewer")
    page.button(key="tokens_make").click().run()
    assert not page.exception
    (secret,) = (one.value for one in page.code)
    table = page.dataframe[0].value
    assert [table[name][0] for name in ("Program", "Rights", "Last use", "Revoked")] == [
        "Judge",
        "Reviewer",
        "never",
        "",
    ]
    assert find_caller(secret) is not None
    page.run()
    assert not page.code  # once
    assert page.dataframe[0].value["Last use"][0].startswith("20")
    page.button(key="tokens_revoke").click().run()
    assert find_caller(secret) is None
    assert page.dataframe[0].value["Revoked"][0].startswith("20")
    bare = open_page("settings/programs", reviewer="Ann")
    assert "tokens_make" not in [button.key for button in bare.button]
