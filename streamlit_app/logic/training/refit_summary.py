"""The effect of the last refit in one sentence."""

from __future__ import annotations

from datetime import datetime

from db.retraining.refit_effect import RefitEffect
from eci.statistics.estimates import proportion
from streamlit_app.wording import say, say_count


def effect_words(effect: RefitEffect, now: datetime) -> str:
    """Describe when the head was refitted, on how many corrections, and its accuracy now."""
    right = proportion(effect.num_right, effect.n, say("undefined.no_test_label"))
    low, high = (right.interval.low, right.interval.high) if right.interval else (0.0, 1.0)
    values = {
        "ago": _ago((now - effect.ended_at).total_seconds()),
        "corrected": say_count("refit.items", effect.num_corrected),
        "share": 100 * effect.num_right / effect.n,
        "low": 100 * low,
        "high": 100 * high,
        "n": effect.n,
    }
    if effect.num_right_before is None:
        return say("refit.effect_without_before", **values)
    return say("refit.effect", **values, before=100 * effect.num_right_before / effect.n)


def _ago(seconds: float) -> str:
    """Return how long ago something was, in the largest whole unit."""
    for key, size in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= size:
            return say(f"refit.{key}", count=int(seconds // size))
    return say("refit.seconds", count=max(int(seconds), 0))
