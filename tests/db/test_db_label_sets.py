"""Label sets of one's own: from files and data, stored in versions."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from db.cli.main import main
from db.connection import Database
from db.content.items import add_items, get_item
from db.content.label_moves import change_labels
from db.content.label_sets import (
    add_label_set,
    check_label_set,
    ensure_label_set,
    find_label_set,
    list_label_sets,
    read_label_set,
)
from db.errors import InvalidItemError, InvalidLabelSetError
from db.people.sign_in import add_person
from db.records import LabelSet, SetLabel
from db.review.adjudications import add_adjudication
from db.review.annotations import get_gold, list_annotations
from db.review.item_list import ReviewFilter
from db.review.queue_progress import queue_progress
from db.review.queues import QueueSettings, add_queue, get_queue
from db.viewer import EVERYTHING
from tests.support.annotations import annotate
from tests.support.records import make_item, make_label_set

GRADES = LabelSet(
    "ctcae",
    (
        SetLabel("grade 1", "G1", "1", "Mild.", ("mild", "leicht"), ("A",)),
        SetLabel("grade 2", codes=("B",)),
    ),
    "ordinal",
)
TOML = """
name = "ctcae"
kind = "ordinal"
[[labels]]
name = "grade 1"
short_name = "G1"
key = "1"
definition = "Mild."
synonyms = ["mild", "leicht"]
codes = ["A"]
[[labels]]
name = "grade 2"
codes = ["B"]
"""


@pytest.fixture
def chief(database: Database) -> str:
    with database.transaction() as cur:
        return add_person(cur, "Chief", role="admin").reviewer_id


@pytest.mark.parametrize("name", ["set.toml", "set.json", "bom.json"])
def test_a_set_is_the_same_from_every_kind_of_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    labels = [
        {"name": "grade 1", "short_name": "G1", "key": "1", "definition": "Mild.",
         "synonyms": ["mild", "leicht"], "codes": ["A"]},
        {"name": "grade 2", "codes": ["B"]},
    ]  # fmt: skip
    content = json.dumps({"name": "ctcae", "kind": "ordinal", "labels": labels})
    text = TOML if name.endswith("toml") else content
    path.write_text(text, encoding="utf-8-sig" if name == "bom.json" else "utf-8")
    assert read_label_set(path) == GRADES


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "cannot be read"),
        ("[]", "the file: Input should be"),
        ('{"name": "a"}', "labels: Field required"),
        ('{"name": "a", "labels": ["x"]}', "1 labels, expected 2 to 50"),
        (json.dumps({"name": "a", "labels": [str(n) for n in range(51)]}), "51 labels"),
        ('{"name": "a", "labels": ["x", " X"]}', "'x' represents more than one"),
        ('{"name": "a", "labels": ["x", " "]}', "name of a label is empty"),
        ('{"name": "options", "labels": ["x", "y"]}', "its name is empty or one of options"),
        ('{"name": " ", "labels": ["x", "y"]}', "its name is empty"),
        ('{"name": "a", "kind": "loose", "labels": ["x", "y"]}', "kind: Input should be"),
        ('{"name": "a", "labels": ["x", {"name": "y", "colour": 1}]}', "colour"),
        ('{"name": "a", "labels": ["x", {"name": "y", "codes": ["X"]}]}', "'x' represents more"),
        ('{"name": "a", "labels": [{"name": "x", "key": "ab"}, "y"]}', "not one letter"),
        (
            '{"name": "a", "labels": [{"name": "x", "key": "1"}, {"name": "y", "key": "1"}]}',
            "picks 2 labels",
        ),
        ('{"name": "a", "labels": ["x", "\\ud83d"]}', "label set"),
    ],
)
def test_a_file_that_is_no_label_set_is_named_with_its_faults(
    tmp_path: Path, content: str, message: str
) -> None:
    path = tmp_path / "set.json"
    path.write_text(content)
    with pytest.raises(InvalidLabelSetError, match=message):
        read_label_set(path)


def test_a_set_of_too_few_or_too_many_labels_is_refused() -> None:
    for number in (0, 1, 51):
        with pytest.raises(InvalidLabelSetError, match="expected 2 to 50"):
            check_label_set(make_label_set("own", *map(str, range(number))))


def test_a_label_is_found_by_every_word_for_it() -> None:
    words = ("grade 1", " GRADE 1 ", "g1", "Mild", "a", "B", "grade 3")
    assert [GRADES.label_for(word) for word in words] == [*["grade 1"] * 5, "grade 2", None]


def test_the_latest_version_counts_and_the_same_content_adds_none(
    database: Database, chief: str
) -> None:
    with database.transaction() as cur:
        first = add_label_set(cur, GRADES, reviewer_id=chief)
        assert add_label_set(cur, GRADES, reviewer_id=chief) == first
        labels = (GRADES.labels[0], replace(GRADES.labels[1], definition="Moderate."))
        second = add_label_set(cur, replace(GRADES, labels=labels), reviewer_id=chief)
        assert (
            ensure_label_set(cur, LabelSet("ctcae", tuple(map(SetLabel, GRADES.names)))) == second
        )
    assert (first.version, second.version) == (1, 2)
    assert list_label_sets(database.cursor()) == [second]
    assert find_label_set(database.cursor(), "other") is None


def test_a_stored_set_keeps_its_labels(database: Database, chief: str) -> None:
    with database.transaction() as cur:
        add_label_set(cur, GRADES, reviewer_id=chief)
    other = LabelSet("ctcae", tuple(map(SetLabel, ("grade 2", "grade 1"))))
    with (
        pytest.raises(InvalidLabelSetError, match="grade 1, grade 2; given were grade 2, grade 1"),
        database.transaction() as cur,
    ):
        ensure_label_set(cur, other)


def test_new_items_need_the_labels_of_their_set(database: Database, chief: str) -> None:
    before = make_item("q-0", label_set="ctcae", labels=("a", "b"), gold_label="a")
    fitting = make_item("q-1", label_set="ctcae", labels=GRADES.names, gold_label="grade 1")
    with database.transaction() as cur:
        add_items(cur, [before], origin="items")
        add_label_set(cur, GRADES, reviewer_id=chief)
        assert add_items(cur, [before, fitting], origin="items").added == 1
    with (
        pytest.raises(InvalidItemError, match=r"1 of 1 items.*'q-2': labels are \[yes, no\]"),
        database.transaction() as cur,
    ):
        other = make_item("q-2", label_set="ctcae", labels=("yes", "no"), gold_label="no")
        add_items(cur, [other], origin="items")


def test_the_command_stores_a_file_and_lists_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLAMACARE_HOME", str(tmp_path / "home"))
    path = tmp_path / "set.toml"
    path.write_text(TOML)
    done = CliRunner().invoke(main, ["labels", "add", str(path), "--by", "Ann"])
    assert done.stdout == "ctcae, version 1: grade 1, grade 2\n", done.output
    (found,) = json.loads(CliRunner().invoke(main, ["labels", "list", "--json"]).stdout)
    assert (found["kind"], found["labels"][0]["synonyms"]) == ("ordinal", ["mild", "leicht"])
    path.write_text("name = 1")
    failed = CliRunner().invoke(main, ["labels", "add", str(path), "--by", "Ann"])
    assert (failed.exit_code, failed.stdout) == (1, "")


BEFORE = ("mild", "moderate", "severe", "unknown")
AFTER = LabelSet("sev", tuple(map(SetLabel, ("grade 1", "high"))), "ordinal")
MOVES = {"mild": "grade 1", "moderate": "high", "severe": "high", "unknown": None}


@pytest.fixture
def judged(database: Database, chief: str) -> Database:
    """Return a store with judgements, a decision and a queue on items of a set to change."""
    with database.transaction() as cur:
        add_label_set(cur, LabelSet("sev", tuple(map(SetLabel, BEFORE))), reviewer_id=chief)
        for number, gold in enumerate((*BEFORE, None)):
            item = make_item(f"s-{number}", label_set="sev", labels=BEFORE, gold_label=gold)
            add_items(cur, [item], origin="items")
        add_items(cur, [make_item("other")], origin="items")
        add_queue(cur, QueueSettings("Mine", ReviewFilter()), queue_id="k", created_by=chief)
        annotate(cur, "Ann", "s-0", "severe", queue_id="k", note="clear")
        annotate(cur, "Ann", "s-1", "moderate", "severe", queue_id="k")
        annotate(cur, "Ann", "s-2", "unknown", queue_id="k")
        annotate(cur, "Ann", "other", "no", queue_id="k")
        add_adjudication(cur, adjudication_id="d", item_id="s-4", reviewer_id=chief, label="mild")
    return database


def test_labels_are_renamed_merged_and_retired_and_history_stays(
    judged: Database, chief: str
) -> None:
    with judged.transaction() as cur:
        made = change_labels(cur, AFTER, MOVES, reviewer_id=chief, reason="one scale")
    cur = judged.cursor()
    assert find_label_set(cur, "sev") == made == replace(AFTER, version=2)
    items = [get_item(cur, f"s-{number}", EVERYTHING) for number in range(5)]
    assert {item.labels for item in items} == {("grade 1", "high")}
    assert [item.gold_label for item in items] == ["grade 1", "high", "high", None, None]
    record = {name: get_gold(cur, name, EVERYTHING).label for name in ("s-0", "s-4", "other")}
    assert record == {"s-0": "high", "s-4": "grade 1", "other": "no"}
    said, taken_back, carried = list_annotations(cur, "s-0", EVERYTHING)
    assert (said.judgement.labels, said.item_version) == (("severe",), 1)
    assert taken_back.action == "retract"
    assert (carried.judgement, carried.item_version, carried.created_at) == (
        replace(said.judgement, labels=("high",)), 2, said.created_at,
    )  # fmt: skip
    *_, merged = list_annotations(cur, "s-1", EVERYTHING)
    assert merged.judgement.label == "high"
    assert [one.action for one in list_annotations(cur, "s-2", EVERYTHING)] == ["label", "retract"]
    assert queue_progress(cur, get_queue(cur, "k")).num_done == 3


@pytest.mark.parametrize(
    ("moves", "message"),
    [
        ({}, "'mild' is no longer there"),
        ({**MOVES, "wild": "high"}, "'wild' is none of the labels"),
        ({**MOVES, "mild": "low"}, "'mild' moves to 'low'"),
    ],
)
def test_a_change_that_loses_a_label_is_refused(
    judged: Database, chief: str, moves: dict[str, str | None], message: str
) -> None:
    with (
        pytest.raises(InvalidLabelSetError, match=message),
        judged.transaction() as cur,
    ):
        change_labels(cur, AFTER, moves, reviewer_id=chief, reason="one scale")
    stored = find_label_set(judged.cursor(), "sev")
    assert stored is not None and stored.names == BEFORE


def test_an_earlier_change_can_be_followed_by_another(judged: Database, chief: str) -> None:
    last = LabelSet("sev", tuple(map(SetLabel, ("low", "high"))))
    with judged.transaction() as cur:
        change_labels(cur, AFTER, MOVES, reviewer_id=chief, reason="one scale")
        change_labels(cur, last, {"grade 1": "low"}, reviewer_id=chief, reason="shorter")
    cur = judged.cursor()
    assert get_gold(cur, "s-4", EVERYTHING).label == "low"
    assert get_gold(cur, "s-0", EVERYTHING).label == "high"
    assert get_item(cur, "s-0", EVERYTHING).version == 3
