"""Which answers of another model are right, what may be accepted unseen, and what reviews find?

    python benchmarks/second_reader.py                     (the full run)
    python benchmarks/second_reader.py --splits 20 --seeds 3   (a short one)

QwQ-32B (reasoning) and gpt-4o-mini (bare letters) on PubMedQA's official 500 test questions. The
label that the answer's authors read is judged by the gold label. The category head is a classifier
of words fitted on the 500 training questions. Every answer is scored by heads fitted without it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from history import RESULTS, Measured
from measuring import make_parser, record
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from eci.answers.reader import read_answer
from eci.arrays import BoolArray, Float32Array, FloatArray, IntArray
from eci.model.correctness import (
    AnsweredItem,
    Evidence,
    FittedCorrectness,
    fit_correctness,
    gather,
    is_enough,
)
from eci.questions.labels import PUBMEDQA
from eci.questions.prompts import Question
from eci.statistics.acceptance import certify
from eci.statistics.calibration import out_of_fold
from eci.statistics.reliability import NUM_BINS
from eci.statistics.selective import area_under_roc
from training.head.second_reader import CHARACTERS_A_SECOND, FIXED_SECONDS

FILES: Final = {"QwQ-32B": "gpt-4o-mini", "gpt-4o-mini": "QwQ-32B"}
"""Each model, and the one whose answers it is compared with."""
WITH_OTHERS: Final = ("gpt-4o-mini",)
"""Bare letters: certificates, yield and loop use the other model's label too."""
LETTERS: Final = {"yes": ["A"], "no": ["B"], "maybe": ["C"]}
NUM_FOLDS: Final = 5
LEVEL: Final = 0.9
ROUNDS: Final = 10
BATCH: Final = 25
FIRST: Final = 50
"""Random reviews before reviews in order can begin: what the yield is measured with."""
BUDGET: Final = 0.25
"""Share of the time of all remaining reviews for which the yield is measured."""
TARGET_RISK: Final = 0.1
WAYS_OF_LOOP: Final = ("prioritised", "random", "no learning")
CHART: Final = RESULTS / "second_reader.svg"
ANSWER_WORDS: Final = 150
"""Of a long answer the last ones are read by the local model."""


@dataclass(frozen=True, eq=False)
class Answers:
    """The answers of one model: evidence, whether right, and what a review of each takes.

    Attributes:
        reviewer: Whether the answer is right by the released annotator who saw the conclusion.
        annotated: That annotator's label, by position.
        labels: The model's, by position.
        gold: Position of the gold label.
        minutes: Expected time of a review.
    """

    evidence: Evidence
    right: BoolArray
    reviewer: BoolArray
    annotated: IntArray
    labels: IntArray
    gold: IntArray
    minutes: FloatArray
    prior: FloatArray

    @property
    def groups(self) -> list[str]:
        """Return a group for each answer: no PubMedQA question repeats another."""
        return [str(number) for number in range(len(self.right))]


def main() -> None:
    """Measure every part for both models and record the figures."""
    parser = make_parser(__doc__, wants_data=True)
    parser.add_argument("--splits", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument(
        "--states", action="store_true", help="with states of the bundled model, some minutes more"
    )
    parser.add_argument("--part", choices=("auroc", "certified", "yield", "loop"), default=None)
    options = parser.parse_args()
    parts = {
        "auroc": measure_auroc,
        "certified": measure_certified,
        "yield": measure_yield,
        "loop": measure_loop,
    }
    figures: list[Measured] = []
    for name, measure in parts.items():
        if options.part in (None, name):
            for model in FILES:
                figures += measure(model, options)
    record(__file__, figures, options, is_partial=options.part is not None)


def load(
    data: Path,
    model: str,
    *,
    with_others: bool = False,
    kinds: Sequence[str] = ("cues", "head", "words"),
) -> Answers:
    """Read the answers of a model with the evidence of these kinds: cues, head, words."""
    items = json.loads((data / "pubmedqa" / "ori_pqal.json").read_text())
    answers, others = (_read(data, name) for name in (model, FILES[model]))
    head = _category_head(data, items, list(answers))
    place = {label: number for number, label in enumerate(PUBMEDQA.names)}
    made = []
    for key, (text, label) in answers.items():
        form = read_answer(text, PUBMEDQA, LETTERS).form if text else "bare"
        agrees = float(others[key][1] == label) if with_others else None
        probabilities = head[key] if "head" in kinds else None
        made.append(
            AnsweredItem(text, label, form, PUBMEDQA, LETTERS, head=probabilities, agreeing=agrees)
        )
    evidence = gather(made)
    if "cues" not in kinds:
        evidence = Evidence((), np.zeros((len(made), 0)), evidence.texts)
    if "words" not in kinds:
        evidence = replace(evidence, texts=("",) * len(made))
    keys = list(answers)
    labels = np.array([place[label] for _, label in answers.values()])
    gold = np.array([place[items[key]["final_decision"]] for key in keys])
    annotated = np.array([place[items[key]["reasoning_free_pred"]] for key in keys])
    characters = np.array(
        [
            len(items[key]["QUESTION"]) + sum(map(len, items[key]["CONTEXTS"])) + len(text)
            for key, (text, _) in answers.items()
        ]
    )
    return Answers(
        evidence,
        labels == gold,
        labels == annotated,
        annotated,
        labels,
        gold,
        (FIXED_SECONDS + characters / CHARACTERS_A_SECOND) / 60,
        np.array([head[key][place[label]] for key, (_, label) in answers.items()]),
    )


def _local_states(data: Path, model: str) -> Float32Array:
    """Return states of the bundled model for question, last section and answer, ``(n, d)``.

    The answer's last words take the place of a section; the head's pooling is the default one, and
    the model's own scores of the labels are among the numbers.
    """
    from db.paths import models_dir
    from eci.model.base_model import DEFAULT_BASE
    from eci.model.eci_model import EciModel
    from eci.model.features import stack

    items = json.loads((data / "pubmedqa" / "ori_pqal.json").read_text())
    questions = []
    for key, (text, label) in _read(data, model).items():
        answer = " ".join((text or label).split()[-ANSWER_WORDS:])
        sections = (("RESULTS", items[key]["CONTEXTS"][-1]), ("ANSWER", f"{answer} ({label})"))
        questions.append(Question(items[key]["QUESTION"], sections, PUBMEDQA, key))
    local = EciModel.load(DEFAULT_BASE, models_dir())
    states, scores = stack(local.features(questions))
    return np.hstack([states.reshape(len(states), -1), scores])


def _read(data: Path, model: str) -> dict[str, tuple[str, str]]:
    """Return text and label of each answer by its question's number."""
    path = data / "model_answers" / f"{model}-pubmedqa-test-zero_shot.json"
    return {
        str(row["realidx"]): (
            row.get("completion") or "",
            row["options"][row["predicted_answer"]],
        )
        for row in json.loads(path.read_text())
    }


def _category_head(
    data: Path, items: dict[str, dict[str, object]], keys: Sequence[str]
) -> dict[str, list[float]]:
    """Return each question's label probabilities, from words of the 500 training questions."""
    test = json.loads((data / "pubmedqa" / "test_ground_truth.json").read_text())
    train = [key for key in items if key not in test]
    texts = {key: " ".join([items[key]["QUESTION"], *items[key]["CONTEXTS"]]) for key in items}  # type: ignore[list-item, misc]
    words = TfidfVectorizer(ngram_range=(1, 2), min_df=3, sublinear_tf=True)
    model = make_pipeline(words, LogisticRegression(C=3, max_iter=300))
    model.fit([texts[key] for key in train], [items[key]["final_decision"] for key in train])
    found = model.predict_proba([texts[key] for key in keys])
    columns = [list(model.classes_).index(label) for label in PUBMEDQA.names]
    return dict(zip(keys, found[:, columns].tolist(), strict=True))


WAYS: Final = {
    "words of the answer alone": {"kinds": ("words",)},
    "cues of the text alone": {"kinds": ("cues",)},
    "cues and category head": {"kinds": ("cues", "head")},
    "correctness head": {"kinds": ("cues", "head", "words")},
    "with the other model's label": {"kinds": ("cues", "head", "words"), "with_others": True},
}
GOALS: Final = {"QwQ-32B": 0.75, "gpt-4o-mini": 0.65}

GOALS_COVERED: Final = {("QwQ-32B", 340, 0.2): 0.5, ("QwQ-32B", 340, 0.15): 0.25}


def measure_auroc(model: str, options: argparse.Namespace) -> Iterator[Measured]:
    """Measure how well each way tells right from wrong answers, nested cross-validation."""
    scores: dict[str, FloatArray] = {}
    right: BoolArray = np.zeros(0, np.bool_)
    for way, given in WAYS.items():
        answers = load(options.data, model, **given)  # type: ignore[arg-type]
        right = answers.right
        if given["kinds"] == ("words",) and not any(answers.evidence.texts):
            continue  # bare answers have no words
        scores[way] = np.array([_nested(answers, seed) for seed in range(min(options.seeds, 5))])
        found = area_under_roc(scores[way].mean(0), right)
        assert found.interval is not None
        yield Measured(
            f"{model}: {way}",
            "AUROC",
            found.value,
            n=found.n,
            low=found.interval.low,
            high=found.interval.high,
            at_least=GOALS[model] if way == "correctness head" else None,
            section="Is the answer right?",
        )
    if options.states:
        answers = load(options.data, model)
        evidence = replace(answers.evidence, states=_local_states(options.data, model))
        answers = replace(answers, evidence=evidence)
        found = area_under_roc(_nested(answers, 0), right)
        assert found.interval is not None
        yield Measured(
            f"{model}: with states of the bundled model",
            "AUROC",
            found.value,
            n=found.n,
            low=found.interval.low,
            high=found.interval.high,
            section="Is the answer right?",
        )
    base = "words of the answer alone" if model == "QwQ-32B" else "cues and category head"
    for way in ("correctness head", "with the other model's label"):
        low, high, value = _difference(scores[way].mean(0), scores[base].mean(0), right)
        yield Measured(
            f"{model}: {way} less {base}",
            "difference of AUROC",
            value,
            n=len(right),
            low=low,
            high=high,
            section="Is the answer right?",
        )
    given = scores["correctness head"][0]
    yield Measured(
        f"{model}: correctness head",
        "ECE",
        _calibration_error(given, right),
        "share",
        n=len(right),
        section="Is the answer right?",
    )


def _nested(answers: Answers, seed: int) -> FloatArray:
    """Return probabilities of heads that were fitted, tuned and calibrated without the answer."""
    found = np.empty(len(answers.right))
    for fold in out_of_fold(answers.right, num_folds=NUM_FOLDS, seed=seed):
        found[fold.held_out] = _fit(answers, fold.train, answers.right).probabilities[fold.held_out]
    return found


def _fit(answers: Answers, rows: IntArray, findings: BoolArray, seed: int = 0) -> FittedCorrectness:
    groups = [answers.groups[row] for row in rows]
    return fit_correctness(answers.evidence, rows, findings[rows], groups, seed=seed)


def _difference(one: FloatArray, other: FloatArray, right: BoolArray) -> tuple[float, float, float]:
    """Return interval and value of the difference of two areas, resampling items."""
    rng = np.random.default_rng(0)
    value = _area(one, right) - _area(other, right)
    found = []
    for _ in range(1000):
        rows = rng.integers(len(right), size=len(right))
        found.append(_area(one[rows], right[rows]) - _area(other[rows], right[rows]))
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high), value


def _area(scores: FloatArray, right: BoolArray) -> float:
    order = np.argsort(np.argsort(scores))
    wins = order[right].sum() - right.sum() * (right.sum() - 1) / 2
    return float(wins / (right.sum() * (~right).sum()))


def _calibration_error(given: FloatArray, right: BoolArray) -> float:
    bins = np.minimum((given * NUM_BINS).astype(int), NUM_BINS - 1)
    gaps = [
        abs(given[bins == b].mean() - right[bins == b].mean()) * (bins == b).mean()
        for b in np.unique(bins)
    ]
    return float(sum(gaps))


def measure_certified(model: str, options: argparse.Namespace) -> Iterator[Measured]:
    """Measure what is certified on random splits, and how often the promise is broken."""
    answers = load(options.data, model, with_others=model in WITH_OTHERS)
    total = len(answers.right)
    for num_reviewed in (340, total // 2):
        found = {risk: np.zeros((options.splits, 2)) for risk in (0.2, 0.15, 0.1)}
        for split in range(options.splits):
            drawn = np.random.default_rng(split).permutation(total)
            on, out = drawn[:num_reviewed], drawn[num_reviewed:]
            given = _fit(answers, on, answers.right, split).probabilities
            for risk, rows in found.items():
                one = certify(given[on], answers.right[on], given[out], risk=risk, level=LEVEL)
                taken = given[out] >= (2 if one.threshold is None else one.threshold)
                wrong = (~answers.right[out][taken]).mean() if taken.any() else 0.0
                rows[split] = taken.mean(), wrong
        for risk, rows in found.items():
            what = f"{model}: {num_reviewed} reviewed, risk {risk:.0%}"
            goal = GOALS_COVERED.get((model, num_reviewed, risk))
            yield from _certified(what, rows, risk, goal)


def _certified(what: str, rows: FloatArray, risk: float, goal: float | None) -> Iterator[Measured]:
    section, n = f"Accepted without a look, level {LEVEL:.0%}", len(rows)
    covered, wrong = rows.T
    low, high = np.quantile(covered, [0.025, 0.975])
    broken = float((wrong > risk + 1e-9).mean())
    accepted = wrong[covered > 0]
    mean = float(accepted.mean()) if len(accepted) else None
    note = "" if len(accepted) else "nothing was accepted"
    yield Measured(
        what, "coverage of the rest", float(covered.mean()), "share", n,
        low=float(low), high=float(high), at_least=goal, section=section,
    )  # fmt: skip
    yield Measured(what, "realised risk", mean, "share", len(accepted), section=section, note=note)
    yield Measured(
        what, "splits over the risk", broken, "share", n, at_most=round(1 - LEVEL, 3),
        section=section,
    )  # fmt: skip


def measure_yield(model: str, options: argparse.Namespace) -> Iterator[Measured]:
    """Measure the errors found a minute, by expected errors a minute against random order."""
    answers = load(options.data, model, with_others=model in WITH_OTHERS)
    ratios, rates = [], {"prioritised": [], "random": []}
    for split in range(options.splits):
        rng = np.random.default_rng(split)
        drawn = rng.permutation(len(answers.right))
        on, rest = drawn[:150], drawn[150:]
        given = _fit(answers, on, answers.right, split).probabilities
        value = (1 - given[rest]) / answers.minutes[rest]
        found = {
            "prioritised": _rate(answers, rest[np.argsort(-value, kind="stable")]),
            "random": float((~answers.right[rest]).sum() / answers.minutes[rest].sum()),
        }
        for way, rate in found.items():
            rates[way].append(rate)
        ratios.append(found["prioritised"] / found["random"])
    section = f"Errors found in the first {BUDGET:.0%} of the time, 150 reviews before"
    for way, found_rates in rates.items():
        low, high = np.quantile(found_rates, [0.025, 0.975])
        yield Measured(
            f"{model}: {way}", "errors a minute", float(np.mean(found_rates)), "", len(found_rates),
            low=float(low), high=float(high), section=section,
        )  # fmt: skip
    low, high = np.quantile(ratios, [0.025, 0.975])
    yield Measured(
        f"{model}: prioritised over random", "times", float(np.mean(ratios)), "", len(ratios),
        low=float(low), high=float(high), at_least=1.8, section=section,
    )  # fmt: skip


def _rate(answers: Answers, order: IntArray) -> float:
    """Return the errors a minute that reviews in an order find within the budget."""
    spent = np.cumsum(answers.minutes[order])
    within = spent <= BUDGET * spent[-1]
    return float((~answers.right[order][within]).sum() / spent[within][-1])


def measure_loop(model: str, options: argparse.Namespace) -> Iterator[Measured]:
    """Replay rounds of corrections: what goes out, how much is safe, and the minutes spent."""
    answers = load(options.data, model, with_others=model in WITH_OTHERS)
    section = f"{model}: rounds of {BATCH} reviews by the annotator who saw the conclusion"
    measures = ("accuracy of what goes out", "reviewed, or at 10 % risk", "minutes", "errors found")
    replays = {
        way: np.array([_replay(answers, way, seed) for seed in range(options.seeds)])
        for way in WAYS_OF_LOOP
    }
    if not options.dry_run and options.part is None and model == "QwQ-32B":
        draw_loop({way: runs[:, :, 0] for way, runs in replays.items()}, CHART)
    for way, runs in replays.items():
        for number in (0, 2, 5, ROUNDS):
            for column, measure in enumerate(measures):
                values = runs[:, number, column]
                low, high = np.quantile(values, [0.025, 0.975])
                yield Measured(
                    f"{way}, after {number * BATCH} reviews", measure, float(values.mean()),
                    "share" if column < 2 else "", len(values),
                    low=float(low), high=float(high), section=section,
                )  # fmt: skip


def draw_loop(curves: Mapping[str, FloatArray], path: Path) -> None:
    """Draw the accuracy of what goes out over the reviews, means and 95 % of the seeds, as SVG.

    Args:
        curves: By way, shape ``(seeds, rounds + 1)``.
        path: Where to write.
    """
    width, height, left, top = 640, 340, 60, 40
    every = np.concatenate([one.ravel() for one in curves.values()])
    low, high = np.floor(every.min() * 20) / 20, np.ceil(every.max() * 20) / 20

    def place(number: float, value: float) -> str:
        x = left + (width - left - 130) * number / ROUNDS
        return f"{x:.1f},{top + (height - top - 50) * (high - value) / (high - low):.1f}"

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="13" fill="#333">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<text x="{left}" y="20">Accuracy of what goes out, QwQ-32B on PubMedQA</text>',
        f'<text x="{left}" y="{height - 8}">Reviews (mean and 95 % of the seeds)</text>',
    ]
    for value in np.arange(low, high + 1e-9, 0.05):
        x, y = place(0, value).split(",")
        parts.append(f'<text x="{left - 8}" y="{y}" text-anchor="end">{value:.0%}</text>')
        parts.append(f'<path d="M{x} {y}H{width - 130}" stroke="#ddd"/>')
    for number in range(0, ROUNDS + 1, 2):
        x = place(number, low).split(",")[0]
        parts.append(
            f'<text x="{x}" y="{height - 28}" text-anchor="middle">{number * BATCH}</text>'
        )
    for (way, runs), color in zip(curves.items(), ("#00795c", "#6b6b6b", "#a35200"), strict=True):
        ends = np.quantile(runs, [0.025, 0.975], axis=0)
        band = [place(n, v) for n, v in enumerate(ends[0])]
        band += [place(n, v) for n, v in reversed(list(enumerate(ends[1])))]
        line = " ".join(place(n, v) for n, v in enumerate(runs.mean(0)))
        x, y = place(ROUNDS, runs.mean(0)[-1]).split(",")
        parts.append(f'<polygon points="{" ".join(band)}" fill="{color}" opacity="0.12"/>')
        parts.append(f'<polyline points="{line}" fill="none" stroke="{color}" stroke-width="2.5"/>')
        parts.append(f'<text x="{float(x) + 6:.1f}" y="{y}" fill="{color}">{way}</text>')
    path.write_text("\n".join([*parts, "</svg>", ""]), "utf-8")


def _replay(answers: Answers, way: str, seed: int) -> npt.NDArray[np.float64]:
    """Return accuracy, coverage, minutes and errors found after each round, ``(rounds + 1, 4)``.

    Reviewed answers go out with the annotator's label. The first round is drawn at random for all.
    Without learning, the category head orders the answers.
    """
    rng = np.random.default_rng(seed)
    total = len(answers.right)
    reviewed = np.zeros(total, np.bool_)
    score = answers.prior
    rows = []
    for number in range(ROUNDS + 1):
        rows.append(_outcome(answers, reviewed, score))
        if number == ROUNDS:
            break
        left = np.flatnonzero(~reviewed)
        if way == "random":
            chosen = rng.permutation(left)[:BATCH]
        else:
            value = (1 - score[left]) / answers.minutes[left]
            noise = rng.random(len(left)) * 1e-9
            chosen = left[np.argsort(-(value + noise))[:BATCH]]
            if number == 0:
                chosen = rng.permutation(left)[:BATCH]  # the same start for all
        reviewed[chosen] = True
        on = np.flatnonzero(reviewed)
        if way != "no learning" and is_enough(answers.reviewer[on], [str(row) for row in on]):
            score = _fit(answers, on, answers.reviewer, seed).probabilities
    return np.array(rows)


def _outcome(answers: Answers, reviewed: BoolArray, score: FloatArray) -> tuple[float, ...]:
    out = np.where(reviewed, answers.annotated, answers.labels)
    is_right = out == answers.gold
    left = np.flatnonzero(~reviewed)
    order = left[np.argsort(-score[left], kind="stable")]
    errors = np.cumsum(~is_right[order]) / np.arange(1, len(order) + 1)
    safe = np.flatnonzero(errors <= TARGET_RISK)
    covered = int(reviewed.sum()) + (int(safe[-1]) + 1 if len(safe) else 0)
    return (
        float(is_right.mean()),
        covered / len(reviewed),
        float(answers.minutes[reviewed].sum()),
        float((~answers.right[reviewed]).sum()),
    )


if __name__ == "__main__":
    main()
