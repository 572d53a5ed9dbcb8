"""The second reader: a head that reviews teach whether the answers of a run are right.

Fitted in the app on what reviewers found, for any run whose answers have labels; see
``eci.model.correctness``. Items of the test split, and what repeats them, never teach it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from random import Random
from typing import Any, Final

import numpy as np
import pyarrow as pa
from duckdb import DuckDBPyConnection

from db.connection import Database
from db.copied_reads import read_aside
from db.records import OPTION_LABEL_SETS
from db.retraining.correctness import (
    AnswerCorrectness,
    CorrectnessFigures,
    ReviewableAnswer,
    correctness_table,
    gold_version,
    list_answers,
    list_correctness_fits,
    list_review_times,
    replace_correctness,
)
from eci.answers.cues import final_from, read_parts
from eci.arrays import BoolArray, FloatArray
from eci.model.correctness import (
    AnsweredItem,
    fit_correctness,
    gather,
    is_enough,
)
from eci.model.early_exit import choose_threshold, cross_predict_steps, read_steps, stop
from eci.questions.labels import LabelSet
from eci.questions.prompts import Question
from eci.statistics.calibration import out_of_fold
from eci.statistics.selective import area_under_roc
from training.data.groups import join_groups
from training.errors import DataError

FIXED_SECONDS: Final = 10.0
CHARACTERS_A_SECOND: Final = 25.0
"""250 words a minute (Brysbaert 2019), until reviewers were timed."""
MIN_TIMED: Final = 30
MIN_AGE: Final = 60.0
MAX_AGE: Final = 600.0
MIN_NEW: Final = 25
"""Seconds between two fits, and judgements without which the next one waits for longer."""
PAUSE: Final = 10
"""Times that the last fit took, for which the next one waits at least."""
NUM_TENTHS: Final = 10
MAX_READ: Final = 1000
MIN_STOPPED: Final = 50
MAX_STOPPED: Final = 300
"""Answers in which it is tried where reading could have stopped: seconds of the processor."""
_one_at_a_time = threading.Lock()


def fit_second_reader(database: Database, run_id: str, label_set: str) -> CorrectnessFigures:
    """Fit the head of a run and label set on all reviews, and store what it gives each answer.

    Raises:
        DataError: Too few reviewed answers were right, or wrong.
        DbError: The store cannot be read or written.
    """
    with _one_at_a_time:
        cur = database.cursor()
        version, begun = gold_version(cur), time.monotonic()
        figures, table = read_aside(cur, _fit, run_id, label_set)
        figures = replace(figures, seconds=time.monotonic() - begun)
        with database.transaction() as cur:
            replace_correctness(cur, (run_id, label_set, version), figures, table)
        return figures


def refit_second_readers(database: Database, now: datetime) -> int:
    """Fit every head again whose reviews have changed since; return how many.

    Not before a minute or ten times as long as the last fit took has passed, nor for fewer than 25
    judgements within ten minutes: a fit takes time of the processor on which reviewers save.
    """
    cur = database.cursor()
    version = gold_version(cur)
    num_fitted = 0
    for fit in list_correctness_fits(cur):
        age = (now - fit.created_at).total_seconds()
        if fit.fitted_on == version or age < max(MIN_AGE, PAUSE * fit.figures.seconds):
            continue
        if age < MAX_AGE and _num_judged(version) - _num_judged(fit.fitted_on) < MIN_NEW:
            continue
        with suppress(DataError):  # reviews were retracted: what the head gave stays
            fit_second_reader(database, fit.run_id, fit.label_set)
            num_fitted += 1
    return num_fitted


def _num_judged(version: str) -> int:
    """Return how many judgements there were by then, retracted ones included."""
    _, annotations, _, adjudications = (int(number) for number in version.split("-"))
    return annotations + adjudications


def teaching_rows(answers: Sequence[ReviewableAnswer]) -> list[int]:
    """Return which answers teach the head: reviewed ones that no test item repeats."""
    rows = [
        row
        for row, one in enumerate(answers)
        if one.reviewed_label is not None or one.split == "test"
    ]
    groups = _groups([answers[row] for row in rows])
    tested = {
        group for group, row in zip(groups, rows, strict=True) if answers[row].split == "test"
    }
    return [row for group, row in zip(groups, rows, strict=True) if group not in tested]


def _fit(
    cur: DuckDBPyConnection, run_id: str, label_set: str
) -> tuple[CorrectnessFigures, pa.Table]:
    answers = list_answers(cur, run_id, label_set)
    rows = teaching_rows(answers)
    taught = [answers[row] for row in rows]
    right = np.array([one.label == one.reviewed_label for one in taught], dtype=np.bool_)
    groups = _groups(taught)
    if not is_enough(right, groups):
        is_all_test = all(one.split == "test" for one in answers)
        raise DataError(
            f"{int(right.sum())} right and {int((~right).sum())} wrong answers were reviewed "
            "outside of the test split; at least 10 of each are needed. "
            + (
                "All items of this run are in the test split, which teaches nothing: import them "
                "into another split."
                if is_all_test
                else "Review more answers of this run."
            )
        )
    evidence = gather([_answered(label_set, one) for one in answers])
    given = fit_correctness(evidence, rows, right, groups).probabilities
    seconds = expected_seconds(
        np.array([one.characters for one in answers], float), list_review_times(cur)
    )
    learned = set(rows)
    table = correctness_table(
        [
            AnswerCorrectness(one.item_id, float(given[row]), row in learned, float(seconds[row]))
            for row, one in enumerate(answers)
        ]
    )
    return replace(_figures(given[rows], right), **read_thinking(label_set, answers)), table


def _figures(given: FloatArray, right: BoolArray) -> CorrectnessFigures:
    found = area_under_roc(given, right)
    low, high = (found.interval.low, found.interval.high) if found.interval else (0.0, 1.0)
    return CorrectnessFigures(int(right.sum()), int((~right).sum()), found.value or 0.5, low, high)


def read_thinking(label_set: str, answers: Sequence[ReviewableAnswer]) -> dict[str, Any]:
    """Return by when the labels of answers in several paragraphs are final, as figures have it.

    Of more than a thousand such answers, a thousand drawn at random are read.
    """
    long = [one for one in answers if "\n" in one.answer.strip()]
    drawn = Random(0).sample(long, min(len(long), MAX_READ))  # noqa: S311 - no secret
    parts = [read_parts(one.answer, _labels(label_set, one), one.aliases) for one in drawn]
    read = [(found, one) for found, one in zip(parts, drawn, strict=True) if len(found) > 1]
    places = [final_from(found, one.label) for found, one in read]
    return {
        "num_thinking": len(places),
        "final_by": tuple(
            sum(place is not None and place <= tenth / NUM_TENTHS for place in places)
            for tenth in range(1, NUM_TENTHS + 1)
        ),
        **_stopped_early(label_set, [one for _, one in read]),
    }


def _stopped_early(label_set: str, answers: Sequence[ReviewableAnswer]) -> dict[str, Any]:
    """Return what stopping where the label is predicted would have saved, cross-fitted."""
    alike = [one for one in answers if one.labels == answers[0].labels][:MAX_STOPPED]
    if label_set in OPTION_LABEL_SETS or len(alike) < MIN_STOPPED:
        return {}
    labels = _labels(label_set, alike[0])
    ended = np.array([labels.names.index(one.label) for one in alike])
    texts, rows = [one.answer for one in alike], np.arange(len(alike))
    steps = read_steps(texts, labels, alike[0].aliases)
    given = cross_predict_steps(steps, ended, rows, len(labels.names))
    found, share = ended.copy(), np.ones(len(alike))
    for fold in out_of_fold(ended, seed=1):
        threshold = choose_threshold(steps, given, ended, fold.train)
        stopped = stop(steps, given, ended, threshold)
        found[fold.held_out], share[fold.held_out] = (one[fold.held_out] for one in stopped)
    num_words = np.array([len(text.split()) for text in texts])
    return {
        "num_stopped": len(alike),
        "num_kept": int((found == ended).sum()),
        "words_saved": float(1 - (share * num_words).sum() / num_words.sum()),
    }


def _answered(label_set: str, one: ReviewableAnswer) -> AnsweredItem:
    labels = _labels(label_set, one)
    form = one.form or ("bare" if not one.answer else "absent")
    return AnsweredItem(
        one.answer,
        one.label,
        form,  # type: ignore[arg-type]
        labels,
        one.aliases,
        one.own_probabilities,
        one.head_probabilities,
        one.agreeing,
        one.question,
        [part.text for part in one.context],
    )


def _labels(label_set: str, one: ReviewableAnswer) -> LabelSet:
    if label_set in OPTION_LABEL_SETS:
        return LabelSet.from_options([(part.label, part.text) for part in one.options])
    return LabelSet.fixed(label_set, one.labels)


def _groups(answers: Sequence[ReviewableAnswer]) -> list[str]:
    questions = [
        Question(
            one.question,
            tuple((part.heading, part.text) for part in one.context),
            LabelSet.fixed("any", one.labels),
            one.item_id,
        )
        for one in answers
    ]
    return join_groups([one.item_id for one in answers], questions)


def expected_seconds(characters: FloatArray, timed: Sequence[tuple[int, float]]) -> FloatArray:
    """Return how long reviewing items is expected to take, from their length.

    Args:
        characters: That a reviewer reads, by item.
        timed: Characters and seconds of earlier reviews; of fewer than 30 the speed at which most
            people read counts.
    """
    fixed, speed = FIXED_SECONDS, 1 / CHARACTERS_A_SECOND
    if len(timed) >= MIN_TIMED:
        read, took = np.array(timed, dtype=np.float64).T
        slope, start = np.polyfit(read, took, 1) if np.ptp(read) else (0.0, took.mean())
        fixed, speed = max(float(start), 1.0), max(float(slope), 0.0)
    seconds: FloatArray = fixed + speed * characters
    return seconds
