"""Make a review database of any size: items, runs with answers and heads, annotations, decisions.

Deterministic: the same arguments give the same rows. Difficulty belongs to the item, so runs err
on the same items, rare labels are harder, and some slices are worse than others, as in real data.

    python benchmarks/scale_database.py /tmp/scale.duckdb --items 200000 --predictions 1000000
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from duckdb import DuckDBPyConnection

from db.arrow_tables import SCHEMAS
from db.connection import Database
from db.content.runs import add_run
from db.records import Role, Run
from db.statements import load_sql
from eci.answers.reader import READER_VERSION

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

START: Final = datetime(2026, 1, 5, 8, tzinfo=UTC)
PUBMEDQA: Final = ("yes", "no", "maybe")
LETTERS: Final = ("A", "B", "C", "D", "E")
MOST_LABELS: Final = len(LETTERS)
SOURCES: Final = ("pubmedqa", "pubmedqa-artificial", "medqa")
SPLITS: Final = ("train", "dev", "test")
FORMS: Final = ("bare", "leading", "stated", "embedded", "contradictory", "absent")
FORM_SHARES: Final = (0.22, 0.24, 0.38, 0.10, 0.03, 0.03)
HEADINGS: Final = ("BACKGROUND", "METHODS", "RESULTS")
MESH: Final = (  # noqa: SIM905 (as a list it would fill a page)
    "Humans|Female|Male|Middle Aged|Adult|Aged|Retrospective Studies|Adolescent|"
    "Aged, 80 and over|Treatment Outcome|Prospective Studies|Young Adult|Risk Factors|Child|"
    "Follow-Up Studies|Time Factors|Cross-Sectional Studies|Pregnancy|Sensitivity and Specificity|"
    "Cohort Studies|Prognosis|Infant, Newborn|Prevalence|Postoperative Complications|Animals|"
    "Survival Rate|Neoplasm Staging|Breast Neoplasms|Magnetic Resonance Imaging|Odds Ratio|"
    "Quality of Life|Clinical Competence|Laparoscopy|Length of Stay|Diabetes Mellitus, Type 2"
).split("|")
WORDS: Final = (  # noqa: SIM905
    "early late acute chronic severe mild bilateral arterial venous renal hepatic cardiac gastric "
    "pulmonary cerebral cervical lumbar retinal thyroid adrenal plasma serum tissue marrow insulin "
    "glucose sodium potassium calcium lactate cortisol thyroxine hemoglobin albumin creatinine "
    "resection biopsy dialysis ventilation intubation transfusion screening vaccination exercise "
    "diet smoking pregnancy survival recurrence mortality infection fracture stroke sepsis anemia "
    "hypertension diabetes obesity asthma cancer melanoma lymphoma dementia depression delirium "
    "patients children women adults nurses surgeons controls cohort trial registry hospital clinic "
    "associated increased reduced delayed improved predicted measured compared treated observed"
).split()
OPENINGS: Final = ("Does", "Is", "Can", "Do", "Are", "Should", "Is there a role of", "What is the")
HEDGES: Final = ("", "", "", "This may depend on the setting. ", "It is possible but unclear. ")


@dataclass(frozen=True)
class Items:
    """What the other tables need to know of the items; one entry each."""

    ids: list[str]
    gold: IntArray
    """Column of the gold label."""
    num_labels: IntArray
    is_options: npt.NDArray[np.bool_]
    difficulty: FloatArray


def make(
    path: Path,
    items: int = 200_000,
    predictions: int = 1_000_000,
    annotations: int = 100_000,
    seed: int = 0,
) -> None:
    """Write a new database.

    Args:
        path: Where; must not exist.
        items: How many items.
        predictions: How many predictions: as many runs as needed, each but the last over all items.
        annotations: How many annotations by twelve reviewers; 1 % are taken back again, and half of
            what they disagree on is adjudicated.
        seed: Of everything that is drawn.

    Raises:
        FileExistsError: There is a file already.
    """
    if path.exists():
        raise FileExistsError(f"{path} exists already. Delete it, or give another path.")
    rng = np.random.default_rng(seed)
    database = Database.open(path)
    with database.transaction() as cur:
        made = _add_items(cur, rng, items)
    run_ids = []
    for number, start in enumerate(range(0, predictions, items)):
        with database.transaction() as cur:
            run_ids.append(_add_run(cur, number))
            _add_predictions(cur, rng, made, run_ids[-1], number, min(items, predictions - start))
    with database.transaction() as cur:
        _add_annotations(cur, rng, made, run_ids, annotations)
    database.cursor().execute("checkpoint")
    database.close()


def _add_items(cur: DuckDBPyConnection, rng: np.random.Generator, n: int) -> Items:
    source = rng.choice(len(SOURCES), n, p=[0.5, 0.2, 0.3])
    is_options = source == SOURCES.index("medqa")
    num_labels = np.where(is_options, np.where(rng.random(n) < 0.85, 4, 5), len(PUBMEDQA))
    fixed = rng.choice(len(PUBMEDQA), n, p=[0.552, 0.338, 0.110])
    gold = np.where(is_options, rng.integers(0, num_labels), fixed)
    year = np.clip((2017 - rng.exponential(7, n)).astype(int), 1988, 2017)
    # Frequent terms first, as in PubMed: nearly every item is about humans.
    has_term = rng.random((n, len(MESH))) < 0.95 / np.arange(1, len(MESH) + 1) ** 0.7
    difficulty = (
        rng.normal(0, 1, n)
        + np.where(~is_options & (fixed == PUBMEDQA.index("maybe")), 1.2, 0)
        + np.where(num_labels == MOST_LABELS, 0.3, 0)
        + (2017 - year) * 0.02
        + np.where(source == 1, -0.3, 0)
        + np.where(~is_options & has_term[:, MESH.index("Pregnancy")], 0.5, 0)
    )
    ids = [f"{SOURCES[s]}-{10_000_000 + i}" for i, s in enumerate(source)]
    split = rng.choice(len(SPLITS), n, p=[0.6, 0.1, 0.3])
    option_texts = [" ".join(_pick(rng, WORDS, 3)) for _ in range(2000)]
    option_rows = rng.integers(0, len(option_texts), (n, MOST_LABELS))
    columns: dict[str, Any] = {
        "item_id": ids,
        "source": [SOURCES[s] for s in source],
        "question": _questions(rng, is_options),
        "context": _contexts(rng, is_options),
        "label_set": np.where(is_options, "options", "pubmedqa").tolist(),
        "labels": [
            list(LETTERS[:size] if options else PUBMEDQA)
            for size, options in zip(num_labels.tolist(), is_options.tolist(), strict=True)
        ],
        "options": [
            [
                {"label": letter, "text": option_texts[place]}
                for letter, place in zip(LETTERS[:size], row, strict=False)
            ]
            if options
            else []
            for size, options, row in zip(
                num_labels.tolist(), is_options.tolist(), option_rows.tolist(), strict=True
            )
        ],
        "gold_label": _names(gold, is_options),
        "long_answer": [""] * n,
        "split": [SPLITS[s] for s in split],
        "metadata": _metadata(rng, is_options, year, has_term),
        "origin": ["scale"] * n,
        "content_hash": ids,
        "created_at": [START.replace(tzinfo=None)] * n,
        "is_several": [False] * n,
    }
    _insert(cur, "incoming_item", columns, "item_insert_new")
    return Items(ids, gold, num_labels, is_options, difficulty)


def _questions(rng: np.random.Generator, is_options: npt.NDArray[np.bool_]) -> list[str]:
    """About 95 characters for a question on a context, 750 for a vignette."""
    openings = rng.integers(0, len(OPENINGS), len(is_options))
    words = rng.integers(0, len(WORDS), (len(is_options), 10))
    vignettes = [
        ". ".join(" ".join(_pick(rng, WORDS, 11)).capitalize() for _ in range(8))
        for _ in range(3000)
    ]
    chosen = rng.integers(0, len(vignettes), len(is_options)).tolist()
    return [
        (f"{vignettes[vignette]}. Which of the following: " if options else "")
        + f"{OPENINGS[opening]} {' '.join([WORDS[w] for w in row])}?"
        for options, vignette, opening, row in zip(
            is_options.tolist(), chosen, openings.tolist(), words.tolist(), strict=True
        )
    ]


def _contexts(rng: np.random.Generator, is_options: npt.NDArray[np.bool_]) -> pa.Array:
    """Three sections of about 450 characters, none for vignettes."""
    sizes = np.where(is_options, 0, len(HEADINGS))
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
    total = int(offsets[-1])
    paragraphs = pa.array(
        [
            ". ".join(" ".join(_pick(rng, WORDS, 12)).capitalize() for _ in range(5)) + "."
            for _ in range(4000)
        ]
    )
    texts = paragraphs.take(pa.array(rng.integers(0, len(paragraphs), total)))
    headings = pa.array(HEADINGS).take(pa.array(np.arange(total) % len(HEADINGS)))
    sections = pa.StructArray.from_arrays([headings, texts], names=["heading", "text"])
    return pa.ListArray.from_arrays(pa.array(offsets), sections)


def _metadata(
    rng: np.random.Generator,
    is_options: npt.NDArray[np.bool_],
    year: IntArray,
    has_term: npt.NDArray[np.bool_],
) -> list[str]:
    n = len(is_options)
    steps = rng.random(n) < 0.5
    rows = []
    for number, options in enumerate(is_options.tolist()):
        if options:
            rows.append(json.dumps({"step": "step1" if steps[number] else "step2&3"}))
        else:
            terms = [MESH[place] for place in np.flatnonzero(has_term[number])]
            rows.append(
                json.dumps(
                    {"pmid": str(10_000_000 + number), "mesh": terms, "year": str(year[number])}
                )
            )
    return rows


def _add_run(cur: DuckDBPyConnection, number: int) -> str:
    """Add one run: the first an imported one without a head, each later one trained on the last."""
    run_id = f"scale-run-{number:02d}"
    trained = number > 0
    add_run(
        cur,
        Run(
            run_id=run_id,
            name=f"Scale run {number}" if trained else "Scale answers, imported",
            kind="training" if trained else "imported",
            model="scale-model",
            settings={"preset": "scale", "num_corrections": 400 * number} if trained else {},
            metrics={},
            created_at=START + timedelta(days=14 * number),
            base_run_id=f"scale-run-{number - 1:02d}" if trained else None,
        ),
    )
    return run_id


def _add_predictions(
    cur: DuckDBPyConnection,
    rng: np.random.Generator,
    items: Items,
    run_id: str,
    number: int,
    n: int,
) -> None:
    skill = 0.9 + 0.15 * number
    difficulty, gold = items.difficulty[:n], items.gold[:n]
    width, is_options = items.num_labels[:n], items.is_options[:n]
    form = rng.choice(len(FORMS), n, p=FORM_SHARES)
    right = 1.6 * (skill - difficulty) + rng.logistic(0, 1, n) > 0
    text = np.where(right, gold, _another(rng, gold, width))
    readable = form < FORMS.index("contradictory")
    names = _names(text, is_options)
    answers, starts, ends = _answers(rng, names, form)
    columns: dict[str, Any] = {
        "run_id": pa.repeat(run_id, n),
        "item_id": items.ids[:n],
        "answer": answers,
        "answer_label": pa.nulls(n),
        "answer_form": pa.nulls(n),
        "answer_start": pa.nulls(n),
        "answer_end": pa.nulls(n),
        "is_finished": pa.repeat(True, n),
        "prompt_tokens": rng.integers(250, 700, n),
        "answer_tokens": [max(1, len(answer) // 4) for answer in answers],
        "latency_seconds": rng.lognormal(0.5, 0.4, n),
        **(_heads(rng, items, n, skill) if number else _no_heads(n)),
    }
    _insert(cur, "incoming_prediction", columns, "prediction_insert")
    shown = [name if ok else None for name, ok in zip(names, readable.tolist(), strict=True)]
    readings: dict[str, Any] = {
        "run_id": pa.repeat(run_id, n),
        "item_id": items.ids[:n],
        "label": shown,
        "form": [FORMS[place] for place in form.tolist()],
        "start_index": pa.array(starts, pa.int32(), mask=~readable),
        "end_index": pa.array(ends, pa.int32(), mask=~readable),
        "is_finished": pa.repeat(True, n),
        "reader_version": pa.repeat(READER_VERSION, n),
    }
    _insert(cur, "incoming_reading", readings, "reading_insert")


def _answers(
    rng: np.random.Generator, names: Sequence[str], form: IntArray
) -> tuple[list[str], IntArray, IntArray]:
    """Write one answer per label in its form; give also where the label stands in it."""
    reasons = [" ".join(_pick(rng, WORDS, 9)).capitalize() + "." for _ in range(2000)]
    before, after, hedge = (
        rng.integers(0, len(reasons), len(names)).tolist(),
        rng.integers(0, len(reasons), len(names)).tolist(),
        rng.integers(0, len(HEDGES), len(names)).tolist(),
    )
    heads, tails = [], []
    for place, (one, other, doubt) in enumerate(zip(before, after, hedge, strict=True)):
        head, tail = {
            "bare": ("", ""),
            "leading": ("", f". {HEDGES[doubt]}{reasons[other]}"),
            "stated": (
                f"{reasons[one]} {HEDGES[doubt]}{reasons[other]} The answer is ",
                ".",
            ),
            "embedded": (
                f"{reasons[one]} One would say ",
                f" here, given that {reasons[other]} {HEDGES[doubt]}{reasons[one]}",
            ),
            "contradictory": (f"{reasons[one]} The answer is ", f", or else not. {reasons[other]}"),
            "absent": (f"{reasons[one]} {HEDGES[doubt]}", f"{reasons[other]}"),
        }[FORMS[form[place]]]
        heads.append(head)
        tails.append(tail)
    absent = FORMS.index("absent")
    words = [
        "" if kind == absent else name for name, kind in zip(names, form.tolist(), strict=True)
    ]
    starts = np.array([len(head) for head in heads])
    ends = starts + np.array([len(word) for word in words])
    answers = [head + word + tail for head, word, tail in zip(heads, words, tails, strict=True)]
    return answers, starts, ends


def _heads(
    rng: np.random.Generator, items: Items, n: int, skill: float
) -> dict[str, pa.Array | FloatArray]:
    """Draw the head's probabilities: overconfident, as heads are before calibration."""
    width, gold = items.num_labels[:n], items.gold[:n]
    logits = rng.normal(0, 1, (n, MOST_LABELS))
    logits[np.arange(n), gold] += 1.4 * (skill + 0.15) - 0.9 * items.difficulty[:n]
    logits *= 2.4
    offered = np.arange(MOST_LABELS) < width[:, None]
    logits[~offered] = -np.inf
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    p = odds / odds.sum(axis=1, keepdims=True)
    ordered = np.sort(p, axis=1)
    offsets = np.concatenate([[0], np.cumsum(width)]).astype(np.int32)
    return {
        "head_label": pa.array(_names(p.argmax(axis=1), items.is_options[:n])),
        "head_probabilities": pa.ListArray.from_arrays(pa.array(offsets), pa.array(p[offered])),
        "head_confidence": ordered[:, -1],
        "head_margin": ordered[:, -1] - ordered[:, -2],
    }


def _no_heads(n: int) -> dict[str, pa.Array]:
    names = ("head_label", "head_probabilities", "head_confidence", "head_margin")
    return {name: pa.nulls(n) for name in names}


def _add_annotations(
    cur: DuckDBPyConnection,
    rng: np.random.Generator,
    items: Items,
    run_ids: Sequence[str],
    n: int,
) -> None:
    """Let reviewers label: mostly one an item, a quarter of the time another person's item again.

    The first is an admin: pages open as "Reviewer 1" and show that person all rooms.
    """
    roles: Sequence[Role] = ("admin", "engineer", *("reviewer",) * 8, *("adjudicator",) * 2)
    reviewers = [f"scale-reviewer-{number + 1:02d}" for number in range(len(roles))]
    for number, (reviewer_id, role) in enumerate(zip(reviewers, roles, strict=True), 1):
        person = {
            "reviewer_id": reviewer_id,
            "name": f"Reviewer {number}",
            "role": role,
            "created_at": START.replace(tzinfo=None),
            "origin": "person",
            "salt": reviewer_id,
        }
        cur.execute(load_sql("reviewer_insert"), person)
    rows = _draw_annotations(rng, items, len(reviewers), n)
    days = np.sort(rng.random(n) * 90).tolist()
    moments = [START.replace(tzinfo=None) + timedelta(days=day) for day in days]
    names = _names(rows["label"], items.is_options[rows["item"]])
    old = _names(items.gold[rows["item"]], items.is_options[rows["item"]])
    columns: dict[str, Any] = {
        "annotation_id": [f"scale-{number}" for number in range(n)],
        "item_id": [items.ids[place] for place in rows["item"].tolist()],
        "reviewer_id": [reviewers[place] for place in rows["reviewer"].tolist()],
        "label": names,
        "labels": [[name] for name in names],
        "created_at": pa.array(moments, pa.timestamp("us")),
        "action": pa.repeat("label", n),
        "origin": pa.repeat("review", n),
        "run_id": pa.repeat(run_ids[0], n) if run_ids else pa.nulls(n, pa.string()),
        "old_label": old,
        "note": ["" if draw > 0.05 else "Checked the table." for draw in rng.random(n).tolist()],
        "phase": pa.repeat("open", n),
        "duration_seconds": rng.lognormal(np.log(25), 0.7, n),
    }
    _insert_by_name(cur, "annotation", columns)
    _insert_by_name(cur, "annotation", _retractions(columns, np.flatnonzero(rng.random(n) < 0.01)))
    cur.execute(
        """
        insert into adjudication by name
        select
            'scale-' || gold.item_id as adjudication_id,
            gold.item_id,
            $reviewer_id as reviewer_id,
            gold.imported_label as label,
            '' as note,
            $created_at::timestamp as created_at
        from gold
        where gold.conflicting and hash(gold.item_id) % 2 = 0
        order by gold.item_id
        """,
        {"reviewer_id": reviewers[8], "created_at": START.replace(tzinfo=None) + timedelta(95)},
    )


def _draw_annotations(
    rng: np.random.Generator, items: Items, num_reviewers: int, n: int
) -> dict[str, IntArray]:
    """Draw item, reviewer and label of each annotation; no reviewer labels an item twice."""
    fresh = rng.permutation(len(items.ids))[: max(1, round(n * 0.75))]
    item = np.resize(fresh, n)  # the rest goes over the first items again, by the next reviewer
    turn = np.arange(n) // len(fresh)
    reviewer = (item + turn) % num_reviewers
    skill = 0.97 - 0.01 * np.arange(num_reviewers)
    wrong = rng.random(n) > skill[reviewer]
    gold, width = items.gold[item], items.num_labels[item]
    return {
        "item": item,
        "reviewer": reviewer,
        "label": np.where(wrong, _another(rng, gold, width), gold),
    }


def _retractions(columns: Mapping[str, Any], places: IntArray) -> dict[str, Any]:
    """Take the annotations at some places back."""
    kept = {
        name: [columns[name][place] for place in places.tolist()]
        for name in ("annotation_id", "item_id", "reviewer_id")
    }
    n = len(places)
    return {
        **kept,
        "annotation_id": [f"{name}-undone" for name in kept["annotation_id"]],
        "retracted_annotation_id": pa.array(kept["annotation_id"], pa.string()),
        "label": pa.nulls(n, pa.string()),
        "created_at": pa.repeat(START.replace(tzinfo=None) + timedelta(91), n),
        "action": pa.repeat("retract", n),
        "origin": pa.repeat("review", n),
        "note": pa.repeat("", n),
        "phase": pa.repeat("open", n),
    }


def _another(rng: np.random.Generator, column: IntArray, width: IntArray) -> IntArray:
    """Draw another column than the given one, among the first ``width``."""
    return (column + rng.integers(1, width)) % width


def _names(column: IntArray, is_options: npt.NDArray[np.bool_]) -> list[str]:
    return [
        LETTERS[place] if options else PUBMEDQA[place]
        for place, options in zip(column.tolist(), is_options.tolist(), strict=True)
    ]


def _pick(rng: np.random.Generator, values: Sequence[str], n: int) -> list[str]:
    return [values[place] for place in rng.integers(0, len(values), n)]


def _insert(cur: DuckDBPyConnection, name: str, columns: Mapping[str, Any], statement: str) -> None:
    schema = SCHEMAS[name]
    arrays = [pa.array(columns[field.name]).cast(field.type) for field in schema]
    cur.complete()
    cur.register(name, pa.Table.from_arrays(arrays, schema=schema))
    cur.execute(load_sql(statement))
    cur.complete()
    cur.unregister(name)


def _insert_by_name(cur: DuckDBPyConnection, table: str, columns: Mapping[str, Any]) -> None:
    cur.complete()
    cur.register("incoming_rows", pa.table(dict(columns)))
    cur.execute(f"insert into {table} by name select * from incoming_rows")  # noqa: S608
    cur.complete()
    cur.unregister("incoming_rows")


def main() -> int:
    """Make the database that the arguments describe; exit code 1 where the file exists."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("path", type=Path)
    parser.add_argument("--items", type=int, default=200_000)
    parser.add_argument("--predictions", type=int, default=1_000_000)
    parser.add_argument("--annotations", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    begin = time.perf_counter()
    try:
        make(**vars(arguments))
    except FileExistsError as error:
        print(error, file=sys.stderr)
        return 1
    size = arguments.path.stat().st_size / 1e6
    print(f"{arguments.path}: {size:,.0f} MB in {time.perf_counter() - begin:.0f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
