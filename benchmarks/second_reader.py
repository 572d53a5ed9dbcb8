"""Which answers of another model are right, what may be accepted unseen, and what reviews find?

    python benchmarks/second_reader.py                     (the full run)
    python benchmarks/second_reader.py --splits 20 --seeds 3   (a short one)

QwQ-32B (reasoning) and gpt-4o-mini (bare letters) on PubMedQA's official 500 test questions. The
label that the answer's authors read is judged by the gold label. The category head is that of the
bundled model, fitted on the 500 training questions. Every answer is scored by heads fitted without
it. States of the bundled model are computed once (minutes) and kept in the work folder.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from history import RESULTS, Measured
from loop_chart import draw_loop
from measuring import ROOT, estimated, make_parser, peak_rss, record
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from eci.answers.cues import CUES, ITEM_CUES
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
from eci.model.early_exit import (
    choose_threshold,
    cross_predict_steps,
    predict_steps,
    read_steps,
    stop,
)
from eci.model.head_fit import cross_validate, fit_head
from eci.questions.labels import PUBMEDQA
from eci.questions.prompts import Question
from eci.statistics.acceptance import certify
from eci.statistics.calibration import TemperatureScaling, out_of_fold
from eci.statistics.reliability import NUM_BINS
from eci.statistics.selective import area_under_roc
from training.head.second_reader import CHARACTERS_A_SECOND, FIXED_SECONDS
from training.settings.training import get_preset

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
RIGHT: Final = "Is the answer right?"
ALONG: Final = "Reasoning read along the way, stopped where its label is predicted"
CHART: Final = RESULTS / "second_reader.svg"
ANSWER_WORDS: Final = 150
"""Of a long answer the last ones are read by the local model."""


_curves: dict[str, dict[str, FloatArray]] = {}
"""By model and way: the accuracy of what goes out, ``(seeds, rounds + 1)``; for the chart."""


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


def main() -> None:
    """Measure every part for both models and record the figures."""
    parser = make_parser(__doc__, wants_data=True)
    parser.add_argument("--splits", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument(
        "--states", action="store_true", help="with states of the bundled model, some minutes more"
    )
    parser.add_argument("--work", type=Path, default=ROOT / ".llamacare" / "second_reader")
    parser.add_argument("--answers", type=int, default=20_000, help="for the part scale")
    parts = {
        "auroc": measure_auroc,
        "along": measure_along,
        "certified": measure_certified,
        "yield": measure_yield,
        "loop": measure_loop,
        "scale": measure_scale,
    }
    parser.add_argument("--part", choices=tuple(parts), default=None)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    figures: list[Measured] = []
    for name, measure in parts.items():
        if options.part in (None, name):
            for model in FILES:
                figures += measure(model, options)
    if _curves and not options.dry_run:
        CHART.write_text(draw_loop(_curves, BATCH), "utf-8")
    record(__file__, figures, options, is_partial=options.part is not None)


def load(
    options: argparse.Namespace,
    model: str,
    *,
    with_others: bool = False,
    kinds: Sequence[str] = ("cues", "head", "words"),
) -> Answers:
    """Read the answers of a model with the evidence of these kinds: cues, head, words."""
    answers = _all_evidence(options.data, options.work, model)
    evidence = answers.evidence
    wanted = {
        *((*CUES, *ITEM_CUES, *(f"label_{name}" for name in PUBMEDQA.names)) * ("cues" in kinds)),
        *(("head_label", "head_top", "head_agrees") * ("head" in kinds)),
        *(("agreeing",) * with_others),
    }
    kept = [place for place, name in enumerate(evidence.names) if name in wanted]
    names = tuple(evidence.names[place] for place in kept)
    texts = evidence.texts if "words" in kinds else ("",) * len(evidence.texts)
    return replace(answers, evidence=Evidence(names, evidence.numbers[:, kept], texts))


@cache
def _answered(data: Path, work: Path, model: str) -> tuple[AnsweredItem, ...]:
    items, head = _items(data), _category_head(data, work)
    answers, others = (_read(data, name) for name in (model, FILES[model]))
    return tuple(
        AnsweredItem(
            text,
            label,
            read_answer(text, PUBMEDQA, LETTERS).form if text else "bare",
            PUBMEDQA,
            LETTERS,
            head=head[key],
            agreeing=float(others[key][1] == label),
            question=items[key]["QUESTION"],
            context=items[key]["CONTEXTS"],
        )
        for key, (text, label) in answers.items()
    )


@cache
def _all_evidence(data: Path, work: Path, model: str) -> Answers:
    items, answers, head = _items(data), _read(data, model), _category_head(data, work)
    keys = list(answers)
    labels, gold, annotated = (
        np.array([PUBMEDQA.names.index(name) for name in names])
        for names in (
            [label for _, label in answers.values()],
            [items[key]["final_decision"] for key in keys],
            [items[key]["reasoning_free_pred"] for key in keys],
        )
    )
    characters = np.array(
        [
            len(items[key]["QUESTION"]) + sum(map(len, items[key]["CONTEXTS"])) + len(text)
            for key, (text, _) in answers.items()
        ]
    )
    return Answers(
        gather(_answered(data, work, model)),
        labels == gold,
        labels == annotated,
        annotated,
        labels,
        gold,
        (FIXED_SECONDS + characters / CHARACTERS_A_SECOND) / 60,
        np.array([head[key] for key in keys])[np.arange(len(keys)), labels],
    )


@cache
def _items(data: Path) -> dict[str, dict[str, Any]]:
    items: dict[str, dict[str, Any]] = json.loads((data / "pubmedqa" / "ori_pqal.json").read_text())
    return items


def _states(work: Path, name: str, questions: Sequence[Question]) -> tuple[Float32Array, ...]:
    """Return states and scores of the bundled model, computed once and kept in the work folder."""
    path = work / f"{name}.npz"
    if not path.exists():
        from db.paths import models_dir
        from eci.model.base_model import DEFAULT_BASE, load_base
        from eci.model.eci_model import build
        from eci.model.features import stack

        chosen = get_preset("pubmedqa").settings
        base = load_base(DEFAULT_BASE, models_dir())
        local = build(
            base,
            pooling=chosen.head.pooling,
            uses_scores=chosen.head.scores,
            prompts=chosen.model.prompts,
        )
        states, scores = stack(local.features(questions))
        np.savez(path, states=states, scores=scores)
    with np.load(path) as kept:
        return kept["states"], kept["scores"]


def _answer_states(options: argparse.Namespace, model: str) -> Float32Array:
    """Return states of the bundled model for question, last section and answer, ``(n, d)``.

    The answer's last words take the place of the last section, which the preset's prompt keeps.
    """
    items, questions = _items(options.data), []
    for key, (text, label) in _read(options.data, model).items():
        answer = " ".join((text or label).split()[-ANSWER_WORDS:])
        sections = (("RESULTS", items[key]["CONTEXTS"][-1]), ("ANSWER", f"{answer} ({label})"))
        questions.append(Question(items[key]["QUESTION"], sections, PUBMEDQA, key))
    states, _ = _states(options.work, f"answers-{model}", questions)
    return states.reshape(len(states), -1)


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


@cache
def _category_head(data: Path, work: Path) -> dict[str, list[float]]:
    """Return each test question's label probabilities, by a head on states of the bundled model.

    Fitted, tuned and calibrated on the 500 training questions, as in the app.
    """
    items = _items(data)
    test = json.loads((data / "pubmedqa" / "test_ground_truth.json").read_text())
    keys = [*(key for key in items if key not in test), *test]
    questions = [
        Question(
            items[key]["QUESTION"],
            tuple(zip(items[key]["LABELS"], items[key]["CONTEXTS"], strict=True)),
            PUBMEDQA,
            key,
        )
        for key in keys
    ]
    states, scores = _states(work, "questions", questions)
    size = len(keys) - len(test)
    gold = np.array([PUBMEDQA.names.index(items[key]["final_decision"]) for key in keys[:size]])
    known = (states[:size], scores[:size])
    found = cross_validate(*known, gold, is_options=False, folds=out_of_fold(gold))
    head = fit_head(*known, gold, is_options=False, l2=found.l2)
    scaling = TemperatureScaling.fit(found.logits, gold)
    given = scaling.transform(head.logits(states[size:], scores[size:]))
    return dict(zip(keys[size:], given.tolist(), strict=True))


WAYS: Final[dict[str, dict[str, Any]]] = {
    "cues of answer and item": {"kinds": ("cues",)},
    "cues and category head": {"kinds": ("cues", "head")},
    "correctness head": {"kinds": ("cues", "head", "words")},
    "with the other model's label": {"kinds": ("cues", "head", "words"), "with_others": True},
}
WORDS: Final = "bag of words of the answer"
GOALS: Final = {"QwQ-32B": 0.75, "gpt-4o-mini": 0.65}
GOALS_COVERED: Final = {("QwQ-32B", 340, 0.2): 0.5, ("QwQ-32B", 340, 0.15): 0.25}
SAVED: Final = 0.2
REVIEWED: Final = 1000


def measure_auroc(model: str, options: argparse.Namespace) -> Iterator[Measured]:
    """Measure how well each way tells right from wrong answers, nested cross-validation."""
    whole = load(options, model)
    right, seeds = whole.right, range(min(options.seeds, 5))
    scores = {
        way: np.mean([_nested(load(options, model, **given), seed) for seed in seeds], axis=0)
        for way, given in WAYS.items()
    }
    is_bare = not any(whole.evidence.texts)
    if not is_bare:
        scores[WORDS] = np.mean([_words(whole, seed) for seed in seeds], axis=0)
    if options.states:
        states = replace(whole.evidence, states=_answer_states(options, model))
        scores["with states of the answer"] = _nested(replace(whole, evidence=states), 0)
    for way, found in scores.items():
        goal = GOALS[model] if way == "correctness head" else None
        area = area_under_roc(found, right)
        yield estimated(f"{model}: {way}", "AUROC", area, "", at_least=goal, section=RIGHT)
    base = "cues of answer and item" if is_bare else WORDS
    for way in ("correctness head", "with the other model's label"):
        low, high, value = _difference(scores[way], scores[base], right)
        yield Measured(
            f"{model}: {way} less {base}", "difference of AUROC", value, "", len(right),
            low=low, high=high, section=RIGHT,
        )  # fmt: skip
    given = _calibration_error(_nested(whole, 0), right)
    yield Measured(f"{model}: correctness head", "ECE", given, "share", len(right), section=RIGHT)


def _words(answers: Answers, seed: int) -> FloatArray:
    """Return scores of a plain classifier of words, the one to beat; cross-fitted as well."""
    texts, found = np.array(answers.evidence.texts), np.empty(len(answers.right))
    for fold in out_of_fold(answers.right, num_folds=NUM_FOLDS, seed=seed):
        words = TfidfVectorizer(ngram_range=(1, 2), min_df=3, sublinear_tf=True)
        model = make_pipeline(words, LogisticRegression(C=0.3))  # the best of 0.1, 0.3 and 1
        model.fit(texts[fold.train], answers.right[fold.train])
        found[fold.held_out] = model.decision_function(texts[fold.held_out])
    return found


def measure_along(model: str, options: argparse.Namespace) -> Iterator[Measured]:
    """Measure the words that reading along saves, and what it costs; nested cross-validation."""
    answers = load(options, model)
    if not any(answers.evidence.texts):
        return
    texts, head = answers.evidence.texts, _category_head(options.data, options.work)
    prior = [head[key] for key in _read(options.data, model)]
    steps = read_steps(texts, PUBMEDQA, LETTERS, prior)
    num_words = np.array([len(text.split()) for text in texts])
    saved, lost, kept = (np.zeros((len(texts), 0)) for _ in range(3))
    for seed in range(min(options.seeds, 3)):
        labels, share = answers.labels.copy(), np.ones(len(texts))
        for fold in out_of_fold(answers.labels, num_folds=NUM_FOLDS, seed=seed):
            inner = cross_predict_steps(steps, answers.labels, fold.train, 3, seed=seed)
            threshold = choose_threshold(steps, inner, answers.labels, fold.train)
            given = predict_steps(steps, np.isin(steps.owner, fold.train), answers.labels, 3)
            found = stop(steps, given, answers.labels, threshold)
            labels[fold.held_out], share[fold.held_out] = (one[fold.held_out] for one in found)
        right = (labels == answers.gold).astype(float)
        saved = np.column_stack([saved, (1 - share) * num_words / num_words.mean()])
        lost = np.column_stack([lost, right - answers.right])
        kept = np.column_stack([kept, labels == answers.labels])
    for measure, values, goal in (
        ("words saved", saved, SAVED),
        ("change of accuracy", lost, None),
        ("label kept", kept, None),
    ):
        low, high = _interval_of_mean(values.mean(1))
        yield Measured(
            f"{model}: stopped early", measure, float(values.mean()), "share", len(texts),
            low=low, high=high, at_least=goal, section=ALONG,
        )  # fmt: skip


def _interval_of_mean(values: FloatArray) -> tuple[float, float]:
    rng = np.random.default_rng(0)
    means = [values[rng.integers(len(values), size=len(values))].mean() for _ in range(1000)]
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def _nested(answers: Answers, seed: int) -> FloatArray:
    """Return probabilities of heads that were fitted, tuned and calibrated without the answer."""
    found = np.empty(len(answers.right))
    for fold in out_of_fold(answers.right, num_folds=NUM_FOLDS, seed=seed):
        found[fold.held_out] = _fit(answers, fold.train, answers.right).probabilities[fold.held_out]
    return found


def _fit(answers: Answers, rows: IntArray, findings: BoolArray, seed: int = 0) -> FittedCorrectness:
    groups = [str(row) for row in rows]  # no PubMedQA question repeats another
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
    answers = load(options, model, with_others=model in WITH_OTHERS)
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
    answers = load(options, model, with_others=model in WITH_OTHERS)
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
    answers = load(options, model, with_others=model in WITH_OTHERS)
    section = f"{model}: rounds of {BATCH} reviews by the annotator who saw the conclusion"
    measures = ("accuracy of what goes out", "reviewed, or at 10 % risk", "minutes", "errors found")
    replays = {
        way: np.array([_replay(answers, way, seed) for seed in range(options.seeds)])
        for way in WAYS_OF_LOOP
    }
    _curves[model] = {way: runs[:, :, 0] for way, runs in replays.items()}
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


def measure_scale(model: str, options: argparse.Namespace) -> Iterator[Measured]:
    """Measure the fit of many answers with reasoning: the 500, as often as it takes."""
    if model != "QwQ-32B":
        return
    given = _answered(options.data, options.work, model)
    many = [given[row % len(given)] for row in range(options.answers)]
    right = load(options, model).right
    rows = np.random.default_rng(0).permutation(len(many))[:REVIEWED]
    begun = time.process_time()
    evidence = gather(many)
    gathered = time.process_time()
    same = rows % len(given)
    fit_correctness(evidence, rows, right[same], [str(row) for row in same])
    section = f"{len(many):,} answers of about 250 words, {REVIEWED:,} of them reviewed"
    for what, value, unit in (
        ("evidence of all", gathered - begun, "s"),
        ("words, fit and scores of all", time.process_time() - gathered, "s"),
        ("most memory of the process", peak_rss() / 2**30, "GiB"),
    ):
        yield Measured(what, "processor, memory", value, unit, len(many), section=section)


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
