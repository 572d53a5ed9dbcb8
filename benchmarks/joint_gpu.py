"""Does a 24 GB card hold the joint training of a 13B model, and how fast is it beside plain PEFT?

A random-weight model of Llama-2-13B's shape in double-quantised NF4: weights are drawn and
quantised one matrix at a time on the card, so that neither host nor card ever holds the model in
full precision, and nothing is downloaded. On it the preset qlora-13b's own step: batch 4, 896
prompt and 128 answer tokens a row, gradient checkpointing; by our trainer with the head, and by
plain PEFT with transformers' Trainer, which has the same adapter, the same ids and the loss on the
same tokens, but no head. Three more ways show what could make it faster: rows of mixed lengths, as
items have them, in batches grouped by length; decoder layers through torch.compile; twice the rows
a step. Each way in a process of its own, in turns.

    python benchmarks/joint_gpu.py [--rounds 3] [--steps 6]

Speed and memory only: random weights learn nothing. Peaks are those of the whole process, building
the model included. Without a graphics card the script says so, prints an estimate and the padded
share of grouped and of random batches, which needs no card, keeps nothing and exits 0. --tiny takes
the same steps on the CPU with a tiny model, to see that they work, and keeps nothing.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any

from history import Measured
from measuring import make_parser, record

JOINT, PLAIN, MIXED, COMPILED, MORE = "joint", "plain", "mixed lengths", "compiled", "more rows"
WAYS = (JOINT, PLAIN, MIXED, COMPILED, MORE)
LENGTHS = (420, 160)
"""Mean and standard deviation of the tokens of a row that MIXED draws, as of PubMedQA's abstracts
with question and instruction; cut to what the preset allows."""
SKIPPED = 2
"""The first steps warm up allocators and kernels."""
REACH, LIMIT = 16e9, 22e9
"""Bytes of the card: to reach, and never to exceed, so that a card of 24 GB holds it."""
SEED = 0


def main(arguments: list[str] | None = None) -> int:
    """Measure where there is a graphics card, else estimate."""
    parser = make_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=6, help="timed steps in each round")
    parser.add_argument("--tiny", action="store_true", help="a tiny model, here on the CPU")
    parser.add_argument("--way", choices=WAYS, help="take the steps of one way, for this script")
    options = parser.parse_args(arguments)
    if options.way:
        print(json.dumps(take_steps(options.way, options.steps, is_tiny=options.tiny)))
        return 0
    if not options.tiny and not _has_card():
        print(estimate())
        return 0
    found: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
    for _ in range(options.rounds):
        for way, rounds in found.items():
            rounds.append(_in_process(way, options))
            print(way, rounds[-1], file=sys.stderr)
    options.dry_run |= options.tiny
    record(__file__, _figures(found), options)
    return 0


def estimate() -> str:
    """Say that nothing was measured, and what arithmetic leads one to expect."""
    from training.joint.memory import DecoderShape, estimate_step

    settings = _settings(is_tiny=False)
    memory = estimate_step(DecoderShape.of(_config(is_tiny=False)), settings)
    parts = {
        "decoder in NF4 (4.127 bits a weight)": memory.layers,
        "embeddings and output layer (bfloat16)": memory.ends,
        f"LoRA rank {settings.lora.rank}, gradient, two moments (float32)": memory.adapter,
        "input of each layer, kept by checkpointing": memory.kept,
        "one layer computed again and its backward pass": memory.passing,
    }
    return "\n".join(
        [
            "No graphics card that torch can use: nothing was measured, nothing is kept.",
            "ESTIMATE (training/joint/memory.py), batch 4 x 1,024 tokens, GB:",
            *(f"{count / 1e9:6.2f}  {name}" for name, count in parts.items()),
            f"{memory.total / 1e9:6.2f}  in all; to reach {REACH / 1e9:.0f}, never above "
            f"{LIMIT / 1e9:.0f}",
            "COMPUTED: padded share of rows of mixed lengths, "
            + ", ".join(f"{name} {share:.1%}" for name, share in padded_shares(settings).items()),
        ]
    )


def padded_shares(settings: Any, num_rows: int = 2000) -> dict[str, float]:
    """Return the share of padding in all tokens of an epoch: grouped by length, and at random."""
    from training.joint.trainer import _LengthSampler

    size, accumulation = settings.optimizer.batch_size, settings.optimizer.accumulation
    lengths = [row.num_tokens for row in _rows(settings, 100, num_rows // size, is_mixed=True)]
    grouped = list(_LengthSampler(size * accumulation, lengths, SEED, 1))
    drawn = random.Random(SEED).sample(range(len(lengths)), len(lengths))  # noqa: S311 - no secret
    return {
        name: _padded(
            [[lengths[i] for i in order[k : k + size]] for k in range(0, len(order), size)]
        )
        for name, order in (("grouped by length", grouped), ("at random", drawn))
    }


def _padded(batches: list[list[int]]) -> float:
    computed = sum(max(batch) * len(batch) for batch in batches)
    return 1 - sum(map(sum, batches)) / computed


def take_steps(way: str, num_steps: int, *, is_tiny: bool) -> dict[str, Any]:
    """Build the model, take the steps of one way, and give its times and peaks.

    Args:
        way: One of ``WAYS``.
        num_steps: Timed steps, after those that warm up.
        is_tiny: Whether on the CPU with a tiny model.
    """
    import torch

    from eci.model.architecture import decoder_layers
    from eci.model.base_model import LoadedBase
    from eci.model.eci_model import build
    from training.joint.adapter import add_adapter

    torch.manual_seed(SEED)
    device = "cpu" if is_tiny else "cuda:0"
    settings = _settings(is_tiny=is_tiny)
    if way == MORE:
        doubled = {"batch_size": 2 * settings.optimizer.batch_size}
        optimizer = settings.optimizer.model_copy(update=doubled)
        settings = settings.model_copy(update={"optimizer": optimizer})
    language_model = random_nf4(_config(is_tiny=is_tiny), device)
    vocabulary = language_model.config.vocab_size
    rows = _rows(settings, vocabulary, SKIPPED + num_steps, is_mixed=way == MIXED)
    if way != PLAIN:
        base = LoadedBase(language_model, _tokenizer(), "random", "random", "nf4", device)
        model = build(
            base,
            pooling=settings.head.pooling,
            uses_scores=settings.head.scores,
            dropout=settings.head.dropout,
            weight=settings.head.weight,
            prompts=settings.model.prompts,
        )
        add_adapter(model, settings.lora, checkpointing=settings.optimizer.gradient_checkpointing)
        if way == COMPILED:
            for layer in decoder_layers(model.model.get_base_model()):
                layer.compile(backend="eager" if is_tiny else "inductor")
        times = _ours(model, rows, settings)
    else:
        times = _theirs(language_model, rows, settings)
    timed = times[SKIPPED:]
    # Of mixed lengths no step is like another: what counts is all tokens in all the time.
    step = statistics.mean(timed) if way == MIXED else statistics.median(timed)
    each = sum(row.num_tokens for row in rows) / len(times)
    return {
        "step_seconds": step,
        "tokens_per_second": each / step,
        "allocated_bytes": 0 if is_tiny else torch.cuda.max_memory_allocated(),
        "reserved_bytes": 0 if is_tiny else torch.cuda.max_memory_reserved(),
        "host_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def random_nf4(config: Any, device: str) -> Any:
    """Make a causal LM with random weights in NF4, one matrix at a time.

    Args:
        config: Of a Llama.
        device: Where the weights are drawn and stay.
    """
    import torch
    from transformers import LlamaForCausalLM
    from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

    with torch.device("meta"):
        model = LlamaForCausalLM._from_config(
            config, dtype=torch.bfloat16, attn_implementation="sdpa"
        )
    for layer in model.model.layers:
        for name, module in list(layer.named_modules()):
            if isinstance(module, torch.nn.Linear):
                layer.set_submodule(name, _random_linear(module, config, device))
    for name, parameter in list(model.named_parameters()):
        if parameter.is_meta:
            owner, _, own_name = name.rpartition(".")
            filled = torch.ones(parameter.shape, dtype=torch.bfloat16, device=device)
            if parameter.ndim > 1:
                filled.normal_(std=config.initializer_range)
            model.get_submodule(owner).register_parameter(own_name, torch.nn.Parameter(filled))
    model.model.rotary_emb = LlamaRotaryEmbedding(config).to(device)
    model.is_loaded_in_4bit = True  # what PEFT asks
    return model.eval()


def _random_linear(module: Any, config: Any, device: str) -> Any:
    import bitsandbytes as bnb
    import torch

    weight = torch.empty(module.weight.shape, dtype=torch.bfloat16, device=device)
    weight.normal_(std=config.initializer_range)
    linear = bnb.nn.Linear4bit(
        module.in_features,
        module.out_features,
        bias=False,
        compute_dtype=torch.bfloat16,
        quant_type="nf4",
        device="meta",
    )
    linear.weight = bnb.nn.Params4bit(
        weight, requires_grad=False, quant_type="nf4", compress_statistics=True, module=linear
    ).to(device)
    return linear


def _ours(model: Any, rows: list[Any], settings: Any) -> list[float]:
    from training.joint.trainer import EciTrainer, RowDataset

    timer = _timer()
    with tempfile.TemporaryDirectory() as folder:
        EciTrainer(
            model=model.model,
            args=_arguments(folder, len(rows), settings),
            train_dataset=RowDataset(rows),
            pad_id=model.encoder.pad_id,
            weight=settings.head.weight,
            head_learning_rate=settings.optimizer.head_learning_rate,
            callbacks=[timer],
        ).train()
    return timer.times


def _theirs(model: Any, rows: list[Any], settings: Any) -> list[float]:
    from peft import LoraConfig, get_peft_model
    from transformers import Trainer, default_data_collator

    from training.joint.adapter import keep_autograd

    keep_autograd(model)
    model.gradient_checkpointing_enable({"use_reentrant": False})
    model.enable_input_require_grads()
    adapted = get_peft_model(
        model,
        LoraConfig(
            r=settings.lora.rank,
            lora_alpha=settings.lora.alpha,
            lora_dropout=settings.lora.dropout,
            target_modules="all-linear",
            task_type="CAUSAL_LM",
        ),
    )
    features = [
        {
            "input_ids": [*row.prompt, *row.answer],
            "attention_mask": [1] * row.num_tokens,
            "labels": [-100] * len(row.prompt) + list(row.answer),
        }
        for row in rows
    ]
    timer = _timer()
    with tempfile.TemporaryDirectory() as folder:
        Trainer(
            model=adapted,
            args=_arguments(folder, len(rows), settings),
            train_dataset=features,
            data_collator=default_data_collator,
            callbacks=[timer],
        ).train()
    return timer.times


def _arguments(folder: str, num_rows: int, settings: Any) -> Any:
    from transformers import TrainingArguments

    return TrainingArguments(
        output_dir=folder,
        max_steps=num_rows // settings.optimizer.batch_size,
        per_device_train_batch_size=settings.optimizer.batch_size,
        learning_rate=settings.optimizer.learning_rate,
        use_cpu=settings.model.device == "cpu",
        seed=SEED,
        save_strategy="no",
        logging_strategy="no",
        remove_unused_columns=False,
        label_names=["labels", "cls_labels"],
        dataloader_pin_memory=False,
        report_to=[],
        disable_tqdm=True,
    )


def _timer() -> Any:
    import torch
    from transformers import TrainerCallback

    def now() -> float:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return time.perf_counter()

    class Timer(TrainerCallback):  # type: ignore[misc]
        """Notes the wall-clock time of each optimizer step."""

        def __init__(self) -> None:
            self.times: list[float] = []

        def on_step_begin(self, *_: Any, **__: Any) -> None:
            self._since = now()

        def on_step_end(self, *_: Any, **__: Any) -> None:
            self.times.append(now() - self._since)

    return Timer()


def _settings(*, is_tiny: bool) -> Any:
    """Return the preset's settings; a tiny model has tiny rows, too."""
    from training.settings.training import get_preset

    settings = get_preset("qlora-13b").settings
    if not is_tiny:
        return settings
    model = settings.model.model_copy(update={"device": "cpu", "max_prompt_tokens": 24})
    data = settings.data.model_copy(update={"max_answer_tokens": 8})
    lora = settings.lora.model_copy(update={"rank": 4})
    return settings.model_copy(update={"model": model, "data": data, "lora": lora})


def _config(*, is_tiny: bool) -> Any:
    """Return Llama-2-13B's shape, or a tiny one."""
    from transformers import LlamaConfig

    if is_tiny:
        return LlamaConfig(
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=2,
            num_attention_heads=4,
            vocab_size=400,
        )
    return LlamaConfig(
        hidden_size=5120,
        intermediate_size=13824,
        num_hidden_layers=40,
        num_attention_heads=40,
        vocab_size=32000,
        max_position_embeddings=4096,
    )


def _tokenizer() -> Any:
    """Make a tokenizer of single bytes: the head asks it for its labels' first tokens."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        special_tokens=["<pad>", "</s>"], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(["yes no maybe Yes No Maybe"], trainer)
    made = PreTrainedTokenizerFast(tokenizer_object=tokenizer)
    made.add_special_tokens({"pad_token": "<pad>", "eos_token": "</s>"})
    return made


def _rows(settings: Any, vocabulary: int, num_steps: int, *, is_mixed: bool = False) -> list[Any]:
    """Draw rows of random ids: of mixed lengths, or all as long as the settings allow."""
    from eci.model.batching import Row

    draw = random.Random(SEED)  # noqa: S311 - no secret
    longest, num_answer = settings.model.max_prompt_tokens, settings.data.max_answer_tokens

    def one() -> Any:
        drawn = int(draw.gauss(*LENGTHS)) if is_mixed else longest
        num_prompt = min(max(drawn, longest // 8), longest)
        half = num_prompt // 2
        return Row(
            prompt=draw.choices(range(2, vocabulary), k=num_prompt),
            label_set_id=1,
            regions=((0, num_prompt), (half, num_prompt), (0, half)),
            answer=draw.choices(range(2, vocabulary), k=num_answer),
            label=draw.randrange(3),
        )

    return [one() for _ in range(num_steps * settings.optimizer.batch_size)]


def _has_card() -> bool:
    import torch

    return bool(torch.cuda.is_available())


def _in_process(way: str, options: argparse.Namespace) -> dict[str, Any]:
    tiny = ["--tiny"] if options.tiny else []
    done = subprocess.run(
        [sys.executable, __file__, "--steps", str(options.steps), *tiny, "--way", way],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    measured: dict[str, Any] = json.loads(done.stdout.strip().rpartition("\n")[2])
    return measured


def _figures(found: dict[str, list[dict[str, Any]]]) -> Iterator[Measured]:
    for way, rounds in found.items():
        for measure, name, scale, unit in (
            ("tokens/s", "tokens_per_second", 1, ""),
            ("step", "step_seconds", 1, "s"),
            ("peak allocated", "allocated_bytes", 1e9, "GB"),
            ("peak reserved", "reserved_bytes", 1e9, "GB"),
            ("host", "host_bytes", 1e9, "GB"),
        ):
            yield Measured(way, measure, _median(rounds, name) / scale, unit, len(rounds))
    rates = {way: _median(rounds, "tokens_per_second") for way, rounds in found.items()}
    yield Measured("joint / plain", "tokens/s", rates[JOINT] / rates[PLAIN])
    for way in (MIXED, COMPILED, MORE):
        yield Measured(f"{way} / joint", "tokens/s", rates[way] / rates[JOINT])
    for name, share in padded_shares(_settings(is_tiny=False)).items():
        yield Measured(f"mixed lengths, {name}", "padded share", share, "share")
    peak = max(one["reserved_bytes"] for one in found[JOINT]) / 1e9
    for words, limit in (("to reach", REACH), ("never above", LIMIT)):
        what = f"joint, largest of any round, {words}"
        yield Measured(what, "peak reserved", peak, "GB", at_most=limit / 1e9)


def _median(rounds: list[dict[str, Any]], name: str) -> float:
    return statistics.median(one[name] for one in rounds)


if __name__ == "__main__":
    sys.exit(main())
