"""How many items to review: ``python -m training plan-review``."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator

import click

from db.cli.frame import echo, reached_database
from db.connection import Database
from db.errors import DbError
from db.people.sign_in import sign_in_by_name
from db.review.queues import add_queue
from db.viewer import EVERYTHING
from eci.statistics.planning import POWER, Plan
from training.evaluation.review_plan import (
    Goal,
    Question,
    Workplace,
    make_review_plan,
    measure_workplace,
    planned_queue,
)

_SHARE = click.FloatRange(0, 1)


@click.command("plan-review")
@click.option("--accuracy", type=_SHARE, help="The accuracy that is expected; needs --margin.")
@click.option("--alpha", type=_SHARE, help="Krippendorff's alpha that is expected; --margin too.")
@click.option("--margin", type=_SHARE, help="Half the width of the 95 % interval.")
@click.option("--difference", type=_SHARE, help="Tell two runs apart that differ by this much.")
@click.option("--error-at-most", type=_SHARE, help="Certify an error of at most this.")
@click.option("--no-worse-by", type=_SHARE, help="Show no worse than a clinician by this margin.")
@click.option(
    "--discordant",
    type=_SHARE,
    default=0.2,
    help="--difference, --no-worse-by: share of items on which exactly one of the two is right.",
)
@click.option("--expected-error", type=_SHARE, default=0.0, help="--error-at-most: true.")
@click.option("--power", type=_SHARE, default=POWER)
@click.option(
    "--population", type=click.IntRange(1, 10**9), help="Items in all, where that is a limit."
)
@click.option("--readers", type=click.IntRange(1, 20), default=1)
@click.option("--people", type=click.IntRange(1, 10_000), default=1, help="Who share.")
@click.option(
    "--statements",
    type=click.IntRange(1, 1_000),
    default=1,
    help="Made from the same reviews; all hold together at 95 %.",
)
@click.option("--queue", "queue_name", metavar="NAME", help="Make the queue: random and blind.")
@click.option("--by", metavar="NAME", help="--queue: in whose name; see python -m db people.")
@click.option("--run", "run_id", help="--queue: only items that this run answered.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def plan_review_command(
    accuracy: float | None,
    alpha: float | None,
    margin: float | None,
    difference: float | None,
    error_at_most: float | None,
    no_worse_by: float | None,
    discordant: float,
    expected_error: float,
    power: float,
    population: int | None,
    readers: int,
    people: int,
    statements: int,
    queue_name: str | None,
    by: str | None,
    run_id: str | None,
    seed: int,
    as_json: bool,
) -> None:
    """Compute how many items to review, and how long that takes; make the queue of them.

    Choose one of --accuracy, --alpha, --difference, --error-at-most, --no-worse-by. Prevalence and
    minutes an item are those measured in the database.
    """
    goals: dict[Goal, tuple[float | None, float | None]] = {
        "accuracy": (accuracy, margin),
        "alpha": (alpha, margin),
        "difference": (0.0 if difference is not None else None, difference),
        "certificate": (expected_error if error_at_most is not None else None, error_at_most),
        "no_worse": (0.0 if no_worse_by is not None else None, no_worse_by),
    }
    asked = [(goal, *given) for goal, given in goals.items() if given[0] is not None]
    if len(asked) != 1:
        raise click.UsageError(
            f"{len(asked)} questions were asked; ask exactly one: --accuracy, --alpha, "
            "--difference, --error-at-most or --no-worse-by."
        )
    goal, expected, width = asked[0]
    if expected is None or width is None:
        raise click.UsageError(f"--{goal} needs --margin, such as --margin 0.03.")
    if queue_name and not by:
        raise click.UsageError("--queue needs --by, the name of who makes it.")
    question = Question(goal, expected, width, discordant, readers, population, statements, power)
    workplace, plan = _plan(question, needs_database=queue_name is not None)
    if queue_name and by:
        with reached_database() as database:
            _make_queue(database, plan, (queue_name, by), run_id, seed)
    if as_json:
        hours = None if workplace.seconds is None else plan.hours(workplace.seconds)
        echo(
            json.dumps(
                {
                    "num_items": plan.num_items,
                    "num_readers": plan.num_readers,
                    "power": plan.power,
                    "seconds_an_item": workplace.seconds,
                    "prevalence": workplace.prevalence,
                    "hours": hours,
                }
            )
        )
        return
    for line in _lines(plan, workplace, people):
        echo(line)
    if goal == "alpha":
        shares = ", ".join(f"{100 * share:.0f} %" for share in workplace.prevalence)
        echo(f"Prevalence of the labels as measured here: {shares}")


def _plan(question: Question, *, needs_database: bool) -> tuple[Workplace, Plan]:
    """Measure, where the database can be had, and plan."""
    try:
        with reached_database(only_reads=True) as database:
            workplace = measure_workplace(database.cursor(), EVERYTHING)
    except DbError as error:
        if needs_database:
            raise
        echo(f"Without what was measured here: {error}", err=True)
        workplace = Workplace()
    return workplace, make_review_plan(question, workplace)


def _make_queue(
    database: Database, plan: Plan, names: tuple[str, str], run_id: str | None, seed: int
) -> None:
    with database.transaction() as cur:
        person = sign_in_by_name(cur, names[1])
        settings = planned_queue(names[0], plan, run_id, seed)
        queue = add_queue(cur, settings, queue_id=str(uuid.uuid4()), created_by=person.reviewer_id)
    echo(f"{queue.queue_id}  {queue.settings.name}", err=True)


def _lines(plan: Plan, workplace: Workplace, people: int) -> Iterator[str]:
    power = "" if plan.power is None else f"; found with a probability of {100 * plan.power:.0f} %"
    yield f"{plan.num_items:,} random items, {plan.num_readers} reader(s) an item{power}"
    if workplace.seconds is None:
        yield "No review was timed here yet, so the hours are not known."
        return
    hours = plan.hours(workplace.seconds)
    yield (
        f"{hours:.1f} hours at {workplace.seconds:.0f} s an item as measured here: "
        f"{hours / people:.1f} hours of each of {people} people"
    )
