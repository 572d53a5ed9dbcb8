"""Which judgements the parts of Agreement are about."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from db.records import AnnotationOrigin
from db.review.agreement import Gold, RatingFilter, RatingScope, rating_version
from db.viewer import Viewer
from streamlit_app.components import choices, scope_picker
from streamlit_app.logic import agreement_tables as logic
from streamlit_app.logic.label_sets import label_set_words
from streamlit_app.markup import reveal
from streamlit_app.server import services
from streamlit_app.wording import say, words

ORIGINS: tuple[AnnotationOrigin, ...] = ("review", "import")
GOLDS: tuple[Gold, ...] = ("imported", "record")


def state() -> tuple[str, tuple[int, ...]]:
    """Return what figures depend on: the file, and the judgements in it so far."""
    database = services.database()
    return str(database.path), rating_version(database.cursor())


@st.cache_data(max_entries=10, show_spinner=False)
def load_scopes(viewer: Viewer, path: str, version: tuple[int, ...]) -> list[RatingScope]:  # noqa: ARG001
    """Read which judgements there are, again only after new ones."""
    return logic.load_scopes(services.database(), viewer)


def pick(viewer: Viewer, scopes: Sequence[RatingScope]) -> RatingFilter:
    """Draw the choice of judgements; each stays in the address."""
    whose, labels, source_column, gold_column = st.columns([2, 2, 2, 3])
    present = {scope.origin for scope in scopes}
    origins = [origin for origin in ORIGINS if origin in present]
    with whose:
        origin = choices.pick_one(
            say("agreement.annotators"), origins, words("agreement_whose"), key="agreement_whose"
        )
    own = [scope for scope in scopes if scope.origin == origin]
    label_sets = list(dict.fromkeys(scope.label_set for scope in own))
    with labels:
        chosen = choices.pick_from(
            say("agreement.labels"),
            label_sets,
            {name: label_set_words(name) for name in label_sets},
            key="agreement_labels",
        )
    label_set = chosen or label_sets[0]
    sources = list(dict.fromkeys(s.source for s in own if s.label_set == label_set))
    with source_column:
        source = choices.pick_from(
            say("agreement.source"),
            sources,
            {name: reveal(name) for name in sources},
            key="agreement_source",
            any_words=say("agreement.all_sources"),
        )
    with gold_column:
        gold = choices.pick_one(
            say("agreement.gold"),
            GOLDS,
            scope_picker.GOLD_WORDS,
            key="agreement_gold",
            explanation=say("agreement.gold_help"),
        )
    return RatingFilter(viewer, label_set, origin, source, gold)
