"""The artifact of a head that was fitted without its language model: written without torch."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from eci.arrays import Float32Array
from eci.errors import ArtifactError
from eci.model.artifact import (
    ADAPTER_FILES,
    HEAD_FILE,
    ArtifactInfo,
    head_key,
    write_info,
)
from eci.model.head_fit import FittedHead
from eci.pooling import parse_pooling
from eci.questions.labels import OPTIONS, SEVERAL_OPTIONS

Tensors = dict[str, Float32Array]


def write_head_artifact(
    folder: Path,
    info: ArtifactInfo,
    heads: Mapping[str, FittedHead],
    source: Path | None,
) -> ArtifactInfo:
    """Write an artifact with new heads, and the adapter of the artifact it comes from.

    Args:
        folder: Replaced.
        heads: Label set -> its head. Other label sets keep the head of the source; without one they
            say what the language model says.
        source: The artifact that the features were computed with; None for the base model alone.
    """
    tensors = _untrained(info) if source is None else read_head(source)
    for name, head in heads.items():
        tensors |= _tensors(name, head)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    save_file(tensors, folder / HEAD_FILE)
    if source is not None:
        _link_adapter(source, folder, info)
    return write_info(folder, info)


def copy_artifact(folder: Path, source: Path, info: ArtifactInfo) -> ArtifactInfo:
    """Write the artifact of ``source`` again with another description."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    _link(source / HEAD_FILE, folder / HEAD_FILE)
    _link_adapter(source, folder, info)
    return write_info(folder, info)


def read_head(artifact: Path) -> Tensors:
    """Return the tensors of an artifact's head by name.

    Raises:
        ArtifactError: They cannot be read.
    """
    path = artifact / HEAD_FILE
    try:
        with safe_open(path, "numpy") as stored:
            return {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, TypeError, ValueError) as error:
        raise ArtifactError(
            f"{path} cannot be read: {error}. Copy the artifact again or retrain."
        ) from error


def _untrained(info: ArtifactInfo) -> Tensors:
    """Return the tensors of a head that says what the language model says."""
    hidden = int(info.head["hidden_size"])
    width = hidden * len(parse_pooling(info.head["pooling"]))
    shapes: dict[str, tuple[int, ...]] = {
        OPTIONS: (hidden,),
        **{name: (size, width) for name, size in info.head["label_sets"].items()},
    }
    if SEVERAL_OPTIONS in info.head.get("several", ()):
        shapes[SEVERAL_OPTIONS] = (1, hidden)
    tensors: Tensors = {}
    for name, shape in shapes.items():
        tensors |= _tensors(
            name,
            FittedHead(
                weight=np.zeros(shape, np.float32),
                bias=np.zeros(shape[0], np.float32),
                scale=1.0,
                mean=np.zeros(shape[-1], np.float32),
                spread=np.ones(shape[-1], np.float32),
                columns=(),
                is_options=name == OPTIONS,
            ),
        )
    return tensors


def _tensors(name: str, head: FittedHead) -> Tensors:
    scale = np.array(head.scale, np.float32)
    norm = _norm(name, head.mean, head.spread)
    if name == OPTIONS:
        return {"option_weight": head.weight, "option_scale": scale, **norm}
    return {
        f"linears.{head_key(name)}.weight": head.weight,
        f"linears.{head_key(name)}.bias": head.bias,
        f"scales.{head_key(name)}": scale,
        **norm,
    }


def _norm(name: str, mean: Float32Array, spread: Float32Array) -> Tensors:
    return {f"norms.{head_key(name)}.mean": mean, f"norms.{head_key(name)}.spread": spread}


def _link_adapter(source: Path, folder: Path, info: ArtifactInfo) -> None:
    for name in ADAPTER_FILES if info.has_adapter else ():
        _link(source / name, folder / name)


def _link(source: Path, target: Path) -> None:
    """Link the file where the file system can: an adapter never changes once it is written."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
