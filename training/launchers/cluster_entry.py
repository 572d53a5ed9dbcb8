"""A run's job on the cluster: ``python -m training.launchers.cluster_entry STORAGE RUN_ID``."""

from __future__ import annotations

import sys

from db.records import TrainingState
from training.errors import TrainingError
from training.launchers.storage import Storage
from training.launchers.tasks import execute_stored, metered
from training.launchers.transfer import Reporter, unpacked
from training.run.execution import execute, repeated
from training.run.run_dir import RunDir
from training.settings.launchers import AccelerateLauncher, RayLauncher, parse_launcher

_TELL_SECONDS = 1.0


def main(address: str, run_id: str) -> int:
    """Execute a run on the cluster and write its results to the storage.

    Args:
        run_id: The run, as ``send`` put it there.

    Returns:
        The exit code.
    """
    storage = Storage(address)
    with unpacked(run_id, storage, name="job") as run_dir:
        reporter = Reporter(run_dir, storage)
        # The storage may be away for a moment; the end of the run is what must be reported.
        with repeated(reporter.report, _TELL_SECONDS, OSError, TrainingError):
            state = _execute(run_dir)
        reporter.finish()
    return 0 if state == "succeeded" else 1


def _execute(run_dir: RunDir) -> TrainingState:
    stored = run_dir.read_settings()
    launcher = parse_launcher(stored.get("launcher"), str(run_dir.settings_path))
    assert isinstance(launcher, RayLauncher)  # noqa: S101 - narrows types
    if stored.get("task") == "predict":
        from training.launchers.actors import predict_on_actors

        work = metered(run_dir, stored, lambda context: predict_on_actors(context, launcher))
        return execute(run_dir, work, device="cluster")
    num_processes = launcher.num_processes
    here = AccelerateLauncher(num_processes=num_processes) if num_processes > 1 else None
    run_dir.write_settings({**stored, "launcher": here and here.model_dump(mode="json")})
    return execute_stored(run_dir)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
