"""How long from Retrain to new figures, or from the end of a run until the page tells of it?

Four parts. ``refit``: 1,000 PubMedQA items with cached features, 10 new corrections, the press of
Retrain in a headless Chromium until the run's figures are painted; the first press after the start
of the app, and a second one. ``start``: from starting the app to its first page painted, with a
training run going on and with none, in turns. ``ended``: a joint run in its steps, killed with
signal 9 or cancelled on the page, until the page says so. ``head``: parameters and training memory
of our head and of the reference's flattened one at 1,900 tokens of a 13B model.

Features are random with the labels written into them: a fit takes as long on them as on real ones.

    python benchmarks/retrain_tiers.py [--part refit|start|ended|head] [--rounds 5]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import numpy as np
from training_beside import training_run

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "benchmarks" / "results" / "retrain_tiers.md"
CHROMIUM_ARGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run")
NUM_CORRECTIONS = 10
HIDDEN, TOKENS, BATCH, LABELS, BOTTLENECK = 5120, 1900, 4, 3, 4
"""Llama-2-13B's width; the reference's length, its bottleneck and a batch of 4."""


def main() -> int:
    """Make the tables; exit code 2 where the data are absent."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--part", choices=tuple(_PARTS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--train-head", choices=("ours", "reference"), help="for this script")
    options = parser.parse_args()
    if options.train_head:
        print(_train_head(options.train_head))
        return 0
    if not options.data.is_dir():
        print(f"No folder {options.data}. Pass the data folder with --data.", file=sys.stderr)
        return 2
    chosen = [options.part] if options.part else list(_PARTS)
    parts = [_PARTS[name](options) for name in chosen]
    made = (
        f"Made by `python benchmarks/retrain_tiers.py`, medians of {options.rounds} rounds; Python "
        f"{platform.python_version()}, {os.cpu_count()} cores, load average "
        f"{os.getloadavg()[0]:.1f} at the end."
    )
    text = "\n\n".join(["# Tiers of retraining", *parts, made])
    print(text)
    if not options.part:
        RESULT.write_text(f"{text}\n", encoding="utf-8")
    return 0


def _measure_refit(options: argparse.Namespace) -> str:
    first, second = [], []
    with _home() as home:
        _fill(options.data)
        for _ in range(options.rounds):
            _correct(NUM_CORRECTIONS)
            with _app(home) as url, _page() as page:
                page.goto(f"{url}/training")
                page.get_by_role("radio", name="Refit the head").click()
                page.locator(".st-key-training_source").wait_for()
                first.append(_press_retrain(page))
                second.append(_press_retrain(page))
            print(f"refit {first[-1]:.2f} {second[-1]:.2f}", file=sys.stderr)
    return (
        f"Press of Retrain to new figures painted, {NUM_CORRECTIONS} new corrections, 1,000 items, "
        "features cached; at most 2 s:\n\n| press | s | slowest |\n|---|---|---|\n"
        f"| first after the start of the app | {statistics.median(first):.2f} | {max(first):.2f} |"
        f"\n| second | {statistics.median(second):.2f} | {max(second):.2f} |"
    )


def _press_retrain(page: Any) -> float:
    """Press and wait until a run of another id stands there with its figures; give the seconds."""
    find = r"document.body.innerText.match(/\d{8}-\d{6}-refit-[0-9a-f]{4}/)?.[0]"
    before = page.evaluate(find)
    page.wait_for_timeout(1000)  # the page is still
    begin = time.perf_counter()
    page.locator(".st-key-training_retrain button").click()
    page.wait_for_function(
        f"before => {find} !== before && document.body.innerText.includes('Finished')"
        " && document.querySelector('.stApp').dataset.testScriptState === 'notRunning'",
        arg=before,
    )
    return time.perf_counter() - begin


def _measure_start(options: argparse.Namespace) -> str:
    found: dict[str, list[float]] = {"none": [], "one": []}
    with _home() as home:
        _fill(options.data)
        for _ in range(options.rounds):
            for kind, seconds in found.items():
                beside = training_run(home) if kind == "one" else nullcontext()
                with beside, _page() as page:
                    begin = time.perf_counter()
                    with _app(home) as url:
                        page.goto(f"{url}/browse")
                        page.get_by_test_id("stDataFrame").first.wait_for()
                        seconds.append(time.perf_counter() - begin)
            print(f"start {found['none'][-1]:.2f} {found['one'][-1]:.2f}", file=sys.stderr)
    alone, along = (statistics.median(found[kind]) for kind in ("none", "one"))
    return (
        "Start of the app to its first page painted:\n\n| runs going on | s |\n|---|---|\n"
        f"| none | {alone:.2f} |\n| one, of the smoke preset | {along:.2f} |\n\n"
        f"Ratio {along / alone:.2f}, at most 1.2."
    )


def _measure_ended(options: argparse.Namespace) -> str:
    found: dict[str, list[float]] = {"Interrupted": [], "Cancelled": []}
    for _ in range(options.rounds):
        for word, seconds in found.items():
            with (
                _home() as home,
                training_run(home) as run_dir,
                _app(home) as url,
                _page() as page,
            ):
                page.goto(f"{url}/training")
                button = page.get_by_role("button", name="Cancel")
                button.wait_for()
                begin = time.perf_counter()
                if word == "Cancelled":
                    button.click()
                else:
                    os.kill(run_dir.read_status().pid or 0, signal.SIGKILL)
                page.get_by_text(re.compile(f"^{word}")).first.wait_for()
                seconds.append(time.perf_counter() - begin)
        print("ended", *(f"{name} {times[-1]:.1f}" for name, times in found.items()))
    rows = [
        f"| {how} | {statistics.median(found[word]):.1f} | {max(found[word]):.1f} | {limit} |"
        for how, word, limit in (
            ("killed with signal 9", "Interrupted", "15"),
            ("cancelled on the page", "Cancelled", "a step and 10"),
        )
    ]
    return "\n".join(
        [
            "A joint run of the bundled model in its steps, until the page says that it ended:",
            "",
            "| how it ends | s | slowest | at most, s |",
            "|---|---|---|---|",
            *rows,
        ]
    )


def _measure_head(options: argparse.Namespace) -> str:
    del options
    found = {kind: _head_in_process(kind) for kind in ("ours", "reference")}
    ours, reference = found["ours"], found["reference"]
    rows = [
        f"| {kind} | {one['num_parameters']:,} | {one['bytes'] / 2**20:,.1f} | "
        f"{one['peak_mib']:,.0f} |"
        for kind, one in found.items()
    ]
    return "\n".join(
        [
            f"A head on a hidden size of {HIDDEN}, batch {BATCH}, {TOKENS} tokens:",
            "",
            "| head | parameters | weights, gradients, Adam, inputs, MiB | peak of a step, MiB |",
            "|---|---|---|---|",
            *rows,
            "",
            f"Parameters 1/{reference['num_parameters'] / ours['num_parameters']:,.0f}, memory "
            f"{ours['bytes'] / reference['bytes']:.4f} of the reference's; at most 1/500 and 0.5.",
        ]
    )


def _head_in_process(kind: str) -> dict[str, Any]:
    command = [sys.executable, __file__, "--train-head", kind]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    measured: dict[str, Any] = json.loads(done.stdout)
    return measured


def _train_head(kind: str) -> str:
    """Take three steps of Adam; give parameters, bytes held, and the growth of peak memory."""
    import torch
    from torch import nn

    from eci.head import EciHead, HeadConfig, HeadInputs

    torch.manual_seed(0)
    labels = torch.randint(LABELS, (BATCH,))
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    before = _peak_kib()
    if kind == "ours":
        config = HeadConfig(HIDDEN, {"pubmedqa": LABELS})
        head: nn.Module = EciHead(config)
        states = torch.randn(BATCH, len(config.parts), HIDDEN)
        given = HeadInputs(states, torch.randn(BATCH, LABELS))
        parameters = [*head.linears["pubmedqa"].parameters(), head.scales["pubmedqa"]]
        size = states.nbytes

        def forward() -> Any:
            return head("pubmedqa", given)
    else:
        # Every token's state side by side, as the reference flattens them, its narrowest layer.
        head = nn.Sequential(
            nn.Flatten(),
            nn.Linear(TOKENS * HIDDEN, BOTTLENECK),
            nn.LeakyReLU(),
            nn.Linear(BOTTLENECK, LABELS),
        )
        states = torch.randn(BATCH, TOKENS, HIDDEN)
        parameters = list(head.parameters())
        size = states.nbytes

        def forward() -> Any:
            return head(states)

    optimizer = torch.optim.AdamW(parameters)
    for _ in range(3):
        optimizer.zero_grad()
        nn.functional.cross_entropy(forward(), labels).backward()
        optimizer.step()
    peak = (_peak_kib() - before) / 1024
    count = sum(parameter.numel() for parameter in parameters)
    # float32: the weight, its gradient, two moments.
    return json.dumps({"num_parameters": count, "bytes": 16 * count + size, "peak_mib": peak})


def _peak_kib() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


@contextmanager
def _home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        os.environ["LLAMACARE_HOME"] = name
        yield Path(name)


def _fill(data: Path) -> None:
    """Import PubMedQA, keep features for all its items, and refit once."""
    from db.connection import Database
    from db.home import cache_dir
    from db.importers import import_file
    from db.reviewers import add_reviewer
    from db.snapshot import read_snapshot
    from streamlit_app.sign_in import DEFAULT_NAME
    from training.dataset import to_question
    from training.head_features import Features, HeadFeatures
    from training.head_source import HeadSource, find_info, prefill
    from training.plan import make_plan, start_plan

    database = Database.open()
    folder = data / "pubmedqa"
    import_file(
        database,
        "pubmedqa",
        folder / "ori_pqal.json",
        test_split=folder / "test_ground_truth.json",
    )
    with database.transaction() as cur:
        person = add_reviewer(cur, DEFAULT_NAME, "admin").reviewer_id
    plan = make_plan(database, "refit", source="base")
    snapshot = read_snapshot(database.cursor())
    items = [*snapshot.train, *snapshot.test]
    cache = cache_dir() / "head_features"
    # One item is prefilled in earnest: it tells what the model is and how its features look.
    settings: Any = plan.settings
    prefill(_Silent(), settings, HeadSource(None), items[:1], cache)  # type: ignore[arg-type]
    info = find_info(settings, HeadSource(None), items[:1], cache)
    assert info is not None
    features = HeadFeatures(cache, info)
    shape = features.get([to_question(items[0])]).states.shape[1:]
    rng = np.random.default_rng(0)
    y = np.array([item.labels.index(item.label) for item in items])
    signal = rng.normal(size=(LABELS, *shape))
    states = rng.normal(size=(len(items), *shape)) + 0.05 * signal[y]
    scores = rng.normal(size=(len(items), LABELS))
    features.add(
        [to_question(item) for item in items],
        Features(states.astype(np.float32), scores.astype(np.float32)),
    )
    start_plan(database, plan, person)
    database.close()


class _Silent:
    """Stands for a run's context: nobody listens and nobody stops it."""

    def report_message(self, text: str) -> None: ...

    def report_progress(self, **figures: Any) -> None: ...

    def check_stop(self) -> None: ...


def _correct(number: int) -> None:
    """Let somebody correct so many further training items."""
    from db.annotations import add_annotation
    from db.connection import Database
    from db.reviewers import add_reviewer
    from db.snapshot import read_snapshot
    from streamlit_app.sign_in import DEFAULT_NAME

    database = Database.open()
    items = [i for i in read_snapshot(database.cursor()).train if i.label_origin == "imported"]
    with database.transaction() as cur:
        person = add_reviewer(cur, DEFAULT_NAME).reviewer_id
        for item in items[:number]:
            label = item.labels[(item.labels.index(item.label) + 1) % LABELS]
            add_annotation(
                cur,
                annotation_id=uuid.uuid4().hex,
                item_id=item.item_id,
                reviewer_id=person,
                label=label,
            )
    database.close()


@contextmanager
def _app(home: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    app = ROOT / "streamlit_app" / "app.py"
    with (home / "server.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", str(app), "--server.port", str(port)],
            cwd=ROOT,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_until_healthy(f"http://localhost:{port}")
        yield f"http://localhost:{port}"
    finally:
        process.terminate()
        process.wait(20)


def _wait_until_healthy(url: str) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with suppress(OSError), urllib.request.urlopen(f"{url}/_stcore/health", timeout=2):  # noqa: S310
            return
        time.sleep(0.05)
    raise TimeoutError(f"The app at {url} did not start within 120 s.")


@contextmanager
def _page() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    found = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=CHROMIUM_ARGS)
        page = browser.new_page(viewport={"width": 1440, "height": 1600})
        page.set_default_timeout(120_000)
        yield page
        browser.close()


_PARTS: dict[str, Callable[[argparse.Namespace], str]] = {
    "refit": _measure_refit,
    "start": _measure_start,
    "ended": _measure_ended,
    "head": _measure_head,
}

if __name__ == "__main__":
    sys.exit(main())
