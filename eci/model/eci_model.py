"""Classify and answer questions with base model, adapter and head together.

One prefill gives the category; where the text is wanted too, it continues from the same cache.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path
from typing import Any

import torch

from eci.decisions import MOST_PROBABLE, DecisionRule
from eci.errors import ArtifactError, EciError, PromptError, UnknownLabelError
from eci.model.architecture import (
    compute_in_given_precision,
    text_config,
    vocabulary_logits,
)
from eci.model.artifact import (
    ADAPTER_FILES,
    HEAD_FILE,
    ArtifactInfo,
    CalibrationInfo,
    check_base,
    read_info,
)
from eci.model.base_model import LoadedBase, Quantization, load_base
from eci.model.batching import Row, collate
from eci.model.branches import PROMPT, last_prompt_column
from eci.model.eci_causal_lm import EciOutput, attach_head
from eci.model.encoding import PromptEncoder, PromptSettings
from eci.model.features import Feature
from eci.model.head import HeadConfig
from eci.model.prefix import Prefix, prefill, share
from eci.pooling import DEFAULT_POOLING, parse_pooling
from eci.questions.labels import PUBMEDQA, LabelSet
from eci.questions.prompts import Exemplar, Message, Question, load_template

_PROMPTS = PromptSettings()

# Below this a cache of its own costs more than the tokens saved.
_MIN_SHARED = 16

# 1,500 tokens of a 13B model's keys and values take 1.2 GB: one for fixed labels, one for options.
_MAX_PREFIXES = 2

Progress = Callable[[int, int], None]
"""Called with the number of questions done and their total."""


@dataclass(frozen=True, slots=True)
class Classification:
    """The category of one question.

    Attributes:
        label: Decided for at the artifact's operating point; the most probable one without any.
        probabilities: In the order of the question's label set; they sum to 1.
        labels_in_set: Which labels it may be, as often right as the operating point promises; None
            without one. It may be empty: no label is as probable as it usually is where it is gold.
        asks_person: Whether a person should decide instead, by the operating point.
        logits: The same before calibration.
        prompt_tokens: Length of the prompt, thinking included.
        is_shortened: Its context was cut to fit.
        thinking: What the model thought before; empty where it answers at once.
    """

    label: str
    probabilities: tuple[float, ...]
    labels_in_set: tuple[str, ...] | None
    asks_person: bool
    logits: tuple[float, ...]
    prompt_tokens: int
    is_shortened: bool
    thinking: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """The text that the model wrote for one question, and its category from the same prefill.

    Attributes:
        text: Without control tokens.
        num_tokens: Tokens of the text, the end token included; thinking does not count.
        is_finished: False where the length limit cut it off.
        seconds: Its share of the batch's wall-clock time, thinking included.
    """

    classification: Classification
    text: str
    num_tokens: int
    is_finished: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class ReplyToken:
    """A token of a reply.

    Attributes:
        text: Decoded alone.
        log_probability: In nats.
        most_probable: The most probable tokens in its place, each as text with its log-probability.
    """

    text: str
    log_probability: float
    most_probable: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """The next turn of a conversation.

    Attributes:
        text: Without control tokens.
        num_tokens: Tokens generated, the end token included.
        is_finished: False where the length limit cut it off.
        prompt_tokens: Length of the conversation before it.
        tokens: Of the text, where they were asked for.
    """

    text: str
    num_tokens: int
    is_finished: bool
    prompt_tokens: int
    tokens: tuple[ReplyToken, ...] = ()


class EciModel:
    """A base model with its head and, where trained, its adapter.

    Args:
        model: What :func:`eci.model.eci_causal_lm.attach_head` gave, possibly wrapped by PEFT.
        encoder: Writes its prompts.
        label_sets: The fixed label sets its head knows, by name.
        calibration: Label set name -> temperature; a missing one means 1.
        decision_rules: Label set name -> operating point; a missing one means the most probable
            label.
        thinking_tokens: Longest thinking before the answer; the encoder must agree.

    Attributes:
        is_training: Whether its adapter still changes: what it prefills is then not kept.
    """

    def __init__(
        self,
        model: Any,
        encoder: PromptEncoder,
        label_sets: Mapping[str, LabelSet],
        calibration: Mapping[str, CalibrationInfo] | None = None,
        decision_rules: Mapping[str, DecisionRule] | None = None,
        thinking_tokens: int = 0,
    ) -> None:
        self.model = model
        self.encoder = encoder
        self.label_sets = dict(label_sets)
        self.calibration = dict(calibration or {})
        self.decision_rules = dict(decision_rules or {})
        self.thinking_tokens = thinking_tokens
        self.is_training = False
        self._prefixes: dict[tuple[int, ...], Prefix | None] = {}

    @classmethod
    def load(
        cls,
        base: str,
        models_dir: Path,
        *,
        artifact: Path | None = None,
        quantization: Quantization = "none",
        device: str = "auto",
        prompts: PromptSettings = _PROMPTS,
        label_sets: Sequence[LabelSet] = (PUBMEDQA,),
    ) -> EciModel:
        """Load a base model, alone or with an artifact.

        Args:
            base: Name of the base model.
            models_dir: Where bundled models are unpacked.
            artifact: Folder of a trained artifact. Without it the head is the zero-shot one.
            quantization: Of the base model; an artifact must agree.
            device: ``auto`` takes the GPU where there is one.
            prompts: How it is asked; an artifact brings its own.
            label_sets: Fixed label sets to classify into; an artifact brings its own.

        Raises:
            BaseModelError: The base model cannot be loaded.
            ArtifactError: The artifact is incomplete, damaged, or made for another base model.
        """
        info = read_info(artifact) if artifact else None
        loaded = load_base(base, models_dir, quantization=quantization, device=device)
        if info is None or artifact is None:
            return build(loaded, label_sets=label_sets, prompts=prompts)
        check_base(info, loaded.fingerprint, loaded.quantization, artifact)
        return with_artifact(loaded, info, artifact)

    def classify(
        self,
        questions: Sequence[Question],
        exemplars: Sequence[Sequence[Exemplar]] | None = None,
        *,
        batch_size: int = 8,
        progress: Progress | None = None,
    ) -> list[Classification]:
        """Return the category of each question by one prefill.

        Args:
            questions: Any mix of label sets that the head knows.
            exemplars: The shots of each question; None for zero-shot.
            batch_size: Questions prefilled together; similar lengths are put together.
            progress: Called after each batch.

        Raises:
            UnknownLabelError: A question's label set is unknown to the head.
            PromptError: A prompt does not fit.
        """
        results: list[Classification | None] = [None] * len(questions)
        for batch in self._batches(questions, exemplars, batch_size, progress):
            output = self._prefill(batch, use_cache=False)
            for position, classification in zip(
                batch.positions, self._read(output, batch), strict=True
            ):
                results[position] = classification
        return [result for result in results if result is not None]

    def features(
        self,
        questions: Sequence[Question],
        exemplars: Sequence[Sequence[Exemplar]] | None = None,
        *,
        batch_size: int = 8,
        progress: Progress | None = None,
    ) -> list[Feature]:
        """Return what one prefill offers the head, in the order of the questions."""
        results: list[Feature | None] = [None] * len(questions)
        for batch in self._batches(questions, exemplars, batch_size, progress):
            output = self._prefill(batch, use_cache=False)
            for rows, given in output.head_inputs.values():
                for row, states, scores in zip(rows, given.states, given.scores, strict=True):
                    size = len(batch.label_sets[int(row)])
                    is_options = batch.label_sets[int(row)].is_options
                    results[batch.positions[int(row)]] = Feature(
                        states[: size if is_options else None].float().cpu().numpy(),
                        scores[:size].float().cpu().numpy(),
                    )
        return [result for result in results if result is not None]

    def answer(
        self,
        questions: Sequence[Question],
        exemplars: Sequence[Sequence[Exemplar]] | None = None,
        *,
        max_new_tokens: int = 64,
        batch_size: int = 8,
        progress: Progress | None = None,
    ) -> list[Answer]:
        """Return category and text of each question; the text continues from the category's
        prefill.

        Decoding is greedy, so that a run can be repeated.
        """
        results: list[Answer | None] = [None] * len(questions)
        for batch in self._batches(questions, exemplars, batch_size, progress):
            started = time.perf_counter()
            output = self._prefill(batch, use_cache=True)
            classifications = self._read(output, batch)
            texts = self._continue(output, batch, max_new_tokens)
            seconds = (time.perf_counter() - started) / len(batch.positions)
            seconds += batch.thinking_seconds
            for position, classification, ids in zip(
                batch.positions, classifications, texts, strict=True
            ):
                results[position] = Answer(classification, *self._decode(ids), seconds)
        return [result for result in results if result is not None]

    def reply(
        self, messages: Sequence[Message], max_new_tokens: int, num_alternatives: int | None = None
    ) -> Reply:
        """Return the next turn of a conversation, decoded greedily and without the head.

        Args:
            messages: The conversation, oldest turn first.
            num_alternatives: Of each token's place; None: no probabilities at all.

        Raises:
            PromptError: The chat template refuses the conversation, or the model cannot hold it.
        """
        ids = self.encoder.chat(messages)
        held = getattr(text_config(self._language_model), "max_position_embeddings", None)
        if held is not None and len(ids) + max_new_tokens > held:
            raise PromptError(
                f"The conversation has {len(ids)} tokens and asks for {max_new_tokens} more; the "
                f"model holds {held}. Shorten the conversation or ask for less."
            )
        prompt = torch.tensor([ids])
        [written] = self._generate(prompt, torch.ones_like(prompt), max_new_tokens, self._end_ids)
        reply = Reply(*self._decode(written), len(ids))
        if num_alternatives is None:
            return reply
        text_ids = written[: reply.num_tokens - reply.is_finished]
        return replace(reply, tokens=tuple(self._probable(ids, text_ids, num_alternatives)))

    def _probable(self, prompt: list[int], ids: list[int], count: int) -> Iterator[ReplyToken]:
        """Yield the tokens of a text with their log-probabilities, from one pass over all of it."""
        if not ids:
            return
        whole = torch.tensor([[*prompt, *ids]], device=self.model.device)
        model = self._language_model
        with torch.inference_mode():
            decoded = model.get_decoder()(input_ids=whole)
            # Vocabulary logits of the text alone: those of a long prompt would fill the memory.
            states = decoded.last_hidden_state[0, -len(ids) - 1 : -1]
            logits = vocabulary_logits(model, decoded, states)
        decode = self.encoder.tokenizer.decode
        for token, row in zip(ids, logits.float().log_softmax(-1), strict=True):
            best = row.topk(min(count, len(row)))
            pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
            most_probable = tuple((decode([other]), value) for other, value in pairs)
            yield ReplyToken(decode([token]), float(row[token]), most_probable)

    def _decode(self, ids: Sequence[int]) -> tuple[str, int, bool]:
        """Return the text, the number of its tokens, and whether it ended of its own accord."""
        ends = [column for column, token in enumerate(ids) if token in self._end_ids]
        written = ids[: ends[0]] if ends else ids
        text = self.encoder.tokenizer.decode(written, skip_special_tokens=True)
        return text, len(written) + bool(ends), bool(ends)

    def row(
        self,
        question: Question,
        exemplars: Sequence[Exemplar] = (),
        *,
        label: str | None = None,
        rationale: str = "",
        max_answer_tokens: int = 0,
    ) -> tuple[Row, bool]:
        """Encode one question, with the answer to learn where ``label`` is given.

        Returns:
            The row, and whether its context was shortened.
        """
        labels = question.label_set
        encoded = self.encoder.prompt(question, exemplars)
        learned: dict[str, Any] = {}
        if label is not None:
            places = labels.indices(label)
            if labels.is_several:
                learned["right"] = [place in places for place in range(len(labels))]
            else:
                learned["label"] = places[0]
            learned["answer"] = self.encoder.completion(labels, label, rationale, max_answer_tokens)
        return (
            Row(
                encoded.input_ids,
                self._label_set_id(question),
                encoded.regions,
                self.encoder.branches(labels) if labels.is_options else (),
                **learned,
            ),
            encoded.is_shortened,
        )

    def can_ask(self, question: Question) -> bool:
        """Return whether a prompt can be written for a question: whatever is left out of it.

        False where it does not fit without shots and context, or the head lacks its label set.
        """
        try:
            self.row(question.with_context_words(0))
        except EciError:
            return False
        return True

    def _label_set_id(self, question: Question) -> int:
        labels = question.label_set
        known = self.label_sets.get(labels.name)
        if not labels.is_options and (known is None or known.names != labels.names):
            raise UnknownLabelError(
                f"Label set {labels.name!r} ({', '.join(labels.names)}) of question "
                f"{question.question_id or question.question[:60]!r} is unknown to this head. It "
                f"knows options and: {', '.join(self.label_sets) or 'none'}."
            )
        names = list(self.model.eci_label_sets)
        if labels.name not in names:
            raise UnknownLabelError(
                f"The head knows no options of which several are right, as of question "
                f"{question.question_id or question.question[:60]!r}. Train one on such items."
            )
        return names.index(labels.name)

    def _batches(
        self,
        questions: Sequence[Question],
        exemplars: Sequence[Sequence[Exemplar]] | None,
        batch_size: int,
        progress: Progress | None,
    ) -> Iterator[_Batch]:
        shots = exemplars or [()] * len(questions)
        rows = [self.row(question, shown) for question, shown in zip(questions, shots, strict=True)]
        thoughts = [""] * len(rows)
        started = time.perf_counter()
        if self.thinking_tokens:
            thought = self.think([row for row, _ in rows], batch_size, progress)
            rows = [(row, cut) for (row, _), (_, cut) in zip(thought, rows, strict=True)]
            thoughts = [text for _, text in thought]
        seconds = (time.perf_counter() - started) / max(len(rows), 1)
        num_done = 0
        for members, shared in share([row for row, _ in rows], batch_size):
            prefix = self._prefix(shared)
            # Longest first: memory runs out at once or never.
            order = sorted(members, key=lambda i: -rows[i][0].num_tokens)
            for start in range(0, len(order), batch_size):
                positions = order[start : start + batch_size]
                yield _Batch(
                    positions,
                    [questions[i].label_set for i in positions],
                    [rows[i][0] for i in positions],
                    [rows[i][1] for i in positions],
                    [thoughts[i] for i in positions],
                    seconds,
                    prefix,
                )
                num_done += len(positions)
                if progress is not None:
                    progress(num_done, len(rows))

    def think(
        self, rows: Sequence[Row], batch_size: int, progress: Progress | None = None
    ) -> list[tuple[Row, str]]:
        """Generate the thinking about each row, within ``thinking_tokens``.

        Returns:
            Each row with the closed thinking at the end of its prompt, and what was thought.
        """
        thought: list[tuple[Row, str]] = [(row, "") for row in rows]
        if not self.thinking_tokens:
            return thought
        stops = {*self._end_ids, self.encoder.closing_ids[0]}
        order = sorted(range(len(rows)), key=lambda i: -len(rows[i].prompt))
        for start in range(0, len(order), batch_size):
            positions = order[start : start + batch_size]
            prompts = [replace(rows[i], options=(), answer=()) for i in positions]
            inputs = collate(prompts, self.encoder.pad_id)
            texts = self._generate(
                inputs["input_ids"],
                (inputs["branch_ids"] == PROMPT).long(),
                self.thinking_tokens,
                sorted(stops),
            )
            for i, ids in zip(positions, texts, strict=True):
                written = list(takewhile(lambda token: token not in stops, ids))
                text = self.encoder.tokenizer.decode(written, skip_special_tokens=True).strip()
                prompt = [*rows[i].prompt, *written, *self.encoder.closing_ids]
                thought[i] = (replace(rows[i], prompt=prompt), text)
            if progress is not None:
                progress(0, len(rows))
        return thought

    def _prefix(self, shared: tuple[int, ...]) -> Prefix | None:
        """Prefill what many prompts begin with, or find it prefilled by an earlier call."""
        if len(shared) < _MIN_SHARED:
            return None
        if shared not in self._prefixes:
            while len(self._prefixes) >= _MAX_PREFIXES:
                del self._prefixes[next(iter(self._prefixes))]
            prefix = prefill(self._language_model, shared)
            if self.is_training:
                return prefix
            self._prefixes[shared] = prefix
        return self._prefixes[shared]

    @property
    def _end_ids(self) -> list[int]:
        """Return the tokens that end a text: the tokenizer's, and those the model names itself."""
        own = self._language_model.generation_config.eos_token_id
        named = own if isinstance(own, list) else [] if own is None else [own]
        return sorted({self.encoder.eos_id, *named})

    @property
    def _language_model(self) -> Any:
        return self.model.get_base_model() if hasattr(self.model, "peft_config") else self.model

    def _prefill(self, batch: _Batch, *, use_cache: bool) -> EciOutput:
        inputs = {k: v.to(self.model.device) for k, v in self._collate(batch).items()}
        del inputs["labels"], inputs["cls_labels"], inputs["right_labels"]
        with torch.inference_mode():
            output: EciOutput = self.model(**inputs, prefix=batch.prefix, use_cache=use_cache)
        return output

    def _collate(self, batch: _Batch) -> dict[str, torch.Tensor]:
        return collate([row.after(batch.num_shared) for row in batch.rows], self.encoder.pad_id)

    def _read(self, output: EciOutput, batch: _Batch) -> list[Classification]:
        assert output.logits is not None  # noqa: S101 - narrows types
        read = []
        for logits, labels, row, is_shortened, thinking in zip(
            output.logits.cpu(),
            batch.label_sets,
            batch.rows,
            batch.is_shortened,
            batch.thoughts,
            strict=True,
        ):
            mine = logits[: len(labels)].double()
            known = self.calibration.get(labels.name)
            calibrated = mine / (known.temperature if known else 1.0)
            rule = self.decision_rules.get(labels.name, MOST_PROBABLE)
            label, probabilities, in_set, asks = _decided(calibrated, labels, rule)
            read.append(
                Classification(
                    label,
                    probabilities,
                    in_set,
                    asks,
                    tuple(mine.tolist()),
                    len(row.prompt),
                    is_shortened,
                    thinking,
                )
            )
        return read

    def _continue(self, output: EciOutput, batch: _Batch, limit: int) -> list[list[int]]:
        """Generate from the cache of the prefill where it can be cut after the prompts."""
        inputs = self._collate(batch)
        width = last_prompt_column(inputs["branch_ids"]) + 1
        is_prompt = (inputs["branch_ids"][:, :width] == PROMPT).long()
        before = torch.tensor([batch.prefix.ids if batch.prefix else ()], dtype=torch.long)
        before = before.expand(len(is_prompt), -1)
        prompts = torch.cat([before, inputs["input_ids"][:, :width]], 1)
        mask = torch.cat([torch.ones_like(before), is_prompt], 1)
        prefilled = {}
        if output.past_key_values is not None:
            # Options leave the cache, and so does the last prompt token: generation computes it.
            output.past_key_values.crop(width - 1 - inputs["input_ids"].shape[1])
            prefilled["past_key_values"] = output.past_key_values
        return self._generate(prompts, mask, limit, self._end_ids, **prefilled)

    def _generate(
        self,
        prompts: torch.Tensor,
        mask: torch.Tensor,
        limit: int,
        end_ids: Sequence[int],
        **prefilled: Any,
    ) -> list[list[int]]:
        """Return the tokens that follow on padded prompts, greedily."""
        with torch.inference_mode():
            ids = self.model.generate(
                input_ids=prompts.to(self.model.device),
                attention_mask=mask.to(self.model.device),
                **prefilled,
                max_new_tokens=limit,
                do_sample=False,
                pad_token_id=self.encoder.pad_id,
                eos_token_id=list(end_ids),
            )
        return [list(row[prompts.shape[1] :].tolist()) for row in ids]


def _decided(
    logits: torch.Tensor, labels: LabelSet, rule: DecisionRule
) -> tuple[str, tuple[float, ...], tuple[str, ...] | None, bool]:
    """Return label, probabilities, the set of labels it may be, and whether a person is asked."""
    if labels.is_several:
        right = logits.sigmoid().tolist()
        sets = rule.decide_sets([right])
        given = labels.join(sets.names_of(0, labels.names))
        return given, tuple(right), None, bool(sets.asks_person[0])
    probabilities = logits.softmax(0).tolist()
    decided = rule.decide([probabilities])
    in_set = decided.set_of(0, labels.names)
    label = labels.names[decided.labels[0]]
    return label, tuple(probabilities), in_set, bool(decided.asks_person[0])


@dataclass(frozen=True, slots=True)
class _Batch:
    positions: list[int]
    label_sets: list[LabelSet]
    rows: list[Row]
    is_shortened: list[bool]
    thoughts: list[str]
    thinking_seconds: float
    prefix: Prefix | None

    @property
    def num_shared(self) -> int:
        return len(self.prefix.ids) if self.prefix else 0


def build(
    loaded: LoadedBase,
    *,
    label_sets: Sequence[LabelSet] = (PUBMEDQA,),
    pooling: str = DEFAULT_POOLING,
    uses_scores: bool = True,
    dropout: float = 0.1,
    weight: float = 0.5,
    prompts: PromptSettings = _PROMPTS,
) -> EciModel:
    """Return a loaded base model an untrained head, which says what the language model would say.

    Args:
        loaded: Changed in place.
        label_sets: Fixed label sets to classify into; options always work. With
            ``ANY_SEVERAL_OPTIONS`` among them, options of which several are right do too.
        pooling: See :class:`eci.model.head.HeadConfig`.
        uses_scores: See :class:`eci.model.head.HeadConfig`.
        dropout: In the head while training.
        weight: Share w of the head in the joint loss.
        prompts: How it is asked. Where it thinks first, the head reads the last state as well,
            whatever the pooling: no other stands after the thinking.

    Raises:
        PromptError: There is no such template, or the model cannot think.
    """
    encoder = prompts.encoder(loaded.tokenizer)
    if prompts.thinking_tokens and not any(
        part.region == "last" for part in parse_pooling(pooling)
    ):
        pooling = f"last+{pooling}"
    fixed = [labels for labels in label_sets if not labels.is_options]
    config = HeadConfig(
        hidden_size=loaded.model.get_input_embeddings().weight.shape[1],
        label_sets={labels.name: len(labels) for labels in fixed},
        pooling=pooling,
        dropout=dropout,
        uses_scores=uses_scores,
        several=tuple(labels.name for labels in label_sets if labels.is_several),
    )
    verbalizers = {labels.name: encoder.verbalizers(labels) for labels in fixed}
    model = attach_head(loaded.model, config, verbalizers, weight)
    model.eval()
    named = {labels.name: labels for labels in fixed}
    return EciModel(model, encoder, named, thinking_tokens=prompts.thinking_tokens)


def with_artifact(loaded: LoadedBase, info: ArtifactInfo, folder: Path) -> EciModel:
    """Return a loaded base model with the head and, where there is one, the adapter of an artifact.

    Args:
        loaded: Changed in place; that it is the base of the artifact was checked.
        info: What ``read_info`` gave.

    Raises:
        ArtifactError: Head, adapter or prompts do not fit.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if load_template(info.template).digest != info.template_digest:
        raise ArtifactError(
            f"Artifact {folder} was trained with another wording of prompt template "
            f"{info.template!r}. Use the version of this software that made it, or retrain."
        )
    prompts = PromptSettings(info.template, info.max_prompt_tokens, info.thinking_tokens)
    encoder = prompts.encoder(loaded.tokenizer)
    if info.prompt_digest not in ("", encoder.digest()):
        raise ArtifactError(
            f"Artifact {folder} was trained on prompts that this software writes differently: the "
            "chat template or the library of tokenizers has changed. Use the versions that made it "
            f"({', '.join(f'{name} {number}' for name, number in info.versions.items())}), or "
            "retrain."
        )
    verbalizers = {name: known.verbalizers for name, known in info.label_sets.items()}
    config = HeadConfig.from_dict(info.head)
    width, vocabulary = loaded.model.get_input_embeddings().weight.shape[::-1]
    tokens = [token for lists in verbalizers.values() for ids in lists for token in ids]
    if config.hidden_size != width or max(tokens, default=0) >= vocabulary:
        raise ArtifactError(
            f"The head in {folder} is of hidden size {config.hidden_size} and reads tokens up to "
            f"{max(tokens, default=0)}; the base model has size {width} and {vocabulary} tokens. "
            "Load the base model it was trained on."
        )
    model = attach_head(loaded.model, config, verbalizers, weight=0.5)
    try:
        model.eci_head.load_state_dict(load_file(folder / HEAD_FILE), strict=True)
    except (RuntimeError, SafetensorError) as error:
        raise ArtifactError(
            f"The head in {folder} does not fit its description: {error}"
        ) from error
    if info.has_adapter:
        model = with_adapter(model, folder)
    model.eval()
    label_sets = {name: known.label_set(name) for name, known in info.label_sets.items()}
    return EciModel(
        model,
        encoder,
        label_sets,
        info.calibration,
        info.decision_rules,
        info.thinking_tokens,
    )


def with_adapter(model: Any, folder: Path) -> Any:
    """Return a model wrapped by PEFT with the adapter in a folder, which does not train.

    Raises:
        ArtifactError: The adapter is damaged, or of another model.
    """
    from peft import PeftModel, get_peft_model_state_dict
    from safetensors import SafetensorError, safe_open

    try:
        adapted = PeftModel.from_pretrained(model, str(folder), is_trainable=False)
        with safe_open(folder / ADAPTER_FILES[0], "pt") as stored:
            names = set(stored.keys())
    except (SafetensorError, RuntimeError, TypeError, ValueError, KeyError) as error:
        first = str(error).strip().splitlines()[:2]
        raise ArtifactError(
            f"The adapter in {folder} cannot be loaded: {' '.join(first)}. Name the base model "
            "that it was trained on, or copy it again."
        ) from error
    # PEFT passes over weights that have no place; those of experts it keeps under other names.
    unplaced = {n for n in names - get_peft_model_state_dict(adapted).keys() if "experts" not in n}
    if unplaced:
        raise ArtifactError(
            f"The adapter in {folder} has {len(unplaced)} weights that the base model has no place "
            f"for (first: {min(unplaced)}). Name the base model that it was trained on."
        )
    compute_in_given_precision(adapted)
    return adapted
