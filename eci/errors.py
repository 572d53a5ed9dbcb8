"""Errors of the eci package: what a caller's user can correct."""

from __future__ import annotations


class EciError(Exception):
    """Base of every error of this package that a user can correct."""


class LabelSetError(EciError):
    """A label set cannot be built from what was given."""


class UnknownLabelError(EciError):
    """A label is not one of its label set."""


class PromptError(EciError):
    """A prompt cannot be written or does not fit."""


class DuplicateError(EciError):
    """Exemplars repeat questions whose answers they must not give away."""


class RecordError(EciError):
    """A line of a file of questions cannot be read."""


class BaseModelError(EciError):
    """A base model is missing, cannot be read or has an unknown shape."""


class ArtifactError(EciError):
    """An artifact is incomplete, damaged or made for another base model."""


class ExportError(EciError):
    """An artifact cannot be exported in a form, or to a place."""
