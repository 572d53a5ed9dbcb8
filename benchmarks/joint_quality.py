"""Is the head of a joint run better than its text, and than what one would use instead of it?

PubMedQA's official division and five folds of MedQA-USMLE; seeds, sizes and shots. Runs take
hours in all, so they are made one by one, the most telling first, and kept as lines of
``results/joint_quality.jsonl``: what is there is not made again, a run that was cut goes on from
its checkpoint in the work folder, and the page says which runs are missing.

    python benchmarks/joint_quality.py --list               # what there is, what is missing
    python benchmarks/joint_quality.py --minutes 60         # make missing runs, then the page
    python benchmarks/joint_quality.py --only "PubMedQA | joint" --minutes 60
    python benchmarks/joint_quality.py --minutes 0          # the page alone

Settings come from the shipped preset ``pubmedqa``; ``joint_settings.py`` chose them on the training
items alone.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from history import RESULTS, Measured
from joint_ways import (
    ALL_ITEMS,
    CLASSIFIER,
    FROZEN,
    HEAD_ONLY,
    JOINT,
    MEDQA_DATA,
    NUM_FOLDS,
    PUBMEDQA_DATA,
    TEXT_ONLY,
    VERBALIZER,
    WORDS,
    Division,
    Made,
    Plan,
    identity,
    make,
)
from measuring import ROOT, estimated, make_parser, record

from eci.arrays import FloatArray, IntArray
from eci.decisions import DecisionSettings, choose_rule
from eci.questions.labels import PUBMEDQA, LabelSet
from eci.statistics.compare import mcnemar_p_value
from eci.statistics.estimates import Estimate, percentile_interval
from eci.statistics.metrics import macro_f1
from eci.statistics.reliability import reliability_report

MADE = RESULTS / "joint_quality.jsonl"
SEEDS = (0, 1, 2)
SIZES = (50, 100, 200)
MIXTURES = ("1", "0+1", "0+3", "0+1+3")
AT_PREDICTION = ("0 > 1", "0+1 > 1", "0+3 > 3")
"""Shots of the training records, and of the test prompts."""
CHEAP = (WORDS, FROZEN)
TEXT_OF_JOINT, STACK = "text of the joint run", "joint head and TF-IDF, mean log-probability"
NOT_RUN = "not run yet"
NUM_RESAMPLES = 2000


def plans() -> list[Plan]:
    """Return all runs, the most telling first."""
    whole = [(way, ALL_ITEMS, "0") for way in CHEAP]
    whole += [(way, ALL_ITEMS, "0") for way in (JOINT, TEXT_ONLY, CLASSIFIER, HEAD_ONLY)]
    sizes = [(way, size, "0") for way in (WORDS, FROZEN, JOINT) for size in SIZES]
    shots = [(JOINT, ALL_ITEMS, text) for text in (*MIXTURES, *AT_PREDICTION)]
    listed = [Plan(PUBMEDQA_DATA, *rest, seed) for rest in whole for seed in SEEDS]
    listed += [Plan(PUBMEDQA_DATA, *rest, seed) for rest in sizes for seed in SEEDS]
    listed += [Plan(PUBMEDQA_DATA, *rest, seed) for seed in SEEDS for rest in shots]
    listed.append(Plan(PUBMEDQA_DATA, VERBALIZER, ALL_ITEMS, "0", 0))
    for way in (FROZEN, VERBALIZER, JOINT):
        listed += [Plan(MEDQA_DATA, way, 0, "0", fold) for fold in range(NUM_FOLDS)]
    return listed


def main() -> None:
    """Make missing runs while there is time, then the page from those there are."""
    parser = make_parser(__doc__, wants_data=True)
    parser.add_argument("--work", type=Path, default=ROOT / ".llamacare" / "joint_quality")
    parser.add_argument("--minutes", type=float, default=0.0, help="no run starts after these")
    parser.add_argument("--only", default="", help="runs whose name begins so")
    parser.add_argument("--list", action="store_true", help="list the runs and their state")
    options = parser.parse_args()
    chosen = [plan for plan in plans() if plan.key.startswith(options.only)]
    if options.list:
        for plan in chosen:
            print("made   " if plan.key in made() else "missing", plan.key)
        return
    until = time.monotonic() + 60 * options.minutes
    for plan in chosen:
        if plan.key not in made() and time.monotonic() < until:
            print(plan.key, file=sys.stderr)
            keep(make(plan, division(plan, options)))
    conditions = {"runs": len(made()), "of": len(plans())}
    record(__file__, figures(options), options, **conditions)


def made() -> dict[str, Made]:
    """Return the runs that were made with the settings of now, by their key."""
    if not MADE.exists():
        return {}
    now = {plan.key: identity(plan) for plan in plans()}
    lines = [json.loads(line) for line in MADE.read_text().splitlines()]
    same = [line for line in lines if line.get("settings") == now.get(line["key"])]
    return {line["key"]: Made(**line) for line in same}


def keep(one: Made) -> None:
    """Append a run to those there are."""
    with MADE.open("a") as file:
        file.write(json.dumps(asdict(one)) + "\n")


def division(plan: Plan, options: argparse.Namespace) -> Division:
    """Return the items of a run."""
    fold = plan.seed if plan.data == MEDQA_DATA else 0
    return _division(plan.data, fold, options.data, options.work)


@cache
def _division(name: str, fold: int, data: Path, work: Path) -> Division:
    return Division(name, fold, Path(data), Path(work).resolve())


class Way:
    """A way to a category, over the seeds or folds that were made of it."""

    def __init__(self, name: str, runs: Sequence[Made], gold: Sequence[IntArray]) -> None:
        self.name, self.runs, self.gold = name, runs, gold

    @property
    def probabilities(self) -> list[FloatArray]:
        """Return those of the test items, one array a run."""
        return [_normalised(run.test) for run in self.runs]

    def losses(self) -> list[FloatArray]:
        """Return the cross-entropy of each item, one array a run."""
        pairs = zip(self.probabilities, self.gold, strict=True)
        return [-np.log(p[np.arange(len(y)), y].clip(1e-4)) for p, y in pairs]

    def by_seed(self) -> dict[str, tuple[Made, IntArray, IntArray]]:
        """Return each run with its labels and the gold labels, by its seed."""
        rows = zip(self.runs, self.labels(), self.gold, strict=True)
        return {run.key.rpartition(" | ")[2]: (run, labels, y) for run, labels, y in rows}

    def labels(self) -> list[IntArray]:
        """Return the most probable label of each item, one array a run."""
        return [p.argmax(1) for p in self.probabilities]

    def weighted(self) -> list[IntArray]:
        """Return the labels at the operating point that other items chose: those held out, and
        those learned from as heads that had not seen them judge them."""
        found = []
        for run, p in zip(self.runs, self.probabilities, strict=True):
            held_out, others = _normalised(run.held_out), None
            if run.learned and run.learned_gold:
                others = (_normalised(run.learned), np.array(run.learned_gold))
            gold, settings = run.held_out_gold, DecisionSettings()
            chosen = choose_rule(held_out, gold, settings, PUBMEDQA, others=others)
            found.append(chosen.decide(p).labels)
        return found


def _normalised(rows: Sequence[Sequence[float]]) -> FloatArray:
    """Return probabilities that were rounded when they were kept, so that they sum to 1 again."""
    p = np.array(rows)
    found: FloatArray = p / p.sum(1, keepdims=True)
    return found


class TextWay(Way):
    """The labels read from the answers; one past the last label where there is none."""

    def __init__(self, runs: Sequence[Made], gold: Sequence[IntArray], labels: LabelSet) -> None:
        super().__init__(TEXT_OF_JOINT, runs, gold)
        self._names = labels.names

    def labels(self) -> list[IntArray]:
        """Return them, one array a run."""
        size = len(self._names)
        return [
            np.array([size if t is None else self._names.index(t) for t in run.text or ()])
            for run in self.runs
        ]


class Decided(Way):
    """A way with the labels that the product decides for: those of its operating point."""

    def __init__(self, way: Way) -> None:
        super().__init__(f"{way.name}, weighted", way.runs, way.gold)

    def labels(self) -> list[IntArray]:
        """Return them, one array a run."""
        return self.weighted()


def figures(options: argparse.Namespace) -> Iterator[Measured]:
    """Yield the figures of all tables."""
    yield from _ways_compared(options)
    yield from _by_size(options)
    yield from _by_shots(options)
    yield from _medqa(options)


def _runs(plan_list: Sequence[Plan]) -> list[Made]:
    there = made()
    return [there[plan.key] for plan in plan_list if plan.key in there]


def _pubmedqa(
    way: str, options: argparse.Namespace, size: int = ALL_ITEMS, shots: str = "0"
) -> Way:
    planned = [Plan(PUBMEDQA_DATA, way, size, shots, seed) for seed in SEEDS]
    runs = _runs(planned)
    y = division(planned[0], options).y if runs else np.array([])
    return Way(way, runs, [y] * len(runs))


def _ways_compared(options: argparse.Namespace) -> Iterator[Measured]:
    joint = _pubmedqa(JOINT, options)
    text = TextWay(joint.runs, joint.gold, PUBMEDQA)
    words = _pubmedqa(WORDS, options)
    others = [_pubmedqa(way, options) for way in (HEAD_ONLY, FROZEN, CLASSIFIER, VERBALIZER)]
    text_only = _pubmedqa(TEXT_ONLY, options)
    trained_text = TextWay(text_only.runs, text_only.gold, PUBMEDQA)
    trained_text.name = TEXT_ONLY
    stack = _stacked(joint, words)
    section = f"PubMedQA, {ALL_ITEMS} items learned, 500 test items, mean of the seeds"
    for way in (joint, text, trained_text, *others, words, stack):
        yield from _scores(way, section, way.name)
    section = "The joint head against the others, paired by item and seed"
    for way in (text, trained_text, *others, words):
        yield from _against(joint, way, section)
    yield from _against(stack, joint, section)
    section = "The same at operating points, which is what the product decides by"
    for way in (text, *(Decided(other) for other in (*others, words))):
        yield from _against(Decided(joint), way, section)


def _stacked(joint: Way, words: Way) -> Way:
    """Return the mean of two ways' log-probabilities; nothing of it is fitted."""
    mine, theirs = joint.by_seed(), words.by_seed()
    runs = []
    for seed in mine.keys() & theirs.keys():
        one, other = mine[seed][0], theirs[seed][0]
        test, held_out = (
            _mean_log(np.array(a), np.array(b))
            for a, b in ((one.test, other.test), (one.held_out, other.held_out))
        )
        runs.append(Made(one.key, test, None, held_out, one.held_out_gold, one.settings))
    return Way(STACK, runs, joint.gold[: len(runs)])


def _mean_log(a: FloatArray, b: FloatArray) -> list[list[float]]:
    mixed = np.sqrt(a.clip(1e-4) * b.clip(1e-4))
    found: list[list[float]] = (mixed / mixed.sum(1, keepdims=True)).tolist()
    return found


def _scores(way: Way, section: str, what: str) -> Iterator[Measured]:
    if not way.runs:
        yield Measured(what, "accuracy", None, section=section, note=NOT_RUN)
        return
    note = "" if len(way.runs) == len(SEEDS) else f"{len(way.runs)} of {len(SEEDS)} seeds"
    labels = way.labels()
    for measure, column in (("accuracy", 0), ("macro-F1", 1)):
        found = _mean_score(labels, way.gold, column)
        yield estimated(what, measure, found, section=section, note=note)
    if isinstance(way, TextWay):
        return
    found = _mean_score(way.weighted(), way.gold, 1)
    yield estimated(what, "macro-F1, weighted", found, section=section)
    pairs = list(zip(way.probabilities, way.gold, strict=True))
    ece = [reliability_report(p, y).ece.value for p, y in pairs]
    yield Measured(what, "ECE", float(np.mean(ece)), "share", section=section)
    yield Measured(what, "cross-entropy", float(np.mean(way.losses())), "nats", section=section)
    for k, label in enumerate(PUBMEDQA.names):
        areas = [area(p[:, k], y == k) for p, y in pairs]
        yield Measured(what, f"AUROC {label}", float(np.mean(areas)), section=section)
    for measure, name, unit in (
        ("training, CPU", "train_seconds", "s"),
        ("energy", "kwh", "kWh"),
        ("CO2 equivalent", "grams", "g"),
    ):
        values = [v for run in way.runs if (v := getattr(run, name)) is not None]
        if values:
            yield Measured(what, measure, float(np.mean(values)), unit, section=section)


def area(scores: FloatArray, is_positive: Any) -> float:
    """Return the area under the ROC curve of one label against the others."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(is_positive, scores))


def _against(joint: Way, other: Way, section: str) -> Iterator[Measured]:
    what = f"{joint.name} against {other.name}"
    of_joint, of_other = joint.by_seed(), other.by_seed()
    shared = sorted(of_joint.keys() & of_other.keys())
    pairs = [(of_joint[seed][1], of_other[seed][1], of_joint[seed][2]) for seed in shared]
    if not pairs:
        yield Measured(what, "accuracy", None, section=section, note=NOT_RUN)
        return
    mine, theirs, gold = (list(column) for column in zip(*pairs, strict=True))
    for measure, column in (("accuracy", 0), ("macro-F1", 1)):
        found = _mean_difference(mine, theirs, gold, column)
        yield estimated(what, measure, found, section=section)
    if not isinstance(joint, Decided) and not isinstance(other, TextWay):
        yield estimated(what, "cross-entropy", _mean_loss(joint, other), "nats", section=section)
    fixed = [int(((a == y) & (b != y)).sum()) for a, b, y in pairs]
    broken = [int(((a != y) & (b == y)).sum()) for a, b, y in pairs]
    yield Measured(what, "fixes", float(np.mean(fixed)), section=section)
    yield Measured(what, "breaks", float(np.mean(broken)), section=section)
    worst = max(mcnemar_p_value(f, b) for f, b in zip(fixed, broken, strict=True))
    yield Measured(
        what, "largest McNemar p", worst, section=section, note=f"seeds {', '.join(shared)}"
    )


def _resampled(n: int) -> IntArray:
    """Return how often each of n items is drawn, ``(resamples, n)``."""
    rng = np.random.default_rng(0)
    return rng.multinomial(n, np.full(n, 1 / n), NUM_RESAMPLES)


def _score(drawn: IntArray, labels: IntArray, gold: IntArray, column: int) -> FloatArray:
    """Return accuracy or macro-F1 of each resample of the items."""
    size = int(gold.max()) + 1
    if column == 0:
        return drawn @ (labels == gold) / drawn.sum(1)  # type: ignore[no-any-return]
    cells = np.zeros((len(gold), size * (size + 1)))
    cells[np.arange(len(gold)), gold * (size + 1) + labels] = 1
    counts = np.rint(drawn @ cells).astype(np.int64)
    return np.asarray(macro_f1(counts.reshape(-1, size, size + 1)))


def _mean_score(labels: Sequence[IntArray], gold: Sequence[IntArray], column: int) -> Estimate:
    """Return the mean over seeds; the interval is that of other items of the same kind."""
    n = len(gold[0])
    all_at_once = np.vstack([np.ones((1, n), dtype=np.int64), _resampled(n)])
    scores = [_score(all_at_once, a, y, column) for a, y in zip(labels, gold, strict=True)]
    return _estimate(np.mean(scores, axis=0), n)


def _mean_difference(
    mine: Sequence[IntArray], theirs: Sequence[IntArray], gold: Sequence[IntArray], column: int
) -> Estimate:
    n = len(gold[0])
    drawn = np.vstack([np.ones((1, n), dtype=np.int64), _resampled(n)])
    found = [
        _score(drawn, a, y, column) - _score(drawn, b, y, column)
        for a, b, y in zip(mine, theirs, gold, strict=True)
    ]
    return _estimate(np.mean(found, axis=0), n)


def _mean_loss(joint: Way, other: Way) -> Estimate:
    """Return how much higher the cross-entropy of one way is than that of another, paired."""
    mine, theirs = (dict(zip(way.by_seed(), way.losses(), strict=True)) for way in (joint, other))
    each = np.mean([mine[seed] - theirs[seed] for seed in mine.keys() & theirs.keys()], axis=0)
    drawn = np.vstack([np.ones((1, len(each)), dtype=np.int64), _resampled(len(each))])
    return _estimate(drawn @ each / len(each), len(each))


def _estimate(scores: FloatArray, n: int) -> Estimate:
    return Estimate(float(scores[0]), n, percentile_interval(scores[1:], 0.95))


def _by_size(options: argparse.Namespace) -> Iterator[Measured]:
    section = "PubMedQA by the number of items learned from"
    for size in (*SIZES, ALL_ITEMS):
        joint = _pubmedqa(JOINT, options, size)
        ways = (joint, TextWay(joint.runs, joint.gold, PUBMEDQA))
        for way in (*ways, _pubmedqa(FROZEN, options, size), _pubmedqa(WORDS, options, size)):
            yield from _short_scores(way, section, f"{way.name}, {size} items")


def _by_shots(options: argparse.Namespace) -> Iterator[Measured]:
    section = "PubMedQA by shots: of the training records > of the test prompts (none: 0)"
    for shots in ("0", *MIXTURES, *AT_PREDICTION):
        joint = _pubmedqa(JOINT, options, ALL_ITEMS, shots)
        yield from _short_scores(joint, section, f"{shots}, head")
        yield from _short_scores(
            TextWay(joint.runs, joint.gold, PUBMEDQA), section, f"{shots}, text"
        )


def _short_scores(way: Way, section: str, what: str) -> Iterator[Measured]:
    kept = ("accuracy", "macro-F1", "macro-F1, weighted")
    yield from (one for one in _scores(way, section, what) if one.measure in kept)


def _medqa(options: argparse.Namespace) -> Iterator[Measured]:
    section = "MedQA-USMLE, five folds, options"
    for way in (FROZEN, VERBALIZER, JOINT):
        planned = [Plan(MEDQA_DATA, way, 0, "0", fold) for fold in range(NUM_FOLDS)]
        pairs = [(run, division(p, options).y) for p in planned for run in _runs([p])]
        if not pairs:
            yield Measured(way, "accuracy", None, section=section, note=NOT_RUN)
            continue
        hits = np.concatenate([np.array(run.test).argmax(1) == y for run, y in pairs])
        drawn = _resampled(len(hits)) @ hits / len(hits)
        found = Estimate(float(hits.mean()), len(hits), percentile_interval(drawn, 0.95))
        note = f"{len(pairs)} of {NUM_FOLDS} folds"
        yield estimated(way, "accuracy", found, section=section, note=note)


if __name__ == "__main__":
    main()
