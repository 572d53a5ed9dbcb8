"""Annotations: append-only. Current annotations and the label of record are views over them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, get_args

import duckdb
import pyarrow as pa
from duckdb import DuckDBPyConnection

from db.arrow_tables import incoming_table
from db.content.item_versions import check_in_use, list_versions, require_in_use
from db.content.items import get_item
from db.content.predictions import find_prediction
from db.content.runs import get_run
from db.content.shown import shown_digest
from db.conversions import require_text, to_timestamp, utc_now
from db.errors import (
    AnnotationConflictError,
    InvalidAnnotationError,
    InvalidLabelError,
    NothingToRetractError,
)
from db.people.permissions import require, require_of
from db.records import (
    Annotation,
    Encounter,
    GoldLabel,
    GoldOrigin,
    Item,
    Judgement,
    Phase,
    Reviewer,
    Verdict,
    labels_in,
)
from db.review.annotation_rows import find_annotation, from_row, list_histories
from db.review.item_state import ItemState
from db.review.queues import Queue, require_open
from db.statements import fetch_value, load_sql
from db.viewer import EVERYTHING, Viewer, is_hidden, without_name

_TEXTS: Final = {"answer": "model's answer", "corrected": "corrected answer"}
_OF_A_LABEL: Final = {"action": "label", "origin": "review", "retracted_annotation_id": None}


@dataclass(frozen=True)
class OnScreen:
    """What a press of Save was made on: checked against what stands now."""

    replaces: str | None
    """The reviewer's own standing annotation, or None where the item had none."""
    reviewer: Reviewer
    queue: Queue | None
    item: Item
    """The whole item, whatever was hidden of it."""
    answer: str | None
    """The run's answer, where it was shown."""
    state: ItemState
    item_version: int | None = None
    """The version of the item that was shown; that of ``item`` where None."""

    @property
    def seen_item(self) -> Item:
        """Return the item with the version that was shown."""
        version = self.item.version if self.item_version is None else self.item_version
        return replace(self.item, version=version)

    def digest(self, cur: DuckDBPyConnection, encounter: Encounter) -> str:
        """Return the digest of what was shown, of the item in the version that was."""
        item, seen = self.item, self.seen_item.version
        if seen != item.version:  # corrected since, in the same sense
            versions = (one.item for one in list_versions(cur, item.item_id))
            item = next(one for one in versions if one.version == seen)
        return shown_digest(item, self.answer, encounter)


def add_annotation(
    cur: DuckDBPyConnection,
    judgement: Judgement,
    encounter: Encounter,
    *,
    annotation_id: str,
    item_id: str,
    reviewer_id: str,
    on_screen: OnScreen | None = None,
    created_at: datetime | None = None,
) -> Annotation:
    """Append a reviewer's judgement on an item.

    What stood before it is stored with it, read in the same transaction: the label of record, and
    the answer text that the reviewer saw (their own earlier correction, else the run's answer).
    The caller owns the transaction.

    Args:
        annotation_id: Made by the caller once for each press of the button, so that a retry is no
            second annotation: an id that is there already changes nothing.
        on_screen: What the press was made on; None for a caller without a screen, whose
            annotation replaces whatever stands.
        created_at: An aware time; now when None.

    Returns:
        The annotation as stored.

    Raises:
        InvalidLabelError: The item does not allow a label, or there is none.
        InvalidAnnotationError: The id belongs to another annotation, or the span is outside its
            text.
        AnnotationConflictError: Another annotation stands than the one on screen.
        QueueClosedError: The queue of the encounter is closed, or not open to the reviewer.
        ItemConflictError: The item has another sense since it was shown, or was set aside.
        NotFoundError: There is no such item, reviewer or run.
        NotPermittedError: The role of the reviewer is not open to labelling.
    """
    # What was in effect before is stored whole, also when the label is given blind.
    item = get_item(cur, item_id, EVERYTHING) if on_screen is None else on_screen.item
    _require_allowed(item_id, judgement.labels, item.labels)
    if not item.labels and not judgement.says_something:
        raise InvalidLabelError(
            f"Nothing was said of item {item_id!r}: choose a verdict, correct the answer, or write "
            "a note."
        )
    if item.labels and not judgement.is_complete:
        raise InvalidLabelError(
            f"Item {item_id!r} was given no label: choose one of {list(item.labels)}, or say with "
            "the verdict 'unanswerable' or 'information_missing' why there is none."
        )
    if on_screen is None:
        require(cur, reviewer_id, "annotate")
    else:
        require_of(cur, on_screen.reviewer, "annotate")
    require_text(judgement.answer, f"corrected answer for item {item_id!r}", InvalidAnnotationError)
    require_text(judgement.note, f"note on item {item_id!r}", InvalidAnnotationError)
    state = None if on_screen is None else on_screen.state
    history = list_histories(cur, [item_id])[item_id] if state is None else state.history
    in_order = replace(
        judgement,
        labels=tuple(label for label in item.labels if label in judgement.labels),
        verdicts=tuple(name for name in get_args(Verdict) if name in judgement.verdicts),
    )
    stored = _find_retried(history, annotation_id, reviewer_id)
    if stored is not None:
        if on_screen is not None and not _is_same(stored.judgement, in_order):
            raise _taken(stored)
        return stored
    standing = standing_annotations(history).get(reviewer_id)
    if on_screen is None:
        item_version = require_in_use(cur, item)
        answer = _find_answer(cur, encounter.run_id, item_id)
        decision = _find_decision(cur, item_id)
    else:
        state, answer = on_screen.state, on_screen.answer
        decision = state.decision
        # First: a version of another sense takes back the judgements of those before it.
        item_version = check_in_use(on_screen.seen_item, state.sense_version, state.set_aside)
        require_open(on_screen.queue, reviewer_id)
        require_standing(item_id, standing, on_screen.replaces)
    _require_span(judgement, encounter.phase, answer, item_id)
    if standing is not None and standing.judgement.answer is not None:
        answer = standing.judgement.answer
    parameters = {
        **_columns(in_order, encounter),
        "label": item.label_of(in_order.labels),
        "annotation_id": annotation_id,
        "item_id": item_id,
        "reviewer_id": reviewer_id,
        "created_at": to_timestamp(created_at or utc_now()),
        "old_label": gold_from(item, history, decision).label,
        "old_answer": answer,
        "item_version": item_version,
        "shown_digest": on_screen and on_screen.digest(cur, encounter),
    }
    _write(cur, "annotation_insert", parameters)
    # As stored: to have the table give the row back would take a third of the insert again.
    return from_row({**parameters, **_OF_A_LABEL})


def retract_annotation(
    cur: DuckDBPyConnection,
    *,
    annotation_id: str,
    item_id: str,
    reviewer_id: str,
    retracts: str | None = None,
) -> Annotation:
    """Retract the reviewer's standing annotation on an item; nothing is deleted.

    What the reviewer had chosen before it, if anything, counts again.

    Args:
        annotation_id: The id of the retraction itself, made by the caller; a retry with the same
            id changes nothing.
        retracts: The annotation that is meant; None for whichever stands.

    Returns:
        The retraction as stored.

    Raises:
        AnnotationConflictError: Another one stands than the one that is meant.
        NothingToRetractError: The reviewer has no standing annotation on the item.
        InvalidAnnotationError: The id belongs to another annotation.
        NotPermittedError: The role of the reviewer is not open to labelling.
        ReviewerNotFoundError: No reviewer has this id.
    """
    require(cur, reviewer_id, "annotate")
    history = list_annotations(cur, item_id, EVERYTHING)
    stored = _find_retried(history, annotation_id, reviewer_id)
    if stored is not None:
        return stored
    standing = standing_annotations(history).get(reviewer_id)
    if standing is None or standing.origin == "import":  # evidence that nobody here gave
        raise NothingToRetractError(
            f"There is nothing to undo: reviewer {reviewer_id!r} has no standing annotation "
            f"on item {item_id!r}."
        )
    if retracts is not None:
        require_standing(item_id, standing, retracts)
    parameters = {
        "annotation_id": annotation_id,
        "item_id": item_id,
        "retracted_annotation_id": standing.annotation_id,
        "old_label": gold_of(cur, get_item(cur, item_id, EVERYTHING), history).label,
        "created_at": to_timestamp(utc_now()),
    }
    _write(cur, "annotation_retract", parameters)
    return list_histories(cur, [item_id])[item_id][-1]


def kept_annotations(history: Sequence[Annotation]) -> list[Annotation]:
    """Return those of an item's history that were not taken back, oldest first."""
    taken_back = {one.retracted_annotation_id for one in history if one.action == "retract"}
    return [one for one in history if one.action == "label" and one.annotation_id not in taken_back]


def standing_annotations(history: Sequence[Annotation]) -> dict[str, Annotation]:
    """Return each reviewer's latest annotation of an item's history that was not taken back."""
    return {one.reviewer_id: one for one in kept_annotations(history)}


def list_annotations(cur: DuckDBPyConnection, item_id: str, viewer: Viewer) -> list[Annotation]:
    """Return the history of an item, oldest first, retractions included.

    Of a hidden item only what the viewer said, without what stood before it. Where names are hidden
    the people are numbered, all but the viewer, until the item is adjudicated.
    """
    return view_history(cur, item_id, list_histories(cur, [item_id])[item_id], viewer)


def view_history(
    cur: DuckDBPyConnection, item_id: str, history: Sequence[Annotation], viewer: Viewer
) -> list[Annotation]:
    """Return what a viewer may see of the whole history of an item; see `list_annotations`."""
    if is_hidden(cur, viewer, item_id):
        mine = (one for one in history if one.reviewer_id == viewer.reviewer_id)
        return [replace(one, old_label=None, old_answer=None) for one in mine]
    if viewer.hides_names and _find_decision(cur, item_id) is None:
        return _without_names(history, viewer.reviewer_id)
    return list(history)


def _without_names(history: Sequence[Annotation], but: str | None) -> list[Annotation]:
    people = dict.fromkeys(one.reviewer_id for one in history)
    shown = {who: without_name(number) for number, who in enumerate(people, 1) if who != but}
    return [
        replace(one, reviewer_id=shown.get(one.reviewer_id, one.reviewer_id)) for one in history
    ]


def list_labelled(cur: DuckDBPyConnection, reviewer_id: str, item_ids: pa.StringArray) -> set[str]:
    """Return those of the items on which a reviewer has a standing annotation."""
    table = pa.table({"item_id": item_ids})
    with incoming_table(cur, "incoming_queue_item", table):
        rows = cur.execute(
            load_sql("annotation_list_labelled"), {"reviewer_id": reviewer_id}
        ).fetchall()
    return {row[0] for row in rows}


def get_gold(cur: DuckDBPyConnection, item_id: str, viewer: Viewer) -> GoldLabel:
    """Return the label of record of an item: adjudicated, else agreed, else imported.

    Of a hidden item there is none.

    Raises:
        ItemNotFoundError: No item has this id.
    """
    item = get_item(cur, item_id, viewer)
    return gold_of(cur, item, [] if item.is_hidden else list_annotations(cur, item_id, EVERYTHING))


def gold_of(cur: DuckDBPyConnection, item: Item, history: Sequence[Annotation]) -> GoldLabel:
    """Return the label of record of an item that is at hand with its whole history.

    Of an item that was read hidden there is none.
    """
    return gold_from(item, history, _find_decision(cur, item.item_id))


def require_allowed_label(cur: DuckDBPyConnection, item_id: str, label: str) -> None:
    """Refuse a label that the item does not allow.

    Raises:
        InvalidLabelError: The label is none of the item's labels.
        ItemNotFoundError: No item has this id.
    """
    item = get_item(cur, item_id, EVERYTHING)
    if item.is_several and not item.allows(label):
        raise InvalidLabelError(
            f"The labels {', '.join(labels_in(label))} are not allowed for item {item_id!r}: "
            f"choose some of {list(item.labels)}, in this order."
        )
    _require_allowed(item_id, labels_in(label) if item.is_several else [label], item.labels)


def _require_allowed(item_id: str, labels: Sequence[str], allowed: Sequence[str]) -> None:
    for label in labels:
        if label not in allowed:
            raise InvalidLabelError(
                f"The label {label!r} is not allowed for item {item_id!r}: "
                f"choose one of {list(allowed)}."
            )


def _find_answer(cur: DuckDBPyConnection, run_id: str | None, item_id: str) -> str | None:
    """Return what a run answered to an item, or None.

    Raises:
        RunNotFoundError: No run has this id.
    """
    if run_id is None:
        return None
    get_run(cur, run_id)
    prediction = find_prediction(cur, run_id, item_id, EVERYTHING)
    return None if prediction is None else prediction.answer


def _find_decision(cur: DuckDBPyConnection, item_id: str) -> str | None:
    """Return the label of the latest adjudication of an item, or None."""
    return fetch_value(cur, str, "adjudication_find_label", item_id=item_id)


def gold_from(item: Item, history: Sequence[Annotation], decision: str | None) -> GoldLabel:
    """Return what the view ``gold`` gives, for one item whose rows are at hand.

    The view takes 8 ms for one item at 100,000 annotations, the rows 2 ms; it is wanted at each
    key press. A test holds both to the same rule.

    Args:
        decision: The label of the latest adjudication, or None.
    """
    if item.is_hidden:
        return GoldLabel(item.item_id, None, None)
    standing = standing_annotations(history).values()
    answers = Counter(one.judgement.labels for one in standing if one.origin == "review")
    if decision is not None:
        return GoldLabel(item.item_id, decision, "adjudicated")
    agreed = item.label_of(next(iter(answers))) if len(answers) == 1 else None
    imported: GoldOrigin | None = None if item.gold_label is None else "imported"
    return GoldLabel(
        item.item_id,
        item.gold_label if agreed is None else agreed,
        imported if agreed is None else "agreed",
        conflicting=len(answers) > 1,
        num_reviewers=answers.total(),
        num_agreeing=max(answers.values(), default=0),
    )


def require_standing(item_id: str, standing: Annotation | None, expected: str | None) -> None:
    """Refuse what was begun on an item whose annotation by the reviewer is another one by now.

    Args:
        standing: The reviewer's annotation that counts now; None where there is none.
        expected: The id of the one that counted when the item was shown.

    Raises:
        AnnotationConflictError: Another annotation stands, or one stands where none was.
    """
    if (None if standing is None else standing.annotation_id) == expected:
        return
    found = "there is none" if standing is None else f"it is {list(standing.judgement.labels)}"
    raise AnnotationConflictError(
        f"Your label of item {item_id!r} was changed since it came on screen: now {found}. "
        "Compare the two, then keep that one or save yours again.",
        None if standing is None else standing.annotation_id,
        () if standing is None else standing.judgement.labels,
        "" if standing is None else standing.created_at.isoformat(),
    )


def _is_same(stored: Judgement, judgement: Judgement) -> bool:
    """Return whether a press was sent again; a flag may have been set in between."""
    return replace(stored, is_flagged=judgement.is_flagged) == judgement


def _find_retried(
    history: Sequence[Annotation], annotation_id: str, reviewer_id: str
) -> Annotation | None:
    """Return what an earlier call with the same id stored of the item, or None."""
    stored = next((one for one in history if one.annotation_id == annotation_id), None)
    if stored is not None and stored.reviewer_id != reviewer_id:
        raise _taken(stored)
    return stored


def _write(cur: DuckDBPyConnection, statement: str, parameters: Mapping[str, Any]) -> None:
    """Append one row.

    An id that another item has is left to the table to refuse: to look for it, or "on conflict do
    nothing", would take as long as the rest of a save.
    """
    try:
        cur.execute(load_sql(statement), dict(parameters))
    except duckdb.ConstraintException as error:
        # On a cursor of its own: this transaction can do no more.
        found = find_annotation(cur.cursor(), parameters["annotation_id"])
        if found is None:
            raise
        raise _taken(found) from error


def _taken(stored: Annotation) -> InvalidAnnotationError:
    return InvalidAnnotationError(
        f"The annotation id {stored.annotation_id!r} belongs to item {stored.item_id!r} and "
        f"reviewer {stored.reviewer_id!r} already. Make a new id for each annotation."
    )


def _columns(judgement: Judgement, encounter: Encounter) -> dict[str, Any]:
    """Return what is stored of a judgement, by column."""
    span, client_at = judgement.span, encounter.client_at
    columns = {**vars(judgement), **vars(encounter)}
    del columns["span"]
    return {
        **columns,
        "labels": list(judgement.labels),
        "verdicts": list(judgement.verdicts),
        "span_text": span and span.text,
        "span_start": span and span.start,
        "span_end": span and span.end,
        "client_at": client_at and to_timestamp(client_at),
    }


def _require_span(judgement: Judgement, phase: Phase, answer: str | None, item_id: str) -> None:
    """Refuse a span of characters that its text does not have.

    Args:
        phase: A blind label cannot point at an answer that was not shown.

    Raises:
        InvalidAnnotationError: The span is outside its text, or there is no such text.
    """
    span = judgement.span
    if span is None:
        return
    text = judgement.answer if span.text == "corrected" else answer
    if text is None or (span.text == "answer" and phase == "blind"):
        raise InvalidAnnotationError(
            f"The supporting span of item {item_id!r} points at the {_TEXTS[span.text]}, which the "
            "reviewer did not have before them. Remove the span, or mark it in a text that was "
            "shown."
        )
    if span.end > len(text):
        raise InvalidAnnotationError(
            f"The supporting span of item {item_id!r} ends at character {span.end:,}, but the "
            f"{_TEXTS[span.text]} has {len(text):,}. Mark it again; characters are Unicode code "
            "points, counted from 0."
        )
