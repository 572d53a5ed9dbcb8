"""Text by head by gold: one panel a gold label, text labels down, head labels across."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from db.outcomes.counts import JointCell
from db.outcomes.selection import PairOutcome
from streamlit_app import palette
from streamlit_app.charts.style import NEUTRAL, finish, plain, short, translucent
from streamlit_app.logic.outcomes.matrix import NO_LABEL
from streamlit_app.logic.outcomes.run_outcomes import PAIR_WORDS, pair_outcome
from streamlit_app.wording import say, say_count

PAIR_TONES: Mapping[PairOutcome, palette.Tone] = {
    "both_right": palette.BLUE,
    "head_right": palette.GREEN,
    "head_rescued": palette.GREEN,
    "text_right": palette.OCHRE,
    "both_wrong_alike": palette.VERMILLION,
    "both_wrong_differently": palette.PURPLE,
    "wrong_and_absent": palette.GREY,
}
"""Green: gained by the head; ochre: lost by it; the others are the same with and without it."""


def draw_outcome_cube(
    cells: Sequence[JointCell],
    labels: Sequence[str],
    *,
    selected: tuple[str, str, str] | None = None,
) -> go.Figure:
    """Draw how often each label in the text met each label of the head, for each gold label.

    Args:
        cells: Counts; those without text or head are left out.
        labels: The label set in order.
        selected: Gold label, label in the text (``""`` for none) and head label to outline.

    Returns:
        A figure with one marker a cell, whose ``customdata`` starts with the gold label, the label
        in the text (``""`` for none) and the label of the head.
    """
    both = [cell for cell in cells if cell.has_text and cell.head is not None]
    totals = {label: sum(c.count for c in both if c.gold == label) for label in labels}
    golds = [label for label in labels if totals[label]]
    texts: list[str | None] = [*labels, *([None] if any(c.text is None for c in both) else [])]
    counts = {(cell.gold, cell.text, cell.head): cell for cell in both}
    pitch = len(labels) + 1
    points = [
        _point(
            counts.get((gold, text, head)) or JointCell(gold, True, text, head, 0),
            totals[gold],
            (panel * pitch + column, row),
        )
        for panel, gold in enumerate(golds)
        for row, text in enumerate(texts)
        for column, head in enumerate(labels)
    ]
    columns = pitch * len(golds)
    large = columns <= 14
    size, font = (48, 14) if large else (30, 10) if columns <= 24 else (20, 9)
    figure = go.Figure(
        data=[_markers(points, size, font)],
        layout={
            "clickmode": "event+select",
            "hoverdistance": -1,
            "showlegend": False,
            "annotations": _panel_titles(golds, totals, pitch, len(labels)),
            "shapes": _outline(points, selected),
            "xaxis": {
                "title": {"text": say("charts.head_label")},
                "tickvals": [
                    panel * pitch + column
                    for panel in range(len(golds))
                    for column in range(len(labels))
                ],
                "ticktext": [plain(label, 10) for _ in golds for label in labels],
                "range": [-0.7, pitch * len(golds) - 1.3],
                "showgrid": False,
                "zeroline": False,
                "fixedrange": True,
            },
            "yaxis": {
                "title": {"text": say("charts.text_label")},
                "tickvals": list(range(len(texts))),
                "ticktext": [NO_LABEL if text is None else plain(text, 14) for text in texts],
                "range": [len(texts) - 0.4, -0.95],
                "showgrid": False,
                "zeroline": False,
                "fixedrange": True,
            },
        },
    )
    return finish(figure, height=(56 if large else 38) * len(texts) + 110)


def _point(cell: JointCell, total: int, place: tuple[int, int]) -> dict[str, Any]:
    outcome = pair_outcome(cell)
    color = PAIR_TONES[outcome].chart if outcome else NEUTRAL
    share = cell.count / max(total, 1)
    return {
        "x": place[0],
        "y": place[1],
        # The square root: a share of 2 % is still distinguishable from none.
        "color": translucent(color, 0.06 + 0.54 * share**0.5),
        "line": translucent(color, 0.8 if cell.count else 0.25),
        "text": short(cell.count),
        "data": [
            cell.gold,
            cell.text or "",
            cell.head or "",
            say(
                "charts.cube_cell",
                outcome=PAIR_WORDS[outcome] if outcome else "",
                gold=plain(cell.gold),
                text=plain(cell.text or NO_LABEL),
                head=plain(cell.head or ""),
                items=say_count("figures.items", cell.count),
                share=share,
            ),
        ],
    }


def _markers(points: Sequence[dict[str, Any]], size: int, font: int) -> dict[str, Any]:
    return {
        "type": "scatter",
        "x": [point["x"] for point in points],
        "y": [point["y"] for point in points],
        "mode": "markers+text",
        "text": [point["text"] for point in points],
        "textfont": {"size": font},
        "marker": {
            "symbol": "square",
            "size": size,
            "color": [point["color"] for point in points],
            "line": {"width": 1.5, "color": [point["line"] for point in points]},
            "opacity": 1,
        },
        "selected": {"marker": {"opacity": 1}},
        "unselected": {"marker": {"opacity": 1}},
        "customdata": [point["data"] for point in points],
        "hovertemplate": "%{customdata[3]}<extra></extra>",
    }


def _panel_titles(
    golds: Sequence[str], totals: Mapping[str, int], pitch: int, width: int
) -> list[dict[str, Any]]:
    return [
        {
            "x": panel * pitch + (width - 1) / 2,
            "y": -0.78,
            "text": say("charts.cube_panel", gold=plain(gold, 14), count=totals[gold]),
            "showarrow": False,
            "font": {"size": 13},
        }
        for panel, gold in enumerate(golds)
    ]


def _outline(
    points: Sequence[dict[str, Any]], selected: tuple[str, str, str] | None
) -> list[dict[str, Any]]:
    return [
        {
            "type": "rect",
            "x0": point["x"] - 0.48,
            "x1": point["x"] + 0.48,
            "y0": point["y"] - 0.48,
            "y1": point["y"] + 0.48,
            "line": {"width": 3, "color": NEUTRAL},
        }
        for point in points
        if tuple(point["data"][:3]) == selected
    ]
