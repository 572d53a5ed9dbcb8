"""The Adjudicate page: what people said side by side, a decision, the next item."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from db.connection import Database
from db.errors import NotPermittedError
from db.people.reviewers import add_reviewer
from db.people.sign_in import add_person, sign_in_by_name
from db.review.adjudications import list_adjudications
from db.review.annotations import get_gold, retract_annotation
from db.review.settings import ReviewSettings, save_settings
from db.viewer import EVERYTHING
from streamlit_app.logic.review.adjudication import decide as decide_now
from streamlit_app.logic.review.adjudication import load_dispute
from streamlit_app.logic.review.adjudication_list import SettlingList
from streamlit_app.markup import escape
from tests.support.annotations import annotate
from tests.support.desk import Desk
from tests.support.pages import OpenPage, markup_of

ADJUDICATE = "agreement/adjudicate"


@pytest.fixture
def disputed(filled_store: Database) -> Database:
    """Return a store in which Ann and Bob differ on q-1 and q-2; Chief is admin."""
    with filled_store.transaction() as cur:
        sign_in_by_name(cur, "Chief")
        for who, item_id, label, note in (
            ("Ann", "q-1", "yes", "It clearly did."),
            ("Bob", "q-1", "no", ""),
            ("Ann", "q-2", "maybe", ""),
            ("Bob", "q-2", "no", ""),
            ("Ann", "q-3", "no", ""),
            ("Bob", "q-3", "no", ""),
        ):
            annotate(
                cur, who, item_id, label, annotation_id=f"{who}-{item_id}", note=note,
                run_id="newer", duration_seconds=12,
            )  # fmt: skip
    return filled_store


def decide(page: AppTest, item_id: str, place: int, reason: str | None, note: str = "") -> AppTest:
    picker = page.segmented_control(key=f"adjudicate_label_{item_id}")
    picker.set_value(("yes", "no", "maybe")[place])
    if reason is not None:
        page.selectbox(key=f"adjudicate_reason_{item_id}").select(reason)
    page.text_area(key=f"adjudicate_note_{item_id}").set_value(note)
    return page.button(key=f"adjudicate_save_{item_id}").click().run()


def test_everything_said_is_on_the_page(disputed: Database, open_page: OpenPage) -> None:
    page = open_page(ADJUDICATE, reviewer="Chief")
    assert not page.exception
    markup = markup_of(page)
    for expected in ("Does drug 1 help?", "Ann", "Bob", "It clearly did.", "12 s", "1 of 2"):
        assert expected in markup
    assert "imported gold" in markup
    assert "the model&#39;s text" in markup
    assert "Item 1 of 2" in markup


def test_who_said_what_is_shown_after_the_decision_where_the_project_says_so(
    disputed: Database, open_page: OpenPage
) -> None:
    with disputed.transaction() as cur:
        chief = sign_in_by_name(cur, "Chief")
        save_settings(cur, ReviewSettings(hides_names=True), chief.reviewer_id)
    page = open_page(ADJUDICATE, reviewer="Chief")
    markup = markup_of(page)
    assert "<h3>Person 1 </h3>" in markup and "<h3>Person 2 </h3>" in markup
    assert "Ann" not in markup and "Bob" not in markup
    history = Desk(open_page(reviewer="Chief", item="q-1")).markup
    assert "<strong>Person 2</strong>" in history and "Bob" not in history
    seen_by_ann = Desk(open_page(reviewer="Ann", item="q-1")).markup
    assert "<strong>Bob</strong>" in seen_by_ann, "only who may adjudicate judges people's answers"
    decide(page, "q-1", 0, "gold_mistaken")
    settled = markup_of(open_page(ADJUDICATE, reviewer="Chief", adjudicate_show="decided"))
    assert "<h3>Ann </h3>" in settled and "<h3>Bob </h3>" in settled
    assert "<strong>Bob</strong>" in Desk(open_page(reviewer="Chief", item="q-1")).markup


def test_a_decision_is_stored_with_its_reason_and_the_next_item_comes(
    disputed: Database, open_page: OpenPage
) -> None:
    page = open_page(ADJUDICATE, reviewer="Chief")
    decide(page, "q-1", 0, "gold_mistaken", "Table 2.")

    assert not page.exception
    cur = disputed.cursor()
    (decision,) = list_adjudications(cur, "q-1", EVERYTHING)
    assert (decision.label, decision.reason, decision.note) == ("yes", "gold_mistaken", "Table 2.")
    assert decision.old_label == "no"
    assert get_gold(cur, "q-1", EVERYTHING).origin == "adjudicated"
    markup = markup_of(page)
    assert "q-1: the label of record is now yes." in markup
    assert "Does drug 2 help?" in markup

    decide(page, "q-2", 1, "gold_confirmed")
    assert "q-2: the label of record is now no." in markup_of(page)
    again = open_page(ADJUDICATE, reviewer="Chief")
    assert "There is nothing to adjudicate" in markup_of(again)


def test_a_decision_that_comes_with_another_name_is_not_stored(
    disputed: Database, open_page: OpenPage
) -> None:
    with disputed.transaction() as cur:
        add_person(cur, "Dora", role="adjudicator")
    page = open_page(ADJUDICATE, reviewer="Chief")
    page.selectbox(key="reviewer").set_value("Dora")
    decide(page, "q-1", 0, "gold_mistaken")  # the press of a page that was drawn for Chief
    assert "reviewer was changed" in markup_of(page)
    assert list_adjudications(disputed.cursor(), "q-1", EVERYTHING) == []


@pytest.mark.parametrize(
    ("reason", "note", "place", "message"),
    [
        (None, "", 0, "Choose the reason for the disagreement"),
        ("other", " ", 0, "Describe the other reason in the note"),
        ("gold_mistaken", "", None, "Choose the final label before saving"),
    ],
)
def test_an_unfinished_decision_is_not_stored(
    disputed: Database,
    open_page: OpenPage,
    reason: str | None,
    note: str,
    place: int | None,
    message: str,
) -> None:
    page = open_page(ADJUDICATE, reviewer="Chief")
    if place is None:
        page.selectbox(key="adjudicate_reason_q-1").select(reason)
        page.button(key="adjudicate_save_q-1").click().run()
    else:
        decide(page, "q-1", place, reason, note)
    assert not page.exception
    assert message in markup_of(page)
    assert list_adjudications(disputed.cursor(), "q-1", EVERYTHING) == []


def test_who_may_not_settle_sees_neither_answers_nor_form(
    disputed: Database, open_page: OpenPage
) -> None:
    page = open_page(ADJUDICATE, reviewer="Ann")
    assert not page.exception
    assert "Only an adjudicator or an admin can adjudicate" in markup_of(page)
    assert "It clearly did." not in markup_of(page)
    assert not [button for button in page.button if str(button.key).startswith("adjudicate_")]


def test_a_role_taken_away_meanwhile_stops_the_save(disputed: Database) -> None:
    with disputed.transaction() as cur:
        dora = add_person(cur, "Dora", role="adjudicator").reviewer_id
        add_person(cur, "Dora", role="reviewer")
    with pytest.raises(NotPermittedError, match="Ask an admin"):
        decide_now(
            disputed,
            adjudication_id="d",
            item_id="q-1",
            reviewer_id=dora,
            label="yes",
            reason="gold_mistaken",
            note="",
        )
    assert list_adjudications(disputed.cursor(), "q-1", EVERYTHING) == []


def test_skipped_items_come_again_and_moves_go_both_ways(
    disputed: Database, open_page: OpenPage
) -> None:
    page = open_page(ADJUDICATE, reviewer="Chief")
    page.button(key="adjudicate_skip_q-1").click().run()
    assert "Does drug 2 help?" in markup_of(page)
    page.button(key="adjudicate_previous_q-2").click().run()
    assert "Does drug 1 help?" in markup_of(page)
    page.button(key="adjudicate_next_q-1").click().run()
    decide(page, "q-2", 1, "gold_confirmed")
    assert "Does drug 1 help?" in markup_of(page)


def test_settled_items_can_be_seen_and_settled_anew(
    disputed: Database, open_page: OpenPage
) -> None:
    decide(open_page(ADJUDICATE, reviewer="Chief"), "q-1", 0, "gold_mistaken")
    page = open_page(ADJUDICATE, reviewer="Chief", adjudicate_show="decided")
    assert "The imported label is incorrect" in markup_of(page)
    decide(page, "q-1", 2, "medicine_unsettled")
    assert [one.label for one in list_adjudications(disputed.cursor(), "q-1", EVERYTHING)] == [
        "yes",
        "maybe",
    ]


def test_filters_choose_whose_answers_count(disputed: Database, open_page: OpenPage) -> None:
    page = open_page(ADJUDICATE, reviewer="Chief", adjudicate_whose="import")
    assert not page.exception
    assert "There is nothing to adjudicate" in markup_of(page)


def test_what_was_taken_back_is_shown_as_such_and_does_not_count(disputed: Database) -> None:
    with disputed.transaction() as cur:
        bob = add_reviewer(cur, "Bob").reviewer_id
        retract_annotation(cur, annotation_id="r", item_id="q-1", reviewer_id=bob)
    dispute = load_dispute(disputed, "q-1", EVERYTHING)
    assert [person.name for person in dispute.people] == ["Ann", "Bob"]
    assert dispute.people[1].taken_back == {"Bob-q-1"}
    assert (dispute.num_people, dispute.num_saying("yes"), dispute.num_saying("no")) == (1, 1, 0)


def test_an_unannounced_repeat_is_shown_but_does_not_count(disputed: Database) -> None:
    annotate(disputed, "Bob", "q-1", "maybe", presentation="repeat")
    dispute = load_dispute(disputed, "q-1", EVERYTHING)
    assert len(dispute.people[1].annotations) == 2
    assert (dispute.num_saying("no"), dispute.num_saying("maybe")) == (1, 0)


def test_hostile_notes_and_names_stay_text(
    disputed: Database, open_page: OpenPage, payload: str
) -> None:
    annotate(disputed, payload, "q-1", "maybe", note=payload, answer=payload)
    page = open_page(ADJUDICATE, reviewer="Chief")
    assert not page.exception
    assert markup_of(page).count(escape(payload)) == 3
    assert all(payload not in text.value for text in page.markdown)


def test_the_list_goes_round_and_puts_skipped_items_last() -> None:
    items = SettlingList(["a", "b", "c"])
    items.put_off("b")
    assert [items.next_open(), items.next_open("a"), items.next_open("c")] == ["a", "c", "a"]
    items.mark_done("a")
    items.mark_done("c")
    assert items.next_open("c") == "b"
    items.mark_done("b")
    assert items.next_open() is None
    assert (items.num_done, len(items), items.number("c")) == (3, 3, 3)
    assert (items.neighbour("a", -1), items.neighbour("a", 1)) == (None, "b")
