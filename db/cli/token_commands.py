"""``python -m db token``: tokens for programs that use the routes."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from db.cli.frame import as_json_option, echo, opened
from db.people.program_tokens import PROGRAM_ROLES, add_token, list_tokens, revoke_token
from db.records import Role


@click.group()
def token() -> None:
    """Make, list and revoke tokens by which programs use the routes; see docs/api.md."""


@token.command("add")
@click.argument("name")
@click.option("--role", type=click.Choice(PROGRAM_ROLES), default="reviewer")
def token_add(name: str, role: Role) -> None:
    """Print a token for the program NAME, a reviewer of its own; it is shown only now."""
    with opened() as database, database.transaction() as cur:
        secret = add_token(cur, name, role=role)
    echo(secret)
    echo("Keep it: it cannot be shown again. `token revoke` ends it.", err=True)


@token.command("list")
@as_json_option
def token_list(as_json: bool) -> None:
    """List all tokens by id, without their secrets."""
    with opened(only_reads=True) as database:
        found = list_tokens(database.cursor())
    if as_json:
        echo(json.dumps([asdict(one) for one in found], default=str))
        return
    for one in found:
        state = "" if one.revoked_at is None else f", revoked {one.revoked_at:%Y-%m-%d %H:%M} UTC"
        echo(f"{one.token_id}  {one.name}: {one.created_at:%Y-%m-%d %H:%M} UTC{state}")


@token.command("revoke")
@click.argument("token_id")
def token_revoke(token_id: str) -> None:
    """Withdraw TOKEN_ID at once; what the program labelled stays."""
    with opened() as database, database.transaction() as cur:
        revoke_token(cur, token_id)
    echo(f"{token_id} is revoked.")


COMMANDS = (token,)
