"""Commands of other processes while the app has the database open."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from db.cli.asking import socket_path
from db.connection import Database
from db.paths import runs_dir
from db.people.reviewers import list_people
from streamlit_app.server import background
from tests.support.waiting import wait_for
from training.run.run_dir import RunDir

SCRIPT = """
import json, sys
from click.testing import CliRunner
from db.cli.main import main as db
from training.cli.main import main as training

given = json.load(sys.stdin)
results = []
for program, words, text in given:
    result = CliRunner().invoke({"db": db, "training": training}[program], words, input=text)
    results.append((result.exit_code, result.stdout, result.stderr, repr(result.exception)))
print(json.dumps(results))
"""
ITEM = {
    "item_id": "own-1",
    "question": "Does it help?",
    "label_set": "pubmedqa",
    "gold_label": "yes",
}


@contextmanager
def listening_app() -> Iterator[None]:
    """Have the app of this process execute commands until the block ends."""
    done = threading.Event()
    thread = threading.Thread(target=background.listen, args=(done,))
    thread.start()
    wait_for(socket_path().exists)
    yield
    done.set()
    thread.join()


@pytest.fixture
def listening(database: Database) -> Iterator[Database]:
    """Yield the app's store while the app executes commands."""
    with listening_app():
        yield database


def give(folder: Path, *commands: tuple[str, list[str], str]) -> list[list[Any]]:
    """Return exit code, output and errors of commands that another process gives in a folder."""
    root = Path(background.__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        input=json.dumps(commands),
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    results: list[list[Any]] = json.loads(done.stdout)
    return results


def test_commands_read_a_copy_and_write_by_way_of_the_app(
    listening: Database, tmp_path: Path
) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "own.jsonl").write_text(json.dumps(ITEM))
    (folder / "guideline.md").write_text("Read it twice.")
    (folder / "broken.jsonl").write_text("{")
    by = ["--by", "Ada"]
    results = give(
        folder,
        ("db", ["people", "add", "Ada", "--role", "admin"], ""),
        ("db", ["people", "list"], ""),
        ("db", ["import", "own.jsonl", "--json"], ""),
        ("db", ["import", "broken.jsonl"], ""),
        ("db", ["item", "correct", "own-1", "-", *by, "--reason", "typo"], '{"question": "Why?"}'),
        ("db", ["item", "correct", "own-1", "-", *by, "--reason", "typo"], "no JSON"),
        ("db", ["guideline", "add", "guideline.md", *by], ""),
        ("db", ["queue", "add", "All", *by], ""),
        ("db", ["queue", "close", "none", *by], ""),
        ("db", ["token", "add", "Labeller"], ""),
        ("db", ["reindex"], ""),
        ("db", ["status", "--json"], ""),
        ("db", ["export", "items", "items.jsonl"], ""),
        ("db", ["backup", "copy.duckdb"], ""),
        ("db", ["restore", "copy.duckdb"], ""),
    )
    assert [code for code, *_ in results] == [0, 0, 0, 1, 0, 2, 0, 0, 1, 0, 0, 0, 0, 0, 1], results
    people, imported, broken, corrected = results[1], results[2], results[3], results[4]
    assert people[1] == "Ada: admin\n"
    assert json.loads(imported[1])["items"]["added"] == 1
    assert broken[2].startswith("Error: broken.jsonl cannot be imported: it is no valid JSON")
    assert corrected[1] == "own-1 is at version 2.\n"
    assert "is no JSON" in results[5][2]
    assert "none" in results[8][2]
    assert results[9][2].startswith("Keep it")
    assert json.loads(results[11][1])["path"] == str(listening.path)
    assert json.loads((folder / "items.jsonl").read_text())["question"] == "Why?"
    assert "nothing is overwritten" in results[14][2]
    assert {person.name for person in list_people(listening.cursor())} >= {"Ada", "Labeller"}


def test_nobody_else_can_open_the_socket_and_it_is_gone_with_the_app(
    database: Database,
) -> None:
    with listening_app():
        assert socket_path().stat().st_mode & 0o077 == 0
    assert not socket_path().exists()


def test_the_process_that_asks_executes_the_run_that_the_app_prepared(
    listening: Database, tmp_path: Path, bundled_is_tiny: None
) -> None:
    (tmp_path / "own.jsonl").write_text(json.dumps(ITEM))
    imported, predicted, reported = give(
        tmp_path,
        ("db", ["import", "own.jsonl"], ""),
        ("training", ["predict", "--max-new-tokens", "2"], ""),
        ("training", ["report", "review", "report.md", "--labels", "pubmedqa"], ""),
    )
    assert (imported[0], predicted[0]) == (0, 0), predicted
    assert "There are no judgements of 'pubmedqa' to report" in reported[2]
    run_dir = RunDir(runs_dir() / predicted[1].strip())
    assert run_dir.read_status().state == "succeeded"
