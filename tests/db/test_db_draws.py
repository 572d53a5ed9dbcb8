"""How queues are drawn: probabilities that are those of the draw, at every place to stop at."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from db.connection import Database
from db.content.items import add_items
from db.content.predictions import add_predictions
from db.content.runs import add_run
from db.errors import InvalidQueueError
from db.people.reviewers import add_reviewer
from db.review.draws import Candidates, Kind, QueueDesign, draw, thresholds
from db.review.item_list import ReviewFilter
from db.review.queues import (
    Queue,
    QueueSettings,
    add_item_queue,
    add_queue,
    extend_queue,
    get_queue,
)
from tests.support.records import make_item, make_prediction, make_run


def candidates(total: int, seed: int = 0, strata: list[str] | None = None) -> Candidates:
    """Return items in an order of priority with hashes that a seed makes."""
    return Candidates(
        np.array([f"q-{number:04d}" for number in range(total)], dtype=object),
        np.arange(total),
        np.random.default_rng(seed).random(total),
        np.array(strata or [""] * total, dtype=object),
    )


def draw_rows(
    every: Candidates, kind: Kind, design: QueueDesign, num_places: int
) -> list[dict[str, Any]]:
    return draw(every, kind, design, num_places).to_pylist()


@pytest.mark.parametrize(("floor", "num_places"), [(0.5, 20), (0.1, 20), (1.0, 7), (0.5, 90)])
def test_items_get_a_place_as_often_as_their_probability(floor: float, num_places: int) -> None:
    total, draws = 100, 1500
    counts: Counter[str] = Counter()
    chances: dict[str, float] = {}
    for seed in range(draws):
        drawn = candidates(total, seed)
        rows = draw_rows(drawn, "prioritised", QueueDesign(floor), num_places)
        counts.update(row["item_id"] for row in rows[:num_places])
        chances = {row["item_id"]: row["inclusion_probability"] for row in rows}
    assert sum(chances.values()) == pytest.approx(num_places)
    found = np.array([counts[name] / draws for name in chances])
    expected = np.array(list(chances.values()))
    error = np.sqrt(expected * (1 - expected) / draws)
    assert np.abs(found - expected).max() <= 4.5 * error.max() + 0.02
    assert min(chances.values()) >= min(1, floor * num_places / total) * 0.999


def test_every_place_to_stop_at_has_probabilities_that_sum_to_it() -> None:
    rows = draw_rows(candidates(60), "prioritised", QueueDesign(0.2), 60)
    for stop in range(1, 61):
        limit = rows[stop - 1]["draw_threshold"]
        assert sum(min(1, row["draw_size"] * limit) for row in rows) == pytest.approx(stop)
    assert [row["inclusion_probability"] for row in rows] == [1.0] * 60
    np.testing.assert_allclose(thresholds(np.full(5, 0.2)), np.arange(1, 6))


def test_strata_have_their_shares_at_every_place_and_the_others_the_rest() -> None:
    strata = ["rare"] * 10 + ["common"] * 190
    every = candidates(200, strata=strata)
    equal = draw_rows(every, "equal", QueueDesign(strata="source"), 20)
    assert Counter(row["stratum"] for row in equal[:20]) == {"rare": 10, "common": 10}
    named = draw_rows(every, "equal", QueueDesign(strata="source", shares=(("rare", 0.2),)), 20)
    assert Counter(row["stratum"] for row in named[:20]) == {"rare": 4, "common": 16}
    chances = {row["stratum"]: row["inclusion_probability"] for row in named}
    assert chances == {"rare": pytest.approx(0.4), "common": pytest.approx(16 / 190)}


@pytest.mark.parametrize("design", [QueueDesign(), QueueDesign(floor=0, num_items=9)])
def test_a_fixed_order_is_a_sample_only_as_a_whole(design: QueueDesign) -> None:
    kind = "fixed" if design.floor else "prioritised"
    rows = draw_rows(candidates(12), kind, design, 9)  # type: ignore[arg-type]
    assert [row["item_id"] for row in rows] == [f"q-{number:04d}" for number in range(9)]
    assert {row["draw_size"] for row in rows} == {None}
    assert {row["inclusion_probability"] for row in rows} == {1.0}


@pytest.fixture
def chief(database: Database) -> str:
    """Store twenty items with a run, the later ones less certain; return who may make queues."""
    ids = [f"q-{number:02d}" for number in range(20)]
    with database.transaction() as cur:
        add_items(cur, [make_item(name) for name in ids], origin="items")
        add_run(cur, make_run())
        shares = [(0.9 - 0.02 * number, 0.05, 0.05 + 0.02 * number) for number in range(20)]
        add_predictions(
            cur,
            [
                make_prediction(name, head_label="yes", head_probabilities=share)
                for name, share in zip(ids, shares, strict=True)
            ],
        )
        return add_reviewer(cur, "Ann", "admin").reviewer_id


def made(database: Database, chief: str, name: str, **fields: Any) -> Queue:
    settings = QueueSettings(name, fields.pop("flt", ReviewFilter(run_id="run-1")), **fields)
    with database.transaction() as cur:
        return add_queue(cur, settings, queue_id=f"id-{name}", created_by=chief)


def drawn(database: Database, queue: Queue) -> list[tuple[Any, ...]]:
    query = (
        "select item_id, stratum, inclusion_probability, draw_size from queue_draw "
        "where queue_id = ? order by stratum, stratum_rank"
    )
    return database.cursor().execute(query, [queue.queue_id]).fetchall()


def placed(database: Database, queue: Queue) -> list[str]:
    query = "select item_id from queue_item where queue_id = ? order by position"
    return [row[0] for row in database.cursor().execute(query, [queue.queue_id]).fetchall()]


def test_a_queue_keeps_its_draw_and_the_same_seed_draws_it_again(
    database: Database, chief: str
) -> None:
    design = QueueDesign(floor=0.4, num_items=6)
    one = made(database, chief, "one", order="uncertain", seed=3, design=design)
    again = made(database, chief, "again", order="uncertain", seed=3, design=design)
    other = made(database, chief, "other", order="uncertain", seed=4, design=design)

    assert get_queue(database.cursor(), one.queue_id).settings.design == design
    assert len(drawn(database, one)) == 20
    assert sum(row[2] for row in drawn(database, one)) == pytest.approx(6)
    assert drawn(database, one) == drawn(database, again)
    assert placed(database, one) == [row[0] for row in drawn(database, one)][:6]
    assert placed(database, one) != placed(database, other)
    chances = {row[0]: row[2] for row in drawn(database, one)}
    assert chances["q-19"] > chances["q-00"]  # the least certain one has the best chance


def test_items_that_come_later_are_drawn_at_the_same_rate(database: Database, chief: str) -> None:
    queue = made(
        database,
        chief,
        "watch",
        flt=ReviewFilter(),
        order="random",
        design=QueueDesign(num_items=5),
    )
    with database.transaction() as cur:
        add_items(cur, [make_item(f"r-{number:02d}") for number in range(40)], origin="items")
        assert extend_queue(cur, queue, chief) == 10
        assert extend_queue(cur, queue, chief) == 0
    strata = Counter(row[1] for row in drawn(database, queue))
    assert strata == {"": 20, ", added 1": 40}
    assert {round(row[2], 9) for row in drawn(database, queue)} == {0.25}


def test_chosen_items_are_a_sample_of_themselves_alone(database: Database, chief: str) -> None:
    with database.transaction() as cur:
        settings = QueueSettings("chosen", ReviewFilter())
        queue = add_item_queue(cur, settings, ["q-03", "q-01"], queue_id="chosen", created_by=chief)
    assert [row[::2] for row in drawn(database, queue)] == [("q-03", 1.0), ("q-01", 1.0)]


def test_a_queue_of_before_has_no_design_and_grows_as_it_did(
    database: Database, chief: str
) -> None:
    queue = made(database, chief, "old", order="uncertain", flt=ReviewFilter(run_id="run-1"))
    with database.transaction() as cur:
        cur.execute("update queue set design = null")
        cur.execute("delete from queue_draw")
        cur.execute("delete from queue_item")
        old = get_queue(cur, queue.queue_id)
        assert old.settings.design is None
        assert extend_queue(cur, old, chief) == 20
    assert placed(database, queue)[:3] == ["q-19", "q-18", "q-17"]
    assert drawn(database, queue) == []


@pytest.mark.parametrize(
    ("design", "said"),
    [
        (QueueDesign(floor=1.5), "floor 1.5 is not within 0 and 1"),
        (QueueDesign(num_items=0), "0 items to draw are fewer than 1"),
        (QueueDesign(strata="note"), "strata 'note' are none of"),  # type: ignore[arg-type]
        (QueueDesign(strata="source", shares=(("a", 0.7), ("b", 0.7))), "sum of at most 1"),
        (QueueDesign(shares=(("a", 0.5),)), "none are chosen"),
    ],
)
def test_a_design_that_cannot_be_is_refused(
    database: Database, chief: str, design: QueueDesign, said: str
) -> None:
    with pytest.raises(InvalidQueueError, match=said):
        made(database, chief, "no", design=design)
