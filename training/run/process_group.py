"""The group of processes that share one run's work, as each of them sees it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

# The first process may work alone for hours; that one has died is seen by who started them.
_PATIENCE = timedelta(days=14)


def own_device(device: str, rank: int, num_processes: int) -> str:
    """Return the device of one process: each has a graphics card of its own where there are any."""
    import torch

    if num_processes == 1 or device == "cpu" or not torch.cuda.is_available():
        return device
    return f"cuda:{rank}"


def join_group(meeting: Path, rank: int, num_processes: int, *, device: str) -> None:
    """Join the other processes; returns once all are there.

    Args:
        meeting: File through which they find each other; none of an earlier launch.
    """
    import torch

    backend = "gloo"
    if own_device(device, rank, num_processes).startswith("cuda"):
        torch.cuda.set_device(rank)
        backend = "cpu:gloo,cuda:nccl"
    torch.distributed.init_process_group(
        backend,
        init_method=meeting.as_uri(),
        rank=rank,
        world_size=num_processes,
        timeout=_PATIENCE,
    )


def leave_group() -> None:
    """Destroy the process group once all have come this far; does nothing in a single process."""
    import torch

    if torch.distributed.is_initialized():
        torch.distributed.barrier()
        torch.distributed.destroy_process_group()


def gather(values: list[Any], rank: int) -> list[list[Any]] | None:
    """Return the first process what each one has, by rank, and leave the group; the others get
    None.

    Args:
        values: What this process has; they are pickled.
    """
    import torch

    received: list[Any] | None = None
    if rank == 0:
        received = [None] * torch.distributed.get_world_size()
    torch.distributed.gather_object(values, received)
    leave_group()
    return received
