"""Backups of a real app while people save and runs end: nothing that was confirmed is missing."""

from __future__ import annotations

import argparse
from pathlib import Path

import backup
import pytest


def test_nothing_confirmed_before_a_backup_is_missing_after_its_restore(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLAMACARE_HOME", str(tmp_path))
    options = argparse.Namespace(
        counts=(900, 900, 10), sessions=8, every=0.5, rounds=1, ahead=4.0, seed=1
    )
    figures = backup.measure(options, tmp_path)
    counts = {figure.what: figure for figure in figures if figure.measure == "count"}
    assert {what: figure.figure for what, figure in counts.items()} == dict.fromkeys(counts, 0)
    assert counts["confirmed before a backup, missing after its restore"].n >= options.sessions
