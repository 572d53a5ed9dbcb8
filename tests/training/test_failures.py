"""What a run died of, said so that a person knows what to do."""

from __future__ import annotations

import errno
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from eci.errors import BaseModelError
from training.errors import TrainingError
from training.run.failures import explain
from training.run.run_dir import RunDir


@pytest.fixture
def run_dir(tmp_path: Path) -> RunDir:
    made = RunDir.create(tmp_path, "smoke", datetime.now(UTC))
    made.write_settings({"settings": {"model": {"base": "meta-llama/Llama-2-13b-hf"}}})
    return made


class OutOfMemoryError(RuntimeError):
    """Named as torch names its own."""


def invalid_settings() -> ValidationError:
    class Settings(BaseModel):
        batch_size: int

    with pytest.raises(ValidationError) as caught:
        Settings.model_validate({"batch_size": "many"})
    return caught.value


FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize(
    ("error", "what", "remedy"),
    [
        (FULL, "disk is full", "Free some space"),
        (RuntimeError("[enforce fail] PytorchStreamWriter failed writing"), "disk is full", "Free"),
        (OutOfMemoryError("CUDA out of memory."), "the GPU's memory", "Lower the batch size"),
        (MemoryError(), "this machine's memory: MemoryError.", "Lower the batch size"),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried 8 bytes"),
            "this machine's memory",
            "Lower the batch size",
        ),
        (
            OSError("llama is not a local folder and is not a valid model identifier"),
            "base model 'meta-llama/Llama-2-13b-hf' could not be loaded",
            "bundled:smollm2-135m",
        ),
        (invalid_settings(), "settings of the run are not valid", "Correct them"),
        (KeyError("loss"), "unexpected KeyError", "log.txt"),
        (SystemExit(3), "unexpected SystemExit: 3.", "Started again, it begins"),
        (TrainingError("Said well."), "Said well.", ""),
        (BaseModelError("No such model."), "No such model.", ""),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_message_says_what_happened_and_what_to_do(
    run_dir: RunDir, error: BaseException, what: str, remedy: str
) -> None:
    message = explain(error, run_dir)
    assert what in message
    assert remedy in message
    assert "\n" not in message


def test_the_cause_under_a_wrapper_is_found(run_dir: RunDir) -> None:
    wrapped = ValueError("could not save")
    wrapped.__cause__ = FULL
    assert "disk is full" in explain(wrapped, run_dir)


def test_the_checkpoint_to_continue_from_is_named(run_dir: RunDir) -> None:
    folder = run_dir.checkpoints_path / "checkpoint-4"
    folder.mkdir(parents=True)
    (folder / "trainer_state.json").write_text("{}")
    assert "continues from checkpoint-4" in explain(FULL, run_dir)
