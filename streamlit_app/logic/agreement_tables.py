"""What the Agreement page shows: which answers there are, and their figures as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from db.connection import Database
from db.people.reviewers import list_reviewers
from db.records import Phase
from db.review.agreement import (
    Answer,
    Challenges,
    RatingFilter,
    RatingScope,
    RejectedItem,
    Shown,
    count_challenges,
    list_rating_scopes,
)
from db.viewer import Viewer
from eci.statistics.agreement import Agreement
from eci.statistics.estimates import Estimate, proportion
from streamlit_app.logic.figures import estimate_text, number_text
from streamlit_app.markup import one_line, reveal
from streamlit_app.wording import say, words
from training.evaluation.agreement.anchoring import load_anchoring
from training.evaluation.agreement.figures import (
    Anchoring,
    Answers,
    GuidelineAgreement,
    Pair,
    PhaseAgreement,
    Readers,
    ReviewerAgreement,
    SelfAgreement,
    Times,
)
from training.evaluation.agreement.phases import load_by_guideline, load_phase
from training.evaluation.agreement.reviewers import (
    load_pairs,
    load_reviewers,
    load_self_agreement,
    load_times,
)

PHASES: tuple[Phase, ...] = ("blind", "revealed", "open")
SHOWN: tuple[Shown, ...] = ("gold", "text", "head")
Coefficient = Literal["percent", "cohen_kappa", "fleiss_kappa", "krippendorff_alpha", "gwet_ac1"]
COEFFICIENTS: tuple[Coefficient, ...] = (
    "percent",
    "krippendorff_alpha",
    "gwet_ac1",
    "fleiss_kappa",
    "cohen_kappa",
)
"""In the order in which they help most where answers are missing or labels unequally frequent."""
PAIR_COEFFICIENTS: tuple[Coefficient, ...] = (
    "cohen_kappa",
    "percent",
    "gwet_ac1",
    "krippendorff_alpha",
)
MOVES = ("kept", "adopted", "stayed", "moved", "dropped")

Table = dict[str, list[str | int]]


@dataclass(frozen=True)
class AgreementCell:
    """One pair: its value in [-1, 1], None where it is undefined, and the words for it."""

    person_id: str
    other_id: str
    value: float | None
    num_items: int
    text: str


@dataclass(frozen=True)
class AgreementView:
    """Everything the page draws of one choice of answers, but for single people.

    ``phases`` are those with judgements; ``anchoring`` holds what was revealed to
    reviewers, all people together first.
    """

    phases: tuple[PhaseAgreement, ...]
    anchoring: Mapping[Shown, tuple[Anchoring, ...]]
    times: tuple[Times, ...]
    challenges: Challenges
    names: Mapping[str, str]

    @property
    def lacking(self) -> Estimate:
        """Return the share of items of which two reviewers report missing information."""
        counts = self.challenges
        return proportion(counts.num_lacking, counts.num_items, say("undefined.no_two_people"))


@dataclass(frozen=True)
class PeopleView:
    """How people agree in one phase, one by one and two by two."""

    reviewers: tuple[ReviewerAgreement, ...]
    pairs: tuple[Pair, ...]
    repeats: tuple[SelfAgreement, ...]
    guidelines: tuple[GuidelineAgreement, ...]


def load_scopes(database: Database, viewer: Viewer) -> list[RatingScope]:
    """Return which answers there are."""
    return list_rating_scopes(database.cursor(), viewer)


def load_view(
    database: Database, flt: RatingFilter, answers: Answers, readers: Readers = "others"
) -> AgreementView:
    """Compute what is drawn of all people together.

    Args:
        readers: For whom intervals hold; those for the ``same`` ones take a fraction of the time.
    """
    cur = database.cursor()
    scopes = [scope for scope in list_rating_scopes(cur, flt.viewer) if is_in(scope, flt)]
    present = {scope.phase for scope in scopes}
    moved = {shown: tuple(load_anchoring(cur, flt, shown, readers)) for shown in SHOWN}
    return AgreementView(
        phases=tuple(
            load_phase(cur, flt, phase, answers, readers) for phase in PHASES if phase in present
        ),
        anchoring={shown: found for shown, found in moved.items() if found},
        times=tuple(load_times(cur, flt)),
        challenges=count_challenges(cur, flt),
        names={reviewer.reviewer_id: reviewer.name for reviewer in list_reviewers(cur)},
    )


def load_people(
    database: Database, flt: RatingFilter, phase: Phase, answers: Answers
) -> PeopleView:
    """Compute what is drawn of single people in a phase."""
    cur = database.cursor()
    return PeopleView(
        reviewers=tuple(load_reviewers(cur, flt, phase, answers)),
        pairs=tuple(load_pairs(cur, flt, phase, answers)),
        repeats=tuple(load_self_agreement(cur, flt, phase, answers)),
        guidelines=tuple(load_by_guideline(cur, flt, phase, answers, "same")),
    )


def load_guidelines(
    database: Database, flt: RatingFilter, phase: Phase, answers: Answers
) -> tuple[GuidelineAgreement, ...]:
    """Compute the agreement by version of the guidelines with intervals for other readers too."""
    return tuple(load_by_guideline(database.cursor(), flt, phase, answers))


def is_in(scope: RatingScope, flt: RatingFilter) -> bool:
    """Return whether a filter lets the answers of a scope through."""
    same = (scope.origin, scope.label_set) == (flt.origin, flt.label_set)
    return same and flt.source in (None, scope.source)


def coefficient_text(estimate: Estimate) -> str:
    """Write a coefficient with its interval, or why there is none."""
    if estimate.value is None:
        return say("agreement.undefined", why=estimate.undefined_because)
    return number_text(estimate, 2)


def share_text(estimate: Estimate) -> str:
    """Write a share in per cent with its interval, or why there is none."""
    if estimate.value is None:
        return say("agreement.undefined", why=estimate.undefined_because)
    return estimate_text(estimate)


def measure_text(found: Agreement, coefficient: Coefficient) -> str:
    """Write one measure of an agreement."""
    estimate: Estimate = getattr(found, coefficient)
    return share_text(estimate) if coefficient == "percent" else coefficient_text(estimate)


def drawn_notes(phase: PhaseAgreement) -> list[str]:
    """Describe for which items figures hold, and the plain ones where they differ."""
    if phase.draw is None or phase.plain is None:
        return []
    notes = [
        say(
            "agreement.drawn_note",
            phase=phase_words(phase.phase),
            items=phase.draw.num_items,
            population=phase.draw.num_population,
            rated=phase.num_items,
        )
    ]
    shown, plain = (
        [measure_text(one.overall, name) for name in ("krippendorff_alpha", "percent")]
        for one in (phase, phase.plain)
    )
    if shown != plain:
        alpha, share = plain
        notes.append(
            say("agreement.plain_note", alpha=alpha, share=share, items=phase.plain.num_items)
        )
    return notes


def measures_table(phases: Sequence[PhaseAgreement]) -> Table:
    """Arrange the measures of each phase as columns, agreement with the gold label last."""
    table: Table = {
        say("agreement.measure"): [
            *(say(f"agreement.{name}") for name in COEFFICIENTS),
            say("agreement.with_gold"),
        ]
    }
    for phase in phases:
        table[phase_words(phase.phase)] = [
            *(measure_text(phase.overall, name) for name in COEFFICIENTS),
            coefficient_text(phase.with_gold.cohen_kappa),
        ]
    return table


def labels_table(phase: PhaseAgreement) -> Table:
    """Arrange the measures of each label against all others as columns."""
    rows = phase.per_label
    table: Table = {
        say("agreement.label"): [reveal(row.label) for row in rows],
        "n": [row.agreement.n_items for row in rows],
    }
    for name in COEFFICIENTS[:-1]:
        table[say(f"agreement.{name}")] = [measure_text(row.agreement, name) for row in rows]
    return table


def moves(anchoring: Anchoring) -> dict[str, int]:
    """Count answers by how they moved towards or away from the gold label."""
    counts = anchoring.counts
    return {
        "kept": counts.num_held - counts.num_dropped,
        "adopted": counts.num_adopted,
        "stayed": counts.num_missed - counts.num_adopted - counts.num_moved,
        "moved": counts.num_moved,
        "dropped": counts.num_dropped,
    }


def moves_table(anchoring: Mapping[Shown, Sequence[Anchoring]], names: Mapping[str, str]) -> Table:
    """Arrange who changed towards what as columns, one person a row."""
    gold = anchoring["gold"][1:]
    table: Table = {
        say("agreement.reviewer"): [_name(names, row.reviewer_id) for row in gold],
        say("agreement.both_phases"): [row.counts.num_ratings for row in gold],
        say("agreement.missed_gold"): [row.counts.num_missed for row in gold],
        say("agreement.switched_column"): [estimate_text(row.adopted) for row in gold],
        say("agreement.had_gold"): [row.counts.num_held for row in gold],
        say("agreement.abandoned_column"): [estimate_text(row.dropped) for row in gold],
    }
    shown_words = words("agreement_shown")
    for shown in ("text", "head"):
        by_person = {row.reviewer_id: row for row in anchoring.get(shown, ())}
        if not by_person:
            continue
        found = [by_person.get(row.reviewer_id) for row in gold]
        table[say("agreement.switched_to_column", shown=shown_words[shown])] = [
            estimate_text(row.adopted) if row else "–" for row in found
        ]
        table[say("agreement.misled_by_column", shown=shown_words[shown])] = [
            estimate_text(row.misled) if row else "–" for row in found
        ]
    return table


def people_table(view: PeopleView, times: Sequence[Times], names: Mapping[str, str]) -> Table:
    """Arrange each person's figures as columns: against gold, against themselves, their time."""
    rows = view.reviewers
    again = {row.reviewer_id: row.agreement for row in view.repeats}
    seconds = {row.reviewer_id: row for row in times}
    table: Table = {
        say("agreement.reviewer"): [_name(names, row.reviewer_id) for row in rows],
        say("agreement.both_phases"): [row.num_ratings for row in rows],
        say("agreement.gold_agreement_column"): [estimate_text(row.holds_gold) for row in rows],
        say("agreement.kappa_gold"): [number_text(row.with_gold.cohen_kappa, 2) for row in rows],
        say("agreement.ac1_gold"): [number_text(row.with_gold.gwet_ac1, 2) for row in rows],
        say("agreement.seconds"): [_quartiles(seconds.get(row.reviewer_id)) for row in rows],
    }
    if again:
        found = [again.get(row.reviewer_id) for row in rows]
        table[say("agreement.same_judgement_column")] = [
            estimate_text(one.percent) if one else "–" for one in found
        ]
        table[say("agreement.intra_rater_kappa_column")] = [
            number_text(one.cohen_kappa, 2) if one else "–" for one in found
        ]
    return table


def guidelines_table(rows: Sequence[GuidelineAgreement]) -> Table:
    """Arrange the agreement under each version of the guidelines as columns, oldest first."""
    return {
        say("agreement.guideline"): [
            reveal(row.version) or say("agreement.no_guideline") for row in rows
        ],
        say("agreement.guideline_since"): [f"{row.since:%Y-%m-%d}" for row in rows],
        say("agreement.items"): [row.agreement.n_items for row in rows],
        **{
            say(f"agreement.{name}"): [measure_text(row.agreement, name) for row in rows]
            for name in COEFFICIENTS[:3]
        },
    }


def pair_cells(
    pairs: Sequence[Pair], coefficient: Coefficient, at_least: int
) -> tuple[list[str], list[AgreementCell]]:
    """Return the people of a matrix of pairs, the busiest first, and its cells.

    Args:
        at_least: Pairs with fewer items in common are left out.
    """
    enough = [pair for pair in pairs if pair.agreement.n_items >= at_least]
    shared: dict[str, int] = {}
    for pair in enough:
        for who in (pair.reviewer_id, pair.other_id):
            shared[who] = shared.get(who, 0) + pair.agreement.n_items
    people = sorted(shared, key=lambda who: (-shared[who], who))
    cells = [
        AgreementCell(
            pair.reviewer_id,
            pair.other_id,
            getattr(pair.agreement, coefficient).value,
            pair.agreement.n_items,
            measure_text(pair.agreement, coefficient),
        )
        for pair in enough
    ]
    return people, cells


def pairs_table(pairs: Sequence[Pair], names: Mapping[str, str]) -> Table:
    """Arrange all pairs as columns, those with most items in common first."""
    rows = sorted(pairs, key=lambda pair: -pair.agreement.n_items)
    table: Table = {
        say("agreement.reviewer"): [_name(names, row.reviewer_id) for row in rows],
        say("agreement.other_reviewer"): [_name(names, row.other_id) for row in rows],
        say("agreement.in_common"): [row.agreement.n_items for row in rows],
    }
    for name in PAIR_COEFFICIENTS:
        table[say(f"agreement.{name}")] = [measure_text(row.agreement, name) for row in rows]
    return table


def rejected_table(rows: Sequence[RejectedItem], gold_title: str, *, with_answers: bool) -> Table:
    """Arrange items in doubt as columns.

    Args:
        gold_title: What the label is called that they are in doubt of.
        with_answers: Show other people's judgements; a reviewer who may still be asked must not see
            it.
    """
    table: Table = {
        say("agreement.question"): [one_line(row.question) for row in rows],
        gold_title: [reveal(row.gold) for row in rows],
        say("agreement.against"): [f"{row.num_rejecting} / {len(row.answers)}" for row in rows],
    }
    if with_answers:
        table[say("agreement.judgements_column")] = [
            " · ".join(answer_text(answer) for answer in row.answers) for row in rows
        ]
    return {**table, say("agreement.item"): [reveal(row.item_id) for row in rows]}


def answer_text(answer: Answer) -> str:
    """Write an answer: its labels, or that there is none."""
    return "+".join(reveal(label) for label in answer) or say("review.no_label")


def phase_words(phase: Phase) -> str:
    """Return the name of a phase as a heading."""
    return words("phase")[phase].capitalize()


def _name(names: Mapping[str, str], reviewer_id: str | None) -> str:
    return reveal(names.get(reviewer_id or "", reviewer_id or ""))


def _quartiles(times: Times | None) -> str:
    if times is None or times.median.value is None:
        return "–"
    parts = (times.lower.value, times.median.value, times.upper.value)
    low, middle, high = (f"{part or 0:,.0f}" for part in parts)
    return say("figures.with_interval", value=middle, low=low, high=high)
