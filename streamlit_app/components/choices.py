"""Choices of a page that stay in its address by the words of the program, and in the session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import streamlit as st

from streamlit_app.session import address

Word = TypeVar("Word", bound=str)


def pick(
    title: str, shown: Mapping[Word, str], *, key: str, default: Word | None = None, **look: Any
) -> Word:
    """Draw a few options side by side; one is always chosen.

    Args:
        shown: The options in order, with our own words for each.
        default: The option chosen at first; the first one when None.
        look: Further arguments of ``st.segmented_control``, such as where the choice is kept.
    """
    chosen: Word = st.segmented_control(
        title,
        list(shown),
        format_func=shown.__getitem__,
        default=next(iter(shown)) if default is None else default,
        required=True,
        key=key,
        **look,
    )
    return chosen


def pick_one(
    title: str,
    options: Sequence[Word],
    shown: Mapping[Word, str] | Mapping[str, str],
    *,
    key: str,
    explanation: str | None = None,
) -> Word:
    """Draw a few options side by side, the first one chosen unless another is.

    Args:
        shown: What each option is called on screen; our own words.
        key: The widget's key and the name in the address.
    """
    address.seed(key, options)
    if st.session_state.get(key) not in options:
        st.session_state[key] = options[0]
    chosen = st.segmented_control(
        title,
        options,
        format_func=shown.__getitem__,
        required=True,
        key=key,
        persist_state="session",
        help=explanation,
    )
    address.keep(key, chosen, options[0])
    return options[0] if chosen is None else chosen


def pick_from(
    title: str,
    options: Sequence[Word],
    shown: Mapping[Word, str] | Mapping[str, str],
    *,
    key: str,
    any_words: str | None = None,
) -> Word | None:
    """Draw a list to choose from.

    Args:
        shown: What each option is called; texts from outside have gone through ``reveal``.
        any_words: Shown where nothing is chosen, which then means any; None: the first option is
            chosen unless another is.
    """
    address.seed(key, options)
    if st.session_state.get(key) not in (None, *options):
        st.session_state[key] = None
    chosen: Word | None = st.selectbox(
        title,
        options,
        index=0 if any_words is None else None,
        placeholder=any_words,
        format_func=shown.__getitem__,
        key=key,
        persist_state="session",
    )
    address.keep(key, chosen, options[0] if any_words is None and options else None)
    return chosen
