"""Files of every generated shape of the benchmark are imported as they were written."""

from __future__ import annotations

from pathlib import Path

import pytest
from any_file import SHAPES, expected_of, measure_file, measure_shape


@pytest.mark.parametrize("name", SHAPES)
def test_a_generated_shape_is_imported_as_it_was_written(tmp_path: Path, name: str) -> None:
    figures = {figure.measure: figure.figure for figure in measure_shape(name, tmp_path)}
    assert (figures.get("items"), figures.get("as counted")) == (120, 1.0)


@pytest.mark.data
def test_every_file_of_the_public_data_is_stored_as_counted(data_dir: Path) -> None:
    wrong = {}
    for path in sorted(data_dir.glob("*/*")):
        expected = expected_of(path)
        for figure in measure_file(path, expected) if expected else ():
            if figure.measure == "as counted" and figure.figure != 1:
                wrong[path.name] = figure.figure
            if figure.figure is None:
                wrong[path.name] = figure.note
    # Its answers are of items that no file has.
    assert set(wrong) == {"llamacare_eval.jsonl"}, wrong
