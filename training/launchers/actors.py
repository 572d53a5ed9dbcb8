"""A large prediction run over Ray Data: one model in each actor, items in batches."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict
from typing import Any

from db.records import Prediction
from training.errors import WorkerError
from training.joint.predict import PredictionJob, predict_items
from training.launchers.storage import Storage
from training.launchers.transfer import unpacked
from training.run.execution import RunContext
from training.settings.launchers import RayLauncher
from training.settings.training import PredictionSettings


def predict_on_actors(context: RunContext, launcher: RayLauncher) -> None:
    """Predict every item of a run on actors of the cluster, and write the predictions.

    Raises:
        Stopped: The run was asked to stop meanwhile.
        WorkerError: An actor failed.
    """
    import ray
    from ray.exceptions import RayError

    job = PredictionJob.read(context.run_dir, PredictionSettings)
    ray.init(log_to_driver=True)
    ray.data.DataContext.get_current().enable_progress_bars = False
    context.report_message(f"Loading {job.settings.model.base} on {launcher.num_processes} actors.")
    # Similar lengths in one batch, the longest first: little padding, and memory runs out at once
    # or never.
    items = sorted(job.items, key=lambda item: -len(str(item)))
    rows = ray.data.from_items([{"item_id": item.item_id} for item in items]).map_batches(
        Answerer,
        fn_constructor_args=(launcher.storage, job.run_dir.run_id),
        batch_size=job.settings.evaluation.batch_size,
        compute=ray.data.ActorPoolStrategy(size=launcher.num_processes),
        num_cpus=launcher.num_cpus,
        num_gpus=launcher.num_gpus,
    )
    predictions = []
    try:
        for row in rows.iter_rows():
            predictions.append(_from_json(row["prediction"]))
            context.check_stop()
            context.report_message(f"Answering items: {len(predictions)} of {len(items)}.")
    except RayError as error:
        cause = getattr(error, "cause", None) or error
        raise WorkerError(
            f"An actor failed while it answered items: {' '.join(str(cause).split())[-600:]} "
            "Its whole traceback is in the log."
        ) from error
    job.write(context, predictions)


class Answerer:
    """One model on one node, which answers the items that it is given.

    Args:
        run_id: The run, as ``send`` put it there.
    """

    def __init__(self, address: str, run_id: str) -> None:
        # Files of this node: where the actor runs, nothing of the job's driver may be there.
        with ExitStack() as stack:
            name = f"actor-{os.getpid()}"
            run_dir = stack.enter_context(unpacked(run_id, Storage(address), name=name))
            self._job = PredictionJob.read(run_dir, PredictionSettings)
            self._items = {item.item_id: item for item in self._job.items}
            self._model = self._job.load_model()
            self._pool = self._job.make_pool()

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, list[str]]:
        """Predict a batch of ``item_id``; each prediction is returned as JSON."""
        predictions = predict_items(
            self._model,
            [self._items[str(item_id)] for item_id in batch["item_id"]],
            run_id=self._job.run_dir.run_id,
            pool=self._pool,
            settings=self._job.settings.evaluation,
        )
        return {"prediction": [json.dumps(asdict(prediction)) for prediction in predictions]}


def _from_json(text: str) -> Prediction:
    fields = json.loads(text)
    probabilities = fields.pop("head_probabilities")
    return Prediction(
        **fields, head_probabilities=None if probabilities is None else tuple(probabilities)
    )
