"""How figures are written: shares, differences, p values, each with its interval."""

from __future__ import annotations

from eci.statistics.compare import Comparison
from eci.statistics.estimates import Estimate
from streamlit_app.wording import say


def percent(value: float | None, digits: int = 1) -> str:
    """Write a share in [0, 1] as a percentage; a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}%}".replace("%", " %")


def interval_text(estimate: Estimate) -> str:
    """Write the interval of a share, or why there is none."""
    if estimate.interval is None:
        return estimate.undefined_because or f"n = {estimate.n:,}"
    low, high = percent(estimate.interval.low), percent(estimate.interval.high)
    return say("figures.interval", low=low, high=high)


def estimate_text(estimate: Estimate) -> str:
    """Write a share with its interval in one table cell, in per cent without the sign."""
    if estimate.value is None or estimate.interval is None:
        return "–" if estimate.value is None else f"{100 * estimate.value:.1f}"
    low, high = 100 * estimate.interval.low, 100 * estimate.interval.high
    value = f"{100 * estimate.value:.1f}"
    return say("figures.with_interval", value=value, low=f"{low:.1f}", high=f"{high:.1f}")


def number_text(estimate: Estimate, digits: int = 1) -> str:
    """Write a number that is no share with its interval in one table cell."""
    if estimate.value is None:
        return "–"
    value = f"{estimate.value:,.{digits}f}"
    if estimate.interval is None:
        return value
    low, high = (f"{end:,.{digits}f}" for end in (estimate.interval.low, estimate.interval.high))
    return say("figures.with_interval", value=value, low=low, high=high)


def points(value: float | None) -> str:
    """Write a difference of shares in percentage points, with its sign."""
    return "–" if value is None else say("figures.points", points=100 * value)


def points_interval(estimate: Estimate) -> str:
    """Write the interval of a difference, or why there is none."""
    if estimate.interval is None:
        return estimate.undefined_because or ""
    low, high = 100 * estimate.interval.low, 100 * estimate.interval.high
    return say("figures.interval", low=f"{low:+.1f}", high=f"{high:+.1f}")


def p_value_text(p_value: float) -> str:
    """Write a p value with two digits, and a very small one as a bound."""
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.2g}"


def head_verdict(comparison: Comparison) -> str:
    """Return in a sentence whether the head helps: run A is the text, run B the head."""
    if comparison.p_value is None:
        return say("figures.head_not_comparable")
    if not comparison.is_significant:
        key = "figures.head_could_be_chance"
    elif comparison.fixed > comparison.broken:
        key = "figures.head_helps"
    else:
        key = "figures.head_harms"
    p = p_value_text(comparison.p_value)
    return say(key, fixed=comparison.fixed, broken=comparison.broken, p=p)


def duration(seconds: float) -> str:
    """Write a time: seconds below two minutes, minutes below two hours, else hours."""
    if seconds < 120:
        return say("figures.seconds", count=seconds)
    if seconds < 7200:
        return say("figures.minutes", count=seconds / 60)
    return say("figures.hours", count=seconds / 3600)
