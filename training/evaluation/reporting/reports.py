"""What reports say of a review, a model and a build, read from the store."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, get_args

from duckdb import DuckDBPyConnection

from db.chain import find_begin, find_head
from db.content.runs import get_run
from db.conversions import utc_now
from db.evidence.pack import count_fast_saves
from db.outcomes import scored_runs
from db.outcomes.selection import By, OutcomeFilter, Selection
from db.outcomes.slices import MIN_ITEMS, count_right, count_slices
from db.people.privacy import get_privacy, list_exported_names
from db.records import AnnotationOrigin, Phase
from db.retraining.lineage import count_training_records
from db.retraining.model_versions import list_alias_events, list_models
from db.retraining.run_energy import list_run_energy
from db.retraining.training_runs import find_training_run
from db.review.agreement import RatingFilter, Shown, count_by_reviewer
from db.viewer import EVERYTHING
from eci.statistics.estimates import proportion
from eci.statistics.slices import SliceResult, compare_estimates, compare_slices
from training.data.formats import FORMATS
from training.errors import DataError
from training.evaluation.agreement.anchoring import load_anchoring
from training.evaluation.agreement.phases import load_by_guideline, load_phase
from training.evaluation.agreement.reviewers import load_reviewers, load_times
from training.evaluation.drawn_estimates import estimate_slices
from training.evaluation.reporting.report_text import render_markdown
from training.run.json_files import read_object

_PHASE_WORDS: Final[Mapping[Phase, str]] = {
    "blind": "Blind, before anything was shown",
    "revealed": "After the reveal",
    "open": "With everything shown from the start",
}
_ORIGIN_WORDS: Final[Mapping[AnnotationOrigin, str]] = {
    "review": "given at a screen of this product",
    "import": "that came with a data set",
}
_OF_TEST: Final = [name for name, form in FORMATS.items() if form.is_of_test]
_NO_LABELS: Final = "no label was timed"


def review_report(cur: DuckDBPyConnection, flt: RatingFilter) -> str:
    """Return methods and results of a review as Markdown: the figures of the Agreement page.

    Raises:
        DataError: Nothing was judged.
    """
    loaded = [load_phase(cur, flt, phase) for phase in _PHASE_WORDS]
    phases = [phase for phase in loaded if phase.num_ratings]
    if not phases:
        raise DataError(
            f"There are no judgements of {flt.label_set!r} to report. Label items first."
        )
    shown = {name: load_anchoring(cur, flt, name) for name in get_args(Shown)}
    privacy, names = get_privacy(cur), list_exported_names(cur)
    people = load_reviewers(cur, flt, phases[-1].phase)
    counted = {
        one.reviewer_id for each in phases for one in count_by_reviewer(cur, flt, each.phase)
    }
    large = [one for one in people if one.num_ratings >= privacy.least_cell]
    head, since = find_head(cur), find_begin(cur)
    num_fast, num_timed = count_fast_saves(cur)
    return render_markdown(
        "review",
        {
            "made": utc_now(),
            "label_set": flt.label_set,
            "origin_words": _ORIGIN_WORDS[flt.origin],
            "gold_words": "imported gold label" if flt.gold == "imported" else "label of record",
            "phases": [{**vars(one), "words": _PHASE_WORDS[one.phase]} for one in phases],
            "num_people": len(counted),
            "num_ratings": sum(one.num_ratings for one in phases),
            "num_other": sum(one.num_ratings - one.num_single for one in phases),
            "guidelines": [
                one for one in load_by_guideline(cur, flt, phases[-1].phase) if one.version
            ],
            "since": since and datetime.fromisoformat(since),
            "head": "" if head is None else f"{head.number} {head.digest}",
            "anchoring": {name: found[0] for name, found in shown.items() if found},
            "time": load_times(cur, flt)[0],
            "fast": proportion(num_fast, num_timed, _NO_LABELS),
            "least_cell": privacy.least_cell,
            "shown_people": [{**vars(one), "name": names[one.reviewer_id]} for one in large],
            "num_left_out": len(people) - len(large),
        },
    )


def model_card(cur: DuckDBPyConnection, run_id: str) -> str:
    """Return the card of a run's model as Markdown.

    Raises:
        RunNotFoundError: No run has this id.
    """
    run = get_run(cur, run_id)
    training = find_training_run(cur, run_id)
    version = next((one for one in list_models(cur) if one.run_id == run_id), None)
    names = list_exported_names(cur)
    events = [
        {**vars(one), "reviewer": names.get(one.reviewer_id, one.reviewer_id)}
        for one in list_alias_events(cur)
        if version is not None and one.version == version.version and one.action != "register"
    ]
    energy = next((one.energy for one in list_run_energy(cur) if one.run_id == run_id), None)
    figures = list(_figures(run.metrics))
    return render_markdown(
        "model",
        {
            "made": utc_now(),
            "run": run,
            "training": training,
            "snapshot_id": (training.settings if training else {}).get("snapshot_id", "unknown"),
            "version": version,
            "records": count_training_records(cur, run_id),
            "energy": energy,
            "figures": figures,
            "slices": list(_slices(cur, run_id, figures)),
            "least_slice": MIN_ITEMS,
            "results": [
                {"label_set": part["label_set"], "name": name, "value": value["value"]}
                for part in figures
                for name, value, _ in part["rows"]
                if name.endswith("accuracy") and value["value"] is not None
            ],
            "events": events,
        },
    )


def data_card(folder: Path) -> str:
    """Return the card of a build in a folder as Markdown.

    Raises:
        RunDirError: The folder has no build.json that can be read.
    """
    build = read_object(folder / "build.json")
    rows = build.pop("num_records", {})
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return render_markdown(
        "data",
        {
            "made": utc_now(),
            "folder": folder.name,
            "facts": [(name.replace("_", " "), value) for name, value in build.items()],
            "rows": rows,
            "is_of_test": build.get("format") in _OF_TEST,
            "files": [
                (str(path.relative_to(folder)), hashlib.sha256(path.read_bytes()).hexdigest())
                for path in paths
                if path.name not in _CARDS
            ],
        },
    )


def _slices(
    cur: DuckDBPyConnection, run_id: str, figures: Sequence[Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Yield the slices of the test items as Quality compares them, the lowest first."""
    scored_runs.refresh(cur, [run_id])
    test = Selection(split="test")
    for part in figures:
        flt = OutcomeFilter(EVERYTHING, run_id, "imported", part["label_set"], (test,))
        measured = {path.partition(",")[0] for path, _, _ in part["rows"]}
        for by in get_args(By):
            if by not in measured:
                continue
            found = _compare_slices(cur, flt, by)
            for (dimension, value), result in sorted(
                found, key=lambda one: (one[1].difference.value or 0, one[0])
            ):
                yield {
                    "label_set": part["label_set"],
                    "by": by,
                    "dimension": dimension.replace("_", " "),
                    "value": value,
                    "accuracy": result.accuracy,
                    "difference": result.difference,
                }


def _compare_slices(
    cur: DuckDBPyConnection, flt: OutcomeFilter, by: By
) -> Iterable[tuple[tuple[str, str], SliceResult]]:
    drawn = estimate_slices(cur, flt, by)
    if drawn is not None:
        names = [(one.dimension, one.value) for one in drawn.slices]
        results = compare_estimates([(one.inside, one.outside) for one in drawn.slices])
        return zip(names, results, strict=True)
    n, num_right = count_right(cur, flt, by)
    counts = [one for one in count_slices(cur, flt, by) if one.n < n]
    names = [(one.dimension, one.value) for one in counts]
    results = compare_slices([(one.n, one.num_right) for one in counts], n, num_right)
    return zip(names, results, strict=True)


_CARDS: Final = ("README.md", "README.html")


def _figures(metrics: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the figures of each label set: of the text, the head and its calibration."""
    for label_set, found in metrics.items():
        if not isinstance(found, Mapping) or "n" not in found:
            continue
        rows = []
        for by in ("text", "head", "calibration", "decision"):
            for path, estimate in _estimates(found.get(by) or {}, by):
                unit = "value" if path.endswith(("brier", "set size")) else "share"
                rows.append((path, estimate, unit))
        yield {"label_set": label_set, "n": found["n"], "rows": rows}


def _estimates(found: Mapping[str, Any], path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, value in found.items():
        if not isinstance(value, Mapping):
            continue
        place = path if name == "per_label" else f"{path}, {name.replace('_', ' ')}"
        if {"value", "n"} <= value.keys():
            yield place, value
        else:
            yield from _estimates(value, place)
