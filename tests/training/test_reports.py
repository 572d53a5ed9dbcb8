"""Reports from the store: their figures are those of the pages, and no text in them is markup."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest
import yaml
from click.testing import CliRunner

from db.connection import IN_MEMORY, Database
from db.content.items import add_items
from db.content.runs import add_run
from db.errors import NotPermittedError
from db.evidence.last_check import find_last_check
from db.evidence.verify import verify
from db.evidence.verify_pack import Broken, check_seals
from db.importers import import_file
from db.people.privacy import PrivacySettings, save_privacy
from db.people.reviewers import list_people
from db.people.sign_in import add_person, change_person
from db.retraining.model_versions import register_model, set_alias
from db.review.agreement import RatingFilter
from db.viewer import EVERYTHING
from eci.statistics.estimates import proportion
from streamlit_app.logic import agreement_tables, reports
from tests.support.annotations import annotate
from tests.support.records import make_item, make_run
from tests.support.stores import open_store
from tests.support.tampering import store_acts
from training.cli.main import main
from training.errors import DataError
from training.evaluation.reporting.report_text import figure, render_html
from training.evaluation.reporting.reports import data_card, model_card, review_report

HOSTILE = "<script>alert(1)</script> | [x](http://x.example) **b**\n# Heading"


@pytest.mark.data
def test_the_report_of_the_clinicians_has_the_figures_of_the_agreement_page(data_dir: Path) -> None:
    database = Database.open(IN_MEMORY)
    ratings = data_dir / "clinician_reviews" / "medqa_relabelling_even.csv"
    import_file(database, "clinician_reviews", ratings)
    flt = RatingFilter(EVERYTHING, "options", "import")
    report = review_report(database.cursor(), flt)
    page = agreement_tables.load_view(database, flt, "single")
    people = agreement_tables.load_people(database, flt, "revealed", "single")
    for phase in page.phases:
        assert f"| {figure(phase.holds_gold)} |" in report
        for name in ("krippendorff_alpha", "gwet_ac1", "fleiss_kappa"):
            assert f"| {figure(getattr(phase.overall, name), 'value')} |" in report
    moved = page.anchoring["gold"][0]
    assert f"| {figure(moved.adopted)} | {figure(moved.dropped)} |" in report
    assert figure(page.times[0].median, "seconds") in report
    shown = [one for one in people.reviewers if one.num_ratings >= 5]
    assert all(f"| {one.num_ratings} | {figure(one.holds_gold)} |" in report for one in shown)
    assert report.count("MedQA clinician") == len(shown) < len(people.reviewers)


def test_a_review_names_people_as_the_settings_say_and_leaves_small_groups_out() -> None:
    database = Database.open(IN_MEMORY)
    with database.transaction() as cur:
        admin = add_person(cur, "Chief", role="admin").reviewer_id
        add_items(cur, [make_item(f"q-{n}") for n in range(6)], origin="items")
    flt = RatingFilter(EVERYTHING, "pubmedqa")
    with pytest.raises(DataError, match="no judgements of 'pubmedqa'"):
        review_report(database.cursor(), flt)
    for number in range(6):
        annotate(database, "Ann Secret", f"q-{number}", "yes")
    annotate(database, HOSTILE, "q-0", "no")
    annotate(database, "Bea", "q-1", "no", phase="blind")
    report = review_report(database.cursor(), flt)
    assert "3 people gave 8 judgements" in report, "those of every phase"
    assert "| Ann Secret | 6 |" in report
    assert "script" not in report
    with database.transaction() as cur:
        save_privacy(cur, PrivacySettings(uses_pseudonyms=True, least_cell=1), admin)
    report = review_report(database.cursor(), flt)
    assert "Secret" not in report
    assert "| Reviewer 2 | 6 |" in report
    assert "| Reviewer 3 | 1 |" in report


def test_a_model_card_says_what_was_measured_and_who_decided() -> None:
    database = Database.open(IN_MEMORY)
    right = proportion(7, 10, "none")
    metrics = {"pubmedqa": {"n": 10, "head": {"accuracy": asdict(right)}, "text": None}}
    with database.transaction() as cur:
        boss = add_person(cur, HOSTILE, role="admin").reviewer_id
        add_run(cur, make_run(name=HOSTILE, metrics=metrics))
        register_model(cur, "run-1", boss)
        set_alias(cur, "champion", 1, action="promote", reviewer_id=boss, reason=HOSTILE)
    card = model_card(database.cursor(), "run-1")
    assert f"| head, accuracy | {figure(right)} |" in card
    meta = yaml.safe_load(card.split("---\n")[1])
    assert meta["model-index"][0]["name"] == HOSTILE
    assert meta["model-index"][0]["results"][0]["metrics"][0]["value"] == 0.7
    page = render_html(card, HOSTILE)
    assert "<script" not in page
    assert "<a " not in page
    assert "<strong>b" not in page
    assert page.count("<h1>") == 1
    with database.transaction() as cur:
        add_run(cur, make_run("run-2", metrics={}))
    assert "is not known without figures" in model_card(database.cursor(), "run-2")


def test_a_data_card_lists_rows_and_the_digest_of_every_file(tmp_path: Path) -> None:
    (tmp_path / "build.json").write_text('{"seed": 3, "num_records": {"train": 12}}')
    (tmp_path / "train.json").write_text("[]")
    card = data_card(tmp_path)
    assert "| train | 12 |" in card
    assert (
        "| train.json | 4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945 |" in card
    )
    assert "Items of the test split and items that repeat one are not in it." in card
    (tmp_path / "build.json").write_text('{"format": "lm_eval", "num_records": {"test": 12}}')
    assert "It holds items of the test split" in data_card(tmp_path)


def test_an_evidence_pack_is_checked_without_our_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    monkeypatch.setenv("LLAMACARE_HOME", str(tmp_path / "home"))
    database = open_store()
    store_acts(database, seed=3)
    head = verify(database.cursor()).head
    database.close()
    assert head is not None
    pack = tmp_path / "pack.zip"
    result = CliRunner().invoke(main, ["evidence", str(pack)])
    assert result.exit_code == 0, result.output
    folder = tmp_path / "pack"
    with ZipFile(pack) as archive:
        archive.extractall(folder)

    def check(*more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-I", "-S", str(folder / "verify_pack.py"), *more]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    assert check("--head", f"{head.number} {head.digest}").returncode == 0
    assert "Chief" not in (folder / "people.jsonl").read_text(encoding="utf-8")
    manifest = folder / "manifest.json"
    for name in ("events.jsonl", "links.jsonl", "members.jsonl"):
        path = folder / name
        before, listed = path.read_text(encoding="utf-8"), manifest.read_text(encoding="utf-8")
        lines = before.splitlines(keepends=True)
        path.write_text("".join([*lines[:5], *lines[6:]]), encoding="utf-8")
        assert "another one than manifest.json says" in check().stderr
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        before_digest = hashlib.sha256(before.encode()).hexdigest()
        manifest.write_text(listed.replace(before_digest, digest), encoding="utf-8")
        result_of_check = check()
        assert result_of_check.returncode == 1
        assert "BROKEN" in result_of_check.stderr
        path.write_text(before, encoding="utf-8")
        manifest.write_text(listed, encoding="utf-8")
    assert check().returncode == 0


def test_a_pack_with_a_name_without_salt_or_an_empty_one_is_broken(tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    reviewer = {"seal": "s", "reviewer_id": "r"}
    erasure = {"seal": "t", "reviewer_id": "r", "kind": "erase"}
    for name, was_erased, is_broken in (
        ("Erased person 1", True, False),
        ("Bo", True, True),
        ("Erased person 1", False, True),
    ):
        bodies = {("reviewer", "r"): reviewer}
        bodies |= {("reviewer_change", "1"): erasure} if was_erased else {}
        person = {"kind": "reviewer", "key": "r", "seal": "s", "salt": None, "texts": [name, None]}
        path.write_text(json.dumps(person))
        with pytest.raises(Broken, match="without its salt") if is_broken else nullcontext():
            assert check_seals(path, bodies) == 0
    change = {"kind": "reviewer_change", "key": "1", "seal": "t", "salt": "s"}
    path.write_text(json.dumps({**change, "texts": ["", None, None]}))
    with pytest.raises(Broken, match="empty text"):
        check_seals(path, {("reviewer_change", "1"): erasure})


def test_the_app_s_downloads_are_those_of_the_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLAMACARE_HOME", str(tmp_path / "home"))
    database = open_store()
    store_acts(database, seed=5)
    cur = database.cursor()
    people = {one.name: one.reviewer_id for one in list_people(cur)}
    chief, reader = people["Chief"], people["Dr. Ada"]
    with database.transaction() as cur:
        change_person(cur, chief, role="admin")
        change_person(cur, reader, role="reviewer")
    assert reports.check_chain(database).breaks == ()  # while this process has the file open
    noted = find_last_check(database.path)
    assert noted is not None
    assert noted.num_breaks == 0
    pack = ZipFile(BytesIO(reports.build_pack(database, with_names=False, reviewer_id=chief)))
    assert "Chief" not in pack.read("people.jsonl").decode()
    flt = RatingFilter(EVERYTHING, "pubmedqa")
    page = reports.build_review_report(database, flt, reviewer_id=chief).decode()
    assert "<h1>Methods and results of a review</h1>" in page
    card = reports.build_model_card(database, "run-1", is_html=False, reviewer_id=chief).decode()
    assert "# Model card" in card
    with pytest.raises(NotPermittedError):
        reports.build_pack(database, with_names=False, reviewer_id=reader)
    with pytest.raises(NotPermittedError):
        reports.build_review_report(database, flt, reviewer_id=reader)
    database.close()
