"""What evaluation harnesses log of each item: lm-eval, lighteval, HELM, Inspect, OpenAI evals."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from string import ascii_uppercase
from typing import Any

from db.importers.entries import Answer, Entry, Frame, Row
from db.importers.paths import count_of, number_of, read_options, text_of, value_at
from db.importers.readers.benchmarks import read_question
from db.records import Option


def read_lm_eval(rows: Iterable[Row], frame: Frame) -> Iterator[Entry]:
    """Yield the samples of lm-evaluation-harness: log-likelihoods, or what was generated."""
    task = task_of(frame)
    for place, row in rows:
        entry = read_question(row.get("doc"), place)
        asked = _arguments(row)
        if not entry.question:
            entry = replace(entry, question=asked[0][0] if asked else "")
        gold = entry.gold if entry.gold is not None else row.get("target")
        yield replace(
            entry,
            item_id=entry.item_id or f"{row['doc_id']}",
            prompt=asked[0][0] if asked else "",
            gold=gold,
            index_base=0 if entry.index_base is None else entry.index_base,
            source=entry.source or task,
            split="test",
            answers=(_lm_eval_answer(row, entry, asked),),
        )


def task_of(frame: Frame) -> str:
    """Return the task that the name ``samples_TASK_TIME`` has."""
    name = frame.path.stem.removeprefix("samples_")
    return name.rsplit("_", 1)[0] if name.count("T") and "_" in name else name


def _arguments(row: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return what was asked and, for likelihoods, the continuation, of each request."""
    given = row.get("arguments") or {}
    pairs = given.values() if isinstance(given, Mapping) else given
    found = []
    for pair in pairs:
        first = value_at(pair, "arg_0") if isinstance(pair, Mapping) else value_at(pair, "0")
        second = value_at(pair, "arg_1") if isinstance(pair, Mapping) else value_at(pair, "1")
        found.append((str(first or ""), second))
    return found


def _lm_eval_answer(
    row: Mapping[str, Any], entry: Entry, asked: Sequence[tuple[str, Any]]
) -> Answer:
    filtered, variant = row.get("filtered_resps") or [], str(row.get("filter") or "")
    variant = "" if variant == "none" else variant
    likelihoods = [number_of(value_at(part, "0")) for part in filtered if not isinstance(part, str)]
    if len(likelihoods) > 1 and None not in likelihoods:
        names = [text_of(continuation) for _, continuation in asked]
        if len(names) != len(likelihoods) or len(set(names)) != len(names):
            names = [option.label for option in entry.options] or list(entry.labels)
        shares = softmax([value for value in likelihoods if value is not None])
        if len(names) != len(shares):
            names = list(ascii_uppercase[: len(shares)])
        return Answer(probabilities=dict(zip(names, shares, strict=True)), variant=variant)
    text = value_at(row, "resps.0.0")
    label = filtered[0] if filtered and isinstance(filtered[0], str) else None
    return Answer(text=str(text or ""), label=None if label == text else label, variant=variant)


def softmax(values: Sequence[float]) -> tuple[float, ...]:
    """Return log-likelihoods as probabilities."""
    largest = max(values)
    weights = [math.exp(value - largest) for value in values]
    return tuple(weight / sum(weights) for weight in weights)


def read_lighteval(rows: Iterable[Row], frame: Frame) -> Iterator[Entry]:
    """Yield the details of lighteval, of its older and its newer form."""
    for place, row in rows:
        doc = row.get("doc") if isinstance(row.get("doc"), Mapping) else row
        response = row.get("model_response")
        question = text_of(doc.get("query") or doc.get("full_prompt") or doc.get("example"))
        options = _lighteval_options(doc.get("choices") or ())
        said = value_at(response, "text") if response else row.get("predictions")
        first = (
            said[0] if isinstance(said, Sequence) and not isinstance(said, str) and said else said
        )
        gold = doc.get("gold_index", doc.get("gold"))
        yield Entry(
            place=place,
            item_id=str(doc.get("id") or ""),
            question=question,
            options=options,
            gold=gold[0] if isinstance(gold, list) and len(gold) == 1 else gold,
            index_base=0,
            source=_lighteval_task(text_of(doc.get("task_name"))) or frame.path.stem,
            split="test",
            answers=(_lighteval_answer(first, row, options),),
        )


def _lighteval_task(name: str) -> str:
    """Return the task of ``suite|task|shots``."""
    parts = name.split("|")
    return parts[min(1, len(parts) - 1)]


def _lighteval_options(choices: Sequence[Any]) -> tuple[Option, ...]:
    texts = [text_of(choice) for choice in choices]
    if all(len(text) == 1 for text in texts):
        return tuple(Option(text, text) for text in texts)
    return read_options(texts)


def _lighteval_answer(first: Any, row: Mapping[str, Any], options: Sequence[Option]) -> Answer:
    scores = value_at(row, "model_response.logprobs") or ()
    values = [number_of(score) for score in scores]
    if len(values) == len(options) > 1 and None not in values:
        shares = softmax([value for value in values if value is not None])
        return Answer(probabilities=shares)
    if isinstance(first, Sequence) and not isinstance(first, str):
        likelihood = [number_of(value_at(part, "0")) for part in row.get("predictions") or ()]
        if len(likelihood) == len(options) > 1 and None not in likelihood:
            return Answer(
                probabilities=softmax([value for value in likelihood if value is not None])
            )
    return Answer(text=text_of(first))


def read_helm(rows: Iterable[Row], frame: Frame) -> Iterator[Entry]:
    """Yield the request states of HELM."""
    model = text_of(value_at(frame.around, "adapter_spec.model"))
    for place, row in rows:
        instance, letters = row.get("instance") or {}, row.get("output_mapping") or {}
        references = instance.get("references") or []
        right = [
            text_of(value_at(reference, "output.text"))
            for reference in references
            if "correct" in (reference.get("tags") or ())
        ]
        texts = [text_of(value_at(reference, "output.text")) for reference in references]
        # References that are all correct are ways to say one answer, not options.
        options = read_options(letters) or (() if len(right) == len(texts) else read_options(texts))
        result = row.get("result") or {}
        completion = value_at(result, "completions.0") or {}
        yield Entry(
            place=place,
            item_id=text_of(instance.get("id")),
            question=text_of(value_at(instance, "input.text")),
            prompt=text_of(value_at(row, "request.prompt")),
            options=options if len(options) > 1 else (),
            gold=right[0] if len(right) == 1 else right or None,
            source=_helm_source(frame),
            split=text_of(instance.get("split")),
            answers=(
                Answer(
                    model=text_of(value_at(row, "request.model")) or model,
                    text=str(completion.get("text") or "").strip(),
                    is_finished=value_at(completion, "finish_reason.reason") != "length",
                    latency_seconds=number_of(result.get("request_time")),
                ),
            ),
        )


def _helm_source(frame: Frame) -> str:
    name = text_of(value_at(frame.around, "scenario_spec.class_name"))
    return name.rsplit(".", 1)[-1].removesuffix("Scenario").lower() or "helm"


def read_inspect(rows: Iterable[Row], frame: Frame) -> Iterator[Entry]:
    """Yield the samples of an Inspect log."""
    info = frame.around.get("eval") or {}
    task = text_of(info.get("task")).rsplit("/", 1)[-1] or "inspect"
    for place, row in rows:
        asked = row.get("input")
        if isinstance(asked, list):
            asked = next((t.get("content") for t in asked if t.get("role") == "user"), "")
        target = row.get("target")
        output = row.get("output") or {}
        choice = value_at(output, "choices.0") or {}
        usage = output.get("usage") or {}
        epoch = row.get("epoch") or 1
        yield Entry(
            place=place,
            item_id=text_of(row.get("id")),
            question=_message_text(asked),
            options=read_options(row.get("choices") or ()),
            gold=target[0] if isinstance(target, list) and len(target) == 1 else target,
            source=task,
            split="test",
            answers=(
                Answer(
                    model=text_of(output.get("model") or info.get("model")),
                    text=_message_text(value_at(choice, "message.content"))
                    or text_of(output.get("completion")),
                    label=_scored_answer(row.get("scores")),
                    variant="" if epoch == 1 else f"epoch {epoch}",
                    is_finished=choice.get("stop_reason") != "max_tokens",
                    prompt_tokens=count_of(usage.get("input_tokens")),
                    answer_tokens=count_of(usage.get("output_tokens")),
                    latency_seconds=number_of(output.get("time")),
                ),
            ),
        )


def _scored_answer(scores: Any) -> str | None:
    """Return the label that a scorer read: a short one, not the whole text."""
    for score in scores.values() if isinstance(scores, Mapping) else ():
        answer = text_of(value_at(score, "answer"))
        if answer and len(answer) < 40:
            return answer
    return None


def _message_text(content: Any) -> str:
    if isinstance(content, list):
        return "\n".join(
            text_of(part.get("text")) for part in content if isinstance(part, Mapping)
        ).strip()
    return text_of(content)


def read_openai_evals(rows: Iterable[Row], frame: Frame) -> Iterator[Entry]:
    """Yield the samples of an OpenAI evals log, gathered from their events."""
    model, name = "", frame.path.stem
    samples: dict[str, dict[str, Any]] = {}
    for place, row in rows:
        if "spec" in row:
            model = text_of(value_at(row, "spec.completion_fns.0"))
            name = text_of(value_at(row, "spec.eval_name")).split(".")[0] or name
        elif "sample_id" in row:
            sample = samples.setdefault(str(row["sample_id"]), {"place": place})
            sample.update(
                {key: value for key, value in (row.get("data") or {}).items() if value is not None}
            )
            if row.get("type") == "sampling":
                sample["text"] = (row.get("data") or {}).get("sampled")
    for sample_id, sample in samples.items():
        asked = sample.get("prompt")
        if isinstance(asked, list):
            asked = asked[-1].get("content") if asked and isinstance(asked[-1], Mapping) else ""
        said = sample.get("text", sample.get("sampled"))
        yield Entry(
            place=sample["place"],
            item_id=sample_id,
            question=text_of(asked),
            gold=sample.get("expected", sample.get("ideal")),
            source=name,
            split="test",
            answers=(
                Answer(
                    model=model,
                    text=text_of(said[0] if isinstance(said, list) and said else said),
                    label=sample.get("picked"),
                ),
            ),
        )
