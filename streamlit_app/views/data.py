"""Data: take files in, see what is there, get files out."""

from __future__ import annotations

from functools import partial
from typing import Any, get_args

import streamlit as st

from db.errors import DbError, ImportFileError
from db.exporters import EXPORT_FORMATS, ExportFormat, ExportKind
from db.importers import FORMATS, Format
from db.overview import ItemCount, count_items_by_label, count_reviews
from db.records import Split
from streamlit_app import services
from streamlit_app.charts.label_counts import draw_label_counts
from streamlit_app.components import chart, safe_text, scope_picker
from streamlit_app.errors import draw_error
from streamlit_app.logic import exports, uploads
from streamlit_app.logic.matrix import order_labels
from streamlit_app.logic.uploads import Preview, Upload, read_upload
from streamlit_app.text_safety import reveal

_PREVIEW = "data_preview"
_SAID = "data_said"
_UPLOADS = "data_num_uploads"
KNOWN_LABELS = ("yes", "no", "maybe")


def main() -> None:
    """Draw the page."""
    st.title("Data")
    add_column, export_column = st.columns([3, 2], gap="large")
    with add_column:
        st.subheader("Take a file in", divider="gray")
        draw_upload()
    with export_column:
        st.subheader("Get a file out", divider="gray")
        draw_export()
    st.subheader("In the store", divider="gray")
    draw_store()


def draw_upload() -> None:
    """Draw the upload: format, file, what it holds, and the button that stores it."""
    chosen: Format = st.selectbox(
        "Format",
        FORMATS,
        format_func=lambda name: uploads.FORMAT_WORDS[name],
        key="data_format",
        bind="query-params",
    )
    st.caption(uploads.FORMAT_HELP[chosen])
    # A new key after each import empties the uploader.
    number = st.session_state.setdefault(_UPLOADS, 0)
    file = st.file_uploader("File", key=f"data_file_{number}")
    test_split = None
    split: Split = "test"
    if chosen == "pubmedqa":
        test_split = st.file_uploader(
            "File that names the test items (test_ground_truth.json)",
            key=f"data_test_split_{number}",
        )
    if chosen == "medqa":
        split = st.segmented_control(
            "These items are",
            get_args(Split),
            default="test",
            required=True,
            key="data_split",
        )
    draw_said()
    if file is not None and chosen == "pubmedqa" and test_split is None:
        st.info("Add the file that names the test items as well.")
    elif file is not None:
        draw_preview(chosen, file, test_split, split)


def draw_preview(chosen: Format, file: Any, test_split: Any, split: Split) -> None:
    """Draw what the file holds, or every fault of it."""
    token = (chosen, file.file_id, test_split.file_id if test_split else None, split)
    if st.session_state.get(_PREVIEW, (None, None))[0] != token:
        try:
            preview = read_upload(
                chosen,
                Upload(file.name, file.getvalue()),
                test_split=Upload(test_split.name, test_split.getvalue()) if test_split else None,
                split=split,
            )
        except ImportFileError as error:
            draw_error(str(error))
            return
        st.session_state[_PREVIEW] = (token, preview)
    preview = st.session_state[_PREVIEW][1]
    st.markdown("**The file holds**")
    safe_text.draw_text("\n".join(preview.lines), "data_preview_text")
    st.button(
        "Import",
        type="primary",
        key="data_import",
        on_click=store,
        args=(preview,),
        help="All of it or nothing: a file that contradicts the store changes nothing.",
    )


def store(preview: Preview) -> None:
    """Store a file that was read, and keep in words what became of it."""
    try:
        report = uploads.store_preview(services.database(), preview)
    except DbError as error:
        st.session_state[_SAID] = ("error", str(error))
        return
    st.session_state[_SAID] = ("success", uploads.describe_report(report))
    st.session_state.pop(_PREVIEW, None)
    st.session_state[_UPLOADS] += 1


def draw_said() -> None:
    """Draw what became of the last import, once."""
    kind, message = st.session_state.pop(_SAID, (None, ""))
    if message:
        safe_text.draw_notice(message, kind=kind)


def draw_export() -> None:
    """Draw the choice of what to export and the button that builds and downloads it."""
    kind: ExportKind = st.selectbox(
        "What",
        list(exports.KIND_WORDS),
        format_func=lambda name: exports.KIND_WORDS[name],
        key="data_export_kind",
    )
    run_id = None
    runs = services.all_runs()
    if kind == "predictions" and runs:
        run_id = scope_picker.pick_run("Of run", runs, key="data_export_run")
    file_format: ExportFormat = st.segmented_control(
        "As",
        EXPORT_FORMATS,
        format_func=lambda name: exports.FORMAT_WORDS[name],
        default="jsonl",
        required=True,
        key="data_export_format",
    )
    # Given as a function: nothing is built until the button is pressed.
    st.download_button(
        "Download",
        data=partial(exports.build_export, services.database(), kind, file_format, run_id),
        file_name=f"llamacare-{kind}.{file_format}",
        mime=exports.MIME_TYPES[file_format],
        key="data_download",
        on_click="ignore",
    )


def draw_store() -> None:
    """Draw how many items of each source, split and label there are, and how many were reviewed."""
    counts = count_items_by_label(services.database().cursor())
    if not counts:
        st.info(
            "The store is empty. Take a file in above, or load the bundled demo with "
            "`python -m db demo` while the app is off."
        )
        return
    reviews = count_reviews(services.database().cursor())
    items = sum(count.count for count in counts)
    st.caption(
        f"{items:,} items, {len(services.all_runs()):,} runs, {reviews.num_annotations:,} standing "
        f"reviews, {reviews.num_changed:,} of which differ from the imported label. Bars count "
        "labels of record."
    )
    labels = order_labels(KNOWN_LABELS, (count.label for count in counts))
    chart.draw(
        draw_label_counts(grouped(counts), labels),
        key="data_labels",
        alt="Items of each source and split by label of record",
    )
    with st.expander("As a table"):
        st.dataframe(
            {
                "Source": [reveal(count.source) for count in counts],
                "Split": [count.split for count in counts],
                "Labels": [scope_picker.label_set_words(count.label_set) for count in counts],
                "Label": [reveal(count.label or "no label") for count in counts],
                "Items": [count.count for count in counts],
            },
            hide_index=True,
            key="data_counts",
        )


def grouped(counts: list[ItemCount]) -> dict[str, dict[str | None, int]]:
    """Gather counts by source and split."""
    groups: dict[str, dict[str | None, int]] = {}
    for count in counts:
        group = groups.setdefault(f"{reveal(count.source)} · {count.split}", {})
        group[count.label] = group.get(count.label, 0) + count.count
    return groups


main()
