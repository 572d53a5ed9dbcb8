"""Every write by every role: as docs/roles.md says, and no write is missing there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, get_args

import pytest
from duckdb import DuckDBPyConnection

from db.connection import Database
from db.content.item_versions import correct_item, set_items_aside
from db.content.items import add_items, get_item
from db.content.label_moves import change_labels
from db.content.label_sets import add_label_set, ensure_label_set
from db.content.predictions import add_predictions
from db.content.runs import add_run
from db.errors import NotPermittedError, ReviewerNotFoundError
from db.outcomes.acceptance import (
    AcceptanceTerms,
    acceptance_version,
    add_acceptance,
    list_acceptances,
    undo_acceptance,
)
from db.outcomes.selection import Selection
from db.outcomes.slices import drop_slice, list_slices, save_slice
from db.people.desk_keys import save_desk_keys
from db.people.identity_changes import erase_person, rename_person
from db.people.merged_people import merge_people
from db.people.permissions import ACTION_WORDS, PERMISSIONS, Action
from db.people.privacy import PrivacySettings, save_privacy
from db.people.program_tokens import add_token, list_tokens, revoke_token
from db.people.reviewers import add_reviewer, append_change
from db.people.sign_in import add_person, change_person
from db.records import Encounter, Judgement, Role
from db.retraining.gate_uses import add_gate_use
from db.retraining.model_versions import register_model, set_alias
from db.retraining.record_vetoes import add_record_veto
from db.retraining.trigger_policies import add_trigger_policy
from db.review.adjudications import add_adjudication
from db.review.annotations import add_annotation, retract_annotation
from db.review.bulk_actions import do_action, undo_action
from db.review.drafts import clear_draft, save_draft
from db.review.events import ASKS, EventAction, ReviewEvent, add_events, set_flag
from db.review.guidelines import add_guideline
from db.review.item_list import ReviewFilter
from db.review.queue_changes import close_queue, reassign_share, reopen_queue, set_queue_people
from db.review.queues import QueueSettings, add_item_queue, add_queue, extend_queue, get_queue
from db.review.reservations import release, reserve_ahead, reserve_neighbour
from db.review.settings import ReviewSettings, save_settings
from db.review.visibility import view_as
from db.viewer import EVERYTHING
from tests.support.annotations import annotate
from tests.support.records import make_answer, make_item, make_label_set, make_run
from tests.support.reserving import reserve_next
from tests.support.stores import open_store
from tests.support.writes import personal_writes

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "roles.md"
ROLES: Final = get_args(Role)
UNKNOWN, IMPORTED = "unknown id", "imported annotator"
ACTORS: Final = (*ROLES, UNKNOWN, IMPORTED)

ASKED_BEFORE: Final = {
    "append_identity_change": "of rename_person, merge_people and erase_person, which ask",
    "hand_over_shares": "of change_person, merge_people and erase_person, which ask",
    "append_events": "of add_events, which asks, and of changes to queues, which ask before",
    "append_setting": "of save_settings, save_privacy and save_desk_keys, which ask",
    "append_change": "of add_person and change_person, which ask",
    "insert_reviewer": "adds a person on signing in; no one acts for another",
    "freeze": "training.control asks before it prepares a run",
    "insert_label_set": "of add_label_set and change_labels, which ask",
    "register_model": "stores what a run made that its person was permitted to start",
}
"""Writes that name a person and ask for no permission, and why."""


@dataclass
class World:
    """A store with one person of each role, and with something of theirs to change."""

    database: Database
    people: dict[str, str]

    def tables(self) -> dict[str, int]:
        """Return how many rows each table has."""
        cur = self.database.cursor()
        names = cur.execute(
            "select table_name from duckdb_tables() where database_name = current_database() "
            "and schema_name = 'main'"
        ).fetchall()
        return {
            name: cur.execute(f'select count(*) from "{name}"').fetchone()[0]  # type: ignore[index]
            for (name,) in names
        }


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    database = open_store(tmp_path_factory.mktemp("roles") / "review.duckdb")
    with database.transaction() as cur:
        add_items(cur, [make_item("q-1"), make_item("q-2")], origin="items")
        ensure_label_set(cur, make_label_set("urgency", "now", "soon"))
        add_run(cur, make_run())
        add_predictions(cur, [make_answer("q-1", "Yes.", "yes"), make_answer("q-2", "No.", "no")])
        chief = add_person(cur, "Chief", role="admin").reviewer_id
        register_model(cur, "run-1", chief)
        add_queue(cur, QueueSettings("Open", ReviewFilter()), queue_id="open", created_by=chief)
        people = {role: add_person(cur, f"A {role}", role="admin").reviewer_id for role in ROLES}
        pair = QueueSettings(
            "Dealt",
            ReviewFilter(),
            sharing="dealt",
            reviewer_ids=(people["reviewer"], people["admin"]),
        )
        add_queue(cur, pair, queue_id="dealt", created_by=chief)
        for role, who in people.items():
            annotate(cur, f"A {role}", "q-1", "yes")
            save_slice(cur, f"of {role}", Selection(split="test"), saved_by=who)
            save_draft(cur, "q-2", who, "open", {"note": "begun"})
            flags = ReviewFilter(item_ids=("q-1",))
            do_action(cur, flags, "flag", reviewer_id=who, batch_id=f"b-{role}", num_expected=1)
        add_token(cur, "Program")
        accept(cur, chief, "Check")
    with database.transaction() as cur:
        for role, who in people.items():
            change_person(cur, who, role=role)
        imported = add_reviewer(cur, "annotator 7", "admin", origin="import").reviewer_id
    yield World(database, {**people, UNKNOWN: "reviewer-unknown", IMPORTED: imported})
    database.close()


TERMS: Final = AcceptanceTerms("run-1", "pubmedqa", None, None, 0.1, 0.9, 0.8, 99, 50, 1, 0.5)


def accept(cur: DuckDBPyConnection, who: str, name: str = "Another check") -> object:
    answers = [("q-1", "yes"), ("q-2", "no")]
    last = acceptance_version(cur)[1]
    return add_acceptance(cur, TERMS, answers, last_event=last, queue_name=name, created_by=who)


class RolledBackError(Exception):
    """Ends a transaction that was permitted, so that all cells start from the same store."""


def role_of(world: World, who: str) -> str:
    return next(role for role, reviewer_id in world.people.items() if reviewer_id == who)


Write = Callable[[DuckDBPyConnection, World, str], object]
SETTINGS = QueueSettings("Mine", ReviewFilter())

WRITES: Final[dict[str, tuple[Action, Write]]] = {
    "add_annotation": (
        "annotate",
        lambda cur, world, who: add_annotation(
            cur,
            Judgement(("no",)),
            Encounter(),
            annotation_id="n",
            item_id="q-2",
            reviewer_id=who,
        ),
    ),
    "retract_annotation": (
        "annotate",
        lambda cur, world, who: retract_annotation(
            cur, annotation_id="r", item_id="q-1", reviewer_id=who
        ),
    ),
    "set_flag": ("annotate", lambda cur, world, who: set_flag(cur, "q-2", who, True)),
    "add_events": (
        "annotate",
        lambda cur, world, who: add_events(cur, [ReviewEvent("skip", who, "q-2")]),
    ),
    "save_draft": (
        "annotate",
        lambda cur, world, who: save_draft(cur, "q-1", who, "open", {"note": "a"}),
    ),
    "clear_draft": ("annotate", lambda cur, world, who: clear_draft(cur, "q-2", who, "open")),
    "reserve_ahead": (
        "annotate",
        lambda cur, world, who: reserve_ahead(world.database, get_queue(cur, "open"), who, 1),
    ),
    "reserve_neighbour": (
        "annotate",
        lambda cur, world, who: reserve_neighbour(
            world.database, get_queue(cur, "open"), who, -1, 1
        ),
    ),
    "release": ("annotate", lambda cur, world, who: release(world.database, "open", ["q-1"], who)),
    "add_adjudication": (
        "adjudicate",
        lambda cur, world, who: add_adjudication(
            cur, adjudication_id="d", item_id="q-1", reviewer_id=who, label="no"
        ),
    ),
    "add_acceptance": ("accept", lambda cur, world, who: accept(cur, who)),
    "undo_acceptance": (
        "accept",
        lambda cur, world, who: undo_acceptance(cur, list_acceptances(cur)[0], who),
    ),
    "do_action": (
        "bulk",
        lambda cur, world, who: do_action(
            cur,
            ReviewFilter(item_ids=("q-2",)),
            "flag",
            reviewer_id=who,
            batch_id="new",
            num_expected=1,
        ),
    ),
    "undo_action": (
        "bulk",
        lambda cur, world, who: undo_action(cur, f"b-{role_of(world, who)}", reviewer_id=who),
    ),
    "add_queue": (
        "manage_queues",
        lambda cur, world, who: add_queue(cur, SETTINGS, queue_id="new", created_by=who),
    ),
    "add_item_queue": (
        "manage_queues",
        lambda cur, world, who: add_item_queue(
            cur, SETTINGS, ["q-1"], queue_id="new", created_by=who
        ),
    ),
    "extend_queue": (
        "manage_queues",
        lambda cur, world, who: extend_queue(cur, get_queue(cur, "open"), who),
    ),
    "close_queue": ("manage_queues", lambda cur, world, who: close_queue(cur, "open", who)),
    "reopen_queue": ("manage_queues", lambda cur, world, who: reopen_queue(cur, "open", who)),
    "set_queue_people": (
        "manage_queues",
        lambda cur, world, who: set_queue_people(cur, "open", [world.people["reviewer"]], who),
    ),
    "reassign_share": (
        "manage_queues",
        lambda cur, world, who: reassign_share(cur, "dealt", world.people["reviewer"], who),
    ),
    "save_settings": (
        "manage_queues",
        lambda cur, world, who: save_settings(cur, ReviewSettings("blind"), who),
    ),
    "save_desk_keys": ("read", lambda cur, world, who: save_desk_keys(cur, {"flag": "z"}, who)),
    "correct_item": (
        "edit_items",
        lambda cur, world, who: correct_item(
            cur,
            replace(get_item(cur, "q-1", EVERYTHING), split="dev"),
            reviewer_id=who,
            reason="a slip",
        ),
    ),
    "set_items_aside": (
        "edit_items",
        lambda cur, world, who: set_items_aside(cur, ["q-1"], reviewer_id=who, reason="a slip"),
    ),
    "add_label_set": (
        "edit_items",
        lambda cur, world, who: add_label_set(
            cur, make_label_set("triage", "urgent", "routine"), reviewer_id=who
        ),
    ),
    "change_labels": (
        "edit_items",
        lambda cur, world, who: change_labels(
            cur,
            make_label_set("urgency", "now", "later"),
            {"soon": "later"},
            reviewer_id=who,
            reason="a slip",
        ),
    ),
    "add_guideline": (
        "edit_guidelines",
        lambda cur, world, who: add_guideline(cur, "Read twice.", reviewer_id=who),
    ),
    "save_slice": (
        "save_slices",
        lambda cur, world, who: save_slice(cur, "new", Selection(split="dev"), saved_by=who),
    ),
    "drop_slice": (
        "save_slices",
        lambda cur, world, who: drop_slice(cur, f"of {role_of(world, who)}", saved_by=who),
    ),
    "add_trigger_policy": (
        "train",
        lambda cur, world, who: add_trigger_policy(cur, {"mode": "manual"}, who),
    ),
    "set_alias": (
        "train",
        lambda cur, world, who: set_alias(cur, "champion", 1, action="promote", reviewer_id=who),
    ),
    "add_gate_use": (
        "train",
        lambda cur, world, who: add_gate_use(
            cur, None, "run-1", test_digest="digest", reviewer_id=who
        ),
    ),
    "add_record_veto": (
        "veto_records",
        lambda cur, world, who: add_record_veto(
            cur, item_id="q-1", num_shots=None, reviewer_id=who
        ),
    ),
    "add_person": (
        "manage_people",
        lambda cur, world, who: add_person(cur, "New", role="reviewer", by=who),
    ),
    "change_person": (
        "manage_people",
        lambda cur, world, who: change_person(
            cur, world.people["reviewer"], role="adjudicator", by=who
        ),
    ),
    "rename_person": (
        "manage_people",
        lambda cur, world, who: rename_person(cur, world.people["none"], "Renamed", by=who),
    ),
    "merge_people": (
        "manage_people",
        lambda cur, world, who: merge_people(
            cur, world.people["none"], world.people["reviewer"], by=who
        ),
    ),
    "erase_person": (
        "manage_people",
        lambda cur, world, who: erase_person(cur, world.people["none"], by=who),
    ),
    "save_privacy": (
        "manage_people",
        lambda cur, world, who: save_privacy(cur, PrivacySettings(least_cell=9), who),
    ),
    "add_token": ("manage_people", lambda cur, world, who: add_token(cur, "Robot", by=who)),
    "revoke_token": (
        "manage_people",
        lambda cur, world, who: revoke_token(cur, list_tokens(cur)[0].token_id, by=who),
    ),
}
"""For each write what it asks for, and a call that succeeds for those who are permitted it."""


def roles_table() -> str:
    """Return the table of docs/roles.md as the code has it."""
    head = ["action", "functions of `db`", *ACTORS]
    rows = [head, ["---"] * len(head)]
    for action, open_to in PERMISSIONS.items():
        names = sorted(name for name, (asked, _) in WRITES.items() if asked == action)
        functions = ", ".join(f"`{name}`" for name in names)
        may = ["yes" if role in open_to else "no" for role in ROLES]
        rows.append([f"{ACTION_WORDS[action]} (`{action}`)", functions, *may, "no", "no"])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def test_no_write_in_a_persons_name_is_without_a_cell() -> None:
    assert personal_writes() == {*WRITES, *ASKED_BEFORE}


def test_the_page_of_roles_holds_the_table_of_the_code() -> None:
    table = roles_table()
    assert table in PAGE.read_text(encoding="utf-8"), f"Replace the table of {PAGE} by\n{table}"


@pytest.mark.parametrize("role", ACTORS)
@pytest.mark.parametrize("name", WRITES)
def test_a_write_is_open_to_the_roles_of_its_cell_and_a_refusal_stores_nothing(
    world: World, name: str, role: str
) -> None:
    action, write = WRITES[name]
    who = world.people[role]
    if role in PERMISSIONS[action]:
        with pytest.raises(RolledBackError), world.database.transaction() as cur:
            write(cur, world, who)
            raise RolledBackError
        return
    before = world.tables()
    refusal = ReviewerNotFoundError if role == UNKNOWN else NotPermittedError
    with pytest.raises(refusal), world.database.transaction() as cur:
        write(cur, world, who)
    assert world.tables() == before


@pytest.mark.parametrize("action", get_args(EventAction))
def test_an_event_asks_for_what_was_done(world: World, action: EventAction) -> None:
    for role, who in world.people.items():
        event = ReviewEvent(action, who, "q-1", "open")
        if role in PERMISSIONS[ASKS[action]]:
            with pytest.raises(RolledBackError), world.database.transaction() as cur:
                add_events(cur, [event])
                raise RolledBackError
            continue
        with (
            pytest.raises((NotPermittedError, ReviewerNotFoundError)),
            world.database.transaction() as cur,
        ):
            add_events(cur, [ReviewEvent("open", world.people["admin"], "q-1"), event])


@pytest.mark.parametrize("role", ACTORS)
def test_only_a_person_with_a_role_may_look(world: World, role: str) -> None:
    cur = world.database.cursor()
    if role in PERMISSIONS["read"]:
        view_as(cur, world.people[role])
        return
    with pytest.raises((NotPermittedError, ReviewerNotFoundError)):
        view_as(cur, world.people[role])


def test_a_slice_is_changed_by_its_maker_and_by_admins_alone(world: World) -> None:
    with pytest.raises(RolledBackError), world.database.transaction() as cur:
        engineer, admin = world.people["engineer"], world.people["admin"]
        for change in (
            lambda: drop_slice(cur, "of reviewer", saved_by=engineer),
            lambda: save_slice(cur, "of  reviewer", Selection(split="dev"), saved_by=engineer),
        ):
            with pytest.raises(NotPermittedError, match="'A reviewer' saved it"):
                change()
        drop_slice(cur, "of reviewer", saved_by=admin)
        assert "of reviewer" not in {one.name for one in list_slices(cur)}
        save_slice(cur, "of reviewer", Selection(split="dev"), saved_by=engineer)
        raise RolledBackError


def test_an_undo_takes_back_ones_own_label_alone(world: World) -> None:
    with pytest.raises(RolledBackError), world.database.transaction() as cur:
        undone = retract_annotation(
            cur, annotation_id="r", item_id="q-1", reviewer_id=world.people["reviewer"]
        )
        owners = cur.execute(
            "select distinct reviewer_id from annotation where annotation_id in (?, ?)",
            [undone.annotation_id, undone.retracted_annotation_id],
        ).fetchall()
        assert owners == [(world.people["reviewer"],)]
        raise RolledBackError


def test_the_hold_on_an_item_is_released_by_its_holder_alone(world: World) -> None:
    queue = get_queue(world.database.cursor(), "open")
    adjudicator, reviewer = world.people["adjudicator"], world.people["reviewer"]
    held = reserve_next(world.database, queue, adjudicator)
    assert held is not None
    release(world.database, queue.queue_id, [held.item_id], reviewer)
    other = reserve_next(world.database, queue, reviewer)
    assert other is None or other.item_id != held.item_id
    for who in (adjudicator, reviewer):
        for item_id in ("q-1", "q-2"):
            release(world.database, queue.queue_id, [item_id], who)


def test_a_queue_for_others_gives_no_item_to_a_neighbour(world: World) -> None:
    with world.database.transaction() as cur:
        named = QueueSettings("For one", ReviewFilter(), reviewer_ids=(world.people["admin"],))
        queue = add_queue(cur, named, queue_id="for-one", created_by=world.people["admin"])
    assert reserve_neighbour(world.database, queue, world.people["reviewer"], -1, 1) is None
    assert reserve_neighbour(world.database, queue, world.people["admin"], -1, 1) is not None


def test_a_change_of_role_counts_for_the_next_write_of_an_open_session(world: World) -> None:
    who = world.people["reviewer"]
    with pytest.raises(RolledBackError), world.database.transaction() as cur:
        set_flag(cur, "q-2", who, True)
        append_change(cur, who, role="none", email=None, changed_by=None)
        with pytest.raises(NotPermittedError, match="label items"):
            set_flag(cur, "q-2", who, False)
        raise RolledBackError
