"""Many tests at once: which remain significant at a bounded rate of false discoveries."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from eci.arrays import FloatArray, as_vector


def benjamini_hochberg(p_values: npt.ArrayLike) -> FloatArray:
    """Adjust p values so that those below a level hold at most that share of false discoveries.

    The step-up procedure of Benjamini and Hochberg (1995): each p value times the number of tests
    over its rank, made monotone from the largest down.

    Args:
        p_values: Shape ``(n_tests,)``, each in [0, 1].

    Returns:
        Adjusted p values in the same order, shape ``(n_tests,)``.

    Raises:
        ValueError: A value outside [0, 1].

    Example:
        >>> benjamini_hochberg([0.01, 0.04, 0.03]).round(3).tolist()
        [0.03, 0.04, 0.04]
    """
    p = as_vector(p_values, "p values")
    outside = (p < 0) | (p > 1)
    if outside.any():
        raise ValueError(
            f"The p value at place {int(outside.argmax())} is {p[outside][0]}; allowed is 0 to 1."
        )
    order = np.argsort(p)[::-1]
    ranks = np.arange(len(p), 0, -1)
    stepped = np.minimum.accumulate(p[order] * len(p) / ranks)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1)
    return adjusted
