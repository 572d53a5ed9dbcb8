"""What the Training page shows of a run: its latest figures, its curves, its place in history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ValidationError

from db.outcomes.counts import RunSummary
from db.outcomes.selection import By
from db.records import Run, TrainingRun
from db.retraining.run_energy import RunEnergy
from eci.decisions import DecisionSettings
from streamlit_app.logic.figures import percent
from streamlit_app.logic.label_sets import label_set_words
from streamlit_app.logic.training.lineage_view import energy_words, shots_words
from streamlit_app.markup import reveal
from streamlit_app.wording import say, say_count, words
from training.control.run_duration import describe_duration
from training.run.run_dir import Event
from training.run.status import Status
from training.settings.training import TrainingSettings

MAX_CURVE_POINTS = 600
"""More points than pixels only make a refresh slow."""

STATE_WORDS = words("run_state")


@dataclass(frozen=True)
class Progress:
    """The figures of a run's latest progress event, and its curves so far.

    Each value is None where the run has not reported it yet; tokens and cost are reported by runs
    that ask an endpoint. ``curves`` maps ``loss``, ``lm_loss``,
    ``eci_loss`` and ``learning_rate`` to one value a step of ``steps``.
    """

    step: int = 0
    num_steps: int = 0
    tokens_per_second: float | None = None
    rss_bytes: float | None = None
    seconds_left: float | None = None
    learning_rate: float | None = None
    prompt_tokens: float | None = None
    completion_tokens: float | None = None
    cost: float | None = None
    currency: str = ""
    steps: tuple[int, ...] = ()
    curves: Mapping[str, tuple[float | None, ...]] | None = None

    @property
    def share(self) -> float:
        """Return how much is done, in [0, 1]."""
        return min(self.step / self.num_steps, 1.0) if self.num_steps else 0.0


_Point = tuple[int, Mapping[str, Any]]
_CURVES = ("loss", "lm_loss", "eci_loss", "learning_rate")
_FIGURES = (
    *("tokens_per_second", "rss_bytes", "seconds_left", "learning_rate"),
    *("prompt_tokens", "completion_tokens", "cost"),
)


def summarise_progress(events: Iterable[Event]) -> Progress:
    """Gather the progress events of a run; a step reported twice (after a resume) counts once.

    Args:
        events: All events of the run, oldest first.
    """
    reported: list[_Point] = []
    num_steps = 0
    for event in events:
        step = event.fields.get("step")
        if event.kind != "progress" or not isinstance(step, int):
            continue
        # A resumed run repeats the steps after its checkpoint: what it says last is what holds.
        while reported and reported[-1][0] >= step:
            reported.pop()
        reported.append((step, event.fields))
        total = event.fields.get("num_steps")
        num_steps = total if isinstance(total, int) and total > 0 else num_steps
    if not reported:
        return Progress()
    last_step, last = reported[-1]
    drawn = _thin(reported)
    return Progress(
        step=last_step,
        num_steps=num_steps,
        **{name: _number(last.get(name)) for name in _FIGURES},
        currency=str(last.get("currency") or ""),
        steps=tuple(step for step, _ in drawn),
        curves={name: tuple(_number(fields.get(name)) for _, fields in drawn) for name in _CURVES},
    )


def describe_bytes(size: float | None) -> str:
    """Write a size in GiB or MiB; a dash where there is none."""
    if size is None:
        return "–"
    if size >= 2**30:
        return say("figures.gibibytes", count=size / 2**30)
    return say("figures.mebibytes", count=size / 2**20)


def run_seconds(status: Status, now: datetime | None = None) -> float | None:
    """Return how long a run has worked, until now or until its end; None before it began."""
    if status.started_at is None:
        return None
    end = status.finished_at or (now or datetime.now(UTC))
    return max((end - status.started_at).total_seconds(), 0.0)


def _thin(points: list[_Point]) -> list[_Point]:
    """Select at most ``MAX_CURVE_POINTS`` points, evenly spread, the last one always."""
    stride = -(-len(points) // MAX_CURVE_POINTS)
    return points[::-stride][::-1] if stride > 1 else points


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def describe_settings(settings: TrainingSettings) -> dict[str, str]:
    """Return the settings that decide what a run does and costs, with their values in words."""
    model, optimizer, head = settings.model, settings.optimizer, settings.head
    batch = optimizer.batch_size * optimizer.accumulation
    if optimizer.max_steps:
        length = say("settings.length_steps", steps=optimizer.max_steps, batch=batch)
    else:
        length = say("settings.length_epochs", epochs=optimizer.epochs, batch=batch)
    quantization = words("quantization")[model.quantization]
    shots = ", ".join(shots_words(num_shots) for num_shots in settings.data.shots)
    rank, rate = settings.lora.rank, optimizer.learning_rate
    return {
        say("settings.base_model"): f"{model.base}, {quantization}",
        say("settings.length"): length,
        say("settings.prompts"): say(
            "settings.shots",
            shots=shots,
            template=model.template,
            max_tokens=model.max_prompt_tokens,
        ),
        say("settings.thinking"): say_count("settings.tokens", model.thinking_tokens)
        if model.thinking_tokens
        else say("settings.no_thinking"),
        say("settings.adapter"): say("settings.lora", rank=rank, rate=rate),
        say("settings.head"): say(
            "settings.pooling",
            pooling=head.pooling,
            weight=head.weight,
            rate=optimizer.head_learning_rate,
        ),
        say("settings.decision"): describe_decision(settings.decision),
        say("settings.seed"): str(settings.seed),
    }


def describe_decision(settings: DecisionSettings) -> str:
    """Describe in one line what errors cost and when a person is asked."""
    cost = words("decision_cost")[settings.cost]
    if settings.target_error is not None:
        return say("decision.with_target", cost=cost, target=percent(settings.target_error))
    return say("decision.with_sets", cost=cost) if settings.ask_unless_single else cost


@dataclass(frozen=True)
class HistoryEntry:
    """One training run with what is known of it: its live status and its scores on the test split.

    ``status`` is None where the run directory is gone or damaged.
    """

    run: TrainingRun
    status: Status | None
    scores: tuple[RunSummary, ...]
    energy: RunEnergy | None = None

    @property
    def seconds(self) -> float | None:
        """Return how long the run worked."""
        return None if self.status is None else run_seconds(self.status)

    def share_right(self, by: By) -> float | None:
        """Return the share of test items that the text or the head got right; None without any."""
        if by == "text":
            right, total = (
                sum(score.text_correct for score in self.scores),
                sum(score.num_text for score in self.scores),
            )
        else:
            right, total = (
                sum(score.head_correct for score in self.scores),
                sum(score.num_head for score in self.scores),
            )
        return right / total if total else None


def history_table(
    history: Sequence[HistoryEntry], names: Mapping[str, str]
) -> dict[str, list[Any]]:
    """Arrange runs as columns for a data frame."""
    return {
        say("column.started"): [entry.run.created_at for entry in history],
        say("column.preset"): [reveal(entry.run.preset) for entry in history],
        say("column.state"): [STATE_WORDS[entry.run.state] for entry in history],
        say("column.took"): [describe_duration(entry.seconds) for entry in history],
        say("column.energy"): [energy_words(entry.energy) for entry in history],
        say("column.text_right"): [percent(entry.share_right("text")) for entry in history],
        say("column.head_right"): [percent(entry.share_right("head")) for entry in history],
        say("column.run"): [reveal(names[entry.run.run_id]) for entry in history],
    }


def scores_of(run: Run, base: Run | None) -> list[Score]:
    """Return the test figures of a run with those of the run it started from."""
    return [
        Score(label_set_words(label_set), name, before, figure)
        for label_set, figures in run.metrics.items()
        for name, path in _SCORES.items()
        if (figure := figure_of(figures, path)) is not None
        for before in [figure_of((base.metrics if base else {}).get(label_set), path)]
    ]


def score_table(scores: Sequence[Score]) -> dict[str, list[str]]:
    """Arrange test figures as columns."""
    score_words = words("score")
    rows = [
        (
            score.labels,
            score_words[score.name],
            figure_words(score.before),
            figure_words(score.now),
            f"{score.now.n:,}",
        )
        for score in scores
    ]
    titles = ("labels", "on_test_split", "before", "now", "test_items")
    return {say(f"column.{title}"): [row[i] for row in rows] for i, title in enumerate(titles)}


_SCORES: Mapping[str, tuple[str, str]] = {
    "head_accuracy": ("head", "accuracy"),
    "head_macro_f1": ("head", "macro_f1"),
    "head_ece": ("calibration", "ece"),
    "text_accuracy": ("text", "accuracy"),
    "text_macro_f1": ("text", "macro_f1"),
}


class _Interval(BaseModel):
    low: float
    high: float


class _Figure(BaseModel):
    value: float | None
    n: int
    interval: _Interval | None = None


@dataclass(frozen=True)
class Score:
    """One figure of a run on the test items of a label set, and the same before it."""

    labels: str
    name: str
    before: _Figure | None
    now: _Figure


def figure_of(figures: Any, path: tuple[str, str]) -> _Figure | None:
    """Find one figure of ``metrics.json``; None where the run does not have it."""
    found = figures
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    try:
        return _Figure.model_validate(found)
    except ValidationError:
        return None


def figure_words(figure: _Figure | None) -> str:
    if figure is None or figure.value is None:
        return "–"
    shown = f"{100 * figure.value:.1f} %"
    if figure.interval is None:
        return shown
    low, high = 100 * figure.interval.low, 100 * figure.interval.high
    return say("figures.with_interval", value=shown, low=f"{low:.1f}", high=f"{high:.1f}")
