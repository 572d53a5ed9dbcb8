"""Benchmarks, logs and outputs as their tools write them: one small file of each, made here."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from db.importers.any_file import parse_any
from db.importers.batch import ImportBatch
from db.importers.choices import Choices
from db.records import Option

QUESTION = "Which drug comes first?"
TEXTS = ("Labetalol", "Diltiazem", "Furosemide", "Warfarin")
OPTIONS = tuple(Option(letter, text) for letter, text in zip("ABCD", TEXTS, strict=True))
PQA = {
    "QUESTION": "Does it help?",
    "CONTEXTS": ["We gave it.", "It helped."],
    "LABELS": ["METHODS", "RESULTS"],
    "LONG_ANSWER": "It did.",
    "final_decision": "no",
}


def read(folder: Path, name: str, content: Any, **choices: Any) -> ImportBatch:
    path = folder / name
    if name.endswith(".parquet"):
        pq.write_table(pa.Table.from_pylist(content), path)
    elif name.endswith(".csv"):
        file = io.StringIO()
        writer = csv.DictWriter(file, list(content[0]))
        writer.writeheader()
        writer.writerows(content)
        path.write_text(file.getvalue(), "utf-8")
    elif name.endswith(".jsonl"):
        path.write_text("\n".join(map(json.dumps, content)), "utf-8")
    else:
        path.write_text(json.dumps(content), "utf-8")
    return parse_any(path, Choices(**choices))


COLUMNS = dict(zip(("opa", "opb", "opc", "opd"), TEXTS, strict=True))
BENCHMARKS: dict[str, tuple[str, Any, str, str]] = {
    "MedQA": (
        "medqa.jsonl",
        [
            {
                "question": QUESTION,
                "answer": TEXTS[1],
                "options": dict(zip("ABCD", TEXTS, strict=True)),
                "meta_info": "step1",
                "answer_idx": "B",
            }
        ],
        "medqa",
        "B",
    ),
    "MedQA on the Hub": (
        "medqa-train.parquet",
        [
            {
                "meta_info": "step1",
                "question": QUESTION,
                "answer_idx": "B",
                "answer": TEXTS[1],
                "options": [
                    {"key": letter, "value": text}
                    for letter, text in zip("ABCD", TEXTS, strict=True)
                ],
            }
        ],
        "medqa",
        "B",
    ),
    "MedMCQA": (
        "dev.jsonl",
        [{"question": QUESTION, **COLUMNS, "cop": 2, "exp": "Because.", "id": "x"},
         {"question": "Which?", **COLUMNS, "cop": 4, "id": "y"}],
        "medmcqa",
        "B",
    ),
    "MedMCQA on the Hub": (
        "validation.parquet",
        [
            {"question": QUESTION, **COLUMNS, "cop": 1, "id": "x"},
            {"question": "Which?", **COLUMNS, "cop": 0, "id": "y"},
        ],
        "medmcqa",
        "B",
    ),
    "MMLU on the Hub": (
        "anatomy.parquet",
        [{"question": QUESTION, "subject": "anatomy", "choices": list(TEXTS), "answer": 1}],
        "mmlu",
        "B",
    ),
    "MMLU-Pro": (
        "mmlu_pro_test.jsonl",
        [{"question_id": 7, "question": QUESTION, "options": TEXTS, "answer": "B",
          "answer_index": 1, "category": "health"}],
        "mmlu-pro",
        "B",
    ),
    "MedXpertQA": (
        "text.jsonl",
        [{"id": "Text-1", "question": QUESTION, "medical_task": "Diagnosis", "label": ["B"],
          "options": [{"letter": o.label, "content": o.text} for o in OPTIONS]}],
        "medxpertqa",
        "B",
    ),
    "MedBullets": (
        "medbullets_op4.csv",
        [{"": 0, "link": "https://x", "question": QUESTION, **COLUMNS, "answer_idx": "B",
          "answer": TEXTS[1], "explanation": "Because."}],
        "medbullets",
        "B",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark_gives_its_question_options_and_right_answer(tmp_path: Path, name: str) -> None:
    file, content, source, gold = BENCHMARKS[name]
    item = read(tmp_path, file, content).items[0]
    assert (item.question, item.options, item.gold_label) == (QUESTION, OPTIONS, gold)
    assert (item.source, item.item_id.startswith(f"{source}-")) == (source, True)
    assert "answer" not in item.metadata


@pytest.mark.parametrize(
    ("name", "content", "split"),
    [
        ("train_set.json", {"101": PQA}, "train"),
        ("dev_set.json", {"101": {**PQA, "reasoning_required_pred": "no"}}, "dev"),
        ("ori_pqaa.json", {"101": PQA}, "test"),
        ("test.jsonl", [{**PQA, "PMID": "101"}], "test"),
        (
            "train-00000-of-00001.parquet",
            [
                {
                    "pubid": 101,
                    "question": "Does it help?",
                    "context": {"contexts": PQA["CONTEXTS"], "labels": PQA["LABELS"]},
                    "long_answer": "It did.",
                    "final_decision": "no",
                }
            ],
            "train",
        ),
    ],
)
def test_pubmedqa_is_the_same_in_all_its_files(
    tmp_path: Path, name: str, content: Any, split: str
) -> None:
    (item,) = read(tmp_path, name, content).items
    assert (item.item_id, item.question, item.gold_label) == ("pubmedqa-101", "Does it help?", "no")
    assert [(part.heading, part.text) for part in item.context] == [
        ("METHODS", "We gave it."),
        ("RESULTS", "It helped."),
    ]
    assert (item.split, item.labels) == (split, ("yes", "no", "maybe"))


def test_bioasq_gives_its_yes_no_questions(tmp_path: Path) -> None:
    questions = [
        {
            "id": "b1",
            "type": "yesno",
            "body": "Is it safe?",
            "exact_answer": "no",
            "ideal_answer": ["It is not."],
            "snippets": [{"text": "A trial."}],
        },
        {"id": "b2", "type": "factoid", "body": "What is it?", "exact_answer": [["x"]]},
    ]
    (item,) = read(tmp_path, "BioASQ-training.json", {"questions": questions}).items
    assert (item.item_id, item.labels, item.gold_label) == ("bioasq-b1", ("yes", "no"), "no")
    assert (item.context[0].text, item.long_answer) == ("A trial.", "It is not.")


def test_a_conversation_becomes_an_item_where_labels_are_named(tmp_path: Path) -> None:
    rows = [
        {
            "prompt_id": "p-1",
            "prompt": [
                {"role": "user", "content": "May I stop it?"},
                {"role": "assistant", "content": "Which one?"},
                {"role": "user", "content": "The thinner."},
            ],
            "rubrics": [{"criterion": "Asks first.", "points": 7}],
            "example_tags": ["theme:hedging"],
        }
    ]
    (item,) = read(tmp_path, "h.jsonl", rows, labels=("safe", "unsafe")).items
    assert item.question == "User: May I stop it?\n\nAssistant: Which one?\n\nUser: The thinner."
    assert (item.labels, item.gold_label) == (("safe", "unsafe"), None)
    assert item.long_answer == "7: Asks first."


HELM_STATE = {
    "instance": {
        "input": {"text": QUESTION},
        "references": [
            {"output": {"text": text}, "tags": ["correct"] if text == TEXTS[1] else []}
            for text in TEXTS
        ],
        "id": "id7",
    },
    "output_mapping": dict(zip("ABCD", TEXTS, strict=True)),
    "request": {"model": "acme/m1", "prompt": "..."},
    "result": {"completions": [{"text": " B"}], "request_time": 1.5},
}
LOGGED: dict[str, tuple[str, Any, dict[str, Any]]] = {
    "HELM": (
        "scenario_state.json",
        {"adapter_spec": {"model": "acme/m1"}, "request_states": [HELM_STATE]},
        {"model": "acme/m1", "answer": "B", "gold": "B", "latency": 1.5},
    ),
    "lighteval, older": (
        "details.parquet",
        [{"full_prompt": QUESTION, "choices": list(TEXTS), "gold_index": 1, "predictions": ["B"]}],
        {"answer": "B", "gold": "B"},
    ),
    "lighteval, newer": (
        "details.parquet",
        [
            {
                "doc": {"query": QUESTION, "choices": list(TEXTS), "gold_index": [1], "id": "3",
                        "task_name": "helm|medqa|0"},
                "model_response": {"text": ["B"], "logprobs": [-2.0, -0.1, -3.0, -4.0]},
                "metric": {"acc": 1.0},
            }
        ],
        {"label": "B", "gold": "B"},
    ),
    "OpenAI evals": (
        "log.jsonl",
        [
            {"spec": {"completion_fns": ["gpt-4o"], "eval_name": "medqa.dev.v0"}},
            {"sample_id": "medqa.dev.0", "type": "sampling",
             "data": {"prompt": [{"role": "user", "content": QUESTION}], "sampled": ["B"]}},
            {"sample_id": "medqa.dev.0", "type": "match",
             "data": {"expected": "B", "picked": "B"}},
            {"final_report": {"accuracy": 1.0}},
        ],
        {"model": "gpt-4o", "answer": "B", "gold": "B", "label": "B"},
    ),
    "promptfoo": (
        "output.json",
        {
            "evalId": "e",
            "results": {
                "results": [
                    {
                        "provider": {"id": provider},
                        "vars": {"question": QUESTION, "expected": "yes"},
                        "response": {"output": "Yes.", "tokenUsage": {"prompt": 9}},
                        "latencyMs": 900,
                    }
                    for provider in ("openai:gpt-4o", "other")
                ]
            },
        },
        {"model": "openai:gpt-4o", "answer": "Yes.", "gold": "yes", "latency": 0.9},
    ),
    "DeepEval": (
        "run.json",
        {"test_cases": [{"name": "t", "input": QUESTION, "actual_output": "Yes.",
                         "expected_output": "yes"}]},
        {"answer": "Yes.", "gold": "yes"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LOGGED)
def test_a_log_gives_its_item_and_what_the_model_answered(tmp_path: Path, name: str) -> None:
    file, content, expected = LOGGED[name]
    batch = read(tmp_path, file, content)
    item, prediction = batch.items[0], batch.predictions[0]
    assert (item.question, item.gold_label, item.split) == (QUESTION, expected["gold"], "test")
    found = {
        "gold": item.gold_label,
        "model": batch.runs[0].model,
        "answer": prediction.answer,
        "label": prediction.answer_label,
        "latency": prediction.latency_seconds,
    }
    assert {field: found[field] for field in expected} == expected
    assert len(batch.runs) == (2 if name == "promptfoo" else 1)


def test_outputs_of_batches_give_texts_models_and_tokens(tmp_path: Path) -> None:
    message = {
        "model": "claude-x",
        "content": [{"type": "thinking", "text": "Hm."}, {"type": "text", "text": "Yes."}],
        "stop_reason": "max_tokens",
        "usage": {"input_tokens": 300, "output_tokens": 5},
    }
    rows = [
        {"custom_id": "w-1", "result": {"type": "succeeded", "message": message}},
        {"custom_id": "w-2", "result": {"type": "errored", "error": {}}},
    ]
    batch = read(tmp_path, "anthropic.jsonl", rows)
    (prediction,) = batch.predictions
    assert (prediction.answer, prediction.is_finished) == ("Yes.", False)
    assert (prediction.prompt_tokens, prediction.answer_tokens) == (300, 5)
    assert batch.notes == ("requests that failed and have no answer: 1",)
    body = {"model": "gpt", "output": [{"content": [{"type": "output_text", "text": "No."}]}]}
    rows = [{"custom_id": "w-1", "response": {"body": body}, "error": None}]
    (prediction,) = read(tmp_path, "responses.jsonl", rows).predictions
    assert prediction.answer == "No."


@pytest.mark.parametrize(
    ("output", "tokens"),
    [
        (
            {
                "model": "claude-x",
                "content": [{"type": "text", "text": "Yes."}],
                "stop_reason": "max_tokens",
                "usage": {"input_tokens": 30, "output_tokens": 5},
            },
            5,
        ),
        (
            {
                "output": {"message": {"role": "assistant", "content": [{"text": "Yes."}]}},
                "stopReason": "max_tokens",
                "usage": {"inputTokens": 30, "outputTokens": 5},
            },
            5,
        ),
        ({"generation": " Yes.", "stop_reason": "length"}, None),
        ({"results": [{"outputText": "Yes.", "completionReason": "LENGTH"}]}, None),
    ],
)
def test_bedrock_batches_of_each_family_of_models_are_read(
    tmp_path: Path, output: dict[str, Any], tokens: int | None
) -> None:
    rows = [
        {"recordId": "w-1", "modelInput": {}, "modelOutput": output},
        {"recordId": "w-2", "modelInput": {}, "error": {"errorCode": 400}},
    ]
    batch = read(tmp_path, "batch.jsonl.out", rows, model="llama")
    (prediction,) = batch.predictions
    assert (prediction.answer, prediction.is_finished) == ("Yes.", False)
    assert prediction.answer_tokens == tokens
    assert batch.notes == ("requests that failed and have no answer: 1",)


def test_a_prompt_that_is_not_stored_becomes_a_question_where_labels_are_named(
    tmp_path: Path,
) -> None:
    rows = [
        {
            "request_id": "0",
            "prompt": f"{QUESTION} Answer:",
            "prompt_token_ids": [1, 2],
            "outputs": [{"text": " Yes.", "token_ids": [5], "finish_reason": "stop"}],
        }
    ]
    batch = read(tmp_path, "vllm.jsonl", rows, labels=("yes", "no", "maybe"), model="llama")
    assert batch.items[0].question == f"{QUESTION} Answer:"
    (prediction,) = batch.predictions
    assert (prediction.answer, prediction.prompt_tokens, batch.runs[0].model) == (
        "Yes.",
        2,
        "llama",
    )
