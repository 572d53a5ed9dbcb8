"""Draw the README's chart: macro-F1 by the number of items learned from, of the newest benchmark.

.venv/bin/python benchmarks/joint_quality.py --minutes 0
.venv/bin/python docs/screenshots/by_size.py
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import plotly.graph_objects as go
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT), str(ROOT / "benchmarks")]

from history import Row, newest_run, read  # noqa: E402

from streamlit_app import palette  # noqa: E402

SECTION = "PubMedQA by the number of items learned from"
WAYS = {
    "joint": ("joint head", palette.HEAD.chart, "solid", "circle"),
    "text of the joint run": ("text of the joint run", palette.TEXT.chart, "dash", "diamond"),
    "head on frozen states": ("head on the base model's states", palette.GREEN.chart, "dot", "x"),
    "TF-IDF": ("bag of words (TF-IDF)", palette.GREY.chart, "dashdot", "square"),
}


def main() -> None:
    """Write the picture."""
    rows = [
        row
        for row in newest_run(read(), "joint_quality")
        if (row.section, row.measure) == (SECTION, "macro-F1") and row.figure is not None
    ]
    traces = [_trace(way, [r for r in rows if r.what.rpartition(", ")[0] == way]) for way in WAYS]
    figure = go.Figure(
        traces,
        {
            "template": "plotly_white",
            "font": {"family": "sans-serif", "size": 15},
            "margin": {"l": 70, "r": 20, "t": 60, "b": 60},
            "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
            "xaxis": {"title": "training items (PubMedQA)", "type": "log", "tickmode": "array"},
            "yaxis": {"title": "macro-F1, 500 test items", "tickformat": ".0%"},
        },
    )
    sizes = sorted({_size(row) for row in rows})
    figure.update_xaxes(tickvals=sizes, ticktext=[str(size) for size in sizes])
    found = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=("--no-sandbox",))
        page = browser.new_page(viewport={"width": 900, "height": 460})
        page.set_content(figure.to_html(include_plotlyjs=True, config={"staticPlot": True}))
        page.locator(".main-svg").first.wait_for()
        page.screenshot(path=Path(__file__).with_suffix(".png"))
        browser.close()


def _size(row: Row) -> int:
    return int(row.what.rpartition(", ")[2].split()[0])


def _trace(way: str, rows: list[Row]) -> go.Scatter:
    name, color, dash, symbol = WAYS[way]
    notes = {row.note for row in rows if row.note}
    # Ways of one size lie side by side, so that their intervals can be told apart.
    shift = 1 + 0.035 * (list(WAYS).index(way) - 1.5)
    return go.Scatter(
        x=[_size(row) * shift for row in rows],
        y=[row.figure for row in rows],
        name=f"{name} ({min(notes)})" if notes else name,
        mode="lines+markers",
        line={"color": color, "dash": dash, "width": 2},
        marker={"symbol": symbol, "size": 9},
        error_y={
            "symmetric": False,
            "array": [(row.high or 0) - (row.figure or 0) for row in rows],
            "arrayminus": [(row.figure or 0) - (row.low or 0) for row in rows],
            "thickness": 1.2,
        },
    )


if __name__ == "__main__":
    main()
