"""Will the label that any model gave be right? A small head that reviews teach.

A penalised logistic regression over blocks of evidence: the numbers of the answer and of the item
(:mod:`eci.answers.cues`), what probabilities there are of its label, its words, and states of a
local base model where they were computed. Its probabilities are calibrated out of fold, in folds
that never divide a group.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from eci.answers.cues import CUES, ITEM_CUES, cues_of, item_cues, read_parts
from eci.answers.reader import Form
from eci.arrays import BoolArray, Float32Array, FloatArray, IntArray
from eci.errors import ArtifactError
from eci.questions.labels import LabelSet
from eci.statistics.calibration import out_of_fold

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

NUM_FOLDS: Final = 10
NUM_DIVISIONS: Final = 2
"""Divisions into folds whose scores are averaged: one alone adds noise to the order of answers."""
MIN_OF_EACH: Final = 10
"""Groups with right answers, and with wrong ones, without which no head is fitted."""
STRENGTHS: Final = (0.03, 0.3, 3.0)
"""Inverse penalties of the heads that are averaged."""
MAX_COMMON: Final = 2000
"""Answers, drawn at random, over which scores are standardised."""
INFO_FILE: Final = "correctness.json"
HEAD_FILE: Final = "correctness.safetensors"
_HASHED: Final = 2**16
_MIN_TEXTS: Final = 3
"""Words and pairs of words in fewer texts have no weight."""
_LIMIT: Final = 3.0
"""Standard deviations to which a number counts."""
_WORDS_SCALE: Final = 2.0


@dataclass(frozen=True)
class AnsweredItem:
    """An answer with what is known of it.

    Attributes:
        text: What the model wrote; empty where only its label is known.
        label: Its label, a name of the label set.
        form: How the text gives it.
        label_set: The labels allowed for the item.
        aliases: As for :func:`eci.answers.reader.read_answer`.
        own: The answering model's probabilities, by label; None where there are none.
        head: Those of a head that has not learned from the item; None where there are none.
        agreeing: Share of other models that gave the item the same label; None without others.
        question: Of the item; empty where it is not known.
        context: Texts of its sections.
    """

    text: str
    label: str
    form: Form
    label_set: LabelSet
    aliases: Mapping[str, Sequence[str]] = field(default_factory=dict)
    own: Sequence[float] | None = None
    head: Sequence[float] | None = None
    agreeing: float | None = None
    question: str = ""
    context: Sequence[str] = ()


@dataclass(frozen=True, eq=False)
class Evidence:
    """What the head is given for some answers.

    Attributes:
        names: Of the columns of ``numbers``.
        numbers: Shape ``(n, len(names))``; NaN where something is not known.
        texts: Of the answers, ``n`` of them.
        states: Of a base model, shape ``(n, d)``; None without.
    """

    names: tuple[str, ...]
    numbers: FloatArray
    texts: tuple[str, ...]
    states: Float32Array | None = None

    @property
    def num_states(self) -> int:
        """Return the length of the states; 0 without."""
        return 0 if self.states is None else self.states.shape[1]

    def dense(self, rows: IntArray) -> FloatArray:
        """Return numbers and states of some answers, shape ``(len(rows), columns)``."""
        numbers = self.numbers[rows]
        return numbers if self.states is None else np.hstack([numbers, self.states[rows]])

    @cached_property
    def words(self) -> csr_matrix:
        """Count words and pairs of words, hashed; logarithmic within a text."""
        from sklearn.feature_extraction.text import HashingVectorizer

        hashing = HashingVectorizer(
            n_features=_HASHED, ngram_range=(1, 2), alternate_sign=False, norm=None
        )
        counts = hashing.transform(self.texts).tocsr()
        counts.data = 1 + np.log(counts.data)
        return counts


def gather(answers: Sequence[AnsweredItem], states: Float32Array | None = None) -> Evidence:
    """Compute the evidence of answers to items of one label set.

    Args:
        answers: At least one; their label sets have the same name.
        states: Of a base model, one row an answer.
    """
    labels = () if answers[0].label_set.is_options else answers[0].label_set.names
    names = (*CUES, *ITEM_CUES, *_PROBABILITIES, "agreeing", *(f"label_{name}" for name in labels))
    numbers = np.array([_numbers(answer, labels) for answer in answers])
    return Evidence(names, numbers, tuple(answer.text for answer in answers), states)


_UNKNOWN: Final = (np.nan,) * len(ITEM_CUES)
_PROBABILITIES: Final = tuple(
    f"{source}_{what}" for source in ("own", "head") for what in ("label", "top", "agrees")
)


def _numbers(answer: AnsweredItem, labels: Sequence[str]) -> list[float]:
    parts = read_parts(answer.text, answer.label_set, answer.aliases) if answer.text else ()
    names = answer.label_set.names
    return [
        *cues_of(answer.text, answer.label, answer.form, parts),
        *(item_cues(answer.question, answer.context) if answer.question else _UNKNOWN),
        *_of_probabilities(answer.own, answer.label, names),
        *_of_probabilities(answer.head, answer.label, names),
        np.nan if answer.agreeing is None else answer.agreeing,
        *(float(answer.label == name) for name in labels),
    ]


def _of_probabilities(
    given: Sequence[float] | None, label: str, names: Sequence[str]
) -> tuple[float, float, float]:
    if given is None or len(given) != len(names):  # or those of labels that the item had before
        return np.nan, np.nan, np.nan
    place = names.index(label)
    p = np.clip(np.asarray(given, dtype=np.float64), 1e-3, 1 - 1e-3)
    odds = np.log(p / (1 - p))
    return float(odds[place]), float(odds.max()), float(p.argmax() == place)


class CorrectnessInfo(BaseModel):
    """What a stored head is valid for.

    Attributes:
        names: Of the numbers that it weighs.
        num_states: Length of the states that it weighs; 0 without.
        slope: Of the calibration, which multiplies the logit.
        offset: Of the calibration, which is added.
        num_right: Right answers that it was fitted on.
        num_wrong: Wrong ones.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    names: tuple[str, ...] = Field(max_length=1000)
    num_states: int = Field(ge=0, le=1_000_000)
    slope: float
    offset: float
    num_right: int = Field(ge=0)
    num_wrong: int = Field(ge=0)


Tensors = dict[str, Float32Array]


@dataclass(frozen=True, eq=False)
class CorrectnessHead:
    """A fitted head.

    Attributes:
        info: What it is valid for.
        tensors: ``mean``, ``spread`` (of numbers, then states), ``rarity`` of hashed words, and
            ``weight`` (numbers, states, then words).
    """

    info: CorrectnessInfo
    tensors: Tensors

    def probabilities(self, evidence: Evidence) -> FloatArray:
        """Return the probability that each answer is right, shape ``(n,)``.

        Raises:
            ValueError: The evidence has other numbers or states than the head was fitted on.
        """
        if (evidence.names, evidence.num_states) != (self.info.names, self.info.num_states):
            raise ValueError(
                f"The head weighs {len(self.info.names)} numbers and {self.info.num_states} "
                f"states, not {len(evidence.names)} and {evidence.num_states}. "
                "Fit it on such evidence."
            )
        weight = self.tensors["weight"].astype(np.float64)
        logits = _inputs(evidence, self.tensors, np.arange(len(evidence.texts))) @ weight
        return _expit(self.info.slope * logits + self.info.offset)

    def save(self, folder: Path) -> None:
        """Write the head into a folder, as safetensors and JSON."""
        from safetensors.numpy import save_file

        folder.mkdir(parents=True, exist_ok=True)
        save_file(self.tensors, folder / HEAD_FILE)
        (folder / INFO_FILE).write_text(self.info.model_dump_json(), "utf-8")

    @classmethod
    def load(cls, folder: Path) -> CorrectnessHead:
        """Read a head.

        Raises:
            ArtifactError: A file is missing or damaged, or the two do not fit.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        try:
            info = CorrectnessInfo.model_validate_json((folder / INFO_FILE).read_bytes())
            tensors = load_file(folder / HEAD_FILE)
        except (OSError, ValidationError, SafetensorError, ValueError) as error:
            raise ArtifactError(
                f"The correctness head in {folder} cannot be read: {error}. Fit it again."
            ) from error
        dense = len(info.names) + info.num_states
        shapes = {"mean": dense, "spread": dense, "rarity": _HASHED, "weight": dense + _HASHED}
        if {name: (size,) for name, size in shapes.items()} != {
            name: tensor.shape for name, tensor in tensors.items()
        }:
            raise ArtifactError(
                f"The correctness head in {folder} has other tensors than its description. "
                "Fit it again."
            )
        return cls(info, tensors)


@dataclass(frozen=True, eq=False)
class FittedCorrectness:
    """A head, and what heads that had not seen an answer give it.

    Attributes:
        head: Fitted on all reviewed answers.
        probabilities: That each answer is right, calibrated, shape ``(n,)``; each by heads that
            were fitted without one fold of the reviewed answers: a reviewed answer by those of its
            own folds, another by those of folds drawn at random. So both have scores of one
            distribution, as a certificate needs, and none is by a head that has seen its review.
    """

    head: CorrectnessHead
    probabilities: FloatArray


def is_enough(is_right: BoolArray, groups: Sequence[str]) -> bool:
    """Return whether reviewed answers suffice: right and wrong ones in enough groups each."""
    sides = (
        {group for group, hit in zip(groups, is_right, strict=True) if hit == side}
        for side in (True, False)
    )
    return min(map(len, sides)) >= MIN_OF_EACH


def fit_correctness(
    evidence: Evidence,
    rows: npt.ArrayLike,
    is_right: npt.ArrayLike,
    groups: Sequence[str],
    *,
    seed: int = 0,
) -> FittedCorrectness:
    """Fit a head on reviewed answers and score all.

    Args:
        evidence: Of all answers.
        rows: Which of them were reviewed, shape ``(n_reviewed,)``.
        is_right: Whether each of those is right, same shape, bool.
        groups: What folds must not divide, one for each: items that repeat one another.

    Raises:
        ValueError: Too few right or wrong answers, or too few groups.
    """
    reviewed, right = np.asarray(rows, np.int64), np.asarray(is_right, np.bool_)
    if not is_enough(right, groups):
        raise ValueError(
            f"{int(right.sum())} right and {int((~right).sum())} wrong answers in "
            f"{len(set(groups))} groups are too few; each in {MIN_OF_EACH} groups is needed."
        )
    common = np.random.default_rng(seed).permutation(len(evidence.texts))[:MAX_COMMON]
    divisions = range(NUM_DIVISIONS * seed, NUM_DIVISIONS * (seed + 1))
    scores = np.sum(
        [_cross_fit(evidence, reviewed, right, groups, common, one) for one in divisions], axis=0
    )
    scores /= float(scores[common].std()) or 1.0
    slope, offset = _calibrate(scores[reviewed], right)
    space = _space(evidence, reviewed)
    taught = _inputs(evidence, space, reviewed)
    weight, mean = _fit(taught, right, _inputs(evidence, space, common))
    info = CorrectnessInfo(
        names=evidence.names,
        num_states=evidence.num_states,
        slope=slope,
        offset=offset - slope * mean,
        num_right=int(right.sum()),
        num_wrong=int((~right).sum()),
    )
    head = CorrectnessHead(info, {**space, "weight": weight.astype(np.float32)})
    return FittedCorrectness(head, _expit(slope * scores + offset))


def _cross_fit(
    evidence: Evidence,
    reviewed: IntArray,
    right: BoolArray,
    groups: Sequence[str],
    common: IntArray,
    seed: int,
) -> FloatArray:
    """Return the scores of all answers by heads of folds, shape ``(n,)``."""
    num = len(evidence.texts)
    fold_of = np.random.default_rng(seed).integers(NUM_FOLDS, size=num)
    scores = np.empty(num)
    for number, fold in enumerate(out_of_fold(right, groups, num_folds=NUM_FOLDS, seed=seed)):
        fold_of[reviewed[fold.held_out]] = number
        train, mine = reviewed[fold.train], np.flatnonzero(fold_of == number)
        rows = np.unique(np.concatenate([train, common, mine]))
        x = _inputs(evidence, _space(evidence, train), rows)
        weight, mean = _fit(
            x[np.searchsorted(rows, train)], right[fold.train], x[np.searchsorted(rows, common)]
        )
        scores[mine] = x[np.searchsorted(rows, mine)] @ weight - mean
    return scores


def _space(evidence: Evidence, rows: IntArray) -> Tensors:
    """Return what standardises evidence: means and spreads of what is known, rarity of words."""
    dense, words = evidence.dense(rows), evidence.words[rows]
    known = np.isfinite(dense)
    num = known.sum(0).clip(1)
    mean = np.where(known, dense, 0).sum(0) / num
    spread = np.sqrt((np.where(known, dense - mean, 0) ** 2).sum(0) / num)
    spread[spread < 1e-6] = 0.0  # says nothing, and counts for nothing
    texts = np.bincount(words.indices, minlength=_HASHED)
    rarity = np.where(texts >= _MIN_TEXTS, np.log((1 + len(dense)) / (1 + texts)) + 1, 0.0)
    return {
        "mean": mean.astype(np.float32),
        "spread": spread.astype(np.float32),
        "rarity": rarity.astype(np.float32),
    }


def _inputs(evidence: Evidence, space: Tensors, rows: IntArray) -> csr_matrix:
    """Return standardised evidence, each block at its scale; what is not known is average."""
    from scipy.sparse import csr_matrix, hstack
    from sklearn.preprocessing import normalize

    spread, size = space["spread"], len(evidence.names)
    dense = (evidence.dense(rows) - space["mean"]) / np.where(spread, spread, np.inf)
    dense = np.clip(np.nan_to_num(dense, nan=0.0), -_LIMIT, _LIMIT)
    for block in (slice(0, size), slice(size, None)):
        dense[:, block] /= np.sqrt(max(int(np.count_nonzero(spread[block])), 1))
    words = evidence.words[rows]
    words.data = words.data * space["rarity"][words.indices]
    words.eliminate_zeros()
    words = normalize(words, copy=False) * _WORDS_SCALE
    inputs: Any = hstack([csr_matrix(dense), words], format="csr")
    return inputs


def _fit(x: csr_matrix, right: BoolArray, common: csr_matrix) -> tuple[FloatArray, float]:
    """Return the mean of heads of several strengths, and what is to be taken off its scores.

    Averaging costs no data as a choice would. Scores of ``common`` then have mean 0 and deviation
    1, each strength's and the mean's: a head that was fitted without a wrong answer is more
    confident of all, and scores of different heads would rank an answer by the fold it is in.
    """
    from sklearn.linear_model import LogisticRegression

    used = np.flatnonzero(np.bincount(x.indices))  # most hashes are of no word
    taught, shared, total = x[:, used], common[:, used], np.zeros(len(used))
    for strength in STRENGTHS:
        model = LogisticRegression(C=strength, solver="liblinear", tol=1e-3, random_state=0)
        found = model.fit(taught, right).coef_[0]
        total += found / (float((shared @ found).std()) or 1.0)
    scores = shared @ total
    spread = float(scores.std()) or 1.0
    weight = np.zeros(x.shape[1])
    weight[used] = total / spread
    return weight, float(scores.mean()) / spread


def _calibrate(logits: FloatArray, right: BoolArray) -> tuple[float, float]:
    """Return slope and offset of logits (Platt 1999)."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=1e3).fit(logits[:, None], right)
    return max(float(model.coef_[0, 0]), 0.0), float(model.intercept_[0])


def _expit(logits: FloatArray) -> FloatArray:
    probabilities: FloatArray = 1 / (1 + np.exp(-np.clip(logits, -50, 50)))
    return probabilities
