"""What tests of the Review and Browse pages share: a real database file with a few items."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from db.connection import Database
from db.content.items import add_items
from db.content.predictions import add_predictions
from db.content.runs import add_run
from db.people.reviewers import find_person
from db.people.sign_in import sign_in_by_name
from db.records import Item, Option, Prediction, Run, Section
from streamlit_app.server import review_service, services

SHELL = Path(services.__file__).parents[1] / "shell.py"

PAYLOADS = (
    "<script>document.title='taken'</script>",
    "![x](https://tracker.example/pixel.png)",
    ":green-badge[GOLD yes] :red[**verified**]",
    "</mark></div><h1>Saved</h1><img src=x onerror=alert(1)>",
    "[click](javascript:alert(1)) $$\\frac{1}{0}$$",
    "abc\u202egnp.exe\u200b",
)


@dataclass(frozen=True)
class Makers:
    """Makers of records for these tests; keywords override what they would choose."""

    def yes_no_item(self, number: int, **overrides: Any) -> Item:
        """Give an item whose gold label is no."""
        fields: dict[str, Any] = {
            "source": "pubmedqa",
            "question": f"Does drug {number} help?",
            "context": (Section("METHODS", f"We gave drug {number}."), Section("", "It did not.")),
            "label_set": "pubmedqa",
            "labels": ("yes", "no", "maybe"),
            "options": (),
            "gold_label": "no",
            "long_answer": "It did not help.",
            "split": "train",
        }
        return Item(f"q-{number}", **{**fields, **overrides})

    def vignette(self, item_id: str, **overrides: Any) -> Item:
        """Give an item with four options of its own."""
        fields: dict[str, Any] = {
            "source": "medqa",
            "question": "A man coughs. Which drug?",
            "context": (),
            "label_set": "options",
            "labels": ("A", "B", "C", "D"),
            "options": tuple(Option(label, f"Drug {label}") for label in "ABCD"),
            "gold_label": "B",
            "long_answer": "",
            "split": "test",
        }
        return Item(item_id, **{**fields, **overrides})

    def run(self, run_id: str, *, day: int = 1, model: str = "a-model") -> Run:
        """Give a run of a day in March, named after its id."""
        moment = datetime(2026, 3, day, tzinfo=UTC)
        return Run(run_id, f"Run {run_id}", "imported", model, {}, {}, moment)

    def prediction(
        self,
        item_id: str,
        answer: str,
        label: str | None,
        *,
        run_id: str = "newer",
        head: str | None = None,
        shares: tuple[float, ...] | None = None,
    ) -> Prediction:
        """Give a prediction whose label is marked in the answer where it occurs there last."""
        start = answer.lower().rfind(label.lower()) if label else -1
        return Prediction(
            run_id,
            item_id,
            answer,
            label,
            answer_form="stated" if label else "absent",
            answer_start=start if start >= 0 else None,
            answer_end=start + len(label or "") if start >= 0 else None,
            head_label=head,
            head_probabilities=shares,
        )

    def markup(self, test: AppTest) -> str:
        """Give all markup that the page drew itself."""
        return "\n".join(element.value for element in test.html)


@pytest.fixture
def make() -> Makers:
    """Give the makers of records."""
    return Makers()


@pytest.fixture(params=PAYLOADS)
def payload(request: pytest.FixtureRequest) -> str:
    """Give each hostile text in turn."""
    return str(request.param)


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """Open an empty database file as the app's own."""
    monkeypatch.setenv("LLAMACARE_HOME", str(tmp_path))
    services.database.clear()
    opened = services.database()
    yield opened
    gc.unfreeze()
    review_service.settle()
    opened.close()
    services.database.clear()


@pytest.fixture
def filled_store(database: Database, make: Makers) -> Database:
    """Give three yes/no/maybe items, a vignette, and two runs; the newer one answered all."""
    predict = make.prediction
    with database.transaction() as cur:
        add_items(cur, [make.yes_no_item(number) for number in (1, 2, 3)], origin="items")
        add_items(cur, [make.vignette("v-1")], origin="items")
        add_run(cur, make.run("older", day=1))
        add_run(cur, make.run("newer", day=2))
        add_predictions(
            cur,
            [
                predict("q-1", "Yes, it does.", "yes", head="no", shares=(0.2, 0.7, 0.1)),
                predict("q-2", "No.", "no", head="no", shares=(0.1, 0.8, 0.1)),
                predict("q-3", "Hard to tell.", None, head="maybe", shares=(0.3, 0.3, 0.4)),
                predict("v-1", "The answer is B.", "B", head="B", shares=(0.1, 0.6, 0.2, 0.1)),
            ],
        )
    return database


@pytest.fixture
def open_page(database: Database) -> Callable[..., AppTest]:
    """Give a function that opens a page in a fresh session; keywords go into the address.

    A reviewer in the address is added first where nobody has the name, as the button does.
    """

    def open_at(page: str = "views/review.py", **params: str) -> AppTest:
        name = params.get("reviewer")
        if name is not None and find_person(database.cursor(), name) is None:
            with database.transaction() as cur:
                sign_in_by_name(cur, name)
        test = AppTest.from_file(str(SHELL), default_timeout=30)
        test.query_params.update(params)
        test.switch_page(page)
        return test.run()

    return open_at
