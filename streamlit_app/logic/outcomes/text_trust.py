"""How far a label read from a text may be trusted, where no head gives a confidence."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from db.connection import Database
from db.outcomes.counts import ReviewTime, measure_review_time
from db.outcomes.selection import OutcomeFilter, Selection
from db.outcomes.text_trust import TextCount, count_texts
from eci.statistics.estimates import Estimate, proportion
from streamlit_app.logic.cache import cached
from streamlit_app.logic.review.verdict import FORM_WORDS
from streamlit_app.wording import say

LABELLED_FORMS: Final = ("bare", "leading", "stated", "embedded", "inferred")
"""The forms that give a label, the most direct one first."""
WAY_WORDS: Final = {
    **{form: FORM_WORDS[form] for form in LABELLED_FORMS},
    "separate": say("outcome_items.label_given_separately"),
}


@dataclass(frozen=True)
class TextTrustView:
    """Answers by how they give their label and by hedging, and what labelling one item takes."""

    counts: tuple[TextCount, ...]
    review_time: ReviewTime

    @property
    def n(self) -> int:
        """Return the number of answers that were read."""
        return sum(one.n for one in self.counts)

    @property
    def labelled(self) -> list[TextCount]:
        """Return the counts with a label, in the order of ``WAY_WORDS``."""
        order = list(WAY_WORDS)
        found = [one for one in self.counts if one.way in WAY_WORDS]
        return sorted(found, key=lambda one: (order.index(one.way), one.is_hedging))

    def alone(self, ways: Collection[str], *, with_hedging: bool) -> tuple[Estimate, Estimate]:
        """Return the share answered alone if only these answers are, and its risk."""
        mine = [
            one for one in self.counts if one.way in ways and (with_hedging or not one.is_hedging)
        ]
        answered = sum(one.n for one in mine)
        wrong = answered - sum(one.num_right for one in mine)
        return (
            proportion(answered, self.n, say("undefined.no_answer_read")),
            proportion(wrong, answered, say("undefined.none_alone")),
        )


@cached
def load_text_trust(
    database: Database,
    version: str,  # noqa: ARG001
    flt: OutcomeFilter,
) -> TextTrustView:
    """Count right and wrong labels by what the text alone shows."""
    cur = database.cursor()
    return TextTrustView(tuple(count_texts(cur, flt)), measure_review_time(cur))


def selection_of(count: TextCount) -> Selection:
    """Choose the answers behind a count; all of them where no filter distinguishes them."""
    if count.way not in LABELLED_FORMS:
        return Selection()
    words = "with hedging words" if count.is_hedging else "without hedging words"
    return Selection(text_form=count.way, slices=(("hedging", words),))
