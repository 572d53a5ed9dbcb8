"""Confusion matrix: gold labels down, predicted labels across, every cell to click."""

from __future__ import annotations

from typing import Literal

import plotly.graph_objects as go

from streamlit_app.charts.style import NEUTRAL, RIGHT, WRONG, finish, plain, translucent
from streamlit_app.logic.matrix import NO_LABEL, ConfusionMatrix

CellValue = Literal["count", "row_share"]

# At most this opacity, the theme's own text colour stays readable on every cell, light and dark.
MAX_ALPHA = 0.6
ROW_PIXELS = 62


def draw_confusion(
    matrix: ConfusionMatrix,
    *,
    predicted_by: str,
    values: CellValue = "count",
    selected: tuple[str, str] | None = None,
) -> go.Figure:
    """Draw a confusion matrix; right and wrong cells differ in hue, their tint is the row share.

    Args:
        matrix: The counts.
        values: What is written large in the cells: the count or the share of the gold label's row.
        predicted_by: Title of the x axis, such as ``"Label read from the text"``.
        selected: Gold and predicted label (``""`` for no label) of the cell to outline.

    Returns:
        A figure whose last trace holds one invisible marker a cell; the ``customdata`` of a marker
        starts with the gold label and the predicted label (``""`` for no label), as they are in the
        data. A heatmap gives no click events, a marker does.
    """
    columns = [NO_LABEL if label is None else label for label in matrix.columns]
    figure = go.Figure([*_tints(matrix), _click_targets(matrix)])
    _write_cells(figure, matrix, values)
    _outline(figure, matrix, selected)
    figure.update_xaxes(
        title=plain(predicted_by, 60),
        side="bottom",
        tickvals=list(range(len(columns))),
        ticktext=[plain(column, 14) for column in columns],
        range=[-0.5, len(columns) - 0.5],
        showgrid=False,
        zeroline=False,
        fixedrange=True,
    )
    figure.update_yaxes(
        title="Gold label",
        tickvals=list(range(len(matrix.labels))),
        ticktext=[plain(label, 14) for label in matrix.labels],
        range=[len(matrix.labels) - 0.5, -0.5],
        showgrid=False,
        zeroline=False,
        fixedrange=True,
    )
    # -1: a click anywhere in the plot finds the nearest cell, however wide the cells are drawn.
    figure.update_layout(clickmode="event+select", hoverdistance=-1, showlegend=False)
    return finish(figure, height=ROW_PIXELS * len(matrix.labels) + 90)


def _tints(matrix: ConfusionMatrix) -> list[go.Heatmap]:
    """Give one heatmap for the right cells and one for the wrong ones, tinted by row share."""
    shares = matrix.row_shares()
    size = len(matrix.labels)
    tints = []
    for color, is_right in ((RIGHT, True), (WRONG, False)):
        cells = [
            [share if (row == column) == is_right else None for column, share in enumerate(line)]
            for row, line in enumerate(shares)
        ]
        tints.append(
            go.Heatmap(
                z=cells,
                x=list(range(size + 1)),
                y=list(range(size)),
                zmin=0,
                zmax=1,
                colorscale=[[0, translucent(color, 0.04)], [1, translucent(color, MAX_ALPHA)]],
                showscale=False,
                hoverinfo="skip",
                xgap=3,
                ygap=3,
            )
        )
    return tints


def _write_cells(figure: go.Figure, matrix: ConfusionMatrix, values: CellValue) -> None:
    # Annotations, not trace text: they take the theme's colour and do not fade on selection.
    shares = matrix.row_shares()
    for row, line in enumerate(matrix.counts):
        for column, count in enumerate(line):
            share = f"{shares[row][column]:.0%}"
            large, small = (str(count), share) if values == "count" else (share, str(count))
            figure.add_annotation(
                x=column,
                y=row,
                text=f"{large}<br><span style='font-size:11px'>{small}</span>",
                showarrow=False,
                font={"size": 17},
            )


def _outline(figure: go.Figure, matrix: ConfusionMatrix, selected: tuple[str, str] | None) -> None:
    if selected is None:
        return
    gold, predicted = selected[0], selected[1] or None
    if gold not in matrix.labels or predicted not in matrix.columns:
        return
    row, column = matrix.labels.index(gold), matrix.columns.index(predicted)
    figure.add_shape(
        type="rect",
        x0=column - 0.47,
        x1=column + 0.47,
        y0=row - 0.45,
        y1=row + 0.45,
        line={"width": 3, "color": NEUTRAL},
    )


def _click_targets(matrix: ConfusionMatrix) -> go.Scatter:
    shares = matrix.row_shares()
    cells = [
        (row, column, gold, predicted)
        for row, gold in enumerate(matrix.labels)
        for column, predicted in enumerate(matrix.columns)
    ]
    return go.Scatter(
        x=[column for _, column, _, _ in cells],
        y=[row for row, _, _, _ in cells],
        mode="markers",
        marker={
            "symbol": "square",
            "size": ROW_PIXELS - 12,
            "opacity": 0,
        },
        selected={"marker": {"opacity": 0}},
        unselected={"marker": {"opacity": 0}},
        customdata=[
            [
                gold,
                predicted or "",
                plain(gold),
                plain(predicted or NO_LABEL),
                matrix.counts[row][column],
                shares[row][column],
            ]
            for row, column, gold, predicted in cells
        ],
        hovertemplate=(
            "Gold %{customdata[2]}, predicted %{customdata[3]}<br>"
            "%{customdata[4]} items, %{customdata[5]:.1%} of the gold label<extra></extra>"
        ),
    )
