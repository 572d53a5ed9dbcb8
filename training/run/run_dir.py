"""The run directory: all that a run and the app exchange, in files that survive both.

Whole files are replaced at once, so a reader never sees half of one. Events are appended, one line
in one write; a line torn by a kill is skipped by every reader.
"""

from __future__ import annotations

import errno
import json
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from filelock import FileLock, Timeout
from pydantic import ValidationError

from db.conversions import parse_json
from db.records import TrainingState
from training.errors import RunDirError
from training.run.json_files import (
    append_lines,
    invalid,
    plain,
    read_object,
    replace_json,
    unusable,
)
from training.run.status import Status, parse_status

# Freed when the disk is full, so that the run can still say so.
_RESERVE_BYTES = 64 * 1024
# Held for the few milliseconds of one status change; longer means that its holder is stuck.
_STATUS_LOCK_SECONDS = 10.0
_MAX_EVENT_BYTES = 64 * 2**20
_SETTINGS: Final[Mapping[str, type]] = {
    **dict.fromkeys(
        ("task", "preset", "description", "started_by", "triggered_by", "country"), str
    ),
    **dict.fromkeys(("base_run_id", "snapshot_id"), str),
    **dict.fromkeys(("settings", "launcher"), dict),
}
"""What ``settings.json`` holds in these fields where it has them."""


@dataclass(frozen=True)
class Event:
    """One line of ``events.jsonl``; ``fields`` depend on ``kind``."""

    at: datetime
    kind: str
    fields: Mapping[str, Any] = field(default_factory=dict)


class RunDir:
    """One run's directory. Reading needs no lock; changes of the status exclude each other."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.run_id = path.name
        self.settings_path = path / "settings.json"
        self.snapshot_path = path / "snapshot"
        self.status_path = path / "status.json"
        self.events_path = path / "events.jsonl"
        self.log_path = path / "log.txt"
        self.checkpoints_path = path / "checkpoints"
        self.artifact_path = path / "artifact"
        self.predictions_path = path / "predictions.parquet"
        self.records_path = path / "records.parquet"
        self.held_out_path = path / "held_out.parquet"
        self.out_of_fold_path = path / "out_of_fold.parquet"
        self.energy_path = path / "energy.json"
        self.metrics_path = path / "metrics.json"
        self.answers_path = path / "answers.jsonl"
        self.cancel_path = path / "cancel"
        self.job_path = path / "ray_job.json"
        self._reserve_path = path / ".reserve"

    def __repr__(self) -> str:
        return f"RunDir({str(self.path)!r})"

    @classmethod
    def create(cls, runs_dir: Path, preset: str, now: datetime) -> RunDir:
        """Make the directory of a new, queued run under an id that sorts by time.

        Args:
            runs_dir: Where run directories lie; made when missing.
            preset: Becomes part of the id, reduced to ``a-z``, ``0-9`` and ``-``.
            now: Aware time; the id shows it in UTC.
        """
        now = now.astimezone(UTC)
        name = re.sub(r"[^a-z0-9]+", "-", preset.lower()).strip("-")[:40] or "run"
        while True:
            run_id = f"{now:%Y%m%d-%H%M%S}-{name}-{secrets.token_hex(2)}"
            # Renamed once its status is in it: a list of the runs shows none without.
            unfinished = runs_dir / f".{run_id}-{secrets.token_hex(4)}"
            unfinished.mkdir(parents=True)
            status = Status("queued", queued_at=now, heartbeat_at=datetime.now(UTC))
            try:
                cls(unfinished)._write_status(status)
                return cls(unfinished.rename(runs_dir / run_id))
            except OSError as error:
                shutil.rmtree(unfinished)
                if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                    raise

    @property
    def created_at(self) -> datetime:
        """Return the time in the run's id, else when the directory was last changed."""
        try:
            named = datetime.strptime(self.run_id[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
            if named.year >= 2000:
                return named
        except ValueError:
            pass
        try:
            return datetime.fromtimestamp(self.path.stat().st_mtime, UTC)
        except OSError:
            return datetime.fromtimestamp(0, UTC)

    # --- settings, metrics, status

    def read_settings(self) -> dict[str, Any]:
        """Return the resolved settings.

        Raises:
            RunDirError: They cannot be read, or a field is not of its kind; or there is no run.
        """
        if self.path.parent.is_dir() and not os.path.lexists(self.path):
            raise RunDirError(
                f"There is no run {self.run_id!r} in {self.path.parent}. Name one of those that "
                "python -m training list shows."
            )
        value = read_object(self.settings_path)
        for name, kind in _SETTINGS.items():
            if not isinstance(value.get(name), kind | None):
                raise unusable(
                    self.settings_path, f"is damaged ({name} is {ascii(value[name])[:60]})"
                )
        return value

    def read_model(self) -> dict[str, Any]:
        """Return what the settings say of the base model: ``base``, its name, is there.

        Raises:
            RunDirError: The settings cannot be read or name none.
        """
        model = (self.read_settings().get("settings") or {}).get("model")
        if isinstance(model, dict) and isinstance(model.get("base"), str):
            return model
        raise unusable(self.settings_path, "names no base model (settings.model.base)")

    def asks_endpoint(self) -> bool:
        """Return whether the run's model is behind an endpoint, so that nothing computes here.

        Raises:
            RunDirError: The settings cannot be read or name no model.
        """
        return "url" in self.read_model()

    def read_source(self) -> str | None:
        """Return the run whose artifact this one starts from, None where there is none.

        Raises:
            RunDirError: The settings cannot be read, or name what is no run.
        """
        source = (self.read_settings().get("settings") or {}).get("artifact_run_id")
        if source is None or (isinstance(source, str) and re.fullmatch("[0-9a-z-]+", source)):
            return source
        raise unusable(self.settings_path, f"is damaged (artifact_run_id is {ascii(source)[:60]})")

    def write_settings(self, settings: Mapping[str, Any]) -> None:
        """Replace the resolved settings."""
        replace_json(self.settings_path, settings)

    def read_metrics(self) -> dict[str, Any]:
        """Return the metrics of a finished run. Raises RunDirError where they cannot be read."""
        return read_object(self.metrics_path)

    def write_metrics(self, metrics: Mapping[str, Any]) -> None:
        """Replace the metrics. Figures that are not finite become null."""
        replace_json(self.metrics_path, metrics)

    def read_status(self) -> Status:
        """Return the status as written; ``current_status`` also sees that a process is gone.

        Raises:
            RunDirError: The file is missing, torn or not a status.
        """
        value = read_object(self.status_path)
        try:
            return parse_status(value)
        except ValidationError as error:
            raise invalid(self.status_path, error) from error

    def update_status(self, **changes: Any) -> None:
        """Change some fields of the status and leave the others as they are."""
        with self._status_locked():
            self._write_status(replace(self.read_status(), **changes))

    def enter_state(
        self,
        state: TrainingState,
        message: str,
        *,
        condition: Callable[[Status], bool] = lambda _: True,
        **changes: Any,
    ) -> None:
        """Set the state of the run, in its events and its status, if ``condition`` holds for it.

        The event comes first: who sees the status finds it. It is left out where a full disk
        does not take it.
        """
        with self._status_locked():
            status = self.read_status()
            if not condition(status):
                return
            with suppress(OSError):
                self.append_event("state", state=state, message=message)
            self._write_status(replace(status, state=state, message=message, **changes))

    def heartbeat(self) -> None:
        """Record that the run's process is alive."""
        self.update_status(heartbeat_at=datetime.now(UTC))

    # --- events and log

    def append_event(self, kind: str, **fields: Any) -> None:
        """Append one event that happens now."""
        self.append_events([Event(datetime.now(UTC), kind, fields)])

    def append_events(self, events: Iterable[Event]) -> None:
        """Append events in one write; a line torn by an earlier kill is closed first."""
        lines = [
            json.dumps(plain({"at": event.at, "kind": event.kind, **event.fields}))
            for event in events
        ]
        if lines:
            append_lines(self.events_path, lines)

    def read_events(self, since_byte_offset: int = 0) -> tuple[list[Event], int]:
        """Return the events after an offset, and the offset to ask from the next time.

        A line still being written is left for the next call; a torn line is skipped.
        """
        try:
            with self.events_path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                if since_byte_offset > size:
                    since_byte_offset = 0
                # Of a file that is far larger than a run's, the end; its first line is then torn.
                since_byte_offset = max(since_byte_offset, size - _MAX_EVENT_BYTES)
                file.seek(since_byte_offset)
                data = file.read(_MAX_EVENT_BYTES)
        except OSError:
            return [], 0
        whole = data[: data.rfind(b"\n") + 1]
        events = [event for line in whole.splitlines() if (event := _to_event(line))]
        return events, since_byte_offset + len(whole)

    def tail_log(self, max_bytes: int = 20_000) -> str:
        """Return the end of the log in whole lines; of a progress bar, only what it shows last."""
        try:
            with self.log_path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - max_bytes))
                data = file.read(max_bytes)
        except OSError:
            return ""
        if size > max_bytes:
            data = data.partition(b"\n")[2] or data
        lines = data.decode(errors="replace").replace("\r\n", "\n").split("\n")
        return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)

    # --- cancelling, checkpoints, the reserve

    def request_cancel(self) -> None:
        """Request the run to stop; a second request changes nothing, not even the time."""
        if not self.is_cancel_requested():
            self.cancel_path.touch()

    def withdraw_cancel(self) -> None:
        """Withdraw the request to stop, before the run is started again."""
        self.cancel_path.unlink(missing_ok=True)

    def is_cancel_requested(self) -> bool:
        """Return whether the run was asked to stop."""
        return self.cancel_path.exists()

    def cancel_requested_at(self) -> datetime | None:
        """Return the time of the request to stop, None where there is none."""
        try:
            return datetime.fromtimestamp(self.cancel_path.stat().st_mtime, UTC)
        except FileNotFoundError:
            return None

    def latest_checkpoint(self) -> Path | None:
        """Find the newest complete checkpoint: one that the Trainer wrote to its end."""
        found = [
            (int(match[1]), path)
            for path in self.checkpoints_path.glob("checkpoint-*")
            if (match := re.fullmatch(r"checkpoint-(\d+)", path.name)) and _is_complete(path)
        ]
        return max(found)[1] if found else None

    def keep_reserve(self) -> None:
        """Set some disk space aside for the last words of the run."""
        self._reserve_path.write_bytes(b"\0" * _RESERVE_BYTES)

    def release_reserve(self) -> None:
        """Return the space set aside back to the disk."""
        self._reserve_path.unlink(missing_ok=True)

    @contextmanager
    def _status_locked(self) -> Iterator[None]:
        lock = FileLock(self.path / ".status.lock")
        try:
            lock.acquire(timeout=_STATUS_LOCK_SECONDS)
        except Timeout as error:
            raise RunDirError(
                f"The status of run {self.run_id} could not be changed: another process has held "
                f"{lock.lock_file} for {_STATUS_LOCK_SECONDS:.0f} seconds. It may be suspended; "
                "let it go on or end it, then try again."
            ) from error
        try:
            yield
        finally:
            lock.release()

    def _write_status(self, status: Status) -> None:
        replace_json(self.status_path, asdict(status))


def list_run_dirs(runs_dir: Path) -> list[RunDir]:
    """List the run directories, newest first. A damaged one is listed too.

    Raises:
        RunDirError: The folder itself cannot be read.
    """
    try:
        with os.scandir(runs_dir) as entries:
            names = [entry.name for entry in entries if entry.name[0] != "." and _is_dir(entry)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RunDirError(
            f"The runs cannot be listed: {runs_dir} cannot be read ({error.strerror}). It has to "
            "be a folder that this account may read; correct that, or move it away."
        ) from error
    return [RunDir(runs_dir / name) for name in sorted(names, reverse=True)]


def _is_dir(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads back to itself, for example
        return True


def current_status(run_dir: RunDir) -> Status:
    """Return the status, seen together with whether the run's process still exists.

    Where the files say that the run is active but ``Status.is_abandoned`` holds, the state is
    ``cancelled`` if that was asked for and ``interrupted`` otherwise. Nothing is written.

    Raises:
        RunDirError: The status cannot be read.
    """
    status = run_dir.read_status()
    if status.is_abandoned:
        # The process may have written its end between the two reads; then that counts.
        status = run_dir.read_status()
    return replace(status, **end_of_abandoned(run_dir)) if status.is_abandoned else status


def end_of_abandoned(run_dir: RunDir, exit_code: int | None = None) -> dict[str, Any]:
    """Return state and message of an active run whose process is gone.

    Args:
        exit_code: The process's own where it is known; negative for the signal that ended it.
    """
    if run_dir.is_cancel_requested():
        return {"state": "cancelled", "message": "Cancelled."}
    if exit_code is not None and exit_code >= 0:
        last_line = run_dir.tail_log(2000).strip().rpartition("\n")[2] or "nothing"
        return {
            "state": "failed",
            "message": f"The run's process ended with exit code {exit_code} before it could report "
            f"why. The last line of its log: {last_line} "
            f"Put that right and start the run again; all of it is in {run_dir.log_path}.",
        }
    return {"state": "interrupted", "message": f"{_how_killed(exit_code)} {resume_hint(run_dir)}"}


def resume_hint(run_dir: RunDir) -> str:
    """Describe what resuming the run will do."""
    if run_dir.job_path.exists():
        return "Resume it: it follows its job on the cluster, which goes on meanwhile."
    if run_dir.answers_path.exists():
        return "Resume it: only items without an answer are asked."
    checkpoint = run_dir.latest_checkpoint()
    if checkpoint is None:
        return "Resume it: it begins again, as it had written no checkpoint yet."
    return f"Resume it: it continues from {checkpoint.name}."


def _how_killed(exit_code: int | None) -> str:
    if exit_code is None:
        return (
            "The run's process is gone without a word: it was killed, as the system does when "
            "memory runs out, or the machine was restarted."
        )
    return (
        f"The run's process was ended by signal {-exit_code}, without a word. Signal 9 comes from "
        "a person or from the system when memory runs out; see the end of the log for others."
    )


def _to_event(line: bytes) -> Event | None:
    try:
        value = parse_json(line)
        return Event(datetime.fromisoformat(value.pop("at")), str(value.pop("kind")), value)
    except (ValueError, TypeError, AttributeError, KeyError):
        return None


def _is_complete(checkpoint: Path) -> bool:
    # The Trainer writes trainer_state.json last; the other file is there while it saves on SIGTERM.
    if (checkpoint / "checkpoint-is-incomplete.txt").exists():
        return False
    try:
        json.loads((checkpoint / "trainer_state.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return True
