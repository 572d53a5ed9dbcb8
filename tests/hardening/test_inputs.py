"""Hostile files by every way in, a few hundred of them: the full number is a benchmark."""

# ruff: noqa: S311

from __future__ import annotations

import multiprocessing
import os
import random

import pytest
from hostile.inputs import measure, try_inputs
from hostile.mutations import MUTATIONS, mutate
from hostile.targets import TARGETS

SAMPLE = b'{"item_id": "q-1", "question": "Does it help?", "n": 3}\n' * 3


def test_hostile_files_are_refused_by_errors_of_ours_or_stored_whole(
    capfd: pytest.CaptureFixture[str],
) -> None:
    figures = {figure.measure: figure.figure for figure in measure(seed=1, scale=0.012)}
    report = capfd.readouterr().err
    assert (figures["raw errors"], figures["stored in part"]) == (0, 0), report
    assert (figures["refused by an error of ours"] or 0) > 100
    assert (figures["stored as a whole"] or 0) > 10
    assert 0 < (figures["peak memory"] or 0) <= 1.2


def test_an_input_is_the_same_for_the_same_seed() -> None:
    mutated = [mutate(random.Random("7:3"), SAMPLE) for _ in range(2)]
    assert mutated[0] == mutated[1]
    assert len({mutate(random.Random(seed), SAMPLE) for seed in range(50)}) > 40


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_each_mutation_damages_and_takes_any_content(mutation: object) -> None:
    assert callable(mutation)
    changed = {mutation(random.Random(seed), SAMPLE) for seed in range(20)}
    assert changed - {SAMPLE}
    mutation(random.Random(1), b"")


def test_a_raw_error_is_reported_with_how_to_repeat_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> bool:
        raise ZeroDivisionError("a fault of the program")

    def store_half(*_: object) -> bool:
        raise AssertionError("a refused file changed the store")

    monkeypatch.setattr("hostile.inputs.TARGETS", (("one", fail), ("other", store_half)))
    outcome = try_inputs(5, [0, 1])
    assert outcome.counts == {"raw": 1, "partial": 1}
    assert "python -m hostile.inputs 5 0" in outcome.failures[0]
    assert "ZeroDivisionError" in outcome.failures[0]
    assert "python -m hostile.inputs 5 1" in outcome.failures[1]


def test_every_way_in_has_its_turn() -> None:
    assert len({name for name, _ in TARGETS}) == 20


def _end_process(*_: object) -> bool:
    os._exit(9)


def test_an_input_that_ends_its_process_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    # Workers that are forked have the changed list.
    monkeypatch.setattr("hostile.inputs.TARGETS", (("one", _end_process),))
    fork = multiprocessing.get_context("fork")
    monkeypatch.setattr("hostile.inputs.multiprocessing.get_context", lambda _: fork)
    with pytest.raises(RuntimeError, match=r"one: python -m hostile\.inputs 3 0"):
        measure(seed=3, scale=0.0)
