"""How far people agree, from the command line: ``python -m training agreement``.

The counts lie in ``db`` and the statistics in ``eci``, so the command is above both.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any, get_args

import click
from duckdb import DuckDBPyConnection

from db.cli.frame import echo, reached_database
from db.errors import NotFoundError
from db.records import AnnotationOrigin, Phase
from db.review.agreement import Gold, RatingFilter, RatingScope, Shown, list_rating_scopes
from db.viewer import EVERYTHING
from training.evaluation.agreement.anchoring import load_anchoring
from training.evaluation.agreement.figures import Answers, PhaseAgreement
from training.evaluation.agreement.phases import load_phase
from training.evaluation.agreement.reviewers import (
    load_pairs,
    load_reviewers,
    load_self_agreement,
    load_times,
)

_COEFFICIENTS = ("percent", "cohen_kappa", "fleiss_kappa", "krippendorff_alpha", "gwet_ac1")
_PHASES: tuple[Phase, ...] = ("blind", "revealed", "open")


@click.command("agreement")
@click.option("--labels", help="Label set, such as pubmedqa or options. Default: the most rated.")
@click.option("--source", help="Only items of this source.")
@click.option(
    "--origin",
    type=click.Choice(get_args(AnnotationOrigin)),
    help="Labels given here (review), or ones that came with a data set (import).",
)
@click.option(
    "--gold",
    type=click.Choice(get_args(Gold)),
    default="imported",
    help="Which gold label ratings are held against.",
)
@click.option(
    "--answers",
    type=click.Choice(get_args(Answers)),
    default="single",
    help="single: ratings of one label alone; sets: all, as sets of labels.",
)
@click.option("--json", "as_json", is_flag=True, help="Print everything as one JSON object.")
def agreement_command(
    labels: str | None,
    source: str | None,
    origin: AnnotationOrigin | None,
    gold: Gold,
    answers: Answers,
    as_json: bool,
) -> None:
    """Print inter-rater agreement, agreement with gold, and intra-rater agreement."""
    with reached_database(only_reads=True) as database:
        cur = database.cursor()
        scope = _find_scope(list_rating_scopes(cur, EVERYTHING), labels, source, origin)
        flt = RatingFilter(EVERYTHING, scope.label_set, scope.origin, source, gold)
        found = _load(cur, flt, answers)
    if as_json:
        echo(json.dumps(found))
    else:
        echo("\n".join(_lines(found)))


def _find_scope(
    scopes: list[RatingScope], labels: str | None, source: str | None, origin: str | None
) -> RatingScope:
    """Choose the ratings that are asked for, those with the most of them where several are."""
    fitting = [
        scope
        for scope in scopes
        if labels in (None, scope.label_set)
        and source in (None, scope.source)
        and origin in (None, scope.origin)
    ]
    if not scopes:
        raise NotFoundError(
            "No item has been labelled yet, so there is no agreement. Label items in the app, or "
            "import ratings."
        )
    if not fitting:
        known = sorted({f"{one.origin} / {one.label_set} / {one.source}" for one in scopes})
        raise NotFoundError(
            f"There are no ratings of labels {labels!r}, source {source!r}, origin {origin!r}. "
            f"There are: {', '.join(known)}. Ask for one of them."
        )
    return max(fitting, key=lambda scope: scope.num_ratings)


def _load(cur: DuckDBPyConnection, flt: RatingFilter, answers: Answers) -> dict[str, Any]:
    phases = [
        {
            **_phase_fields(phase),
            "reviewers": [asdict(one) for one in load_reviewers(cur, flt, phase.phase, answers)],
            "pairs": [asdict(one) for one in load_pairs(cur, flt, phase.phase, answers)],
            "self": [asdict(one) for one in load_self_agreement(cur, flt, phase.phase, answers)],
        }
        for phase in _phases(cur, flt, answers)
    ]
    shown = {name: load_anchoring(cur, flt, name) for name in get_args(Shown)}
    return {
        "filter": {name: value for name, value in asdict(flt).items() if name != "viewer"},
        "phases": phases,
        "anchoring": {name: [asdict(one) for one in found] for name, found in shown.items()},
        "times": [asdict(one) for one in load_times(cur, flt)],
    }


def _phase_fields(phase: PhaseAgreement) -> dict[str, Any]:
    """Return the figures of a phase, and of its draw how many items it covers."""
    fields = asdict(replace(phase, draw=None, plain=None))
    if phase.draw is not None and phase.plain is not None:
        draw = phase.draw
        fields["draw"] = {
            "queue_id": draw.queue_id,
            "num_items": draw.num_items,
            "num_population": draw.num_population,
        }
        fields["plain"] = asdict(phase.plain)
    return fields


def _phases(
    cur: DuckDBPyConnection, flt: RatingFilter, answers: Answers
) -> Iterator[PhaseAgreement]:
    loaded = (load_phase(cur, flt, phase, answers) for phase in _PHASES)
    return (phase for phase in loaded if phase.num_ratings)


def _lines(found: dict[str, Any]) -> Iterator[str]:
    chosen = found["filter"]
    yield f"{chosen['origin']} / {chosen['label_set']} / {chosen['source'] or 'all sources'}"
    for phase in found["phases"]:
        yield f"{phase['phase']}: {phase['num_ratings']} answers to {phase['num_items']} items"
        for name in _COEFFICIENTS:
            yield f"  {name.replace('_', ' ')}: {_text(phase['overall'][name])}"
        yield f"  holds the gold label: {_text(phase['holds_gold'])}"
        if phase["draw"]:
            yield (
                f"  for {phase['draw']['num_items']} of {phase['draw']['num_population']} items: "
                "weighted by inverse inclusion probabilities"
            )
            plain = phase["plain"]["overall"]["krippendorff_alpha"]
            yield f"  counted plainly, krippendorff alpha: {_text(plain)}"
    for name, people in found["anchoring"].items():
        if people:
            yield f"after the reveal, {name} adopted: {_text(people[0]['adopted'])}"
            yield f"after the reveal, {name} dropped: {_text(people[0]['dropped'])}"
    yield f"seconds a rating, median: {_text(found['times'][0]['median'])}"


def _text(estimate: dict[str, Any]) -> str:
    if estimate["value"] is None:
        return f"undefined because {estimate['undefined_because']}"
    interval = estimate["interval"]
    shown = "" if interval is None else f" [{interval['low']:.3f}, {interval['high']:.3f}]"
    return f"{estimate['value']:.3f}{shown}, n = {estimate['n']}"
