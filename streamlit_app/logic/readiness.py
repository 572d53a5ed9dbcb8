"""The readiness meter: what is there to learn from, and what is still missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from db.overview import ItemCount
from eci.estimates import Estimate, proportion
from eci.labels import PUBMEDQA
from streamlit_app.logic.matrix import order_labels
from streamlit_app.logic.models_view import estimate_words
from streamlit_app.text_safety import reveal
from training.triggers import Readiness

MIN_PER_LABEL = 30
"""With fewer training items of a label, heads seldom learn to give it."""
ENOUGH_CORRECTIONS = 50
MIN_TEST_ITEMS = 30


@dataclass(frozen=True)
class Line:
    """One line of the meter; ``is_fine`` is None where it is neither good nor bad."""

    name: str
    told: str
    is_fine: bool | None = None


def readiness_lines(found: Readiness, counts: Sequence[ItemCount]) -> list[Line]:
    """Say what is there: corrections, agreement, error on fresh reviews, balance of labels.

    Args:
        counts: Of all splits; only training items are weighed.
    """
    new = found.counts
    since = "since the last run" if found.since else "so far"
    agreement = proportion(new.num_unanimous, new.num_double, "no item has two reviews")
    error = proportion(new.num_fresh_wrong, new.num_fresh, "nothing was reviewed")
    return [
        Line(
            f"Corrected items {since}",
            f"{new.num_corrected}, {new.num_adjudicated} of them adjudicated",
            new.num_corrected > 0,
        ),
        Line("Reviewers agree", _with_n(agreement, "items with two reviews or more")),
        Line("Model wrong on fresh reviews", _with_n(error, "items reviewed since")),
        *_balance(counts),
    ]


def missing_words(found: Readiness, counts: Sequence[ItemCount]) -> list[str]:
    """Say what is still missing for a run that is worth its time, in whole sentences."""
    missing = []
    if found.counts.num_corrected < ENOUGH_CORRECTIONS:
        short = ENOUGH_CORRECTIONS - found.counts.num_corrected
        missing.append(f"About {short} more corrected items: a few change a head hardly at all.")
    for label_set, label, count in _rare(counts):
        missing.append(
            f"{MIN_PER_LABEL - count} more training items of {reveal(label)} in "
            f"{reveal(label_set)}: with fewer than {MIN_PER_LABEL} a head seldom gives it."
        )
    num_test = sum(c.count for c in counts if c.split == "test" and c.label is not None)
    if num_test < MIN_TEST_ITEMS:
        missing.append(
            f"{MIN_TEST_ITEMS - num_test} more labelled test items: without them no gain can be "
            "told from chance."
        )
    if found.counts.num_double == 0:
        missing.append("Items with two reviews, so that it is known how far labels can be trusted.")
    return missing


def gain_words(gain: Estimate, num_new: int) -> str:
    """Say what more items would bring."""
    if gain.value is None or gain.interval is None:
        return "The gain cannot be projected."
    low, high = 100 * gain.interval.low, 100 * gain.interval.high
    return (
        f"{num_new} more labelled items: {100 * gain.value:+.1f} points of items right "
        f"({low:+.1f} to {high:+.1f}, from {gain.n} heads), if the curve goes on as it does."
    )


def _with_n(estimate: Estimate, what: str) -> str:
    if estimate.value is None:
        return f"not known: {estimate.undefined_because}"
    return f"{estimate_words(estimate)} of {estimate.n} {what}"


def _balance(counts: Sequence[ItemCount]) -> list[Line]:
    lines = []
    for label_set in dict.fromkeys(count.label_set for count in counts if count.split != "test"):
        found = _by_label(counts, label_set)
        total = sum(found.values())
        first = [label for label in PUBMEDQA.names if label in found]
        named = [(reveal(label), found[label]) for label in order_labels(first, found)]
        told = " · ".join(f"{label} {count:,}" for label, count in named)
        rare = min(found.values(), default=0)
        name = f"Training items of {reveal(label_set)}"
        lines.append(Line(name, f"{told} ({total:,} in all)", rare >= MIN_PER_LABEL))
    return lines


def _rare(counts: Sequence[ItemCount]) -> list[tuple[str, str, int]]:
    return [
        (label_set, label, count)
        for label_set in dict.fromkeys(c.label_set for c in counts if c.split != "test")
        for label, count in sorted(_by_label(counts, label_set).items())
        if count < MIN_PER_LABEL
    ]


def _by_label(counts: Sequence[ItemCount], label_set: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for count in counts:
        if count.label_set == label_set and count.split != "test" and count.label is not None:
            found[count.label] = found.get(count.label, 0) + count.count
    return found
