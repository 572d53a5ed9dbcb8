"""Answers of a model behind an endpoint: our own server, and one that replies as it is told."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from math import log
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from db.connection import Database
from db.content.predictions import list_predictions
from db.content.runs import get_run
from db.paths import endpoints_path, runs_dir
from db.people.reviewers import add_reviewer
from db.viewer import EVERYTHING
from eci.questions.labels import PUBMEDQA, LabelSet
from tests.support.endpoints import (
    KEY,
    VARIABLE,
    Scripted,
    completion,
    free_port,
    num_chats,
    scripted,
    serving,
)
from tests.support.runs import kill, told_by, wait_for_end, wait_for_step
from training.cli.main import main
from training.control.ingest import refresh
from training.control.launch import cancel, launch
from training.control.start import prepare_endpoint, start_endpoint
from training.endpoint.answering import run_endpoint
from training.endpoint.client import check_endpoint
from training.endpoint.journal import Outcome, append_outcome, read_outcomes
from training.endpoint.label_probabilities import label_probabilities
from training.endpoint.replies import TokenChoices, read_reply
from training.errors import EndpointError, SettingsError
from training.run.execution import execute
from training.run.run_dir import RunDir
from training.settings.endpoints import (
    EndpointSettings,
    list_endpoints,
)
from training.settings.training import parse_as

NUM_ITEMS = 34


@pytest.fixture(scope="module")
def server(tiny_model_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tiny_model_dir, tmp_path_factory.mktemp("serve"), free_port()) as url:
        yield url


@pytest.fixture
def person(database: Database) -> str:
    """An engineer, who may start runs."""
    with database.transaction() as cur:
        return add_reviewer(cur, "Eve", "engineer").reviewer_id


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, KEY)


def make_settings(url: str, max_new_tokens: int = 8, **fields: Any) -> EndpointSettings:
    model = {"url": url, "base": "tiny", "key_variable": VARIABLE, "attempts": 3, **fields}
    return parse_as(EndpointSettings, {"model": model, "max_new_tokens": max_new_tokens}, "tests")


def run(database: Database, settings: EndpointSettings, state: str = "succeeded") -> RunDir:
    run_dir = prepare_endpoint(database, settings, "tests")
    assert execute(run_dir, run_endpoint) == state, told_by(run_dir)
    return run_dir


def used(run_dir: RunDir) -> dict[str, Any]:
    """Return the figures of the last progress that a run reported."""
    return dict([e.fields for e in run_dir.read_events()[0] if e.kind == "progress"][-1])


def test_every_item_is_answered_counted_and_ingested(database: Database, server: str) -> None:
    settings = make_settings(server, logprobs=True, price_in=2.0, price_out=10.0)
    before = num_chats(server)
    run_dir = run(database, settings)
    assert num_chats(server) - before == NUM_ITEMS
    refresh(database, runs_dir())
    stored = get_run(database.cursor(), run_dir.run_id)
    assert (stored.kind, stored.model) == ("prediction", "tiny")
    predictions = list_predictions(database.cursor(), run_dir.run_id, EVERYTHING)
    assert len(predictions) == NUM_ITEMS
    prompt = sum(p.prompt_tokens or 0 for p in predictions)
    answer = sum(p.answer_tokens or 0 for p in predictions)
    figures = used(run_dir)
    assert (figures["prompt_tokens"], figures["completion_tokens"]) == (prompt, answer)
    assert figures["cost"] == pytest.approx((2 * prompt + 10 * answer) / 1e6)
    held = b"".join(path.read_bytes() for path in run_dir.path.rglob("*") if path.is_file())
    assert KEY.encode() not in held
    assert VARIABLE.encode() in held


def test_a_run_that_is_cut_twice_goes_on_where_it_was(
    database: Database, server: str, person: str
) -> None:
    before = num_chats(server)
    settings = make_settings(server, max_new_tokens=48, concurrency=2)
    run_dir = RunDir(runs_dir() / start_endpoint(database, settings, person))
    wait_for_step(run_dir, 5)
    cancel(run_dir)
    wait_for_end(run_dir, "cancelled")
    first = len(run_dir.answers_path.read_text().splitlines())
    # All that was asked is written down; one more looked whether the endpoint answers.
    assert num_chats(server) - before == first + 1 < NUM_ITEMS
    launch(run_dir)
    wait_for_step(run_dir, first + 3)
    kill(run_dir)
    wait_for_end(run_dir, "interrupted")
    assert "only items without an answer" in run_dir.read_status().message
    with run_dir.answers_path.open("ab") as torn:
        torn.write(b'{"item_id": "fix-te')
    launch(run_dir)
    wait_for_end(run_dir, "succeeded")
    under_way = num_chats(server) - before - 1 - NUM_ITEMS
    assert 0 <= under_way <= 2  # answers that a killed process was waiting for
    assert used(run_dir)["num_answered"] == NUM_ITEMS


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"url": "http://127.0.0.1:9/v1"}, "could not be reached"),
        ({"path": "/v2"}, "Check address"),
        ({"key_variable": ""}, "no key was sent"),
        ({"key_variable": "NOT_SET_ANYWHERE"}, "is not set"),
        ({"temperature": 0.5}, "--omit"),
        ({"url": "http://example.org/v1"}, "not encrypted"),
    ],
)
def test_an_endpoint_that_cannot_be_used_is_one_error_before_anything_is_written(
    database: Database, server: str, person: str, changed: dict[str, Any], message: str
) -> None:
    fields = {"url": server, **changed}
    fields["url"] = fields["url"].replace("/v1", fields.pop("path", "/v1"))
    with pytest.raises(EndpointError, match=message):
        start_endpoint(database, make_settings(**fields), person)
    assert not runs_dir().exists() or not list(runs_dir().iterdir())


def test_the_command_asks_and_names_what_is_wrong(
    database: Database, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoints_path().write_text(
        f'[mine]\nurl = "{server}"\nmodel = "tiny"\nkey_variable = "{VARIABLE}"\n'
    )
    assert list_endpoints()["mine"].base == "tiny"
    database.close()
    arguments = ["predict", "--endpoint", "mine", "--split", "test", "--max-new-tokens", "4"]
    found = CliRunner().invoke(main, [*arguments, "--seed", "7", "--body", "top_p=0.5"])
    assert found.exit_code == 0, found.output
    run_dir = RunDir(runs_dir() / found.stdout.strip())
    stored = run_dir.read_settings()["settings"]
    assert (stored["seed"], stored["model"]["body"]) == (7, {"top_p": 0.5})
    assert len(read_outcomes(run_dir.answers_path)) == 10
    for wrong, message in (
        (["--endpoint", "https://a.example/v1"], "--model"),
        (["--endpoint", "yours"], "'yours'"),
        (["--endpoint", "mine", "--base", "x"], "leave out --base"),
        (["--model", "x"], "--model belong to --endpoint"),
        (["--endpoint", "mine", "--body", "n=3"], "n cannot be set"),
        (["--endpoint", "https://me:secret@a.example/v1", "--model", "x"], "no user, password"),
    ):
        refused = CliRunner().invoke(main, ["predict", *wrong])
        assert refused.exit_code in (1, 2)
        assert message in refused.stderr


def fault_of(turn: str, count: int) -> Any:
    """Reply with another fault for each of some items."""
    number = turn.partition("treatment ")[2].partition(" ")[0]
    if number == "100":
        return 400, {}, {"error": {"message": "maximum context length exceeded"}}
    if number == "102":
        return 400, {}, {"error": {"code": "content_filter", "message": f"no, {KEY}"}}
    if number == "104":
        return completion("  ")
    if number == "106":
        return 200, {}, b"<html>gateway</html>"
    if number == "108":
        return (503, {}, {}) if count <= 3 else completion("yes")
    if number == "0" and count == 1:
        return 429, {"Retry-After": "1"}, {"error": "slow down"}
    if number == "2":
        return completion("no", message={"reasoning_content": "Let me see."})
    if number == "4":
        return completion(None, finish_reason="length", message={"reasoning": "I think"})
    return completion("yes\nIt helped.")


def test_faults_of_single_items_are_named_and_stop_no_other(database: Database) -> None:
    with scripted(fault_of) as endpoint:
        begun = time.monotonic()
        run_dir = run(database, make_settings(endpoint.url))
        assert time.monotonic() - begun > 1  # Retry-After
        message = run_dir.read_status().message
        for words in (
            "Refused by the endpoint: 1 of 34 items (fix-test-100)",
            "Withheld by its content filter: 1 of 34 items (fix-test-102)",
            "Answered with no text: 1 of 34 items (fix-test-104)",
            "Answered with what is no chat completion: 1 of 34 items (fix-test-106)",
            "Not answered after all attempts: 1 of 34 items (fix-test-108)",
        ):
            assert words in message
        assert KEY not in run_dir.answers_path.read_text()
        outcomes = read_outcomes(run_dir.answers_path)
        assert outcomes["fix-train-002"].answer == "<think>\nLet me see.\n</think>\n\nno"
        assert (outcomes["fix-train-004"].answer, outcomes["fix-train-004"].is_finished) == (
            "<think>\nI think", False,
        )  # fmt: skip
        assert outcomes["fix-train-000"].attempts == 2
        refresh(database, runs_dir())
        stored = list_predictions(database.cursor(), run_dir.run_id, EVERYTHING)
        by_item = {prediction.item_id: prediction for prediction in stored}
        assert len(stored) == NUM_ITEMS - 5
        assert by_item["fix-train-002"].answer_label == "no"
        assert not by_item["fix-train-004"].is_finished
        # Resumed, only what may come out differently is asked again.
        endpoint.asked.clear()
        assert execute(run_dir, run_endpoint) == "succeeded"
        assert sorted({turn.partition("treatment ")[2][:3] for turn in endpoint.asked}) == [
            "106", "108",
        ]  # fmt: skip


def test_an_endpoint_that_goes_away_ends_the_run_which_can_be_resumed(database: Database) -> None:
    answers = 0

    def reply(turn: str, count: int) -> Any:
        nonlocal answers
        answers += 1
        return completion("yes") if answers <= 5 else (500, {}, {"error": "no disk"})

    with scripted(reply) as endpoint:
        settings = make_settings(endpoint.url, attempts=1, concurrency=1)
        run_dir = run(database, settings, "failed")
        assert "8 items in a row" in run_dir.read_status().message
        assert "no disk" in run_dir.read_status().message
        assert len(endpoint.asked) == 13
        answers = -100
        assert execute(run_dir, run_endpoint) == "succeeded"
        assert len(endpoint.asked) == 13 + NUM_ITEMS - 5


def test_the_key_follows_no_redirect_and_a_key_refused_later_ends_the_run(
    database: Database,
) -> None:
    def elsewhere(turn: str, count: int) -> Any:
        return completion("yes")

    with scripted(elsewhere) as other:

        def redirect(turn: str, count: int) -> Any:
            return 307, {"Location": f"{other.url}/chat/completions"}, b""

        with scripted(redirect) as endpoint:
            with pytest.raises(EndpointError, match=r"It redirects to .*name that address"):
                check_endpoint(make_settings(endpoint.url))
            assert endpoint.headers[0]["Authorization"] == f"Bearer {KEY}"
        assert other.asked == []
    with scripted(lambda turn, count: (401, {}, {"error": f"bad key {KEY}"})) as endpoint:
        run_dir = run(database, make_settings(endpoint.url), "failed")
        assert "Check the key" in run_dir.read_status().message
        assert KEY not in told_by(run_dir)


def ask_once(endpoint: Scripted, **fields: Any) -> None:
    check_endpoint(make_settings(endpoint.url, attempts=1, **fields))


def test_hostile_replies_are_faults_and_no_more() -> None:
    replies: list[Any] = [
        (200, {}, b"x" * (9 * 2**20)), (200, {}, b"[" * 5000), (200, {}, {"choices": []}),
        (200, {}, {"choices": [{"message": {"content": {"a": 1}}}]}), (200, {}, b"\xff\xfe"),
        (204, {}, b""), (418, {}, b"\x00teapot"),
        (200, {}, {"choices": [{"message": {"content": "a"}}], "usage": {"prompt_tokens": -1}}),
        (429, {"Retry-After": "99999999"}, b""), (429, {"Retry-After": "soon"}, b""),
    ]  # fmt: skip
    for reply in replies:
        with (
            scripted(lambda turn, count, reply=reply: reply) as endpoint,  # type: ignore[misc]
            pytest.raises(EndpointError, match="cannot be used"),
        ):
            ask_once(endpoint)
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=1), usegmt=True)
    with scripted(
        lambda turn, count: (429, {"Retry-After": later}, b"") if count == 1 else completion("a")
    ) as endpoint:
        ask_once(endpoint)
        assert len(endpoint.asked) == 2


def choices(*tops: dict[str, float]) -> tuple[TokenChoices, ...]:
    return tuple(
        TokenChoices.model_validate(
            {
                "token": next(iter(top)),
                "logprob": next(iter(top.values())),
                "top_logprobs": [{"token": t, "logprob": p} for t, p in top.items()],
            }
        )
        for top in tops
    )


def test_probabilities_come_from_the_token_that_begins_the_label() -> None:
    said = choices(
        {"Answer:": -0.1},
        {" yes": log(0.6), " no": log(0.2), "Yes": log(0.1), "the": log(0.05)},
    )
    found = label_probabilities("Answer: yes", 8, PUBMEDQA, said)
    assert found == pytest.approx((0.7 / 0.95, 0.2 / 0.95, 0.05 / 0.95))
    letters = LabelSet.from_options({"A": "Rest", "B": "Surgery"})
    bold = choices({"**": -0.1}, {"B": log(0.9), "A.": log(0.1)}, {". Surgery": -0.1})
    assert label_probabilities("**B. Surgery", 2, letters, bold) == pytest.approx((0.1, 0.9))
    # Nothing is made of places that do not decide, or of tokens of another text.
    assert label_probabilities("Answer: yes", 0, PUBMEDQA, said) is None
    assert label_probabilities("answer: yes", 8, PUBMEDQA, said) is None
    assert label_probabilities("Answer: yes", None, PUBMEDQA, said) is None
    grades = LabelSet.fixed("grades", ["grade 1", "grade 2"])
    assert (
        label_probabilities("grade 1", 0, grades, choices({"grade": -0.01}, {" 1": -0.5})) is None
    )


def test_a_reply_in_parts_is_read_with_its_thinking() -> None:
    content = [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "no"}]
    _, _, body = completion("", message={"content": content})
    reply = read_reply(json.dumps(body).encode())
    assert (reply.text, reply.thinking, reply.whole) == (
        "no",
        "Hm.",
        "<think>\nHm.\n</think>\n\nno",
    )


def test_an_outcome_survives_any_text(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    given = Outcome("q\n1", answer="\u2028 \x85 'a' \U0001f600", prompt_tokens=3)
    append_outcome(path, given)
    path.write_bytes(path.read_bytes() + b"[[[[\n\xff\n{}\n")
    append_outcome(path, Outcome("q2", fault="empty", message="none"))
    assert list(read_outcomes(path).values()) == [
        given,
        Outcome("q2", fault="empty", message="none"),
    ]


def test_a_file_of_endpoints_names_what_is_wrong(database: Database) -> None:
    for text, message in (
        ("url = 'x'", "which is no table"),
        ("[a]\nmodel = 'm'\nurl = 'ftp://x'", r"url: .*expected https"),
        ("[a]\nmodel = 'm'\nurl = 'https://x/v1'\nkey = 'sk-1'", "key: extra inputs"),
    ):
        endpoints_path().write_text(text)
        with pytest.raises(SettingsError, match=message):
            list_endpoints()


def test_sigint_in_the_foreground_waits_for_answers_under_way(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reply(turn: str, count: int) -> Any:
        if len(endpoint.asked) == 3:
            os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.1)
        return completion("yes")

    with scripted(reply) as endpoint:
        run_dir = run(database, make_settings(endpoint.url, concurrency=2), "interrupted")
        asked = len(endpoint.asked)
        assert len(read_outcomes(run_dir.answers_path)) == asked < NUM_ITEMS
        assert execute(run_dir, run_endpoint) == "succeeded"
        assert len(endpoint.asked) == NUM_ITEMS
