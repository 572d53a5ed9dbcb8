"""How long does refitting the head on cached features take?

python benchmarks/head_refit.py
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from measuring import make_parser, record, spread
from sklearn.linear_model import LogisticRegression

from eci.model.head_fit import fit_head

DIM, PARTS, LABELS, L2 = 576, 2, 3, 2.5
ROUNDS = 9


def main() -> None:
    """Time all ways in turns and record the figures."""
    options = make_parser(__doc__).parse_args()
    states, scores, y = features(10_000)
    few = slice(0, 1_000)
    flat = states.reshape(len(states), -1)
    flat = (flat - flat.mean(0)) / flat.std(0)
    peer = LogisticRegression(C=1 / (L2 * len(y)), max_iter=200)
    ways: dict[str, tuple[Callable[[], Any], dict[str, float]]] = {
        "refit on 10,000 cached items": (
            lambda: fit_head(states, scores, y, is_options=False, l2=L2),
            {"median": 1},
        ),
        "refit on 1,000 cached items": (
            lambda: fit_head(states[few], scores[few], y[few], is_options=False, l2=L2),
            {"median": 0.3},
        ),
        "scikit-learn's LogisticRegression on 10,000, for comparison": (
            lambda: peer.fit(flat, y),
            {},
        ),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, (way, _) in ways.items():
            started = time.perf_counter()
            way()
            seconds[name].append(time.perf_counter() - started)
    figures = [
        figure
        for name, (_, limits) in ways.items()
        for figure in spread(name, seconds[name], "s", at_most=limits)
    ]
    record(__file__, figures, options)


def features(num_items: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw states with a weak signal in correlated dimensions."""
    rng = np.random.default_rng(0)
    y = rng.choice(LABELS, num_items, p=[0.55, 0.34, 0.11])
    latent = rng.normal(size=(num_items, 60)) + 0.35 * rng.normal(size=(LABELS, 60))[y]
    mixing = rng.normal(size=(60, PARTS * DIM))
    states = latent @ mixing + 4 * rng.normal(size=(num_items, PARTS * DIM))
    shaped = states.reshape(num_items, PARTS, DIM).astype(np.float32)
    return shaped, np.zeros((num_items, LABELS), np.float32), y


if __name__ == "__main__":
    main()
