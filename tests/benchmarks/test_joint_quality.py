"""The page of the joint runs: made of what was run, and honest about what was not."""

from __future__ import annotations

import argparse
from pathlib import Path

import joint_quality
import numpy as np
import pytest
from joint_ways import JOINT, PUBMEDQA_DATA, WORDS, Made, Plan, identity, settings_of
from sklearn.metrics import accuracy_score, f1_score


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep runs in a file of the test's own."""
    path = tmp_path / "made.jsonl"
    monkeypatch.setattr(joint_quality, "MADE", path)
    return path


class Division:
    """Twelve test items whose labels follow from their number."""

    y = np.arange(12) % 3


def _made(plan: Plan, labels: np.ndarray) -> Made:
    probabilities = np.full((len(labels), 3), 0.1)
    probabilities[np.arange(len(labels)), labels] = 0.8
    return Made(
        plan.key,
        probabilities.tolist(),
        [None if label == 0 else ("yes", "no", "maybe")[label] for label in labels],
        probabilities.tolist(),
        Division.y.tolist(),
        identity(plan),
    )


def test_runs_are_kept_one_by_one_and_missing_ones_are_named(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joint_quality, "division", lambda *_: Division)
    options = argparse.Namespace()
    missing = list(joint_quality.figures(options))
    assert {one.note for one in missing} == {joint_quality.NOT_RUN}

    given = (Division.y + (np.arange(12) > 8)) % 3
    joint_quality.keep(_made(Plan(PUBMEDQA_DATA, JOINT, 425, "0", 0), given))
    joint_quality.keep(_made(Plan(PUBMEDQA_DATA, WORDS, 425, "0", 0), np.zeros(12, dtype=int)))
    assert len(results.read_text().splitlines()) == 2
    figures = [one for one in joint_quality.figures(options) if "MedQA-" not in one.section]
    found = {(one.what, one.measure): one for one in figures}

    accuracy = found["joint", "accuracy"]
    assert accuracy.figure == pytest.approx(accuracy_score(Division.y, given))
    assert accuracy.note == "1 of 3 seeds"
    macro = f1_score(Division.y, given, average="macro")
    assert found["joint", "macro-F1"].figure == pytest.approx(macro)
    of_words = f1_score(Division.y, np.zeros(12), average="macro")
    against = found["joint against TF-IDF", "macro-F1"]
    assert against.figure == pytest.approx(macro - of_words)
    assert against.low is not None
    assert against.low > 0
    # Where the text has no label it is wrong.
    text = found["text of the joint run", "accuracy"]
    assert text.figure == pytest.approx(((given == Division.y) & (given != 0)).mean())
    assert found["head on frozen states", "accuracy"].note == joint_quality.NOT_RUN


def test_every_planned_run_has_a_key_and_a_folder_of_its_own() -> None:
    planned = joint_quality.plans()
    assert (
        len({plan.key for plan in planned}) == len({plan.slug for plan in planned}) == len(planned)
    )
    few = settings_of(Plan(PUBMEDQA_DATA, JOINT, 50, "0+1 > 1", 2))
    assert few.data.items_per_label_set == 59
    assert (few.data.shots, few.seed) == ((0, 1), 2)
