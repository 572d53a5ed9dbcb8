"""Errors of the training package: what a user can correct. Each message is shown as it is."""

from __future__ import annotations


class TrainingError(Exception):
    """Base of every error of this package that a user can correct."""


class RunDirError(TrainingError):
    """A file of a run directory is missing, torn or not what it should be."""


class SettingsError(TrainingError):
    """Settings cannot be read or hold a value that is not allowed."""


class DataError(TrainingError):
    """The snapshot does not hold what a run needs."""


class LaunchError(TrainingError):
    """A run cannot be started in the state it is in."""


class EndpointError(TrainingError):
    """An endpoint cannot be used: address, key, model or request are refused."""


class WorkerError(TrainingError):
    """A process that shares a run's work, or a run's job on a cluster, has failed."""


class IngestError(TrainingError):
    """A run has no results to store, or they do not fit the stored items."""


# Like KeyboardInterrupt no Exception: `except Exception` in a library must not swallow it.
class Stopped(BaseException):
    """The run was asked to stop and does so."""
