"""The Review page over a real database file."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from db.connection import Database
from db.content.items import add_items
from db.content.predictions import add_predictions
from db.content.runs import add_run
from db.people.reviewers import list_reviewers
from db.records import Annotation, Option, Section
from db.review.annotations import get_gold, list_annotations
from db.viewer import EVERYTHING
from tests.support.pages import OpenPage, markup_of, on_screen, pick, press, session
from tests.support.records import make_answer, make_drug_item, make_options_item, make_run


def listed(test: AppTest) -> list[str]:
    work = session(test).worklist
    assert work is not None
    found = [work.first()]
    while found[-1] is not None:
        found.append(work.neighbour(found[-1], 1))
    return [item_id for item_id in found if item_id is not None]


def pick_and_save(test: AppTest, label: str) -> AppTest:
    pick(test, label)
    return press(test, "save")


def history(database: Database, item_id: str) -> list[Annotation]:
    return list_annotations(database.cursor(), item_id, EVERYTHING)


def test_saving_stores_who_old_and_new_and_shows_the_next_item(
    filled_store: Database, open_page: OpenPage
) -> None:
    test = open_page(reviewer="Dr. Okafor")
    assert on_screen(test) == "q-1"
    pick_and_save(test, "maybe")
    assert not test.exception
    (stored,) = history(filled_store, "q-1")
    names = {r.reviewer_id: r.name for r in list_reviewers(filled_store.cursor())}
    assert names[stored.reviewer_id] == "Dr. Okafor"
    assert (stored.old_label, stored.judgement.label) == ("no", "maybe")
    assert stored.encounter.run_id == "newer"
    assert (stored.old_answer, stored.judgement.answer) == ("Yes, it does.", None)
    seconds = stored.encounter.duration_seconds
    assert seconds is not None and seconds >= 0
    assert on_screen(test) == "q-2"
    markup = markup_of(test)
    assert "Saved maybe for q-1." in markup
    assert "1 of 4 reviewed" in markup
    assert get_gold(filled_store.cursor(), "q-1", EVERYTHING).label == "maybe"


def test_saving_without_a_label_stores_nothing_and_says_so(
    filled_store: Database, open_page: OpenPage
) -> None:
    test = open_page()
    test.button(key="review_save_q-1").click().run()
    assert history(filled_store, "q-1") == []
    assert on_screen(test) == "q-1"
    assert "Choose a label before saving" in markup_of(test)


def test_a_press_for_an_item_no_longer_on_screen_stores_nothing(
    filled_store: Database, open_page: OpenPage
) -> None:
    test = open_page()
    test.segmented_control(key="review_label_q-1").set_value("yes")
    session(test).show("q-3")
    test.button(key="review_save_q-1").click().run()
    assert history(filled_store, "q-1") == history(filled_store, "q-3") == []
    assert on_screen(test) == "q-3"
    assert "Not saved" in markup_of(test)


def test_the_same_press_sent_twice_is_stored_once(
    filled_store: Database, open_page: OpenPage
) -> None:
    test = open_page()
    draw = session(test).draw
    pick_and_save(test, "yes")
    session(test).draw = draw
    test.run()
    pick_and_save(test, "yes")
    assert len(history(filled_store, "q-1")) == 1


def test_undo_takes_the_label_back_and_shows_its_item(
    filled_store: Database, open_page: OpenPage
) -> None:
    test = open_page()
    pick_and_save(test, "yes")
    test.button(key="review_undo_q-2").click().run()
    assert on_screen(test) == "q-1"
    assert [a.action for a in history(filled_store, "q-1")] == ["label", "retract"]
    assert get_gold(filled_store.cursor(), "q-1", EVERYTHING).origin == "imported"
    markup = markup_of(test)
    assert "0 of 4 reviewed" in markup
    assert "retracted the label" in markup


def test_undo_of_a_second_label_brings_the_first_one_back(
    filled_store: Database, open_page: OpenPage
) -> None:
    test = open_page()
    pick_and_save(test, "yes")
    test.button(key="review_back_q-2").click().run()
    assert test.segmented_control(key="review_label_q-1").value == "yes"
    pick_and_save(test, "maybe")
    test.button(key="review_undo_q-2").click().run()
    assert on_screen(test) == "q-1"
    assert get_gold(filled_store.cursor(), "q-1", EVERYTHING).label == "yes"
    assert "1 of 4 reviewed" in markup_of(test)


def test_undo_without_a_save_takes_back_the_label_on_screen(
    filled_store: Database, open_page: OpenPage
) -> None:
    pick_and_save(open_page(), "yes")
    later = open_page(item="q-1")
    later.button(key="review_undo_q-1").click().run()
    assert [a.action for a in history(filled_store, "q-1")] == ["label", "retract"]


def test_another_reviewer_cannot_undo_what_was_saved_before_them(
    filled_store: Database, open_page: OpenPage
) -> None:
    test = open_page(reviewer="Ann")
    pick_and_save(test, "yes")
    test.selectbox(key="reviewer").set_value("Reviewer 1").run()
    assert test.button(key="review_undo_q-1").disabled
    assert "0 of 4 reviewed" in markup_of(test)
    assert len(history(filled_store, "q-1")) == 1


def test_a_press_that_comes_with_another_name_is_not_saved(
    filled_store: Database, open_page: OpenPage
) -> None:
    test = open_page(reviewer="Ann")
    test.selectbox(key="reviewer").set_value("Reviewer 1")
    pick_and_save(test, "yes")  # the press of a page that was drawn for Ann
    assert "reviewer was changed" in markup_of(test)
    assert history(filled_store, "q-1") == []
    pick_and_save(test, "yes")
    (stored,) = history(filled_store, "q-1")
    names = {r.reviewer_id: r.name for r in list_reviewers(filled_store.cursor())}
    assert names[stored.reviewer_id] == "Reviewer 1"


def test_note_and_corrected_answer_are_stored_beside_the_models_answer(
    filled_store: Database, open_page: OpenPage
) -> None:
    test = open_page()
    test.button(key="review_more_q-1").click().run()
    test.text_area(key="review_note_q-1").set_value("  No control group. ")
    test.text_area(key="review_answer_q-1").set_value("No, it does not.")
    pick_and_save(test, "no")
    (stored,) = history(filled_store, "q-1")
    assert stored.judgement.note == "No control group."
    assert (stored.old_answer, stored.judgement.answer) == ("Yes, it does.", "No, it does not.")
    back = test.button(key="review_back_q-2").click().run()
    assert back.text_area(key="review_answer_q-1").value == "No, it does not."
    markup = markup_of(back)
    assert "<del>Yes</del><ins>No</ins>, it does<ins> not</ins>." in markup
    assert "confirmed <strong>no</strong>" in markup


def test_skipped_items_come_back_when_nothing_else_is_open(
    filled_store: Database, open_page: OpenPage
) -> None:
    test = open_page()
    test.button(key="review_skip_q-1").click().run()
    seen = [on_screen(test)]
    for label in ("no", "maybe", "B"):
        pick_and_save(test, label)
        seen.append(on_screen(test))
    assert seen == ["q-2", "q-3", "v-1", "q-1"]
    pick_and_save(test, "no")
    assert on_screen(test) is None
    assert "You have labelled every item in this queue." in markup_of(test)
    test.button(key="review_undo_end").click().run()
    assert on_screen(test) == "q-1"


def test_the_evidence_is_named_where_it_differs(
    filled_store: Database, open_page: OpenPage
) -> None:
    markup = markup_of(open_page())
    assert "The text contradicts the gold label and the head." in markup
    assert ">stated as the answer<" in markup
    assert ">70% confidence<" in markup and ">70.0%<" in markup
    assert "<mark" in markup and ">Yes</mark>, it does." in markup
    assert "Methods</h3>" in markup
    unread = markup_of(open_page(item="q-3"))
    assert "The text contains no label, and the head contradicts" in unread


def test_an_item_in_the_address_is_shown_and_kept_over_a_reload(
    filled_store: Database, open_page: OpenPage
) -> None:
    test = open_page(item="v-1", reviewer="Ann", show="unreviewed")
    assert on_screen(test) == "v-1"
    assert list(test.segmented_control[0].options) == list("ABCD")
    assert test.query_params["item"] == "v-1"
    test.button(key="review_back_v-1").click().run()
    assert test.query_params["item"] == "q-3"
    assert on_screen(open_page(item="q-3")) == "q-3"


def test_an_unknown_item_in_the_address_leads_to_the_queue(
    filled_store: Database, open_page: OpenPage
) -> None:
    test = open_page(item="gone")
    assert "'gone'" in markup_of(test).replace("&#39;", "'")
    test.button(key="review_to_queue").click().run()
    assert on_screen(test) == "q-1"


def test_filters_make_the_queue_and_stay_in_the_address(
    filled_store: Database, open_page: OpenPage
) -> None:
    test = open_page()
    test.selectbox(key="show").set_value("text_wrong").run()
    assert listed(test) == ["q-1", "q-3"]
    assert test.query_params["show"] == "text_wrong"
    test.selectbox(key="run").set_value("older").run()
    assert on_screen(test) is None
    assert "No item matches these filters" in markup_of(test)
    test.selectbox(key="run").set_value("newer").run()
    test.text_input(key="search").set_value("nothing like it").run()
    assert on_screen(test) is None
    test.button(key="clear_filters").click().run()
    assert listed(test) == ["q-1", "q-2", "q-3", "v-1"]
    assert "show" not in test.query_params
    assert listed(open_page(search="coughs drug")) == ["v-1"]


def test_an_empty_store_says_what_to_do(database: Database, open_page: OpenPage) -> None:
    test = open_page()
    assert not test.exception
    assert "There are no items yet. Import some on the Data page." in markup_of(test)


def test_hostile_text_is_shown_as_text(
    database: Database, open_page: OpenPage, payload: str
) -> None:
    options = (Option("A", payload), Option("B", "Drug B"))
    item = make_options_item(
        "q-1", question=payload, labels=("A", "B"), options=options, long_answer=payload,
        context=(Section(payload, payload),), source=payload,
    )  # fmt: skip
    answer = make_answer("q-1", f"{payload} so B", "B", payload)
    with database.transaction() as cur:
        add_items(cur, [item], origin="items")
        add_run(cur, make_run(payload, model=payload))
        add_predictions(cur, [answer])
    test = open_page(reviewer=payload)
    assert not test.exception
    test.text_area(key="review_note_q-1").set_value(payload)
    pick_and_save(test, "A")
    again = open_page(item="q-1", reviewer=payload)
    assert not again.exception
    assert history(database, "q-1")[0].judgement.note == payload.strip()
    markup = markup_of(again)
    own = '<script type="module" src="/assets/review_keys.js">'
    for forbidden in ("<script>", "<img", "<h1", "\u202e", "\u200b"):
        assert forbidden not in markup.replace(own, "")
    for drawn_as_markdown in (*again.markdown, *again.caption, *again.error, *again.title):
        assert payload not in drawn_as_markdown.value
    labels = [widget.label for widget in (*again.button, *again.text_area, *again.selectbox)]
    assert payload not in labels


def test_hostile_label_names_become_numbers_on_the_buttons(
    database: Database, open_page: OpenPage
) -> None:
    labels = ("![x](https://tracker.example/p.png)", "safe label")
    item = make_drug_item(1, label_set="custom", labels=labels, gold_label=None)
    with database.transaction() as cur:
        add_items(cur, [item], origin="items")
    test = open_page()
    shown = list(test.segmented_control[0].options)
    assert shown == ["1", "safe label"]
    pick_and_save(test, labels[0])
    assert history(database, "q-1")[0].judgement.label == labels[0]


def test_a_long_answer_is_cut_until_all_of_it_is_asked_for(
    database: Database, open_page: OpenPage
) -> None:
    answer = "word " * 10_000 + "the very end"
    with database.transaction() as cur:
        add_items(cur, [make_drug_item(1)], origin="items")
        add_run(cur, make_run("newer"))
        add_predictions(cur, [make_answer("q-1", answer, None, "newer")])
    test = open_page()
    assert "the very end" not in markup_of(test)
    button = next(b for b in test.button if b.label.startswith("Show all 50,012"))
    button.click().run()
    assert "the very end" in markup_of(test)
