"""The downloads of a model card or a data card: a page to read, and Markdown with metadata."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final, Literal

import streamlit as st

from streamlit_app.session import sign_in
from streamlit_app.wording import words

Card = Literal["model", "data"]
_FORMS: Final = (
    (True, "html", "text/html", words("card_html")),
    (False, "md", "text/markdown", words("card_markdown")),
)


def draw(card: Card, write: Callable[..., bytes]) -> None:
    """Draw one button for each form.

    Args:
        write: Writes the card at the press; ``is_html`` says in which form.
    """
    with st.container(horizontal=True):
        for is_html, ending, mime, labels in _FORMS:
            st.download_button(
                labels[card],
                data=sign_in.checked(partial(write, is_html=is_html)),
                file_name=f"{card}-card.{ending}",
                mime=mime,
                key=f"{card}_card_{ending}",
                on_click="ignore",
            )
