"""How many items carry which label, one bar a group of items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from db.records import labels_text
from streamlit_app import palette
from streamlit_app.charts.style import finish, plain, translucent
from streamlit_app.logic.outcomes.matrix import NO_LABEL
from streamlit_app.wording import say


def draw_label_counts(
    groups: Mapping[str, Mapping[str | None, int]], labels: Sequence[str]
) -> go.Figure:
    """Draw one stacked bar a group, a part for each label in the label's own colour.

    Args:
        groups: Name of the group, such as ``"pubmedqa · test"``, to its counts by label; None
            counts the items without a label.
        labels: All labels in order; they fix the order of the parts.
    """
    names = [plain(name, 40) for name in groups]
    figure = go.Figure()
    for label in (*labels, None):
        counts = [counted.get(label, 0) for counted in groups.values()]
        if not any(counts):
            continue
        word = plain(labels_text(label, NO_LABEL))
        color = palette.label_tone(label, labels).chart
        figure.add_bar(
            x=counts,
            y=names,
            orientation="h",
            name=word,
            # Tinted, not filled: the theme's own text colour is readable on it, light and dark.
            marker={"color": translucent(color, 0.5), "line": {"color": color, "width": 1.5}},
            # The name in the part: colour alone does not say which label it is.
            text=[f"{word} {count:,}" if count else "" for count in counts],
            textposition="inside",
            insidetextanchor="middle",
            hovertemplate=say("charts.label_count", label=word) + "<extra></extra>",
        )
    figure.update_layout(barmode="stack", bargap=0.35, showlegend=False)
    figure.update_xaxes(title=say("charts.number_of", unit=say("charts.items")), fixedrange=True)
    figure.update_yaxes(autorange="reversed", fixedrange=True)
    return finish(figure, height=44 * len(names) + 70)
