"""What the Lineage page shows, as columns for data frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from db.retraining.lineage import (
    Correction,
    CorrectionRun,
    ItemOutcome,
    RecordCount,
    TrainingRecord,
)
from db.retraining.run_energy import RunEnergy
from streamlit_app.markup import one_line, reveal
from streamlit_app.wording import say, say_count, words

OUTCOME_SIGNS = {**words("item_outcome"), "unknown": "–"}
FOLD_WORDS = words("fold")


def correction_table(corrections: Sequence[Correction]) -> dict[str, list[Any]]:
    """Arrange corrections as columns."""
    return {
        say("column.when"): [one.created_at for one in corrections],
        say("column.who"): [reveal(one.reviewer or "–") for one in corrections],
        say("column.change"): [change_words(one) for one in corrections],
        say("column.question"): [_short(one.question) for one in corrections],
        say("column.split"): [one.split for one in corrections],
        say("column.learned_by"): [_num_runs_words(one.num_runs) for one in corrections],
    }


def change_words(one: Correction) -> str:
    """Return what was changed: ``yes to no, new text, adjudicated``."""
    old = one.old_label or say("lineage.no_label")
    new = one.label or say("lineage.several_or_none")
    label = say("lineage.label_change", old=old, new=new) if old != new else new
    facts = [reveal(label)]
    if one.has_text:
        facts.append(say("lineage.new_text"))
    if one.kind == "adjudication":
        facts.append(say("lineage.adjudicated"))
    return ", ".join(facts)


def run_table(runs: Sequence[CorrectionRun], names: Mapping[str, str]) -> dict[str, list[Any]]:
    """Arrange the runs that a correction went into as columns."""
    return {
        say("column.run"): [reveal(names[run.run_id]) for run in runs],
        say("column.snapshot"): [run.snapshot_id.removeprefix("snapshot-") for run in runs],
        say("column.records"): [records_words(run) for run in runs],
        say("column.before"): [reveal(run.label_before or "–") for run in runs],
        say("column.after"): [reveal(run.label_after or "–") for run in runs],
        say("column.the_item"): [OUTCOME_SIGNS[run.outcome] for run in runs],
    }


def records_words(run: CorrectionRun) -> str:
    """Describe how a run's training data used the item."""
    parts = []
    if run.num_train:
        parts.append(say("lineage.num_learned", count=run.num_train))
    if run.num_dev:
        parts.append(say("lineage.num_held_out", count=run.num_dev))
    if run.num_as_shot:
        parts.append(say("lineage.num_as_shot", count=run.num_as_shot))
    return ", ".join(parts) or say("lineage.no_records")


def record_table(records: Sequence[TrainingRecord]) -> dict[str, list[Any]]:
    """Arrange training records as columns."""
    return {
        say("column.item"): [reveal(record.item_id) for record in records],
        say("column.shots"): [record.num_shots for record in records],
        say("column.options"): [_order_words(record.option_order) for record in records],
        say("column.use"): [FOLD_WORDS[record.fold] for record in records],
        say("column.shown_as_shots"): [
            reveal(", ".join(record.shot_item_ids)) for record in records
        ],
    }


def outcome_table(outcomes: Sequence[ItemOutcome]) -> dict[str, list[Any]]:
    """Arrange fixed and broken items as columns."""
    return {
        say("column.outcome"): [OUTCOME_SIGNS[one.outcome] for one in outcomes],
        say("column.question"): [_short(one.question) for one in outcomes],
        say("column.split"): [one.split for one in outcomes],
        say("column.gold"): [reveal(one.gold_label) for one in outcomes],
        say("column.before"): [reveal(one.label_before) for one in outcomes],
        say("column.after"): [reveal(one.label_after) for one in outcomes],
        say("column.corrected"): [
            say("lineage.is_corrected") if one.is_corrected else "" for one in outcomes
        ],
        say("column.item"): [reveal(one.item_id) for one in outcomes],
    }


def describe_records(counts: Sequence[RecordCount]) -> str:
    """Describe in one line what a run learned from."""
    parts = [
        f"{count.num_records:,} {shots_words(count.num_shots)} {FOLD_WORDS[count.fold]}"
        for count in counts
    ]
    return " · ".join(parts) or say("lineage.not_recorded")


def shots_words(num_shots: int) -> str:
    """Return the name of a number of shots."""
    return say_count("lineage.num_shots", num_shots) if num_shots else say("lineage.zero_shot")


def energy_words(used: RunEnergy | None) -> str:
    """Return the energy of a run, short enough for a cell of a table."""
    if used is None:
        return "–"
    key = "lineage.about_watt_hours" if used.energy.is_estimated else "lineage.watt_hours"
    return say(key, energy=1000 * used.energy.energy_kwh)


def describe_energy(used: RunEnergy | None) -> str:
    """Return the energy and carbon of a run, in all and for each corrected item."""
    if used is None:
        return say("lineage.not_measured")
    kind = "estimated" if used.energy.is_estimated else "measured"
    watt_hours, grams = 1000 * used.energy.energy_kwh, 1000 * used.energy.emissions_kg
    count = used.num_corrections
    if not count:
        return say(f"lineage.energy_{kind}", energy=watt_hours, carbon=grams)
    return say_count(
        f"lineage.energy_{kind}_per_item",
        count,
        energy=watt_hours,
        carbon=grams,
        each=watt_hours / count,
    )


def _num_runs_words(num_runs: int) -> str:
    return say_count("lineage.num_runs", num_runs) if num_runs else say("lineage.no_run")


def _order_words(option_order: int) -> str:
    if option_order == 0:
        return say("lineage.own_order")
    return say("lineage.order", number=option_order + 1)


def _short(question: str) -> str:
    return one_line(question, 140)
