"""A short form of the hostile requests of ``benchmarks/hostile/bodies.py``."""

from __future__ import annotations

from hostile import bodies


def test_a_real_server_refuses_hostile_requests_and_stays_up() -> None:
    figures = bodies.measure(seed=7, scale=0.02)
    limited = [figure for figure in figures if figure.at_most is not None]
    assert len(limited) == 4
    for figure in limited:
        assert figure.figure is not None
        assert figure.figure <= figure.at_most, figure
