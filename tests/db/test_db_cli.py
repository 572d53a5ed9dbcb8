"""What a person at the command line sees, and who may hold the database."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from db.cli import asking
from db.cli.main import main
from db.connection import Database, opened_database
from db.errors import DatabaseLockedError, DatabaseOpenError, SaveError
from db.importers import FORMATS
from db.paths import cache_dir, database_path, home_dir, models_dir, runs_dir
from tests.support.annotations import annotate

ITEM = {"item_id": "own-1", "question": "Does it help?", "label_set": "pubmedqa"}
HOLD = "import sys, duckdb; c = duckdb.connect(sys.argv[1]); print('open', flush=True); input()"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep everything in a folder of the test."""
    monkeypatch.setenv("LLAMACARE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_everything_kept_lies_under_one_folder(home: Path) -> None:
    assert home_dir() == home
    for path in (database_path(), runs_dir(), models_dir(), cache_dir()):
        assert path.parent == home


def test_import_says_what_it_did_and_the_second_time_adds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    path.write_text(json.dumps(ITEM))
    first = CliRunner().invoke(main, ["import", "items", str(path)])
    assert (first.exit_code, first.stderr) == (0, "")
    assert "own.jsonl: 1 items added, 0 completed, 0 unchanged" in first.stdout
    second = CliRunner().invoke(main, ["import", "items", str(path), "--json"])
    assert json.loads(second.stdout)["items"] == {"added": 0, "unchanged": 1, "enriched": 0}


def test_a_bad_file_is_an_error_message_and_status_1(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    path.write_text("{")
    result = CliRunner().invoke(main, ["import", "items", str(path)])
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith(
        "Error: own.jsonl was not imported, nothing was changed: 1 fault"
    )
    assert "Traceback" not in result.output


def test_an_unknown_format_is_a_usage_error() -> None:
    assert CliRunner().invoke(main, ["import", "xml", "file"]).exit_code == 2


def test_help_names_every_format() -> None:
    shown = CliRunner().invoke(main, ["import", "--help"]).stdout
    assert all(f"\n    {format_} " in shown for format_ in FORMATS)


def test_demo_and_status_work_together() -> None:
    assert "120 items added" in CliRunner().invoke(main, ["demo"]).stdout
    result = CliRunner().invoke(main, ["status"])
    assert result.exit_code == 0
    assert "120 items\n" in result.stdout
    assert "0 standing annotations" in result.stdout
    found = json.loads(CliRunner().invoke(main, ["status", "--json"]).stdout)
    assert sum(count["count"] for count in found["items"]) == 120


def test_reindex_restores_what_a_search_misses_and_reports_counts() -> None:
    CliRunner().invoke(main, ["demo"])
    database = Database.open()
    postings = "select count(*) from search_posting"
    expected = database.cursor().execute(postings).fetchone()
    database.cursor().execute("delete from search_posting where item_number % 2 = 0")
    database.close()
    assert "Indexed 120 items and 120 answers" in CliRunner().invoke(main, ["reindex"]).stdout
    counts = json.loads(CliRunner().invoke(main, ["reindex", "--json"]).stdout)
    assert (counts["items"], counts["answers"], (counts["words"],)) == (120, 120, expected)


def test_the_module_runs_as_a_command(home: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "db", "status"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith(f"Database {home / 'review.duckdb'}\n0 items\n")


def test_a_database_open_elsewhere_is_explained_with_the_process_and_read_all_the_same(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "_STARTING_SECONDS", 0.0)
    CliRunner().invoke(main, ["people", "add", "Ada"])
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(home / "review.duckdb")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(DatabaseLockedError, match=f"PID {holder.pid}.*Close that process"):
            Database.open()
        result = CliRunner().invoke(main, ["people", "add", "Bob"])
        assert (result.exit_code, "Close that process" in result.stderr) == (1, True)
        result = CliRunner().invoke(main, ["people", "list"])
        assert (result.exit_code, result.stdout) == (0, "Ada: reviewer\n")
    finally:
        holder.communicate("\n")
    Database.open().close()


def test_a_file_that_is_no_database_is_explained(home: Path) -> None:
    path = home / "clockwork" / "review.duckdb"  # "lock" in a path is no lock
    path.parent.mkdir(parents=True)
    path.write_bytes(b"something else" * 1000)
    with pytest.raises(DatabaseOpenError, match="Move the file away") as caught:
        Database.open(path)
    assert not isinstance(caught.value, DatabaseLockedError)


def test_a_folder_that_cannot_be_made_is_explained(home: Path) -> None:
    home.write_text("a file where the folder should be")
    with pytest.raises(DatabaseOpenError, match="point LLAMACARE_HOME at another folder"):
        Database.open()


def test_two_transactions_on_the_same_row_give_one_error_that_says_so() -> None:
    database = Database.open()
    insert = (
        "insert into reviewer (reviewer_id, name, role, created_at) "
        "values ('r', 'Ann', 'reviewer', now()::timestamp)"
    )
    with database.transaction() as first:
        first.execute(insert)
        with pytest.raises(SaveError, match="Nothing was saved"), database.transaction() as second:
            second.execute("delete from reviewer")
            second.execute(insert)
            first.commit()
            first.begin()
    assert database.cursor().execute("select count(*) from reviewer").fetchone() == (1,)
    database.close()


def test_sql_cannot_reach_files(home: Path, tmp_path: Path) -> None:
    database = Database.open()
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    for statement in (
        f"select * from read_csv('{secret}')",
        f"copy item to '{tmp_path / 'out.csv'}'",
        f"attach '{tmp_path / 'other.duckdb'}'",
        "set enable_external_access = true",
        "install httpfs",
    ):
        with pytest.raises(Exception, match=r"disabled|locked|[Cc]annot"):
            database.cursor().execute(statement)
    database.close()


def test_a_transaction_is_undone_on_any_error() -> None:
    database = Database.open()
    insert = (
        "insert into reviewer (reviewer_id, name, role, created_at) "
        "values ('r', 'Ann', 'reviewer', now()::timestamp)"
    )
    with pytest.raises(KeyError), database.transaction() as cur:
        cur.execute(insert)
        raise KeyError
    assert database.cursor().execute("select count(*) from reviewer").fetchone() == (0,)
    with database.transaction() as cur:
        cur.execute(insert)
    database.close()
    again = Database.open()
    assert again.cursor().execute("select count(*) from reviewer").fetchone() == (1,)
    again.close()


def run(*arguments: str) -> str:
    result = CliRunner().invoke(main, list(arguments))
    assert result.exit_code == 0, result.output
    return result.stdout


def test_people_queues_guidelines_and_exports_are_commands(tmp_path: Path) -> None:
    run("demo")
    invitation = ("--email", "a@x.org", "--issuer", "https://id.example")
    assert run("people", "add", "Ann", "--role", "admin", *invitation) == "Ann: admin\n"
    assert run("people", "list") == "Ann: admin, a@x.org\n"
    made = run("queue", "add", "First", "--by", "Ann", "--split", "test", "--order", "random")
    queue_id = made.split()[0]
    assert f"{queue_id}  First: 0 of" in run("queue", "list")
    assert json.loads(run("queue", "list", "--json"))[0]["queue"]["order"] == "random"
    run("queue", "close", queue_id, "--by", "Ann")
    assert ", closed" in run("queue", "list")
    text = tmp_path / "guide.md"
    text.write_text("# Read the results first")
    assert run("guideline", "add", str(text), "--by", "Ann") == "Version 1 counts for all.\n"
    assert run("guideline", "list").endswith("all: # Read the results first\n")
    out = tmp_path / "items.csv"
    assert run("export", "items", str(out)) == f"{out}: 120 rows.\n"
    assert "tasks" in run("export", "annotations", str(tmp_path / "t"), "--format", "label_studio")
    refused = CliRunner().invoke(main, ["export", "items", str(tmp_path / "items.xlsx")])
    assert refused.exit_code == 2
    assert "names no format" in refused.stderr


def test_another_person_of_a_name_does_not_get_the_place_of_the_first() -> None:
    at = ("--issuer", "https://id.example")
    run("people", "add", "Kim", "--role", "admin", "--email", "kim@x.org", *at)
    other = ["people", "add", " kim ", "--email", "kim@y.org", *at]
    refused = CliRunner().invoke(main, other)
    assert refused.exit_code == 1
    assert "'Kim (ward 3)'" in refused.stderr
    run("people", "add", "Bo", "--role", "admin")
    run("people", "add", "Kim", "--role", "engineer")
    assert "Kim: engineer, kim@x.org" in run("people", "list")
    run(*other, "--role", "engineer", "--change")
    assert "Kim: engineer, kim@y.org" in run("people", "list")


def test_a_command_acts_within_the_role_of_whose_name_it_carries(tmp_path: Path) -> None:
    run("demo")
    run("people", "add", "Ann", "--role", "admin")
    run("people", "add", "Bob", "--role", "reviewer")
    refused = CliRunner().invoke(main, ["queue", "add", "Mine", "--by", "Bob"])
    assert refused.exit_code == 1
    assert "'Bob' may not create and close queues" in refused.stderr


def write_answers(folder: Path) -> Path:
    """Write three answers of which the file's labels of two differ from the texts."""
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
    path = folder / "m-medqa-x.json"
    path.write_text(json.dumps(rows), "utf-8")
    return path


@pytest.mark.parametrize(("options", "expected"), [((), "AAB"), (("--labels-from", "text"), "---")])
def test_labels_that_differ_from_the_texts_are_reported_and_either_can_be_used(
    tmp_path: Path, options: tuple[str, ...], expected: str
) -> None:
    command = ["import", str(write_answers(tmp_path)), *options]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.output
    assert "Recognised as a JSON list, 3 answers." in done.stdout
    assert ("2 of 3 labels differ" in done.stdout) == (not options)
    with opened_database() as database:
        rows = database.cursor().execute("select answer_label from prediction").fetchall()
    # What the texts state is read by the app: the file's labels are left out.
    assert "".join(sorted(label or "-" for (label,) in rows)) == expected


def test_a_dry_run_reports_and_stores_nothing(tmp_path: Path) -> None:
    path = write_answers(tmp_path)
    done = CliRunner().invoke(main, ["import", str(path), "--dry-run"])
    assert "3 items added, 0 completed, 0 unchanged, 3 predictions added" in done.stdout
    assert "Nothing was stored" in done.stdout
    with opened_database() as database:
        assert database.cursor().execute("select * from item").fetchall() == []


def test_a_mapping_is_given_saved_and_used_by_name(tmp_path: Path) -> None:
    path = tmp_path / "triage.csv"
    path.write_text("Fall;Anfrage;Stufe\nF1;Schmerz?;2\nF2;Husten?;1\n", "utf-8")
    refused = CliRunner().invoke(main, ["import", str(path)])
    assert refused.exit_code == 1
    assert "Its fields are 'Fall', 'Anfrage', 'Stufe'" in refused.stderr
    words = ["question=Anfrage", "id=Fall", "gold=Stufe", "letters.1=urgent", "letters.2=soon"]
    given = [part for word in words for part in ("--map", word)]
    command = ["import", str(path), *given, "--save-map", "triage"]
    done = CliRunner().invoke(main, command)
    assert "2 items added" in done.stdout, done.output
    again = CliRunner().invoke(main, ["import", str(path), "--map", "triage"])
    assert "0 items added, 0 completed, 2 unchanged" in again.stdout, again.output
    with opened_database() as database:
        items = list_items_of(database)
    assert items == [("F1", "soon"), ("F2", "urgent")]


def list_items_of(database: Database) -> list[tuple[str, str]]:
    query = "select item_id, gold_label from item order by item_id"
    return database.cursor().execute(query).fetchall()


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["nope", "FILE"], 2, "A format is one of"),
        (["FILE", "--map", "colour=x"], 1, "A field is one of id, question"),
        (["FILE", "--map", "nowhere"], 1, "There is no mapping 'nowhere'; saved are: none yet"),
        (["FILE", "--save-map", "../x"], 1, "A mapping cannot be named '../x'"),
    ],
)
def test_a_mistyped_import_is_explained(
    tmp_path: Path, words: list[str], code: int, message: str
) -> None:
    path = write_answers(tmp_path)
    command = [str(path) if word == "FILE" else word for word in words]
    done = CliRunner().invoke(main, ["import", *command])
    assert (done.exit_code, message in done.stderr) == (code, True), done.output


def _correct(item_id: str, changes: object, *options: str) -> Result:
    words = ["item", "correct", item_id, "-", "--by", "Ann", "--reason", "a slip", *options]
    return CliRunner().invoke(main, words, input=json.dumps(changes))


def test_an_item_is_corrected_set_aside_and_restored(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    path.write_text(json.dumps(ITEM))
    CliRunner().invoke(main, ["import", "items", str(path)])
    assert _correct("own-1", {"question": "Does it harm?"}, "--changes-sense").exit_code == 0
    options = {"label_set": "options", "options": {"a)": "Yes", "b)": "No"}, "gold_label": "b)"}
    assert "own-1 is at version 3." in _correct("own-1", options).stdout
    by = ["own-1", "--by", "Ann", "--reason", "no medicine"]
    assert (
        "1 of 1 items were set aside" in CliRunner().invoke(main, ["item", "set-aside", *by]).stdout
    )
    shown = CliRunner().invoke(main, ["item", "show", "own-1"]).stdout
    assert "Version 2, Ann" in shown
    assert "another sense: a slip" in shown
    assert "by Ann: no medicine" in shown
    found = json.loads(CliRunner().invoke(main, ["item", "show", "own-1", "--json"]).stdout)
    assert [one["item"]["labels"] for one in found["versions"]][1:] == [
        ["yes", "no", "maybe"], ["a)", "b)"],
    ]  # fmt: skip
    assert found["set_aside"] == "no medicine"
    assert "1 of 1 items were restored" in CliRunner().invoke(main, ["item", "restore", *by]).stdout


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"colour": "red"}, "the field 'colour' is not one of question, context"),
        ({"question": 3}, "question: Input should be a valid string"),
        ({"split": "holdout"}, "split: Input should be 'train', 'dev' or 'test'"),
        ({"options": {"A": 1}}, "options.0.text: Input should be a valid string"),
        ({}, "nothing differs"),
        ({"gold_label": "no", "labels": ["yes"]}, "expected at least two"),
        ({"gold_label": ["no"], "labels": 5}, "labels: Input should be a valid tuple"),
        ({"gold_label": [1]}, "gold_label.0: Input should be a valid string"),
    ],
)
def test_changes_that_cannot_be_used_are_named(
    tmp_path: Path, changes: object, message: str
) -> None:
    path = tmp_path / "own.jsonl"
    path.write_text(json.dumps(ITEM))
    CliRunner().invoke(main, ["import", "items", str(path)])
    result = _correct("own-1", changes)
    assert result.exit_code == 1
    assert message in result.stderr


@pytest.mark.parametrize("changes", ["[1]", "{", "3"])
def test_changes_that_are_no_object_are_a_usage_error(changes: str) -> None:
    words = ["item", "correct", "own-1", "-", "--by", "Ann", "--reason", "a slip"]
    assert CliRunner().invoke(main, words, input=changes).exit_code == 2


def test_corrections_of_a_person_are_exported(tmp_path: Path) -> None:
    CliRunner().invoke(main, ["demo"])
    database = Database.open()
    annotate(database, "Ann", "demo-pubmedqa-001", "maybe")
    annotate(database, "Bob", "demo-pubmedqa-002", "maybe")
    database.close()
    path = tmp_path / "out.jsonl"
    words = ["export", "corrections", str(path)]
    limits = ["--person", "Ann", "--since", "2020-01-01", "--show", "reviewed"]
    assert CliRunner().invoke(main, [*words, *limits]).stdout == "out.jsonl: 1 rows.\n".replace(
        "out.jsonl", str(path)
    )
    assert json.loads(path.read_text("utf-8"))["item_id"] == "demo-pubmedqa-001"
    for wrong, message in (("--person", "no person 'x'"), ("--queue", "'x'")):
        failed = CliRunner().invoke(main, [*words, wrong, "x"])
        assert failed.exit_code == 1
        assert message in failed.stderr
