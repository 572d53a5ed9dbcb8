"""A confusion matrix as the pages and charts see it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from streamlit_app.wording import say

NO_LABEL = say("answer_form.absent")
"""How an answer from which no label could be read is named on screen."""


@dataclass(frozen=True)
class ConfusionMatrix:
    """How often each gold label met each predicted label.

    ``counts[i][j]`` is the number of items with gold label ``labels[i]`` and predicted label
    ``labels[j]``; the last column, one past ``labels``, counts predictions without a label.
    """

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]

    @classmethod
    def from_counts(
        cls, labels: Sequence[str], counts: Mapping[tuple[str, str | None], int]
    ) -> ConfusionMatrix:
        """Arrange counts keyed by (gold label, predicted label or None); absent pairs count 0.

        Raises:
            ValueError: A count names a label that is not in ``labels``.
        """
        columns: tuple[str | None, ...] = (*labels, None)
        foreign = sorted({f"{g}/{p}" for g, p in counts if g not in labels or p not in columns})
        if foreign:
            raise ValueError(
                f"Cannot arrange the confusion matrix: counts for {', '.join(foreign)} (gold/"
                f"predicted); the labels are {', '.join(labels)}. Give all labels of the set."
            )
        return cls(
            tuple(labels),
            tuple(tuple(counts.get((gold, column), 0) for column in columns) for gold in labels),
        )

    @property
    def columns(self) -> tuple[str | None, ...]:
        """Return the predicted labels in the order of the columns; None means no label."""
        return (*self.labels, None)

    @property
    def num_items(self) -> int:
        """Number of items counted."""
        return sum(map(sum, self.counts))

    @property
    def num_correct(self) -> int:
        """Number of items on the diagonal."""
        return sum(row[position] for position, row in enumerate(self.counts))

    def row_shares(self) -> tuple[tuple[float, ...], ...]:
        """Return each count as a share of its gold label's items; all 0 in a row without items."""
        return tuple(tuple(count / max(sum(row), 1) for count in row) for row in self.counts)

    def column_shares(self) -> tuple[tuple[float, ...], ...]:
        """Return each count as a share of its column's items; all 0 in a column without items."""
        totals = [max(sum(column), 1) for column in zip(*self.counts, strict=True)]
        return tuple(
            tuple(count / total for count, total in zip(row, totals, strict=True))
            for row in self.counts
        )


def order_labels(known: Sequence[str], seen: Iterable[str | None]) -> tuple[str, ...]:
    """Order labels: the known ones in their own order, then the others by name."""
    others = {label for label in seen if label is not None} - set(known)
    return (*known, *sorted(others))
