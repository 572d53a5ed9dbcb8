"""Command line of the training package: ``python -m training``."""

from __future__ import annotations

import sys

import click

from db.cli.asking import HandedOverError
from db.cli.frame import echo
from db.errors import DbError
from db.paths import runs_dir
from eci.errors import EciError
from training.cli.build_commands import build_command
from training.cli.foreground import in_foreground
from training.cli.predict_commands import adopt, predict
from training.cli.run_commands import execute, list_command, presets, run
from training.errors import TrainingError
from training.evaluation.agreement_cli import agreement_command
from training.evaluation.reporting.evidence_cli import evidence_command
from training.evaluation.reporting.report_cli import report_command
from training.evaluation.review_plan_cli import plan_review_command
from training.run.run_dir import RunDir


class _Commands(click.Group):
    """Turns our errors into one line on standard error and exit code 1."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except HandedOverError as run:
            in_foreground(RunDir(runs_dir() / run.value))
            return None
        except (TrainingError, DbError, EciError) as error:
            echo(f"Error: {error}", err=True)
            sys.exit(1)


@click.group(cls=_Commands, context_settings={"show_default": True})
def main() -> None:
    """Retrain adapter and ECI head on reviewed items."""


main.add_command(run)
main.add_command(predict)
main.add_command(adopt)
main.add_command(execute)
main.add_command(build_command)
main.add_command(presets)
main.add_command(list_command)
main.add_command(agreement_command)
main.add_command(evidence_command)
main.add_command(report_command)
main.add_command(plan_review_command)
