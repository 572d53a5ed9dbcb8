"""Where the joint head starts: heads on the base model, before its adapter has learned anything."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from db.connection import Database
from db.retraining.snapshot import read_snapshot
from db.viewer import EVERYTHING
from eci.model.base_model import load_base
from eci.model.batching import collate
from eci.model.eci_model import build
from training.data.questions import ItemQuestion
from training.joint.adapter import add_adapter
from training.joint.base_heads import judged_by_set, start_head
from training.run.execution import RunContext
from training.run.run_dir import RunDir
from training.settings.training import LoraSettings


class Silent(RunContext):
    """A run that nobody watches and nobody stops."""

    def report_message(self, text: str) -> None:
        """Forget it."""

    def check_stop(self) -> None:
        """Go on."""


@pytest.mark.usefixtures("engineer")
def test_the_head_starts_where_the_base_models_states_are_best_read(
    database: Database, tiny_model_dir: Path, tmp_path: Path
) -> None:
    model = build(load_base(str(tiny_model_dir), tmp_path, device="cpu"), dropout=0.0)
    add_adapter(model, LoraSettings(rank=2, dropout=0.0), checkpointing=False)
    train = read_snapshot(database.cursor(), EVERYTHING).train
    entries = [ItemQuestion.of(item) for item in train]
    fixed = [entry for entry in entries if entry.item.label_set == "pubmedqa"]
    y = [entry.item.labels.index(entry.item.label) for entry in fixed]

    def loss() -> float:
        given = model.classify([entry.question for entry in fixed])
        return float(np.mean([-np.log(c.probabilities[k]) for c, k in zip(given, y, strict=True)]))

    untrained = loss()
    heads = start_head(Silent(RunDir(tmp_path / "run")), model, entries, batch_size=8)

    rows, fold_of = heads.judged, heads.fold_of
    assert loss() < 0.8 * untrained
    # Too few items with options for heads that had not seen an item: only their scale is known.
    assert {row.item_id for row in rows} == {entry.item.item_id for entry in fixed}
    assert {row.basis for row in rows} == {"base_model"}
    ((said, gold),) = judged_by_set(entries, rows).values()
    by_item = {row.item_id: row.probabilities for row in rows}
    assert [tuple(row) for row in said] == [by_item[entry.item.item_id] for entry in fixed]
    assert gold.tolist() == y

    # In training every item is judged by the head that was fitted without its fold.
    assert fold_of.keys() == by_item.keys()
    learned = [
        replace(model.row(entry.question)[0], fold=fold_of[entry.item.item_id]) for entry in fixed
    ]
    model.model.train()
    with torch.no_grad():
        logits = model.model(**collate(learned, model.encoder.pad_id)).logits[:, :3]
    model.model.eval()
    order = logits.argsort(1).tolist()
    assert order == [list(np.argsort(row)) for row in said]
    assert set(fold_of.values()) == set(range(5))
    head = model.model.get_base_model().eci_head.modules_to_save["default"]
    assert not head.option_weight.any()
    assert head.norms["options"].mean.any()
