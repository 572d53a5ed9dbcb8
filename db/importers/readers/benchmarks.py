"""Benchmarks as they are released: questions by known fields, and PubMedQA's several files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from collections.abc import Mapping as MappingOf
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from db.importers.entries import Entry, Frame, Reader, Row, by_row
from db.importers.mapping import Mapping, guessed, read_entry
from db.records import FREE_TEXT_LABEL_SET

YES_NO: Final = ("yes", "no")


def mapped(mapping: Mapping, *, source: str = "", labels: tuple[str, ...] = ()) -> Reader:
    """Return the reader of rows with known fields; other fields are guessed by their names.

    Args:
        labels: Those of all its items.
    """

    def read(place: str, row: MappingOf[str, Any], frame: Frame) -> Entry:
        del frame
        given = {"labels": labels, "label_set": f"={source}"} if labels else {}
        known = {**mapping.model_dump(exclude_unset=True), **given}
        if source:
            known["source"] = f"={source}"
        return read_entry(place, row, Mapping(**known).over(guessed(row)))

    return by_row(read)


def read_question(row: Any, place: str, mapping: Mapping | None = None) -> Entry:
    """Return the entry of a benchmark's row inside another format, such as ``doc``."""
    for is_it, reader in _INSIDE:
        if isinstance(row, MappingOf) and is_it(row):
            return next(reader([(place, row)], Frame(path=_NOWHERE)))
    return read_entry(place, row, (mapping or Mapping()).over(guessed(row)))


def is_yes_no(place: str, row: MappingOf[str, Any], frame: Frame) -> Entry | None:
    """Return the entry of one BioASQ question; None where it does not ask for yes or no."""
    del frame
    if row.get("type") != "yesno":
        return None
    mapping = Mapping(
        id="id",
        question="body",
        context="snippets",
        gold="exact_answer",
        long_answer="ideal_answer",
        source="=bioasq",
        labels=YES_NO,
        label_set="=bioasq",
    )
    return read_entry(place, row, mapping)


def instruction_text(place: str, row: MappingOf[str, Any], frame: Frame) -> Entry:
    """Return the entry of a training text ``instruction: ... output: ...`` with its label."""
    del frame
    text = str(row.get("text") or "")
    parts = re.match(r"\s*instruction:\s*(.*?)\n\s*output:\s*(.*)", text, re.DOTALL | re.IGNORECASE)
    question, reason = parts.groups() if parts else (text, "")
    return Entry(
        place=place,
        question=question.strip(),
        long_answer=reason.strip(),
        gold=row["final_decision"],
    )


def read_medqa(rows: Iterable[Row], frame: Frame) -> Iterator[Entry]:
    """Yield MedQA questions as released, and what models answered to them."""
    for entry in mapped(Mapping(), source="medqa")(rows, frame):
        step = entry.metadata.get("meta_info")
        yield replace(entry, metadata={"step": step} if step else {})


def conversation(place: str, row: MappingOf[str, Any], frame: Frame) -> Entry:
    """Return the entry of a conversation with a rubric, as HealthBench has them: no labels."""
    del frame
    turns = [turn for turn in row["prompt"] if isinstance(turn, MappingOf)]
    text = "\n\n".join(
        str(turn.get("content", ""))
        if len(turns) == 1
        else f"{str(turn.get('role', '')).capitalize()}: {turn.get('content', '')}"
        for turn in turns
    )
    rubric = [part for part in row.get("rubrics") or () if isinstance(part, MappingOf)]
    return Entry(
        place=place,
        item_id=str(row.get("prompt_id") or ""),
        question=text,
        label_set=FREE_TEXT_LABEL_SET,
        source="healthbench",
        long_answer="\n".join(f"{part.get('points')}: {part.get('criterion')}" for part in rubric),
        metadata={"tags": [str(tag) for tag in row.get("example_tags") or ()]},
    )


PUBMEDQA: Final = mapped(
    Mapping(
        question="QUESTION",
        context="CONTEXTS",
        headings="LABELS",
        gold="final_decision",
        long_answer="LONG_ANSWER",
    ),
    source="pubmedqa",
    labels=("yes", "no", "maybe"),
)
PUBMEDQA_HUB: Final = mapped(
    Mapping(id="pubid", question="question", context="context", gold="final_decision"),
    source="pubmedqa",
    labels=("yes", "no", "maybe"),
)
MEDMCQA: Final = mapped(
    Mapping(
        question="question", options=("opa", "opb", "opc", "opd"), gold="cop", long_answer="exp"
    ),
    source="medmcqa",
)
MEDQA_ENDINGS: Final = mapped(
    Mapping(
        question="sent1",
        options=("ending0", "ending1", "ending2", "ending3"),
        gold="label",
        index_base=0,
    ),
    source="medqa",
)
FRENCHMEDMCQA: Final = mapped(
    Mapping(question="question", options="answers", gold="correct_answers"), source="frenchmedmcqa"
)
FRENCHMEDMCQA_HUB: Final = mapped(
    Mapping(
        question="question",
        options=("answer_a", "answer_b", "answer_c", "answer_d", "answer_e"),
        gold="correct_answers",
        index_base=0,
    ),
    source="frenchmedmcqa",
)
IGAKUQA: Final = mapped(
    Mapping(id="problem_id", question="problem_text", options="choices", gold="answer"),
    source="igakuqa",
)


def igakuqa_answer(place: str, row: MappingOf[str, Any], frame: Frame) -> Entry:
    """Return the entry of one answer as IgakuQA releases those of its baselines."""
    del frame
    entry = read_entry(place, row, Mapping(answer="explanation", label="prediction"))
    return replace(entry, item_id=f"igakuqa-{row['problem_id']}", source="igakuqa", metadata={})


MMLU: Final = mapped(
    Mapping(question="question", options="choices", gold="answer", index_base=0), source="mmlu"
)

_NOWHERE: Final = Path()
_INSIDE: Final[tuple[tuple[Callable[[MappingOf[str, Any]], bool], Reader], ...]] = (
    (lambda row: {"QUESTION", "CONTEXTS"} <= row.keys(), PUBMEDQA),
    (lambda row: {"pubid", "final_decision"} <= row.keys(), PUBMEDQA_HUB),
    (lambda row: {"opa", "cop"} <= row.keys(), MEDMCQA),
    (lambda row: {"sent1", "ending0"} <= row.keys(), MEDQA_ENDINGS),
    (lambda row: {"question", "choices", "answer"} <= row.keys(), MMLU),
)
