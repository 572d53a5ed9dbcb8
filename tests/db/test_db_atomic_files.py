"""A folder that is replaced is there at every moment, whoever is killed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from db import atomic_files
from db.atomic_files import replaced_folder

KILLED = """
import os, sys
from pathlib import Path
from db import atomic_files

can_exchange, dies_at = sys.argv[2] == "yes", int(sys.argv[3])
if not can_exchange:
    atomic_files._exchange = lambda first, second: False
rename, num_renames = os.rename, 0

def counted(*arguments, **options):
    global num_renames
    num_renames += 1
    if num_renames == dies_at:
        os._exit(9)
    return rename(*arguments, **options)

os.rename = counted
with atomic_files.replaced_folder(Path(sys.argv[1])) as partial:
    (partial / "new").write_text("new")
"""


def write(target: Path, name: str) -> None:
    with replaced_folder(target) as partial:
        (partial / name).write_text(name)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("can_exchange", [True, False])
def test_a_folder_is_replaced_and_nothing_else_remains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, can_exchange: bool
) -> None:
    if not can_exchange:
        monkeypatch.setattr(atomic_files, "_exchange", lambda first, second: False)
    target = tmp_path / "dataset [1]"
    for name in ("first", "second"):
        write(target, name)
        assert names_in(target) == [name]
        assert names_in(tmp_path) == [target.name]


def test_linux_exchanges_two_folders_in_one_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux has renameat2")
    write(tmp_path / "dataset", "first")
    monkeypatch.setattr(os, "rename", None)  # no step in which neither has the name
    write(tmp_path / "dataset", "second")
    assert names_in(tmp_path / "dataset") == ["second"]


@pytest.mark.parametrize(("can_exchange", "dies_at"), [("no", 1), ("no", 2), ("yes", 1)])
def test_a_kill_between_the_renames_loses_no_folder(
    tmp_path: Path, can_exchange: str, dies_at: int
) -> None:
    target = tmp_path / "dataset [1]"
    write(target, "old")
    subprocess.run(
        [sys.executable, "-c", KILLED, str(target), can_exchange, str(dies_at)], check=False
    )
    with pytest.raises(KeyError), replaced_folder(target):
        raise KeyError
    assert names_in(target) == (["new"] if can_exchange == "yes" else ["old"])
