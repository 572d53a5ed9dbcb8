"""Doubtful gold labels: those that reviewers reject, and those that a head contradicts."""

from __future__ import annotations

import streamlit as st

from db.people.permissions import is_permitted
from db.review.agreement import (
    Challenges,
    RatingFilter,
    RejectedItem,
    count_challenges,
    list_rejected,
)
from db.viewer import Viewer
from streamlit_app import safe_text
from streamlit_app.components import (
    blind_items,
    item_table,
    rating_picker,
    scope_picker,
    suspects_panel,
)
from streamlit_app.components.scope_picker import GOLD_WORDS
from streamlit_app.logic import agreement_tables as logic
from streamlit_app.logic.figures import percent
from streamlit_app.logic.outcomes.run_outcomes import load_labels
from streamlit_app.logic.outcomes.suspects import load_suspects
from streamlit_app.server import services
from streamlit_app.session import sign_in
from streamlit_app.session.rooms import go_to
from streamlit_app.wording import say

PAGE_SIZE = 20


def draw() -> None:
    """Draw this part."""
    viewer = sign_in.current_viewer()
    blind_items.draw_left_out(viewer)
    st.header(say("agreement.disputed_gold"), anchor=False, divider="gray")
    draw_rejected(viewer)
    st.header(say("suspects.label_errors_heading"), anchor=False, divider="gray")
    draw_suspects(viewer)


def draw_suspects(viewer: Viewer) -> None:
    """Draw the items whose gold label the head of a run contradicts."""
    runs = services.all_runs()
    scope = scope_picker.pick(runs, viewer) if runs else None
    if scope is None:
        safe_text.draw_notice(say("errors.no_predictions" if runs else "errors.no_runs"))
        return
    database, flt = services.database(), scope.flt
    labels = load_labels(database, scope.version, flt.label_set)
    suspects_panel.draw(load_suspects(database, scope.version, flt, labels), flt)


# What follows is cached until there are new judgements; path and version are parts of the key.
# ruff: noqa: ARG001
@st.cache_data(max_entries=30, show_spinner=False)
def load_challenges(flt: RatingFilter, path: str, version: tuple[int, ...]) -> Challenges:
    """Count the items whose gold label reviewers reject."""
    return count_challenges(services.database().cursor(), flt)


@st.cache_data(max_entries=30, show_spinner=False)
def load_rejected(
    flt: RatingFilter, offset: int, path: str, version: tuple[int, ...]
) -> list[RejectedItem]:
    """Read one page of the items whose gold label is in doubt."""
    cur = services.database().cursor()
    return list_rejected(cur, flt, limit=PAGE_SIZE, offset=offset)


def draw_rejected(viewer: Viewer) -> None:
    """Draw the items whose gold label several people do not accept, each a way into Review."""
    state = rating_picker.state()
    scopes = rating_picker.load_scopes(viewer, *state)
    if not scopes:
        safe_text.draw_notice(say("agreement.nothing"))
        return
    flt = rating_picker.pick(viewer, scopes)
    counts = load_challenges(flt, *state)
    total = counts.num_rejected
    if total == 0:
        st.caption(say("agreement.no_disputed_gold"))
        return
    may_settle = is_permitted(sign_in.current_person(), "adjudicate")
    page = item_table.page_number("agreement_page", total, PAGE_SIZE)
    rows = load_rejected(flt, (page - 1) * PAGE_SIZE, *state)
    note, button = st.columns([4, 1], vertical_alignment="bottom")
    share = percent(total / counts.num_gold)
    note.caption(
        say("agreement.disputed_gold_note", count=total, items=counts.num_gold, share=share)
    )
    if may_settle and button.button(say("agreement.adjudicate_button"), key="agreement_settle"):
        asked = {"adjudicate_show": "rejected", "adjudicate_whose": flt.origin}
        st.session_state.update(asked)
        go_to("agreement", "adjudicate", **asked)
    item_table.draw(
        rows,
        logic.rejected_table(rows, GOLD_WORDS[flt.gold], with_answers=may_settle),
        lambda row: row.item_id,
        key="agreement_rejected",
        column_config={say("agreement.question"): st.column_config.TextColumn(width="large")},
        alt=say("agreement.disputed_gold"),
    )
    item_table.draw_pages("agreement_page", total, PAGE_SIZE)
