"""From a chart to work: the listed items become a queue, a slice, a file, a link or a report."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from db.outcomes.item_lists import list_item_ids, list_items
from db.outcomes.selection import OutcomeFilter
from db.outcomes.slices import drop_slice, list_slices, may_change, save_slice
from streamlit_app import safe_text
from streamlit_app.components import (
    chart,
    link_popover,
    outcome_items,
    queue_form,
    scope_picker,
)
from streamlit_app.components.scope_picker import PickedScope
from streamlit_app.logic.outcomes.selection_summary import selection_words
from streamlit_app.logic.tables import csv_bytes
from streamlit_app.markup import element
from streamlit_app.server import services
from streamlit_app.session import sign_in
from streamlit_app.session.press_notice import deferred_errors, draw_message, keep
from streamlit_app.wording import say, say_count

_NOTICE = "errors_notice"


def draw(
    scope: PickedScope,
    flt: OutcomeFilter,
    total: int,
    report: Callable[[], bytes],
) -> None:
    """Draw what can be done with the items that pass the filter.

    Args:
        report: Writes the page as one HTML file.
    """
    draw_message(_NOTICE)
    with st.container(horizontal=True, vertical_alignment="center", key="lc_bar_errors"):
        words = _chosen_words(scope)
        draw_count(total, words)
        if total:
            source = queue_form.of_items(
                words or say("work_bar.all_items"),
                total,
                lambda: list_item_ids(services.database().cursor(), flt),
                flt.run_id,
            )
            person = sign_in.current_person()
            queue_form.draw_review("errors_queue", source, person)
            queue_form.draw("errors_queue", say("work_bar.create_queue"), source, person)
            _draw_slice(scope)
            _draw_export(flt)
        link_popover.draw(scope_picker.in_address(scope))
        _draw_report(report)
    chart.pick_format()


def draw_count(total: int, words: str) -> None:
    """Draw how many items are listed, and what was chosen of them in words."""
    which = element("span", words, cls="lc-quiet")
    safe_text.draw(element("p", say_count("work_bar.chosen", total), " ", which, cls="lc-chosen"))


def _chosen_words(scope: PickedScope) -> str:
    """Return in words which slice or cell is chosen; empty where none is."""
    saved = [say("scope.counted_slice", name=scope.saved_slice)] if scope.saved_slice else []
    return "; ".join(filter(None, [*saved, selection_words(outcome_items.chosen())]))


def _draw_slice(scope: PickedScope) -> None:
    selection = outcome_items.chosen()
    is_own = _is_own(scope.saved_slice)
    if selection.is_empty and not is_own:
        return
    with st.popover(say("work_bar.save_slice"), icon=":material/bookmark_add:"):
        if not selection.is_empty:
            st.text(selection_words(selection))
            st.text_input(say("work_bar.slice_name"), key="errors_slice_name", max_chars=80)
            st.button(say("work_bar.save"), key="errors_slice_save", on_click=_save_slice)
        if is_own:
            st.button(
                say("work_bar.delete_slice"),
                key="errors_slice_drop",
                on_click=_drop_slice,
                args=(scope.saved_slice,),
            )


def _is_own(name: str | None) -> bool:
    """Return whether the reader may delete a slice."""
    person = sign_in.current_person()
    slices = list_slices(services.database().cursor()) if name is not None else ()
    return any(one.name == name and may_change(person, one) for one in slices)


def _save_slice() -> None:
    with deferred_errors(_NOTICE):
        with services.database().transaction() as cur:
            saved = save_slice(
                cur,
                st.session_state["errors_slice_name"],
                outcome_items.chosen(),
                saved_by=sign_in.current_person().reviewer_id,
            )
        keep(say("work_bar.slice_saved", name=saved.name), _NOTICE)


def _drop_slice(name: str) -> None:
    with deferred_errors(_NOTICE):
        with services.database().transaction() as cur:
            drop_slice(cur, name, saved_by=sign_in.current_person().reviewer_id)
        st.session_state["errors_saved"] = None


def _draw_export(flt: OutcomeFilter) -> None:
    st.download_button(
        say("work_bar.export"),
        data=sign_in.checked(lambda: items_csv(flt)),
        file_name="items.csv",
        mime="text/csv",
        key="errors_export",
        icon=":material/download:",
        on_click="ignore",
        help=say("work_bar.export_help"),
    )


def items_csv(flt: OutcomeFilter) -> bytes:
    """Write what the page lists: open to all who may see it."""
    rows = list_items(services.database().cursor(), flt, limit=1_000_000)
    return csv_bytes(
        {
            "item_id": [row.item_id for row in rows],
            "question": [row.question for row in rows],
            "gold_label": [row.gold_label for row in rows],
            "text_label": [row.text_label for row in rows],
            "text_form": [row.text_form for row in rows],
            "head_label": [row.head_label for row in rows],
            "head_confidence": [row.head_confidence for row in rows],
        }
    )


def _draw_report(report: Callable[[], bytes]) -> None:
    st.download_button(
        say("work_bar.report"),
        data=sign_in.checked(report),
        file_name="errors.html",
        mime="text/html",
        key="errors_report",
        icon=":material/description:",
        on_click="ignore",
        help=say("work_bar.report_help"),
    )
