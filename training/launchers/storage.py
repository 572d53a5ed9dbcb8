"""The storage that this machine and a cluster share: a folder, or a bucket behind an address."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import pyarrow as pa
from pyarrow import fs

from db.atomic_files import replaced_file
from training.errors import WorkerError

# The Trainer writes it last, and a checkpoint without it is taken for torn: so it travels last.
_LAST = "trainer_state.json"


class Storage:
    """Files under one address; names are relative to it, with ``/`` between folders.

    Args:
        address: An absolute folder, or what pyarrow opens: ``s3://``, ``gs://``, ``hdfs://``.

    Raises:
        WorkerError: The address cannot be opened.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        try:
            self._system, self._root = fs.FileSystem.from_uri(address)
        except (OSError, ValueError, pa.ArrowException) as error:
            raise self._unreachable(error) from error

    def write(self, name: str, data: bytes) -> None:
        """Replace a file. Raises WorkerError where that fails."""
        path = f"{self._root}/{name}"
        # An object store shows a file only when it is complete; a folder shows half of one.
        is_folder = isinstance(self._system, fs.LocalFileSystem)
        partial = f"{path}.partial" if is_folder else path
        try:
            self._system.create_dir(str(PurePosixPath(path).parent), recursive=True)
            with self._system.open_output_stream(partial) as stream:
                stream.write(data)
            if is_folder:
                self._system.move(partial, path)
        except (OSError, pa.ArrowException) as error:
            raise self._unreachable(error) from error

    def read(self, name: str) -> bytes | None:
        """Return a file's content or None; WorkerError where the storage fails."""
        try:
            with self._system.open_input_stream(f"{self._root}/{name}") as stream:
                return bytes(stream.read())
        except FileNotFoundError:
            return None
        except (OSError, pa.ArrowException) as error:
            raise self._unreachable(error) from error

    def upload(self, path: Path, name: str) -> None:
        """Copy a file, or a folder with all that is in it."""
        if path.is_file():
            self.write(name, path.read_bytes())
            return
        files = sorted(file for file in path.rglob("*") if file.is_file())
        for file in sorted(files, key=lambda file: file.name == _LAST):
            self.write(f"{name}/{file.relative_to(path).as_posix()}", file.read_bytes())

    def download(self, name: str, path: Path) -> None:
        """Copy a file, or a folder with all that is in it; nothing happens where there is none."""
        for relative in self._list_files(name):
            data = self.read(f"{name}/{relative}" if relative else name)
            target = path / relative if relative else path
            if data is not None:
                target.parent.mkdir(parents=True, exist_ok=True)
                with replaced_file(target) as partial:
                    partial.write_bytes(data)

    def delete(self, names: Iterable[str]) -> None:
        """Delete files and folders that may be there."""
        for name in names:
            path = f"{self._root}/{name}"
            try:
                info = self._system.get_file_info(path)
                if info.type == fs.FileType.Directory:
                    self._system.delete_dir(path)
                elif info.type == fs.FileType.File:
                    self._system.delete_file(path)
            except (OSError, pa.ArrowException) as error:
                raise self._unreachable(error) from error

    def list_folders(self, name: str) -> list[str]:
        """List the names of the folders in a folder."""
        found = self._infos(name, recursive=False)
        return [PurePosixPath(i.path).name for i in found if i.type == fs.FileType.Directory]

    def _list_files(self, name: str) -> list[str]:
        path = f"{self._root}/{name}"
        if self._system.get_file_info(path).type == fs.FileType.File:
            return [""]
        files = [i for i in self._infos(name, recursive=True) if i.type == fs.FileType.File]
        relative = [PurePosixPath(info.path).relative_to(path) for info in files]
        # Others may write to the storage: nothing leaves the folder that it is copied to.
        return [str(found) for found in relative if ".." not in found.parts]

    def _infos(self, name: str, *, recursive: bool) -> list[fs.FileInfo]:
        selector = fs.FileSelector(
            f"{self._root}/{name}", recursive=recursive, allow_not_found=True
        )
        try:
            return list(self._system.get_file_info(selector))
        except (OSError, pa.ArrowException) as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: Exception) -> WorkerError:
        return WorkerError(
            f"The storage {self.address!r} that this machine shares with the cluster cannot be "
            f"used: {' '.join(str(error).split())}. Name an absolute folder that every node has "
            "mounted, or an address such as s3://bucket/folder, as storage of the launcher ray."
        )
