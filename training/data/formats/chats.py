"""Formats of questions with the answer to learn, for supervised fine-tuning."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from db.records import labels_text
from training.data.build import Build, BuiltRecord
from training.data.formats.tables import (
    Format,
    Rows,
    rows_by_fold,
    to_json,
    write_arrays,
    write_lines,
    write_text,
)

_OPENAI_MINIMUM: Final = 10
"""https://developers.openai.com/docs/guides/distillation: "The minimum number of examples"."""
_SHAREGPT_NAMES: Final = {"user": "human", "assistant": "gpt"}


def _prompt_completion(record: BuiltRecord) -> dict[str, Any]:
    """Return TRL's prompt-completion type in its conversational format.

    https://huggingface.co/docs/trl/dataset_formats
    """
    return {"prompt": record.prompt, "completion": record.messages[-1:]}


def _openai(record: BuiltRecord) -> dict[str, Any]:
    """Return a chat as OpenAI's fine-tuning takes it; answers of shots are not learned again."""
    shots = [
        {**turn, "weight": 0} if turn["role"] == "assistant" else turn for turn in record.prompt
    ]
    return {"messages": [*shots, record.messages[-1]]}


def _alpaca(record: BuiltRecord) -> dict[str, str]:
    system, question = record.prompt
    return {
        "instruction": system["content"],
        "input": question["content"],
        "output": record.completion,
    }


def _sharegpt(record: BuiltRecord) -> dict[str, Any]:
    system, *turns = record.messages
    return {
        "conversations": [
            {"from": _SHAREGPT_NAMES[turn["role"]], "value": turn["content"]} for turn in turns
        ],
        "system": system["content"],
    }


def _reference(record: BuiltRecord) -> dict[str, str]:
    """Return a record in the fields of LlamaCare's released data."""
    turns = (f"### {turn['role'].capitalize()}\n{turn['content']}" for turn in record.prompt)
    return {
        "prompt_question": "\n\n".join(turns),
        "prompt_answer": record.completion,
        "final_decision": labels_text(record.category),
    }


def _with_dataset_info(
    description: Mapping[str, Any],
) -> Callable[[Rows, Build, Path], list[Path]]:
    """Return a writer of JSON arrays with the index by which LLaMA-Factory finds them.

    https://github.com/hiyouga/LLaMA-Factory/blob/main/data/README.md
    """

    def write(tables: Rows, build: Build, folder: Path) -> list[Path]:
        info = {
            f"llamacare_{name}": {"file_name": f"{name}.json", **description} for name in tables
        }
        index = write_text(folder / "dataset_info.json", to_json(info) + "\n")
        return [*write_arrays(tables, build, folder), index]

    return write


CHAT: Final = Format(rows_by_fold(BuiltRecord.to_dict), write_lines)
"""Chat JSON lines with what each record was made from."""
PROMPT_COMPLETION: Final = Format(rows_by_fold(_prompt_completion), write_lines)
OPENAI: Final = Format(rows_by_fold(_openai), write_lines, min_training_rows=_OPENAI_MINIMUM)
ALPACA: Final = Format(
    rows_by_fold(_alpaca),
    _with_dataset_info(
        {"columns": {"prompt": "instruction", "query": "input", "response": "output"}}
    ),
    takes_shots=False,
)
SHAREGPT: Final = Format(
    rows_by_fold(_sharegpt),
    _with_dataset_info(
        {
            "formatting": "sharegpt",
            "columns": {"messages": "conversations", "system": "system"},
        }
    ),
)
REFERENCE: Final = Format(rows_by_fold(_reference), write_arrays)
"""One JSON array: LlamaCare's script reads its data with ``json.load``."""
