"""An address that opens a page again with everything that is chosen now."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

import streamlit as st

from streamlit_app.session import sign_in
from streamlit_app.wording import say


def draw(defaults: Mapping[str, str]) -> None:
    """Draw a button that shows the address of the page as it is.

    Args:
        defaults: What the address must say even where it is the page's default,
            such as the newest run: Streamlit leaves that out, and later it would be another one.
    """
    with st.popover(say("link.title"), icon=":material/link:"):
        st.caption(say("link.help"))
        chosen = {**defaults, **st.query_params.to_dict()}
        chosen.pop(sign_in.NAME_KEY, None)  # the person who opens it keeps their own name
        page = (st.context.url or "").split("?")[0]
        st.code(f"{page}?{urlencode(chosen)}", language=None, wrap_lines=True)
