"""What annotation tools export: Label Studio, Argilla, doccano, Prodigy, Potato, and this product.

An annotator without a name is named after the tool; cancelled and ignored answers are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, get_args

from db.importers.assembly.opinions import moment_of
from db.importers.entries import Entry, Frame, Opinion, Row
from db.importers.paths import nested, number_of, raw_text, read_options, text_of, value_at
from db.importers.readers.benchmarks import read_question
from db.records import Phase, Verdict

_TIME_SPENT: Final = re.compile(r"(\d+)d (\d+)h (\d+)m ([\d.]+)s")
_OWN_DETAILS: Final = (
    "answer",
    "old_label",
    "old_answer",
    "severity",
    "confidence",
    "span_text",
    "span_start",
    "span_end",
    "presentation",
    "is_flagged",
    "is_fast",
    "guideline_version",
    "retracted_annotation_id",
    "action",
    "run_id",
    "client_at",
)


def read_label_studio(rows: Iterable[Row], frame: Frame) -> Iterator[Entry]:
    """Yield the tasks of Label Studio's JSON export, ours too."""
    del frame
    for place, row in rows:
        data = row.get("data") or {}
        own = {key: data[key] for key in ("item_id", "source", "split") if data.get(key)}
        asked = {
            key: data[key]
            for key in ("question", "text", "context")
            if data.get(key) and not (key == "context" and data[key] == data.get("question"))
        }
        labels = data.get("labels") if isinstance(data.get("labels"), list) else []
        options = read_options(labels) if any("hint" in part for part in _objects(labels)) else ()
        entry = read_question({**asked, **own} if asked else data, place)
        yield Entry(
            **{
                **vars(entry),
                "item_id": entry.item_id or text_of(row.get("id")),
                "has_own_id": bool(data.get("item_id")),
                "labels": tuple(text_of(part.get("value")) for part in _objects(labels)),
                "options": _hinted(labels) if options else entry.options,
                "opinions": tuple(_label_studio_opinions(row.get("annotations") or ())),
                "metadata": {},
            }
        )


def _hinted(labels: Any) -> Any:
    return read_options(
        [
            {"label": part.get("value"), "text": part.get("hint") or part.get("value")}
            for part in _objects(labels)
        ]
    )


def _label_studio_opinions(annotations: Any) -> Iterator[Opinion]:
    for annotation in _objects(annotations):
        if annotation.get("was_cancelled"):
            continue
        results = list(_objects(annotation.get("result")))
        facts = dict(
            text.split(": ", 1)
            for result in results
            for text in value_at(result, "meta.text") or ()
            if ": " in str(text)
        )
        texts = {
            str(result.get("from_name")): raw_text(value_at(result, "value.text.0"))
            for result in results
            if result.get("type") == "textarea"
        }
        chosen = [
            label
            for result in results
            for label in value_at(result, "value.choices")
            or _rated(value_at(result, "value.rating"))
        ]
        known = ("confidence", "severity", "guideline_version")
        details = {"answer": texts.get("corrected"), **{name: facts.get(name) for name in known}}
        verdicts = facts.get("verdicts", "").split(", ")
        yield Opinion(
            annotator=facts.get("reviewer")
            or _person(annotation.get("completed_by"))
            or "Label Studio annotator",
            labels=tuple(chosen),
            phase=_phase(facts.get("phase")),
            verdicts=tuple(verdict for verdict in get_args(Verdict) if verdict in verdicts),
            note=texts.get("note", ""),
            duration_seconds=number_of(annotation.get("lead_time")),
            created_at=moment_of(annotation.get("created_at")),
            annotation_id=text_of(annotation.get("unique_id")) if "reviewer" in facts else "",
            details={name: value for name, value in details.items() if value},
        )


def _rated(value: Any) -> list[str]:
    return [] if value is None else [text_of(value)]


def read_label_studio_min(rows: Iterable[Row], frame: Frame) -> Iterator[Entry]:
    """Yield the annotations of Label Studio's short exports, JSON-MIN and CSV."""
    del frame
    known = {"id", "annotator", "annotation_id", "created_at", "updated_at", "lead_time"}
    for place, row in rows:
        columns = [name for name in row if name not in known]
        text = next((name for name in columns if name in ("question", "text")), columns[0])
        chosen = nested(
            next((row[name] for name in ("label", "choice", "sentiment") if name in row), None)
            or row[columns[-1]]
        )
        if isinstance(chosen, Mapping):
            chosen = chosen.get("choices")
        item_id = row.get("item_id", row.get("id"))
        opinion = Opinion(
            annotator=_person(row.get("annotator")) or "Label Studio annotator",
            labels=tuple(chosen) if isinstance(chosen, list) else (chosen,),
            duration_seconds=number_of(row.get("lead_time")),
            created_at=moment_of(row.get("created_at")),
        )
        yield Entry(
            place=place,
            item_id=text_of(item_id),
            question=text_of(row.get(text)),
            opinions=(opinion,),
        )


def read_argilla(rows: Iterable[Row], frame: Frame) -> Iterator[Entry]:
    """Yield the records of Argilla: one opinion a response."""
    del frame
    for place, row in rows:
        fields = row.get("fields") or {}
        question = read_question(fields, place)
        asked = question.question or next((text_of(value) for value in fields.values()), "")
        opinions = [
            Opinion(
                annotator=text_of(response.get("user_id") or response.get("username"))
                or "Argilla annotator",
                labels=tuple(_listed(response.get("value"))),
            )
            for name, responses in (row.get("responses") or {}).items()
            if len(row["responses"]) == 1 or "label" in str(name) or "answer" in str(name)
            for response in _objects(responses)
            if response.get("status", "submitted") == "submitted"
        ]
        yield Entry(
            place=place, item_id=text_of(row.get("id")), question=asked, opinions=tuple(opinions)
        )


def read_doccano(rows: Iterable[Row], frame: Frame) -> Iterator[Entry]:
    """Yield the texts of doccano with their categories."""
    del frame
    for place, row in rows:
        labels = tuple(_listed(row.get("label", row.get("labels"))))
        opinion = Opinion(
            annotator=text_of(row.get("username")) or "doccano annotator", labels=labels
        )
        yield Entry(
            place=place,
            item_id=text_of(row.get("id")),
            question=text_of(row.get("text")),
            opinions=(opinion,) if labels else (),
        )


def read_prodigy(rows: Iterable[Row], frame: Frame) -> Iterator[Entry]:
    """Yield the tasks of Prodigy that were accepted, by choice or as one label."""
    del frame
    for place, row in rows:
        options = read_options(row.get("options") or ())
        is_fixed = all(option.label == option.text or not option.text for option in options)
        chosen = row.get("accept") or _listed(row.get("label"))
        seconds = number_of(row.get("_timestamp"))
        opinion = Opinion(
            annotator=text_of(row.get("_annotator_id") or row.get("_session_id"))
            or "Prodigy annotator",
            labels=tuple(chosen),
            created_at=None if seconds is None else _at(seconds),
        )
        yield Entry(
            place=place,
            item_id=text_of(value_at(row, "meta.item_id") or value_at(row, "meta.id")),
            question=text_of(row.get("text")),
            options=() if is_fixed else options,
            labels=tuple(option.label for option in options),
            opinions=(opinion,) if row.get("answer", "accept") == "accept" and chosen else (),
        )


def read_potato(rows: Iterable[Row], frame: Frame) -> Iterator[Entry]:
    """Yield the instances of Potato; the folder of the file is the annotator's."""
    folder = frame.path.parent.name
    is_named = frame.path.stem == "annotated_instances" and folder not in ("", "formats")
    for place, row in rows:
        chosen = [
            label
            for schema in (row.get("label_annotations") or {}).values()
            if isinstance(schema, Mapping)
            for label, value in schema.items()
            if value not in (None, "", False, "false")
        ]
        spent = _TIME_SPENT.search(text_of(value_at(row, "behavioral_data.time_string")))
        opinion = Opinion(
            annotator=folder if is_named else "Potato annotator",
            labels=tuple(chosen),
            duration_seconds=None if spent is None else _seconds(spent.groups()),
        )
        yield Entry(
            place=place,
            item_id=text_of(row.get("id")),
            question=text_of(row.get("displayed_text")),
            opinions=(opinion,) if chosen else (),
        )


def read_own(rows: Iterable[Row], frame: Frame) -> Iterator[Entry]:
    """Yield the annotations that this product exports: the whole history, retractions too."""
    del frame
    for place, row in rows:
        labels = nested(row.get("labels"))
        verdicts = nested(row.get("verdicts")) or ()
        details = {name: row[name] for name in _OWN_DETAILS if row.get(name) not in (None, "")}
        opinion = Opinion(
            annotator=text_of(row.get("reviewer")) or "a reviewer not named",
            labels=tuple(labels if isinstance(labels, list) else _listed(row.get("label"))),
            phase=_phase(row.get("phase")),
            verdicts=tuple(verdict for verdict in verdicts if verdict in get_args(Verdict)),
            note=str(row.get("note") or ""),
            duration_seconds=number_of(row.get("duration_seconds")),
            created_at=moment_of(row.get("created_at")),
            annotation_id=text_of(row.get("annotation_id")),
            details=details,
        )
        yield Entry(
            place=place,
            item_id=text_of(row.get("item_id")),
            prompt=text_of(row.get("question")),
            opinions=(opinion,),
        )


def _phase(value: Any) -> Phase:
    return next((phase for phase in get_args(Phase) if phase == value), "open")


def _person(value: Any) -> str:
    if isinstance(value, Mapping):
        name = " ".join(text_of(value.get(key)) for key in ("first_name", "last_name")).strip()
        return name or text_of(value.get("email") or value.get("username") or value.get("id"))
    return text_of(value)


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    for part in value if isinstance(value, Sequence) and not isinstance(value, str) else ():
        if isinstance(part, Mapping):
            yield part


def _listed(value: Any) -> list[Any]:
    if value is None or value == "":
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _at(seconds: float) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if 0 < seconds < 7e9 else None


def _seconds(parts: Sequence[str]) -> float:
    days, hours, minutes, seconds = map(float, parts)
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
