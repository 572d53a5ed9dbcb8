"""Who may sit at the screen, and what their role is open to."""

from __future__ import annotations

from typing import get_args

import pytest
from duckdb import DuckDBPyConnection

from db.connection import Database
from db.content.imported_labels import ImportedLabel, add_imported_labels
from db.content.items import add_items
from db.errors import InvalidReviewerError, NotPermittedError, ReviewerNotFoundError
from db.people.permissions import ACTION_WORDS, PERMISSIONS, Action, require
from db.people.reviewers import (
    add_reviewer,
    find_person,
    get_reviewer,
    list_changes,
    list_people,
    list_reviewers,
)
from db.people.sign_in import (
    Identity,
    add_person,
    change_person,
    sign_in_by_identity,
    sign_in_by_name,
)
from db.records import Role
from db.review.adjudications import add_adjudication
from tests.support.annotations import annotate
from tests.support.records import make_item

ISSUER = "https://id.example"
ANN = Identity(ISSUER, "ann-7", "Ann Lee", "Ann@Example.org", is_email_verified=True)


@pytest.fixture
def cur(database: Database) -> DuckDBPyConnection:
    return database.cursor()


def test_the_first_person_on_a_new_file_is_admin_and_the_next_a_reviewer(
    cur: DuckDBPyConnection,
) -> None:
    assert sign_in_by_name(cur, "Ann").role == "admin"
    assert sign_in_by_name(cur, "Bob").role == "reviewer"
    assert sign_in_by_name(cur, " ann ").role == "admin"


def test_a_person_is_found_by_name_whatever_its_case_and_nobody_is_added(
    cur: DuckDBPyConnection,
) -> None:
    ann = sign_in_by_name(cur, "Ann Lee")
    add_reviewer(cur, "annotator 1", origin="import")
    assert find_person(cur, " ann  LEE ") == ann
    assert find_person(cur, "Bob") is None
    assert find_person(cur, "annotator 1") is None
    assert list_people(cur) == [ann]
    with pytest.raises(InvalidReviewerError, match="1 to 200"):
        find_person(cur, " ")


def test_on_a_file_from_before_there_were_roles_the_next_to_come_is_admin(
    cur: DuckDBPyConnection,
) -> None:
    add_reviewer(cur, "Ann")
    assert sign_in_by_name(cur, "Ann").role == "admin"


def test_an_annotator_of_a_data_set_is_nobody_who_can_sign_in(cur: DuckDBPyConnection) -> None:
    add_items(cur, [make_item("q-1")], origin="items")
    add_imported_labels(cur, [ImportedLabel("q-1", "annotator 1", ("yes",))])
    sign_in_by_name(cur, "Ann")
    assert [person.name for person in list_people(cur)] == ["Ann"]
    assert [reviewer.name for reviewer in list_reviewers(cur)] == ["Ann", "annotator 1"]
    with pytest.raises(InvalidReviewerError, match="belongs to an annotator"):
        sign_in_by_name(cur, "Annotator 1")
    (imported,) = [one for one in list_reviewers(cur) if one.origin == "import"]
    with pytest.raises(InvalidReviewerError, match="can have no role"):
        change_person(cur, imported.reviewer_id, role="admin")


def test_a_role_is_changed_by_an_admin_alone_and_the_change_is_kept(
    cur: DuckDBPyConnection,
) -> None:
    admin = sign_in_by_name(cur, "Ann")
    bob = sign_in_by_name(cur, "Bob")
    with pytest.raises(NotPermittedError, match=r"'Bob' may not add people.*admin.*Ask.*Ann"):
        change_person(cur, bob.reviewer_id, role="admin", by=bob.reviewer_id)
    change_person(cur, bob.reviewer_id, role="adjudicator", by=admin.reviewer_id)
    assert get_reviewer(cur, bob.reviewer_id).role == "adjudicator"
    assert [(change.role, change.changed_by) for change in list_changes(cur)] == [
        ("admin", None),
        ("adjudicator", admin.reviewer_id),
    ]


def test_a_role_taken_away_counts_at_once(cur: DuckDBPyConnection) -> None:
    admin = sign_in_by_name(cur, "Ann")
    bob = add_person(cur, "Bob", role="engineer", by=admin.reviewer_id)
    require(cur, bob.reviewer_id, "train")
    change_person(cur, bob.reviewer_id, role="none", by=admin.reviewer_id)
    with pytest.raises(NotPermittedError, match="may not start training"):
        require(cur, bob.reviewer_id, "train")
    with pytest.raises(NotPermittedError, match=r"has no role here.*Ann"):
        sign_in_by_name(cur, "Bob")


def test_the_only_admin_stays(cur: DuckDBPyConnection) -> None:
    ann = sign_in_by_name(cur, "Ann")
    with pytest.raises(NotPermittedError, match="only admin"):
        change_person(cur, ann.reviewer_id, role="reviewer", by=ann.reviewer_id)
    bob = add_person(cur, "Bob", role="admin", by=ann.reviewer_id)
    assert change_person(cur, ann.reviewer_id, role="none", by=bob.reviewer_id).role == "none"


@pytest.mark.parametrize("role", get_args(Role))
@pytest.mark.parametrize("action", get_args(Action))
def test_every_action_is_open_to_its_roles_and_to_no_other(
    cur: DuckDBPyConnection, role: Role, action: Action
) -> None:
    sign_in_by_name(cur, "Chief")
    person = add_person(cur, "Ann", role=role)
    if role in PERMISSIONS[action]:
        assert require(cur, person.reviewer_id, action).name == "Ann"
        return
    with pytest.raises(NotPermittedError, match=ACTION_WORDS[action]):
        require(cur, person.reviewer_id, action)


def test_an_admin_may_do_everything_and_everything_is_named() -> None:
    assert set(PERMISSIONS) == set(ACTION_WORDS) == set(get_args(Action))
    assert all("admin" in roles and "none" not in roles for roles in PERMISSIONS.values())


def test_writes_check_the_role_themselves(cur: DuckDBPyConnection) -> None:
    add_items(cur, [make_item("q-1")], origin="items")
    sign_in_by_name(cur, "Chief")
    add_person(cur, "Eve", role="engineer")
    with pytest.raises(NotPermittedError, match="label items"):
        annotate(cur, "Eve", "q-1", "yes")
    reviewer = add_person(cur, "Ann", role="reviewer").reviewer_id
    with pytest.raises(NotPermittedError, match="adjudicate disagreements"):
        add_adjudication(cur, adjudication_id="d", item_id="q-1", reviewer_id=reviewer, label="no")
    assert cur.execute("select count(*) from annotation").fetchone() == (0,)
    assert cur.execute("select count(*) from adjudication").fetchone() == (0,)


def test_the_first_to_sign_in_is_admin_and_others_wait_for_a_role(
    cur: DuckDBPyConnection,
) -> None:
    admin = sign_in_by_identity(cur, ANN)
    assert (admin.name, admin.role) == ("Ann Lee", "admin")
    stranger = Identity("https://id.example", "bob-1", "Bob", "bob@example.org")
    for _ in range(2):
        with pytest.raises(NotPermittedError, match=r"'Bob' has no role here.*Ann Lee"):
            sign_in_by_identity(cur, stranger)
    (waiting,) = [person for person in list_people(cur) if person.role == "none"]
    change_person(cur, waiting.reviewer_id, role="reviewer", by=admin.reviewer_id)
    assert sign_in_by_identity(cur, stranger).reviewer_id == waiting.reviewer_id


def test_a_verified_address_finds_the_person_whom_an_admin_added(cur: DuckDBPyConnection) -> None:
    add_person(cur, "Chief", role="admin")
    invited = add_person(
        cur, "A. Lee", role="adjudicator", email=" ann@example.ORG ", issuer=f"{ISSUER}/"
    )
    assert sign_in_by_identity(cur, ANN).reviewer_id == invited.reviewer_id
    change_person(cur, invited.reviewer_id, role="reviewer", email=None)
    assert sign_in_by_identity(cur, ANN).name == "A. Lee"  # the link holds without the address


def test_an_address_that_nobody_verified_finds_nobody(cur: DuckDBPyConnection) -> None:
    add_person(cur, "Chief", role="admin")
    add_person(cur, "A. Lee", role="admin", email="ann@example.org", issuer=ISSUER)
    forged = Identity(ISSUER, "mallory", "A. Lee", "ann@example.org")
    with pytest.raises(NotPermittedError, match="no role here"):
        sign_in_by_identity(cur, forged)
    names = [person.name for person in list_people(cur) if person.role == "none"]
    assert names == ["A. Lee (ann@example.org)"]


def test_the_same_subject_of_another_provider_is_somebody_else(cur: DuckDBPyConnection) -> None:
    sign_in_by_identity(cur, ANN)
    other = Identity("https://other.example", ANN.subject, "Ann Lee")
    with pytest.raises(NotPermittedError, match="no role here"):
        sign_in_by_identity(cur, other)


@pytest.mark.parametrize("email", ["ann", "a b@c", "@c", "ann@"])
def test_what_is_no_address_is_refused(cur: DuckDBPyConnection, email: str) -> None:
    with pytest.raises(InvalidReviewerError, match="no e-mail address"):
        add_person(cur, "Ann", role="admin", email=email, issuer=ISSUER)


def test_one_address_belongs_to_one_person_within_a_provider(cur: DuckDBPyConnection) -> None:
    add_person(cur, "Ann", role="admin", email="a@x.org", issuer=ISSUER)
    with pytest.raises(InvalidReviewerError, match="belongs to 'Ann' already"):
        add_person(cur, "Bob", role="admin", email="A@X.org", issuer=f"{ISSUER}/")
    add_person(cur, "Bob", role="admin", email="A@X.org", issuer="https://other.example")


@pytest.mark.parametrize("issuer", [None, "", "id.example", "ftp://id.example", "https://a b"])
def test_an_address_invites_only_with_a_provider(
    cur: DuckDBPyConnection, issuer: str | None
) -> None:
    with pytest.raises(InvalidReviewerError, match=r"invites no one.*openid-configuration"):
        add_person(cur, "Ann", role="admin", email="a@x.org", issuer=issuer)
    assert add_person(cur, "Ann", role="admin", issuer=issuer).issuer is None


def signs_in_as(cur: DuckDBPyConnection, identity: Identity) -> str | None:
    """Return the name of the person who signs in; None for one who has to wait for a role."""
    try:
        return sign_in_by_identity(cur, identity).name
    except NotPermittedError:
        return None


@pytest.mark.parametrize(
    ("invited", "claimed"),
    [
        ("kim@example.org", "\u212aim@example.org"),  # the Kelvin sign
        ("kim@example.org", "kim@example.\uff4frg"),
        ("ines@example.org", "\u0130nes@example.org"),  # I with a dot
        ("strasse@example.org", "stra\u00dfe@example.org"),
        ("\u00e9va@example.org", "\u00c9va@example.org"),
        ("\u00e9va@example.org", "e\u0301va@example.org"),
        ("ann@example.org", "ann@example.org\u00a0"),
        ("ann@example.org", " ann@example.org"),
        ("ann@example.org", "ann+x@example.org"),
    ],
)
def test_an_address_that_only_looks_alike_is_another(
    cur: DuckDBPyConnection, invited: str, claimed: str
) -> None:
    add_person(cur, "Chief", role="admin")
    add_person(cur, "Invited", role="admin", email=invited, issuer=ISSUER)
    assert signs_in_as(cur, Identity(ISSUER, "m", "M", claimed, is_email_verified=True)) is None
    exact = Identity(ISSUER, "i", "I", invited.upper() if invited.isascii() else invited, True)
    assert signs_in_as(cur, exact) == "Invited"


def test_an_invitation_counts_once_and_within_its_provider(cur: DuckDBPyConnection) -> None:
    add_person(cur, "Chief", role="admin")
    add_person(cur, "A. Lee", role="adjudicator", email="ann@example.org", issuer=ISSUER)
    elsewhere = Identity("https://other.example", "ann-7", "Ann", ANN.email, True)
    assert signs_in_as(cur, elsewhere) is None
    assert signs_in_as(cur, ANN) == "A. Lee"
    successor = Identity(ISSUER, "ann-8", "Ann", ANN.email, is_email_verified=True)
    assert signs_in_as(cur, successor) is None  # the address was given to another account
    assert signs_in_as(cur, elsewhere) is None
    assert signs_in_as(cur, ANN) == "A. Lee"


def test_somebody_unknown_is_permitted_nothing(cur: DuckDBPyConnection) -> None:
    with pytest.raises(ReviewerNotFoundError):
        require(cur, "nobody", "annotate")


def test_annotators_of_a_database_from_before_are_told_from_people() -> None:
    from db import migrate
    from db.connection import IN_MEMORY

    shipped = migrate.shipped_migrations()
    database = Database.open(IN_MEMORY)
    cur = database.cursor()
    cur.execute("drop view current_reviewer; alter table reviewer drop column origin;")
    cur.execute("drop table reviewer_change; drop table reviewer_identity;")
    cur.execute("drop sequence reviewer_change_sequence")
    cur.execute(
        "insert into reviewer by name select unnest(['a', 'b']) as reviewer_id, "
        "reviewer_id as name, 'reviewer' as role, now()::timestamp as created_at"
    )
    cur.execute(
        "insert into annotation by name select 'n' as annotation_id, 'q' as item_id, "
        "'a' as reviewer_id, 'yes' as label, now()::timestamp as created_at, 'label' as action, "
        "'import' as origin, '' as note, 'open' as phase"
    )
    for migration in shipped:
        if migration.name in ("0008_people", "0018_invitation_issuer"):
            cur.execute(migration.sql)
    people = "select reviewer_id from current_reviewer where origin = 'person'"
    assert cur.execute(people).fetchall() == [("b",)]
    database.close()
