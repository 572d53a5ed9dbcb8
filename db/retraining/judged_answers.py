"""Answers of models that people accepted or rejected: what preference training learns from."""

from __future__ import annotations

from dataclasses import dataclass

from duckdb import DuckDBPyConnection

from db.statements import fetch_records
from db.viewer import Viewer


@dataclass(frozen=True)
class JudgedAnswer:
    """A model's answer to a training item that a person reviewed with it.

    Rejected: it states another label than the label of record, or a reviewer whose label that is
    rewrote the answer, called it wrong or stated a harm. Accepted: it states the label of record,
    and a reviewer of that label read it and left it as it is.
    """

    item_id: str
    run_id: str
    answer: str
    is_accepted: bool


def list_judged_answers(cur: DuckDBPyConnection, viewer: Viewer) -> tuple[JudgedAnswer, ...]:
    """Return what people accepted or rejected, by item and run; hidden items are left out.

    The label of record is an adjudicated one, or one that all reviewers agree on. Test items, items
    set aside, judgements of programs and of imported annotators, and answers that no one read or
    rejected are left out.
    """
    return tuple(fetch_records(cur, JudgedAnswer, "judged_answers", viewer=viewer.parameter))
