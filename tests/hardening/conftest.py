"""What the tests of hardening share."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest


@pytest.fixture(autouse=True)
def main_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let spawned processes start whatever test ran before.

    Such a process first executes its parent's main module, and Streamlit's test driver leaves the
    app's script as that.
    """
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))
