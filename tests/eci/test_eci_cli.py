"""``python -m eci classify``: a line of output for each good line, a message for each bad one."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result

from eci.cli import main
from eci.decisions import DecisionRule
from eci.model.artifact import (
    CalibrationInfo,
    head_key,
    read_info,
    save_tensors,
    write_info,
)
from eci.model.base_model import load_base
from eci.model.eci_model import EciModel, build
from eci.model.encoding import PromptSettings
from eci.questions.labels import PUBMEDQA, LabelSet
from eci.questions.prompts import Question
from training.joint.adapter import describe_model

Run = Callable[..., Result]

OPTIONS = {"A": "rest and fluids", "B": "surgery at once", "C": "ice"}


def _question(record_id: object, **fields: Any) -> dict[str, Any]:
    text = f"Does it help in case {record_id}?"
    return {"id": record_id, "question": text, "label_set": "pubmedqa"} | fields


def _lines(*records: object) -> str:
    return "".join(r if isinstance(r, str) else json.dumps(r) + "\n" for r in records)


@pytest.fixture(scope="module")
def run(tiny_model_dir: Path) -> Run:
    def run(*arguments: str, given: str | bytes = "") -> Result:
        command = ["classify", "--base", str(tiny_model_dir), "--device", "cpu", *arguments]
        return CliRunner().invoke(main, command, input=given)

    return run


def _outputs(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_answers_come_in_the_order_of_the_lines(run: Run, tiny_model_dir: Path) -> None:
    records = [
        _question(1, context="word " * 50, metadata={"ward": ["α", 3]}, label="no"),
        {"id": "zwei", "question": "What first?", "options": OPTIONS},
        _question(3),
        _question(4, context=[{"heading": "RESULTS", "text": "It did."}]),
    ]
    result = run("--batch-size", "2", "--chunk-size", "3", given=_lines(*records))
    assert result.exit_code == 0, result.output
    found = _outputs(result)
    assert [line["id"] for line in found] == [1, "zwei", 3, 4]
    assert found[0]["metadata"] == {"ward": ["α", 3]}
    assert found[0]["gold_label"] == "no"
    fields = {"id", "label", "probabilities", "set", "ask_a_person", "prompt_tokens"}
    assert set(found[2]) == {*fields, "is_shortened"}
    assert (found[2]["set"], found[2]["ask_a_person"]) == (None, False), "no operating point"
    assert list(found[1]["probabilities"]) == ["A", "B", "C"]
    assert "4 questions read, 4 classified, 0 refused." in result.stderr
    model = EciModel.load(str(tiny_model_dir), tiny_model_dir, device="cpu")
    asked = [
        Question("What first?", (), LabelSet.from_options(OPTIONS)),
        Question(records[3]["question"], (("RESULTS", "It did."),), PUBMEDQA),
    ]
    for line, expected in zip([found[1], found[3]], model.classify(asked), strict=True):
        assert line["label"] == expected.label
        assert line["prompt_tokens"] == expected.prompt_tokens
        assert list(line["probabilities"].values()) == pytest.approx(
            expected.probabilities, abs=0.02
        )


def test_a_text_comes_with_its_reading(run: Run) -> None:
    result = run("--answer", "6", given=_lines(_question(1), _question(2)))
    for line in _outputs(result):
        answer = line["answer"]
        assert set(answer) == {"text", "label", "form", "span", "is_finished", "num_tokens"}
        assert answer["num_tokens"] <= 6
        assert (answer["span"] is None) == (answer["form"] == "absent")


def test_each_bad_line_is_named_and_the_rest_goes_on(run: Run) -> None:
    bad = {
        2: "not json\n",
        3: _question(3, contxt="misspelt"),
        5: _question(5, label_set={"name": "triage", "labels": ["urgent", "routine"]}),
        6: _question(6, question="long " * 3000),
        7: {"id": 7, "question": "Which?", "options": {"A": "alone"}},
        8: json.dumps(_question(8))[:-1] + ', "id": 9}\n',
        9: "[" * 50_000 + "\n",
        10: _question(10, context="x" * 1_100_000),
        11: _question(11, question="\ud800"),
    }
    good = [1, 4, 12, 13]
    hostile = {12: _question(12, context="\0\x1b[2J<|im_end|>"), 13: _question(13, context="\0")}
    records = [bad.get(i) or hostile.get(i) or _question(i) for i in range(1, 14)]
    result = run("--chunk-size", "7", given=_lines(*records))
    assert result.exit_code == 1
    assert [line["id"] for line in _outputs(result)] == good
    messages = [line for line in result.stderr.splitlines() if " was left out: " in line]
    assert [int(line.split()[1]) for line in messages] == list(bad)
    assert all(line.isprintable() and len(line) < 1000 for line in messages)
    assert '--label-set "triage=urgent,routine"' in messages[2]
    assert "1024 are allowed" in messages[3]
    assert "13 questions read, 4 classified, 9 refused." in result.stderr


def test_nothing_to_classify_is_no_error(run: Run) -> None:
    result = run(given="\n \n")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "0 questions read" in result.stderr


def test_declared_label_sets_are_classified_into(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "questions.jsonl"
    own = {"name": "triage", "labels": ["urgent", {"name": "routine", "definition": "can wait"}]}
    file.write_text(_lines(_question(1, label_set="triage"), _question(2, label_set=own)))
    result = run("--label-set", "triage=urgent,routine", str(file))
    assert result.exit_code == 0, result.output
    first, second = _outputs(result)
    assert set(first["probabilities"]) == {"urgent", "routine"}
    assert second["prompt_tokens"] > first["prompt_tokens"]


@pytest.fixture
def exemplars(tmp_path: Path) -> Path:
    file = tmp_path / "train.jsonl"
    labels = ("yes", "no", "maybe") * 3
    file.write_text(
        _lines(
            *(_question(f"t{i}", label=label, rationale="So.") for i, label in enumerate(labels))
        )
    )
    return file


@pytest.mark.parametrize("choice", ["random", "balanced", "nearest"])
def test_shots_lengthen_the_prompt_and_repeat_with_the_seed(
    run: Run, exemplars: Path, choice: str
) -> None:
    questions = _lines(*(_question(i) for i in range(3)))
    shots = ("--exemplars", str(exemplars), "--shots", "2", "--choice", choice)
    zero, first, again = (run(*given, given=questions) for given in ((), shots, shots))
    assert first.exit_code == 0, first.output
    assert first.stdout == again.stdout
    lengths = [[line["prompt_tokens"] for line in _outputs(result)] for result in (zero, first)]
    assert all(with_shots > bare + 40 for bare, with_shots in zip(*lengths, strict=True))


def test_a_question_without_exemplars_of_its_labels_is_a_bad_line(
    run: Run, exemplars: Path
) -> None:
    records = [_question(1), {"id": 2, "question": "What first?", "options": OPTIONS}]
    result = run("--exemplars", str(exemplars), "--shots", "1", given=_lines(*records))
    assert result.exit_code == 1
    assert [line["id"] for line in _outputs(result)] == [1]
    assert "Line 2 was left out: 1 shots were asked for" in result.stderr


def test_exemplars_that_repeat_forbidden_questions_are_refused_by_name(
    run: Run, exemplars: Path, tmp_path: Path
) -> None:
    test = tmp_path / "test.jsonl"
    test.write_text(_lines(_question("t4", id="secret")))
    shots = ("--exemplars", str(exemplars), "--shots", "1", "--forbidden", str(test))
    result = run(*shots, given=_lines(_question(1)))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "'t4' repeats 'secret' (overlap 1.00)" in result.stderr


def test_exemplars_with_faults_are_refused_before_anything_is_loaded(
    run: Run, exemplars: Path
) -> None:
    with exemplars.open("a") as file:
        file.write(_lines(_question("no label")))
    result = run("--exemplars", str(exemplars), "--shots", "1", given=_lines(_question(1)))
    assert result.exit_code == 1
    assert "train.jsonl cannot be used" in result.stderr
    assert "line 10: label is missing" in result.stderr
    assert "Loading" not in result.stderr


@pytest.fixture(scope="module")
def artifact(tiny_model_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A head that finds everything urgent, at temperature 2."""
    triage = LabelSet.fixed("triage", ["urgent", "routine"])
    loaded = load_base(str(tiny_model_dir), tiny_model_dir, device="cpu")
    model = build(loaded, label_sets=[triage], prompts=PromptSettings(max_prompt_tokens=500))
    head = model.model.eci_head
    torch.nn.init.constant_(head.linears[head_key("triage")].bias[:1], 8.0)
    folder = tmp_path_factory.mktemp("run") / "artifact"
    save_tensors(folder, head.state_dict(), None, None)
    info = describe_model(model, loaded, shots=0, has_adapter=False)
    halved = {"triage": CalibrationInfo(temperature=2.0, num_items=10)}
    info = info.model_copy(update={"calibration": halved})
    write_info(folder, info)
    return folder


def test_an_artifact_brings_its_base_model_and_label_sets(artifact: Path) -> None:
    given = _lines(
        _question(1, label_set="triage"),
        _question(2),
        _question(3, question="x " * 600, label_set="triage"),
    )
    result = CliRunner().invoke(main, ["classify", "--artifact", str(artifact)], input=given)
    [found] = _outputs(result)
    assert (found["id"], found["label"]) == (1, "urgent")
    # Logits about 8 apart, halved by the temperature.
    assert 0.9 < found["probabilities"]["urgent"] < 0.999
    assert 'Line 2 was left out: label set "pubmedqa" is unknown; known: triage' in result.stderr
    assert "500 are allowed" in result.stderr
    assert result.exit_code == 1


def test_an_operating_point_gives_label_set_and_whether_to_ask_a_person(
    artifact: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "artifact"
    shutil.copytree(artifact, folder)
    # Never to miss what can wait, however urgent it looks; a label is in the set from 1 % on.
    rule = DecisionRule(
        cost="matrix",
        num_items=50,
        costs=((0, 1), (10_000, 0)),
        target_error=0.05,
        threshold=0.9,
        set_coverage=0.9,
        set_thresholds=(0.99, 0.99),
    )
    info = read_info(folder).model_copy(update={"decision_rules": {"triage": rule}})
    write_info(folder, info)
    given = _lines(_question(1, label_set="triage"))
    result = CliRunner().invoke(main, ["classify", "--artifact", str(folder)], input=given)
    [found] = _outputs(result)
    assert found["label"] == "routine"
    assert found["probabilities"]["urgent"] > 0.9, "probabilities are not changed by costs"
    assert "urgent" in found["set"]
    assert found["ask_a_person"] is True


def test_an_artifact_on_another_base_model_is_refused(
    artifact: Path, tiny_model_dir: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    shutil.copytree(tiny_model_dir, other)
    weights = other / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4] + b"\1\1\1\1")
    for arguments, message in (
        (("--base", str(other)), "was trained on"),
        (("--quantization", "nf4"), "is valid for quantization 'none'"),
    ):
        command = ["classify", "--artifact", str(artifact), *arguments]
        result = CliRunner().invoke(main, command, input=_lines(_question(1)))
        assert (result.exit_code, result.stdout) == (1, "")
        assert message in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("--shots", "2"),
        ("--exemplars", __file__),
        ("--forbidden", __file__),
        ("--label-set", "triage"),
        ("--label-set", "triage="),
        ("--label-set", "triage=a,a"),
        ("--label-set", "pubmedqa=a,b"),
        ("--label-set", "options=a"),
        ("--label-set", "x=a,b", "--label-set", "x=c,d"),
        ("--artifact", ".", "--label-set", "x=a,b"),
        ("--artifact", "/no/such/folder"),
        ("--batch-size", "0"),
        ("--choice", "best"),
        ("/no/such/file.jsonl",),
        ("--frobnicate",),
    ],
    ids=" ".join,
)
def test_wrong_usage_exits_with_2(run: Run, arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert "Error: " in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--base", "/no/such/model"), "Base model folder '/no/such/model' does not exist"),
        (("--artifact", "."), "is no finished artifact"),
        (("--label-set", "size=big,bigger"), "share their first token"),
    ],
)
def test_what_cannot_be_loaded_is_one_line_and_exits_with_1(
    run: Run, arguments: tuple[str, ...], message: str
) -> None:
    result = run(*arguments, given=_lines(_question(1)))
    assert (result.exit_code, result.stdout) == (1, "")
    assert message in result.stderr.splitlines()[-1]


def _start(tiny_model_dir: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "eci", "classify", "--base", str(tiny_model_dir), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        # A shell starts its background jobs with SIGINT ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    )


def test_an_interrupt_leaves_what_is_done(tiny_model_dir: Path) -> None:
    process = _start(tiny_model_dir, "--chunk-size", "2")
    assert process.stdin
    assert process.stdout
    process.stdin.write(_lines(*(_question(i) for i in range(3))))
    process.stdin.flush()
    done = [process.stdout.readline() for _ in range(2)]
    process.send_signal(signal.SIGINT)
    rest, messages = process.communicate(timeout=60)
    assert [json.loads(line)["id"] for line in done] == [0, 1]
    assert (rest, process.returncode) == ("", 130)
    assert "Interrupted: what follows line 2 was not classified." in messages
    assert "2 questions read, 2 classified, 0 refused." in messages
    assert "Traceback" not in messages


def test_a_reader_that_leaves_ends_it_quietly(tiny_model_dir: Path) -> None:
    process = _start(tiny_model_dir, "--chunk-size", "1")
    assert process.stdin
    assert process.stdout
    assert process.stderr
    process.stdin.write(_lines(*(_question(i) for i in range(20))))
    process.stdin.close()
    process.stdout.readline()
    process.stdout.close()
    messages = process.stderr.read()
    assert process.wait(timeout=60) == 1
    assert "The output is closed" in messages
    assert "Traceback" not in messages
    assert "Exception ignored" not in messages
    process.stderr.close()


def test_help_is_there_without_loading_torch() -> None:
    code = (
        "import sys\nfrom eci.cli import main\n"
        "try: main(['classify', '--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'torch', 'transformers', 'sklearn', 'scipy'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "--exemplars" in done.stdout
    assert done.stdout.endswith("\n[]\n")


def test_the_module_is_a_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "eci", "-h"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("Usage: python -m eci ")
    assert "classify" in done.stdout


def _read(*records: object) -> Result:
    return CliRunner().invoke(main, ["read"], input=_lines(*records))


def test_answers_are_read_without_a_model_in_the_order_of_the_lines() -> None:
    labels = ["yes", "no", "maybe"]
    result = _read(
        {"text": "Weighing it. The answer is (B) no.", "labels": labels},
        {"text": "Final answer: **b**", "options": OPTIONS, "id": "q-2"},
        {"text": "2", "labels": labels, "aliases": {"no": ["2"]}},
        {"text": "C", "labels": labels},
        {"text": None, "labels": labels},
        {"text": "<think>yes", "labels": labels},
    )
    assert result.exit_code == 0, result.output
    found = _outputs(result)
    assert [(line["label"], line["form"], line["span"]) for line in found] == [
        ("no", "stated", [27, 33]),
        ("B", "bare", [16, 17]),
        ("no", "bare", [0, 1]),
        ("maybe", "inferred", [0, 1]),
        (None, "absent", None),
        (None, "absent", None),
    ]
    assert [line.get("id") for line in found] == [None, "q-2", None, None, None, None]
    assert [line["is_finished"] for line in found] == [True] * 5 + [False]


def test_an_answer_that_cannot_be_read_is_named_and_the_rest_goes_on() -> None:
    labels = ["yes", "no"]
    result = _read(
        {"text": "yes"},
        {"text": "yes", "labels": labels, "options": OPTIONS},
        {"text": 1, "labels": labels},
        {"txt": "yes", "labels": labels},
        {"text": "yes", "labels": ["yes", "Yes"]},
        {"text": "yes", "labels": labels, "aliases": {"maybe": ["C"]}},
        "no json\n",
        {"text": "yes", "labels": labels},
    )
    assert result.exit_code == 1
    assert [line["label"] for line in _outputs(result)] == ["yes"]
    messages = result.stderr.splitlines()
    assert [int(line.split()[1]) for line in messages] == [1, 2, 3, 4, 5, 6, 7]
    assert "expected either labels or options" in messages[0]
    assert "text is 1; expected the answer, a text or null" in messages[2]
    assert '"txt" is no field of an answer; known: id, text, labels' in messages[3]


def test_every_right_label_is_read_where_several_may_be_right() -> None:
    drugs = {"A": "Aspirin", "B": "Heparin", "C": "Warfarin", "D": "Iron"}
    several = {"options": drugs, "is_several": True}
    signs = {"labels": ["cough", "fever", "rash"], "is_several": True}
    result = _read(
        {"text": "The answers are A and C; B is wrong.", **several},
        {"text": "Aspirin, warfarin", **several},
        {"text": "B", **several},
        {"text": "2, 3", **signs, "aliases": {"fever": ["2"], "rash": ["3"]}},
        {"text": "I cannot say.", **several},
        {"text": "A, C", "options": drugs},
    )
    assert result.exit_code == 0, result.output
    assert [line["label"] for line in _outputs(result)] == [
        ["A", "C"],
        ["A", "C"],
        ["B"],
        ["fever", "rash"],
        None,
        None,
    ]


def test_a_question_with_several_right_options_needs_a_head_that_was_trained_on_such(
    run: Run,
) -> None:
    asked = {"id": 1, "question": "What helps?", "options": OPTIONS}
    result = run(
        given=_lines(
            {**asked, "is_several": True},
            {**asked, "label": ["A", "B"]},
            _question(3, is_several=True),
            {**asked, "is_several": True, "label": ["A", "X"]},
        )
    )
    assert result.exit_code == 1
    lines = [line for line in result.stderr.splitlines() if "was left out" in line]
    words = ("Train one on such items", "2 labels were given", "leave is_several out", "'X' is not")
    assert all(word in line for word, line in zip(words, lines, strict=True)), lines
