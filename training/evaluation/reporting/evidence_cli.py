"""``python -m training evidence``: a pack of who judged what, for those who must answer for it.

Its figures are counted in ``db`` and estimated in ``eci``, so the command is above both.
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

import click
from duckdb import DuckDBPyConnection

from db.cli.frame import reported_errors
from db.evidence.pack import count_fast_saves, write_pack
from db.evidence.verify import Verified, copied
from db.exporters.targets import file_target
from db.paths import database_path
from db.review.agreement import RatingFilter, Shown, list_rating_scopes
from db.viewer import EVERYTHING
from eci.statistics.estimates import proportion
from training.evaluation.agreement.anchoring import load_anchoring

_NO_LABELS = "no label was saved at a screen"


@click.command("evidence")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--names", is_flag=True, help="With names and addresses; without, people are ids.")
def evidence_command(file: Path, names: bool) -> None:
    """Write an evidence pack to FILE, a zip, also while the app has the database open.

    It has what people did, the chain over it, people and roles, guidelines, label sets, models and
    gate decisions, and a script that checks it without this product. Exits with 1 where the check
    of the database found a break; the pack is written all the same and says so.
    """
    with reported_errors(), file_target(file) as partial:
        verified = write_evidence(database_path(), partial, with_names=names)
    click.echo(f"{click.format_filename(file)}: {verified.num_rows} rows.")
    for one in verified.breaks:
        click.echo(f"Error: {one}.", err=True)
    sys.exit(1 if verified.breaks else 0)


def write_evidence(path: Path, target: Path, *, with_names: bool) -> Verified:
    """Write an evidence pack with its figures, as :func:`db.evidence.pack.write_pack` does.

    Never in the process that has the database open.
    """
    with copied(path) as cur:
        figures = oversight_figures(cur)
    return write_pack(path, target, figures, with_names=with_names)


def oversight_figures(cur: DuckDBPyConnection) -> dict[str, Any]:
    """Return how people moved after the reveal, by label set, and how often they saved too fast."""
    num_fast, num_timed = count_fast_saves(cur)
    scopes = {(one.label_set, one.origin) for one in list_rating_scopes(cur, EVERYTHING)}
    anchoring = []
    for label_set, origin in sorted(scopes):
        flt = RatingFilter(EVERYTHING, label_set, origin, None)
        found = {shown: load_anchoring(cur, flt, shown) for shown in get_args(Shown)}
        overall = {shown: asdict(people[0]) for shown, people in found.items() if people}
        anchoring.append({"label_set": label_set, "origin": origin, "shown": overall})
    return {
        "saved_faster_than_reading": asdict(proportion(num_fast, num_timed, _NO_LABELS)),
        "anchoring": anchoring,
    }
