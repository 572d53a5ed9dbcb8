"""Does training adapter and head together cost more than training the adapter alone?

Three ways to take the same steps, each in a process of its own, in turns: our trainer with the
head, our trainer without it, and TRL's SFTTrainer without any head. Same base model in NF4, same
LoRA, same records (PubMedQA prompts with their answers), same token ids, batch 4. Tokens count
where they are no padding.

    pip install -r requirements-benchmark.txt        # for TRL; without it, ours alone
    python benchmarks/joint_training.py [--rounds 3] [--steps 6]

TRL's settings are its defaults but for what is made alike: no gradient checkpointing, loss on the
answer alone, no packing. What differs on purpose is ours: logits on answer tokens only, and batches
of like length.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "benchmarks" / "results" / "joint_training.md"
WAYS = ("joint", "no head", "trl")
BATCH = 4
SKIPPED = 2
"""The first steps warm up allocators and kernels."""
SEED = 0


def main() -> int:
    """Make the table; exit code 2 where the data are absent."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--base", default="bundled:smollm2-135m")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=6, help="timed steps in each round")
    parser.add_argument("--max-prompt-tokens", type=int, default=448)
    parser.add_argument("--way", choices=WAYS, help="take the steps of one way, for this script")
    options = parser.parse_args()
    if not options.data.is_dir():
        print(f"No folder {options.data}. Pass the data folder with --data.", file=sys.stderr)
        return 2
    if options.way:
        print(json.dumps(_take_steps(options)))
        return 0
    ways = [way for way in WAYS if way != "trl" or importlib.util.find_spec("trl")]
    found: dict[str, list[dict[str, Any]]] = {way: [] for way in ways}
    for _ in range(options.rounds):
        for way in ways:
            found[way].append(_in_process(way))
            print(way, found[way][-1], file=sys.stderr)
    text = _report(found, options)
    print(text)
    RESULT.write_text(f"{text}\n", encoding="utf-8")
    return 0


def _in_process(way: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, __file__, *sys.argv[1:], "--way", way],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    measured: dict[str, Any] = json.loads(done.stdout.strip().rpartition("\n")[2])
    return measured


def _take_steps(options: argparse.Namespace) -> dict[str, Any]:
    import torch

    from db.home import models_dir
    from db.importers.pubmedqa import parse_pubmedqa
    from eci.base import load_base
    from eci.labels import PUBMEDQA
    from eci.model import build
    from eci.prompts import Question
    from training.adapter import add_adapter
    from training.settings import LoraSettings

    torch.manual_seed(SEED)
    base = load_base(options.base, models_dir(), quantization="nf4", device="cpu")
    # The head is attached in place; what TRL trains is the base model below it, as it was.
    model = build(base, dropout=0.0, max_prompt_tokens=options.max_prompt_tokens)
    items = parse_pubmedqa(options.data / "pubmedqa" / "ori_pqal.json").items
    num_steps = options.steps + SKIPPED
    rows = []
    for item in items[: BATCH * num_steps]:
        context = tuple((part.heading, part.text) for part in item.context)
        question = Question(item.question, context, PUBMEDQA, item.item_id)
        row, _ = model.row(
            question, label=item.gold_label, rationale=item.long_answer, max_answer_tokens=96
        )
        rows.append(row)
    lora = LoraSettings(rank=16, alpha=32, dropout=0.0)
    if options.way == "trl":
        plain = model.model
        plain.__class__ = type(plain).__mro__[2]
        del plain.eci_head
        times, tokens = _theirs(plain, base.tokenizer, rows, num_steps, lora)
    else:
        add_adapter(model, lora, checkpointing=False)
        times, tokens = _ours(model, rows, num_steps, with_head=options.way == "joint")
    rates = [count / seconds for count, seconds in zip(tokens, times, strict=True)]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "step_seconds": statistics.median(times[SKIPPED:]),
        "tokens_per_second": statistics.median(rates[SKIPPED:]),
        "peak_rss_mib": round(peak),
        "num_tokens": sum(tokens),
    }


def _ours(
    model: Any, rows: Sequence[Any], num_steps: int, *, with_head: bool
) -> tuple[list[float], list[int]]:
    from transformers import TrainingArguments

    from eci import joint
    from training.trainer import EciTrainer, RowDataset

    if not with_head:
        # The same step less everything that only the head needs.
        joint._head_inputs = _no_inputs
        joint._classify = _no_logits
    with tempfile.TemporaryDirectory() as folder:
        timer = _timer()
        trainer = EciTrainer(
            model=model.model,
            args=TrainingArguments(**_arguments(folder, num_steps)),
            train_dataset=RowDataset(rows),
            pad_id=model.encoder.pad_id,
            weight=0.5 if with_head else 0.0,
            head_learning_rate=1e-3,
            callbacks=[timer],
        )
        counts: list[int] = []
        timer.count = lambda: counts.append(int(trainer.parts["num_tokens"]))
        trainer.train()
    return timer.times, counts


def _no_inputs(*_: Any) -> dict[str, Any]:
    return {}


def _no_logits(_model: Any, states: Any, _inputs: Any) -> Any:
    import torch

    return torch.zeros((len(states.rows.branch_ids), 3))


def _theirs(
    model: Any, tokenizer: Any, rows: Sequence[Any], num_steps: int, lora: Any
) -> tuple[list[float], list[int]]:
    from datasets import Dataset
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    from training.adapter import keep_autograd

    keep_autograd(model)
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    dataset = Dataset.from_list(
        [
            {
                "input_ids": [*row.prompt, *row.answer],
                "labels": [-100] * len(row.prompt) + list(row.answer),
            }
            for row in rows
        ]
    )
    with tempfile.TemporaryDirectory() as folder:
        timer = _timer()
        config = SFTConfig(
            **_arguments(folder, num_steps),
            gradient_checkpointing=False,
            packing=False,
            max_length=None,
            bf16=False,
            dataset_kwargs={"skip_prepare_dataset": True},
        )
        trainer = SFTTrainer(
            model=model,
            args=config,
            train_dataset=dataset,
            processing_class=tokenizer,
            peft_config=LoraConfig(
                r=lora.rank,
                lora_alpha=lora.alpha,
                lora_dropout=lora.dropout,
                target_modules="all-linear",
            ),
            callbacks=[timer],
        )
        counts: list[int] = []
        collate = trainer.data_collator

        def counted(features: Any) -> Any:
            counts.append(sum(len(feature["input_ids"]) for feature in features))
            return collate(features)

        trainer.data_collator = counted
        trainer.train()
    return timer.times, counts[: len(timer.times)]


def _arguments(folder: str, num_steps: int) -> dict[str, Any]:
    return {
        "output_dir": folder,
        "max_steps": num_steps,
        "per_device_train_batch_size": BATCH,
        "learning_rate": 2e-4,
        "use_cpu": True,
        "seed": SEED,
        "report_to": [],
        "save_strategy": "no",
        "logging_strategy": "no",
        "disable_tqdm": True,
        "remove_unused_columns": False,
        "dataloader_pin_memory": False,
    }


def _timer() -> Any:
    from transformers import TrainerCallback

    class Timer(TrainerCallback):  # type: ignore[misc]
        """Notes the wall-clock time of each optimizer step."""

        def __init__(self) -> None:
            self.times: list[float] = []
            self.count: Any = lambda: None

        def on_step_begin(self, *_: Any, **__: Any) -> None:
            self._since = time.perf_counter()

        def on_step_end(self, *_: Any, **__: Any) -> None:
            self.times.append(time.perf_counter() - self._since)
            self.count()

    return Timer()


def _report(found: dict[str, list[dict[str, Any]]], options: argparse.Namespace) -> str:
    rows = [
        "| way | tokens/s | step, s | peak memory, MiB | tokens in all |",
        "|---|---|---|---|---|",
    ]
    middle: dict[str, dict[str, float]] = {}
    for way, rounds in found.items():
        names = ("tokens_per_second", "step_seconds", "peak_rss_mib", "num_tokens")
        middle[way] = {n: statistics.median(one[n] for one in rounds) for n in names}
        one = middle[way]
        rows.append(
            f"| {way} | {one['tokens_per_second']:.0f} | {one['step_seconds']:.2f} | "
            f"{one['peak_rss_mib']:.0f} | {one['num_tokens']:.0f} |"
        )
    joint, plain = middle["joint"], middle["no head"]
    told = [f"Step with the head / without: {joint['step_seconds'] / plain['step_seconds']:.3f}."]
    if "trl" in middle:
        speed = joint["tokens_per_second"] / middle["trl"]["tokens_per_second"]
        memory = joint["peak_rss_mib"] / middle["trl"]["peak_rss_mib"]
        told.append(f"Joint / TRL: tokens/s {speed:.2f}, peak memory {memory:.2f}.")
    else:
        told.append("TRL is not installed, so it was left out (requirements-benchmark.txt).")
    return "\n".join(
        [
            "# Joint training of adapter and head",
            "",
            *rows,
            "",
            " ".join(told),
            "",
            f"Medians of {options.rounds} rounds of {options.steps} steps, in turns, a process "
            f"each. {options.base}, NF4, LoRA rank 16 on all linear layers, batch {BATCH}, prompts "
            f"of at most {options.max_prompt_tokens} tokens, answers of at most 96; Python "
            f"{platform.python_version()}, {os.cpu_count()} cores, load average "
            f"{os.getloadavg()[0]:.1f} at the end.",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
