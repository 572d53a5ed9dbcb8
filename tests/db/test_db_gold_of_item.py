"""The label of record of one item, read by itself, is the one of the view over all items."""

from __future__ import annotations

import random
from collections import Counter

from db.connection import Database
from db.content.items import add_items
from db.errors import NothingToRetractError
from db.people.reviewers import add_reviewer
from db.records import Encounter, GoldLabel, Judgement
from db.review.adjudications import add_adjudication
from db.review.annotations import (
    add_annotation,
    get_gold,
    list_annotations,
    retract_annotation,
    standing_annotations,
)
from db.review.item_list import get_rows
from db.viewer import EVERYTHING
from tests.support.records import make_item

ACTS = ("label", "label", "label", "several", "none", "retract", "adjudicate")


def _act(database: Database, rng: random.Random, number: int, item_id: str, who: str) -> None:
    act = rng.choice(ACTS)
    key = f"{act}-{number}"
    try:
        with database.transaction() as cur:
            if act == "retract":
                retract_annotation(cur, annotation_id=key, item_id=item_id, reviewer_id=who)
            elif act == "adjudicate":
                add_adjudication(
                    cur, adjudication_id=key, item_id=item_id, reviewer_id=who, label="maybe"
                )
            else:
                labels = {"label": (rng.choice(("yes", "no")),), "several": ("yes", "no")}
                judgement = Judgement(labels.get(act, ()), verdicts=("unanswerable",))
                add_annotation(
                    cur, judgement, Encounter(), annotation_id=key, item_id=item_id, reviewer_id=who
                )
    except NothingToRetractError:
        return


def test_one_items_gold_and_standing_labels_are_those_of_the_views(database: Database) -> None:
    rng = random.Random(0)  # noqa: S311
    items = [f"q-{number}" for number in range(25)]
    with database.transaction() as cur:
        add_items(cur, [make_item(item_id) for item_id in items], origin="items")
        people = [add_reviewer(cur, name, "admin").reviewer_id for name in ("Ann", "Bob", "Cyd")]
    for number, item_id in enumerate(items * 4):
        _act(database, rng, number, item_id, rng.choice(people))
    cur = database.cursor()
    query = "select item_id, label, origin, conflicting from gold order by item_id"
    viewed = [GoldLabel(*row) for row in cur.execute(query).fetchall()]
    assert [get_gold(cur, gold.item_id, EVERYTHING) for gold in viewed] == viewed
    assert {gold.origin for gold in viewed} == {"imported", "agreed", "adjudicated"}
    assert any(gold.conflicting for gold in viewed)
    alone = [standing_annotations(list_annotations(cur, item_id, EVERYTHING)) for item_id in items]
    found = [annotation for said in alone for annotation in said.values()]
    query = "select annotation_id from standing_annotation"
    standing = [annotation_id for (annotation_id,) in cur.execute(query).fetchall()]
    assert sorted(annotation.annotation_id for annotation in found) == sorted(standing)
    rows = get_rows(cur, [gold.item_id for gold in viewed], EVERYTHING, reviewer_id=people[0])
    assert [
        GoldLabel(row.item_id, row.gold_label, row.gold_origin, row.conflicting)  # type: ignore[arg-type]
        for row in rows
    ] == viewed
    golds = [get_gold(cur, gold.item_id, EVERYTHING) for gold in viewed]
    open_golds = [(gold, row) for gold, row in zip(golds, rows, strict=True) if gold.num_reviewers]
    assert [(gold.num_agreeing, gold.num_reviewers) for gold, _ in open_golds] == [
        (row.num_agreeing, row.num_annotations) for _, row in open_golds
    ]
    assert any(1 < gold.num_agreeing < gold.num_reviewers for gold, _ in open_golds)
    counts = Counter(annotation.item_id for annotation in found)
    assert [row.num_annotations for row in rows] == [counts[row.item_id] for row in rows]
    mine = {
        one.item_id: ", ".join(one.judgement.labels)
        for one in found
        if one.reviewer_id == people[0]
    }
    assert {row.item_id: row.my_label for row in rows if row.my_label is not None} == mine
