"""What the routes read and answer; FastAPI checks it and describes it in ``openapi.json``."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from db.content.items import MAX_LABELS
from db.conversions import replace_lone_surrogates
from db.records import Confidence, Phase, Severity, SpanText, Verdict
from db.review.drafts import MAX_CHARACTERS

MAX_AHEAD: Final = 20
"""Most items given at once, and most that a browser can name as held."""
_MAX_ID: Final = 2_000
_MAX_PRESENTATION: Final = 8_000
MAX_MOMENT: Final = 4e12
_MAX_DURATION: Final = 10**10


def _whole_characters(value: object) -> object:
    return replace_lone_surrogates(value) if isinstance(value, str) else value


Text = Annotated[str, BeforeValidator(_whole_characters), Field(max_length=MAX_CHARACTERS)]
"""What a person typed: half of an emoji becomes U+FFFD, so that nothing around it is lost."""
Id = Annotated[str, Field(min_length=1, max_length=_MAX_ID)]
Token = Annotated[str, Field(min_length=1, max_length=_MAX_PRESENTATION)]
Milliseconds = Annotated[float, Field(ge=0, le=MAX_MOMENT)]
JudgementId = Annotated[str, Field(pattern="^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
"""A UUID in lower case, as ``crypto.randomUUID()`` makes it."""


class Sent(BaseModel):
    """What a caller sends: unknown fields are refused, so that none is lost silently."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SpanSent(Sent):
    """The characters from ``start`` to before ``end`` of a text, counted in Unicode code points."""

    text: SpanText
    start: Annotated[int, Field(ge=0, le=2**31 - 1)]
    end: Annotated[int, Field(ge=1, le=2**31 - 1)]


class JudgementSent(Sent):
    """What a reviewer chose and typed; the label picked comes first."""

    labels: Annotated[tuple[Text, ...], Field(max_length=MAX_LABELS)] = ()
    answer: Text | None = None
    note: Text = ""
    verdicts: Annotated[tuple[Verdict, ...], Field(max_length=10)] = ()
    severity: Severity | None = None
    confidence: Confidence | None = None
    span: SpanSent | None = None


class SaveSent(Sent):
    """One press of Save."""

    judgement_id: JudgementId
    """Made by the browser for this press: sent again, it is stored once."""
    presentation_id: Token
    item_id: Id
    item_version: int = 1
    """As on the card; what counts is what the presentation states."""
    replaces: Id | None = None
    """The reviewer's own annotation that this one replaces; None where there was none."""
    judgement: JudgementSent
    pressed_at: Milliseconds
    """The browser's time, in milliseconds since 1970."""
    seen_ms: Annotated[int, Field(ge=0, le=_MAX_DURATION)]
    """How long the item was in sight."""


class UndoSent(Sent):
    """Which press of Save to take back."""

    judgement_id: JudgementId
    item_id: Id


class SkipSent(Sent):
    """An item to postpone until nothing else is open."""

    item_id: Id
    pressed_at: Milliseconds | None = None


class FlagSent(Sent):
    """A flag set or taken off."""

    item_id: Id
    is_flagged: bool
    pressed_at: Milliseconds | None = None


class DraftFields(Sent):
    """What is picked and typed so far; a field left out keeps what it holds."""

    label: Text | None = None
    also: Annotated[tuple[Text, ...], Field(max_length=MAX_LABELS)] = ()
    note: Text = ""
    answer: Text | None = None
    verdicts: Annotated[tuple[Verdict, ...], Field(max_length=10)] = ()
    severity: Severity | None = None
    confidence: Confidence | None = None
    span: SpanSent | None = None


class DraftSent(Sent):
    """The draft of one presentation of an item; it replaces the one before, whole."""

    presentation_id: Token
    item_id: Id
    fields: DraftFields


class LeaveSent(Sent):
    """Items held ahead and not seen, which others may have now."""

    item_ids: Annotated[tuple[Id, ...], Field(max_length=MAX_AHEAD)]


class Opening(Sent):
    """When an item came into sight."""

    presentation_id: Token
    at: Milliseconds


class OpenedSent(Sent):
    """Items that came into sight since the last report."""

    opened: Annotated[tuple[Opening, ...], Field(max_length=100)]


class KeysSent(Sent):
    """The key of each command that a person wants; those left out get the default one."""

    keys: Annotated[dict[str, Annotated[str, Field(max_length=20)]], Field(max_length=50)]


class Keys(BaseModel):
    """The key of each command at a person's desk."""

    keys: dict[str, str]


class LabelButton(BaseModel):
    """One label of an item, with the keys that pick it."""

    label: str
    text: str
    """As it is shown: invisible characters as code points; plain text, to be escaped."""
    keys: list[str]
    short_text: str = ""
    """For a narrow place; the text where it is empty."""
    definition: str = ""
    """When the label applies; plain text, to be escaped."""


class Start(BaseModel):
    """What the form starts from: the reviewer's draft over their standing annotation."""

    label: str | None
    also: list[str]
    note: str
    answer: str | None
    verdicts: list[Verdict]
    severity: Severity | None
    confidence: Confidence | None
    span: SpanSent | None


class Details(BaseModel):
    """What the fields beyond label and note need."""

    answer: str | None
    """The model's answer, to correct and to mark; None where there is none, or it is hidden."""
    sentences: list[tuple[int, int]]
    """Where each sentence of the answer begins and ends, in Unicode code points."""


class Card(BaseModel):
    """One item as one reviewer may see it now; a blind one holds nothing that is hidden."""

    item_id: str
    item_version: int
    presentation_id: str
    """Signed; it survives a restart of the server."""
    phase: Phase
    replaces: str | None
    labels: list[LabelButton]
    is_several: bool = False
    """Whether several labels may be right: each is on or off, and none is picked first."""
    start: Start
    is_flagged: bool
    can_undo: bool
    """Whether the reviewer has a standing annotation on the item."""
    fragments: dict[str, str]
    """Escaped HTML by place: ``item``, ``guideline``, ``verdict``; where not blind ``answer``,
    ``reference`` and ``history``; and ``place``, the line on where the item is in the list."""
    details: Details
    floor_seconds: float
    held_until: float | None
    """Milliseconds since 1970 until which nobody else gets the item; None outside queues."""


class Progress(BaseModel):
    """How much of the work is done."""

    done: int
    total: int
    html: str


class Cards(BaseModel):
    """The next items."""

    cards: list[Card]
    progress: Progress
    end: str | None
    """HTML of the end of the list, where no card was given; what is at hand counts as done."""


class Day(BaseModel):
    """What a reviewer did since a moment, with links to what may come next."""

    html: str


class Neighbour(BaseModel):
    """The item before or after; None past an end."""

    item_id: str | None


class Stored(BaseModel):
    """A judgement that the store holds."""

    status: Literal["stored"] = "stored"
    judgement_id: str
    message: str
    reveal: Card | None
    """After a blind label: the same item with everything shown; None where it is still hidden."""
    progress: Progress
    is_fast: bool


class Undone(BaseModel):
    """A judgement that was taken back, and its item as it is now."""

    status: Literal["undone"] = "undone"
    message: str
    card: Card
    progress: Progress


class Done(BaseModel):
    """A small thing that the store holds."""

    status: Literal["stored"] = "stored"
    message: str = ""


class Standing(BaseModel):
    """What stands in the way of a save or an undo."""

    annotation_id: str | None
    labels: list[str]
    by: str
    at: str


class Problem(BaseModel):
    """Why a request was not carried out, and what to do next.

    ``conflict``: something newer stands. ``refused``: it will not be stored as it is. ``withheld``:
    a blind label comes first. ``unavailable``: the store failed; send the same again.
    """

    status: Literal[
        "unauthorised", "refused", "withheld", "conflict", "missing", "invalid", "unavailable"
    ]
    error: str
    standing: Standing | None = None
    queue_id: str | None = None


PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    code: {"model": Problem} for code in (400, 401, 403, 404, 408, 409, 413, 422, 503)
}
"""The answers that any route may give instead of its own."""
