"""Waiting for what another process or thread will do."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
POLL_SECONDS = 0.05
LONGEST_SECONDS = 240.0
"""A run of three processes took over 90 s to its second step beside other tests."""


def wait_for(
    condition: Callable[[], T],
    *,
    seconds: float = LONGEST_SECONDS,
    explain: Callable[[], str] = str,
) -> T:
    """Return the first true value of a condition.

    Args:
        seconds: The longest wait; tests run beside other tests on machines that are slow.
        explain: Called at the end of a wait in vain, for what happened instead.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(POLL_SECONDS)
    raise AssertionError(f"It did not happen within {seconds:.0f} s. {explain()}".rstrip())
