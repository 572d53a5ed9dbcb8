"""Training data: what a run would learn from, record by record; each can be vetoed."""

from __future__ import annotations

from functools import partial

import streamlit as st

from db.people.permissions import is_permitted
from db.people.reviewers import list_reviewers
from db.records import Reviewer
from db.retraining.record_vetoes import add_record_veto, list_record_vetoes
from db.viewer import Viewer
from eci.questions.exemplars import Choice
from streamlit_app import safe_text
from streamlit_app.components import blind_items, card_downloads, choices, item_table
from streamlit_app.logic import reports
from streamlit_app.logic.training.lineage_view import shots_words
from streamlit_app.logic.training.training_records import (
    FORMAT_HELP,
    FORMAT_WORDS,
    preview,
    record_table,
    to_export,
    veto_table,
    zipped,
)
from streamlit_app.markup import element, reveal
from streamlit_app.server import services
from streamlit_app.session import sign_in
from streamlit_app.session.press_notice import deferred_errors, draw_message
from streamlit_app.wording import say, say_count
from training.data.build import Benchmark, Build, BuiltRecord
from training.data.build_files import count_rows, name_of
from training.data.formats import BUILD_FORMATS, BuildFormat
from training.errors import DataError

PAGE_SIZE = 50
SHOTS = (0, 1, 5)
CHOICE_WORDS: dict[Choice, str] = {
    "random": say("training_data.random"),
    "balanced": say("training_data.labels_in_turn"),
    "nearest": say("training_data.most_alike"),
}
BENCHMARK_WORDS: dict[Benchmark, str] = {
    "pubmedqa": say("training_data.pubmedqa"),
    "usmle-step1": say("training_data.step_1"),
    "usmle-step2": say("training_data.step_2"),
    "usmle-step3": say("training_data.step_3"),
    "all": say("training_data.all_items"),
}


def draw() -> None:
    """Draw this part."""
    st.caption(say("training_data.about"))
    person = sign_in.current_person()
    draw_message()
    viewer = services.viewer_of(person.reviewer_id)
    blind_items.draw_left_out(viewer)
    built = pick_build(viewer)
    draw_summary(built)
    if is_permitted(person, "export"):
        draw_download(built, viewer)
    chosen = pick_record(built)
    if chosen is not None:
        draw_record(chosen, person)
    draw_vetoes(person, viewer)


def pick_build(viewer: Viewer) -> Build:
    """Draw the choices and give the records."""
    benchmark = choices.pick(
        say("training_data.benchmark"), BENCHMARK_WORDS, default="all", key="data_benchmark"
    )
    shots_column, exemplars_column = st.columns([1, 2])
    with shots_column:
        num_shots: int = st.segmented_control(
            say("training_data.prompts"),
            SHOTS,
            format_func=shots_words,
            default=0,
            required=True,
            key="data_shots",
        )
    with exemplars_column:
        exemplars = choices.pick(
            say("training_data.shots"),
            CHOICE_WORDS,
            default="balanced",
            key="data_exemplars",
            help=say("training_data.shots_help"),
        )
    only_corrected = st.checkbox(say("training_data.only_corrected"), key="data_corrected")
    database = services.database()
    return preview(database, viewer, benchmark, num_shots, exemplars, only_corrected)


def draw_summary(built: Build) -> None:
    """Draw how many records there are."""
    learned, held_out = len(built.fold("train")), len(built.fold("validation"))
    corrected = sum(record.is_corrected for record in built.records)
    counts = {"learned": learned, "held_out": held_out, "corrected": corrected}
    if built.num_vetoed:
        st.text(say("training_data.counts_with_excluded", **counts, vetoed=built.num_vetoed))
    else:
        st.text(say("training_data.counts", **counts))


def draw_download(built: Build, viewer: Viewer) -> None:
    """Draw the choice of a format, what it is for, its rows, and what can be downloaded."""
    format_column, button_column = st.columns([2, 1], vertical_alignment="bottom")
    build_format: BuildFormat = format_column.selectbox(
        say("training_data.format"),
        BUILD_FORMATS,
        format_func=FORMAT_WORDS.__getitem__,
        key="data_build_format",
    )
    exported = to_export(services.database(), viewer, built, build_format)
    try:
        num_rows = sum(count_rows(exported, build_format).values())
    except DataError as error:
        st.caption(FORMAT_HELP[build_format])
        safe_text.draw_notice(str(error))
        return
    button_column.download_button(
        say_count("training_data.download", num_rows),
        data=sign_in.checked(partial(zipped, exported, build_format)),
        file_name=f"{name_of(exported, build_format)}.zip",
        mime="application/zip",
        icon=":material/download:",
        on_click="ignore",
        key="data_build_download",
    )
    st.caption(FORMAT_HELP[build_format])
    card_downloads.draw("data", partial(reports.build_data_card, exported, build_format))


def pick_record(built: Build) -> BuiltRecord | None:
    """Draw one page of records and give the selected one."""
    item_table.draw_pages("data_page", len(built.records), PAGE_SIZE)
    page = item_table.page_number("data_page", len(built.records), PAGE_SIZE)
    shown = built.records[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    if not shown:
        st.info(say("training_data.nothing"))
        return None
    return item_table.select(shown, record_table(shown), key="data_records")


def draw_record(record: BuiltRecord, person: Reviewer) -> None:
    """Draw a record as the chat that is learned, and the buttons that leave it out."""
    st.header(say("training_data.record"), divider="gray", anchor=False)
    for place, turn in enumerate(record.messages):
        is_learned = place == len(record.messages) - 1
        role = turn["role"]
        role = say("training_data.learned_turn", role=role) if is_learned else role
        safe_text.draw(element("div", role, cls="lc-quiet"))
        st.code(reveal(turn["content"]), language=None, wrap_lines=True)
    safe_text.draw(element("div", say("training_data.category", category=record.category)))
    may = is_permitted(person, "veto_records")
    st.text_input(say("training_data.reason"), key=f"data_why_{record.item_id}", disabled=not may)
    with st.container(horizontal=True):
        for name, num_shots in (
            (
                say("training_data.exclude_record", shots_words=shots_words(record.num_shots)),
                record.num_shots,
            ),
            (say("training_data.exclude_item"), None),
        ):
            st.button(
                name,
                key=f"data_veto_{num_shots}",
                disabled=not may,
                on_click=_veto,
                args=(record.item_id, num_shots, person.reviewer_id, True),
            )
    if not may:
        st.caption(say("training_data.not_open"))


def draw_vetoes(person: Reviewer, viewer: Viewer) -> None:
    """Draw what is left out, each with the way back."""
    cur = services.database().cursor()
    vetoes = list_record_vetoes(cur, viewer)
    if not vetoes:
        return
    with st.expander(say("training_data.excluded", num_vetoes=len(vetoes))):
        names = {one.reviewer_id: one.name for one in list_reviewers(cur)}
        chosen = item_table.select(vetoes, veto_table(vetoes, names), key="data_vetoes")
        st.button(
            say("training_data.restore"),
            key="data_unveto",
            disabled=chosen is None,
            on_click=_veto,
            args=(chosen.item_id, chosen.num_shots, person.reviewer_id, False) if chosen else (),
        )


def _veto(item_id: str, num_shots: int | None, reviewer_id: str, is_vetoed: bool) -> None:
    with deferred_errors(), services.database().transaction() as cur:
        add_record_veto(
            cur,
            item_id=item_id,
            num_shots=num_shots,
            reviewer_id=reviewer_id,
            is_vetoed=is_vetoed,
            note=str(st.session_state.get(f"data_why_{item_id}", "")),
        )
