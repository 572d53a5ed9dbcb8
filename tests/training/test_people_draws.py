"""Figures about people where reviewers saw some kinds of items more readily than others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from duckdb import DuckDBPyConnection

from db.content.items import add_items
from db.content.predictions import add_predictions
from db.content.runs import add_run
from db.outcomes import scored_runs
from db.outcomes.selection import OutcomeFilter
from db.people.reviewers import add_reviewer
from db.review.agreement import RatingFilter
from db.review.draws import QueueDesign
from db.review.item_list import ReviewFilter
from db.review.queues import QueueSettings, add_queue
from db.viewer import EVERYTHING
from eci.statistics.agreement import agreement
from streamlit_app.logic.agreement_tables import drawn_notes
from tests.support.annotations import annotate
from tests.support.records import LABELS, make_item, make_prediction, make_run
from tests.support.stores import open_store
from training.evaluation.agreement.phases import load_phase
from training.evaluation.people_estimates import estimate_people

NUM_ITEMS = 240
PEOPLE = ("Ann", "Ben", "Cleo")
RNG = np.random.default_rng(3)
GOLD = RNG.choice(3, NUM_ITEMS, p=[0.6, 0.2, 0.2])
KNOWN = RNG.random((NUM_ITEMS, len(PEOPLE))) < np.where(GOLD == 0, 0.95, 0.35)[:, None]
SAID = np.where(KNOWN, GOLD[:, None], RNG.choice(3, (NUM_ITEMS, len(PEOPLE))))
"""All agree on items of the first label; the others, which are hard, are drawn more readily."""


@pytest.fixture
def cur(tmp_path: Path) -> Iterator[DuckDBPyConnection]:
    """Yield a store where three people labelled 90 items, as many of each gold label."""
    database = open_store(tmp_path / "store.duckdb")
    with database.transaction() as cur:
        items = [make_item(f"q-{n:03d}", gold_label=LABELS[GOLD[n]]) for n in range(NUM_ITEMS)]
        add_items(cur, items, origin="items")
        add_run(cur, make_run())
        add_predictions(cur, [make_prediction(f"q-{n:03d}") for n in range(NUM_ITEMS)])
        chief = add_reviewer(cur, "Chief", "admin").reviewer_id
        design = QueueDesign(num_items=90, strata="gold_label")
        settings = QueueSettings(
            "strata", ReviewFilter(), order="random", num_reviewers=3, design=design
        )
        add_queue(cur, settings, queue_id="strata", created_by=chief)
        query = "select item_id from queue_item order by position"
        for (item_id,) in cur.execute(query).fetchall():
            for who, label in zip(PEOPLE, SAID[int(item_id[2:])], strict=True):
                annotate(cur, who, item_id, LABELS[label], queue_id="strata", phase="open")
    yield database.cursor()
    database.close()


def test_agreement_holds_for_all_items_that_a_queue_was_drawn_from(
    cur: DuckDBPyConnection,
) -> None:
    counts = (SAID[:, :, None] == np.arange(3)).sum(axis=1)
    truth = agreement(counts).krippendorff_alpha.value
    assert truth is not None

    found = load_phase(cur, RatingFilter(EVERYTHING, "pubmedqa"), "open")

    assert found.draw is not None and found.plain is not None
    assert (found.num_items, found.draw.num_items) == (90, NUM_ITEMS)
    alpha, plain = found.overall.krippendorff_alpha, found.plain.overall.krippendorff_alpha
    assert alpha.value is not None and plain.value is not None and alpha.interval is not None
    assert alpha.interval.low < truth < alpha.interval.high
    assert alpha.interval.method == "two-way bootstrap"
    assert abs(alpha.value - truth) < abs(plain.value - truth)
    share = (GOLD[:, None] == SAID).mean()
    assert found.holds_gold.interval is not None and found.holds_gold.value is not None
    assert found.holds_gold.interval.low < share < found.holds_gold.interval.high
    said = " ".join(drawn_notes(found))
    assert "90 items were drawn" in said and "hold for 240 of 240 items" in said
    assert "Counted plainly" in said
    assert drawn_notes(found.plain) == []


def test_without_probabilities_agreement_is_that_of_the_rated_items(
    cur: DuckDBPyConnection,
) -> None:
    cur.execute("delete from queue_draw")
    found = load_phase(cur, RatingFilter(EVERYTHING, "pubmedqa"), "open")
    assert found.draw is None and found.plain is None


def test_the_human_ceiling_holds_for_all_items_and_other_reviewers(
    cur: DuckDBPyConnection,
) -> None:
    scored_runs.refresh(cur, ["run-1"])
    flt = OutcomeFilter(EVERYTHING, "run-1", "imported", "pubmedqa")
    truth = (GOLD[:, None] == SAID).mean()

    found = estimate_people(cur, flt)

    assert found.is_drawn
    assert found.estimate.n == 270
    interval = found.estimate.interval
    assert interval is not None and interval.method == "two-way bootstrap"
    assert interval.low < truth < interval.high
    cur.execute("delete from queue_draw")
    plain = estimate_people(cur, replace(flt))
    assert not plain.is_drawn
    assert plain.estimate.value is not None and found.estimate.value is not None
    assert abs(found.estimate.value - truth) < abs(plain.estimate.value - truth)
