"""The review desk without a browser: the page's frame, then its routes as the script calls them."""

from __future__ import annotations

import html
import json
import re
import time
import uuid
from typing import Any

from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

from streamlit_app.api.application import make_api
from tests.support.pages import markup_of

_CONFIG = re.compile(r'data-lc-desk="([^"]*)"')


class Desk:
    """One reviewer at the Review page that was opened."""

    def __init__(self, page: AppTest) -> None:
        assert not page.exception
        found = _CONFIG.search(markup_of(page))
        assert found is not None, "the page has no desk"
        self.config: dict[str, Any] = json.loads(html.unescape(found[1]))
        headers = {"Authorization": f"Bearer {self.config['token']}"}
        self._client = TestClient(make_api(), headers=headers, raise_server_exceptions=False)
        self.card: dict[str, Any] | None = None
        self.progress: dict[str, Any] = {}
        self.message = ""
        self.end = ""
        self._saved: list[tuple[str, str]] = []
        if self.config["item"] is None:
            self.show_next()
        else:
            self.open(self.config["item"])

    @property
    def item_id(self) -> str | None:
        """Return the id of the item on the desk."""
        return None if self.card is None else str(self.card["item_id"])

    @property
    def markup(self) -> str:
        """Return everything that is drawn of the item, or of the end."""
        fragments = self.card["fragments"].values() if self.card else ()
        return "\n".join((*fragments, self.message, self.end, self.progress.get("html", "")))

    def get(self, path: str, **asked: Any) -> dict[str, Any]:
        """Return the answer to a question, an error's too."""
        answer: dict[str, Any] = self._client.get(f"/desk/{path}", params=asked).json()
        return answer

    def post(self, path: str, **sent: Any) -> dict[str, Any]:
        """Return the answer to what was sent, an error's too; its text is the message."""
        answer: dict[str, Any] = self._client.post(f"/desk/{path}", json=sent).json()
        self.message = str(answer.get("error") or answer.get("message") or "")
        self.progress = answer.get("progress") or self.progress
        return answer

    def show_next(self) -> None:
        """Show the next open item, or the end."""
        asked = {"n": 1} if self.card is None else {"n": 1, "after": self.card["item_id"]}
        answer = self.get("next", **asked)
        self._take(answer)
        self.card = next(iter(answer.get("cards", ())), None)
        self.end = answer.get("end") or ""

    def open(self, item_id: str) -> None:
        """Show one item, where that is allowed."""
        answer = self.get(f"cards/{item_id}")
        self._take(answer)
        self.card = answer if "item_id" in answer else None

    def save(self, label: str | None = None, seconds: float = 0, **said: Any) -> dict[str, Any]:
        """Press Save with a label and whatever else is said; show the reveal or the next item."""
        assert self.card is not None
        start = {**self.card["start"], **said}
        labels = [label or start.pop("label", None), *start.pop("also")]
        start.pop("label", None)
        sent = {
            "judgement_id": str(uuid.uuid4()),
            "presentation_id": self.card["presentation_id"],
            "item_id": self.card["item_id"],
            "item_version": self.card["item_version"],
            "replaces": self.card["replaces"],
            "judgement": {**start, "labels": [one for one in labels if one is not None]},
            "pressed_at": time.time() * 1000,
            "seen_ms": round(1000 * seconds),
        }
        answer = self.post("judgements", **sent)
        if answer.get("status") != "stored":
            return answer
        self._saved.append((sent["judgement_id"], sent["item_id"]))
        if answer["reveal"] is not None:
            self.card = answer["reveal"]
        else:
            message = self.message
            self.show_next()
            self.message = message
        return answer

    def undo(self) -> None:
        """Take back what was saved last."""
        judgement_id, item_id = self._saved.pop()
        answer = self.post("undo", judgement_id=judgement_id, item_id=item_id)
        self.card = answer.get("card", self.card)

    def skip(self) -> None:
        """Postpone the item."""
        self.post("skip", item_id=self.item_id, pressed_at=1_780_000_000_000)
        self.show_next()

    def flag(self, *, is_flagged: bool = True) -> None:
        """Flag the item, or take the flag off."""
        sent = {"item_id": self.item_id, "is_flagged": is_flagged}
        self.post("flag", **sent, pressed_at=1_780_000_000_000)

    def move(self, step: int) -> None:
        """Show the item before or after."""
        neighbour = self.get("neighbour", item=self.item_id, step=step)["item_id"]
        if neighbour is not None:
            self.open(neighbour)

    def _take(self, answer: dict[str, Any]) -> None:
        self.message = str(answer.get("error") or "")
        self.progress = answer.get("progress") or self.progress
        self.end = ""
