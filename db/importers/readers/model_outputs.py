"""What serving tools return: OpenAI and Anthropic batches, vLLM, promptfoo, DeepEval."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from db.importers.entries import Answer, Entry, Frame, Row
from db.importers.mapping import Mapping as FieldMapping
from db.importers.paths import count_of, nested, number_of, text_of, value_at
from db.importers.readers.benchmarks import read_question


def read_openai_batch(rows: Iterable[Row], frame: Frame) -> Iterator[Entry]:
    """Yield the answers of an OpenAI batch, by ``custom_id``; requests that failed have none."""
    del frame
    for place, row in rows:
        answers = _chat_answers(value_at(row, "response.body") or {})
        yield Entry(place=place, item_id=text_of(row.get("custom_id")), answers=answers)


def read_chats(rows: Iterable[Row], frame: Frame) -> Iterator[Entry]:
    """Yield the answers of logged chats: the request, or its messages, next to the completion."""
    del frame
    for place, row in rows:
        turns = value_at(row, "request.messages") or row.get("messages") or ()
        asked = [turn for turn in turns if value_at(turn, "role") == "user"]
        content = value_at(asked[-1], "content") if asked else ""
        yield Entry(
            place=place,
            prompt=_parts(content) if isinstance(content, list) else text_of(content),
            answers=_chat_answers(row.get("response") or row),
        )


def _chat_answers(body: Mapping[str, Any]) -> tuple[Answer, ...]:
    """Return the answer of a response of OpenAI's interfaces, none where it failed."""
    choice = value_at(body, "choices.0") or {}
    text = value_at(choice, "message.content") or _parts(body.get("output"))
    if not text:
        return ()
    usage = body.get("usage") or {}
    answer = Answer(
        model=text_of(body.get("model")),
        text=_parts(text) if isinstance(text, list) else text_of(text),
        is_finished=choice.get("finish_reason") != "length",
        prompt_tokens=count_of(usage.get("prompt_tokens", usage.get("input_tokens"))),
        answer_tokens=count_of(usage.get("completion_tokens", usage.get("output_tokens"))),
    )
    return (answer,)


_BEDROCK_TEXTS = ("content", "output.message.content", "generation", "results.0.outputText")
"""Where the models of a Bedrock batch write their text: Claude, Nova, Llama and Titan."""
_CUT = frozenset({"max_tokens", "length", "LENGTH"})


def read_bedrock_batch(rows: Iterable[Row], frame: Frame) -> Iterator[Entry]:
    """Yield the answers of an Amazon Bedrock batch, by ``recordId``; those that failed have none.

    Its lines name no model but Claude's.
    """
    del frame
    for place, row in rows:
        output = row.get("modelOutput") or {}
        text = next((found for path in _BEDROCK_TEXTS if (found := value_at(output, path))), None)
        stops = [value_at(output, path) for path in ("stop_reason", "stopReason")]
        stops.append(value_at(output, "results.0.completionReason"))
        usage = output.get("usage") or {} if isinstance(output, Mapping) else {}
        answer = Answer(
            model=text_of(value_at(output, "model")),
            text=_parts(text) if isinstance(text, list) else text_of(text),
            is_finished=_CUT.isdisjoint(filter(None, stops)),
            prompt_tokens=count_of(usage.get("input_tokens", usage.get("inputTokens"))),
            answer_tokens=count_of(usage.get("output_tokens", usage.get("outputTokens"))),
        )
        yield Entry(
            place=place,
            item_id=text_of(row.get("recordId")),
            answers=(answer,) if text else (),
        )


def read_anthropic_batch(rows: Iterable[Row], frame: Frame) -> Iterator[Entry]:
    """Yield the answers of an Anthropic batch, by ``custom_id``; those that failed have none."""
    del frame
    for place, row in rows:
        message = value_at(row, "result.message")
        answers: tuple[Answer, ...] = ()
        if isinstance(message, Mapping):
            usage = message.get("usage") or {}
            answers = (
                Answer(
                    model=text_of(message.get("model")),
                    text=_parts(message.get("content")),
                    is_finished=message.get("stop_reason") != "max_tokens",
                    prompt_tokens=count_of(usage.get("input_tokens")),
                    answer_tokens=count_of(usage.get("output_tokens")),
                ),
            )
        yield Entry(place=place, item_id=text_of(row.get("custom_id")), answers=answers)


def read_gemini_batch(rows: Iterable[Row], frame: Frame) -> Iterator[Entry]:
    """Yield the answers of a Gemini batch, of the API by ``key`` or of Vertex by its request."""
    del frame
    for place, row in rows:
        candidate = value_at(row, "response.candidates.0") or {}
        usage = value_at(row, "response.usageMetadata") or {}
        asked = value_at(row, "request.contents") or ()
        yield Entry(
            place=place,
            item_id=text_of(row.get("key") or row.get("custom_id")),
            prompt="\n".join(_parts(value_at(turn, "parts")) for turn in asked),
            answers=(
                Answer(
                    model=text_of(value_at(row, "response.modelVersion")),
                    text=_parts(value_at(candidate, "content.parts")),
                    is_finished=candidate.get("finishReason") != "MAX_TOKENS",
                    prompt_tokens=count_of(usage.get("promptTokenCount")),
                    answer_tokens=count_of(usage.get("candidatesTokenCount")),
                ),
            ),
        )


def read_vllm(rows: Iterable[Row], frame: Frame) -> Iterator[Entry]:
    """Yield the outputs of vLLM; a prompt names its item where it contains the question."""
    del frame
    for place, row in rows:
        output = value_at(row, "outputs.0") or {}
        yield Entry(
            place=place,
            item_id=text_of(row.get("request_id")),
            prompt=text_of(row.get("prompt")),
            answers=(
                Answer(
                    model=text_of(row.get("model")),
                    text=text_of(output.get("text")),
                    is_finished=output.get("finish_reason") != "length",
                    prompt_tokens=_length(row.get("prompt_token_ids")),
                    answer_tokens=_length(output.get("token_ids")),
                ),
            ),
        )


def read_promptfoo(rows: Iterable[Row], frame: Frame) -> Iterator[Entry]:
    """Yield the results of promptfoo: the variables of a test are its item."""
    del frame
    for place, row in rows:
        given = row.get("vars") or value_at(row, "testCase.vars") or {}
        question = read_question(given, place)
        usage = value_at(row, "response.tokenUsage") or {}
        latency = number_of(row.get("latencyMs"))
        provider = row.get("provider")
        output = value_at(row, "response.output")
        yield Entry(
            **{
                **vars(question),
                "prompt": text_of(value_at(row, "prompt.raw")),
                "gold": _expected(row) if question.gold is None else question.gold,
                "split": question.split or "test",
                "answers": (
                    Answer(
                        model=text_of(
                            (provider.get("label") or provider.get("id"))
                            if isinstance(provider, Mapping)
                            else provider
                        ),
                        text=None if output is None else text_of(output),
                        prompt_tokens=count_of(usage.get("prompt")),
                        answer_tokens=count_of(usage.get("completion")),
                        latency_seconds=None if latency is None else latency / 1000,
                    ),
                ),
            }
        )


def _expected(row: Mapping[str, Any]) -> Any:
    """Return the text that the first assertion about the output wants, None without one."""
    for assertion in value_at(row, "testCase.assert") or ():
        if isinstance(assertion, Mapping) and assertion.get("type") in _EQUALITIES:
            return assertion.get("value")
    return None


def read_deepeval(rows: Iterable[Row], frame: Frame) -> Iterator[Entry]:
    """Yield the test cases of DeepEval."""
    mapping = FieldMapping(
        question="input",
        context="context",
        gold="expectedOutput",
        answer="actualOutput",
        id=None,
    )
    for place, row in rows:
        camel = {_camel(str(key)): value for key, value in row.items()}
        entry = read_question({key: camel.get(key) for key in _DEEPEVAL}, place, mapping)
        yield Entry(
            **{
                **vars(entry),
                "item_id": "",
                "split": "test",
                "metadata": {},
                "answers": tuple(
                    Answer(
                        model=text_of(frame.around.get("modelName")),
                        text=answer.text,
                        latency_seconds=number_of(camel.get("completionTime")),
                    )
                    for answer in entry.answers
                ),
            }
        )


def read_own(rows: Iterable[Row], frame: Frame) -> Iterator[Entry]:
    """Yield the predictions that this product exports, of one run or of several."""
    del frame
    for place, row in rows:
        given = {name: None if value == "" else value for name, value in row.items()}
        answer = given.get("answer")
        yield Entry(
            place=place,
            item_id=text_of(given["item_id"]),
            answers=(
                Answer(
                    model=text_of(given.get("model")),
                    run_id=text_of(given["run_id"]),
                    run_name=text_of(given.get("run_name")),
                    text=None if answer is None else str(answer),
                    label=given.get("answer_label"),
                    form=given.get("answer_form"),
                    start=count_of(given.get("answer_start")),
                    end=count_of(given.get("answer_end")),
                    head_label=given.get("head_label"),
                    probabilities=_numbers(given.get("head_probabilities")),
                    is_finished=text_of(given.get("is_finished")).casefold() != "false",
                    prompt_tokens=count_of(given.get("prompt_tokens")),
                    answer_tokens=count_of(given.get("answer_tokens")),
                    latency_seconds=number_of(given.get("latency_seconds")),
                ),
            ),
        )


def _numbers(value: Any) -> tuple[float, ...] | None:
    given = nested(value)
    return tuple(map(float, given)) if isinstance(given, list) else None


_EQUALITIES = ("equals", "iequals", "contains", "icontains", "starts-with")
_DEEPEVAL = ("input", "actualOutput", "expectedOutput", "context")


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _parts(content: Any) -> str:
    """Return the text of a message's parts; parts may hold parts."""
    if isinstance(content, str):
        return content.strip()
    if not isinstance(content, Sequence):
        return ""
    texts = [
        _parts(part["content"]) if "content" in part else text_of(part.get("text"))
        for part in content
        if isinstance(part, Mapping)
        and part.get("type") not in ("thinking", "reasoning")
        and not part.get("thought")
    ]
    return "\n".join(text for text in texts if text)


def _length(value: Any) -> int | None:
    return len(value) if isinstance(value, list) else None
