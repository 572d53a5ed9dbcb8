"""What an OpenAI-compatible interface sends back: an answer, or why there is none.

All of it comes from elsewhere and may hold anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from db.conversions import parse_json, replace_lone_surrogates

FaultKind = Literal["refused", "filtered", "empty", "malformed", "unavailable", "forbidden"]
"""``refused``: the request of this item is (too long, for example). ``filtered``: by a content
filter. ``empty``: an answer without text. ``malformed``: no chat completion. ``unavailable``: no
answer after all attempts. ``forbidden``: status 403."""
FINAL_FAULTS: Final[frozenset[FaultKind]] = frozenset({"refused", "filtered", "empty"})
"""Asked again, such an item would get the same: a resumed run leaves it."""

_MAX_MESSAGE: Final = 300
_FILTERS: Final = ("content_filter", "content filter", "content management policy", "moderation")


class ItemFault(Exception):  # noqa: N818 - it stops one item and is no error of the run
    """One item gets no answer.

    Attributes:
        kind: Why, in one word.
        message: Why, in a sentence.
    """

    def __init__(self, kind: FaultKind, message: str) -> None:
        super().__init__(message)
        self.kind, self.message = kind, message


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Choice(_Lenient):
    token: str
    logprob: float = Field(le=0.01)


class TokenChoices(_Choice):
    """A token of the answer, and the most probable ones in its place.

    Attributes:
        token: As text.
        logprob: Its log-probability in nats.
        top_logprobs: The most probable tokens there, this one among them as a rule.
    """

    top_logprobs: tuple[_Choice, ...] = ()


class _Logprobs(_Lenient):
    content: tuple[TokenChoices, ...] | None = None


class _Message(_Lenient):
    content: str | list[dict[str, Any]] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None

    def text(self, *kinds: str) -> str:
        """Return the texts of the parts of some kinds; a plain text is one part of kind text."""
        if isinstance(self.content, list):
            parts = (part.get(part["type"]) for part in self.content if part.get("type") in kinds)
            return "\n".join(part for part in parts if isinstance(part, str))
        return (self.content or "") if "text" in kinds else ""


class _FirstChoice(_Lenient):
    message: _Message
    finish_reason: str | None = None
    logprobs: _Logprobs | None = None


class _Details(_Lenient):
    reasoning_tokens: int | None = Field(None, ge=0, lt=2**31)


class _Usage(_Lenient):
    prompt_tokens: int | None = Field(None, ge=0, lt=2**31)
    completion_tokens: int | None = Field(None, ge=0, lt=2**31)
    completion_tokens_details: _Details | None = None


class _Completion(_Lenient):
    choices: list[_FirstChoice] = Field(min_length=1)
    usage: _Usage | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of an endpoint.

    Attributes:
        text: The answer without its thinking.
        thinking: Empty where the model does not think, or does not show it.
        is_finished: False where the length limit cut it off.
        prompt_tokens: As the endpoint counts them; None where it does not.
        completion_tokens: Likewise, thinking included.
        thinking_tokens: Of these, where the endpoint says so.
        model: Which model answered, in the endpoint's words.
        tokens: The tokens of ``text`` with log-probabilities; empty without.
    """

    text: str
    thinking: str
    is_finished: bool
    prompt_tokens: int | None
    completion_tokens: int | None
    thinking_tokens: int
    model: str
    tokens: tuple[TokenChoices, ...] = ()

    @property
    def whole(self) -> str:
        """Return the answer with its thinking before it, as models write it themselves."""
        if not self.thinking:
            return self.text
        closed = f"\n</think>\n\n{self.text}" if self.text else ""
        return f"<think>\n{self.thinking}{closed}"


def read_reply(body: bytes) -> Reply:
    """Read the body of an answer with status 200.

    Raises:
        ItemFault: It is no chat completion, was filtered, or has no text.
    """
    try:
        read = _Completion.model_validate(parse_json(body))
    except (ValueError, ValidationError) as error:
        raise ItemFault(
            "malformed", f"The endpoint's answer is no chat completion: {one_line(str(error))}"
        ) from error
    first, usage = read.choices[0], read.usage or _Usage()
    message = first.message
    text = message.text("text") or message.refusal or ""
    thinking = message.reasoning_content or message.reasoning or message.text("thinking")
    if first.finish_reason == "content_filter":
        raise ItemFault("filtered", "The answer was withheld by the endpoint's content filter.")
    if not text.strip() and not thinking.strip():
        raise ItemFault(
            "empty", f"The answer has no text (finish_reason {ascii(first.finish_reason)[:40]})."
        )
    details = usage.completion_tokens_details or _Details()
    return Reply(
        _storable(text),
        _storable(thinking).strip(),
        first.finish_reason != "length" and bool(text.strip()),
        usage.prompt_tokens,
        usage.completion_tokens,
        details.reasoning_tokens or 0,
        _storable(read.model or "")[:200],
        (first.logprobs.content or ()) if first.logprobs else (),
    )


def read_refusal(body: bytes) -> tuple[str, bool]:
    """Return what an answer with an error status says, and whether a content filter refused."""
    text = body[:10_000].decode(errors="replace")
    try:
        said = parse_json(body)
        error = said.get("error", said) if isinstance(said, dict) else said
        text = str(error.get("message") or error) if isinstance(error, dict) else str(error)
    except ValueError:
        said = text
    whole = str(said).lower()
    return one_line(text), any(word in whole for word in _FILTERS)


def one_line(text: str) -> str:
    """Return a foreign text as one short line."""
    line = " ".join(_storable(text).split())
    return line if len(line) <= _MAX_MESSAGE else f"{line[:_MAX_MESSAGE].rstrip()} …"


def _storable(text: str) -> str:
    return replace_lone_surrogates(text).replace("\0", "\ufffd")
