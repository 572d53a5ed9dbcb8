"""The head alone as ONNX: one graph for each label set, from pooled states to probabilities."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np

from eci.errors import ExportError
from eci.export.card import render
from eci.export.folder import written_folder
from eci.export.models import ExportSource
from eci.model.artifact import HEAD_FILE, ArtifactInfo, head_key
from eci.model.head import HeadConfig
from eci.questions.labels import OPTIONS

_OPSET: Final = 17
_MISSING: Final = (
    "ONNX needs the package onnx, which is not installed. Install it into this environment: "
    "pip install -r requirements-onnx.txt."
)


def export_head(source: ExportSource, path: Path) -> None:
    """Write the head's graphs with a card; the language model is left out.

    Raises:
        ExportError: The package is missing, or the folder cannot be written.
        ArtifactError: The artifact is damaged.
    """
    if find_spec("onnx") is None:
        raise ExportError(_MISSING)
    from safetensors.numpy import load_file

    info = source.info()
    config, tensors = HeadConfig.from_dict(info.head), load_file(source.artifact / HEAD_FILE)
    about = {"kind": "head as ONNX", "base": info.base.name, "artifact_files": info.files}
    with written_folder(path, about) as folder:
        names = {}
        for name in (*config.label_sets, OPTIONS):
            file = f"{head_key(name)}.onnx"
            names[name] = file
            (folder / file).write_bytes(_graph(name, info, config, tensors))
        listed = "\n".join(f"- `{file}`: {_describe(name, info)}" for name, file in names.items())
        card = render(
            "head_onnx",
            files=listed,
            parts=len(config.parts),
            width=config.hidden_size,
            pooling=config.pooling,
        )
        (folder / "README.md").write_text(card, "utf-8")


def _describe(name: str, info: ArtifactInfo) -> str:
    if name == OPTIONS:
        return "the options of an item"
    return f"{name} ({', '.join(label.name for label in info.label_sets[name].labels)})"


def _graph(name: str, info: ArtifactInfo, config: HeadConfig, tensors: dict[str, Any]) -> bytes:
    """Return the serialised graph of one label set, see :mod:`eci.model.head` for the formula."""
    from onnx import TensorProto, checker, helper, numpy_helper

    key, is_options = head_key(name), name == OPTIONS
    known = info.calibration.get(name)
    scale = tensors["option_scale" if is_options else f"scales.{key}"]
    weight = tensors["option_weight"] if is_options else tensors[f"linears.{key}.weight"].T
    width = "options" if is_options else config.label_sets[name]
    constants = {
        "mean": tensors[f"norms.{key}.mean"],
        "spread": tensors[f"norms.{key}.spread"],
        "weight": np.ascontiguousarray(weight),
        "scale": np.float32(scale if is_options or config.uses_scores else 0.0),
        "temperature": np.float32(known.temperature if known else 1.0),
        "zero": np.float32(0.0),
        "absent": np.float32(-np.inf),
    }
    if not is_options:
        constants["bias"] = tensors[f"linears.{key}.bias"]
    node = helper.make_node
    nodes = [
        *([] if is_options else [node("Flatten", ["states"], ["flat"], axis=1)]),
        node("Sub", ["states" if is_options else "flat", "mean"], ["centred"]),
        node("Div", ["centred", "spread"], ["standardised"]),
        node("MatMul", ["standardised", "weight"], ["product"]),
        *([] if is_options else [node("Add", ["product", "bias"], ["learned"])]),
        node("IsInf", ["scores"], ["is_absent"]),
        node("Where", ["is_absent", "zero", "scores"], ["known"]),
        node("Mul", ["known", "scale"], ["scaled"]),
        node("Add", ["product" if is_options else "learned", "scaled"], ["sum"]),
        node("Where", ["is_absent", "absent", "sum"], ["logits"]),
        node("Div", ["logits", "temperature"], ["calibrated"]),
        node("Sigmoid", ["calibrated"], ["probabilities"])
        if name in config.several
        else node("Softmax", ["calibrated"], ["probabilities"], axis=-1),
    ]
    middle = "options" if is_options else len(config.parts)

    def value(called: str, *shape: str | int) -> Any:
        return helper.make_tensor_value_info(called, TensorProto.FLOAT, list(shape))

    graph = helper.make_graph(
        nodes,
        f"eci_head_{key}",
        [value("states", "n", middle, config.hidden_size), value("scores", "n", width)],
        [value("logits", "n", width), value("probabilities", "n", width)],
        [numpy_helper.from_array(np.asarray(array), called) for called, array in constants.items()],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=9, producer_name="eci"
    )
    checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())
