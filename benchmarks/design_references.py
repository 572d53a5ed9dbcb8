"""Write what samplics and ppi-python estimate, for the tests of our design-based estimators.

Neither is in the product's environment. This makes an environment of its own, with the versions
below, runs itself in it, and writes tests/eci/design_references.json with data, figures and
versions. It is run again only where those versions change.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

PACKAGES = ("samplics==0.6.1", "ppi-python==0.2.3")
TARGET = Path(__file__).resolve().parents[1] / "tests" / "eci" / "design_references.json"


def main() -> None:
    """Make the environment and run this file in it; in it, compute and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inside", action="store_true", help="this is that environment")
    if parser.parse_args().inside:
        TARGET.write_text(json.dumps(compute()) + "\n", encoding="utf-8")
        return
    with tempfile.TemporaryDirectory() as folder:
        python = str(Path(folder) / "bin" / "python")
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *PACKAGES], check=True)
        subprocess.run([python, __file__, "--inside"], check=True)


def compute() -> dict[str, Any]:
    """Return made-up samples with what the two packages estimate from them."""
    import numpy as np

    rng = np.random.default_rng(18)
    names = [package.split("==")[0] for package in PACKAGES]
    return {
        "versions": {name: version(name) for name in names},
        "weighted": [_weighted(rng, n) for n in (12, 60, 300)],
        "stratified": [_stratified(rng, sizes) for sizes in ((8, 20), (40, 25, 90))],
        "powered": [_powered(rng, n, total) for n, total in ((40, 4000), (250, 900))],
    }


def _weighted(rng: Any, n: int) -> dict[str, Any]:
    """Return the Taylor estimate of a mean from weighted items drawn with replacement."""
    values = (rng.random(n) < 0.3).astype(float)
    weights = rng.uniform(1, 20, n)
    found = _taylor(values, weights, [0] * n)
    return {"values": values.tolist(), "weights": weights.tolist(), **found}


def _stratified(rng: Any, sizes: tuple[int, ...]) -> dict[str, Any]:
    values: list[float] = []
    weights: list[float] = []
    strata: list[int] = []
    for number, size in enumerate(sizes):
        values += (rng.random(size) < 0.2 + 0.2 * number).astype(float).tolist()
        weights += [5.0 + 10 * number] * size
        strata += [number] * size
    found = _taylor(values, weights, strata)
    return {"values": values, "weights": weights, "strata": strata, **found}


def _taylor(values: Any, weights: Any, strata: Any) -> dict[str, float]:
    import numpy as np
    from samplics.estimation import TaylorEstimator
    from samplics.utils.types import PopParam

    estimator = TaylorEstimator(PopParam.mean)
    estimator.estimate(
        y=np.asarray(values), samp_weight=np.asarray(weights), stratum=np.asarray(strata)
    )
    return {"mean": float(estimator.point_est), "standard_error": float(estimator.stderror)}


def _powered(rng: Any, n: int, total: int) -> dict[str, Any]:
    """Return PPI++ with power tuning of a mean."""
    import numpy as np
    from ppi_py import ppi_mean_ci, ppi_mean_pointestimate

    truth = (rng.random(n + total) < 0.3).astype(float)
    guess = np.where(rng.random(n + total) < 0.85, truth, 1 - truth)
    given = (truth[:n], guess[:n], guess[n:])
    low, high = ppi_mean_ci(*given, alpha=0.05)
    # The package tunes with the spread of the guesses everywhere, we with that in what was drawn.
    power = np.cov(*given[:2])[0, 1] / given[1].var(ddof=1) / (1 + n / total)
    return {
        "values": truth[:n].tolist(),
        "known": guess[:n].tolist(),
        "num_others": total,
        "others_mean": float(guess[n:].mean()),
        "mean": float(np.squeeze(ppi_mean_pointestimate(*given))),
        "mean_of_own_power": float(np.squeeze(ppi_mean_pointestimate(*given, lam=power))),
        "low": float(np.squeeze(low)),
        "high": float(np.squeeze(high)),
    }


if __name__ == "__main__":
    main()
