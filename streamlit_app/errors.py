"""Our own errors, drawn as plain text; any other error is a fault of the program and stays one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from db.connection import explained_damage
from db.errors import DbError
from db.paths import database_path
from eci.errors import EciError
from streamlit_app import safe_text
from training.errors import TrainingError

OUR_ERRORS = (DbError, EciError, TrainingError)
"""What a user can correct; each message says what failed and what to do next."""


def draw_error(message: str) -> None:
    """Draw an error message as plain text: it may quote a file or a model, so no markdown."""
    safe_text.draw_notice(message, kind="error")


def report_error(error: Exception) -> bool:
    """Draw what a callback raised, where a user can correct it; return whether that was done."""
    if isinstance(error, OUR_ERRORS):
        draw_error(str(error))
        return True
    return False


@contextmanager
def shown_errors() -> Iterator[None]:
    """Draw errors that a user can correct, and damage to the store, in place of the rest."""
    try:
        with explained_damage(database_path()):
            yield
    except OUR_ERRORS as error:
        draw_error(str(error))
