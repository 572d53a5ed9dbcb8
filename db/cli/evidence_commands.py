"""``python -m db verify``: whether the database is as it was stored."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from db.chain import Head
from db.cli.frame import reported_errors
from db.evidence.heads import parse_heads
from db.evidence.last_check import check_database
from db.evidence.verify import Verified, read_head
from db.paths import database_path

_NUM_SHOWN = 20


class _HeadType(click.ParamType[Sequence[Head]]):
    """A head as ``--head`` prints it, or a file of such lines."""

    name = "head"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> Sequence[Head]:
        """Return the heads of an argument."""
        heads = parse_heads(value)
        try:
            if not heads and Path(value).is_file():
                heads = parse_heads(Path(value).read_text("utf-8", errors="replace"))
        except OSError as error:
            self.fail(f"{value!r} cannot be read: {error.strerror}.", param, ctx)
        if not heads:
            self.fail(
                f"{value!r} is no head: give what `python -m db verify --head` printed, such as "
                "'41 0f3a...' with 64 hexadecimal digits, or a file of such lines.",
                param,
                ctx,
            )
        return heads


@click.command()
@click.option("--head", "only_head", is_flag=True, help="Only print the head: keep it elsewhere.")
@click.option(
    "--against",
    type=_HeadType(),
    metavar="HEAD",
    help="A head that was kept, or a file of them: finds links that were rewritten. Those in the "
    "file that LLAMACARE_HEADS names are compared with in any case.",
)
@click.option("--json", "as_json", is_flag=True, help="Print what was found as one JSON object.")
def verify(only_head: bool, against: Sequence[Head] | None, as_json: bool) -> None:
    """Check that the database is as it was stored, also while the app has it open.

    Checks the chain over what people do, the rows, schema, references, counts and search index of a
    copy. Prints the first break and exits with 1 where there is one. Those who can write the file
    can make a whole new chain: only a head that is kept elsewhere shows that.
    """
    with reported_errors():
        if only_head:
            head = read_head(database_path())
            click.echo(f"{head.number} {head.digest}")
            return
        verified = check_database(database_path(), against or ())
    if as_json:
        click.echo(json.dumps(asdict(verified), ensure_ascii=False))
    else:
        _print(verified)
    sys.exit(1 if verified.breaks else 0)


def _print(verified: Verified) -> None:
    for one in verified.breaks[:_NUM_SHOWN]:
        click.echo(f"Error: {one}.", err=True)
    if len(verified.breaks) > _NUM_SHOWN:
        click.echo(f"... and {len(verified.breaks) - _NUM_SHOWN} more.", err=True)
    if not verified.breaks and verified.head is not None:
        click.echo(
            f"As it was stored since {verified.since}: {verified.num_rows} rows, "
            f"{verified.head.number + 1} links, head {verified.head.number} {verified.head.digest}"
        )
        if verified.num_again:
            click.echo(
                f"{verified.num_again} items, runs and probabilities of draws were stored again "
                f"before {verified.once_since}: of what they were, the chain has the digest alone. "
                "Since then this is an alteration."
            )
        if verified.num_completed:
            click.echo(
                f"{verified.num_completed} items were completed by a later import: what they were "
                "before is kept, and as it was stored."
            )


COMMANDS = (verify,)
