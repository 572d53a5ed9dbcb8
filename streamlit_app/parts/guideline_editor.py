"""Guidelines: what reviewers are asked to do, each version of it, and where the next is written."""

from __future__ import annotations

import streamlit as st

from db.people.permissions import is_permitted
from db.people.reviewers import list_reviewers
from db.records import Reviewer
from db.review.guidelines import ALL_LABEL_SETS, Guideline, add_guideline, list_guidelines
from streamlit_app import safe_text
from streamlit_app.components import guideline_panel
from streamlit_app.logic import label_sets
from streamlit_app.logic.label_sets import label_set_words
from streamlit_app.logic.markdown import render
from streamlit_app.markup import element, reveal
from streamlit_app.server import services
from streamlit_app.session import sign_in
from streamlit_app.session.local_time import local_text
from streamlit_app.session.press_notice import deferred_errors, draw_message, keep
from streamlit_app.wording import say

_NOTICE = "guidelines_notice"


def draw() -> None:
    """Draw this part."""
    person = sign_in.current_person()
    known = label_sets.load(services.database())
    label_set = st.segmented_control(
        say("guidelines.applies_to"),
        [ALL_LABEL_SETS, *known],
        format_func=lambda name: (
            say("guidelines.all") if name == ALL_LABEL_SETS else label_set_words(name)
        ),
        default=ALL_LABEL_SETS,
        required=True,
        key="guidelines_for",
    )
    versions = [
        one for one in list_guidelines(services.database().cursor()) if one.label_set == label_set
    ]
    shown, editor = st.columns(2, gap="large")
    with shown:
        draw_versions(versions)
    with editor:
        st.header(say("guidelines.write"), anchor=False, divider="gray")
        draw_message(_NOTICE)
        if is_permitted(person, "edit_guidelines"):
            draw_editor(label_set, versions[0].body if versions else "", person)
        else:
            safe_text.draw_notice(say("guidelines.not_open"))


def draw_versions(versions: list[Guideline]) -> None:
    """Draw the version that counts, or an earlier one that is chosen."""
    st.header(say("guidelines.current"), anchor=False, divider="gray")
    if not versions:
        safe_text.draw_notice(say("guidelines.none"))
        return
    cur = services.database().cursor()
    names = {reviewer.reviewer_id: reviewer.name for reviewer in list_reviewers(cur)}
    chosen = versions[0]
    if len(versions) > 1:
        chosen = st.selectbox(
            say("guidelines.version"),
            versions,
            format_func=lambda one: say(
                "guidelines.version_of",
                version=one.version,
                when=local_text(one.created_at),
                who=reveal(names.get(one.reviewer_id, one.reviewer_id)),
            ),
            key=f"guidelines_version_{versions[0].label_set}",
        )
    guideline_panel.draw_whole(chosen)


def draw_editor(label_set: str, body: str, person: Reviewer) -> None:
    """Draw the field for the next version, and how it will look."""
    key = f"guidelines_body_{label_set}"
    text = st.text_area(
        say("guidelines.body"), value=body, height=360, key=key, help=say("guidelines.body_help")
    )
    st.button(
        say("guidelines.save"),
        type="primary",
        key="guidelines_save",
        on_click=save,
        args=(label_set, person.reviewer_id),
    )
    if text and text != body:
        st.caption(say("guidelines.preview"))
        safe_text.draw(element("div", render(text), cls="lc-guideline"))


def save(label_set: str, reviewer_id: str) -> None:
    """Store what was typed as the version that counts."""
    body = st.session_state[f"guidelines_body_{label_set}"]
    with deferred_errors(_NOTICE):
        with services.database().transaction() as cur:
            stored = add_guideline(cur, body, reviewer_id=reviewer_id, label_set=label_set)
        keep(say("guidelines.saved", version=stored.version), _NOTICE)
