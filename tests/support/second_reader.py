"""Answers of which the doubtful ones are often wrong, reviewed at random: for the second reader."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from db.connection import Database
from db.content.items import add_items
from db.content.predictions import add_predictions
from db.content.runs import add_run
from db.outcomes import scored_runs
from db.outcomes.acceptance import AcceptanceRule, add_acceptance, list_acceptances
from db.outcomes.run_pairs import PairFilter
from db.people.reviewers import add_reviewer
from db.review.item_list import ReviewFilter
from db.review.queues import QueueSettings, add_queue
from db.viewer import EVERYTHING
from tests.support.annotations import annotate
from tests.support.records import make_item, make_prediction, make_run
from tests.support.stores import open_store
from training.evaluation.acceptance import AcceptancePlan, plan_acceptance

NUM_ITEMS = 400
RNG = np.random.default_rng(3)
IS_DOUBTFUL = RNG.random(NUM_ITEMS) < 0.4
IS_WRONG = RNG.random(NUM_ITEMS) < np.where(IS_DOUBTFUL, 0.6, 0.02)
PAIR = PairFilter(EVERYTHING, "run-1", "run-1", "text", "text", "record", "pubmedqa")


def fill(path: Path) -> Database:
    """Return a store of answers of which the doubtful ones are wrong more often."""
    database = open_store(path)
    add_answers(database)
    return database


def add_answers(database: Database) -> None:
    """Store the items, the answers of one run, an admin and an engineer."""
    with database.transaction() as cur:
        add_items(cur, [answered_item(n) for n in range(NUM_ITEMS)], origin="items")
        add_run(cur, make_run())
        add_predictions(cur, [_prediction(n) for n in range(NUM_ITEMS)])
        add_reviewer(cur, "Chief", "admin")
        add_reviewer(cur, "Eve", "engineer")


def answered_item(n: int) -> Any:
    question = " ".join(f"word{(n * 7 + k) % 1009}x{n}" for k in range(8))
    return make_item(f"q-{n:03d}", question=question, split="train", gold_label=None, context=())


def _prediction(n: int) -> object:
    text = "Perhaps yes, though it is unclear." if IS_DOUBTFUL[n] else "Clearly yes."
    return make_prediction(f"q-{n:03d}", answer=text, answer_label="yes", answer_form="stated")


def review(store: Database, number: int, *, order: str = "random", queue_id: str = "drawn") -> None:
    """Label the first items of a new queue as they really are."""
    with store.transaction() as cur:
        chief = add_reviewer(cur, "Chief").reviewer_id
        settings = QueueSettings(queue_id, ReviewFilter(run_id="run-1"), order=order, seed=4)  # type: ignore[arg-type]
        add_queue(cur, settings, queue_id=queue_id, created_by=chief)
    label_queue(store, queue_id, number)


def label_queue(store: Database, queue_id: str, number: int, *, wrong: bool = False) -> None:
    query = "select item_id from queue_item where queue_id = ? order by position limit ?"
    with store.transaction() as cur:
        for (item_id,) in cur.execute(query, [queue_id, number]).fetchall():
            label = "no" if wrong or IS_WRONG[int(item_id[2:])] else "yes"
            seconds = {"queue_id": queue_id, "run_id": "run-1", "duration_seconds": 30.0}
            annotate(cur, "Ann", item_id, label, **seconds)


def plan(store: Database, risk: float = 0.1, level: float = 0.9) -> AcceptancePlan:
    scored_runs.refresh(store.cursor(), ["run-1"])
    return plan_acceptance(store.cursor(), PAIR, risk, level)


def accept(store: Database, share: float = 0.2, who: str = "Chief") -> AcceptanceRule:
    found = plan(store)
    with store.transaction() as cur:
        person = add_reviewer(cur, who).reviewer_id
        terms = found.terms(PAIR, share)
        add_acceptance(
            cur,
            terms,
            found.accepted,
            last_event=found.last_event,
            queue_name="Check",
            created_by=person,
        )
    return list_acceptances(store.cursor())[0]
