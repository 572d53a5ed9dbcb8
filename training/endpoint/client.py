"""Asking an endpoint: one request at a time, with retries, and errors that say what to do.

The key is sent to the address of the settings and nowhere else: redirects are not followed.
"""

from __future__ import annotations

import asyncio
import ipaddress
import math
import os
import random
import socket
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from eci.questions.prompts import Message
from training.endpoint.replies import ItemFault, Reply, one_line, read_refusal, read_reply
from training.errors import EndpointError
from training.settings.endpoints import CHAT_ROUTE, Endpoint, EndpointSettings

MAX_REPLY_BYTES: Final = 8 * 2**20
_TOP_LOGPROBS: Final = 20
_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 60.0
_LONGEST_RETRY_AFTER: Final = 600.0
_CONNECT_SECONDS: Final = 10.0
_AGAIN: Final = frozenset({408, 409, 425, 429})
_PROBE_TOKENS: Final = 16
_PROBE_ATTEMPTS: Final = 2
_PROBE_SECONDS: Final = 30.0
"""For an attempt, and for a pause that the endpoint asks for: a person waits for it."""


class Cut(Exception):  # noqa: N818 - no error: the run was asked to stop during a pause
    """The run is to stop, and this item has not been answered."""


class _Busy(Exception):  # noqa: N818 - it leads to another attempt
    def __init__(self, why: str, after: float | None = None) -> None:
        super().__init__(why)
        self.why, self.after = why, after


def read_key(endpoint: Endpoint) -> str | None:
    """Return the key from the environment; None where the endpoint needs none.

    Raises:
        EndpointError: The variable is not set, or the key would be sent unencrypted over a public
            network.
    """
    if not endpoint.key_variable:
        return None
    key = os.environ.get(endpoint.key_variable, "").strip()
    if not key or not key.isascii() or not key.isprintable():
        state = "holds what no header can" if key else "is not set"
        raise EndpointError(
            f"The environment variable {endpoint.key_variable}, which has the key of "
            f"{endpoint.url}, {state} in this process. Set it and start this program again; the "
            "key is stored nowhere."
        )
    parts = urlsplit(endpoint.url)
    if parts.scheme == "http" and not _is_private(str(parts.hostname)):
        raise EndpointError(
            f"{endpoint.url} is not encrypted and on no private network, so the key would be "
            "readable on its way. Use https, or leave out the key."
        )
    return key


def _is_private(host: str) -> bool:
    """Return whether every address of a host is of this machine or of a private network."""
    try:
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, None)}
    except OSError:
        return False
    return all(ipaddress.ip_address(one.partition("%")[0]).is_private for one in found)


class EndpointClient:
    """Asks one model; several conversations may be asked at the same time.

    Args:
        settings: Address, model and fields of the requests.
        key: As ``read_key`` gives it.
        stopping: Set when the run is to stop: no pause is waited for any longer.
        http: Sends the requests; it must not follow redirects.
    """

    def __init__(
        self,
        settings: EndpointSettings,
        key: str | None,
        stopping: asyncio.Event,
        http: httpx.AsyncClient,
    ) -> None:
        self._settings, self._endpoint = settings, settings.model
        self._key, self._stopping, self._http = key, stopping, http
        self._closed_until = 0.0

    async def ask(self, messages: Sequence[Message]) -> tuple[Reply, int]:
        """Return the answer to a conversation, and at which attempt it came.

        Raises:
            ItemFault: There is none, for a reason that is this item's own.
            EndpointError: No item would get one.
            Cut: The run is to stop.
        """
        request = self._request(messages)
        return await self._ask(request, self._endpoint.attempts, _LONGEST_RETRY_AFTER)

    async def probe(self) -> None:
        """Ask for a few tokens, to find out whether the endpoint takes such requests at all.

        Raises:
            EndpointError: It does not, or cannot be reached.
        """
        request = self._request([{"role": "user", "content": "Reply with the word ready."}])
        if "max_tokens" in request:
            request["max_tokens"] = min(request["max_tokens"], _PROBE_TOKENS)
        try:
            await self._ask(request, _PROBE_ATTEMPTS, _PROBE_SECONDS)
        except ItemFault as fault:
            if fault.kind in ("empty", "filtered"):
                return  # it answers; thinking alone may have used up the few tokens
            hint = (
                " Where it names a field, leave that out with --omit or set another with --body."
                if fault.kind == "refused"
                else ""
            )
            raise EndpointError(f"{self._name} cannot be used: {fault.message}{hint}") from fault

    @property
    def _name(self) -> str:
        return f"Model {self._endpoint.base!r} at {self._endpoint.url}"

    def _request(self, messages: Sequence[Message]) -> dict[str, Any]:
        endpoint = self._endpoint
        fields: dict[str, Any] = {
            "temperature": endpoint.temperature,
            "seed": self._settings.seed,
            "max_tokens": self._settings.max_new_tokens,
        }
        sent = {name: value for name, value in fields.items() if name not in endpoint.omit}
        if endpoint.logprobs:
            sent |= {"logprobs": True, "top_logprobs": _TOP_LOGPROBS}
        return {**sent, **endpoint.body, "model": endpoint.base, "messages": list(messages)}

    async def _ask(
        self, request: dict[str, Any], attempts: int, patience: float
    ) -> tuple[Reply, int]:
        why = ""
        for attempt in range(1, attempts + 1):
            await self._pause(self._closed_until - time.monotonic())
            try:
                return await self._send(request), attempt
            except _Busy as busy:
                why = busy.why
                if attempt == attempts or (busy.after or 0) > patience:
                    break
                if busy.after is not None:  # for all requests, not this one alone
                    self._closed_until = time.monotonic() + busy.after
                grown = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** (attempt - 1))
                await self._pause(max(busy.after or 0.0, grown * random.uniform(0.5, 1.0)))  # noqa: S311
        raise ItemFault("unavailable", f"{why} ({attempt} attempts)")

    async def _pause(self, seconds: float) -> None:
        if seconds > 0:
            try:
                await asyncio.wait_for(self._stopping.wait(), seconds)
            except TimeoutError:
                return
        if self._stopping.is_set():
            raise Cut

    async def _send(self, request: dict[str, Any]) -> Reply:
        try:
            async with (
                asyncio.timeout(self._endpoint.timeout_seconds),
                self._http.stream(
                    "POST", f"{self._endpoint.url}{CHAT_ROUTE}", json=request
                ) as answer,
            ):
                body = await _read(answer)
        except TimeoutError as error:
            limit = f"{self._endpoint.timeout_seconds:g} s"
            raise _Busy(f"The endpoint did not answer within {limit}.") from error
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError) as error:
            raise EndpointError(f"{self._endpoint.url} is no address: {error}.") from error
        except httpx.HTTPError as error:
            said = one_line(str(error)) or type(error).__name__
            raise _Busy(f"The endpoint could not be reached: {self._hidden(said)}.") from error
        return self._judge(answer, body)

    def _judge(self, answer: httpx.Response, body: bytes) -> Reply:
        """Return the answer that a response holds, or raise what its status means."""
        status = answer.status_code
        if status == 200:
            return read_reply(body)
        said, is_filtered = read_refusal(body)
        said = self._hidden(f"Status {status}: {said}")
        if status in _AGAIN or status >= 500:
            if "insufficient_quota" in body[:10_000].decode(errors="replace"):
                raise EndpointError(f"{self._name} is not paid for any more. {said}")
            raise _Busy(said, _retry_after(answer))
        if status in (401, 402, 404, 405) or 300 <= status < 400 or status < 200:
            raise EndpointError(f"{self._name} cannot be used. {said} {self._hint(answer)}")
        if is_filtered:
            raise ItemFault("filtered", said)
        raise ItemFault("forbidden" if status == 403 else "refused", said)

    def _hint(self, answer: httpx.Response) -> str:
        if answer.is_redirect:
            target = one_line(answer.headers.get("location", "nowhere"))
            return f"It redirects to {self._hidden(target)}: name that address, if you trust it."
        if answer.status_code == 401:
            named = self._endpoint.key_variable
            source = f"the key in {named}" if named else "no key was sent: name its variable"
            return f"Check the key ({source})."
        if answer.status_code == 402:
            return "Its credit is used up."
        return f"Check address (it ends before {CHAT_ROUTE}) and name of the model."

    def _hidden(self, text: str) -> str:
        """Return a text without the key, which some servers repeat."""
        return text.replace(self._key, "[key]") if self._key else text


@asynccontextmanager
async def opened_client(
    settings: EndpointSettings, stopping: asyncio.Event
) -> AsyncIterator[EndpointClient]:
    """Yield a client with its connections.

    Raises:
        EndpointError: The key is missing.
    """
    endpoint = settings.model
    key = read_key(endpoint)
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    limits = httpx.Limits(max_connections=endpoint.concurrency)
    timeout = httpx.Timeout(endpoint.timeout_seconds, connect=_CONNECT_SECONDS, pool=None)
    async with httpx.AsyncClient(
        headers=headers, limits=limits, timeout=timeout, follow_redirects=False
    ) as http:
        yield EndpointClient(settings, key, stopping, http)


def check_endpoint(settings: EndpointSettings) -> None:
    """Ask the endpoint for a few tokens before anything is written.

    Raises:
        EndpointError: Address, key, model or fields of the requests are refused.
    """

    seconds = min(settings.model.timeout_seconds, _PROBE_SECONDS)
    model = settings.model.model_copy(update={"timeout_seconds": seconds})
    quick = settings.model_copy(update={"model": model})

    async def probe() -> None:
        async with opened_client(quick, asyncio.Event()) as client:
            await client.probe()

    asyncio.run(probe())


async def _read(answer: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in answer.aiter_bytes():
        body += chunk
        if len(body) > MAX_REPLY_BYTES:
            raise ItemFault("malformed", f"The answer has more than {MAX_REPLY_BYTES:,} bytes.")
    return bytes(body)


def _retry_after(answer: httpx.Response) -> float | None:
    """Return how many seconds to wait: HTTP allows seconds or a date (RFC 9110, 10.2.3)."""
    text = answer.headers.get("retry-after", "").strip()
    try:
        seconds = float(text)
    except ValueError:
        try:
            moment = parsedate_to_datetime(text)
        except ValueError:
            return None
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        seconds = (aware - datetime.now(UTC)).total_seconds()
    return max(0.0, seconds) if math.isfinite(seconds) else None
