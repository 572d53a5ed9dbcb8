"""What a reviewer did today, counted from rows that are known."""

from __future__ import annotations

from datetime import timedelta

from db.connection import Database
from db.content.items import add_items
from db.content.predictions import add_predictions
from db.content.runs import add_run
from db.conversions import utc_now
from db.people.sign_in import add_person
from db.records import Encounter, Judgement
from db.review.annotations import add_annotation, retract_annotation
from db.review.day import ReviewedDay, read_day
from db.review.item_list import ReviewFilter
from db.review.queues import QueueSettings, add_queue
from tests.support.records import make_answer, make_item, make_run


def test_a_day_counts_last_labels_of_one_person_and_nothing_hidden(database: Database) -> None:
    start = utc_now()
    names = [f"q-{number}" for number in range(1, 6)]
    with database.transaction() as cur:
        add_items(cur, [make_item(name, gold_label="no") for name in names], origin="items")
        add_run(cur, make_run())
        # q-4 has no label in its answer but one of the head, q-5 no prediction.
        answers = [make_answer(name, "Yes.", "yes") for name in names[:3]]
        head = {"head_label": "no", "head_probabilities": (0.3, 0.6, 0.1)}
        answers.append(make_answer("q-4", "Hard to say.", None, **head))
        add_predictions(cur, answers)
        ann = add_person(cur, "Ann", role="reviewer").reviewer_id
        bob = add_person(cur, "Bob", role="reviewer").reviewer_id
        ada = add_person(cur, "Ada", role="admin").reviewer_id

        def label(who: str, name: str, *labels: str, at: timedelta = timedelta(), **said: object):
            number = cur.execute("select count(*) from annotation").fetchone()
            add_annotation(
                cur,
                Judgement(labels, **said),  # type: ignore[arg-type]
                Encounter(run_id=make_run().run_id, phase="open", duration_seconds=10.0),
                annotation_id=f"a-{number}",
                item_id=name,
                reviewer_id=who,
                created_at=start + at,
            )

        label(ann, "q-1", "no", at=-timedelta(days=1))  # yesterday
        label(ann, "q-2", "maybe")  # thought better of
        label(ann, "q-2", "yes")
        label(ann, "q-3", "no", answer="No.")
        label(ann, "q-4", "no")
        label(ann, "q-5", "no")
        retract_annotation(cur, annotation_id="r", item_id="q-5", reviewer_id=ann)
        label(bob, "q-1", "yes")
    day = read_day(database.cursor(), ann, start)
    # Differs on q-3 of q-2, q-3 and q-4; of them q-2 went from "no" to "yes".
    assert day == ReviewedDay(3, 40.0, 3, 1, 1, 1)
    assert read_day(database.cursor(), ann, start, queue_id="none").num_items == 0
    with database.transaction() as cur:
        blind = QueueSettings("Blind", ReviewFilter(), mode="blind", reviewer_ids=(ann,))
        add_queue(cur, blind, queue_id="blind", created_by=ada)
    held_back = read_day(database.cursor(), ann, start)
    assert (held_back.num_items, held_back.num_compared, held_back.num_changed) == (3, 0, 0)
