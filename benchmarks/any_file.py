"""What is each file that people arrive with recognised as, and is what it holds right?

Imports every file of the public data and files of 34 generated shapes, each into a store of its
own, and compares items, right answers and answers with those counted without the product.

    python benchmarks/any_file.py
"""

from __future__ import annotations

import csv
import io
import json
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from answer_reading import load_stated
from file_shapes import SHAPES, Row
from history import Measured
from measuring import make_parser, record

from db.connection import IN_MEMORY, Database
from db.errors import ImportFileError
from db.importers import Asked, import_as_asked, known_to, read_file, store_batch
from db.importers.checks import without_given_labels
from db.importers.choices import Choices
from db.importers.mapping import mapping_of
from db.outcomes.counts import count_joint
from db.outcomes.item_lists import list_scopes
from db.outcomes.scored_runs import refresh
from db.outcomes.selection import OutcomeFilter
from db.records import labels_in
from db.viewer import EVERYTHING
from training.evaluation.readings import read_new_answers

FILES, SHAPES_SECTION = "Files of the public data", "Generated shapes"
WARD: Final = (
    ("ward-1", "Does early mobilisation shorten stay after hip repair?", "yes"),
    ("ward-2", "Is routine chest film needed before cataract surgery?", "no"),
    ("ward-3", "Does zinc shorten a cold in children?", "maybe"),
)
"""The items of which the answers among the small files are: stored before these are imported."""


@dataclass(frozen=True)
class Expected:
    """What a file holds, counted without the product."""

    gold: Counter[str]
    """Right answers of its items."""
    num_answers: int = 0
    num_right: int | None = None
    """Of its answers, by the file's own labels."""
    num_right_read: int | None = None
    """Of its answers, where a reader of the texts has to say; as ``num_right`` by default."""
    num_annotations: int = 0
    labels: str = ""
    """Given on the command line where the file cannot say them: one more step."""
    mapping: tuple[str, ...] = ()
    needs_ward: bool = False


def _json(path: Path) -> Any:
    text = path.read_text("utf-8")
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    return json.loads(text)


def _answers(path: Path) -> Expected:
    rows = _json(path)
    is_lettered = "pubmedqa" in path.name
    gold = Counter(
        row["options"][row["answer_idx"]] if is_lettered else row["answer_idx"] for row in rows
    )
    right = sum((row["predicted_answer"] or "").strip() == row["answer_idx"] for row in rows)
    return Expected(gold, len(rows), right)


def _probabilities(path: Path) -> Expected:
    rows = _json(path)["predictions"]
    right = sum(row["prediction"] == row["ground_truth"] for row in rows)
    return Expected(Counter(row["ground_truth"] for row in rows), len(rows), right)


def _pubmedqa(path: Path) -> Expected:
    rows = _json(path).values()
    both = ("reasoning_required_pred", "reasoning_free_pred")
    return Expected(
        Counter(row["final_decision"] for row in rows),
        num_annotations=sum(name in row for row in rows for name in both),
    )


def _clinicians(path: Path) -> Expected:
    rows = list(csv.DictReader(io.StringIO(path.read_text("utf-8"))))
    gold = {row["qid"]: row["answer_idx"] for row in rows}
    return Expected(Counter(gold.values()), num_annotations=2 * len(rows))


def _mmlu(path: Path) -> Expected:
    return Expected(Counter(row[-1] for row in csv.reader(path.open(encoding="utf-8"))))


COUNTED: Final[Mapping[str, Callable[[Path], Expected]]] = {
    "model_answers": _answers,
    "mistral": _probabilities,
    "ori_pqal": _pubmedqa,
    "medqa_relabelling": _clinicians,
    "mmlu": _mmlu,
    "medqa_us": lambda path: Expected(Counter(row["answer_idx"] for row in _json(path))),
    "medmcqa": lambda path: Expected(Counter("ABCD"[row["cop"] - 1] for row in _json(path))),
    "medxpertqa": lambda path: Expected(Counter(row["label"][0] for row in _json(path))),
}
_YES: Final = Counter({"yes": 1})
SMALL: Final[Mapping[str, Expected]] = {
    "anthropic_batch_results.jsonl": Expected(Counter(), 2, num_right_read=2, needs_ward=True),
    "argilla_records.jsonl": Expected(Counter(), num_annotations=1, needs_ward=True),
    "deepeval_test_run.json": Expected(_YES, 1, num_right_read=1),
    "details_lighteval.parquet": Expected(Counter("A"), 1, num_right_read=1),
    "doccano.jsonl": Expected(Counter(), num_annotations=2, needs_ward=True),
    "healthbench_eval.jsonl": Expected(Counter(), labels="met,not met"),
    "hf_llamacare_pqal_pmt.jsonl": Expected(_YES),
    "items.parquet": Expected(Counter("A")),
    "items.xlsx": Expected(Counter(["yes", "no"])),
    "items_cp1252.csv": Expected(_YES),
    "items_empty_rows.csv": Expected(_YES),
    "items_excel_semicolon_bom.csv": Expected(Counter(["yes", "no", "maybe"])),
    "items_extra_column.csv": Expected(_YES),
    "items_japanese_labels.jsonl": Expected(Counter("ア")),
    "items_lower_letters.jsonl": Expected(Counter("a")),
    "items_multi_gold.jsonl": Expected(Counter({"A+C": 1})),
    "items_numbers.jsonl": Expected(Counter("1")),
    "items_own_headers.csv": Expected(Counter("A")),
    "items_tab.tsv": Expected(_YES),
    "items_title_row.csv": Expected(_YES),
    "items_triage.jsonl": Expected(Counter({"immediate": 1})),
    "items_true_false.jsonl": Expected(Counter({"TRUE": 1})),
    "items_yes_space.csv": Expected(Counter(["yes", "yes", "no"])),
    "label_studio_export.json": Expected(Counter(), num_annotations=1, needs_ward=True),
    "label_studio_min.csv": Expected(Counter(), num_annotations=1, needs_ward=True),
    "llamacare_eval.jsonl": Expected(Counter(), 1),
    "llamacare_processed.json": Expected(_YES),
    "openai_batch_output.jsonl": Expected(Counter(), 3, num_right_read=3, needs_ward=True),
    "openai_evals_log.jsonl": Expected(Counter("A"), 1, 1),
    "potato_annotated_instances.jsonl": Expected(Counter(), num_annotations=1, needs_ward=True),
    "predictions_no_header.jsonl": Expected(Counter(), 1, num_right_read=1, needs_ward=True),
    "prodigy.jsonl": Expected(Counter(), num_annotations=1, needs_ward=True),
    "promptfoo_output.json": Expected(_YES, 1, num_right_read=1),
    "samples_medqa_4options_2025-01-02T03-04-05.jsonl": Expected(Counter("A"), 1, 1),
    "samples_pubmedqa_2025-01-02T03-04-05.jsonl": Expected(Counter(["yes", "no", "maybe"]), 3, 1),
    "scenario_state.json": Expected(Counter("A"), 1, num_right_read=1),
    "vllm_outputs.jsonl": Expected(Counter(), 1, labels="yes,no,maybe"),
}
"""The small files, of which a reader can count the content."""


def expected_of(path: Path) -> Expected | None:
    """Return what a file holds, None where it holds no data of its own."""
    if path.name == "LICENSE":
        return None
    if path.name in SMALL:
        return SMALL[path.name]
    places = (path.name, path.parent.name)
    return next(
        (count(path) for name, count in COUNTED.items() if any(name in part for part in places)),
        None,
    )


def measure_file(
    path: Path, expected: Expected, section: str = FILES, answers: str = ""
) -> Iterator[Measured]:
    """Yield the figures of one file, imported into a store of its own.

    Args:
        answers: Lines with answers to its items, imported after it.
    """
    database = Database.open(IN_MEMORY)
    if expected.needs_ward:
        _import_ward(database)
    asked = Asked(
        mapping=mapping_of(expected.mapping) if expected.mapping else None,
        choices=Choices(labels=tuple(filter(None, expected.labels.split(",")))),
    )
    begin = time.perf_counter()
    try:
        report = import_as_asked(database, path, asked)
    except ImportFileError as error:
        reason = str(error).split("\n")[1 if "\n- " in str(error) else 0].lstrip("- ")
        yield Measured(path.name, "items", None, section=section, note=f"refused: {reason[:160]}")
        database.close()
        return
    seconds = time.perf_counter() - begin
    counted = _stored(database)
    if answers:
        beside = path.with_name("answers.jsonl")
        beside.write_text(answers, "utf-8")
        import_as_asked(database, beside, Asked())
    right = expected.num_right if expected.num_right_read is None else expected.num_right_read
    on_errors = None if right is None else _right_on_errors(database)
    database.close()
    steps = 1 + bool(expected.labels) + len(expected.mapping) + expected.needs_ward
    yield Measured(path.name, "steps", steps, section=section, note=report.description)
    yield Measured(path.name, "items", counted.gold.total(), section=section)
    yield Measured(path.name, "answers", counted.num_answers, section=section)
    yield Measured(path.name, "annotations", counted.num_annotations, section=section)
    share = _share(counted, expected)
    yield Measured(path.name, "as counted", share, "share", at_least=1.0, section=section)
    yield Measured(path.name, "time", seconds, "s", section=section)
    if right is not None and on_errors is not None:
        yield _compared(path.name, "right on Errors", on_errors, right, section)


def _compared(what: str, measure: str, found: int, counted: int, section: str) -> Measured:
    """Return a count that has to be exactly what was counted without the product."""
    is_less = found < counted
    limits = {"at_least" if is_less else "at_most": float(counted)}
    return Measured(what, measure, found, section=section, **limits)


def measure_texts(path: Path) -> Iterator[Measured]:
    """Yield how many answers are right by their texts, where each text was judged by a person."""
    stated = load_stated(path.stem)
    if not stated:
        return
    rows = _json(path)
    right = sum(stated[str(row["realidx"])] == row["answer_idx"] for row in rows)
    database = Database.open(IN_MEMORY)
    batch = without_given_labels(read_file(path, known_to(database, Asked())))
    store_batch(database, batch, path)
    found = _right_on_errors(database)
    database.close()
    yield _compared(path.name, "right by their texts", found, right, FILES)


def _import_ward(database: Database) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ward.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("item_id", "question", "gold_label"), *WARD])
        import_as_asked(database, path, Asked())


def _stored(database: Database) -> Expected:
    cur = database.cursor()
    gold = cur.execute("select gold_label from item where source <> 'ward'").fetchall()
    answers = """
        select count(*), count(*) filter (where answer_label = gold_label)
        from prediction join item using (item_id)
    """
    num_answers, num_right = cur.execute(answers).fetchall()[0]
    (num_annotations,) = cur.execute("select count(*) from annotation").fetchall()[0]
    found = Counter("+".join(labels_in(label)) or "None" for (label,) in gold)
    return Expected(found, num_answers, num_right, num_annotations=num_annotations)


def _right_on_errors(database: Database) -> int:
    """Return how many answers of all runs the Errors page counts as right.

    By the label in the text; by that of the head where a run has no texts.
    """
    read_new_answers(database)
    cur = database.cursor()
    runs = [run_id for (run_id,) in cur.execute("select run_id from run").fetchall()]
    refresh(cur, runs)
    right = 0
    for run_id in runs:
        for label_set in {scope.label_set for scope in list_scopes(cur, run_id)}:
            for cell in count_joint(cur, OutcomeFilter(EVERYTHING, run_id, "imported", label_set)):
                label = cell.text if cell.has_text else cell.head
                right += cell.count * (label == cell.gold)
    return right


def _share(stored: Expected, expected: Expected) -> float:
    """Return the fraction of what was counted in the file that is stored the same."""
    gold = Counter({label: n for label, n in stored.gold.items() if label != "None"})
    same = (gold & expected.gold).total()
    total = max(gold.total(), expected.gold.total())
    pairs = [(stored.num_answers, expected.num_answers)]
    pairs.append((stored.num_annotations, expected.num_annotations))
    if expected.num_right is not None:
        pairs.append((stored.num_right or 0, expected.num_right))
    for found, counted in pairs:
        same, total = same + min(found, counted), total + max(found, counted)
    return same / total if total else 1.0


def measure_shape(name: str, folder: Path) -> list[Measured]:
    """Return the figures of one generated shape, and of answers to its items."""
    make, rows, mapping = SHAPES[name]
    content = make()
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    answers, num_right = _answered(rows)
    expected = Expected(
        Counter(row["gold"] for row in rows), num_right_read=num_right, mapping=mapping
    )
    return list(measure_file(path, expected, SHAPES_SECTION, answers))


def _answered(rows: list[Row]) -> tuple[str, int]:
    """Return an answer to each row, every third of them wrong, and how many are right."""
    golds = list(dict.fromkeys(row["gold"] for row in rows))
    lines = []
    for number, row in enumerate(rows):
        place = golds.index(row["gold"]) + (number % 3 == 0)
        label = golds[place % len(golds)].split("+")
        verb = "answers are" if len(label) > 1 else "answer is"
        text = f"Weighing it all, the {verb} {' and '.join(label)}."
        lines.append(json.dumps({"item_id": row.get("id", f"g-{number}"), "answer": text}))
    return "\n".join(lines), sum(number % 3 != 0 for number in range(len(rows)))


def main() -> None:
    """Import every file and record the figures."""
    options = make_parser(__doc__, wants_data=True).parse_args()
    figures: list[Measured] = []
    for path in sorted(options.data.glob("*/*")):
        expected = expected_of(path)
        if expected is not None:
            figures += (*measure_file(path, expected), *measure_texts(path))
    with tempfile.TemporaryDirectory() as folder:
        for name in SHAPES:
            figures += measure_shape(name, Path(folder))
    record(__file__, figures, options)


if __name__ == "__main__":
    main()
