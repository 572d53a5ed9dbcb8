"""A small database with some of everything, as a home of its own."""

from __future__ import annotations

import uuid

from duckdb import DuckDBPyConnection

from db.connection import Database
from db.content.items import add_items
from db.content.predictions import add_predictions
from db.content.runs import add_run
from db.conversions import utc_now
from db.demo import load_demo
from db.people.sign_in import add_person
from db.records import Encounter, Item, Judgement, Prediction, Run, Section
from db.review.adjudications import add_adjudication
from db.review.annotations import add_annotation
from db.review.drafts import save_draft
from db.review.events import set_flag
from db.review.item_list import ReviewFilter
from db.review.queues import QueueSettings, add_queue

LABELS = ("yes", "no", "maybe")
_SYLLABLES = ("ami", "bor", "cet", "dol", "epi", "fur", "gly", "hep", "ivo", "lar", "mib", "nat")


def make_item(number: int, prefix: str = "h") -> Item:
    """Return an item with words of its own and words that others have too."""
    first, second = (_SYLLABLES[(number // base) % 12] for base in (1, 12))
    return Item(
        f"{prefix}-{number}",
        source="hostile",
        question=f"Does {first}{second} help patient {prefix}{number}?",
        context=(Section("METHODS", f"We gave {first}{second}ine."), Section("", "It did help.")),
        label_set="pubmedqa",
        labels=LABELS,
        options=(),
        gold_label=LABELS[number % 3],
        long_answer="In most.",
        split="test" if number % 2 else "train",
        metadata={"number": number},
    )


def make_prediction(item: Item, run_id: str) -> Prediction:
    """Return an answer to an item that names the item."""
    return Prediction(run_id, item.item_id, f"Yes, {item.item_id} improved.", "yes")


def add_batch(cur: DuckDBPyConnection, prefix: str, num_items: int) -> None:
    """Add items with a run that answers each."""
    items = [make_item(number, prefix) for number in range(num_items)]
    add_items(cur, items, origin="items")
    run = Run(f"run-{prefix}", f"Run {prefix}", "imported", "model", {}, {}, utc_now())
    add_run(cur, run)
    add_predictions(cur, [make_prediction(item, run.run_id) for item in items])


def fill(num_items: int = 60, *, has_demo: bool = False) -> None:
    """Create the database of this process's home, and close it."""
    database = Database.open()
    if has_demo:
        load_demo(database)
    with database.transaction() as cur:
        add_batch(cur, "h", num_items)
        people = [add_person(cur, name, role="admin").reviewer_id for name in ("Ann", "Bob")]
    with database.transaction() as cur:
        for number in range(num_items // 2):
            for place, person in enumerate(people):
                judgement = Judgement((LABELS[(number + place) % 3],), note=f"Note {number}")
                add_annotation(
                    cur,
                    judgement,
                    Encounter(),
                    annotation_id=str(uuid.uuid4()),
                    item_id=f"h-{number}",
                    reviewer_id=person,
                )
        save_draft(cur, "h-1", people[0], "open", {"note": "draft"})
        set_flag(cur, "h-2", people[0], True)
        add_adjudication(
            cur, adjudication_id="d-0", item_id="h-0", reviewer_id=people[0], label="no", note="x"
        )
        settings = QueueSettings("All", ReviewFilter())
        add_queue(cur, settings, queue_id="queue-1", created_by=people[0])
    database.close()


def index_gaps() -> tuple[int, str]:
    """Return how many words of items and answers no search finds in the home's store, and some."""
    database = Database.open()
    gaps = database.cursor().execute(_GAPS).fetchall()
    database.close()
    return len(gaps), str(gaps[:3]) if gaps else ""


_GAPS = """
with words as (
    select 0 as run_number, item_id, unnest(search_words(concat_ws(' ', item_id, question,
        array_to_string(list_transform(context, lambda part: part.heading), ' '),
        array_to_string(list_transform(context, lambda part: part."text"), ' ')))) as word
    from item
    union all
    select coalesce(run_number, -1), item_id, unnest(search_words(answer))
    from prediction left join search_run using (run_id)
)
from words
anti join (from search_posting join search_item using (item_number)) as posted
    on posted.word = words.word and posted.item_id = words.item_id
    and posted.run_number = words.run_number
"""
