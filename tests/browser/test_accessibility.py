"""Every page read by axe-core, in light and dark: nothing serious or moderate is found."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from db.connection import Database

pytestmark = pytest.mark.browser
axe = pytest.importorskip("axe_playwright_python", reason="axe-core is not installed")

PAGES = (
    "",
    "review",
    "items",
    "agreement",
    "agreement?part=adjudicate",
    "quality",
    "quality?part=compare",
    "training",
    "training?part=data",
    "training?part=models",
    "training?part=lineage",
    "settings",
    "settings?part=label_sets",
    "settings?part=guidelines",
    "settings?part=people",
    "settings?part=programs",
    "settings?part=project",
    "glossary",
)
RUN = """async () => (await axe.run(document, {runOnly: {type: "tag", values:
    ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}}))
    .violations.filter((found) => found.impact !== "minor")
    .map((found) => [found.id, ...found.nodes.map((node) => node.html.slice(0, 160))])"""


def test_no_page_has_a_serious_or_moderate_fault(
    serve: Callable[..., Any], review_seed: Callable[[Database], None], chromium: Browser
) -> None:
    server = serve(review_seed)
    script = Path(str(files("axe_playwright_python") / "axe.min.js")).read_text("utf-8")
    faults = {}
    for scheme in ("light", "dark"):
        context = chromium.new_context(color_scheme=scheme)
        page = context.new_page()
        for address in PAGES:
            page.goto(f"{server.url}/{address}")
            expect(page.locator("h1")).to_have_count(1)
            idle = page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]')
            expect(idle).to_be_attached()
            page.evaluate(script)
            found = page.evaluate(RUN)
            if found:
                faults[f"{address} in {scheme}"] = found
        context.close()
    assert faults == {}
