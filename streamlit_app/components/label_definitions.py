"""When each label of a label set applies, next to the item."""

from __future__ import annotations

from functools import lru_cache

from db.records import LabelSet
from streamlit_app.markup import Html, element
from streamlit_app.wording import say


@lru_cache(16)
def panel(label_set: LabelSet | None) -> Html:
    """Return the markup of the definitions, unfolded; nothing where no label has one."""
    defined = [label for label in label_set.labels if label.definition] if label_set else []
    if not defined:
        return Html()
    rows = [
        part
        for label in defined
        for part in (element("dt", label.name), element("dd", label.definition))
    ]
    summary = element("summary", say("label_sets.definitions"))
    body = element("dl", *rows, cls="lc-definitions")
    return element("details", summary, body, cls="lc-reference", open="")
