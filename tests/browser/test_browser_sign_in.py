"""Signing in with a provider of OpenID Connect that this test runs on loopback."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from playwright.sync_api import Page, expect

from db.connection import Database
from db.people.reviewers import list_people
from db.people.sign_in import add_person

pytestmark = pytest.mark.browser
CLIENT = "llamacare"


@dataclass
class Provider:
    """A provider that lets whoever ``claims`` names in without asking."""

    claims: dict[str, Any]
    issuer: str = ""
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "test"}))
    nonces: dict[str, str] = field(default_factory=dict)

    def metadata(self) -> dict[str, Any]:
        """Return what the discovery document says."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def redirect(self, query: dict[str, str]) -> str:
        """Return where the browser goes after signing in."""
        code = f"code-{len(self.nonces)}"
        self.nonces[code] = query["nonce"]
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def token(self, code: str) -> dict[str, Any]:
        """Return the signed token for a code."""
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": self.nonces[code],
            **self.claims,
        }
        signed = jwt.encode({"alg": "RS256", "kid": "test"}, claims, self.key)
        return {"access_token": "a", "token_type": "Bearer", "id_token": signed}


def handler_of(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            if parts.path == "/authorize":
                self.send_response(302)
                self.send_header("Location", provider.redirect(query))
                self.end_headers()
            elif parts.path == "/jwks":
                self.answer({"keys": [provider.key.as_dict(private=False)]})
            else:
                self.answer(provider.metadata())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self.answer(provider.token(parse_qs(body)["code"][0]))

        def answer(self, content: dict[str, Any]) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(content).encode())

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


@pytest.fixture
def provider() -> Iterator[Provider]:
    one = Provider(
        {"sub": "ann-7", "name": "Ann <Lee>", "email": "ann@x.org", "email_verified": True}
    )
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(one))
    one.issuer = f"http://localhost:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield one
    server.shutdown()
    server.server_close()


def secrets_file(folder: Path, provider: Provider) -> str:
    path = folder / "secrets.toml"
    path.write_text(
        f"""[auth]
redirect_uri = "http://localhost:{{port}}/oauth2callback"
cookie_secret = "a secret of the test, long enough"
client_id = "{CLIENT}"
client_secret = "shared with the provider"
server_metadata_url = "{provider.issuer}/.well-known/openid-configuration"
"""
    )
    return f"--secrets.files={path}"


def test_who_was_invited_signs_in_reviews_under_that_name_and_signs_out(
    serve: Callable[..., Any],
    page: Page,
    provider: Provider,
    tmp_path: Path,
    review_seed: Callable[[Database], None],
) -> None:
    def seed(database: Database) -> None:
        review_seed(database)
        with database.transaction() as cur:
            add_person(cur, "Chief", role="admin")
            add_person(cur, "A. Lee", role="reviewer", email="ann@x.org", issuer=provider.issuer)

    server = serve(seed, secrets_file(tmp_path, provider))
    page.goto(f"{server.url}/review?reviewer=Chief&item=q-02")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("Signed in as")).to_contain_text("A. Lee")
    expect(page.get_by_text("Does drug q-02 help?")).to_be_visible()  # the page asked for
    page.goto(f"{server.url}/people?reviewer=Chief")  # an address proves nothing
    expect(page.get_by_text("Only an admin can add people")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    expect(page.get_by_text("Does drug")).to_have_count(0)


def test_a_stranger_waits_for_a_role_and_sees_nothing(
    serve: Callable[..., Any],
    page: Page,
    provider: Provider,
    tmp_path: Path,
    review_seed: Callable[[Database], None],
) -> None:
    def seed(database: Database) -> None:
        review_seed(database)
        with database.transaction() as cur:
            add_person(cur, "Chief", role="admin")

    server = serve(seed, secrets_file(tmp_path, provider))
    page.goto(f"{server.url}/items")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("has no role here")).to_contain_text("Ask an admin (Chief)")
    expect(page.get_by_text("Ann <Lee>")).to_be_visible()  # as text, not as markup
    expect(page.get_by_text("Does drug")).to_have_count(0)
    database = server.database()
    waiting = {person.name for person in list_people(database.cursor()) if person.role == "none"}
    database.close()
    assert waiting == {"Ann <Lee>"}


def test_names_are_not_picked_where_others_can_reach_the_server(
    serve: Callable[..., Any], page: Page, review_seed: Callable[[Database], None]
) -> None:
    server = serve(review_seed, "--server.address=0.0.0.0")
    page.goto(server.url)
    expect(page.get_by_role("alert")).to_contain_text("Sign-in is required")
    expect(page.get_by_text("Does drug")).to_have_count(0)
