"""Work in a process of its own: what comes back, what fails, and what is left behind."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import psutil
import pyarrow as pa
import pytest

from db.child_process import SMALL_BYTES, child_process
from db.errors import ChildProcessFailedError, DbError, ImportFileError, InvalidItemError
from db.importers import Asked, stage_file
from tests.support.waiting import wait_for


def kill_oneself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def refuse() -> None:
    raise InvalidItemError("two words", [("q-1", "bad")])


def print_and_return(text: str) -> str:
    os.write(1, b"what a library prints")
    return text


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children()}


def test_a_child_answers_one_call_after_another_at_low_priority() -> None:
    table = pa.table({"text": ["a", None]})
    with child_process() as call:
        assert call(os.getpid) == call(os.getpid) != os.getpid()
        assert call(os.nice, 0) >= min(os.nice(0) + 5, 19)
        assert call(pa.concat_tables, [table, table]).num_rows == 4


def test_little_work_is_done_at_once() -> None:
    with child_process(for_bytes=SMALL_BYTES - 1) as call:
        assert call(os.getpid) == os.getpid()
    with child_process(for_bytes=SMALL_BYTES) as call:
        assert call(os.getpid) != os.getpid()


def test_what_is_raised_in_the_child_is_raised_here(tmp_path: Path) -> None:
    with child_process() as call:
        with pytest.raises(ImportFileError, match="expected a file there, found nothing"):
            call(stage_file, tmp_path / "none", tmp_path, Asked(format="items"))
        with pytest.raises(OSError, match="No such file"):
            call(os.listdir, tmp_path / "none")
        with pytest.raises(InvalidItemError, match="two") as error:
            call(refuse)
        assert error.value.faults == (("q-1", "bad"),)
        assert call(print_and_return, "it goes on, and print does no harm") != ""


def test_a_killed_child_is_an_error_that_names_the_work() -> None:
    with child_process() as call, pytest.raises(ChildProcessFailedError, match=r"kill_oneself.*-9"):
        call(kill_oneself)
    assert issubclass(ChildProcessFailedError, DbError)


def test_no_child_is_left_whatever_happens() -> None:
    before = children()
    with pytest.raises(RuntimeError, match="here"), child_process() as call:
        call(os.getpid)
        raise RuntimeError("here")
    wait_for(lambda: children() <= before)
    with pytest.raises(KeyboardInterrupt), child_process() as call:
        call(time.sleep, 0)
        raise KeyboardInterrupt
    assert children() <= before
