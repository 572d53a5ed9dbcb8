"""Import and export: take files in, see what is there, get files out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

import streamlit as st

from db.content.overview import ItemCount, count_items_by_label, count_reviews
from db.errors import DbError, ImportFileError
from db.importers import FORMATS, Asked
from db.importers.choices import Choices
from db.outcomes.slices import list_slice_faults
from db.people.permissions import is_permitted
from db.records import Reviewer, Split, labels_text
from db.review.queues import list_queue_faults
from db.review.settings import list_setting_faults
from db.viewer import Viewer
from streamlit_app import safe_text
from streamlit_app.charts.label_counts import draw_label_counts
from streamlit_app.components import (
    backup_panel,
    blind_items,
    chart,
    export_form,
    field_mapping,
    set_aside,
)
from streamlit_app.errors import draw_error
from streamlit_app.logic import uploads
from streamlit_app.logic.label_sets import label_set_words
from streamlit_app.logic.outcomes.matrix import order_labels
from streamlit_app.logic.tables import Cell
from streamlit_app.logic.uploads import Preview, Upload, read_upload
from streamlit_app.markup import reveal
from streamlit_app.server import import_jobs, services
from streamlit_app.server.import_jobs import ImportJob
from streamlit_app.session import sign_in
from streamlit_app.wording import say, words

_PREVIEW = "data_preview"
_NOTICE = "data_notice"
_UPLOADS = "data_num_uploads"
KNOWN_LABELS = ("yes", "no", "maybe")
ANY = "any"
"""The choice that leaves the format to the file."""


def draw() -> None:
    """Draw this part."""
    person = sign_in.current_person()
    viewer = services.viewer_of(person.reviewer_id)
    blind_items.draw_left_out(viewer)
    add_column, export_column = st.columns([3, 2], gap="large")
    with add_column:
        st.header(say("data.import_heading"), anchor=False, divider="gray")
        draw_upload(person)
    with export_column:
        st.header(say("data.export_heading"), anchor=False, divider="gray")
        export_form.draw(person)
        st.caption(say("data.training_data_hint"))
    st.header(say("data.stored_heading"), anchor=False, divider="gray")
    cur = services.database().cursor()
    set_aside.draw(
        "choices",
        [*list_slice_faults(cur), *list_queue_faults(cur), *list_setting_faults(cur)],
    )
    draw_store(viewer)
    backup_panel.draw(person)


def draw_upload(person: Reviewer) -> None:
    """Draw the upload: format, file, what it holds, and the button that stores it."""
    job = import_jobs.find(person.reviewer_id)
    if job is not None and not job.ended.is_set():
        draw_progress(job)
        return
    if job is not None:
        keep_end(job)
    draw_notice()
    if not is_permitted(person, "import"):
        safe_text.draw_notice(say("data.no_import"))
        return
    chosen: str = st.selectbox(
        say("data.format"),
        (ANY, *FORMATS),
        format_func=words("import_format").__getitem__,
        key="data_format",
        bind="query-params",
    )
    st.caption(words("import_format_help")[chosen])
    # A new key after each import empties the uploader.
    number = st.session_state.setdefault(_UPLOADS, 0)
    file = st.file_uploader(say("data.file"), key=f"data_file_{number}", on_change=drop_notice)
    test_split = None
    split: Split | None = None
    if chosen in (ANY, "pubmedqa"):
        test_split = st.file_uploader(
            say("data.test_file"),
            key=f"data_test_split_{number}",
        )
    if chosen == "medqa":
        split = st.segmented_control(
            say("data.split_of_items"),
            get_args(Split),
            default="test",
            required=True,
            key="data_split",
        )
    if file is not None and chosen == "pubmedqa" and test_split is None:
        st.info(say("data.add_test_file_notice"))
    elif file is not None:
        upload = Upload(file.name, file.getvalue())
        mapping = None
        if chosen == ANY and st.toggle(say("mapping.toggle"), key=f"data_map_{number}"):
            mapping = field_mapping.draw(upload, f"data_map_{number}")
        asked = Asked(
            format=next((name for name in FORMATS if name == chosen), None),
            mapping=mapping,
            choices=Choices(split=split),
        )
        draw_preview(asked, upload, test_split, file.file_id, person)


def draw_preview(
    asked: Asked, upload: Upload, test_split: Any, file_id: str, person: Reviewer
) -> None:
    """Draw what the file holds, or every fault of it."""
    token = (repr(asked), file_id, test_split.file_id if test_split else None)
    if st.session_state.get(_PREVIEW, (None, None))[0] != token:
        try:
            read = read_upload(
                services.database(),
                upload,
                asked,
                test_split=Upload(test_split.name, test_split.getvalue()) if test_split else None,
            )
        except ImportFileError as error:
            draw_error(str(error))
            return
        st.session_state[_PREVIEW] = (token, read)
    preview: Preview = st.session_state[_PREVIEW][1]
    st.markdown(f"**{say('data.contents')}**")
    safe_text.draw_text("\n".join(preview.lines), "data_preview_text")
    compared = preview.compared
    if compared.num_differing:
        counts = {"differing": compared.num_differing, "compared": compared.num_compared}
        source = st.radio(
            say("data.differing_labels", **counts),
            ("file", "text"),
            format_func=words("labels_from").__getitem__,
            key=f"data_labels_from_{file_id}",
        )
        if source == "text":
            preview = preview.with_labels_of_texts()
    st.button(
        say("data.import"),
        type="primary",
        key="data_import",
        on_click=import_jobs.start,
        args=(preview, person.reviewer_id),
        help=say("data.import_help"),
    )


@st.fragment(run_every=1.0)
def draw_progress(job: ImportJob) -> None:
    """Draw what an import is at, until it has ended."""
    if job.ended.is_set():
        st.rerun()
    file, seconds = job.preview.file_name, round(job.seconds)
    safe_text.draw_notice(say("data.importing", file=file, seconds=seconds))


def keep_end(job: ImportJob) -> None:
    """Record in words what became of an import; one that stored its file empties the uploader."""
    import_jobs.forget(job)
    if isinstance(job.error, DbError):
        st.session_state[_NOTICE] = ("error", str(job.error))
    elif job.error is not None:
        raise job.error
    elif job.report is not None:
        st.session_state[_NOTICE] = ("success", uploads.describe_report(job.report))
        st.session_state.pop(_PREVIEW, None)
        st.session_state[_UPLOADS] = st.session_state.get(_UPLOADS, 0) + 1


def draw_notice() -> None:
    """Draw what became of the last import, until the next file is chosen."""
    kind, message = st.session_state.get(_NOTICE, (None, ""))
    if message:
        safe_text.draw_notice(message, kind=kind)


def drop_notice() -> None:
    """Remove what is known of the last import: another file is chosen."""
    st.session_state.pop(_NOTICE, None)


def draw_store(viewer: Viewer) -> None:
    """Draw how many items of each source, split and label there are, and how many were reviewed."""
    counts = count_items_by_label(services.database().cursor(), viewer)
    if not counts:
        st.info(say("data.empty"))
        return
    reviews = count_reviews(services.database().cursor(), viewer)
    items = sum(count.count for count in counts)
    st.caption(
        say(
            "data.counts",
            items=items,
            runs=len(services.all_runs()),
            reviews=reviews.num_annotations,
            changed=reviews.num_changed,
        )
    )
    labels = order_labels(KNOWN_LABELS, (count.label for count in counts))
    table: dict[str, Sequence[Cell]] = {
        say("data.source"): [reveal(count.source) for count in counts],
        say("data.split"): [count.split for count in counts],
        say("data.labels"): [label_set_words(count.label_set) for count in counts],
        say("data.label"): [
            reveal(labels_text(count.label, say("data.no_label"))) for count in counts
        ],
        say("data.items"): [count.count for count in counts],
    }
    chart.draw(
        draw_label_counts(grouped(counts), labels),
        key="data_labels",
        alt=say("data.alt"),
        table=table,
    )
    with st.expander(say("data.as_table")):
        st.dataframe(table, hide_index=True, key="data_counts")


def grouped(counts: list[ItemCount]) -> dict[str, dict[str | None, int]]:
    """Gather counts by source and split."""
    groups: dict[str, dict[str | None, int]] = {}
    for count in counts:
        group = groups.setdefault(f"{reveal(count.source)} · {count.split}", {})
        group[count.label] = group.get(count.label, 0) + count.count
    return groups
