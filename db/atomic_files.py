"""Files and folders that a reader finds whole: the old content or the new, never a part."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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
def replaced_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder of the same name to fill; at the end it takes the folder's place.

    No system renames a folder over one that holds something, so the old one is first moved aside.
    A process that is killed in that instant leaves both whole, the old one as
    ``.<name>.<token>.before`` next to the target.
    """
    target = path.resolve()
    room = _hidden(target)
    before = room.with_name(f"{room.name}.before")
    partial = room / target.name
    try:
        partial.mkdir(parents=True)
        yield partial
        for written in (*partial.rglob("*"), partial):
            _sync(written)
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


def _hidden(target: Path) -> Path:
    return target.with_name(f".{target.name}.{secrets.token_hex(4)}")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
