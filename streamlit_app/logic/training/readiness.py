"""The readiness meter: what is there to learn from, and what is still missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from db.content.overview import ItemCount
from db.records import labels_in
from eci.statistics.betting import watched_share
from eci.statistics.estimates import Estimate, proportion
from streamlit_app.logic.figures import percent
from streamlit_app.logic.label_sets import label_set_words
from streamlit_app.logic.training.models_view import estimate_words
from streamlit_app.markup import reveal
from streamlit_app.wording import say, say_count
from training.control.learning_curve import LearningCurve
from training.control.triggers import Readiness

MIN_PER_LABEL = 30
"""With fewer training items of a label, heads seldom learn to give it."""
ENOUGH_CORRECTIONS = 50
MIN_TEST_ITEMS = 30


@dataclass(frozen=True)
class Line:
    """One line of the meter; ``is_fine`` is None where it is neither good nor bad."""

    name: str
    value: str
    is_fine: bool | None = None


def readiness_lines(found: Readiness) -> list[Line]:
    """Return the lines: corrections, agreement, error on new reviews."""
    new = found.counts
    corrected = say("readiness.corrected", count=new.num_corrected, adjudicated=new.num_adjudicated)
    agreement = proportion(new.num_unanimous, new.num_double, say("undefined.no_two_reviews"))
    error = watched_share(
        new.num_watched_wrong, new.num_watched, say("undefined.nothing_drawn_reviewed")
    )
    return [
        Line(
            say("readiness.corrected_since" if found.since else "readiness.corrected_so_far"),
            with_test_items(corrected, new.num_test_corrected),
            new.num_corrected > 0,
        ),
        Line(say("readiness.agreement"), _value_words("readiness.agreement_value", agreement)),
        Line(say("readiness.model_error"), _value_words("readiness.model_error_value", error)),
        *_plain_error(found),
    ]


def with_test_items(text: str, num_test: int) -> str:
    """Return a text about corrected items with the number of test items that it leaves out."""
    return f"{text} {say_count('readiness.test_items', num_test)}" if num_test else text


def missing_words(found: Readiness, counts: Sequence[ItemCount]) -> list[str]:
    """Describe what a worthwhile run still needs, in whole sentences."""
    missing = []
    if found.counts.num_corrected < ENOUGH_CORRECTIONS:
        short = ENOUGH_CORRECTIONS - found.counts.num_corrected
        missing.append(say("readiness.few_corrections", count=short))
    for label_set, label, count in _rare(counts):
        missing.append(
            say(
                "readiness.rare_label",
                count=MIN_PER_LABEL - count,
                label=reveal(label),
                label_set=label_set_words(label_set),
                least=MIN_PER_LABEL,
            )
        )
    num_test = sum(c.count for c in counts if c.split == "test" and c.label is not None)
    if num_test < MIN_TEST_ITEMS:
        missing.append(say("readiness.few_test_items", count=MIN_TEST_ITEMS - num_test))
    if found.counts.num_double == 0:
        missing.append(say("readiness.no_two_reviews"))
    return missing


def gain_words(curve: LearningCurve, num_new: int) -> list[str]:
    """Describe the projected gain of more items, one sentence for each figure."""
    if not curve.is_of_sets:
        return [_gain_words("readiness.gain", curve.gain(num_new), num_new)]
    return [
        _gain_words("readiness.gain_exact", curve.gain(num_new), num_new),
        _gain_words("readiness.gain_overlap", curve.gain(num_new, of_overlap=True), num_new),
    ]


def _gain_words(key: str, gain: Estimate, num_new: int) -> str:
    if gain.value is None or gain.interval is None:
        return say("readiness.no_projection")
    return say(
        key,
        count=num_new,
        points=100 * gain.value,
        low=100 * gain.interval.low,
        high=100 * gain.interval.high,
        heads=gain.n,
    )


def _value_words(key: str, estimate: Estimate) -> str:
    if estimate.value is None:
        return say("readiness.not_known", why=estimate.undefined_because)
    return say(key, share=estimate_words(estimate), n=estimate.n)


def _plain_error(found: Readiness) -> list[Line]:
    """Return the error on all fresh reviews where some were chosen otherwise than at random."""
    new = found.counts
    if new.num_fresh == new.num_watched:
        return []
    error = proportion(new.num_fresh_wrong, new.num_fresh, say("undefined.nothing_reviewed"))
    name, share = say("readiness.plain_error"), percent(error.value)
    return [Line(name, say("readiness.plain_error_value", share=share, n=error.n))]


def label_balance(counts: Sequence[ItemCount]) -> dict[str, dict[str | None, int]]:
    """Return by label set how many items that a run may learn from carry each label."""
    names = dict.fromkeys(count.label_set for count in counts if count.split != "test")
    found: dict[str, dict[str | None, int]] = {}
    for name in names:
        for label, count in _by_label(counts, name).items():
            found.setdefault(label_set_words(name), {})[label] = count
    return found


def _rare(counts: Sequence[ItemCount]) -> list[tuple[str, str, int]]:
    return [
        (label_set, label, count)
        for label_set in dict.fromkeys(c.label_set for c in counts if c.split != "test")
        for label, count in sorted(_by_label(counts, label_set).items())
        if count < MIN_PER_LABEL
    ]


def _by_label(counts: Sequence[ItemCount], label_set: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for count in _of_training(counts, label_set):
        for label in labels_in(count.label):
            found[label] = found.get(label, 0) + count.count
    return found


def _of_training(counts: Sequence[ItemCount], label_set: str) -> list[ItemCount]:
    return [
        count
        for count in counts
        if count.label_set == label_set and count.split != "test" and count.label is not None
    ]
