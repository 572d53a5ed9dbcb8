"""The test items as tasks of lm-evaluation-harness: multiple choice, scored by likelihood.

https://github.com/EleutherAI/lm-evaluation-harness/blob/main/docs/task_guide.md. All that comes
from items is in the data; the task files hold names of ours alone. Items of which several labels
are right together have no place in multiple choice and are left out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from training.data.build import Build, BuiltRecord
from training.data.formats.tables import (
    Format,
    Rows,
    by_label_set,
    write_lines,
    write_text,
)

TAG: Final = "llamacare"
"""By which all tasks of a folder are run together."""
_TASK: Final = """\
# In this folder: lm_eval --include_path . --tasks {tag} --apply_chat_template \\
#                         --model hf --model_args pretrained=MODEL
# These items are for evaluation alone: a model that learned from them is not measured by them.
task: {task}
tag: {tag}
dataset_path: json
dataset_kwargs:
  data_files:
    test: {task}.jsonl
test_split: test
output_type: multiple_choice
description: system
doc_to_text: prompt
doc_to_choice: choices
doc_to_target: gold
target_delimiter: "\\n"
num_fewshot: 0
metric_list:
  - metric: acc
    aggregation: mean
    higher_is_better: true
  - metric: acc_norm
    aggregation: mean
    higher_is_better: true
metadata:
  version: 1.0
"""


def _rows(build: Build) -> Rows:
    groups = by_label_set([record for record in build.fold("test") if record.has_one_label])
    return {f"{TAG}_{name}": [_row(record) for record in group] for name, group in groups.items()}


def _row(record: BuiltRecord) -> dict[str, Any]:
    system, question = record.prompt
    return {
        "item_id": record.item_id,
        "system": system["content"],
        "prompt": question["content"],
        "choices": list(record.labels),
        "gold": record.labels.index(record.category),
    }


def _write(tables: Rows, build: Build, folder: Path) -> list[Path]:
    written = write_lines(tables, build, folder)
    for name in tables:
        text = _TASK.format(task=name, tag=TAG)
        written.append(write_text(folder / f"{name}.yaml", text))
    return written


LM_EVAL: Final = Format(
    _rows,
    _write,
    nothing="Import items of the test split with a gold label, or choose another benchmark.",
    takes_shots=False,
    is_of_test=True,
)
