"""Home: accuracy of text and head over the runs, with what people reach."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import streamlit as st

from db.records import Run
from db.viewer import Viewer
from streamlit_app.charts.trend import draw_trend
from streamlit_app.components import chart, choices, coming, scope_picker
from streamlit_app.logic.home_figures import TEST
from streamlit_app.logic.label_sets import label_set_words
from streamlit_app.logic.outcomes.comparison import load_summaries, trend_points, trend_table
from streamlit_app.logic.outcomes.gold_doubts import load_ceiling
from streamlit_app.server import services
from streamlit_app.wording import say


def draw(runs: Sequence[Run], version: str, viewer: Viewer) -> None:
    """Draw runs on the test items, or on all items where no run answered one.

    Args:
        runs: Newest first.
        version: What ``outcomes.refresh`` gave for them.
    """
    st.header(say("home.accuracy"), anchor=False)
    database = services.database()
    summaries = load_summaries(database, version, viewer, "record", TEST)
    split = TEST if summaries else None
    summaries = summaries or load_summaries(database, version, viewer, "record", None)
    sizes: Counter[str] = Counter()
    for one in summaries:
        sizes[one.label_set] += one.n
    if not sizes:
        st.caption(say("home.no_accuracy"))
        return
    label_sets = [name for name, _ in sizes.most_common()]
    label_set = label_sets[0]
    if len(label_sets) > 1:
        shown = {name: label_set_words(name) for name in label_sets}
        label_set = (
            choices.pick_from(say("compare.labels"), label_sets, shown, key="home_labels")
            or label_set
        )
    names = services.run_names()
    trend = [
        (words, trend_points(summaries, runs, names, label_set, by))
        for by, words in scope_picker.BY_WORDS.items()
    ]
    ceiling = coming.start(
        load_ceiling, database, version, viewer, summaries, "record", label_set, split
    )
    is_whole = coming.is_there(ceiling)
    figure = draw_trend(
        trend, axis=say("compare.run"), ceiling=ceiling.result() if is_whole else None
    )
    chart.draw(
        figure,
        key="home_trend",
        alt=say("compare.trend_alt"),
        table=trend_table(trend),
    )
    st.caption(say("home.accuracy_note" if split else "home.accuracy_note_all"))
    if not is_whole:
        coming.draw(ceiling, say("home.ceiling_coming"))
