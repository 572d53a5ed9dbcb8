"""The second reader from reviews to accepted answers: fit, certificate, rule, suspension, undo."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from db.connection import Database
from db.content.items import add_items
from db.content.predictions import add_predictions
from db.content.runs import add_run
from db.errors import InvalidSettingError, NotPermittedError
from db.outcomes import scored_runs
from db.outcomes.acceptance import (
    list_acceptances,
    list_scores,
    list_timed_reviews,
    undo_acceptance,
)
from db.people.reviewers import add_reviewer
from db.retraining.correctness import (
    ReviewableAnswer,
    list_answers,
    list_correctness_fits,
)
from db.review.draws import QueueDesign
from db.review.item_list import ReviewFilter, list_item_ids
from db.review.queues import QueueSettings, add_queue
from db.viewer import EVERYTHING
from eci.questions.labels import PUBMEDQA
from tests.support.annotations import annotate
from tests.support.records import make_item, make_prediction, make_run
from tests.support.second_reader import (
    IS_DOUBTFUL,
    IS_WRONG,
    NUM_ITEMS,
    accept,
    answered_item,
    fill,
    label_queue,
    plan,
    review,
)
from training.errors import DataError
from training.evaluation.acceptance import check_acceptances
from training.head import second_reader
from training.head.second_reader import (
    CHARACTERS_A_SECOND,
    FIXED_SECONDS,
    expected_seconds,
    fit_second_reader,
    read_thinking,
    refit_second_readers,
    teaching_rows,
)

NUM_REVIEWED = 200


@pytest.fixture(scope="module")
def reviewed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of a store in which 200 random answers were reviewed."""
    path = tmp_path_factory.mktemp("reviewed") / "store.duckdb"
    database = fill(path)
    review(database, NUM_REVIEWED)
    database.close()
    return path


@pytest.fixture
def store(reviewed: Path, tmp_path: Path) -> Iterator[Database]:
    database = Database.open(Path(shutil.copy(reviewed, tmp_path)))
    yield database
    database.close()


@pytest.fixture
def unreviewed(tmp_path: Path) -> Iterator[Database]:
    database = fill(tmp_path / "unreviewed.duckdb")
    yield database
    database.close()


def test_reviews_teach_which_answers_are_wrong_and_random_ones_certify(store: Database) -> None:
    figures = fit_second_reader(store, "run-1", "pubmedqa")
    assert figures.auroc_low > 0.65
    assert figures.num_right + figures.num_wrong == 200

    found = plan(store)

    assert found.certificate.num_reviewed == 200
    numbers = [int(item_id[2:]) for item_id, _ in found.accepted]
    assert len(numbers) > 60
    assert not IS_DOUBTFUL[numbers].any()
    assert IS_WRONG[numbers].mean() <= 0.1
    reviewed = store.cursor().execute("select item_id from standing_annotation").fetchall()
    assert not {item_id for item_id, _ in found.accepted} & {row[0] for row in reviewed}
    assert plan(store, risk=0.01).accepted == ()


def test_only_items_drawn_with_known_probabilities_certify(unreviewed: Database) -> None:
    with pytest.raises(DataError, match="0 right and 0 wrong"):
        fit_second_reader(unreviewed, "run-1", "pubmedqa")
    review(unreviewed, 60, order="item_id")
    fit_second_reader(unreviewed, "run-1", "pubmedqa")
    found = plan(unreviewed)
    assert found.queue_id is None
    assert found.accepted == ()
    review(unreviewed, 60, order="expected_errors", queue_id="prioritised")
    assert 10 < plan(unreviewed).certificate.num_reviewed < 60


def test_a_run_of_test_items_alone_says_why_it_teaches_nothing(unreviewed: Database) -> None:
    with unreviewed.transaction() as cur:
        add_run(cur, make_run("run-2"))
        add_items(cur, [make_item("t-1", question="Only a test?", context=())], origin="items")
        add_predictions(cur, [make_prediction("t-1", "run-2", answer_label="yes")])
    with pytest.raises(DataError, match="All items of this run are in the test split"):
        fit_second_reader(unreviewed, "run-2", "pubmedqa")


def test_errors_are_reviewed_first_and_the_yield_is_counted(store: Database) -> None:
    fit_second_reader(store, "run-1", "pubmedqa")
    with store.transaction() as cur:
        chief = add_reviewer(cur, "Chief").reviewer_id
        flt = ReviewFilter(run_id="run-1", show="unreviewed")
        strict = QueueSettings("first", flt, order="expected_errors", design=QueueDesign(floor=0))
        add_queue(cur, strict, queue_id="first", created_by=chief)
    label_queue(store, "first", 40)
    reviews = list_timed_reviews(store.cursor(), "run-1", "pubmedqa", EVERYTHING)
    rate = {
        order: np.mean([one.is_error for one in reviews if one.order == order])
        for order in ("random", "expected_errors")
    }
    assert rate["expected_errors"] > 1.8 * rate["random"]


def test_a_rule_is_no_review_and_its_share_goes_on_being_reviewed(store: Database) -> None:
    fit_second_reader(store, "run-1", "pubmedqa")
    with pytest.raises(NotPermittedError, match="accept answers without review"):
        accept(store, who="Eve")
    with pytest.raises(InvalidSettingError, match="Raise the percentage"):
        accept(store, share=0.0001)
    rule = accept(store)
    assert rule.action == "accept"
    assert plan(store).accepted == ()
    held = "select count(*) from accepted where run_id = 'run-1'"
    assert store.cursor().execute(held).fetchone() == (rule.num_accepted,)
    shown = ReviewFilter(run_id="run-1", show="accepted")
    assert len(list_item_ids(store.cursor(), shown, EVERYTHING)) == rule.num_accepted
    labels = store.cursor().execute("select count(*) from standing_annotation").fetchone()
    assert labels == (200,)

    assert rule.queue_id is not None
    label_queue(store, rule.queue_id, 10)
    assert check_acceptances(store) == []
    label_queue(store, rule.queue_id, 10, wrong=True)
    assert [one.rule_id for one in check_acceptances(store)] == [rule.rule_id]
    (after,) = list_acceptances(store.cursor())
    assert (after.action, after.num_audited, after.num_audit_errors) == ("suspend", 10, 10)
    assert store.cursor().execute(held).fetchone() == (0,)
    assert check_acceptances(store) == []

    # What certified the rule was shown wrong: it certifies nothing again, a new draw may.
    found = plan(store)
    assert (found.queue_id, found.accepted, found.suspended_at) == (None, (), after.changed_at)
    review(store, 150, queue_id="drawn again")
    found = plan(store)
    assert (found.queue_id, found.certificate.num_reviewed) == ("drawn again", 150)


def test_an_acceptance_is_undone(store: Database) -> None:
    fit_second_reader(store, "run-1", "pubmedqa")
    rule = accept(store)
    with store.transaction() as cur:
        undo_acceptance(cur, rule, add_reviewer(cur, "Chief").reviewer_id)
    (after,) = list_acceptances(store.cursor(), "run-1")
    assert after.action == "undo"
    assert store.cursor().execute("select count(*) from accepted").fetchone() == (0,)


def test_test_items_teach_nothing_and_reviews_refit(
    store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store.transaction() as cur:
        twin = make_item("t-1", question=answered_item(5).question, gold_label=None, context=())
        add_items(cur, [twin], origin="items")
        add_predictions(cur, [make_prediction("t-1", answer_label="yes")])
        annotate(cur, "Ann", "t-1", "yes")
        annotate(cur, "Ann", "q-005", "yes")
        annotate(cur, "Ann", "q-006", "yes")
    answers = list_answers(store.cursor(), "run-1", "pubmedqa")
    taught = {answers[row].item_id for row in teaching_rows(answers)}
    assert "q-006" in taught
    assert not taught & {"q-005", "t-1"}  # a test item, and the item that it repeats
    fit_second_reader(store, "run-1", "pubmedqa")
    scores = list_scores_of(store)
    assert len(scores) == NUM_ITEMS + 1
    soon = datetime.now(UTC) + timedelta(seconds=90)
    assert refit_second_readers(store, soon) == 0
    for n in range(NUM_ITEMS - 30, NUM_ITEMS):
        annotate(store, "Ben", f"q-{n:03d}", "yes")
    monkeypatch.setattr(second_reader, "PAUSE", 0)  # however busy the machine
    assert refit_second_readers(store, datetime.now(UTC)) == 0
    with monkeypatch.context() as slow:
        slow.setattr(second_reader, "PAUSE", 100_000)
        assert refit_second_readers(store, soon) == 0
    assert refit_second_readers(store, soon) == 1
    (fit,) = list_correctness_fits(store.cursor())
    assert fit.figures.num_right + fit.figures.num_wrong > 200


def list_scores_of(store: Database) -> list[str]:
    scored_runs.refresh(store.cursor(), ["run-1"])
    return list_scores(store.cursor(), "run-1", "pubmedqa").item_ids.tolist()


def test_it_is_counted_by_which_tenth_of_an_answer_its_label_is_final() -> None:
    texts = {
        "early": "The answer is yes.\n\n" + "More of the trial. " * 40,
        "late": "The answer is no.\n\nWait.\n\nThe answer is yes.",
        "bare": "yes",
    }
    answers = [
        ReviewableAnswer(
            name,
            "train",
            "Q?",
            (),
            PUBMEDQA.names,
            (),
            {},
            text,
            "yes",
            None,
            None,
            None,
            None,
            None,
        )
        for name, text in texts.items()
    ]
    found = read_thinking("pubmedqa", answers)
    assert found == {"num_thinking": 2, "final_by": (*[1] * 9, 2)}
    more = read_thinking("pubmedqa", answers * 50)
    assert (more["num_stopped"], more["num_kept"]) == (100, 100)
    assert more["words_saved"] > 0.1


def test_the_time_of_a_review_follows_its_length() -> None:
    characters = np.array([0.0, 1000.0])
    assert expected_seconds(characters, []).tolist() == [
        FIXED_SECONDS,
        FIXED_SECONDS + 1000 / CHARACTERS_A_SECOND,
    ]
    timed = [(100 * n, 20 + 3.0 * n) for n in range(40)]
    assert expected_seconds(characters, timed).tolist() == pytest.approx([20, 50])
