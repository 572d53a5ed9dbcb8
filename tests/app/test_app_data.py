"""The Settings page over a real database file: upload, what is there, export."""

from __future__ import annotations

import json
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from db.connection import Database
from db.content.items import count_by_label
from db.content.runs import add_run, list_runs
from db.errors import ImportFileError, NotPermittedError
from db.exporters import ExportFormat, ExportKind
from db.importers import Asked, Format, ImportReport
from db.people.sign_in import add_person, change_person, sign_in_by_name
from db.viewer import EVERYTHING
from streamlit_app.logic.exports import build_export
from streamlit_app.logic.uploads import (
    Preview,
    Upload,
    describe_report,
    read_upload,
    store_preview,
)
from streamlit_app.server import import_jobs, services
from tests.support.pages import markup_of, notices, open_page
from tests.support.records import make_run

HOSTILE = "<img src=x onerror=alert(1)>"


def own_items(*labels: str | None) -> Upload:
    lines = [
        {
            "item_id": f"own-{n}",
            "question": f"Does it help in case {n}? {HOSTILE}",
            "label_set": "pubmedqa",
            "gold_label": label,
            "split": "train" if n % 2 else "test",
            "source": "clinic",
        }
        for n, label in enumerate(labels)
    ]
    return Upload("own items.jsonl", "\n".join(map(json.dumps, lines)).encode())


def own_run(answer: str = "It does not. Final answer: no.") -> Upload:
    head = {"run": {"name": "mine", "model": "my-model"}}
    return Upload(
        "run.jsonl",
        f"{json.dumps(head)}\n{json.dumps({'item_id': 'own-0', 'answer': answer})}".encode(),
    )


def read_as(format_: Format, upload: Upload) -> Preview:
    return read_upload(services.database(), upload, Asked(format=format_))


def open_data(**params: str) -> AppTest:
    page = open_page("settings", **params)
    assert not page.exception
    return page


def store(database: Database, upload: Upload, format_: Format = "items") -> ImportReport:
    with database.transaction() as cur:
        admin = sign_in_by_name(cur, "Reviewer 1")
    preview = read_upload(database, upload, Asked(format=format_))
    return store_preview(database, preview, reviewer_id=admin.reviewer_id)


def export(
    database: Database, kind: ExportKind, file_format: ExportFormat, run_id: str | None
) -> bytes:
    with database.transaction() as cur:
        admin = sign_in_by_name(cur, "Reviewer 1")
    return build_export(database, kind, file_format, run_id, reviewer_id=admin.reviewer_id)


def test_a_file_is_counted_before_anything_is_stored(database: Database):
    preview = read_as("items", own_items("yes", "no", "no", None))
    assert preview.lines == (
        "4 items: test 2 · train 2",
        "Reference labels: no 2 · yes 1 · no reference label 1",
    )
    assert count_by_label(database.cursor(), EVERYTHING) == {}


def test_a_stored_file_is_there_and_a_second_time_adds_nothing(database: Database):
    assert "2 new items" in describe_report(store(database, own_items("yes", "no")))
    assert count_by_label(database.cursor(), EVERYTHING) == {"yes": 1, "no": 1}
    assert "nothing was added" in describe_report(store(database, own_items("yes", "no")))


def test_answers_without_a_label_are_read_on_the_way_in(database: Database):
    store(database, own_items("yes"))
    store(database, own_run(), "predictions")
    row = database.cursor().execute("select text_label, text_form from read_prediction").fetchone()
    assert row == ("no", "stated")


def test_every_fault_of_a_file_is_named_and_nothing_is_stored(database: Database):
    bad = Upload("bad.jsonl", b'{"item_id": "a"}\n{"item_id": "b", "question": 3}\nnot json')
    with pytest.raises(ImportFileError) as caught:
        read_as("items", bad)
    message = str(caught.value)
    assert all(f"line {n}" in message for n in (1, 2, 3))
    assert count_by_label(database.cursor(), EVERYTHING) == {}


def test_a_run_about_unknown_items_is_refused_whole(database: Database):
    with pytest.raises(ImportFileError, match="own-0"):
        store(database, own_run(), "predictions")
    assert list_runs(database.cursor()) == []


@pytest.mark.parametrize("name", ["../../etc/passwd.jsonl", "C:\\x\\own.jsonl", "\0", "a/"])
def test_the_name_of_an_upload_leads_nowhere(database: Database, name: str):
    assert "/" not in read_as("items", Upload(name, own_items("yes").content)).file_name


def test_the_page_says_when_the_store_is_empty(database: Database):
    assert "There is no data yet" in notices(open_data())


def test_the_page_counts_what_is_there(database: Database):
    store(database, own_items("yes", "no", None))
    page = open_data()
    table = page.dataframe[0].value
    assert list(zip(table["Split"], table["Label"], table["Items"], strict=True)) == [
        ("test", "yes", 1),
        ("test", "no label", 1),
        ("train", "no", 1),
    ]


def test_an_upload_shows_its_counts_and_the_press_stores_it(database: Database):
    page = open_data()
    page.selectbox(key="data_format").select("items").run()
    upload = own_items("yes", "no")
    page.get("file_uploader")[0].upload(upload.name, upload.content, "application/jsonl").run()
    assert not page.exception
    assert "2 items" in " ".join(text.value for text in page.text)
    page.button(key="data_import").click().run()
    assert not page.exception
    assert count_by_label(database.cursor(), EVERYTHING) == {"yes": 1, "no": 1}
    assert "2 new items" in markup_of(page)


def test_an_upload_is_recognised_and_shown_as_what_it_is(database: Database):
    page = open_data()
    content = "Nr;Question;Gold\n1;Does it help?;yes\n2;Is it safe?;no\n".encode("cp1252")
    page.get("file_uploader")[0].upload("ward.csv", content, "text/csv").run()
    assert not page.exception
    assert "a table, 2 items" in " ".join(text.value for text in page.text)
    page.button(key="data_import").click().run()
    assert count_by_label(database.cursor(), EVERYTHING) == {"yes": 1, "no": 1}


TRIAGE = "Fall;Text der Anfrage;Dringlichkeit\n" + "".join(
    f"F{n};Brustschmerz seit {n} Stunden?;{label}\n"
    for n, label in enumerate(("urgent", "soon", "routine", "soon"), start=1)
)


def upload_triage() -> AppTest:
    page = open_data()
    page.get("file_uploader")[0].upload("triage.csv", TRIAGE.encode(), "text/csv").run()
    assert not page.exception
    page.toggle(key="data_map_0").set_value(True).run()
    assert not page.exception
    return page


def test_a_file_with_headers_of_its_own_is_mapped_with_a_preview_and_saved(database: Database):
    page = upload_triage()
    assert "choose which field is the question" in markup_of(page)
    page.selectbox(key="data_map_0__question").select("Text der Anfrage").run()
    page.selectbox(key="data_map_0__id").select("Fall").run()
    page.selectbox(key="data_map_0__gold").select("Dringlichkeit").run()
    assert not page.exception
    shown = " ".join(text.value for text in page.text)
    assert "Brustschmerz seit 1 Stunden?" in shown
    assert "labels: urgent, soon, routine · right answer: urgent" in shown
    page.text_input(key="data_map_0_name").set_value("triage").run()
    page.button(key="data_map_0_save").click().run()
    assert "Saved the mapping triage" in markup_of(page)
    page.button(key="data_import").click().run()
    assert not page.exception
    counts = count_by_label(database.cursor(), EVERYTHING)
    assert counts == {"urgent": 1, "soon": 2, "routine": 1}
    again = upload_triage()
    again.selectbox(key="data_map_0_saved").select("triage").run()
    assert again.selectbox(key="data_map_0_triage_gold").value == "Dringlichkeit"
    again.button(key="data_import").click().run()
    assert "nothing was added" in markup_of(again)


def test_labels_that_differ_from_the_texts_are_counted_and_either_can_be_used(database: Database):
    rows = [
        {
            "question": f"Which drug in case {n}?",
            "options": {"A": "Diltiazem", "B": "Labetalol"},
            "answer_idx": "B",
            "completion": "Answer: Labetalol",
            "predicted_answer": "A" if n < 2 else "B",
        }
        for n in range(3)
    ]
    page = open_data()
    content = json.dumps(rows).encode()
    page.get("file_uploader")[0].upload("m-medqa-x.json", content, "application/json").run()
    assert not page.exception
    (choice,) = page.radio
    assert choice.label.startswith("2 of 3 labels in the file differ")
    choice.set_value("text").run()
    page.button(key="data_import").click().run()
    assert not page.exception
    rows = database.cursor().execute("select text_label from read_prediction").fetchall()
    assert rows == [("B",)] * 3


def test_pubmedqa_waits_for_the_file_that_names_the_test_items(database: Database):
    page = open_data()
    page.selectbox(key="data_format").select("pubmedqa").run()
    page.get("file_uploader")[0].upload("ori_pqal.json", b"{}", "application/json").run()
    assert not page.exception
    assert "lists the test items" in notices(page)
    page.get("file_uploader")[1].upload("test.json", b"{}", "application/json").run()
    assert "was not imported" in markup_of(page)


def test_faults_are_drawn_as_text(database: Database):
    page = open_data()
    page.selectbox(key="data_format").select("items").run()
    page.get("file_uploader")[0].upload("bad.jsonl", f'{{"{HOSTILE}": 1}}'.encode(), "").run()
    assert not page.exception
    assert "was not imported, nothing was changed" in markup_of(page)
    assert HOSTILE not in markup_of(page)


def test_an_export_holds_what_was_asked_for(database: Database):
    store(database, own_items("yes", "no"))
    content = export(database, "items", "jsonl", None)
    assert [json.loads(line)["item_id"] for line in content.splitlines()] == ["own-0", "own-1"]
    assert export(database, "items", "parquet", None).startswith(b"PAR1")


def test_predictions_are_exported_for_the_chosen_run(database: Database):
    store(database, own_items("yes"))
    store(database, own_run(), "predictions")
    with database.transaction() as cur:
        add_run(cur, make_run("empty"))
    (own,) = [run for run in list_runs(database.cursor()) if run.name == "mine"]
    assert export(database, "predictions", "jsonl", own.run_id).count(b"\n") == 1
    assert export(database, "predictions", "jsonl", "empty") == b""


def test_the_real_answers_are_previewed_as_a_run(database: Database, data_dir: Path):
    path = data_dir / "model_answers" / "QwQ-32B-pubmedqa-test-zero_shot.json"
    preview = read_as("model_answers", Upload(path.name, path.read_bytes()))
    assert isinstance(preview, Preview)
    assert "500 items: test 500" in preview.lines
    assert "Run “QwQ-32B-pubmedqa-test-zero_shot” of model QwQ-32B" in preview.lines


def test_a_dataset_folder_is_downloaded_as_a_zip_file(database: Database):
    store(database, own_items("yes"))
    with zipfile.ZipFile(BytesIO(export(database, "annotations", "huggingface", None))) as archive:
        assert "llamacare-annotations/README.md" in archive.namelist()


def test_files_go_in_and_out_for_those_whose_role_is_open_to_it(database: Database):
    with database.transaction() as cur:
        sign_in_by_name(cur, "Chief")
        ann = add_person(cur, "Ann", role="reviewer").reviewer_id
    with pytest.raises(NotPermittedError, match="import files"):
        store_preview(database, read_as("items", own_items("yes")), reviewer_id=ann)
    assert count_by_label(database.cursor(), EVERYTHING) == {}
    with pytest.raises(NotPermittedError, match="export files"):
        build_export(database, "items", "jsonl", None, reviewer_id=ann)
    page = open_data(reviewer="Ann")
    assert "Only an engineer or an admin can import files" in markup_of(page)
    assert not page.get("file_uploader")


def press_import(upload: Upload) -> AppTest:
    """Return the page after the press of Import while another import goes on, as a real one may."""
    page = open_data()
    page.selectbox(key="data_format").select("items").run()
    page.get("file_uploader")[0].upload(upload.name, upload.content, "application/jsonl").run()
    return page.button(key="data_import").click().run()


def await_import() -> None:
    (job,) = (job for job in import_jobs._jobs.values() if not job.ended.is_set())
    assert job.ended.wait(60)


def test_a_long_import_shows_progress_and_can_be_left(database: Database):
    with import_jobs._one_at_a_time:
        page = press_import(own_items("yes", "no"))
        assert not page.exception
        assert "Importing own items.jsonl" in markup_of(page)
        assert not page.get("file_uploader")
        elsewhere = open_data()
        assert "Importing own items.jsonl" in markup_of(elsewhere)
        assert not count_by_label(database.cursor(), EVERYTHING)
    await_import()
    back = open_data()
    assert "2 new items" in markup_of(back)
    assert back.get("file_uploader")
    assert count_by_label(database.cursor(), EVERYTHING) == {"yes": 1, "no": 1}


@pytest.mark.parametrize("label", ["yes", "maybe"])
def test_a_long_import_that_fails_names_what_is_wrong_until_the_next_file(
    label: str, database: Database
):
    with import_jobs._one_at_a_time:
        page = press_import(own_items("no"))
        store(database, own_items(label, "yes"))  # meanwhile another holds the same item
    await_import()
    page.run()
    assert not page.exception
    assert "is stored already with another " in markup_of(page)
    assert "is stored already" in markup_of(page.run())
    page.get("file_uploader")[0].upload("new.jsonl", own_items(label).content, "").run()
    assert "is stored already" not in markup_of(page)
    assert count_by_label(database.cursor(), EVERYTHING) == {"yes": 2 if label == "yes" else 1} | (
        {"maybe": 1} if label == "maybe" else {}
    )


def test_an_admin_sees_backups_and_makes_one_and_others_see_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.transaction() as cur:
        ada = add_person(cur, "Ada", role="admin")
        add_person(cur, "Rita", role="reviewer")
        add_person(cur, "Bea", role="admin")
    assert "Backups" not in str(open_page("settings", reviewer="Rita").subheader)
    page = open_page("settings", reviewer="Ada")
    assert "There is no backup yet" in page.text[-1].value
    page.button("backups_make").click().run()
    [made] = (database.path.parent / "backups").glob("review-*.duckdb")
    assert f"The backup was made and verified: {made.name}" in markup_of(page)
    assert 'Kept in the folder "backups": 1' in page.text[-1].value
    (database.path.parent / "file").write_text("")
    monkeypatch.setenv("LLAMACARE_BACKUPS", str(database.path.parent / "file"))
    page.button("backups_make").click().run()
    assert "No backup was made" in markup_of(page)
    page.run()
    assert "The last backup failed: No backup was made" in markup_of(page)
    monkeypatch.delenv("LLAMACARE_BACKUPS")
    with database.transaction() as cur:
        change_person(cur, ada.reviewer_id, role="reviewer")
    page.button("backups_make").click().run()
    assert list((database.path.parent / "backups").glob("review-*.duckdb")) == [made]
