"""Asking a model behind an API for answers: one of the endpoints that are set up on the server."""

from __future__ import annotations

import os
from typing import Any

import streamlit as st

from db.paths import endpoints_path
from db.people.permissions import is_permitted
from db.records import Reviewer
from streamlit_app import safe_text
from streamlit_app.components import choices, fact_table
from streamlit_app.components.training_form import press_token, start_once
from streamlit_app.errors import shown_errors
from streamlit_app.markup import reveal
from streamlit_app.server import services
from streamlit_app.session.press_notice import draw_message
from streamlit_app.wording import say
from training.control.start import start_endpoint
from training.settings.endpoints import Endpoint, EndpointSettings, list_endpoints
from training.settings.training import parse_as

_MESSAGE = "endpoint_message"
_MOST_TOKENS = 32_768


def draw(person: Reviewer) -> None:
    """Draw the choice of an endpoint and the button that asks it."""
    has_message = _MESSAGE in st.session_state
    with st.expander(say("endpoint_form.title"), expanded=has_message), shown_errors():
        endpoints = list_endpoints()
        if not endpoints:
            safe_text.draw_line(say("endpoint_form.nothing", path=reveal(str(endpoints_path()))))
            return
        name: str = st.selectbox(
            say("endpoint_form.endpoint"), list(endpoints), format_func=reveal, key="endpoint_name"
        )
        fact_table.draw(_describe(endpoints[name]))
        _draw_start(person, endpoints[name])
        draw_message(_MESSAGE)


def _draw_start(person: Reviewer, endpoint: Endpoint) -> None:
    splits = {"all": say("endpoint_form.split_all"), "test": say("endpoint_form.split_test")}
    split = choices.pick(say("endpoint_form.split"), splits, key="endpoint_split")
    limit = st.number_input(
        say("endpoint_form.max_tokens"),
        *(1, _MOST_TOKENS, 1024),
        key="endpoint_tokens",
        help=say("endpoint_form.max_tokens_help"),
    )
    fields = {"model": endpoint, "split": split, "max_new_tokens": int(limit)}
    st.caption(say("endpoint_form.leaves_note"))
    st.button(
        say("endpoint_form.predict"),
        key="endpoint_predict",
        disabled=not is_permitted(person, "train"),
        on_click=_start,
        args=(press_token(), fields, person.reviewer_id),
    )


def _start(press: str, fields: dict[str, Any], started_by: str) -> None:
    def start() -> str:
        settings = parse_as(EndpointSettings, fields, str(endpoints_path()))
        return start_endpoint(services.database(), settings, started_by)

    start_once(press, start, _MESSAGE)


def _describe(endpoint: Endpoint) -> dict[str, str]:
    return {
        say("endpoint_form.model"): reveal(endpoint.base),
        say("endpoint_form.address"): reveal(endpoint.url),
        say("endpoint_form.key"): _describe_key(endpoint.key_variable),
        say("endpoint_form.prices"): _describe_prices(endpoint),
    }


def _describe_key(variable: str) -> str:
    if not variable:
        return say("endpoint_form.no_key")
    is_set = bool(os.environ.get(variable, "").strip())
    if is_set:
        return say("endpoint_form.key_set", variable=variable)
    return say("endpoint_form.key_missing", variable=variable)


def _describe_prices(endpoint: Endpoint) -> str:
    if endpoint.price_in is None and endpoint.price_out is None:
        return say("endpoint_form.no_price")
    return say(
        "endpoint_form.price",
        price_in=endpoint.price_in or 0.0,
        price_out=endpoint.price_out or 0.0,
        currency=endpoint.currency,
    )
