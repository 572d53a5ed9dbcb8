"""The simulations of design-based figures, in short form."""

from __future__ import annotations

import design_estimates as simulated
import pytest


def test_intervals_cover_whichever_way_items_were_chosen() -> None:
    found = {
        (figure.what, figure.measure): figure.figure or 0.0
        for figure in simulated.measure_coverage(60)
        if figure.section.startswith("Coverage")
    }
    assert len(found) == len(simulated.WAYS) * len(simulated.MODELS) * len(simulated.METHODS)
    for (what, measure), share in found.items():
        if measure != "plain":
            assert share > 0.85, (what, measure)
    assert found["least certain first; calibrated, 16.4 % errors", "plain"] < 0.3


def test_the_watch_keeps_its_promise_and_finds_a_rise() -> None:
    found = {figure.measure: figure.figure or 0.0 for figure in simulated.measure_watch(400, 200)}
    assert found["false alarms, betting"] <= 0.06
    assert found["false alarms, Wilson, before"] > 0.15
    assert found["reviews until a rise of 10 points is found, median"] < 200


def test_planned_reviews_find_what_they_are_to_find() -> None:
    for figure in simulated.measure_power(1500):
        assert figure.figure == pytest.approx(0.95 if "95 %" in figure.section else 0.8, abs=0.05)
