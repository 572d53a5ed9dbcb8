"""Guidelines: versions, how they are drawn, and the version that an annotation keeps."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db.connection import Database
from db.errors import GuidelineError, NotPermittedError
from db.people.sign_in import add_person, sign_in_by_name
from db.review.guidelines import MAX_CHARACTERS, add_guideline, find_guideline, list_guidelines
from streamlit_app.logic.markdown import render
from tests.support.desk import Desk
from tests.support.pages import OpenPage, markup_of


@pytest.fixture
def chief(filled_store: Database) -> str:
    with filled_store.transaction() as cur:
        return sign_in_by_name(cur, "Chief").reviewer_id


def test_the_guideline_of_a_label_set_goes_before_that_for_all_and_the_latest_counts(
    filled_store: Database, chief: str
) -> None:
    def beside(label_set: str) -> str | None:
        found = find_guideline(cur, label_set)
        return None if found is None else found.version

    with filled_store.transaction() as cur:
        assert beside("pubmedqa") is None
        everywhere = add_guideline(cur, "Be careful.", reviewer_id=chief)
        options = add_guideline(cur, "Pick one.", reviewer_id=chief, label_set="options")
        assert (beside("pubmedqa"), beside("options")) == (everywhere.version, options.version)
        assert add_guideline(cur, " Be careful. ", reviewer_id=chief) == everywhere
        later = add_guideline(cur, "Be very careful.", reviewer_id=chief)
        assert beside("pubmedqa") == later.version
    bodies = {one.version: one.body for one in list_guidelines(filled_store.cursor())}
    assert bodies[everywhere.version] == "Be careful."


@pytest.mark.parametrize("body", ["", " \n ", "a" * (MAX_CHARACTERS + 1)])
def test_empty_and_endless_guidelines_are_refused(
    filled_store: Database, chief: str, body: str
) -> None:
    with pytest.raises(GuidelineError, match="cannot be stored"):
        add_guideline(filled_store.cursor(), body, reviewer_id=chief)


def test_a_reviewer_reads_but_does_not_write(
    filled_store: Database, chief: str, open_page: OpenPage
) -> None:
    with filled_store.transaction() as cur:
        bob = add_person(cur, "Bob", role="reviewer").reviewer_id
        with pytest.raises(NotPermittedError, match="write guidelines"):
            add_guideline(cur, "Mine.", reviewer_id=bob)
        add_guideline(cur, "# Read all\n- **First** the results", reviewer_id=chief)
    page = open_page("guidelines", reviewer="Bob")
    assert not page.exception
    assert "<h3>Read all</h3><ul><li><strong>First</strong> the results</li></ul>" in markup_of(
        page
    )
    assert not [button for button in page.button if button.key == "guidelines_save"]


def test_the_page_stores_a_version_and_the_item_shows_it(
    filled_store: Database, chief: str, open_page: OpenPage
) -> None:
    page = open_page("guidelines", reviewer="Chief")
    page.text_area(key="guidelines_body_all").set_value("Say *maybe* rarely.").run()
    page.button(key="guidelines_save").click().run()
    assert not page.exception
    stored = find_guideline(filled_store.cursor(), "pubmedqa")
    assert stored is not None
    assert stored.body == "Say *maybe* rarely."
    assert "Say <em>maybe</em> rarely." in Desk(open_page(reviewer="Chief")).markup


def test_hostile_guidelines_stay_text(payload: str) -> None:
    for text in (payload, f"# {payload}", f"- {payload}", f"**{payload}**", f"`{payload}`"):
        tags = set(re.findall(r"<\s*/?\s*([a-z0-9]+)", render(text)))
        assert tags <= {"p", "h3", "ul", "li", "strong", "em", "code", "span"}
        assert "src=" not in re.sub(r"&lt;.*?&gt;", "", render(text))


@settings(deadline=None)
@given(st.text(st.sampled_from("#*-`1.)[]!<>&\n ab\u202e")))
def test_any_text_becomes_balanced_markup(text: str) -> None:
    markup = render(text)
    opened = re.findall(r"<([a-z0-9]+)", markup)
    closed = re.findall(r"</([a-z0-9]+)>", markup)
    assert sorted(opened) == sorted(closed)
    assert set(opened) <= {
        "p", "h3", "h4", "h5", "h6", "ul", "ol", "li", "strong", "em", "code", "span"
    }  # fmt: skip


@settings(deadline=None)
@given(st.text(st.sampled_from("#*-`1.)\n abc"), max_size=200))
def test_no_word_of_a_guideline_is_lost(text: str) -> None:
    shown = Counter(re.sub(r"<[^>]*>", "", render(text)))
    assert [shown[letter] for letter in "abc"] == [text.count(letter) for letter in "abc"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[a](http://x) ![b](x) <http://x>", "[a](http://x) ![b](x) &lt;http://x&gt;"),
        ("[a]\n\n[a]: http://x", "[a]</p><p>[a]: http://x"),
        ("<b>bold</b> &lt;", "&lt;b&gt;bold&lt;/b&gt; &amp;lt;"),
    ],
)
def test_links_images_html_and_entities_are_drawn_as_they_were_typed(text: str, shown: str) -> None:
    assert render(text) == f"<p>{shown}</p>"


def test_lists_within_lists_and_numbers_are_kept() -> None:
    assert render("3. a\n   - b\n     - c\n4. d") == (
        '<ol start="3"><li>a<ul><li>b<ul><li>c</li></ul></li></ul></li><li>d</li></ol>'
    )


def test_markdown_has_the_marks_that_the_page_names() -> None:
    assert render("# A\ntext\nmore  \n\n1. one\n2. two\n- x\n- y **b** *i* `c`") == (
        "<h3>A</h3><p>text more</p><ol><li>one</li><li>two</li></ol>"
        "<ul><li>x</li><li>y <strong>b</strong> <em>i</em> <code>c</code></li></ul>"
    )
