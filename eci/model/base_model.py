"""Base models: from the name in the settings to a loaded causal LM, and its identity.

A base model is named ``bundled:smollm2-135m``, by a local folder, or by a Hugging Face id.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from eci.errors import BaseModelError
from eci.model.bundled import BUNDLED_PREFIX, bundled_folder
from eci.model.fingerprint import Fingerprint

Quantization = Literal["none", "nf4"]
DEFAULT_BASE: Final = f"{BUNDLED_PREFIX}smollm2-135m"


@dataclass(frozen=True, slots=True)
class LoadedBase:
    """A frozen base model, ready for a head.

    Attributes:
        name: As in the settings.
        fingerprint: Identifies the exact weights and the tokenizer.
        device: Such as ``"cpu"`` or ``"cuda"``.
    """

    model: Any
    tokenizer: Any
    name: str
    fingerprint: Fingerprint
    quantization: Quantization
    device: str


def load_base(
    name: str,
    models_dir: Path,
    *,
    quantization: Quantization = "none",
    device: str = "auto",
    waits_on_host: bool = False,
    dtype: Any = None,
) -> LoadedBase:
    """Load a causal LM and its tokenizer; only safetensors, never code from the model's folder.

    Args:
        name: ``bundled:...``, a folder, or a Hugging Face id.
        models_dir: Where a bundled model is unpacked and digests of weights are kept.
        quantization: ``nf4`` loads 4-bit NF4 with double quantization and bfloat16 compute.
        device: ``auto`` takes the GPU where there is one.
        waits_on_host: Whether the weights stay in host memory, for the caller to bring them to the
            device.
        dtype: Of torch, for the weights; None takes what the device computes well.

    Raises:
        BaseModelError: It cannot be found, reached or read.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    target = resolve_base_model(name, models_dir)
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    _require_device(device)
    if dtype is None:
        dtype = torch.bfloat16 if device != "cpu" or _cpu_computes_bfloat16() else torch.float32
    place = "cpu" if waits_on_host else device
    options: dict[str, Any] = {"dtype": dtype, "use_safetensors": True, "device_map": place}
    if quantization == "nf4":
        options["quantization_config"] = _nf4_config()
    with _explained(name):
        tokenizer = AutoTokenizer.from_pretrained(target, trust_remote_code=False)
        model = AutoModelForCausalLM.from_pretrained(target, trust_remote_code=False, **options)
    model.eval()
    commit = getattr(model.config, "_commit_hash", None)
    fingerprint = Fingerprint.of(target, models_dir, commit)
    return LoadedBase(model, tokenizer, name, fingerprint, quantization, device)


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Raise one error of ours for whatever the libraries raise for a damaged or missing model."""
    try:
        yield
    except Exception as error:
        if isinstance(error, MemoryError) or "memory" in str(error).lower():
            raise  # that is no fault of the model
        raise BaseModelError(_why_not_loaded(name, error)) from error


def _require_device(device: str) -> None:
    import torch

    try:
        kind = torch.device(device).type
    except RuntimeError:
        kind = ""
    if kind == "cpu" or (kind == "cuda" and torch.cuda.is_available()):
        return
    raise BaseModelError(
        f"The device {device!r} is not there: expected auto, cpu or, with a graphics card, "
        "cuda:NUMBER. Choose another device."
    )


def read_config(name: str, models_dir: Path) -> Any:
    """Read a base model's configuration without its weights.

    Raises:
        BaseModelError: It cannot be found, reached or read.
    """
    from transformers import AutoConfig

    target = resolve_base_model(name, models_dir)
    with _explained(name):
        return AutoConfig.from_pretrained(target, trust_remote_code=False)


def resolve_base_model(name: str, models_dir: Path) -> str:
    """Return what ``from_pretrained`` takes: a folder, or a Hugging Face id left as it is.

    Raises:
        BaseModelError: The bundled package is not installed, the name is unknown, or a path does
            not exist.
    """
    if name.startswith(BUNDLED_PREFIX):
        return str(bundled_folder(name.removeprefix(BUNDLED_PREFIX), models_dir))
    folder = Path(name).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise BaseModelError(
                f"Base model folder {name!r} has no config.json. "
                "Name a folder that save_pretrained() wrote."
            )
        return str(folder)
    if is_missing_folder(name):
        raise BaseModelError(
            f"Base model folder {name!r} does not exist. Name an existing folder, a Hugging Face "
            f"id such as 'meta-llama/Llama-2-13b-hf', or '{DEFAULT_BASE}'."
        )
    return name


def is_missing_folder(name: str) -> bool:
    """Return whether a name is that of a folder, as no Hugging Face id is, which does not exist."""
    is_path = name.startswith((".", "/", "~")) or name.count("/") > 1
    return is_path and not Path(name).expanduser().is_dir()


def _nf4_config() -> Any:
    import torch
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
        # Naming any module replaces the built-in list, so lm_head must be named as well.
        llm_int8_skip_modules=["lm_head", "eci_head"],
    )


def _cpu_computes_bfloat16() -> bool:
    """Return whether the CPU computes bfloat16; emulated, it is slower than float32."""
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.exists():
        return False
    flags = cpuinfo.read_text(errors="replace")
    return "avx512_bf16" in flags or "amx_bf16" in flags


def _why_not_loaded(name: str, error: Exception) -> str:
    first_line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if Path(name).expanduser().is_dir() or name.startswith(BUNDLED_PREFIX):
        return (
            f"Base model {name!r} could not be loaded: {first_line}. Its folder is damaged or of "
            "no causal language model: copy it again, or name another."
        )
    if "connect" in str(error) or "offline" in str(error).lower() or "not a valid" in str(error):
        return (
            f"Base model {name!r} is not on this machine and could not be fetched from the Hugging "
            f"Face hub ({first_line}). Check its spelling and the network, or name a local folder."
        )
    return f"Base model {name!r} could not be loaded: {first_line}."
