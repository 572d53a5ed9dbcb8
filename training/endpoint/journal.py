"""What became of each item of an endpoint run, one line each, so that none is paid for twice."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from db.conversions import parse_json
from training.endpoint.replies import FINAL_FAULTS, FaultKind
from training.run.json_files import append_lines
from training.settings.endpoints import Endpoint


@dataclass(frozen=True)
class Outcome:
    """An answer, or why there is none.

    Attributes:
        answer: Thinking included; None where there is a fault.
        probabilities: Of the labels, from the tokens' log-probabilities; None without any.
        seconds: From the first attempt to the answer.
        attempts: How often it was sent.
    """

    item_id: str
    answer: str | None = None
    is_finished: bool = True
    probabilities: tuple[float, ...] | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    thinking_tokens: int = 0
    model: str = ""
    seconds: float = 0.0
    attempts: int = 1
    fault: FaultKind | None = None
    message: str = ""

    @property
    def is_final(self) -> bool:
        """Return whether a resumed run leaves the item as it is."""
        return self.fault is None or self.fault in FINAL_FAULTS


_ADAPTER: TypeAdapter[Outcome] = TypeAdapter(Outcome)


def append_outcome(path: Path, outcome: Outcome) -> None:
    """Append an outcome in one write. Raises OSError where the disk does not take it."""
    append_lines(path, [json.dumps(asdict(outcome))])


def read_outcomes(path: Path) -> dict[str, Outcome]:
    """Return the last outcome of each item; a torn line counts as not written."""
    found: dict[str, Outcome] = {}
    try:
        with path.open("rb") as lines:
            for line in lines:
                try:
                    outcome = _ADAPTER.validate_python(parse_json(line))
                except (ValueError, ValidationError):
                    continue
                found[outcome.item_id] = outcome
    except FileNotFoundError:
        pass
    return found


@dataclass(frozen=True)
class Usage:
    """What a run used.

    Attributes:
        num_answered: Items with an answer.
        num_uncounted: Of these, the ones whose tokens the endpoint did not count.
        prompt_tokens: Of all others together.
        completion_tokens: Likewise, thinking included.
    """

    num_answered: int = 0
    num_uncounted: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def plus(self, outcome: Outcome) -> Usage:
        """Return what was used with one more outcome."""
        if outcome.fault is not None:
            return self
        return Usage(
            self.num_answered + 1,
            self.num_uncounted + (outcome.completion_tokens is None),
            self.prompt_tokens + (outcome.prompt_tokens or 0),
            self.completion_tokens + (outcome.completion_tokens or 0),
        )

    def cost(self, endpoint: Endpoint) -> float | None:
        """Return the cost at list prices, None without; discounts on prompts are not known."""
        if endpoint.price_in is None and endpoint.price_out is None:
            return None
        price_in, price_out = endpoint.price_in or 0.0, endpoint.price_out or 0.0
        return (self.prompt_tokens * price_in + self.completion_tokens * price_out) / 1e6
