"""From questions to token ids: the prompt, the options' branches, the answer to learn.

Works on the tokenizer alone; nothing here imports torch.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from jinja2 import TemplateError

from eci.errors import PromptError
from eci.pooling import REGIONS
from eci.questions.labels import PUBMEDQA, LabelSet
from eci.questions.prompts import (
    DEFAULT_TEMPLATE,
    Exemplar,
    Message,
    PromptTemplate,
    Question,
    load_template,
    option_line,
    unmarked,
)

# For base models without a chat template of their own, such as Llama-2-13b-hf.
PLAIN_CHAT_TEMPLATE: Final = (
    "{{ bos_token }}{% for m in messages %}### {{ m['role'] | capitalize }}\n{{ m['content'] }}\n\n"
    "{% endfor %}{% if add_generation_prompt %}### Assistant\n{% endif %}"
)

# Templates ask under one of these names whether to think, and ignore what they do not name.
_THINKING: Final = ("enable_thinking", "thinking")
_OPENS, _CLOSES = "<think>", "</think>"

_FIXED: Final = Question(
    "Does 0.5 µg/mL of naïve β-blocker help?", (("RESULTS", "P ≥ .05 (n=12)."),), PUBMEDQA
)
_CHOICE: Final = Question("Which first?", (), LabelSet.from_options({"A": "Aspirin", "B": "Rest"}))
_PROBES: Final = ((_FIXED, (Exemplar(_FIXED, "no", "It did not."),)), (_CHOICE, ()))
"""What shows a change in how prompts are written; none of it is short of unusual characters."""


@dataclass(frozen=True, slots=True)
class PromptSettings:
    """How a model is asked.

    Attributes:
        template: Name of the wording.
        max_prompt_tokens: Longest prompt.
        thinking_tokens: Longest thinking before the answer, 0 for none.
    """

    template: str = DEFAULT_TEMPLATE
    max_prompt_tokens: int = 1024
    thinking_tokens: int = 0

    def encoder(self, tokenizer: Any) -> PromptEncoder:
        """Return what writes such prompts with a tokenizer.

        Raises:
            PromptError: There is no such template, or the model cannot think.
        """
        thinks = self.thinking_tokens > 0
        template = load_template(self.template)
        return PromptEncoder(tokenizer, template, self.max_prompt_tokens, thinks=thinks)


@dataclass(frozen=True, slots=True)
class EncodedPrompt:
    """A prompt as token ids.

    Attributes:
        input_ids: Ends where the answer begins.
        regions: Bounds of each of ``eci.pooling.REGIONS`` in ``input_ids``, none of them empty.
            What precedes the item comes from system turn and exemplars alone.
        is_shortened: Context was cut to fit.
    """

    input_ids: tuple[int, ...]
    regions: tuple[tuple[int, int], ...]
    is_shortened: bool = False


class PromptEncoder:
    """Turn questions into token ids with one tokenizer, template and length limit.

    Args:
        max_prompt_tokens: Longest prompt. Shots are cut and dropped first, then the item's context
            is cut; the question itself never is.
        thinks: Whether prompts end where the model begins to think; else where it answers.

    Raises:
        PromptError: The tokenizer has no end token, or the model cannot think.
    """

    def __init__(
        self,
        tokenizer: Any,
        template: PromptTemplate,
        max_prompt_tokens: int,
        *,
        thinks: bool = False,
    ) -> None:
        self.tokenizer = tokenizer
        self.thinks = thinks
        self.template = template
        self.max_prompt_tokens = max_prompt_tokens
        self.pad_id, self.eos_id = _pad_and_eos(tokenizer)
        self._chat_template = tokenizer.chat_template or PLAIN_CHAT_TEMPLATE
        self.closing_ids = self._closing_ids() if thinks else ()
        """What follows on thinking, before the answer; the first of them ends it."""
        self._takes_system = self._shows_system_turn()
        added = tokenizer.added_tokens_decoder.values()
        self._reserved = sorted({str(token) for token in added if token.special}, key=len)

    def prompt(self, question: Question, exemplars: Sequence[Exemplar] = ()) -> EncodedPrompt:
        """Encode the prompt of one question, shortened where it is too long.

        Raises:
            PromptError: It does not fit even without any context.
        """
        # A word has at least one token: what cannot fit is cut before it is tokenized at all.
        given = self.template.shown(question)
        question = given.with_context_words(self.max_prompt_tokens)
        encoded = self._render(question, exemplars)
        if len(encoded.input_ids) <= self.max_prompt_tokens:
            return replace(encoded, is_shortened=question is not given)
        for shown in _shorter_shots(exemplars):
            encoded = self._render(question, shown)
            if len(encoded.input_ids) <= self.max_prompt_tokens:
                return replace(encoded, is_shortened=True)
        return replace(self._cut_context(question), is_shortened=True)

    def _cut_context(self, question: Question) -> EncodedPrompt:
        """Cut the context to what fits, estimated by its tokens per word."""
        bare = len(self._render(question.with_context_words(0), ()).input_ids)
        if bare > self.max_prompt_tokens:
            raise PromptError(
                f"The prompt of question {question.question_id or question.question[:60]!r} has "
                f"{bare} tokens without shots and context; {self.max_prompt_tokens} are allowed. "
                "Raise max_prompt_tokens or shorten the question."
            )
        whole = len(self._render(question, ()).input_ids)
        num_fitting = question.num_context_words * (self.max_prompt_tokens - bare) // (whole - bare)
        for percent in (100, 97, 94, 90, 80, 60, 30, 0):
            encoded = self._render(question.with_context_words(num_fitting * percent // 100), ())
            if len(encoded.input_ids) <= self.max_prompt_tokens:
                return encoded
        raise AssertionError("A prompt without context fits, as was seen above.")

    def chat(self, messages: Sequence[Message]) -> list[int]:
        """Encode a conversation, up to where the model's next turn begins.

        Raises:
            PromptError: The chat template refuses it.
        """
        safe: list[Message] = [
            {"role": turn["role"], "content": self.neutralise(turn["content"])} for turn in messages
        ]
        has_system = len(safe) > 1 and safe[0]["role"] == "system"
        is_whole = self._takes_system or not has_system
        return self._ids(self._write(safe if is_whole else _without_system_turn(safe)))

    def completion(self, labels: LabelSet, label: str, rationale: str, limit: int) -> list[int]:
        """Encode the answer to learn, cut to ``limit`` tokens; it ends only where it is whole."""
        text = self.neutralise(self.template.completion(labels, label, rationale))
        ids = [*self._ids(text), self.eos_id]
        return ids if len(ids) <= limit else ids[:limit]

    def branches(self, labels: LabelSet) -> list[list[int]]:
        """Encode each option as it would begin the answer."""
        return [self._ids(self.neutralise(option_line(labels, name))) for name in labels.names]

    def verbalizers(self, labels: LabelSet) -> list[list[int]]:
        """Return, for each label, the first tokens of its spellings.

        Tokens that begin two labels are left out of both: they do not discriminate. Where a label
        has none of its own ("grade 1", "grade 2"), every label has an empty list: the next token
        says nothing about the set, and its head learns from the hidden states alone.
        """
        firsts = []
        for label in labels:
            name = label.code or label.name
            spellings = {name, name.lower(), name.capitalize()}
            spellings |= {f" {spelling}" for spelling in spellings}
            firsts.append({ids[0] for s in sorted(spellings) if (ids := self._ids(s))})
        blank = set(self._ids(" ")[:1])
        own = [
            sorted(mine - blank - set().union(*(o for j, o in enumerate(firsts) if j != i)))
            for i, mine in enumerate(firsts)
        ]
        return own if all(own) else [[] for _ in own]

    def digest(self) -> str:
        """Identify how questions become tokens: chat template, tokenizer and wording together."""
        encoded = [self._render(question, shots).input_ids for question, shots in _PROBES]
        return hashlib.sha256(json.dumps(encoded).encode()).hexdigest()

    def neutralise(self, text: str) -> str:
        """Neutralise control tokens in foreign text, so that it cannot end a turn or open one."""
        for token in self._reserved:
            if token in text:
                text = text.replace(token, f"{token[0]} {token[1:]}")
        return text

    def _render(self, question: Question, exemplars: Sequence[Exemplar]) -> EncodedPrompt:
        messages = self.template.marked_messages(question, exemplars)
        safe: list[Message] = [
            {"role": turn["role"], "content": self.neutralise(turn["content"])} for turn in messages
        ]
        text, bounds = unmarked(
            self._write(safe if self._takes_system else _without_system_turn(safe))
        )
        tokens = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        ends = [end for _, end in tokens["offset_mapping"]]
        bounds.setdefault("evidence", bounds["question"])
        regions = tuple(_token_bounds(ends, *bounds[region]) for region in REGIONS)
        return EncodedPrompt(tuple(tokens["input_ids"]), regions)

    def _write(self, messages: Sequence[Message]) -> str:
        """Write messages as the chat template does, up to where the answer begins.

        Unless it is to think, a model that thinks first is asked to answer at once, and thinking
        that its template has opened all the same is closed: labels are scored at the beginning of
        the answer.

        Raises:
            PromptError: The template refuses the messages.
        """
        written = self._apply(messages)
        is_open = written.rstrip().endswith(_OPENS)
        if self.thinks:
            return written if is_open else f"{written}{_OPENS}\n"
        return f"{written.rstrip()}\n\n{_CLOSES}\n\n" if is_open else written

    def _apply(self, messages: Sequence[Message], **options: Any) -> str:
        try:
            written: str = self.tokenizer.apply_chat_template(
                messages,
                chat_template=self._chat_template,
                tokenize=False,
                add_generation_prompt=True,
                **{**dict.fromkeys(_THINKING, self.thinks), **options},
            )
        except TemplateError as error:
            roles = ", ".join(turn["role"] for turn in messages)
            raise PromptError(
                f"The chat template of this tokenizer refuses the turns {roles}: {error}. "
                "Set another chat_template."
            ) from error
        return written

    def _closing_ids(self) -> tuple[int, ...]:
        """Return the tokens that end thinking, as the template writes them where there is none."""
        end = self.tokenizer.get_vocab().get(_CLOSES)
        if end is None or "think" not in self._chat_template:
            raise PromptError(
                f"This model cannot think: its tokenizer has no token {_CLOSES}, or its chat "
                "template does not mention thinking. Set thinking_tokens to 0."
            )
        turns: list[Message] = [{"role": "user", "content": "question"}]
        off = self._apply(turns, **dict.fromkeys(_THINKING, False))
        between = off.rpartition(_CLOSES)[2] if _CLOSES in off else "\n\n"
        return (end, *self._ids(between))

    def _shows_system_turn(self) -> bool:
        """Return whether the chat template writes a system turn; some refuse or drop it."""
        turns: list[Message] = [
            {"role": "system", "content": "rules"},
            {"role": "user", "content": "question"},
        ]
        try:
            return "rules" in self._write(turns)
        except PromptError:
            return False

    def _ids(self, text: str) -> list[int]:
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])


def _without_system_turn(messages: Sequence[Message]) -> list[Message]:
    """Return the messages with the system turn's text before that of the first user turn."""
    system, user, *rest = messages
    parts = [turn["content"] for turn in (system, user) if turn["content"]]
    return [{**user, "content": "\n\n".join(parts)}, *rest]


def _token_bounds(ends: Sequence[int], start: int, end: int) -> tuple[int, int]:
    """Find the tokens that hold characters ``[start, end)``, at least one.

    Args:
        ends: Where each token ends in the text, ascending.
    """
    first = bisect_right(ends, start)
    return first, max(first, bisect_left(ends, end)) + 1


def _shorter_shots(exemplars: Sequence[Exemplar]) -> Iterator[list[Exemplar]]:
    """Yield ever fewer words of the shots' contexts, then ever fewer shots, at last none."""
    for percent in (75, 50, 35, 20, 10, 0) if exemplars else ():
        yield [
            replace(shot, question=shot.question.with_context_words(words * percent // 100))
            for shot in exemplars
            for words in (shot.question.num_context_words,)
        ]
    bare = [replace(e, question=e.question.with_context_words(0)) for e in exemplars]
    for num_dropped in range(1, len(bare) + 1):
        yield bare[num_dropped:]


def _pad_and_eos(tokenizer: Any) -> tuple[int, int]:
    eos = tokenizer.eos_token_id
    if eos is None:
        raise PromptError("The tokenizer has no end token; answers could never end. Set eos_token.")
    for candidate in (tokenizer.pad_token_id, tokenizer.unk_token_id):
        if candidate is not None and candidate != eos:
            return int(candidate), int(eos)
    # Padding is masked by position and never learned, so any id does.
    return 0 if eos != 0 else 1, int(eos)
