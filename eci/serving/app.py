"""The HTTP interface: categories of questions, judgements of answers, and replies of the model."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Literal

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi_offline import FastAPIOffline
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool

from eci.errors import EciError
from eci.model.artifact import INFO_FILE
from eci.questions.json_lines import MAX_LINE_BYTES
from eci.questions.prompts import Message
from eci.serving.collector import BusyError, Collector
from eci.stream import Outcome, classify_lines, result_fields

if TYPE_CHECKING:
    from eci.model.eci_model import EciModel, Reply, ReplyToken

MAX_BODY_BYTES: Final = 8 * MAX_LINE_BYTES
MAX_READING_BYTES: Final = 16 * MAX_BODY_BYTES
"""Of all bodies that are being read; what was read is bounded by how many questions may wait."""
JSON_LINES: Final = "application/x-ndjson"
_OPEN: Final = ("/healthz", "/docs", "/openapi.json", "/static-offline-docs/")
"""Answered without a token: none of it says anything of the model's texts."""
_QUESTION: Final = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "example": {
                    "id": 1,
                    "question": "Does honey relieve cough?",
                    "context": "Cough scores fell by 4 points with honey and by 2 with placebo.",
                    "label_set": "pubmedqa",
                }
            },
            JSON_LINES: {"schema": {"type": "string"}},
        },
    }
}


_CONVERSATION: Final = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "example": {"messages": [{"role": "user", "content": "Does honey relieve cough?"}]}
            }
        },
    }
}


@dataclass(frozen=True)
class Version:
    """Which model answers.

    Attributes:
        name: Of the artifact's run, with the beginning of its digest; else of the base model.
        base: Name of the base model.
        digest: SHA-256 of the artifact's description, which names those of its files; or empty.
    """

    name: str
    base: str
    digest: str = ""

    @classmethod
    def of(cls, base: str, artifact: Path | None) -> Version:
        """Return the version of a base model, alone or with an artifact."""
        if artifact is None:
            return cls(base, base)
        digest = hashlib.sha256((artifact / INFO_FILE).read_bytes()).hexdigest()
        folder = artifact.resolve()
        run = folder.parent.name if folder.name == "artifact" else folder.name
        return cls(f"{run}@{digest[:12]}", base, digest)


@dataclass(frozen=True)
class Limits:
    """What one server takes on.

    Attributes:
        batch_size: Questions prefilled together.
        most_together: Questions gathered for one computation; similar lengths are put together.
        most_waiting: Questions that may wait; more is refused with status 429.
        wait_seconds: How long the first question waits for others.
        max_new_tokens: Longest reply of a conversation.
    """

    batch_size: int = 8
    most_together: int = 32
    most_waiting: int = 512
    wait_seconds: float = 0.004
    max_new_tokens: int = 512


class _Turn(BaseModel):
    model_config = ConfigDict(extra="ignore")

    role: Literal["system", "user", "assistant"]
    content: str


class ChatRequest(BaseModel):
    """The fields of an OpenAI chat request that matter here; others are ignored."""

    model_config = ConfigDict(extra="ignore")

    model: str = ""
    messages: list[_Turn] = Field(min_length=1, max_length=200)
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    temperature: float | None = Field(None, ge=0)
    stream: bool = False
    logprobs: bool = False
    top_logprobs: int = Field(0, ge=0, le=20)


_Asked = tuple[Sequence[Message], int, int | None]
"""A conversation, the longest reply, and how many alternatives of each token are wanted."""


class _Metrics:
    """What `/metrics` shows; each server has its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "eci_requests", "Requests answered.", ("route", "status"), registry=self.registry
        )
        self.seconds = Histogram(
            "eci_request_seconds", "From request to answer.", ("route",), registry=self.registry
        )
        self.questions = Counter("eci_questions", "Questions computed.", registry=self.registry)
        self.together = Histogram(
            "eci_questions_together",
            "Questions computed at once.",
            buckets=(1, 2, 4, 8, 16, 32, 64, 128),
            registry=self.registry,
        )
        self.waiting = Gauge("eci_questions_waiting", "Questions waiting.", registry=self.registry)


class Service:
    """One model and the two queues before it: questions in batches, conversations one by one."""

    def __init__(self, model: EciModel, limits: Limits) -> None:
        self._model, self._limits = model, limits
        self._lock = Lock()
        self.num_bytes_reading = 0
        self.metrics = _Metrics()
        self.questions: Collector[bytes, Outcome] = Collector(
            self._classify,
            most_together=limits.most_together,
            most_waiting=limits.most_waiting,
            wait_seconds=limits.wait_seconds,
        )
        self.chats: Collector[_Asked, Reply | EciError] = Collector(
            self._reply, most_together=1, most_waiting=limits.most_waiting, wait_seconds=0.0
        )
        self.metrics.waiting.set_function(lambda: self.questions.num_waiting)

    @property
    def is_working(self) -> bool:
        """Return whether both queues are answered."""
        return self.questions.is_working and self.chats.is_working

    def close(self) -> None:
        """Compute what waits, and nothing more."""
        self.questions.close()
        self.chats.close()

    def _classify(self, lines: list[bytes]) -> list[Outcome]:
        self.metrics.together.observe(len(lines))
        self.metrics.questions.inc(len(lines))
        with self._lock:
            [outcomes] = classify_lines(
                self._model,
                enumerate(lines, 1),
                batch_size=self._limits.batch_size,
                chunk_size=len(lines),
            )
        return outcomes

    def _reply(self, asked: list[_Asked]) -> list[Reply | EciError]:
        [one] = asked
        with self._lock:
            try:
                return [self._model.reply(*one)]
            except EciError as error:
                return [error]


def create_app(
    model: EciModel, version: Version, *, token: str | None = None, limits: Limits | None = None
) -> FastAPI:
    """Return the application that serves a model.

    Args:
        version: Which model it is; each answer names it.
        token: Required of every request but `/healthz`; None: of none.
    """
    bounds = limits or Limits()
    service = Service(model, bounds)
    # Its page of the routes loads nothing from a foreign host.
    app = FastAPIOffline(
        title="ECI", version=version.name, lifespan=_closing(service), redoc_url=None
    )
    app.state.service = service

    @app.middleware("http")
    async def _admit(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        begun = time.perf_counter()
        is_open = request.url.path.startswith(_OPEN)
        if token is not None and not is_open and not _has(request, token):
            answer: Response = _refusal(401, "Send the header 'Authorization: Bearer TOKEN'.")
        else:
            answer = await call_next(request)
        route = getattr(request.scope.get("route"), "path", "other")
        service.metrics.requests.labels(route, answer.status_code).inc()
        service.metrics.seconds.labels(route).observe(time.perf_counter() - begun)
        return answer

    @app.exception_handler(HTTPException)
    async def _explain(_: Request, error: HTTPException) -> Response:
        headers = {"Retry-After": "1"} if error.status_code == 429 else None
        return _refusal(error.status_code, error.detail, headers)

    @app.post("/v1/classify", openapi_extra=_QUESTION)
    async def classify(request: Request) -> Response:
        """Return the category of a question, or of each line of JSON lines.

        The fields are those of `python -m eci classify`. With `answer`, what a model wrote is
        judged too. A line that cannot be classified has an `error` and stops no other.
        """
        return await _answer(request, service, version, needs_answer=False)

    @app.post("/v1/judge", openapi_extra=_QUESTION)
    async def judge(request: Request) -> Response:
        """Return what an answer says, and how probable the head finds that.

        As `/v1/classify`, where `answer` is required.
        """
        return await _answer(request, service, version, needs_answer=True)

    @app.post("/v1/chat/completions", openapi_extra=_CONVERSATION)
    async def chat(request: Request) -> Response:
        """Return the model's next turn of a conversation, as OpenAI's interface gives it."""
        asked = _parse_chat(await _read(request, service))
        if asked.stream or asked.temperature:
            raise HTTPException(
                422, "Replies are whole and greedy here: leave out stream and temperature."
            )
        wanted = asked.max_completion_tokens or asked.max_tokens or bounds.max_new_tokens
        messages: list[Message] = [{"role": m.role, "content": m.content} for m in asked.messages]
        limit = min(wanted, bounds.max_new_tokens)
        alternatives = asked.top_logprobs if asked.logprobs else None
        [reply] = await _result(service.chats, [(messages, limit, alternatives)])
        if isinstance(reply, EciError):
            raise HTTPException(422, str(reply))
        return _json(_completion(reply, version))

    @app.get("/healthz")
    async def healthz() -> Response:
        """Return whether requests are answered, and by which model."""
        is_working = service.is_working
        content = {"status": "ok" if is_working else "stopping", **asdict(version)}
        return _json(content, 200 if is_working else 503)

    @app.get("/metrics")
    async def metrics() -> Response:
        """Return counts and durations in the format of Prometheus."""
        return Response(generate_latest(service.metrics.registry), media_type="text/plain")

    return app


def _closing(service: Service) -> Callable[[FastAPI], Any]:
    @asynccontextmanager
    async def closing(_: FastAPI) -> AsyncIterator[None]:
        yield
        await run_in_threadpool(service.close)

    return closing


def _has(request: Request, token: str) -> bool:
    given = request.headers.get("authorization", "")
    return hmac.compare_digest(given.encode(), f"Bearer {token}".encode())


def _json(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    # Escaped to ASCII: what is carried along may hold half of a surrogate pair.
    return Response(json.dumps(content), status, headers, "application/json")


def _refusal(status: int, why: str, headers: dict[str, str] | None = None) -> Response:
    return _json({"error": why}, status, headers)


async def _read(request: Request, service: Service) -> bytes:
    """Read the body, and no more of it than is allowed, of it alone and of all together."""
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            service.num_bytes_reading += len(chunk)
            if len(body) > MAX_BODY_BYTES:
                raise HTTPException(
                    413, f"The body is longer than {MAX_BODY_BYTES:,} bytes. Send fewer questions."
                )
            if service.num_bytes_reading > MAX_READING_BYTES:
                raise HTTPException(429, "Too much is being sent at once. Send it in a moment.")
        return bytes(body)
    finally:
        service.num_bytes_reading -= len(body)


async def _result(collector: Collector[Any, Any], asked: Sequence[Any]) -> list[Any]:
    if len(asked) > collector.most_waiting:
        raise HTTPException(
            413, f"{len(asked)} questions were sent; at most {collector.most_waiting} at once."
        )
    try:
        return await asyncio.wrap_future(collector.submit(asked))
    except BusyError as error:
        raise HTTPException(429, str(error)) from error


async def _answer(
    request: Request, service: Service, version: Version, *, needs_answer: bool
) -> Response:
    body = await _read(request, service)
    is_lines = request.headers.get("content-type", "").partition(";")[0].strip() == JSON_LINES
    lines = [line for line in body.splitlines() if line.strip()] if is_lines else [body]
    outcomes: list[Outcome] = await _result(service.questions, lines) if lines else []
    fields = [
        {**_fields(outcome, number, needs_answer), "model": version.name}
        for number, outcome in enumerate(outcomes, 1)
    ]
    if is_lines:
        return Response("".join(f"{json.dumps(one)}\n" for one in fields), media_type=JSON_LINES)
    return _json(fields[0], 422 if "error" in fields[0] else 200)


def _fields(outcome: Outcome, number: int, needs_answer: bool) -> dict[str, Any]:
    """Return what became of a question as the fields of its answer; ``number`` is its line."""
    fault, record = outcome.fault, outcome.record
    if needs_answer and not fault and record is not None and record.answer is None:
        fault = "answer is missing; expected what a model wrote, a text"
    if not fault:
        return result_fields(outcome)
    known = {} if record is None else {"id": record.record_id}
    return {**known, "line": number, "error": fault}


def _parse_chat(body: bytes) -> ChatRequest:
    try:
        return ChatRequest.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the body"
        raise HTTPException(422, f"{where}: {first['msg']}") from error


def _completion(reply: Reply, version: Version) -> dict[str, Any]:
    return {
        "object": "chat.completion",
        "created": int(time.time()),
        "model": version.name,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": reply.text},
                "finish_reason": "stop" if reply.is_finished else "length",
                "logprobs": {"content": [_token(token) for token in reply.tokens]}
                if reply.tokens
                else None,
            }
        ],
        "usage": {
            "prompt_tokens": reply.prompt_tokens,
            "completion_tokens": reply.num_tokens,
            "total_tokens": reply.prompt_tokens + reply.num_tokens,
        },
    }


def _token(token: ReplyToken) -> dict[str, Any]:
    best = [{"token": text, "logprob": value} for text, value in token.most_probable]
    return {"token": token.text, "logprob": token.log_probability, "top_logprobs": best}
