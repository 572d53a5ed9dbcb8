"""Training data: what a run would learn from, record by record; each can be vetoed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from db.people.permissions import is_permitted
from db.people.reviewers import list_reviewers
from db.records import Reviewer
from db.retraining.record_vetoes import add_record_veto, list_record_vetoes
from db.viewer import Viewer
from eci.questions.exemplars import Choice
from streamlit_app import safe_text
from streamlit_app.components import blind_items, card_downloads, choices, coming, item_table
from streamlit_app.logic import reports
from streamlit_app.logic.training.lineage_view import shots_words
from streamlit_app.logic.training.training_records import (
    FORMAT_HELP,
    FORMAT_WORDS,
    WrittenPreview,
    find_preview,
    record_table,
    require_unhidden,
    veto_table,
    zipped,
)
from streamlit_app.markup import element, reveal
from streamlit_app.server import services
from streamlit_app.session import sign_in
from streamlit_app.session.local_time import local_text
from streamlit_app.session.press_notice import deferred_errors, draw_message
from streamlit_app.wording import say, say_count
from training.data.build import Benchmark, BuiltRecord
from training.data.build_files import name_of
from training.data.formats import BUILD_FORMATS, BuildFormat
from training.data.preview import PAGE_SIZE, Preview, PreviewChoices

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
    found = find_preview(services.database(), viewer, pick_choices(), person.reviewer_id)
    written = found.written
    if written is not None and written.state != found.state:
        st.caption(say("training_data.as_of", moment=local_text(written.moment)))
    if found.coming is not None:
        coming.draw(found.coming, say_count("training_data.coming", found.state.num_items))
    if written is not None:
        draw_summary(written.preview)
        if is_permitted(person, "export"):
            draw_download(written, person)
        chosen = pick_record(written.preview)
        if chosen is not None:
            draw_record(chosen, person)
    draw_vetoes(person, viewer)


def pick_choices() -> PreviewChoices:
    """Draw the choices of records."""
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
    return PreviewChoices(benchmark, num_shots, exemplars, only_corrected)


def draw_summary(preview: Preview) -> None:
    """Draw how many records there are."""
    counts = {
        "learned": preview.num_learned,
        "held_out": preview.num_held_out,
        "corrected": preview.num_corrected,
    }
    vetoed = preview.built.num_vetoed
    if vetoed:
        st.text(say("training_data.counts_with_excluded", **counts, vetoed=vetoed))
    else:
        st.text(say("training_data.counts", **counts))


def draw_download(written: WrittenPreview, person: Reviewer) -> None:
    """Draw the choice of a format, what it is for, its rows, and what can be downloaded."""
    format_column, button_column = st.columns([2, 1], vertical_alignment="bottom")
    build_format: BuildFormat = format_column.selectbox(
        say("training_data.format"),
        BUILD_FORMATS,
        format_func=FORMAT_WORDS.__getitem__,
        key="data_build_format",
    )
    preview = written.preview
    num_rows = preview.num_rows[build_format]
    if isinstance(num_rows, str):
        st.caption(FORMAT_HELP[build_format])
        safe_text.draw_notice(num_rows)
        return

    def build(write: Callable[..., bytes], **form: bool) -> bytes:
        viewer = services.viewer_of(person.reviewer_id)
        require_unhidden(written, services.database(), viewer)
        return write(written, build_format, **form)

    button_column.download_button(
        say_count("training_data.download", num_rows),
        data=sign_in.checked(partial(build, zipped)),
        file_name=f"{name_of(preview.build_of(build_format), build_format)}.zip",
        mime="application/zip",
        icon=":material/download:",
        on_click="ignore",
        key="data_build_download",
    )
    st.caption(FORMAT_HELP[build_format])
    card_downloads.draw("data", partial(build, reports.build_data_card))


def pick_record(preview: Preview) -> BuiltRecord | None:
    """Draw one page of records and give the selected one."""
    item_table.draw_pages("data_page", preview.num_records, PAGE_SIZE)
    shown = preview.read_page(item_table.page_number("data_page", preview.num_records, PAGE_SIZE))
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
