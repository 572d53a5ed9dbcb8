"""Every damaged database is read or refused, in words of ours and in time."""

from __future__ import annotations

from hostile import damaged


def test_a_damaged_database_is_refused_in_our_words_and_in_time() -> None:
    figures = damaged.measure(seed=1, scale=0.03)
    limited = [figure for figure in figures if figure.at_most is not None]
    assert limited
    for figure in limited:
        assert figure.figure is not None
        assert figure.figure <= figure.at_most, figure
