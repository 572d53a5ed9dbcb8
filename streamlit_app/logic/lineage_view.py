"""What the Lineage page shows, as columns for data frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from db.lineage import Correction, CorrectionRun, ItemOutcome, RecordCount, TrainingRecord
from db.run_energy import RunEnergy
from streamlit_app.text_safety import reveal

OUTCOME_SIGNS = {
    "fixed": "✓ fixed",
    "broken": "✗ broken",
    "still right": "still right",
    "still wrong": "still wrong",
    "unknown": "–",
}


def correction_table(corrections: Sequence[Correction]) -> dict[str, list[Any]]:
    """Arrange corrections as columns."""
    return {
        "When": [one.created_at for one in corrections],
        "Who": [reveal(one.reviewer or "–") for one in corrections],
        "Change": [change_words(one) for one in corrections],
        "Question": [_short(one.question) for one in corrections],
        "Split": [one.split for one in corrections],
        "Learned by": [
            "no run yet" if not one.num_runs else f"{one.num_runs} run{'s' * (one.num_runs > 1)}"
            for one in corrections
        ],
    }


def change_words(one: Correction) -> str:
    """Say what was changed: ``yes to no, with text``."""
    old, new = one.old_label or "no label", one.label or "several or none"
    label = f"{old} to {new}" if old != new else new
    how = " (adjudicated)" if one.kind == "adjudication" else ""
    return reveal(label) + (", new text" if one.has_text else "") + how


def run_table(runs: Sequence[CorrectionRun]) -> dict[str, list[Any]]:
    """Arrange the runs that a correction went into as columns."""
    return {
        "Run": [run.run_id for run in runs],
        "Snapshot": [run.snapshot_id.removeprefix("snapshot-") for run in runs],
        "Records": [records_words(run) for run in runs],
        "Before": [reveal(run.label_before or "–") for run in runs],
        "After": [reveal(run.label_after or "–") for run in runs],
        "The item": [OUTCOME_SIGNS[run.outcome] for run in runs],
    }


def records_words(run: CorrectionRun) -> str:
    """Say what became of the item in a run's training data."""
    parts = []
    if run.num_train:
        parts.append(f"{run.num_train} learned")
    if run.num_dev:
        parts.append(f"{run.num_dev} held out")
    if run.num_as_shot:
        parts.append(f"{run.num_as_shot} times a shot")
    return ", ".join(parts) or "none"


def record_table(records: Sequence[TrainingRecord]) -> dict[str, list[Any]]:
    """Arrange training records as columns."""
    return {
        "Item": [reveal(record.item_id) for record in records],
        "Shots": [record.num_shots for record in records],
        "Options": [
            "own order" if record.option_order == 0 else f"order {record.option_order + 1}"
            for record in records
        ],
        "Use": ["learned" if record.fold == "train" else "held out" for record in records],
        "Shown as shots": [reveal(", ".join(record.shot_item_ids)) for record in records],
    }


def outcome_table(outcomes: Sequence[ItemOutcome]) -> dict[str, list[Any]]:
    """Arrange fixed and broken items as columns."""
    return {
        "Outcome": [OUTCOME_SIGNS[one.outcome] for one in outcomes],
        "Question": [_short(one.question) for one in outcomes],
        "Split": [one.split for one in outcomes],
        "Gold": [reveal(one.gold_label) for one in outcomes],
        "Before": [reveal(one.label_before) for one in outcomes],
        "After": [reveal(one.label_after) for one in outcomes],
        "Corrected": ["yes" if one.is_corrected else "" for one in outcomes],
        "Item": [reveal(one.item_id) for one in outcomes],
    }


def describe_records(counts: Sequence[RecordCount]) -> str:
    """Say in one line what a run learned from."""
    parts = [
        f"{count.num_records:,} {shots_words(count.num_shots)} "
        f"{'learned' if count.fold == 'train' else 'held out'}"
        for count in counts
    ]
    return " · ".join(parts) or "none told"


def shots_words(num_shots: int) -> str:
    """Name a number of shots."""
    return {0: "zero-shot", 1: "one-shot"}.get(num_shots, f"{num_shots}-shot")


def energy_words(used: RunEnergy | None) -> str:
    """Say what a run used in a few letters, for a cell of a table."""
    if used is None:
        return "–"
    about = "about " if used.energy.is_estimated else ""
    return f"{about}{1000 * used.energy.energy_kwh:,.2g} Wh"


def describe_energy(used: RunEnergy | None) -> str:
    """Say what a run used, and what that is for each corrected item."""
    if used is None:
        return "not measured"
    energy = used.energy
    how = " (estimated)" if energy.is_estimated else ""
    told = f"{1000 * energy.energy_kwh:,.3g} Wh, {1000 * energy.emissions_kg:,.3g} g CO₂e{how}"
    if not used.num_corrections:
        return told
    each = 1000 * energy.energy_kwh / used.num_corrections
    return f"{told}; {each:,.3g} Wh for each of {used.num_corrections} corrected items"


def _short(question: str) -> str:
    return reveal(" ".join(question.split())[:140])
