"""Errors drawn as plain text: our own in their words, a fault of the program by its reference."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from db.connection import explained_damage
from db.errors import DbError
from db.paths import database_path
from eci.errors import EciError
from streamlit_app import safe_text
from streamlit_app.wording import say
from training.errors import TrainingError

_LOG = logging.getLogger(__name__)
OUR_ERRORS = (DbError, EciError, TrainingError)
"""What a user can correct; each message says what failed and what to do next."""


def draw_error(message: str) -> None:
    """Draw an error message as plain text: it may quote a file or a model, so no markdown."""
    safe_text.draw_notice(message, kind="error")


def report_error(error: Exception) -> bool:
    """Draw what a page or a callback raised; of a fault of the program where its log has it.

    Returns:
        True: Streamlit, which has written the error to the log, draws nothing of its own.
    """
    if isinstance(error, OUR_ERRORS):
        draw_error(str(error))
    else:
        reference = secrets.token_hex(4)
        _LOG.error("Fault %s: %s, see the entry before.", reference, type(error).__name__)
        draw_error(say("failure.page", reference=reference))
    return True


@contextmanager
def shown_errors() -> Iterator[None]:
    """Draw errors that a user can correct, and damage to the store, in place of the rest."""
    try:
        with explained_damage(database_path()):
            yield
    except OUR_ERRORS as error:
        draw_error(str(error))
