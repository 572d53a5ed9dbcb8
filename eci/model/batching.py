"""Rows of token ids to padded batches for the joint model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from eci.model.branches import ANSWER, FIRST_OPTION, IGNORED, PADDING, PROMPT


@dataclass(frozen=True, slots=True)
class Row:
    """One question as token ids.

    Attributes:
        prompt: Ends where the answer begins.
        label_set_id: Position in the model's ``eci_label_sets``.
        options: One branch for each option; empty for fixed labels.
        answer: The answer to learn; empty when there is none.
        label: Position of the gold label, or ``IGNORED``.
        right: Whether each label is right, where several may be; empty elsewhere.
        fold: Of the heads that were fitted out of fold, see ``EciHead.cross``; below 0 for none.
        regions: Bounds in ``prompt`` of each of ``eci.pooling.REGIONS``.
    """

    prompt: Sequence[int]
    label_set_id: int
    regions: Sequence[tuple[int, int]]
    options: Sequence[Sequence[int]] = ()
    answer: Sequence[int] = ()
    label: int = IGNORED
    right: Sequence[bool] = ()
    fold: int = -1

    @property
    def num_tokens(self) -> int:
        """Return the number of tokens that are computed for this row."""
        return len(self.prompt) + len(self.answer) + sum(len(option) for option in self.options)

    def after(self, num_shared: int) -> Row:
        """Return the row without the first tokens of its prompt, which a prefix already holds."""
        regions = [(start - num_shared, end - num_shared) for start, end in self.regions]
        return replace(self, prompt=self.prompt[num_shared:], regions=regions)


def collate(rows: Sequence[Row], pad_id: int) -> dict[str, Tensor]:
    """Pad rows so that all prompts end in the same column.

    Returns:
        ``input_ids``, ``branch_ids``, ``labels`` of shape ``(B, T)``; ``label_set_ids``,
        ``cls_labels``, ``folds`` of shape ``(B,)``; ``right_labels`` of shape ``(B, W)``: 1 and 0
        for what is right and wrong, where several labels may be right, elsewhere ``IGNORED``;
        ``regions`` of shape ``(B, len(REGIONS), 2)``: the first column of each, and the first after
        it.
    """
    before = max(len(row.prompt) for row in rows)
    after = max(row.num_tokens - len(row.prompt) for row in rows)
    shape = (len(rows), before + after)
    input_ids = torch.full(shape, pad_id)
    branch_ids = torch.full(shape, PADDING)
    labels = torch.full(shape, IGNORED)
    regions = torch.tensor([row.regions for row in rows])
    for i, row in enumerate(rows):
        start = before - len(row.prompt)
        regions[i] += start
        branches = [(PROMPT, row.prompt), (ANSWER, row.answer)]
        branches += [(FIRST_OPTION + k, ids) for k, ids in enumerate(row.options)]
        for branch, ids in branches:
            end = start + len(ids)
            input_ids[i, start:end] = torch.tensor(ids, dtype=torch.long)
            branch_ids[i, start:end] = branch
            if branch == ANSWER:
                labels[i, start:end] = input_ids[i, start:end]
            start = end
    right_labels = torch.full((len(rows), max(len(row.right) for row in rows)), float(IGNORED))
    for i, row in enumerate(rows):
        right_labels[i, : len(row.right)] = torch.tensor([float(one) for one in row.right])
    return {
        "input_ids": input_ids,
        "branch_ids": branch_ids,
        "labels": labels,
        "regions": regions,
        "label_set_ids": torch.tensor([row.label_set_id for row in rows]),
        "cls_labels": torch.tensor([row.label for row in rows]),
        "right_labels": right_labels,
        "folds": torch.tensor([row.fold for row in rows]),
    }
