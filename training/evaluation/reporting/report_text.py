"""Reports as Markdown and as one HTML file, written from templates in ``report_templates``.

Names, labels and notes are other people's texts: each is escaped in the Markdown, and the HTML is
made of the Markdown with HTML and links off.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from functools import cache
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from eci.statistics.estimates import Estimate

if TYPE_CHECKING:
    from jinja2 import Environment

_MARKS: Final = re.compile(r"([\\`*_{}\[\]<>|~&])")
_FRONT_MATTER: Final = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
_STYLE: Final = (
    "body{max-width:50rem;margin:2rem auto;padding:0 1rem;font:16px/1.5 system-ui,sans-serif;"
    "color:#1c2024;background:#fff;overflow-wrap:anywhere}th:empty{display:none}"
    "table{margin:1rem 0;overflow-wrap:normal;border-collapse:collapse;display:block;"
    "overflow-x:auto}"
    "th,td{border:1px solid #8b9098;padding:.3rem .6rem;text-align:left}h1,h2{line-height:1.2}"
    "@media(prefers-color-scheme:dark){body{color:#e6e8eb;background:#16181b}}"
)


def render_markdown(template: str, values: Mapping[str, Any]) -> str:
    """Return a report as Markdown.

    Args:
        template: The name of a file in ``report_templates``, without ``.md``.
        values: What it names; texts in them are escaped.
    """
    text = _environment().get_template(f"{template}.md").render(**values)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def render_html(markdown: str, title: str) -> str:
    """Return a report in Markdown as an HTML page that loads nothing."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable("table").disable(["link", "image"])
    body = parser.render(_FRONT_MATTER.sub("", markdown))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>{body}</body></html>\n"
    )


def figure(estimate: Estimate | Mapping[str, Any] | None, unit: str = "share") -> str:
    """Write an estimate with its 95 % interval and n, or why there is none.

    Args:
        estimate: Or the mapping that a run's metrics hold of one.
        unit: ``share``, written in per cent; ``points`` of a difference of shares; ``value``; or
            ``seconds``.
    """
    if estimate is None:
        return "not measured"
    found = asdict(estimate) if isinstance(estimate, Estimate) else estimate
    bounds = found.get("interval") or {}
    low, high, n = bounds.get("low"), bounds.get("high"), found.get("n")
    value, because = found.get("value"), found.get("undefined_because")
    if value is None:
        return f"undefined: {plain(because or 'no items')}"
    between = (
        "" if low is None or high is None else f" ({_number(low, unit)} to {_number(high, unit)})"
    )
    return f"{_number(value, unit)}{_UNITS[unit]}{between}, n = {n:,}"


_UNITS: Final = {"share": " %", "points": " points", "value": "", "seconds": " s"}


def _number(value: float, unit: str) -> str:
    if unit in ("share", "points"):
        return f"{100 * value:{'+' if unit == 'points' else ''}.1f}"
    return f"{value:.{1 if unit == 'seconds' else 3}f}"


def plain(value: object) -> str:
    """Return a text in one line, without marks that Markdown would read."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M} UTC"
    return _MARKS.sub(r"\\\1", " ".join(str(value).split()))


@cache
def _environment() -> Environment:
    from jinja2 import DictLoader, Environment, StrictUndefined

    folder = files("training.evaluation.reporting").joinpath("report_templates")
    templates = {one.name: one.read_text("utf-8") for one in folder.iterdir()}
    environment = Environment(  # noqa: S701 - Markdown: each text is escaped by `finalize`
        loader=DictLoader(templates),
        finalize=lambda value: value if isinstance(value, _Written) else plain(value),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["figure"] = lambda one, unit="share": _Written(figure(one, unit))
    environment.filters["yaml"] = lambda one: _Written(json.dumps(one, ensure_ascii=False))
    environment.filters["count"] = lambda one: f"{one:,}"
    return environment


class _Written(str):
    """A text that is Markdown already."""

    __slots__ = ()
