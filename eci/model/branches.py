"""Rows with branches: one prompt, and after it texts that do not see each other.

A row is ``[padding | prompt | branches | padding]``. Every prompt of a batch ends in the same
column. The first branch is the answer to learn; each further one is an option. Branches see the
prompt and themselves, and their positions go on from the prompt: one pass equals separate
sequences. ``branch_ids``, shape ``(B, T)``, says for each token where it belongs.

Where an architecture cannot do that, :class:`SeparateSequences` splits such rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

PADDING: Final = -1
PROMPT: Final = 0
ANSWER: Final = 1
FIRST_OPTION: Final = 2
IGNORED: Final = -100
"""Label id that takes no part in a loss, as everywhere in transformers."""


def branch_mask(branch_ids: Tensor, num_before: int = 0) -> Tensor:
    """Return the attention mask, shape ``(B, 1, T, num_before + T)``; True where query sees key.

    Args:
        branch_ids: Shape ``(B, T)``.
        num_before: Tokens before the row that everything sees: a prefix already in the cache.
    """
    batch, length = branch_ids.shape
    query, key = branch_ids[:, :, None], branch_ids[:, None, :]
    earlier = torch.ones(length, length, dtype=torch.bool, device=branch_ids.device).tril()
    seen = earlier & (key != PADDING) & ((key == PROMPT) | (key == query))
    # Padding sees itself: a query without any key would give NaN, which spreads.
    seen = seen | torch.eye(length, dtype=torch.bool, device=branch_ids.device)
    before = torch.ones(batch, length, num_before, dtype=torch.bool, device=branch_ids.device)
    return torch.cat([before, seen], -1)[:, None]


def padding_mask(branch_ids: Tensor, num_before: int = 0) -> Tensor:
    """Return which tokens are real, shape ``(B, num_before + T)``: enough without options."""
    real = (branch_ids != PADDING).long()
    return torch.cat([real.new_ones(len(real), num_before), real], 1)


def branch_positions(branch_ids: Tensor, num_before: int = 0) -> Tensor:
    """Return the position of each token, ``(B, T)``; branches continue after the prompt."""
    is_prompt = branch_ids == PROMPT
    prompt_length = is_prompt.sum(1, keepdim=True)
    within_prompt = is_prompt.cumsum(1) - 1
    index = torch.arange(branch_ids.shape[1], device=branch_ids.device).expand_as(branch_ids)
    start = torch.where(_starts(branch_ids), index, 0).cummax(1).values
    position = torch.where(is_prompt, within_prompt, prompt_length + index - start)
    return position.clamp_min(0) + num_before


def last_prompt_column(branch_ids: Tensor) -> int:
    """Return the column in which every prompt of the batch ends."""
    return int((branch_ids == PROMPT).any(0).nonzero().max())


def previous_columns(branch_ids: Tensor) -> Tensor:
    """Return the column of the token before each; before a branch it is the prompt's last one."""
    previous = torch.arange(-1, branch_ids.shape[1] - 1, device=branch_ids.device)
    previous = previous.clamp_min(0).expand_as(branch_ids)
    is_first = _starts(branch_ids) & (branch_ids >= ANSWER)
    return previous.masked_fill(is_first, last_prompt_column(branch_ids))


@dataclass(frozen=True, slots=True)
class SeparateSequences:
    """Each branch of a batch as a sequence of its own, with its prompt before it.

    Attributes:
        branch_ids: Of the N sequences, shape ``(N, S)``.
        source_rows: Row of the batch that each sequence comes from, ``(N, 1)``.
        source_columns: Column that each of its tokens comes from, ``(N, S)``.
        sequences: Sequence that holds each token of the batch, ``(B, T)``: the first of the row for
            tokens that several hold.
        columns: Its column there, ``(B, T)``.
    """

    branch_ids: Tensor
    source_rows: Tensor
    source_columns: Tensor
    sequences: Tensor
    columns: Tensor

    @classmethod
    def of(cls, branch_ids: Tensor) -> SeparateSequences:
        """Split the rows of a batch."""
        prompt = torch.arange(last_prompt_column(branch_ids) + 1, device=branch_ids.device)
        sequences, columns = torch.zeros_like(branch_ids), torch.zeros_like(branch_ids)
        source_rows: list[int] = []
        chosen: list[Tensor] = []
        kinds: list[Tensor] = []
        for row, ids in enumerate(branch_ids):
            sequences[row] = len(source_rows)
            columns[row, prompt] = prompt
            for branch in ids[ids >= ANSWER].unique().tolist() or [PADDING]:
                tokens = (ids == branch).nonzero().flatten() if branch != PADDING else prompt[:0]
                sequences[row, tokens] = len(source_rows)
                columns[row, tokens] = torch.arange(len(tokens), device=ids.device) + len(prompt)
                source_rows.append(row)
                chosen.append(torch.cat([prompt, tokens]))
                kinds.append(ids[chosen[-1]])
        pad = nn.utils.rnn.pad_sequence
        return cls(
            pad(kinds, batch_first=True, padding_value=PADDING),
            torch.tensor(source_rows, device=branch_ids.device)[:, None],
            pad(chosen, batch_first=True),
            sequences,
            columns,
        )

    def apart(self, tokens: Tensor) -> Tensor:
        """Return values of the batch's tokens, ``(B, T)``, for the sequences, ``(N, S)``."""
        return tokens[self.source_rows, self.source_columns]

    def together(self, states: Tensor) -> Tensor:
        """Return states of the sequences, ``(N, S, d)``, for the batch's tokens, ``(B, T, d)``."""
        return states[self.sequences, self.columns]


def _starts(branch_ids: Tensor) -> Tensor:
    starts = torch.ones_like(branch_ids, dtype=torch.bool)
    starts[:, 1:] = branch_ids[:, 1:] != branch_ids[:, :-1]
    return starts
