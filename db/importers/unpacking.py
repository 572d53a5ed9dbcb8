"""Compressed files and archives: what they hold is unpacked and read as if it had come alone."""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import IO, Any, Final

import pyarrow as pa

from db.errors import ImportFileError
from db.importers.files import MAX_FILE_BYTES

_MAX_LAYERS: Final = 3
"""An archive in an archive is read; deeper ones are no data set but an attack or a mistake."""
_CHUNK: Final = 1 << 20
_ZSTD: Final = 93
"""Number of the compression in the ZIP specification (APPNOTE 6.3.8); Python 3.11 lacks it."""
_TAR_MARK: Final = 257
"""Where a tar archive has its mark."""
_DATA_SUFFIXES: Final = frozenset(
    {
        *(".csv", ".tsv", ".tab", ".txt", ".json", ".jsonl", ".ndjson", ".eval"),
        *(".parquet", ".arrow", ".feather", ".xlsx", ".xls", ".ods"),
        *(".gz", ".bz2", ".xz", ".zst", ".zip"),
    }
)
_INFORMATION: Final = re.compile(
    r"(?:dataset_infos?|dataset_dict|state|package|datapackage|metadata|build)\.json"
    r"|(?:readme|licen[cs]e|requirements)\.txt",
    re.IGNORECASE,
)
"""Files next to the data that describe it."""
_DAMAGED: Final = (
    *(OSError, EOFError, ValueError, RuntimeError, NotImplementedError),
    *(zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError, pa.ArrowException),
)


def _open_zstd(path: Path) -> IO[bytes]:
    stream: Any = pa.input_stream(str(path), compression="zstd")
    return stream  # type: ignore[no-any-return]


_STREAMS: Final[tuple[tuple[bytes, Callable[[Path], Any]], ...]] = (
    (b"\x1f\x8b", gzip.open),
    (b"BZh", bz2.open),
    (b"\xfd7zXZ", lzma.open),
    (b"(\xb5/\xfd", _open_zstd),
)


def is_data(name: str) -> bool:
    """Return whether a file of a folder or an archive may hold data, by its name."""
    path = PurePosixPath(name)
    is_hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts)
    is_known = path.suffix.lower() in _DATA_SUFFIXES
    return is_known and not is_hidden and not _INFORMATION.fullmatch(path.name)


@contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """Yield the file, or the folder of files, that a compressed file holds; else the path itself.

    Raises:
        ImportFileError: It is damaged, encrypted, or unpacks to more than a file may have.
    """
    with ExitStack() as stack:
        found = path
        for _ in range(_MAX_LAYERS):
            unpack = _unpacker_of(found)
            if unpack is None:
                break
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="llamacare-unpacked-")))
            try:
                found = unpack(found, folder)
            except _DAMAGED as error:
                raise ImportFileError(
                    f"{path.name} was not imported: it cannot be unpacked ({str(error)[:120]}). "
                    "Download or write it again, without a password."
                ) from error
        yield found


def read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """Return the content of a part of an archive, also where Zstandard compressed it."""
    if info.compress_type != _ZSTD:
        return archive.read(info)
    if info.file_size > MAX_FILE_BYTES:
        raise ValueError(f"{info.filename!a} is too large")
    # What is read raw is what the header points to, past its name and extra field.
    stream: Any = archive.fp
    stream.seek(info.header_offset + 26)
    lengths = stream.read(4)
    stream.seek(int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little"), 1)
    raw = pa.py_buffer(stream.read(info.compress_size))
    with pa.input_stream(raw, compression="zstd") as content:
        return bytes(content.read(info.file_size))


def _unpacker_of(path: Path) -> Callable[[Path, Path], Path] | None:
    if not path.is_file():
        return None
    with path.open("rb") as file:
        start = file.read(_TAR_MARK + 5)
    for mark, open_ in _STREAMS:
        if start.startswith(mark):
            return lambda packed, folder: _unpack_stream(packed, folder, open_)
    if start.endswith(b"ustar"):
        return _unpack_tar
    return _unpack_zip if start.startswith(b"PK\x03\x04") and _holds_data(path) else None


def _unpack_stream(path: Path, folder: Path, open_: Callable[[Path], Any]) -> Path:
    target = folder / (path.stem.strip(".") or "data")
    size = 0
    with open_(path) as source, target.open("wb") as file:
        while chunk := source.read(_CHUNK):
            size += len(chunk)
            if size > MAX_FILE_BYTES:
                raise ValueError(f"it unpacks to more than {MAX_FILE_BYTES:,} bytes")
            file.write(chunk)
    return target


def _holds_data(path: Path) -> bool:
    """Return whether an archive is one of data files, not a format that is an archive itself."""
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
    except _DAMAGED:
        return False
    names = {info.filename for info in infos}
    is_format = any(
        name in ("xl/workbook.xml", "xl/workbook.bin", "content.xml", "header.json")
        or name.startswith(("word/", "ppt/"))
        or name.endswith("data.pkl")
        for name in names
    )
    fits = sum(info.file_size for info in infos) <= MAX_FILE_BYTES
    return fits and not is_format and any(map(is_data, names))


def _unpack_zip(path: Path, folder: Path) -> Path:
    """Unpack the data files, and return the only one or the folder of all."""
    targets = []
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if info.is_dir() or not is_data(info.filename):
                continue
            targets.append(_target(folder, info.filename))
            targets[-1].write_bytes(read_member(archive, info))
    return targets[0] if len(targets) == 1 else folder


def _unpack_tar(path: Path, folder: Path) -> Path:
    """Unpack the data files of a tar archive; links and devices in it are left out."""
    targets, size = [], 0
    with tarfile.open(path, "r:") as archive:
        for info in archive:
            if not info.isreg() or not is_data(info.name):
                continue
            size += info.size
            source = archive.extractfile(info)
            if size > MAX_FILE_BYTES or source is None:
                raise ValueError(f"it unpacks to more than {MAX_FILE_BYTES:,} bytes")
            targets.append(_target(folder, info.name))
            targets[-1].write_bytes(source.read())
    return targets[0] if len(targets) == 1 else folder


def _target(folder: Path, name: str) -> Path:
    """Return where a part of an archive is unpacked: never outside the folder."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    target = folder.joinpath(*(part for part in parts if part.strip("./")))
    target.parent.mkdir(parents=True, exist_ok=True)
    return target
