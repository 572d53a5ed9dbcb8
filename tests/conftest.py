"""Fixtures that several packages' tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

from db.connection import Database
from db.paths import models_dir

# Small matrices, and a test in each core: threads would only wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("LLAMACARE_FEATURES_AHEAD", "0")

# A test that is slow because others run beside it has not failed.
settings.register_profile("beside-others", deadline=None)
settings.load_profile("beside-others")

LONG = ("browser", "hardening", "training")
"""Folders with tests that take seconds each."""

CHAT_TEMPLATE = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Return the public data beside the checkout; tests that want it skip where it is absent."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("data folder ../shared/data not found")
    return folder


@pytest.fixture(scope="session")
def tiny_model_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Llama of 4 layers with a byte-level tokenizer, saved as a model folder is."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("tiny-llama")
    tokenizer = Tokenizer(models.BPE(unk_token=None))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        ["yes no maybe Yes No Maybe A. B. C. D. E. question evidence patient answer"] * 4,
        trainers.BpeTrainer(
            vocab_size=400,
            special_tokens=["<|pad|>", "<|im_start|>", "<|im_end|>"],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<|pad|>",
        eos_token="<|im_end|>",
        additional_special_tokens=["<|im_start|>"],
        chat_template=CHAT_TEMPLATE,
    ).save_pretrained(folder)
    torch.manual_seed(0)
    LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer.get_vocab()),
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=4,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=4096,
            eos_token_id=tokenizer.token_to_id("<|im_end|>"),
            bos_token_id=None,
            pad_token_id=0,
            initializer_range=0.2,
        )
    ).save_pretrained(folder)
    return folder


@pytest.fixture
def bundled_is_tiny(database: Database, tiny_model_dir: Path) -> None:
    """Put the random model where the bundled one would be unpacked to, which takes 20 s."""
    models_dir().mkdir(parents=True, exist_ok=True)
    (models_dir() / "smollm2-135m").symlink_to(tiny_model_dir, target_is_directory=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put files of long tests first, each folder's spread evenly; run a failed browser test again.

    A worker takes one file after the other: so none is left alone with a long one at the end, and
    seldom do all of them drive a browser at once.
    """
    folders: dict[Path, list[Path]] = {}
    for path in dict.fromkeys(item.path for item in items):
        folders.setdefault(path.parent, []).append(path)
    places = {
        path: (folder.name not in LONG, place / len(paths))
        for folder, paths in folders.items()
        for place, path in enumerate(paths)
    }
    items.sort(key=lambda item: places[item.path])
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.flaky(reruns=1))
