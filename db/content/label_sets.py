"""Label sets of one's own: from a file or from data, in versions of which the latest counts."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Final

from duckdb import DuckDBPyConnection
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from db.content.items import MAX_LABELS
from db.conversions import faults_of, parse_json, require_text
from db.errors import InvalidLabelSetError
from db.people.permissions import require
from db.records import (
    FREE_TEXT_LABEL_SET,
    LABEL_END,
    OPTION_LABEL_SETS,
    SEVERAL_OPTIONS_LABEL_SET,
    LabelKind,
    LabelSet,
    SetLabel,
)
from db.statements import append_row, fetch_value, load_sql

_RESERVED: Final = (*OPTION_LABEL_SETS, FREE_TEXT_LABEL_SET, "all")
"""Names with a meaning of their own: the options of an item, and guidelines for every set."""
_MAX_FILE_BYTES: Final = 1024 * 1024

_Texts = Annotated[tuple[str, ...], Field(max_length=50)]


class _Label(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    short_name: str = ""
    key: str = ""
    definition: str = ""
    synonyms: _Texts = ()
    codes: _Texts = ()


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    kind: LabelKind = "single"
    labels: tuple[_Label | str, ...]


def read_label_set(path: Path) -> LabelSet:
    """Read a label set from a file: TOML where its name ends in ``.toml``, else JSON.

    Raises:
        InvalidLabelSetError: The file cannot be read, or the set contradicts itself.
    """
    try:
        if path.stat().st_size > _MAX_FILE_BYTES:
            raise ValueError(f"it is larger than {_MAX_FILE_BYTES:,} bytes")
        text = path.read_text(encoding="utf-8-sig")
        content = tomllib.loads(text) if path.suffix.lower() == ".toml" else parse_json(text)
        found = _File.model_validate(content)
    except ValidationError as error:
        faults = "; ".join(faults_of(error))
        raise InvalidLabelSetError(
            f"{path.name} is no label set: {faults}. See docs/formats.md for an example."
        ) from error
    except (OSError, ValueError) as error:
        raise InvalidLabelSetError(f"{path.name} cannot be read: {error}.") from error
    labels = tuple(
        SetLabel(label) if isinstance(label, str) else SetLabel(**label.model_dump())
        for label in found.labels
    )
    return check_label_set(LabelSet(found.name, labels, found.kind))


def add_label_set(
    cur: DuckDBPyConnection, label_set: LabelSet, *, reviewer_id: str, reason: str = ""
) -> LabelSet:
    """Store a label set, or the next version of one; labels may not change once items have them.

    The same content adds nothing. The caller owns the transaction.

    Raises:
        InvalidLabelSetError: It contradicts itself, or the stored one has other labels.
        NotPermittedError: The role of the person is not open to it.
    """
    require(cur, reviewer_id, "edit_items")
    return _add(cur, label_set, reviewer_id=reviewer_id, reason=reason)


def ensure_label_set(cur: DuckDBPyConnection, label_set: LabelSet) -> LabelSet:
    """Return the stored label set of a name, which an import brings, or store it.

    What people have written about the labels stays.

    Raises:
        InvalidLabelSetError: It contradicts itself, or the stored one has other labels.
    """
    stored = find_label_set(cur, label_set.name)
    if stored is not None and stored.names == label_set.names:
        return stored
    return _add(cur, label_set, reviewer_id=None, reason="")


def find_label_set(cur: DuckDBPyConnection, name: str) -> LabelSet | None:
    """Return the latest version of a label set, or None."""
    return next(iter(_list(cur, name)), None)


def kind_of(cur: DuckDBPyConnection, name: str) -> LabelKind:
    """Return the kind of a label set, stored or known by its items alone."""
    if name in OPTION_LABEL_SETS:
        return "several" if name == SEVERAL_OPTIONS_LABEL_SET else "single"
    stored = find_label_set(cur, name)
    if stored is not None:
        return stored.kind
    num_other = fetch_value(cur, int, "label_set_count_other_kind", name=name, is_several=False)
    return "several" if num_other else "single"


def known_label_sets(cur: DuckDBPyConnection) -> dict[str, LabelSet]:
    """Return every label set by name: those of items alone too, as their items have them."""
    rows = cur.execute(load_sql("item_list_label_sets")).fetchall()
    of_items = {
        name: LabelSet(name, tuple(map(SetLabel, labels)), "several" if is_several else "single")
        for name, labels, is_several in sorted(rows)
    }
    return {**of_items, **{stored.name: stored for stored in list_label_sets(cur)}}


def require_kind(cur: DuckDBPyConnection, label_set: LabelSet) -> None:
    """Refuse a kind that the items of a label set do not have.

    Raises:
        InvalidLabelSetError: They have several right labels and the set one, or the other way.
    """
    is_several = label_set.kind == "several"
    asked = {"name": label_set.name, "is_several": is_several}
    num_other = fetch_value(cur, int, "label_set_count_other_kind", **asked)
    if num_other:
        raise InvalidLabelSetError(
            f"Label set {label_set.name!r} was not stored: it is to have "
            f"{'several right labels' if is_several else 'one right label'} an item, and "
            f"{num_other} items are stored otherwise. Use another name, and import the items "
            "with it."
        )


def list_label_sets(cur: DuckDBPyConnection) -> list[LabelSet]:
    """Return the latest version of every stored label set, by name."""
    return _list(cur, None)


def _list(cur: DuckDBPyConnection, name: str | None) -> list[LabelSet]:
    rows = cur.execute(load_sql("label_set_list"), {"name": name}).fetchall()
    return [
        LabelSet(found, tuple(map(set_label, labels)), kind, version)
        for found, version, kind, labels in rows
    ]


def set_label(stored: Mapping[str, Any]) -> SetLabel:
    """Return a label as it is stored."""
    lists = {name: tuple(stored[name]) for name in ("synonyms", "codes")}
    return SetLabel(**{**stored, **lists})


def insert_label_set(
    cur: DuckDBPyConnection,
    label_set: LabelSet,
    stored: LabelSet | None,
    *,
    moves: Mapping[str, str | None] = MappingProxyType({}),
    reviewer_id: str | None,
    reason: str,
) -> LabelSet:
    """Append the version after ``stored``, for the functions here that have checked it.

    Answers to its items are read again, by the words of now.
    """
    require_text(reason, "reason")
    made = replace(label_set, version=1 if stored is None else stored.version + 1)
    append_row(
        cur,
        "label_set_insert",
        name=made.name,
        version=made.version,
        kind=made.kind,
        labels=[
            {**asdict(label), "synonyms": [*label.synonyms], "codes": [*label.codes]}
            for label in made.labels
        ],
        moves=[{"label": label, "moved_to": target} for label, target in moves.items()],
        reason=reason,
        reviewer_id=reviewer_id,
    )
    cur.execute(load_sql("reading_clear"), {"label_set": made.name})
    return made


def _add(
    cur: DuckDBPyConnection, label_set: LabelSet, *, reviewer_id: str | None, reason: str
) -> LabelSet:
    check_label_set(label_set)
    require_kind(cur, label_set)
    stored = find_label_set(cur, label_set.name)
    if stored is not None and stored.names != label_set.names:
        raise InvalidLabelSetError(
            f"Label set {label_set.name!r} is stored with the labels {', '.join(stored.names)}; "
            f"given were {', '.join(label_set.names)}. Use these labels in this order, another "
            "name, or `python -m db labels change`."
        )
    if stored is not None and replace(label_set, version=stored.version) == stored:
        return stored
    return insert_label_set(cur, label_set, stored, reviewer_id=reviewer_id, reason=reason)


def check_label_set(label_set: LabelSet) -> LabelSet:
    """Return a label set that does not contradict itself.

    Raises:
        InvalidLabelSetError: It does; the message names every fault.
    """
    faults = _describe_faults(label_set)
    if faults:
        raise InvalidLabelSetError(
            f"Label set {label_set.name!r} cannot be used: {'; '.join(faults)}."
        )
    return label_set


def _describe_faults(label_set: LabelSet) -> list[str]:
    faults = []
    for text in (label_set.name, *_texts(label_set)):
        require_text(text, "label set", InvalidLabelSetError)
    if not label_set.name.strip() or label_set.name in _RESERVED:
        faults.append(f"its name is empty or one of {', '.join(_RESERVED)}, give it another")
    if not 2 <= len(label_set.labels) <= MAX_LABELS:
        faults.append(f"it has {len(label_set.labels)} labels, expected 2 to {MAX_LABELS}")
    if any(LABEL_END in name for name in label_set.names):
        faults.append("a label holds the character U+001F, which ends the labels of a set")
    if any(not name.strip() for name in label_set.names):
        faults.append("the name of a label is empty")
    # A word that names two labels would make the label of an answer a guess.
    owners: dict[str, set[str]] = {}
    for label, others in label_set.aliases.items():
        for word in (label, *others):
            owners.setdefault(word.strip().casefold(), set()).add(label)
    shared = [repr(word) for word, labels in owners.items() if len(labels) > 1]
    names = Counter(name.strip().casefold() for name in label_set.names)
    shared += [repr(name) for name, count in names.items() if count > 1]
    if shared:
        faults.append(f"{', '.join(dict.fromkeys(shared))} represents more than one label")
    keys = Counter(label.key for label in label_set.labels if label.key)
    faults += [f"the key {key!r} picks {count} labels" for key, count in keys.items() if count > 1]
    faults += [
        f"the key {key!r} is not one letter or digit"
        for key in keys
        if len(key) != 1 or not key.isalnum()
    ]
    return faults


def _texts(label_set: LabelSet) -> Iterable[str]:
    for label in label_set.labels:
        yield from (label.name, label.short_name, label.key, label.definition)
        yield from (*label.synonyms, *label.codes)
