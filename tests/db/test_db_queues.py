"""Queues, who gets which item of them, and how far everybody is."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from db.connection import Database
from db.content.items import add_items
from db.content.predictions import add_predictions
from db.content.runs import add_run
from db.conversions import from_timestamp
from db.errors import InvalidQueueError, NotPermittedError, QueueNotFoundError
from db.people.reviewers import add_reviewer
from db.records import Encounter, Judgement, Phase
from db.review import reservations
from db.review.annotations import add_annotation, list_annotations, retract_annotation
from db.review.draws import QueueDesign
from db.review.events import ReviewEvent, add_events, is_flagged, set_flag
from db.review.item_list import ReviewFilter
from db.review.queue_changes import close_queue
from db.review.queue_progress import count_own, list_progress, queue_progress
from db.review.queues import (
    Queue,
    QueueSettings,
    add_queue,
    extend_queue,
    find_item_at,
    find_position,
    get_queue,
    list_queues,
)
from db.review.reservations import (
    RESERVATION,
    QueuePosition,
    count_held,
    release,
    reserve_neighbour,
)
from db.viewer import EVERYTHING
from tests.support import reserving
from tests.support.records import make_item, make_prediction, make_run

NUM_ITEMS = 12
NUMBERS = itertools.count()
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def people(database: Database) -> dict[str, str]:
    """Return reviewers by name; Ann may manage queues."""
    with database.transaction() as cur:
        ids = {name: add_reviewer(cur, name).reviewer_id for name in ("Bob", "Cyd")}
        return {"Ann": add_reviewer(cur, "Ann", "admin").reviewer_id, **ids}


@pytest.fixture
def items(database: Database) -> list[str]:
    """Store items and give their ids in order."""
    ids = [f"q-{number:02d}" for number in range(NUM_ITEMS)]
    with database.transaction() as cur:
        add_items(cur, [make_item(item_id) for item_id in ids], origin="items")
    return ids


@pytest.fixture
def make_queue(
    database: Database, people: dict[str, str], items: list[str]
) -> Callable[..., Queue]:
    """Return a maker of queues over all items."""

    def make(name: str = "All", **more: Any) -> Queue:
        settings = QueueSettings(name, more.pop("flt", ReviewFilter()), **more)
        with database.transaction() as cur:
            return add_queue(cur, settings, queue_id=f"queue-{name}", created_by=people["Ann"])

    return make


def say(
    database: Database, queue: Queue, item_id: str, who: str, phase: Phase = "open", **more: Any
) -> None:
    encounter = Encounter(queue_id=queue.queue_id, phase=phase, **more)
    with database.transaction() as cur:
        add_annotation(
            cur, Judgement(("yes",)), encounter, annotation_id=f"annotation-{next(NUMBERS)}",
            item_id=item_id, reviewer_id=who,
        )  # fmt: skip


def reserve_next(*args: Any, **more: Any) -> str | None:
    """Reserve the next item and give its id; ``after`` is an item of these queues."""
    after = more.pop("after", None)
    place = reserving.reserve_next(*args, after=after and int(after[2:]), **more)
    assert place is None or place == QueuePosition(place.item_id, int(place.item_id[2:]))
    return place and place.item_id


def test_an_order_puts_the_items_first_that_it_names(
    database: Database, make_queue: Callable[..., Queue]
) -> None:
    heads = {
        "q-03": ("yes", "yes", (0.40, 0.39, 0.21)),  # least sure
        "q-05": ("no", "yes", (0.90, 0.05, 0.05)),  # text and head differ, head sure
        "q-07": ("no", "no", (0.02, 0.95, 0.03)),  # gold label is yes: likely an error
    }
    with database.transaction() as cur:
        add_run(cur, make_run())
        add_predictions(
            cur,
            [
                make_prediction(
                    item_id, answer_label=text, head_label=head, head_probabilities=shares
                )
                for item_id, (text, head, shares) in heads.items()
            ],
        )
    flt = ReviewFilter(run_id="run-1")

    def first(order: str, **more: Any) -> list[str]:
        queue = make_queue(f"{order} {next(NUMBERS)}", order=order, flt=flt, **more)
        query = "select item_id from queue_item where queue_id = ? order by position"
        found = database.cursor().execute(query, [queue.queue_id]).fetchall()
        assert len(found) == NUM_ITEMS
        return [row[0] for row in found]

    strict = QueueDesign(floor=0)
    assert first("uncertain", design=strict)[:3] == ["q-03", "q-05", "q-07"]
    assert first("text_head_differ", design=strict)[0] == "q-05"
    assert first("label_errors", design=strict)[:2] == ["q-07", "q-03"]
    by_name = first("item_id")
    assert first("oldest") == by_name == sorted(by_name)
    control = first("random", seed=1)
    assert first("random", seed=1, num_reviewers=2) == control
    assert first("random", seed=2) != control


def test_a_queue_is_frozen_and_later_items_join_at_its_end(
    database: Database, make_queue: Callable[..., Queue]
) -> None:
    queue = make_queue()
    with database.transaction() as cur:
        add_items(cur, [make_item("a-first-by-name")], origin="items")
        assert extend_queue(cur, queue, queue.created_by) == 1
        assert extend_queue(cur, queue, queue.created_by) == 0
    cur = database.cursor()
    assert find_position(cur, queue.queue_id, "a-first-by-name") == NUM_ITEMS
    assert find_item_at(cur, queue.queue_id, NUM_ITEMS - 1) == "q-11"
    assert find_item_at(cur, queue.queue_id, NUM_ITEMS + 1) is None
    assert find_position(cur, queue.queue_id, "gone") is None


def test_impossible_queues_are_refused_with_every_fault(
    database: Database, make_queue: Callable[..., Queue], people: dict[str, str]
) -> None:
    with pytest.raises(InvalidQueueError) as refused:
        make_queue(" ", num_reviewers=0, sharing="dealt", repeat_share=2, order="best")
    for part in ("0 characters", "0 reviewers", "named", "share of repeats 2", "'best'"):
        assert part in str(refused.value)
    with pytest.raises(InvalidQueueError, match="need as many people"):
        make_queue("Three", num_reviewers=3, reviewer_ids=[people["Bob"]])
    with pytest.raises(InvalidQueueError, match="no item passes"):
        make_queue("None", flt=ReviewFilter(search="nowhere to be found"))
    assert list_queues(database.cursor()) == []
    make_queue("Taken")
    with pytest.raises(InvalidQueueError, match="named 'Taken' already"):
        make_queue("Taken")
    with pytest.raises(NotPermittedError), database.transaction() as cur:
        settings = QueueSettings("x", ReviewFilter())
        add_queue(cur, settings, queue_id="x", created_by=people["Bob"])
    with pytest.raises(QueueNotFoundError, match="'gone'"):
        get_queue(database.cursor(), "gone")


def test_a_closed_queue_leaves_the_list_and_frees_its_name(
    database: Database, make_queue: Callable[..., Queue], people: dict[str, str]
) -> None:
    queue = make_queue(reviewer_ids=[people["Bob"]])
    cur = database.cursor()
    assert [found.settings.name for found in list_queues(cur, people["Bob"])] == ["All"]
    assert list_queues(cur, people["Cyd"]) == []
    with database.transaction() as cur:
        close_queue(cur, queue.queue_id, people["Ann"])
    assert list_queues(database.cursor(), people["Bob"]) == []
    assert get_queue(database.cursor(), queue.queue_id).is_closed
    assert reserve_next(database, queue, people["Cyd"]) is None


def test_two_people_never_get_the_same_place(
    database: Database, make_queue: Callable[..., Queue], people: dict[str, str]
) -> None:
    queue = make_queue()
    bob, cyd = people["Bob"], people["Cyd"]
    assert reserve_next(database, queue, bob) == "q-00"
    assert reserve_next(database, queue, cyd) == "q-01"
    assert reserve_next(database, queue, bob) == "q-00"  # a new session resumes there
    assert reserve_next(database, queue, bob, after="q-00", exclude="q-00") == "q-02"
    assert count_held(database.cursor(), queue, cyd) == 2
    release(database, queue.queue_id, ["q-00"], bob)
    say(database, queue, "q-02", bob)
    assert reserve_next(database, queue, cyd, after="q-11") == "q-00"


def test_a_neighbour_on_somebody_elses_screen_is_passed_over(
    database: Database, make_queue: Callable[..., Queue], people: dict[str, str]
):
    queue, bob, cyd = make_queue(), people["Bob"], people["Cyd"]
    assert reserve_next(database, queue, bob) == "q-00"
    assert reserve_neighbour(database, queue, cyd, -1, 1) == QueuePosition("q-01", 1)
    assert reserve_neighbour(database, queue, bob, 0, 1) == QueuePosition("q-02", 2)
    assert reserve_neighbour(database, queue, cyd, 1, -1) is None
    assert reserve_next(database, queue, people["Ann"]) == "q-03"
    assert reserve_neighbour(database, queue, cyd, NUM_ITEMS - 1, 1) is None


def test_a_neighbour_with_a_place_left_is_given_though_somebody_has_it(
    database: Database, make_queue: Callable[..., Queue], people: dict[str, str]
):
    queue = make_queue(num_reviewers=2)
    assert reserve_next(database, queue, people["Bob"]) == "q-00"
    assert reserve_neighbour(database, queue, people["Cyd"], -1, 1) == QueuePosition("q-00", 0)
    assert reserve_neighbour(database, queue, people["Ann"], -1, 1) == QueuePosition("q-01", 1)


def test_a_reservation_ends_by_itself(
    database: Database, make_queue: Callable[..., Queue], people: dict[str, str]
) -> None:
    queue = make_queue()
    assert reserve_next(database, queue, people["Bob"], now=NOON) == "q-00"
    late = NOON + RESERVATION
    assert reserve_next(database, queue, people["Cyd"], now=late - timedelta(seconds=1)) == "q-01"
    assert reserve_next(database, queue, people["Ann"], now=late) == "q-00"


@pytest.mark.parametrize("num_items", [1, 3])
@pytest.mark.parametrize("seed", range(5))
def test_what_is_given_from_memory_is_what_a_search_would_find(
    database: Database,
    make_queue: Callable[..., Queue],
    people: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
    num_items: int,
) -> None:
    monkeypatch.setattr(reservations, "_WINDOW", 4 * num_items)
    queue = make_queue()
    rng = random.Random(seed)  # noqa: S311
    at: dict[str, str | None] = {}
    from_memory = 0
    for step in range(60):
        who = rng.choice(list(people.values()))
        here = at.get(who)
        if here is not None and rng.random() < 0.15:  # back to something said before
            mine = list_annotations(database.cursor(), here, EVERYTHING)
            if any(one.reviewer_id == who for one in mine):
                with database.transaction() as cur:
                    retract_annotation(
                        cur, annotation_id=f"u-{step}", item_id=here, reviewer_id=who
                    )
        after = None if rng.random() < 0.1 else here
        position = None if after is None else int(after[2:])
        with database.transaction() as cur:
            exclude = () if after is None else (after,)
            search = reservations._Search(cur, queue, EVERYTHING, who, datetime.now(UTC), None)
            searched = search.find(num_items, position, exclude)
            free = reservations._untouched(database, queue)
            assert free is not None
            from_memory += bool(free.find(cur, who, num_items, position, exclude))
        given = reservations.reserve_ahead(
            database, queue, who, num_items, after=position, exclude=exclude
        )
        assert given == searched
        at[who] = given[-1].item_id if given else None
        for place in given:
            if rng.random() < 0.7:
                say(database, queue, place.item_id, who)
    assert from_memory > (2 if num_items == 1 else 0)


def test_a_crowd_is_searched_for_once_each(
    database: Database,
    make_queue: Callable[..., Queue],
    people: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reservations, "_WINDOW", 2)  # fewer places than people
    search = reservations._Search._find_open
    searches: list[str] = []

    def counted(one: reservations._Search, *rest: Any) -> list[QueuePosition]:
        searches.append(one.reviewer_id)
        return search(one, *rest)

    monkeypatch.setattr(reservations._Search, "_find_open", counted)
    queue = make_queue()
    at: dict[str, str | None] = dict.fromkeys(people.values())
    given = []
    for _ in range(NUM_ITEMS // len(people)):
        for who, here in at.items():
            at[who] = reserve_next(database, queue, who, after=here, exclude=here)
            given.append(at[who])
    assert given == [f"q-{place:02}" for place in range(len(given))]
    assert len(searches) == len(people) + 1  # for the very first place nothing was read before


def test_an_item_labelled_from_its_address_is_not_given_again(
    database: Database, make_queue: Callable[..., Queue], people: dict[str, str]
) -> None:
    queue, bob = make_queue(), people["Bob"]
    assert reserve_next(database, queue, bob) == "q-00"
    assert reserve_next(database, queue, bob, after="q-00", exclude="q-00") == "q-01"
    say(database, queue, "q-02", people["Cyd"])
    assert reserve_next(database, queue, bob, after="q-01", exclude="q-01") == "q-03"


@pytest.mark.parametrize("num_reviewers", [1, 2])
def test_many_threads_fill_every_place_exactly_once(
    database: Database, make_queue: Callable[..., Queue], num_reviewers: int
) -> None:
    queue = make_queue(num_reviewers=num_reviewers)
    with database.transaction() as cur:
        crowd = [add_reviewer(cur, f"Person {number}").reviewer_id for number in range(8)]

    def work(who: str) -> list[str]:
        done: list[str] = []
        rng = random.Random(who)  # noqa: S311
        while (item_id := reserve_next(database, queue, who)) is not None:
            assert item_id not in done
            if rng.random() < 0.2:
                assert reserve_next(database, queue, who, after=item_id, exclude=item_id) != item_id
            say(database, queue, item_id, who)
            done.append(item_id)
        return done

    with ThreadPoolExecutor(len(crowd)) as pool:
        everything = [item_id for done in pool.map(work, crowd) for item_id in done]
    assert set(Counter(everything).values()) == {num_reviewers}
    places = num_reviewers * NUM_ITEMS
    assert len(everything) == places
    progress = queue_progress(database.cursor(), queue)
    assert (progress.num_done, progress.num_items) == (places, places)
    for who in crowd:
        own = queue_progress(database.cursor(), queue, who)
        assert count_own(database.cursor(), queue, who) == (own.num_done, own.num_items)


def test_what_was_put_off_comes_back_when_nothing_else_is_open(
    database: Database, make_queue: Callable[..., Queue], people: dict[str, str], items: list[str]
) -> None:
    queue = make_queue()
    bob = people["Bob"]
    for item_id in ("q-01", "q-00"):
        with database.transaction() as cur:
            add_events(cur, [ReviewEvent("skip", bob, item_id, queue.queue_id)])
    seen = []
    while (item_id := reserve_next(database, queue, bob)) is not None:
        seen.append(item_id)
        say(database, queue, item_id, bob)
    assert seen == [*items[2:], "q-01", "q-00"]
    with database.transaction() as cur:
        retract_annotation(cur, annotation_id="undo", item_id="q-05", reviewer_id=bob)
    assert reserve_next(database, queue, bob) == "q-05"


def test_an_item_said_blind_stays_open_for_who_said_it_until_the_reveal(
    database: Database, make_queue: Callable[..., Queue], people: dict[str, str]
) -> None:
    queue = make_queue(mode="blind")
    say(database, queue, "q-00", people["Bob"], "blind")
    assert reserve_next(database, queue, people["Cyd"]) == "q-01"
    assert reserve_next(database, queue, people["Bob"]) == "q-00"
    assert queue_progress(database.cursor(), queue, people["Bob"]).num_done == 0
    say(database, queue, "q-00", people["Bob"], "revealed")
    assert reserve_next(database, queue, people["Bob"]) == "q-02"


def test_a_share_of_a_blind_queue_comes_again_to_who_labelled_it(
    database: Database, make_queue: Callable[..., Queue], people: dict[str, str]
) -> None:
    with pytest.raises(InvalidQueueError, match="only where they are shown blind"):
        make_queue("Open", repeat_share=0.5)
    queue = make_queue("Blind", mode="blind", repeat_share=0.5)
    bob = people["Bob"]
    seen: list[tuple[str, bool]] = []
    while (place := reserving.reserve_next(database, queue, bob)) is not None:
        presentation = "repeat" if place.is_repeat else "first"
        seen.append((place.item_id, place.is_repeat))
        for phase in ("blind", "revealed"):
            say(database, queue, place.item_id, bob, phase, presentation=presentation)
    first = [item_id for item_id, is_repeat in seen if not is_repeat]
    again = [item_id for item_id, is_repeat in seen if is_repeat]
    assert len(first) == len(set(first)) == NUM_ITEMS
    assert 0 < len(set(again)) == len(again) < NUM_ITEMS
    assert queue_progress(database.cursor(), queue, bob).num_done == NUM_ITEMS


def test_dealt_items_belong_to_people_in_turn(
    database: Database, make_queue: Callable[..., Queue], people: dict[str, str]
) -> None:
    queue = make_queue(num_reviewers=2, sharing="dealt", reviewer_ids=list(people.values()))
    owners: Counter[str] = Counter()
    for who in people.values():
        while (item_id := reserve_next(database, queue, who)) is not None:
            say(database, queue, item_id, who)
            owners[item_id] += 1
    assert set(owners.values()) == {2}
    assert len(owners) == NUM_ITEMS
    for progress in list_progress(database.cursor(), queue):
        assert (progress.num_done, progress.num_items) == (8, 8)


def test_progress_tells_the_median_time_and_the_fast_saves_of_each_person(
    database: Database, make_queue: Callable[..., Queue], people: dict[str, str]
) -> None:
    queue = make_queue(num_reviewers=2)
    for item_id, seconds in (("q-00", 10.0), ("q-01", 30.0), ("q-02", 80.0)):
        say(
            database, queue, item_id, people["Bob"],
            duration_seconds=seconds, is_fast=seconds < 20,
        )  # fmt: skip
    (bob,) = list_progress(database.cursor(), queue)
    assert (bob.reviewer_id, bob.num_done, bob.num_items) == (people["Bob"], 3, NUM_ITEMS)
    assert (bob.median_seconds, bob.num_fast) == (30.0, 1)
    fast = make_queue("Fast", flt=ReviewFilter(show="fast"), mode="blind")
    assert queue_progress(database.cursor(), fast).num_items == 1
    assert reserve_next(database, fast, people["Bob"]) == "q-00"


def test_a_flag_is_an_event_and_so_is_taking_it_off(
    database: Database, people: dict[str, str], items: list[str]
) -> None:
    bob = people["Bob"]
    for flagged in (True, True, False, True):
        with database.transaction() as cur:
            set_flag(cur, "q-00", bob, flagged, client_at=NOON)
    cur = database.cursor()
    assert is_flagged(cur, "q-00", bob)
    assert not is_flagged(cur, "q-00", people["Cyd"])
    query = "select action, client_at, created_at from review_event order by event_number"
    events = cur.execute(query).fetchall()
    assert [action for action, _, _ in events] == ["flag", "unflag", "flag"]
    _, client_at, created_at = events[0]
    assert from_timestamp(client_at) == NOON < from_timestamp(created_at)
