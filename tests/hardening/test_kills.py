"""Kills at random moments lose nothing and leave nothing half-written."""

from __future__ import annotations

from hostile import kills


def test_a_kill_loses_nothing_that_was_confirmed_and_leaves_nothing_partial() -> None:
    figures = kills.measure(seed=1, scale=0.02)
    limited = [figure for figure in figures if figure.at_most is not None]
    assert limited
    for figure in limited:
        assert figure.figure is not None
        assert figure.figure <= figure.at_most, figure
