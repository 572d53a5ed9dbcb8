"""Take the screenshots of the documentation from a server with the demo.

export LLAMACARE_HOME=/tmp/shots
.venv/bin/python docs/screenshots/seed.py     # invented people beside the demo
make app                                      # in one terminal
.venv/bin/python docs/screenshots/make.py --url http://localhost:8501
.venv/bin/python docs/screenshots/make.py --sheets    # every page on a tablet and a phone
"""

from __future__ import annotations

import argparse
import io
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

FOLDER = Path(__file__).parent
PAGES = {
    "home": "",
    "review": "review",
    "queues": "queues",
    "browse": "items",
    "agreement": "agreement",
    "adjudicate": "agreement?part=adjudicate",
    "doubtful": "agreement?part=doubtful",
    "guidelines": "settings?part=guidelines",
    "people": "settings?part=people",
    "errors": "quality?errors_run=SmolLM2-135M-Instruct%2C+zero-shot",
    "compare": "quality?part=compare",
    "training": "training",
    "training_data": "training?part=data",
    "models": "training?part=models",
    "lineage": "training?part=lineage",
    "data": "settings",
}
ARGS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")


SCHEMES: Final = ("light", "dark")
SHEETS: Final = {"tablet": (768, 1024), "phone": (390, 844)}
"""Width and height of the screens of a sheet."""
THUMBNAIL: Final = 195
"""Width of a screen on a sheet, in pixels."""
PER_ROW: Final = 8
NUM_COLORS: Final = 128
RESIZED_MS: Final = 1500


def main() -> None:
    """Take one picture of each page, or of all pages on each sheet."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--url", default="http://localhost:8501")
    parser.add_argument("--out", type=Path, default=FOLDER)
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--width", type=int, default=1440)
    parser.add_argument("--sheets", action="store_true", help="tablet.png and phone.png instead")
    parser.add_argument("pages", nargs="*", help=", ".join(PAGES))
    options = parser.parse_args()
    found = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
    names = options.pages or list(PAGES)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=ARGS)
        if options.sheets:
            take_sheets(browser, options.url, names, options.out)
        else:
            scheme = SCHEMES[options.dark]
            page = _new_page(browser, options.width, 900, scheme)
            for name in names:
                _open(page, f"{options.url}/{PAGES[name]}")
                if name == "review":
                    page.keyboard.press("1")  # with a label picked, as a reviewer sees it
                page.screenshot(path=options.out / f"{name}.png")
        browser.close()


def take_sheets(browser: Browser, url: str, names: Iterable[str], folder: Path) -> None:
    """Write one picture a width with every page on it, the light ones above the dark ones."""
    shots: dict[str, list[Image.Image]] = {sheet: [] for sheet in SHEETS}
    for scheme in SCHEMES:
        page = _new_page(browser, *SHEETS["tablet"], scheme)
        for name in names:
            _open(page, f"{url}/{PAGES[name]}")
            for sheet, (width, height) in SHEETS.items():
                page.set_viewport_size({"width": width, "height": height})
                page.wait_for_timeout(RESIZED_MS)
                size = (THUMBNAIL, THUMBNAIL * height // width)
                shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
                shots[sheet].append(shot.resize(size, Image.Resampling.LANCZOS))
        page.close()
    for sheet, taken in shots.items():
        _arrange(taken).quantize(NUM_COLORS).save(folder / f"{sheet}.png", optimize=True)


def _arrange(taken: list[Image.Image]) -> Image.Image:
    """Return the pictures in rows, those of a scheme in rows of their own."""
    width, height = taken[0].width + 6, taken[0].height + 6
    per_scheme = len(taken) // len(SCHEMES)
    rows = -(-per_scheme // PER_ROW)
    sheet = Image.new("RGB", (width * min(PER_ROW, per_scheme), height * rows * 2), "#888888")
    for number, shot in enumerate(taken):
        scheme, place = divmod(number, per_scheme)
        row, column = divmod(place, PER_ROW)
        sheet.paste(shot, (column * width + 3, (scheme * rows + row) * height + 3))
    return sheet


def _new_page(browser: Browser, width: int, height: int, scheme: str) -> Page:
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
    page.set_default_timeout(120_000)
    return page


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
