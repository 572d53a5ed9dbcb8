"""Two of one name, other names, merged, gone and erased people: what is stored and what shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from db.connection import Database
from db.content.items import add_items
from db.errors import InvalidReviewerError, NotPermittedError
from db.evidence.person_data import read_person_data
from db.evidence.verify import verify
from db.exporters import ExportFormat, ExportKind, export_file
from db.people.identity_changes import erase_person, rename_person
from db.people.merged_people import merge_people
from db.people.privacy import PrivacySettings, save_privacy
from db.people.reviewers import find_person, get_reviewer, list_people
from db.people.sign_in import (
    Identity,
    add_person,
    change_person,
    sign_in_by_identity,
    sign_in_by_name,
)
from db.review.adjudications import add_adjudication
from db.review.annotations import get_gold
from db.viewer import EVERYTHING
from tests.support.annotations import annotate
from tests.support.records import make_item

ISSUER = "https://id.example"


@pytest.fixture
def admin(database: Database) -> str:
    with database.transaction() as cur:
        add_items(cur, [make_item(f"q-{n}") for n in range(3)], origin="items")
        return sign_in_by_name(cur, "Chief").reviewer_id


def standing(database: Database) -> dict[tuple[str, str], str]:
    rows = database.cursor().execute(
        "select item_id, name, standing_annotation.label from standing_annotation "
        "join current_reviewer using (reviewer_id)"
    )
    return {(item, name): label for item, name, label in rows.fetchall()}


def test_two_people_of_one_name_never_become_one(database: Database, admin: str) -> None:
    with database.transaction() as cur:
        first = add_person(cur, "Kim Lee", role="reviewer", by=admin)
        with pytest.raises(InvalidReviewerError, match=r"already.*'Kim Lee \(ward 3\)'"):
            add_person(cur, " kim  lee", role="engineer", by=admin, is_new=True)
        second = add_person(cur, "Kim Lee (ward 3)", role="reviewer", by=admin, is_new=True)
        with pytest.raises(InvalidReviewerError, match="merge them"):
            rename_person(cur, second.reviewer_id, "Kim Lee", by=admin)
        # A name that was given up is free, and whoever gets it is another person.
        rename_person(cur, first.reviewer_id, "Kim Novak", by=admin)
        third = add_person(cur, "Kim Lee", role="reviewer", by=admin, is_new=True)
        by_provider = Identity(ISSUER, "kim-2", "Kim Lee")
        with pytest.raises(NotPermittedError):
            sign_in_by_identity(cur, by_provider)
    people = {one.reviewer_id for one in list_people(database.cursor())}
    assert len({first.reviewer_id, second.reviewer_id, third.reviewer_id}) == 3
    assert len(people) == 5
    assert "kim" not in first.reviewer_id.casefold()


def test_another_name_shows_everywhere_and_a_signature_keeps_its_own(
    database: Database, admin: str
) -> None:
    with database.transaction() as cur:
        judge = add_person(cur, "Ann Old", role="adjudicator", by=admin)
        add_adjudication(
            cur, adjudication_id="a", item_id="q-0", reviewer_id=judge.reviewer_id, label="no"
        )
        rename_person(cur, judge.reviewer_id, "Ann New", by=admin)
        with pytest.raises(NotPermittedError):
            rename_person(cur, admin, "Boss", by=judge.reviewer_id)
        cur.execute("select name from signature")
        assert cur.fetchall() == [("Ann Old",)]
    cur = database.cursor()
    found = find_person(cur, "ann new")
    assert found is not None
    assert found.reviewer_id == judge.reviewer_id
    assert find_person(cur, "Ann Old") is None
    assert verify(cur).breaks == ()


def test_a_merged_person_counts_once_and_signs_in_as_the_other(
    database: Database, admin: str
) -> None:
    with database.transaction() as cur:
        twin = add_person(cur, "A. Lee", role="reviewer", by=admin)
        stays = add_person(cur, "Ann Lee", role="reviewer", by=admin)
    annotate(database, "A. Lee", "q-0", "no")
    annotate(database, "A. Lee", "q-1", "no")
    annotate(database, "Ann Lee", "q-1", "maybe")
    with database.transaction() as cur:
        done = merge_people(cur, twin.reviewer_id, stays.reviewer_id, by=admin)
    assert (done.num_carried, done.num_retracted) == (1, 1)
    assert standing(database) == {("q-0", "Ann Lee"): "no", ("q-1", "Ann Lee"): "maybe"}
    cur = database.cursor()
    assert get_gold(cur, "q-1", EVERYTHING).label == "maybe"
    assert sign_in_by_name(cur, "A. Lee").reviewer_id == stays.reviewer_id
    assert verify(cur).breaks == ()
    with pytest.raises(InvalidReviewerError, match="merged"), database.transaction() as cur:
        merge_people(cur, stays.reviewer_id, twin.reviewer_id, by=admin)
    with pytest.raises(InvalidReviewerError, match="'Ann Lee'"), database.transaction() as cur:
        change_person(cur, twin.reviewer_id, role="admin", by=admin)


def test_an_erased_person_is_nowhere_and_their_judgements_can_be_verified(
    database: Database, admin: str
) -> None:
    identity = Identity(ISSUER, "secret-subject", "Eve Secret", "eve@secret.example", True)
    with database.transaction() as cur:
        eve = add_person(
            cur, "Eve Secret", role="adjudicator", email=identity.email, issuer=ISSUER, by=admin
        )
        sign_in_by_identity(cur, identity)
        add_adjudication(
            cur, adjudication_id="a", item_id="q-0", reviewer_id=eve.reviewer_id, label="no"
        )
    annotate(database, "Eve Secret", "q-1", "no")
    with database.transaction() as cur:
        rename_person(cur, eve.reviewer_id, "Eve Secretly", by=admin)
        erase_person(cur, eve.reviewer_id, by=admin)
        with pytest.raises(NotPermittedError, match="only admin"):
            erase_person(cur, admin, by=admin)
    cur = database.cursor()
    assert standing(database) == {("q-1", "Erased person 1"): "no"}
    assert get_reviewer(cur, eve.reviewer_id).role == "none"
    for (table,) in cur.execute(
        "select table_name from duckdb_tables() where database_name = current_database()"
    ).fetchall():
        found = cur.execute(
            f'select count(*) from "{table}" as row_of '
            "where to_json(row_of)::varchar ilike '%secret%'"
        ).fetchone()
        assert found == (0,), table
    assert verify(cur).breaks == ()
    with database.transaction() as cur, pytest.raises(NotPermittedError):
        sign_in_by_identity(cur, identity)  # another person from now on, who waits for a role


def test_who_left_comes_back_as_the_same_person(database: Database, admin: str) -> None:
    with database.transaction() as cur:
        ann = add_person(cur, "Ann", role="reviewer", by=admin)
        change_person(cur, ann.reviewer_id, role="none", by=admin)
        with pytest.raises(NotPermittedError, match="no role here"):
            sign_in_by_name(cur, "Ann")
        change_person(cur, ann.reviewer_id, role="reviewer", by=admin)
        assert sign_in_by_name(cur, "Ann").reviewer_id == ann.reviewer_id


def test_what_is_stored_of_a_person_is_theirs_and_an_admin_s_to_read(
    database: Database, admin: str
) -> None:
    with database.transaction() as cur:
        ann = add_person(cur, "Ann", role="reviewer", by=admin).reviewer_id
        bob = add_person(cur, "Bob", role="reviewer", by=admin).reviewer_id
    annotate(database, "Ann", "q-0", "no", note="I think so.")
    cur = database.cursor()
    found = read_person_data(cur, ann, by=ann)
    assert found == read_person_data(cur, ann, by=admin) == read_person_data(cur, ann)
    assert found["annotation"][0]["note"] == "I think so."
    assert found["reviewer"][0]["name"] == "Ann"
    with pytest.raises(NotPermittedError, match="may not add people"):
        read_person_data(cur, ann, by=bob)


def test_the_data_of_a_person_are_read_from_every_table_that_names_one(database: Database) -> None:
    statement = Path(read_person_data.__code__.co_filename).parents[1] / "sql" / "person_data.sql"
    read = statement.read_text(encoding="utf-8")
    rows = database.cursor().execute(
        "select table_name, column_name from duckdb_columns() join duckdb_tables() "
        "using (database_name, schema_name, table_name) where database_name = current_database() "
        "and (column_name in ('reviewer_id', 'merged_into') or suffix(column_name, '_by'))"
    )
    for table, column in rows.fetchall():
        part = read.partition(f"\nfrom {table}\n")[2].partition("union all")[0]
        assert f"{column} = $reviewer_id" in part, (table, column)


def test_pseudonyms_replace_names_in_exports(
    database: Database, admin: str, tmp_path: Path
) -> None:
    annotate(database, "Ann Secret", "q-0", "no")
    with database.transaction() as cur:
        save_privacy(cur, PrivacySettings(uses_pseudonyms=True), admin)
    cur = database.cursor()
    wanted: list[tuple[ExportKind, ExportFormat]] = [
        ("annotations", "jsonl"),
        ("corrections", "jsonl"),
        ("annotations", "label_studio"),
    ]
    for kind, file_format in wanted:
        target = tmp_path / f"{kind}-{file_format}"
        export_file(cur, kind, file_format, target, EVERYTHING)
        assert "Secret" not in target.read_text(encoding="utf-8")
        assert "Reviewer 2" in target.read_text(encoding="utf-8")
