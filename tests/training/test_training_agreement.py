"""Figures of people's agreement from the store, against references and the published ones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import krippendorff
import numpy as np
import pytest
from click.testing import CliRunner
from duckdb import DuckDBPyConnection
from sklearn.metrics import cohen_kappa_score

from db.connection import Database
from db.content.items import add_items
from db.importers import import_file
from db.people.reviewers import add_reviewer
from db.review.agreement import RatingFilter, count_challenges
from db.viewer import EVERYTHING
from eci.statistics.agreement import MORE_THAN_TWO, NO_PAIRS
from tests.support.annotations import annotate
from tests.support.records import LABELS, make_item
from tests.support.stores import open_store
from training.cli.main import main
from training.evaluation.agreement.anchoring import load_anchoring
from training.evaluation.agreement.phases import load_by_guideline, load_phase
from training.evaluation.agreement.reviewers import (
    load_pairs,
    load_reviewers,
    load_self_agreement,
    load_times,
)

OWN = RatingFilter(EVERYTHING, "pubmedqa")
CLINICIANS = RatingFilter(EVERYTHING, "options", "import")


@pytest.fixture
def cur(tmp_path: Path) -> Iterator[DuckDBPyConnection]:
    """Yield a store of forty items with gold label yes, maybe or no in turn."""
    database = open_store(tmp_path / "review.duckdb")
    items = [
        make_item(f"q-{n:02d}", source="own", gold_label=LABELS[n % 3], split="train")
        for n in range(40)
    ]
    with database.transaction() as writing:
        add_items(writing, items, origin="items")
    with database.transaction() as cur:
        yield cur
    database.close()


def _say(cur: DuckDBPyConnection, who: str, number: int, label: str, **fields: Any) -> None:
    annotate(cur, who, f"q-{number:02d}", label, **fields)


def test_two_reviewers_have_all_coefficients(cur: DuckDBPyConnection) -> None:
    rng = np.random.default_rng(1)
    ann, bob = rng.integers(0, 3, 40), rng.integers(0, 2, 40)
    for number in range(40):
        _say(cur, "Ann", number, LABELS[ann[number]])
        _say(cur, "Bob", number, LABELS[bob[number]])

    found = load_phase(cur, OWN, "open")
    (pair,) = load_pairs(cur, OWN, "open")

    kappa = cohen_kappa_score(ann, bob)
    assert found.overall.cohen_kappa.value == pytest.approx(kappa, abs=1e-9)
    assert pair.agreement.cohen_kappa.value == pytest.approx(kappa, abs=1e-9)
    alpha = krippendorff.alpha(np.stack([ann, bob]), level_of_measurement="nominal")
    assert found.overall.krippendorff_alpha.value == pytest.approx(alpha, abs=1e-9)
    gold = np.arange(40) % 3
    assert found.holds_gold.value == pytest.approx(np.mean([ann == gold, bob == gold]), abs=1e-9)
    by_name = {reviewer.reviewer_id: reviewer for reviewer in load_reviewers(cur, OWN, "open")}
    ann_figures = by_name[add_reviewer(cur, "Ann").reviewer_id]
    assert ann_figures.holds_gold.value == pytest.approx(np.mean(ann == gold), abs=1e-9)
    assert ann_figures.with_gold.cohen_kappa.value == pytest.approx(
        cohen_kappa_score(gold, ann), abs=1e-9
    )
    maybe = found.per_label[2]
    assert maybe.label == "maybe"
    binary = np.stack([ann == 2, bob == 2]).astype(int)
    assert maybe.agreement.krippendorff_alpha.value == pytest.approx(
        krippendorff.alpha(binary, level_of_measurement="nominal", value_domain=[0, 1]), abs=1e-9
    )


def test_repeats_give_self_agreement(cur: DuckDBPyConnection) -> None:
    first, again = "yyynnnmmyn", "yyynnmmmyy"
    words = {label[0]: label for label in LABELS}
    for number, (one, other) in enumerate(zip(first, again, strict=True)):
        _say(cur, "Ann", number, words[one])
        _say(cur, "Ann", number, words[other], presentation="repeat")

    everybody, ann = load_self_agreement(cur, OWN, "open")

    assert (everybody.reviewer_id, ann.reviewer_id) == (None, add_reviewer(cur, "Ann").reviewer_id)
    assert ann.agreement.percent.value == pytest.approx(0.8)
    kappa = cohen_kappa_score(list(first), list(again))
    assert ann.agreement.cohen_kappa.value == pytest.approx(kappa, abs=1e-9)
    assert load_phase(cur, OWN, "open").overall.percent.undefined_because == NO_PAIRS


def test_an_empty_store_says_why_there_is_nothing(cur: DuckDBPyConnection) -> None:
    found = load_phase(cur, OWN, "open")
    assert (found.num_items, found.overall.percent.undefined_because) == (0, NO_PAIRS)
    assert found.holds_gold.undefined_because == "no rated item has a reference label"
    assert load_pairs(cur, OWN, "open") == load_self_agreement(cur, OWN, "open") == []
    assert load_anchoring(cur, OWN, "gold") == []
    assert load_times(cur, OWN)[0].median.undefined_because == "no rating was timed"


@pytest.fixture(scope="module")
def clinicians(
    data_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DuckDBPyConnection]:
    """Yield a store of the released half of the clinicians' ratings."""
    database = open_store(tmp_path_factory.mktemp("clinicians") / "review.duckdb")
    path = data_dir / "clinician_reviews" / "medqa_relabelling_even.csv"
    import_file(database, "clinician_reviews", path)
    with database.transaction() as cur:
        yield cur
    database.close()


@pytest.mark.data
def test_the_clinicians_half_agrees_with_the_figures_of_the_whole(
    clinicians: DuckDBPyConnection,
) -> None:
    blind = load_phase(clinicians, CLINICIANS, "blind")
    revealed = load_phase(clinicians, CLINICIANS, "revealed")
    everybody, *single = load_anchoring(clinicians, CLINICIANS, "gold")

    assert (blind.num_items, blind.num_ratings, blind.num_single) == (637, 1914, 1810)
    assert blind.overall.cohen_kappa.undefined_because == MORE_THAN_TWO
    # Published for all 1,273 questions: 59.0 %, 86.7 %, 0.35, 0.74, 67.8 %, 0.8 %, 240 s.
    for found, published in (
        (blind.holds_gold, 0.590),
        (revealed.holds_gold, 0.867),
        (blind.overall.krippendorff_alpha, 0.35),
        (revealed.overall.krippendorff_alpha, 0.74),
        (everybody.adopted, 0.678),
        (load_times(clinicians, CLINICIANS)[0].median, 240),
    ):
        assert found.interval is not None
        assert found.interval.low <= published <= found.interval.high
    counts = everybody.counts
    assert (counts.num_held, counts.num_dropped, counts.num_amended) == (1157, 4, 7)
    assert count_challenges(clinicians, CLINICIANS).num_rejected == 44
    assert len(single) == 18
    assert sum(one.counts.num_ratings for one in single) == 1914


@pytest.mark.data
def test_sets_of_labels_keep_every_rating(clinicians: DuckDBPyConnection) -> None:
    found = load_phase(clinicians, CLINICIANS, "revealed", "sets")
    assert (found.overall.n_items, found.overall.n_pairs) == (637, 1920)
    assert found.overall.krippendorff_alpha.value == pytest.approx(0.656923, abs=1e-6)


@pytest.mark.data
def test_pairs_cover_who_rated_the_same_questions(clinicians: DuckDBPyConnection) -> None:
    pairs = load_pairs(clinicians, CLINICIANS, "blind")
    whole = load_phase(clinicians, CLINICIANS, "blind").overall
    assert sum(pair.agreement.n_pairs for pair in pairs) == whole.n_pairs


def test_the_command_prints_figures_and_says_what_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLAMACARE_HOME", str(tmp_path))
    empty = CliRunner().invoke(main, ["agreement"])
    assert empty.exit_code == 1
    assert "No item has been labelled yet" in empty.stderr
    item = make_item("q-00", source="own", split="train")
    database = Database.open()
    with database.transaction() as cur:
        add_items(cur, [item], origin="items")
        _say(cur, "Ann", 0, "yes")
        _say(cur, "Bob", 0, "no")
    database.close()

    text = CliRunner().invoke(main, ["agreement"])
    assert text.exit_code == 0, text.output
    assert "open: 2 answers to 1 items" in text.stdout
    assert "  holds the gold label: 0.500, n = 2" in text.stdout
    assert "seconds a rating, median: undefined because no rating was timed" in text.stdout

    found = json.loads(CliRunner().invoke(main, ["agreement", "--json"]).stdout)
    assert found["phases"][0]["pairs"][0]["agreement"]["percent"]["value"] == 0.0

    refused = CliRunner().invoke(main, ["agreement", "--labels", "options"])
    assert refused.exit_code == 1
    assert "There are: review / pubmedqa / own." in refused.stderr


def _intervals(found: Any) -> dict[str, Any]:
    """Return the intervals of a phase by what they are of."""
    single = {"gold": found.holds_gold, "kappa with gold": found.with_gold.cohen_kappa}
    labels = {one.label: one.agreement.gwet_ac1 for one in found.per_label}
    estimates = {**single, **labels, "alpha": found.overall.krippendorff_alpha}
    return {name: estimate.interval for name, estimate in estimates.items()}


@pytest.mark.parametrize("answers", ["single", "sets"])
def test_from_three_reviewers_on_intervals_hold_for_other_reviewers(
    cur: DuckDBPyConnection, answers: Any
) -> None:
    rng = np.random.default_rng(8)
    skills = {"Ann": 0.95, "Bob": 0.5, "Cyd": 0.75}
    for who, skill in skills.items():
        for number in range(40):
            right = LABELS[number % 3]
            _say(cur, who, number, right if rng.random() < skill else rng.choice(LABELS))
        if who == "Bob":
            two = load_phase(cur, OWN, "open", answers)
            assert {one.method for one in _intervals(two).values()} == {"bootstrap percentile"}
    others = load_phase(cur, OWN, "open", answers)
    same = load_phase(cur, OWN, "open", answers, "same")
    assert {one.method for one in _intervals(others).values()} == {"two-way bootstrap"}
    assert {one.method for one in _intervals(same).values()} == {"bootstrap percentile"}
    for name, one in _intervals(same).items():
        other = _intervals(others)[name]
        assert other.high - other.low > one.high - one.low, name
    assert others.overall.krippendorff_alpha.value == same.overall.krippendorff_alpha.value


@pytest.mark.data
def test_other_clinicians_would_move_the_figures_by_more(clinicians: DuckDBPyConnection) -> None:
    same = load_phase(clinicians, CLINICIANS, "blind", readers="same").overall.krippendorff_alpha
    others = load_phase(clinicians, CLINICIANS, "blind").overall.krippendorff_alpha
    assert others.value == same.value == pytest.approx(0.358, abs=0.001)
    assert same.interval is not None and others.interval is not None
    assert (
        others.interval.low < same.interval.low < 0.35 < same.interval.high < others.interval.high
    )


def test_agreement_is_followed_over_the_versions_of_the_guidelines(
    cur: DuckDBPyConnection,
) -> None:
    for number in range(30):
        version = "v1" if number < 15 else "v2"
        moment = datetime(2026, 3, 1 if number < 15 else 9, tzinfo=UTC)
        for who, label in (("Ann", "yes"), ("Bob", "no" if number < 12 else "yes")):
            _say(cur, who, number, label, guideline_version=version, created_at=moment)
    _say(cur, "Ann", 30, "no", guideline_version="v2")
    _say(cur, "Bob", 30, "no", guideline_version="v1")  # not the same version: no pair
    old, new = load_by_guideline(cur, OWN, "open")
    assert (old.version, new.version) == ("v1", "v2")
    assert (f"{old.since:%d}", f"{new.since:%d}") == ("01", "09")
    assert (old.agreement.n_items, new.agreement.n_items) == (15, 15)
    assert old.agreement.percent.value == pytest.approx(0.2)
    assert new.agreement.percent.value == 1
    assert old.agreement.percent.interval is not None
    assert old.agreement.percent.interval.level == pytest.approx(0.975)
