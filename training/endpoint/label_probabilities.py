"""Probabilities of the labels from the log-probabilities of the token that began the answer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from eci.questions.labels import LabelSet
from training.endpoint.replies import TokenChoices

_LEAST_MASS: Final = 0.5
_AROUND: Final = " \t\r\n*_`\"'“”‘’().:,;#-"


def label_probabilities(
    text: str, start: int | None, labels: LabelSet, tokens: Sequence[TokenChoices]
) -> tuple[float, ...] | None:
    """Return the probability of each label where the answer gives one.

    Each of the most probable tokens at that place counts for the one label that it begins. A label
    that none of them begins gets the probability of the least probable one, which bounds it from
    above. Together they are scaled to 1.

    Args:
        start: First character of the words that gave its label; None where it gives none.
        tokens: Of the answer, from its beginning.

    Returns:
        In the order of the labels. None where the tokens do not fit the text, or those that begin a
        label have less than half of the probability: the place does not decide then.
    """
    place = _token_at(text, start, tokens)
    if place is None or not place.top_logprobs:
        return None
    found = [0.0] * len(labels)
    names = [name.casefold() for name in labels.names]
    for choice in place.top_logprobs:
        begun = choice.token.strip(_AROUND).casefold()
        matching = [i for i, name in enumerate(names) if begun and name.startswith(begun)]
        if len(matching) == 1:
            found[matching[0]] += math.exp(choice.logprob)
    if sum(found) < _LEAST_MASS:
        return None
    floor = math.exp(min(choice.logprob for choice in place.top_logprobs))
    filled = [share or floor for share in found]
    total = sum(filled)
    return tuple(share / total for share in filled)


def _token_at(text: str, start: int | None, tokens: Sequence[TokenChoices]) -> TokenChoices | None:
    """Return the token that holds a character; None where the tokens before it are other text."""
    if start is None:
        return None
    position = 0
    for token in tokens:
        if text[position : position + len(token.token)] != token.token:
            return None
        position += len(token.token)
        if position > start:
            return token
    return None
