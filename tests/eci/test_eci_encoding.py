"""Prompts in the chat templates that real models bring: no system turn, thinking, refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from eci.errors import PromptError
from eci.model.encoding import PromptEncoder
from eci.questions.labels import PUBMEDQA
from eci.questions.prompts import DEFAULT_TEMPLATE, Exemplar, Question, load_template

TURNS = (
    "{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}</{{ m['role'] }}>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
REFUSES_SYSTEM = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}"
    "{% endif %}" + TURNS
)
ALTERNATES = (
    "{% for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Roles must alternate user/assistant') }}{% endif %}{% endfor %}" + TURNS
)
DROPS_SYSTEM = (
    "{% for m in messages if m['role'] != 'system' %}"
    "<{{ m['role'] }}>{{ m['content'] }}</{{ m['role'] }}>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
THINKS = TURNS + "{% if enable_thinking is not defined or enable_thinking %}<think>{% endif %}"
REFUSES_ALL = "{{ raise_exception('Only tools are answered') }}"

QUESTION = Question("Does it work?", (("RESULTS", "It did."),), PUBMEDQA, "q-1")
SHOT = Exemplar(Question("Does the other?", (), PUBMEDQA, "q-2"), "no", "It did not.")


def make_encoder(folder: Path, chat_template: str) -> PromptEncoder:
    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    tokenizer.chat_template = chat_template
    return PromptEncoder(tokenizer, load_template(DEFAULT_TEMPLATE), 1024)


def text_of(encoder: PromptEncoder, shots: tuple[Exemplar, ...] = ()) -> str:
    text: str = encoder.tokenizer.decode(encoder.prompt(QUESTION, shots).input_ids)
    return text


@pytest.mark.parametrize("template", [REFUSES_SYSTEM, ALTERNATES, DROPS_SYSTEM])
@pytest.mark.parametrize("shots", [(), (SHOT,)])
def test_without_a_system_turn_the_instruction_opens_the_first_user_turn(
    tiny_model_dir: Path, template: str, shots: tuple[Exemplar, ...]
) -> None:
    encoder = make_encoder(tiny_model_dir, template)
    instruction = encoder.template.system(PUBMEDQA)
    text = text_of(encoder, shots)
    assert text.startswith(f"<user>{instruction}\n\n")
    assert text.count(instruction) == 1
    assert "system" not in text
    assert text.endswith("</user><assistant>")


def test_a_system_turn_is_kept_where_the_template_has_one(tiny_model_dir: Path) -> None:
    encoder = make_encoder(tiny_model_dir, TURNS)
    assert text_of(encoder).startswith(f"<system>{encoder.template.system(PUBMEDQA)}</system>")


def test_a_model_that_thinks_is_asked_to_answer_at_once(tiny_model_dir: Path) -> None:
    assert text_of(make_encoder(tiny_model_dir, THINKS)).endswith("<assistant>")


ALWAYS_THINKS = TURNS + "{% if add_generation_prompt %}<think>\n{% endif %}"
CLOSES_AT_ONCE = TURNS + (
    "{% if enable_thinking is defined and not enable_thinking %}<think>\n\n</think>\n\n{% endif %}"
)
OTHER_NAME = TURNS + "{% if thinking %}<think>{% else %}</think>{% endif %}"


def thinker(folder: Path, chat_template: str, *, thinks: bool) -> PromptEncoder:
    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_tokens(["<think>", "</think>"])
    tokenizer.chat_template = chat_template
    return PromptEncoder(tokenizer, load_template(DEFAULT_TEMPLATE), 1024, thinks=thinks)


@pytest.mark.parametrize(
    ("template", "on", "off", "after"),
    [
        (CLOSES_AT_ONCE, "<assistant><think>\n", "<think>\n\n</think>\n\n", "</think>\n\n"),
        (THINKS, "<assistant><think>", "</user><assistant>", "</think>\n\n"),
        (ALWAYS_THINKS, "<think>\n", "<think>\n\n</think>\n\n", "</think>\n\n"),
        (OTHER_NAME, "<assistant><think>", "<assistant></think>", "</think>"),
    ],
)
def test_prompts_end_where_the_model_begins_to_think_or_where_it_answers(
    tiny_model_dir: Path, template: str, on: str, off: str, after: str
) -> None:
    encoder = thinker(tiny_model_dir, template, thinks=True)
    assert text_of(encoder).endswith(on)
    assert encoder.tokenizer.decode(encoder.closing_ids) == after
    answers = thinker(tiny_model_dir, template, thinks=False)
    assert text_of(answers).endswith(off)
    assert encoder.digest() != answers.digest(), "a head for one is not for the other"


@pytest.mark.parametrize("template", [TURNS, THINKS])
def test_a_model_that_cannot_think_says_so(tiny_model_dir: Path, template: str) -> None:
    tokenizer: Any = AutoTokenizer.from_pretrained(tiny_model_dir)
    tokenizer.chat_template = template
    with pytest.raises(PromptError, match=r"cannot think: .* Set thinking_tokens to 0"):
        PromptEncoder(tokenizer, load_template(DEFAULT_TEMPLATE), 1024, thinks=True)


def test_a_template_that_refuses_every_chat_is_named_with_its_reason(tiny_model_dir: Path) -> None:
    encoder = make_encoder(tiny_model_dir, REFUSES_ALL)
    with pytest.raises(PromptError, match=r"chat template .* Only tools are answered"):
        encoder.prompt(QUESTION)


def test_regions_are_found_in_a_folded_prompt_too(tiny_model_dir: Path) -> None:
    encoder = make_encoder(tiny_model_dir, REFUSES_SYSTEM)
    encoded = encoder.prompt(QUESTION)
    _, question, evidence = (
        encoder.tokenizer.decode(encoded.input_ids[start:end]).strip()
        for start, end in encoded.regions
    )
    assert (question, evidence) == ("Does it work?", "RESULTS: It did.")
