"""Fitting a head on cached features: convex, deterministic, in milliseconds to a second.

The loss is the mean cross-entropy over items plus ``l2/2·|W|²``, minimised by L-BFGS. It is the
head of :mod:`eci.model.head` exactly: the parameters found here are the ones an artifact holds. The
language model's own scores keep their scale ``a`` (or ``beta``), which is not penalised, so that
strong regularisation falls back to the zero-shot language model and not to nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from eci.arrays import BoolArray, Float32Array, FloatArray, IntArray
from eci.statistics.calibration import Fold, softmax
from eci.statistics.metrics import macro_f1

DEFAULT_L2: Final = (0.1, 0.3, 1.0, 3.0, 10.0)
_ONE_THREAD: Final = 4_000_000
"""Up to this many numbers in the items' states, linear algebra stays on one thread."""
_FITTING: Final = threading.RLock()
_MAX_ITERATIONS: Final = 200


@dataclass(frozen=True, slots=True)
class FittedHead:
    """The parameters of a head for one label set.

    Attributes:
        weight: Fixed labels ``(C, D)`` with D the width of ``u``; options ``(d,)``. float32.
        bias: ``(C,)``; empty for options.
        scale: Of the language model's own scores.
        mean: Of each dimension of ``u`` (options: of ``g``) over the items, ``(D,)``. float32.
        spread: Its standard deviation, ``(D,)``. float32.
        columns: Which of the pooled states make up ``u``; of no meaning for options.
    """

    weight: Float32Array
    bias: Float32Array
    scale: float
    mean: Float32Array
    spread: Float32Array
    columns: tuple[int, ...]
    is_options: bool

    def logits(self, states: Float32Array, scores: Float32Array) -> FloatArray:
        """Return uncalibrated logits, shape ``(n, C)``; ``-inf`` for absent options."""
        u = _inputs(states, self.columns, is_options=self.is_options)
        return _logits(self.weight, self.bias, self.scale, (u - self.mean) / self.spread, scores)


def fit_head(
    states: Float32Array,
    scores: Float32Array,
    y: npt.ArrayLike,
    *,
    is_options: bool,
    columns: Sequence[int] | None = None,
    l2: float = 1.0,
    intercept: bool = True,
) -> FittedHead:
    """Fit a head.

    Args:
        states: ``(n, P, d)`` for fixed labels, ``(n, K, d)`` for options, see ``features``.
        scores: ``(n, C)`` or ``(n, K)``, ``-inf`` where an item has fewer options.
        y: Position of each item's gold label, ``(n,)``.
        is_options: Whether the labels are the items' own options.
        columns: Which of the P states make up ``u``; all by default.
        l2: Strength of the penalty on ``W``, relative to the mean loss of an item.
        intercept: Whether states are centred and fixed labels have a bias; else ``mean`` and
            ``bias`` are 0, and the head is one matrix on the states.

    Raises:
        ValueError: There are no items, or the arrays do not fit each other.
    """
    gold = np.asarray(y)
    if len(gold) == 0 or not len(states) == len(scores) == len(gold):
        raise ValueError(
            f"A head needs items with states, scores and labels alike; there are {len(states)}, "
            f"{len(scores)} and {len(gold)}."
        )
    chosen = tuple(range(states.shape[1]) if columns is None else columns)
    with _threads(states):
        u = _inputs(states, chosen, is_options=is_options)
        x = _Standardised.of(u, scores, intercept=intercept)
        return _fit(x, scores, gold, chosen, l2)


def fit_several(
    states: Float32Array,
    y: npt.ArrayLike,
    *,
    columns: Sequence[int] | None = None,
    l2: float = 1.0,
) -> FittedHead:
    """Fit a head for items with several right labels: each label present or not, on its own.

    Column j of ``logits`` is the log-odds that label j is right; ``1 / (1 + exp(-logit))`` is its
    probability, and a row's do not sum to 1. The language model's own scores take no part: they say
    which one label comes next.

    Args:
        states: ``(n, P, d)``, see ``features``.
        y: Whether each label is right for each item, ``(n, C)``, 0 or 1.
        columns: Which of the P states make up ``u``; all by default.
        l2: Strength of the penalty ``l2/2·|w|²`` of each label, relative to the mean loss.

    Raises:
        ValueError: There are no items, or the arrays do not fit each other.
    """
    gold = np.asarray(y).astype(np.int64)
    if gold.ndim != 2 or not 0 < len(gold) == len(states) or not np.isin(gold, (0, 1)).all():
        raise ValueError(
            f"A head for several labels needs 0 or 1 for each item and label; there are "
            f"{len(states)} items and labels of shape {gold.shape}."
        )
    chosen = tuple(range(states.shape[1]) if columns is None else columns)
    none = np.zeros((len(gold), 2), dtype=np.float32)
    with _threads(states):
        x = _Standardised.of(_inputs(states, chosen, is_options=False), none)
        # Absent and present are two labels whose weights are opposite: half the squared length of
        # their difference, so that twice the penalty is that of one logistic regression.
        fits = [_fit(x, none, column, chosen, 2 * l2) for column in gold.T]
    return FittedHead(
        weight=np.stack([fit.weight[1] - fit.weight[0] for fit in fits]),
        bias=np.array([fit.bias[1] - fit.bias[0] for fit in fits], dtype=np.float32),
        scale=0.0,
        mean=x.mean,
        spread=x.spread,
        columns=chosen,
        is_options=False,
    )


def fit_option_set(
    states: Float32Array, scores: Float32Array, y: npt.ArrayLike, *, l2: float = 1.0
) -> FittedHead:
    """Fit one head for all options of items with several right ones: each right or not.

    Args:
        states: ``(n, K, d)``, see ``features``.
        scores: ``(n, K)``, ``-inf`` where an item has fewer options.
        y: Whether each option is right, ``(n, K)``, 0 or 1.
        l2: As of :func:`fit_several`.
    """
    present = np.isfinite(scores)
    return fit_several(states[present][:, None, :], np.asarray(y)[present][:, None], l2=l2)


def several_logits(
    head: FittedHead, states: Float32Array, scores: Float32Array, *, is_options: bool
) -> FloatArray:
    """Return the log-odds that each label is right, ``(n, C)``; ``-inf`` for absent options."""
    if not is_options:
        return head.logits(states, np.zeros((len(states), len(head.bias)), dtype=np.float32))
    flat = states.reshape(-1, 1, states.shape[-1])
    logits = head.logits(flat, np.zeros((len(flat), 1), dtype=np.float32)).reshape(scores.shape)
    return np.asarray(np.where(np.isfinite(scores), logits, -np.inf))


def cross_validate_several(
    states: Float32Array,
    scores: Float32Array,
    y: npt.ArrayLike,
    *,
    is_options: bool,
    folds: Sequence[Fold],
    strengths: Sequence[float] = DEFAULT_L2,
) -> CrossValidationResult:
    """Choose the penalty where several labels may be right, by the mean log-loss of a label.

    Its ``accuracy`` is the share of exact matches, its ``macro_f1`` the mean F1 of the labels.

    Args:
        y: Whether each label is right, ``(n, C)``, 0 or 1.
    """
    right = np.asarray(y).astype(bool)
    present = np.isfinite(scores) if is_options else np.ones(right.shape, dtype=bool)
    best: CrossValidationResult | None = None
    for l2 in strengths:
        logits = np.zeros(right.shape)
        for fold in folds:
            on, out = fold.train, fold.held_out
            head = (
                fit_option_set(states[on], scores[on], right[on], l2=l2)
                if is_options
                else fit_several(states[on], right[on], l2=l2)
            )
            logits[out] = several_logits(head, states[out], scores[out], is_options=is_options)
        found = _judge_several(logits, right, present, l2)
        if best is None or found.loss < best.loss:
            best = found
    if best is None:
        raise ValueError("There is nothing to choose from: pass at least one penalty.")
    return best


def _judge_several(
    logits: FloatArray, right: BoolArray, present: BoolArray, l2: float
) -> CrossValidationResult:
    finite = np.where(present, logits, 0.0)
    losses = np.where(present, np.logaddexp(0.0, np.where(right, -finite, finite)), 0.0)
    given = (logits >= 0) & present
    hits = (given & right).sum(0)
    totals = np.maximum(given.sum(0) + right.sum(0), 1)
    return CrossValidationResult(
        columns=(),
        l2=l2,
        losses=losses.sum(1) / present.sum(1),
        accuracy=float((given == right).all(1).mean()),
        macro_f1=float((2 * hits / totals).mean()),
        logits=logits,
    )


@contextmanager
def _threads(states: Float32Array) -> Iterator[None]:
    """Limit the linear algebra of few items to one thread.

    It is hundreds of products of a millisecond: to wake a second thread for each takes longer than
    the product, five times as long on an idle machine with two cores and twenty on a busy one. The
    limit is the process's, so one such fit goes on at a time.
    """
    if states.size > _ONE_THREAD:
        yield
        return
    from threadpoolctl import threadpool_limits

    with _FITTING, threadpool_limits(1, user_api="blas"):
        yield


def _inputs(states: Float32Array, columns: Sequence[int], *, is_options: bool) -> Float32Array:
    """Return ``u``, ``(n, D)``, or the options' states, ``(n, K, d)``."""
    states = np.asarray(states, dtype=np.float32)
    return states if is_options else states[:, list(columns)].reshape(len(states), -1)


def mean_and_spread(u: Float32Array, scores: Float32Array) -> tuple[Float32Array, Float32Array]:
    """Return mean and standard deviation of each dimension; absent options do not count.

    Args:
        u: ``(n, D)`` or, for options, ``(n, K, D)``.
        scores: ``-inf`` where an option is absent.
    """
    known = u[np.isfinite(scores)] if u.ndim == 3 else u
    mean = known.mean(0)
    # States are bfloat16, of 8 bits: what varies by less than the last of them is rounding.
    spread = np.maximum(known.std(0), np.abs(mean) * np.float32(2**-8))
    return mean, np.where(spread > 0, spread, np.float32(1))


@dataclass(frozen=True, slots=True)
class _Standardised:
    """The items as the fit sees them.

    Attributes:
        x: ``(n, D)`` or ``(n, K, D)``; with a basis, its coordinates take the place of D.
        has_bias: Whether fixed labels get a bias.
        basis: Orthonormal columns that span the items, ``(D, n)``, where there are fewer items
            than dimensions. The penalised optimum is in that span and its length is the same in
            these coordinates, so that nothing is lost, and all that is quadratic in D shrinks.
    """

    x: Float32Array
    mean: Float32Array
    spread: Float32Array
    gram: Float32Array
    basis: Float32Array | None
    has_bias: bool = True

    @classmethod
    def of(cls, u: Float32Array, scores: Float32Array, *, intercept: bool = True) -> _Standardised:
        """Standardise over the items; absent options do not count, and become zeros."""
        from scipy.linalg import qr

        mean, spread = mean_and_spread(u, scores)
        if not intercept:
            mean = np.zeros_like(mean)
        x = (u - mean) / spread
        if x.ndim == 3:
            x[~np.isfinite(scores)] = 0.0
        flat, basis = x.reshape(-1, x.shape[-1]), None
        if len(flat) < flat.shape[1]:
            basis, upper = qr(flat.T, mode="economic", check_finite=False)
            flat = upper.T
            x = flat.reshape(*x.shape[:-1], -1)
        gram = np.asarray(flat.T @ flat / len(flat), dtype=np.float32)
        return cls(np.ascontiguousarray(x), mean, spread, gram, basis, intercept)

    def inside(self, weight: Float32Array) -> Float32Array:
        """Return the coordinates of weights ``(..., D)``; what is outside the span is lost."""
        return weight if self.basis is None else weight @ self.basis

    def outside(self, weight: Float32Array) -> Float32Array:
        """Return the weights ``(..., D)`` that have these coordinates."""
        return weight if self.basis is None else weight @ self.basis.T

    def root(self, l2: float) -> tuple[Float32Array, Float32Array]:
        """Return L of ``L·Lᵀ``, a bound on how curved the loss is, and its inverse.

        A softmax's curvature p·(1 - p) is at most 1/4.
        """
        from scipy.linalg import cholesky, solve_triangular

        one = np.eye(len(self.gram), dtype=np.float32)
        lower = cholesky(0.25 * self.gram + np.float32(l2) * one, lower=True, check_finite=False)
        return lower, solve_triangular(lower, one, lower=True, check_finite=False)


def _fit(
    standardised: _Standardised,
    scores: Float32Array,
    y: IntArray,
    columns: tuple[int, ...],
    l2: float,
    start: FittedHead | None = None,
) -> FittedHead:
    from scipy.optimize import minimize

    share = np.full(len(y), 1 / len(y))
    loss = _Loss(standardised.x, scores, y, l2, share, standardised.has_bias)
    root, inverse = standardised.root(l2)
    num_weights = int(np.prod(loss.shape))

    # The weights are sought in coordinates in which the loss is about as steep in all directions:
    # states are correlated, and without that the search takes ten times the steps.
    def objective(theta: FloatArray) -> tuple[float, FloatArray]:
        value, by_weight, rest = loss.at(unpack(theta), theta[num_weights:])
        return value, np.concatenate([(by_weight.astype(np.float32) @ inverse.T).ravel(), rest])

    def unpack(theta: FloatArray) -> FloatArray:
        packed = theta[:num_weights].reshape(loss.shape).astype(np.float32)
        return np.asarray(packed @ inverse, dtype=np.float64)

    first = np.zeros(num_weights + loss.num_biases + 1)
    first[-1] = 1.0
    fits = (*loss.shape[:-1], len(standardised.mean))
    if start is not None and start.weight.shape == fits:
        packed = standardised.inside(start.weight) @ root
        first[:num_weights] = packed.ravel()
        first[num_weights:-1] = start.bias[: loss.num_biases]
        first[-1] = start.scale
    found = minimize(
        objective,
        first,
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": _MAX_ITERATIONS, "ftol": 1e-7, "gtol": 1e-5},
    ).x
    return FittedHead(
        weight=standardised.outside(unpack(found).astype(np.float32)),
        bias=found[num_weights:-1].astype(np.float32)
        if loss.num_biases or loss.is_options
        else np.zeros(scores.shape[1], dtype=np.float32),
        scale=float(found[-1]),
        mean=standardised.mean,
        spread=standardised.spread,
        columns=columns,
        is_options=loss.is_options,
    )


@dataclass(frozen=True, slots=True)
class _Loss:
    """Mean cross-entropy plus half of ``l2`` times the squared weights."""

    x: Float32Array
    scores: Float32Array
    y: IntArray
    l2: float
    share: FloatArray
    has_bias: bool

    @property
    def is_options(self) -> bool:
        return self.x.ndim == 3

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the shape of the weights."""
        dim = self.x.shape[-1]
        return (dim,) if self.is_options else (self.scores.shape[1], dim)

    @property
    def num_biases(self) -> int:
        return self.scores.shape[1] if self.has_bias and not self.is_options else 0

    def at(self, weight: FloatArray, rest: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        """Return the loss and its gradients by the weights, and by biases and scale (``rest``)."""
        bias = rest[:-1].astype(np.float32) if self.num_biases else np.float32(0)
        logits = _logits(weight.astype(np.float32), bias, float(rest[-1]), self.x, self.scores)
        top = logits.max(1, keepdims=True)
        log_total = np.log(np.exp(logits - top).sum(1)) + top[:, 0]
        rows = np.arange(len(self.y))
        error = np.exp(logits - log_total[:, None])
        error[rows, self.y] -= 1.0
        error *= self.share[:, None]
        value = float((self.share * (log_total - logits[rows, self.y])).sum())
        value += 0.5 * self.l2 * float((weight**2).sum())
        small = error.astype(np.float32)
        by_weight = np.tensordot(small, self.x, 2) if self.is_options else small.T @ self.x
        by_scale = (error * np.where(np.isfinite(self.scores), self.scores, 0.0)).sum()
        rest_gradient = np.append(error.sum(0)[: self.num_biases], by_scale)
        return value, by_weight + self.l2 * weight, rest_gradient


def _logits(
    weight: Float32Array,
    bias: Float32Array | np.float32,
    scale: float,
    x: Float32Array,
    scores: Float32Array,
) -> FloatArray:
    known = np.isfinite(scores)
    learned = x @ weight if x.ndim == 3 else x @ weight.T + bias
    logits = learned.astype(np.float64) + scale * np.where(known, scores, 0.0)
    return np.asarray(np.where(known, logits, -np.inf))


@dataclass(frozen=True, slots=True)
class CrossValidationResult:
    """What cross-validation chose, and the out-of-fold logits that calibration may use.

    Attributes:
        columns: Of the best candidate: which of the pooled states make up ``u``.
        l2: Of the best candidate.
        losses: Its out-of-fold cross-entropy of each judged item, in nats.
        accuracy: Its out-of-fold accuracy.
        macro_f1: Its out-of-fold macro-F1.
        logits: Out-of-fold, ``(n, C)``, in the order of the items.
    """

    columns: tuple[int, ...]
    l2: float
    losses: FloatArray
    accuracy: float
    macro_f1: float
    logits: FloatArray

    @property
    def loss(self) -> float:
        """Return the mean of ``losses``."""
        return float(self.losses.mean())


@dataclass(frozen=True, slots=True)
class HeadSearch:
    """What cross-validation chooses from.

    Attributes:
        strengths: Penalties.
        candidates: Sets of columns of the states to try; None: all together.
        intercept: As in :func:`fit_head`.
    """

    strengths: Sequence[float] = DEFAULT_L2
    candidates: Sequence[Sequence[int]] | None = None
    intercept: bool = True


def cross_validate(
    states: Float32Array,
    scores: Float32Array,
    y: npt.ArrayLike,
    *,
    is_options: bool,
    folds: Sequence[Fold],
    search: HeadSearch | None = None,
    judged: IntArray | None = None,
) -> CrossValidationResult:
    """Choose pooling and penalty by the out-of-fold cross-entropy on training items.

    Args:
        folds: Of the items, from :func:`eci.statistics.calibration.out_of_fold`.
        search: What to choose from; every default penalty with all columns when None.
        judged: Rows that candidates are compared and figures computed on; all by default. States
            from an adapter repeat the labels that it has learned, so only other items can judge.

    Raises:
        ValueError: There is no candidate or no penalty.
    """
    gold = np.asarray(y)
    best: CrossValidationResult | None = None
    search = search or HeadSearch()
    everything: Sequence[Sequence[int]] = [range(states.shape[1])]
    search = replace(search, candidates=(not is_options and search.candidates) or everything)
    rows = np.arange(len(gold)) if judged is None else judged
    with _threads(states):
        for columns, l2, logits in _candidates(states, scores, gold, folds, search, is_options):
            candidate = _judge(logits, gold, columns, l2, rows)
            if best is None or candidate.loss < best.loss:
                best = candidate
    if best is None:
        raise ValueError("There is nothing to choose from: pass at least one pooling and penalty.")
    return best


def _candidates(
    states: Float32Array,
    scores: Float32Array,
    gold: IntArray,
    folds: Sequence[Fold],
    search: HeadSearch,
    is_options: bool,
) -> Iterator[tuple[tuple[int, ...], float, FloatArray]]:
    """Yield every pooling with every penalty, and its out-of-fold logits."""
    for columns in map(tuple, search.candidates or ()):
        u = _inputs(states, columns, is_options=is_options)
        parts = [
            _Standardised.of(u[fold.train], scores[fold.train], intercept=search.intercept)
            for fold in folds
        ]
        starts: list[FittedHead | None] = [None] * len(folds)
        # From strong to weak: each fit starts where the one before it ended.
        for l2 in sorted(search.strengths, reverse=True):
            logits = np.zeros(scores.shape)
            for k, fold in enumerate(folds):
                on, out = fold.train, fold.held_out
                head = _fit(parts[k], scores[on], gold[on], columns, l2, starts[k])
                starts[k] = head
                logits[out] = head.logits(states[out], scores[out])
            yield columns, l2, logits


def _judge(
    logits: FloatArray, gold: IntArray, columns: tuple[int, ...], l2: float, rows: IntArray
) -> CrossValidationResult:
    gold, probabilities = gold[rows], softmax(logits[rows])
    predicted = probabilities.argmax(1)
    size = logits.shape[1]
    counts = np.zeros((size, size + 1), dtype=np.int64)
    np.add.at(counts, (gold, predicted), 1)
    of_gold = probabilities[np.arange(len(gold)), gold]
    return CrossValidationResult(
        columns=columns,
        l2=l2,
        losses=-np.log(np.clip(of_gold, 1e-12, 1)),
        accuracy=float((predicted == gold).mean()),
        macro_f1=float(macro_f1(counts)),
        logits=logits,
    )
