"""Load every export with the program that it is for; the environment has no package of ours.

Run by exports_loaded.py. Prints one JSON object for each check, with what went wrong where
something did.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

STEPS = {
    **{"max_steps": 1, "per_device_train_batch_size": 2, "report_to": [], "use_cpu": True},
    **{"bf16": False, "gradient_checkpointing": False},
}
OPENAI_ROLES = {"system", "user", "assistant"}
Check = dict[str, Any]


def main() -> None:
    """Check every format and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("folder", type=Path, help="holds a build of each format")
    parser.add_argument("model", type=Path, help="local model folder")
    options = parser.parse_args()
    for name, check in CHECKS.items():
        found: Check
        try:
            found = check(options.folder / name, options.model)
        except Exception as error:  # one failure must not hide the others
            found = {"failure": f"{type(error).__name__}: {error}".strip().rpartition("\n")[2]}
        print(json.dumps({"format": name, **found}), flush=True)


def _load(folder: Path) -> Any:
    from datasets import load_dataset

    return load_dataset(str(folder))


def _counted(folder: Path) -> Check:
    loaded = _load(folder)
    return {"loaded": sum(part.num_rows for part in loaded.values()), "program": "datasets"}


def _trained(folder: Path, trainer: Any, settings: Any, model: Path, **more: Any) -> Check:
    from peft import LoraConfig
    from transformers import AutoTokenizer

    loaded = _load(folder)
    out = folder.parent / f"trained-{folder.name}"
    trainer = trainer(
        model=str(model),
        args=settings(output_dir=str(out), max_length=512, **STEPS, **more),
        train_dataset=loaded["train"],
        processing_class=AutoTokenizer.from_pretrained(model),
        peft_config=LoraConfig(r=4, target_modules="all-linear"),
    )
    result = trainer.train()
    trainer.save_model(str(out))
    return {
        "loaded": sum(part.num_rows for part in loaded.values()),
        "steps": result.global_step,
        "loss": result.training_loss,
        "special": _special(loaded, model),
        "program": f"trl, {type(trainer).__name__}",
    }


def _special(loaded: Any, model: Path) -> int:
    """Count the special tokens that texts bring; the chat template alone may write them."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)
    special = set(tokenizer.all_special_ids)
    texts = {
        turn["content"]
        for part in loaded.values()
        for row in part
        for turns in row.values()
        if isinstance(turns, list)
        for turn in turns
    }
    return sum(len(special.intersection(tokenizer(text)["input_ids"])) for text in texts)


def _sft(folder: Path, model: Path) -> Check:
    from trl import SFTConfig, SFTTrainer

    return _trained(folder, SFTTrainer, SFTConfig, model)


def _dpo(folder: Path, model: Path) -> Check:
    from trl import DPOConfig, DPOTrainer

    return _trained(folder, DPOTrainer, DPOConfig, model)


def _kto(folder: Path, model: Path) -> Check:
    from trl import KTOConfig, KTOTrainer

    return _trained(folder, KTOTrainer, KTOConfig, model)


def _openai(folder: Path, _: Path) -> Check:
    """Check OpenAI's rules for chat fine-tuning: roles, texts, the last turn, at least 10 rows."""
    rows = [json.loads(line) for line in (folder / "train.jsonl").read_text().split("\n")[:-1]]
    for row in rows:
        assert set(row) == {"messages"}, sorted(row)
        for turn in row["messages"]:
            assert turn["role"] in OPENAI_ROLES and turn["content"].strip(), turn
            assert set(turn) <= {"role", "content", "weight"}, sorted(turn)
        assert row["messages"][-1]["role"] == "assistant"
    assert len(rows) >= 10
    return _counted(folder) | {"program": "datasets, and OpenAI's rules"}


def _llama_factory(folder: Path, _: Path) -> Check:
    """Check that dataset_info.json names a file and columns that are there."""
    info = json.loads((folder / "dataset_info.json").read_text())
    for described in info.values():
        rows = json.loads((folder / described["file_name"]).read_text())
        assert all(column in rows[0] for column in described["columns"].values())
    return _counted(folder)


def _classes(folder: Path, model: Path) -> Check:
    from transformers import (
        AutoModelForSequenceClassification,
        AutoTokenizer,
        DataCollatorWithPadding,
        Trainer,
        TrainingArguments,
    )

    loaded = _load(folder)
    names = loaded["train"].features["label"].names
    tokenizer = AutoTokenizer.from_pretrained(model)
    tokens = loaded.map(lambda row: tokenizer(row["text"], truncation=True, max_length=256))
    classifier = AutoModelForSequenceClassification.from_pretrained(
        model, num_labels=len(names), id2label=dict(enumerate(names))
    )
    classifier.config.pad_token_id = tokenizer.pad_token_id
    trainer = Trainer(
        model=classifier,
        args=TrainingArguments(output_dir=str(folder.parent / "trained-classes"), **STEPS),
        train_dataset=tokens["train"],
        data_collator=DataCollatorWithPadding(tokenizer),
    )
    result = trainer.train()
    return {
        "loaded": sum(part.num_rows for part in loaded.values()),
        "steps": result.global_step,
        "loss": result.training_loss,
        "program": f"datasets and transformers, classes {', '.join(names)}",
    }


def _lm_eval(folder: Path, model: Path) -> Check:
    out = folder.parent / "scored"
    command = [sys.executable, "-m", "lm_eval", "--include_path", ".", "--tasks", "llamacare"]
    command += ["--model", "hf", "--model_args", f"pretrained={model},dtype=float32"]
    command += ["--apply_chat_template", "--device", "cpu", "--batch_size", "8"]
    command += ["--output_path", str(out), "--log_samples"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2_000:]
    (results,) = out.rglob("results_*.json")
    scores = json.loads(results.read_text())["results"].values()
    assert all(0 <= score["acc,none"] <= 1 for score in scores)
    samples = [path.read_text() for path in out.rglob("samples_*.jsonl")]
    return {
        "loaded": sum(text.count("\n") for text in samples),
        "program": f"lm_eval, multiple_choice, {len(scores)} tasks",
    }


def _reference(folder: Path, _: Path) -> Check:
    """Read the array as LlamaCare's script does: json.load, then three fields of each entry."""
    num_rows = 0
    for path in _arrays(folder):
        with path.open() as file:
            for entry in json.load(file):
                assert all(
                    isinstance(entry[name], str)
                    for name in ("prompt_question", "prompt_answer", "final_decision")
                )
                num_rows += 1
    return {"loaded": num_rows, "program": "json.load, as its script does"}


def _arrays(folder: Path) -> Iterator[Path]:
    yield from (path for path in sorted(folder.glob("*.json")) if path.name != "build.json")


CHECKS: dict[str, Callable[[Path, Path], Check]] = {
    "chat": lambda folder, _: _counted(folder),
    "huggingface": lambda folder, _: _counted(folder),
    "prompt_completion": _sft,
    "dpo": _dpo,
    "kto": _kto,
    "openai": _openai,
    "alpaca": _llama_factory,
    "sharegpt": _llama_factory,
    "text_label": _classes,
    "lm_eval": _lm_eval,
    "reference": _reference,
}

if __name__ == "__main__":
    main()
