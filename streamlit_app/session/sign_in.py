"""Who sits at the screen: proven by a provider of OpenID Connect, or a name on one's own machine.

With an ``[auth]`` section in ``.streamlit/secrets.toml`` people sign in there. Without one,
names are picked from a list, which proves nothing: that is refused unless the server listens to
this machine alone and the visitor is at it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import wraps
from typing import Any, ParamSpec

import streamlit as st
from starlette.requests import HTTPConnection
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME
from streamlit.web.server.starlette.starlette_websocket import _get_signed_cookie_with_chunks

from db.connection import explained_damage
from db.errors import NotPermittedError, ReviewerNotFoundError
from db.paths import database_path
from db.people.permissions import Action, is_permitted
from db.people.sign_in import Identity
from db.records import Reviewer
from db.viewer import Viewer
from streamlit_app import safe_text
from streamlit_app.errors import OUR_ERRORS, shown_errors
from streamlit_app.server import services
from streamlit_app.server.gate import is_private
from streamlit_app.wording import say

DEFAULT_NAME = "Reviewer 1"
"""The reviewer on one's own machine until a name is chosen."""
NAME_KEY = "reviewer"
"""Widget and address parameter that hold the name picked on one's own machine."""

Parameters = ParamSpec("Parameters")


def current_person() -> Reviewer:
    """Return who sits at the screen, with the role they have now.

    Call it below :func:`enter`, which has let them in. A name in the address that nobody has is
    refused: the person it was meant for has not chosen it here, so no labels may be kept under it,
    and theirs under no other name.

    Raises:
        InvalidReviewerError: The name picked cannot be used.
        ReviewerNotFoundError: No reviewer has the name in the address, and none was picked.
        NotPermittedError: Their access was taken away.
    """
    if has_provider():
        return services.person_signed_in(read_identity(st.user.to_dict()))
    asked = st.query_params.get(NAME_KEY)
    name = st.session_state.get(NAME_KEY, DEFAULT_NAME if asked is None else None) or asked
    if not name:
        raise ReviewerNotFoundError(say("sign_in.no_name"))
    try:
        return services.person_named(name)
    except ReviewerNotFoundError as error:
        if name == DEFAULT_NAME:
            return services.add_person_named(name)
        raise ReviewerNotFoundError(say("sign_in.unknown_name", name=name)) from error


def find_visitor(asked: HTTPConnection) -> Reviewer | None:
    """Return whom a request of a browser comes from, before Streamlit has a session for it.

    None where that is not proven, or they have no role; nothing is stored.
    """
    if has_provider():
        person = services.find_person(_identity_of(asked))
    else:
        visitor = asked.client.host if asked.client else None
        if not is_private(st.get_option("server.address"), visitor, asked.headers):
            return None
        person = services.find_person(asked.query_params.get(NAME_KEY, DEFAULT_NAME))
    return None if person is None or person.role == "none" else person


def _identity_of(asked: HTTPConnection) -> Identity | None:
    """Read the signed cookie of a sign-in, as Streamlit does when its page connects."""
    signed = _get_signed_cookie_with_chunks(asked.cookies, USER_COOKIE_NAME)
    claims = json.loads(signed) if signed else {}
    origin = f"{asked.url.scheme}://{asked.url.netloc}"
    is_here = claims.get("is_logged_in") and claims.get("origin") == origin
    return read_identity(claims) if is_here else None


def current_issuer() -> str | None:
    """Return the provider by which the person at the screen signed in; None for a name."""
    return str(st.user["iss"]) if has_provider() else None


def is_at_screen(reviewer_id: str) -> bool:
    """Return whether the reviewer of a press is still the one chosen, and still has access."""
    try:
        return current_person().reviewer_id == reviewer_id
    except (ReviewerNotFoundError, NotPermittedError):
        return False


def refused_person() -> Reviewer | None:
    """Return who sits at the screen though their access was taken away, else None."""
    who: str | Identity | None
    if has_provider():
        who = read_identity(st.user.to_dict()) if st.user.is_logged_in else None
    else:
        who = st.session_state.get(NAME_KEY) or st.query_params.get(NAME_KEY)
    # What cannot be read is named on the page already.
    with suppress(*OUR_ERRORS), explained_damage(database_path()):
        person = services.find_person(who)
        return person if person is not None and person.role == "none" else None
    return None


def may(action: Action) -> bool:
    """Return whether an action is open to who sits at the screen, at this moment."""
    try:
        return is_permitted(current_person(), action)
    except (ReviewerNotFoundError, NotPermittedError):
        return False


def fragment(
    action: Action = "read", run_every: float | None = None
) -> Callable[[Callable[Parameters, None]], Callable[Parameters, None]]:
    """Return a decorator for a part of a page that is drawn again on its own.

    An open tab asks again whether its person may see the part; if not, the whole page is drawn,
    which says why. Errors are drawn in here: they do not reach the code around a fragment.

    Args:
        action: What the page asks for.
        run_every: Seconds after which it is drawn again; None for never.
    """

    def decorate(draw: Callable[Parameters, None]) -> Callable[Parameters, None]:
        @st.fragment(run_every=run_every)
        @wraps(draw)
        def part(*args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
            with shown_errors():
                if not may(action):
                    st.rerun()
                draw(*args, **kwargs)

        return part

    return decorate


def checked(build: Callable[[], bytes]) -> Callable[[], bytes]:
    """Return a download that asks, when its button is pressed, whether the person may still read.

    Raises:
        NotPermittedError: Their access was taken away.
    """
    person = current_person()

    def build_for_reader() -> bytes:
        services.check_permission(person, "read")
        return build()

    return build_for_reader


def current_viewer() -> Viewer:
    """Return what may be shown to who sits at the screen, as of this moment.

    Raises:
        InvalidReviewerError: The name picked cannot be used.
        NotPermittedError: Their access was taken away.
    """
    return services.viewer_of(current_person().reviewer_id)


def enter() -> bool:
    """Check access, draw why it is denied, and return whether pages may be drawn."""
    if not has_provider():
        address = st.context.ip_address
        visitor = address if isinstance(address, str) else None  # Streamlit's test driver has none
        if is_private(st.get_option("server.address"), visitor, st.context.headers):
            return True
        safe_text.draw_notice(
            say("sign_in.not_private_error", address=st.get_option("server.address") or "0.0.0.0"),  # noqa: S104 (said, not bound)
            kind="error",
        )
        return False
    if not st.user.is_logged_in:
        _draw_sign_in()
        return False
    try:
        current_person()
    except NotPermittedError as error:
        safe_text.draw_notice(str(error), kind="warning")
        draw_sign_out()
        return False
    return True


def draw_sign_out() -> None:
    """Draw the button that ends the session with the provider."""
    st.button(say("sign_in.sign_out"), key="sign_out", on_click=st.logout)


def has_provider() -> bool:
    """Return whether people sign in with a provider of OpenID Connect."""
    return st.secrets.load_if_toml_exists() and "auth" in st.secrets


def read_identity(claims: Mapping[str, Any]) -> Identity:
    """Read a person's identity from the claims of their ID token."""
    return Identity(
        issuer=str(claims["iss"]),
        subject=str(claims["sub"]),
        name=str(claims.get("name") or claims.get("preferred_username") or ""),
        email=str(claims["email"]) if claims.get("email") else None,
        # Some providers send the flag as text. Left out, the address proves nothing.
        is_email_verified=str(claims.get("email_verified", "")).lower() == "true",
    )


def _draw_sign_in() -> None:
    st.title(say("sign_in.title"), anchor=False)
    st.write(say("sign_in.why"))
    named = [name for name, value in st.secrets["auth"].items() if isinstance(value, Mapping)]
    providers = [name for name in named if name != "client_kwargs"]
    for name in providers or [None]:
        st.button(
            say("sign_in.with", provider=name.title()) if name else say("sign_in.button"),
            key=f"sign_in_{name or 'default'}",
            type="primary",
            on_click=st.login,
            args=(name,) if name else (),
        )
