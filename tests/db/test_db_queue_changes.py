"""What becomes of a queue: people come and go, shares are dealt again, it grows and closes."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest

from db.connection import Database
from db.content.items import add_items
from db.content.predictions import add_predictions
from db.content.runs import add_run
from db.errors import InvalidQueueError, QueueClosedError, ReviewerNotFoundError
from db.evidence.verify import verify
from db.people.identity_changes import erase_person
from db.people.merged_people import merge_people
from db.people.permissions import PERMISSIONS
from db.people.reviewers import add_reviewer, append_change
from db.people.sign_in import change_person
from db.records import Encounter, Judgement
from db.review.annotations import add_annotation
from db.review.draws import QueueDesign
from db.review.item_list import ReviewFilter
from db.review.queue_changes import (
    close_queue,
    hand_over_shares,
    reassign_share,
    reopen_queue,
    set_queue_people,
)
from db.review.queue_progress import list_states, queue_progress
from db.review.queues import (
    Queue,
    QueueSettings,
    add_queue,
    extend_queue,
    get_queue,
    list_queues_seen_by,
    require_open,
)
from db.review.reservations import count_held, reserve_ahead
from db.review.visibility import view_as
from db.statements import load_sql
from tests.support.records import make_item, make_prediction, make_run

NUMBERS = itertools.count()
NAMES = ("Ann", "Bob", "Cyd", "Dee")
MakeQueue = Callable[..., Queue]


@pytest.fixture
def people(database: Database) -> dict[str, str]:
    """Store twelve items and four reviewers; Ann may manage queues and labels in none."""
    with database.transaction() as cur:
        add_items(cur, [make_item(f"q-{number:02d}") for number in range(12)], origin="items")
        roles = {"Ann": "admin"}
        return {
            name: add_reviewer(cur, name, roles.get(name, "reviewer")).reviewer_id  # type: ignore[arg-type]
            for name in NAMES
        }


@pytest.fixture
def make_queue(database: Database, people: dict[str, str]) -> MakeQueue:
    """Return a maker of queues of Bob and Cyd over all items."""

    def make(name: str = "All", **more: Any) -> Queue:
        named = more.pop("reviewer_ids", (people["Bob"], people["Cyd"]))
        queue_id = more.pop("queue_id", name)
        settings = QueueSettings(name, ReviewFilter(), reviewer_ids=named, **more)
        with database.transaction() as cur:
            return add_queue(cur, settings, queue_id=queue_id, created_by=people["Ann"])

    return make


def label(database: Database, queue_id: str, item_id: str, who: str) -> None:
    with database.transaction() as cur:
        add_annotation(
            cur, Judgement(("yes",)), Encounter(queue_id=queue_id),
            annotation_id=f"annotation-{next(NUMBERS)}", item_id=item_id, reviewer_id=who,
        )  # fmt: skip


def given(database: Database, queue_id: str, who: str, num_items: int = 12) -> list[str]:
    """Reserve items and return them."""
    queue = get_queue(database.cursor(), queue_id)
    return [place.item_id for place in reserve_ahead(database, queue, who, num_items)]


def people_of(database: Database, queue_id: str, who: list[str], by: str) -> None:
    with database.transaction() as cur:
        set_queue_people(cur, queue_id, who, by)


def leave(database: Database, who: str) -> None:
    with database.transaction() as cur:
        append_change(cur, who, role="none", email=None, changed_by=None)


def left_of(database: Database, queue_id: str) -> dict[str | None, int]:
    (state,) = list_states(database.cursor(), [get_queue(database.cursor(), queue_id)])
    return {person.reviewer_id: person.num_left for person in state.people}


def test_a_person_who_is_added_gets_a_share_of_what_nobody_has_begun(
    database: Database, make_queue: MakeQueue, people: dict[str, str]
) -> None:
    bob, cyd, dee = people["Bob"], people["Cyd"], people["Dee"]
    make_queue(sharing="dealt")
    label(database, "All", "q-00", bob)
    assert given(database, "All", cyd, 1) == ["q-01"]
    people_of(database, "All", [bob, cyd, dee], people["Ann"])
    assert left_of(database, "All") == {bob: 4, cyd: 4, dee: 3}
    shares = {who: given(database, "All", who) for who in (bob, cyd, dee)}
    assert sorted(itertools.chain(*shares.values())) == [f"q-{n:02d}" for n in range(1, 12)]
    assert shares[cyd][0] == "q-01"  # on her screen
    # All work down the same order, so that what is done is the beginning of the draw.
    assert all(items[0] <= "q-04" and items[-1] >= "q-09" for items in shares.values())


def test_what_a_removed_person_has_not_done_is_dealt_to_those_who_stay(
    database: Database, make_queue: MakeQueue, people: dict[str, str]
) -> None:
    bob, cyd, dee = people["Bob"], people["Cyd"], people["Dee"]
    queue = make_queue(sharing="dealt", reviewer_ids=(bob, cyd, dee))
    label(database, "All", "q-00", bob)
    assert given(database, "All", bob, 2) == ["q-03", "q-06"]
    people_of(database, "All", [cyd, dee], people["Ann"])
    now = get_queue(database.cursor(), "All")
    assert count_held(database.cursor(), now, cyd) == 0  # free at once
    assert given(database, "All", bob) == []
    found = given(database, "All", cyd) + given(database, "All", dee)
    assert sorted(found) == [f"q-{n:02d}" for n in range(1, 12)]
    (state,) = list_states(database.cursor(), [now])
    assert [(one.reviewer_id, one.num_done, one.num_left) for one in state.people] == [
        (cyd, 0, 6), (dee, 0, 5), (bob, 1, 0),
    ]  # fmt: skip
    with pytest.raises(QueueClosedError, match="open to other reviewers only"):
        require_open(now, bob)
    assert queue.settings.reviewer_ids == (bob, cyd, dee)  # what was made is kept


@pytest.mark.parametrize("sharing", ["dealt", "anyone"])
def test_no_item_is_stranded_by_people_whose_access_ends(
    database: Database, make_queue: MakeQueue, people: dict[str, str], sharing: str
) -> None:
    bob, cyd, dee = people["Bob"], people["Cyd"], people["Dee"]
    make_queue(sharing=sharing)
    label(database, "All", "q-00", bob)
    held = given(database, "All", bob, 2)
    leave(database, bob)
    assert held
    assert given(database, "All", dee) == []
    assert len(given(database, "All", cyd)) == 11  # his share and what he had on screen
    leave(database, cyd)
    queue = get_queue(database.cursor(), "All")
    assert queue.is_open_to_all
    assert queue.settings.reviewer_ids == (bob, cyd)
    assert len(reserve_ahead(database, queue, dee, 12)) == 11


def test_a_queue_with_fewer_people_than_label_an_item_is_open_to_all_and_blind_for_them(
    database: Database, make_queue: MakeQueue, people: dict[str, str]
) -> None:
    bob, cyd, dee = people["Bob"], people["Cyd"], people["Dee"]
    make_queue(sharing="dealt", num_reviewers=2, mode="blind")
    assert not view_as(database.cursor(), dee).is_held_back
    leave(database, cyd)
    assert view_as(database.cursor(), dee).blind_queues == ("All",)
    assert given(database, "All", bob) == given(database, "All", dee)
    for who in (bob, dee):
        label(database, "All", "q-00", who)
    (state,) = list_states(database.cursor(), [get_queue(database.cursor(), "All")])
    assert (state.total.num_done, state.total.num_left) == (2, 22)


def test_too_few_people_and_unknown_ones_are_refused_and_none_opens_it_to_all(
    database: Database, make_queue: MakeQueue, people: dict[str, str]
) -> None:
    make_queue(sharing="dealt", num_reviewers=2)
    before = left_of(database, "All")
    with pytest.raises(InvalidQueueError, match="2 reviewers label each item, and 1"):
        people_of(database, "All", [people["Bob"]], people["Ann"])
    with pytest.raises(ReviewerNotFoundError):
        people_of(database, "All", [people["Bob"], "nobody"], people["Ann"])
    assert left_of(database, "All") == before
    people_of(database, "All", [], people["Ann"])
    assert len(given(database, "All", people["Dee"])) == 12
    (state,) = list_states(database.cursor(), [get_queue(database.cursor(), "All")])
    assert state.num_unassigned == 24


def test_a_share_is_reassigned_to_one_person_or_to_all_others(
    database: Database, make_queue: MakeQueue, people: dict[str, str]
) -> None:
    bob, cyd, dee = people["Bob"], people["Cyd"], people["Dee"]
    make_queue(sharing="dealt", reviewer_ids=(bob, cyd, dee))
    label(database, "All", "q-00", bob)
    given(database, "All", bob, 2)
    with database.transaction() as cur:
        assert reassign_share(cur, "All", bob, people["Ann"], to=dee) == 3
    assert left_of(database, "All") == {bob: 0, cyd: 4, dee: 7}
    with database.transaction() as cur:
        assert reassign_share(cur, "All", dee, people["Ann"]) == 7
    assert left_of(database, "All") == {bob: 4, cyd: 7, dee: 0}
    with pytest.raises(InvalidQueueError, match="no other reviewer"), database.transaction() as cur:
        reassign_share(cur, "All", bob, people["Ann"], to=people["Ann"])
    make_queue("Free")
    with pytest.raises(InvalidQueueError, match="belong to no one"), database.transaction() as cur:
        reassign_share(cur, "Free", bob, people["Ann"])


@pytest.mark.parametrize("seed", range(3))
def test_whatever_becomes_of_its_people_each_item_waits_for_someone(
    database: Database, make_queue: MakeQueue, people: dict[str, str], seed: int
) -> None:
    rng = random.Random(seed)  # noqa: S311
    num_reviewers = 1 + seed % 2
    make_queue(sharing="dealt", num_reviewers=num_reviewers)
    workers, ann = [people[name] for name in ("Bob", "Cyd", "Dee")], people["Ann"]
    done: dict[str, list[str]] = {f"q-{number:02d}": [] for number in range(12)}
    for step in range(40):
        who = rng.choice(workers)
        match rng.randrange(5):
            case 0:
                chosen = rng.sample(workers, rng.randint(num_reviewers, 3))
                people_of(database, "All", rng.choice([chosen, chosen, []]), ann)
            case 1 if step < 20:
                role = rng.choice(["none", "reviewer"])
                with database.transaction() as cur:
                    append_change(cur, who, role=role, email=None, changed_by=None)  # type: ignore[arg-type]
            case 2:
                try:
                    with database.transaction() as cur:
                        reassign_share(cur, "All", who, ann)
                except InvalidQueueError:
                    continue
            case _ if is_labelling(database, who):
                for item_id in given(database, "All", who, 2)[:1]:
                    label(database, "All", item_id, who)
                    done[item_id].append(who)
    for who in workers:
        with database.transaction() as cur:
            append_change(cur, who, role="reviewer", email=None, changed_by=None)
    for _ in range(2):  # what one person holds is free for the next once it is labelled
        for who in [*workers, ann]:
            for item_id in given(database, "All", who):
                label(database, "All", item_id, who)
                done[item_id].append(who)
    assert all(len(set(who)) == len(who) == num_reviewers for who in done.values())
    (state,) = list_states(database.cursor(), [get_queue(database.cursor(), "All")])
    assert (state.total.num_left, state.total.num_done) == (0, 12 * num_reviewers)


def is_labelling(database: Database, who: str) -> bool:
    query = "select role from current_reviewer where reviewer_id = ?"
    row = database.cursor().execute(query, [who]).fetchone()
    return row is not None and row[0] in PERMISSIONS["annotate"]


def test_a_change_that_is_cut_short_leaves_nothing(
    database: Database, make_queue: MakeQueue, people: dict[str, str]
) -> None:
    make_queue(sharing="dealt")
    given(database, "All", people["Bob"], 2)
    before = left_of(database, "All")
    with pytest.raises(RuntimeError), database.transaction() as cur:
        set_queue_people(cur, "All", [people["Cyd"], people["Dee"]], people["Ann"])
        raise RuntimeError
    assert left_of(database, "All") == before
    assert get_queue(database.cursor(), "All").present_ids == (people["Bob"], people["Cyd"])
    queue = get_queue(database.cursor(), "All")
    assert count_held(database.cursor(), queue, people["Cyd"]) == 2


def test_a_closed_queue_takes_no_labels_until_it_is_opened_again(
    database: Database, make_queue: MakeQueue, people: dict[str, str]
) -> None:
    bob, ann = people["Bob"], people["Ann"]
    make_queue(mode="blind")
    label(database, "All", "q-00", bob)
    with database.transaction() as cur:
        close_queue(cur, "All", ann)
        close_queue(cur, "All", ann)
    with pytest.raises(QueueClosedError, match="is closed"):
        require_open(get_queue(database.cursor(), "All"), bob)
    assert not view_as(database.cursor(), bob).is_held_back
    make_queue(queue_id="another of its name")
    with pytest.raises(InvalidQueueError, match="already"), database.transaction() as cur:
        reopen_queue(cur, "All", ann)


def test_a_queue_is_opened_again_for_the_people_it_has(
    database: Database, make_queue: MakeQueue, people: dict[str, str]
) -> None:
    bob, dee, ann = people["Bob"], people["Dee"], people["Ann"]
    make_queue(mode="blind")
    people_of(database, "All", [dee], ann)
    for change in (close_queue, reopen_queue):
        with database.transaction() as cur:
            change(cur, "All", ann)
    assert (given(database, "All", bob), len(given(database, "All", dee))) == ([], 12)
    assert view_as(database.cursor(), dee).blind_queues == ("All",)
    assert not view_as(database.cursor(), bob).is_held_back


def test_who_made_a_queue_sees_it_without_being_among_its_people(
    database: Database, make_queue: MakeQueue, people: dict[str, str]
) -> None:
    make_queue()
    with database.transaction() as cur:
        append_change(cur, people["Ann"], role="reviewer", email=None, changed_by=None)
        admin = add_reviewer(cur, "Root", "admin").reviewer_id
    seen = {
        name: [one.queue_id for one in list_queues_seen_by(database.cursor(), who)]
        for name, who in {**people, "Root": admin}.items()
    }
    assert seen == {"Ann": ["All"], "Bob": ["All"], "Cyd": ["All"], "Dee": [], "Root": ["All"]}


def test_who_has_done_far_less_than_the_others_is_behind(
    database: Database, make_queue: MakeQueue, people: dict[str, str]
) -> None:
    bob, cyd = people["Bob"], people["Cyd"]
    make_queue(sharing="dealt")
    for item_id in given(database, "All", bob)[:4]:
        label(database, "All", item_id, bob)
    (state,) = list_states(database.cursor(), [get_queue(database.cursor(), "All")])
    assert [one.reviewer_id for one in state.people if state.is_behind(one)] == [cyd]
    for item_id in given(database, "All", cyd)[:2]:
        label(database, "All", item_id, cyd)
    (state,) = list_states(database.cursor(), [get_queue(database.cursor(), "All")])
    assert not any(state.is_behind(one) for one in state.people)


@pytest.mark.parametrize(
    ("order", "design"),
    [
        ("random", {}),
        ("uncertain", {"floor": 0.3}),
        ("uncertain", {"strata": "gold_label", "shares": (("yes", 0.7),)}),
        ("item_id", {}),
        ("uncertain", {"floor": 0.0}),
    ],
)
def test_a_queue_that_is_extended_is_as_if_it_had_been_made_with_more_places(
    database: Database, people: dict[str, str], order: Any, design: dict[str, Any]
) -> None:
    with database.transaction() as cur:
        golds = ["yes", "no", "maybe"]
        items = [make_item(f"r-{n:02d}", gold_label=golds[n % 3]) for n in range(30)]
        add_items(cur, items, origin="items")
        add_run(cur, make_run())
        add_predictions(
            cur,
            [
                make_prediction(
                    item.item_id, head_label="yes",
                    head_probabilities=(0.9 - 0.01 * place, 0.05, 0.05 + 0.01 * place),
                )
                for place, item in enumerate(items)
            ],
        )  # fmt: skip
        flt = ReviewFilter(run_id="run-1", only_predicted=True)
        for name, num_items in (("grown", 6), ("large", 10)):
            drawn = QueueDesign(num_items=num_items, **design)
            settings = QueueSettings(name, flt, order=order, seed=4, design=drawn)
            queue = add_queue(cur, settings, queue_id=name, created_by=people["Ann"])
            if name == "grown":
                assert extend_queue(cur, queue, people["Ann"], 4) == 4
    found = {}
    for name in ("grown", "large"):
        rows = database.cursor().execute(
            "select item_id, stratum, stratum_rank, draw_size, draw_threshold from queue_draw "
            "where queue_id = ? order by item_id", [name],
        ).fetchall()  # fmt: skip
        places = database.cursor().execute(
            "select item_id from queue_item where queue_id = ? order by position", [name]
        )
        found[name] = (places.fetchall(), rows)
    assert set(found["grown"][0]) == set(found["large"][0])
    if order != "item_id" and design.get("floor") != 0.0:  # else nothing is drawn
        assert found["grown"][1] == found["large"][1]
    if not design.get("strata"):  # strata that are due together may come in another order
        assert found["grown"][0] == found["large"][0]


def test_items_that_come_after_an_extension_are_drawn_at_its_rate_and_dealt(
    database: Database, make_queue: MakeQueue, people: dict[str, str]
) -> None:
    ann = people["Ann"]
    queue = make_queue(order="random", sharing="dealt", design=QueueDesign(num_items=3))
    with database.transaction() as cur:
        assert extend_queue(cur, queue, ann, 3) == 3
        add_items(cur, [make_item(f"r-{number:02d}") for number in range(20)], origin="items")
        assert extend_queue(cur, queue, ann) == 10
        add_items(cur, [make_item(f"s-{number:02d}") for number in range(8)], origin="items")
        assert extend_queue(cur, queue, ann) == 4
        assert extend_queue(cur, queue, ann, 100) == 20  # all there are
        assert extend_queue(cur, queue, ann, 1) == 0
    assert queue_progress(database.cursor(), queue).num_items == 40
    assert sorted(left_of(database, "All").values()) == [19, 21] or sorted(
        left_of(database, "All").values()
    ) == [20, 20]
    assert verify(database.cursor()).breaks == ()


def test_closing_and_new_people_change_no_probability(
    database: Database, make_queue: MakeQueue, people: dict[str, str]
) -> None:
    bob, cyd, dee, ann = (people[name] for name in ("Bob", "Cyd", "Dee", "Ann"))
    make_queue(order="random", sharing="dealt", design=QueueDesign(num_items=6))
    for who in (bob, cyd):
        for item_id in given(database, "All", who, 1):
            label(database, "All", item_id, who)
    frame = f"select item_id, probability, is_labelled from ({load_sql('draw_frame')}) order by 1"
    before = database.cursor().execute(frame).fetchall()
    assert {row[1] for row in before} == {2 / 12}
    people_of(database, "All", [cyd, dee], ann)
    with database.transaction() as cur:
        reassign_share(cur, "All", cyd, ann)
        close_queue(cur, "All", ann)
    assert database.cursor().execute(frame).fetchall() == before


def test_queues_of_before_keep_the_rotation_they_had(
    database: Database, make_queue: MakeQueue, people: dict[str, str]
) -> None:
    queue = make_queue(
        sharing="dealt", num_reviewers=2, reviewer_ids=[people[name] for name in NAMES[:3]]
    )
    query = "select item_id, reviewer_id, deal from queue_share order by all"
    dealt = database.cursor().execute(query).fetchall()
    assert len(dealt) == 24
    migration = files("db").joinpath("migrations", "0026_queue_shares.sql").read_text("utf-8")
    with database.transaction() as cur:
        cur.execute("delete from queue_share")
        cur.execute(migration[migration.index("insert into") :])
    assert database.cursor().execute(query).fetchall() == dealt
    assert queue.settings.sharing == "dealt"


def test_who_leaves_or_is_merged_hands_over_what_they_have_not_begun(
    database: Database, people: dict[str, str], make_queue: MakeQueue
) -> None:
    def owned(queue_id: str) -> Counter[str]:
        rows = database.cursor().execute(
            "select reviewer_id from queue_share where queue_id = $queue_id "
            "qualify deal = max(deal) over (partition by item_id)",
            {"queue_id": queue_id},
        )
        names = {one: name for name, one in people.items()}
        return Counter(names[one] for (one,) in rows.fetchall())

    bob, cyd, dee = (people[name] for name in ("Bob", "Cyd", "Dee"))
    make_queue("Both", sharing="dealt")
    make_queue("All three", sharing="dealt", reviewer_ids=(bob, cyd, dee))
    make_queue("Alone", sharing="dealt", reviewer_ids=(bob,))
    make_queue("Closed", sharing="dealt")
    (begun, *_) = given(database, "Both", bob, 1)
    label(database, "Both", begun, bob)
    with database.transaction() as cur:
        close_queue(cur, "Closed", people["Ann"])
        merge_people(cur, bob, dee, by=people["Ann"])
        assert hand_over_shares(cur, bob, by=people["Ann"], to=dee) == 5 + 4 + 12
    assert owned("Both") == {"Bob": 1, "Cyd": 5, "Dee": 6}
    assert owned("All three") == {"Cyd": 4, "Dee": 8}
    assert owned("Alone") == {"Dee": 12}
    assert owned("Closed") == {"Bob": 6, "Cyd": 6}
    assert get_queue(database.cursor(), "Both").present_ids == (dee, cyd)
    with database.transaction() as cur:
        erase_person(cur, cyd, by=None)
        assert hand_over_shares(cur, cyd, by=None) == 5 + 4
    assert owned("Both") == {"Bob": 1, "Dee": 11}
    assert owned("All three") == {"Dee": 12}
    with database.transaction() as cur:
        change_person(cur, dee, role="none", by=people["Ann"])
        assert hand_over_shares(cur, dee, by=people["Ann"]) == 0  # there is no one else
    assert owned("Alone") == {"Dee": 12}
    assert verify(database.cursor()).breaks == ()
