"""Gold labels under suspicion, what people say of them, and figures against each kind of gold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from db.connection import Database
from db.outcome_filter import Gold, OutcomeFilter
from db.outcome_items import OutcomeRow, list_ids_by_number, list_items_by_number
from db.outcomes import AnnotatorCell, count_annotators, load_probabilities
from eci.estimates import Estimate, proportion
from eci.label_errors import find_label_errors
from streamlit_app.logic.memory import remembered
from streamlit_app.logic.outcomes import ErrorsView, Judged, judge, load_errors

REVIEWERS: Final = "Reviewers here"
MIN_JUDGED: Final = 10
"""People who labelled fewer of these items are left out of the charts."""


@dataclass(frozen=True)
class Suspect:
    """An item whose gold label the head contradicts."""

    row: OutcomeRow
    suggested: str
    quality: float


@dataclass(frozen=True)
class SuspectView:
    """Suspects in the order of doubt: ``rows`` is one page of ``num_suspects``."""

    share: Estimate
    num_suspects: int
    rows: tuple[Suspect, ...]
    item_nos: tuple[int, ...]


@dataclass(frozen=True)
class People:
    """What one person, or all reviewers together, say of the items."""

    name: str
    origin: str
    judged: Judged

    @property
    def accuracy(self) -> Estimate:
        """How often they say the gold label."""
        return self.judged.report.accuracy


@dataclass(frozen=True)
class BothGolds:
    """A run against the imported label and against the label of record."""

    imported: ErrorsView
    record: ErrorsView


@remembered
def load_suspects(
    database: Database,
    version: str,  # noqa: ARG001
    flt: OutcomeFilter,
    labels: tuple[str, ...],
    limit: int = 50,
) -> SuspectView | None:
    """Rank the items whose gold label is doubtful; None where there are no probabilities."""
    cur = database.cursor()
    loaded = load_probabilities(cur, flt, labels)
    if not len(loaded.y):
        return None
    found = find_label_errors(loaded.probabilities, loaded.y)
    ranking = found.ranking()
    numbers = loaded.item_nos[ranking].tolist()
    rows = list_items_by_number(cur, flt, numbers[:limit])
    suspects = [
        Suspect(row, labels[int(found.suggested[place])], float(found.quality[place]))
        for row, place in zip(rows, ranking[:limit].tolist(), strict=False)
    ]
    return SuspectView(found.share, len(ranking), tuple(suspects), tuple(numbers))


def load_suspect_ids(database: Database, flt: OutcomeFilter, view: SuspectView) -> list[str]:
    """Give the ids of all suspects, the most doubtful first."""
    return list_ids_by_number(database.cursor(), flt, view.item_nos)


@remembered
def load_people(
    database: Database,
    version: str,  # noqa: ARG001
    flt: OutcomeFilter,
    labels: tuple[str, ...],
) -> tuple[People, ...]:
    """Judge what people said of the items: reviewers here together, annotators by name.

    Against the imported label: the label of record is made of what reviewers say.
    """
    cells = count_annotators(database.cursor(), replace(flt, gold="imported"))
    groups: dict[tuple[str, str], list[AnnotatorCell]] = {}
    for cell in cells:
        name = REVIEWERS if cell.origin == "review" else cell.name
        groups.setdefault((cell.origin, name), []).append(cell)
    people = [_people(name, origin, group, labels) for (origin, name), group in groups.items()]
    kept = [one for one in people if one.judged.report.n >= MIN_JUDGED]
    return tuple(sorted(kept, key=lambda one: (one.origin != "review", one.name)))


def load_both_golds(database: Database, version: str, flt: OutcomeFilter) -> BothGolds:
    """Judge a run against both kinds of gold label."""

    def load(gold: Gold) -> ErrorsView:
        return load_errors(database, version, replace(flt, gold=gold))

    return BothGolds(load("imported"), load("record"))


def human_ceiling(people: Sequence[People]) -> Estimate:
    """Give how often people agree with the gold label: reviewers here, else the best annotator."""
    here = [one for one in people if one.origin == "review"]
    if here:
        return here[0].accuracy
    if not people:
        return proportion(0, 0, "nobody has labelled these items")
    return max((one.accuracy for one in people), key=lambda found: found.value or 0)


def _people(
    name: str, origin: str, cells: Sequence[AnnotatorCell], labels: tuple[str, ...]
) -> People:
    counts: Counter[tuple[str, str | None]] = Counter()
    for cell in cells:
        if cell.gold in labels:
            given = cell.label if cell.label in labels else None
            counts[cell.gold, given] += cell.count
    return People(name, origin, judge(labels, [(*pair, n) for pair, n in counts.items()]))
