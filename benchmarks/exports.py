"""How far are the probabilities of exported folders from those of the artifact?

    python benchmarks/exports.py

The bundled model with a random LoRA adapter (rank 16) and 40 items of PubMedQA's test split with
60 words of context. The figure is the greatest difference of a label's probability, from what
transformers alone computes of the folder in float32.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from history import Measured
from measuring import make_parser, record
from peft import PeftModel
from transformers import AutoModelForCausalLM

from db.importers.pubmedqa import parse_pubmedqa
from db.paths import models_dir
from eci.export.models import ExportSource, export_language_model
from eci.model import base_model
from eci.model.base_model import DEFAULT_BASE, Quantization, load_base
from eci.model.eci_model import EciModel, build
from eci.model.features import stack
from eci.questions.labels import PUBMEDQA
from eci.questions.prompts import Question
from training.joint.adapter import add_adapter, save_artifact
from training.settings.training import LoraSettings

SPREAD = 0.01
"""Of the random weights: the adapter then changes probabilities by some 0.1."""


def main() -> None:
    """Export, compare, and record the differences."""
    parser = make_parser(__doc__, wants_data=True)
    parser.add_argument("--items", type=int, default=40)
    options = parser.parse_args()
    # In bfloat16 the shape of a batch alone moves a probability by 0.01.
    base_model._cpu_computes_bfloat16 = lambda: False
    questions = load_questions(options)
    with tempfile.TemporaryDirectory() as folder:
        figures = [
            *measure(Path(folder) / "plain", "none", questions),
            *measure(Path(folder) / "nf4", "nf4", questions),
        ]
    record(__file__, figures, options)


def load_questions(options: argparse.Namespace) -> list[Question]:
    """Return items of the official test split as questions."""
    items = parse_pubmedqa(options.data / "pubmedqa" / "ori_pqal.json").items
    return [
        Question(
            item.question,
            tuple((section.heading, section.text) for section in item.context),
            PUBMEDQA,
        ).with_context_words(60)
        for item in items
        if item.split == "test"
    ][: options.items]


def measure(
    folder: Path, quantization: Quantization, questions: Sequence[Question]
) -> list[Measured]:
    """Return the differences of all folders that an artifact can become."""
    artifact = folder / "artifact"
    expected, prompts = make_artifact(artifact, quantization, questions)
    what = "artifact of NF4" if quantization == "nf4" else "artifact, not quantized"
    limit = 1e-4 if quantization == "none" else None
    figures = []
    for dtype in ("float32", "bfloat16"):
        out = folder / dtype
        export_language_model(ExportSource(artifact, None, models_dir(), dtype), out)  # type: ignore[arg-type]
        merged = AutoModelForCausalLM.from_pretrained(out, dtype=torch.float32)
        at_most = limit if dtype == "float32" else None
        differs = difference(merged, prompts, expected)
        title = f"merged, stored in {dtype}"
        figures.append(Measured(what, title, differs, "", len(questions), at_most=at_most))
    if quantization == "nf4":
        base = AutoModelForCausalLM.from_pretrained(
            models_dir() / "smollm2-135m", dtype=torch.float32
        )
        merged = PeftModel.from_pretrained(base, str(artifact)).merge_and_unload()
        differs = difference(merged, prompts, expected)
        figures.append(Measured(what, "original weights", differs, "", len(questions)))
    return figures


Prompts = tuple[list[tuple[int, ...]], list[list[int]]]


def make_artifact(
    folder: Path, quantization: Quantization, questions: Sequence[Question]
) -> tuple[np.ndarray, Prompts]:
    """Write an artifact; return its probabilities of the labels, prompts, and labels' tokens."""
    loaded = load_base(DEFAULT_BASE, models_dir(), quantization=quantization, device="cpu")
    model = build(loaded)
    add_adapter(model, LoraSettings(dropout=0.0), checkpointing=False)
    torch.manual_seed(1)
    for name, parameter in model.model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=SPREAD)
    model.is_training = False
    model.model.eval()
    save_artifact(model, loaded, folder, shots=0)
    again = EciModel.load(
        DEFAULT_BASE, models_dir(), artifact=folder, quantization=quantization, device="cpu"
    )
    scores = stack(again.features(questions, batch_size=1))[1]
    ids = [again.encoder.prompt(question).input_ids for question in questions]
    return torch.tensor(scores).softmax(-1).numpy(), (ids, again.encoder.verbalizers(PUBMEDQA))


def difference(model: Any, prompts: Prompts, expected: np.ndarray) -> float:
    """Return the greatest difference of what a plain model gives the labels."""
    rows = []
    for ids in prompts[0]:
        with torch.no_grad():
            last = model(torch.tensor([ids])).logits[0, -1].float().log_softmax(-1)
        scores = torch.stack([last[list(tokens)].logsumexp(-1) for tokens in prompts[1]])
        rows.append(scores.softmax(0).numpy())
    return float(np.abs(np.stack(rows) - expected).max())


if __name__ == "__main__":
    main()
