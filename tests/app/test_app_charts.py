"""Charts: what is drawn from given numbers, and that data texts stay text."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, get_args

import plotly.graph_objects as go
import pytest

from db.outcomes.counts import JointCell
from db.review.queues import QueueOrder
from eci.statistics.selective import risk_curve
from streamlit_app import palette
from streamlit_app.charts.bars import BarPart, draw_bars
from streamlit_app.charts.confusion import ANY, draw_confusion
from streamlit_app.charts.intervals import IntervalRow, draw_intervals
from streamlit_app.charts.outcome_cube import draw_outcome_cube
from streamlit_app.charts.progress import Curve, draw_curves
from streamlit_app.charts.reliability import ReliabilityPoint, draw_reliability
from streamlit_app.charts.risk import draw_risk
from streamlit_app.charts.stacked_bars import draw_shares
from streamlit_app.charts.style import plain, themed, translucent
from streamlit_app.charts.trend import draw_trend
from streamlit_app.charts.yield_curve import draw_yield
from streamlit_app.logic.outcomes.comparison import TrendPoint
from streamlit_app.logic.outcomes.matrix import ConfusionMatrix, order_labels
from streamlit_app.logic.tables import csv_bytes

LABELS = ("yes", "no", "maybe")
COUNTS = {("yes", "yes"): 8, ("yes", "no"): 1, ("yes", None): 1, ("no", "no"): 4, ("no", "yes"): 1}
HOSTILE = '<a href="https://example.org">x</a>'


@pytest.fixture
def matrix() -> ConfusionMatrix:
    return ConfusionMatrix.from_counts(LABELS, COUNTS)


def test_matrix_arranges_counts_and_keeps_predictions_without_label(matrix: ConfusionMatrix):
    assert matrix.counts == ((8, 1, 0, 1), (1, 4, 0, 0), (0, 0, 0, 0))
    assert (matrix.num_items, matrix.num_correct) == (15, 12)


def test_row_shares_sum_to_one_where_the_row_has_items(matrix: ConfusionMatrix):
    assert [sum(row) for row in matrix.row_shares()] == pytest.approx([1, 1, 0])


def test_matrix_refuses_counts_of_unknown_labels():
    with pytest.raises(ValueError, match=r"unsure/yes.*yes, no, maybe"):
        ConfusionMatrix.from_counts(LABELS, {("unsure", "yes"): 1})


def test_known_labels_keep_their_order_and_others_follow_by_name():
    assert order_labels(("yes", "no"), ["unsure", "no", None, "likely"]) == (
        "yes",
        "no",
        "likely",
        "unsure",
    )


def click_targets(figure: go.Figure) -> go.Scatter:
    return figure.data[-1]


def test_every_cell_row_and_column_can_be_clicked_and_names_its_labels(matrix: ConfusionMatrix):
    targets = click_targets(draw_confusion(matrix, predicted_by="Text"))
    pairs = {(gold, given) for gold, given, *_ in targets.customdata}
    assert pairs == {(gold, given) for gold in (*LABELS, ANY) for given in (*LABELS, "", ANY)}


def test_cells_show_counts_or_shares_large(matrix: ConfusionMatrix):
    def written(**values: Any) -> tuple[str, ...]:
        return click_targets(draw_confusion(matrix, predicted_by="Text", **values)).text

    assert written()[0].startswith("8<br>")
    assert written(values="row_share")[0].startswith("80%<br>")
    assert written(values="column_share")[0].startswith("89%<br>")


def test_right_and_wrong_cells_are_tinted_apart(matrix: ConfusionMatrix):
    right, wrong = draw_confusion(matrix, predicted_by="Text").data[:2]
    assert right.z[0][0] == pytest.approx(0.8)
    assert right.z[0][1] is None
    assert wrong.z[0][1] == pytest.approx(0.1)
    assert right.colorscale != wrong.colorscale


def test_no_chart_passes_markup_from_data():
    hostile = ConfusionMatrix.from_counts((HOSTILE, "no"), {(HOSTILE, "no"): 2})
    figures = [
        draw_confusion(hostile, predicted_by=HOSTILE),
        draw_bars([BarPart(HOSTILE, 1, "#000000")], unit=HOSTILE),
        draw_intervals([IntervalRow(HOSTILE, 0.5, 0.4, 0.6, 9, "#000000")], axis=HOSTILE),
        draw_curves([Curve(HOSTILE, [1], [1.0])], num_steps=2, unit=HOSTILE),
    ]
    for figure in figures:
        for trace in figure.data:
            if isinstance(trace, go.Scatter) and trace.customdata is not None:
                # The first two values are for the page's callback and are never drawn.
                trace.customdata = [row[2:] for row in trace.customdata]
        assert "<a " not in figure.to_json().replace("\\u003c", "<")


def test_plain_cuts_long_text_and_escapes():
    assert plain("<b>", 10) == "&lt;b&gt;"
    assert plain("abcdefgh", 5) == "abcd…"


def test_translucent_reads_hexadecimal():
    assert translucent("#0072B2", 0.5) == "rgba(0,114,178,0.500)"


def test_bars_show_count_and_share():
    (bar,) = draw_bars([BarPart("bare", 3, "#111111"), BarPart("absent", 1, "#222222")]).data
    assert list(bar.text) == ["3  (75.0%)", "1  (25.0%)"]


def test_bars_without_any_item_do_not_divide_by_zero():
    (bar,) = draw_bars([BarPart("bare", 0, "#111111")]).data
    assert list(bar.text) == ["0  (0.0%)"]


def test_reliability_leaves_empty_bins_out():
    points = [
        ReliabilityPoint(0.5, 0.6, 0, 0.0, 0.0, 0.0, 0.0),
        ReliabilityPoint(0.9, 1.0, 40, 0.95, 0.8, 0.65, 0.9),
    ]
    _, accuracy, counts = draw_reliability(points).data
    assert list(accuracy.y) == [0.8]
    assert accuracy.error_y.array[0] == pytest.approx(0.1)
    assert accuracy.error_y.arrayminus[0] == pytest.approx(0.15)
    assert list(counts.y) == [40]


def test_interval_reaches_from_low_to_high():
    (dot,) = draw_intervals([IntervalRow("text", 0.778, 0.74, 0.81, 500, "#0072B2")], axis="A").data
    assert dot.x[0] + dot.error_x.array[0] == pytest.approx(0.81)
    assert dot.x[0] - dot.error_x.arrayminus[0] == pytest.approx(0.74)


def test_curves_without_values_are_left_out_and_axis_spans_the_planned_steps():
    figure = draw_curves(
        [Curve("total", [1, 2], [2.0, 1.5]), Curve("head", [1, 2], [None, None])],
        num_steps=50,
        unit="Loss",
    )
    assert [trace.name for trace in figure.data] == ["total"]
    assert tuple(figure.layout.xaxis.range) == (0, 50)


def test_the_cube_tells_apart_what_the_head_gains_and_loses():
    cells = [
        JointCell("yes", True, "no", "yes", 6),
        JointCell("yes", True, None, "yes", 2),
        JointCell("yes", True, "yes", "no", 1),
        JointCell("yes", True, "yes", None, 9),
    ]
    (points,) = draw_outcome_cube(cells, ("yes", "no")).data
    found = {tuple(data[:3]): n for data, n in zip(points.customdata, points.text, strict=True)}
    assert found == {
        ("yes", "yes", "yes"): "0",
        ("yes", "yes", "no"): "1",
        ("yes", "no", "yes"): "6",
        ("yes", "no", "no"): "0",
        ("yes", "", "yes"): "2",
        ("yes", "", "no"): "0",
    }
    tints = {
        tuple(data[:3]): color.rsplit(",", 1)[0]
        for data, color in zip(points.customdata, points.marker.color, strict=True)
    }
    assert tints["yes", "no", "yes"] == tints["yes", "", "yes"]
    assert tints["yes", "no", "yes"] != tints["yes", "yes", "no"]


def test_the_risk_curve_marks_the_chosen_threshold():
    curve = risk_curve([0.9] * 30 + [0.5] * 20, [True] * 27 + [False] * 3 + [False] * 20)
    line, chosen = draw_risk(curve, curve.at(0.8)).data
    assert list(line.y) == pytest.approx([0.1, 23 / 50])
    assert (chosen.x[0], chosen.y[0]) == pytest.approx((0.6, 0.1))


def test_shares_of_each_group_make_a_whole():
    figure = draw_shares(
        {"a": {"x": 1, "y": 3}, "b": {}},
        [("x", HOSTILE, "#111111"), ("y", "Y", "#222222"), ("z", "Z", "#333333")],
        axis="Answers (%)",
    )
    assert [list(trace.x) for trace in figure.data] == [[0.25, 0], [0.75, 0]]
    assert "<a " not in figure.to_json().replace("\\u003c", "<")


def test_a_table_leaves_as_text_that_no_spreadsheet_runs():
    columns = {"=label": ["=1+1", 'yes, "no"', "\n=2", "＝3"], "n": [1, None, -2, 0.5]}
    header, *rows = csv.reader(io.StringIO(csv_bytes(columns).decode("utf-8-sig"), newline=""))
    assert header == ["'=label", "n"]
    assert rows == [["'=1+1", "1"], ['yes, "no"', ""], ["'\n=2", "-2"], ["'＝3", "0.5"]]


def test_a_saved_picture_stands_on_the_light_page() -> None:
    config = Path(palette.__file__).parents[1] / ".streamlit" / "config.toml"
    page = tomllib.loads(config.read_text("utf-8"))["theme"]["light"]["backgroundColor"]
    figure = themed(draw_bars([BarPart("one", 3, "#0072B2", "a")]))
    layout, bar = figure.layout.template.layout, figure.layout.template.data.bar[0]
    assert layout.paper_bgcolor == page
    assert bar.insidetextfont.color == layout.font.color, "a tint, so the text of the page"


def test_an_axis_of_counts_has_no_fractions_and_room_for_its_ends() -> None:
    for top, step in ((0, 1), (3, 1), (47, 10), (130, 20)):
        points = [TrendPoint(x, "run", 0.5, 0.4, 0.6, 10) for x in (0, top)]
        axis = draw_trend([("Text label", points)], axis="Corrections").layout.xaxis
        assert axis.dtick == step
        assert axis.range[0] < 0
        assert axis.range[1] > top


def test_pandas_is_whole_before_a_chart_is_drawn():
    # In a process of its own: here everything has long been imported.
    program = "import sys, streamlit_app.charts.style; sys.exit('pandas' not in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_every_order_of_queues_has_a_yield_curve_that_looks_like_no_other() -> None:
    curves = [(order, (1.0, 2.0), (0, 1)) for order in get_args(QueueOrder)]
    traces = draw_yield(curves).data
    assert [trace.name for trace in traces] == list(get_args(QueueOrder))
    assert len({(trace.line.color, trace.line.dash) for trace in traces}) == len(traces)
