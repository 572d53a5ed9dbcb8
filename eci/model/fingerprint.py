"""The identity of a base model: every byte of its weights, and its tokenizer.

Heads, calibration and cached features are valid for these alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from filelock import FileLock

HEADERS_ONLY: Final = "sha256:"
"""How fingerprints begin that cover the first MiB of each weight file: artifacts may have one."""
_TOKENIZER_FILES: Final = (
    *("tokenizer.json", "tokenizer.model", "tokenizer_config.json", "special_tokens_map.json"),
    *("added_tokens.json", "vocab.json", "vocab.txt", "merges.txt"),
    *("chat_template.jinja", "chat_template.json"),
)
_DIGESTS: Final = "digests.json"


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Identity of a base model; for a Hugging Face id, all of it is the commit that was loaded.

    Attributes:
        weights: Of its configuration and every byte of its weight files.
        tokenizer: Of its tokenizer's files and chat template.
        place: Its folder or id.
    """

    weights: str
    tokenizer: str
    place: str

    @classmethod
    def of(cls, folder_or_id: str, models_dir: Path, commit: str | None = None) -> Fingerprint:
        """Identify a base model.

        A file is read once, 0.5 s a GB: its digest is kept in ``models_dir`` with path, size and
        time of change.

        Args:
            folder_or_id: As :func:`eci.model.base_model.resolve_base_model` returns it.
            commit: Of a Hugging Face id.
        """
        folder = Path(folder_or_id)
        if not folder.is_dir():
            loaded = f"{folder_or_id}@{commit or 'unknown'}"
            return cls(loaded, loaded, folder_or_id)
        weights = [folder / "config.json", *sorted(folder.glob("*.safetensors"))]
        tokenizer = [path for name in _TOKENIZER_FILES if (path := folder / name).is_file()]
        digests = _digests([*weights, *tokenizer], models_dir)
        return cls(
            f"weights:{_joined((path.name, digests[path]) for path in weights)}",
            f"tokenizer:{_joined((path.name, digests[path]) for path in tokenizer)}",
            folder_or_id,
        )

    @property
    def headers(self) -> str:
        """Return what older artifacts have: of the first MiB of each weight file."""
        folder = Path(self.place)
        if not folder.is_dir():
            return self.weights
        digest = hashlib.sha256((folder / "config.json").read_bytes())
        for file in sorted(folder.glob("*.safetensors")):
            digest.update(f"{file.name}:{file.stat().st_size}".encode())
            with file.open("rb") as stream:
                digest.update(stream.read(1 << 20))
        return f"{HEADERS_ONLY}{digest.hexdigest()}"


def _joined(parts: Iterable[tuple[str, str]]) -> str:
    return hashlib.sha256(json.dumps(list(parts)).encode()).hexdigest()


def _digests(paths: list[Path], models_dir: Path) -> dict[Path, str]:
    """Return the SHA-256 of files, read only where size or time of change are new."""
    models_dir.mkdir(parents=True, exist_ok=True)
    store = models_dir / _DIGESTS
    with FileLock(models_dir / f"{_DIGESTS}.lock"):
        known = _read_digests(store)
        before = dict(known)
        digests = {}
        for path in paths:
            state = path.stat()
            place, seen = str(path.resolve()), [state.st_size, state.st_mtime_ns]
            if known.get(place, [])[:2] != seen:
                with path.open("rb") as stream:
                    known[place] = [*seen, hashlib.file_digest(stream, "sha256").hexdigest()]
            digests[path] = str(known[place][2])
        if known != before:
            partial = store.with_suffix(".partial")  # only the holder of the lock writes it
            partial.write_text(json.dumps(known))
            partial.replace(store)
    return digests


def _read_digests(store: Path) -> dict[str, list[int | str]]:
    try:
        known = json.loads(store.read_bytes())
        return {place: entry for place, entry in known.items() if len(entry) == 3}
    except (OSError, ValueError, AttributeError, TypeError, RecursionError):
        return {}  # absent or damaged: files are read again
