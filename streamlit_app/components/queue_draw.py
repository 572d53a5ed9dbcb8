"""How the items of a queue are drawn: the fields of its form, and what a queue says of its draw."""

from __future__ import annotations

import secrets
from typing import Final

import streamlit as st

from db.review.draws import FLOOR, QueueDesign, Strata
from db.review.queues import FIXED_ORDERS, QueueSettings
from streamlit_app.wording import say, words

MAX_SEED: Final = 2**31 - 1
_STRATA: Final[tuple[Strata, ...]] = (
    "source",
    "split",
    "gold_label",
    "head_label",
    "answer_label",
)


def pick() -> None:
    """Draw the fields; their values are held under their keys."""
    shown = words("strata")
    st.number_input(
        say("queue.floor"),
        0,
        100,
        round(100 * FLOOR),
        help=say("queue.floor_help"),
        key="queue_floor",
    )
    st.selectbox(
        say("queue.strata"),
        [None, *_STRATA],
        format_func=lambda one: shown[one] if one else say("queue.no_strata"),
        help=say("queue.strata_help"),
        key="queue_strata",
    )
    st.number_input(
        say("queue.seed"),
        0,
        MAX_SEED,
        None,
        placeholder=say("queue.seed_placeholder"),
        help=say("queue.seed_help"),
        key="queue_seed",
    )


def picked() -> tuple[int, QueueDesign]:
    """Return the seed and the design; a seed that nobody typed is drawn at random."""
    state = st.session_state
    seed = state["queue_seed"]
    design = QueueDesign(floor=state["queue_floor"] / 100, strata=state["queue_strata"])
    return secrets.randbelow(MAX_SEED) if seed is None else int(seed), design


def about(settings: QueueSettings) -> str:
    """Return what makes the draw of a queue again; empty where nothing was drawn."""
    design = settings.design
    if design is None or settings.order in FIXED_ORDERS:
        return ""
    strata = design.strata
    return say(
        "queue.drawn_by" if settings.order == "random" else "queue.drawn_floor",
        seed=settings.seed,
        floor=design.floor,
        strata=words("strata")[strata] if strata else say("queue.no_strata"),
    )
