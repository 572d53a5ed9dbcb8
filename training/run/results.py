"""All that a finished run left in its directory, read and checked in one place."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from db.arrow_tables import open_table, save_table
from db.content.predictions import prediction_table
from db.records import Prediction, Run, training_run_name
from db.retraining.lineage import TrainingRecord, training_record_table
from db.retraining.out_of_fold import OutOfFold, out_of_fold_table
from db.retraining.run_energy import Energy
from eci.errors import ArtifactError
from eci.model.artifact import ADAPTER_FILES, HEAD_FILE, INFO_FILE, ArtifactInfo, read_info
from training.errors import IngestError, RunDirError
from training.run.energy import read_energy
from training.run.json_files import plain
from training.run.result_tables import OUT_OF_FOLD, PREDICTIONS, RECORDS
from training.run.run_dir import RunDir


@dataclass(frozen=True)
class RunResults:
    """What a run that succeeded left.

    Attributes:
        run: Its settings, base model and metrics, ready to be stored.
        message: The last message of its status.
        predictions: One for each item that it answered.
        records: What it learned from and held out; none of a run that only answers.
        out_of_fold: Probabilities of training items from heads fitted without them.
        energy: None where it was not measured.
        artifact: Description of the model it made, None where it made none.
    """

    run: Run
    message: str
    predictions: tuple[Prediction, ...] | pa.Table
    records: tuple[TrainingRecord, ...] | pa.Table
    out_of_fold: tuple[OutOfFold, ...] | pa.Table
    energy: Energy | None
    artifact: ArtifactInfo | None

    @classmethod
    def read(cls, run_dir: RunDir) -> RunResults:
        """Read every result of a run.

        Raises:
            IngestError: The run has not succeeded.
            RunDirError: A file is missing, damaged or of another run; the message names it.
        """
        status = run_dir.read_status()
        if status.state != "succeeded":
            raise IngestError(
                f"Run {run_dir.run_id} is {status.state}, so it has no results to store. "
                "Wait until it has succeeded."
            )
        return cls(
            run=_read_run(run_dir),
            message=status.message,
            predictions=tuple(PREDICTIONS.read(run_dir.predictions_path)),
            records=tuple(RECORDS.read(run_dir.records_path)),
            out_of_fold=tuple(OUT_OF_FOLD.read(run_dir.out_of_fold_path)),
            energy=read_energy(run_dir),
            artifact=_read_artifact(run_dir),
        )


def stage_results(run_dir: RunDir, folder: Path) -> RunResults:
    """Read and check every result, write the tables into a folder and return the rest.

    Raises:
        IngestError: The run has not succeeded.
        RunDirError: As ``RunResults.read``.
    """
    results = RunResults.read(run_dir)
    save_table(folder / "predictions", prediction_table(results.predictions))
    save_table(folder / "records", training_record_table(results.records))
    save_table(folder / "out_of_fold", out_of_fold_table(results.out_of_fold))
    return replace(results, predictions=(), records=(), out_of_fold=())


def open_results(staged: RunResults, folder: Path) -> RunResults:
    """Return results with the tables that ``stage_results`` wrote, which stay on the disk."""
    names = ("predictions", "records", "out_of_fold")
    return replace(staged, **{name: open_table(folder / name) for name in names})


def result_paths(run_dir: RunDir) -> tuple[Path, ...]:
    """Return the files that ``RunResults.read`` reads, whether they are there or not."""
    artifact = (run_dir.artifact_path / name for name in (INFO_FILE, HEAD_FILE, *ADAPTER_FILES))
    return (
        run_dir.status_path,
        run_dir.settings_path,
        run_dir.metrics_path,
        run_dir.predictions_path,
        run_dir.records_path,
        run_dir.out_of_fold_path,
        run_dir.energy_path,
        *artifact,
    )


def _read_run(run_dir: RunDir) -> Run:
    settings = plain(run_dir.read_settings())
    return Run(
        run_id=run_dir.run_id,
        name=training_run_name(str(settings.get("preset")), run_dir.created_at),
        kind="prediction" if settings.get("task") == "predict" else "training",
        model=run_dir.read_model()["base"],
        settings=settings,
        metrics=plain(run_dir.read_metrics()),
        created_at=run_dir.created_at,
        base_run_id=settings.get("base_run_id"),
    )


def _read_artifact(run_dir: RunDir) -> ArtifactInfo | None:
    if not run_dir.artifact_path.is_dir():
        return None
    try:
        return read_info(run_dir.artifact_path)
    except ArtifactError as error:
        raise RunDirError(str(error)) from error
