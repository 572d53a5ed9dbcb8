"""The judgements on an item, side by side: a card per person, with phases, times and comments."""

from __future__ import annotations

from collections.abc import Mapping

from db.records import Adjudication, Annotation, Item, labels_in, labels_text
from streamlit_app import safe_text
from streamlit_app.components.history import facts, texts
from streamlit_app.components.verdict_card import label_chip
from streamlit_app.logic.review.adjudication import Dispute, Person
from streamlit_app.markup import Html, element
from streamlit_app.session.local_time import local_text
from streamlit_app.wording import say, words


def draw(dispute: Dispute) -> None:
    """Draw a card for each person."""
    cards = [_card(dispute.item, person) for person in dispute.people]
    safe_text.draw(element("div", *cards, cls="lc-judgements"))


def draw_tally(dispute: Dispute) -> None:
    """Draw how many people hold each label in the end, and who else does."""
    item, total = dispute.item, dispute.num_people
    rows = [_tally_row(dispute, label, label_chip(item, label)) for label in item.labels]
    if dispute.num_saying(None):
        none = element("span", say("adjudicate.no_label"), cls="lc-quiet")
        rows.append(_tally_row(dispute, None, none))
    safe_text.draw(
        element(
            "table",
            element("tbody", *rows),
            cls="lc-verdict-table lc-tally",
            aria_label=say("adjudicate.num_of_total", count=total, total=total),
        )
    )


def draw_decisions(decisions: tuple[Adjudication, ...], names: Mapping[str, str]) -> None:
    """Draw every decision on the item, newest first."""
    if not decisions:
        safe_text.draw(element("p", say("adjudicate.no_decision"), cls="lc-quiet"))
        return
    lines = [_decision(one, names) for one in reversed(decisions)]
    safe_text.draw(element("ol", *lines, cls="lc-history"))


def _tally_row(dispute: Dispute, label: str | None, name: Html) -> Html:
    count, total = dispute.num_saying(label), dispute.num_people
    share = count / total if total else 0.0
    bar = element("span", cls="lc-bar-fill", style=f"width:{100 * share:.1f}%")
    also = []
    if label is not None and label in dispute.item.gold_labels:
        also.append(say("adjudicate.imported_gold"))
    if dispute.prediction is not None and label is not None:
        shown = words("agreement_shown")
        if label in labels_in(dispute.prediction.answer_label):
            also.append(shown["text"])
        if label in labels_in(dispute.prediction.head_label):
            also.append(shown["head"])
    return element(
        "tr",
        element("th", name, scope="row"),
        element("td", element("span", bar, cls="lc-bar-track")),
        element("td", say("adjudicate.num_of_total", count=count, total=total)),
        element("td", " · ".join(also), cls="lc-quiet"),
    )


def _card(item: Item, person: Person) -> Html:
    came = [element("span", say("review.imported"), cls="lc-fact")]
    is_import = any(one.origin == "import" for one in person.annotations)
    lines = [_judgement(item, person, one) for one in person.annotations]
    return element(
        "section",
        element("h3", person.name, " ", *(came if is_import else ())),
        *lines,
        cls="lc-judgement-card",
    )


def _judgement(item: Item, person: Person, one: Annotation) -> Html:
    is_taken_back = one.annotation_id in person.taken_back
    chips = [label_chip(item, label) for label in one.judgement.labels]
    none = element("span", say("adjudicate.no_label"), cls="lc-chip")
    return element(
        "div",
        element(
            "div",
            element("span", words("phase")[one.encounter.phase], cls="lc-judgement-phase"),
            *(chips or [none]),
            *([element("span", say("review.retracted"), cls="lc-wrong")] if is_taken_back else []),
        ),
        element("div", _when(one), _seconds(one)),
        *(element("span", fact, cls="lc-fact") for fact in facts(one)),
        *texts(one),
        cls="lc-judgement lc-retracted" if is_taken_back else "lc-judgement",
    )


def _when(one: Annotation) -> Html:
    if one.origin == "import":  # its time is that of the import: when it was made is not known
        return element("span")
    shown = local_text(one.created_at)
    return element("time", shown, datetime=one.created_at.isoformat())


def _seconds(one: Annotation) -> Html:
    seconds = one.encounter.duration_seconds
    return element("span", "" if seconds is None else say("adjudicate.seconds", seconds=seconds))


def _decision(one: Adjudication, names: Mapping[str, str]) -> Html:
    when = local_text(one.created_at)
    reason = words("adjudication_reason")[one.reason] if one.reason else ""
    decided = one.label
    if one.old_label:
        decided = say(
            "adjudicate.decided", old=labels_text(one.old_label), new=labels_text(one.label)
        )
    return element(
        "li",
        element("strong", names.get(one.reviewer_id, one.reviewer_id)),
        " ",
        element("strong", decided),
        element("time", when, datetime=one.created_at.isoformat()),
        element("p", reason, cls="lc-history-note") if reason else "",
        element("p", one.note, cls="lc-history-note") if one.note else "",
    )
