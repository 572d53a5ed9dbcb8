"""How fast are the Errors and Compare pages with 200,000 items and 1,000,000 predictions?

Makes the database, times every query and the report in this process, then serves the app and
clicks through the pages in headless Chromium. Each click asks for what was not computed before: the
filters differ from round to round. The real answers are read from ``../shared/data``.

    python benchmarks/error_analysis.py
"""

from __future__ import annotations

import itertools
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psutil
from history import Measured
from measuring import make_parser, record, spread
from playwright.sync_api import Page
from scale_database import make
from served_app import chromium, serving

from db.connection import Database
from db.content.runs import list_runs
from db.importers import import_file
from db.outcomes.counts import (
    count_annotators,
    count_bins,
    count_confidences,
    count_forms,
    count_joint,
    load_probabilities,
    measure_review_time,
    summarise_runs,
)
from db.outcomes.item_lists import count_items, list_items
from db.outcomes.run_pairs import PairFilter, count_pairs, list_pairs
from db.outcomes.scored_runs import refresh
from db.outcomes.selection import Gold, OutcomeFilter, Selection
from db.outcomes.slices import count_slices
from db.viewer import EVERYTHING
from streamlit_app.components.scope_picker import PickedScope
from streamlit_app.logic.outcomes.confidence import load_trust
from streamlit_app.logic.outcomes.gold_doubts import load_both_golds, load_people
from streamlit_app.logic.outcomes.run_outcomes import load_errors
from streamlit_app.logic.outcomes.slice_ranking import load_slices
from streamlit_app.logic.outcomes.suspects import load_suspects
from streamlit_app.logic.outcomes.verbosity import load_all_forms
from streamlit_app.report.errors_report import build_report
from training.evaluation.readings import read_new_answers

RUN, BASE = "scale-run-04", "scale-run-03"
LABELS = ("yes", "no", "maybe")
SPLITS = ("test", "All splits", "train", "dev")
SOURCES = (None, "pubmedqa", "pubmedqa-artificial")
GOLDS: Mapping[Gold, str] = {"record": "Label of record", "imported": "Imported label"}
# Section on the page: the charts that appear with it.
CHARTS: Mapping[str, Sequence[str]] = {
    "Confusion": ("errors_confusion_text", "errors_confusion_head", "errors_confusion_reviewers"),
    "Confidence": ("errors_reliability", "errors_risk", "errors_sets"),
    "Slices": ("errors_slices",),
    "Reference labels": ("errors_ceiling",),
    "Verbosity": ("errors_forms",),
    "Does ECI help?": ("errors_pairs", "errors_cube"),
}
# Clicks and waits for the charts in the page itself: nothing but the page's own work is timed.
CLICK = """
async ([word, keys]) => {
  const button = [...document.querySelectorAll('button[role=radio]')]
    .find(one => one.innerText.trim() === word);
  const started = performance.now();
  button.click();
  const drawn = {};
  while (Object.keys(drawn).length < keys.length && performance.now() - started < 20000) {
    await new Promise(requestAnimationFrame);
    for (const key of keys) {
      const plot = document.querySelector(`.st-key-${key} .js-plotly-plot .main-svg`);
      const stale = plot && plot.closest('[data-stale=true]');
      if (plot && !stale && !(key in drawn)) drawn[key] = performance.now() - started;
    }
  }
  return drawn;
}
"""
LISTED = """
async (before) => {
  const text = () => [...document.querySelectorAll('[data-testid=stCaptionContainer]')]
    .map(one => one.innerText).find(one => one.includes('items. Select a row to open'));
  while (text() === before && performance.now() - window.pressedAt < 20000)
    await new Promise(requestAnimationFrame);
  return [performance.now() - window.pressedAt, text()];
}
"""


Timed = Mapping[str, Sequence[float]]
"""Seconds of the rounds of each thing."""
SECTIONS = {key: section for section, keys in CHARTS.items() for key in keys}


def main() -> None:
    """Measure everything and record the figures."""
    parser = make_parser(__doc__, wants_data=True)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument(
        "--home", type=Path, help="a folder with a review.duckdb made before, to save time"
    )
    options = parser.parse_args()
    rounds = options.rounds
    with tempfile.TemporaryDirectory(prefix="error-analysis-") as folder:
        home = options.home or Path(folder)
        path = home / "review.duckdb"
        if not path.exists():
            make(path)
        database = Database.open(path)
        queries = time_queries(database, rounds)
        parts = time_parts(database)
        report = time_report(database)
        database.close()
        with serving(home) as server, browser_page() as page:
            url = server.url
            charts = {**time_charts(page, url, rounds), **time_compare(page, url, rounds)}
            slices = time_slices(page, url, rounds)
            memory = peak_memory(server.process)
        with serving(real_home(Path(folder), options.data)) as server, browser_page() as page:
            real = time_real(page, server.url, rounds)
    figures = [
        *summarise(queries, charts, slices, report, memory, real),
        *timings(charts, "Charts: click to picture"),
        *divide(charts, parts),
        *timings(queries, "Queries"),
        *timings({**slices, **real}, "Other"),
    ]
    record(__file__, figures, options)


def time_queries(database: Database, rounds: int) -> Timed:
    """Time the statements behind each chart, on the test split as the page opens."""
    cur = database.cursor()
    run_ids = [run.run_id for run in list_runs(cur)]
    refresh(cur, run_ids)
    flt = OutcomeFilter(EVERYTHING, RUN, "record", "pubmedqa").also(Selection(split="test"))
    chosen = flt.also(Selection(slices=(("mesh", "Pregnancy"),)))
    pair = PairFilter(EVERYTHING, BASE, RUN, "head", "head", "record", "pubmedqa", split="test")
    queries: dict[str, Callable[[], Any]] = {
        "state of the data": lambda: refresh(cur, [RUN]),
        "text by head by gold, confusion": lambda: count_joint(cur, flt),
        "confusion of reviewers, human ceiling": lambda: count_annotators(cur, flt),
        "reliability": lambda: count_bins(cur, flt),
        "coverage and risk": lambda: count_confidences(cur, flt),
        "sample for calibration and sets": lambda: load_probabilities(cur, flt, LABELS, 3000),
        "time of one annotation": lambda: measure_review_time(cur),
        "slices": lambda: count_slices(cur, flt, "head"),
        "doubtful labels": lambda: load_probabilities(cur, flt, LABELS),
        "redundancy of five runs": lambda: count_forms(
            cur, EVERYTHING, run_ids, "pubmedqa", None, "test"
        ),
        "items of a slice: number": lambda: count_items(cur, chosen),
        "items of a slice: first page": lambda: list_items(cur, chosen),
        "two runs": lambda: count_pairs(cur, pair),
        "two runs: first page": lambda: list_pairs(cur, pair, "broken"),
        "all runs": lambda: summarise_runs(cur, EVERYTHING, "record", "test"),
    }
    return {name: [seconds(call) for _ in range(rounds)] for name, call in queries.items()}


def time_parts(database: Database) -> dict[str, float]:
    """Time what each section computes and reads, nothing of it remembered."""
    cur = database.cursor()
    run_ids = tuple(run.run_id for run in list_runs(cur))
    flt = OutcomeFilter(EVERYTHING, RUN, "record", "pubmedqa").also(Selection(split="test"))
    counter = itertools.count()

    def fresh() -> str:
        return f"never seen {next(counter)}"

    sections: dict[str, Callable[[], Any]] = {
        "Does ECI help?": lambda: load_errors(database, fresh(), flt),
        "Confusion": lambda: load_people(database, fresh(), flt, LABELS),
        "Confidence": lambda: load_trust(database, fresh(), flt, LABELS),
        "Slices": lambda: load_slices(database, fresh(), flt, "head", ()),
        "Reference labels": lambda: (
            load_both_golds(database, fresh(), flt),
            load_people(database, fresh(), flt, LABELS),
            load_suspects(database, fresh(), flt, LABELS),
        ),
        "Verbosity": lambda: load_all_forms(database, flt, run_ids, None, "test"),
    }
    return {
        name: 1000 * statistics.median(seconds(call) for _ in range(5))
        for name, call in sections.items()
    }


def time_report(database: Database) -> tuple[float, int]:
    """Write the report of 10,000 items; nothing of it was computed before."""
    selection = Selection(split="dev", source="pubmedqa")
    flt = OutcomeFilter(EVERYTHING, RUN, "record", "pubmedqa").also(selection)
    version = refresh(database.cursor(), [RUN])
    assert count_items(database.cursor(), flt) > 10_000
    runs = list_runs(database.cursor())
    started = time.perf_counter()
    view = load_errors(database, version, flt)
    scope = PickedScope(flt, version, selection.source, selection.split, None)
    report = build_report(database, view, scope, flt, {run.run_id: run.name for run in runs})
    return time.perf_counter() - started, len(report)


def time_charts(page: Page, url: str, rounds: int) -> Timed:
    """Click through the sections; the filters are others in each round."""
    found: dict[str, list[float]] = {key: [] for keys in CHARTS.values() for key in keys}
    filters = itertools.product(SPLITS, SOURCES, GOLDS.values())
    for split, source, gold in itertools.islice(filters, rounds):
        query = {"errors_section": "Verbosity", "errors_split": split, "errors_against": gold}
        if source is not None:
            query["errors_source"] = source
        open_page(page, f"{url}/errors?{urlencode(query)}", "errors_forms")
        for section, keys in CHARTS.items():
            if section == "Verbosity":
                continue
            collect(page, section, keys, found)
        collect(page, "Redundancy", CHARTS["Redundancy"], found)
    return found


def time_slices(page: Page, url: str, rounds: int) -> Timed:
    """Click one slice after the other in the chart, until its items are listed."""
    open_page(page, f"{url}/errors?errors_section=Slices", "errors_slices")
    page.evaluate(
        "window.addEventListener('pointerdown', () => window.pressedAt = performance.now(), true)"
    )
    plot = page.locator(".st-key-errors_slices .nsewdrag").first
    box = plot.bounding_box()
    assert box is not None
    caption = page.locator("[data-testid=stCaptionContainer]", has_text="items. Select a row")
    text = caption.inner_text()
    times = []
    for number in range(rounds):
        # 15 rows with 0.75 of a row above the first and 0.5 below the last.
        y = box["height"] * (0.75 + number % 15) / 15.25
        x = page.evaluate(MARKER_X, number % 15)
        plot.click(position={"x": x, "y": y})
        took, shown = page.evaluate(LISTED, text)
        assert shown != text, f"slice {number} was not listed"
        times.append(took / 1000)
        text = shown
        settle(page)
    return {"filter to a slice": times}


MARKER_X = """
(place) => {
  const plot = document.querySelector('.st-key-errors_slices .js-plotly-plot');
  return plot._fullLayout.xaxis.d2p(plot.data[0].x[place]);
}
"""


def time_compare(page: Page, url: str, rounds: int) -> Timed:
    """Open the Compare page with other filters each time and click to its other section."""
    found: dict[str, list[float]] = {"compare_outcomes": [], "compare_trend": []}
    filters = itertools.cycle(itertools.product(SPLITS, GOLDS.values(), ("text", "head")))
    words = {"text": "Text label", "head": "Head label"}
    for split, gold, by in itertools.islice(filters, rounds):
        query = {"compare_split": split, "compare_against": gold, "compare_by": words[by]}
        open_page(
            page,
            f"{url}/compare?{urlencode({**query, 'compare_section': 'All runs'})}",
            "compare_trend",
        )
        collect(page, "Two runs", ("compare_outcomes",), found)
        collect(page, "All runs", ("compare_trend",), found)
    return found


def time_real(page: Page, url: str, rounds: int) -> Timed:
    """Click through the sections of the run of real answers, which has no head."""
    sections = {
        # Not the other way round: without a head "Does ECI help?" draws the matrix as well.
        "Slices": ("errors_slices",),
        "Confusion": ("errors_confusion_text",),
        "Reference labels": ("errors_ceiling",),
        "Verbosity": ("errors_forms",),
        "Does ECI help?": ("errors_confusion_text",),
    }
    found: dict[str, list[float]] = {section: [] for section in sections}
    query = {"errors_run": "QwQ-32B-pubmedqa-test-zero_shot"}
    open_page(page, f"{url}/errors?{urlencode(query)}", "errors_confusion_text")
    for _ in range(rounds):
        for section, keys in sections.items():
            times: dict[str, list[float]] = {key: [] for key in keys}
            collect(page, section, keys, times)
            found[section].append(times[keys[0]][0])
    return {f"real answers: {section}": times for section, times in found.items()}


def collect(
    page: Page, section: str, keys: Sequence[str], found: Mapping[str, list[float]]
) -> None:
    """Click on a section and note when each of its charts was drawn."""
    drawn = page.evaluate(CLICK, [section, list(keys)])
    for key in keys:
        assert key in drawn, f"{key} did not appear"
        found[key].append(drawn[key] / 1000)
    settle(page)


def open_page(page: Page, url: str, key: str) -> None:
    """Load a page and wait until a chart is there and nothing runs."""
    page.goto(url)
    page.locator(f".st-key-{key} .js-plotly-plot .main-svg").first.wait_for(timeout=120_000)
    settle(page)


def settle(page: Page) -> None:
    """Wait until the server is done with the last click."""
    page.wait_for_function(
        "() => document.querySelector('[data-testid=stApp]').dataset.testScriptState"
        " === 'notRunning' && !document.querySelector('[data-stale=true]')",
        timeout=60_000,
    )
    page.wait_for_timeout(400)  # the browser draws what came last


@contextmanager
def browser_page() -> Iterator[Page]:
    """Return a page of headless Chromium."""
    with chromium() as browser:
        yield browser.new_page(viewport={"width": 1440, "height": 1600})


def real_home(folder: Path, data: Path) -> Path:
    """Make a database of the real items and the real answers to them."""
    home = folder / "real"
    home.mkdir()
    database = Database.open(home / "review.duckdb")
    import_file(database, "pubmedqa", data / "pubmedqa" / "ori_pqal.json")
    for path in sorted((data / "model_answers").glob("*-pubmedqa-*.json")):
        import_file(database, "model_answers", path)
    read_new_answers(database)
    database.close()
    return home


def peak_memory(process: subprocess.Popen[bytes]) -> float:
    """Return the most memory the server ever held, in bytes."""
    status = Path(f"/proc/{process.pid}/status")
    if status.exists():
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    return float(psutil.Process(process.pid).memory_info().rss)


def seconds(call: Callable[[], Any]) -> float:
    """Time one call."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def summarise(
    queries: Timed,
    charts: Timed,
    slices: Timed,
    report: tuple[float, int],
    memory: float,
    real: Timed,
) -> Iterator[Measured]:
    """Return what has a limit: the slowest of each kind, the report and the memory."""
    for what, timed, limit in (
        ("slowest chart, click to picture", charts, 500),
        ("slowest query", queries, 100),
        ("filter to a slice", slices, 500),
        ("real answers, slowest section", real, 300),
    ):
        slowest = max(1000 * statistics.median(times) for times in timed.values())
        yield Measured(what, "measured", slowest, "ms", at_most=limit)
    took, size = report
    yield Measured("report of 10,000 items", "measured", took, "s", at_most=5)
    yield Measured(
        "size of the report", "measured", size / 1e6, "MB", note="plotly.js is 4.8 of it"
    )
    yield Measured("memory of the process, highest", "measured", memory / 1e9, "GB", at_most=1.5)


def timings(timed: Timed, section: str) -> Iterator[Measured]:
    """Return median, 90th percentile and slowest of each."""
    for what, times in timed.items():
        yield from spread(what, [1000 * t for t in times], "ms", quantile=0.9, section=section)


def divide(charts: Timed, parts: Mapping[str, float]) -> Iterator[Measured]:
    """Return where the time of each chart goes: its section's own work, and all else."""
    for key, section in SECTIONS.items():
        what, whole = f"{key} ({section})", 1000 * statistics.median(charts[key])
        computing = {"counting and computing its section": parts[section]}
        for measure, value in {**computing, "all else": whole - parts[section]}.items():
            yield Measured(what, measure, value, "ms", section="Charts: where their time goes")


if __name__ == "__main__":
    main()
