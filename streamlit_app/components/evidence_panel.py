"""The chain over what people do, the evidence pack, and the report of a review."""

from __future__ import annotations

from datetime import datetime
from functools import partial

import streamlit as st

from db.chain import find_begin, find_head
from db.evidence.last_check import find_last_check
from db.people.permissions import is_permitted
from db.records import Reviewer
from db.review.agreement import RatingFilter, list_rating_scopes
from streamlit_app import safe_text
from streamlit_app.logic import reports
from streamlit_app.markup import reveal
from streamlit_app.server import services
from streamlit_app.session import sign_in
from streamlit_app.session.local_time import local_text
from streamlit_app.session.press_notice import deferred_errors, draw_message
from streamlit_app.wording import say, words

_NOTICE = "evidence_notice"


def draw(person: Reviewer) -> None:
    """Draw the state of the chain, and the downloads that the person may have."""
    st.header(say("evidence.heading"), anchor=False, divider="gray", help=say("evidence.help"))
    draw_message(_NOTICE)
    safe_text.draw_text("\n".join(_chain_lines()), "evidence_chain")
    if is_permitted(person, "manage_people"):
        st.button(say("evidence.verify"), key="evidence_verify", on_click=_verify)
        _draw_pack(person)
    if is_permitted(person, "export"):
        _draw_report(person)


def _chain_lines() -> list[str]:
    database = services.database()
    cur = database.cursor()
    since, head, last = find_begin(cur), find_head(cur), find_last_check(database.path)
    lines = []
    if since is not None and head is not None:
        when = local_text(datetime.fromisoformat(since))
        lines = [
            say("evidence.since", when=when),
            say("evidence.head", number=head.number, digest=head.digest),
        ]
    if last is None:
        return [*lines, say("evidence.never")]
    when = local_text(last.checked_at)
    if last.num_breaks:
        first, count = last.first_break, last.num_breaks
        return [*lines, say("evidence.broken", when=when, count=count, first=first)]
    return [*lines, say("evidence.verified", when=when, count=last.num_rows)]


def _draw_pack(person: Reviewer) -> None:
    with_names = st.checkbox(say("evidence.names"), key="evidence_names")
    build = partial(
        reports.build_pack,
        services.database(),
        with_names=with_names,
        reviewer_id=person.reviewer_id,
    )
    st.download_button(
        say("evidence.pack"),
        data=sign_in.checked(build),
        file_name="llamacare-evidence.zip",
        mime="application/zip",
        key="evidence_pack",
        on_click="ignore",
        help=say("evidence.pack_help"),
    )


def _draw_report(person: Reviewer) -> None:
    viewer = services.viewer_of(person.reviewer_id)
    found = list_rating_scopes(services.database().cursor(), viewer)
    scopes = sorted({(one.label_set, one.origin) for one in found})
    if not scopes:
        st.caption(say("evidence.no_judgements"))
        return
    origins = words("rating_origin")
    label_set, origin = st.selectbox(
        say("evidence.judgements"),
        scopes,
        format_func=lambda one: f"{reveal(one[0])}: {origins[one[1]]}",
        key="evidence_scope",
        width=420,
    )
    flt = RatingFilter(viewer, label_set, origin, None)
    build = partial(
        reports.build_review_report, services.database(), flt, reviewer_id=person.reviewer_id
    )
    st.download_button(
        say("evidence.report"),
        data=sign_in.checked(build),
        file_name="llamacare-review.html",
        mime="text/html",
        key="evidence_report",
        on_click="ignore",
    )


def _verify() -> None:
    with deferred_errors(_NOTICE):
        services.check_permission(sign_in.current_person(), "manage_people")
        reports.check_chain(services.database())
