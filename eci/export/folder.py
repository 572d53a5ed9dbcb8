"""A folder that others read: written whole or not at all, and never over what is not an export."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from eci.errors import ExportError

MANIFEST_FILE: Final = "eci_export.json"


@contextmanager
def written_folder(path: Path, about: dict[str, Any]) -> Iterator[Path]:
    """Yield an empty folder to fill; at the end it takes its place, with a list of its files.

    Args:
        path: Free, an empty folder, or an earlier export that no one changed.

    Raises:
        ExportError: It cannot be written there; what was there before is unchanged.
    """
    target = path.expanduser().absolute()
    _require_place(target)
    partial: Path | None = None
    try:
        partial = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        yield partial
        write_manifest(partial, about)
        _require_place(target)  # another process may have used it meanwhile
        partial.chmod(0o755)
        _replace(partial, target)
    except OSError as error:
        raise ExportError(
            f"{path} was not written: {error.strerror or error}. What was there before is "
            "unchanged. Free space or give access there, or name another place."
        ) from error
    finally:
        if partial is not None:
            shutil.rmtree(partial, ignore_errors=True)


def write_manifest(folder: Path, about: dict[str, Any]) -> None:
    """Write down which files an export has, so that it can be recognised."""
    content = {**about, "files": _digests(folder)}
    (folder / MANIFEST_FILE).write_text(json.dumps(content, indent=1) + "\n", "utf-8")


def is_unchanged_export(folder: Path) -> bool:
    """Return whether a folder holds an earlier export as it was written, and nothing else."""
    try:
        listed = json.loads((folder / MANIFEST_FILE).read_bytes())["files"]
        found = _digests(folder)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False
    return bool(found == listed)


def _digests(folder: Path) -> dict[str, str]:
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or not path.is_file():
            found[name] = "no file"
        elif name != MANIFEST_FILE:
            with path.open("rb") as stream:
                found[name] = hashlib.file_digest(stream, "sha256").hexdigest()
    return found


def _require_place(target: Path) -> None:
    if not target.parent.is_dir():
        raise ExportError(
            f"{target} was not written: there is no folder {target.parent}. Make it first, or name "
            "another place."
        )
    if not os.path.lexists(target):
        return
    if target.is_symlink() or not target.is_dir():
        raise ExportError(
            f"{target} was not written: it is no folder, and an export is one. Name a folder."
        )
    if any(target.iterdir()) and not is_unchanged_export(target):
        raise ExportError(
            f"{target} was not written: it holds files that are no earlier export, or an export "
            "that was changed since. Name a new folder, or move that one away."
        )


def _replace(partial: Path, target: Path) -> None:
    """Move a folder to its place; an older one goes only after the new one is there."""
    if not target.exists():
        partial.rename(target)
        return
    before = Path(tempfile.mkdtemp(prefix=f".{target.name}-before-", dir=target.parent))
    target.rename(before / target.name)
    try:
        partial.rename(target)
    except BaseException:
        (before / target.name).rename(target)
        raise
    finally:
        shutil.rmtree(before, ignore_errors=True)
