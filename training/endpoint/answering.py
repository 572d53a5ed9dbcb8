"""A run in which a model behind an endpoint answers the items of a snapshot.

What it does: asks each item once with our own prompts, several at a time; writes each outcome down
as it comes; resumes after any cut; names and counts the items without an answer. What it does not:
train, choose a model, or ask an item again that has its answer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Final

from db.records import Prediction
from db.retraining.snapshot import SnapshotItem
from eci.answers.reader import read_answer
from eci.questions.exemplars import ExemplarPool
from eci.questions.prompts import Message, load_template
from training.data.job import Job
from training.data.questions import label_set_of, make_pool, named, to_question
from training.endpoint.client import EndpointClient, opened_client
from training.endpoint.journal import Outcome, Usage, append_outcome, read_outcomes
from training.endpoint.label_probabilities import label_probabilities
from training.endpoint.replies import FaultKind, ItemFault, Reply
from training.errors import DataError, EndpointError
from training.evaluation.metrics import evaluate
from training.run.execution import RunContext
from training.run.result_tables import PREDICTIONS
from training.settings.endpoints import SECONDS_TO_FINISH, EndpointSettings

_IN_A_ROW: Final = 8
"""Items without an answer, one after the other, after which the endpoint counts as away."""
_POLL_SECONDS: Final = 0.25
_FAULT_WORDS: Final[Mapping[FaultKind, str]] = {
    "refused": "Refused by the endpoint",
    "filtered": "Withheld by its content filter",
    "empty": "Answered with no text",
    "malformed": "Answered with what is no chat completion",
    "unavailable": "Not answered after all attempts",
    "forbidden": "Forbidden",
}


class EndpointJob(Job[EndpointSettings]):
    """A run that asks an endpoint, as its directory describes it."""

    @property
    def items(self) -> list[SnapshotItem]:
        """Return the items to ask, the test split first."""
        train = self.snapshot.train if self.settings.split == "all" else ()
        return [*self.snapshot.test, *train]

    @cached_property
    def pool(self) -> ExemplarPool:
        """Return the pool from which all prompts draw their shots."""
        settings = self.settings
        return make_pool(self.snapshot, settings, settings.shots)

    def messages(self, item: SnapshotItem) -> list[Message]:
        """Return the conversation that asks an item, in the wording that our own models get."""
        question = to_question(item)
        shots = self.pool.choose_shared(question, self.settings.shots)
        if self.settings.max_context_words is not None:
            question = question.with_context_words(self.settings.max_context_words)
        return load_template().messages(question, shots)


def run_endpoint(context: RunContext) -> None:
    """Ask the endpoint for every item that has no final outcome yet, and write the predictions.

    Raises:
        TrainingError: Settings or snapshot do not fit, the endpoint cannot be used, or no item got
            an answer.
        Stopped: The run was asked to stop.
    """
    job = EndpointJob.read(context.run_dir, EndpointSettings)
    reporter = _Reporter(context, job)
    reporter.report()
    waiting = [item for item in job.items if not reporter.is_final(item.item_id)]
    asyncio.run(_ask_all(context, job, waiting, reporter))
    context.check_stop()
    _write(context, job, reporter)


class _Reporter:
    """Writes outcomes down and reports how far the run is and what it used."""

    def __init__(self, context: RunContext, job: EndpointJob) -> None:
        self._context, self._job = context, job
        ids = {item.item_id for item in job.items}
        self._num_items = len(ids)
        stored = read_outcomes(job.run_dir.answers_path)
        self.outcomes = {item_id: one for item_id, one in stored.items() if item_id in ids}
        self.usage = Usage()
        for outcome in self.outcomes.values():
            self.usage = self.usage.plus(outcome)
        self._num_final = sum(outcome.is_final for outcome in self.outcomes.values())

    def is_final(self, item_id: str) -> bool:
        """Return whether an item need not be asked any more."""
        return item_id in self.outcomes and self.outcomes[item_id].is_final

    def add(self, outcome: Outcome) -> None:
        """Write down an outcome and report it."""
        append_outcome(self._job.run_dir.answers_path, outcome)
        self.outcomes[outcome.item_id] = outcome
        self.usage = self.usage.plus(outcome)
        self._num_final += outcome.is_final
        self.report()

    def report(self) -> None:
        """Report what was used until now, cuts before this one included."""
        endpoint = self._job.settings.model
        self._context.report_progress(
            step=self._num_final,
            num_steps=self._num_items,
            num_answered=self.usage.num_answered,
            prompt_tokens=self.usage.prompt_tokens,
            completion_tokens=self.usage.completion_tokens,
            cost=self.usage.cost(endpoint),
            currency=endpoint.currency,
        )


async def _ask_all(
    context: RunContext, job: EndpointJob, items: Sequence[SnapshotItem], reporter: _Reporter
) -> None:
    stopping = asyncio.Event()
    left = iter(items)
    in_a_row: list[Outcome] = []

    async def work(client: EndpointClient) -> None:
        for item in left:
            if stopping.is_set():
                return
            outcome = await _ask(client, job, item)
            reporter.add(outcome)
            in_a_row[:] = [] if outcome.is_final else [*in_a_row, outcome]
            if len(in_a_row) >= _IN_A_ROW:
                raise EndpointError(
                    f"The endpoint left {len(in_a_row)} items in a row without an answer, the last "
                    f"one with: {outcome.message} Resume the run when it answers again: only items "
                    "without an answer are asked."
                )

    async with opened_client(job.settings, stopping) as client:
        workers = [asyncio.create_task(work(client)) for _ in range(job.settings.model.concurrency)]
        try:
            await _watch(context, workers, stopping)
        finally:
            stopping.set()
            await _finish(workers)


async def _watch(
    context: RunContext, workers: Sequence[asyncio.Task[None]], stopping: asyncio.Event
) -> None:
    """Wait until all is asked, one worker fails, or the run is to stop."""
    pending = set(workers)
    while pending and not context.should_stop():
        done, pending = await asyncio.wait(
            pending, timeout=_POLL_SECONDS, return_when=asyncio.FIRST_EXCEPTION
        )
        for worker in done:
            worker.result()
    if pending:
        stopping.set()
        context.report_message("Stopping: waiting for the answers under way.")


async def _finish(workers: Sequence[asyncio.Task[None]]) -> None:
    """Wait a moment for the answers under way: who drops them pays for them twice."""
    _, late = await asyncio.wait(workers, timeout=SECONDS_TO_FINISH)
    for worker in late:
        worker.cancel()
    await asyncio.gather(*workers, return_exceptions=True)


async def _ask(client: EndpointClient, job: EndpointJob, item: SnapshotItem) -> Outcome:
    begun = time.monotonic()
    try:
        reply, attempts = await client.ask(job.messages(item))
    except ItemFault as fault:
        return Outcome(
            item.item_id,
            seconds=time.monotonic() - begun,
            fault=fault.kind,
            message=fault.message,
        )
    return _outcome(item, reply, attempts, time.monotonic() - begun)


def _outcome(item: SnapshotItem, reply: Reply, attempts: int, seconds: float) -> Outcome:
    labels = label_set_of(item)
    begins = read_answer(reply.text, labels).start
    return Outcome(
        item.item_id,
        answer=reply.whole,
        is_finished=reply.is_finished,
        probabilities=label_probabilities(reply.text, begins, labels, reply.tokens),
        prompt_tokens=reply.prompt_tokens,
        completion_tokens=reply.completion_tokens,
        thinking_tokens=reply.thinking_tokens,
        model=reply.model,
        seconds=seconds,
        attempts=attempts,
    )


def _write(context: RunContext, job: EndpointJob, reporter: _Reporter) -> None:
    """Write predictions and metrics, and warn of what is missing."""
    outcomes = reporter.outcomes
    predictions = [
        _prediction(job.run_dir.run_id, item, outcomes[item.item_id])
        for item in job.items
        if outcomes[item.item_id].fault is None
    ]
    faults = _describe_faults(job.items, outcomes)
    if not predictions:
        raise DataError(f"No item got an answer. {' '.join(faults)}")
    context.warn(faults)
    if reporter.usage.num_uncounted:
        context.warn([f"The endpoint counted no tokens of {reporter.usage.num_uncounted} answers."])
    models = sorted({outcome.model for outcome in outcomes.values() if outcome.model})
    if len(models) > 1:
        context.warn([f"Several models answered: {', '.join(models)}."])
    PREDICTIONS.write(job.run_dir.predictions_path, predictions)
    job.run_dir.write_metrics(evaluate(predictions, job.snapshot.test, {}))


def _prediction(run_id: str, item: SnapshotItem, outcome: Outcome) -> Prediction:
    labels = label_set_of(item)
    reading = read_answer(outcome.answer, labels)
    prediction = Prediction(
        run_id=run_id,
        item_id=item.item_id,
        answer=outcome.answer,
        answer_label=reading.label,
        answer_form=reading.form,
        answer_start=reading.start,
        answer_end=reading.end,
        is_finished=outcome.is_finished and reading.is_finished,
        prompt_tokens=outcome.prompt_tokens,
        answer_tokens=None
        if outcome.completion_tokens is None
        else max(0, outcome.completion_tokens - outcome.thinking_tokens),
        latency_seconds=outcome.seconds,
    )
    if outcome.probabilities is None:
        return prediction
    best = max(range(len(labels)), key=outcome.probabilities.__getitem__)
    return replace(
        prediction, head_label=labels.names[best], head_probabilities=outcome.probabilities
    )


def _describe_faults(items: Sequence[SnapshotItem], outcomes: Mapping[str, Outcome]) -> list[str]:
    """Describe in one sentence each kind of item without an answer: how many, which, and why."""
    kinds: dict[FaultKind, list[Outcome]] = {}
    for item in items:
        outcome = outcomes[item.item_id]
        if outcome.fault is not None:
            kinds.setdefault(outcome.fault, []).append(outcome)
    return [
        f"{_FAULT_WORDS[kind]}: {len(found)} of {len(items)} items "
        f"({named([outcome.item_id for outcome in found])}). The first: {found[0].message}"
        for kind, found in kinds.items()
    ]
