"""What a page leaves out because it is damaged: how many, which, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from streamlit_app import safe_text
from streamlit_app.wording import say_count

_NUM_NAMED = 5


def draw(what: Literal["runs", "presets", "choices"], faults: Sequence[str]) -> None:
    """Draw what was set aside, where anything was; each fault names its place and its remedy."""
    if not faults:
        return
    lines = [say_count(f"set_aside.{what}", len(faults)), *faults[:_NUM_NAMED]]
    if len(faults) > _NUM_NAMED:
        lines.append(say_count("set_aside.more", len(faults) - _NUM_NAMED))
    for line in lines:
        safe_text.draw_notice(line, kind="warning")
