"""After signing in only pages of this host are led to, whatever the cookie holds."""

from __future__ import annotations

import pytest

from streamlit_app.api.asked_page import is_ours


@pytest.mark.parametrize("page", ["/", "/review?item=q-1&queue=a%20b", "/base/quality?part=errors"])
def test_a_page_of_this_host_is_led_to(page: str) -> None:
    assert is_ours(page)


@pytest.mark.parametrize(
    "page",
    ["", "review", "//evil.example", "/\\evil.example", "https://evil.example", "/a\r\nX: 1", "/ä"],
)
def test_other_addresses_are_not(page: str) -> None:
    assert not is_ours(page)
