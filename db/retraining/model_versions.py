"""The model registry: versions that never change, and the aliases that people give them.

A version is the artifact of one training run. ``champion`` is the model in use, ``challenger`` the
one that may replace it. Who gave which alias to what, when and why is kept for good.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from duckdb import DuckDBPyConnection

from db.content.runs import get_run
from db.conversions import from_json, require_text, to_json, to_timestamp, utc_now
from db.errors import NotFoundError
from db.people.permissions import require
from db.people.signatures import MEANINGS, sign
from db.statements import append_row, fetch_records, load_sql

Alias = Literal["champion", "challenger"]
AliasAction = Literal["register", "choose", "promote", "roll back"]


class ModelNotFoundError(NotFoundError):
    """No model has this version."""


@dataclass(frozen=True)
class ModelVersion:
    """One registered model."""

    version: int
    run_id: str
    run_name: str
    base_model: str
    base_run_id: str | None
    created_by: str
    created_at: datetime
    aliases: tuple[str, ...]


@dataclass(frozen=True)
class AliasEvent:
    """One change of an alias; ``gate`` is what the gate said at that moment."""

    alias: Alias
    version: int | None
    action: AliasAction
    reason: str
    gate: Mapping[str, Any]
    reviewer_id: str
    reviewer: str
    created_at: datetime


def register_model(
    cur: DuckDBPyConnection, run_id: str, created_by: str, *, is_challenger: bool = True
) -> None:
    """Register the artifact of a stored run as the next version.

    A run that is registered already is left as it is. The caller owns the transaction.

    Args:
        is_challenger: Whether it becomes the challenger.

    Raises:
        RunNotFoundError: The store has no such run.
    """
    get_run(cur, run_id)
    if any(model.run_id == run_id for model in list_models(cur)):
        return
    append_row(cur, "model_version_insert", run_id=run_id, created_by=created_by)
    if is_challenger:
        newest = list_models(cur)[0]
        # Whose run it was may have lost the role since: the model is there all the same.
        _append_alias(cur, "challenger", newest.version, "register", created_by)


def list_models(cur: DuckDBPyConnection) -> list[ModelVersion]:
    """Return all models with the aliases they have now, newest first."""
    return fetch_records(cur, ModelVersion, "model_version_list")


def get_model(cur: DuckDBPyConnection, version: int) -> ModelVersion:
    """Return one model.

    Raises:
        ModelNotFoundError: There is none of this version.
    """
    models = {model.version: model for model in list_models(cur)}
    if version not in models:
        known = ", ".join(str(number) for number in sorted(models)) or "none yet"
        raise ModelNotFoundError(f"There is no model version {version}. Known versions: {known}.")
    return models[version]


def find_by_alias(cur: DuckDBPyConnection, alias: Alias) -> ModelVersion | None:
    """Return the model that has an alias now, or None."""
    return next((model for model in list_models(cur) if alias in model.aliases), None)


def set_alias(
    cur: DuckDBPyConnection,
    alias: Alias,
    version: int | None,
    *,
    action: AliasAction,
    reviewer_id: str,
    reason: str = "",
    gate: Mapping[str, Any] | None = None,
) -> None:
    """Set an alias to a version, or with None to no one, signed by the person.

    What the gate says is for the caller.

    Raises:
        InvalidTextError: The reason cannot be stored.
        NotPermittedError: The person's role is not open to promoting models.
        ReviewerNotFoundError: No reviewer has this id.
    """
    person = require(cur, reviewer_id, "train")
    number = _append_alias(cur, alias, version, action, reviewer_id, reason, gate)
    if action in MEANINGS:
        sign(cur, "model_alias", str(number), person, MEANINGS[action])


def list_alias_events(cur: DuckDBPyConnection, alias: Alias | None = None) -> list[AliasEvent]:
    """Return every change of an alias, or of all, newest first."""
    return fetch_records(cur, _event, "model_alias_list", alias=alias)


def _event(
    alias: Alias, version: int | None, action: AliasAction, reason: str, gate: str, *rest: Any
) -> AliasEvent:
    return AliasEvent(alias, version, action, reason, from_json(gate), *rest)


def _append_alias(
    cur: DuckDBPyConnection,
    alias: Alias,
    version: int | None,
    action: AliasAction,
    reviewer_id: str,
    reason: str = "",
    gate: Mapping[str, Any] | None = None,
) -> int:
    require_text(reason, "reason")
    parameters = {
        "alias": alias,
        "version": version,
        "action": action,
        "reason": reason,
        "gate": to_json(gate or {}),
        "reviewer_id": reviewer_id,
        "created_at": to_timestamp(utc_now()),
    }
    ((number,),) = cur.execute(load_sql("model_alias_insert"), parameters).fetchall()
    return int(number)
