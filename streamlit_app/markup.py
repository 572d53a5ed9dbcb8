"""How text from elsewhere becomes markup: escaped, nothing hidden in it.

Questions, answers, names and notes come from files, models and people. None of it may become
markup, and none may carry characters that hide or reorder what a reviewer reads.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Self, TypeVar

import markupsafe

from db.records import labels_text
from streamlit_app.wording import say

# Characters that draw nothing themselves: controls, bidirectional overrides, zero-width characters,
# tag characters, line and paragraph separators. Newline and tab are ordinary text.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff\ud800-\udfff]"
)
_Html = TypeVar("_Html", bound="Html")
_PLAIN_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 +-]{0,38}[A-Za-z0-9+])?")


class Html(markupsafe.Markup):
    """Markup built by this module: every text in it went through :func:`escape`."""

    __slots__ = ()

    @classmethod
    def escape(cls, s: Any, /) -> Self:
        """Return markup as it is and escape every other text, foreign ``Markup`` included."""
        if isinstance(s, cls):
            return s
        text = str(s)
        if _is_plain(text):
            return _as_is(cls, str(markupsafe.escape(text)))
        escaped = str(markupsafe.escape(_newlines(text)))
        return _as_is(cls, _INVISIBLE.sub(_code_point, escaped))


def reveal(text: str) -> str:
    """Replace each invisible character by its code point, such as ``⟨U+202E⟩``.

    A set of labels is written with commas. For places that draw plain text: ``st.text``, cells of
    a data frame, options of a select box.
    """
    text = labels_text(str(text))
    if _is_plain(text):
        return text
    return _INVISIBLE.sub(lambda found: f"⟨U+{ord(found.group()):04X}⟩", _newlines(text))


def one_line(text: str, limit: int = 220) -> str:
    """Return the beginning of a text as one line, for a cell; see :func:`reveal`."""
    return reveal(" ".join(text.split())[:limit])


def escape(text: str) -> Html:
    """Return the markup of a text as it is, invisible characters as code points."""
    return Html.escape(str(text))


def element(tag: str, *children: str, cls: str = "", **attributes: str | None) -> Html:
    """Build one element; a child that is not :class:`Html` is text and is escaped.

    Args:
        tag: The element's name; texts never choose it, nor the names of attributes.
        children: Texts and markup, in order.
        cls: Value of the ``class`` attribute.
        attributes: Others; ``_`` in a name means ``-`` and None leaves the attribute out.
    """
    shown = f' class="{markupsafe.escape(reveal(cls))}"' if cls else ""
    for name, value in attributes.items():
        if value is not None:
            shown += f' {name.replace("_", "-")}="{markupsafe.escape(reveal(value))}"'
    return _as_is(Html, f"<{tag}{shown}>{join(*children)}</{tag}>")


def join(*children: str) -> Html:
    """Concatenate markup and texts, which are escaped."""
    return _as_is(Html, "".join([Html.escape(child) for child in children]))


def _as_is(cls: type[_Html], markup: str) -> _Html:
    """Return what was escaped as markup; the constructor asks first whether it has its own."""
    return str.__new__(cls, markup)


def widget_label(name: str, position: int) -> str:
    """Return a label's name for a widget, whose labels Streamlit renders as markdown.

    Args:
        name: The label as stored.
        position: Its place among the item's labels, from 0.

    Returns:
        The name where it is plain letters, digits, spaces, ``+`` and ``-``; else its number.
    """
    return name if _PLAIN_LABEL.fullmatch(name) else str(position + 1)


def _is_plain(text: str) -> bool:
    """Return whether a text holds nothing that hides: most do, and to search costs more."""
    return text.isascii() and text.isprintable()


def _newlines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _code_point(found: re.Match[str]) -> str:
    code = ord(found.group())
    name = unicodedata.name(found.group(), say("long_text.control_character")).lower()
    return f'<span class="lc-invisible" title="{name}">U+{code:04X}</span>'
