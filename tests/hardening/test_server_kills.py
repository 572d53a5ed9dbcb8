"""A short form of the kills of ``benchmarks/hostile/server_kills.py``."""

from __future__ import annotations

from hostile import server_kills


def test_a_killed_server_keeps_what_reviewers_saw_confirmed() -> None:
    figures = server_kills.measure(seed=3, scale=0.04)
    assert len(figures) == 3
    for figure in figures:
        assert figure.n
        assert figure.figure == 0, figure
