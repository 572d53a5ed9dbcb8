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
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from typing import Any

from history import Measured
from measuring import make_parser, record

WAYS = ("joint", "no head", "trl")
BATCH = 4
SKIPPED = 2
"""The first steps warm up allocators and kernels."""
SEED = 0


def main() -> None:
    """Take the steps of all ways and record the figures."""
    parser = make_parser(__doc__, wants_data=True)
    parser.add_argument("--base", default="bundled:smollm2-135m")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=6, help="timed steps in each round")
    parser.add_argument("--max-prompt-tokens", type=int, default=448)
    parser.add_argument("--way", choices=WAYS, help="take the steps of one way, for this script")
    options = parser.parse_args()
    if options.way:
        print(json.dumps(_take_steps(options)))
        return
    ways = [way for way in WAYS if way != "trl" or importlib.util.find_spec("trl")]
    found: dict[str, list[dict[str, Any]]] = {way: [] for way in ways}
    for _ in range(options.rounds):
        for way in ways:
            found[way].append(_in_process(way))
            print(way, found[way][-1], file=sys.stderr)
    record(__file__, _figures(found), options)


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

    from db.importers.pubmedqa import parse_pubmedqa
    from db.paths import models_dir
    from eci.model.base_model import load_base
    from eci.model.eci_model import build
    from eci.model.encoding import PromptSettings
    from eci.questions.labels import PUBMEDQA
    from eci.questions.prompts import Question
    from training.joint.adapter import add_adapter
    from training.settings.training import LoraSettings

    torch.manual_seed(SEED)
    base = load_base(options.base, models_dir(), quantization="nf4", device="cpu")
    # The head is attached in place; what TRL trains is the base model below it, as it was.
    prompts = PromptSettings(max_prompt_tokens=options.max_prompt_tokens)
    model = build(base, dropout=0.0, prompts=prompts)
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

    from eci.model import eci_causal_lm
    from training.joint.trainer import EciTrainer, RowDataset

    if not with_head:
        # The same step less everything that only the head needs.
        eci_causal_lm._head_inputs = _no_inputs
        eci_causal_lm._classify = _no_logits
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

    from training.joint.adapter import keep_autograd

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


def _figures(found: dict[str, list[dict[str, Any]]]) -> Iterator[Measured]:
    units = {"tokens_per_second": "", "step_seconds": "s", "peak_rss_mib": "MiB", "num_tokens": ""}
    measures = dict(zip(units, ("tokens/s", "step", "peak memory", "tokens in all"), strict=True))
    middle = {
        way: {name: statistics.median(one[name] for one in rounds) for name in units}
        for way, rounds in found.items()
    }
    for way, figures in middle.items():
        for name, value in figures.items():
            yield Measured(way, measures[name], value, units[name], len(found[way]))
    eci_causal_lm = middle["joint"]
    for peer, names in {
        "no head": ("step_seconds",),
        "trl": ("tokens_per_second", "peak_rss_mib"),
    }.items():
        for name in names if peer in middle else ():
            yield Measured(
                f"joint / {peer}", measures[name], eci_causal_lm[name] / middle[peer][name]
            )


if __name__ == "__main__":
    main()
