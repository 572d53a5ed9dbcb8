"""A frozen base model divided among processes, for cards that do not hold a whole copy.

Each process holds a part of every decoder layer; all gather a layer to use it and drop it again
(torch's ``fully_shard``). Adapter and head stay whole in every process and are trained as without
sharding: a checkpoint and an artifact are those of any run, whatever number of processes resumes.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from eci.model.architecture import decoder_layers
from training.joint.memory import DecoderShape, estimate_step
from training.settings.training import TrainingSettings, share_step

# The rest is for the driver, for what NCCL holds, and for gaps between the allocator's blocks.
_USABLE = 0.9


def exceeds(
    shape: DecoderShape, settings: TrainingSettings, *, num_processes: int, card_bytes: int
) -> bool:
    """Return whether a step with a whole base model is estimated to need more than a card holds.

    Args:
        card_bytes: Memory of the smallest card.
    """
    batch_size, _ = share_step(settings.optimizer, num_processes)
    return estimate_step(shape, settings, batch_size=batch_size).total > _USABLE * card_bytes


def shard(model: Any, device: str) -> None:
    """Divide the decoder layers among the processes of the group and bring the rest to the device.

    Args:
        model: Loaded into host memory, with its adapter; changed in place. No more than one layer
            of it is whole on the device at a time.
    """
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    base = model.get_base_model()
    mesh = init_device_mesh(torch.device(device).type, (torch.distributed.get_world_size(),))
    for layer in decoder_layers(base):
        layer.to(device)
        _show_as_floats(layer)
        trained = {parameter for parameter in layer.parameters() if parameter.requires_grad}
        divided: Any = fully_shard(
            layer, mesh=mesh, reshard_after_forward=True, ignored_params=trained
        )
        # What is made by the first gathering must be no tensor of an inference mode.
        divided.unshard()
        divided.reshard()
    _bring(model, device)
    # Otherwise accelerate and PEFT take it for a model that still waits in host memory.
    base.hf_device_map = {"": torch.device(device)}
    # So that generate() goes on until all processes have their text: each step gathers.
    base._is_fsdp_managed_module = True


def is_sharded(module: nn.Module) -> bool:
    """Return whether a module, or any in it, is divided."""
    from torch.distributed.tensor import DTensor

    return any(isinstance(parameter, DTensor) for parameter in module.parameters())


def data_parallel(model: Any) -> Any:
    """Wrap a divided model so that the gradients of what it trains are averaged.

    accelerate would refuse it: DDP cannot hold divided weights, unless they are excluded.
    """
    frozen = [name for name, p in model.named_parameters() if not p.requires_grad]
    parallel: Any = nn.parallel.DistributedDataParallel
    parallel._set_params_and_buffers_to_ignore_for_model(model, frozen)
    device = next(p.device for p in model.parameters() if p.requires_grad)
    return parallel(
        model,
        device_ids=[device] if device.type == "cuda" else None,
        # A process whose rows are all of one label set leaves the head of another without gradient.
        find_unused_parameters=True,
    )


def _show_as_floats(layer: nn.Module) -> None:
    """Reinterpret packed 4-bit weights as bfloat16: sharded parameters cannot be integers."""
    import bitsandbytes as bnb

    for module in layer.modules():
        if isinstance(module, bnb.nn.Linear4bit) and module.weight.dtype == torch.uint8:
            packed = module.weight
            as_floats = packed.data.flatten().view(torch.bfloat16)[:, None]
            # From these two the layer knows its weight again each time it is gathered.
            module.quant_state = packed.quant_state
            module.quant_storage = torch.bfloat16
            module.weight = nn.Parameter(as_floats, requires_grad=False)


def _bring(model: nn.Module, device: str) -> None:
    """Move what is not sharded to the device."""
    from torch.distributed.tensor import DTensor

    for parameter in model.parameters():
        if not isinstance(parameter, DTensor):
            parameter.data = parameter.data.to(device)
    for module in model.modules():
        for name, buffer in module.named_buffers(recurse=False):
            module._buffers[name] = buffer.to(device)
