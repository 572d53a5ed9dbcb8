"""All texts come from one catalogue, and the theme can be read in light and dark."""

from __future__ import annotations

import ast
import re
import string
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import get_args

import pytest

import streamlit_app
from db.outcomes.run_pairs import Change
from db.outcomes.selection import DIMENSIONS, PAIR_OUTCOMES
from db.people.permissions import PERMISSIONS
from db.records import TrainingState
from db.retraining.lineage import Fold
from db.retraining.model_versions import AliasAction
from streamlit_app.components.card_downloads import Card
from streamlit_app.logic.outcomes.run_outcomes import FORM_ORDER
from streamlit_app.wording import catalogue, say, words
from training.data.formats import BuildFormat

ROOT = Path(streamlit_app.__file__).parent
THEME = tomllib.loads((ROOT.parent / ".streamlit" / "config.toml").read_text("utf-8"))["theme"]

MODULES = sorted(ROOT.rglob("*.py"))


def placeholders(key: str) -> set[str]:
    """Return the names of the values that a text wants."""
    return {name for _, name, _, _ in string.Formatter().parse(catalogue()[key]) if name}


def calls(path: Path) -> Iterator[tuple[str, set[str]]]:
    """Yield the key of every text that a file says, with the names of the values given."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ("say", "say_count")
            and node.args
            and isinstance(node.args[0], ast.Constant)
        ):
            key = str(node.args[0].value)
            values = {keyword.arg for keyword in node.keywords if keyword.arg}
            if len(values) < len(node.keywords):  # a mapping: what it holds shows when it runs
                values |= placeholders(key)
            if node.func.id == "say":
                yield key, values
            else:
                yield key, values | {"count"}
                yield f"{key}_one", values


def used_keys(path: Path) -> Iterator[str]:
    """Yield every key of the catalogue that a file names, or could make up from a part of one."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        if isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
            beginning = str(node.values[0].value)
            if "." in beginning:
                yield from (key for key in catalogue() if key.startswith(beginning))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
            section = node.args[0]
            if node.func.id == "words" and isinstance(section, ast.Constant):
                of = str(section.value)
                yield from (f"{of}.{name}" for name in words(of))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_what_a_page_says_is_in_the_catalogue_with_its_values(path: Path) -> None:
    for key, values in calls(path):
        # Without a value the text is taken as it is, braces and all.
        assert not values or placeholders(key) == values, key


def test_every_text_of_the_catalogue_is_used_somewhere() -> None:
    used = {key for path in MODULES for key in used_keys(path)}
    assert not [key for key in catalogue() if not {key, key.removesuffix("_one")} & used]


@pytest.mark.parametrize(
    ("section", "members"),
    [
        ("alias_action", get_args(AliasAction)),
        ("answer_form", FORM_ORDER),
        ("build_format", get_args(BuildFormat)),
        ("build_format_help", get_args(BuildFormat)),
        ("card_html", get_args(Card)),
        ("card_markdown", get_args(Card)),
        ("compare_change", get_args(Change)),
        ("dimension", DIMENSIONS),
        ("fold", get_args(Fold)),
        ("pair_outcome", PAIR_OUTCOMES),
        ("people_may", tuple(PERMISSIONS)),
        ("run_state", get_args(TrainingState)),
    ],
)
def test_each_member_of_a_kind_has_its_word(section: str, members: Sequence[str]) -> None:
    assert set(words(section)) == set(members)


def test_a_text_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError):
        say("people.nothing_like_it")


def luminance(color: str) -> float:
    channels = [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_buttons_and_focus_of_the_theme_reach_wcag_aa(theme: str) -> None:
    colors = THEME[theme]
    surfaces = [
        colors["backgroundColor"],
        colors["secondaryBackgroundColor"],
        colors["sidebar"]["backgroundColor"],
        colors["sidebar"]["secondaryBackgroundColor"],
    ]
    for surface in surfaces:
        assert contrast(colors["textColor"], surface) >= 4.5
        # What is no text, such as a switch that is on: 3:1 (WCAG 1.4.11).
        assert contrast(colors["primaryColor"], surface) >= 3
    # Streamlit writes white on the buttons of the primary colour.
    assert contrast("#FFFFFF", colors["primaryColor"]) >= 4.5


def test_focus_is_drawn_around_everything_that_takes_it() -> None:
    sheet = (ROOT / "assets" / "theme.css").read_text("utf-8")
    rule = re.search(r":is\(([^)]*)\):focus-visible \{([^}]*)\}", sheet)
    assert rule is not None
    assert {"button", "a", "input", "textarea", "summary"} <= set(rule[1].split(", "))
    assert "outline: 2px solid" in rule[2]
