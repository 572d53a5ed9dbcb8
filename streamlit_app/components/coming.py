"""Figures that take longer than a reader waits: the page is drawn without, and again with them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Final, ParamSpec, TypeVar

import streamlit as st

from streamlit_app.session import sign_in

PATIENCE_SECONDS: Final = 0.3
"""Waited before the page is drawn without: little data take less."""
_computing = ThreadPoolExecutor(1, "figures")
_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")


def start(
    compute: Callable[_Parameters, _Result], *args: _Parameters.args, **kwargs: _Parameters.kwargs
) -> Future[_Result]:
    """Start to compute figures, one after the other for all sessions."""
    return _computing.submit(compute, *args, **kwargs)


def is_there(coming: Future[_Result]) -> bool:
    """Return whether figures are computed, after a short wait."""
    return bool(wait([coming], PATIENCE_SECONDS).done)


@sign_in.fragment(run_every=1.0)
def draw(coming: Future[_Result], words: str) -> None:
    """Draw what is not shown yet, until it can be."""
    if coming.done():
        st.rerun()
    st.caption(words)
