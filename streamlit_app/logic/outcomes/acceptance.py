"""What may be accepted without review, and what a minute of review finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from db.connection import Database
from db.outcomes.acceptance import AcceptanceRule, TimedReview, list_acceptances, list_timed_reviews
from db.outcomes.run_pairs import PairFilter
from db.outcomes.selection import OutcomeFilter
from db.retraining.correctness import CorrectnessFit, list_correctness_fits
from eci.statistics.acceptance import Certificate
from eci.statistics.estimates import (
    NO_ITEMS,
    Estimate,
    percentile_interval,
    proportion,
    resampled_rate,
)
from streamlit_app.logic.figures import percent
from streamlit_app.logic.outcomes.comparison import TrendPoint
from streamlit_app.wording import say, say_count
from training.evaluation.acceptance import AcceptancePlan, check_acceptances, plan_acceptance

MIN_REVIEWS: Final = 10
"""Fewer timed reviews of an order have no rate."""
MIN_THINKING: Final = 10
"""Fewer answers in several paragraphs have no curve."""
RANDOM: Final = "random"


@dataclass(frozen=True)
class OrderYield:
    """What the reviews of queues in one order found.

    Attributes:
        minutes: Spent by then, review by review.
        errors: Found by then, review by review.
        rate: Errors a minute.
        ratio: That rate over the rate of random order; None for random order itself.
    """

    order: str
    minutes: tuple[float, ...]
    errors: tuple[int, ...]
    rate: Estimate
    ratio: Estimate | None


@dataclass(frozen=True)
class AcceptanceView:
    """Everything the section draws but the plan, which depends on what is asked for."""

    fit: CorrectnessFit | None
    rules: tuple[AcceptanceRule, ...]
    yields: tuple[OrderYield, ...]


def final_points(fit: CorrectnessFit) -> list[TrendPoint]:
    """Return the share of answers that have their label by each tenth of their text.

    With Wilson intervals; none for fewer than ten answers in several paragraphs.
    """
    figures = fit.figures
    if figures.num_thinking < MIN_THINKING or not figures.final_by:
        return []
    points = []
    for tenth, count in enumerate(figures.final_by, 1):
        share = proportion(count, figures.num_thinking, NO_ITEMS)
        percent_read = 100 * tenth // len(figures.final_by)
        label = say("acceptance.by", percent=percent_read)
        value, interval = share.value, share.interval
        if value is not None and interval is not None:
            points.append(
                TrendPoint(percent_read, label, value, interval.low, interval.high, share.n)
            )
    return points


def stopping_sentence(fit: CorrectnessFit) -> str:
    """Return what stopping early would have saved; empty where it was not tried."""
    figures = fit.figures
    kept = proportion(figures.num_kept, figures.num_stopped, NO_ITEMS)
    if kept.value is None or kept.interval is None:
        return ""
    return say(
        "acceptance.stopped",
        saved=percent(figures.words_saved, 0),
        kept=percent(kept.value, 0),
        low=percent(kept.interval.low, 0),
        high=percent(kept.interval.high, 0),
        n=figures.num_stopped,
    )


def load_acceptance(database: Database, flt: OutcomeFilter) -> AcceptanceView:
    """Read the head, the rules, suspending those that no longer hold, and the yield of orders."""
    check_acceptances(database)
    cur = database.cursor()
    fits = list_correctness_fits(cur)
    here = (flt.run_id, flt.label_set)
    fit = next((one for one in fits if (one.run_id, one.label_set) == here), None)
    rules = [
        one for one in list_acceptances(cur, flt.run_id) if one.terms.label_set == flt.label_set
    ]
    reviews = list_timed_reviews(cur, flt.run_id, flt.label_set, flt.viewer)
    return AcceptanceView(fit, tuple(rules), tuple(order_yields(reviews)))


def pair_of(flt: OutcomeFilter, source: str | None, split: str | None) -> PairFilter:
    """Return the filter of the answers that a rule may be about: one run, by its texts."""
    run_id = flt.run_id
    return PairFilter(
        flt.viewer, run_id, run_id, "text", "text", "record", flt.label_set, source, split
    )


def load_plan(database: Database, flt: PairFilter, risk: float, level: float) -> AcceptancePlan:
    """Find what may be accepted."""
    return plan_acceptance(database.cursor(), flt, risk, level)


def certificate_sentence(plan: AcceptancePlan) -> str:
    """Return in one sentence what random reviews allow."""
    found: Certificate = plan.certificate
    risk, level, reviews = percent(found.risk, 0), percent(found.level, 0), found.num_reviewed
    if found.threshold is not None and not plan.accepted:
        return say("acceptance.none_left", reviews=reviews, risk=risk, level=level)
    if found.threshold is not None:
        return say(
            "acceptance.certified",
            accepted=len(plan.accepted),
            total=plan.num_items,
            reviews=reviews,
            risk=risk,
            level=level,
        )
    if plan.queue_id is None:
        name = "no_random_reviews" if plan.suspended_at is None else "none_since_suspension"
        return say(f"acceptance.{name}", reviews=found.more_reviews or 0)
    if found.more_reviews is None:
        return say("acceptance.never", reviews=reviews, risk=risk, level=level)
    return say_count(
        "acceptance.more_reviews", found.more_reviews, reviews=reviews, risk=risk, level=level
    )


def order_yields(reviews: Sequence[TimedReview]) -> list[OrderYield]:
    """Return what each order found, random order first, with rates of at least ten reviews."""
    by_order: dict[str, list[TimedReview]] = {}
    for review in reviews:
        by_order.setdefault(review.order, []).append(review)
    orders = sorted(
        (order for order, own in by_order.items() if len(own) >= MIN_REVIEWS),
        key=lambda order: (order != RANDOM, order),
    )
    rates = {order: _rate(by_order[order], seed) for seed, order in enumerate(orders)}
    found = []
    for order in orders:
        value, resamples = rates[order]
        n = len(by_order[order])
        ratio = None
        if order != RANDOM and RANDOM in rates and rates[RANDOM][0] > 0:
            base, base_resamples = rates[RANDOM]
            with np.errstate(divide="ignore", invalid="ignore"):
                ratios = resamples / base_resamples
            ratios = np.where(np.isfinite(ratios), ratios, np.nan)
            ratio = Estimate(value / base, n, percentile_interval(ratios))
        rate = Estimate(value, n, percentile_interval(resamples))
        seconds = np.cumsum([one.seconds for one in by_order[order]])
        errors = np.cumsum([one.is_error for one in by_order[order]])
        found.append(
            OrderYield(order, tuple((seconds / 60).tolist()), tuple(errors.tolist()), rate, ratio)
        )
    return found


def _rate(reviews: Sequence[TimedReview], seed: int) -> tuple[float, np.ndarray]:
    return resampled_rate(
        [one.is_error for one in reviews], [one.seconds / 60 for one in reviews], seed=seed
    )
