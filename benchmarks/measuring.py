"""What every benchmark does besides measuring: its options, its figures, the record of the run."""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from history import (
    HISTORY,
    RESULTS,
    UNRECORDED,
    Machine,
    Measured,
    Row,
    append,
    read_notes,
    render,
    write_tables,
)

ROOT = Path(__file__).resolve().parents[1]
_PACKAGES = (
    *("numpy", "scikit-learn", "torch", "transformers", "peft", "bitsandbytes", "trl"),
    *("duckdb", "pyarrow", "streamlit"),
)


def estimated(what: str, measure: str, estimate: Any, unit: str = "share", **rest: Any) -> Measured:
    """Return an estimate as a figure with its n and interval, or the reason why it has none."""
    low, high = (
        (estimate.interval.low, estimate.interval.high) if estimate.interval else (None, None)
    )
    rest = {"n": estimate.n, "note": estimate.undefined_because or "", **rest}
    return Measured(what, measure, estimate.value, unit, low=low, high=high, **rest)


def spread(
    what: str,
    values: Sequence[float],
    unit: str,
    *,
    quantile: float | None = None,
    at_most: Mapping[str, float] | None = None,
    section: str = "",
) -> list[Measured]:
    """Return the median and the largest of repeated measurements, and a quantile between them.

    Args:
        what: What took so long or so much.
        values: One for each round.
        unit: Of the values.
        quantile: Such as 0.95, whose measure is ``p95``.
        at_most: Limits by measure: ``median``, ``p95``, ``slowest``.
        section: Heading of the table.
    """
    by_measure = {"median": statistics.median(values)}
    if quantile is not None:
        by_measure[f"p{100 * quantile:.0f}"] = float(np.quantile(values, quantile))
    by_measure["slowest"] = max(values)
    limits = at_most or {}
    return [
        Measured(what, name, value, unit, len(values), at_most=limits.get(name), section=section)
        for name, value in by_measure.items()
    ]


def make_parser(doc: str | None, *, wants_data: bool = False) -> argparse.ArgumentParser:
    """Return a parser with what all benchmarks understand.

    Args:
        doc: The script's docstring.
        wants_data: Whether it reads the public data; where they are absent it exits with code 2.
    """
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dry-run", action="store_true", help="print the table, keep nothing")
    if wants_data:
        shared = str(ROOT.parent / "shared" / "data")
        parser.add_argument("--data", type=_data_folder, default=shared, help="the data folder")
    return parser


def record(
    script: str,
    measured: Iterable[Measured],
    options: argparse.Namespace,
    *,
    is_partial: bool = False,
    **conditions: float | str,
) -> None:
    """Append a run to the history, write its table again and print it.

    Args:
        script: The benchmark's ``__file__``.
        measured: Its figures, in the order of the table.
        options: What ``make_parser`` parsed. With ``--dry-run`` the table is printed only.
        is_partial: Only some parts were measured: they are kept, the table stays as it is.
        **conditions: What else tells this run from others, such as the number of rounds.
    """
    figures = list(measured)
    run: dict[str, Any] = {
        "benchmark": Path(script).stem,
        "date": datetime.now(UTC),
        "commit": _commit(),
        "num_rows": len(figures),
        "is_partial": is_partial,
        "machine": _machine(),
        "versions": _versions(),
        "conditions": _conditions({**vars(options), **conditions}),
    }
    rows = [Row(**asdict(figure), **run) for figure in figures]
    if not options.dry_run:
        append(rows, RESULTS / HISTORY.name)
        if not is_partial:
            write_tables(RESULTS)
    print(render(rows, read_notes(RESULTS, Path(script).stem)), end="")


def peak_rss() -> int:
    """Return the most memory that this process has used so far, in bytes."""
    # Not ru_maxrss: a child process begins with that of its parent.
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.split("VmHWM:")[1].split()[0])


def _machine() -> Machine:
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return Machine(_cpu(), os.cpu_count(), round(memory, 1), _accelerator())


def _data_folder(text: str) -> Path:
    path = Path(text)
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {path}; pass the public data's")
    return path


def _conditions(given: Mapping[str, Any]) -> dict[str, float | str]:
    conditions: dict[str, float | str] = {
        name.replace("_", " "): value
        for name, value in given.items()
        if isinstance(value, int | float | str) and not isinstance(value, bool)
    }
    return {**conditions, "load average": round(os.getloadavg()[1], 1)}


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


def _commit() -> str:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        return UNRECORDED
    changed = _output("git", "status", "--porcelain", "-uno", "--", ".", ":!benchmarks/results")
    return _output("git", "rev-parse", "HEAD") + ("+changes" if changed else "")


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _accelerator() -> str:
    if shutil.which("nvidia-smi") is None:
        return "none"
    names = _output("nvidia-smi", "--query-gpu=name", "--format=csv,noheader").splitlines()
    return ", ".join(names) or "none"


def _output(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""
