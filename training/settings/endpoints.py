"""Settings of models behind an OpenAI-compatible interface: ``endpoints.toml``, the command line.

A key is never among them, only the name of the environment variable that has it.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from db.paths import endpoints_path
from training.errors import SettingsError
from training.settings.toml_files import read_toml
from training.settings.training import Frozen, parse_as

CHAT_ROUTE: Final = "/chat/completions"
SECONDS_TO_FINISH: Final = 60.0
"""How long a run that is stopped waits for the answers under way, which are paid for."""
_RESERVED: Final = ("model", "messages", "stream", "n", "logprobs", "top_logprobs")
_MAX_BODY: Final = 10_000
Omitted = Literal["temperature", "seed", "max_tokens"]
VARIABLE: Final = r"^([A-Za-z_][A-Za-z0-9_]*)?$"


def _checked_url(text: str) -> str:
    parts = urlsplit(text.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("expected https://HOST/v1, the address before /chat/completions")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError(
            "an address has no user, password, query or fragment here: they would be stored. The "
            "key comes from an environment variable"
        )
    return text.strip().rstrip("/").removesuffix(CHAT_ROUTE)


def _checked_body(fields: dict[str, Any]) -> dict[str, Any]:
    reserved = [name for name in _RESERVED if name in fields]
    if reserved:
        raise ValueError(
            f"{', '.join(reserved)} cannot be set: one whole answer is asked for at a time"
        )
    try:
        size = len(json.dumps(fields, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise ValueError("expected what JSON can hold: texts, numbers, lists, tables") from error
    if size > _MAX_BODY:
        raise ValueError(f"at most {_MAX_BODY:,} characters of JSON are allowed")
    return fields


class Endpoint(Frozen):
    """A model behind an OpenAI-compatible interface."""

    base: str = Field(min_length=1, max_length=200, description="name of the model there")
    url: Annotated[str, AfterValidator(_checked_url)] = Field(
        description="address before /chat/completions, such as https://HOST/v1"
    )
    key_variable: str = Field(
        "", pattern=VARIABLE, description="environment variable with the key; empty: no key"
    )
    temperature: float = Field(0.0, ge=0, le=2)
    logprobs: bool = Field(
        False, description="ask for log-probabilities: those of the labels become probabilities"
    )
    body: Annotated[dict[str, Any], AfterValidator(_checked_body)] = Field(
        {}, description="further fields of every request"
    )
    omit: tuple[Omitted, ...] = Field((), description="fields that this model refuses")
    concurrency: int = Field(4, ge=1, le=256, description="requests at a time")
    attempts: int = Field(6, ge=1, le=20, description="of one item, with growing pauses")
    timeout_seconds: float = Field(120.0, ge=1, le=3600, description="longest wait for an answer")
    price_in: float | None = Field(None, ge=0, le=1e6, description="of a million prompt tokens")
    price_out: float | None = Field(None, ge=0, le=1e6, description="of a million answer tokens")
    currency: str = Field("USD", pattern=r"^[A-Z]{3}$", description="of the prices")


class EndpointSettings(Frozen):
    """A run in which a model behind an endpoint answers items; nothing is trained."""

    model: Endpoint
    split: Literal["all", "test"] = Field("all", description="which items are asked")
    shots: int = Field(0, ge=0, le=20, description="shots in every prompt")
    exemplars: Literal["random", "balanced", "nearest"] = Field(
        "balanced", description="how the shots used in all prompts are chosen"
    )
    exemplar_context_words: int = Field(60, ge=0, le=100_000)
    max_context_words: int | None = Field(
        None, ge=0, le=10_000_000, description="words of context in a prompt; none: all"
    )
    max_new_tokens: int = Field(1024, ge=1, le=1_000_000, description="longest answer")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="draws the shots; sent with each request")


def list_endpoints() -> dict[str, Endpoint]:
    """Return the endpoints that are set up here, by name.

    Only these can be chosen in the app: a free choice of address and variable would hand any
    secret of the server's environment to any address.

    Raises:
        SettingsError: The file cannot be read or holds a value that is not allowed.
    """
    path = endpoints_path()
    try:
        tables = read_toml(path)
    except FileNotFoundError:
        return {}
    found: dict[str, Endpoint] = {}
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise SettingsError(
                f"Settings file {path} holds {name}, which is no table. Write one table for each "
                "endpoint: [NAME] with url, model and key_variable."
            )
        fields = {"base" if key == "model" else key: value for key, value in table.items()}
        found[name] = parse_as(Endpoint, fields, f"[{name}] of {path}")
    return found


def get_endpoint(name: str) -> Endpoint:
    """Return an endpoint that is set up here.

    Raises:
        SettingsError: There is none of that name, or the file cannot be used.
    """
    known = list_endpoints()
    if name not in known:
        raise SettingsError(
            f"Endpoint {name!r} is neither an address (https://HOST/v1) nor one of those in "
            f"{endpoints_path()}: {', '.join(known) or 'none'}. Correct it, or set it up there."
        )
    return known[name]
