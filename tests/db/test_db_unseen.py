"""Only heads that have not learned from an item may speak against its gold label."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from db.connection import Database
from db.content.items import add_items
from db.content.predictions import add_predictions
from db.errors import InvalidPredictionError
from db.outcomes import scored_runs
from db.outcomes.selection import OutcomeFilter
from db.outcomes.unseen import UnseenCount, count_unseen, load_unseen
from db.people.reviewers import add_reviewer
from db.retraining.lineage import TrainingRecord, add_training_records
from db.retraining.out_of_fold import OutOfFold, add_out_of_fold
from db.review.draws import QueueDesign
from db.review.item_list import ReviewFilter
from db.review.queues import QueueSettings, add_queue
from db.viewer import EVERYTHING
from tests.support.records import make_item, make_prediction
from tests.support.trained_runs import add_trained_run

ITEMS = ("q-1", "q-2", "q-3")
OWN = (0.9, 0.05, 0.05)
Train = Callable[..., None]


@pytest.fixture
def train(database: Database) -> Train:
    """Return a maker of runs that predict three items with the label yes, sure at 0.9."""
    with database.transaction() as cur:
        add_items(cur, [make_item(item_id) for item_id in ITEMS], origin="items")

    def make(
        run_id: str,
        task: str,
        *,
        source: str | None = None,
        learned: tuple[str, ...] = (),
        told: Mapping[str, tuple[str, tuple[float, ...]]] | None = None,
    ) -> None:
        with database.transaction() as cur:
            settings = {"task": task, "settings": {"artifact_run_id": source}}
            add_trained_run(cur, run_id, settings)
            add_predictions(
                cur,
                [
                    make_prediction(name, run_id, head_label="yes", head_probabilities=OWN)
                    for name in ITEMS
                ],
            )
            add_training_records(
                cur, [TrainingRecord(run_id, name, 0, 0, "train", ()) for name in learned]
            )
            add_out_of_fold(
                cur,
                [OutOfFold(run_id, name, *said) for name, said in (told or {}).items()],  # type: ignore[arg-type]
            )

    return make


def _bases(database: Database, run_id: str) -> dict[str, str | None]:
    rows = database.cursor().execute(
        "select item_id, basis from unseen_prediction where run_id = $run_id", {"run_id": run_id}
    )
    return dict(rows.fetchall())


def test_a_run_speaks_of_what_it_learned_only_out_of_fold(database: Database, train: Train) -> None:
    train("fit", "refit", learned=("q-1", "q-2"), told={"q-1": ("held_out", (0.2, 0.5, 0.3))})
    assert _bases(database, "fit") == {"q-1": "held_out", "q-2": None, "q-3": "own"}
    cur = database.cursor()
    scored_runs.refresh(cur, ["fit"])
    flt = OutcomeFilter(EVERYTHING, "fit", "record", "pubmedqa")
    assert count_unseen(cur, flt) == UnseenCount(
        own=1, held_out=1, base_model=0, num_learned=2, none=1
    )
    loaded = load_unseen(cur, flt, ("no", "yes", "maybe"))
    assert loaded.found.probabilities.tolist() == [[0.5, 0.2, 0.3], [0.05, 0.9, 0.05]]
    assert loaded.found.y.tolist() == [1, 1]
    assert not loaded.is_base_model.any()


def test_what_an_artifact_learned_counts_for_the_runs_made_from_it(
    database: Database, train: Train
) -> None:
    train("joint", "train", learned=("q-1",))
    train("head", "refit", source="joint", learned=("q-2",))
    train("newer", "refit", source="head", learned=("q-3",))
    train("said", "predict", source="newer")
    train("warm", "recalibrate", source="head")
    assert _bases(database, "head") == {"q-1": None, "q-2": None, "q-3": "own"}
    newer = {"q-1": None, "q-2": "own", "q-3": None}
    assert _bases(database, "newer") == newer, "its head replaced the one that learned from q-2"
    assert _bases(database, "said") == newer
    assert _bases(database, "warm") == _bases(database, "head")


def test_a_queue_by_likely_label_errors_heeds_only_unseen_probabilities(
    database: Database, train: Train
) -> None:
    told = {"q-2": ("held_out", (0.1, 0.6, 0.3)), "q-1": ("base_model", (0.95, 0.03, 0.02))}
    train("fit", "refit", learned=("q-1", "q-2"), told=told)
    train("other", "predict", source="fit")
    with database.transaction() as cur:
        eve = add_reviewer(cur, "Eve", "engineer").reviewer_id
        for run_id in ("fit", "other"):
            add_queue(
                cur,
                QueueSettings(
                    run_id,
                    ReviewFilter(run_id=run_id),
                    order="label_errors",
                    design=QueueDesign(floor=0),
                ),
                queue_id=run_id,
                created_by=eve,
            )
    rows = database.cursor().execute(
        'select queue_id, list(item_id order by "position") from queue_item group by all'
    )
    assert dict(rows.fetchall()) == {
        "fit": ["q-2", "q-3", "q-1"],
        "other": ["q-3", "q-1", "q-2"],
    }, "in the second run nothing unseen speaks of q-1 and q-2"


@pytest.mark.parametrize(
    ("name", "shares", "message"),
    [
        ("q-9", (0.5, 0.5, 0.0), "no such item"),
        ("q-1", (0.5, 0.5), "2 probabilities out of fold for 3 labels"),
        ("q-1", (0.5, 0.4, 0.0), "do not sum to 1"),
    ],
)
def test_probabilities_that_do_not_fit_are_refused(
    database: Database, train: Train, name: str, shares: tuple[float, ...], message: str
) -> None:
    with pytest.raises(InvalidPredictionError, match=message):
        train("fit", "refit", told={name: ("held_out", shares)})
