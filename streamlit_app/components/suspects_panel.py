"""Gold labels that a head contradicts which has not learned from them."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from db.outcomes.selection import OutcomeFilter
from streamlit_app.components import item_table, queue_form
from streamlit_app.logic.figures import interval_text, percent
from streamlit_app.logic.outcomes.suspects import (
    Suspect,
    SuspectView,
    load_suspect_ids,
    sources_sentence,
)
from streamlit_app.markup import one_line, reveal
from streamlit_app.server import services
from streamlit_app.session import sign_in
from streamlit_app.wording import say


def draw(view: SuspectView | None, flt: OutcomeFilter) -> None:
    """Draw the items whose gold label a head contradicts, and the way to a queue of them."""
    if view is None:
        st.caption(say("suspects.no_probabilities"))
        return
    st.text(suspects_sentence(view))
    st.caption(sources_sentence(view.sources))
    if not view.rows:
        return
    item_table.draw(
        view.rows,
        suspects_table(view.rows),
        lambda one: one.row.item_id,
        key="doubtful_suspects",
        run_id=flt.run_id,
        column_config={
            say("suspects.question"): st.column_config.TextColumn(width="large"),
            say("suspects.doubt"): st.column_config.NumberColumn(format="%.0f"),
        },
        alt=say("suspects.label_errors_alt"),
    )
    st.caption(say("suspects.label_errors_note"))
    source = queue_form.of_items(
        say("suspects.queue_name"),
        view.num_suspects,
        lambda: load_suspect_ids(services.database(), flt, view),
        flt.run_id,
    )
    person = sign_in.current_person()
    queue_form.draw("doubtful_queue", say("suspects.create_queue"), source, person)


def suspects_sentence(view: SuspectView) -> str:
    """Return in one sentence how many gold labels are doubtful."""
    if view.share.value is None:
        return say("suspects.not_checkable")
    return say(
        "suspects.label_errors_summary",
        share=percent(view.share.value),
        n=view.share.n,
        num_suspects=view.num_suspects,
        accuracy=percent(view.accuracy.value),
        interval=interval_text(view.accuracy),
    )


def suspects_table(found: Sequence[Suspect]) -> dict[str, list[str | int | float]]:
    """Arrange suspects as columns, invisible characters shown."""
    return {
        say("suspects.doubt"): [100 * (1 - one.quality) for one in found],
        say("suspects.gold"): [
            _with_share(one.row.gold_label, one.probability_of_gold) for one in found
        ],
        say("suspects.suggested"): [
            _with_share(one.suggested, one.probability_of_suggested) for one in found
        ],
        say("suspects.judged_by"): [_judge(one) for one in found],
        say("suspects.question"): [one_line(one.row.question) for one in found],
        say("suspects.item"): [reveal(one.row.item_id) for one in found],
    }


def _with_share(label: str, probability: float) -> str:
    return f"{reveal(label)} ({percent(probability, 0)})"


def _judge(one: Suspect) -> str:
    return say("suspects.judged_by_base_model") if one.is_base_model else say("suspects.run")
