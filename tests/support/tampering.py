"""Stores of many kinds of acts, and alterations that whoever has the file could make."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import duckdb
from duckdb import DuckDBPyConnection

from db.chain import CHAINED, PREDICTIONS, canonical, digest_of
from db.connection import Database
from db.content.item_versions import correct_item, set_items_aside
from db.content.items import PROVISIONAL_ORIGIN, add_items, get_item
from db.content.label_moves import change_labels
from db.content.label_sets import add_label_set
from db.content.predictions import add_predictions
from db.content.runs import add_run
from db.errors import DbError
from db.outcomes.acceptance import (
    AcceptanceTerms,
    acceptance_version,
    add_acceptance,
    list_acceptances,
    suspend_acceptance,
)
from db.outcomes.selection import Selection
from db.outcomes.slices import save_slice
from db.people.program_tokens import add_token
from db.people.reviewers import list_people
from db.people.sign_in import Identity, add_person, change_person, sign_in_by_identity
from db.records import Encounter, Judgement
from db.retraining.gate_uses import add_gate_use
from db.retraining.model_versions import register_model, set_alias
from db.retraining.record_vetoes import add_record_veto
from db.review.adjudications import add_adjudication
from db.review.annotations import add_annotation, retract_annotation
from db.review.bulk_actions import do_action, undo_action
from db.review.draws import QueueDesign
from db.review.events import ReviewEvent, add_events, set_flag
from db.review.guidelines import add_guideline
from db.review.item_list import ReviewFilter
from db.review.queue_changes import close_queue, reassign_share
from db.review.queues import QueueSettings, add_queue, extend_queue
from db.review.settings import ReviewSettings, save_settings
from db.statements import load_sql
from db.viewer import EVERYTHING
from tests.support.annotations import on_screen
from tests.support.records import make_answer, make_item, make_label_set, make_run

NUM_ITEMS: Final = 40
_TEXTS: Final = (
    "",
    "Unclear.",
    'a "quoted" \\ text',
    "tab\tand\nline",
    "\x01\x1f\\u001f",
    "é 漢 😀",
)


def store_acts(database: Database, seed: int, num_acts: int = 60) -> None:
    """Store what people might do: items and a run first, then acts in a random order."""
    draw = random.Random(seed)  # noqa: S311 - repeatable, not secret
    items = [
        make_item(f"q-{n}", question=f"Case {n}: {draw.choice(_TEXTS)} does it help?")
        for n in range(NUM_ITEMS)
    ]
    urgent = [
        make_item(f"u-{n}", label_set="urgency", labels=("now", "soon"), gold_label="now")
        for n in range(4)
    ]
    with database.transaction() as cur:
        chief = add_person(cur, "Chief", role="admin").reviewer_id
        add_label_set(cur, make_label_set("urgency", "now", "soon"), reviewer_id=chief)
        add_items(cur, [*items, *urgent], origin="items")
        add_run(cur, make_run())
        answers = [make_answer(one.item_id, f"Yes. {draw.choice(_TEXTS)}", "yes") for one in items]
        add_predictions(cur, answers)
        register_model(cur, "run-1", chief)
        people = [chief] + [
            add_person(cur, f"Dr. {name}", role="adjudicator", by=chief).reviewer_id
            for name in ("Ada", "Bo", "Cy")
        ]
    for number in range(num_acts):
        act = draw.choices([label, *_ACTS], [len(_ACTS), *[1] * len(_ACTS)])[0]
        try:
            with database.transaction() as cur:
                act(cur, draw, draw.choice(people), f"{number}")
        except DbError:  # as people meet them: nothing to undo, an item set aside
            continue


Act = Callable[[DuckDBPyConnection, random.Random, str, str], object]


def _item_id(draw: random.Random) -> str:
    return f"q-{draw.randrange(NUM_ITEMS)}"


def label(cur: DuckDBPyConnection, draw: random.Random, who: str, number: str) -> None:
    """Store a label as the desk does: with what was on screen, blind or not."""
    item_id = _item_id(draw)
    item = get_item(cur, item_id, EVERYTHING)
    run_id = draw.choice([None, "run-1"])
    (answer,) = cur.execute(
        "select answer from stored_prediction where item_id = $item_id", {"item_id": item_id}
    ).fetchone() or (None,)
    shown = replace(on_screen(cur, who, item), answer=answer if run_id else None)
    standing = [one for one in shown.state.history if one.reviewer_id == who]
    if standing:
        return
    encounter = Encounter(
        run_id=run_id,
        phase="open" if run_id else "blind",
        duration_seconds=draw.choice([None, 3, 0.1 + draw.random() * 100]),
        guideline_version=draw.choice([None, "1"]),
    )
    add_annotation(
        cur,
        Judgement((draw.choice(item.labels),), note=draw.choice(_TEXTS)),
        encounter,
        annotation_id=f"annotation-{number}",
        item_id=item_id,
        reviewer_id=who,
        on_screen=shown,
    )


def _correct(cur: DuckDBPyConnection, draw: random.Random, who: str, number: str) -> None:
    item = get_item(cur, _item_id(draw), EVERYTHING)
    changed = replace(item, question=f"{item.question} ({number})")
    correct_item(cur, changed, reviewer_id=who, reason="a slip", changes_sense=draw.random() < 0.5)


def _bulk(cur: DuckDBPyConnection, draw: random.Random, who: str, number: str) -> None:
    chosen = ReviewFilter(item_ids=tuple(f"q-{n}" for n in range(30)))
    (num_items,) = cur.execute(
        "select count(*) from item where item_id in (select unnest($ids::varchar[]))",
        {"ids": list(chosen.item_ids or ())},
    ).fetchone() or (0,)
    do_action(cur, chosen, "flag", reviewer_id=who, batch_id=number, num_expected=num_items)
    if draw.random() < 0.5:
        undo_action(cur, number, reviewer_id=who)


def _deal(cur: DuckDBPyConnection, draw: random.Random, who: str, number: str) -> None:
    people = [one.reviewer_id for one in list_people(cur) if one.role == "adjudicator"]
    settings = QueueSettings(
        f"Dealt {number}", ReviewFilter(), sharing="dealt", reviewer_ids=tuple(people)
    )
    queue = add_queue(cur, settings, queue_id=f"dealt-{number}", created_by=who)
    if draw.random() < 0.5:
        reassign_share(cur, queue.queue_id, people[0], who)


def _draw_more(cur: DuckDBPyConnection, draw: random.Random, who: str, number: str) -> None:
    design = QueueDesign(num_items=5)
    settings = QueueSettings(f"Drawn {number}", ReviewFilter(), order="random", design=design)
    queue = add_queue(cur, settings, queue_id=f"drawn-{number}", created_by=who)
    extend_queue(cur, queue, who, 3)


def _complete(cur: DuckDBPyConnection, draw: random.Random, who: str, number: str) -> None:
    known = cur.execute("select count(*) from imported_item where item_id like 'p-%'").fetchone()
    first = (known or (0,))[0]
    names = [f"p-{n}" for n in range(first, first + draw.choice((1, 20)))]
    bare = [make_item(name, question="Does it?", context=()) for name in names]
    add_items(cur, bare, origin=PROVISIONAL_ORIGIN)
    earlier = [f"p-{n}" for n in range(first)]
    add_items(cur, [make_item(name, question="Does it help?") for name in earlier], origin="items")


def _accept(cur: DuckDBPyConnection, draw: random.Random, who: str, number: str) -> None:
    terms = AcceptanceTerms("run-1", "pqa", None, None, 0.05, 0.9, draw.random(), 60, 50, 1, 0.2)
    accepted = [(f"q-{n}", "yes") for n in draw.sample(range(NUM_ITEMS), 20)]
    last = acceptance_version(cur)[1]
    add_acceptance(
        cur, terms, accepted, last_event=last, queue_name=f"Check {number}", created_by=who
    )
    if draw.random() < 0.5:
        suspend_acceptance(cur, list_acceptances(cur)[0], "Too many errors.")


_ACTS: Final[tuple[Act, ...]] = (
    lambda cur, draw, who, n: retract_annotation(
        cur, annotation_id=f"undo-{n}", item_id=_item_id(draw), reviewer_id=who
    ),
    lambda cur, draw, who, n: add_adjudication(
        cur, adjudication_id=n, item_id=_item_id(draw), reviewer_id=who, label="no", note=_TEXTS[3]
    ),
    lambda cur, draw, who, n: set_flag(cur, _item_id(draw), who, draw.random() < 0.7),
    lambda cur, draw, who, n: add_events(cur, [ReviewEvent("open", who, _item_id(draw))] * 2),
    lambda cur, draw, who, n: set_items_aside(cur, [_item_id(draw)], reviewer_id=who, reason="a"),
    lambda cur, draw, who, n: set_items_aside(
        cur, [f"q-{one}" for one in range(NUM_ITEMS)], reviewer_id=who, reason="a", is_aside=False
    ),
    lambda cur, draw, who, n: add_guideline(cur, f"Read twice. {n}", reviewer_id=who),
    lambda cur, draw, who, n: add_queue(
        cur, QueueSettings(f"Queue {n}", ReviewFilter()), queue_id=f"queue-{n}", created_by=who
    ),
    lambda cur, draw, who, n: close_queue(cur, f"queue-{draw.randrange(60)}", who),
    lambda cur, draw, who, n: change_labels(
        cur,
        make_label_set("urgency", "now", f"later {n}"),
        {},
        reviewer_id=who,
        reason="a slip",
    ),
    lambda cur, draw, who, n: save_slice(cur, n, Selection(split="dev"), saved_by=who),
    lambda cur, draw, who, n: save_settings(cur, ReviewSettings("blind"), who),
    lambda cur, draw, who, n: add_record_veto(
        cur, item_id=_item_id(draw), num_shots=None, reviewer_id=who
    ),
    lambda cur, draw, who, n: set_alias(
        cur, "champion", 1, action="promote", reviewer_id=who, reason=_TEXTS[2], gate={"n": n}
    ),
    lambda cur, draw, who, n: add_gate_use(cur, None, n, test_digest="digest", reviewer_id=who),
    lambda cur, draw, who, n: change_person(
        cur, who, role=draw.choice(["adjudicator", "admin"]), by=None
    ),
    lambda cur, draw, who, n: add_token(cur, f"Program {n}"),
    lambda cur, draw, who, n: sign_in_by_identity(
        cur, Identity("https://sign.example", n, f"Person {n}")
    ),
    _correct,
    _bulk,
    _deal,
    _accept,
    _draw_more,
    _complete,
)


def alter(cur: DuckDBPyConnection, draw: random.Random) -> str:
    """Alter the rows of an open file as whoever has it could, and return what was done.

    It is done in a transaction that the caller ends.
    """
    while True:
        cur.begin()
        try:
            ways = [_change, _delete, _double, _forge_suffix, _link_again]
            how = draw.choices(ways, [6, 2, 1, 1, 1])[0]
            return how(cur, draw)
        except (duckdb.ConstraintException, _NothingToAlterError):
            cur.rollback()


class _NothingToAlterError(Exception):
    """A table has no row, or the value that was drawn is the one that is there."""


_TABLES: Final = (
    *CHAINED,
    *("stored_prediction", "chain_link", "chain_member", "search_posting", "migration"),
)


def _draw_row(cur: DuckDBPyConnection, draw: random.Random, table: str) -> int:
    rows = cur.execute(f"select rowid from {table}").fetchall()
    if not rows:
        raise _NothingToAlterError
    return int(draw.choice(rows)[0])


def _change(cur: DuckDBPyConnection, draw: random.Random) -> str:
    table = draw.choice(_TABLES)
    rowid = _draw_row(cur, draw, table)
    columns = cur.execute(
        "select column_name, data_type from duckdb_columns() "
        "where table_name = $table and database_name = current_database()",
        {"table": table},
    ).fetchall()
    name, kind = draw.choice([one for one in columns if one[0] != "applied_at"])
    new = _OTHER.get(kind)
    if new is None:
        new = f"list_concat({{0}}, {{0}})::{kind}" if kind.endswith("[]") else "{0}"
    (before,) = cur.execute(f'select "{name}" from {table} where rowid = {rowid}').fetchone() or (
        None,
    )
    if before is None and name in ("salt", "seal"):
        raise _NothingToAlterError
    written = new.format(f'"{name}"') if before is not None else _FIRST.get(kind, "[]")
    (after,) = cur.execute(f"select {written} from {table} where rowid = {rowid}").fetchone() or (
        None,
    )
    if after == before:
        raise _NothingToAlterError
    cur.execute(f'update {table} set "{name}" = {written} where rowid = {rowid}')
    return f"{table}.{name} of row {rowid}: {before!r} to {after!r}"


_OTHER: Final = {
    "VARCHAR": "{0} || 'x'",
    "BOOLEAN": "not {0}",
    "INTEGER": "{0} + 1",
    "BIGINT": "{0} + 1000",
    "DOUBLE": "{0} + 0.001",
    "TIMESTAMP": "{0} - interval 1 hour",
}
_FIRST: Final = {
    "VARCHAR": "'x'",
    "BOOLEAN": "true",
    "INTEGER": "1",
    "BIGINT": "1",
    "DOUBLE": "1.0",
    "TIMESTAMP": "timestamp '2026-01-01'",
}


def _delete(cur: DuckDBPyConnection, draw: random.Random) -> str:
    table = draw.choice(_TABLES)
    rowid = _draw_row(cur, draw, table)
    cur.execute(f"delete from {table} where rowid = {rowid}")
    return f"{table}: row {rowid} deleted"


def _double(cur: DuckDBPyConnection, draw: random.Random) -> str:
    table = draw.choice(_TABLES)
    rowid = _draw_row(cur, draw, table)
    cur.execute(f"insert into {table} select * from {table} where rowid = {rowid}")
    return f"{table}: row {rowid} doubled"


def _forge_suffix(cur: DuckDBPyConnection, draw: random.Random) -> str:
    """Alter a row and write every link from its own on again, as if it had been so."""
    lines = [row[0] for row in cur.execute("select line from chain_link order by rowid").fetchall()]
    forged = draw.randrange(len(lines))
    done = _forge(cur, draw, forged, lines)
    cur.execute("delete from chain_link")
    cur.executemany("insert into chain_link values (?)", [[line] for line in done])
    return f"links from {forged} on rewritten"


def _link_again(cur: DuckDBPyConnection, draw: random.Random) -> str:
    """Alter a row and append a link for what it is now, as if it had been stored again."""
    lines = [row[0] for row in cur.execute("select line from chain_link order by rowid").fetchall()]
    link = json.loads(draw.choice(lines))
    digest = _forged_digest(cur, draw, link["kind"], link["key"])
    link |= {"digest": digest, "number": len(lines), "previous": digest_of(lines[-1])}
    cur.execute("insert into chain_link values (?)", [canonical(link)])
    return f"{link['kind']} {link['key']} changed and linked again"


def _forge(cur: DuckDBPyConnection, draw: random.Random, first: int, lines: list[str]) -> list[str]:
    done = lines[:first]
    for number, line in enumerate(lines[first:], start=first):
        link: dict[str, Any] = json.loads(line)
        if number == first:
            link["digest"] = _forged_digest(cur, draw, link["kind"], link["key"])
        link["previous"] = digest_of(done[-1]) if done else ""
        done.append(canonical(link))
    return done


def _forged_digest(cur: DuckDBPyConnection, draw: random.Random, table: str, key: str) -> str:
    """Change a text of the row of a link, and return the digest that it has then."""
    if table == PREDICTIONS:
        return _forged_run(cur, key)
    if table not in CHAINED:
        raise _NothingToAlterError
    found = cur.execute(
        f"select place from evidence_{table} where row_key = $key",
        {"key": key},
    ).fetchone()
    names = cur.execute(
        "select column_name from duckdb_columns() where table_name = $table "
        "and database_name = current_database() "
        "and column_name in "
        "('note', 'reason', 'body', 'value', 'policy', 'filter', 'long_answer', 'stratum')",
        {"table": table},
    ).fetchall()
    if found is None or not names:
        raise _NothingToAlterError
    column = draw.choice(names)[0]
    changed = cur.execute(
        f"update {table} set {column} = {column} || 'x' "
        f"where rowid = {found[0]} and {column} is not null returning 1"
    ).fetchall()
    if not changed:
        raise _NothingToAlterError
    (digest,) = cur.execute(
        f"select sha256(body) from evidence_{table} where row_key = $key",
        {"key": key},
    ).fetchone() or ("",)
    return str(digest)


def _forged_run(cur: DuckDBPyConnection, run_id: str) -> str:
    cur.execute(
        "update stored_prediction set answer_form = 'forged' where run_id = $run_id",
        {"run_id": run_id},
    )
    digests = dict(cur.execute(load_sql("chain_runs"), {"place": 0}).fetchall())
    return str(digests[run_id])
