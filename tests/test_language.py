"""The words of the code and of the texts follow docs/language.md."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from streamlit_app.wording import catalogue

ROOT = Path(__file__).resolve().parents[1]
RUNNING = ("backup", "install", "proxy", "settings", "teams", "upgrade", "watch")
PAGES = (
    "README.md",
    "CONTRIBUTING.md",
    "docs/architecture.md",
    "docs/eci_library.md",
    "docs/figures.md",
    "docs/formats.md",
    "docs/glossary.md",
    "docs/guide.md",
    *(f"docs/running/{page}.md" for page in RUNNING),
)
PACKAGES = ("db", "eci", "training", "streamlit_app")
EXCEPTIONS = {
    "settle settling settled decide decided": "verbs that a model's answer may use",
    "imported gold label": "what a data set holds; a person's label or a consensus is never gold",
    "gold_label": "a field of files",
    "also called gold label": "the glossary, for those who look for the word",
}
"""Phrases in which a banned word is right, each with the reason."""
VERBS = frozenset(
    """
    add adjust append apply arrange ask average build calibrate change check choose classify clear
    close compare compile complete compress compute concatenate convert copy correct count
    create cut decide defer delete deny describe destroy divide download draw drop encode
    estimate evaluate exclude execute exit fetch fill find fit fix flag gather generate group
    handle hash identify import include index join limit link list load lock make manage map
    measure merge move narrow neutralise normalise number open order pad pair pass pick poll
    postpone predict prefill print quote raise rank read recalibrate recognise record reduce
    refit refuse register reinterpret release remove replace report request rescale reserve
    restore restrict retire retract retrain return run save score select send separate serve set
    share show simulate sort split stack standardise start stop store submit summarise test
    train translate undo unpack update upload validate veto wait warn watch withdraw wrap write
    yield
    """.split()  # noqa: SIM905 - a list of 130 strings is harder to read
)


def banned(where: str) -> list[str]:
    """Return the phrases that the page bans in a place: ``everywhere`` or ``texts``."""
    page = (ROOT / "docs" / "language.md").read_text("utf-8")
    rows = re.findall(r"^\| [^|]+ \| ([^|]+) \| (\w+) \|$", page, re.MULTILINE)
    return [phrase.strip() for phrases, at in rows if at == where for phrase in phrases.split(",")]


def occurrences(text: str, phrases: list[str]) -> list[str]:
    """Return the lines of a text with a banned phrase; an underscore ends a word."""
    text = re.sub("|".join(EXCEPTIONS), "", text, flags=re.IGNORECASE)
    pattern = re.compile(
        "|".join(rf"(?<![a-z]){re.escape(phrase)}(?![a-z])" for phrase in phrases), re.IGNORECASE
    )
    return [line.strip() for line in text.splitlines() if pattern.search(line)]


def first_words(source: str) -> list[tuple[str, str]]:
    """Return the name of each function of a module with the first word of its docstring."""
    functions = (
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    return [
        (node.name, text.split()[0].strip(".,;:").lower())
        for node in functions
        if (text := ast.get_docstring(node))
    ]


def sources(package: str, *suffixes: str) -> Iterator[tuple[str, str]]:
    """Yield the files of a package: path and text; no migrations, which are never changed."""
    for path in sorted((ROOT / package).rglob("*")):
        if path.suffix in suffixes and path.parent.name != "migrations":
            yield str(path.relative_to(ROOT)), path.read_text("utf-8")


@pytest.mark.parametrize("package", PACKAGES)
def test_code_uses_the_preferred_terms(package: str) -> None:
    phrases = banned("everywhere")
    files = sources(package, ".py", ".sql", ".js", ".css", ".html", ".md")
    found = {path: lines for path, text in files if (lines := occurrences(text, phrases))}
    assert not found


@pytest.mark.parametrize("package", PACKAGES)
def test_the_docstring_of_a_function_begins_with_an_imperative(package: str) -> None:
    words = {
        (path, name): word
        for path, text in sources(package, ".py")
        for name, word in first_words(text)
    }
    assert len(words) > 100
    assert not {place: word for place, word in words.items() if word not in VERBS}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_uses_the_preferred_terms(page: str) -> None:
    prose = re.sub(r"```.*?```|`[^`]*`", "", (ROOT / page).read_text("utf-8"), flags=re.DOTALL)
    assert not occurrences(prose, banned("everywhere") + banned("texts"))


def test_the_texts_of_the_app_use_the_preferred_terms() -> None:
    texts = re.sub(r"\{[^}]*\}", "", "\n".join(catalogue().values()))
    assert not occurrences(texts, banned("everywhere") + banned("texts"))


def test_reports_written_from_the_store_use_the_preferred_terms() -> None:
    """What a template computes is code, and left out."""
    for template in (ROOT / "training").rglob("report_templates/*"):
        prose = re.sub(r"\{[{%].*?[%}]\}", "", template.read_text("utf-8"))
        assert not occurrences(prose, banned("everywhere") + banned("texts")), template


def test_the_table_is_read_and_whole_words_are_found() -> None:
    assert {"anew", "put right", "take_in"} <= set(banned("everywhere"))
    assert "nobody" in banned("texts")
    text = "Fits it anew.\ntake_in(run)\nbelies\nEVERYBODY\nsettle settling settled decide decided"
    assert occurrences(text, banned("everywhere")) == ["Fits it anew.", "take_in(run)", "EVERYBODY"]
    assert first_words('def f():\n    "Tokens of each row."') == [("f", "tokens")]
