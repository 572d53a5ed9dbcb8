"""Tokens of programs: shown once, stored as hashes, revoked at once, never a person's."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from db.cli.main import main
from db.connection import Database
from db.errors import InvalidReviewerError, NotPermittedError, TokenNotFoundError
from db.people.program_tokens import add_token, find_program, list_tokens, revoke_token
from db.people.reviewers import get_reviewer
from db.people.sign_in import add_person
from tests.support.stores import lay_store


def test_a_program_is_a_reviewer_of_its_own_with_the_role_it_was_given(database: Database) -> None:
    with database.transaction() as cur:
        secret = add_token(cur, "Labeller", role="adjudicator")
        program = find_program(cur, secret)
        assert program is not None
        person = get_reviewer(cur, program)
    assert (person.name, person.role, person.origin) == ("Labeller", "adjudicator", "person")


def test_the_secret_is_not_in_the_database(database: Database) -> None:
    with database.transaction() as cur:
        secret = add_token(cur, "Labeller")
    rows = database.cursor().execute("select * from program_token").fetchall()
    assert secret not in str(rows)
    assert secret.removeprefix("lc_") not in str(rows)


@pytest.mark.parametrize("change", [lambda t: t[:-1], lambda t: t + "x", lambda t: "", str.upper])
def test_a_token_that_differs_is_no_token(database: Database, change: object) -> None:
    with database.transaction() as cur:
        secret = add_token(cur, "Labeller")
        assert find_program(cur, change(secret)) is None  # type: ignore[operator]


def test_a_revoked_token_is_none_and_another_of_the_program_still_counts(
    database: Database,
) -> None:
    with database.transaction() as cur:
        first, second = add_token(cur, "Labeller"), add_token(cur, "Labeller")
        revoke_token(cur, list_tokens(cur)[0].token_id)
        revoke_token(cur, list_tokens(cur)[0].token_id)
        assert find_program(cur, first) is None
        assert find_program(cur, second) is not None
        assert [token.revoked_at is None for token in list_tokens(cur)] == [False, True]
        with pytest.raises(TokenNotFoundError, match="'t-9'"):
            revoke_token(cur, "t-9")


def test_a_persons_name_and_the_role_of_an_admin_are_refused(database: Database) -> None:
    with database.transaction() as cur:
        ann = add_person(cur, "Ann", role="reviewer").reviewer_id
        with pytest.raises(InvalidReviewerError, match="'Ann' belongs to a person"):
            add_token(cur, " ann ")
        with pytest.raises(InvalidReviewerError, match="the role 'admin'"):
            add_token(cur, "Labeller", role="admin")
        with pytest.raises(NotPermittedError):
            add_token(cur, "Labeller", by=ann)
        assert list_tokens(cur) == []


def test_tokens_are_made_listed_and_revoked_at_the_command_line(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLAMACARE_HOME", str(tmp_path_factory.mktemp("home")))
    lay_store()

    def run(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(main, ["token", *arguments])
        return done.exit_code, done.stdout

    code, secret = run("add", "Labeller")
    assert (code, secret[:3]) == (0, "lc_")
    code, listed = run("list")
    token_id = listed.split()[0]
    assert "Labeller" in listed
    assert secret.strip() not in listed
    assert run("revoke", token_id) == (0, f"{token_id} is revoked.\n")
    assert "revoked" in run("list", "--json")[1]
    assert run("revoke", "t-9")[0] == 1
    assert run("add", "Labeller", "--role", "admin")[0] == 2
