"""What one prefill offers the head; a head is fitted on it without the language model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eci.arrays import Float32Array


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


def stack(features: Sequence[Feature]) -> tuple[Float32Array, Float32Array]:
    """Stack the features of one label set.

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
