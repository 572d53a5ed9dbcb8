"""The glossary in the app, and the help texts that link to it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import streamlit_app
from streamlit_app.wording import catalogue

GLOSSARY = Path(streamlit_app.__file__).parents[1] / "docs" / "glossary.md"
LINK = re.compile(r"\[Glossary\]\(glossary#([^)]+)\)")
LINKS = sorted({term for text in catalogue().values() for term in LINK.findall(text)})


def test_the_page_shows_the_glossary_of_the_documentation(
    open_page: Callable[..., AppTest],
) -> None:
    page = open_page("glossary")
    title, text = GLOSSARY.read_text("utf-8").split("\n", 1)
    assert title == "# Glossary"  # drawn as the heading of the page
    assert text.strip() in [one.value.strip() for one in page.markdown]
    assert not page.exception


@pytest.mark.parametrize("term", LINKS)
def test_a_help_text_links_to_a_term_that_the_glossary_has(term: str) -> None:
    headings = re.findall(r"^### (.+)$", GLOSSARY.read_text("utf-8"), re.MULTILINE)
    assert term in {heading.lower().replace(" ", "-") for heading in headings}


def test_the_terms_of_agreement_labels_models_and_calibration_are_linked() -> None:
    assert {"label-of-record", "inter-rater-agreement", "champion", "calibration"} <= set(LINKS)
