"""``python -m db people``: who may sign in, other names, one of two, erasing, and their data."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import get_args

import click
from duckdb import DuckDBPyConnection

from db.cli.asking import asked_now
from db.cli.frame import as_json_option, echo, opened
from db.errors import InvalidReviewerError, ReviewerNotFoundError
from db.evidence.person_data import read_person_data
from db.exporters.targets import file_target
from db.people.identity_changes import erase_person, rename_person
from db.people.merged_people import merge_people
from db.people.permissions import is_permitted
from db.people.reviewers import find_person, list_people
from db.people.sign_in import add_person
from db.records import Reviewer, Role
from db.review.queue_changes import hand_over_shares


@click.group("people")
def people_group() -> None:
    """List people and set their roles, as the holder of the database file may."""


@people_group.command("list")
@as_json_option
def people_list(as_json: bool) -> None:
    """List all who may sign in, and who waits for a role (none)."""
    with opened(only_reads=True) as database:
        found = list_people(database.cursor())
    if as_json:
        echo(json.dumps([asdict(person) for person in found]))
        return
    for person in found:
        echo(f"{person.name}: {person.role}{f', {person.email}' if person.email else ''}")


@people_group.command("add")
@click.argument("name")
@click.option("--role", type=click.Choice(get_args(Role)), default="reviewer")
@click.option("--email", help="The address that the person signs in with first; needs --issuer.")
@click.option("--issuer", metavar="URL", help="The sign-in provider within which --email counts.")
@click.option("--change", is_flag=True, help="Who has the name gets --email in place of their own.")
def people_add(name: str, role: Role, email: str | None, issuer: str | None, change: bool) -> None:
    """Add NAME, or set the role of who has that name already, and an address if they have none."""
    with opened() as database, database.transaction() as cur:
        known = find_person(cur, name)
        if known is not None and known.email is not None:
            if email is None:
                email, issuer = known.email, known.issuer
            elif not change and known.email != email.strip().casefold():
                raise InvalidReviewerError(
                    f"There is a person named {known.name!r} with the address {known.email}. For "
                    "another person of that name add what tells them apart, such as "
                    f"'{known.name} (ward 3)'; to change the address of this one, add --change."
                )
        person = add_person(cur, name, role=role, email=email, issuer=issuer)
        if not is_permitted(person, "annotate"):
            hand_over_shares(cur, person.reviewer_id, by=None)
    echo(f"{person.name}: {person.role}")


@people_group.command("rename")
@click.argument("name")
@click.argument("new_name")
def people_rename(name: str, new_name: str) -> None:
    """Set the name of the person NAME to NEW_NAME from now on."""
    with opened() as database, database.transaction() as cur:
        person = rename_person(cur, _person(cur, name).reviewer_id, new_name)
    echo(f"{name} is {person.name} from now on.")


@people_group.command("merge")
@click.argument("name")
@click.argument("into")
def people_merge(name: str, into: str) -> None:
    """Make NAME and INTO one person, INTO: for one person who has two names here."""
    with opened() as database, database.transaction() as cur:
        person, other = _person(cur, name).reviewer_id, _person(cur, into).reviewer_id
        done = merge_people(cur, person, other)
        num_handed = hand_over_shares(cur, person, by=None, to=other)
    echo(
        f"{name} is {done.person.name} from now on: {done.num_carried} judgements carried over, "
        f"{done.num_retracted} retracted because {done.person.name} had judged the item too, "
        f"{num_handed} items of dealt queues handed over."
    )


@people_group.command("erase")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
def people_erase(name: str, yes: bool) -> None:
    """Delete name, addresses and sign-in of NAME for good; the judgements stay."""
    if not yes and asked_now() is None:
        click.confirm(f"Erase the identity of {name} for good?", abort=True, err=True)
    with opened() as database, database.transaction() as cur:
        person = erase_person(cur, _person(cur, name).reviewer_id)
        hand_over_shares(cur, person.reviewer_id, by=None)
    echo(f"{name} is {person.name} from now on. Copies and backups still have the name.")


@people_group.command("export")
@click.argument("name")
@click.argument("file", type=click.Path(path_type=Path))
def people_export(name: str, file: Path) -> None:
    """Write all that is stored of NAME to FILE, as JSON."""
    with opened(only_reads=True) as database, file_target(file, database.cursor()) as partial:
        cur = database.cursor()
        found = read_person_data(cur, _person(cur, name).reviewer_id)
        partial.write_text(json.dumps(found, ensure_ascii=False, indent=1), encoding="utf-8")
    echo(f"{file}: {sum(map(len, found.values()))} rows.")


def _person(cur: DuckDBPyConnection, name: str) -> Reviewer:
    person = find_person(cur, name)
    if person is None:
        raise ReviewerNotFoundError(
            f"No person is called {name!r}. `python -m db people list` shows who there is."
        )
    return person


COMMANDS = (people_group,)
