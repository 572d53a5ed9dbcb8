"""What the last refit after a correction made of the model: counted in the background.

The watch over runs counts it when a refit has come in, so that the line on the Review page costs
the reviewer who saves an item nothing.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

from db.connection import Database
from db.retraining.refit_effect import RefitEffect, find_refit_effect
from db.retraining.training_runs import list_training_runs
from training.control.automatic import is_automatic

_effects: WeakKeyDictionary[Database, RefitEffect] = WeakKeyDictionary()


def update(database: Database) -> None:
    """Count what the newest automatic refit did, unless that is known."""
    cur = database.cursor()
    newest = next(
        (
            run.run_id
            for run in list_training_runs(cur)
            if run.state == "succeeded" and is_automatic(run.settings)
        ),
        None,
    )
    known = latest(database)
    if newest is None or (known is not None and known.run_id == newest):
        return
    effect = find_refit_effect(cur, newest)
    if effect is not None:
        _effects[database] = effect


def latest(database: Database) -> RefitEffect | None:
    """Return what the last update counted; None where no refit has followed a correction."""
    return _effects.get(database)
