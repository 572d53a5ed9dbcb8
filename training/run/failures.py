"""Turning what a run died of into one message: what happened, and what to do about it.

Errors of torch, transformers and pydantic are recognised by name, so that nothing heavy is imported
here.
"""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator

from db.errors import DbError
from eci.errors import EciError
from training.errors import TrainingError
from training.run.run_dir import RunDir

_MEMORY_NAMES = {"MemoryError", "OutOfMemoryError"}
_MEMORY_WORDS = ("out of memory", "can't allocate memory", "cannot allocate memory")
# What torch says when a checkpoint could not be written whole.
_DISK_WORDS = ("no space left on device", "disk quota exceeded", "pytorchstreamwriter failed")
_BASE_MODEL_NAMES = {
    "EntryNotFoundError",
    "GatedRepoError",
    "HFValidationError",
    "LocalEntryNotFoundError",
    "OfflineModeIsEnabled",
    "RepositoryNotFoundError",
    "RevisionNotFoundError",
}
_BASE_MODEL_WORDS = ("is not a local folder", "couldn't connect to", "does not appear to have a")


def explain(error: BaseException, run_dir: RunDir) -> str:
    """Describe why a run failed and what to do next; the traceback is for the log."""
    if any(_is_disk_full(cause) for cause in _chain(error)):
        return _disk_full(run_dir)
    for cause in _chain(error):
        if isinstance(cause, TrainingError | EciError | DbError):
            return str(cause)  # ours say it all, whatever wraps them
        if _is_out_of_memory(cause):
            return _out_of_memory(cause)
        if _is_missing_base_model(cause):
            return _missing_base_model(cause, run_dir)
        if type(cause).__name__ == "ValidationError":  # pydantic's
            return (
                f"The settings of the run are not valid: {_one_line(cause)} "
                f"Correct them in {run_dir.settings_path}, or start a new run."
            )
    return (
        f"The run stopped on an unexpected {type(error).__name__}: {_one_line(error)} "
        f"The whole traceback is in {run_dir.log_path}. {again(run_dir)}"
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        hidden = error.__suppress_context__
        error = error.__cause__ or (None if hidden else error.__context__)


def _is_disk_full(error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    return not isinstance(error, OSError) and _says(error, _DISK_WORDS)


def _is_out_of_memory(error: BaseException) -> bool:
    if _MEMORY_NAMES & _class_names(error):
        return True
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    return isinstance(error, RuntimeError) and _says(error, _MEMORY_WORDS)


def _is_missing_base_model(error: BaseException) -> bool:
    if _BASE_MODEL_NAMES & _class_names(error):
        return True
    return isinstance(error, OSError) and _says(error, _BASE_MODEL_WORDS)


def _disk_full(run_dir: RunDir) -> str:
    free = shutil.disk_usage(run_dir.path).free / 1e6
    return (
        f"The disk is full: the run could not write any more ({free:,.0f} MB are free where "
        f"{run_dir.path} is). Free some space there, for example by deleting old runs' "
        f"checkpoints. {again(run_dir)}"
    )


def _out_of_memory(error: BaseException) -> str:
    where = "the GPU's memory" if _says(error, ("cuda", "hip")) else "this machine's memory"
    return (
        f"The run needed more than {where}: {_one_line(error)} Lower the batch size or the "
        "longest prompt, choose a smaller base model, or close what else uses the memory; then "
        "start a new run."
    )


def _missing_base_model(error: BaseException, run_dir: RunDir) -> str:
    try:
        named = f" {run_dir.read_model()['base']!r}"
    except TrainingError:
        named = ""
    return (
        f"The base model{named} could not be loaded: {_one_line(error)} Name a model that is "
        "there: 'bundled:smollm2-135m', a local folder, or the id of a model that this machine "
        "has or may download; then start a new run."
    )


def again(run_dir: RunDir) -> str:
    """Describe what starting a failed run again will do."""
    if run_dir.answers_path.exists():
        return "Started again, it asks only the items without an answer."
    checkpoint = run_dir.latest_checkpoint()
    if checkpoint is None:
        return "Started again, it begins from the beginning."
    return f"Started again, it continues from {checkpoint.name}."


def _class_names(error: BaseException) -> set[str]:
    return {cls.__name__ for cls in type(error).__mro__}


def _says(error: BaseException, words: tuple[str, ...]) -> bool:
    text = str(error).lower()
    return any(word in text for word in words)


def _one_line(error: BaseException, limit: int = 400) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    text = text if len(text) <= limit else text[:limit].rstrip() + " …"
    return text if text[-1] in ".!?…" else text + "."
