"""The choice of what to export, and the button that builds and downloads it."""

from __future__ import annotations

from functools import partial

import streamlit as st

from db.exporters import EXPORT_KINDS, ExportFormat, ExportKind, formats_of
from db.exporters.label_studio import LABELING_CONFIG
from db.exporters.scope import ExportScope
from db.people.permissions import is_permitted
from db.records import Reviewer
from streamlit_app import safe_text
from streamlit_app.components import scope_picker
from streamlit_app.logic import exports
from streamlit_app.server import services
from streamlit_app.wording import say, words

_EVERYTHING = ExportScope()


def draw(person: Reviewer, scope: ExportScope = _EVERYTHING, *, page: str = "data") -> None:
    """Draw the form for those who may export.

    Args:
        person: Who is at the screen.
        scope: What the file is narrowed to.
        page: Begins the keys of the widgets.
    """
    if not is_permitted(person, "export"):
        safe_text.draw_notice(say("data.no_export"))
        return
    kind_words = words("export_kind")
    kind: ExportKind = st.selectbox(
        say("data.export_kind"),
        EXPORT_KINDS,
        index=EXPORT_KINDS.index("corrections"),  # what the reviewing is for
        format_func=kind_words.__getitem__,
        key=f"{page}_export_kind",
    )
    format_words = words("export_format")
    file_format: ExportFormat = st.selectbox(
        say("data.export_format"),
        formats_of(kind),
        format_func=format_words.__getitem__,
        key=f"{page}_export_format_{kind}",
    )
    run_id = None
    runs = services.all_runs()
    if runs and (kind == "predictions" or file_format == "label_studio"):
        run_id = scope_picker.pick_run(say("data.run"), runs, key=f"{page}_export_run")
    if file_format == "label_studio":
        st.caption(say("data.label_studio"))
        st.code(LABELING_CONFIG, language=None)
    # Given as a function: nothing is built until the button is pressed.
    st.download_button(
        say("data.download"),
        data=partial(
            exports.build_export,
            services.database(),
            kind,
            file_format,
            run_id,
            reviewer_id=person.reviewer_id,
            scope=scope,
        ),
        file_name=exports.file_name(kind, file_format),
        mime=exports.mime_type(file_format),
        key=f"{page}_download",
        on_click="ignore",
    )
