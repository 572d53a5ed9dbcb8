"""Command line of the eci package: ``python -m eci``."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import IO, Any, Final

import click

from eci.errors import EciError
from eci.export.exporting import export
from eci.model.choice import ModelChoice, model_options
from eci.questions.exemplars import CHOICES, Choice, ExemplarPool
from eci.questions.json_lines import iter_lines, load_exemplars, load_records, parse_answer
from eci.questions.labels import LabelSet
from eci.questions.near_duplicates import refuse_duplicates
from eci.serving.command import serve
from eci.stream import (
    Outcome,
    ShotChooser,
    classify_lines,
    no_shots,
    read_text,
    reading_fields,
    result_fields,
)

_INTERRUPTED: Final = 130
_SECONDS_BETWEEN_REPORTS: Final = 5.0
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_MAX_MESSAGE: Final = 4000


class _Commands(click.Group):
    """Turns our errors into one line on standard error and exit code 1."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except EciError as error:
            _say(f"Error: {error}")
            sys.exit(1)


@click.group(
    cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "show_default": True}
)
def main() -> None:
    """Classify with a decoder language model and a head on its hidden states (ECI)."""


@main.command()
@click.argument("file", type=click.File("rb"), default="-")
@model_options
@click.option("--exemplars", type=click.File("rb"), help="Lines with a label, to take shots from.")
@click.option("--shots", default=0, type=click.IntRange(0, 100), help="Shots in every prompt.")
@click.option(
    "--choice",
    type=click.Choice(CHOICES),
    default="balanced",
    help="Of the shots: drawn, drawn from each label in turn, or most like the question. Only the "
    "nearest differ from question to question.",
)
@click.option(
    "--shot-words",
    default=60,
    type=click.IntRange(0, 100_000),
    help="Words of its context that a shot shows.",
)
@click.option(
    "--forbidden",
    type=click.File("rb"),
    help="Lines that no exemplar may repeat, such as a test split. Exemplars that do are refused.",
)
@click.option(
    "--seed", type=click.IntRange(0, 2**32 - 1), default=0, help="Decides which shots are drawn."
)
@click.option(
    "--answer",
    "max_new_tokens",
    default=0,
    type=click.IntRange(0, 32_768),
    metavar="N",
    help="Also write a text of up to N tokens, and read its label.",
)
@click.option("--batch-size", default=8, type=click.IntRange(1, 4096))
@click.option(
    "--chunk-size",
    default=128,
    type=click.IntRange(1, 1_000_000),
    help="Lines read, classified and written together. 1 answers each line as it comes.",
)
def classify(
    file: IO[bytes],
    *,
    model_choice: ModelChoice,
    exemplars: IO[bytes] | None,
    shots: int,
    choice: Choice,
    shot_words: int,
    forbidden: IO[bytes] | None,
    seed: int,
    max_new_tokens: int,
    batch_size: int,
    chunk_size: int,
) -> None:
    """Classify the questions of FILE (JSON lines), or of standard input.

    One JSON line for each question goes to standard output, in the order of the questions. A line
    that cannot be classified is named on standard error, and the rest goes on.

    \b
    {"id": 1, "question": "Does it help?", "context": "It did.", "label_set": "pubmedqa"}
    {"id": 2, "question": "What first?", "options": {"A": "Rest", "B": "Surgery"}}
    {"id": 3, "question": "What helps?", "options": {"A": "Rest", "B": "Ice"}, "is_several": true}

    Where several may be right, labels are lists, and --artifact has to be trained on such items.
    Exit status: 0 all classified; 1 lines were refused or nothing could be classified; 2 wrong
    usage; 130 interrupted. docs/eci_library.md describes every field.
    """
    chosen = model_choice.check()
    if bool(shots) != bool(exemplars) or (forbidden and not exemplars):
        raise click.UsageError("--exemplars, to choose from, and --shots, how many, go together.")
    # Files first: loading a model takes longer than finding a fault in them.
    choose_shots = _shot_chooser(
        exemplars, forbidden, chosen.label_sets, shots, choice, shot_words, seed
    )
    model = chosen.load()
    report = _Report()
    chunks = classify_lines(
        model,
        iter_lines(file),
        choose_shots=choose_shots,
        max_new_tokens=max_new_tokens,
        batch_size=batch_size,
        chunk_size=chunk_size,
        progress=report.update,
    )
    sys.exit(_write_all(chunks, report))


@main.command()
@click.argument("file", type=click.File("rb"), default="-")
def read(file: IO[bytes]) -> None:
    """Read the label that each answer of FILE (JSON lines), or of standard input, gives.

    One JSON line for each answer goes to standard output: its label or null, the form in which the
    text gives it, and the span of the words that decided. A line that cannot be read is named on
    standard error, and the rest goes on. No model is needed.

    \b
    {"text": "The answer is (B) no.", "labels": ["yes", "no", "maybe"]}
    {"text": "Final answer: B", "options": {"A": "Rest", "B": "Surgery"}, "id": 2}
    {"text": "2", "labels": ["yes", "no"], "aliases": {"yes": ["1"], "no": ["2"]}}
    {"text": "A and C", "options": {"A": "Rest", "B": "Surgery", "C": "Ice"}, "is_several": true}

    Where several may be right, the label is a list. Exit status: 0 all read; 1 lines were refused;
    2 wrong usage. docs/eci_library.md describes every field.
    """
    num_refused = 0
    for number, line in iter_lines(file):
        try:
            answer = parse_answer(line)
        except EciError as error:
            _say(f"Line {number} was left out: {error}")
            num_refused += 1
            continue
        fields: dict[str, Any] = {} if answer.record_id is None else {"id": answer.record_id}
        reading = read_text(answer.text, answer.label_set, answer.aliases)
        click.echo(json.dumps(fields | reading_fields(reading, answer.label_set)))
    sys.exit(int(num_refused > 0))


main.add_command(serve)
main.add_command(export)


def _shot_chooser(
    exemplars: IO[bytes] | None,
    forbidden: IO[bytes] | None,
    known: Mapping[str, LabelSet],
    num_shots: int,
    choice: Choice,
    shot_words: int,
    seed: int,
) -> ShotChooser:
    if exemplars is None:
        return no_shots
    whole = load_exemplars(exemplars, known)
    if forbidden is not None:
        refuse_duplicates(whole, [record.question for record in load_records(forbidden, known)])
    cut = [replace(e, question=e.question.with_context_words(shot_words)) for e in whole]
    pool = ExemplarPool(cut, choice, seed)
    # The common beginning of all questions is prefilled once for a chunk; the nearest shots differ.
    choose = pool.choose if choice == "nearest" else pool.choose_shared
    return lambda question: choose(question, num_shots)


class _Report:
    """Tells on standard error what was refused, how far it is, and the counts at the end."""

    def __init__(self) -> None:
        self.num_classified = 0
        self.num_refused = 0
        self.last_line = 0
        self._started = self._reported_at = time.monotonic()

    def add(self, outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            if outcome.fault:
                _say(f"Line {outcome.line_number} was left out: {outcome.fault}")
        num_refused = sum(bool(outcome.fault) for outcome in outcomes)
        self.num_refused += num_refused
        self.num_classified += len(outcomes) - num_refused
        self.last_line = outcomes[-1].line_number

    def update(self, num_done: int, _: int) -> None:
        """Report progress from time to time; ``num_done`` are those of the chunk at work."""
        now = time.monotonic()
        if now - self._reported_at >= _SECONDS_BETWEEN_REPORTS:
            self._reported_at = now
            num_done += self.num_classified
            rate = num_done / (now - self._started)
            _say(f"{num_done:,} classified, {self.num_refused:,} refused, {rate:.1f} a second")

    def close(self) -> None:
        num_read = self.num_classified + self.num_refused
        _say(
            f"{num_read:,} questions read, {self.num_classified:,} classified, "
            f"{self.num_refused:,} refused."
        )


def _write_all(chunks: Iterable[list[Outcome]], report: _Report) -> int:
    """Write the chunks as they come, each at once, and give the exit status."""
    output = sys.stdout.buffer
    status = 0
    try:
        for outcomes in chunks:
            lines = (json.dumps(result_fields(o)) for o in outcomes if not o.fault)
            with _interrupt_held_back():
                output.write("".join(f"{line}\n" for line in lines).encode())
                output.flush()
                report.add(outcomes)
    except KeyboardInterrupt:
        _say(f"Interrupted: what follows line {report.last_line} was not classified.")
        status = _INTERRUPTED
    except BrokenPipeError:
        _say(f"The output is closed: stopped after line {report.last_line}.")
        # What is still in the buffer must go somewhere when the interpreter exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 1
    report.close()
    return status or int(report.num_refused > 0)


@contextmanager
def _interrupt_held_back() -> Iterator[None]:
    """Defer Ctrl-C, so that what is counted was written; a second one interrupts at once."""
    is_held = False

    def hold(*_: object) -> None:
        nonlocal is_held
        if is_held:
            raise KeyboardInterrupt
        is_held = True

    before = signal.signal(signal.SIGINT, hold)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if is_held:
        raise KeyboardInterrupt


def _say(message: str) -> None:
    """Print one line on standard error, whatever the texts in it hold."""
    line = _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", message)
    shown = line if len(line) <= _MAX_MESSAGE else f"{line[:_MAX_MESSAGE]} […]"
    click.echo(shown.encode(errors="backslashreplace").decode(), err=True)
