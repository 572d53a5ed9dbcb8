"""Is the category by one prefill faster than generating an answer and reading it?

Same model, same prompts, same batches, one process; the two ways take turns, batch by batch. The
table has items per second, their ratio, accuracy, and how many answers are no bare category.

    python benchmarks/category_by_prefill.py [--items 64] [--artifact RUN_DIR/artifact]
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from db.home import models_dir
from db.importers.items import parse_items
from db.importers.pubmedqa import parse_pubmedqa
from db.records import Item
from eci.answers import Reading, read_answer
from eci.base import DEFAULT_BASE
from eci.batching import collate
from eci.branches import PROMPT
from eci.estimates import NO_ITEMS, Estimate, proportion
from eci.labels import PUBMEDQA
from eci.model import EciModel
from eci.prompts import Question

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "benchmarks" / "results" / "category_by_prefill.md"
PREDICTION = (
    "Predicted before the first run: decoding 64 tokens costs 64 passes over the weights, a "
    "prefill one, which on this CPU takes as long as about 25 decoded tokens; so 3x to 6x batched "
    "and 10x or more for a single item."
)


def main() -> None:
    """Make the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--items", type=int, default=64)
    parser.add_argument("--single", type=int, default=12, help="items timed one at a time")
    parser.add_argument("--max-new-tokens", type=int, default=64)
    parser.add_argument("--artifact", type=Path)
    parser.add_argument("--quantization", choices=["none", "nf4"], default="none")
    options = parser.parse_args()
    model = EciModel.load(
        DEFAULT_BASE,
        models_dir(),
        artifact=options.artifact,
        quantization=options.quantization,
    )
    items, source = _items(options.data, options.items)
    lines = [
        "| way | batch | items/s | ratio | accuracy (95 % interval, n) | no bare category |",
        "|---|---|---|---|---|---|",
    ]
    for batch_size, chosen in ((8, items), (1, items[: options.single])):
        lines += _compare(model, chosen, batch_size, options.max_new_tokens)
    notes = (
        f"{source}. {DEFAULT_BASE}, {options.quantization}, head: "
        f"{'trained' if options.artifact else 'untrained (zero-shot verbalizer)'}; "
        f"generating {options.max_new_tokens} tokens at most, greedily. Medians over batches that "
        f"take turns in one process. {_machine()}."
    )
    table = "\n".join(lines)
    print(table, notes, sep="\n\n")
    RESULT.write_text(
        f"# Category by one prefill against generate-and-read\n\n{table}\n\n{notes}\n\n"
        f"{PREDICTION}\n\nMade by `python benchmarks/category_by_prefill.py`.\n",
        encoding="utf-8",
    )


def _items(data: Path, limit: int) -> tuple[list[Item], str]:
    pubmedqa = data / "pubmedqa" / "ori_pqal.json"
    if pubmedqa.is_file():
        batch, source = parse_pubmedqa(pubmedqa), "PubMedQA, official test split"
    else:
        demo = ROOT / "db" / "demo" / "pubmedqa_style.jsonl"
        batch, source = parse_items(demo), "The bundled PubMedQA-style demo, test split"
    return [item for item in batch.items if item.split == "test"][:limit], source


def _compare(model: EciModel, items: Sequence[Item], size: int, max_new_tokens: int) -> list[str]:
    questions = [
        Question(i.question, tuple((s.heading, s.text) for s in i.context), PUBMEDQA, i.item_id)
        for i in items
    ]
    gold = [item.gold_label for item in items]
    order = sorted(range(len(questions)), key=lambda i: -len(model.row(questions[i])[0].prompt))
    batches = [order[start : start + size] for start in range(0, len(order), size)]
    eci: list[str | None] = [None] * len(items)
    read: list[Reading | None] = [None] * len(items)
    eci_rates, read_rates = [], []

    def classify(batch: list[int]) -> None:
        given = model.classify([questions[i] for i in batch], batch_size=size)
        for i, classification in zip(batch, given, strict=True):
            eci[i] = classification.label

    def generate(batch: list[int]) -> None:
        texts = _generate(model, [questions[i] for i in batch], max_new_tokens)
        for i, text in zip(batch, texts, strict=True):
            read[i] = read_answer(text, PUBMEDQA)

    classify(batches[-1])  # the first pass also allocates
    for turn, batch in enumerate(batches):
        ways = [(classify, eci_rates), (generate, read_rates)]
        for way, rates in ways if turn % 2 == 0 else reversed(ways):
            rates.append(len(batch) / _seconds(way, batch))
    ratio = statistics.median(a / b for a, b in zip(eci_rates, read_rates, strict=True))
    labels = [reading.label if reading else None for reading in read]
    not_bare = sum(reading is None or reading.form != "bare" for reading in read) / len(read)
    fast, slow = statistics.median(eci_rates), statistics.median(read_rates)
    return [
        f"| ECI, one prefill | {size} | {fast:.2f} | {ratio:.1f}x | {_accuracy(eci, gold)} | – |",
        f"| generate and read | {size} | {slow:.3f} | 1x | {_accuracy(labels, gold)} "
        f"| {not_bare:.0%} |",
    ]


def _generate(model: EciModel, questions: Sequence[Question], limit: int) -> list[str]:
    """Generate the plain way: prompts in, tokens out, nothing of ours in between."""
    batch = collate([model.row(question)[0] for question in questions], model.encoder.pad_id)
    with torch.inference_mode():
        ids = model.model.generate(
            input_ids=batch["input_ids"],
            attention_mask=(batch["branch_ids"] == PROMPT).long(),
            max_new_tokens=limit,
            do_sample=False,
            pad_token_id=model.encoder.pad_id,
            eos_token_id=model.encoder.eos_id,
        )
    written = ids[:, batch["input_ids"].shape[1] :]
    return list(model.encoder.tokenizer.batch_decode(written, skip_special_tokens=True))


def _seconds(way: Callable[[list[int]], None], batch: list[int]) -> float:
    started = time.perf_counter()
    way(batch)
    return time.perf_counter() - started


def _accuracy(labels: Sequence[str | None], gold: Sequence[str | None]) -> str:
    correct = sum(label == right for label, right in zip(labels, gold, strict=True))
    found: Estimate = proportion(correct, len(gold), NO_ITEMS)
    assert found.value is not None and found.interval is not None
    return f"{found.value:.1%} ({found.interval.low:.1%} to {found.interval.high:.1%}, n={found.n})"


def _machine() -> str:
    load = os.getloadavg()[0]
    return (
        f"{platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}, "
        f"{torch.get_num_threads()} threads, load average {load:.1f}"
    )


if __name__ == "__main__":
    main()
