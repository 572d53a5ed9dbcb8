"""The gate of blind labelling: what is hidden from whom, and what a read then gives."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from duckdb import DuckDBPyConnection

from db.connection import Database
from db.content.imported_labels import ImportedLabel, add_imported_labels
from db.content.items import add_items, get_item
from db.content.predictions import add_predictions, find_prediction, list_predictions
from db.content.runs import add_run
from db.people.reviewers import add_reviewer
from db.records import Annotation, Encounter, GoldLabel, Judgement, Phase
from db.retraining.lineage import list_corrections
from db.review import reservations
from db.review.adjudications import add_adjudication, list_adjudications, list_disputed
from db.review.annotations import (
    add_annotation,
    get_gold,
    list_annotations,
    retract_annotation,
)
from db.review.bulk_actions import preview_action
from db.review.item_list import (
    ReviewFilter,
    get_rows,
    list_item_ids,
    viewer_of_list,
)
from db.review.queue_changes import close_queue
from db.review.queues import Queue, QueueSettings, add_item_queue
from db.review.settings import ReviewSettings, save_settings
from db.review.visibility import (
    count_hidden,
    count_waiting,
    list_waiting,
    list_waiting_queues,
    view_as,
)
from db.viewer import EVERYTHING, Viewer, is_hidden, number_of_nameless
from tests.support.records import make_item, make_prediction, make_run
from tests.support.reserving import reserve_next

HIDDEN, SHOWN = "q-1", "q-2"
_OF_ENCOUNTER = {field.name for field in fields(Encounter)}


def say(
    cur: DuckDBPyConnection,
    item_id: str,
    reviewer_id: str,
    label: str,
    *,
    annotation_id: str,
    **more: Any,
) -> Annotation:
    """Store a label of a reviewer known by id."""
    encounter = {name: more.pop(name) for name in _OF_ENCOUNTER & set(more)}
    return add_annotation(
        cur,
        Judgement((label,), **more),
        Encounter(**encounter),
        annotation_id=annotation_id,
        item_id=item_id,
        reviewer_id=reviewer_id,
    )


@pytest.fixture
def people(database: Database) -> dict[str, str]:
    """Return reviewers by name; Ann is an admin, Ada an adjudicator."""
    roles = {"Ann": "admin", "Ada": "adjudicator", "Bob": "reviewer", "Cyd": "reviewer"}
    with database.transaction() as cur:
        return {
            name: add_reviewer(cur, name, role).reviewer_id  # type: ignore[arg-type]
            for name, role in roles.items()
        }


@pytest.fixture
def filled(
    database: Database,
    people: dict[str, str],
) -> Database:
    """Return three items alike, with a run's answers, and what Cyd says of each."""
    items = [HIDDEN, SHOWN, "q-3"]
    with database.transaction() as cur:
        add_items(cur, [make_item(name, question="Is it?") for name in items], origin="items")
        add_run(cur, make_run())
        predictions = [
            make_prediction(
                name, answer="Zebras.", head_label="no", head_probabilities=(0.1, 0.8, 0.1)
            )
            for name in items
        ]
        add_predictions(cur, predictions)
        for name in items:
            say(
                cur,
                name,
                people["Cyd"],
                "no",
                annotation_id=f"cyd-{name}",
                run_id="run-1",
                note="Quokkas.",
                answer="Corrected.",
            )
        add_imported_labels(cur, [ImportedLabel(name, "annotator", ("maybe",)) for name in items])
        for name in items[:2]:
            add_adjudication(
                cur, adjudication_id=name, item_id=name, reviewer_id=people["Ann"],
                label="maybe", note="Wombats.",
            )  # fmt: skip
    return database


def ask(
    database: Database, people: dict[str, str], *item_ids: str, name: str = "Blind", **more: Any
) -> Queue:
    """Make a queue of items, blind unless told otherwise."""
    with database.transaction() as cur:
        settings = QueueSettings(name, ReviewFilter(), **{"mode": "blind", **more})
        return add_item_queue(cur, settings, item_ids, queue_id=name, created_by=people["Ann"])


def name_people(database: Database, queue: Queue, *reviewer_ids: str) -> None:
    database.cursor().execute(
        "update queue set reviewer_ids = $people where queue_id = $queue_id",
        {"people": list(reviewer_ids), "queue_id": queue.queue_id},
    )


def label(
    database: Database, item_id: str, who: str, queue: Queue | None, phase: Phase = "blind"
) -> None:
    queue_id = None if queue is None else queue.queue_id
    with database.transaction() as cur:
        say(
            cur,
            item_id,
            who,
            "yes",
            annotation_id=f"{queue_id}-{item_id}-{who}-{phase}",
            queue_id=queue_id,
            phase=phase,
        )


def test_an_item_of_an_open_blind_queue_is_hidden_until_it_is_labelled_there(
    filled: Database, people: dict[str, str]
) -> None:
    cur, bob = filled.cursor(), people["Bob"]
    assert view_as(cur, bob) == EVERYTHING
    queue = ask(filled, people, HIDDEN, "q-3")
    assert (count_hidden(cur, view_as(cur, bob)), count_hidden(cur, EVERYTHING)) == (2, 0)
    label(filled, HIDDEN, bob, None)
    assert is_hidden(cur, view_as(cur, bob), HIDDEN), "a label outside the queue is not the queue's"
    label(filled, HIDDEN, bob, queue)
    assert not is_hidden(cur, view_as(cur, bob), HIDDEN)
    assert is_hidden(cur, view_as(cur, people["Cyd"]), HIDDEN)
    with filled.transaction() as inner:
        retract_annotation(inner, annotation_id="undo", item_id=HIDDEN, reviewer_id=bob)
    assert is_hidden(cur, view_as(cur, bob), HIDDEN), "taken back, it is to be said again"
    assert count_waiting(cur, view_as(cur, bob)) == {"Blind": 2}
    with filled.transaction() as inner:
        close_queue(inner, queue.queue_id, people["Ann"])
    assert view_as(cur, bob) == EVERYTHING


def test_another_queue_or_another_item_in_it_makes_another_viewer(
    filled: Database, people: dict[str, str]
) -> None:
    cur, bob = filled.cursor(), people["Bob"]
    ask(filled, people, HIDDEN)
    before = view_as(cur, bob)
    assert before == view_as(cur, bob)
    filled.cursor().execute("insert into queue_item values ('Blind', 1, 'q-3')")
    assert view_as(cur, bob) != before


def test_who_may_export_is_held_back_only_where_a_queue_names_them(
    filled: Database, people: dict[str, str]
) -> None:
    cur = filled.cursor()
    queue = ask(filled, people, HIDDEN)
    assert view_as(cur, people["Ada"]) == EVERYTHING
    name_people(filled, queue, people["Ada"], people["Bob"])
    assert is_hidden(cur, view_as(cur, people["Ada"]), HIDDEN)
    assert view_as(cur, people["Cyd"]) == EVERYTHING
    with filled.transaction() as inner:
        save_settings(inner, ReviewSettings("blind"), people["Ann"])
    assert not is_hidden(cur, view_as(cur, people["Ada"]), SHOWN)
    assert is_hidden(cur, view_as(cur, people["Bob"]), SHOWN)


def test_a_blind_project_hides_what_is_not_labelled_and_in_no_open_queue(
    filled: Database, people: dict[str, str]
) -> None:
    cur, bob = filled.cursor(), people["Bob"]
    with filled.transaction() as inner:
        save_settings(inner, ReviewSettings("blind"), people["Ann"])
    assert count_hidden(cur, view_as(cur, bob)) == 3
    assert count_hidden(cur, view_as(cur, people["Cyd"])) == 0, "Cyd has labelled them all"
    label(filled, SHOWN, bob, None)
    ask(filled, people, "q-3", name="Open", mode="open")
    viewer = view_as(cur, bob)
    assert list_waiting(cur, viewer, [HIDDEN, SHOWN, "q-3", "elsewhere"]) == {HIDDEN: None}
    ask(filled, people, "q-3")
    viewer = view_as(cur, bob)
    assert list_waiting(cur, viewer, ["q-3"]) == {"q-3": "Blind"}
    waiting = list_waiting_queues(cur, viewer, ["q-3", HIDDEN])
    assert waiting == {"q-3": ("Blind",), HIDDEN: (None,)}


@pytest.fixture
def viewer(filled: Database, people: dict[str, str]) -> Viewer:
    """Return Bob, who is to label one of the items blind."""
    ask(filled, people, HIDDEN)
    return view_as(filled.cursor(), people["Bob"])


def test_what_is_read_of_a_hidden_item_is_the_item_alone(
    filled: Database, people: dict[str, str], viewer: Viewer
) -> None:
    cur = filled.cursor()
    item = get_item(cur, HIDDEN, viewer)
    assert (item.gold_label, item.long_answer, item.is_hidden) == (None, "", True)
    assert item.question == "Is it?"
    assert not get_item(cur, SHOWN, viewer).is_hidden
    assert get_gold(cur, HIDDEN, viewer) == GoldLabel(HIDDEN, None, None)
    assert get_gold(cur, SHOWN, viewer).label == "maybe"
    assert list_annotations(cur, HIDDEN, viewer) == []
    assert list_adjudications(cur, HIDDEN, viewer) == []
    assert find_prediction(cur, "run-1", HIDDEN, viewer) is None
    assert find_prediction(cur, "run-1", SHOWN, viewer) is not None
    assert {p.item_id for p in list_predictions(cur, "run-1", viewer)} == {SHOWN, "q-3"}


def test_of_ones_own_annotation_what_stood_before_it_is_left_out(
    filled: Database, people: dict[str, str], viewer: Viewer
) -> None:
    bob = people["Bob"]
    with filled.transaction() as cur:
        say(cur, HIDDEN, bob, "yes", annotation_id="early", run_id="run-1", note="My own.")
    (whole,) = (
        one
        for one in list_annotations(filled.cursor(), HIDDEN, EVERYTHING)
        if one.reviewer_id == bob
    )
    assert (whole.old_label, whole.old_answer) == ("maybe", "Zebras.")
    (mine,) = list_annotations(filled.cursor(), HIDDEN, viewer)
    assert mine == replace(whole, old_label=None, old_answer=None)


def test_a_blind_label_still_stores_what_stood_before_it(
    filled: Database, people: dict[str, str], viewer: Viewer
) -> None:
    assert get_item(filled.cursor(), HIDDEN, viewer).is_hidden
    with filled.transaction() as cur:
        stored = say(
            cur,
            HIDDEN,
            people["Bob"],
            "yes",
            annotation_id="blind",
            phase="blind",
        )
    assert stored.old_label == "maybe"


@pytest.mark.parametrize(
    "asked",
    [
        {"gold_label": "maybe"},
        {"answer_label": "yes"},
        {"head_label": "no"},
        {"answer_form": "leading"},
        {"show": "text_wrong"},
        {"show": "head_wrong"},
        {"show": "text_head_differ"},
        {"show": "reviewed"},
        {"show": "flagged"},
        {"search": "zebras"},
        {"search": "quokkas"},
        {"search": "wombats"},
    ],
)
def test_no_filter_and_no_search_finds_a_hidden_item_by_what_is_hidden(
    filled: Database, people: dict[str, str], viewer: Viewer, asked: dict[str, Any]
) -> None:
    cur = filled.cursor()
    cur.execute("update stored_prediction set answer_form = 'leading'")
    cur.execute(
        "insert into review_event (action, reviewer_id, item_id, created_at) "
        "select 'flag', $cyd, item_id, now()::timestamp from item",
        {"cyd": people["Cyd"]},
    )
    flt = ReviewFilter(run_id="run-1", **asked)
    everybody = list_item_ids(cur, flt, EVERYTHING)
    assert HIDDEN in everybody
    assert list_item_ids(cur, flt, viewer) == [one for one in everybody if one != HIDDEN]
    assert viewer_of_list(flt, viewer) == viewer


def test_filters_on_the_item_itself_and_ones_own_labels_find_hidden_items(
    filled: Database, people: dict[str, str], viewer: Viewer
) -> None:
    cur, bob = filled.cursor(), people["Bob"]
    label(filled, HIDDEN, bob, None, "open")
    for asked in (
        ReviewFilter(source="pubmedqa", split="test", run_id="run-1", only_predicted=True),
        ReviewFilter(search="is it"),
        ReviewFilter(show="reviewed", reviewer_id=bob),
    ):
        assert HIDDEN in list_item_ids(cur, asked, viewer)
    plain = ReviewFilter(source="pubmedqa", run_id="run-1")
    assert viewer_of_list(plain, viewer) == EVERYTHING, "the list is everybody's and is shared"
    assert viewer_of_list(plain, viewer, "confidence") == viewer
    by_confidence = list_item_ids(cur, plain, viewer, "confidence")
    assert by_confidence[-1] == HIDDEN, "as if the head had said nothing of it"


def test_a_row_of_a_hidden_item_holds_nothing_but_the_item_and_ones_own_label(
    filled: Database, people: dict[str, str], viewer: Viewer
) -> None:
    bob = people["Bob"]
    label(filled, HIDDEN, bob, None, "open")
    cur = filled.cursor()
    hidden, shown = get_rows(cur, [HIDDEN, SHOWN], viewer, run_id="run-1", reviewer_id=bob)
    assert (shown.gold_label, shown.head_label, shown.is_hidden) == ("maybe", "no", False)
    assert hidden.is_hidden and hidden.my_label == "yes" and hidden.question == "Is it?"
    rest = (
        hidden.gold_label, hidden.gold_origin, hidden.answer_label, hidden.answer_form,
        hidden.head_label, hidden.head_confidence, hidden.num_annotations, hidden.conflicting,
    )  # fmt: skip
    assert rest == (None, None, None, None, None, None, 0, False)


def test_no_bulk_action_counts_or_sets_a_hidden_label(
    filled: Database, people: dict[str, str]
) -> None:
    ada, cur = people["Ada"], filled.cursor()
    queue = ask(filled, people, HIDDEN)
    flt = ReviewFilter(run_id="run-1")
    assert preview_action(cur, flt, "head", ada).labels == {"no": 3}
    name_people(filled, queue, ada)
    seen = preview_action(cur, flt, "head", ada)
    assert (seen.num_found, seen.labels) == (3, {"no": 2})


def test_a_hidden_item_is_not_among_those_to_settle(
    filled: Database, people: dict[str, str], viewer: Viewer
) -> None:
    cur = filled.cursor()
    assert HIDDEN in list_disputed(cur, EVERYTHING, "decided")
    assert HIDDEN not in list_disputed(cur, viewer, "decided")


def test_an_open_queue_passes_over_what_waits_in_a_blind_one(
    filled: Database, people: dict[str, str]
) -> None:
    bob = people["Bob"]
    opened = ask(filled, people, HIDDEN, SHOWN, "q-3", name="Open", mode="open")
    blind = ask(filled, people, HIDDEN, "q-3")
    place = reserve_next(filled, opened, bob)
    assert place is not None and place.item_id == SHOWN
    for step in (-1, 1):
        assert reservations.reserve_neighbour(filled, opened, bob, 1, step) is None  # type: ignore[arg-type]
    label(filled, SHOWN, bob, opened, "open")
    assert reserve_next(filled, opened, bob, after=1) is None
    label(filled, "q-3", bob, blind)
    place = reserve_next(filled, opened, bob)
    assert place is not None and place.item_id == "q-3"


def test_the_reveal_waits_until_no_other_queue_wants_a_blind_label(
    filled: Database, people: dict[str, str]
) -> None:
    bob = people["Bob"]
    first = ask(filled, people, HIDDEN, SHOWN, name="First")
    second = ask(filled, people, HIDDEN, name="Second")

    def following(queue: Queue) -> str | None:
        place = reserve_next(filled, queue, bob)
        return place and place.item_id

    assert (following(first), following(second)) == (HIDDEN, HIDDEN)
    label(filled, HIDDEN, bob, first)
    assert (following(first), following(second)) == (SHOWN, HIDDEN)
    label(filled, HIDDEN, bob, second)
    assert (following(first), following(second)) == (HIDDEN, HIDDEN)


def test_people_are_numbered_for_who_may_adjudicate_until_somebody_has_decided(
    filled: Database, people: dict[str, str]
) -> None:
    cur = filled.cursor()
    label(filled, "q-3", people["Ada"], None, "open")
    with filled.transaction() as inner:
        save_settings(inner, ReviewSettings(hides_names=True), people["Ann"])
    ada, bob = view_as(cur, people["Ada"]), view_as(cur, people["Bob"])
    assert bob == EVERYTHING, "who may not adjudicate has nobody's answer to judge"

    def said_by(item_id: str, viewer: Viewer) -> list[str]:
        return [one.reviewer_id for one in list_annotations(cur, item_id, viewer)]

    whole = said_by("q-3", EVERYTHING)
    assert whole[0] == people["Cyd"] and whole[-1] == people["Ada"]
    assert said_by("q-3", ada) == ["person-1", "person-2", people["Ada"]]
    assert [number_of_nameless(who) for who in said_by("q-3", ada)] == [1, 2, None]
    assert said_by(SHOWN, ada) == said_by(SHOWN, EVERYTHING), "somebody has decided on it"
    named = {c.item_id: c.reviewer for c in list_corrections(cur, ada) if c.kind == "annotation"}
    assert named == {HIDDEN: "Cyd", SHOWN: "Cyd", "q-3": None}
