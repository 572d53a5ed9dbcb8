"""What a run is worth: head against text, and both against a bag of words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from db.connection import Database
from db.records import Prediction, Reviewer
from db.retraining.snapshot import SnapshotItem, load_snapshot, read_snapshot
from db.viewer import EVERYTHING
from training.control.start import prepare_run
from training.evaluation.bag_of_words import judge_by_words, word_probabilities
from training.evaluation.verdict import Verdict, judge_run
from training.run.result_tables import PREDICTIONS
from training.run.run_dir import RunDir
from training.settings.training import Preset, parse_settings

Give = Callable[[SnapshotItem], str | None]


def right(item: SnapshotItem) -> str:
    return item.label


def always_yes(item: SnapshotItem) -> str:
    return item.labels[0]


def nothing(item: SnapshotItem) -> None:
    del item


@pytest.fixture
def judged(
    database: Database, engineer: Reviewer, tiny_settings: dict[str, Any]
) -> Callable[[Give, Give], Verdict]:
    """Judge a run whose head and text give what they are told; of the label set of remedies."""
    settings = parse_settings(tiny_settings, "tests")
    run_dir = prepare_run(database, Preset("test", "A test.", settings), engineer.name)

    def judge(head: Give, text: Give) -> Verdict:
        _predict(run_dir, head, text)
        found = {verdict.label_set: verdict for verdict in judge_run(run_dir)}
        assert found.keys() == {"pubmedqa", "options"}
        assert found["options"].against_words is None
        return found["pubmedqa"]

    return judge


def _predict(run_dir: RunDir, head: Give, text: Give) -> None:
    items = load_snapshot(run_dir.snapshot_path).test
    PREDICTIONS.write(
        run_dir.predictions_path,
        [
            Prediction(
                run_dir.run_id,
                item.item_id,
                answer=text(item),
                answer_label=text(item),
                head_label=head(item),
                head_probabilities=tuple(float(head(item) == label) for label in item.labels)
                if head(item)
                else None,
            )
            for item in items
        ],
    )


def test_the_head_is_judged_against_the_text_item_by_item(
    judged: Callable[[Give, Give], Verdict],
) -> None:
    found = judged(right, always_yes).head_against_text
    assert found is not None
    assert (found.broken, found.accuracy_b.value) == (0, 1.0)
    assert found.fixed == round(found.n * (found.accuracy_difference.value or 0)) > 5
    assert judged(right, nothing).head_against_text is None


def test_a_run_that_a_bag_of_words_beats_is_told_so(
    judged: Callable[[Give, Give], Verdict],
) -> None:
    assert judged(always_yes, right).beats_words == "worse"
    without_head = judged(nothing, always_yes)
    assert (without_head.beats_words, without_head.is_head) == ("worse", False)
    # The test items that say nothing of their label keep words from being right on all.
    words = judged(right, right).against_words
    assert words is not None
    assert 0.6 < (words.accuracy_a.value or 0) < 1.0


def test_words_say_nothing_where_they_cannot_classify(
    database: Database, engineer: Reviewer
) -> None:
    snapshot = read_snapshot(database.cursor(), EVERYTHING)
    assert judge_by_words(snapshot, "options") == {}
    assert judge_by_words(snapshot, "unknown") == {}
    alike = [replace(item, question="?", context=()) for item in snapshot.train]
    assert judge_by_words(replace(snapshot, train=tuple(alike)), "pubmedqa") == {}


def test_words_give_a_label_that_nothing_was_learned_of_no_probability() -> None:
    found = word_probabilities(["it helped", "it failed"], [0, 2], ["helped", "failed"], 3)
    assert found.sum(1) == pytest.approx(1.0)
    assert np.array_equal(found.argmax(1), [0, 2])
    assert not found[:, 1].any()
