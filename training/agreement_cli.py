"""``python -m db agreement``: how far people agree, from the command line.

It is announced to ``db.cli`` as an entry point: the counts lie in ``db``, the statistics in ``eci``.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import get_args

import click

from db.agreement import RatingFilter, list_rating_scopes
from db.cli_frame import opened
from db.records import AnnotationOrigin
from eci.estimates import Estimate
from training.agreement import Answers, PhaseAgreement, load_phase

_COEFFICIENTS = ("percent", "cohen_kappa", "fleiss_kappa", "krippendorff_alpha", "gwet_ac1")


@click.command()
@click.option("--label-set", help="Only this label set, such as pubmedqa or options.")
@click.option("--source", help="Only items of this source.")
@click.option(
    "--origin",
    type=click.Choice(get_args(AnnotationOrigin)),
    help="Only labels given here (review), or ones that came with a data set (import).",
)
@click.option(
    "--answers",
    type=click.Choice(get_args(Answers)),
    default="single",
    show_default=True,
    help="single: ratings of one label alone; sets: all, as sets of labels.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with every label and interval.")
def agreement(
    label_set: str | None,
    source: str | None,
    origin: AnnotationOrigin | None,
    answers: Answers,
    as_json: bool,
) -> None:
    """Say how far people agree, with each other and with the gold label, phase by phase."""
    with opened() as database:
        cur = database.cursor()
        wanted = sorted(
            {
                (scope.label_set, scope.origin, scope.phase)
                for scope in list_rating_scopes(cur)
                if label_set in (None, scope.label_set)
                and source in (None, scope.source)
                and origin in (None, scope.origin)
            }
        )
        found = [
            (of, whose, load_phase(cur, RatingFilter(of, whose, source), phase, answers))
            for of, whose, phase in wanted
        ]
    if as_json:
        rows = [{"label_set": of, "origin": whose, **asdict(one)} for of, whose, one in found]
        click.echo(json.dumps(rows))
        return
    if not found:
        click.echo("There are no ratings yet. Label items, or import ratings.")
    for of, whose, one in found:
        _print_phase(of, whose, one)


def _print_phase(label_set: str, origin: str, one: PhaseAgreement) -> None:
    click.echo(
        f"{label_set}, {origin}, {one.phase}: {one.num_ratings} ratings of {one.num_items} items"
    )
    for name in _COEFFICIENTS:
        click.echo(f"  {name}: {_text(getattr(one.overall, name))}")
    click.echo(f"  holds the gold label: {_text(one.holds_gold)}")


def _text(estimate: Estimate) -> str:
    if estimate.value is None:
        return f"undefined because {estimate.undefined_because}"
    interval = estimate.interval
    shown = "" if interval is None else f" [{interval.low:.3f}, {interval.high:.3f}]"
    return f"{estimate.value:.3f}{shown}, n {estimate.n}"
