"""What the name of a file says of its content: the benchmark, the split, the model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from db.conversions import replace_lone_surrogates
from db.records import Split

BENCHMARKS: Final = (
    "pubmedqa",
    "medqa",
    "medmcqa",
    "mmlu-pro",
    "mmlu",
    "medxpertqa",
    "medbullets",
    "bioasq",
    "afrimedqa",
    "frenchmedmcqa",
    "igakuqa",
    "headqa",
)
SPLITS: Final[Mapping[str, Split]] = {
    "train": "train",
    "training": "train",
    "dev": "dev",
    "val": "dev",
    "valid": "dev",
    "validation": "dev",
    "test": "test",
    "testing": "test",
}


def split_of_name(path: Path) -> Split | None:
    """Return the split that the name of a file says, None where it says none."""
    words = re.split(r"[^a-z]+", path.stem.lower())
    return next((SPLITS[word] for word in words if word in SPLITS), None)


def benchmark_of(path: Path) -> str:
    """Return the benchmark that the name of a file says, nothing where it says none."""
    name = path.stem.casefold().replace("_", "-")
    return max((known for known in BENCHMARKS if known in name), key=len, default="")


def model_of(path: Path) -> str:
    """Return the model that the name of a file begins with, else the name itself."""
    if "__" in path.parent.name:  # lm-evaluation-harness names the folder so
        return path.parent.name.replace("__", "/", 1)
    stem = replace_lone_surrogates(path.stem)
    names = "|".join(re.escape(name) for name in BENCHMARKS)
    found = re.match(rf"(.+?)[-_](?:{names})(?:[-_]|$)", stem, re.IGNORECASE)
    return found[1] if found else stem


def slug(text: str) -> str:
    """Return a text as the beginning of ids: in lower case, without blanks."""
    return re.sub(r"[^\w.-]+", "_", replace_lone_surrogates(text).strip()).strip("_")[:60].lower()
