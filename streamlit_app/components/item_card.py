"""The question as the reviewer reads it: question, context under its headings, options as cards."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from db.records import Item, Option
from streamlit_app import safe_text
from streamlit_app.logic.review.question import LONG, split_case
from streamlit_app.markup import Html, element, join


def card(item: Item, *, is_whole: bool = False) -> Html:
    """Return the markup of an item, its context cut at the limit unless it is asked for whole."""
    if is_whole:
        return _card(item, _sections(item, None))
    cut = _card(item, _sections(item, safe_text.SHOWN_CHARACTERS))
    return join(cut, safe_text.whole_button(_context(item)))


def draw_question(item: Item) -> None:
    """Draw an item without its context, which :func:`draw_context` draws further down."""
    safe_text.draw(_card(item, []))


def draw_context(item: Item) -> None:
    """Draw the context of an item on its own."""
    sections = _sections(item, _limit(item))
    if sections:
        context = element("div", *sections, cls="lc-context")
        safe_text.draw(element("article", context, cls="lc-item"))
        _draw_show_all(item)


def _card(item: Item, sections: Sequence[Html]) -> Html:
    facts = [item.source, item.split, item.item_id]
    case, asked = split_case(item.question[: safe_text.SHOWN_CHARACTERS])
    options = [_option(option, place) for place, option in enumerate(item.options)]
    return element(
        "article",
        element("p", *(element("span", fact) for fact in facts), cls="lc-facts"),
        element("p", case, cls="lc-case") if case else "",
        element("h2", asked, cls="lc-question" if len(asked) < LONG else "lc-case"),
        element("div", *sections, cls="lc-context") if sections else "",
        element("ol", *options, cls="lc-options") if options else "",
        cls="lc-item",
        data_lc_item=item.item_id,
    )


def _limit(item: Item) -> int | None:
    """Return how much of the context is drawn: all of it once "show all" was pressed."""
    shown_all = bool(st.session_state.get(_context_key(item)))
    return None if shown_all else safe_text.SHOWN_CHARACTERS


def _sections(item: Item, limit: int | None) -> list[Html]:
    sections = []
    for part in item.context:
        text = part.text if limit is None else part.text[:limit]
        limit = None if limit is None else limit - len(text)
        heading = [element("h3", _heading(part.heading))] if part.heading else []
        sections.append(element("section", *heading, element("p", text)))
    return sections


def _draw_show_all(item: Item) -> None:
    safe_text.draw_show_all(_context(item), _context_key(item))


def _context(item: Item) -> str:
    return "".join(part.text for part in item.context)


def _context_key(item: Item) -> str:
    return f"review_context_{item.item_id}"


def _heading(heading: str) -> str:
    """Return ``METHODS`` as ``Methods``: capitals throughout read like shouting."""
    return heading.capitalize() if heading.isupper() else heading


def _option(option: Option, place: int) -> Html:
    badge = element("span", option.label, cls=f"lc-badge lc-position-{place % 5}")
    return element("li", badge, element("span", option.text, cls="lc-option-text"))
