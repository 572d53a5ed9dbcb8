"""Features of items on disk, found by the items alone: a head is refitted without loading torch.

A feature is found by the question and by what its tokens depend on: template, longest prompt, and
the exact model. Its tokens themselves would need the tokenizer. All prompts are zero-shot.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from db.atomic_files import replaced_file
from db.conversions import parse_json
from db.paths import cache_dir
from eci.arrays import Float32Array, IntArray
from eci.model.artifact import ADAPTER_FILES, ArtifactInfo
from eci.questions.prompts import Question
from training.data.questions import ItemQuestion, SnapshotQuestions, item_groups
from training.errors import RunDirError
from training.run.json_files import read_object, replace_json

# What of a head's configuration does not change its inputs.
_FREE_OF_STATES: Final = ("dropout", "label_sets")
_UNANSWERABLE: Final = "unanswerable.json"


@dataclass(frozen=True)
class Features:
    """What the head is given for items of one label set; see ``eci.model.features``.

    Attributes:
        states: ``(n, m, d)``, float32; zeros for options that an item lacks.
        scores: ``(n, C)``, float32; ``-inf`` for options that an item lacks.
    """

    states: Float32Array
    scores: Float32Array

    def take(self, rows: Sequence[int] | IntArray) -> Features:
        """Return some rows, in the order asked for."""
        chosen = np.asarray(rows, np.int64)
        return Features(self.states[chosen], self.scores[chosen])


def features_dir() -> Path:
    """Return the folder of the features of all models."""
    return cache_dir() / "head_features"


class HeadFeatures:
    """The features of one model, in a folder that may be deleted at any time.

    Args:
        folder: Of all models; made when missing.
        info: Describes the model: base, adapter, template; calibration does not matter.
    """

    def __init__(self, folder: Path, info: ArtifactInfo) -> None:
        self.info = info
        self.folder = folder / _model_key(info)
        self._places: dict[str, tuple[int, int]] = {}
        self._chunks: list[Features] = []
        self._read: set[str] = set()

    def missing(self, questions: Sequence[Question]) -> list[int]:
        """Return the positions of questions whose features are not here and can be computed."""
        self._load()
        known = self._places.keys() | self._unanswerable()
        return [i for i, q in enumerate(questions) if question_digest(q) not in known]

    def answerable(self, questions: SnapshotQuestions) -> SnapshotQuestions:
        """Return the items of a snapshot without those that the model cannot be asked about."""
        out = self._unanswerable()
        train, test = (
            tuple(entry for entry in entries if question_digest(entry.question) not in out)
            for entries in (questions.train, questions.test)
        )
        return SnapshotQuestions(train, test)

    def note_unanswerable(self, questions: Sequence[Question]) -> None:
        """Record that the model cannot be asked these questions, and so has no features of them."""
        digests = self._unanswerable() | {question_digest(question) for question in questions}
        self.folder.mkdir(parents=True, exist_ok=True)
        replace_json(self.folder / _UNANSWERABLE, {"questions": sorted(digests)})

    def _unanswerable(self) -> frozenset[str]:
        try:
            return frozenset(map(str, read_object(self.folder / _UNANSWERABLE)["questions"]))
        except (RunDirError, KeyError, TypeError):
            return frozenset()

    def get(self, questions: Sequence[Question]) -> Features:
        """Return the features of questions of one label set.

        Raises:
            KeyError: Features of a question are missing.
        """
        self._load()
        places = [self._places[question_digest(question)] for question in questions]
        used = [self._chunks[chunk] for chunk in sorted({chunk for chunk, _ in places})]
        offsets = dict(zip(sorted({c for c, _ in places}), _starts(used), strict=True))
        return _joined(used).take([offsets[chunk] + row for chunk, row in places])

    def is_checked(self, questions: SnapshotQuestions) -> bool:
        """Return whether these texts were searched for leaks before; labels do not matter there."""
        return self._checked_path(questions).exists()

    def note_checked(self, questions: SnapshotQuestions) -> None:
        """Record that no training item of a snapshot repeats one of its test items."""
        self._checked_path(questions).touch()

    def item_groups(self, entries: Sequence[ItemQuestion]) -> list[str]:
        """Return the group of each item as ``item_groups`` does; found once for these texts."""
        digest = hashlib.sha256()
        for entry in entries:
            item = entry.item
            content = f"{item.item_id} {item.parent_item_id} {question_digest(entry.question)}"
            digest.update(f"{content}\n".encode())
        path = self.folder / f"groups-{digest.hexdigest()[:32]}.json"
        with suppress(RunDirError):
            stored = read_object(path).get("groups")
            if isinstance(stored, list) and len(stored) == len(entries):
                return [str(group) for group in stored]
        found = item_groups(entries)
        self.folder.mkdir(parents=True, exist_ok=True)
        replace_json(path, {"groups": found})
        return found

    def _checked_path(self, questions: SnapshotQuestions) -> Path:
        digest = hashlib.sha256()
        for entries in (questions.train, questions.test):
            for entry in entries:
                item = entry.item
                content = f"{item.item_id} {item.parent_item_id} {item.split}"
                digest.update(f"{content} {question_digest(entry.question)}\n".encode())
            digest.update(b"|")
        return self.folder / f"checked-{digest.hexdigest()[:32]}"

    def add(self, questions: Sequence[Question], features: Features) -> None:
        """Store the features of questions of one label set."""
        keys = [question_digest(question) for question in questions]
        self.folder.mkdir(parents=True, exist_ok=True)
        name = hashlib.sha256("".join(sorted(keys)).encode()).hexdigest()[:24]
        path = self.folder / f"{name}.safetensors"
        tensors = {"states": features.states, "scores": features.scores}
        with replaced_file(path) as partial:
            save_file(tensors, partial, metadata={"keys": json.dumps(keys)})

    def _load(self) -> None:
        """Read the chunks that were not read yet; a torn one is passed over."""
        for path in sorted(self.folder.glob("*.safetensors")):
            if path.name in self._read:
                continue
            self._read.add(path.name)
            try:
                with safe_open(path, "numpy") as chunk:
                    keys = [str(key) for key in parse_json(chunk.metadata()["keys"])]
                    found = Features(chunk.get_tensor("states"), chunk.get_tensor("scores"))
            except (SafetensorError, OSError, KeyError, TypeError, ValueError):
                continue
            if not len(keys) == len(found.states) == len(found.scores):
                continue
            self._places |= {key: (len(self._chunks), row) for row, key in enumerate(keys)}
            self._chunks.append(found)


def question_digest(question: Question) -> str:
    """Identify what is asked, without the item's id."""
    labels = question.label_set
    content: list[Any] = [question.question, [list(part) for part in question.context]]
    content += [labels.name, [[label.name, label.text, label.definition] for label in labels]]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _joined(parts: Sequence[Features]) -> Features:
    """Concatenate rows, filled up to the most options that any of them has."""
    height = max(part.states.shape[1] for part in parts)
    width = max(part.scores.shape[1] for part in parts)
    states = [
        np.pad(part.states, ((0, 0), (0, height - part.states.shape[1]), (0, 0))) for part in parts
    ]
    scores = [
        np.pad(
            part.scores,
            ((0, 0), (0, width - part.scores.shape[1])),
            constant_values=np.float32(-np.inf),
        )
        for part in parts
    ]
    return Features(np.concatenate(states), np.concatenate(scores))


def _starts(parts: Sequence[Features]) -> list[int]:
    sizes = [len(part.states) for part in parts]
    return [sum(sizes[:i]) for i in range(len(sizes))]


def _model_key(info: ArtifactInfo) -> str:
    head = {name: value for name, value in info.head.items() if name not in _FREE_OF_STATES}
    content = [
        info.base.fingerprint,
        info.base.tokenizer,
        info.base.quantization,
        info.files.get(ADAPTER_FILES[0], "no adapter"),
        info.template_digest,
        info.prompt_digest,
        info.max_prompt_tokens,
        head,
        *([info.thinking_tokens] if info.thinking_tokens else []),
    ]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:24]
