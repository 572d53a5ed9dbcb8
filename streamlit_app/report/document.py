"""An HTML document with charts that opens from disk: everything it needs is in it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import plotly
import plotly.graph_objects as go

from streamlit_app import palette
from streamlit_app.charts.style import CONFIG, themed
from streamlit_app.markup import Html, reveal

if TYPE_CHECKING:
    from jinja2 import Template


class Document:
    """Collects the parts of a page; ``templates/document.html`` says how each is drawn."""

    def __init__(self, title: str) -> None:
        """Start a document.

        Args:
            title: Plain text, escaped like every other text given to this class.
        """
        self.title = title
        self._blocks: list[dict[str, Any]] = []

    def heading(self, text: str) -> None:
        """Start a section."""
        self._blocks.append({"kind": "heading", "text": text})

    def paragraph(self, text: str, *, is_note: bool = False) -> None:
        """Add a paragraph."""
        self._blocks.append({"kind": "paragraph", "text": text, "is_note": is_note})

    def facts(self, facts: Mapping[str, str]) -> None:
        """Add a list of names with their values."""
        self._blocks.append({"kind": "facts", "facts": facts})

    def table(self, columns: Mapping[str, Sequence[str | int | float | None]]) -> None:
        """Add a table given by its columns."""
        rows = list(zip(*columns.values(), strict=True))
        self._blocks.append({"kind": "table", "columns": list(columns), "rows": rows})

    def chart(self, figure: go.Figure) -> None:
        """Add a chart; the figure is this document's from here on."""
        themed(figure)
        figure.layout.paper_bgcolor = "#fff"
        height = int(figure.layout.height or 360)
        name = f"chart-{len(self._blocks)}"
        self._blocks.append({"kind": "chart", "name": name, "height": height, "figure": figure})

    def to_bytes(self) -> bytes:
        """Write the document, UTF-8."""
        page = _template().render(
            title=self.title,
            tab_title=reveal(self.title),
            blocks=self._blocks,
            tones=palette.TONES,
            config={**CONFIG, "responsive": True},
            plotly_js=_plotly_script(),
        )
        return page.encode("utf-8")


@cache
def _template() -> Template:
    """Return the template; each value in it is escaped as on the pages, see ``markup.py``."""
    # Imported with the first report: no page needs it.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        finalize=_as_markup,
        undefined=StrictUndefined,
    )
    environment.filters["number"] = _number
    environment.policies["json.dumps_function"] = _as_json
    environment.policies["json.dumps_kwargs"] = {}
    return environment.get_template("document.html")


@cache
def _plotly_script() -> str:
    """Return plotly.js as shipped with the Python package."""
    path = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
    return path.read_text(encoding="utf-8").replace("</script", "<\\/script")


def _as_markup(value: object) -> object:
    """Return texts escaped as on the pages; what the template made is markup already."""
    return value if hasattr(value, "__html__") else Html.escape(value)


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"


def _as_json(value: object) -> str:
    """Write a chart or its settings; jinja escapes what could end the script they stand in."""
    return str(value.to_json()) if isinstance(value, go.Figure) else json.dumps(value)
