"""Every file of the benchmark is stored, and counted on Errors, as counted without the product."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from any_file import expected_of, measure_file, measure_shape, measure_texts
from file_shapes import SHAPES
from history import Measured


def differing(figures: Iterable[Measured]) -> list[str]:
    """Return what is not as it was counted, and what was refused."""
    return [
        f"{one.measure}: {one.figure} {one.note}"
        for one in figures
        if one.figure is None
        or (one.at_least is not None and one.figure < one.at_least)
        or (one.at_most is not None and one.figure > one.at_most)
    ]


@pytest.mark.parametrize("name", SHAPES)
def test_a_generated_shape_is_imported_and_counted_as_it_was_written(
    tmp_path: Path, name: str
) -> None:
    figures = measure_shape(name, tmp_path)
    assert differing(figures) == []
    by_measure = {one.measure: one.figure for one in figures}
    assert (by_measure["items"], by_measure["right on Errors"]) == (120, 80)


@pytest.mark.data
def test_every_file_of_the_public_data_is_stored_and_counted_as_counted_apart(
    data_dir: Path,
) -> None:
    wrong = {}
    for path in sorted(data_dir.glob("*/*")):
        expected = expected_of(path)
        figures = [*measure_file(path, expected), *measure_texts(path)] if expected else []
        if faults := differing(figures):
            wrong[path.name] = faults
    # Its answers are of items that no file has.
    assert set(wrong) == {"llamacare_eval.jsonl"}, wrong
