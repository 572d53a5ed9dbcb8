"""Stored filters and settings that cannot be read: named on the pages, and nothing else stops."""

from __future__ import annotations

import pytest

from db.connection import Database
from db.outcomes.selection import Selection
from db.outcomes.slices import list_slice_faults, list_slices, save_slice
from db.people.sign_in import sign_in_by_name
from db.review.item_list import ReviewFilter
from db.review.queues import QueueSettings, add_queue, list_queue_faults, list_queues
from db.review.settings import ReviewSettings, get_settings, list_setting_faults, save_settings
from tests.support.pages import markup_of, open_page

DAMAGED = ["{", "[]", "null", '{"gold_label": 7}', '{"colour": "red"}', "[" * 10_000]


@pytest.fixture
def ann(filled_store: Database) -> str:
    with filled_store.transaction() as cur:
        return sign_in_by_name(cur, "Ann").reviewer_id


def damage(store: Database, table: str, column: str, text: str) -> None:
    store.cursor().execute(f"update {table} set {column} = ?", [text])


@pytest.mark.parametrize("text", DAMAGED)
def test_a_damaged_slice_is_set_aside_and_never_holds_every_item(
    filled_store: Database, ann: str, text: str
) -> None:
    with filled_store.transaction() as cur:
        save_slice(cur, "damaged", Selection(gold_label="yes"), saved_by=ann)
    damage(filled_store, "saved_slice", "selection", text)
    with filled_store.transaction() as cur:
        save_slice(cur, "sound", Selection(gold_label="no"), saved_by=ann)
    cur = filled_store.cursor()
    assert [one.name for one in list_slices(cur)] == ["sound"]
    (fault,) = list_slice_faults(cur)
    assert "'damaged'" in fault


def test_a_damaged_filter_names_its_queue(filled_store: Database, ann: str) -> None:
    with filled_store.transaction() as cur:
        settings = QueueSettings("Cardiology", ReviewFilter())
        add_queue(cur, settings, queue_id="queue-1", created_by=ann)
    assert list_queue_faults(filled_store.cursor()) == []
    damage(filled_store, "queue", "filter", '{"split": ')
    assert "'Cardiology'" in list_queue_faults(filled_store.cursor())[0]
    assert [queue.settings.name for queue in list_queues(filled_store.cursor())] == ["Cardiology"]


def test_damaged_settings_hide_what_they_may_have_hidden_and_say_so(
    filled_store: Database, ann: str
) -> None:
    with filled_store.transaction() as cur:
        save_settings(cur, ReviewSettings(words_per_minute=200), ann)
    assert list_setting_faults(filled_store.cursor()) == []
    damage(filled_store, "setting", "value", "not JSON")
    assert get_settings(filled_store.cursor()).mode == "blind"
    assert "Save the review settings again" in list_setting_faults(filled_store.cursor())[0]


def test_the_data_page_names_every_damaged_choice(filled_store: Database, ann: str) -> None:
    with filled_store.transaction() as cur:
        save_slice(cur, "elderly", Selection(gold_label="yes"), saved_by=ann)
        save_settings(cur, ReviewSettings(), ann)
    damage(filled_store, "saved_slice", "selection", "{")
    damage(filled_store, "setting", "value", "{")
    markup = markup_of(open_page("settings"))
    assert "2 stored choices are damaged" in markup
    assert "elderly" in markup
