"""The frame around the pages: headers, colours, errors, and how text from elsewhere is drawn."""

from __future__ import annotations

import asyncio
import re
import string
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import streamlit
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup
from streamlit.testing.v1 import AppTest

import streamlit_app
from streamlit_app import palette, theme
from streamlit_app.components.answer_card import marked_answer
from streamlit_app.logic.review.correction import corrected_answer
from streamlit_app.logic.review.label_keys import label_keys
from streamlit_app.logic.review.question import split_case
from streamlit_app.logic.review.verdict import judge
from streamlit_app.markup import element, escape, join, reveal, widget_label
from streamlit_app.safe_text import draw
from streamlit_app.server.security_headers import SecurityHeaders, content_security_policy
from streamlit_app.session.local_time import local_text
from tests.support.records import make_answer

ROOT = Path(streamlit_app.__file__).parent


def test_every_http_answer_carries_the_policy_and_websockets_pass() -> None:
    seen: list[Any] = []

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
        else:
            seen.append(scope["type"])

    async def collect(message: Any) -> None:
        seen.append({name.decode(): value.decode() for name, value in message["headers"]})

    async def call(kind: str) -> None:
        await SecurityHeaders(inner)({"type": kind}, None, collect)  # type: ignore[arg-type]

    asyncio.run(call("http"))
    asyncio.run(call("websocket"))
    headers, websocket = seen
    assert headers["content-security-policy"] == content_security_policy()
    assert headers["x-content-type-options"] == "nosniff"
    assert websocket == "websocket"


def test_the_policy_lets_nothing_foreign_in() -> None:
    policy = dict(part.split(" ", 1) for part in content_security_policy().split("; "))
    assert policy["default-src"] == "'none'"
    assert "unsafe" not in policy["script-src"]
    assert not re.search(r"https?:|\*", content_security_policy())


def test_no_file_of_the_app_names_a_foreign_host() -> None:
    files = [path for path in ROOT.rglob("*") if path.suffix in (".css", ".js", ".py", ".svg")]
    addresses = {
        found for path in files for found in re.findall(r"https?://[\w.]+", path.read_text("utf-8"))
    }
    assert addresses <= {"http://www.w3.org"}  # the name of SVG, never fetched


def test_the_style_sheet_holds_nothing_that_looks_like_a_tag() -> None:
    # The browser's sanitiser drops a whole style element that does.
    sheet = theme.style().removeprefix("<style>").removesuffix("</style>")
    assert "<" not in sheet


def _luminance(color: str) -> float:
    channels = [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(
    "name", sorted(set(palette.TONES) - {"surface", "sunken", "line", "mark", "accent"})
)
def test_text_colours_reach_wcag_aa_on_every_surface(name: str) -> None:
    tone = palette.TONES[name]
    for surface in (palette.TONES["surface"], palette.TONES["sunken"]):
        assert _contrast(tone.light, surface.light) >= 4.5
        assert _contrast(tone.dark, surface.dark) >= 4.5


def test_marked_text_reaches_wcag_aa() -> None:
    text, mark = palette.TONES["text"], palette.TONES["mark"]
    assert _contrast(text.light, mark.light) >= 4.5
    assert _contrast(text.dark, mark.dark) >= 4.5


@given(st.text())
def test_any_text_becomes_markup_without_tags_or_hidden_characters(text: str) -> None:
    bare = re.sub(r'</?span( class="lc-invisible" title="[\w <>-]*")?>', "", escape(text))
    assert "<" not in bare and ">" not in bare
    assert not re.search("[\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\x00]", bare)
    assert reveal(reveal(text)) == reveal(text)


def test_only_markup_is_left_unescaped_inside_an_element() -> None:
    built = element("p", "<b>", element("em", "a & b"), title='"><script>', data_x=None)
    assert built == '<p title="&#34;&gt;&lt;script&gt;">&lt;b&gt;<em>a &amp; b</em></p>'


def test_markup_of_another_library_is_text_like_any_other() -> None:
    foreign = Markup("<b>\u202e</b>")
    assert join(foreign, element("i", foreign)).count("&lt;b&gt;") == 2
    assert "<b>" not in escape(foreign) + foreign
    assert "\u202e" not in join(foreign) + "\u202e"
    with pytest.raises(TypeError, match=r"markup\.py"):
        draw(foreign)  # type: ignore[arg-type]


def test_a_plain_string_is_never_drawn_as_markup() -> None:
    with pytest.raises(TypeError, match=r"markup\.py"):
        draw("<b>")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "shown"),
    [("yes", "yes"), ("A", "A"), ("not sure", "not sure"), ("**a**", "3"), (":red[x]", "3"),
     ("a_b", "3"), ("", "3"), ("www.x.org", "3"), ("1. a", "3"), ("a" * 60, "3")],
)  # fmt: skip
def test_widget_labels_are_plain_words_or_numbers(name: str, shown: str) -> None:
    assert widget_label(name, 2) == shown


def test_the_mark_cannot_be_forged_from_inside_an_answer() -> None:
    prediction = make_answer("q", "</mark><b>yes</b> yes", "yes")
    assert marked_answer(prediction).endswith('from this text">yes</mark></span>')
    assert marked_answer(prediction).count("<mark") == 1
    assert "<b>" not in marked_answer(prediction)


def test_errors_that_a_user_can_put_right_are_plain_text_and_others_are_not_hidden() -> None:
    def script() -> None:
        from db.errors import DbError
        from streamlit_app.errors import shown_errors

        with shown_errors():
            raise DbError("Cannot read '**x**' <b>.")
        with shown_errors():
            raise KeyError("a fault of the program")

    test = AppTest.from_function(script).run()
    assert "Cannot read &#39;**x**&#39; &lt;b&gt;." in test.html[0].value
    assert len(test.exception) == 1


def test_labels_have_digits_and_the_letters_that_only_they_begin_with() -> None:
    assert label_keys(("yes", "no", "maybe")) == {
        "1": 0, "2": 1, "3": 2, "y": 0, "n": 1, "m": 2
    }  # fmt: skip
    assert label_keys(tuple("ABCDEF"))["f"] == 5
    assert set(label_keys(("sure", "maybe", "mostly", "under", "*"))) == set("12345su")


def test_labels_that_are_digits_have_their_own() -> None:
    assert label_keys(("0", "1", "2")) == {"0": 0, "1": 1, "2": 2}
    assert label_keys(("5", "4", "none"))["5"] == 0


def test_labels_in_another_script_have_their_letters() -> None:
    assert label_keys(("да", "нет"))["н"] == 1


@pytest.mark.parametrize(
    "labels", [string.ascii_uppercase, tuple(f"drug {number}" for number in range(30))]
)
def test_each_of_many_options_has_a_key(labels: Sequence[str]) -> None:
    keys = label_keys(labels)
    assert set(keys.values()) == set(range(len(labels)))
    assert (keys["1"], keys["0"]) == (0, 9)


def test_a_long_case_ends_in_its_question() -> None:
    case = "A man of 43 coughs. " * 12
    assert split_case(f"{case}Which drug is best?") == (case.strip(), "Which drug is best?")
    assert split_case("Does it help? We ask.") == ("", "Does it help? We ask.")


@pytest.mark.parametrize(
    ("written", "answer", "corrected"),
    [
        ("Yes.\nSure.", "Yes.\r\nSure. ", None),
        ("", "Yes.", None),
        (None, "Yes.", None),
        ("No.", "Yes.", "No."),
        ("No.", None, "No."),
    ],
)
def test_only_a_changed_answer_is_a_correction(
    written: str | None, answer: str | None, corrected: str | None
) -> None:
    assert corrected_answer(written, answer) == corrected


@pytest.mark.parametrize(
    ("text", "head", "gold", "has_answer", "says"),
    [
        ("yes", "yes", "yes", True, "All agree."),
        ("yes", None, "yes", True, "Agrees with the label of record."),
        ("no", "yes", "yes", True, "The text contradicts the label of record and the head."),
        ("no", None, "yes", True, "The text contradicts the label of record."),
        ("yes", "no", "yes", True, "The head contradicts the label of record."),
        ("no", "no", "yes", True, "Text and head agree, but both contradict"),
        ("no", "maybe", "yes", True, "Text, head and label of record all differ."),
        (None, "yes", "yes", True, "The answer's text contains no label."),
        (None, "no", "yes", True, "The text contains no label, and the head"),
        (None, None, "yes", True, "The answer's text contains no label."),
        ("yes", "no", None, True, "Text and head disagree. There is no label of record."),
        ("yes", "yes", None, True, "There is no label of record for this item."),
        (None, "yes", "yes", False, "Agrees with the label of record."),
        (None, None, "yes", False, "This run has no prediction for this item."),
    ],
)
def test_the_verdict_says_who_differs(
    text: str | None, head: str | None, gold: str | None, has_answer: bool, says: str
) -> None:
    assert judge(text, head, gold, has_answer=has_answer).text.startswith(says)


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("Asia/Tokyo", "2026-03-01 21:00"),
        *((zone, "2026-03-01 12:00") for zone in (None, "America", "Nowhere", "../x", "a" * 300)),
    ],
)
def test_times_are_those_of_the_readers_zone_and_utc_where_it_is_none(
    monkeypatch: pytest.MonkeyPatch, zone: str | None, shown: str
) -> None:
    monkeypatch.setattr(type(streamlit.context), "timezone", property(lambda _: zone))
    assert local_text(datetime(2026, 3, 1, 12, tzinfo=UTC)) == shown
