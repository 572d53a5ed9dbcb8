"""Take the screenshots of the documentation from a server with the demo.

export LLAMACARE_HOME=/tmp/shots
.venv/bin/python docs/screenshots/seed.py     # invented people beside the demo
make app                                      # in one terminal
.venv/bin/python docs/screenshots/make.py --url http://localhost:8501
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

FOLDER = Path(__file__).parent
PAGES = {
    "home": "",
    "review": "review",
    "queues": "queues",
    "browse": "items",
    "agreement": "agreement",
    "adjudicate": "agreement?part=adjudicate",
    "guidelines": "settings?part=guidelines",
    "people": "settings?part=people",
    "errors": "quality",
    "compare": "quality?part=compare",
    "training": "training",
    "training_data": "training?part=data",
    "models": "training?part=models",
    "lineage": "training?part=lineage",
    "data": "settings",
}
ARGS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")


def main() -> None:
    """Take one picture of each page."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--url", default="http://localhost:8501")
    parser.add_argument("--out", type=Path, default=FOLDER)
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--width", type=int, default=1440)
    parser.add_argument("pages", nargs="*", help=", ".join(PAGES))
    options = parser.parse_args()
    found = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=ARGS)
        page = browser.new_page(
            viewport={"width": options.width, "height": 900},
            color_scheme="dark" if options.dark else "light",
        )
        page.set_default_timeout(120_000)
        for name in options.pages or PAGES:
            _open(page, f"{options.url}/{PAGES[name]}")
            page.screenshot(path=options.out / f"{name}.png")
        browser.close()


def _open(page: Page, url: str) -> None:
    page.goto(url)
    page.locator("h1").first.wait_for(state="attached")
    idle = page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]')
    expect(idle).to_be_attached(timeout=120_000)
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0, timeout=120_000)
    # Charts draw after the script has run; there is no event for "everything is painted".
    page.wait_for_timeout(4000)


if __name__ == "__main__":
    main()
