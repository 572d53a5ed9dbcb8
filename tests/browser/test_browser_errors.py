"""From a count on the Errors page to its items and on to Review, in a real browser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from db.connection import Database
from db.content.items import add_items
from db.content.predictions import add_predictions
from db.content.runs import add_run
from tests.support.records import make_answer, make_drug_item, make_run

pytestmark = pytest.mark.browser


def fill(database: Database) -> None:
    """Return six items; the run is wrong on the two whose gold label is no."""
    gold = ["yes", "yes", "no", "no", "maybe", "maybe"]
    text = ["yes", "yes", "yes", "yes", "maybe", None]
    items = [make_drug_item(n, gold_label=label, split="test") for n, label in enumerate(gold)]
    with database.transaction() as cur:
        add_items(cur, items, origin="items")
        add_run(cur, make_run("run-1", name="First run"))
        answers = [make_answer(f"q-{n}", "An answer.", label) for n, label in enumerate(text)]
        add_predictions(cur, answers)


@pytest.fixture(scope="module")
def server(serve_once):
    return serve_once(fill)


def click_cell(page: Page, row: int, column: int, *, rows: int = 4, columns: int = 5) -> None:
    plot = page.locator(".st-key-errors_confusion_text .nsewdrag").first
    expect(plot).to_be_visible()
    box = plot.bounding_box()
    assert box is not None
    plot.click(
        position={
            "x": box["width"] * (column + 0.5) / columns,
            "y": box["height"] * (row + 0.5) / rows,
        }
    )


def test_a_click_on_a_cell_lists_its_items_and_a_row_leads_to_review(server, page: Page):
    page.goto(f"{server.url}/errors")
    expect(page.get_by_text("6 items. Select a row")).to_be_visible()

    click_cell(page, row=1, column=0)
    expect(page.get_by_text("2 items. Select a row")).to_be_visible()
    expect(page).to_have_url(re.compile("errors_gold=no.*errors_text=yes"))

    click_cell(page, row=2, column=3)
    expect(page.get_by_text("1 item. Select a row")).to_be_visible()

    grid = page.locator(".st-key-errors_items [data-testid=stDataFrame]")
    grid.click(position={"x": 20, "y": 54})
    expect(page).to_have_url(re.compile("item=q-5"))
    expect(page.get_by_role("heading", name="Does drug 5 help?")).to_be_visible()


def test_a_link_restores_what_was_chosen(server, page: Page):
    page.goto(f"{server.url}/errors?errors_gold=no&errors_text=yes")
    expect(page.get_by_text("2 items. Select a row")).to_be_visible()


def test_the_sum_of_a_row_lists_all_items_with_its_gold_label(server, page: Page):
    page.goto(f"{server.url}/errors")
    expect(page.get_by_text("6 items. Select a row")).to_be_visible()
    click_cell(page, row=2, column=4)
    expect(page.get_by_text("2 items. Select a row")).to_be_visible()
    expect(page).to_have_url(re.compile("errors_gold=maybe"))


def test_a_chart_takes_the_colours_of_the_theme_when_it_is_switched(server, page: Page):
    page.goto(f"{server.url}/errors")
    tick = page.locator(".js-plotly-plot .ytick text").first
    for scheme, color in (("light", "rgb(26, 34, 48)"), ("dark", "rgb(231, 235, 241)")):
        page.emulate_media(color_scheme=scheme)
        expect(page.get_by_test_id("stApp")).to_have_css("color-scheme", scheme)
        expect(tick).to_have_css("fill", color)


def test_the_report_draws_its_charts_from_disk_without_a_network(
    server, page: Page, chromium: Browser, tmp_path: Path
):
    page.goto(f"{server.url}/errors")
    expect(page.get_by_text("6 items. Select a row")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Report").click()
    report = tmp_path / "errors.html"
    download.value.save_as(report)

    context = chromium.new_context(offline=True)
    opened = context.new_page()
    problems: list[str] = []
    opened.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
    asked: list[str] = []
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto(report.as_uri())
    expect(opened.get_by_role("heading", name="Errors of First run")).to_be_visible()
    charts = opened.locator(".chart")
    expect(charts.first.locator(".main-svg").first).to_be_visible()
    assert charts.count() == opened.locator(".chart:has(.main-svg)").count() > 2
    assert problems == []
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    context.close()


def test_the_help_of_a_term_leads_to_its_place_in_the_glossary(server, page: Page):
    page.goto(f"{server.url}/errors")
    page.locator(".st-key-errors_against [data-testid=stTooltipIcon]").hover()
    link = page.get_by_test_id("stTooltipContent").get_by_role("link", name="Glossary")
    with page.expect_popup() as popup:
        link.click()
    expect(popup.value).to_have_url(re.compile("/glossary#label-of-record"))
    expect(popup.value.get_by_role("heading", name="Label of record")).to_be_in_viewport()
