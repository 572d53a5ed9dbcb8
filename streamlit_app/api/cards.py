"""An item as one reviewer may see it, as the desk gets it: fragments of HTML and what keys need.

The fragments come from the components of the pages, so every text in them is escaped. Of a blind
item ``db`` has left out what is hidden; nothing of it can get into a fragment.
"""

from __future__ import annotations

from collections.abc import Sequence

from db.records import Judgement, LabelSet, SetLabel
from streamlit_app.api.contract import (
    Card,
    Details,
    LabelButton,
    Progress,
    SpanSent,
    Start,
)
from streamlit_app.components import (
    answer_card,
    guideline_panel,
    history,
    item_card,
    label_definitions,
    progress_line,
    reference_card,
    refit_line,
    verdict_card,
)
from streamlit_app.logic.review.form_values import split_labels, starting_values
from streamlit_app.logic.review.label_keys import keys_of
from streamlit_app.logic.review.sentences import sentence_spans
from streamlit_app.markup import Html, element, join, reveal
from streamlit_app.server import services
from streamlit_app.server.desk import Shown
from streamlit_app.server.review_service import ReviewedItem
from streamlit_app.server.tokens import mint_presented
from streamlit_app.server.worklist import Worklist
from streamlit_app.wording import say


def make_card(shown: Shown, worklist: Worklist, *, is_whole: bool = False) -> Card:
    """Return an item as the desk gets it; long texts are cut unless asked for whole."""
    reviewed, presented = shown.reviewed, shown.presented
    item = reviewed.item
    start = starting_values(reviewed.mine, reviewed.draft, item.labels)
    return Card(
        item_id=item.item_id,
        item_version=item.version,
        presentation_id=mint_presented(presented),
        phase=presented.phase,
        replaces=presented.replaces,
        labels=_buttons(item.labels, reviewed.label_set),
        is_several=item.is_several,
        start=_start(start),
        is_flagged=reviewed.is_flagged,
        can_undo=reviewed.mine is not None,
        fragments={
            name: str(markup)
            for name, markup in _fragments(reviewed, worklist, is_whole=is_whole).items()
        },
        details=_details(reviewed.answer),
        floor_seconds=presented.floor_seconds,
        held_until=None if shown.held_until is None else 1000 * shown.held_until.timestamp(),
    )


def make_progress(worklist: Worklist) -> Progress:
    """Return how much of the work is done."""
    return Progress(
        done=worklist.num_done,
        total=worklist.total,
        html=str(progress_line.done(worklist)),
    )


def _fragments(reviewed: ReviewedItem, worklist: Worklist, *, is_whole: bool) -> dict[str, Html]:
    item, prediction = reviewed.item, reviewed.prediction
    guideline = reviewed.guideline
    fragments = {
        "place": progress_line.line(worklist, item.item_id),
        "item": item_card.card(item, is_whole=is_whole),
        "guideline": join(
            label_definitions.panel(reviewed.label_set),
            Html() if guideline is None else guideline_panel.panel(guideline),
        ),
        "refit": refit_line.line(worklist, reviewed.viewer),
    }
    if reviewed.is_blind:
        return {**fragments, "verdict": verdict_card.blind_card()}
    if prediction is not None:
        model = _model(prediction.run_id)
        # The span that the reviewer marked is drawn in the browser: it changes as they work.
        fragments["answer"] = answer_card.card(prediction, model, is_whole=is_whole)
    fragments["verdict"] = verdict_card.card(item, prediction, reviewed.gold)
    fragments["reference"] = reference_card.card(item)
    fragments["history"] = Html.escape(
        element("h3", say("review.history"))
        + history.lines(reviewed.history, reviewed.reviewer_names)
    )
    return fragments


def _model(run_id: str) -> str:
    return services.model_of(run_id)


def _buttons(labels: Sequence[str], label_set: LabelSet | None) -> list[LabelButton]:
    """Return a button for each label, with what its stored label set says of it."""
    known = {label.name: label for label in label_set.labels} if label_set else {}
    described = [known.get(label, SetLabel(label)) for label in labels]
    keys = keys_of(labels, [label.key for label in described])
    return [
        LabelButton(
            label=label.name,
            text=reveal(label.name),
            keys=own,
            short_text=reveal(label.short_name),
            definition=reveal(label.definition),
        )
        for label, own in zip(described, keys, strict=True)
    ]


def _start(values: Judgement) -> Start:
    picked, also = split_labels(values)
    span = values.span
    return Start(
        label=picked,
        also=list(also),
        note=values.note,
        answer=values.answer,
        verdicts=list(values.verdicts),
        severity=values.severity,
        confidence=values.confidence,
        span=None if span is None else SpanSent(text=span.text, start=span.start, end=span.end),
    )


def _details(answer: str | None) -> Details:
    return Details(answer=answer, sentences=[] if answer is None else sentence_spans(answer))
