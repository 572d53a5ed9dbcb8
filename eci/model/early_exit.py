"""When may a text that thinks stop? Once the label that it will give can be predicted.

Texts are read sentence by sentence. At each, a penalised logistic regression is given the words so
far and those of the last two sentences, the labels named so far, how much was read, and what a
head gives the question. It learns from other texts of the same model with what label they ended: no
review is needed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from eci.answers.reader import read_answer
from eci.arrays import BoolArray, FloatArray, IntArray
from eci.questions.labels import LabelSet
from eci.statistics.calibration import out_of_fold

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

FIRST: Final = 3
"""Sentences without which nothing is predicted."""
MAX_SENTENCES: Final = 100
"""Sentences of a text; of more, neighbours are joined."""
STRENGTH: Final = 0.5
"""Inverse penalty."""
NUM_FOLDS: Final = 5
AGREEMENT: Final = 0.95
THRESHOLDS: Final[tuple[float, ...]] = tuple(np.arange(0.5, 1, 0.01).round(2).tolist())
_HASHED: Final = 2**16
_RECENT: Final = 2
_MIN_STEPS: Final = 5
_MANY: Final = 3
_USUAL_WORDS: Final = 250
_WORDS_SCALE: Final = 0.8
_MARK: Final = re.compile(r"</?think>")
_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+|\n+")


@dataclass(frozen=True, eq=False)
class Steps:
    """Places where texts may stop: after each sentence but the first ones.

    Attributes:
        owner: Row of the text, ascending, shape ``(n,)``.
        share: How much of its words was read by then, above 0, up to 1.
        numbers: What was named and read so far, shape ``(n, d)``.
        words: Counts of words and pairs of words: so far, and in the last two sentences.
    """

    owner: IntArray
    share: FloatArray
    numbers: FloatArray
    words: csr_matrix


def read_steps(
    texts: Sequence[str],
    label_set: LabelSet,
    aliases: Mapping[str, Sequence[str]] | None = None,
    prior: npt.ArrayLike | None = None,
) -> Steps:
    """Read texts sentence by sentence.

    Args:
        texts: What one model wrote, with its reasoning.
        label_set: The labels allowed for all of them.
        aliases: As for :func:`eci.answers.reader.read_answer`.
        prior: What a head gives each question's labels, shape ``(len(texts), n_labels)``.

    Raises:
        ValueError: No text has a word.
    """
    from scipy.sparse import block_diag, csr_matrix

    parts = [_sentences(text) for text in texts]
    if not any(parts):
        raise ValueError("None of the texts has a word; give those of a model that thinks.")
    owner = np.repeat(np.arange(len(texts)), [len(found) for found in parts])
    place = np.concatenate([np.arange(len(found)) for found in parts])
    said = [sentence for found in parts for sentence in found]
    before = [np.tri(len(found)) for found in parts if found]
    so_far = csr_matrix(block_diag(before))
    recent = csr_matrix(block_diag([one - np.tri(len(one), k=-_RECENT) for one in before]))
    lengths = np.array([len(sentence.split()) for sentence in said], dtype=np.float64)
    read = so_far @ lengths
    named = np.array([_named(sentence, label_set, aliases) for sentence in said])
    total = so_far @ named
    numbers = [np.minimum(total, _MANY), _last_named(owner, named)]
    numbers += [total.sum(1, keepdims=True) == 0, read[:, None] / _USUAL_WORDS]
    if prior is not None:
        given = np.log(np.clip(np.asarray(prior, dtype=np.float64), 1e-3, 1))
        numbers.append(((given - given.mean(0)) / (given.std(0) + 1e-9))[owner])
    share = read / np.bincount(owner, lengths, minlength=len(texts))[owner]
    kept = np.flatnonzero(place >= FIRST - 1)
    words = _words(said, so_far, recent)[kept]
    return Steps(owner[kept], share[kept], np.hstack(numbers)[kept], words)


def _words(said: Sequence[str], so_far: csr_matrix, recent: csr_matrix) -> csr_matrix:
    """Count words and pairs of words up to each sentence, and in the last ones."""
    from scipy.sparse import hstack
    from sklearn.feature_extraction.text import HashingVectorizer

    hashing = HashingVectorizer(
        n_features=_HASHED, ngram_range=(1, 2), norm=None, alternate_sign=False
    )
    counts = hashing.transform(said)
    words: Any = hstack([so_far @ counts, recent @ counts], format="csr")
    words.data = 1 + np.log(words.data)
    return words


def _sentences(text: str) -> list[str]:
    """Divide a text into sentences; neighbours are joined if many."""
    found = [one for one in _SENTENCE.split(_MARK.sub(" ", text)) if one.strip()]
    size = math.ceil(len(found) / MAX_SENTENCES) or 1
    return [" ".join(found[start : start + size]) for start in range(0, len(found), size)]


def _named(
    sentence: str, label_set: LabelSet, aliases: Mapping[str, Sequence[str]] | None
) -> list[float]:
    found = [label for label, _, _ in read_answer(sentence, label_set, aliases).candidates]
    return [float(found.count(name)) for name in label_set.names]


def _last_named(owner: IntArray, named: FloatArray) -> FloatArray:
    """Return which labels the last sentence that names any named, for each sentence."""
    last = np.zeros_like(named)
    for row, names in enumerate(named):
        if names.any():
            last[row] = names > 0
        elif row and owner[row] == owner[row - 1]:
            last[row] = last[row - 1]
    return last


def predict_steps(
    steps: Steps, train: BoolArray, ended: npt.ArrayLike, num_labels: int
) -> FloatArray:
    """Return each step's probabilities of the labels, shape ``(n, num_labels)``.

    Args:
        steps: Of all texts.
        train: Which steps teach, shape ``(n,)``.
        ended: Position of the label with which each text ended, shape ``(n_texts,)``.
    """
    from scipy.sparse import csr_matrix, hstack
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import normalize

    known, size = steps.words[train], steps.words.shape[1]
    seen = np.bincount(known.indices, minlength=size)
    rarity = np.where(seen >= _MIN_STEPS, np.log((1 + known.shape[0]) / (1 + seen)) + 1, 0.0)
    used = np.flatnonzero(rarity)
    words = steps.words[:, used]
    words.data = words.data * rarity[used][words.indices]
    x: Any = hstack([csr_matrix(steps.numbers), normalize(words) * _WORDS_SCALE], format="csr")
    y = np.asarray(ended)[steps.owner]
    found = np.zeros((len(y), num_labels))
    for label in range(num_labels):
        is_it = y[train] == label
        if is_it.all():
            found[:, label] = 1.0
        elif is_it.any():
            model = LogisticRegression(C=STRENGTH, solver="liblinear", tol=1e-2)
            found[:, label] = model.fit(x[train], is_it).predict_proba(x)[:, 1]
    probabilities: FloatArray = found / found.sum(1, keepdims=True)
    return probabilities


def cross_predict_steps(
    steps: Steps, ended: npt.ArrayLike, texts: npt.ArrayLike, num_labels: int, *, seed: int = 0
) -> FloatArray:
    """Return probabilities as :func:`predict_steps`, each from other texts than its own.

    Args:
        steps: Of all texts.
        ended: As for :func:`predict_steps`.
        texts: Rows of the texts that teach; the steps of others keep probabilities of 0.
        num_labels: How many labels there are.
        seed: Of the folds.
    """
    rows, labels = np.asarray(texts), np.asarray(ended)
    found = np.zeros((len(steps.owner), num_labels))
    for fold in out_of_fold(labels[rows], num_folds=NUM_FOLDS, seed=seed):
        train = np.isin(steps.owner, rows[fold.train])
        mine = np.isin(steps.owner, rows[fold.held_out])
        found[mine] = predict_steps(steps, train, labels, num_labels)[mine]
    return found


def stop(
    steps: Steps, probabilities: FloatArray, ended: npt.ArrayLike, threshold: float
) -> tuple[IntArray, FloatArray]:
    """Stop each text at its first step with a label at least as probable as the threshold.

    Returns:
        The label of each text, its own where it is read to the end; and the share read.
    """
    labels = np.array(ended)
    share = np.ones(len(labels))
    stops = np.flatnonzero(probabilities.max(1) >= threshold)
    texts, first = np.unique(steps.owner[stops], return_index=True)
    labels[texts] = probabilities[stops[first]].argmax(1)
    share[texts] = steps.share[stops[first]]
    return labels, share


def choose_threshold(
    steps: Steps,
    probabilities: FloatArray,
    ended: npt.ArrayLike,
    texts: npt.ArrayLike,
    *,
    agreement: float = AGREEMENT,
) -> float:
    """Return the smallest threshold at which texts mostly keep the label with which they ended.

    Args:
        steps: Of all texts.
        probabilities: Of steps, each from other texts than its own.
        ended: As for :func:`predict_steps`.
        texts: Rows of the texts that choose.
        agreement: Share of these that keep it. Above the threshold, all are read to the end.
    """
    rows, own = np.asarray(texts), np.asarray(ended)
    for threshold in THRESHOLDS:
        labels, _ = stop(steps, probabilities, own, threshold)
        if (labels[rows] == own[rows]).mean() >= agreement:
            return threshold
    return 1.0
