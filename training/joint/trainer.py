"""The Trainer with the joint loss: totals over the accumulated batch, its parts in the log."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_pt_utils import LengthGroupedSampler

from eci.model.batching import Row, collate
from eci.model.branches import IGNORED
from eci.model.eci_causal_lm import joint_loss
from training.joint.sharding import data_parallel, is_sharded
from training.run.execution import RunContext


class RowDataset(Dataset[Row]):
    """Rows that the Trainer can group by length.

    One index past the last gives a row from which nothing is learned: it fills the last batches of
    an epoch, so that all processes have the same number of them.
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Row:
        if index == len(self._rows):
            shortest = min(self._rows, key=lambda row: row.num_tokens)
            return replace(shortest, answer=(), label=IGNORED)
        return self._rows[index]

    @property
    def lengths(self) -> list[int]:
        """Return the number of tokens in each row."""
        return [row.num_tokens for row in self._rows]


class _LengthSampler(LengthGroupedSampler):  # type: ignore[misc]
    """Batches of similar length, in an order that only the seed and the epoch decide.

    A run that resumes in its second epoch then sees the order that it would have seen unbroken.

    Args:
        step_size: Rows of one optimizer step.
        multiple: The order is filled up to a multiple of this many with the index past the last.
    """

    def __init__(self, step_size: int, lengths: list[int], seed: int, multiple: int) -> None:
        super().__init__(step_size, lengths=lengths, generator=torch.Generator())
        self._seed = seed
        self._num_blank = -len(lengths) % multiple
        self.set_epoch(0)

    def __iter__(self) -> Iterator[int]:
        yield from super().__iter__()
        yield from [len(self.lengths)] * self._num_blank

    def __len__(self) -> int:
        return len(self.lengths) + self._num_blank

    def set_epoch(self, epoch: int) -> None:
        """Fix the order of an epoch; the Trainer calls this."""
        self.generator.manual_seed(self._seed + epoch)


class EciTrainer(Trainer):  # type: ignore[misc]
    """Trains adapter and head together.

    Args:
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
        """Return the batches, and count what the losses of this optimizer step are divided by."""
        batches, count = super().get_batch_samples(epoch_iterator, num_batches, device)
        if batches:
            tokens = torch.stack([(b["labels"] != IGNORED).sum() for b in batches]).sum()
            items = torch.stack([_judged(b).sum() for b in batches]).sum()
            self._totals = self._over_processes(tokens.to(device), items.to(device))
            seen = sum(_num_tokens(batch) for batch in batches)
            self.parts = {"lm_loss": 0.0, "eci_loss": 0.0, "num_tokens": float(seen)}
        return batches, count

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Tensor],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """Return the joint loss; in evaluation the means are those of the batch."""
        del num_items_in_batch
        output = model(**inputs)
        if model.training and self._totals is not None:
            totals = self._totals
            self.parts["lm_loss"] += float(output.lm_sum.detach() / totals[0].clamp_min(1))
            self.parts["eci_loss"] += float(output.eci_sum.detach() / totals[1].clamp_min(1))
            # Gradients are averaged over the processes, while the loss is a sum over all of them.
            loss = joint_loss(output, self._weight, *totals) * self.args.world_size
        else:
            loss = joint_loss(output, self._weight, output.num_answer_tokens, output.num_items)
        return (loss, output) if return_outputs else loss

    def all_reduce_step(self, stops: bool) -> tuple[dict[str, float], bool]:
        """Return the losses and tokens of the last step over all processes, and whether to stop.

        Args:
            stops: Whether this process wants to; one is enough, so that none waits for another.
        """
        if self.args.world_size == 1:
            return dict(self.parts), stops
        given = torch.tensor([*self.parts.values(), float(stops)], device=self.args.device)
        *sums, stopping = self.accelerator.reduce(given, "sum").tolist()
        return dict(zip(self.parts, sums, strict=True)), stopping > 0

    def create_optimizer(self, model: Any = None) -> Any:
        """Return adapter and head their own learning rates; norms, biases, scales do not decay."""
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

    def _wrap_model(self, model: Any, training: bool = True, dataloader: Any = None) -> Any:
        # Once wrapped it is left alone, by this and by accelerate.
        if training and model is self.model and is_sharded(model):
            return data_parallel(model)
        return super()._wrap_model(model, training=training, dataloader=dataloader)

    def _move_model_to_device(self, model: Any, device: Any) -> None:
        if not is_sharded(model):  # else it is there
            super()._move_model_to_device(model, device)

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        # The stock sampler measures rows by a field of a dict; ours know their length.
        del train_dataset
        together = self.args.train_batch_size * self.args.world_size
        step = together * self.args.gradient_accumulation_steps
        lengths = self.train_dataset.lengths
        multiple = together if self.args.world_size > 1 else 1
        return _LengthSampler(step, lengths, self.args.seed, multiple)

    def _over_processes(self, tokens: Tensor, items: Tensor) -> tuple[Tensor, Tensor]:
        if self.args.world_size == 1:
            return tokens, items
        sums = self.accelerator.reduce(torch.stack([tokens, items]), "sum")
        return sums[0], sums[1]


def _judged(batch: dict[str, Tensor]) -> Tensor:
    """Return which rows the head learns from, with one right label or several."""
    return (batch["cls_labels"] != IGNORED) | (batch["right_labels"] != IGNORED).any(1)


def _num_tokens(batch: dict[str, Tensor]) -> int:
    """Count the tokens of the rows that something is learned from."""
    learned = (batch["labels"] != IGNORED).any(1) | _judged(batch)
    return int((batch["branch_ids"][learned] >= 0).sum())


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
        parts, stops = self.trainer.all_reduce_step(self._context.should_stop())
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
        if stops:
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
