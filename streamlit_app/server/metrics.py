"""Figures about the server in OpenMetrics: how many, how long, how far; no text of a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry, Histogram, Metric
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from db.content.overview import count_items_by_label, count_reviews
from db.open_mark import log_paths
from db.paths import database_path
from db.retraining.training_runs import list_training_runs
from db.review.queue_progress import list_states
from db.review.queues import list_queues
from db.viewer import EVERYTHING
from streamlit_app.server import backups, health, services

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
_REGISTRY: Final = CollectorRegistry()
_SECONDS: Final = Histogram(
    "llamacare_request_seconds",
    "From request to answer; a save is the route /desk/judgements.",
    ("method", "route", "status"),
    registry=_REGISTRY,
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
)


def observe(method: str, route: str, status: int, seconds: float) -> None:
    """Record one request.

    Args:
        route: Its template, never its address: that holds ids.
    """
    _SECONDS.labels(method, route, str(status)).observe(seconds)


def exposition() -> bytes:
    """Return all figures as of now.

    Raises:
        DbError: The database cannot be read.
    """
    figures: bytes = generate_latest(_REGISTRY)  # type: ignore[no-untyped-call]
    return figures


class _Store(Collector):
    """What the database, its disk and its backups are like at the moment of a request."""

    def describe(self) -> Iterator[Metric]:
        """Return nothing: the database is not opened at the registration."""
        yield from ()

    def collect(self) -> Iterator[Metric]:
        """Count."""
        cur = services.database().cursor()
        items = sum(count.count for count in count_items_by_label(cur, EVERYTHING))
        yield _gauge("items", "Items.", items)
        reviews = count_reviews(cur, EVERYTHING).num_annotations
        yield _gauge("standing_annotations", "Standing annotations by reviewers.", reviews)
        states = list_states(cur, [queue for queue in list_queues(cur) if not queue.is_closed])
        yield _gauge("queues_open", "Open queues.", len(states))
        places = sum(one.total.num_items for one in states)
        yield _gauge("queue_items", "Items of open queues.", places)
        done = sum(one.total.num_done for one in states)
        yield _gauge("queue_items_done", "Judgements made in open queues.", done)
        runs = GaugeMetricFamily("llamacare_runs", "Runs by state.", labels=("state",))
        for state, count in Counter(run.state for run in list_training_runs(cur)).items():
            runs.add_metric((state,), count)
        yield runs
        yield from _files()


def _files() -> Iterator[Metric]:
    path = database_path()
    for name, help_, file in (
        ("database_bytes", "Size of the database file.", path),
        ("log_bytes", "Size of what was saved since the last checkpoint.", log_paths(path)[0]),
    ):
        yield _gauge(name, help_, file.stat().st_size if file.exists() else 0)
    yield _gauge("disk_free_bytes", "Free on the disk of the database.", health.free_bytes())
    state = backups.read_state()
    made_at = state.backups[0].made_at.timestamp() if state.backups else 0
    yield _gauge("backup_timestamp_seconds", "When the newest backup was made; 0: none.", made_at)
    yield _gauge("backup_failed", "Whether the last backup failed.", bool(state.failure))


def _gauge(name: str, help_: str, value: float) -> Metric:
    return GaugeMetricFamily(f"llamacare_{name}", help_, value=value)


_REGISTRY.register(_Store())
