"""The review workbench on the page: queues, blind then reveal, drafts, and what one can say."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from db.connection import Database
from db.conversions import to_timestamp
from db.people.reviewers import add_reviewer, list_reviewers
from db.records import Annotation, Span
from db.review.annotations import get_gold, list_annotations
from db.review.drafts import find_draft, save_draft
from db.review.guidelines import add_guideline
from db.review.item_list import ReviewFilter
from db.review.queues import Queue, QueueSettings, add_queue, list_queues
from db.review.settings import ReviewSettings, get_settings, save_settings
from db.viewer import EVERYTHING
from streamlit_app.server import review_service
from streamlit_app.server.draft_box import BOXES, TOKEN_HEADER, take_draft
from streamlit_app.server.worklist import FilterWorklist
from tests.support.pages import OpenPage, markup_of, on_screen, pick, press, session


def said(database: Database, item_id: str) -> list[Annotation]:
    return list_annotations(database.cursor(), item_id, EVERYTHING)


def events(database: Database, item_id: str) -> list[tuple[str, str, datetime | None]]:
    """Return action, reviewer and the browser's time of what was done with an item."""
    query = """
        select action, reviewer_id, client_at from review_event
        where item_id = $item_id order by event_number
    """
    return database.cursor().execute(query, {"item_id": item_id}).fetchall()


def reviewer_id(database: Database, name: str) -> str:
    return next(r.reviewer_id for r in list_reviewers(database.cursor()) if r.name == name)


@pytest.fixture
def admin(filled_store: Database) -> str:
    with filled_store.transaction() as cur:
        return add_reviewer(cur, "Ada", "admin").reviewer_id


@pytest.fixture
def make_queue(filled_store: Database, admin: str) -> Callable[..., Queue]:
    def make(queue_id: str = "queue-1", **wanted: Any) -> Queue:
        defaults = {"name": "First pass", "filter": ReviewFilter(run_id="newer")}
        settings = QueueSettings(**{**defaults, **wanted})
        with filled_store.transaction() as cur:
            return add_queue(cur, settings, queue_id=queue_id, created_by=admin)

    return make


def test_work_on_filters_goes_round_once_and_leaves_what_was_put_off_for_last(
    filled_store: Database, admin: str
) -> None:
    work = FilterWorklist(filled_store, ReviewFilter(reviewer_id=admin), "item_id", "open")
    assert (work.total, work.num_done, work.next_open()) == (4, 0, "q-1")
    assert (work.neighbour("q-1", -1), work.neighbour("q-1", 1)) == (None, "q-2")
    assert (work.neighbour("elsewhere", 1), work.number("elsewhere")) == ("q-1", None)
    work.put_off("q-2")
    assert work.next_open("q-1") == "q-3"
    assert work.next_open("v-1") == "q-1"
    only = FilterWorklist(
        filled_store, ReviewFilter(search="coughs", reviewer_id=admin), "item_id", "open"
    )
    only.put_off("v-1")
    assert only.next_open("v-1") == "v-1"
    assert [action for action, _, _ in events(filled_store, "v-1")] == ["skip"]


def test_before_the_reveal_nothing_that_could_sway_is_on_the_page(
    filled_store: Database, open_page: OpenPage, admin: str
) -> None:
    with filled_store.transaction() as cur:
        save_settings(cur, ReviewSettings("blind"), admin)
    ann = open_page(reviewer="Ann")
    pick(ann, "maybe")
    press(ann, "save")
    test = open_page(reviewer="Bob")
    markup = markup_of(test)
    for hidden in ("Yes, it does.", "All agree", "contradict", "70.0%", "It did not help.", "Ann"):
        assert hidden not in markup
    assert "<mark" not in markup and "<ol" not in markup
    assert "Blind review" in markup
    pick(test, "yes")
    press(test, "save")
    assert on_screen(test) == "q-1"
    markup = markup_of(test)
    for shown in ("Yes</mark>, it does.", "70.0%", "It did not help.", "Ann"):
        assert shown in markup
    pick(test, "no")
    press(test, "save")
    assert on_screen(test) == "q-2"
    bob = reviewer_id(filled_store, "Bob")
    mine = [one for one in said(filled_store, "q-1") if one.reviewer_id == bob]
    assert [(one.encounter.phase, one.judgement.label, one.encounter.run_id) for one in mine] == [
        ("blind", "yes", None),
        ("revealed", "no", "newer"),
    ]
    assert "1 of 4 reviewed" in markup_of(test)
    review_service.settle()
    actions = [action for action, who, _ in events(filled_store, "q-1") if who == bob]
    assert sorted(actions) == ["open", "open", "reveal"]


def test_the_filters_pass_over_what_waits_in_a_blind_queue_and_lead_to_it(
    filled_store: Database, open_page: OpenPage, make_queue: Callable[..., Queue]
) -> None:
    queue = make_queue(mode="blind", filter=ReviewFilter(source="pubmedqa", search="drug 1"))
    test = open_page(reviewer="Bob")
    assert on_screen(test) == "q-2"
    assert "1 item awaits your blind label in First pass" in markup_of(test)
    test = open_page(reviewer="Bob", item="q-1")
    markup = markup_of(test)
    assert "Label q-1 blind first" in markup
    for hidden in ("Yes, it does.", "It did not help.", "Does drug 1 help?"):
        assert hidden not in markup
    test.button(key="review_to_blind_queue").click().run()
    assert (on_screen(test), session(test).worklist.queue_id) == ("q-1", queue.queue_id)
    assert "Blind review" in markup_of(test)
    pick(test, "no")
    press(test, "save")
    assert "It did not help." in markup_of(test)


def test_the_end_of_a_list_says_what_awaits_a_blind_label(
    filled_store: Database, open_page: OpenPage, make_queue: Callable[..., Queue]
) -> None:
    make_queue(mode="blind", filter=ReviewFilter(source="pubmedqa"))
    test = open_page(reviewer="Bob", source="pubmedqa")
    assert on_screen(test) is None
    assert "the rest await your blind label" in markup_of(test)
    assert "You have labelled every item" not in markup_of(test)


def test_an_item_on_screen_is_read_again_once_it_is_to_be_labelled_blind(
    filled_store: Database, open_page: OpenPage, make_queue: Callable[..., Queue]
) -> None:
    test = open_page(reviewer="Bob")
    assert on_screen(test) == "q-1"
    assert "It did not help." in markup_of(test)
    make_queue(mode="blind", filter=ReviewFilter(search="drug"))
    test.run()
    assert "It did not help." not in markup_of(test)
    assert "Label q-1 blind first" in markup_of(test)


def test_an_item_of_two_blind_queues_is_revealed_in_the_second(
    filled_store: Database, open_page: OpenPage, make_queue: Callable[..., Queue]
) -> None:
    wanted = {"mode": "blind", "filter": ReviewFilter(search="drug", run_id="newer")}
    make_queue(**wanted)
    make_queue(**wanted, queue_id="queue-2", name="Second pass")
    test = open_page(reviewer="Bob", queue="queue-1")
    pick(test, "no")
    press(test, "save")
    assert on_screen(test) == "q-2"
    assert "Another queue awaits your label" in markup_of(test)
    assert "It did not help." not in markup_of(test)
    test = open_page(reviewer="Bob", queue="queue-2")
    pick(test, "no")
    press(test, "save")
    assert on_screen(test) == "q-1"
    assert "It did not help." in markup_of(test)


def test_undo_after_the_reveal_asks_again_with_everything_shown(
    filled_store: Database, open_page: OpenPage, make_queue: Callable[..., Queue]
) -> None:
    queue = make_queue(mode="blind")
    test = open_page(reviewer="Bob", queue=queue.queue_id)
    for label in ("yes", "no"):
        pick(test, label)
        press(test, "save")
    assert on_screen(test) == "q-2"
    press(test, "undo")
    assert on_screen(test) == "q-1"
    draw = session(test).draw
    assert draw is not None and draw.shown is not None and draw.shown.encounter.phase == "revealed"
    press(test, "undo")
    draw = session(test).draw
    assert draw is not None and draw.shown is not None and draw.shown.is_blind
    assert [one.action for one in said(filled_store, "q-1")] == ["label"] * 2 + ["retract"] * 2


def test_two_people_in_a_queue_get_different_items_and_resume_where_they_were(
    filled_store: Database, open_page: OpenPage, make_queue: Callable[..., Queue]
) -> None:
    queue = make_queue()
    ann = open_page(reviewer="Ann", queue=queue.queue_id)
    review_service.settle()
    bob = open_page(reviewer="Bob", queue=queue.queue_id)
    review_service.settle()
    assert (on_screen(ann), on_screen(bob)) == ("q-1", "q-3")  # q-2 is held ahead for Ann
    assert on_screen(open_page(reviewer="Ann", queue=queue.queue_id)) == "q-1"
    pick(ann, "no")
    press(ann, "save")
    assert on_screen(ann) == "q-2"
    assert said(filled_store, "q-1")[0].encounter.queue_id == queue.queue_id
    assert "1 of 4 reviewed" in markup_of(ann)
    for test in (ann, bob):
        while on_screen(test) is not None:
            pick(test, "B" if on_screen(test) == "v-1" else "no")
            press(test, "save")
            review_service.settle()
    assert all(len(said(filled_store, item_id)) == 1 for item_id in ("q-1", "q-2", "q-3", "v-1"))
    assert "No item in this queue is available to you" in markup_of(bob)


def test_an_item_that_comes_again_shows_nothing_of_the_first_time(
    filled_store: Database, open_page: OpenPage, make_queue: Callable[..., Queue]
) -> None:
    queue = make_queue(mode="blind", repeat_share=0.5, seed=1)
    test = open_page(reviewer="Bob", queue=queue.queue_id)
    shown = []
    while (item_id := on_screen(test)) is not None:
        draw = session(test).draw
        assert draw is not None and draw.shown is not None
        shown.append((item_id, draw.shown.encounter.presentation, draw.shown.encounter.phase))
        if draw.shown.is_blind:
            assert draw.shown.mine is None
            assert "lc-history" not in markup_of(test).split("<style>")[0]
        pick(test, "B" if item_id == "v-1" else "no")
        press(test, "save")
        review_service.settle()
    repeats = [item_id for item_id, presentation, phase in shown if presentation == "repeat"]
    assert repeats and len(shown) == 8 + len(repeats)
    stored = [one.encounter.presentation for one in said(filled_store, repeats[0])]
    assert stored == ["first", "first", "repeat", "repeat"]
    assert "4 of 4 reviewed" in markup_of(test)


def test_a_queue_is_made_from_the_filters_and_closed_again(
    filled_store: Database, open_page: OpenPage, admin: str
) -> None:
    test = open_page(reviewer="Ada", show="text_wrong")
    test.text_input(key="queue_name").set_value("Wrong texts")
    test.selectbox(key="queue_order").set_value("uncertain")
    test.selectbox(key="queue_mode").set_value("blind")
    test.number_input(key="queue_num_reviewers").set_value(2)
    test.button(key="queue_create").click().run()
    assert not test.exception
    (queue,) = list_queues(filled_store.cursor())
    assert (queue.settings.name, queue.settings.order) == ("Wrong texts", "uncertain")
    assert (queue.settings.mode, queue.settings.num_reviewers) == ("blind", 2)
    assert "Created the queue Wrong texts with 2 items." in markup_of(test)
    assert on_screen(test) == "q-3"
    assert "Blind review" in markup_of(test)
    test.button(key="queue_close").click().run()
    assert list_queues(filled_store.cursor(), admin) == []
    assert test.query_params.get("queue") is None


def test_who_may_not_manage_queues_is_not_offered_to(
    filled_store: Database, open_page: OpenPage, make_queue: Callable[..., Queue]
) -> None:
    with filled_store.transaction() as cur:
        add_reviewer(cur, "Bob", "reviewer")
    queue = make_queue()
    keys = [button.key for button in open_page(reviewer="Bob", queue=queue.queue_id).button]
    assert "queue_close" not in keys
    assert "queue_create" not in [button.key for button in open_page(reviewer="Bob").button]


def test_settings_are_stored_from_the_page(
    filled_store: Database, open_page: OpenPage, admin: str
) -> None:
    test = open_page(reviewer="Ada")
    test.selectbox(key="review_settings_mode").set_value("blind")
    test.number_input(key="review_settings_speed").set_value(300)
    test.checkbox(key="review_settings_names").check()
    test.button(key="review_settings_store").click().run()
    assert get_settings(filled_store.cursor()) == ReviewSettings("blind", 300, hides_names=True)
    assert "Blind review" in markup_of(test)


def test_everything_one_can_say_is_stored_with_the_label(
    filled_store: Database, open_page: OpenPage
) -> None:
    test = open_page(item="q-1", reviewer="Bob")
    press(test, "more")
    test.pills(key="review_verdicts_q-1").set_value(["gold_wrong", "several_acceptable"]).run()
    test.pills(key="review_also_q-1").set_value(["maybe"]).run()
    test.segmented_control(key="review_severity_q-1").set_value("severe").run()
    test.segmented_control(key="review_confidence_q-1").set_value("low").run()
    test.selectbox(key="review_span_q-1").set_value(Span("answer", 0, 13)).run()
    assert "lc-support" in markup_of(test)
    stored = find_draft(filled_store.cursor(), "q-1", reviewer_id(filled_store, "Bob"), "open")
    assert stored is not None and stored["severity"] == "severe"
    pick(test, "yes")
    press(test, "save")
    (annotation,) = said(filled_store, "q-1")
    said_now = annotation.judgement
    assert said_now.labels == ("yes", "maybe")
    assert said_now.verdicts == ("gold_wrong", "several_acceptable")
    assert (said_now.severity, said_now.confidence) == ("severe", "low")
    assert said_now.span == Span("answer", 0, 13)
    assert get_gold(filled_store.cursor(), "q-1", EVERYTHING).label == "no"
    markup = markup_of(press(test, "back"))
    for shown in ("Gold wrong", "harm: Severe", "confidence: Low", "<strong>yes, maybe</strong>"):
        assert shown in markup


def test_an_annotation_keeps_the_version_of_the_guideline_beside_it(
    filled_store: Database, open_page: OpenPage, admin: str
) -> None:
    with filled_store.transaction() as cur:
        guideline = add_guideline(cur, "Say maybe where the trial is small.", reviewer_id=admin)
    test = open_page(item="q-1")
    assert "Say maybe where the trial is small." in markup_of(test)
    with filled_store.transaction() as cur:
        add_guideline(cur, "Written while q-1 was on screen.", reviewer_id=admin)
    pick(test, "maybe")
    press(test, "save")
    assert said(filled_store, "q-1")[0].encounter.guideline_version == guideline.version


def test_an_item_may_be_called_unanswerable_without_a_label(
    filled_store: Database, open_page: OpenPage
) -> None:
    test = open_page(item="q-1")
    press(test, "more")
    test.pills(key="review_verdicts_q-1").set_value(["unanswerable"]).run()
    press(test, "save")
    assert [(one.judgement.label, one.judgement.labels) for one in said(filled_store, "q-1")] == [
        (None, ())
    ]


def test_a_save_sooner_than_reading_is_marked_and_can_be_asked_again(
    filled_store: Database, open_page: OpenPage
) -> None:
    test = open_page(item="q-1")
    pick(test, "no")
    press(test, "save")
    assert said(filled_store, "q-1")[0].encounter.is_fast
    assert "Flagged as faster than reading speed" in markup_of(test)
    draw = session(test).draw
    assert draw is not None
    draw.shown_at -= 60
    pick(test, "no")
    press(test, "save")
    assert not said(filled_store, "q-2")[0].encounter.is_fast
    assert on_screen(open_page(show="fast", item="q-1")) == "q-1"
    assert "1 of 1 reviewed" in markup_of(open_page(show="fast", item="q-1"))


def test_flagging_is_an_event_with_both_times(filled_store: Database, open_page: OpenPage) -> None:
    test = open_page(item="q-1")
    draw = session(test).draw
    assert draw is not None
    box = BOXES.get(draw.annotation_id)
    assert box is not None
    box.pressed_at = datetime(2026, 5, 1, 12, tzinfo=UTC)
    press(test, "flag")
    assert "Flagged q-1." in markup_of(test)
    press(test, "flag")
    review_service.settle()
    flags = [one for one in events(filled_store, "q-1") if one[0] != "open"]
    assert [action for action, _, _ in flags] == ["flag", "unflag"]
    assert flags[0][2] == to_timestamp(box.pressed_at)
    assert on_screen(open_page(show="flagged", item="q-1")) == "q-1"


def test_the_form_starts_from_the_draft(filled_store: Database, open_page: OpenPage) -> None:
    with filled_store.transaction() as cur:
        bob = add_reviewer(cur, "Bob").reviewer_id
        body = {"label": "maybe", "note": "half a thought", "verdicts": ["gold_wrong", "nonsense"]}
        save_draft(cur, "q-1", bob, "open", body)
    test = open_page(item="q-1", reviewer="Bob")
    assert test.segmented_control(key="review_label_q-1").value == "maybe"
    assert test.text_area(key="review_note_q-1").value == "half a thought"
    press(test, "save")
    (stored,) = said(filled_store, "q-1")
    assert (stored.judgement.label, stored.judgement.note, stored.judgement.verdicts) == (
        "maybe", "half a thought", ("gold_wrong",),
    )  # fmt: skip
    assert find_draft(filled_store.cursor(), "q-1", bob, "open") is None


@pytest.fixture
def browser() -> TestClient:
    return TestClient(Starlette(routes=[Route("/review/draft", take_draft, methods=["POST"])]))


def test_the_browser_hands_in_drafts_for_the_item_on_its_screen_only(
    filled_store: Database, open_page: OpenPage, browser: TestClient
) -> None:
    test = open_page(item="q-1", reviewer="Bob")
    draw = session(test).draw
    assert draw is not None
    token = draw.annotation_id
    bob = reviewer_id(filled_store, "Bob")

    def post(token: str, **sent: Any) -> int:
        headers = {TOKEN_HEADER: token}
        return browser.post("/review/draft", json=sent, headers=headers).status_code

    assert post(token=token, label=2) == 204
    assert post(token=token, note="typed", pressed_at=1_780_000_000_000) == 204
    assert post(token=token, label="yes", note=7, answer=None, severity="severe") == 204
    cur = filled_store.cursor()
    assert find_draft(cur, "q-1", bob, "open") == {"label": "maybe", "note": "typed"}
    assert post(token=token, label=None) == 204
    assert find_draft(cur, "q-1", bob, "open") == {"label": None, "note": "typed"}
    assert post(token="guessed", label=0) == 404
    assert browser.post("/review/draft", json={"token": token, "label": 0}).status_code == 404
    assert post(token=token, label=True) == 204
    assert find_draft(cur, "q-1", bob, "open") == {"label": None, "note": "typed"}
    assert post(token=token, note="x" * 900_000) == 413
    assert post(token=token, note="x" * 300_000) == 409
    pick(test, "no")
    press(test, "save")
    (stored,) = said(filled_store, "q-1")
    assert stored.encounter.client_at == datetime.fromtimestamp(1_780_000_000, UTC)
    assert post(token=token, label=0) == 404
    assert find_draft(filled_store.cursor(), "q-1", bob, "open") is None
