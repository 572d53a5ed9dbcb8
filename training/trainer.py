"""The Trainer with the joint loss: totals over the accumulated batch, its parts in the log."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_pt_utils import LengthGroupedSampler

from eci.batching import Row, collate
from eci.branches import IGNORED
from eci.joint import joint_loss
from training.execution import RunContext


class RowDataset(Dataset[Row]):
    """Rows that the Trainer can group by length."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Row:
        return self._rows[index]

    @property
    def lengths(self) -> list[int]:
        """Tokens of each row."""
        return [row.num_tokens for row in self._rows]


class _LengthSampler(LengthGroupedSampler):  # type: ignore[misc]
    """Batches of similar length, in an order that only the seed and the epoch decide.

    A run that resumes in its second epoch then sees the order that it would have seen unbroken.
    """

    def __init__(self, batch_size: int, lengths: list[int], seed: int) -> None:
        super().__init__(batch_size, lengths=lengths, generator=torch.Generator())
        self._seed = seed
        self.set_epoch(0)

    def set_epoch(self, epoch: int) -> None:
        """Fix the order of an epoch; the Trainer calls this."""
        self.generator.manual_seed(self._seed + epoch)


class EciTrainer(Trainer):  # type: ignore[misc]
    """Trains adapter and head together.

    Args:
        pad_id: Token id for padding.
        weight: Share w of the head in the loss.
        head_learning_rate: Of the head; the adapter has the one of the arguments.
    """

    # The loss is a sum over totals of the whole accumulated batch, so it needs no further scaling.
    loss_is_scaled_for_ga = True

    def __init__(
        self, *args: Any, pad_id: int, weight: float, head_learning_rate: float, **kwargs: Any
    ) -> None:
        self._weight = weight
        self._head_learning_rate = head_learning_rate
        self._totals: tuple[Tensor, Tensor] | None = None
        self.parts: dict[str, float] = {}
        """Both losses and the number of tokens of the last optimizer step."""
        super().__init__(*args, data_collator=lambda rows: collate(rows, pad_id), **kwargs)

    def get_batch_samples(
        self, epoch_iterator: Iterator[Any], num_batches: int, device: Any
    ) -> Any:
        """Also count what the losses of this optimizer step are divided by."""
        batches, count = super().get_batch_samples(epoch_iterator, num_batches, device)
        if batches:
            tokens = torch.stack([(b["labels"] != IGNORED).sum() for b in batches]).sum()
            items = torch.stack([(b["cls_labels"] != IGNORED).sum() for b in batches]).sum()
            self._totals = self._over_processes(tokens.to(device), items.to(device))
            seen = sum(int((b["branch_ids"] >= 0).sum()) for b in batches)
            self.parts = {"lm_loss": 0.0, "eci_loss": 0.0, "num_tokens": float(seen)}
        return batches, count

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Tensor],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """Give the joint loss; in evaluation the means are those of the batch."""
        del num_items_in_batch
        output = model(**inputs)
        totals = (output.num_answer_tokens, output.num_items)
        if model.training and self._totals is not None:
            totals = self._totals
            self.parts["lm_loss"] += float(output.lm_sum.detach() / totals[0].clamp_min(1))
            self.parts["eci_loss"] += float(output.eci_sum.detach() / totals[1].clamp_min(1))
        loss = joint_loss(output, self._weight, *totals)
        return (loss, output) if return_outputs else loss

    def create_optimizer(self, model: Any = None) -> Any:
        """Give adapter and head their own learning rates; norms, biases, scales do not decay."""
        del model
        if self.optimizer is None:
            groups: dict[tuple[bool, bool], list[Any]] = {}
            for name, parameter in self.model.named_parameters():
                if parameter.requires_grad:
                    kind = ("eci_head" in name, parameter.ndim >= 2)
                    groups.setdefault(kind, []).append(parameter)
            self.optimizer: Any = torch.optim.AdamW(
                [
                    {
                        "params": parameters,
                        "lr": self._head_learning_rate if is_head else self.args.learning_rate,
                        "weight_decay": self.args.weight_decay if decays else 0.0,
                    }
                    for (is_head, decays), parameters in groups.items()
                ]
            )
        return self.optimizer

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        # The stock sampler measures rows by a field of a dict; ours know their length.
        del train_dataset
        step = self.args.train_batch_size * self.args.gradient_accumulation_steps
        return _LengthSampler(step, self.train_dataset.lengths, self.args.seed)

    def _over_processes(self, tokens: Tensor, items: Tensor) -> tuple[Tensor, Tensor]:
        """Sum the totals over all processes: DDP averages gradients, so each takes its share."""
        world = self.args.world_size
        if world == 1:
            return tokens, items
        gathered = self.accelerator.gather(torch.stack([tokens, items])[None]).sum(0)
        return gathered[0] / world, gathered[1] / world


class ProgressCallback(TrainerCallback):  # type: ignore[misc]
    """Tells the run directory how training goes and stops it when asked."""

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self._since = time.monotonic()
        self.trainer: EciTrainer | None = None

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Report where training starts: at 0, or at the checkpoint's step."""
        del args, control
        self._since = time.monotonic()
        self._context.report_progress(step=state.global_step, num_steps=state.max_steps)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Report the step; a stop is honoured here, with a checkpoint to resume from."""
        del args
        assert self.trainer is not None and self.trainer.lr_scheduler is not None  # noqa: S101
        now = time.monotonic()
        parts = dict(self.trainer.parts)
        tokens = parts.pop("num_tokens", 0.0)
        weight = self.trainer._weight
        self._context.report_progress(
            step=state.global_step,
            num_steps=state.max_steps,
            loss=(1 - weight) * parts["lm_loss"] + weight * parts["eci_loss"],
            **parts,
            learning_rate=max(self.trainer.lr_scheduler.get_last_lr()),
            tokens_per_second=round(tokens / max(now - self._since, 1e-9), 1),
        )
        self._since = now
        if self._context.should_stop():
            control.should_save = True
            control.should_training_stop = True

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: dict[str, float] | None = None,
        **_: Any,
    ) -> None:
        """Report the dev loss; its time does not count as training time."""
        del args, control
        self._context.report_evaluation(step=state.global_step, **(metrics or {}))
        self._since = time.monotonic()
