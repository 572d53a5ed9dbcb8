"""What one prefill gives the head, kept on disk: a head is then fitted without the language model.

A cached feature is found by the exact tokens that were prefilled and by the exact model that
prefilled them. Another template, shot, option order, base model, quantization or adapter gives
another key, so a stale feature cannot be found.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from eci.arrays import Float32Array
from eci.prompts import Exemplar, Question

if TYPE_CHECKING:  # both need torch, and cached features are read without it
    from eci.batching import Row
    from eci.model import EciModel, Progress


@dataclass(frozen=True, slots=True)
class Feature:
    """What the head is given for one question.

    Attributes:
        states: Fixed labels: the parts of the model's pooling, shape ``(P, d)``. Options: the state
            at the end of each option, ``(K, d)``. float32.
        scores: The language model's own score of each label, ``(C,)`` or ``(K,)``, float32.
    """

    states: Float32Array
    scores: Float32Array


class FeatureCache:
    """Features of one model in one folder; several processes may add to it at once.

    Args:
        folder: Made when missing. Everything in it can be deleted at any time.
        model_key: Identifies base weights, quantization, adapter and pooling; see ``EciModel.key``.

    Raises:
        ValueError: The key is empty: the model's adapter is in training and has no identity yet.
    """

    def __init__(self, folder: Path, model_key: str) -> None:
        if not model_key:
            raise ValueError(
                "Features of a model in training cannot be cached: its adapter still changes. "
                "Save the artifact, load it, and cache the features of what was loaded."
            )
        self._folder = folder / hashlib.sha256(model_key.encode()).hexdigest()[:24]
        self._known: dict[str, Feature] = {}
        self._read: set[str] = set()

    def features(
        self,
        model: EciModel,
        questions: Sequence[Question],
        exemplars: Sequence[Sequence[Exemplar]] | None = None,
        *,
        batch_size: int = 8,
        progress: Progress | None = None,
    ) -> list[Feature]:
        """Give the features of questions; only those never seen are prefilled.

        Raises:
            UnknownLabelError: A question's label set is unknown to the model.
            PromptError: A prompt does not fit.
        """
        shots = exemplars or [()] * len(questions)
        rows = [model.row(q, shown)[0] for q, shown in zip(questions, shots, strict=True)]
        keys = [row_key(row) for row in rows]
        self._load()
        missing = [i for i, key in enumerate(keys) if key not in self._known]
        if missing:
            computed = model.features(
                [questions[i] for i in missing],
                [shots[i] for i in missing],
                batch_size=batch_size,
                progress=progress,
            )
            new = {keys[i]: feature for i, feature in zip(missing, computed, strict=True)}
            self._save(new)
            self._known.update(new)
        return [self._known[key] for key in keys]

    def _load(self) -> None:
        """Read the chunks that this process has not read yet; a torn one is passed over."""
        for path in sorted(self._folder.glob("*.safetensors")):
            if path.name in self._read:
                continue
            self._read.add(path.name)
            try:
                with safe_open(path, "numpy") as chunk:
                    keys = json.loads(chunk.metadata()["keys"])
                    states, scores = chunk.get_tensor("states"), chunk.get_tensor("scores")
                    ends = chunk.get_tensor("ends")
            except (SafetensorError, OSError, KeyError, ValueError):
                continue
            starts = np.vstack([np.zeros((1, 2), dtype=np.int64), ends[:-1]])
            for key, (s0, c0), (s1, c1) in zip(keys, starts, ends, strict=True):
                self._known[key] = Feature(states[s0:s1], scores[c0:c1])

    def _save(self, new: dict[str, Feature]) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        name = hashlib.sha256("".join(sorted(new)).encode()).hexdigest()[:24]
        path = self._folder / f"{name}.safetensors"
        sizes = [(len(feature.states), len(feature.scores)) for feature in new.values()]
        partial = path.with_suffix(f".{os.getpid()}.partial")
        save_file(
            {
                "states": np.concatenate([feature.states for feature in new.values()]),
                "scores": np.concatenate([feature.scores for feature in new.values()]),
                "ends": np.cumsum(np.array(sizes, dtype=np.int64), axis=0),
            },
            partial,
            metadata={"keys": json.dumps(list(new))},
        )
        partial.replace(path)
        self._read.add(path.name)


def row_key(row: Row) -> str:
    """Identify what is prefilled for a question: its tokens, label set and options."""
    content = [list(row.prompt), row.label_set_id, [list(option) for option in row.options]]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def stack(features: Sequence[Feature]) -> tuple[Float32Array, Float32Array]:
    """Put features of one label set side by side.

    Returns:
        States ``(n, m, d)`` and scores ``(n, C)``; options that an item lacks have score ``-inf``
        and states of zeros.
    """
    width = max(len(feature.scores) for feature in features)
    height = max(len(feature.states) for feature in features)
    dim = features[0].states.shape[1]
    states = np.zeros((len(features), height, dim), dtype=np.float32)
    scores = np.full((len(features), width), -np.inf, dtype=np.float32)
    for i, feature in enumerate(features):
        states[i, : len(feature.states)] = feature.states
        scores[i, : len(feature.scores)] = feature.scores
    return states, scores
