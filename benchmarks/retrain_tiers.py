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
import re
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
from history import Measured
from measuring import make_parser, record, spread
from served_app import chromium, serving
from training_beside import training_run

from db.viewer import EVERYTHING

NUM_CORRECTIONS = 10
REFIT, START, ENDED, HEAD = (
    "Press of Retrain to new figures painted",
    "Start of the app to its first page painted",
    "A joint run of the bundled model in its steps, until the page says that it ended",
    "A head on a hidden size of 5120, batch 4, 1900 tokens",
)
_ALONE, _BESIDE = "no run going on", "one going on, of the smoke preset"
_HELD = "weights, gradients, Adam, inputs"
HIDDEN, TOKENS, BATCH, LABELS, BOTTLENECK = 5120, 1900, 4, 3, 4
"""Llama-2-13B's width; the reference's length, its bottleneck and a batch of 4."""


def main() -> None:
    """Measure all parts, or one, and record the figures."""
    parser = make_parser(__doc__, wants_data=True)
    parser.add_argument("--part", choices=tuple(_PARTS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--train-head", choices=("ours", "reference"), help="for this script")
    options = parser.parse_args()
    if options.train_head:
        print(_train_head(options.train_head))
        return
    chosen = [options.part] if options.part else list(_PARTS)
    figures = [figure for name in chosen for figure in _PARTS[name](options)]
    record(__file__, figures, options, is_partial=bool(options.part))


def _measure_refit(options: argparse.Namespace) -> list[Measured]:
    first, second = [], []
    with _home() as home:
        _fill(options.data)
        for _ in range(options.rounds):
            _correct(NUM_CORRECTIONS)
            with serving(home) as server, _page() as page:
                page.goto(f"{server.url}/training")
                page.get_by_role("radio", name="Refit the head").click()
                page.locator(".st-key-training_source").wait_for()
                first.append(_press_retrain(page))
                second.append(_press_retrain(page))
            print(f"refit {first[-1]:.2f} {second[-1]:.2f}", file=sys.stderr)
    return [
        figure
        for what, seconds in (("first after the start of the app", first), ("second", second))
        for figure in spread(what, seconds, "s", at_most={"median": 2}, section=REFIT)
    ]


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


def _measure_start(options: argparse.Namespace) -> list[Measured]:
    found: dict[str, list[float]] = {_ALONE: [], _BESIDE: []}
    with _home() as home:
        _fill(options.data)
        for _ in range(options.rounds):
            for kind, seconds in found.items():
                training = training_run(home) if kind == _BESIDE else nullcontext()
                with training, _page() as page:
                    begin = time.perf_counter()
                    with serving(home) as server:
                        page.goto(f"{server.url}/items")
                        page.get_by_test_id("stDataFrame").first.wait_for()
                        seconds.append(time.perf_counter() - begin)
            print("start", *(f"{times[-1]:.2f}" for times in found.values()), file=sys.stderr)
    figures = [f for kind, times in found.items() for f in spread(kind, times, "s", section=START)]
    alone, _, beside, _ = (figure.figure or 0 for figure in figures)
    ratio = Measured("ratio", "median", beside / alone, at_most=1.2, section=START)
    return [*figures, ratio]


def _measure_ended(options: argparse.Namespace) -> list[Measured]:
    found: dict[str, list[float]] = {"Interrupted": [], "Cancelled": []}
    for _ in range(options.rounds):
        for word, seconds in found.items():
            with (
                _home() as home,
                training_run(home) as run_dir,
                serving(home) as server,
                _page() as page,
            ):
                page.goto(f"{server.url}/training")
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
    return [
        *spread(
            *("killed with signal 9", found["Interrupted"], "s"),
            at_most={"median": 15},
            section=ENDED,
        ),
        # At most a step and 10 s: a step has no length known beforehand.
        *spread("cancelled on the page", found["Cancelled"], "s", section=ENDED),
    ]


def _measure_head(options: argparse.Namespace) -> list[Measured]:
    del options
    found = {kind: _head_in_process(kind) for kind in ("ours", "reference")}
    ours, reference = found["ours"], found["reference"]
    figures = []
    for kind, one in found.items():
        figures += [
            Measured(kind, "parameters", one["num_parameters"], section=HEAD),
            Measured(kind, _HELD, one["bytes"] / 2**20, "MiB", section=HEAD),
            Measured(kind, "peak of a step", one["peak_mib"], "MiB", section=HEAD),
        ]
    fewer = reference["num_parameters"] / ours["num_parameters"]
    less = ours["bytes"] / reference["bytes"]
    return [
        *figures,
        Measured("reference / ours", "parameters", fewer, section=HEAD, at_least=500),
        Measured("ours / reference", _HELD, less, section=HEAD, at_most=0.5),
    ]


def _head_in_process(kind: str) -> dict[str, Any]:
    command = [sys.executable, __file__, "--train-head", kind]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    measured: dict[str, Any] = json.loads(done.stdout)
    return measured


def _train_head(kind: str) -> str:
    """Take three steps of Adam; give parameters, bytes held, and the growth of peak memory."""
    import torch
    from torch import nn

    from eci.model.head import EciHead, HeadConfig, HeadInputs

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
    from db.importers import import_file
    from db.people.reviewers import add_reviewer
    from db.retraining.snapshot import read_snapshot
    from streamlit_app.session.sign_in import DEFAULT_NAME
    from training.control.plan import make_plan, start_plan
    from training.data.artifact_source import ArtifactSource
    from training.data.questions import ItemQuestion, to_question
    from training.head.features import Features
    from training.head.source import prefill

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
    snapshot = read_snapshot(database.cursor(), EVERYTHING)
    items = [*snapshot.train, *snapshot.test]
    # One item is prefilled in earnest: it tells what the model is and how its features look.
    settings: Any = plan.settings
    first = [ItemQuestion.of(items[0])]
    features = prefill(_Silent(), settings, ArtifactSource(None), first)  # type: ignore[arg-type]
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
    from db.connection import Database
    from db.people.reviewers import add_reviewer
    from db.records import Encounter, Judgement
    from db.retraining.snapshot import read_snapshot
    from db.review.annotations import add_annotation
    from streamlit_app.session.sign_in import DEFAULT_NAME

    database = Database.open()
    items = [
        i
        for i in read_snapshot(database.cursor(), EVERYTHING).train
        if i.label_origin == "imported"
    ]
    with database.transaction() as cur:
        person = add_reviewer(cur, DEFAULT_NAME).reviewer_id
        for item in items[:number]:
            label = item.labels[(item.labels.index(item.label) + 1) % LABELS]
            add_annotation(
                cur,
                Judgement((label,)),
                Encounter(),
                annotation_id=uuid.uuid4().hex,
                item_id=item.item_id,
                reviewer_id=person,
            )
    database.close()


@contextmanager
def _page() -> Iterator[Any]:
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1440, "height": 1600})
        page.set_default_timeout(120_000)
        yield page


_PARTS: dict[str, Callable[[argparse.Namespace], list[Measured]]] = {
    "refit": _measure_refit,
    "start": _measure_start,
    "ended": _measure_ended,
    "head": _measure_head,
}

if __name__ == "__main__":
    main()
