"""Items with several right labels: their labels are sets, from import to export."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from duckdb import DuckDBPyConnection

from db.connection import Database
from db.content.items import add_items, get_item
from db.content.label_moves import change_labels
from db.content.label_sets import add_label_set, find_label_set
from db.content.predictions import add_predictions, find_prediction
from db.content.runs import add_run
from db.errors import (
    InvalidItemError,
    InvalidLabelError,
    InvalidLabelSetError,
    InvalidPredictionError,
)
from db.exporters import export_file
from db.importers import import_file
from db.people.sign_in import add_person
from db.records import LABEL_END, Item, LabelSet, SetLabel, join_labels, labels_in
from db.retraining.snapshot import read_snapshot
from db.review.adjudications import add_adjudication
from db.review.agreement import RatingFilter
from db.review.annotations import get_gold, list_annotations
from db.review.bulk_actions import do_action, preview_action, undo_action
from db.review.item_list import ReviewFilter
from db.viewer import EVERYTHING
from eci.answers.several import read_labels
from eci.questions.prompts import load_template
from tests.support.annotations import annotate
from tests.support.records import make_item, make_prediction, make_run
from training.data.questions import label_set_of
from training.evaluation.agreement.phases import load_phase

SYMPTOMS = ("cough", "fever", "rash")


def joined(*labels: str) -> str:
    return "".join(f"{label}{LABEL_END}" for label in labels)


def symptom_item(item_id: str, *labels: str) -> Item:
    return make_item(
        item_id,
        label_set="symptoms",
        labels=SYMPTOMS,
        gold_label=join_labels(labels, SYMPTOMS),
        is_several=True,
    )


@pytest.fixture
def filled(database: Database) -> Database:
    with database.transaction() as cur:
        items = [symptom_item("q-1", "fever", "cough"), symptom_item("q-2", "rash")]
        add_items(cur, items, origin="items")
    return database


def test_an_import_keeps_every_right_answer(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "letters.csv"
    path.write_text('id,question,A,B,C,answer\nf1,Which?,x,y,z,"A, C"\nf2,One?,x,y,z,B\n')
    import_file(database, None, path)
    first, second = (get_item(database.cursor(), i, EVERYTHING) for i in ("f1", "f2"))
    assert (first.gold_labels, second.gold_labels) == (("A", "C"), ("B",))
    assert first.is_several and second.is_several and first.label_set == "several_options"


def test_columns_of_listed_labels_make_a_set_of_several(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "cases.csv"
    path.write_text("id;text;label\na;Coughs;cough|fever\nb;Only;cough\nc;Spots;rash|fever\n")
    import_file(database, None, path)
    stored = find_label_set(database.cursor(), "cases")
    assert stored is not None and stored.kind == "several" and set(stored.names) == {*SYMPTOMS}
    assert get_item(database.cursor(), "c", EVERYTHING).gold_labels == ("fever", "rash")


def test_what_people_say_is_a_set_and_agrees_as_one(filled: Database) -> None:
    said = annotate(filled, "Ann", "q-1", "rash", "cough")
    assert said.judgement.labels == ("cough", "rash")
    assert get_gold(filled.cursor(), "q-1", EVERYTHING).label == joined("cough", "rash")
    view = filled.cursor().execute("select label from gold where item_id = 'q-1'").fetchone()
    assert view == (joined("cough", "rash"),)
    annotate(filled, "Bo", "q-1", "rash")
    gold = get_gold(filled.cursor(), "q-1", EVERYTHING)
    assert gold.conflicting and gold.label == joined("cough", "fever")
    chief = _chief(filled)
    with filled.transaction() as cur:
        decided = joined("cough", "fever", "rash")
        add_adjudication(cur, adjudication_id="d", item_id="q-1", reviewer_id=chief, label=decided)
        for wrong in ("cough", joined("rash", "cough"), joined("gout")):
            with pytest.raises(InvalidLabelError):
                add_adjudication(
                    cur, adjudication_id="e", item_id="q-1", reviewer_id=chief, label=wrong
                )
    assert get_gold(filled.cursor(), "q-1", EVERYTHING).label == decided


def test_agreement_of_sets_is_by_overlap(filled: Database) -> None:
    annotate(filled, "Ann", "q-1", "cough", "fever")
    annotate(filled, "Bo", "q-1", "cough")
    annotate(filled, "Ann", "q-2", "rash")
    annotate(filled, "Bo", "q-2", "rash")
    flt = RatingFilter(EVERYTHING, "symptoms", "review")
    found = load_phase(filled.cursor(), flt, "open", "sets", "same")
    assert found.holds_gold.value == 0.75  # exactly the gold set in three of four
    alpha = found.overall.krippendorff_alpha
    assert alpha.value is not None and 0 < alpha.value < 1 and alpha.n == 2


def test_predictions_are_sets_with_a_probability_for_each_label(filled: Database) -> None:
    with filled.transaction() as cur:
        add_run(cur, make_run("run-1"))
        row = make_prediction(
            "q-1",
            "run-1",
            answer_label=joined("cough"),
            head_label=joined("cough", "fever"),
            head_probabilities=(0.9, 0.8, 0.25),
        )
        add_predictions(cur, [row])
        wrong = make_prediction("q-2", "run-1", answer_label="rash")
        with pytest.raises(InvalidPredictionError, match="rash"):
            add_predictions(cur, [wrong])
    stored = find_prediction(filled.cursor(), "run-1", "q-1", EVERYTHING)
    assert stored is not None and labels_in(stored.head_label) == ("cough", "fever")
    confidence = filled.cursor().execute("select head_confidence from prediction").fetchone()
    assert confidence is not None and confidence[0] == pytest.approx(0.9 * 0.8 * 0.75)


def test_a_set_is_none_of_the_labels_of_an_item_with_one(database: Database) -> None:
    with database.transaction() as cur:
        for item in (
            make_item("q", gold_label=joined("yes")),
            symptom_item("q", "gout"),
            make_item("q", labels=("a\x1f", "b"), gold_label=None),
        ):
            with pytest.raises(InvalidItemError):
                add_items(cur, [item], origin="items")


def test_labels_of_sets_are_renamed_and_merged_with_what_was_said(filled: Database) -> None:
    chief = _chief(filled)
    annotate(filled, "Ann", "q-1", "fever", "cough")
    annotate(filled, "Ann", "q-2", "rash")
    labels = tuple(map(SetLabel, SYMPTOMS))
    with filled.transaction() as cur:
        add_label_set(cur, LabelSet("symptoms", labels, "several"), reviewer_id=chief)
        after = LabelSet("symptoms", (SetLabel("exanthem"), SetLabel("airway")), "several")
        moves = {"cough": "airway", "fever": "airway", "rash": "exanthem"}
        change_labels(cur, after, moves, reviewer_id=chief, reason="coarser")
    cur = filled.cursor()
    assert get_item(cur, "q-1", EVERYTHING).gold_labels == ("airway",)
    assert get_gold(cur, "q-1", EVERYTHING).label == joined("airway")
    assert get_gold(cur, "q-2", EVERYTHING).label == joined("exanthem")
    assert list_annotations(cur, "q-1", EVERYTHING)[0].judgement.labels == ("cough", "fever")


def _chief(database: Database) -> str:
    with database.transaction() as cur:
        return _chief_in(cur)


def _chief_in(cur: DuckDBPyConnection) -> str:
    return add_person(cur, "Chief", role="admin").reviewer_id


def test_definitions_and_codes_reach_what_a_run_reads_and_what_it_says_is_read(
    filled: Database,
) -> None:
    labels = tuple(
        SetLabel(name, definition=f"There is {name}.", codes=(str(number), f"S{number}"))
        for number, name in enumerate(SYMPTOMS, start=1)
    )
    with filled.transaction() as cur:
        label_set = LabelSet("symptoms", labels, "several")
        add_label_set(cur, label_set, reviewer_id=_chief_in(cur))
    snapshot = read_snapshot(filled.cursor(), EVERYTHING)
    item = (*snapshot.train, *snapshot.test)[0]
    assert item.definitions[0] == "There is cough." and item.is_several
    system = load_template().system(label_set_of(item))
    assert "cough means that There is cough" in system
    assert "1. cough, 2. fever, 3. rash" in system
    asked = label_set_of(item)
    said = load_template().completion(asked, asked.join(["rash", "cough"]))
    assert said == "1. cough, 3. rash"
    for text in (said, "1, 3", "Answer: 1 and 3", "cough; rash"):
        assert read_labels(text, asked).label == asked.join(["cough", "rash"]), text


def test_a_set_keeps_the_kind_that_its_items_have(filled: Database) -> None:
    with filled.transaction() as cur:
        label_set = LabelSet("symptoms", tuple(map(SetLabel, SYMPTOMS)), "ordinal")
        with pytest.raises(InvalidLabelSetError, match="2 items"):
            add_label_set(cur, label_set, reviewer_id=_chief_in(cur))


def test_synonyms_and_letters_of_a_stored_set_map_the_labels_of_a_file(
    database: Database, tmp_path: Path
) -> None:
    labels = (SetLabel("urgent", synonyms=("dringend",), codes=("1",)), SetLabel("routine"))
    with database.transaction() as cur:
        add_label_set(cur, LabelSet("triage", labels), reviewer_id=_chief_in(cur))
    path = tmp_path / "triage.csv"
    path.write_text("id;question;label\nt1;Pain;Dringend\nt2;Itch;routine\nt3;Ache;1\n")
    import_file(database, None, path)
    items = [get_item(database.cursor(), f"t{n}", EVERYTHING) for n in (1, 2, 3)]
    assert [item.gold_label for item in items] == ["urgent", "routine", "urgent"]
    assert items[0].labels == ("urgent", "routine") and items[0].label_set == "triage"


def test_a_conversation_without_labels_is_reviewed_by_verdict_and_note(
    database: Database, tmp_path: Path
) -> None:
    path = tmp_path / "healthbench.jsonl"
    turns = [{"role": "user", "content": "Should I stop my blood thinner?"}]
    rubric = [{"criterion": "Says to ask first.", "points": 7, "tags": []}]
    row = {"prompt_id": "p-1", "prompt": turns, "rubrics": rubric, "example_tags": []}
    path.write_text(json.dumps(row) + "\n")
    import_file(database, None, path)
    [(item_id,)] = database.cursor().execute("select item_id from item").fetchall()
    item = get_item(database.cursor(), item_id, EVERYTHING)
    assert item.labels == () and item.label_set == "free_text"
    with pytest.raises(InvalidLabelError, match="note"):
        annotate(database, "Ann", item_id)
    annotate(database, "Ann", item_id, note="Good advice.", verdicts=("model_wrong",))
    assert get_gold(database.cursor(), item_id, EVERYTHING).label is None
    out = tmp_path / "out.jsonl"
    export_file(database.cursor(), "items", "jsonl", out, EVERYTHING)
    assert import_file(database, None, out).is_unchanged


def test_sets_are_labelled_in_bulk_as_the_head_says_and_taken_back(filled: Database) -> None:
    chief = _chief(filled)
    annotate(filled, "Ann", "q-1", "rash")
    heads = {"q-1": joined("cough", "fever"), "q-2": joined("fever", "rash")}
    with filled.transaction() as cur:
        add_run(cur, make_run("run-1"))
        rows = [
            make_prediction(i, head_label=head, head_probabilities=(0.6, 0.7, 0.6))
            for i, head in heads.items()
        ]
        add_predictions(cur, rows)
    flt = ReviewFilter(run_id="run-1")
    seen = preview_action(filled.cursor(), flt, "head", chief)
    assert (seen.num_changed, seen.labels) == (2, dict.fromkeys(heads.values(), 1))
    with filled.transaction() as cur:
        do_action(cur, flt, "head", reviewer_id=chief, batch_id="b", num_expected=2)
    for item_id, head in heads.items():
        own = list_annotations(filled.cursor(), item_id, EVERYTHING)[-1]
        assert own.judgement.labels == labels_in(head)
    gold = get_gold(filled.cursor(), "q-2", EVERYTHING)
    assert (gold.label, gold.origin) == (heads["q-2"], "agreed")
    assert get_gold(filled.cursor(), "q-1", EVERYTHING).conflicting  # with Ann's set
    with filled.transaction() as cur:
        undo_action(cur, "b", reviewer_id=chief)
    assert get_gold(filled.cursor(), "q-2", EVERYTHING).label == joined("rash")
