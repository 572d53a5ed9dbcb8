"""Markers by which chat templates set turns, in texts that people and models wrote.

Trainers turn a text into tokens with the markers of their model read as such: an answer that holds
``<|im_end|>`` would end its own turn and could begin another. Whose model it will be is not known
here, so the markers of all common templates are broken up by a space, as ``eci`` breaks up those of
its own tokenizer.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from db.conversions import replace_lone_surrogates
from eci.questions.prompts import Message
from training.data.build import Build, BuiltRecord

_NAMES: Final = (
    "s|bos|eos|pad|unk|cls|sep|mask|think|thinking|tool_call|tool_response|tools|"
    "start_of_turn|end_of_turn|start_of_image|end_of_image|image|audio|video"
)
_IN_BRACKETS: Final = (
    "INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT|THINK|IMG|PREFIX|"
    "MIDDLE|SUFFIX|CLS|SEP|PAD|MASK|UNK|BOS|EOS"
)
_MARKER: Final = re.compile(
    r"<[|｜][^<>\n]{1,64}>"  # ChatML, Llama 3, Phi, DeepSeek, Gemma 4, gpt-oss
    r"|<[^<>\s][^<>\n]{0,63}[|｜]>"
    rf"|</?(?:{_NAMES})>"
    r"|<</?SYS>>"
    rf"|\[/?(?:{_IN_BRACKETS})\]"
)


def broken_up(text: str) -> str:
    """Return a text without markers of chat templates and without halves of surrogate pairs."""
    whole = replace_lone_surrogates(text)
    return _MARKER.sub(lambda marker: f"{marker[0][0]} {marker[0][1:]}", whole)


def without_markers(build: Build) -> tuple[Build, int]:
    """Return a build whose texts hold no markers, and how many texts held some."""
    changed = 0

    def safe(text: str) -> str:
        nonlocal changed
        plain = broken_up(text)
        changed += plain != text
        return plain

    def safe_record(record: BuiltRecord) -> BuiltRecord:
        turns = (
            Message(role=turn["role"], content=safe(turn["content"])) for turn in record.messages
        )
        return replace(record, messages=tuple(turns))

    safe_build = replace(
        build,
        records=tuple(map(safe_record, build.records)),
        answers=tuple(replace(answer, answer=safe(answer.answer)) for answer in build.answers),
    )
    return safe_build, changed
