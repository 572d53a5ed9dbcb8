"""What docs/formats.md and db/README.md show can be imported, typed and run."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from db.cli.main import main
from db.connection import IN_MEMORY, Database
from db.content.predictions import list_predictions
from db.importers import import_file
from db.viewer import EVERYTHING

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "formats.md").read_text()


def test_the_examples_of_the_page_can_be_imported(tmp_path: Path) -> None:
    items, predictions = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "items.jsonl").write_text(items)
    (tmp_path / "predictions.jsonl").write_text(predictions)
    database = Database.open(IN_MEMORY)
    assert import_file(database, "items", tmp_path / "items.jsonl").items.added == 1
    report = import_file(database, "predictions", tmp_path / "predictions.jsonl")
    (stored,) = list_predictions(database.cursor(), str(report.run_id), EVERYTHING)
    assert (stored.item_id, stored.head_label) == ("ward-1", "A")
    database.close()


def test_the_commands_of_the_page_exist() -> None:
    commands = re.findall(r"^python -m db (.*?)(?:  +#.*)?$", PAGE, re.MULTILINE)
    assert len(commands) >= 10
    for command in commands:
        words = [word for word in shlex.split(command) if not word.startswith("-")]
        depth = 2 if words[0] in ("people", "queue", "guideline", "item") else 1
        shown = CliRunner().invoke(main, [*words[:depth], "--help"])
        assert shown.exit_code == 0, shown.output
        for option in re.findall(r"--[a-z-]+", command):
            assert option in shown.output, command


def test_the_snippet_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLAMACARE_HOME", str(tmp_path))
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "db" / "README.md").read_text(), re.DOTALL)
    names: dict[str, object] = {}
    exec(compile(code, "db/README.md", "exec"), names)  # noqa: S102
    assert names["runs"] == []
    database = names["database"]
    assert isinstance(database, Database)
    database.close()
