"""How fast does one prefill give the category, beside every other way to get it?

Same model, prompts and batches; the two ways of each row take turns, batch by batch. Peak memory is
that of a process of its own for each way.

    python benchmarks/eci_speed.py
"""

from __future__ import annotations

import argparse
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
from history import Measured
from measuring import make_parser, peak_rss, record

from db.importers.pubmedqa import parse_pubmedqa
from db.paths import models_dir
from db.records import Item
from eci.answers.reader import read_answer
from eci.model.base_model import DEFAULT_BASE, Quantization, load_base
from eci.model.batching import Row, collate
from eci.model.branches import PROMPT, branch_positions, padding_mask
from eci.model.eci_model import EciModel, build
from eci.model.encoding import PromptSettings
from eci.questions.labels import PUBMEDQA, LabelSet
from eci.questions.prompts import Exemplar, Question

NEW_TOKENS = 64
BATCH = 8
GENERATE_REACH = {BATCH: 6.0, 1: 12.0}
REACH = {
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
        return build(base, prompts=PromptSettings(max_prompt_tokens=2048), **head)


def main() -> None:
    """Measure and record the figures."""
    parser = make_parser(__doc__, wants_data=True)
    parser.add_argument("--items", type=int, default=48)
    parser.add_argument("--quantization", choices=["none", "nf4"], default="none")
    parser.add_argument("--peak-of", choices=["eci", "reference"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    bench = Bench(options.data, options.quantization, options.items)
    if options.peak_of:
        print(peak_bytes(bench, options.peak_of))
        return
    memory = measure_memory(options)
    figures = [
        *compare_generating(bench),
        *compare_bare(bench),
        *compare_reference(bench),
        *compare_options(bench),
        *compare_shots(bench),
        *memory,
    ]
    record(__file__, figures, options, base=DEFAULT_BASE, threads=torch.get_num_threads())


def to_question(item: Item) -> Question:
    """Ask what an item asks."""
    context = tuple((section.heading, section.text) for section in item.context)
    return Question(item.question, context, PUBMEDQA, item.item_id)


def compare_generating(bench: Bench) -> list[Measured]:
    """Against 64 generated tokens and reading them: batched and one at a time."""
    model, figures, num_bare, num_read = bench.half, [], 0, 0

    def generate(questions: Sequence[Question]) -> None:
        nonlocal num_bare, num_read
        texts = _generate(model, questions)
        num_bare += sum(read_answer(text, PUBMEDQA).form == "bare" for text in texts)
        num_read += len(texts)

    for size, reach in GENERATE_REACH.items():
        questions = bench.questions if size > 1 else bench.questions[::4]
        rates = take_turns(
            batches(questions, size), lambda b: model.classify(b, batch_size=len(b)), generate
        )
        name = "one item at a time" if size == 1 else f"batches of {size}"
        against = f"generate {NEW_TOKENS} and read"
        figures += compared(f"half of the layers, {name}", against, rates, reach)
    not_bare = 1 - num_bare / num_read
    what = "generated answers that were no bare category"
    return [*figures, Measured(what, "share", not_bare, "share", num_read, section="Answers")]


def compare_bare(bench: Bench) -> list[Measured]:
    """Against bare passes over the same tokens, sorted by length."""
    figures = []
    for name, model in (("all layers", bench.whole), ("half of the layers", bench.half)):
        rates = take_turns(
            batches(bench.questions, BATCH),
            lambda b, model=model: model.classify(b, batch_size=len(b)),  # type: ignore[misc]
            lambda b, model=model: bare_pass(model, b),  # type: ignore[misc]
        )
        figures += compared(name, "bare passes of all layers, no head", rates, REACH["bare"])
    return figures


def compare_reference(bench: Bench) -> list[Measured]:
    """Against the reference's way: pad to the longest, keep all layers' states, flatten."""
    width = longest(bench)
    head = torch.nn.Linear(width * 576, len(PUBMEDQA))
    rates = take_turns(
        batches(bench.questions, BATCH)[::2],
        lambda b: bench.half.classify(b, batch_size=len(b)),
        lambda b: reference_pass(bench.half, b, width, head),
    )
    name = f"padded to {width} tokens, all layers' states kept, flattened"
    return compared("half of the layers", name, rates, REACH["reference"])


def compare_options(bench: Bench) -> list[Measured]:
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
    return compared("five options as a tree", "five separate sequences", rates, REACH["options"])


def compare_shots(bench: Bench) -> list[Measured]:
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
    return compared(name, "no reuse", rates, REACH["shots"])


def batches(questions: Sequence[Question], size: int) -> list[Sequence[Question]]:
    """Cut questions, sorted by length, into batches."""
    return [questions[start : start + size] for start in range(0, len(questions), size)]


def take_turns(
    parts: Sequence[Sequence[Question]],
    ours: Callable[[Sequence[Question]], Any],
    other: Callable[[Sequence[Question]], Any],
) -> list[tuple[float, float]]:
    """Return the items per second of both ways for each batch, after a pass that warms both up."""
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


def compared(
    name: str, against: str, rates: Sequence[tuple[float, float]], reach: float
) -> list[Measured]:
    """Return the medians of both ways and of their ratio."""
    fast, slow = (statistics.median(column) for column in zip(*rates, strict=True))
    ratio = statistics.median(a / b for a, b in rates)
    what = f"{name}, against: {against}"
    print(f"{what}: {ratio:.2f}", file=sys.stderr, flush=True)
    return [
        Measured(what, "ECI", fast, "items/s"),
        Measured(what, "other", slow, "items/s"),
        Measured(what, "ratio", ratio, at_least=reach),
    ]


def without_labels(batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return what the model needs to classify."""
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
    """Return the length to which the reference pads: that of the longest prompt of the data set."""
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


def measure_memory(options: argparse.Namespace) -> list[Measured]:
    """Measure both ways in processes of their own."""
    command = [sys.executable, __file__, "--data", str(options.data)]
    command += ["--quantization", options.quantization, "--peak-of"]
    section = f"Memory of a process: the {2 * BATCH} longest prompts in batches of {BATCH}"
    found: dict[str, tuple[int, int]] = {}
    figures = []
    for way in ("eci", "reference"):
        output = subprocess.check_output([*command, way], text=True)
        loaded, peak = found[way] = (int(output.split()[-2]), int(output.split()[-1]))
        figures += [
            Measured(way, "loaded", loaded / 1e6, "MB", section=section),
            Measured(way, "peak", peak / 1e6, "MB", section=section),
        ]
    (loaded, ours), (also_loaded, theirs) = found.values()
    added = (ours - loaded) / (theirs - also_loaded)
    return [
        *figures,
        Measured("eci / reference", "peak", ours / theirs, section=section, at_most=0.5),
        Measured("eci / reference", "added by the passes", added, section=section),
    ]


def peak_bytes(bench: Bench, way: str) -> str:
    """Run one way and give the process's memory after loading and at its peak, in bytes."""
    model = bench.half
    everything = [to_question(item) for item in (*bench.items, *bench.train)]
    everything.sort(key=lambda question: -len(model.row(question)[0].prompt))
    width = len(model.row(everything[0])[0].prompt)
    head = torch.nn.Linear(width * 576, len(PUBMEDQA))
    loaded = peak_rss()
    for batch in batches(everything[: 2 * BATCH], BATCH):
        if way == "eci":
            model.classify(batch, batch_size=BATCH)
        else:
            reference_pass(model, batch, width, head)
    return f"{loaded} {peak_rss()}"


if __name__ == "__main__":
    main()
