"""How the answers of runs carry their label, and what they go on to say after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from db.connection import Database
from db.outcomes.counts import FormCount, count_forms
from db.outcomes.selection import OutcomeFilter
from db.viewer import Viewer
from eci.statistics.estimates import Estimate, mean, proportion
from streamlit_app.logic.cache import cached
from streamlit_app.logic.outcomes.run_outcomes import FORM_ORDER, refresh
from streamlit_app.wording import say


@dataclass(frozen=True)
class RunForms:
    """The answers of one run.

    Attributes:
        forms: Answers by form, all seven keys, in the order of ``FORM_ORDER``.
        tokens_past: Mean tokens after the label, over the answers with a place and a token count.
        share_past: Share of those answers' tokens that come after the label.
        characters_past: Mean characters after the label.
    """

    run_id: str
    forms: Mapping[str, int]
    tokens_past: Estimate
    share_past: float | None
    characters_past: float | None

    @property
    def num_answers(self) -> int:
        """Return the number of answers that were read."""
        return sum(self.forms.values())

    @property
    def not_bare(self) -> Estimate:
        """Return the share of answers that are more than the label."""
        n = self.num_answers
        return proportion(n - self.forms["bare"], n, say("undefined.no_answer_read"))


def load_all_forms(
    database: Database,
    flt: OutcomeFilter,
    run_ids: tuple[str, ...],
    source: str | None,
    split: str | None,
) -> tuple[RunForms, ...]:
    """Count the answers of runs by form, in the order of the runs; runs without any left out.

    Args:
        flt: The viewer and the label set; its run does not count.
        run_ids: The runs.
        source: Of the items; None for all.
        split: Likewise.
    """
    version = refresh(database, *run_ids)
    return _load_forms(database, version, flt.viewer, run_ids, flt.label_set, source, split)


@cached
def _load_forms(
    database: Database,
    version: str,  # noqa: ARG001
    viewer: Viewer,
    run_ids: tuple[str, ...],
    label_set: str,
    source: str | None,
    split: str | None,
) -> tuple[RunForms, ...]:
    counts = count_forms(database.cursor(), viewer, run_ids, label_set, source, split)
    by_run: dict[str, list[FormCount]] = {}
    for count in counts:
        by_run.setdefault(count.run_id, []).append(count)
    return tuple(_run_forms(run_id, by_run[run_id]) for run_id in run_ids if run_id in by_run)


def _run_forms(run_id: str, counts: Sequence[FormCount]) -> RunForms:
    by_form = {count.form: count.count for count in counts}
    n = sum(count.num_tokens for count in counts)
    total = sum(count.sum_tokens_past for count in counts)
    squares = sum(count.sum_squared_tokens_past for count in counts)
    tokens = sum(count.sum_tokens for count in counts)
    placed = sum(count.num_placed for count in counts)
    return RunForms(
        run_id,
        {form: by_form.get(form, 0) for form in FORM_ORDER},
        mean(total, squares, n, say("undefined.no_tokens_past")),
        total / tokens if tokens else None,
        sum(count.sum_characters_past for count in counts) / placed if placed else None,
    )
