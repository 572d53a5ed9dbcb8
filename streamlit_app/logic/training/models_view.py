"""What the Models page shows: versions, what the gate found, who promoted what."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from db.retraining.model_versions import AliasEvent, ModelVersion
from eci.statistics.estimates import Estimate
from streamlit_app.logic.figures import points_interval
from streamlit_app.logic.label_sets import label_set_words
from streamlit_app.logic.outcomes.slice_ranking import slice_name
from streamlit_app.markup import reveal
from streamlit_app.wording import say, say_count, words
from training.evaluation.gate_report import GateReport, SetGate, SliceFinding, level_of_use


def version_name(model: ModelVersion) -> str:
    """Return the name of a version with its run."""
    return say("models.version_name", version=model.version, run=reveal(model.run_name))


def version_table(models: Sequence[ModelVersion]) -> dict[str, list[Any]]:
    """Arrange versions as columns for a data frame."""
    return {
        say("column.version"): [model.version for model in models],
        say("column.alias"): [", ".join(model.aliases) for model in models],
        say("column.made"): [model.created_at for model in models],
        say("column.run"): [reveal(model.run_name) for model in models],
        say("column.base_model"): [reveal(model.base_model) for model in models],
    }


def recall_table(one: SetGate) -> dict[str, list[Any]]:
    """Arrange the recall of each label, before and after, as columns."""
    return {
        say("column.label"): [reveal(recall.label) for recall in one.recalls],
        say("column.test_items"): [recall.support for recall in one.recalls],
        say("column.before"): [estimate_words(recall.before) for recall in one.recalls],
        say("column.after"): [estimate_words(recall.after) for recall in one.recalls],
    }


def slice_table(slices: Sequence[SliceFinding]) -> dict[str, list[Any]]:
    """Arrange slices as columns, the worst first."""
    ranked = sorted(slices, key=lambda one: (one.difference.value or 0, one.change.value))
    return {
        say("column.label_set"): [label_set_words(one.label_set) for one in ranked],
        say("column.slice"): [
            reveal(slice_name(one.change.dimension, one.change.value)) for one in ranked
        ],
        "n": [one.change.n for one in ranked],
        say("column.fixed"): [one.change.num_fixed for one in ranked],
        say("column.broken"): [one.change.num_broken for one in ranked],
        say("column.accuracy_points"): [_points(one.difference) for one in ranked],
        say("column.p_adjusted"): [f"{one.p_value:.2g}" for one in ranked],
        say("column.verdict"): [
            say("models.worse" if one.is_worse else "models.not_worse") for one in ranked
        ],
    }


def _points(difference: Estimate) -> str:
    value = "–" if difference.value is None else f"{100 * difference.value:+.1f}"
    return f"{value} ({points_interval(difference)})"


def event_table(events: Sequence[AliasEvent]) -> dict[str, list[Any]]:
    """Arrange changes of aliases as columns."""
    return {
        say("column.when"): [event.created_at for event in events],
        say("column.who"): [reveal(event.reviewer) for event in events],
        say("column.what"): [event_words(event) for event in events],
        say("column.gate"): [gate_words(event) for event in events],
        say("column.reason"): [reveal(event.reason) for event in events],
    }


def event_words(event: AliasEvent) -> str:
    """Describe a change of an alias: ``champion promoted: version 2``."""
    what = words("alias_action")[event.action]
    if event.version is None:
        return say("models.event_none", alias=event.alias, what=what)
    return say("models.event", alias=event.alias, what=what, version=event.version)


def gate_words(event: AliasEvent) -> str:
    """Return the result of the gate when an alias changed; a dash where it did not run."""
    if "passed" not in event.gate:
        return "–"
    return say("models.gate_passed" if event.gate["passed"] else "models.gate_not_passed")


def headline(report: GateReport) -> str:
    """Return in one sentence whether the challenger is ready to promote."""
    against = _against(report)
    total, undecided = len(report.all_checks), len(report.unsure)
    if report.outcome == "worse":
        key = "gate.worse_undecided" if undecided else "gate.worse"
        return say(key, count=len(report.failed), total=total, against=against, undecided=undecided)
    if report.outcome == "better":
        passed = total - undecided
        key = "gate.ready_undecided" if undecided else "gate.ready"
        return say(key, count=passed, against=against, undecided=undecided, total=total)
    return say(f"gate.{report.outcome}", against=against, undecided=undecided, total=total)


def in_words(text: str, report: GateReport) -> str:
    """Return what the gate wrote with the label sets as they are called on screen."""
    names = sorted((one.label_set for one in report.sets), key=len, reverse=True)
    either = "|".join(map(re.escape, names))
    # Not as a template: a name from a file may hold a backslash.
    return re.sub(rf"(?<!\w)(?:{either})(?!\w)", lambda name: label_set_words(name[0]), text)


def uses_note(report: GateReport) -> str:
    """Describe how often the test items were used so far, and what that costs."""
    level = f"{100 * level_of_use(report.num_uses):.2g} %"
    return say_count("gate.uses", report.num_uses, against=_against(report), level=level)


def _against(report: GateReport) -> str:
    return say("gate.champion" if report.champion_run_id else "gate.majority_class_baseline")


def estimate_words(estimate: Estimate) -> str:
    """Write a share with its interval: ``61.2 % (55.0 to 67.1)``."""
    if estimate.value is None:
        return "–"
    shown = f"{100 * estimate.value:.1f} %"
    if estimate.interval is None:
        return shown
    low, high = 100 * estimate.interval.low, 100 * estimate.interval.high
    return say("figures.with_interval", value=shown, low=f"{low:.1f}", high=f"{high:.1f}")
