"""``build``: training data as files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from db.cli.frame import echo, reached_database
from db.paths import builds_dir
from db.retraining.judged_answers import list_judged_answers
from db.retraining.snapshot import read_snapshot
from db.viewer import EVERYTHING
from eci.questions.exemplars import CHOICES, Choice
from training.data.build import BENCHMARKS, Benchmark, Build, build, build_test
from training.data.build_files import count_rows, name_of, write_build
from training.data.formats import BUILD_FORMATS, FORMATS, BuildFormat
from training.evaluation.readings import read_new_answers
from training.settings.training import DataSettings


@click.command("build")
@click.option(
    "--shots",
    "num_shots",
    type=click.IntRange(0, 20),
    default=0,
    help="Answered examples in every prompt.",
)
@click.option("--benchmark", type=click.Choice(BENCHMARKS), default="all")
@click.option("--format", "build_format", type=click.Choice(BUILD_FORMATS), default="chat")
@click.option("--exemplars", type=click.Choice(CHOICES), default="balanced")
@click.option("--only-corrected", is_flag=True, help="Only items corrected by reviewers.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0)
@click.option("--out", type=click.Path(path_type=Path), help="[default: a folder under builds/]")
@click.option("--dry-run", is_flag=True, help="Print how many rows there would be; write nothing.")
def build_command(
    build_format: BuildFormat, out: Path | None, dry_run: bool, **choices: Any
) -> None:
    """Write training data as files for this or another tool: vetoes heeded, leaks refused.

    \b
    chat               chat JSON lines with what each record was made from
    huggingface        the same as a dataset folder that load_dataset reads
    prompt_completion  TRL's SFTTrainer: prompt and completion
    dpo                TRL's DPOTrainer: what reviewers corrected over what the model wrote
    kto                TRL's KTOTrainer: answers that reviewers accepted or rejected
    openai             OpenAI's fine-tuning: messages and nothing else
    alpaca, sharegpt   LLaMA-Factory, with dataset_info.json
    text_label         classifiers: texts with named classes, for load_dataset
    lm_eval            the test items as tasks of lm-evaluation-harness
    reference          LlamaCare's own script: one JSON array of its fields

    Training items alone, but for lm_eval. Items tagged step2&3 belong to usmle-step2 and to
    usmle-step3.
    """
    built = _build(build_format, **choices)
    if dry_run:
        for name, count in count_rows(built, build_format).items():
            echo(f"{name}: {count} rows")
        return
    if out is None:
        builds_dir().mkdir(parents=True, exist_ok=True)
        out = builds_dir() / f"{name_of(built, build_format)}-{built.snapshot_id[-8:]}"
    written = write_build(built, out, build_format)
    for path in written.files:
        echo(click.format_filename(path))
    counts = ", ".join(f"{name} {count}" for name, count in written.num_rows.items())
    echo(f"Rows: {counts}. {built.num_vetoed} items vetoed.", err=True)
    if written.num_changed_texts:
        echo(f"Chat markers broken up in {written.num_changed_texts} texts.", err=True)
    for warning in built.warnings:
        echo(warning, err=True)


def _build(
    build_format: BuildFormat,
    *,
    benchmark: Benchmark,
    num_shots: int,
    exemplars: Choice,
    only_corrected: bool,
    seed: int,
) -> Build:
    chosen = FORMATS[build_format]
    with reached_database(only_reads=True) as database:
        if chosen.is_of_answers:
            read_new_answers(database)
        cur = database.cursor()
        snapshot, answers = read_snapshot(cur, EVERYTHING), list_judged_answers(cur, EVERYTHING)
    if chosen.is_of_test:
        if num_shots or only_corrected:
            raise click.UsageError(f"{build_format} takes neither --shots nor --only-corrected.")
        return build_test(snapshot, benchmark=benchmark)
    made = build(
        snapshot,
        benchmark=benchmark,
        num_shots=num_shots,
        settings=DataSettings(exemplars=exemplars),
        only_corrected=only_corrected,
        seed=seed,
    )
    return replace(made, answers=answers)
