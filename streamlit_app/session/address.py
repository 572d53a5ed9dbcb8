"""Widgets whose value stays in the page's address: a reload, or a link, comes back to it.

Streamlit's own ``bind="query-params"`` would put the names shown into the address and refuse to
switch pages with a parameter of our own.
"""

from __future__ import annotations

from collections.abc import Collection

import streamlit as st


def seed(key: str, allowed: Collection[str] | None = None) -> None:
    """Return a keyed widget the value in the address, once a session, before it is drawn.

    A choice is sent to the browser at each draw, not only when it is set: a message that is lost
    with the connection leaves the browser with the first option, which it then asks for.

    Args:
        key: The widget's key and the name in the address.
        allowed: The values it can take; others in the address are ignored. None: any text.
    """
    asked = st.query_params.get(key)
    usable = asked is not None and (allowed is None or asked in allowed)
    if key not in st.session_state and usable:
        st.session_state[key] = asked
    elif key in st.session_state and allowed is not None:
        st.session_state[key] = st.session_state[key]


def keep(key: str, value: str | None, default: str | None = None) -> None:
    """Write a value to the address; a default is left out, unless the address has it already."""
    if st.query_params.get(key) == value:
        return
    if value is None or value == default:
        st.query_params.pop(key, None)
    else:
        st.query_params[key] = value
