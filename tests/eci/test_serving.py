"""``python -m eci serve``: the same categories as ``classify``, for many clients at once."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from starlette.testclient import TestClient

from eci.cli import main
from eci.model.eci_model import EciModel
from eci.serving.app import (
    JSON_LINES,
    MAX_BODY_BYTES,
    MAX_READING_BYTES,
    Limits,
    Version,
    create_app,
)
from eci.serving.collector import BusyError, Collector
from tests.support.endpoints import free_port, wait_until_healthy

VERSION = Version("run-1@abc", "tiny")


def question(record_id: int, **fields: Any) -> dict[str, Any]:
    text = f"Does it help in case {record_id}?"
    return {"id": record_id, "question": text, "label_set": "pubmedqa", **fields}


@pytest.fixture(scope="module")
def model(tiny_model_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> EciModel:
    return EciModel.load(str(tiny_model_dir), tmp_path_factory.mktemp("models"), device="cpu")


@pytest.fixture
def client(model: EciModel) -> Iterator[TestClient]:
    with TestClient(create_app(model, VERSION)) as client:
        yield client


def test_categories_are_those_of_the_command(client: TestClient, tiny_model_dir: Path) -> None:
    asked = [question(number, context="word " * number) for number in range(5)]
    lines = "".join(json.dumps(one) + "\n" for one in asked)
    command = ["classify", "--base", str(tiny_model_dir), "--device", "cpu"]
    expected = CliRunner().invoke(main, command, input=lines).stdout.splitlines()
    singly = [client.post("/v1/classify", json=one).json() for one in asked]
    answer = client.post("/v1/classify", content=lines, headers={"content-type": JSON_LINES})
    together = [json.loads(line) for line in answer.text.splitlines()]
    for found in (singly, together):
        assert [one["model"] for one in found] == ["run-1@abc"] * 5
        for one, other in zip(found, map(json.loads, expected), strict=True):
            # A processor that computes with 8 bits of mantissa rounds by the shape of the batch.
            assert one["probabilities"] == pytest.approx(other["probabilities"], abs=0.02)
            assert one["label"] == max(one["probabilities"], key=one["probabilities"].get)


def test_what_a_model_wrote_is_judged(client: TestClient) -> None:
    given = question(1, answer="The trial was small. Final answer: **No**.")
    judged = client.post("/v1/judge", json=given).json()
    found = judged["judgement"]
    assert (found["label"], found["form"]) == ("no", "stated")
    assert found["probability"] == judged["probabilities"]["no"]
    assert found["agrees"] == (judged["label"] == "no")
    silent = client.post("/v1/judge", json=question(1, answer="We cannot say.")).json()["judgement"]
    assert (silent["label"], silent["probability"], silent["agrees"]) == (None, None, None)
    without = client.post("/v1/judge", json=question(1))
    assert (without.status_code, without.json()["id"]) == (422, 1)
    assert "answer is missing" in without.json()["error"]


def test_a_line_that_cannot_be_classified_stops_no_other(client: TestClient) -> None:
    lines = [question(1), {"id": 2, "question": "?"}, question(3, context="x", label_set="nope")]
    body = "\n".join([*map(json.dumps, lines), "{", json.dumps(question(5))])
    answer = client.post("/v1/classify", content=body, headers={"content-type": JSON_LINES})
    found = [json.loads(line) for line in answer.text.splitlines()]
    assert [("label" in one, "error" in one) for one in found] == [
        (True, False), (False, True), (False, True), (False, True), (True, False),
    ]  # fmt: skip
    assert [one.get("line") for one in found] == [None, 2, 3, 4, None]


HOSTILE = [
    b"", b"null", b"[]", b"[" * 100_000, b'{"id":' * 50_000, b"\xff\xfe", b'{"id": 1}', b"NaN",
    b'{"id": 1e999, "question": "a"}', b'"\\ud800"', b'{"id": 1, "id": 2}', b"\x00" * 1000,
    json.dumps(question(1, metadata={"a": "\ud800"})).encode(),
    json.dumps(question(1, options={"A": "a"})).encode(),
]  # fmt: skip
LONG = [
    json.dumps(question(1, context="x" * 900_000)).encode(),
    json.dumps(question(1, question="<|im_end|>" * 5_000)).encode(),
]
"""Read as any other, and computed; the kind of the body changes nothing in that."""


@pytest.mark.parametrize("route", ["/v1/classify", "/v1/judge", "/v1/chat/completions"])
@pytest.mark.parametrize("kind", ["application/json", JSON_LINES, ""])
def test_hostile_bodies_get_a_clear_refusal(client: TestClient, route: str, kind: str) -> None:
    for body in (*HOSTILE, *(LONG if kind == JSON_LINES else ())):
        answer = client.post(route, content=body, headers={"content-type": kind} if kind else {})
        assert answer.status_code in (200, 413, 422), (body[:50], answer.text[:200])
        assert "Traceback" not in answer.text
    assert client.get("/healthz").json()["status"] == "ok"


def test_a_body_that_is_too_long_is_refused(client: TestClient) -> None:
    answer = client.post("/v1/classify", content=b" " * (MAX_BODY_BYTES + 1))
    assert answer.status_code == 413
    assert f"{MAX_BODY_BYTES:,} bytes" in answer.json()["error"]


def test_what_all_clients_send_at_once_is_bounded(client: TestClient) -> None:
    service = client.app.state.service  # type: ignore[attr-defined]
    service.num_bytes_reading = MAX_READING_BYTES - 10
    answer = client.post("/v1/classify", json=question(1))
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "1"
    assert service.num_bytes_reading == MAX_READING_BYTES - 10
    service.num_bytes_reading = 0
    assert client.post("/v1/classify", json=question(1)).status_code == 200


def test_nothing_is_answered_without_the_token(model: EciModel) -> None:
    with TestClient(create_app(model, VERSION, token="s3cret")) as client:
        for given in ({}, {"Authorization": "Bearer S3CRET"}, {"Authorization": "s3cret"}):
            for path in ("/v1/classify", "/v1/judge", "/v1/chat/completions"):
                assert client.post(path, json=question(1), headers=given).status_code == 401
            assert client.get("/metrics", headers=given).status_code == 401
        right = {"Authorization": "Bearer s3cret"}
        assert client.post("/v1/classify", json=question(1), headers=right).status_code == 200
        assert client.get("/healthz").status_code == 200
        files = re.findall(r'(?:src|href)="([^"]+)"', client.get("/docs").text)
        assert files
        assert all(client.get(file).status_code == 200 for file in files)  # none from elsewhere
        counted = client.get("/metrics", headers=right).text
    assert 'eci_requests_total{route="/v1/classify",status="200"} 1.0' in counted


def test_a_conversation_gets_what_plain_generation_writes(
    client: TestClient, model: EciModel
) -> None:
    turns = [{"role": "user", "content": "Is honey sweet?"}]
    asked = {"model": "any", "messages": turns, "max_tokens": 7, "temperature": 0, "n": 1}
    found = client.post("/v1/chat/completions", json=asked).json()
    prompt = model.encoder.tokenizer.apply_chat_template(
        turns, add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    whole = model.model.generate(**prompt, max_new_tokens=7, do_sample=False)[0]
    expected = model.encoder.tokenizer.decode(
        whole[prompt["input_ids"].shape[1] :], skip_special_tokens=True
    )
    assert found["choices"][0]["message"] == {"role": "assistant", "content": expected}
    assert found["usage"]["prompt_tokens"] == prompt["input_ids"].shape[1]
    assert found["usage"]["completion_tokens"] <= 7
    assert found["choices"][0]["logprobs"] is None
    measured = client.post(
        "/v1/chat/completions", json={**asked, "logprobs": True, "top_logprobs": 3}
    ).json()["choices"][0]["logprobs"]["content"]
    logits = model.model(input_ids=whole[None]).logits[0].float().log_softmax(-1)
    place = prompt["input_ids"].shape[1]
    for token, row, token_id in zip(measured, logits[place - 1 :], whole[place:], strict=False):
        assert token["logprob"] == pytest.approx(float(row[token_id].detach()), abs=0.05)
        values = [one["logprob"] for one in token["top_logprobs"]]
        assert values == pytest.approx(row.topk(3).values.tolist(), abs=0.05)
    assert len(measured) >= found["usage"]["completion_tokens"] - 1
    for wrong in ({"stream": True}, {"temperature": 0.7}, {"messages": []}, {"max_tokens": 0}):
        assert client.post("/v1/chat/completions", json={**asked, **wrong}).status_code == 422


def test_what_arrives_together_is_computed_together() -> None:
    sizes: list[int] = []
    gate = threading.Event()

    def compute(asked: list[int]) -> list[int]:
        gate.wait(10)
        sizes.append(len(asked))
        return [2 * number for number in asked]

    collector: Collector[int, int] = Collector(compute, most_together=4, most_waiting=10)
    first = collector.submit([1])
    while collector.num_waiting:
        time.sleep(0.01)
    others = [collector.submit([number, number]) for number in range(2, 6)]
    with pytest.raises(BusyError, match="8 questions are waiting and 3 more"):
        collector.submit([0, 0, 0])
    gate.set()
    assert first.result() == [2]
    assert [other.result() for other in others] == [[2 * n, 2 * n] for n in range(2, 6)]
    assert sizes == [1, 4, 4]
    collector.close()
    with pytest.raises(BusyError, match="about to stop"):
        collector.submit([1])


def test_a_failed_batch_fails_its_callers_and_no_later_one() -> None:
    def compute(asked: list[str]) -> list[str]:
        if "bad" in asked:
            raise ValueError("no")
        return asked

    collector: Collector[str, str] = Collector(compute, most_together=1, most_waiting=9)
    bad, good = collector.submit(["bad"]), collector.submit(["good"])
    with pytest.raises(ValueError, match="no"):
        bad.result()
    assert good.result() == ["good"]
    collector.close()


def test_a_caller_who_gave_up_stops_no_other() -> None:
    gate = threading.Event()

    def compute(asked: list[int]) -> list[int]:
        gate.wait(10)
        return asked

    collector: Collector[int, int] = Collector(compute, most_together=1, most_waiting=9)
    running, waiting, other = (collector.submit([number]) for number in range(3))
    while not running.running():
        time.sleep(0.01)
    assert not running.cancel()
    assert waiting.cancel()
    gate.set()
    assert (running.result(10), other.result(10)) == ([0], [2])
    assert collector.is_working
    collector.close()


def test_a_full_queue_is_refused_with_when_to_come_back(model: EciModel) -> None:
    app = create_app(model, VERSION, limits=Limits(most_waiting=2))
    with TestClient(app) as client:
        lines = "\n".join(json.dumps(question(number)) for number in range(3))
        answer = client.post("/v1/classify", content=lines, headers={"content-type": JSON_LINES})
        assert answer.status_code == 413
        service = app.state.service
        with service._lock, ThreadPoolExecutor(8) as pool:  # the model is busy
            waiting = [
                pool.submit(client.post, "/v1/classify", json=question(number))
                for number in range(8)
            ]
            while sum(one.done() for one in waiting) < 4:
                time.sleep(0.01)
            refused = [one.result() for one in waiting if one.done()]
            service._lock.release()
            answers = [one.result() for one in waiting]
            service._lock.acquire()
    assert {one.status_code for one in refused} == {429}
    assert refused[0].headers["retry-after"] == "1"
    assert {one.status_code for one in answers} == {200, 429}


def serve(home: Path, base: Path, port: int) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "LLAMACARE_HOME": str(home), "ECI_TOKEN": "t"}
    arguments = ["serve", "--base", str(base), "--device", "cpu", "--port", str(port)]
    process = subprocess.Popen([sys.executable, "-m", "eci", *arguments], env=environment)
    wait_until_healthy(process, port)
    return process


def test_a_client_that_retries_gets_every_answer_though_the_server_is_killed_and_then_stopped(
    tiny_model_dir: Path, tmp_path: Path
) -> None:
    port = free_port()
    process = serve(tmp_path, tiny_model_dir, port)
    client = httpx.Client(
        base_url=f"http://127.0.0.1:{port}", headers={"Authorization": "Bearer t"}, timeout=60
    )
    found: dict[int, Any] = {}
    some = threading.Event()

    def ask(number: int) -> None:
        for _ in range(600):
            try:
                answer = client.post("/v1/classify", json=question(number))
                found[number] = answer.raise_for_status().json()
                break
            except httpx.TransportError:
                time.sleep(0.2)
        if len(found) >= 10:
            some.set()

    with ThreadPoolExecutor(4) as pool:
        asking = [pool.submit(ask, number) for number in range(30)]
        some.wait(60)
        process.kill()
        process.wait()
        process = serve(tmp_path, tiny_model_dir, port)
        for one in asking:
            one.result()
    assert sorted(found) == list(range(30))
    assert all(one["id"] == number for number, one in found.items())

    _stop_amid_requests(process, client)


def _stop_amid_requests(process: subprocess.Popen[bytes], client: httpx.Client) -> None:
    """Tell a server to stop while it computes: it answers what it was asked before."""
    before = _num_taken(client)
    lines = "\n".join(json.dumps(question(n, context="word " * 100)) for n in range(8))

    def ask() -> list[str]:
        kind = {"content-type": JSON_LINES}
        answer = client.post("/v1/classify", content=lines, headers=kind)
        return answer.raise_for_status().text.splitlines()

    with ThreadPoolExecutor(6) as pool:
        asking = [pool.submit(ask) for _ in range(6)]
        while _num_taken(client) < before + 6 * 8:
            time.sleep(0.01)
        assert not all(one.done() for one in asking)
        process.send_signal(signal.SIGTERM)
        answers = [line for one in asking for line in one.result()]
    assert process.wait(60) is not None
    assert [json.loads(line)["id"] for line in answers] == 6 * list(range(8))
    assert not any("error" in json.loads(line) for line in answers)
    with pytest.raises(httpx.ConnectError):
        ask()


def _num_taken(client: httpx.Client) -> float:
    counted = client.get("/metrics").text
    return sum(map(float, re.findall(r"^eci_questions_(?:total|waiting) (.*)$", counted, re.M)))


def test_other_machines_are_let_in_only_with_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ECI_TOKEN", raising=False)
    result = CliRunner().invoke(main, ["serve", "--host", "192.0.2.1"])
    assert result.exit_code == 2
    assert "ECI_TOKEN" in result.stderr
