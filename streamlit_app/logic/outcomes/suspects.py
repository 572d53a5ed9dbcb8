"""Gold labels under suspicion: confident learning on what heads say of items they never saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress

import numpy as np

from db.connection import Database
from db.content.label_sets import kind_of
from db.outcomes.item_lists import OutcomeRow, list_ids_by_number, list_items_by_number
from db.outcomes.selection import OutcomeFilter
from db.outcomes.unseen import (
    SetProbabilities,
    UnseenCount,
    UnseenProbabilities,
    count_unseen,
    load_set_probabilities,
    load_unseen,
)
from db.records import is_label_set, join_labels
from eci.arrays import FloatArray, IntArray
from eci.statistics.estimates import Estimate, proportion
from eci.statistics.label_errors import find_label_errors, find_set_errors
from streamlit_app.logic.cache import cached
from streamlit_app.wording import say


@dataclass(frozen=True)
class Suspect:
    """An item whose gold label a head contradicts that has not learned from it.

    ``probability_of_gold`` and ``probability_of_suggested`` are that head's.
    """

    row: OutcomeRow
    suggested: str
    quality: float
    probability_of_gold: float
    probability_of_suggested: float
    is_base_model: bool


@dataclass(frozen=True)
class SuspectView:
    """Suspects in the order of doubt: ``rows`` is one page of ``num_suspects``.

    Attributes:
        sources: Where the probabilities come from.
        share: Suspects among the items; undefined where nothing may speak.
        accuracy: How often the probabilities favour the gold label, over the same items.
    """

    sources: UnseenCount
    share: Estimate
    accuracy: Estimate
    num_suspects: int
    rows: tuple[Suspect, ...]
    item_nos: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Doubts:
    """Places of the suspects, the most doubtful first, and of every item quality and suggestion."""

    places: IntArray
    quality: FloatArray
    suggested: IntArray


@cached
def load_sources(database: Database, version: str, flt: OutcomeFilter) -> UnseenCount:  # noqa: ARG001
    """Count the items by whether the run has learned from them, and who else may speak of them."""
    return count_unseen(database.cursor(), flt)


@cached
def load_suspects(
    database: Database,
    version: str,
    flt: OutcomeFilter,
    labels: tuple[str, ...],
    limit: int = 50,
) -> SuspectView | None:
    """Rank the items whose gold label is doubtful; None for a run without a head."""
    sources = load_sources(database, version, flt)
    cur = database.cursor()
    if not sources.num_speaking and not sources.none:
        return None
    if not sources.num_speaking:
        nothing = Estimate.undefined(say("undefined.all_learned"))
        return SuspectView(sources, nothing, nothing, 0, (), ())
    if kind_of(cur, flt.label_set) == "several":
        single = [label for label in labels if not is_label_set(label)]
        found = _doubted_sets(load_set_probabilities(cur, flt, single, only_unseen=True), single)
        return _view(database, flt, sources, found, limit)
    loaded = load_unseen(cur, flt, labels)
    doubts, p, y = rank_doubts(loaded), loaded.found.probabilities, loaded.found.y
    doubted = [
        _Doubted(
            item_no=int(loaded.found.item_nos[place]),
            suggested=labels[doubts.suggested[place]],
            quality=float(doubts.quality[place]),
            probability_of_gold=float(p[place, y[place]]),
            probability_of_suggested=float(p[place, doubts.suggested[place]]),
            is_base_model=bool(loaded.is_base_model[place]),
        )
        for place in doubts.places.tolist()
    ]
    hits = int((p.argmax(axis=1) == y).sum())
    return _view(database, flt, sources, (doubted, hits, len(y)), limit)


@dataclass(frozen=True)
class _Doubted:
    """A suspect before its item is read."""

    item_no: int
    suggested: str
    quality: float
    probability_of_gold: float
    probability_of_suggested: float
    is_base_model: bool


def _view(
    database: Database,
    flt: OutcomeFilter,
    sources: UnseenCount,
    found: tuple[list[_Doubted], int, int],
    limit: int,
) -> SuspectView:
    """Return the view of suspects, how many gold labels are favoured and of how many items."""
    doubted, num_right, n = found
    numbers = [one.item_no for one in doubted]
    rows = list_items_by_number(database.cursor(), flt, numbers[:limit])
    suspects = tuple(
        Suspect(
            row,
            one.suggested,
            one.quality,
            one.probability_of_gold,
            one.probability_of_suggested,
            one.is_base_model,
        )
        for row, one in zip(rows, doubted, strict=False)
    )
    return SuspectView(
        sources,
        proportion(len(numbers), n, say("undefined.no_gold_label")),
        proportion(num_right, n, say("undefined.no_gold_label")),
        len(numbers),
        suspects,
        tuple(numbers),
    )


def _doubted_sets(
    loaded: SetProbabilities, labels: Sequence[str]
) -> tuple[list[_Doubted], int, int]:
    """Find the gold sets of which a label is doubtful, the most doubtful first.

    The suggestion changes the doubtful labels alone; where that leaves none, it is the most
    probable label. A set is as probable as all its labels
    together are: right where it has them, not where it lacks them.
    """
    p, right = loaded.probabilities, loaded.right
    quality, is_suspect = np.ones(len(p)), np.zeros(p.shape, dtype=np.bool_)
    for mine in (~loaded.is_base_model, loaded.is_base_model):
        if mine.any():
            quality[mine], is_suspect[mine] = find_set_errors(p[mine], right[mine])
    suggested = right ^ is_suspect
    empty = np.flatnonzero(~suggested.any(axis=1))
    suggested[empty, np.nan_to_num(p[empty]).argmax(axis=1)] = True
    of_gold, of_suggested = (
        np.nanprod(np.where(given, p, 1 - p), axis=1) for given in (right, suggested)
    )
    places = np.flatnonzero((suggested != right).any(axis=1))
    doubted = [
        _Doubted(
            int(loaded.item_nos[place]),
            join_labels(list(compress(labels, suggested[place])), labels) or "",
            float(quality[place]),
            float(of_gold[place]),
            float(of_suggested[place]),
            bool(loaded.is_base_model[place]),
        )
        for place in places[np.argsort(quality[places], kind="stable")].tolist()
    ]
    favoured = ((p >= 0.5) == right) | np.isnan(p)
    return doubted, int(favoured.all(axis=1).sum()), len(p)


def rank_doubts(loaded: UnseenProbabilities) -> Doubts:
    """Find suspects among the items that each model judges, and rank all of them together.

    Each separately: the usual confidence of a head in a label differs between models.
    """
    p, y = loaded.found.probabilities, loaded.found.y
    quality, suggested = np.ones(len(y)), np.zeros(len(y), np.int64)
    is_suspect = np.zeros(len(y), bool)
    for mine in (~loaded.is_base_model, loaded.is_base_model):
        if mine.any():
            found = find_label_errors(p[mine], y[mine])
            quality[mine], suggested[mine] = found.quality, found.suggested
            is_suspect[mine] = found.is_suspect
    places = np.flatnonzero(is_suspect)
    return Doubts(places[np.argsort(quality[places], kind="stable")], quality, suggested)


def load_suspect_ids(database: Database, flt: OutcomeFilter, view: SuspectView) -> list[str]:
    """Return the ids of all suspects, the most doubtful first."""
    return list_ids_by_number(database.cursor(), flt, view.item_nos)


def learned_sentence(sources: UnseenCount, num_items: int) -> str:
    """Warn that a run has learned from items that it is scored on."""
    if sources.num_learned == num_items:
        return say("suspects.learned_all", total=num_items)
    return say("suspects.learned", learned=sources.num_learned, total=num_items)


def sources_sentence(sources: UnseenCount) -> str:
    """Describe whose probabilities are used, and how many items cannot be checked."""
    parts = [
        say(f"suspects.{name}", count=count)
        for name, count in (
            ("own", sources.own),
            ("held_out", sources.held_out),
            ("base_model", sources.base_model),
        )
        if count
    ]
    judged = say("suspects.judged", parts="; ".join(parts)) if parts else ""
    if not sources.none:
        return judged
    return f"{judged} {say('suspects.left_out', count=sources.none)}".strip()
