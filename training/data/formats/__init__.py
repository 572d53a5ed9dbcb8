"""Training data as other tools read it: one writer for each format, and a table of them.

What is common is elsewhere: which items and labels (``training/data/build.py``), which answers of
models people judged (``db/retraining/judged_answers.py``), and writing whole or not at all
(``training/data/build_files.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from training.data.formats import chats, dataset_folders, evaluation_tasks, preferences
from training.data.formats.tables import Format

BuildFormat = Literal[
    "chat",
    "huggingface",
    "prompt_completion",
    "dpo",
    "kto",
    "openai",
    "alpaca",
    "sharegpt",
    "text_label",
    "lm_eval",
    "reference",
]

FORMATS: Final[Mapping[BuildFormat, Format]] = {
    "chat": chats.CHAT,
    "huggingface": dataset_folders.HUGGINGFACE,
    "prompt_completion": chats.PROMPT_COMPLETION,
    "dpo": preferences.DPO,
    "kto": preferences.KTO,
    "openai": chats.OPENAI,
    "alpaca": chats.ALPACA,
    "sharegpt": chats.SHAREGPT,
    "text_label": dataset_folders.TEXT_LABEL,
    "lm_eval": evaluation_tasks.LM_EVAL,
    "reference": chats.REFERENCE,
}
BUILD_FORMATS: Final[tuple[BuildFormat, ...]] = tuple(FORMATS)
