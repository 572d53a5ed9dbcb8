"""How fast is `python -m eci serve`, compared with `classify` in batches, and what does it refuse?

    python benchmarks/serving.py

The bundled model; PubMedQA's test items, one a request, from 1, 8 and 32 clients that ask again as
soon as they are answered. The peer classifies the same items in batches of 8; the two take turns.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
from history import Measured
from measuring import make_parser, record

from db.importers.pubmedqa import parse_pubmedqa

CLIENTS = (1, 8, 32)
HEADERS = {"Content-Type": "application/json"}
PEER = """
import json, sys, time
from pathlib import Path
from db.paths import models_dir
from eci.model.base_model import DEFAULT_BASE
from eci.model.eci_model import EciModel
from eci.questions.json_lines import parse_record
model = EciModel.load(DEFAULT_BASE, models_dir())
lines = sys.stdin.buffer.read().splitlines()
questions = [parse_record(line, model.label_sets).question for line in lines]
model.classify(questions[:16])
begun = time.perf_counter()
model.classify(questions)
print(time.perf_counter() - begun)
"""


def main() -> None:
    """Measure all rounds and record the figures."""
    parser = make_parser(__doc__, wants_data=True)
    parser.add_argument("--items", type=int, default=96, help="requests of a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--hostile", type=int, default=10_000, help="hostile bodies")
    options = parser.parse_args()
    questions = load_questions(options.data, options.items)
    peer: list[float] = []
    rates: dict[int, list[float]] = {clients: [] for clients in CLIENTS}
    waits: dict[int, list[float]] = {clients: [] for clients in CLIENTS}
    for _ in range(options.rounds):
        peer.append(len(questions) / classify(questions))
        with serving() as (url, _):
            asyncio.run(ask(url, questions[:16], 8))
            for clients in CLIENTS:
                seconds, each = asyncio.run(ask(url, questions, clients))
                rates[clients].append(len(questions) / seconds)
                waits[clients] += each
    batched = statistics.median(peer)
    what = "classify, batches of 8, no server"
    figures = [Measured(what, "items a second", batched, "", len(peer))]
    for clients in CLIENTS:
        rate = statistics.median(rates[clients])
        title = f"serve, {clients} clients"
        at_least = 0.9 if clients == CLIENTS[-1] else None
        figures += [
            Measured(title, "items a second", rate, "", options.rounds),
            Measured(title, "beside classify", rate / batched, "x", at_least=at_least),
            *(
                Measured(title, f"p{q}", 1000 * float(np.percentile(waits[clients], q)), "ms")
                for q in (50, 95)
            ),
        ]
    record(__file__, [*figures, *refuse(options.hostile, questions)], options)


def load_questions(data: Path, count: int) -> list[dict[str, Any]]:
    """Return items of the official test split as the fields of requests."""
    items = parse_pubmedqa(data / "pubmedqa" / "ori_pqal.json").items
    test = [item for item in items if item.split == "test"][:count]
    return [
        {
            "id": item.item_id,
            "question": item.question,
            "context": [{"heading": s.heading, "text": s.text} for s in item.context],
            "label_set": "pubmedqa",
        }
        for item in test
    ]


def classify(questions: list[dict[str, Any]]) -> float:
    """Return how many seconds a process needs to classify them in batches."""
    lines = "".join(json.dumps(question) + "\n" for question in questions)
    output = subprocess.check_output([sys.executable, "-c", PEER], input=lines, text=True)
    return float(output.split()[-1])


@contextmanager
def serving(*arguments: str) -> Iterator[tuple[str, psutil.Process]]:
    """Start the command on a free port, and stop it after the block."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    command = [sys.executable, "-m", "eci", "serve", "--port", str(port), *arguments]
    environment = {name: text for name, text in os.environ.items() if name != "ECI_TOKEN"}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        while True:
            try:
                httpx.get(f"{url}/healthz").raise_for_status()
                break
            except httpx.TransportError:
                time.sleep(0.2)
        yield url, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(60)


async def ask(url: str, questions: list[dict[str, Any]], clients: int) -> tuple[float, list[float]]:
    """Send each question once, so many at a time; return all seconds, and those of each."""
    left = iter([json.dumps(question).encode() for question in questions])
    each: list[float] = []

    async def one_client(client: httpx.AsyncClient) -> None:
        for body in left:
            begun = time.perf_counter()
            answer = await client.post(f"{url}/v1/classify", content=body, headers=HEADERS)
            answer.raise_for_status()
            each.append(time.perf_counter() - begun)

    async with httpx.AsyncClient(timeout=300, limits=httpx.Limits(max_connections=64)) as client:
        begun = time.perf_counter()
        await asyncio.gather(*(one_client(client) for _ in range(clients)))
        return time.perf_counter() - begun, each


def refuse(count: int, questions: list[dict[str, Any]]) -> list[Measured]:
    """Send hostile bodies to every route and count what is not a clear answer."""
    rng = random.Random(0)  # noqa: S311
    routes = ("/v1/classify", "/v1/judge", "/v1/chat/completions")
    kinds = ("application/json", "application/x-ndjson", "text/plain", "")
    raw, slowest = 0, 0.0
    with serving() as (url, process), httpx.Client(timeout=120) as client:
        # What the largest batches of ordinary questions take stays with the process.
        asyncio.run(ask(url, questions, CLIENTS[-1]))
        loaded, memory = process.memory_info().rss, []
        for number in range(count):
            body = hostile_body(rng, questions)
            kind = rng.choice(kinds)
            begun = time.perf_counter()
            answer = client.post(
                url + rng.choice(routes),
                content=body,
                headers={"Content-Type": kind} if kind else {},
            )
            slowest = max(slowest, time.perf_counter() - begun)
            is_clear = answer.status_code in (200, 413, 422) and "Traceback" not in answer.text
            raw += not is_clear
            if number % 50 == 0:
                memory.append(process.memory_info().rss)
        is_alive = client.get(f"{url}/healthz").status_code == 200
    what, half = "hostile bodies", max(1, len(memory) // 2)
    first, second = max(memory[:half]), max(memory[half:] or memory)
    return [
        Measured(what, "raw errors", raw + (not is_alive), "", count, at_most=0),
        Measured(what, "slowest", slowest, "s", count, at_most=10),
        Measured(what, "memory after ordinary load", loaded / 1e6, "MB"),
        Measured(what, "peak memory, first half", first / 1e6, "MB"),
        Measured(what, "peak memory, second half", second / 1e6, "MB", at_most=first / 1e6 + 64),
    ]


def hostile_body(rng: random.Random, questions: list[dict[str, Any]]) -> bytes:
    """Return a body that is no request, or one with a part replaced, cut, doubled or nested."""
    question = dict(rng.choice(questions), context="It helped.")
    text = json.dumps(question)
    odd = [
        "\ud800",
        "\x00",
        "x" * 70_000,
        1e308,
        -1,
        None,
        [],
        {},
        [[]] * 9,
        {"a": {}},
        True,
        2**70,
    ]
    field = rng.choice([*question, "answer", "options", "metadata", "messages", "max_tokens", "?"])
    kind = rng.randrange(8)
    if kind == 0:
        return rng.randbytes(rng.randrange(3000))
    if kind == 1:
        return text[: rng.randrange(len(text))].encode()
    if kind == 2:
        return (rng.choice("[{") * rng.choice((10, 3_000, 200_000))).encode()
    if kind == 3:
        return json.dumps({**question, field: rng.choice(odd)}).encode()
    if kind == 4:
        return text.replace('"id"', f'"{field}"').encode()
    if kind == 5:
        return f'{{"{field}": {rng.choice(("NaN", "1e999", "-0", "[" * 500))}, {text[1:]}'.encode()
    if kind == 6:
        return b"\n".join([text[: rng.randrange(len(text))].encode() for _ in range(20)])
    turns = [{"role": rng.choice(("user", "tool", "")), "content": rng.choice(["a", *odd])}]
    return json.dumps({"messages": turns, "max_tokens": 1}).encode()


if __name__ == "__main__":
    main()
