"""Does a run that asks an endpoint ask every item once, however often it is cut, and count right?

    python benchmarks/endpoint.py

The bundled model behind `python -m eci serve`; items of PubMedQA's test split with 60 words of
context, answers of 16 tokens at most. A first run is cut twice as people and machines cut it (the
Cancel button, then SIGTERM) and resumed; a second one is killed (SIGKILL) and resumed.
"""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx
from history import Measured
from measuring import make_parser, record
from serving import serving

from db.connection import IN_MEMORY, Database
from db.content.items import add_items
from db.importers.pubmedqa import parse_pubmedqa
from db.paths import models_dir, runs_dir
from db.records import Item, Prediction
from training.control.ingest import refresh
from training.control.launch import cancel, launch, reap
from training.control.start import prepare_endpoint
from training.endpoint.answering import EndpointJob
from training.run.result_tables import PREDICTIONS
from training.run.run_dir import RunDir
from training.settings.endpoints import EndpointSettings
from training.settings.training import parse_as

CONCURRENCY = 4
Cut = Callable[[RunDir], None]


def main() -> None:
    """Run, cut, resume, and record what the server saw."""
    parser = make_parser(__doc__, wants_data=True)
    parser.add_argument("--items", type=int, default=200, help="items of the run that is cut twice")
    parser.add_argument("--killed-items", type=int, default=40, help="of the run that is killed")
    options = parser.parse_args()
    found = parse_pubmedqa(options.data / "pubmedqa" / "ori_pqal.json").items
    items = [item for item in found if item.split == "test"]
    models = models_dir()
    with tempfile.TemporaryDirectory() as home, serving("--models-dir", str(models)) as (url, _):
        os.environ["LLAMACARE_HOME"] = home
        figures = [
            *measure(url, models, items[: options.items], {"cancelled": cancel, "stopped": stop}),
            *measure(url, models, items[: options.killed_items], {"killed": kill}),
        ]
    record(__file__, figures, options)


def stop(run_dir: RunDir) -> None:
    """Send what a machine that shuts down sends."""
    os.kill(run_dir.read_status().pid or 0, signal.SIGTERM)


def kill(run_dir: RunDir) -> None:
    """Send what no process can answer."""
    os.kill(run_dir.read_status().pid or 0, signal.SIGKILL)


def measure(url: str, models: Path, items: Sequence[Item], cuts: dict[str, Cut]) -> list[Measured]:
    """Return the figures of one run with some cuts, evenly spread."""
    database = Database.open(IN_MEMORY)
    with database.transaction() as cur:
        add_items(cur, items, origin="benchmark")
    settings = parse_as(
        EndpointSettings,
        {
            "model": {"url": f"{url}/v1", "base": "bundled", "concurrency": CONCURRENCY},
            "max_new_tokens": 16,
            "max_context_words": 60,
        },
        "benchmark",
    )
    before = num_chats(url)
    run_dir = prepare_endpoint(database, settings, "benchmark")
    begun = time.perf_counter()
    launch(run_dir)
    for number, cut in enumerate(cuts.values(), 1):
        wait_for(run_dir, step=len(items) * number // (len(cuts) + 1))
        cut(run_dir)
        wait_for(run_dir)
        launch(run_dir)
    wait_for(run_dir)
    seconds = time.perf_counter() - begun
    status = run_dir.read_status()
    if status.state != "succeeded":
        raise SystemExit(f"The run {status.state}: {status.message}")
    refresh(database, runs_dir())
    database.close()
    predictions = PREDICTIONS.read(run_dir.predictions_path)
    prompts, answers = count_tokens(models, run_dir, predictions)
    what = f"{len(items)} items, {' and '.join(cuts)}, resumed"
    again = num_chats(url) - before - len(items)
    prompts_off = abs(sum(p.prompt_tokens or 0 for p in predictions) - prompts)
    answers_off = abs(sum(p.answer_tokens or 0 for p in predictions) - answers)
    most_again = CONCURRENCY if "killed" in cuts else 0
    return [
        Measured(what, "answered", len(predictions), "", len(items), at_least=len(items)),
        Measured(what, "asked twice", again, "", len(items), at_most=most_again),
        Measured(what, "prompt tokens miscounted", prompts_off, "", prompts, at_most=0),
        Measured(what, "answer tokens miscounted", answers_off, "", answers, at_most=0),
        Measured(what, "wall time", seconds, "s"),
    ]


def wait_for(run_dir: RunDir, step: int | None = None) -> None:
    """Wait until a run has come to a step, or to its end."""
    while (status := reap(run_dir)).is_active and (step is None or status.step < step):
        time.sleep(0.05)


def num_chats(url: str) -> int:
    """Return how many conversations the server has answered."""
    wanted = 'eci_requests_total{route="/v1/chat/completions",status="200"}'
    lines = httpx.get(f"{url}/metrics").text.splitlines()
    return int(sum(float(line.split()[-1]) for line in lines if line.startswith(wanted)))


def count_tokens(
    models: Path, run_dir: RunDir, predictions: Sequence[Prediction]
) -> tuple[int, int]:
    """Count the tokens of prompts and answers with the model's own tokenizer.

    An answer that ended of its own accord has an end token too.
    """
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(models / "smollm2-135m")
    job = EndpointJob.read(run_dir, EndpointSettings)
    prompts = [
        tokenizer.apply_chat_template(
            job.messages(item), tokenize=False, add_generation_prompt=True
        )
        for item in job.items
    ]
    num_prompt = sum(len(tokenizer(text, add_special_tokens=False).input_ids) for text in prompts)
    num_answer = sum(
        len(tokenizer(prediction.answer, add_special_tokens=False).input_ids)
        + prediction.is_finished
        for prediction in predictions
    )
    return num_prompt, num_answer


if __name__ == "__main__":
    main()
