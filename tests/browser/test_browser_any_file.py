"""Data and labels of one's own, from the Data page to the desk and back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from db.connection import Database
from db.content.items import add_items
from db.content.label_sets import find_label_set
from db.people.sign_in import sign_in_by_name
from db.records import join_labels
from db.review.annotations import list_annotations
from db.viewer import EVERYTHING
from tests.support.browser import (
    choose_option,
    open_desk,
    wait_for_card,
    wait_until_saved,
)
from tests.support.records import make_item

pytestmark = pytest.mark.browser

TRIAGE = "Fall;Text der Anfrage;Stufe\n" + "".join(
    f'F{n};"Brustschmerz seit {n} Stunden; was tun?";{label}\n'
    for n, label in enumerate(("urgent", "soon", "routine"), start=1)
)


SIGNS = ("cough", "fever", "rash")


def upload(page: Page, path: Path) -> None:
    page.locator('[class*="st-key-data_file_"] input[type="file"]').set_input_files(path)


def press_import(page: Page) -> None:
    page.get_by_role("button", name="Import", exact=True).click()


def download_annotations(page: Page, folder: Path) -> Path:
    """Press the button until the page is drawn with the choice, which names the file."""
    for _ in range(3):
        with page.expect_download() as download:
            page.locator(".st-key-data_download button").click()
        name = download.value.suggested_filename
        if "annotations" in name:
            break
        page.wait_for_timeout(500)
    download.value.save_as(folder / name)
    return folder / name


def test_a_triage_table_goes_in_is_reviewed_by_keyboard_and_comes_back(
    serve: Callable[[Callable[[Database], None]], Any], page: Page, tmp_path: Path
) -> None:
    def seed(database: Database) -> None:
        with database.transaction() as cur:
            sign_in_by_name(cur, "Dr. Okafor")

    server = serve(seed)
    path = tmp_path / "triage.csv"
    path.write_bytes(b"\xef\xbb\xbf" + TRIAGE.encode())
    page.goto(f"{server.url}/data?reviewer=Dr.%20Okafor")
    upload(page, path)
    page.get_by_text("Map the fields of the file").click()
    choose_option(page, "Question", "Text der Anfrage")
    choose_option(page, "Id", "Fall")
    choose_option(page, "Right answer", "Stufe")
    expect(page.get_by_text("Brustschmerz seit 3 Stunden; was tun?")).to_be_visible()
    expect(page.get_by_text("labels: urgent, soon, routine · right answer: soon")).to_be_visible()
    press_import(page)
    expect(page.locator(".lc-notice-success")).to_contain_text("3 new items")

    open_desk(page, f"{server.url}/review?reviewer=Dr.%20Okafor", "F1")
    for item_id, key in (("F1", "2"), ("F2", "2"), ("F3", "3")):
        wait_for_card(page, item_id)
        page.keyboard.press(key)
        page.keyboard.press("Enter")
    wait_until_saved(page)

    page.goto(f"{server.url}/data?reviewer=Dr.%20Okafor")
    choose_option(page, "Data", "Annotations: reviewer, time, label and previous label")
    exported = download_annotations(page, tmp_path)
    said = [json.loads(line) for line in exported.read_text("utf-8").splitlines()]
    assert [(row["item_id"], row["label"], row["old_label"]) for row in said] == [
        ("F1", "soon", "urgent"),
        ("F2", "soon", "soon"),
        ("F3", "routine", "routine"),
    ]
    upload(page, exported)
    press_import(page)
    expect(page.locator(".lc-notice-success")).to_contain_text("nothing was added")


def test_several_right_labels_are_picked_by_key_and_their_set_is_saved(
    serve: Callable[[Callable[[Database], None]], Any], page: Page
) -> None:
    def seed(database: Database) -> None:
        items = [
            make_item(
                item_id, label_set="signs", labels=SIGNS, source="clinic", is_several=True,
                gold_label=join_labels(["cough"], SIGNS),
            )
            for item_id in ("s-1", "s-2")
        ]  # fmt: skip
        with database.transaction() as cur:
            sign_in_by_name(cur, "Dr. Okafor")
            add_items(cur, items, origin="items")

    server = serve(seed)
    page.goto(f"{server.url}/settings?part=label_sets&reviewer=Dr.%20Okafor")
    choose_option(page, "Label set", "signs")
    expect(page.get_by_text("As reviewers see it")).to_be_visible()
    page.get_by_role("button", name="Save label set").click()
    expect(page.locator(".lc-notice-success")).to_contain_text("signs was saved as version 1")

    open_desk(page, f"{server.url}/review?reviewer=Dr.%20Okafor", "s-1")
    for key in ("1", "3", "2", "2"):
        page.keyboard.press(key)
    expect(page.get_by_role("checkbox", name="rash")).to_be_checked()
    expect(page.get_by_role("checkbox", name="fever")).not_to_be_checked()
    page.keyboard.press("Enter")
    wait_for_card(page, "s-2")
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    wait_until_saved(page)
    database = server.database()
    said = [list_annotations(database.cursor(), i, EVERYTHING)[0] for i in ("s-1", "s-2")]
    assert [one.judgement.labels for one in said] == [("cough", "rash"), ("fever",)]
    stored = find_label_set(database.cursor(), "signs")
    assert stored is not None and (stored.kind, stored.version) == ("several", 1)
    assert stored.names == SIGNS
    database.close()
