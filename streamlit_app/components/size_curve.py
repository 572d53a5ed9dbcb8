"""What more labelled items brought: the runs there are, by how many items each learned from."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from db.outcomes.counts import RunSummary
from db.retraining.lineage import count_learned_items
from streamlit_app.charts.trend import draw_trend
from streamlit_app.components import chart, scope_picker
from streamlit_app.logic.label_sets import label_set_words
from streamlit_app.logic.outcomes.comparison import learning_points
from streamlit_app.server import services
from streamlit_app.wording import say


def draw(summaries: Sequence[RunSummary]) -> None:
    """Draw one chart for each label set that runs have learned from different numbers of items of.

    Args:
        summaries: What training runs got right on the test split.
    """
    learned = count_learned_items(services.database().cursor())
    names = services.run_names()
    for place, label_set in enumerate(dict.fromkeys(one.label_set for one in summaries)):
        sizes = {run: count for (run, name), count in learned.items() if name == label_set}
        series = [
            (words, learning_points(summaries, sizes, names, label_set, by))
            for by, words in scope_picker.BY_WORDS.items()
        ]
        if len({point.x for _, points in series for point in points}) < 2:
            continue
        st.markdown(f"**{say('size_curve.heading', label_set=label_set_words(label_set))}**")
        chart.draw(
            draw_trend(series, axis=say("size_curve.axis")),
            key=f"training_sizes_{place}",
            alt=say("size_curve.alt"),
            table={
                "label": [words for words, points in series for _ in points],
                "training items": [point.x for _, points in series for point in points],
                "run": [point.run for _, points in series for point in points],
                "accuracy": [point.value for _, points in series for point in points],
                "low": [point.low for _, points in series for point in points],
                "high": [point.high for _, points in series for point in points],
                "items": [point.num_items for _, points in series for point in points],
            },
        )
