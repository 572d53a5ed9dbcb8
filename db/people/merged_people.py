"""Making one person of two ids that turned out to be one."""

from __future__ import annotations

from dataclasses import dataclass, replace

from duckdb import DuckDBPyConnection

from db.conversions import to_timestamp, utc_now
from db.errors import InvalidReviewerError
from db.people.identity_changes import require_distinct, require_person
from db.people.program_tokens import list_tokens
from db.people.reviewers import append_identity_change
from db.people.sign_in import require_another_admin
from db.records import Reviewer
from db.statements import load_sql


@dataclass(frozen=True)
class MergeReport:
    """What became of the judgements of the id that is used no more."""

    person: Reviewer
    """Who both are from now on."""
    num_carried: int
    """Judgements carried over, with phase and time as they were."""
    num_retracted: int
    """Judgements on items that the person had judged under the other id, whose judgement counts."""


def merge_people(
    cur: DuckDBPyConnection, reviewer_id: str, into: str, *, by: str | None = None
) -> MergeReport:
    """Make one person of two ids: from now on, signing in as the first is being the second.

    Nothing is rewritten: judgements under the first id are retracted, and copied under the second
    where it has none on the item, so that one person counts once. Decisions keep the id that signed
    them. Shares of queues are handed over by
    :func:`db.review.queue_changes.hand_over_shares` in the same transaction.

    Args:
        reviewer_id: The id that is used no more.
        into: The id that stays.
        by: Who asks, an admin. None: the holder of the database file, at the command line.

    Raises:
        NotPermittedError: ``by`` is no admin, or nobody would be one any more.
        InvalidReviewerError: One is an imported annotator, a program, the other one, or merged
            before.
        ReviewerNotFoundError: No reviewer has one of the ids.
    """
    person = require_person(cur, reviewer_id, by)
    other = require_person(cur, into, by)
    require_distinct(person, other)
    programs = {token.reviewer_id for token in list_tokens(cur)}
    for one in (person, other):
        if one.reviewer_id in programs:
            raise InvalidReviewerError(f"{one.name!r} is a program and cannot be merged.")
    require_another_admin(cur, person)
    parameters = {"reviewer_id": reviewer_id, "into_id": into}
    carried = cur.execute(load_sql("person_merge_carry"), parameters).fetchall()
    theirs = {"reviewer_id": reviewer_id, "created_at": to_timestamp(utc_now())}
    retracted = cur.execute(load_sql("person_merge_retract"), theirs).fetchall()
    merged = replace(person, role="none", email=None, issuer=None, merged_into=into)
    append_identity_change(cur, merged, "merge", changed_by=by)
    return MergeReport(other, len(carried), len(retracted) - len(carried))
