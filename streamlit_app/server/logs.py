"""Logs as JSON lines, for programs that collect them; no text of an item gets into one."""

from __future__ import annotations

import json
import logging
import traceback
from datetime import UTC, datetime
from typing import Any, Final

from db import environment
from db.errors import InvalidSettingError

_OURS: Final = ("db", "eci", "training", "streamlit_app")
_FORMATS: Final = ("", "text", "json")


class JsonLines(logging.Formatter):
    """One JSON object for each record.

    Of an exception only its type and where it was raised: what a fault of the program says may
    quote what it worked on.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as one line."""
        fields: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[0] is not None:
            kind, _, trace = record.exc_info
            fields["exception"] = kind.__name__
            frames = traceback.extract_tb(trace)
            fields["at"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
            if not record.name.startswith(_OURS):
                fields["message"] = "An exception was raised."  # others quote it in their message
        return json.dumps(fields, ensure_ascii=False)


def configure() -> None:
    """Write all logs as the environment says; the server's own were set up before.

    Raises:
        InvalidSettingError: The environment asks for a form that there is not.
    """
    form = environment.read_text("LLAMACARE_LOG")
    if form not in _FORMATS:
        raise InvalidSettingError(
            f"The environment variable LLAMACARE_LOG is {form!r}; expected text or json."
        )
    if form != "json":
        return
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.root.handlers[:] = [handler]
    logging.captureWarnings(capture=True)
    for name in _OURS:
        logging.getLogger(name).setLevel(logging.INFO)
    for logger in logging.root.manager.loggerDict.values():
        if isinstance(logger, logging.Logger) and logger.handlers:
            logger.handlers.clear()  # Streamlit gives each of its loggers one of its own
            logger.propagate = True
