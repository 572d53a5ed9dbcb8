"""Confusion matrix: gold labels down, given labels across; every cell, row and column to click."""

from __future__ import annotations

from typing import Any, Literal

import plotly.graph_objects as go

from streamlit_app.charts.style import (
    NEUTRAL,
    RIGHT,
    WRONG,
    finish,
    plain,
    room_for,
    short,
    translucent,
)
from streamlit_app.logic.outcomes.matrix import NO_LABEL, ConfusionMatrix
from streamlit_app.wording import say, say_count

CellValue = Literal["count", "row_share", "column_share"]
TOTAL = say("charts.total")
"""How the row and the column of sums are named."""
ANY = "*"
"""Stands for every label in the ``customdata`` of a sum."""

# At most this opacity, the theme's own text colour stays readable on every cell, light and dark.
MAX_ALPHA = 0.6
ROW_PIXELS = 58


def draw_confusion(
    matrix: ConfusionMatrix,
    *,
    predicted_by: str,
    values: CellValue = "count",
    selected: tuple[str, str] | None = None,
    no_label: str = NO_LABEL,
) -> go.Figure:
    """Draw a confusion matrix; right and wrong cells differ in hue, their tint is their share.

    Args:
        matrix: The counts.
        values: What is written large in the cells; shares are of the cell's row, or of its column.
        predicted_by: Title of the x axis, such as ``"Label read from the text"``.
        selected: Gold and given label (``""`` for no label, ``ANY``) of the cell to outline.
        no_label: Name of the column for items without a label.

    Returns:
        A figure whose last trace holds one invisible marker with its text a cell; the
        ``customdata`` of a marker starts with the gold label and the given label (``""`` for no
        label, ``ANY`` for a sum), as they are in the data. A heatmap gives no click events, a
        marker does.
    """
    columns = [no_label if label is None else label for label in matrix.columns]
    shares = matrix.row_shares() if values == "row_share" else matrix.column_shares()
    shares = matrix.row_shares() if values == "count" else shares
    size = len(matrix.labels)
    figure = go.Figure(
        data=[*_tints(shares, size), _cells(matrix, columns, shares, values)],
        layout={
            "shapes": _outline(matrix, selected),
            # -1: a click anywhere in the plot finds the nearest cell, however wide they are drawn.
            "clickmode": "event+select",
            "hoverdistance": -1,
            "showlegend": False,
            "xaxis": {
                **_axis([*columns, TOTAL]),
                "title": {"text": plain(predicted_by, 60)},
                "side": "bottom",
                "range": [-0.5, size + 1.5],
            },
            "yaxis": {
                **_axis([*matrix.labels, TOTAL]),
                "title": {"text": say("charts.gold_label")},
                "range": [size + 0.5, -0.5],
            },
        },
    )
    left = 28 + room_for(plain(name, 14) for name in (*matrix.labels, TOTAL))
    return finish(figure, height=ROW_PIXELS * (size + 1) + 80, left=left)


def _axis(names: list[str]) -> dict[str, Any]:
    return {
        "tickvals": list(range(len(names))),
        "ticktext": [plain(name, 14) for name in names],
        "showgrid": False,
        "zeroline": False,
        "fixedrange": True,
    }


def _tints(shares: tuple[tuple[float, ...], ...], size: int) -> list[dict[str, Any]]:
    """Return one heatmap for the right cells and one for the wrong ones, tinted by their share."""
    return [
        {
            "type": "heatmap",
            "z": [
                [
                    share if (row == column) == is_right else None
                    for column, share in enumerate(line)
                ]
                for row, line in enumerate(shares)
            ],
            "x": list(range(size + 1)),
            "y": list(range(size)),
            "zmin": 0,
            "zmax": 1,
            "colorscale": [[0, translucent(color, 0.04)], [1, translucent(color, MAX_ALPHA)]],
            "showscale": False,
            "hoverinfo": "skip",
            "xgap": 3,
            "ygap": 3,
        }
        for color, is_right in ((RIGHT, True), (WRONG, False))
    ]


def _outline(matrix: ConfusionMatrix, selected: tuple[str, str] | None) -> list[dict[str, Any]]:
    if selected is None:
        return []
    rows = [*matrix.labels, ANY]
    columns = [*(label or "" for label in matrix.columns), ANY]
    if selected[0] not in rows or selected[1] not in columns or selected == (ANY, ANY):
        return []
    row, column = rows.index(selected[0]), columns.index(selected[1])
    return [
        {
            "type": "rect",
            "x0": column - 0.47,
            "x1": column + 0.47,
            "y0": row - 0.45,
            "y1": row + 0.45,
            "line": {"width": 3, "color": NEUTRAL},
        }
    ]


def _cells(
    matrix: ConfusionMatrix,
    columns: list[str],
    shares: tuple[tuple[float, ...], ...],
    values: CellValue,
) -> dict[str, Any]:
    """Return what is written in the cells and is there to click, the sums included."""
    of_gold, size = matrix.row_shares(), len(matrix.labels)
    cells = []
    for row, gold in enumerate(matrix.labels):
        for column, given in enumerate(matrix.columns):
            count, share = matrix.counts[row][column], f"{shares[row][column]:.0%}"
            large, small = (short(count), share) if values == "count" else (share, short(count))
            text = f"{large}<br><span style='font-size:11px'>{small}</span>"
            hover = say(
                "charts.confusion_cell",
                gold=plain(gold),
                given=plain(columns[column]),
                items=say_count("figures.items", count),
                share=of_gold[row][column],
            )
            cells.append((column, row, text, gold, given or "", hover))
        total = sum(matrix.counts[row])
        hover = say_count("charts.confusion_gold", total, gold=plain(gold))
        cells.append((len(columns), row, short(total), gold, ANY, hover))
    for column, given in enumerate(matrix.columns):
        total = sum(line[column] for line in matrix.counts)
        hover = say_count("charts.confusion_given", total, given=plain(columns[column]))
        cells.append((column, size, short(total), ANY, given or "", hover))
    total = matrix.num_items
    hover = say_count("charts.confusion_all", total)
    cells.append((len(columns), size, short(total), ANY, ANY, hover))
    return {
        "type": "scatter",
        "x": [cell[0] for cell in cells],
        "y": [cell[1] for cell in cells],
        "mode": "markers+text",
        "text": [cell[2] for cell in cells],
        "textfont": {"size": 16},
        "cliponaxis": False,
        "marker": {"symbol": "square", "size": ROW_PIXELS - 12, "opacity": 0},
        "selected": {"marker": {"opacity": 0}},
        "unselected": {"marker": {"opacity": 0}},
        "customdata": [cell[3:] for cell in cells],
        "hovertemplate": "%{customdata[2]}<extra></extra>",
    }
