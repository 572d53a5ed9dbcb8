"""What lives as long as the server, and the reads and writes that pages share."""

from __future__ import annotations

import gc
from collections import Counter
from threading import Condition
from typing import Any, Final

from cachetools import cached

from db.connection import Database
from db.content.items import count_by_label, has_unanswered, list_sources
from db.content.runs import list_runs
from db.errors import NotPermittedError, ReviewerNotFoundError
from db.people.permissions import Action, require
from db.people.reviewers import find_named, list_people
from db.people.sign_in import Identity, find_by_identity, sign_in_by_identity, sign_in_by_name
from db.records import Reviewer, Run
from db.retraining.training_runs import list_training_runs
from db.review.drafts import prune_drafts
from db.review.rights import known_model
from db.review.visibility import count_hidden, view_as
from db.viewer import Viewer
from training.control.automatic import is_automatic
from training.evaluation.readings import read_new_answers

_MAX_ON_HOME: Final = 12
_OPENED: Final[dict[Any, Database]] = {}


@cached(cache=_OPENED, condition=Condition())
def database() -> Database:
    """Open the database once for all sessions.

    Not by Streamlit's cache: it takes 40 microseconds a call, which each save makes ten times.

    Streamlit collects garbage after every rerun and holds the interpreter about 90 ms for it. What
    is loaded by now stays for good, so it is frozen out of the collector's sight.
    """
    opened = Database.open()
    opened.is_shared = True
    prune_drafts(opened.cursor())
    read_new_answers(opened)  # of files that a command took in while the app was off
    gc.collect()
    gc.freeze()
    return opened


def close_database() -> None:
    """Close the database if it was opened: nothing is left in its log."""
    for opened in _OPENED.values():
        opened.close()
    database.cache_clear()


def person_named(name: str) -> Reviewer:
    """Return the person of this name on one's own machine; nobody is added.

    Raises:
        InvalidReviewerError: The name cannot be used.
        ReviewerNotFoundError: No reviewer has this name.
        NotPermittedError: An admin has taken this person's access away.
    """
    people = list_people(database().cursor())
    known = find_named(people, name)
    if known is None:
        raise ReviewerNotFoundError(f"No reviewer is called {name!r}. Add the name first.")
    if known.role != "none" and any(person.role == "admin" for person in people):
        return known
    return add_person_named(known.name)


def add_person_named(name: str) -> Reviewer:
    """Add a person on one's own machine, or return the one who has this name already.

    Raises:
        InvalidReviewerError: The name cannot be used.
        NotPermittedError: An admin has taken this person's access away.
    """
    with database().transaction() as cur:
        return sign_in_by_name(cur, name)


def person_signed_in(identity: Identity) -> Reviewer:
    """Return the person whom a sign-in provider vouches for.

    Raises:
        NotPermittedError: They have no role yet, or no more.
    """
    known = find_by_identity(database().cursor(), identity.issuer, identity.subject)
    if known is not None and known.role != "none":
        return known
    refused: NotPermittedError | None = None
    with database().transaction() as cur:
        try:
            return sign_in_by_identity(cur, identity)
        except NotPermittedError as error:
            refused = error  # kept out of the transaction: who waits must be on the Settings page
    raise refused


def find_person(who: Identity | str | None) -> Reviewer | None:
    """Return the person of a sign-in or a name, whatever their role, or None; nobody is added.

    Raises:
        InvalidReviewerError: The name cannot be used.
    """
    cur = database().cursor()
    if isinstance(who, Identity):
        return find_by_identity(cur, who.issuer, who.subject)
    return find_named(list_people(cur), who) if who else None


def all_people() -> list[Reviewer]:
    """Return all people who may use the app, by name."""
    return [person for person in list_people(database().cursor()) if person.role != "none"]


def check_permission(person: Reviewer, action: Action) -> None:
    """Refuse what a person's role does not permit, by the role stored at this moment.

    Raises:
        NotPermittedError: Their role is not open to it.
    """
    require(database().cursor(), person.reviewer_id, action)


def all_runs() -> list[Run]:
    """Return all runs, newest first; automatic ones after a correction last.

    The first one is what a page shows unless asked otherwise, and that must not change under
    a reader's hands with each correction.
    """
    return sorted(list_runs(database().cursor()), key=lambda run: is_automatic(run.settings))


class RunNames(dict[str, str]):
    """Names of runs by id; a run that left the lists is called by its id."""

    def __missing__(self, run_id: str) -> str:
        """Return the id of a run that is in no list."""
        return run_id


def run_names() -> RunNames:
    """Return what each run is called, by its id; the id tells runs of the same name apart."""
    cur = database().cursor()
    names = {run.run_id: run.name for run in list_training_runs(cur)}
    names |= {run.run_id: run.name for run in list_runs(cur)}
    counts = Counter(names.values())
    return RunNames(
        (run_id, name if counts[name] == 1 else f"{name} ({run_id})")
        for run_id, name in names.items()
    )


def newest_runs() -> list[Run]:
    """Return the runs that Home shows; more of them would hide each other there."""
    return all_runs()[:_MAX_ON_HOME]


def model_of(run_id: str) -> str:
    """Return the model that a run is of."""
    return known_model(database(), run_id)


def viewer_of(reviewer_id: str) -> Viewer:
    """Return what may be shown to a reviewer at this moment."""
    return view_as(database().cursor(), reviewer_id)


def num_hidden(viewer: Viewer) -> int:
    """Count the items that await the blind label of a viewer."""
    return count_hidden(database().cursor(), viewer)


def known_labels(viewer: Viewer) -> list[str]:
    """Return every gold label in use that the viewer may see: the choices of the label filters."""
    return sorted(count_by_label(database().cursor(), viewer))


def has_unanswered_items() -> bool:
    """Return whether there are items that no run has answered."""
    return database().known.get("unanswered", lambda: has_unanswered(database().cursor()))


def all_sources() -> list[str]:
    """Return every source of items."""
    return list_sources(database().cursor())
