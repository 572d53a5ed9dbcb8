"""Which prompt and which states should a head read? Chosen on PubMedQA's 500 training items alone.

Heads on frozen states, cross-validated: it costs seconds to minutes where a joint run costs tens of
minutes, and the joint head starts from such a head. Items are prefilled once for each input; what
was prefilled is kept in the work folder.

    python benchmarks/joint_settings.py
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from history import Measured
from joint_quality import SEEDS, area
from measuring import ROOT, make_parser, record
from pubmedqa_accuracy import Candidate, Choice, Data, cross_validate_training, load

from db.importers.pubmedqa import parse_pubmedqa
from db.records import Item
from eci.arrays import FloatArray, IntArray
from eci.decisions import DecisionSettings, balanced_weights, choose_power, choose_rule
from eci.model.encoding import PromptSettings
from eci.model.head_fit import fit_head
from eci.questions.labels import PUBMEDQA
from eci.statistics.calibration import TemperatureScaling, out_of_fold, softmax
from eci.statistics.metrics import macro_f1
from training.evaluation.bag_of_words import word_probabilities

PARTS = "evidence@0.5+question@0.5+last@0.5"
CANDIDATES = (
    Candidate("evidence@0.5+question@0.5", (0, 1)),
    Candidate("evidence@0.5+question@0.5+last@0.5", (0, 1, 2)),
)


PENALTY = 3.0
"""What cross-validation chooses for all of them."""
SECTION = "Out of fold, 500 training items, mean of the seeds"


@dataclass(frozen=True)
class Input:
    """What a model is shown of an item."""

    name: str
    prompts: PromptSettings


INPUTS = (
    Input("instruction, all sections", PromptSettings(max_prompt_tokens=768)),
    Input("instruction, cut to 264 tokens", PromptSettings(max_prompt_tokens=264)),
    Input("question and last section", PromptSettings("short_v1", 320)),
)


def main() -> None:
    """Cross-validate every input with every pooling and record the figures."""
    parser = make_parser(__doc__, wants_data=True)
    parser.add_argument("--work", type=Path, default=ROOT / ".llamacare" / "joint_quality")
    options = parser.parse_args()
    items = parse_pubmedqa(options.data / "pubmedqa" / "ori_pqal.json").items
    train = [item for item in items if item.split != "test"]
    figures = [*_words(train)]
    for given in INPUTS:
        data, rate = _prefilled(given, train, options.work)
        if given is INPUTS[-1]:
            figures += _operating_points(data)
        for candidate in CANDIDATES:
            choice = cross_validate_training(candidate, data)
            figures += _figures(given, choice, data.y, rate)
    record(__file__, figures, options, seeds=" ".join(map(str, SEEDS)))


def _prefilled(given: Input, items: Sequence[Item], work: Path) -> tuple[Data, float]:
    """Return the states of the items, and how many of them a second of processor prefilled."""
    path = work / f"settings-{given.prompts.template}-{given.prompts.max_prompt_tokens}.npz"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        begun = time.process_time()
        data = load(items, PARTS, given.prompts, uses_scores=False)
        rate = len(items) / (time.process_time() - begun)
        np.savez(path, states=data.states, scores=data.scores, y=data.y, rate=rate)
    with np.load(path) as stored:
        return Data(stored["states"], stored["scores"], stored["y"]), float(stored["rate"])


def _figures(given: Input, choice: Choice, y: IntArray, rate: float) -> Iterator[Measured]:
    probabilities = [softmax(chosen.logits) for chosen in choice.chosen]
    what = f"{given.name}: {choice.candidate.name}"
    yield from _scores(what, probabilities, y)
    yield Measured(what, "penalty", choice.l2, section=SECTION)
    yield Measured(what, "items a CPU-second", rate, section=SECTION)


def _scores(what: str, probabilities: Sequence[FloatArray], y: IntArray) -> Iterator[Measured]:
    n = len(y)
    scored = [
        (
            float((p.argmax(1) == y).mean()),
            _f1(y, p.argmax(1)),
            _f1(y, _weighted(p, y)),
            float(-np.log(p[np.arange(n), y]).mean()),
            *(area(p[:, k], y == k) for k in range(len(PUBMEDQA))),
        )
        for p in probabilities
    ]
    names = ("accuracy", "macro-F1", "macro-F1, weighted", "cross-entropy")
    names += tuple(f"AUROC {label}" for label in PUBMEDQA.names)
    for name, value in zip(names, np.mean(scored, axis=0), strict=True):
        unit = "share" if name in names[:3] else ""
        yield Measured(what, name, float(value), unit, n, section=SECTION)


def _operating_points(data: Data) -> Iterator[Measured]:
    """Yield macro-F1 of other items at points that few items chose, or all that a run has."""
    section = (
        "Which items choose the operating point: 340 learned, 60 held out, 100 judged, by turns"
    )
    ways = ("most probable label", "chosen on 60 held out", "chosen on 60 held out and 340 crossed")
    decided = np.zeros((len(SEEDS), len(ways), len(data.y)), dtype=np.int64)
    for s, seed in enumerate(SEEDS):
        for fold in out_of_fold(data.y, seed=seed):
            parts = out_of_fold(data.y[fold.train], num_folds=6, seed=seed)[0]
            learned, held_out = fold.train[parts.train], fold.train[parts.held_out]
            decided[s, :, fold.held_out] = _decided(data, learned, held_out, fold.held_out)
    for k, way in enumerate(ways):
        for name, of in (("accuracy", _accuracy), ("macro-F1", _f1)):
            value = float(np.mean([of(data.y, labels) for labels in decided[:, k]]))
            yield Measured(way, name, value, "share", len(data.y), section=section)


def _decided(data: Data, learned: IntArray, held_out: IntArray, judged: IntArray) -> IntArray:
    """Return the labels of judged items by each way of choosing, ``(len(judged), 3)``."""
    states, scores, y = data.states, data.scores, data.y

    def logits(on: IntArray, of: IntArray) -> FloatArray:
        head = fit_head(states[on], scores[on], y[on], is_options=False, l2=PENALTY)
        return head.logits(states[of], scores[of])

    crossed = np.zeros(scores[learned].shape)
    for fold in out_of_fold(y[learned], seed=0):
        crossed[fold.held_out] = logits(learned[fold.train], learned[fold.held_out])
    others = (TemperatureScaling.fit(crossed, y[learned]).transform(crossed), y[learned])
    mine = logits(learned, held_out)
    scaling = TemperatureScaling.fit(mine, y[held_out])
    p, q = scaling.transform(logits(learned, judged)), scaling.transform(mine)
    rules = [
        choose_rule(q, y[held_out], DecisionSettings(), PUBMEDQA, others=more)
        for more in (None, others)
    ]
    return np.stack([p.argmax(1), *(rule.decide(p).labels for rule in rules)], 1)


def _accuracy(y: IntArray, labels: IntArray) -> float:
    return float((labels == y).mean())


def _f1(y: IntArray, labels: IntArray) -> float:
    counts = np.zeros((len(PUBMEDQA), len(PUBMEDQA) + 1), dtype=np.int64)
    np.add.at(counts, (y, labels), 1)
    return float(macro_f1(counts))


def _weighted(p: FloatArray, y: IntArray) -> IntArray:
    """Return the labels at operating points that other items chose."""
    found = np.zeros_like(y)
    for fold in out_of_fold(y, seed=0):
        on, out = fold.train, fold.held_out
        weights = balanced_weights(y[on], p.shape[1]) ** choose_power(p[on], y[on])
        found[out] = (p[out] * weights).argmax(1)
    return found


def _words(items: Sequence[Item]) -> Iterator[Measured]:
    """Yield what words alone give, of all sections and of the last one."""
    y = np.array([PUBMEDQA.index(item.gold_label or "") for item in items])
    for name, number in (("TF-IDF, all sections", 0), ("TF-IDF, last section", 1)):
        texts = [" ".join([i.question, *(s.text for s in i.context[-number:])]) for i in items]
        probabilities = []
        for seed in SEEDS:
            found = np.zeros((len(y), len(PUBMEDQA)))
            for fold in out_of_fold(y, seed=seed):
                on, out = ([texts[i] for i in rows] for rows in (fold.train, fold.held_out))
                found[fold.held_out] = word_probabilities(on, y[fold.train].tolist(), out, 3)
            probabilities.append(found)
        yield from _scores(name, probabilities, y)


if __name__ == "__main__":
    main()
