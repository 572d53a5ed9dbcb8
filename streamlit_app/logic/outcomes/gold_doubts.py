"""What people say of the gold labels, and figures against each kind of gold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from db.connection import Database
from db.outcomes.counts import AnnotatorCell, RunSummary, count_annotators
from db.outcomes.selection import By, Gold, OutcomeFilter, Selection
from db.viewer import Viewer
from eci.statistics.estimates import Estimate, proportion
from streamlit_app.logic.cache import cached
from streamlit_app.logic.figures import percent
from streamlit_app.logic.outcomes.run_outcomes import (
    ErrorsView,
    Judged,
    judge,
    load_errors,
    load_judged,
    load_labels,
)
from streamlit_app.wording import say
from training.evaluation.people_estimates import PeopleEstimate, estimate_people

MIN_JUDGED: Final = 10
"""People who labelled fewer of these items are left out of the charts."""


@dataclass(frozen=True)
class People:
    """What one person, or all reviewers together, say of the items.

    ``estimate`` is of all reviewers together: valid for other reviewers, and for all items where
    they were drawn.
    """

    name: str
    origin: str
    judged: Judged
    estimate: PeopleEstimate | None = None

    @property
    def accuracy(self) -> Estimate:
        """Return how often they say the gold label."""
        return self.estimate.estimate if self.estimate else self.judged.report.accuracy


@dataclass(frozen=True)
class BothGolds:
    """A run against each kind of gold label.

    Attributes:
        imported: Against the imported label.
        record: Against the label of record.
        adjudicated: Against the label of record, of the adjudicated items alone.
        before: The same items against the label that they came with.
    """

    imported: ErrorsView
    record: ErrorsView
    adjudicated: Mapping[By, Judged]
    before: Mapping[By, Judged]

    @property
    def num_adjudicated(self) -> int:
        """Return how many of the items are adjudicated, and were judged by text or head."""
        return max((judged.report.n for judged in self.adjudicated.values()), default=0)


@cached
def load_people(
    database: Database,
    version: str,  # noqa: ARG001
    flt: OutcomeFilter,
    labels: tuple[str, ...],
) -> tuple[People, ...]:
    """Score people's labels of the items: reviewers here together, annotators by name.

    Against the imported label: the label of record is made of what reviewers say.
    """
    cur = database.cursor()
    cells = count_annotators(cur, replace(flt, gold="imported"))
    groups: dict[tuple[str, str], list[AnnotatorCell]] = {}
    for cell in cells:
        name = say("gold_panel.reviewers") if cell.origin == "review" else cell.name
        groups.setdefault((cell.origin, name), []).append(cell)
    people = [_people(name, origin, group, labels) for (origin, name), group in groups.items()]
    kept = [one for one in people if one.judged.report.n >= MIN_JUDGED]
    kept = [
        replace(one, estimate=estimate_people(cur, flt)) if one.origin == "review" else one
        for one in kept
    ]
    return tuple(sorted(kept, key=lambda one: (one.origin != "review", one.name)))


def load_both_golds(database: Database, version: str, flt: OutcomeFilter) -> BothGolds:
    """Score a run against each kind of gold label."""
    adjudicated = flt.also(Selection(slices=(("record_origin", "adjudicated"),)))
    return BothGolds(
        load_errors(database, version, replace(flt, gold="imported")),
        load_errors(database, version, replace(flt, gold="record")),
        load_judged(database, version, replace(adjudicated, gold="record")),
        load_judged(database, version, replace(adjudicated, gold="imported")),
    )


def human_ceiling(people: Sequence[People]) -> Estimate:
    """Return the agreement with gold of the reviewers here, else of the best annotator."""
    here = [one for one in people if one.origin == "review"]
    if here:
        return here[0].accuracy
    if not people:
        return proportion(0, 0, say("undefined.nobody_labelled"))
    return max((one.accuracy for one in people), key=lambda found: found.value or 0)


def load_ceiling(
    database: Database,
    version: str,
    viewer: Viewer,
    summaries: Sequence[RunSummary],
    gold: Gold,
    label_set: str,
    split: str | None,
) -> tuple[str, float, float, float] | None:
    """Return name, share and interval of how far people agree with the gold label.

    On the items of the largest run; None where nobody labelled enough of them.
    """
    runs = [one for one in summaries if one.label_set == label_set]
    if not runs:
        return None
    largest = max(runs, key=lambda one: one.n)
    flt = OutcomeFilter(viewer, largest.run_id, gold, label_set).also(Selection(split=split))
    labels = load_labels(database, version, label_set)
    found = human_ceiling(load_people(database, version, flt, labels))
    if found.value is None or found.interval is None:
        return None
    return (say("compare.human_ceiling"), found.value, found.interval.low, found.interval.high)


def people_note(people: Sequence[People]) -> str:
    """Describe for which items and reviewers the agreement of the reviewers here holds."""
    found = next((one for one in people if one.estimate is not None), None)
    if found is None or found.estimate is None:
        return ""
    interval = found.estimate.estimate.interval
    key = "gold_panel.people_drawn" if found.estimate.is_drawn else "gold_panel.people_plain"
    plain = found.judged.report.accuracy
    note = say(key, method=interval.method if interval else "", n=found.estimate.estimate.n)
    if found.estimate.is_drawn and percent(plain.value) != percent(found.accuracy.value):
        note += " " + say("gold_panel.people_counted", share=percent(plain.value), n=plain.n)
    return note


def _people(
    name: str, origin: str, cells: Sequence[AnnotatorCell], labels: tuple[str, ...]
) -> People:
    counts: Counter[tuple[str, str | None]] = Counter()
    for cell in cells:
        if cell.gold in labels:
            given = cell.label if cell.label in labels else None
            counts[cell.gold, given] += cell.count
    return People(name, origin, judge(labels, [(*pair, n) for pair, n in counts.items()]))
