"""How fast does one prefill give the category, beside every other way to get it?

Same model, prompts and batches; the two ways of each row take turns, batch by batch. Peak memory is
that of a process of its own for each way.

    python benchmarks/eci_speed.py
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from db.home import models_dir
from db.importers.pubmedqa import parse_pubmedqa
from db.records import Item
from eci.answers import read_answer
from eci.base import DEFAULT_BASE, Quantization, load_base
from eci.batching import Row, collate
from eci.branches import PROMPT, branch_positions, padding_mask
from eci.labels import PUBMEDQA, LabelSet
from eci.model import EciModel, build
from eci.prompts import Exemplar, Question

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "benchmarks" / "results" / "eci_speed.md"
PREDICTION = (
    "Predicted before the first run, from a profile (a 400-token prefill of all layers takes as "
    "long as 25 decoded tokens, 57 % of it in matrix products near the machine's speed): half the "
    "layers and the instruction in a shared beginning make 2.3 times the 2.5x and 7x that the "
    "prefill of all layers reached, so 5.5x to 6.5x batched and 13x or more for a single item; "
    "1.0x to 1.1x of the bare passes for the head on all layers; 2x to 2.5x for five options; 4x "
    "to 5x for three shots."
)
NEW_TOKENS = 64
BATCH = 8
REACH = {
    "generate": (6.0, 12.0),
    "bare": 0.9,
    "reference": 2.0,
    "options": 2.0,
    "shots": 4.0,
}


@dataclass(frozen=True)
class Bench:
    """The prompts and two models: one head reads half of the layers, one reads all."""

    data: Path
    quantization: Quantization
    num_items: int

    @cached_property
    def items(self) -> list[Item]:
        parsed = parse_pubmedqa(self.data / "pubmedqa" / "ori_pqal.json").items
        return [item for item in parsed if item.split == "test"]

    @cached_property
    def train(self) -> list[Item]:
        parsed = parse_pubmedqa(self.data / "pubmedqa" / "ori_pqal.json").items
        return [item for item in parsed if item.split != "test"]

    @cached_property
    def questions(self) -> list[Question]:
        chosen = [to_question(item) for item in self.items[: self.num_items]]
        return sorted(chosen, key=lambda q: -len(self.half.row(q)[0].prompt))

    @cached_property
    def half(self) -> EciModel:
        return self._build(uses_scores=False)

    @cached_property
    def whole(self) -> EciModel:
        return self._build(pooling="last+evidence+question")

    def _build(self, **head: Any) -> EciModel:
        base = load_base(DEFAULT_BASE, models_dir(), quantization=self.quantization)
        return build(base, max_prompt_tokens=2048, **head)


def main() -> None:
    """Make the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--items", type=int, default=48)
    parser.add_argument("--quantization", choices=["none", "nf4"], default="none")
    parser.add_argument("--peak-of", choices=["eci", "reference"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    bench = Bench(options.data, options.quantization, options.items)
    if options.peak_of:
        print(peak_bytes(bench, options.peak_of))
        return
    memory = memory_note(options)
    generated, redundancy = generate_rows(bench)
    rows = [
        "| category by ECI | against | ECI, items/s | other, items/s | ratio | to reach |",
        "|---|---|---|---|---|---|",
        *generated,
        *bare_rows(bench),
        reference_row(bench),
        options_row(bench),
        shots_row(bench),
    ]
    text = "\n\n".join(
        [
            "# The category by one prefill",
            "\n".join(rows),
            memory,
            f"PubMedQA, official test split, {options.items} items; {DEFAULT_BASE}, quantization "
            f"{options.quantization}. {redundancy} Medians of pairs of batches that take turns in "
            "one process. "
            f"{machine()}.",
            PREDICTION,
            "Made by `python benchmarks/eci_speed.py`.",
        ]
    )
    print(text)
    RESULT.write_text(text + "\n", encoding="utf-8")


def to_question(item: Item) -> Question:
    """Ask what an item asks."""
    context = tuple((section.heading, section.text) for section in item.context)
    return Question(item.question, context, PUBMEDQA, item.item_id)


def generate_rows(bench: Bench) -> tuple[list[str], str]:
    """Against 64 generated tokens and reading them: batched and one at a time.

    Returns:
        The lines, and a sentence on what was read.
    """
    model, rows, num_bare, num_read = bench.half, [], 0, 0

    def generate(questions: Sequence[Question]) -> None:
        nonlocal num_bare, num_read
        texts = _generate(model, questions)
        num_bare += sum(read_answer(text, PUBMEDQA).form == "bare" for text in texts)
        num_read += len(texts)

    for size, reach, share in ((BATCH, REACH["generate"][0], 1), (1, REACH["generate"][1], 4)):
        questions = bench.questions[::share]
        rates = take_turns(
            batches(questions, size), lambda b: model.classify(b, batch_size=len(b)), generate
        )
        name = "one item at a time" if size == 1 else f"batches of {size}"
        rows.append(
            row(f"half of the layers, {name}", f"generate {NEW_TOKENS} and read", rates, reach)
        )
    return rows, f"{1 - num_bare / num_read:.0%} of {num_read} answers were no bare category."


def bare_rows(bench: Bench) -> list[str]:
    """Against bare passes over the same tokens, sorted by length."""
    lines = []
    for name, model in (("all layers", bench.whole), ("half of the layers", bench.half)):
        rates = take_turns(
            batches(bench.questions, BATCH),
            lambda b, model=model: model.classify(b, batch_size=len(b)),  # type: ignore[misc]
            lambda b, model=model: bare_pass(model, b),  # type: ignore[misc]
        )
        lines.append(row(name, "bare passes of all layers, no head", rates, REACH["bare"]))
    return lines


def reference_row(bench: Bench) -> str:
    """Against the reference's way: pad to the longest, keep all layers' states, flatten."""
    width = longest(bench)
    head = torch.nn.Linear(width * 576, len(PUBMEDQA))
    rates = take_turns(
        batches(bench.questions, BATCH)[::2],
        lambda b: bench.half.classify(b, batch_size=len(b)),
        lambda b: reference_pass(bench.half, b, width, head),
    )
    name = f"padded to {width} tokens, all layers' states kept, flattened"
    return row("half of the layers", name, rates, REACH["reference"])


def options_row(bench: Bench) -> str:
    """Five options after a prompt of 200 tokens: as a tree, and as five sequences."""
    model = bench.whole
    asked = [option_question(model, bench.items[i]) for i in range(16)]

    def separately(questions: Sequence[Question]) -> None:
        rows = [model.row(question)[0] for question in questions]
        for k in range(5):
            single = [
                Row(r.prompt, r.label_set_id, r.regions, options=[r.options[k]]) for r in rows
            ]
            with torch.inference_mode():
                model.model(**without_labels(collate(single, model.encoder.pad_id)))

    def as_tree(questions: Sequence[Question]) -> None:
        rows = [model.row(question)[0] for question in questions]
        with torch.inference_mode():
            model.model(**without_labels(collate(rows, model.encoder.pad_id)))

    rates = take_turns(batches(asked, 4), as_tree, separately)
    return row("five options as a tree", "five separate sequences", rates, REACH["options"])


def shots_row(bench: Bench) -> str:
    """Three shots, the same for all items: prefilled once, and with each item."""
    model = bench.half
    shots = [
        Exemplar(to_question(item), item.gold_label or "", item.long_answer)
        for item in bench.train[:3]
    ]
    lengths = [len(model.row(question, shots)[0].prompt) for question in bench.questions]

    def shared(questions: Sequence[Question]) -> None:
        model.classify(questions, [shots] * len(questions), batch_size=len(questions))

    def repeated(questions: Sequence[Question]) -> None:
        rows = [model.row(question, shots)[0] for question in questions]
        with torch.inference_mode():
            model.model(**without_labels(collate(rows, model.encoder.pad_id)))

    rates = take_turns(batches(bench.questions, BATCH)[::2], shared, repeated)
    name = f"three shots, prompts of {statistics.median(lengths):.0f} tokens, shared beginning"
    return row(name, "no reuse", rates, REACH["shots"])


def batches(questions: Sequence[Question], size: int) -> list[Sequence[Question]]:
    """Cut questions, sorted by length, into batches."""
    return [questions[start : start + size] for start in range(0, len(questions), size)]


def take_turns(
    parts: Sequence[Sequence[Question]],
    ours: Callable[[Sequence[Question]], Any],
    other: Callable[[Sequence[Question]], Any],
) -> list[tuple[float, float]]:
    """Give the items per second of both ways for each batch, after a pass that warms both up."""
    ours(parts[-1])
    rates = []
    for turn, part in enumerate(parts):
        found = {}
        for way in (ours, other) if turn % 2 == 0 else (other, ours):
            started = time.perf_counter()
            way(part)
            found[way] = len(part) / (time.perf_counter() - started)
        rates.append((found[ours], found[other]))
    return rates


def row(name: str, against: str, rates: Sequence[tuple[float, float]], reach: float) -> str:
    """Write one line of the table."""
    fast, slow = (statistics.median(column) for column in zip(*rates, strict=True))
    ratio = statistics.median(a / b for a, b in rates)
    met = "reached" if ratio >= reach else "**short**"
    line = f"| {name} | {against} | {fast:.2f} | {slow:.2f} | {ratio:.2f}x | {reach:g}x, {met} |"
    print(line, file=sys.stderr, flush=True)
    return line


def without_labels(batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Give what the model needs to classify."""
    return {k: v for k, v in batch.items() if k not in {"labels", "cls_labels"}}


def bare_pass(model: EciModel, questions: Sequence[Question]) -> None:
    """Run the decoder over the whole prompts, and nothing else."""
    rows = [model.row(question)[0] for question in questions]
    branch_ids = (batch := collate(rows, model.encoder.pad_id))["branch_ids"]
    with torch.inference_mode():
        model.model.get_decoder()(
            input_ids=batch["input_ids"],
            attention_mask=padding_mask(branch_ids),
            position_ids=branch_positions(branch_ids),
            use_cache=False,
        )


def longest(bench: Bench) -> int:
    """Give the length to which the reference pads: that of the longest prompt of the data set."""
    everything = [*bench.items, *bench.train]
    return max(len(bench.half.row(to_question(item))[0].prompt) for item in everything)


def reference_pass(
    model: EciModel, questions: Sequence[Question], width: int, head: torch.nn.Linear
) -> None:
    """Classify as the paper's code does: one matrix over the states of every position."""
    rows = [model.row(question)[0] for question in questions]
    input_ids = torch.full((len(rows), width), model.encoder.pad_id)
    mask = torch.zeros_like(input_ids)
    for i, one in enumerate(rows):
        input_ids[i, : len(one.prompt)] = torch.tensor(one.prompt)
        mask[i, : len(one.prompt)] = 1
    with torch.inference_mode():
        output = model.model(input_ids=input_ids, attention_mask=mask, output_hidden_states=True)
        head(output.hidden_states[-1].flatten(1).float())


def option_question(model: EciModel, item: Item) -> Question:
    """Ask for one of five options after a prompt of about 200 tokens."""
    options = LabelSet.from_options(
        {letter: f"Treatment number {i} of the five" for i, letter in enumerate("ABCDE")}
    )
    question = Question(item.question, to_question(item).context, options, item.item_id)
    bare = len(model.row(question.with_context_words(0))[0].prompt)
    for words in range(400, 0, -5):
        cut = question.with_context_words(words)
        if len(model.row(cut)[0].prompt) <= max(200, bare):
            return cut
    return question.with_context_words(0)


def _generate(model: EciModel, questions: Sequence[Question]) -> list[str]:
    """Generate the plain way: prompts in, tokens out, nothing of ours in between."""
    batch = collate([model.row(question)[0] for question in questions], model.encoder.pad_id)
    with torch.inference_mode():
        ids = model.model.generate(
            input_ids=batch["input_ids"],
            attention_mask=(batch["branch_ids"] == PROMPT).long(),
            min_new_tokens=1,
            max_new_tokens=NEW_TOKENS,
            do_sample=False,
            pad_token_id=model.encoder.pad_id,
            eos_token_id=model.encoder.eos_id,
        )
    written = ids[:, batch["input_ids"].shape[1] :]
    return list(model.encoder.tokenizer.batch_decode(written, skip_special_tokens=True))


def memory_note(options: argparse.Namespace) -> str:
    """Measure both ways in processes of their own."""
    command = [sys.executable, __file__, "--data", str(options.data)]
    command += ["--quantization", options.quantization, "--peak-of"]
    loaded_and_peak = {
        way: [int(n) for n in subprocess.check_output([*command, way], text=True).split()[-2:]]
        for way in ("eci", "reference")
    }
    (loaded, ours), (_, theirs) = loaded_and_peak["eci"], loaded_and_peak["reference"]
    added = (ours - loaded) / (theirs - loaded_and_peak["reference"][0])
    return (
        f"Peak memory of a process that classifies the {2 * BATCH} longest prompts in batches of "
        f"{BATCH}: {ours / 1e6:.0f} MB, the reference's way {theirs / 1e6:.0f} MB: "
        f"{ours / theirs:.2f}x (to reach: 0.5x, "
        f"{'reached' if ours <= theirs / 2 else '**short**'}). "
        f"{loaded / 1e6:.0f} MB of each are Python, torch and the loaded model; of what the "
        f"passes add, ours is {added:.2f}x."
    )


def peak_bytes(bench: Bench, way: str) -> str:
    """Run one way and give the process's memory after loading and at its peak, in bytes."""
    model = bench.half
    everything = [to_question(item) for item in (*bench.items, *bench.train)]
    everything.sort(key=lambda question: -len(model.row(question)[0].prompt))
    width = len(model.row(everything[0])[0].prompt)
    head = torch.nn.Linear(width * 576, len(PUBMEDQA))
    loaded = _peak_rss()
    for batch in batches(everything[: 2 * BATCH], BATCH):
        if way == "eci":
            model.classify(batch, batch_size=BATCH)
        else:
            reference_pass(model, batch, width, head)
    return f"{loaded} {_peak_rss()}"


def _peak_rss() -> int:
    # Not ru_maxrss: a child process begins with that of its parent.
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.split("VmHWM:")[1].split()[0])


def machine() -> str:
    """Say what it ran on."""
    load = os.getloadavg()[0]
    return (
        f"{platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}, "
        f"{torch.get_num_threads()} threads, load average {load:.1f}"
    )


if __name__ == "__main__":
    main()
