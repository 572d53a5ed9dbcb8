"""Facts as a table of two columns: what each is, and its value in words."""

from __future__ import annotations

from collections.abc import Mapping

from streamlit_app import safe_text
from streamlit_app.markup import element


def draw(facts: Mapping[str, str]) -> None:
    """Draw facts in their order."""
    rows = (
        element("tr", element("th", name, scope="row"), element("td", value))
        for name, value in facts.items()
    )
    safe_text.draw(element("table", *rows, cls="lc-fact-table"))
