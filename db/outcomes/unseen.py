"""Probabilities that can speak against a gold label: of heads that have not learned from the item.

Call ``scored_runs.refresh`` for the run first: these functions read the columns that it fills.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from duckdb import DuckDBPyConnection

from db.outcomes.counts import HeadProbabilities, read_probabilities
from db.outcomes.selection import OutcomeFilter, select_rows


@dataclass(frozen=True)
class UnseenCount:
    """Where the probabilities of some items come from.

    Attributes:
        own: The run's own, whose model has not learned from the item.
        held_out: Its head fitted again without the item's fold.
        base_model: A head on the base model alone, fitted without the item's fold.
        num_learned: Items that the model has learned from, many of ``held_out`` and all of
            ``base_model`` among them.
        none: Of the items with a head label those without any.
    """

    own: int
    held_out: int
    base_model: int
    num_learned: int
    none: int

    @property
    def num_speaking(self) -> int:
        """Return the number of items with held-out probabilities."""
        return self.own + self.held_out + self.base_model


@dataclass(frozen=True, eq=False)
class UnseenProbabilities:
    """Probabilities of items that their head had not learned from.

    Attributes:
        found: In the order of ``is_base_model``.
        is_base_model: Whether they come from a head on the base model alone, shape ``(n_items,)``:
            another model, to be judged apart.
    """

    found: HeadProbabilities
    is_base_model: npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class SetProbabilities:
    """Probabilities of items with several right labels, each of which has its own.

    Attributes:
        item_nos: Shape ``(n_items,)``; numbers for ``list_items_by_number``, good until a refresh.
        probabilities: Shape ``(n_items, n_labels)``; NaN where an item lacks a label.
        right: Whether each label is one of the gold labels, same shape.
        is_base_model: As of ``UnseenProbabilities``.
    """

    item_nos: npt.NDArray[np.int64]
    probabilities: npt.NDArray[np.float64]
    right: npt.NDArray[np.bool_]
    is_base_model: npt.NDArray[np.bool_]


def count_unseen(cur: DuckDBPyConnection, flt: OutcomeFilter) -> UnseenCount:
    """Count the items by where their probabilities come from."""
    statement, parameters = select_rows(
        "count(*) filter (where unseen_basis = 'own'), "
        "count(*) filter (where unseen_basis = 'held_out'), "
        "count(*) filter (where unseen_basis = 'base_model'), "
        "count(*) filter (where is_learned), "
        "count(*) filter (where head_label is not null and unseen_basis is null)",
        flt,
    )
    row = cur.execute(statement, parameters).fetchone()
    return UnseenCount(*(row or (0, 0, 0, 0, 0)))


def load_unseen(
    cur: DuckDBPyConnection, flt: OutcomeFilter, labels: Sequence[str]
) -> UnseenProbabilities:
    """Read the probabilities of items that their head had not learned from.

    Args:
        labels: The order of the columns; items whose gold label is none of them are left out.
    """
    table = read_probabilities(
        cur,
        flt,
        labels,
        probabilities="unseen_probabilities",
        more=", unseen_basis = 'base_model' as is_base_model",
        tail="and unseen_basis is not null and list_contains($labels, gold_label) order by item_no",
    )
    is_base_model = table["is_base_model"].to_numpy().astype(np.bool_)
    return UnseenProbabilities(HeadProbabilities.of(table, len(labels)), is_base_model)


def load_set_probabilities(
    cur: DuckDBPyConnection, flt: OutcomeFilter, labels: Sequence[str], *, only_unseen: bool
) -> SetProbabilities:
    """Read the probabilities of items with several right labels.

    Args:
        labels: The single labels, in the order of the columns.
        only_unseen: Of items alone that the head had not learned from, out of fold where it has.
    """
    column = "unseen_probabilities" if only_unseen else "head_probabilities"
    table = read_probabilities(
        cur,
        flt,
        labels,
        probabilities=column,
        more=", coalesce(unseen_basis = 'base_model', false) as is_base_model, "
        "list_transform($labels, lambda label: list_contains(labels, label)) as has, "
        "list_transform($labels, lambda label: list_contains(labels_in(gold_label), label)) "
        "as is_right",
        tail=f"and {column} is not null order by item_no",
    )
    shape = (len(table), len(labels))
    p, has, right = (
        np.array(table[name].to_pylist()).reshape(shape) for name in ("p", "has", "is_right")
    )
    return SetProbabilities(
        table["item_no"].to_numpy().astype(np.int64),
        np.where(has.astype(np.bool_), p, np.nan),
        right.astype(np.bool_),
        table["is_base_model"].to_numpy().astype(np.bool_),
    )
