"""Does the option head of a 135M model answer MedQA better than chance and than its label letters?

Five folds over the 637 items there are; the penalty is chosen within the training part of each
fold.

    python benchmarks/medqa_options.py
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from history import Measured
from measuring import estimated, make_parser, record

from db.importers.any_file import parse_any
from db.paths import models_dir
from db.records import Item
from eci.arrays import FloatArray, IntArray
from eci.model.base_model import DEFAULT_BASE, load_base
from eci.model.batching import collate
from eci.model.branches import PROMPT
from eci.model.eci_model import EciModel, build
from eci.model.features import stack
from eci.model.head_fit import HeadSearch, cross_validate, fit_head
from eci.questions.labels import LabelSet
from eci.questions.prompts import Question
from eci.statistics.calibration import TemperatureScaling, out_of_fold
from eci.statistics.compare import mcnemar_p_value
from eci.statistics.estimates import NO_ITEMS, proportion
from eci.statistics.reliability import reliability_report

STRENGTHS = (0.3, 1.0, 3.0, 10.0, 30.0)
SEED = 0


def main() -> None:
    """Judge all ways and record the figures."""
    options = make_parser(__doc__, wants_data=True).parse_args()
    path = options.data / "medqa_usmle" / "medqa_us_4options_even.jsonl"
    items = parse_any(path).items
    model = build(load_base(DEFAULT_BASE, models_dir()))
    questions = [to_question(item) for item in items]
    y = np.array([item.labels.index(item.gold_label or "") for item in items])
    letters = letter_logits(model, questions)
    found = model.features(
        questions, progress=lambda done, total: print(f"\r{done}/{total}", end="")
    )
    states, scores = stack(found)
    head = nested(states, scores, y)
    ways = {
        "option head, fitted": head.argmax(1),
        "option head, untrained (mean log-probability of the option)": scores.argmax(1),
        "label letters (logits of A, B, C, D)": letters.argmax(1),
    }
    figures = [*accuracies(ways, y), *verdict(ways, y), *calibration(head, y)]
    record(__file__, figures, options, base=DEFAULT_BASE, folds=5, seed=SEED)


def to_question(item: Item) -> Question:
    """Ask what an item asks."""
    options = LabelSet.from_options({option.label: option.text for option in item.options})
    return Question(item.question, (), options, item.item_id)


def letter_logits(model: EciModel, questions: Sequence[Question]) -> FloatArray:
    """Return the log-probability of each option's letter as the next token, ``(n, 4)``."""
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
    """Return calibrated out-of-fold probabilities; each fold's penalty comes from
    its other items."""
    probabilities = np.zeros(scores.shape)
    for fold in out_of_fold(y, num_folds=5, seed=SEED):
        on, out = fold.train, fold.held_out
        chosen = cross_validate(
            states[on],
            scores[on],
            y[on],
            is_options=True,
            folds=out_of_fold(y[on], seed=SEED),
            search=HeadSearch(STRENGTHS),
        )
        head = fit_head(states[on], scores[on], y[on], is_options=True, l2=chosen.l2)
        scaling = TemperatureScaling.fit(chosen.logits, y[on])
        probabilities[out] = scaling.transform(head.logits(states[out], scores[out]))
    return probabilities


def accuracies(ways: dict[str, IntArray], y: IntArray) -> Iterator[Measured]:
    """Return the accuracy of each way, and how often it picks each letter."""
    for name, picked in {**ways, "gold label": y}.items():
        if name in ways:
            correct = int((picked == y).sum())
            accuracy = proportion(correct, len(y), NO_ITEMS)
            assert accuracy.interval is not None
            above = "above chance" if accuracy.interval.low > 0.25 else "the interval holds chance"
            yield estimated(name, "accuracy", accuracy, note=above)
        for k, letter in enumerate("ABCD"):
            yield Measured(name, f"picks {letter}", float((picked == k).mean()), "share", len(y))


def verdict(ways: dict[str, IntArray], y: IntArray) -> Iterator[Measured]:
    """Compare the fitted head with the letters, item by item."""
    head, _, letters = (predicted == y for predicted in ways.values())
    only_head, only_letters = int((head & ~letters).sum()), int((~head & letters).sum())
    for measure, figure in (
        ("only the head is right", only_head),
        ("only the letters are right", only_letters),
        ("exact McNemar p", mcnemar_p_value(only_head, only_letters)),
    ):
        yield Measured("items", measure, figure, section="The fitted head and the label letters")


def calibration(probabilities: FloatArray, y: IntArray) -> Iterator[Measured]:
    """Return how far the head's probabilities can be believed."""
    report = reliability_report(probabilities, y)
    floor = report.ece_if_calibrated
    assert floor is not None
    what, section = "expected calibration error of the fitted head", "Calibration"
    yield estimated(what, "measured", report.ece, section=section)
    for measure, figure in (("lowest", floor.low), ("highest", floor.high)):
        yield Measured(what, f"{measure} if perfectly calibrated", figure, "share", section=section)


if __name__ == "__main__":
    main()
