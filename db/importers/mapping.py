"""Which field of a file is what: guessed, given on the command line or made under Settings."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from db.atomic_files import replaced_file
from db.conversions import faults_of
from db.errors import ImportFileError
from db.importers.entries import Answer, Entry, Opinion
from db.importers.guessing import TRUE, flag_columns_of, guess_mapping, names_of_flags
from db.importers.paths import (
    count_of,
    nested,
    number_of,
    option_columns,
    raw_text,
    read_context,
    read_options,
    right_options,
    text_of,
    value_at,
)
from db.paths import mappings_dir

Path_ = str | None
_MAX_METADATA: Final = 2_000
"""Characters of a field that is stored with its item though it has no meaning of its own."""
_MAX_NAMED: Final = 10
"""Fields of a file that are named for one of ours."""

_REPEATED: Final = frozenset(
    {
        *("answer", "is_correct", "final_decision"),
        *("nbr_correct_answers", "number_correct_answers"),
    }
)
"""Fields that say again what others do, and would show the right answer."""
_TELLING: Final = re.compile(r"correct|answer|solution|gold|truth", re.IGNORECASE)
"""In the name of a field without a meaning: it may show the right answer to a blind reviewer."""


class Mapping(BaseModel):
    """The path of each field, such as ``doc.question``; ``=text`` is the text itself.

    ``letters`` says which label a letter or number of the file stands for, ``index_base`` the
    number of the first option where gold is one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Path_ = None
    question: Path_ = None
    context: Path_ = None
    headings: Path_ = None
    options: str | tuple[str, ...] | None = None
    gold: str | tuple[str, ...] | None = None
    """A path, or the columns that say for one label each whether it is right."""
    long_answer: Path_ = None
    source: Path_ = None
    split: Path_ = None
    label_set: Path_ = None
    labels: str | tuple[str, ...] | None = None
    """A path, or the labels themselves in their order."""
    metadata: Path_ = None
    answer: Path_ = None
    label: Path_ = None
    probabilities: Path_ = None
    model: Path_ = None
    prompt_tokens: Path_ = None
    answer_tokens: Path_ = None
    latency: Path_ = None
    annotator: Path_ = None
    index_base: Literal[0, 1] | None = None
    letters: dict[str, str] = Field(default_factory=dict)

    def over(self, other: Mapping) -> Mapping:
        """Return the mapping with what it lacks from another."""
        return other.model_copy(
            update={name: getattr(self, name) for name in self.model_fields_set}
        )

    def in_words(self) -> str:
        """Return which field of the file each of ours is read from, as ``gold from 'Answer'``."""
        texts = []
        for name in FIELDS:
            value = getattr(self, name)
            paths = [value] if isinstance(value, str) else list(value or ())
            if shown := [repr(path) for path in paths if not path.startswith("=")][:_MAX_NAMED]:
                texts.append(f"{name} from {', '.join(shown)}")
        return "; ".join(texts)

    @property
    def paths(self) -> set[str]:
        """Return the first parts of all paths, the fields of a row that are read."""
        texts = [
            part
            for name in FIELDS
            for value in [getattr(self, name)]
            for part in ([value] if isinstance(value, str) else value or ())
        ]
        return {text for text in texts if text} | {re.split(r"[.\[]", text)[0] for text in texts}


FIELDS: Final = tuple(
    name for name in Mapping.model_fields if name not in ("index_base", "letters")
)
"""What a mapping has a path for."""


def guessed(columns: Any) -> Mapping:
    """Return the mapping that the names of the columns suggest."""
    return Mapping(**guess_mapping(list(columns)))


def guessed_inside(rows: Sequence[MappingOf[Any, Any]]) -> Mapping:
    """Return what the names inside the one field that holds the questions suggest.

    Nothing where the rows name a question themselves, or no single field of them does.
    """
    row = rows[0] if rows else {}
    inner = {
        name: {key: f"{name}.{key}" for key in value}
        for name, value in row.items()
        if isinstance(value, MappingOf) and guessed(value).question
    }
    if guessed(row).question or len(inner) != 1:
        return Mapping()
    ((_, paths),) = inner.items()
    found = guess_mapping(list(paths))
    return Mapping(**{name: _path_inside(value, paths) for name, value in found.items()})


def _path_inside(value: Any, paths: MappingOf[str, str]) -> Any:
    return paths.get(value, value) if isinstance(value, str) else tuple(paths[one] for one in value)


def suggested(rows: Sequence[MappingOf[Any, Any]]) -> Mapping:
    """Return the mapping that the names of the columns and what is in them suggest."""
    found = guessed(dict.fromkeys(column for row in rows for column in row))
    found = guessed_inside(rows).over(found)
    return found.model_copy(update=gold_of_values(rows, found))


def gold_of_values(rows: Sequence[MappingOf[Any, Any]], mapping: Mapping) -> dict[str, Any]:
    """Return what fields the values of rows show to be the right labels, where no name does."""
    if mapping.gold is not None or mapping.question is None:
        return {}
    if isinstance(mapping.labels, str):
        # Labels that differ from row to row are not those that all may have.
        lists = {text_of(row.get(mapping.labels)) for row in rows}
        return {"gold": mapping.labels, "labels": None} if len(lists) > 1 else {}
    flags = flag_columns_of(rows, mapping.paths)
    return {"gold": flags} if flags else {}


def read_entry(place: str, row: Any, mapping: Mapping) -> Entry:
    """Return the entry of a row."""
    question = raw_text(value_at(row, mapping.question)) if mapping.question else ""
    options = _options(row, mapping)
    written = value_at(row, mapping.options) if isinstance(mapping.options, str) else None
    is_unread = isinstance(written, str) and written.strip() and not options
    labels = _labels(row, mapping)
    given = _answers(row, mapping)
    gold = _gold(row, mapping)
    if gold is None and options and written is not None:
        gold = right_options(written) or None
    if isinstance(mapping.gold, tuple) and not options:
        labels = labels or names_of_flags(mapping.gold)
    opinions: tuple[Opinion, ...] = ()
    if mapping.annotator and text_of(value_at(row, mapping.annotator)) and gold is not None:
        said = tuple(gold) if isinstance(gold, list | tuple) else (gold,)
        opinions = (Opinion(annotator=text_of(value_at(row, mapping.annotator)), labels=said),)
        gold = None
    return Entry(
        place=place,
        fault="its options cannot be read: list them, one a line" if is_unread else "",
        item_id=_text(row, mapping.id),
        has_own_id=mapping.id == "item_id" and not _text(row, mapping.id).isdigit(),
        question=question,
        context=read_context(value_at(row, mapping.context), value_at(row, mapping.headings or ""))
        if mapping.context
        else (),
        options=options,
        labels=labels,
        label_set=_text(row, mapping.label_set),
        gold=_lettered(gold, mapping),
        gold_text=_text(row, "answer") if mapping.gold == "answer_idx" else "",
        index_base=mapping.index_base,
        long_answer=raw_text(value_at(row, mapping.long_answer)) if mapping.long_answer else "",
        source=_text(row, mapping.source),
        split=_text(row, mapping.split),
        metadata={} if given else _metadata(row, mapping),
        answers=given,
        opinions=opinions,
    )


def save_mapping(name: str, mapping: Mapping) -> Path:
    """Save a mapping by name in the home.

    Raises:
        ImportFileError: The name cannot be that of a file.
    """
    path = _mapping_path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    fields = mapping.model_dump(exclude_unset=True)
    with replaced_file(path) as partial:
        partial.write_text(json.dumps(fields, ensure_ascii=False, indent=1) + "\n", "utf-8")
    return path


def list_mappings() -> list[str]:
    """Return the names of the saved mappings."""
    return sorted(path.stem for path in mappings_dir().glob("*.json"))


def load_mapping(name: str) -> Mapping:
    """Return a saved mapping.

    Raises:
        ImportFileError: There is none of this name, or it is damaged.
    """
    path = _mapping_path(name)
    try:
        return Mapping.model_validate_json(path.read_bytes())
    except OSError as error:
        known = ", ".join(list_mappings()) or "none yet"
        raise ImportFileError(
            f"There is no mapping {name!r}; saved are: {known}. Save one under Settings or with "
            "--save-map, or give the fields one by one: --map question=COLUMN."
        ) from error
    except ValidationError as error:
        raise ImportFileError(
            f"The mapping {path.name} cannot be read: {faults_of(error)[0]}. Correct the file, or "
            "save the mapping again."
        ) from error


def mapping_of(words: tuple[str, ...]) -> Mapping:
    """Return the mapping that words of the command line give: names, or ``field=path``.

    Raises:
        ImportFileError: A word names no field and no saved mapping.
    """
    mapping = Mapping()
    for word in words:
        field, is_pair, path = word.partition("=")
        if not is_pair:
            mapping = load_mapping(word).over(mapping)
            continue
        mapping = _with_field(mapping, field.strip(), path.strip())
    return mapping


def _with_field(mapping: Mapping, field: str, path: str) -> Mapping:
    value: Any = path
    if field in ("options", "labels", "gold") and "," in path:
        value = tuple(part.strip() for part in path.split(","))
    if field.startswith("letters."):
        field, value = "letters", {**mapping.letters, field.removeprefix("letters."): path}
    try:
        return Mapping.model_validate({**mapping.model_dump(exclude_unset=True), field: value})
    except ValidationError as error:
        raise ImportFileError(
            f"--map {field}={path} was refused: {error.errors(include_url=False)[0]['msg']}. "
            f"A field is one of {', '.join(FIELDS)}, index_base (0 or 1), letters.X."
        ) from error


def _mapping_path(name: str) -> Path:
    if not re.fullmatch(r"\w[\w .-]{0,79}", name):
        raise ImportFileError(
            f"A mapping cannot be named {name!r}: use 1 to 80 letters, digits, blanks, '-' and '.'."
        )
    return mappings_dir() / f"{name}.json"


def _text(row: Any, path: str | None) -> str:
    return text_of(value_at(row, path)) if path else ""


def _gold(row: Any, mapping: Mapping) -> Any:
    if not isinstance(mapping.gold, tuple):
        return nested(value_at(row, mapping.gold)) if mapping.gold else None
    names = zip(mapping.gold, names_of_flags(mapping.gold), strict=True)
    return [name for path, name in names if text_of(value_at(row, path)).casefold() in TRUE]


def _options(row: Any, mapping: Mapping) -> Any:
    if not mapping.options:
        return ()
    if isinstance(mapping.options, str):
        return read_options(value_at(row, mapping.options), is_split=mapping.gold is not None)
    options = option_columns(row, mapping.options)
    if mapping.gold not in mapping.options:
        return options
    # The right answer has a column of its own, the first: in that order it would always be A.
    texts = sorted((option.text for option in options), key=str.casefold)
    return read_options(texts)


def _labels(row: Any, mapping: Mapping) -> tuple[str, ...]:
    if isinstance(mapping.labels, tuple):
        return mapping.labels
    value = nested(value_at(row, mapping.labels)) if mapping.labels else None
    return tuple(text_of(part) for part in value) if isinstance(value, list | tuple) else ()


def _answers(row: Any, mapping: Mapping) -> tuple[Answer, ...]:
    value = value_at(row, mapping.answer) if mapping.answer else None
    value = None if isinstance(value, MappingOf) else value
    label = _lettered(nested(value_at(row, mapping.label)) if mapping.label else None, mapping)
    probabilities = nested(value_at(row, mapping.probabilities)) if mapping.probabilities else None
    if value in (None, "") and label is None and probabilities is None:
        return ()
    latency = number_of(value_at(row, mapping.latency)) if mapping.latency else None
    return (
        Answer(
            model=_text(row, mapping.model),
            text=None if value is None or value == "" else raw_text(value),
            label=label,
            probabilities=_probabilities(probabilities),
            prompt_tokens=count_of(value_at(row, mapping.prompt_tokens or "")),
            answer_tokens=count_of(value_at(row, mapping.answer_tokens or "")),
            latency_seconds=latency if latency is not None and latency >= 0 else None,
        ),
    )


def _probabilities(value: Any) -> Any:
    if isinstance(value, MappingOf):
        return {str(label): number_of(part) or 0.0 for label, part in value.items()}
    if isinstance(value, list | tuple):
        return tuple(number_of(part) or 0.0 for part in value)
    return None


def _lettered(value: Any, mapping: Mapping) -> Any:
    return mapping.letters.get(text_of(value), value) if mapping.letters else value


def _metadata(row: Any, mapping: Mapping) -> dict[str, Any]:
    if not isinstance(row, MappingOf):
        return {}
    given = nested(value_at(row, mapping.metadata)) if mapping.metadata else None
    if isinstance(given, MappingOf):
        return dict(given)
    read = mapping.paths
    return {
        str(name): value
        for name, value in row.items()
        if name not in read
        and name not in _REPEATED
        and not _TELLING.search(str(name))
        and isinstance(value, str | int | float | bool)
        and 0 < len(text_of(value)) <= _MAX_METADATA
    }
