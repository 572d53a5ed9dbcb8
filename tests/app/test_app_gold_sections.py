"""Doubts about gold labels come from heads that never saw them; adjudicated items stand apart."""

from __future__ import annotations

import numpy as np
import pytest
from cleanlab.filter import find_label_issues

from db.connection import Database
from db.content.items import add_items
from db.content.predictions import add_predictions
from db.content.runs import add_run
from db.outcomes.selection import OutcomeFilter
from db.outcomes.text_trust import TextCount
from db.people.reviewers import add_reviewer
from db.records import Prediction
from db.retraining.lineage import TrainingRecord, add_training_records
from db.retraining.out_of_fold import OutOfFold, add_out_of_fold
from db.review.adjudications import add_adjudication
from db.viewer import EVERYTHING
from streamlit_app.components import gold_panel
from streamlit_app.logic.outcomes.gold_doubts import load_both_golds
from streamlit_app.logic.outcomes.run_outcomes import refresh
from streamlit_app.logic.outcomes.suspects import learned_sentence, load_suspects, sources_sentence
from streamlit_app.logic.outcomes.text_trust import load_text_trust
from tests.support.pages import OpenPage, table
from tests.support.records import LABELS, make_answer, make_item, make_run
from tests.support.trained_runs import add_trained_run

NUM_ITEMS = 90
FLT = OutcomeFilter(EVERYTHING, "fit", "record", "pubmedqa")


def _share(chance: np.random.Generator, favoured: int) -> tuple[float, ...]:
    raw = chance.dirichlet([4.0 if place == favoured else 1.0 for place in range(3)])
    return tuple((raw / raw.sum()).tolist())


@pytest.fixture
def fitted(database: Database) -> tuple[Database, np.ndarray, np.ndarray]:
    """Return a run that learned 60 of 90 items by heart: 40 out of fold, 10 by the base model
    alone,
    10 with nothing. Every sixth gold label is wrong.
    """
    chance = np.random.default_rng(3)
    true = chance.integers(0, 3, NUM_ITEMS)
    given = np.where(np.arange(NUM_ITEMS) % 6 == 0, (true + 1) % 3, true)
    ids = [f"q-{number:02d}" for number in range(NUM_ITEMS)]
    unseen = [_share(chance, place) for place in true]
    own = [tuple(0.98 if p == y else 0.01 for p in range(3)) for y in given[:60]] + unseen[60:]
    with database.transaction() as cur:
        items = [
            make_item(
                name, gold_label=LABELS[label], context=(), split="train" if n < 60 else "test"
            )
            for n, (name, label) in enumerate(zip(ids, given, strict=True))
        ]
        add_items(cur, items, origin="items")
        add_trained_run(cur, "fit", {"task": "refit", "settings": {}})
        add_training_records(cur, [TrainingRecord("fit", i, 0, 0, "train", ()) for i in ids[:60]])
        add_predictions(
            cur,
            [
                make_answer(
                    name, "It may help.", "yes", "fit",
                    head_label=LABELS[int(np.argmax(p))], head_probabilities=p,
                )
                for name, p in zip(ids, own, strict=True)
            ],
        )  # fmt: skip
        add_out_of_fold(
            cur,
            [
                OutOfFold("fit", ids[n], "held_out" if n < 40 else "base_model", unseen[n])
                for n in range(50)
            ],
        )
    return database, given, np.array(unseen)


def test_suspects_are_those_of_cleanlab_on_what_was_never_learned(
    fitted: tuple[Database, np.ndarray, np.ndarray],
) -> None:
    database, given, unseen = fitted
    view = load_suspects(database, refresh(database, "fit"), FLT, LABELS, limit=90)
    assert view is not None
    expected: list[tuple[float, str]] = []
    for rows in (np.r_[0:40, 60:90], np.r_[40:50]):
        places = find_label_issues(
            given[rows],
            unseen[rows],
            filter_by="confident_learning",
            return_indices_ranked_by="normalized_margin",
            n_jobs=1,
        )
        for row in rows[places]:
            others = np.delete(unseen[row], given[row]).max()
            expected.append(((unseen[row][given[row]] - others + 1) / 2, f"q-{row:02d}"))
    found = [(one.quality, one.row.item_id) for one in view.rows]
    assert [name for _, name in found] == [name for _, name in sorted(expected)]
    assert [q for q, _ in found] == pytest.approx([q for q, _ in sorted(expected)], abs=1e-9)
    assert {one.row.item_id for one in view.rows if one.is_base_model} <= {
        f"q-{n}" for n in range(40, 50)
    }
    assert view.share.n == 80, "nothing is said of the ten that the run knows by heart"


def test_the_page_says_whose_probabilities_are_used(
    fitted: tuple[Database, np.ndarray, np.ndarray],
) -> None:
    database, _, _ = fitted
    view = load_suspects(database, refresh(database, "fit"), FLT, LABELS)
    assert view is not None
    said = sources_sentence(view.sources)
    for part in (
        "30 by the run itself",
        "40 out of fold",
        "10 out of fold",
        "10 items cannot be checked",
    ):
        assert part in said
    assert learned_sentence(view.sources, 90).startswith("The run was trained on 60 of these 90")


def test_errors_leads_to_the_doubtful_gold_labels_of_the_same_run(
    fitted: tuple[Database, np.ndarray, np.ndarray], open_page: OpenPage
) -> None:
    with fitted[0].transaction() as cur:
        add_run(cur, make_run("newest"))
    page = open_page("quality")
    page.selectbox(key="errors_run").set_value("fit").run()
    page.segmented_control(key="errors_section").set_value("gold").run()
    page.button(key="errors_doubtful").click().run()
    assert not page.exception
    assert page.selectbox(key="errors_run").value == "fit"
    assert set(table(page, "Doubt (%)")["Judged by"]) <= {"this run", "base model"}


def test_adjudicated_items_are_judged_alone_and_against_the_label_before(
    fitted: tuple[Database, np.ndarray, np.ndarray],
) -> None:
    database, given, _ = fitted
    none = load_both_golds(database, refresh(database, "fit"), FLT)
    assert "None of these items is adjudicated" in gold_panel.both_golds_note(none)
    assert set(gold_panel.both_golds_table(none)["Adjudicated items: final label"]) == {"–"}
    with database.transaction() as cur:
        root = add_reviewer(cur, "Root", "admin").reviewer_id
        for number in (0, 1, 2):
            before = LABELS[given[number]]
            add_adjudication(
                cur,
                adjudication_id=f"d-{number}",
                item_id=f"q-{number:02d}",
                reviewer_id=root,
                label=before if number else LABELS[(given[0] + 1) % 3],
            )
    golds = load_both_golds(database, refresh(database, "fit"), FLT)
    table = gold_panel.both_golds_table(golds)
    row = table["Metric (%)"].index("Head: Accuracy")
    assert table["Adjudicated items: previous label"][row].startswith("100.0")
    assert table["Adjudicated items: final label"][row].startswith("66.7")
    assert table["Adjudicated items: final label"][row].endswith("n = 3")
    assert "only the 3 adjudicated items" in gold_panel.both_golds_note(golds)


def test_without_a_head_the_way_of_the_text_is_counted(
    fitted: tuple[Database, np.ndarray, np.ndarray],
) -> None:
    database, given, _ = fitted
    text = "Perhaps. The answer is yes."
    answers: list[tuple[str | None, str | None, str | None]] = [
        (text, "yes", "stated"),
        ("Yes", "yes", "bare"),
        (text, "no", "absent"),
        (text, None, "absent"),
        (None, "no", None),
    ]
    with database.transaction() as cur:
        add_run(cur, make_run("texts"))
        add_predictions(
            cur,
            [
                Prediction("texts", f"q-{number:02d}", *answer)
                for number, answer in enumerate(answers)
            ],
        )
    flt = OutcomeFilter(EVERYTHING, "texts", "record", "pubmedqa")
    view = load_text_trust(database, refresh(database, "texts"), flt)
    right = [int(LABELS[given[n]] == label) for n, (_, label, _) in enumerate(answers)]
    assert view.counts == (
        TextCount("bare", False, 1, right[1]),
        TextCount("none", True, 1, 0),
        TextCount("separate", False, 1, right[4]),
        TextCount("separate", True, 1, right[2]),
        TextCount("stated", True, 1, right[0]),
    )
    answered, wrong = view.alone(("bare", "stated"), with_hedging=False)
    assert (answered.value, answered.n, wrong.n) == (0.2, 5, 1)
