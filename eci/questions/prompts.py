"""Zero-, one- and few-shot prompts from versioned templates, as chat messages.

The instruction comes first, then the exemplars, each as a question that was asked and answered; the
item comes last. All items of a run that share their exemplars therefore share a prefix, which is
prefilled only once.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from string import Template
from typing import Final, TypedDict

from eci.errors import PromptError
from eci.pooling import REGIONS, Region
from eci.questions.labels import LabelSet

DEFAULT_TEMPLATE: Final = "three_step_v2"


# Unicode's noncharacters: no text means anything by them, so they can carry ours.
_MARKS: Final = {
    region: (chr(0xFDD0 + 2 * i), chr(0xFDD1 + 2 * i)) for i, region in enumerate(REGIONS)
}
_BY_MARK: Final = {
    mark: (region, is_end) for region, pair in _MARKS.items() for is_end, mark in enumerate(pair)
}
_MARK_PATTERN: Final = re.compile(f"([{''.join(_BY_MARK)}])")
_FORGET_MARKS: Final = {ord(mark): None for pair in _MARKS.values() for mark in pair}


class Message(TypedDict):
    """One turn of a chat."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: the question, its context and the labels allowed as an answer.

    Attributes:
        question: The question itself.
        context: ``(heading, text)`` pairs; the heading may be empty.
        label_set: The allowed labels.
        question_id: Named in error messages; otherwise unused.
    """

    question: str
    context: tuple[tuple[str, str], ...]
    label_set: LabelSet
    question_id: str = ""

    @property
    def num_context_words(self) -> int:
        """Return the number of words in all sections of the context, without headings."""
        return sum(len(text.split()) for _, text in self.context)

    def with_context_words(self, limit: int) -> Question:
        """Cut the context to about ``limit`` words.

        The last section, where papers report what they found and which the head reads, is kept as
        long as it can be: the sections before it are cut first, in proportion.
        """
        sizes = [len(text.split()) for _, text in self.context]
        total = sum(sizes)
        if total <= limit:
            return self
        last = min(sizes[-1], limit)
        before = max(total - sizes[-1], 1)
        kept = [*(size * (limit - last) // before for size in sizes[:-1]), last]
        cut = []
        for (heading, text), size, keep in zip(self.context, sizes, kept, strict=True):
            if keep == size:
                cut.append((heading, text))
            elif keep:
                cut.append((heading, " ".join(text.split()[:keep]) + " […]"))
        return replace(self, context=tuple(cut))


@dataclass(frozen=True, slots=True)
class Exemplar:
    """A question with its gold label and the reason for it, fit to be shown in a prompt."""

    question: Question
    label: str
    rationale: str = ""


@dataclass(frozen=True, slots=True)
class PromptTemplate:
    """The wording of a prompt; load it by name with :func:`load_template`.

    Attributes:
        name: File name without its ending, such as ``three_step_v2``.
        digest: SHA-256 of the file. Heads, caches and thresholds hold for one digest only.
        sections: How many sections of the context it shows, the last ones; 0: all.
    """

    name: str
    digest: str
    system_fixed: str
    system_options: str
    with_context: str
    without_context: str
    options: str
    sections: int = 0

    def shown(self, question: Question) -> Question:
        """Return the question with the sections of its context that the template shows."""
        return replace(question, context=question.context[-self.sections :])

    def messages(self, question: Question, exemplars: Sequence[Exemplar] = ()) -> list[Message]:
        """Write the chat that asks ``question`` after showing ``exemplars``, oldest turn first."""
        *turns, last = self.marked_messages(question, exemplars)
        return [*turns, {**last, "content": unmarked(last["content"])[0]}]

    def marked_messages(
        self, question: Question, exemplars: Sequence[Exemplar] = ()
    ) -> list[Message]:
        """Write the same chat with the regions of its last turn marked, for :func:`unmarked`."""
        turns: list[Message] = [{"role": "system", "content": self.system(question.label_set)}]
        for exemplar in exemplars:
            turns.append({"role": "user", "content": self.user_turn(exemplar.question)})
            answer = self.completion(
                exemplar.question.label_set, exemplar.label, exemplar.rationale
            )
            turns.append({"role": "assistant", "content": answer})
        turns.append({"role": "user", "content": self._marked_turn(question)})
        return turns

    def system(self, labels: LabelSet) -> str:
        """Write what is asked of the model, the same for all questions of a label set."""
        own = {"system_options": self.system_options, "system_fixed": self.system_fixed}
        wording = _several_wording() if labels.is_several else own
        if labels.is_options:
            return wording["system_options"].strip()
        defined = "; ".join(
            f"{label.name} means that {label.definition}" for label in labels if label.definition
        )
        return (
            Template(wording["system_fixed"])
            .substitute(
                labels=", ".join(label_line(labels, name) for name in labels.names),
                definitions=defined or "choose what it supports",
            )
            .strip()
        )

    def user_turn(self, question: Question) -> str:
        """Write one question with its context and options."""
        return unmarked(self._marked_turn(question))[0]

    def _marked_turn(self, question: Question) -> str:
        sections = [
            f"{_unmarkable(heading)}: {_unmarkable(text)}" if heading else _unmarkable(text)
            for heading, text in self.shown(question).context
        ]
        asked = _mark("question", _unmarkable(question.question))
        if sections:
            sections[-1] = _mark("evidence", sections[-1])
        context = "\n".join(sections)
        wording = self.with_context if context else self.without_context
        parts = [Template(wording).substitute(context=context, question=asked)]
        labels = question.label_set
        if labels.is_options:
            listed = "\n".join(_unmarkable(option_line(labels, name)) for name in labels.names)
            parts.append(Template(self.options).substitute(options=listed))
        return _mark("item", "\n\n".join(part.strip() for part in parts))

    def completion(self, labels: LabelSet, label: str, rationale: str = "") -> str:
        """Write the answer a model should learn: the bare category, then on a new line the reason.

        Raises:
            UnknownLabelError: ``label`` is not one of ``labels``.
        """
        places = labels.indices(label)
        if labels.is_several:
            names = [labels.names[place] for place in places]
            first = ", ".join(label_line(labels, name) for name in names)
            return f"{first}\n{rationale.strip()}" if rationale.strip() else first
        write = option_line if labels.is_options else label_line
        first = write(labels, label)
        return f"{first}\n{rationale.strip()}" if rationale.strip() else first


def label_line(labels: LabelSet, name: str) -> str:
    """Write one label as it appears in prompt and answer: ``2. soon`` where it has a code."""
    code = labels.labels[labels.index(name)].code
    return f"{code}. {name}" if code else name


def option_line(labels: LabelSet, name: str) -> str:
    """Write one option as it appears in prompt and answer, such as ``B. Heparin``."""
    text = labels.labels[labels.index(name)].text.strip()
    return f"{name}. {text}" if text else name


def unmarked(text: str) -> tuple[str, dict[Region, tuple[int, int]]]:
    """Remove the marks of regions from a text.

    Returns:
        The text without marks, and the bounds in it of each region that was marked.
    """
    plain: list[str] = []
    bounds: dict[Region, tuple[int, int]] = {}
    position, starts = 0, dict.fromkeys(REGIONS, 0)
    for piece in _MARK_PATTERN.split(text):
        region, is_end = _BY_MARK.get(piece, (None, False))
        if region is None:
            plain.append(piece)
            position += len(piece)
        elif is_end:
            bounds[region] = (starts[region], position)
        else:
            starts[region] = position
    return "".join(plain), bounds


def _mark(region: Region, text: str) -> str:
    start, end = _MARKS[region]
    return f"{start}{text}{end}"


def _unmarkable(text: str) -> str:
    return text.translate(_FORGET_MARKS)


@cache
def _several_wording() -> dict[str, str]:
    return tomllib.loads((files("eci.questions") / "several.toml").read_text("utf-8"))


def list_templates() -> list[str]:
    """Return the names of the templates that ship with the package."""
    folder = files("eci.questions") / "templates"
    names = (file.name for file in folder.iterdir())
    return sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml"))


@cache
def load_template(name: str = DEFAULT_TEMPLATE) -> PromptTemplate:
    """Load a template that ships with the package.

    Raises:
        PromptError: There is no such template.
    """
    known = list_templates()
    if name not in known:
        raise PromptError(f"Prompt template {name!r} does not exist. Known: {', '.join(known)}.")
    raw = (files("eci.questions") / "templates" / f"{name}.toml").read_bytes()
    fields = tomllib.loads(raw.decode())
    return PromptTemplate(name=name, digest=hashlib.sha256(raw).hexdigest(), **fields)
