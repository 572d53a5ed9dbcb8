"""JSON files that a reader finds whole: the old content or the new, never a part."""

from __future__ import annotations

import errno
import json
import math
import os
import stat
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from db.atomic_files import replaced_file
from db.conversions import parse_json, replace_lone_surrogates
from training.errors import RunDirError

MAX_JSON_BYTES: Final = 16 * 2**20
"""Of a whole file; the largest that a run writes has some ten kilobytes."""


def read_object(path: Path) -> dict[str, Any]:
    """Read the JSON object of a run directory's file; half of a surrogate pair becomes U+FFFD.

    Raises:
        RunDirError: The file is missing, unreadable, too large or no JSON object.
    """
    try:
        described = path.stat()
        if not stat.S_ISREG(described.st_mode):  # reading a pipe would wait for ever
            raise unusable(path, "is no ordinary file")
        if described.st_size > MAX_JSON_BYTES:
            raise unusable(
                path, f"has {described.st_size:,} bytes, at most {MAX_JSON_BYTES:,} are allowed"
            )
        value = parse_json(path.read_bytes())
    except FileNotFoundError as error:
        raise unusable(path, "is missing") from error
    except (ValueError, OSError) as error:
        raise unusable(path, f"cannot be read: {error}") from error
    if not isinstance(value, dict):
        raise unusable(path, f"holds a {type(value).__name__}, expected a JSON object")
    cleaned: dict[str, Any] = _storable(value)
    return cleaned


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return replace_lone_surrogates(value).replace("\0", "\ufffd")
    if isinstance(value, dict):
        return {_storable(key): _storable(entry) for key, entry in value.items()}
    return [_storable(entry) for entry in value] if isinstance(value, list) else value


def unusable(path: Path, why: str) -> RunDirError:
    """Make the error for a file of a run directory that cannot be used."""
    return RunDirError(
        f"{path.name} of run {path.parent.name} {why} ({path}). "
        "Restore the file from a back-up, or move the run's directory away."
    )


def invalid(path: Path, error: ValidationError) -> RunDirError:
    """Make the error for a file of a run directory with a value that cannot be."""
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"]))
    found = ascii(first["input"])[:60]
    return unusable(path, f"is damaged ({where}: {first['msg']}, found {found})")


def replace_json(path: Path, value: Mapping[str, Any]) -> None:
    """Replace a file's content at once: written to a temporary file, synced, renamed."""
    with replaced_file(path) as partial:
        write_json(partial, value)


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON object to a file that no reader looks at yet."""
    # backslashreplace turns a lone surrogate, which UTF-8 refuses, into its JSON escape.
    text = json.dumps(plain(value), ensure_ascii=False, indent=1) + "\n"
    path.write_bytes(text.encode(errors="backslashreplace"))


def append_lines(path: Path, lines: Sequence[str]) -> None:
    """Append lines to a file in one write; a line torn by an earlier kill is closed first.

    Raises:
        OSError: The disk does not take all of them.
    """
    data = "".join(f"{line}\n" for line in lines).encode()
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        size = os.fstat(handle).st_size
        if size and os.pread(handle, 1, size - 1) != b"\n":
            data = b"\n" + data
        if os.write(handle, data) < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    finally:
        os.close(handle)


def plain(value: Any) -> Any:
    """Convert a value for JSON: times as ISO 8601, numbers that are not finite as null.

    Raises:
        TypeError: There is no way to say it.
    """
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(entry) for entry in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "item"):  # a NumPy or torch scalar
        return plain(value.item())
    raise TypeError(f"A run directory cannot hold {value!r} of type {type(value).__name__}.")
