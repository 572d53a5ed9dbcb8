"""How probable it is that a run's answers are right: what the correctness head reads and gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

import pyarrow as pa
from duckdb import DuckDBPyConnection
from pydantic import TypeAdapter

from db.arrow_tables import incoming, table_of
from db.content.label_sets import set_label
from db.conversions import find_sound, to_json
from db.records import LabelSet, Option, Section, Split
from db.statements import append_row, fetch_records, fetch_row, load_sql


@dataclass(frozen=True)
class ReviewableAnswer:
    """One answer of a run with what is known of it.

    Attributes:
        own_probabilities: The run's own, if its model has not learned from the item.
        head_probabilities: Those of the newest other run whose head has not learned from the item.
        agreeing: Share of other models that gave the item the same label.
        reviewed_label: Label of record where reviewers agree or an adjudicator decided.
    """

    item_id: str
    split: Split
    question: str
    context: tuple[Section, ...]
    labels: tuple[str, ...]
    options: tuple[Option, ...]
    aliases: Mapping[str, tuple[str, ...]]
    answer: str
    label: str
    form: str | None
    own_probabilities: tuple[float, ...] | None
    head_probabilities: tuple[float, ...] | None
    agreeing: float | None
    reviewed_label: str | None

    @property
    def characters(self) -> int:
        """Return how many characters a reviewer reads."""
        return len(self.question) + sum(len(part.text) for part in self.context) + len(self.answer)


@dataclass(frozen=True)
class CorrectnessFigures:
    """How good a correctness head is, out of fold on the answers that taught it.

    Attributes:
        num_right: Right answers that it learned from.
        num_wrong: Wrong ones.
        auroc: Area under the ROC curve.
        auroc_low: End of its 95 % interval.
        auroc_high: The other end.
        num_thinking: Answers of the run in several paragraphs.
        final_by: How many of these have their final label by each tenth of their text.
        num_stopped: Of these, in how many it was predicted from the text so far; 0: not tried.
        num_kept: In how many of those the label predicted was the final one.
        words_saved: Share of their words that was not read.
        seconds: That the fit took.
    """

    num_right: int
    num_wrong: int
    auroc: float
    auroc_low: float
    auroc_high: float
    num_thinking: int = 0
    final_by: tuple[int, ...] = ()
    num_stopped: int = 0
    num_kept: int = 0
    words_saved: float = 0.0
    seconds: float = 0.0


@dataclass(frozen=True)
class CorrectnessFit:
    """The latest head of a run and label set."""

    run_id: str
    label_set: str
    figures: CorrectnessFigures
    fitted_on: str
    created_at: datetime


@dataclass(frozen=True)
class AnswerCorrectness:
    """What a head gives one answer; ``seconds`` is what reviewing it is expected to take."""

    item_id: str
    probability: float
    is_learned: bool
    seconds: float


_FIGURES: Final = TypeAdapter(CorrectnessFigures)


def list_answers(cur: DuckDBPyConnection, run_id: str, label_set: str) -> list[ReviewableAnswer]:
    """Return the answers of a run that have a label, to items with one right label, by item."""
    cur.execute(load_sql("correctness_answers"), {"run_id": run_id, "label_set": label_set})
    names = [column[0] for column in cur.description or ()]
    return [_answer(label_set, dict(zip(names, row, strict=True))) for row in cur.fetchall()]


def _answer(label_set: str, row: dict[str, Any]) -> ReviewableAnswer:
    known = tuple(map(set_label, row["set_labels"] or ()))
    return ReviewableAnswer(
        item_id=row["item_id"],
        split=row["split"],
        question=row["question"],
        context=tuple(Section(part["heading"], part["text"]) for part in row["context"]),
        labels=tuple(row["labels"]),
        options=tuple(Option(part["label"], part["text"]) for part in row["options"]),
        aliases=LabelSet(label_set, known).aliases,
        answer=row["answer"] or "",
        label=row["text_label"],
        form=row["text_form"],
        own_probabilities=_numbers(row["own_probabilities"]),
        head_probabilities=_numbers(row["head_probabilities"]),
        agreeing=row["agreeing"],
        reviewed_label=row["reviewed_label"],
    )


def _numbers(values: Sequence[float] | None) -> tuple[float, ...] | None:
    return None if values is None else tuple(values)


def list_review_times(cur: DuckDBPyConnection) -> list[tuple[int, float]]:
    """Return how many characters reviewers read, and the seconds each took; at most 5,000."""
    return cur.execute(load_sql("review_times")).fetchall()


def correctness_table(rows: Sequence[AnswerCorrectness]) -> pa.Table:
    """Return rows as the table that ``replace_correctness`` stores."""
    return table_of("incoming_correctness", [asdict(row) for row in rows])


def replace_correctness(
    cur: DuckDBPyConnection, fit: tuple[str, str, str], figures: CorrectnessFigures, rows: pa.Table
) -> None:
    """Store what a new head gives the answers of a run. The caller owns the transaction.

    Args:
        fit: Run, label set, and what the labels of record looked like.
        rows: What ``correctness_table`` made.
    """
    run_id, label_set, fitted_on = fit
    scope = {"run_id": run_id, "label_set": label_set}
    cur.execute(load_sql("correctness_clear"), scope)
    with incoming(cur, "incoming_correctness", rows):
        cur.execute(load_sql("correctness_replace"), scope)
    append_row(
        cur,
        "correctness_fit_insert",
        **scope,
        figures=to_json(asdict(figures)),
        fitted_on=fitted_on,
    )


def list_correctness_fits(cur: DuckDBPyConnection) -> list[CorrectnessFit]:
    """Return the latest heads; one whose figures are damaged is left out, and is fitted again."""
    fits = fetch_records(cur, _fit, "correctness_fit_list")
    return [fit for fit in fits if fit is not None]


def _fit(run_id: str, label_set: str, figures: str, *rest: Any) -> CorrectnessFit | None:
    read = find_sound(_FIGURES, figures)
    return None if read is None else CorrectnessFit(run_id, label_set, read, *rest)


def gold_version(cur: DuckDBPyConnection) -> str:
    """Return a text that changes with every judgement."""
    return "-".join(map(str, fetch_row(cur, "scratch_gold_version")))
