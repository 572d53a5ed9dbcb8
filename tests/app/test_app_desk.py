"""The Review page and its desk over a real database file: what one does, and what is stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from db.connection import Database
from db.content.items import add_items
from db.content.predictions import add_predictions
from db.content.runs import add_run
from db.people.reviewers import add_reviewer, list_reviewers
from db.records import Annotation, Option, Section, Span
from db.review.annotations import get_gold, list_annotations
from db.review.drafts import find_draft, save_draft
from db.review.draws import QueueDesign
from db.review.guidelines import add_guideline
from db.review.item_list import ReviewFilter
from db.review.queue_changes import close_queue
from db.review.queues import Queue, QueueSettings, add_queue, find_item_at, list_queues
from db.review.settings import ReviewSettings, get_settings, save_settings
from db.viewer import EVERYTHING
from tests.support.desk import Desk
from tests.support.pages import OpenPage, go_to, markup_of, open_form
from tests.support.records import make_answer, make_drug_item, make_options_item, make_run

OpenDesk = Callable[..., Desk]
MakeQueue = Callable[..., Queue]


@pytest.fixture
def open_desk(open_page: OpenPage) -> OpenDesk:
    """Return a function that opens the Review page at an address."""
    return lambda **params: Desk(open_page(**params))


@pytest.fixture
def admin(filled_store: Database) -> str:
    with filled_store.transaction() as cur:
        return add_reviewer(cur, "Ada", "admin").reviewer_id


@pytest.fixture
def make_queue(filled_store: Database, admin: str) -> MakeQueue:
    def make(queue_id: str = "queue-1", **wanted: Any) -> Queue:
        defaults = {"name": "First pass", "filter": ReviewFilter(run_id="newer")}
        settings = QueueSettings(**{**defaults, **wanted})
        with filled_store.transaction() as cur:
            return add_queue(cur, settings, queue_id=queue_id, created_by=admin)

    return make


def history(database: Database, item_id: str) -> list[Annotation]:
    return list_annotations(database.cursor(), item_id, EVERYTHING)


def id_of(database: Database, name: str) -> str:
    return next(r.reviewer_id for r in list_reviewers(database.cursor()) if r.name == name)


def test_saving_stores_who_old_and_new_and_shows_the_next_item(
    filled_store: Database, open_desk: OpenDesk
) -> None:
    desk = open_desk(reviewer="Dr. Okafor")
    assert desk.item_id == "q-1"
    desk.save("maybe")
    (stored,) = history(filled_store, "q-1")
    assert stored.reviewer_id == id_of(filled_store, "Dr. Okafor")
    assert (stored.old_label, stored.judgement.label) == ("no", "maybe")
    assert stored.encounter.run_id == "newer"
    assert (stored.old_answer, stored.judgement.answer) == ("Yes, it does.", None)
    assert desk.item_id == "q-2"
    assert "Saved maybe for q-1." in desk.markup
    assert "1 of 4 reviewed" in desk.markup
    assert get_gold(filled_store.cursor(), "q-1", EVERYTHING).label == "maybe"


def test_a_save_without_a_label_is_refused(filled_store: Database, open_desk: OpenDesk) -> None:
    desk = open_desk()
    assert desk.save()["status"] != "stored"
    assert history(filled_store, "q-1") == []


def test_an_item_may_be_called_unanswerable_without_a_label(
    filled_store: Database, open_desk: OpenDesk
) -> None:
    desk = open_desk(item="q-1")
    assert "unanswerable" in desk.config["no_label_verdicts"]
    desk.save(verdicts=["unanswerable"])
    assert [one.judgement.labels for one in history(filled_store, "q-1")] == [()]


def test_undo_takes_the_label_back_and_shows_its_item(
    filled_store: Database, open_desk: OpenDesk
) -> None:
    desk = open_desk()
    desk.save("yes")
    desk.undo()
    assert desk.item_id == "q-1"
    assert [a.action for a in history(filled_store, "q-1")] == ["label", "retract"]
    assert get_gold(filled_store.cursor(), "q-1", EVERYTHING).origin == "imported"
    assert "0 of 4 reviewed" in desk.markup
    assert "retracted the label" in desk.markup


def test_undo_of_a_second_label_brings_the_first_one_back(
    filled_store: Database, open_desk: OpenDesk
) -> None:
    desk = open_desk()
    desk.save("yes")
    desk.move(-1)
    assert desk.card is not None and desk.card["start"]["label"] == "yes"
    desk.save("maybe")
    desk.undo()
    assert get_gold(filled_store.cursor(), "q-1", EVERYTHING).label == "yes"
    assert "1 of 4 reviewed" in desk.markup


def test_note_and_corrected_answer_are_stored_with_the_models_answer(
    filled_store: Database, open_desk: OpenDesk
) -> None:
    desk = open_desk()
    desk.save("no", note="No control group.", answer="No, it does not.")
    (stored,) = history(filled_store, "q-1")
    assert stored.judgement.note == "No control group."
    assert (stored.old_answer, stored.judgement.answer) == ("Yes, it does.", "No, it does not.")
    desk.move(-1)
    assert desk.card is not None and desk.card["start"]["answer"] == "No, it does not."
    assert "<del>Yes</del><ins>No</ins>, it does<ins> not</ins>." in desk.markup
    assert "confirmed <strong>no</strong>" in desk.markup


def test_skipped_items_come_back_when_nothing_else_is_open(
    filled_store: Database, open_desk: OpenDesk
) -> None:
    desk = open_desk()
    desk.skip()
    seen = [desk.item_id]
    for label in ("no", "maybe", "B"):
        desk.save(label)
        seen.append(desk.item_id)
    assert seen == ["q-2", "q-3", "v-1", "q-1"]
    desk.save("no")
    assert desk.item_id is None
    assert "You have labelled every item in this queue." in desk.markup
    desk.undo()
    assert desk.item_id == "q-1"


def test_the_evidence_is_named_where_it_differs(
    filled_store: Database, open_desk: OpenDesk
) -> None:
    markup = open_desk().markup
    assert "The text contradicts the label of record and the head." in markup
    assert ">stated as the answer<" in markup
    assert ">70% confidence<" in markup and ">70.0%<" in markup
    assert "Methods</h3>" in markup
    unread = open_desk(item="q-3").markup
    assert "The text contains no label, and the head contradicts" in unread


def test_an_item_in_the_address_is_shown_with_its_labels(
    filled_store: Database, open_desk: OpenDesk
) -> None:
    desk = open_desk(item="v-1", reviewer="Ann", show="unreviewed")
    assert desk.card is not None
    assert [one["label"] for one in desk.card["labels"]] == list("ABCD")
    desk.move(-1)
    assert desk.item_id == "q-3"
    assert "'gone'" in open_desk(item="gone").message


def test_filters_make_the_queue_and_stay_in_the_address(
    filled_store: Database, open_page: OpenPage
) -> None:
    test = open_page()
    test.selectbox(key="show").set_value("text_wrong").run()
    assert test.query_params["show"] == "text_wrong"
    assert Desk(test).progress["total"] == 2
    test.selectbox(key="run").set_value("older").run()
    assert "No item matches these filters" in Desk(test).markup
    test.selectbox(key="run").set_value("newer").run()
    test.button(key="clear_filters").click().run()
    assert Desk(test).progress["total"] == 4
    assert "show" not in test.query_params


def test_an_empty_store_says_what_to_do(database: Database, open_desk: OpenDesk) -> None:
    assert "There are no items yet. Import some on the Settings page." in open_desk().markup


def test_hostile_text_is_shown_as_text(
    database: Database, open_desk: OpenDesk, payload: str
) -> None:
    options = (Option("A", payload), Option("B", "Drug B"))
    item = make_options_item(
        "q-1", question=payload, labels=("A", "B"), options=options, long_answer=payload,
        context=(Section(payload, payload),), source=payload,
    )  # fmt: skip
    with database.transaction() as cur:
        add_items(cur, [item], origin="items")
        add_run(cur, make_run(payload, model=payload))
        add_predictions(cur, [make_answer("q-1", f"{payload} so B", "B", payload)])
    open_desk(reviewer=payload).save("A", note=payload)
    assert history(database, "q-1")[0].judgement.note == payload.strip()
    markup = open_desk(item="q-1", reviewer=payload).markup
    for forbidden in ("<script", "<img", "<h1", "<a ", "\u202e", "\u200b"):
        assert forbidden not in markup


def test_a_long_answer_is_cut_until_all_of_it_is_asked_for(
    database: Database, open_desk: OpenDesk
) -> None:
    answer = "word " * 10_000 + "the very end"
    with database.transaction() as cur:
        add_items(cur, [make_drug_item(1)], origin="items")
        add_run(cur, make_run("newer"))
        add_predictions(cur, [make_answer("q-1", answer, None, "newer")])
    desk = open_desk()
    assert "the very end" not in desk.markup
    assert "Show all 50,012" in desk.markup
    whole = desk.get("cards/q-1", whole=True)
    assert "the very end" in whole["fragments"]["answer"]


def test_before_the_reveal_nothing_that_could_sway_is_sent(
    filled_store: Database, open_desk: OpenDesk, admin: str
) -> None:
    with filled_store.transaction() as cur:
        save_settings(cur, ReviewSettings("blind"), admin)
    open_desk(reviewer="Ann").save("maybe")
    desk = open_desk(reviewer="Bob")
    sent = str(desk.card)
    for hidden in ("Yes, it does.", "All agree", "contradict", "70.0%", "It did not help.", "Ann"):
        assert hidden not in sent
    assert "Blind review" in sent
    desk.save("yes")
    assert desk.item_id == "q-1"
    for shown in ("</mark>", "70.0%", "It did not help.", "Ann"):
        assert shown in desk.markup
    desk.save("no")
    assert desk.item_id == "q-2"
    bob = id_of(filled_store, "Bob")
    mine = [one for one in history(filled_store, "q-1") if one.reviewer_id == bob]
    assert [(one.encounter.phase, one.judgement.label, one.encounter.run_id) for one in mine] == [
        ("blind", "yes", None),
        ("revealed", "no", "newer"),
    ]
    assert "1 of 4 reviewed" in desk.markup


def test_an_item_that_awaits_a_blind_label_is_passed_over_and_withheld(
    filled_store: Database, open_page: OpenPage, open_desk: OpenDesk, make_queue: MakeQueue
) -> None:
    make_queue(mode="blind", filter=ReviewFilter(source="pubmedqa", search="drug 1"))
    page = open_page(reviewer="Bob")
    assert "1 item awaits your blind label in First pass" in markup_of(page)
    assert Desk(page).item_id == "q-2"
    desk = open_desk(reviewer="Bob", item="q-1")
    assert desk.card is None
    assert "blind" in desk.message
    assert desk.get("cards/q-1")["queue_id"] == "queue-1"


def test_an_item_of_two_blind_queues_is_revealed_in_the_second(
    filled_store: Database, open_desk: OpenDesk, make_queue: MakeQueue
) -> None:
    wanted = {"mode": "blind", "filter": ReviewFilter(search="drug", run_id="newer")}
    make_queue(**wanted)
    make_queue(**wanted, queue_id="queue-2", name="Second pass")
    desk = open_desk(reviewer="Bob", queue="queue-1")
    desk.save("no")
    assert desk.item_id == "q-2"
    assert "Another queue awaits your label" in desk.markup
    desk = open_desk(reviewer="Bob", queue="queue-2")
    desk.save("no")
    assert desk.item_id == "q-1"
    assert "It did not help." in desk.markup


def test_an_item_that_comes_again_shows_nothing_of_the_first_time(
    filled_store: Database, open_desk: OpenDesk, make_queue: MakeQueue
) -> None:
    queue = make_queue(mode="blind", repeat_share=0.5, seed=1)
    desk = open_desk(reviewer="Bob", queue=queue.queue_id)
    blind = []
    while desk.card is not None:
        if desk.card["phase"] == "blind":
            blind.append(desk.item_id)
            assert desk.card["start"]["label"] is None
            assert "lc-history" not in desk.markup
        desk.save("B" if desk.item_id == "v-1" else "no")
    repeats = [item_id for item_id in blind if blind.count(item_id) == 2]
    assert repeats
    stored = [one.encounter.presentation for one in history(filled_store, str(repeats[0]))]
    assert stored == ["first", "first", "repeat", "repeat"]


def test_a_queue_is_made_from_the_filters_and_reviewed_at_once(
    filled_store: Database, open_page: OpenPage, admin: str
) -> None:
    test = open_page(reviewer="Ada", show="text_wrong")
    open_form(test, "review_queue")
    test.text_input(key="review_queue_name").set_value("Wrong texts")
    test.selectbox(key="review_queue_order").set_value("uncertain")
    test.number_input(key="review_queue_num_reviewers").set_value(2)
    test.number_input(key="review_queue_floor").set_value(20)
    test.selectbox(key="review_queue_strata").set_value("gold_label")
    test.button(key="review_queue_create_and_review").click().run()
    assert not test.exception
    (queue,) = list_queues(filled_store.cursor())
    assert (queue.settings.name, queue.settings.order) == ("Wrong texts", "uncertain")
    assert (queue.settings.mode, queue.settings.num_reviewers) == ("blind", 2)
    assert queue.settings.design == QueueDesign(floor=0.2, strata="gold_label")
    assert queue.settings.seed > 0  # drawn at random
    drawn = f"Drawn with seed {queue.settings.seed}, by reference label; 20%"
    assert f"Created the queue Wrong texts with 2 items. {drawn}" in markup_of(test)
    assert markup_of(test).count(drawn) == 2  # with the queue as well
    desk = Desk(test)
    # The order is drawn: the least certain item has the best chance of the first place, no claim.
    assert desk.item_id == find_item_at(filled_store.cursor(), queue.queue_id, 0)
    assert desk.item_id in ("q-1", "q-3")
    assert "Blind review" in desk.markup
    with filled_store.transaction() as cur:
        close_queue(cur, queue.queue_id, admin)
    assert test.run().query_params.get("queue") is None


def test_who_may_not_manage_queues_is_not_offered_to(
    filled_store: Database, open_page: OpenPage, make_queue: MakeQueue
) -> None:
    with filled_store.transaction() as cur:
        add_reviewer(cur, "Bob", "reviewer")
    queue = make_queue()
    assert queue.queue_id
    page = open_page(reviewer="Bob")
    open_form(page, "review_queue")
    assert "review_queue_create" not in [button.key for button in page.button]


def test_settings_are_stored_from_the_page_and_begin_the_desk_again(
    filled_store: Database, open_page: OpenPage, admin: str
) -> None:
    test = open_page(reviewer="Ada")
    before = Desk(test).config["scope"]
    go_to(test, "settings/project")
    test.selectbox(key="project_mode").set_value("blind")
    test.text_input(key="project_name").set_value("Trial")
    test.number_input(key="project_speed").set_value(300)
    test.checkbox(key="project_names").check()
    test.button(key="project_store").click().run()
    assert get_settings(filled_store.cursor()) == ReviewSettings(
        "blind", 300, hides_names=True, project="Trial"
    )
    desk = Desk(go_to(test, "review"))
    assert desk.config["scope"] != before
    assert "Blind review" in desk.markup


def test_a_rerun_of_the_page_changes_nothing_for_the_desk(
    filled_store: Database, open_page: OpenPage
) -> None:
    test = open_page(reviewer="Ann")
    first = Desk(test).config
    second = Desk(test.run()).config
    assert (first["token"], first["scope"]) == (second["token"], second["scope"])
    assert Desk(open_page(reviewer="Ann")).config["scope"] == first["scope"]
    assert Desk(open_page(reviewer="Bob")).config["scope"] != first["scope"]


def test_everything_one_can_say_is_stored_with_the_label(
    filled_store: Database, open_desk: OpenDesk
) -> None:
    desk = open_desk(item="q-1", reviewer="Bob")
    desk.save(
        "yes",
        also=["maybe"],
        verdicts=["gold_wrong", "several_acceptable"],
        severity="severe",
        confidence="low",
        span={"text": "answer", "start": 0, "end": 13},
    )
    (annotation,) = history(filled_store, "q-1")
    judgement = annotation.judgement
    assert judgement.labels == ("yes", "maybe")
    assert judgement.verdicts == ("gold_wrong", "several_acceptable")
    assert (judgement.severity, judgement.confidence) == ("severe", "low")
    assert judgement.span == Span("answer", 0, 13)
    desk.move(-1)
    for shown in (
        "Reference label wrong",
        "harm: Severe",
        "confidence: Low",
        "<strong>yes, maybe</strong>",
    ):
        assert shown in desk.markup


def test_an_annotation_keeps_the_version_of_the_guideline_that_was_shown(
    filled_store: Database, open_desk: OpenDesk, admin: str
) -> None:
    with filled_store.transaction() as cur:
        guideline = add_guideline(cur, "Say maybe where the trial is small.", reviewer_id=admin)
    desk = open_desk(item="q-1")
    assert "Say maybe where the trial is small." in desk.markup
    with filled_store.transaction() as cur:
        add_guideline(cur, "Written while q-1 was on screen.", reviewer_id=admin)
    desk.save("maybe")
    assert history(filled_store, "q-1")[0].encounter.guideline_version == guideline.version


def test_flagging_is_an_event_with_the_time_of_the_press(
    filled_store: Database, open_desk: OpenDesk
) -> None:
    desk = open_desk(item="q-1")
    desk.flag()
    assert "Flagged q-1." in desk.message
    desk.flag(is_flagged=False)
    query = "select action, client_at is not null from review_event where action like '%flag'"
    assert filled_store.cursor().execute(query).fetchall() == [("flag", True), ("unflag", True)]


def test_the_form_starts_from_the_draft(filled_store: Database, open_desk: OpenDesk) -> None:
    with filled_store.transaction() as cur:
        bob = add_reviewer(cur, "Bob").reviewer_id
        body = {"label": "maybe", "note": "half a thought", "verdicts": ["gold_wrong", "nonsense"]}
        save_draft(cur, "q-1", bob, "open", body)
    desk = open_desk(item="q-1", reviewer="Bob")
    desk.save()
    (stored,) = history(filled_store, "q-1")
    assert (stored.judgement.label, stored.judgement.note, stored.judgement.verdicts) == (
        "maybe", "half a thought", ("gold_wrong",),
    )  # fmt: skip
    assert find_draft(filled_store.cursor(), "q-1", bob, "open") is None
