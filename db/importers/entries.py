"""What a reader makes of a file, whatever its format: an entry an item, with answers to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias

from db.records import Option, Phase, Section, Verdict

Row: TypeAlias = tuple[str, Any]
"""The place in the file, such as ``line 3``, and the value there."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a model gave; labels as the file writes them, not yet those of the item."""

    model: str = ""
    text: str | None = None
    label: Any = None
    probabilities: Mapping[str, float] | tuple[float, ...] | None = None
    head_label: str | None = None
    """Of a run of ours; else the label of the largest probability."""
    variant: str = ""
    """Distinguishes several answers of a model to an item, such as by filter."""
    run_id: str = ""
    """Of the store that it was exported from; made of the file's content where empty."""
    run_name: str = ""
    form: str | None = None
    start: int | None = None
    end: int | None = None
    is_finished: bool = True
    prompt_tokens: int | None = None
    answer_tokens: int | None = None
    latency_seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class Opinion:
    """What an annotator says; labels as the file writes them."""

    annotator: str
    labels: tuple[Any, ...] = ()
    phase: Phase = "open"
    verdicts: tuple[Verdict, ...] = ()
    note: str = ""
    duration_seconds: float | None = None
    created_at: datetime | None = None
    annotation_id: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    """Further columns of the annotation, from an export of ours."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One item of a file as far as it says; what is empty is decided for the whole file."""

    place: str
    fault: str = ""
    """What of it cannot be read."""
    item_id: str = ""
    has_own_id: bool = False
    """Its id is that of an item of ours, not of the source's."""
    question: str = ""
    prompt: str = ""
    """What the model was asked, where the question is only a part of it."""
    context: tuple[Section, ...] = ()
    options: tuple[Option, ...] = ()
    labels: tuple[str, ...] = ()
    label_set: str = ""
    """``free_text`` for an item without labels."""
    gold: Any = None
    """A label, the number or the text of an option, or a list of such."""
    gold_text: str = ""
    """The text of the right option, where the file gives it as well."""
    index_base: int | None = None
    """The number of the first option, 0 or 1; None where the file has to show it."""
    long_answer: str = ""
    source: str = ""
    split: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    answers: tuple[Answer, ...] = ()
    opinions: tuple[Opinion, ...] = ()


@dataclass(frozen=True)
class Frame:
    """What surrounds the rows of a file."""

    path: Path
    around: Mapping[str, Any] = field(default_factory=dict)
    """The JSON object that holds the list of rows."""


Reader: TypeAlias = Callable[[Iterable[Row], Frame], Iterator[Entry]]


def by_row(read: Callable[[str, Mapping[str, Any], Frame], Entry | None]) -> Reader:
    """Return a reader of a format that has one entry a row; None leaves a row out."""

    def reader(rows: Iterable[Row], frame: Frame) -> Iterator[Entry]:
        for place, row in rows:
            entry = read(place, row, frame)
            if entry is not None:
                yield entry

    return reader
