"""Watching the model in use: what random reviews since the last run say of its error."""

from __future__ import annotations

from eci.statistics.betting import certified_limit, is_above, watched_share
from streamlit_app.logic.figures import percent
from streamlit_app.wording import say
from training.control.triggers import Readiness


def watch_words(found: Readiness, error_rise: float) -> list[str]:
    """Describe the watched error, its limit, and whether it is above it, in whole sentences."""
    counts, limit = found.counts, found.error_limit(error_rise)
    if limit is None:
        return [say("watch.no_model")]
    lines = [say("watch.limit", limit=percent(limit), test_error=percent(found.test_error))]
    error = watched_share(counts.num_watched_wrong, counts.num_watched, "")
    if error.value is None or error.interval is None:
        return [*lines, say("watch.no_reviews"), say("watch.how")]
    low, high = percent(error.interval.low), percent(error.interval.high)
    lines.append(say("watch.error", share=percent(error.value), low=low, high=high, n=error.n))
    is_alarm = is_above(counts.num_watched_wrong, counts.num_watched, limit)
    lines.append(say("watch.alarm" if is_alarm else "watch.quiet"))
    certified = certified_limit(counts.num_watched_wrong, counts.num_watched)
    lines.append(say("watch.certified", limit=percent(certified)))
    return [*lines, say("watch.guarantee")]
