"""Figures of confusion counts against scikit-learn, and what happens at the edges."""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from eci.errors import UnknownLabelError
from eci.statistics.metrics import classification_report, confusion_counts

LABELS = ("yes", "no", "maybe", "unclear")
NONE = "(none)"
pairs = st.lists(
    st.tuples(st.sampled_from(LABELS[:3]), st.sampled_from([*LABELS[:3], None])),
    min_size=1,
    max_size=60,
)


@pytest.mark.filterwarnings("ignore")
@given(pairs)
def test_figures_equal_scikit_learn(items: list[tuple[str, str | None]]) -> None:
    gold, predicted = zip(*items, strict=True)
    given_label = [label or NONE for label in predicted]
    present = [label for label in LABELS if label in gold or label in predicted]

    report = classification_report(
        confusion_counts(gold, predicted, LABELS), LABELS, num_resamples=20
    )

    assert report.n == len(items)
    assert report.num_without_label == given_label.count(NONE)
    assert report.accuracy.value == pytest.approx(
        reference.accuracy_score(gold, given_label), abs=1e-9
    )
    assert report.macro_f1.value == pytest.approx(
        reference.f1_score(gold, given_label, labels=present, average="macro", zero_division=0),
        abs=1e-9,
    )
    assert report.balanced_accuracy.value == pytest.approx(
        reference.balanced_accuracy_score(gold, given_label), abs=1e-9
    )
    precision, recall, f1, support = reference.precision_recall_fscore_support(
        gold, given_label, labels=LABELS, zero_division=np.nan
    )
    for column, label in enumerate(report.per_label):
        assert label.support == support[column]
        for ours, theirs in [(label.precision, precision), (label.recall, recall), (label.f1, f1)]:
            if ours.value is None:
                assert np.isnan(theirs[column])
                assert ours.undefined_because
            else:
                assert ours.value == pytest.approx(theirs[column], abs=1e-9)


@given(pairs, st.randoms(use_true_random=False))
def test_order_of_items_does_not_matter(items: list[tuple[str, str | None]], random) -> None:
    shuffled = list(items)
    random.shuffle(shuffled)
    one, other = (
        classification_report(
            confusion_counts(*zip(*some, strict=True), LABELS), LABELS, num_resamples=20
        )
        for some in (items, shuffled)
    )

    assert one == other


def test_bootstrap_of_macro_f1_equals_scikit_learn_on_resampled_items() -> None:
    rng = np.random.default_rng(2)
    gold = rng.integers(0, 3, 90)
    predicted = np.where(rng.random(90) < 0.6, gold, rng.integers(0, 3, 90))
    names = ["a", "b", "c"]
    rows = np.array([rng.integers(0, 90, 90) for _ in range(1000)])
    scores = [
        reference.f1_score(gold[i], predicted[i], average="macro", zero_division=0) for i in rows
    ]
    table = confusion_counts([names[g] for g in gold], [names[p] for p in predicted], names)

    interval = classification_report(table, names).macro_f1.interval

    assert interval is not None
    np.testing.assert_allclose(
        [interval.low, interval.high], np.quantile(scores, [0.025, 0.975]), atol=0.015
    )


def test_counts_made_by_a_database_equal_counting_items() -> None:
    cells = [("yes", "yes", 3), ("yes", None, 2), ("no", "yes", 1)]
    gold, predicted, num_items = zip(*cells, strict=True)

    by_cell = confusion_counts(gold, predicted, ["yes", "no"], num_items)

    assert by_cell.tolist() == [[3, 0, 2], [1, 0, 0]]


def test_no_items_leaves_every_figure_undefined() -> None:
    report = classification_report(confusion_counts([], [], LABELS), LABELS)

    assert report.n == 0
    for estimate in (report.accuracy, report.macro_f1, report.balanced_accuracy):
        assert (estimate.value, estimate.undefined_because) == (None, "there are no items")
    assert report.per_label[0].recall.undefined_because == "no item has reference label 'yes'"


def test_label_never_predicted_has_no_precision_but_counts_as_zero_in_macro_f1() -> None:
    counts = [[9, 1, 0, 0], [2, 8, 0, 0], [3, 2, 0, 0]]

    report = classification_report(counts, LABELS[:3])

    maybe = report.per_label[2]
    assert maybe.precision.undefined_because == "'maybe' is never predicted"
    assert (maybe.recall.value, maybe.f1.value) == (0.0, 0.0)
    f1 = [label.f1.value or 0.0 for label in report.per_label]
    assert report.macro_f1.value == pytest.approx(sum(f1) / 3, abs=1e-12)


def test_perfect_run_still_has_an_honest_interval() -> None:
    report = classification_report([[20, 0, 0], [0, 10, 0]], ["yes", "no"])

    assert report.accuracy.value == report.macro_f1.value == 1.0
    assert report.accuracy.interval is not None
    assert report.accuracy.interval.low == pytest.approx(0.8865, abs=1e-4)
    assert report.accuracy.interval.high == 1.0


def test_run_without_any_label_scores_zero() -> None:
    report = classification_report([[0, 0, 5], [0, 0, 4]], ["yes", "no"])

    assert report.num_without_label == 9
    assert report.accuracy.value == report.macro_f1.value == report.balanced_accuracy.value == 0.0


def test_single_label_set_is_allowed() -> None:
    report = classification_report([[4, 1]], ["yes"])

    assert report.accuracy.value == report.balanced_accuracy.value == 0.8


def test_unknown_labels_are_named_all_at_once() -> None:
    with pytest.raises(UnknownLabelError, match=r"2 unknown label.*'Maybe', 'no '.*are yes"):
        confusion_counts(["yes", "no ", "Maybe"], ["yes"] * 3, LABELS)


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ([[1, 2], [3, 4]], r"shape \(2, 2\); expected \(2, 3\)"),
        ([[1, 2, -1], [3, 4, 0]], "a count cannot be negative"),
        ([[1.5, 2, 0], [3, 4, 0]], "expected whole numbers"),
    ],
)
def test_impossible_counts_are_refused(counts: list[list[float]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        classification_report(counts, ["yes", "no"])


def test_labels_twice_and_unequal_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="each may occur once"):
        classification_report([[1, 2, 0], [3, 4, 0]], ["yes", "yes"])
    with pytest.raises(ValueError, match="2 gold and 1 predicted"):
        confusion_counts(["yes", "no"], ["yes"], LABELS)


def test_report_with_two_thousand_resamples_takes_milliseconds() -> None:
    counts = np.random.default_rng(0).integers(0, 10_000, (10, 11))
    started = time.perf_counter()

    classification_report(counts, list("ABCDEFGHIJ"))

    assert time.perf_counter() - started < 0.5  # 0.02 s on an idle core


def test_statistics_are_imported_without_heavy_packages() -> None:
    modules = "estimates metrics reliability compare calibration conformal selective"
    imports = "; ".join(f"import eci.statistics.{name}" for name in modules.split())
    code = f"import sys, eci.arrays; {imports}; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()

    assert not {"scipy", "sklearn", "torch", "pandas"} & set(loaded)
