"""What lives as long as the server: the one open database."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import streamlit as st

from db.connection import Database

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@st.cache_resource(show_spinner=False)
def database() -> Database:
    """Open the database once for all sessions.

    Streamlit collects garbage after every rerun and holds the interpreter about 90 ms for it. What
    is loaded by now stays for good, so it is frozen out of the collector's sight.
    """
    opened = Database.open()
    gc.collect()
    gc.freeze()
    return opened


def cursor() -> DuckDBPyConnection:
    """Give a cursor of its own to each caller: a shared one mixes up rows between threads."""
    return database().cursor()
