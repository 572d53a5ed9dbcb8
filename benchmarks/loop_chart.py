"""The README's second picture: what goes out becomes right as reviewers correct answers.

One panel a model, the same axes; means of the replays with the middle 95 % of them. The file brings
its own background and, where the reader's browser is dark, dark colours.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Final

import numpy as np

from eci.arrays import FloatArray

WIDTH: Final = 860
PANEL: Final = 262
"""Width of a panel's axes; its lines are named to the right of them."""
LEFTS: Final = (52, 462)
TOP: Final = 96
HEIGHT: Final = 230
NAMES: Final = {
    "prioritised": "second reader",
    "random": "random",
    "no learning": "category head",
}
_STYLE: Final = """
  .page { fill: #ffffff } text { fill: #1a2230; font: 15px sans-serif }
  .big { font-size: 18px; font-weight: 600 } .soft { fill: #55606e; font-size: 14px }
  .a { fill: #00694f } .b { fill: #ad3f00 } .c { fill: #55606e }
  .line { fill: none; stroke-width: 3 } .band { opacity: 0.15 } .grid { stroke: #e1e5ea }
  .line.a { stroke: #00694f } .line.b { stroke: #ad3f00; stroke-dasharray: 9 4 }
  .line.c { stroke: #55606e; stroke-dasharray: 3 4 }
  @media (prefers-color-scheme: dark) {
    .page { fill: #10151c } text { fill: #e7ebf1 } .soft { fill: #a4afbd } .grid { stroke: #2b333f }
    .a { fill: #4fcba5 } .b { fill: #ff9a5a } .c { fill: #a4afbd } .line { fill: none }
    .line.a { stroke: #4fcba5 } .line.b { stroke: #ff9a5a } .line.c { stroke: #a4afbd }
  }"""


def draw_loop(curves: Mapping[str, Mapping[str, FloatArray]], batch: int) -> str:
    """Return the chart as SVG.

    Args:
        curves: By model and way, the share of right labels, shape ``(replays, rounds + 1)``.
        batch: Reviews a round.
    """
    every = np.concatenate([runs.ravel() for ways in curves.values() for runs in ways.values()])
    low, high = np.floor(every.min() * 20) / 20, np.ceil(every.max() * 20) / 20
    num_runs, num_rounds = next(iter(next(iter(curves.values())).values())).shape
    num_reviews = (num_rounds - 1) * batch
    total = TOP + HEIGHT + 62
    title = f"Right labels that go out, while {num_reviews} of 500 answers are reviewed"
    shown = f"PubMedQA. Mean and middle 95 % of {num_runs} replays, by what orders the reviews"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {total}" role="img">',
        f"<style>{_STYLE}\n</style>",
        f'<rect class="page" width="{WIDTH}" height="{total}" rx="8"/>',
        _text(20, 32, title, "big"),
        _text(20, 56, shown, "soft"),
    ]
    for left, (model, ways) in zip(LEFTS, curves.items(), strict=True):
        parts += _panel(left, model, ways, (float(low), float(high)), batch)
    return "\n".join([*parts, "</svg>", ""])


def _panel(
    left: int, model: str, ways: Mapping[str, FloatArray], ends: tuple[float, float], batch: int
) -> list[str]:
    low, high = ends
    rounds = next(iter(ways.values())).shape[1] - 1

    def at(number: float, value: float) -> tuple[float, float]:
        x = left + PANEL * number / rounds
        return x, TOP + HEIGHT * (high - value) / (high - low)

    parts = [_text(left, TOP - 14, model)]
    for value in np.arange(low, high + 1e-9, 0.05):
        y = at(0, value)[1]
        parts.append(f'<path class="grid" d="M{left} {y:.1f}h{PANEL}"/>')
        parts.append(_text(left - 8, y + 5, f"{value:.0%}", "soft", "end"))
    for number in range(0, rounds + 1, 2):
        x = at(number, low)[0]
        parts.append(_text(x, TOP + HEIGHT + 22, str(number * batch), "soft", "middle"))
    parts.append(_text(left + PANEL / 2, TOP + HEIGHT + 46, "Reviews", "soft", "middle"))
    for (_, runs), kind in zip(ways.items(), "abc", strict=True):
        bottom, top = np.quantile(runs, [0.025, 0.975], axis=0)
        outline = [at(n, v) for n, v in enumerate(bottom)]
        outline += [at(n, v) for n, v in reversed(list(enumerate(top)))]
        parts.append(f'<polygon class="band {kind}" points="{_points(outline)}"/>')
    for (_, runs), kind in zip(ways.items(), "abc", strict=True):
        line = _points([at(n, v) for n, v in enumerate(runs.mean(0))])
        parts.append(f'<polyline class="line {kind}" points="{line}"/>')
    last = [at(rounds, float(runs.mean(0)[-1]))[1] for runs in ways.values()]
    for way, kind, y in zip(ways, "abc", _apart(last), strict=True):
        parts.append(_text(left + PANEL + 8, y + 5, NAMES[way], kind))
    return parts


def _apart(heights: list[float], gap: float = 19) -> list[float]:
    """Move names that would cover one another, from the top down; return them in their order."""
    found = list(heights)
    order = sorted(range(len(found)), key=lambda place: found[place])
    for upper, lower in pairwise(order):
        found[lower] = max(found[lower], found[upper] + gap)
    return found


def _points(places: list[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)


def _text(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>'
