"""The Errors page as one HTML file: every section, with its filters and the listed items."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from db.connection import Database
from db.outcomes.item_lists import count_items, list_items
from db.outcomes.selection import By, OutcomeFilter
from db.review.visibility import count_hidden
from streamlit_app.charts.bars import BarPart, draw_bars
from streamlit_app.charts.confusion import draw_confusion
from streamlit_app.charts.intervals import draw_intervals
from streamlit_app.charts.outcome_cube import PAIR_TONES, draw_outcome_cube
from streamlit_app.charts.reliability import draw_reliability
from streamlit_app.charts.risk import draw_risk
from streamlit_app.charts.yield_curve import draw_yield
from streamlit_app.components import (
    acceptance_panel,
    confidence_panel,
    confusion_panel,
    gold_panel,
    outcome_items,
    slices_panel,
    suspects_panel,
    text_trust_panel,
    verbosity_panel,
)
from streamlit_app.components.scope_picker import PickedScope
from streamlit_app.logic.figures import (
    estimate_text,
    head_verdict,
    number_text,
    percent,
    points,
    points_interval,
)
from streamlit_app.logic.outcomes.acceptance import load_acceptance
from streamlit_app.logic.outcomes.confidence import load_trust
from streamlit_app.logic.outcomes.gold_doubts import load_both_golds, load_people, people_note
from streamlit_app.logic.outcomes.run_outcomes import (
    PAIR_WORDS,
    ErrorsView,
    drawn_notes,
    load_drawn,
    load_drawn_help,
)
from streamlit_app.logic.outcomes.selection_summary import selection_words
from streamlit_app.logic.outcomes.slice_ranking import load_saved, load_slices
from streamlit_app.logic.outcomes.suspects import (
    learned_sentence,
    load_sources,
    load_suspects,
    sources_sentence,
)
from streamlit_app.logic.outcomes.text_trust import load_text_trust
from streamlit_app.logic.outcomes.verbosity import load_all_forms
from streamlit_app.report.document import Document
from streamlit_app.wording import say, say_count
from training.evaluation.drawn_estimates import DrawnChange, DrawnEstimate

MAX_ITEMS: Final = 10_000
MAX_SLICES: Final = 30
THRESHOLD: Final = 0.9
"""Confidence above which the report lets the head answer alone; the page has a slider."""


def build_report(
    database: Database,
    view: ErrorsView,
    scope: PickedScope,
    flt: OutcomeFilter,
    names: Mapping[str, str],
    now: datetime | None = None,
) -> bytes:
    """Write the report of a page.

    Args:
        view: What the page shows of the scope.
        flt: The items that are listed: the scope, narrowed by what is chosen.
        names: All runs with their names, by id: those of the section on verbosity.
        now: When it is made; for tests.
    """
    document = Document(say("report.title", run=names[scope.flt.run_id]))
    chosen = "; ".join(selection_words(part) for part in flt.parts[1:])
    document.facts(
        {
            say("report.run"): names[scope.flt.run_id],
            say("report.items"): scope.words,
            say("report.chosen"): chosen or say("report.all_items"),
            say("report.made"): f"{now or datetime.now(UTC):%Y-%m-%d %H:%M UTC}",
        }
    )
    hidden = count_hidden(database.cursor(), scope.flt.viewer)
    if hidden:
        document.paragraph(say_count("report.hidden", hidden))
    sources = load_sources(database, scope.version, scope.flt)
    if sources.num_learned:
        document.paragraph(learned_sentence(sources, view.num_items))
    _add_outcomes(
        document,
        view,
        load_drawn(database, scope.version, scope.flt),
        load_drawn_help(database, scope.version, scope.flt),
    )
    _add_confusion(document, database, view, scope)
    if view.head is not None:
        _add_confidence(document, database, view, scope)
    else:
        _add_text_confidence(document, database, scope)
    _add_slices(document, database, view, scope)
    _add_gold(document, database, view, scope)
    _add_verbosity(document, database, scope, names)
    _add_acceptance(document, database, scope)
    has_text, has_head = view.text is not None, view.head is not None
    _add_items(document, database, flt, has_text=has_text, has_head=has_head)
    return document.to_bytes()


def _add_outcomes(
    document: Document,
    view: ErrorsView,
    drawn: Mapping[By, DrawnEstimate],
    helped: DrawnChange | None,
) -> None:
    """Add accuracies, for all items where only drawn ones were reviewed, and the outcomes."""
    document.heading(say("errors.head_effect"))
    found = view.comparison
    facts = {say("report.items"): say("report.num_items", count=view.num_items)}
    for by, judged in view.judged.items():
        accuracy = drawn[by].estimate if by in drawn else judged.report.accuracy
        facts[say(f"report.accuracy_of_{by}")] = f"{estimate_text(accuracy)}, n = {accuracy.n:,}"
    if found.p_value is not None:
        difference = helped.difference.estimate if helped else found.accuracy_difference
        facts[say("outcome_panel.head_minus_text")] = (
            f"{points(difference.value)} ({points_interval(difference)}), n = {difference.n:,}"
        )
    document.facts(facts)
    for note in drawn_notes(view, drawn, helped):
        document.paragraph(note)
    if found.p_value is None:
        document.paragraph(say("report.no_comparison"), is_note=True)
        return
    document.paragraph(head_verdict(found))
    parts = [
        BarPart(PAIR_WORDS[pair], view.pair_outcomes[pair], tone.chart)
        for pair, tone in PAIR_TONES.items()
    ]
    document.chart(draw_bars(parts))
    document.chart(draw_outcome_cube(view.cells, view.labels))


def _add_acceptance(document: Document, database: Database, scope: PickedScope) -> None:
    """Add what was accepted by rule, and what a minute of review found."""
    view = load_acceptance(database, scope.flt)
    if not (view.rules or view.yields):
        return
    document.heading(say("errors.acceptance"))
    if view.rules:
        document.table(acceptance_panel.rule_columns(view.rules))
    if view.yields:
        document.paragraph(say("acceptance.yield_help"), is_note=True)
        document.chart(draw_yield(acceptance_panel.yield_curves(view.yields)))
        document.table(acceptance_panel.yield_columns(view.yields))


def _add_confusion(
    document: Document, database: Database, view: ErrorsView, scope: PickedScope
) -> None:
    document.heading(say("errors.confusion"))
    people = load_people(database, scope.version, scope.flt, view.labels)
    reviewers = next((one.judged for one in people if one.origin == "review"), None)
    for title, judged in zip(
        confusion_panel.TITLES.values(), (view.text, view.head, reviewers), strict=True
    ):
        if judged is None:
            continue
        document.chart(draw_confusion(judged.matrix, predicted_by=title))
        document.table(confusion_panel.label_table(judged))
        document.paragraph(
            say(
                "report.accuracy_and_f1",
                accuracy=estimate_text(judged.report.accuracy),
                macro_f1=estimate_text(judged.report.macro_f1),
                n=judged.report.n,
            )
        )


def _add_confidence(
    document: Document, database: Database, view: ErrorsView, scope: PickedScope
) -> None:
    document.heading(say("errors.confidence"))
    trust = load_trust(database, scope.version, scope.flt, view.labels)
    after = trust.rescaled
    document.paragraph(confidence_panel.calibration_sentence(trust.given))
    document.chart(
        draw_reliability(
            confidence_panel.points_of(trust.given.bins),
            confidence_panel.points_of(after.bins) if after else (),
        )
    )
    document.paragraph(
        say(
            "report.calibration",
            error=estimate_text(trust.given.ece),
            n=trust.given.ece.n,
            before=number_text(trust.given.brier, 3),
            after=number_text(after.brier, 3) if after else "–",
            num_sampled=trust.num_sampled,
        )
    )
    point = trust.curve.at(THRESHOLD)
    document.chart(draw_risk(trust.curve, point))
    document.paragraph(
        say(
            "report.answering_alone",
            threshold=percent(THRESHOLD, 0),
            answered=point.num_answered,
            n=trust.n,
            wrong=point.num_errors,
            risk=estimate_text(point.risk),
        )
    )


def _add_text_confidence(document: Document, database: Database, scope: PickedScope) -> None:
    document.heading(say("errors.confidence"))
    document.paragraph(text_trust_panel.WITHOUT_HEAD, is_note=True)
    rows = text_trust_panel.form_rows(load_text_trust(database, scope.version, scope.flt))
    if rows:
        document.chart(draw_intervals(rows, axis=say("text_confidence.accuracy_axis")))


def _add_slices(
    document: Document, database: Database, view: ErrorsView, scope: PickedScope
) -> None:
    document.heading(say("errors.slices"))
    by: By = "text" if view.head is None else "head"
    slices = load_slices(database, scope.version, scope.flt, by, load_saved(database))
    if not slices.slices:
        document.paragraph(say("report.no_slice"), is_note=True)
        return
    if slices.drawn is not None:
        document.paragraph(slices_panel.drawn_note(slices.drawn, slices.num_few), is_note=True)
    shown = slices.slices[:MAX_SLICES]
    document.chart(
        draw_intervals(
            [slices_panel.interval_row(one) for one in shown[: slices_panel.MAX_DRAWN]],
            axis=say("slices.difference_axis"),
            is_difference=True,
        )
    )
    document.table(slices_panel.shown_table(shown))


def _add_gold(document: Document, database: Database, view: ErrorsView, scope: PickedScope) -> None:
    document.heading(say("errors.gold_labels"))
    golds = load_both_golds(database, scope.version, scope.flt)
    people = load_people(database, scope.version, scope.flt, view.labels)
    document.chart(
        draw_intervals(
            gold_panel.accuracy_rows(golds.imported, people),
            axis=say("gold_panel.human_agreement_axis"),
            reference=gold_panel.ceiling_row(people),
        )
    )
    note = people_note(people)
    if note:
        document.paragraph(note, is_note=True)
    document.table(gold_panel.both_golds_table(golds))
    document.paragraph(gold_panel.both_golds_note(golds), is_note=True)
    suspects = load_suspects(database, scope.version, scope.flt, view.labels)
    if suspects is not None:
        document.paragraph(suspects_panel.suspects_sentence(suspects))
        document.paragraph(sources_sentence(suspects.sources), is_note=True)
        document.table(suspects_panel.suspects_table(suspects.rows))


def _add_verbosity(
    document: Document, database: Database, scope: PickedScope, names: Mapping[str, str]
) -> None:
    document.heading(say("errors.verbosity"))
    forms = load_all_forms(database, scope.flt, tuple(names), scope.source, scope.split)
    if not forms:
        return
    document.chart(verbosity_panel.draw_forms(forms, names))
    document.table(verbosity_panel.forms_table(forms, names))


def _add_items(
    document: Document,
    database: Database,
    flt: OutcomeFilter,
    *,
    has_text: bool,
    has_head: bool,
) -> None:
    cur = database.cursor()
    total = count_items(cur, flt)
    rows = list_items(cur, flt, limit=MAX_ITEMS)
    document.heading(say("errors.items"))
    if total <= MAX_ITEMS:
        document.paragraph(say_count("report.listed", total))
    else:
        document.paragraph(say("report.first_listed", count=MAX_ITEMS, total=total))
    columns = outcome_items.table(rows, flt.gold, has_text=has_text, has_head=has_head)
    if has_head:
        confidences = [percent(row.head_confidence) for row in rows]
        columns[say("outcome_items.head_confidence")] = [*confidences]
    document.table(columns)
