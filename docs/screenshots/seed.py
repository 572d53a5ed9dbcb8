"""Add invented people, their labels, a guideline and a refit to the demo, for pages empty without.

LLAMACARE_HOME=/tmp/shots .venv/bin/python docs/screenshots/seed.py    # before the app is started
"""

from __future__ import annotations

import random
from typing import Final

from duckdb import DuckDBPyConnection

from db.connection import Database, opened_database
from db.content.items import get_item
from db.content.runs import list_runs
from db.demo import load_demo
from db.people.sign_in import add_person, sign_in_by_name
from db.records import Encounter, Judgement, Reviewer
from db.retraining.model_versions import list_models
from db.review.adjudications import add_adjudication, list_disputed
from db.review.annotations import add_annotation, get_gold
from db.review.guidelines import add_guideline
from db.review.item_list import ReviewFilter, list_item_ids
from db.review.queues import QueueSettings, add_queue
from db.review.settings import ReviewSettings, save_settings
from db.viewer import EVERYTHING
from training.cli.main import main as training_commands
from training.control.registry import promote

PEOPLE: Final = (("Dr Amara Osei", 0.8), ("Dr Lena Vogt", 0.7), ("Dr Tomas Rey", 0.6))
"""Names with the share of items that each says rightly at first."""
PROJECT: Final = "Demo of abstracts and vignettes"
QUEUE: Final = "Training items, first pass"
NUM_ITEMS: Final = 60
NUM_SETTLED: Final = 2
TAKES_GOLD_UP: Final = 0.3
GUIDELINE: Final = """# How to label
Say what the **abstract alone** supports, not what you know from elsewhere.

- *yes* or *no*: the results answer the question for the patients who were studied.
- *maybe*: the authors themselves leave it open, or the groups were too small to tell.

1. Read question and results first, the background last.
2. Flag an item whose text is cut off or lacks its table.
"""


def main() -> None:
    """Fill the database of $LLAMACARE_HOME."""
    database = Database.open()
    load_demo(database)
    rng = random.Random(7)  # noqa: S311 (invented labels, no secrets)
    with database.transaction() as cur:
        chief = sign_in_by_name(cur, "Reviewer 1")
        people = [(add_person(cur, name, role="reviewer"), share) for name, share in PEOPLE]
        add_guideline(cur, GUIDELINE, reviewer_id=chief.reviewer_id)
        save_settings(cur, ReviewSettings(project=PROJECT), chief.reviewer_id)
        named = tuple(person.reviewer_id for person, _ in people)
        items = ReviewFilter(split="train")
        questions = QueueSettings(QUEUE, items, num_reviewers=3, reviewer_ids=named)
        add_queue(cur, questions, queue_id=QUEUE, created_by=chief.reviewer_id)
        run_id = list_runs(cur)[0].run_id
        for item_id in list_item_ids(cur, ReviewFilter(), EVERYTHING)[:: 120 // NUM_ITEMS]:
            for person, share in people:
                _say(cur, rng, item_id, person, share, run_id)
        for item_id in list_disputed(cur, EVERYTHING, "open")[:NUM_SETTLED]:
            add_adjudication(
                cur,
                adjudication_id=f"seed/{item_id}",
                item_id=item_id,
                reviewer_id=chief.reviewer_id,
                label=get_gold(cur, item_id, EVERYTHING).label
                or get_item(cur, item_id, EVERYTHING).labels[0],
                reason="reviewer_slip",
            )
    database.close()
    refit(chief.reviewer_id)


def refit(reviewer_id: str) -> None:
    """Refit the head on the corrections and promote it: some minutes on two cores."""
    training_commands(["run", "--tier", "refit", "--from", "base"], standalone_mode=False)
    with opened_database() as database:
        (model,) = list_models(database.cursor())
        promote(database, model.version, reviewer_id, "First head that learned from the review.")


def _say(
    cur: DuckDBPyConnection,
    rng: random.Random,
    item_id: str,
    person: Reviewer,
    share: float,
    run_id: str,
) -> None:
    item = get_item(cur, item_id, EVERYTHING)
    blind = item.gold_label if rng.random() < share else rng.choice(item.labels)
    revealed = item.gold_label if rng.random() < TAKES_GOLD_UP else blind
    for phase, label in (("blind", blind), ("revealed", revealed)):
        add_annotation(
            cur,
            Judgement(() if label is None else (label,)),
            Encounter(
                run_id=run_id,
                queue_id=QUEUE if item.split == "train" and person.name != PEOPLE[-1][0] else None,
                phase="blind" if phase == "blind" else "revealed",
                duration_seconds=round(rng.lognormvariate(4, 0.5)),
            ),
            annotation_id=f"seed/{item_id}/{person.reviewer_id}/{phase}",
            item_id=item_id,
            reviewer_id=person.reviewer_id,
        )


if __name__ == "__main__":
    main()
