"""A full disk is refused in words, and nothing is confirmed that is not there."""

from __future__ import annotations

from hostile import full_disk


def test_a_full_disk_is_no_acknowledgement_and_leaves_nothing_partial() -> None:
    figures = full_disk.measure(seed=1, scale=0.17)
    limited = [figure for figure in figures if figure.at_most is not None]
    assert limited
    for figure in limited:
        assert figure.figure is not None
        assert figure.figure <= figure.at_most, figure
