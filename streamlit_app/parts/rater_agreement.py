"""Agreement: inter-rater agreement, agreement with the gold label and intra-rater agreement."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future

import streamlit as st

from db.content.label_sets import kind_of
from db.records import Phase
from db.review.agreement import Gold, RatingFilter, RatingScope, Shown
from streamlit_app import palette, safe_text
from streamlit_app.charts.agreement_matrix import draw_agreement
from streamlit_app.charts.bars import BarPart, draw_bars
from streamlit_app.components import (
    blind_items,
    chart,
    choices,
    estimate_card,
    rating_picker,
)
from streamlit_app.components import coming as figures_coming
from streamlit_app.components.scope_picker import GOLD_WORDS
from streamlit_app.logic import agreement_tables as logic
from streamlit_app.logic.agreement_tables import AgreementView, Coefficient, PeopleView
from streamlit_app.server import services
from streamlit_app.session import sign_in
from streamlit_app.wording import say, words
from training.evaluation.agreement.figures import Anchoring, Answers, GuidelineAgreement
from training.evaluation.agreement.reviewers import MAX_PAIRED

ANSWERS: tuple[Answers, ...] = ("single", "sets", "ordinal")
MOVE_TONES = {
    "kept": palette.RIGHT,
    "adopted": palette.GREEN,
    "stayed": palette.GREY,
    "moved": palette.OCHRE,
    "dropped": palette.WRONG,
}


def draw() -> None:
    """Draw this part."""
    state = rating_picker.state()
    viewer = sign_in.current_viewer()
    blind_items.draw_left_out(viewer)
    scopes = rating_picker.load_scopes(viewer, *state)
    if not scopes:
        safe_text.draw_notice(say("agreement.nothing"))
        return
    flt = rating_picker.pick(viewer, scopes)
    answers = pick_answers(flt.label_set)
    # What is drawn at once is computed before the rest begins: both want the same processor.
    view = load_view(flt, answers, *state)
    coming = start_view(flt, answers, *state)
    is_whole = figures_coming.is_there(coming)
    if is_whole:
        view = coming.result()
    draw_cards(view, [scope for scope in scopes if logic.is_in(scope, flt)], flt.gold)
    draw_measures(view)
    if is_whole:
        st.caption(say("agreement.intervals_note"))
    else:
        figures_coming.draw(coming, say("agreement.intervals_coming"))
    if "gold" in view.anchoring:
        draw_anchoring(view)
    phase = pick_phase(view)
    people = load_people(flt, phase, answers, *state)
    draw_labels(view, phase)
    if len(people.guidelines) > 1:
        draw_guidelines(people, start_guidelines(flt, phase, answers, *state))
    by_pair, alone = st.columns([2, 1], gap="large")
    with by_pair:
        draw_pairs(people, view)
    with alone:
        draw_self(people)
    draw_people(people, view)


# What follows is cached until there are new judgements; path and version are parts of the key.
# ruff: noqa: ARG001
@st.cache_data(max_entries=30, show_spinner=False)
def load_view(
    flt: RatingFilter, answers: Answers, path: str, version: tuple[int, ...]
) -> AgreementView:
    """Compute the figures of all people together, with intervals that hold for these people."""
    return logic.load_view(services.database(), flt, answers, "same")


@st.cache_resource(max_entries=30, show_spinner=False)
def start_view(
    flt: RatingFilter, answers: Answers, path: str, version: tuple[int, ...]
) -> Future[AgreementView]:
    """Start to compute the same with intervals that hold for other people too."""
    return figures_coming.start(logic.load_view, services.database(), flt, answers)


@st.cache_data(max_entries=30, show_spinner=False)
def load_people(
    flt: RatingFilter, phase: Phase, answers: Answers, path: str, version: tuple[int, ...]
) -> PeopleView:
    """Compute the figures of single people."""
    return logic.load_people(services.database(), flt, phase, answers)


@st.cache_resource(max_entries=30, show_spinner=False)
def start_guidelines(
    flt: RatingFilter, phase: Phase, answers: Answers, path: str, version: tuple[int, ...]
) -> Future[tuple[GuidelineAgreement, ...]]:
    """Start to compute the agreement by version of the guidelines for other people too."""
    return figures_coming.start(logic.load_guidelines, services.database(), flt, phase, answers)


def pick_answers(label_set: str) -> Answers:
    """Draw the choice of what becomes of judgements with several labels, or none."""
    kind = kind_of(services.database().cursor(), label_set)
    if kind == "several":
        return "sets"
    return choices.pick_one(
        say("agreement.answers"),
        ANSWERS if kind == "ordinal" else ANSWERS[:2],
        words("agreement_answers"),
        key="agreement_answers",
        explanation=say("agreement.answers_help"),
    )


def draw_cards(view: AgreementView, scopes: Sequence[RatingScope], gold: Gold) -> None:
    """Draw the number of judgements, their time, and how often they are the gold label."""
    times = view.times[0]
    with st.container(horizontal=True):
        estimate_card.draw_text(
            say("agreement.items"),
            f"{max(phase.num_items for phase in view.phases):,}",
            say("agreement.items_note", ratings=sum(scope.num_ratings for scope in scopes)),
            explanation=say("agreement.items_help"),
        )
        if times.median.value is not None and times.median.interval is not None:
            estimate_card.draw_text(
                say("agreement.time"),
                say("agreement.seconds_short", seconds=times.median.value),
                say("agreement.time_note", lower=times.lower.value, upper=times.upper.value),
                explanation=say(
                    "agreement.time_help",
                    low=times.median.interval.low,
                    high=times.median.interval.high,
                    n=times.median.n,
                ),
            )
        for phase in view.phases:
            estimate_card.draw(
                say(
                    "agreement.gold_agreement",
                    gold=GOLD_WORDS[gold].lower(),
                    phase=words("phase")[phase.phase],
                ),
                phase.holds_gold,
                explanation=say("agreement.gold_agreement_help"),
            )
        estimate_card.draw(
            say("agreement.information_missing"),
            view.lacking,
            explanation=say("agreement.information_missing_help"),
        )


def draw_measures(view: AgreementView) -> None:
    """Draw every measure of agreement, a column a phase."""
    st.header(
        say("agreement.inter_rater"),
        anchor=False,
        divider="gray",
        help=say("agreement.inter_rater_help"),
    )
    st.dataframe(
        logic.measures_table(view.phases),
        hide_index=True,
        key="agreement_measures",
        alt=say("agreement.inter_rater"),
    )
    for phase in view.phases:
        st.caption(
            say(
                "agreement.inter_rater_note",
                phase=logic.phase_words(phase.phase),
                items=phase.overall.n_items,
                pairs=phase.overall.n_pairs,
                single=phase.num_single,
                ratings=phase.num_ratings,
            )
        )
        for note in logic.drawn_notes(phase):
            st.caption(note)


def draw_anchoring(view: AgreementView) -> None:
    """Draw how people moved after the reveal: towards the gold label, the text, the head."""
    st.header(
        say("agreement.anchoring"),
        anchor=False,
        divider="gray",
        help=say("agreement.anchoring_help"),
    )
    st.caption(say("agreement.anchoring_note"))
    cards, bars = st.columns([1, 1], gap="large")
    with cards, st.container(horizontal=True):
        for shown, (overall, *_) in view.anchoring.items():
            draw_moved(shown, overall)
    with bars:
        counts = logic.moves(view.anchoring["gold"][0])
        move_words = words("agreement_move")
        parts = [
            BarPart(move_words[move], counts[move], MOVE_TONES[move].chart) for move in logic.MOVES
        ]
        chart.draw(
            draw_bars(parts, unit=say("agreement.answers_unit")),
            key="agreement_moves",
            alt=say("agreement.moves_alt"),
            table={"move": [part.name for part in parts], "count": [part.count for part in parts]},
        )
    with st.expander(say("agreement.changes_by_reviewer")):
        st.dataframe(
            logic.moves_table(view.anchoring, view.names),
            hide_index=True,
            key="agreement_movers",
            alt=say("agreement.changes_by_reviewer"),
        )
        st.caption(say("agreement.changes_note"))


def draw_moved(shown: Shown, overall: Anchoring) -> None:
    """Draw how many took something up, and how many were led astray by it."""
    name = words("agreement_shown")[shown]
    estimate_card.draw(
        say("agreement.adopted", shown=name),
        overall.adopted,
        explanation=say("agreement.adopted_help", shown=name),
    )
    if shown == "gold":
        estimate_card.draw(
            say("agreement.dropped"), overall.dropped, explanation=say("agreement.dropped_help")
        )
    else:
        estimate_card.draw(
            say("agreement.misled", shown=name),
            overall.misled,
            explanation=say("agreement.misled_help", shown=name),
        )


def pick_phase(view: AgreementView) -> Phase:
    """Draw the choice of a phase for labels and people; nothing to choose where there is one."""
    phases: list[Phase] = [phase.phase for phase in view.phases]
    if len(phases) == 1:
        return phases[0]
    shown = {phase: logic.phase_words(phase) for phase in phases}
    return choices.pick_one(say("agreement.in_phase"), phases, shown, key="agreement_phase")


def draw_labels(view: AgreementView, phase: Phase) -> None:
    """Draw the measures of each label."""
    st.header(say("agreement.by_label"), anchor=False, divider="gray")
    (figures,) = [found for found in view.phases if found.phase == phase]
    st.dataframe(
        logic.labels_table(figures),
        hide_index=True,
        key="agreement_by_label",
        alt=say("agreement.by_label"),
    )
    st.caption(say("agreement.by_label_note"))


def draw_guidelines(people: PeopleView, coming: Future[tuple[GuidelineAgreement, ...]]) -> None:
    """Draw the agreement over time, by version of the guidelines."""
    is_whole = figures_coming.is_there(coming)
    st.header(say("agreement.by_guideline"), anchor=False, divider="gray")
    st.dataframe(
        logic.guidelines_table(coming.result() if is_whole else people.guidelines),
        hide_index=True,
        key="agreement_by_guideline",
        alt=say("agreement.by_guideline"),
    )
    st.caption(say("agreement.by_guideline_note"))
    if not is_whole:
        figures_coming.draw(coming, say("agreement.intervals_coming"))


def draw_self(people: PeopleView) -> None:
    """Draw how far people agree with themselves."""
    st.header(
        say("agreement.intra_rater"),
        anchor=False,
        divider="gray",
        help=say("agreement.intra_rater_help"),
    )
    if not people.repeats:
        st.caption(say("agreement.intra_rater_undefined"))
        return
    found = people.repeats[0].agreement
    st.markdown(
        say(
            "agreement.intra_rater_summary",
            items=found.n_items,
            percent=logic.share_text(found.percent),
            kappa=logic.coefficient_text(found.cohen_kappa),
        )
    )


def draw_pairs(people: PeopleView, view: AgreementView) -> None:
    """Draw how far every two people agree, as a matrix and as a table."""
    st.header(say("agreement.pairs"), anchor=False, divider="gray")
    if not people.pairs:
        st.caption(say("agreement.no_pair_at_all"))
        return
    value_column, least_column = st.columns([3, 2], vertical_alignment="bottom")
    with value_column:
        measures = {name: say(f"agreement.{name}") for name in logic.PAIR_COEFFICIENTS}
        coefficient: Coefficient = (
            choices.pick_from(
                say("agreement.pair_value"),
                logic.PAIR_COEFFICIENTS,
                measures,
                key="agreement_pair_value",
            )
            or "cohen_kappa"
        )
    with least_column:
        most = max(pair.agreement.n_items for pair in people.pairs)
        at_least: int = st.number_input(
            say("agreement.at_least"), 1, value=min(10, max(most, 1)), key="agreement_at_least"
        )
    shown, cells = logic.pair_cells(people.pairs, coefficient, at_least)
    if cells:
        chart.draw(
            draw_agreement(shown, cells, view.names, measure=measures[coefficient]),
            key="agreement_pairs",
            alt=say("agreement.pairs_alt"),
            table=logic.pairs_table(people.pairs, view.names),
        )
    else:
        st.caption(say("agreement.no_pairs"))
    if len(people.reviewers) > MAX_PAIRED:
        st.caption(say("agreement.pairs_busiest", count=MAX_PAIRED))
    with st.expander(say("agreement.as_table")):
        st.dataframe(
            logic.pairs_table(people.pairs, view.names),
            hide_index=True,
            key="agreement_pairs_table",
            alt=say("agreement.pairs_alt"),
        )


def draw_people(people: PeopleView, view: AgreementView) -> None:
    """Draw each person's figures."""
    st.header(say("agreement.by_reviewer"), anchor=False, divider="gray")
    st.dataframe(
        logic.people_table(people, view.times, view.names),
        hide_index=True,
        key="agreement_people",
        alt=say("agreement.by_reviewer"),
    )
