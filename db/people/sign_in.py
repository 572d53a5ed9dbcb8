"""People: who sits at the screen, who may come in, and who gives them their role."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass

from duckdb import DuckDBPyConnection

from db.conversions import require_text
from db.errors import InvalidReviewerError, NotPermittedError
from db.people.permissions import require
from db.people.reviewers import (
    add_reviewer,
    append_change,
    find_person,
    get_reviewer,
    identity_id,
    insert_reviewer,
    list_people,
)
from db.records import Reviewer, Role
from db.statements import append_row, fetch_value

_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}")
_ISSUER = re.compile(r"https?://\S{1,500}")
_CAPITALS = re.compile("[A-Z]+")
_SHOWN_NAME_LENGTH = 120


@dataclass(frozen=True)
class Identity:
    """What a provider of OpenID Connect states about a person who signed in."""

    issuer: str
    subject: str
    name: str
    email: str | None = None
    is_email_verified: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be stored.

        Raises:
            InvalidReviewerError: A value holds half of a surrogate pair.
        """
        for name in ("issuer", "subject", "name", "email"):
            what = f"{name} that the sign-in provider sent"
            require_text(getattr(self, name), what, InvalidReviewerError)


def sign_in_by_name(cur: DuckDBPyConnection, name: str) -> Reviewer:
    """Return the person of this name on one's own machine, adding them if they are new.

    Nothing proves the name, so roles only guard against mistakes here. Where nobody is an admin,
    as on a new file, this person becomes one.

    Raises:
        InvalidReviewerError: The name cannot be used.
        NotPermittedError: An admin has taken this person's access away.
    """
    person = follow_merge(cur, add_reviewer(cur, name))
    _refuse_without_role(cur, person)
    return person if _admins(cur) else _make_admin(cur, person)


def sign_in_by_identity(cur: DuckDBPyConnection, identity: Identity) -> Reviewer:
    """Return the person behind a sign-in.

    Issuer and subject identify a person. An address only invites: once, within the issuer that it
    was entered for, and verified by it; who comes first is the person invited from then on. Anyone
    else is added without a role and waits for an admin; on a file without an admin the first to
    come becomes it.

    Raises:
        NotPermittedError: They have no role yet, or no more; the message names the admins.
    """
    person = _find_known(cur, identity) or _add_waiting(cur, identity)
    if person.role == "none" and not _admins(cur):
        return _make_admin(cur, person)
    _refuse_without_role(cur, person)
    return person


def find_by_identity(cur: DuckDBPyConnection, issuer: str, subject: str) -> Reviewer | None:
    """Return the person whom a provider's subject identifies, or None; writes nothing."""
    known = fetch_value(cur, str, "reviewer_identity_find", issuer=issuer, subject=subject)
    return None if known is None else follow_merge(cur, get_reviewer(cur, known))


def follow_merge(cur: DuckDBPyConnection, person: Reviewer) -> Reviewer:
    """Return the person into whom this one was merged; themselves where they were not."""
    while person.merged_into is not None:
        person = get_reviewer(cur, person.merged_into)
    return person


def add_person(
    cur: DuckDBPyConnection,
    name: str,
    *,
    role: Role,
    email: str | None = None,
    issuer: str | None = None,
    by: str | None = None,
    is_new: bool = False,
) -> Reviewer:
    """Add a person, or set the role and address of who has this name already.

    Args:
        is_new: Whether it must be another person than any that is known.
        email: By which their first sign-in finds them; not needed on one's own machine.
        issuer: The provider within which it does, as its ID tokens name it.
        by: Who asks, an admin. None: the holder of the database file, at the command line.

    Raises:
        NotPermittedError: ``by`` is no admin.
        InvalidReviewerError: Name, role or address cannot be used.
    """
    if by is not None:
        require(cur, by, "manage_people")
    known = find_person(cur, name) if is_new else None
    if known is not None:
        raise InvalidReviewerError(
            f"There is a person named {known.name!r} already. Choose them in the list to change "
            "their role. For another person of that name add what tells them apart, such as "
            f"'{known.name} (ward 3)'."
        )
    person = add_reviewer(cur, name, role)
    return change_person(cur, person.reviewer_id, role=role, email=email, issuer=issuer, by=by)


def change_person(
    cur: DuckDBPyConnection,
    reviewer_id: str,
    *,
    role: Role,
    email: str | None = None,
    issuer: str | None = None,
    by: str | None = None,
) -> Reviewer:
    """Set a person's role from now on; the change is appended, with who made it.

    Args:
        email: The address from now on; None for none.
        issuer: The provider within which the address invites, as its ID tokens name it.
        by: Who asks, an admin. None: the holder of the database file, at the command line.

    Raises:
        NotPermittedError: ``by`` is no admin, or nobody would be one any more.
        InvalidReviewerError: The role or the address cannot be used, or it is an imported
            annotator.
        ReviewerNotFoundError: No reviewer has this id.
    """
    if by is not None:
        require(cur, by, "manage_people")
    person = get_reviewer(cur, reviewer_id)
    if person.merged_into is not None:
        raise InvalidReviewerError(
            f"{person.name!r} was merged into {follow_merge(cur, person).name!r}: change that one."
        )
    if person.origin == "import":
        raise InvalidReviewerError(
            f"{person.name!r} is an annotator of an imported data set and can have no role. "
            "Add the person under another name."
        )
    if role != "admin":
        require_another_admin(cur, person)
    address = _clean_email(email)
    provider = None if address is None else _clean_issuer(issuer, address)
    if address is not None:
        _require_free(cur, address, provider, reviewer_id)
    return append_change(cur, reviewer_id, role=role, email=address, changed_by=by, issuer=provider)


def require_another_admin(cur: DuckDBPyConnection, person: Reviewer) -> None:
    """Refuse what would leave nobody who can set roles.

    Raises:
        NotPermittedError: The person is the only admin.
    """
    if [admin.reviewer_id for admin in _admins(cur)] == [person.reviewer_id]:
        raise NotPermittedError(
            f"{person.name!r} is the only admin and must stay it: someone must be able to set "
            "roles. Make another person admin first."
        )


def _find_known(cur: DuckDBPyConnection, identity: Identity) -> Reviewer | None:
    known = find_by_identity(cur, identity.issuer, identity.subject)
    if known is not None or identity.email is None or not identity.is_email_verified:
        return known
    invitation = {"email": _fold(identity.email), "issuer": identity.issuer.rstrip("/")}
    invited = fetch_value(cur, str, "reviewer_invited", **invitation)
    if invited is None:
        return None
    _link(cur, identity, invited)
    return get_reviewer(cur, invited)


def _fold(address: str) -> str:
    """Return an address with A to Z in lower case, and no other letter: those are other names."""
    return _CAPITALS.sub(lambda found: found.group().lower(), address)


def _add_waiting(cur: DuckDBPyConnection, identity: Identity) -> Reviewer:
    """Add an unknown person without a role, so that an admin finds them on the Settings page."""
    reviewer_id = identity_id(identity.issuer, identity.subject)
    shown = " ".join((identity.name or identity.email or identity.subject).split())
    shown = shown[:_SHOWN_NAME_LENGTH] or "Unnamed"
    if any(person.name.casefold() == shown.casefold() for person in list_people(cur)):
        # Two people of one name must be distinguishable; the end of the id is theirs alone.
        shown = f"{shown} ({identity.email or reviewer_id[-6:]})"
    person = insert_reviewer(cur, reviewer_id, shown, "none", "person")
    _link(cur, identity, reviewer_id)
    return person


def _link(cur: DuckDBPyConnection, identity: Identity, reviewer_id: str) -> None:
    append_row(
        cur,
        "reviewer_identity_insert",
        issuer=identity.issuer,
        subject=identity.subject,
        reviewer_id=reviewer_id,
        salt=str(uuid.uuid4()),
    )


def _admins(cur: DuckDBPyConnection) -> list[Reviewer]:
    return [person for person in list_people(cur) if person.role == "admin"]


def _make_admin(cur: DuckDBPyConnection, person: Reviewer) -> Reviewer:
    invitation = {"email": person.email, "issuer": person.issuer}
    return append_change(cur, person.reviewer_id, role="admin", changed_by=None, **invitation)


def _refuse_without_role(cur: DuckDBPyConnection, person: Reviewer) -> None:
    if person.role == "none":
        names = ", ".join(admin.name for admin in _admins(cur))
        raise NotPermittedError(
            f"{person.name!r} has no role here, so nothing can be shown. Every person needs one of "
            f"reviewer, adjudicator, engineer or admin. Ask an admin ({names}) to give you one on "
            "the Settings page, then reload."
        )


def _clean_email(email: str | None) -> str | None:
    address = _fold((email or "").strip())
    if not address:
        return None
    require_text(address, "e-mail address", InvalidReviewerError)
    if not _EMAIL.fullmatch(address):
        raise InvalidReviewerError(
            f"The address {address[:60]!r} is no e-mail address: it needs one @ and no spaces. "
            "Enter the one that the person signs in with, or leave it empty."
        )
    return address


def _clean_issuer(issuer: str | None, address: str) -> str:
    provider = (issuer or "").strip().rstrip("/")
    require_text(provider, "issuer", InvalidReviewerError)
    if not _ISSUER.fullmatch(provider):
        raise InvalidReviewerError(
            f"The address {address!r} invites no one with the issuer {provider[:60]!r}: it needs "
            "the address of the sign-in provider, such as https://accounts.example.org, as "
            "`issuer` in the provider's .well-known/openid-configuration has it. Enter that, or "
            "leave the e-mail empty."
        )
    return provider


def _require_free(
    cur: DuckDBPyConnection, address: str, issuer: str | None, reviewer_id: str
) -> None:
    for person in list_people(cur):
        is_other = person.reviewer_id != reviewer_id
        if is_other and (person.email, person.issuer) == (address, issuer):
            raise InvalidReviewerError(
                f"The address {address!r} belongs to {person.name!r} already. "
                "Take it off there first, or enter another."
            )
