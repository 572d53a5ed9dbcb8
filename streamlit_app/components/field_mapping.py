"""Which field of an uploaded file is what, with the first rows shown as the items they become."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import streamlit as st

from db.errors import ImportFileError
from db.importers.any_file import Look
from db.importers.mapping import Mapping, list_mappings, load_mapping, save_mapping
from db.records import Item, labels_text
from streamlit_app import safe_text
from streamlit_app.errors import draw_error
from streamlit_app.logic.uploads import Upload, look_at_upload
from streamlit_app.markup import reveal
from streamlit_app.wording import say, words

_FIELDS: Final = (
    "question",
    "id",
    "context",
    "gold",
    "long_answer",
    "answer",
    "label",
    "probabilities",
    "model",
    "annotator",
    "source",
    "split",
)
"""The fields that are one path each, in the order of the form."""
_LOOK: Final = "data_mapping_look"
_NUM_COLUMNS: Final = 3


def draw(upload: Upload, key: str) -> Mapping | None:
    """Draw the form and the preview, and return the mapping; None where the file has no fields."""
    saved = st.selectbox(
        say("mapping.saved"),
        ["", *list_mappings()],
        format_func=lambda name: reveal(name) or say("mapping.by_name"),
        key=f"{key}_saved",
    )
    try:
        first = _look(upload, load_mapping(saved) if saved else None)
        mapping = _draw_form(first, f"{key}_{saved}")
        shown = _look(upload, mapping)
    except ImportFileError as error:
        draw_error(str(error))
        return None
    _draw_items(shown, key)
    _draw_save(mapping, key)
    return mapping


def _look(upload: Upload, mapping: Mapping | None) -> Look:
    """Return a look at the file, kept until the file or the mapping changes."""
    token = (upload.name, hash(upload.content), mapping.model_dump_json() if mapping else "")
    looks: dict[Any, Look] = st.session_state.setdefault(_LOOK, {})
    if token not in looks:
        while len(looks) > 1:
            looks.pop(next(iter(looks)))
        looks[token] = look_at_upload(upload, mapping)
    return looks[token]


def _draw_form(look: Look, key: str) -> Mapping:
    names = words("mapping_field")
    chosen: dict[str, Any] = {}
    # A row at a time: on a phone the fields are then in the order of the form.
    rows = [st.columns(_NUM_COLUMNS) for _ in _FIELDS[::_NUM_COLUMNS]]
    columns = [column for row in rows for column in row]
    paths = [None, *look.fields]
    for place, field in enumerate(_FIELDS):
        given = getattr(look.mapping, field)
        offered = paths if given in paths else [*paths, given]
        chosen[field] = columns[place].selectbox(
            names[field],
            offered,
            index=offered.index(given),
            format_func=_path_words,
            key=f"{key}_{field}",
        )
    chosen["options"] = _draw_options(look, key)
    labels = st.text_input(
        say("mapping.labels"),
        value=", ".join(look.mapping.labels) if isinstance(look.mapping.labels, tuple) else "",
        help=say("mapping.labels_help"),
        key=f"{key}_labels",
    )
    letters = st.text_input(
        say("mapping.letters"),
        value=", ".join(f"{name}={label}" for name, label in look.mapping.letters.items()),
        help=say("mapping.letters_help"),
        key=f"{key}_letters",
    )
    if _parts(labels):
        chosen["labels"] = tuple(_parts(labels))
    pairs = [part.split("=", 1) for part in _parts(letters) if "=" in part]
    chosen["letters"] = {name.strip(): label.strip() for name, label in pairs}
    return look.mapping.model_copy(update=chosen)


def _path_words(path: str | tuple[str, ...] | None) -> str:
    """Return one path, or the columns of which each is about one label."""
    if path is None:
        return say("mapping.nowhere")
    return reveal(path if isinstance(path, str) else ", ".join(path))


def _draw_options(look: Look, key: str) -> str | tuple[str, ...] | None:
    given = look.mapping.options
    listed: Sequence[str] = [given] if isinstance(given, str) else given or ()
    chosen = st.multiselect(
        say("mapping.options"),
        [*look.fields, *(path for path in listed if path not in look.fields)],
        default=list(listed),
        format_func=reveal,
        help=say("mapping.options_help"),
        key=f"{key}_options",
    )
    return chosen[0] if len(chosen) == 1 else tuple(chosen) or None


def _draw_items(look: Look, key: str) -> None:
    st.markdown(f"**{say('mapping.preview')}**")
    if not look.mapping.question:
        safe_text.draw_notice(say("mapping.no_items"))
    elif look.faults:
        safe_text.draw_notice(look.faults, kind="warning")
    for number, item in enumerate(look.items):
        with st.container(border=True):
            safe_text.draw_text(_item_text(item), f"{key}_item_{number}")


def _item_text(item: Item) -> str:
    lines = [
        *(f"{part.heading} {part.text}".strip() for part in item.context),
        item.question,
        *(f"{option.label}. {option.text}" for option in item.options),
        say(
            "mapping.item_facts",
            id=item.item_id,
            labels=", ".join(item.labels),
            gold=labels_text(item.gold_label, say("mapping.no_gold")),
            split=item.split,
        ),
    ]
    return "\n".join(lines)


def _draw_save(mapping: Mapping, key: str) -> None:
    name_column, button_column = st.columns([3, 1], vertical_alignment="bottom")
    name = name_column.text_input(say("mapping.name"), key=f"{key}_name")
    button_column.button(
        say("mapping.save"),
        disabled=not name.strip(),
        key=f"{key}_save",
        on_click=partial(_save, name.strip(), mapping),
    )
    saved = st.session_state.pop(f"{_LOOK}_saved", "")
    if saved:
        safe_text.draw_notice(saved, kind="success")


def _save(name: str, mapping: Mapping) -> None:
    try:
        save_mapping(name, mapping)
    except ImportFileError as error:
        st.session_state[f"{_LOOK}_saved"] = str(error)
        return
    st.session_state[f"{_LOOK}_saved"] = say("mapping.was_saved", name=name)


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
