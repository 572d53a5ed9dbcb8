"""The ways to a category that ``joint_quality.py`` compares: each makes one run and returns it.

What the product trains is trained by the product: a store of its own for each division of the
items, a run directory, ``python -m training execute``. A run that was cut goes on from its
checkpoint.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
from medqa_options import to_question

from db.connection import Database
from db.content.items import add_items
from db.importers.any_file import parse_any
from db.importers.pubmedqa import parse_pubmedqa
from db.paths import models_dir, runs_dir
from db.records import Item, Split
from db.retraining.snapshot import Snapshot, SnapshotItem, read_snapshot
from db.viewer import EVERYTHING
from eci.arrays import FloatArray, IntArray
from eci.model.base_model import DEFAULT_BASE, load_base, resolve_base_model
from eci.model.features import Feature, stack
from eci.model.head_fit import cross_validate, fit_head
from eci.statistics.calibration import TemperatureScaling, out_of_fold, softmax
from training.control.start import prepare_prediction, prepare_run
from training.data.dataset import build_training_data
from training.data.groups import join_groups
from training.data.questions import ItemQuestion
from training.evaluation.bag_of_words import text_of, word_probabilities
from training.evaluation.held_out import read_held_out
from training.run.energy import read_energy
from training.run.result_tables import OUT_OF_FOLD, PREDICTIONS
from training.run.run_dir import RunDir, list_run_dirs
from training.settings.training import (
    PredictionSettings,
    Preset,
    TrainingSettings,
    get_preset,
    parse_settings,
)

JOINT, HEAD_ONLY, TEXT_ONLY = "joint", "head only (w = 1)", "text only (w = 0)"
FROZEN, VERBALIZER, WORDS = "head on frozen states", "verbalizer, zero-shot", "TF-IDF"
CLASSIFIER = "LoRA classifier, plain PEFT"
WEIGHTS = {HEAD_ONLY: 1.0, TEXT_ONLY: 0.0}
PUBMEDQA_DATA, MEDQA_DATA = "PubMedQA", "MedQA"
ALL_ITEMS = 425
"""Of PubMedQA's 500 training items, those that are learned from; 75 are held out to calibrate."""
NUM_FOLDS = 5


@dataclass(frozen=True)
class Plan:
    """One run to make.

    Attributes:
        size: Items that it learns from; 0: all there are.
        shots: Of its training records, joined by ``+``, and after ``>`` those of the test prompts.
        seed: Of the run; MedQA: the number of the fold too.
    """

    data: str
    way: str
    size: int
    shots: str
    seed: int

    @property
    def key(self) -> str:
        """Identify the run in the results."""
        return f"{self.data} | {self.way} | {self.size} | {self.shots} | {self.seed}"

    @property
    def learned_shots(self) -> str:
        """Return the shots of its training records."""
        return self.shots.partition(" > ")[0]

    @property
    def asked_shots(self) -> int:
        """Return the shots of its test prompts."""
        return int(self.shots.partition(" > ")[2] or 0)

    @property
    def slug(self) -> str:
        """Return a name of which a run directory may be made."""
        words = self.key.lower().replace("+", " and ").replace(">", " asked ")
        text = "".join(c if c.isalnum() else "-" for c in words)
        return "-".join(part for part in text.split("-") if part)


@dataclass(frozen=True)
class Made:
    """What a run gave: of the test items, and of those held out in training, sorted by id.

    Attributes:
        test: Probabilities, ``(n, C)``; 0 for options that an item lacks.
        text: The label read from each answer; None where the way writes none.
        held_out: Probabilities of the held-out items, and the places of their gold labels.
        settings: Identifies the settings that it was made with.
        learned: Out-of-fold probabilities of the items learned from, and their gold labels: of a
            joint run those of heads on the base model, as the product has them.
        train_seconds: Of processor, training and what comes before it.
        predict_seconds: Of processor, for the test items.
    """

    key: str
    test: list[list[float]]
    text: list[str | None] | None
    held_out: list[list[float]]
    held_out_gold: list[int]
    settings: str
    learned: list[list[float]] | None = None
    learned_gold: list[int] | None = None
    train_seconds: float | None = None
    predict_seconds: float | None = None
    kwh: float | None = None
    grams: float | None = None


class Division:
    """The items of one data set, divided into those to learn from and those to be judged on.

    Args:
        data: The folder of public data.
        work: Where stores, runs and features are kept.
    """

    def __init__(self, name: str, fold: int, data: Path, work: Path) -> None:
        self.name, self.fold = name, fold
        self._data, self._work = data, work

    @cached_property
    def home(self) -> Path:
        """Return the store's home, filled with the items."""
        home = self._work / f"{self.name}-{self.fold}".lower()
        os.environ["LLAMACARE_HOME"] = str(home)
        if not (home / "review.duckdb").exists():
            home.mkdir(parents=True, exist_ok=True)
            models = self._work / "models"
            models.mkdir(exist_ok=True)
            (home / "models").symlink_to(models, target_is_directory=True)
            database = Database.open()
            with database.transaction() as cur:
                add_items(cur, self._items(), origin="benchmark")
            database.close()
        return home

    def enter(self) -> None:
        """Make this store the one that the product works on."""
        os.environ["LLAMACARE_HOME"] = str(self.home)

    @cached_property
    def snapshot(self) -> Snapshot:
        """Return all items as a run reads them."""
        self.enter()
        database = Database.open()
        found = read_snapshot(database.cursor(), EVERYTHING)
        database.close()
        return found

    @cached_property
    def test(self) -> list[SnapshotItem]:
        """Return the items to be judged on, sorted by id."""
        return sorted(self.snapshot.test, key=lambda item: item.item_id)

    @property
    def y(self) -> IntArray:
        """Return the places of the test items' gold labels."""
        return places(self.test)

    def parts(self, plan: Plan) -> tuple[list[ItemQuestion], list[ItemQuestion]]:
        """Return the items that a run learns from, and those that it holds out."""
        made = build_training_data(self.snapshot, settings_of(plan).data, plan.seed)
        dev = {record.item_id for record in made.dev}
        return made.learned, [e for e in made.questions.train if e.item.item_id in dev]

    def _items(self) -> list[Item]:
        if self.name == PUBMEDQA_DATA:
            return list(parse_pubmedqa(self._data / "pubmedqa" / "ori_pqal.json").items)
        path = self._data / "medqa_usmle" / "medqa_us_4options_even.jsonl"
        items = parse_any(path).items
        y = [item.labels.index(item.gold_label or "") for item in items]
        # Items that repeat one another stay in one fold: a run refuses anything else.
        groups = join_groups([i.item_id for i in items], [to_question(i) for i in items])
        folds = out_of_fold(y, groups, num_folds=NUM_FOLDS, seed=0)
        judged = set(folds[self.fold].held_out.tolist())
        splits: list[Split] = ["test" if i in judged else "train" for i in range(len(items))]
        return [replace(item, split=s) for item, s in zip(items, splits, strict=True)]


def places(items: Sequence[SnapshotItem]) -> IntArray:
    """Return the place of each item's gold label among its labels."""
    return np.array([item.labels.index(item.label) for item in items])


def settings_of(plan: Plan) -> TrainingSettings:
    """Return the settings of a run: those of the shipped preset but for what the plan changes."""
    chosen = get_preset("pubmedqa").settings
    held_out = chosen.data.dev_fraction
    limit = round(plan.size / (1 - held_out)) if plan.size and plan.size < ALL_ITEMS else None
    shots = tuple(int(number) for number in plan.learned_shots.split("+"))
    data = {"shots": shots, "items_per_label_set": limit}
    head = {"weight": WEIGHTS.get(plan.way, chosen.head.weight)}
    evaluation = {"max_new_tokens": 6, "predict_train": False}
    # MedQA's questions are whole cases, and a question is never cut.
    model = {"max_prompt_tokens": 768} if plan.data == MEDQA_DATA else {}
    return chosen.model_copy(
        update={
            "seed": plan.seed,
            "model": chosen.model.model_copy(update=model),
            "data": chosen.data.model_copy(update=data),
            "head": chosen.head.model_copy(update=head),
            "evaluation": chosen.evaluation.model_copy(update=evaluation),
        }
    )


def identity(plan: Plan) -> str:
    """Identify the settings of a run: one that was made with others is not the same run."""
    text = settings_of(plan).model_dump_json(exclude_defaults=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def make(plan: Plan, division: Division) -> Made:
    """Make one run, or go on with it."""
    division.enter()
    if plan.way in (JOINT, HEAD_ONLY, TEXT_ONLY):
        return _trained(plan, division)
    ways = {WORDS: _words, FROZEN: _frozen, VERBALIZER: _verbalizer, CLASSIFIER: _classifier}
    return ways[plan.way](plan, division)


def _trained(plan: Plan, division: Division) -> Made:
    trained = _execute(plan, _find(plan) or _prepare(plan))
    run_dir = trained if not plan.asked_shots else _execute(plan, _ask_again(plan, trained))
    test = {p.item_id: p for p in PREDICTIONS.read(run_dir.predictions_path)}
    predictions = [test[item.item_id] for item in division.test]
    held_out = sorted(read_held_out(trained.held_out_path), key=lambda entry: entry.item_id)
    items = {item.item_id: item for item in division.snapshot.train}
    gold = places([items[entry.item_id] for entry in held_out])
    logits = np.array([entry.logits for entry in held_out])
    energy = read_energy(trained)
    judged = [r for r in OUT_OF_FOLD.read(trained.out_of_fold_path) if r.basis == "base_model"]
    return Made(
        plan.key,
        _rounded([p.head_probabilities or () for p in predictions]),
        [p.answer_label for p in predictions],
        _rounded(TemperatureScaling.fit(logits, gold).transform(logits)),
        gold.tolist(),
        identity(plan),
        _rounded([row.probabilities for row in judged]),
        places([items[row.item_id] for row in judged]).tolist(),
        train_seconds=_read_seconds(trained),
        kwh=energy.energy_kwh if energy else None,
        grams=1000 * energy.emissions_kg if energy else None,
    )


def _execute(plan: Plan, run_dir: RunDir) -> RunDir:
    """Execute a run to its end in a process of its own, and count the processor's seconds."""
    while run_dir.read_status().state != "succeeded":
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-m", "training", "execute", str(run_dir.path)]
        done = subprocess.run(command, stdout=sys.stderr, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        _add_seconds(run_dir, used)
        if done.returncode:
            raise SystemExit(f"{plan.key}: {run_dir.read_status().message}")
    return run_dir


def _ask_again(plan: Plan, trained: RunDir) -> RunDir:
    """Prepare a run that asks the trained model all items with shots."""
    model = settings_of(plan).model
    fields = {
        "model": model.model_dump(),
        "artifact_run_id": trained.run_id,
        "seed": plan.seed,
        "evaluation": {"shots": plan.asked_shots, "max_new_tokens": 6, "predict_train": False},
    }
    database = Database.open()
    try:
        settings = PredictionSettings.model_validate(fields)
        return prepare_prediction(database, settings, "benchmark")
    finally:
        database.close()


def _find(plan: Plan) -> RunDir | None:
    trained = replace(plan, shots=plan.learned_shots)
    for run_dir in list_run_dirs(runs_dir()):
        stored = run_dir.read_settings()
        if stored.get("preset") == trained.slug:
            settings = parse_settings(dict(stored["settings"]), str(run_dir.settings_path))
            if settings == settings_of(trained):
                return run_dir
    return None


def _prepare(plan: Plan) -> RunDir:
    trained = replace(plan, shots=plan.learned_shots)
    preset = Preset(trained.slug, trained.key, settings_of(plan))
    database = Database.open()
    try:
        return prepare_run(database, preset, "benchmark")
    finally:
        database.close()


def _add_seconds(run_dir: RunDir, seconds: float) -> None:
    path = run_dir.path / "processor.json"
    path.write_text(json.dumps(_read_seconds(run_dir) + seconds))


def _read_seconds(run_dir: RunDir) -> float:
    path = run_dir.path / "processor.json"
    return float(json.loads(path.read_text())) if path.exists() else 0.0


def _words(plan: Plan, division: Division) -> Made:
    learned, held_out = division.parts(plan)
    begun = time.process_time()
    asked = [*division.test, *(entry.item for entry in held_out)]
    texts, y = [text_of(entry.item) for entry in learned], places([e.item for e in learned])
    size = len(division.test[0].labels)
    found = word_probabilities(texts, y.tolist(), [text_of(item) for item in asked], size)
    seconds = time.process_time() - begun
    crossed = np.zeros((len(y), size))
    for fold in out_of_fold(y, seed=plan.seed):
        on, out = ([texts[i] for i in rows] for rows in (fold.train, fold.held_out))
        crossed[fold.held_out] = word_probabilities(on, y[fold.train].tolist(), out, size)
    return _made(plan, division, found, held_out, seconds, (crossed, y))


def _frozen(plan: Plan, division: Division) -> Made:
    learned, held_out = division.parts(plan)
    features = _features(division)
    begun = time.process_time()
    states, scores = stack([features[entry.item.item_id] for entry in learned])
    y = places([entry.item for entry in learned])
    is_options = division.name == MEDQA_DATA
    folds = out_of_fold(y, seed=plan.seed)
    chosen = cross_validate(states, scores, y, is_options=is_options, folds=folds)
    head = fit_head(states, scores, y, is_options=is_options, l2=chosen.l2)
    scaling = TemperatureScaling.fit(chosen.logits, y)
    asked = [*division.test, *(entry.item for entry in held_out)]
    given = stack([features[item.item_id] for item in asked])
    logits = head.logits(*given)
    seconds = time.process_time() - begun
    crossed = (scaling.transform(chosen.logits), y)
    return _made(plan, division, scaling.transform(logits), held_out, seconds, crossed)


def _verbalizer(plan: Plan, division: Division) -> Made:
    """Ask with an instruction: the short prompt does not say what to choose from."""
    from eci.model.eci_model import build

    _, held_out = division.parts(plan)
    asked = [*division.test, *(entry.item for entry in held_out)]
    questions = [ItemQuestion.of(item).question for item in asked]
    base = load_base(DEFAULT_BASE, models_dir())
    given = build(base, label_sets=[questions[0].label_set]).features(questions)
    return _made(plan, division, softmax(stack(given)[1]), held_out, 0.0)


def _classifier(plan: Plan, division: Division) -> Made:
    from lora_classifier import classify

    learned, held_out = division.parts(plan)
    asked = [ItemQuestion.of(item) for item in division.test] + held_out
    begun = time.process_time()
    folder = resolve_base_model(DEFAULT_BASE, models_dir())
    found = classify(folder, learned, asked, settings_of(plan))
    return _made(plan, division, found, held_out, time.process_time() - begun)


def _made(
    plan: Plan,
    division: Division,
    found: FloatArray,
    held_out: Sequence[ItemQuestion],
    seconds: float,
    learned: tuple[FloatArray, IntArray] | None = None,
) -> Made:
    """Return a way that writes no text; the first probabilities are those of the test items."""
    size = len(division.test)
    gold = places([entry.item for entry in held_out]).tolist()
    return Made(
        plan.key,
        _rounded(found[:size]),
        None,
        _rounded(found[size:]),
        gold,
        identity(plan),
        None if learned is None else _rounded(learned[0]),
        None if learned is None else learned[1].tolist(),
        train_seconds=seconds,
    )


@cache
def _features(division: Division) -> dict[str, Feature]:
    """Return what the base model's states offer a head, of all items; kept in the work folder."""
    settings = settings_of(Plan(division.name, FROZEN, 0, "0", 0))
    kept = f"{division.name}-{settings.model.template}-{settings.head.pooling}.npz".lower()
    path = division.home.parent / kept
    items = [*division.snapshot.train, *division.snapshot.test]
    items.sort(key=lambda item: item.item_id)  # the same in every fold
    if not path.exists():
        from eci.model.eci_model import build

        model = build(
            load_base(DEFAULT_BASE, models_dir()),
            label_sets=[ItemQuestion.of(items[0]).question.label_set],
            pooling=settings.head.pooling,
            uses_scores=settings.head.scores,
            prompts=settings.model.prompts,
        )
        states, scores = stack(model.features([ItemQuestion.of(item).question for item in items]))
        np.savez(path, states=states, scores=scores)
    with np.load(path) as stored:
        states, scores = stored["states"], stored["scores"]
    return {
        item.item_id: Feature(states[i], scores[i, : len(item.labels)])
        for i, item in enumerate(items)
    }


def _rounded(probabilities: Any) -> list[list[float]]:
    return [[round(float(p), 4) for p in row] for row in probabilities]
