"""Builds: what enters a record, what never does, and the files that others read."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from db.connection import Database
from db.content.items import add_items
from db.errors import ExportError
from db.people.reviewers import add_reviewer
from db.records import Item, Option, Section
from db.retraining.record_vetoes import add_record_veto
from db.retraining.snapshot import Snapshot, SnapshotItem, read_snapshot
from db.viewer import EVERYTHING
from eci.questions.prompts import Question
from tests.support.annotations import annotate
from tests.support.records import make_options_item
from training.cli.main import main
from training.data import build_files, questions
from training.data.build import BENCHMARKS, Build, build
from training.data.build_files import write_build
from training.data.dataset import build_training_data
from training.errors import DataError
from training.settings.training import DataSettings


def _usmle(number: int, step: str) -> Item:
    return make_options_item(
        f"usmle-{number:02d}",
        question=f"Case {number} of ward {number * 7} comes with a cough. Which drug?",
        options=tuple(Option(name, f"drug {name} of case {number}") for name in "ABCD"),
        gold_label="ABCD"[number % 4],
        split="train",
        metadata={"step": step},
    )


@pytest.fixture
def snapshot(database: Database) -> Snapshot:
    """A snapshot with PubMedQA-like items and USMLE items of all steps."""
    steps = ("step1", "step2&3", "step3")
    with database.transaction() as cur:
        add_items(cur, [_usmle(n, steps[n % 3]) for n in range(24)], origin="items")
    return read_snapshot(database.cursor(), EVERYTHING)


def _items(built: Build) -> set[str]:
    return {record.item_id for record in built.records}


def test_an_item_becomes_a_question_once_in_a_build(
    snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: Counter[str] = Counter()

    def make(*args: Any) -> Question:
        question = Question(*args)
        made[question.question_id] += 1
        return question

    monkeypatch.setattr(questions, "Question", make)
    build(snapshot, benchmark="all", num_shots=1)
    assert made == {item.item_id: 1 for item in (*snapshot.train, *snapshot.test)}


def test_items_of_steps_2_and_3_count_for_both_and_keep_their_tag(snapshot: Snapshot) -> None:
    by_step = {
        step: build(snapshot, benchmark=f"usmle-step{step}", num_shots=0)  # type: ignore[arg-type]
        for step in (1, 2, 3)
    }
    assert len(_items(by_step[1])) == 8
    assert len(_items(by_step[2])) == 8
    assert len(_items(by_step[3])) == 16
    assert _items(by_step[2]) < _items(by_step[3])
    assert {record.step for record in by_step[2].records} == {"step2&3"}


@pytest.mark.parametrize("num_shots", [0, 1, 5])
def test_every_prompt_shows_so_many_training_items_and_ends_in_its_answer(
    snapshot: Snapshot, num_shots: int
) -> None:
    items = {item.item_id: item for item in snapshot.train}
    built = build(snapshot, benchmark="pubmedqa", num_shots=num_shots)
    held_out = {record.item_id for record in built.fold("validation")}
    assert held_out and held_out.isdisjoint(record.item_id for record in built.fold("train"))
    for record in built.records:
        assert len(record.shot_item_ids) == num_shots
        assert len(record.messages) == 2 * num_shots + 3
        assert record.item_id not in record.shot_item_ids
        assert held_out.isdisjoint(record.shot_item_ids)
        secret = items[record.item_id].long_answer
        assert secret in record.completion
        assert all(secret not in turn["content"] for turn in record.prompt)
        assert record.completion.startswith(record.category)


def test_a_corrected_text_takes_the_place_of_the_long_answer(database: Database) -> None:
    annotate(database, "Ann", "fix-train-000", "no", answer="It did not help anybody.")
    built = build(
        read_snapshot(database.cursor(), EVERYTHING),
        benchmark="all",
        num_shots=0,
        only_corrected=True,
    )
    (record,) = built.records
    assert record.completion == "no\nIt did not help anybody."


def test_the_long_answer_for_a_label_that_reviewers_rejected_is_not_learned(
    database: Database,
) -> None:
    annotate(database, "Ann", "fix-train-000", "no")
    snapshot = read_snapshot(database.cursor(), EVERYTHING)
    (item,) = (item for item in snapshot.train if item.item_id == "fix-train-000")
    assert (item.imported_label, item.label) == ("yes", "no") and item.long_answer
    built = build(snapshot, benchmark="all", num_shots=0, only_corrected=True)
    assert [record.completion for record in built.records] == ["no"]
    everything = build(snapshot, benchmark="all", num_shots=5).records
    shown = [turn["content"] for record in everything for turn in record.messages]
    assert not any(item.long_answer in text for text in shown)


def test_vetoes_are_heeded_by_builds_and_runs(database: Database) -> None:
    with database.transaction() as cur:
        ann = add_reviewer(cur, "Ann", "engineer").reviewer_id
        add_record_veto(cur, item_id="fix-train-000", num_shots=1, reviewer_id=ann)
        add_record_veto(cur, item_id="fix-train-002", num_shots=None, reviewer_id=ann)
    snapshot = read_snapshot(database.cursor(), EVERYTHING)
    one_shot = build(snapshot, benchmark="pubmedqa", num_shots=1)
    assert not {"fix-train-000", "fix-train-002"} & _items(one_shot)
    assert "fix-train-000" in _items(build(snapshot, benchmark="pubmedqa", num_shots=0))
    assert all("fix-train-002" not in record.shot_item_ids for record in one_shot.records)
    assert one_shot.num_vetoed == 2
    data = build_training_data(snapshot, DataSettings(shots=(0, 1)), 0)
    learned = {(record.item_id, record.num_shots) for record in (*data.train, *data.dev)}
    assert ("fix-train-000", 1) not in learned
    assert not any(item_id == "fix-train-002" for item_id, _ in learned)


def _child(item: SnapshotItem, name: str) -> SnapshotItem:
    return replace(item, item_id=name, parent_item_id=item.item_id, question=f"{name}?")


def test_what_was_made_from_an_item_stays_in_its_fold(snapshot: Snapshot) -> None:
    children = tuple(_child(item, f"child-of-{item.item_id}") for item in snapshot.train)
    grown = replace(snapshot, train=snapshot.train + children)
    data = build_training_data(grown, DataSettings(dev_fraction=0.3), 3)
    held_out = {record.item_id.removeprefix("child-of-") for record in data.dev}
    learned = {record.item_id.removeprefix("child-of-") for record in data.train}
    assert held_out and held_out.isdisjoint(learned)


def test_items_are_held_out_where_people_have_labelled_all_of_them(snapshot: Snapshot) -> None:
    labels = ["yes"] * 120 + ["no"] * 60 + ["maybe"] * 20
    labelled = tuple(
        replace(
            snapshot.train[0],
            item_id=f"labelled-{n}",
            question=f"Does remedy {n} of {n * 7919} help against complaint {n * 104729}?",
            label=label,
            label_origin="agreed",
        )
        for n, label in enumerate(labels)
    )
    data = build_training_data(replace(snapshot, train=labelled), DataSettings(dev_fraction=0.1), 1)
    held_out = Counter(record.label for record in data.dev)
    assert held_out == {"yes": 12, "no": 6, "maybe": 2}
    assert len({record.item_id for record in data.train}) == 180


def test_the_build_stops_and_names_what_was_made_from_a_test_item(snapshot: Snapshot) -> None:
    leak = replace(_child(snapshot.test[0], "leak"), split="train")
    with pytest.raises(DataError, match=r"made from one.*\(leak\)"):
        build(replace(snapshot, train=(*snapshot.train, leak)), benchmark="pubmedqa", num_shots=0)


def test_the_build_stops_on_a_copy_of_a_test_item_of_another_benchmark(snapshot: Snapshot) -> None:
    long = "Of the patients who were given the drug for a year, most walked farther than before."
    original = replace(snapshot.test[1], context=(Section("", long),))
    copied = [item for item in snapshot.train if item.label_set == "pubmedqa"]
    copy = replace(copied[0], context=(Section("RESULTS", f"{long} So they said."),))
    leaky = replace(snapshot, train=(copy, *copied[1:]), test=(original,))
    with pytest.raises(DataError, match=f"{copy.item_id} repeats {original.item_id}"):
        build(leaky, benchmark="pubmedqa", num_shots=0)


def test_a_build_never_mixes_with_another(snapshot: Snapshot, tmp_path: Path) -> None:
    built = build(snapshot, benchmark="all", num_shots=0)
    write_build(built, tmp_path / "out", "chat")
    with pytest.raises(DataError, match="is not empty"):
        write_build(built, tmp_path / "out", "chat")


def test_a_build_is_written_whole_or_not_at_all(
    database: Database, snapshot: Snapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = build(snapshot, benchmark="all", num_shots=0)
    database.close()
    before = set(tmp_path.iterdir())

    def fail(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    for build_format in ("chat", "huggingface", "alpaca", "text_label"):  # each way to write
        with monkeypatch.context() as patch:
            patch.setattr(build_files, "replace_json", fail)  # the last file of each format
            with pytest.raises(ExportError, match="out was not written: No space left on device"):
                write_build(built, tmp_path / "out", build_format)
        assert set(tmp_path.iterdir()) == before
    killed = "import os\ndef fail(*_):\n    os._exit(9)\nos.rename = os.replace = fail\n"
    killed += "import sys\nfrom training.cli.main import main\nmain(sys.argv[1:])"
    out = tmp_path / "out"
    command = [sys.executable, "-c", killed, "build", "--out", str(out)]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 9
    assert not out.exists()


def test_a_build_replaces_nothing(database: Database, snapshot: Snapshot, tmp_path: Path) -> None:
    database.close()
    home = Path(os.environ["LLAMACARE_HOME"])
    (home / "runs").mkdir()
    (tmp_path / "mine").write_text("mine")
    runner = CliRunner()
    for out, why in (
        (home / "runs", "belongs to what the product itself keeps"),
        (home / "models" / "built", "there is no folder"),
        (home / "review.duckdb", "belongs to what the product itself keeps"),
        (tmp_path / "mine", "it is a file"),
        (tmp_path / "missing" / "built", "there is no folder"),
    ):
        refused = runner.invoke(main, ["build", "--out", str(out)])
        assert refused.exit_code == 1
        assert refused.stderr.startswith(f"Error: {out} was not written: ")
        assert why in refused.stderr and refused.stderr.count("\n") == 1
    assert (tmp_path / "mine").read_text() == "mine"
    assert not any((home / "runs").iterdir())
    done = runner.invoke(main, ["build", "--benchmark", "all"])
    assert done.exit_code == 0, done.output
    (folder,) = (home / "builds").iterdir()
    assert (folder / "build.json").exists()


def test_the_command_writes_a_build_and_names_its_files(
    database: Database, snapshot: Snapshot, tmp_path: Path
) -> None:
    database.close()
    runner = CliRunner(env={"LLAMACARE_HOME": os.environ["LLAMACARE_HOME"]})
    for benchmark in BENCHMARKS:
        out = tmp_path / benchmark
        done = runner.invoke(
            main, ["build", "--shots", "1", "--benchmark", benchmark, "--out", str(out)]
        )
        assert done.exit_code == 0, done.output
        assert (out / "train.jsonl").stat().st_size > 0
    assert runner.invoke(main, ["build", "--benchmark", "usmle-step4"]).exit_code == 2
