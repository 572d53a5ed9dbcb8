"""An HTML document with charts that opens from disk: everything it needs is in it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import plotly
import plotly.graph_objects as go

from streamlit_app import palette
from streamlit_app.charts.style import CONFIG, themed
from streamlit_app.markup import Html, element, escape, join

# Nothing but what the file holds may run or load, whatever text got into it.
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data: blob:; font-src data:"
)
_STYLE = """
:root { color-scheme: light; --text: %(text)s; --line: %(line)s; --muted: %(muted)s; }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--text); background: #fff;
  max-width: 1180px; margin: 2rem auto; padding: 0 1.5rem; }
h1 { font-size: 1.7rem; } h2 { font-size: 1.25rem; margin-top: 2.2rem;
  border-bottom: 1px solid var(--line); padding-bottom: .3rem; }
table { border-collapse: collapse; margin: .8rem 0; font-size: 13.5px; }
th, td { text-align: left; padding: .25rem .7rem .25rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; }
dt, .note { color: var(--muted); } .note { font-size: 13.5px; max-width: 60rem; }
.chart { margin: .6rem 0; }
@media print { .chart, tr { break-inside: avoid; } }
"""


@cache
def _plotly_script() -> str:
    """Return plotly.js as shipped with the Python package."""
    path = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
    return path.read_text(encoding="utf-8").replace("</script", "<\\/script")


class Document:
    """Collects sections and writes them as one page."""

    def __init__(self, title: str) -> None:
        """Begin a document.

        Args:
            title: Plain text, escaped like every other text given to this class.
        """
        self.title = title
        self._parts: list[str] = [element("h1", title)]
        self._charts: list[str] = []

    def heading(self, text: str) -> None:
        """Begin a section."""
        self._parts.append(element("h2", text))

    def paragraph(self, text: str, *, is_note: bool = False) -> None:
        """Add a paragraph."""
        self._parts.append(element("p", text, cls="note" if is_note else ""))

    def facts(self, facts: Mapping[str, str]) -> None:
        """Add a list of names with their values."""
        pairs = [join(element("dt", name), element("dd", value)) for name, value in facts.items()]
        self._parts.append(element("dl", *pairs))

    def table(self, columns: Mapping[str, Sequence[str | int | float | None]]) -> None:
        """Add a table given by its columns."""
        head = "".join(f"<th>{escape(name)}</th>" for name in columns)
        rows = "".join(
            f"<tr>{''.join(_cell(value) for value in row)}</tr>"
            for row in zip(*columns.values(), strict=True)
        )
        self._parts.append(f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>")

    def chart(self, figure: go.Figure) -> None:
        """Add a chart; the figure is this document's from here on."""
        themed(figure, is_dark=False)
        figure.layout.paper_bgcolor = "#fff"
        name = f"chart-{len(self._charts)}"
        height = int(figure.layout.height or 360)
        self._parts.append(f'<div class="chart" id="{name}" style="height:{height}px"></div>')
        content = _inert(str(figure.to_json()))
        config = json.dumps({**CONFIG, "responsive": True})
        self._charts.append(f"var f={content};Plotly.newPlot('{name}',f.data,f.layout,{config});")

    def to_bytes(self) -> bytes:
        """Write the document, UTF-8."""
        tones = {name: palette.TONES[name].light for name in ("text", "line", "muted")}
        scripts = [_plotly_script(), *(f"(function(){{{one}}})();" for one in self._charts)]
        return "".join(
            (
                '<!doctype html><html lang="en"><head><meta charset="utf-8">',
                f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
                '<meta name="viewport" content="width=device-width, initial-scale=1">',
                f"<title>{escape(self.title)}</title><style>{_STYLE % tones}</style></head><body>",
                *self._parts,
                *(f"<script>{script}</script>" for script in scripts),
                "</body></html>",
            )
        ).encode("utf-8")


def _cell(value: str | float | None) -> str:
    if value is None:
        return "<td></td>"
    if isinstance(value, str):
        return f"<td>{escape(value)}</td>"
    shown = f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"
    return f'<td class="number">{Html(shown)}</td>'


def _inert(content: str) -> str:
    """Write JSON so that nothing in it can end the script it stands in."""
    return content.replace("<", "\\u003c").replace(">", "\\u003e").replace("\u2028", "\\u2028")
