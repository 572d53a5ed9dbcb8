"""Does the option head of a 135M model answer MedQA better than chance and than its label letters?

Five folds over the 637 items there are; the penalty is chosen within the training part of each
fold. Features are cached, so a second run takes seconds.

    python benchmarks/medqa_options.py
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from db.home import cache_dir, models_dir
from db.importers.medqa import parse_medqa
from db.records import Item
from eci.arrays import FloatArray, IntArray
from eci.base import DEFAULT_BASE, load_base
from eci.batching import collate
from eci.branches import PROMPT
from eci.calibration import TemperatureScaling, out_of_fold
from eci.compare import mcnemar_p_value
from eci.estimates import NO_ITEMS, Estimate, proportion
from eci.features import FeatureCache, stack
from eci.fit import choose, fit_head
from eci.labels import LabelSet
from eci.model import EciModel, build
from eci.prompts import Question
from eci.reliability import reliability_report

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "benchmarks" / "results" / "medqa_options.md"
PREDICTION = (
    "Predicted before the first run: a 135M model knows next to no medicine, so 25 to 28 % for "
    "every way, and no difference that 637 items can show (standard error 1.7 points)."
)
STRENGTHS = (0.3, 1.0, 3.0, 10.0, 30.0)
SEED = 0


def main() -> None:
    """Make the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    options = parser.parse_args()
    path = options.data / "medqa_usmle" / "medqa_us_4options_even.jsonl"
    items = parse_medqa(path).items
    model = build(load_base(DEFAULT_BASE, models_dir()))
    questions = [to_question(item) for item in items]
    y = np.array([item.labels.index(item.gold_label or "") for item in items])
    letters = letter_logits(model, questions)
    found = FeatureCache(cache_dir() / "benchmarks", model.key).features(
        model, questions, progress=lambda done, total: print(f"\r{done}/{total}", end="")
    )
    states, scores = stack(found)
    head = nested(states, scores, y)
    ways = {
        "option head, fitted": head.argmax(1),
        "option head, untrained (mean log-probability of the option)": scores.argmax(1),
        "label letters (logits of A, B, C, D)": letters.argmax(1),
    }
    text = "\n\n".join(
        [
            "# MedQA-USMLE: the option head on frozen SmolLM2-135M-Instruct",
            f"{len(items)} items (the even half), four options, chance 25 %. {DEFAULT_BASE}, "
            f"bfloat16, zero-shot. 5 folds, seed {SEED}; intervals are 95 %.",
            table(ways, y),
            verdict(ways, y),
            trust(head, y),
            PREDICTION,
            "Made by `python benchmarks/medqa_options.py`.",
        ]
    )
    print(text)
    RESULT.write_text(text + "\n", encoding="utf-8")


def to_question(item: Item) -> Question:
    """Ask what an item asks."""
    options = LabelSet.from_options({option.label: option.text for option in item.options})
    return Question(item.question, (), options, item.item_id)


def letter_logits(model: EciModel, questions: Sequence[Question]) -> FloatArray:
    """Give the log-probability of each option's letter as the next token, ``(n, 4)``."""
    rows = [model.row(question)[0] for question in questions]
    ids = [model.encoder.tokenizer.convert_tokens_to_ids(letter) for letter in "ABCD"]
    order = sorted(range(len(rows)), key=lambda i: -len(rows[i].prompt))
    found = np.zeros((len(rows), 4))
    for start in range(0, len(order), 8):
        members = order[start : start + 8]
        prompts = [type(rows[i])(rows[i].prompt, 0, rows[i].regions) for i in members]
        batch = collate(prompts, model.encoder.pad_id)
        with torch.inference_mode():
            output = model.model(
                input_ids=batch["input_ids"],
                attention_mask=(batch["branch_ids"] == PROMPT).long(),
                logits_to_keep=1,
            )
        found[members] = output.logits[:, -1].float().log_softmax(-1)[:, ids].numpy()
    return found


def nested(states: np.ndarray, scores: np.ndarray, y: IntArray) -> FloatArray:
    """Give calibrated out-of-fold probabilities; each fold's penalty comes from its other items."""
    probabilities = np.zeros(scores.shape)
    for fold in out_of_fold(y, num_folds=5, seed=SEED):
        on, out = fold.train, fold.held_out
        chosen = choose(
            states[on], scores[on], y[on], is_options=True, strengths=STRENGTHS, seed=SEED
        )
        head = fit_head(states[on], scores[on], y[on], is_options=True, l2=chosen.l2)
        scaling = TemperatureScaling.fit(chosen.logits, y[on])
        probabilities[out] = scaling.transform(head.logits(states[out], scores[out]))
    return probabilities


def table(ways: dict[str, IntArray], y: IntArray) -> str:
    """Write the accuracy of each way, and how often it picks each letter."""
    rows = [
        "| decided by | n | accuracy | above chance | picks A / B / C / D |",
        "|---|---|---|---|---|",
    ]
    for name, predicted in ways.items():
        correct = int((predicted == y).sum())
        accuracy = proportion(correct, len(y), NO_ITEMS)
        shares = " / ".join(f"{(predicted == k).mean():.0%}" for k in range(4))
        rows.append(f"| {name} | {len(y)} | {percent(accuracy)} | {above(accuracy)} | {shares} |")
    gold = " / ".join(f"{(y == k).mean():.0%}" for k in range(4))
    return "\n".join([*rows, f"| gold label | {len(y)} | | | {gold} |"])


def above(accuracy: Estimate) -> str:
    """Say whether the whole interval lies above chance."""
    assert accuracy.interval is not None
    return "yes" if accuracy.interval.low > 0.25 else "no: the interval holds 25 %"


def verdict(ways: dict[str, IntArray], y: IntArray) -> str:
    """Compare the fitted head with the letters, item by item."""
    head, _, letters = (predicted == y for predicted in ways.values())
    only_head, only_letters = int((head & ~letters).sum()), int((~head & letters).sum())
    p_value = mcnemar_p_value(only_head, only_letters)
    return (
        f"Against the label letters: {only_head} items only the head has right, {only_letters} "
        f"only the letters; exact McNemar p = {p_value:.2g}."
    )


def trust(probabilities: FloatArray, y: IntArray) -> str:
    """Say how far the head's probabilities can be believed."""
    report = reliability_report(probabilities, y)
    floor = report.ece_if_calibrated
    assert floor is not None
    return (
        f"Expected calibration error of the fitted head: {percent(report.ece)}; perfectly "
        f"calibrated probabilities would give {100 * floor.low:.1f} to {100 * floor.high:.1f}."
    )


def percent(estimate: Estimate) -> str:
    """Write a share with its interval in per cent."""
    assert estimate.value is not None and estimate.interval is not None
    low, high = 100 * estimate.interval.low, 100 * estimate.interval.high
    return f"{100 * estimate.value:.1f} ({low:.1f} to {high:.1f})"


if __name__ == "__main__":
    main()
