"""What the pages show of operating points: what errors cost, and what follows on held-out items."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from db.records import Run
from eci.decisions import DecisionRule
from streamlit_app.logic.figures import percent
from streamlit_app.logic.label_sets import label_set_words
from streamlit_app.logic.tables import Cell
from streamlit_app.logic.training.training_view import figure_of, figure_words
from streamlit_app.wording import say, words

_FIGURES = ("answered_alone", "wrong_alone", "set_held")


def decision_table(run: Run) -> dict[str, list[Cell]]:
    """Arrange the operating point of each label set as columns; empty where a run has none."""
    rows: list[tuple[Cell, ...]] = [
        (
            label_set_words(label_set),
            *_rule_words(rule),
            *(_test_words(figures, name) for name in _FIGURES),
        )
        for label_set, figures in run.metrics.items()
        if (rule := _rule(figures)) is not None
    ]
    titles = ("label_set", "decided_by", "held_out", "held_out_cost", "asks_person", *_FIGURES)
    if not rows:
        return {}
    return {say(f"decision.{title}"): [row[i] for row in rows] for i, title in enumerate(titles)}


def _rule(figures: Any) -> DecisionRule | None:
    """Read an operating point from metrics; None where a run has none, or of another form."""
    stored = figures.get("decision") if isinstance(figures, Mapping) else None
    if not isinstance(stored, Mapping):
        return None
    known = {name: value for name, value in stored.items() if name in DecisionRule.model_fields}
    try:
        return DecisionRule.model_validate(known)
    except ValidationError:
        return None


def _rule_words(rule: DecisionRule) -> tuple[str, int, str, str]:
    cost = "–"
    if rule.mean_cost is not None and rule.mean_cost_most_probable is not None:
        is_score = rule.cost in ("accuracy", "macro_f1")
        figures = (rule.mean_cost, rule.mean_cost_most_probable)
        shown = [percent(1 - value) if is_score else f"{value:.3f}" for value in figures]
        cost = say("decision.cost_compared", cost=shown[0], most_probable=shown[1])
    name = words("decision_cost")[rule.cost]
    limits = rule.label_thresholds
    if set(limits) - {0.5}:
        lowest, highest = percent(min(limits)), percent(max(limits))
        name = say("decision.thresholds", lowest=lowest, highest=highest)
    elif limits:
        name = say("decision.halves" if rule.cost == "macro_f1" else "decision.exact_halves")
    elif rule.cost == "macro_f1" and rule.costs is None:
        name = say("decision.unweighted", cost=name)
    return name, rule.num_items, cost, _rule_asks(rule)


def _rule_asks(rule: DecisionRule) -> str:
    if rule.target_error is not None:
        target = percent(rule.target_error)
        if rule.threshold is None:
            return say("decision.always", target=target)
        return say("decision.below", threshold=percent(rule.threshold), target=target)
    return say("decision.unless_single" if rule.ask_unless_single else "decision.never")


def _test_words(figures: Mapping[str, Any], name: str) -> str:
    return figure_words(figure_of(figures, ("decision", name)))
