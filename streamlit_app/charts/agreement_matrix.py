"""How far every two people agree, as a matrix: one cell a pair, on both sides of the diagonal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from streamlit_app import palette
from streamlit_app.charts.style import finish, plain, translucent
from streamlit_app.logic.agreement_tables import AgreementCell
from streamlit_app.wording import say, say_count

MAX_ALPHA = 0.6
"""At most this opacity, the theme's own text colour stays readable on every cell."""
MAX_WRITTEN = 16
"""People up to whom values fit into the cells; above they are on hover and in the table."""

FEW = 4
"""People up to whom whole names fit below the matrix."""


def draw_agreement(
    people: Sequence[str], cells: Sequence[AgreementCell], names: Mapping[str, str], *, measure: str
) -> go.Figure:
    """Draw a matrix of pairs.

    Args:
        people: Ids in the order of rows and columns.
        cells: Each pair once.
        names: Names of the people by id; texts from outside.
        measure: What the cells show; our own words.
    """
    places = {who: place for place, who in enumerate(people)}
    size = len(people)
    values: list[list[float | None]] = [[None] * size for _ in people]
    hover = [[""] * size for _ in people]
    for cell in cells:
        row, column = places[cell.person_id], places[cell.other_id]
        one, other = (plain(names.get(who, who)) for who in (cell.person_id, cell.other_id))
        text = say(
            "charts.pair",
            one=one,
            other=other,
            measure=measure,
            value=plain(cell.text, 120),
            items=say_count("figures.items", cell.num_items),
        )
        for at, to in ((row, column), (column, row)):
            values[at][to] = cell.value
            hover[at][to] = text
    tone = palette.BLUE.chart
    figure = go.Figure(
        go.Heatmap(
            z=values,
            zmin=0,
            zmax=1,
            colorscale=[[0, translucent(tone, 0.03)], [1, translucent(tone, MAX_ALPHA)]],
            showscale=False,
            hoverongaps=False,
            customdata=hover,
            hovertemplate="%{customdata}<extra></extra>",
            xgap=2,
            ygap=2,
        )
    )
    if size <= MAX_WRITTEN:
        figure.update_layout(annotations=_written(values))
    ticks = {
        "tickvals": list(range(size)),
        "ticktext": [plain(names.get(who, who), 40 if size <= FEW else 22) for who in people],
        "showgrid": False,
        "zeroline": False,
        "fixedrange": True,
    }
    figure.update_xaxes(**ticks, side="bottom", tickangle=0 if size <= FEW else -45)
    figure.update_yaxes(**ticks, autorange="reversed")
    return finish(figure, height=40 * size + 60 if size <= FEW else 30 * size + 170)


def _written(values: Sequence[Sequence[float | None]]) -> list[dict[str, object]]:
    """Return the value of each cell as an annotation, which takes the theme's colour."""
    return [
        {
            "x": column,
            "y": row,
            "text": f"{value:.2f}".replace("0.", ".", 1),
            "showarrow": False,
            "font": {"size": 12},
        }
        for row, line in enumerate(values)
        for column, value in enumerate(line)
        if value is not None
    ]
