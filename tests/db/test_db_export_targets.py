"""An export replaces an earlier one whole or not at all, and nothing else of anybody's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from db.cli.main import main
from db.connection import Database
from db.content.items import add_items
from db.content.predictions import add_predictions
from db.content.runs import add_run, list_runs
from db.errors import ExportError
from db.exporters import EXPORT_FORMATS, ExportFormat, export_file
from db.exporters.run_file import export_run
from db.viewer import EVERYTHING
from tests.support.annotations import annotate
from tests.support.full_disk import full_disk
from tests.support.records import make_item, make_prediction, make_run
from tests.support.stores import open_store

OWN = (
    "review.duckdb", "review.duckdb.wal", "review.duckdb.before-0003", "runs", "models", "cache",
    "presets", "launchers.toml", "endpoints.toml", "runs/run-1/status.json",
    "models/base/config.json", "cache/heads/a.safetensors", "presets/mine.toml", "builds",
)  # fmt: skip
KILL = """
import os, sys
from pathlib import Path
from db import atomic_files
from db.connection import Database
from db.exporters import export_file
from db.exporters.run_file import export_run
from db.viewer import EVERYTHING

def killed(*names, **options):
    os._exit(9)

os.replace = os.rename = atomic_files._exchange = killed
cur = Database.open(Path(sys.argv[1])).cursor()
target = Path(sys.argv[3])
if sys.argv[2] == "run":
    export_run(cur, "run-1", target, EVERYTHING)
else:
    export_file(cur, "annotations", sys.argv[2], target, EVERYTHING)
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a store that holds an annotation, and a file in each of its folders."""
    home = tmp_path / "home"
    monkeypatch.setenv("LLAMACARE_HOME", str(home))
    for name in OWN:
        if not name.startswith("review.duckdb") and "." in name:
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            (home / name).write_text(f"kept in {name}")
    (home / "builds" / "all-0shot").mkdir(parents=True)
    return home


@pytest.fixture
def store(home: Path) -> Path:
    """Return the store of that home, closed."""
    database = open_store()
    with database.transaction() as cur:
        add_items(cur, [make_item(f"q-{number}") for number in range(3)], origin="items")
        add_run(cur, make_run())
        add_predictions(cur, [make_prediction()])
        annotate(cur, "Ada", "q-1", "no")
    database.close()
    return home / "review.duckdb"


def run(*arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(main, [str(one) for one in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stderr


def refused(*arguments: str | Path) -> str:
    """Return the one line in which a command refuses."""
    status, message = run(*arguments)
    assert status == 1
    assert message.startswith("Error: ") and message.count("\n") == 1
    return message


def files_in(folder: Path) -> dict[str, bytes | str]:
    """Return every file of a folder: its content, or where a link leads."""
    links = [path for path in folder.rglob("*") if path.is_symlink()]
    files = [path for path in folder.rglob("*") if path.is_file() and path not in links]
    held: dict[Path, bytes | str] = {path: str(path.readlink()) for path in links}
    held |= {path: path.read_bytes() for path in files}
    return {str(path.relative_to(folder)): content for path, content in held.items()}


@pytest.mark.parametrize(
    "command",
    [
        ("export", "items", "PATH", "--format", "jsonl"),
        ("export", "annotations", "PATH", "--format", "huggingface"),
        ("export-run", "run-1", "PATH"),
    ],
)
def test_what_the_product_keeps_is_never_an_export(
    store: Path, home: Path, command: tuple[str, ...]
) -> None:
    before = files_in(home)
    for name in OWN:
        path = str(home / name)
        message = refused(*(path if word == "PATH" else word for word in command))
        assert f"{path} was not written: it belongs to what the product itself keeps" in message
    assert files_in(home) == before


@pytest.mark.parametrize("name", ["review.duckdb", "models/base/config.json"])
@pytest.mark.parametrize("make_link", [Path.symlink_to, Path.hardlink_to])
def test_a_link_to_what_the_product_keeps_is_no_way_round(
    store: Path, home: Path, tmp_path: Path, name: str, make_link: Callable[[Path, Path], None]
) -> None:
    link = tmp_path / "out.jsonl"
    make_link(link, home / name)
    before = files_in(tmp_path)
    assert "belongs to" in refused("export", "items", link)
    assert files_in(tmp_path) == before


def test_a_folder_that_leads_into_the_home_is_no_way_round(
    store: Path, home: Path, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").symlink_to(home)
    target = tmp_path / "elsewhere" / "runs" / "new.jsonl"
    assert "belongs to" in refused("export", "items", target)
    assert not target.exists()
    for folder in (home, tmp_path):
        refused("export", "annotations", folder, "--format", "huggingface")
    assert store.exists()


def test_an_open_store_outside_of_the_home_is_as_safe(store: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "other.duckdb"
    elsewhere.write_bytes(store.read_bytes())
    database = Database.open(elsewhere)
    for name in ("other.duckdb", "other.duckdb.wal"):
        with pytest.raises(ExportError, match="belongs to"):
            export_file(database.cursor(), "items", "jsonl", tmp_path / name, EVERYTHING)
    database.close()
    Database.open(elsewhere).close()


def test_builds_and_files_of_ones_own_may_lie_in_the_home(store: Path, home: Path) -> None:
    for name in ("items.jsonl", "builds/items.jsonl"):
        assert run("export", "items", home / name) == (0, "")
        assert len((home / name).read_text().splitlines()) == 3


def test_a_file_that_is_replaced_keeps_its_mode_and_a_link_to_it(
    store: Path, tmp_path: Path
) -> None:
    real, link = tmp_path / "items.jsonl", tmp_path / "latest.jsonl"
    real.write_text("of yesterday")
    real.chmod(0o640)
    link.symlink_to(real.name)
    assert run("export", "items", link) == (0, "")
    assert link.is_symlink()
    assert len(real.read_text().splitlines()) == 3
    assert real.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (Path.mkdir, "it is a folder"),
        (os.mkfifo, "it is a device or a pipe"),
        (lambda path: path.symlink_to(path.name), "a symbolic link that leads back to itself"),
        (lambda path: path.symlink_to("gone/items.jsonl"), "there is no folder"),
    ],
)
def test_a_place_for_no_file_is_refused(
    store: Path, tmp_path: Path, make: Callable[[Path], None], why: str
) -> None:
    target = tmp_path / "out.jsonl"
    make(target)
    names = set(tmp_path.iterdir())
    for command in (("export", "items", target), ("export-run", "run-1", target)):
        assert why in refused(*command)
    assert set(tmp_path.iterdir()) == names


def test_a_missing_folder_is_named_and_not_made(store: Path, tmp_path: Path) -> None:
    for end in ("items.jsonl", "dataset"):
        target = tmp_path / "missing" / end
        file_format = "huggingface" if end == "dataset" else "jsonl"
        message = refused("export", "annotations", target, "--format", file_format)
        assert f"there is no folder {tmp_path / 'missing'}." in message
    assert not (tmp_path / "missing").exists()


def _of_somebody_else(folder: Path) -> None:
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "train-00000-of-00001.parquet").write_bytes(b"PAR1 of somebody else PAR1")
    (folder / "README.md").write_text("A year of work.")


def _with_a_file_more(folder: Path) -> None:
    assert run("export", "annotations", folder, "--format", "huggingface") == (0, "")
    (folder / "data" / "notes.txt").write_text("Looked at by hand.")


def _with_another_card(folder: Path) -> None:
    assert run("export", "annotations", folder, "--format", "huggingface") == (0, "")
    with (folder / "README.md").open("a") as card:
        card.write("Licence: ask us first.\n")


@pytest.mark.parametrize("fill", [_of_somebody_else, _with_a_file_more, _with_another_card])
def test_a_folder_that_is_no_unchanged_export_stays(
    store: Path, tmp_path: Path, fill: Callable[[Path], None]
) -> None:
    folder = tmp_path / "dataset"
    fill(folder)
    before = files_in(tmp_path / "dataset")
    message = refused("export", "annotations", folder, "--format", "huggingface")
    assert "holds something that is not an unchanged export" in message
    assert files_in(folder) == before


def test_a_file_where_a_folder_is_exported_stays(store: Path, tmp_path: Path) -> None:
    (tmp_path / "dataset").write_text("mine")
    assert "it is a file" in refused(
        "export", "annotations", tmp_path / "dataset", "--format", "huggingface"
    )
    assert (tmp_path / "dataset").read_text() == "mine"


def test_an_earlier_export_of_a_folder_is_replaced(store: Path, tmp_path: Path) -> None:
    folder = tmp_path / "dataset"
    folder.mkdir()
    assert run("export", "annotations", folder, "--format", "huggingface") == (0, "")
    assert "1 rows: test 1." in (folder / "README.md").read_text()
    database = Database.open()
    annotate(database, "Ada", "q-2", "no")
    database.close()
    assert run("export", "annotations", folder, "--format", "huggingface") == (0, "")
    assert "2 rows: test 2." in (folder / "README.md").read_text()
    assert {path.name for path in tmp_path.iterdir()} == {"home", "dataset"}


@pytest.mark.parametrize("file_format", [*EXPORT_FORMATS, "run"])
def test_a_full_disk_leaves_what_was_there(store: Path, tmp_path: Path, file_format: str) -> None:
    target = tmp_path / "out" / "target"
    target.parent.mkdir()
    database = Database.open()
    cur = database.cursor()

    def export() -> int:
        if file_format == "run":
            return export_run(cur, list_runs(cur)[0].run_id, target, EVERYTHING)
        return export_file(cur, "annotations", _format(file_format), target, EVERYTHING)

    assert export() == 1
    before = files_in(target.parent)
    with (
        full_disk(16),
        pytest.raises(ExportError, match=r"was not written: .*File too large"),
    ):
        export()
    assert files_in(target.parent) == before
    assert export() == 1
    database.close()


def _format(name: str) -> ExportFormat:
    return next(one for one in EXPORT_FORMATS if one == name)


@pytest.mark.parametrize("file_format", [*EXPORT_FORMATS, "run"])
def test_an_export_that_is_killed_before_its_end_leaves_what_was_there(
    store: Path, tmp_path: Path, file_format: str
) -> None:
    target = tmp_path / "out"
    if file_format == "huggingface":
        target = tmp_path / "dataset"
        assert run("export", "annotations", target, "--format", "huggingface") == (0, "")
    else:
        target.write_text("of yesterday")
    before = files_in(target) or target.read_bytes()
    done = subprocess.run(
        [sys.executable, "-c", KILL, str(store), file_format, str(target)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 9, done.stderr
    assert (files_in(target) or target.read_bytes()) == before


def test_an_error_in_the_middle_leaves_what_was_there(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "items.jsonl"
    target.write_text("of yesterday")
    num_written = 0

    def fail(*arguments: object, **options: object) -> str:
        nonlocal num_written
        num_written += 1
        if num_written == 3:
            raise ZeroDivisionError
        return "{}"

    monkeypatch.setattr(json, "dumps", fail)
    database = Database.open()
    with pytest.raises(ZeroDivisionError):
        export_file(database.cursor(), "items", "jsonl", target, EVERYTHING)
    database.close()
    assert target.read_text() == "of yesterday"
    assert {path.name for path in tmp_path.iterdir()} == {"home", "items.jsonl"}
