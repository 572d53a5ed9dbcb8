"""Where the reviewer is in the queue, and the bar that shows how much of some work is done."""

from __future__ import annotations

from streamlit_app.markup import Html, element, join
from streamlit_app.server.worklist import Worklist
from streamlit_app.wording import say


def line(worklist: Worklist, item_id: str | None) -> Html:
    """Return the markup of how much of the work is done, and of the place of an item."""
    number = None if item_id is None else worklist.number(item_id)
    if item_id is None:
        place = ""
    elif number is None:
        place = say("review.outside")
    else:
        place = say("review.place", number=number, total=worklist.total)
    return element(
        "div",
        element("span", place, cls="lc-progress-place"),
        element("span", done(worklist), style="display:contents", data_lc_progress=""),
        cls="lc-progress",
    )


def done(worklist: Worklist) -> Html:
    """Return the markup of how much of the work is done, without the place of an item."""
    return join(
        track(worklist.num_done / worklist.total if worklist.total else 0),
        element("span", say("review.reviewed", done=worklist.num_done, total=worklist.total)),
    )


def track(share: float) -> Html:
    """Return the markup of a bar that is filled up to a share, and whole from 1 on."""
    fill = element("span", cls="lc-progress-fill", style=f"width:{100 * min(share, 1):.2f}%")
    return element("span", fill, cls="lc-progress-track", aria_hidden="true")
