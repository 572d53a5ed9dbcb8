"""Files and folders that a reader finds whole: the old content or the new, never a part."""

from __future__ import annotations

import ctypes
import glob
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_BEFORE: Final = ".before"
_WORKING_FOLDER: Final = -100
_EXCHANGE: Final = 2
"""AT_FDCWD and RENAME_EXCHANGE of Linux."""


@contextmanager
def replaced_file(path: Path) -> Iterator[Path]:
    """Yield a path to write to; at the end, what was written becomes the file, in one step.

    It is next to the file, and on the disk before it takes the file's name. After an error, or
    where the process is killed, the file is what it was. A symbolic link stays one: the file that
    it leads to is replaced.
    """
    target = path.resolve()
    partial = _hidden(target)
    try:
        yield partial
        _sync(partial)
        if target.exists():
            shutil.copymode(target, partial)
        partial.replace(target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


@contextmanager
def placed_file(path: Path) -> Iterator[Path]:
    """Yield a path to write to; at the end it becomes the file, where there is none yet.

    Raises:
        FileExistsError: There is one by then; it stays as it is.
    """
    partial = _hidden(path)
    try:
        yield partial
        _sync(partial)
        path.hardlink_to(partial)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def replaced_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder of the same name to fill; at the end it takes the folder's place.

    Linux exchanges two folders in one step. Elsewhere the old one is first moved aside; where the
    process is killed in that instant, the next call moves it back.
    """
    target = path.resolve()
    room = _hidden(target)
    before = room.with_name(f"{room.name}{_BEFORE}")
    partial = room / target.name
    _restore(target)
    try:
        partial.mkdir(parents=True)
        yield partial
        for written in (*partial.rglob("*"), partial):
            _sync(written)
        if not (target.exists() and _exchange(partial, target)):
            if target.exists():
                target.rename(before)
            try:
                partial.rename(target)
            except BaseException:
                if before.exists():
                    before.rename(target)
                raise
    finally:
        shutil.rmtree(room, ignore_errors=True)
    shutil.rmtree(before, ignore_errors=True)


def _restore(target: Path) -> None:
    """Move a folder back that a killed process had moved aside."""
    if not target.exists() and target.parent.is_dir():
        for before in target.parent.glob(f".{glob.escape(target.name)}.????????{_BEFORE}"):
            before.rename(target)
            return


def _exchange(first: Path, second: Path) -> bool:
    """Move two paths to the place of each other, in one step; return whether the system could."""
    renameat2 = getattr(ctypes.CDLL(None), "renameat2", None)
    names = (_WORKING_FOLDER, os.fsencode(first), _WORKING_FOLDER, os.fsencode(second))
    return renameat2 is not None and renameat2(*names, _EXCHANGE) == 0


def sweep(folder: Path) -> None:
    """Delete what killed processes left of files in a folder in which nobody writes now."""
    for partial in folder.glob(".*.????????*"):
        if re.fullmatch(r"\..+\.[0-9a-f]{8}(\.wal.*)?", partial.name) and partial.is_file():
            partial.unlink(missing_ok=True)


def _hidden(target: Path) -> Path:
    return target.with_name(f".{target.name}.{secrets.token_hex(4)}")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
