"""Long work in Python, done in a process of its own: in the app's it would hold up all who save.

The interpreter runs one thread at a time, so a file that is parsed for two seconds makes each save
wait for its turn dozens of times. What goes to the child and comes back is pickled and should be
small; large data go through files.
"""

from __future__ import annotations

import gc
import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO, Final, ParamSpec, Protocol, TypeVar, cast

from db.errors import ChildProcessFailedError

SMALL_BYTES: Final = 300_000
"""Less than this is worked on at once: a process takes longer to start."""
_NICENESS: Final = 5
"""Below the server, but not below a training run by so much that an import would starve."""
_GARBAGE: Final = 500_000
"""Objects made beyond those freed before the collector looks at them; Python's own number: 700."""
_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")


class Call(Protocol):
    """Call a function of a module and return what it returns, or raise what it raises."""

    def __call__(
        self,
        function: Callable[_Parameters, _Result],
        *arguments: _Parameters.args,
        **named: _Parameters.kwargs,
    ) -> _Result:
        """Execute the function there."""


@contextmanager
def child_process(*, for_bytes: int | None = None) -> Iterator[Call]:
    """Yield a way to call functions in a child process of low priority, which ends with the block.

    Args:
        for_bytes: How much data the work is about: below ``SMALL_BYTES`` no process is started.

    Raises:
        ChildProcessFailedError: The child ended before it answered, for want of memory for example.
    """
    if for_bytes is not None and for_bytes < SMALL_BYTES:
        yield lambda function, *arguments, **named: function(*arguments, **named)
        return
    process = subprocess.Popen(
        [sys.executable, "-m", "db.child_process"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    requests, answers = cast(BinaryIO, process.stdin), cast(BinaryIO, process.stdout)

    def call(function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        try:
            pickle.dump((function, arguments, named), requests)
            requests.flush()
            is_returned, value = pickle.load(answers)  # noqa: S301 (of our own child)
        except (EOFError, BrokenPipeError, pickle.UnpicklingError) as error:
            raise ChildProcessFailedError(
                f"{function.__name__} was not completed and nothing was changed: its process ended "
                f"with code {process.wait()}, expected an answer. Try again; if it stays, look "
                "whether memory is short."
            ) from error
        if is_returned:
            return value
        raise value

    try:
        yield call
    finally:
        with suppress(BrokenPipeError):
            requests.close()
        answers.close()
        process.kill()
        process.wait()


def _serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Execute calls until the parent closes its end, as its death does."""
    while True:
        try:
            function, arguments, named = pickle.load(requests)  # noqa: S301 (of our own parent)
        except EOFError:
            return
        try:
            answer = (True, function(*arguments, **named))
        except Exception as error:
            answer = (False, error)
        pickle.dump(answer, answers)
        answers.flush()


def _stop_with(parent: int) -> None:
    """Stop this process where the parent has ended: nobody waits for what it is at."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=_stop_with, args=(os.getppid(),), daemon=True).start()
    os.nice(_NICENESS)
    # It would look through millions of rows again and again, and they are freed without it.
    gc.set_threshold(_GARBAGE)
    answers_of_this = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not mix with the answers
    with suppress(BrokenPipeError):
        _serve(sys.stdin.buffer, answers_of_this)
