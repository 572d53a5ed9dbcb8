"""The errors of the review store. The message is shown to people as it is."""

from __future__ import annotations

from collections.abc import Sequence


class DbError(Exception):
    """Base of every error of this package that a user or a caller can correct."""


class DatabaseOpenError(DbError):
    """The database file could not be opened."""


class DatabaseLockedError(DatabaseOpenError):
    """Another process has the database file open."""


class MissingLogError(DatabaseOpenError):
    """The database file was copied while it was open, without the log of what was saved last."""


class DatabaseDamagedError(DatabaseOpenError):
    """A part of the database file cannot be read."""


class BackupError(DbError):
    """A backup that was not made."""


class RestoreError(DbError):
    """A backup that was not restored; nothing was changed."""


class SaveError(DbError):
    """A transaction could not be written: in conflict with another, or the disk refused."""


class ChildProcessFailedError(DbError):
    """A process that worked on a batch ended before it was done."""


class MigrationError(DbError):
    """The schema of a database file does not fit this version of the package."""


class NotFoundError(DbError):
    """Something was asked for by an id that the store does not hold."""


class ItemNotFoundError(NotFoundError):
    """No item has this id."""


class TokenNotFoundError(NotFoundError):
    """No program's token has the id."""


class RunNotFoundError(NotFoundError):
    """No run has this id."""


class ReviewerNotFoundError(NotFoundError):
    """No reviewer has this id."""


class TrainingRunNotFoundError(NotFoundError):
    """No training run has this id."""


class RejectedRowsError(DbError):
    """Rows that were handed over together and of which some cannot be stored."""

    def __init__(self, message: str, faults: Sequence[tuple[str, str]]) -> None:
        """Store the message and every fault as a pair of item id and what is wrong."""
        super().__init__(message)
        self.faults = tuple(faults)

    def __reduce__(self) -> tuple[type[RejectedRowsError], tuple[str, tuple[tuple[str, str], ...]]]:
        """Return how it is made again: it may come from a child process."""
        return type(self), (str(self), self.faults)


class ItemConflictError(RejectedRowsError):
    """An item of the same id with other content is already there."""


class InvalidItemError(RejectedRowsError):
    """An item contradicts itself, for example a gold label outside its labels."""


class InvalidPredictionError(RejectedRowsError):
    """Predictions that do not fit the stored items and runs."""


class DuplicateRunError(DbError):
    """A run of this id is already there."""


class InvalidLabelError(DbError):
    """A label that the item does not allow."""


class InvalidReviewerError(DbError):
    """A reviewer name that cannot be used."""


class NotPermittedError(DbError):
    """A person's role does not permit what they asked for."""


class InvalidAnnotationError(DbError):
    """An annotation that cannot be stored as given."""


class AnnotationConflictError(DbError):
    """Another annotation of the reviewer stands than the one that was on screen."""

    def __init__(
        self, message: str, annotation_id: str | None, labels: tuple[str, ...], created_at: str
    ) -> None:
        super().__init__(message)
        self.annotation_id = annotation_id
        self.labels = labels
        self.created_at = created_at


class NothingToRetractError(DbError):
    """The reviewer has no standing annotation on the item."""


class ImportFileError(DbError):
    """A file that cannot be imported; the message names every fault found, up to a limit."""


class BulkActionError(DbError):
    """An action on many items that cannot be done or taken back."""


class GuidelineError(DbError):
    """A guideline that cannot be stored, or is not there."""


class ExportError(DbError):
    """Something that cannot be exported in the way asked for."""


class EvidenceError(DbError):
    """Evidence that is missing, or a head that cannot be read."""


class SnapshotError(DbError):
    """A snapshot that cannot be frozen, or a directory that is no intact snapshot."""


class QueueNotFoundError(NotFoundError):
    """No queue has this id."""


class ItemWithheldError(DbError):
    """An item that its reader is to label blind first.

    ``queue_id`` is the queue that waits for the label; None where the whole project does.
    """

    def __init__(self, message: str, item_id: str, queue_id: str | None) -> None:
        super().__init__(message)
        self.item_id, self.queue_id = item_id, queue_id


class QueueClosedError(DbError):
    """A queue takes no more labels, or none of this reviewer's."""


class InvalidQueueError(DbError):
    """A queue that cannot be made as asked."""


class InvalidLabelSetError(DbError):
    """A label set that contradicts itself, or others that are stored."""


class InvalidTextError(DbError):
    """A text that cannot be stored in any encoding."""


class InvalidDraftError(DbError):
    """A draft that cannot be kept."""


class InvalidSettingError(DbError):
    """A setting out of its bounds."""


class InvalidSliceError(DbError):
    """A slice that cannot be saved as asked."""
