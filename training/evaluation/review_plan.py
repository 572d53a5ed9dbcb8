"""How many items to review for a statement, from what is measured here, and the queue of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from duckdb import DuckDBPyConnection

from db.content.overview import count_items_by_label, measure_review_seconds
from db.review.draws import QueueDesign
from db.review.item_list import ReviewFilter
from db.review.queues import QueueSettings
from db.viewer import Viewer
from eci.statistics.estimates import LEVEL
from eci.statistics.planning import (
    POWER,
    Plan,
    plan_accuracy,
    plan_alpha,
    plan_certificate,
    plan_comparison,
    plan_no_worse,
    share_level,
)
from training.errors import SettingsError

Goal = Literal["accuracy", "alpha", "difference", "certificate", "no_worse"]
EVEN: Final = (0.5, 0.5)
"""Prevalences where no label of record is known."""


@dataclass(frozen=True)
class Question:
    """What reviews are to show.

    Attributes:
        expected: The accuracy, alpha or error that is expected; of ``no_worse`` the true
            difference from the clinician. ``difference`` does not use it.
        margin: Half the width of the interval; the difference to tell; the error to certify; by how
            much worse than a clinician is still no worse.
        discordant: Of two runs, or run and clinician: share of items on which one alone is right.
        num_readers: People an item.
        population: Items in all, where that is a limit.
        num_statements: Made from the same reviews; each has its share of the error allowed.
    """

    goal: Goal
    expected: float
    margin: float
    discordant: float = 0.2
    num_readers: int = 1
    population: int | None = None
    num_statements: int = 1
    power: float = POWER


@dataclass(frozen=True)
class Workplace:
    """What was measured here.

    Attributes:
        prevalence: Of the labels of the most frequent label set.
        seconds: Median time of labelling one item; None where nothing was timed.
        num_items: Items that there are.
    """

    prevalence: tuple[float, ...] = EVEN
    seconds: float | None = None
    num_items: int = 0


def measure_workplace(cur: DuckDBPyConnection, viewer: Viewer) -> Workplace:
    """Measure how frequent the labels are and how long labelling takes."""
    sets: dict[str, dict[str, int]] = {}
    total = 0
    for count in count_items_by_label(cur, viewer):
        total += count.count
        if count.label is not None:
            labels = sets.setdefault(count.label_set, {})
            labels[count.label] = labels.get(count.label, 0) + count.count
    largest = max(sets.values(), key=lambda labels: sum(labels.values()), default={})
    whole = sum(largest.values())
    shares = tuple(number / whole for number in largest.values()) if len(largest) > 1 else EVEN
    return Workplace(shares, measure_review_seconds(cur), total)


def make_review_plan(question: Question, workplace: Workplace) -> Plan:
    """Compute how many items to review.

    Raises:
        SettingsError: The question cannot be asked like this.
    """
    asked = question
    try:
        level = share_level(LEVEL, asked.num_statements)
        if asked.goal == "alpha":
            return plan_alpha(
                asked.expected,
                asked.margin,
                workplace.prevalence,
                max(2, asked.num_readers),
                asked.population,
                level=level,
            )
        plan = _plan_of_one_reader(asked, level)
    except ValueError as error:
        raise SettingsError(f"The review cannot be planned: {error}") from error
    if asked.population is not None and plan.num_items > asked.population:
        raise SettingsError(
            f"The review cannot be planned: {plan.num_items} items are needed and there are "
            f"{asked.population}. Ask for a larger margin, or add items."
        )
    return Plan(plan.num_items, asked.num_readers, plan.power)


def _plan_of_one_reader(asked: Question, level: float) -> Plan:
    if asked.goal == "accuracy":
        return plan_accuracy(asked.expected, asked.margin, asked.population, level)
    if asked.goal == "difference":
        return plan_comparison(asked.margin, asked.discordant, power=asked.power, level=level)
    if asked.goal == "certificate":
        return plan_certificate(asked.margin, asked.expected, power=asked.power, level=level)
    return plan_no_worse(
        asked.margin, asked.discordant, asked.expected, power=asked.power, level=level
    )


def planned_queue(name: str, plan: Plan, run_id: str | None, seed: int) -> QueueSettings:
    """Return the queue that a plan asks for: random and blind, so that it speaks for all items."""
    return QueueSettings(
        name,
        ReviewFilter(run_id=run_id, only_predicted=run_id is not None),
        order="random",
        seed=seed,
        num_reviewers=plan.num_readers,
        mode="blind",
        design=QueueDesign(num_items=plan.num_items),
    )
