"""What the Models page shows: versions, what the gate found, who promoted what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from db.models import AliasEvent, ModelVersion
from eci.estimates import Estimate
from streamlit_app.logic.figures import points, points_interval
from streamlit_app.logic.slice_ranking import slice_name
from streamlit_app.text_safety import reveal
from training.gate import GateReport, SetGate, SliceFinding

ACTION_WORDS = {
    "register": "registered",
    "choose": "chosen",
    "promote": "promoted",
    "roll back": "rolled back",
}


def version_name(model: ModelVersion) -> str:
    """Name a version with its run."""
    return f"Version {model.version} · {reveal(model.run_name)}"


def version_table(models: Sequence[ModelVersion]) -> dict[str, list[Any]]:
    """Arrange versions as columns for a data frame."""
    return {
        "Version": [model.version for model in models],
        "Alias": [", ".join(model.aliases) for model in models],
        "Made": [model.created_at for model in models],
        "Run": [reveal(model.run_name) for model in models],
        "Base model": [reveal(model.base_model) for model in models],
    }


def recall_table(one: SetGate) -> dict[str, list[Any]]:
    """Arrange the recall of each label, before and after, as columns."""
    return {
        "Label": [reveal(recall.label) for recall in one.recalls],
        "Test items": [recall.support for recall in one.recalls],
        "Before": [estimate_words(recall.before) for recall in one.recalls],
        "After": [estimate_words(recall.after) for recall in one.recalls],
    }


def slice_table(slices: Sequence[SliceFinding]) -> dict[str, list[Any]]:
    """Arrange slices as columns, the worst first."""
    ranked = sorted(slices, key=lambda one: (one.difference.value or 0, one.change.value))
    return {
        "Label set": [reveal(one.label_set) for one in ranked],
        "Slice": [reveal(slice_name(one.change.dimension, one.change.value)) for one in ranked],
        "n": [one.change.n for one in ranked],
        "Fixed": [one.change.num_fixed for one in ranked],
        "Broken": [one.change.num_broken for one in ranked],
        "Accuracy, points": [_points(one.difference) for one in ranked],
        "p, adjusted": [f"{one.p_value:.2g}" for one in ranked],
        "Verdict": ["worse" if one.is_worse else "no proof of worse" for one in ranked],
    }


def _points(difference: Estimate) -> str:
    value = points(difference.value).removesuffix(" points")
    return f"{value} ({points_interval(difference)})"


def event_table(events: Sequence[AliasEvent]) -> dict[str, list[Any]]:
    """Arrange changes of aliases as columns."""
    return {
        "When": [event.created_at for event in events],
        "Who": [reveal(event.reviewer) for event in events],
        "What": [
            f"{event.alias} {ACTION_WORDS[event.action]}: "
            + ("none" if event.version is None else f"version {event.version}")
            for event in events
        ],
        "Gate": [gate_words(event) for event in events],
        "Reason": [reveal(event.reason) for event in events],
    }


def gate_words(event: AliasEvent) -> str:
    """Say what the gate said when an alias changed; a dash where it was not asked."""
    if "passed" not in event.gate:
        return "–"
    return "passed" if event.gate["passed"] else "did not pass"


def headline(report: GateReport) -> str:
    """Say in one sentence whether the gate is open."""
    against = "the champion" if report.champion_run_id else "always giving the commonest label"
    num_checks, num_unsure = len(report.all_checks), len(report.unsure)
    left_open = f" For {num_unsure} of {num_checks} there are too few items to tell."
    left_open = left_open if num_unsure else ""
    if report.passed:
        return (
            f"The gate is open: {num_checks - num_unsure} checks hold against {against}.{left_open}"
        )
    return (
        f"The gate is closed: {len(report.failed)} of {num_checks} checks do not hold "
        f"against {against}.{left_open}"
    )


def estimate_words(estimate: Estimate) -> str:
    """Write a share with its interval: ``61.2 % (55.0 to 67.1)``."""
    if estimate.value is None:
        return "–"
    shown = f"{100 * estimate.value:.1f} %"
    if estimate.interval is None:
        return shown
    return f"{shown} ({100 * estimate.interval.low:.1f} to {100 * estimate.interval.high:.1f})"
