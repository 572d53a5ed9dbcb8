"""Drafts and the settings for reviewing."""

from __future__ import annotations

import pytest

from db.connection import Database
from db.errors import InvalidDraftError, InvalidSettingError, NotPermittedError
from db.people.reviewers import add_reviewer
from db.review.drafts import MAX_CHARACTERS, clear_draft, find_draft, prune_drafts, save_draft
from db.review.settings import ReviewSettings, get_settings, save_settings


@pytest.fixture
def people(database: Database) -> tuple[str, str]:
    """Return two reviewers."""
    with database.transaction() as cur:
        return add_reviewer(cur, "Ann").reviewer_id, add_reviewer(cur, "Bob").reviewer_id


def test_the_latest_draft_of_a_phase_counts_until_it_is_cleared(
    database: Database, people: tuple[str, str]
) -> None:
    cur = database.cursor()
    ann, bob = people
    save_draft(cur, "q-1", ann, "open", {"note": "a"})
    save_draft(cur, "q-1", ann, "open", {"note": "ab", "labels": ["yes"]})
    save_draft(cur, "q-1", bob, "open", {"note": "mine"})
    assert find_draft(cur, "q-1", ann, "open") == {"note": "ab", "labels": ["yes"]}
    assert find_draft(cur, "q-1", ann, "revealed") is None
    assert find_draft(cur, "q-2", ann, "open") is None
    clear_draft(cur, "q-1", ann, "open")
    assert find_draft(cur, "q-1", ann, "open") is None
    assert find_draft(cur, "q-1", bob, "open") == {"note": "mine"}


def test_pruning_keeps_what_counts(database: Database, people: tuple[str, str]) -> None:
    cur = database.cursor()
    ann, bob = people
    for note in ("a", "ab", "abc"):
        save_draft(cur, "q-1", ann, "open", {"note": note})
    save_draft(cur, "q-1", bob, "open", {"note": "b"})
    clear_draft(cur, "q-1", bob, "open")
    prune_drafts(cur)
    assert cur.execute("select count(*) from draft").fetchone() == (1,)
    assert find_draft(cur, "q-1", ann, "open") == {"note": "abc"}


def test_a_draft_too_long_to_keep_is_refused(database: Database, people: tuple[str, str]) -> None:
    with pytest.raises(InvalidDraftError, match="at most 200,000"):
        save_draft(database.cursor(), "q-1", people[0], "open", {"note": "x" * MAX_CHARACTERS})


def test_settings_are_appended_and_the_latest_counts(database: Database) -> None:
    with database.transaction() as cur:
        admin = add_reviewer(cur, "Ann", "admin").reviewer_id
        reviewer = add_reviewer(cur, "Bob").reviewer_id
    assert get_settings(database.cursor()) == ReviewSettings("open", 600)
    with database.transaction() as cur:
        save_settings(cur, ReviewSettings("blind", 300), admin)
        save_settings(cur, ReviewSettings("blind", 450), admin)
    assert get_settings(database.cursor()) == ReviewSettings("blind", 450)
    with pytest.raises(InvalidSettingError, match="100 to 2000"):
        save_settings(database.cursor(), ReviewSettings("open", 5), admin)
    with pytest.raises(NotPermittedError):
        save_settings(database.cursor(), ReviewSettings(), reviewer)
