"""Label sets of one's own: any number of labels, any text, labels that share a first token."""

from __future__ import annotations

from typing import Any

import pytest

from db.connection import Database
from db.content.items import add_items
from db.content.predictions import list_predictions
from db.paths import models_dir, runs_dir
from db.retraining.snapshot import load_snapshot
from db.viewer import EVERYTHING
from eci.model.artifact import read_info
from eci.model.eci_model import EciModel
from tests.support.training_items import make_graded
from training.control.ingest import refresh
from training.control.plan import Plan, prepare_plan
from training.control.start import prepare_run
from training.data.questions import SnapshotQuestions
from training.head.refit import run_refit
from training.joint.qlora import run_qlora
from training.run.execution import execute
from training.run.run_dir import RunDir
from training.settings.training import Preset, RefitSettings, parse_settings

GRADES = tuple(f"grade {number}" for number in range(1, 6))
AWKWARD = {
    "ctcae v5.0": GRADES,
    "keys": ("T1a", "T1b", "T2"),
    "\u7dca\u6025\u5ea6": ("\u7dca\u6025", "\u7dca\u6025\u3067\u306f\u306a\u3044", "\u4e0d\u660e"),
    "icd": tuple(f"I{number}" for number in range(10, 60)),
}
"""Sets by name: shared first tokens, names that torch does not take, other scripts, 50 labels."""


def _add(database: Database, name: str, num_each: int = 4) -> None:
    labels = AWKWARD[name]
    with database.transaction() as cur:
        train = [make_graded(n, labels, name) for n in range(num_each * len(labels))]
        test = [make_graded(n, labels, name, "test") for n in range(600, 600 + len(labels))]
        add_items(cur, [*train, *test], origin="items")


def _check(database: Database, run_dir: RunDir, base: str, name: str) -> EciModel:
    """Check that every test item has probabilities of its labels, as the artifact gives them."""
    labels = AWKWARD[name]
    assert [x.name for x in read_info(run_dir.artifact_path).label_sets[name].labels] == [*labels]
    predictions = list_predictions(database.cursor(), run_dir.run_id, EVERYTHING)
    stored = {one.item_id: one for one in predictions}
    snapshot = SnapshotQuestions.of(load_snapshot(run_dir.snapshot_path))
    entries = [entry for entry in snapshot.test if entry.item.label_set == name]
    assert len(entries) == len(labels)
    model = EciModel.load(base, models_dir(), artifact=run_dir.artifact_path)
    for entry, given in zip(entries, model.classify([e.question for e in entries]), strict=True):
        found = stored[entry.item.item_id].head_probabilities
        assert given.probabilities == pytest.approx(found, abs=2e-3)
        assert sum(given.probabilities) == pytest.approx(1)
    return model


@pytest.mark.parametrize("name", AWKWARD)
def test_a_refit_learns_a_set_of_any_size_and_text(
    database: Database, base_alone: RefitSettings, name: str
) -> None:
    _add(database, name)
    run_dir = prepare_plan(database, Plan("refit", base_alone, None), "tests")
    assert execute(run_dir, run_refit) == "succeeded", run_dir.read_status().message
    refresh(database, runs_dir())
    _check(database, run_dir, base_alone.model.base, name)


def test_a_joint_run_learns_an_ordinal_set_whose_labels_share_a_first_token(
    database: Database, tiny_settings: dict[str, Any]
) -> None:
    _add(database, "ctcae v5.0")
    settings = parse_settings(tiny_settings, "tests")
    run_dir = prepare_run(database, Preset("test", "A test.", settings), "tests")
    assert execute(run_dir, run_qlora) == "succeeded", run_dir.read_status().message
    refresh(database, runs_dir())
    labels = read_info(run_dir.artifact_path).label_sets["ctcae v5.0"]
    assert labels.verbalizers == ((),) * 5
    assert run_dir.read_metrics()["ctcae v5.0"]["head"]["accuracy"]["n"] == 5
