"""The records of the review store: frozen, typed, free of storage and of Streamlit."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, get_args

from db.errors import InvalidAnnotationError

Split = Literal["train", "dev", "test"]
GoldOrigin = Literal["imported", "agreed", "adjudicated"]
LabelKind = Literal["single", "ordinal", "several"]
RunKind = Literal["imported", "prediction", "training"]
Role = Literal["reviewer", "adjudicator", "engineer", "admin", "none"]
"""``none``: may sign in no more; what they said stays."""
ReviewerOrigin = Literal["person", "import"]
AnnotationAction = Literal["label", "retract"]
AnnotationOrigin = Literal["review", "import"]
Phase = Literal["open", "blind", "revealed"]
Presentation = Literal["first", "repeat", "recheck"]
Verdict = Literal[
    "model_wrong", "gold_wrong", "several_acceptable", "information_missing", "unanswerable"
]
Severity = Literal["minor", "moderate", "severe"]
Confidence = Literal["low", "medium", "high"]
AdjudicationReason = Literal[
    "gold_confirmed",
    "gold_mistaken",
    "gold_outdated",
    "reviewer_slip",
    "drawn_by_model",
    "guideline_unclear",
    "question_ambiguous",
    "information_missing",
    "medicine_unsettled",
    "other",
]
"""Why reviewers disagreed, as the adjudicator sees it: what can be corrected, and what cannot."""
SpanText = Literal["answer", "corrected"]
TrainingState = Literal[
    "queued", "starting", "running", "succeeded", "failed", "cancelled", "interrupted"
]

NO_LABEL_VERDICTS: Final[frozenset[Verdict]] = frozenset({"unanswerable", "information_missing"})
"""The verdicts that say why an item has no label."""
OPTIONS_LABEL_SET = "options"
"""Name of the label set of an item whose labels are its own options."""
SEVERAL_OPTIONS_LABEL_SET = "several_options"
"""The same for items of whose options several may be right."""
FREE_TEXT_LABEL_SET: Final = "free_text"
"""The same for items without labels: their answers are judged by verdicts, texts and notes."""
OPTION_LABEL_SETS: Final = (OPTIONS_LABEL_SET, SEVERAL_OPTIONS_LABEL_SET)
LABEL_END: Final = "\x1f"
"""Ends each label of a set of labels that is written as one text; no label contains it."""


def is_label_set(label: str | None) -> bool:
    """Return whether a text is a set of labels, as items with several right ones have."""
    return label is not None and label.endswith(LABEL_END)


def join_labels(labels: Collection[str], order: Sequence[str]) -> str | None:
    """Return a set of labels as one text, in the order of its item; None for no label.

    Equal sets are equal texts, and none equals a single label. Labels that are not in ``order``
    come last, for a check to refuse.

    Example:
        >>> join_labels(["C", "A"], "ABCD")
        'A\\x1fC\\x1f'
    """
    known = [label for label in order if label in labels]
    others = [label for label in labels if label not in order]
    return "".join(f"{label}{LABEL_END}" for label in (*known, *others)) or None


def labels_in(label: str | None) -> tuple[str, ...]:
    """Return the labels that a label of an item stands for: of a set, all; of a single one, it.

    Example:
        >>> labels_in("A\\x1fC\\x1f"), labels_in("A"), labels_in(None)
        (('A', 'C'), ('A',), ())
    """
    if label is None:
        return ()
    return tuple(label[:-1].split(LABEL_END)) if is_label_set(label) else (label,)


def labels_text(label: str | None, empty: str = "") -> str:
    """Return a label as it is written for people: those of a set with commas between them."""
    return ", ".join(labels_in(label)) or empty


@dataclass(frozen=True)
class Section:
    """One part of an item's context; ``heading`` is empty where the source has none."""

    heading: str
    text: str


@dataclass(frozen=True)
class Option:
    """One answer option of an item: its label (``"A"``) and its text."""

    label: str
    text: str


@dataclass(frozen=True)
class SetLabel:
    """One label of a label set; ``name`` is what is stored and compared."""

    name: str
    short_name: str = ""
    """For narrow places; the name where it is empty."""
    key: str = ""
    """The key that picks it on the Review page; the app chooses one where it is empty."""
    definition: str = ""
    """When the label applies, for reviewers and prompts."""
    synonyms: tuple[str, ...] = ()
    """Other words by which answers and files give it."""
    codes: tuple[str, ...] = ()
    """Letters or numbers that represent it in prompts and files."""


@dataclass(frozen=True)
class LabelSet:
    """Labels that many items share, in order; ``version`` is 0 until it is stored."""

    name: str
    labels: tuple[SetLabel, ...]
    kind: LabelKind = "single"
    """``ordinal``: the order is one of degree; ``several``: an item may have several right ones."""
    version: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the labels, in order."""
        return tuple(label.name for label in self.labels)

    @property
    def aliases(self) -> dict[str, tuple[str, ...]]:
        """Return by what else each label is given: short name, codes and synonyms."""
        return {
            label.name: tuple(
                filter(None, dict.fromkeys((label.short_name, *label.codes, *label.synonyms)))
            )
            for label in self.labels
        }

    def label_for(self, text: str) -> str | None:
        """Return the label that a text names, apart from case and outer blanks; None for none."""
        wanted = text.strip().casefold()
        for label, others in self.aliases.items():
            if wanted in (known.strip().casefold() for known in (label, *others)):
                return label
        return None


@dataclass(frozen=True)
class Item:
    """One question with everything a reviewer and a prompt may need.

    ``labels`` holds the allowed labels in order: the fixed ones of ``label_set``
    (``"pubmedqa"``: yes, no, maybe) or, for ``label_set == "options"``, those of ``options``.
    ``gold_label`` is the imported reference; it is never overwritten. Where ``is_several``, it and
    every other label of the item is a set of labels, see :func:`join_labels`. ``long_answer``
    explains the gold label and must never enter a prompt for its own item.
    """

    item_id: str
    source: str
    question: str
    context: tuple[Section, ...]
    label_set: str
    labels: tuple[str, ...]
    options: tuple[Option, ...]
    gold_label: str | None
    long_answer: str
    split: Split
    metadata: Mapping[str, Any] = field(default_factory=dict)
    is_hidden: bool = False
    """Read for a reviewer who labels it blind: gold label and long answer are left out."""
    version: int = 1
    """1 as it was imported; each correction makes the next one."""
    is_several: bool = False
    """Whether several of its labels may be right."""

    @property
    def gold_labels(self) -> tuple[str, ...]:
        """Return every right label; none where it is not known."""
        return labels_in(self.gold_label)

    def label_of(self, labels: Collection[str]) -> str | None:
        """Return labels given to the item as its one label.

        None where there is none, or where an item with one right label gets several.
        """
        if self.is_several:
            return join_labels(labels, self.labels)
        return next(iter(labels)) if len(labels) == 1 else None

    def allows(self, label: str) -> bool:
        """Return whether a label may be one of the item: a set in its order where several may."""
        if not self.is_several:
            return label in self.labels
        return self.label_of([one for one in labels_in(label) if one in self.labels]) == label


@dataclass(frozen=True)
class Run:
    """One execution: who answered, with which settings, and what it measured."""

    run_id: str
    name: str
    kind: RunKind
    model: str
    settings: Mapping[str, Any]
    metrics: Mapping[str, Any]
    created_at: datetime
    base_run_id: str | None = None
    """The run this one should be compared with: what was on screen when it was started."""


@dataclass(frozen=True)
class Prediction:
    """What a model gave for one item in one run.

    ``answer_label`` is the label read from the answer by the author of the run; ``head_label`` and
    ``head_probabilities`` (same order as ``Item.labels``, summing to 1) come from the ECI head and
    are None for runs without one. ``answer`` is None where only the label was released.
    """

    run_id: str
    item_id: str
    answer: str | None
    answer_label: str | None
    answer_form: str | None = None
    """How the answer gives its label: bare, leading, stated, embedded, inferred, contradictory,
    absent."""
    answer_start: int | None = None
    answer_end: int | None = None
    """Characters ``answer[answer_start:answer_end]`` decided the label."""
    is_finished: bool = True
    head_label: str | None = None
    head_probabilities: tuple[float, ...] | None = None
    prompt_tokens: int | None = None
    answer_tokens: int | None = None
    latency_seconds: float | None = None


@dataclass(frozen=True)
class Reviewer:
    """A person (or an imported annotator) who labels items."""

    reviewer_id: str
    name: str
    role: Role
    email: str | None = None
    """An invitation: who signs in with this verified address first is this reviewer from then on.
    Its ASCII letters are in lower case."""
    origin: ReviewerOrigin = "person"
    """``import``: known only from a data set; never a user of the app."""
    issuer: str | None = None
    """The provider within which the address invites; None with no address."""
    merged_into: str | None = None
    """The reviewer who is the same person: signing in as this one is signing in as that one."""


PersonChange = Literal["role", "rename", "merge", "erase"]
"""What became of a person; a role is taken away by the role ``none`` and given back by another."""


@dataclass(frozen=True)
class ReviewerChange:
    """One change of who a person is or what they may do."""

    reviewer_id: str
    role: Role
    email: str | None
    changed_by: str | None
    """A reviewer; None: the holder of the database file, or the first to come."""
    created_at: datetime
    kind: PersonChange = "role"
    name: str | None = None
    """From then on; None: as before."""
    merged_into: str | None = None


@dataclass(frozen=True)
class Span:
    """The characters ``[start, end)`` of a text that support the label.

    ``text`` tells which one: the model's answer, or the reviewer's corrected one.
    """

    text: SpanText
    start: int
    end: int


@dataclass(frozen=True)
class Judgement:
    """What a reviewer says of an item with one press of Save.

    Raises:
        InvalidAnnotationError: A word is not one of its kind, or the span is not possible.
    """

    labels: tuple[str, ...] = ()
    """Every acceptable label, once stored in the item's order; none where it cannot be answered."""
    answer: str | None = None
    """The reviewer's corrected answer text, None where the text was left as it is."""
    note: str = ""
    verdicts: tuple[Verdict, ...] = ()
    severity: Severity | None = None
    """How much harm the model's answer would do if it were followed."""
    confidence: Confidence | None = None
    span: Span | None = None
    """Where the answer supports the label."""
    is_flagged: bool = False

    def __post_init__(self) -> None:
        """Refuse what is not possible."""
        for verdict in self.verdicts:
            _require_word("verdict", verdict, Verdict)
        _require_word("severity", self.severity, Severity)
        _require_word("confidence", self.confidence, Confidence)
        if self.span is not None:
            _require_word("span text", self.span.text, SpanText)
            if not 0 <= self.span.start < self.span.end:
                raise InvalidAnnotationError(
                    f"The span from {self.span.start} to {self.span.end} is empty or negative: "
                    "give the first character and the one after the last."
                )

    @property
    def label(self) -> str | None:
        """Return the only acceptable label; None where there are several or none."""
        return self.labels[0] if len(self.labels) == 1 else None

    @property
    def is_complete(self) -> bool:
        """Return whether it has a label, or the verdict that says why there is none."""
        return bool(self.labels) or not NO_LABEL_VERDICTS.isdisjoint(self.verdicts)

    @property
    def says_something(self) -> bool:
        """Return whether it has a verdict, a text or a note, which an item without labels needs."""
        return bool(self.verdicts or self.answer or self.note.strip())


@dataclass(frozen=True)
class Encounter:
    """How a reviewer met an item: with what on screen, when in their work, and for how long.

    Raises:
        InvalidAnnotationError: A word is not one of its kind, or the duration is not possible.
    """

    run_id: str | None = None
    """The run whose answer was on screen; None where none was."""
    phase: Phase = "open"
    """``blind``: before anything but the question was shown; ``revealed``: after it was."""
    presentation: Presentation = "first"
    """``repeat``: shown again unannounced; ``recheck``: shown again, blind, after a fast save."""
    queue_id: str | None = None
    guideline_version: str | None = None
    """Of the guideline that was on screen; None where none was."""
    duration_seconds: float | None = None
    is_fast: bool = False
    """Saved in less time than it takes to read what was on screen."""
    client_at: datetime | None = None
    """The browser's time at the press; ``Annotation.created_at`` is the server's."""

    def __post_init__(self) -> None:
        """Refuse what is not possible."""
        _require_word("phase", self.phase, Phase)
        _require_word("presentation", self.presentation, Presentation)
        if self.duration_seconds is not None and not 0 <= self.duration_seconds < math.inf:
            raise InvalidAnnotationError(
                f"The duration {self.duration_seconds} s is not possible: "
                "give seconds of at least 0, or None."
            )


def _require_word(name: str, value: str | None, kind: Any) -> None:
    if value is not None and value not in get_args(kind):
        raise InvalidAnnotationError(
            f"The {name} {value!r} is not known: choose one of {list(get_args(kind))}."
        )


@dataclass(frozen=True)
class Annotation:
    """One reviewer's judgement on one item; append-only, every one kept.

    ``old_label`` and ``old_answer`` are what stood before: the label of record and the text that
    the reviewer saw. ``action="retract"`` takes ``retracted_annotation_id`` back and judges
    nothing: what the same reviewer had judged before it, if anything, stands again.
    """

    annotation_id: str
    item_id: str
    reviewer_id: str
    judgement: Judgement
    encounter: Encounter
    created_at: datetime
    action: AnnotationAction = "label"
    origin: AnnotationOrigin = "review"
    old_label: str | None = None
    old_answer: str | None = None
    retracted_annotation_id: str | None = None
    item_version: int = 1
    """Of the item that was on screen; of a retraction, the one that it was made under."""


@dataclass(frozen=True)
class GoldLabel:
    """The label of record of an item and where it comes from.

    ``agreed``: all standing review annotations say the same. ``conflicting`` is True where they
    disagree; the imported label then counts until the item is adjudicated.
    """

    item_id: str
    label: str | None
    origin: GoldOrigin | None
    conflicting: bool = False
    num_reviewers: int = field(default=0, compare=False)
    """Reviewers with a standing label; the view ``gold`` does not count them."""
    num_agreeing: int = field(default=0, compare=False)
    """How many of them gave the label that was given most often."""


@dataclass(frozen=True)
class Adjudication:
    """One decision on an item; append-only, the latest counts.

    ``old_label`` and ``old_origin`` are the label of record before it, None where there was none,
    or for decisions older than this record.
    """

    adjudication_id: str
    item_id: str
    reviewer_id: str
    label: str
    reason: AdjudicationReason | None
    note: str
    old_label: str | None
    old_origin: GoldOrigin | None
    created_at: datetime
    item_version: int = 1


def training_run_name(preset: str, created_at: datetime) -> str:
    """Return what a run that was trained here is called."""
    return f"{preset} {created_at:%Y-%m-%d %H:%M:%S}"


@dataclass(frozen=True)
class TrainingRun:
    """A training run as the store knows it; its live state is in the run directory."""

    run_id: str
    preset: str
    state: TrainingState
    settings: Mapping[str, Any]
    created_at: datetime
    created_by: str
    base_run_id: str | None = None
    message: str = ""

    @property
    def name(self) -> str:
        """Return what the run is called, also once its results are there."""
        return training_run_name(self.preset, self.created_at)
