"""Logits of items that a head had not seen, kept with the run: all that calibration and the choice
of operating points may use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np

from db.arrow_tables import schema_of
from eci.arrays import FloatArray, IntArray
from eci.decisions import DecisionRule, DecisionSettings, choose_rule
from eci.model.artifact import ArtifactInfo, CalibrationInfo
from eci.questions.labels import MIN_OPTIONS, OPTIONS, SEVERAL_OPTIONS, LabelSet
from eci.set_decisions import choose_set_rule
from eci.statistics.calibration import TemperatureScaling
from training.errors import DataError, RunDirError
from training.evaluation.metrics import padded
from training.run.result_tables import ResultTable

MIN_CALIBRATION_ITEMS = 20
"""A handful of items would give any temperature: three that happen to be wrong make every answer a
coin toss. A label set with fewer keeps its logits as they are."""


Gold: TypeAlias = int | frozenset[int]
"""The place of an item's gold label among its labels; where several may be right, their places."""


@dataclass(frozen=True)
class HeldOut:
    """The logits of one item from a head that was not fitted on it, one for each of its labels."""

    item_id: str
    label_set: str
    logits: tuple[float, ...]


HELD_OUT: Final = ResultTable(
    HeldOut, schema_of("item_id label_set logits:doubles"), is_required=True
)


def read_held_out(path: Path) -> list[HeldOut]:
    """Read the table ``HELD_OUT`` of an earlier run.

    Raises:
        DataError: The run has none: it did not finish, or an older version made it.
    """
    try:
        return HELD_OUT.read(path)
    except RunDirError as error:
        raise DataError(
            f"There are no held-out logits to calibrate on. {error} Or recalibrate another run "
            "that finished, or refit the head."
        ) from error


def calibrate(entries: Sequence[HeldOut], gold: Mapping[str, Gold]) -> dict[str, CalibrationInfo]:
    """Fit one temperature for each label set.

    Where several labels may be right, each is a question of its own, and all of them share the
    temperature: rare labels have too few right items for one each.

    Args:
        entries: Items without an entry in ``gold`` are passed over.
        gold: Item id -> its gold label.
    """
    by_set: dict[str, list[HeldOut]] = {}
    for entry in entries:
        if entry.item_id in gold:
            by_set.setdefault(entry.label_set, []).append(entry)
    return {
        name: CalibrationInfo(
            temperature=_fit(members, [gold[entry.item_id] for entry in members]).temperature,
            num_items=len(members),
        )
        for name, members in by_set.items()
        if len(members) >= MIN_CALIBRATION_ITEMS
    }


def _fit(entries: Sequence[HeldOut], golds: Sequence[Gold]) -> TemperatureScaling:
    places = [gold for gold in golds if isinstance(gold, int)]
    if places:
        return TemperatureScaling.fit(_even(entries), places)
    each = [
        ((0.0, logit), int(place in right))
        for entry, right in zip(entries, golds, strict=True)
        if isinstance(right, frozenset)
        for place, logit in enumerate(entry.logits)
    ]
    return TemperatureScaling.fit([pair for pair, _ in each], [is_right for _, is_right in each])


def choose_rules(
    entries: Sequence[HeldOut],
    gold: Mapping[str, Gold],
    calibration: Mapping[str, CalibrationInfo],
    settings: DecisionSettings,
    label_sets: Iterable[LabelSet],
    others: Mapping[str, tuple[FloatArray, IntArray]] | None = None,
) -> dict[str, DecisionRule]:
    """Choose the operating point of each label set.

    Args:
        entries: Items without an entry in ``gold`` are passed over.
        gold: Item id -> its gold label.
        calibration: Label set -> temperature; a missing one means 1.
        settings: What errors cost.
        label_sets: The fixed label sets of the head; options are added.
        others: Label set -> further items, as in :func:`eci.decisions.choose_rule`.

    Raises:
        LabelSetError: The costs do not fit the label sets.
    """
    fixed = [labels for labels in label_sets if not labels.is_options]
    settings.require_labels([labels for labels in fixed if not labels.is_several])
    by_name: dict[str, LabelSet | None] = {labels.name: labels for labels in fixed}
    rules = {}
    for name, labels in {**by_name, OPTIONS: None, SEVERAL_OPTIONS: None}.items():
        members = [e for e in entries if e.label_set == name and e.item_id in gold]
        known = calibration.get(name)
        temperature = known.temperature if known else 1.0
        num_labels = MIN_OPTIONS if labels is None else len(labels)
        logits = np.array(_even(members) if members else np.empty((0, num_labels)))
        right = [gold[entry.item_id] for entry in members]
        if name == SEVERAL_OPTIONS or (labels is not None and labels.is_several):
            with np.errstate(over="ignore"):
                p = 1 / (1 + np.exp(-logits / temperature))
            sets = [one for one in right if isinstance(one, frozenset)]
            held = np.array([[place in one for place in range(p.shape[1])] for one in sets])
            rules[name] = choose_set_rule(
                p, held.reshape(p.shape), settings, is_options=labels is None
            )
        else:
            scaling = TemperatureScaling(temperature, 1)
            y = np.array(right, dtype=np.int64)
            more = (others or {}).get(name)
            rules[name] = choose_rule(scaling.transform(logits), y, settings, labels, others=more)
    return rules


def refit_rules(
    entries: Sequence[HeldOut],
    gold: Mapping[str, Gold],
    calibration: Mapping[str, CalibrationInfo],
    settings: DecisionSettings | None,
    before: ArtifactInfo,
) -> dict[str, Any]:
    """Choose the operating points of a head that follows on another.

    A label set without held-out items keeps what it has, unless errors now cost something else.

    Args:
        settings: What errors cost; None: what they cost before.
        before: The artifact that this one comes from.

    Returns:
        The fields of its artifact.
    """
    chosen = settings or before.decision or DecisionSettings()
    label_sets = [known.label_set(name) for name, known in before.label_sets.items()]
    rules = choose_rules(entries, gold, calibration, chosen, label_sets)
    if chosen == before.decision:
        rules |= {
            name: rule
            for name, rule in before.decision_rules.items()
            if name not in rules or not rules[name].num_items
        }
    return {"decision": chosen, "decision_rules": rules}


def _even(entries: Sequence[HeldOut]) -> FloatArray:
    """Return every row the same width: an item with fewer options has ``-inf`` for the others."""
    logits = [entry.logits for entry in entries]
    return padded(logits, max(map(len, logits)), float("-inf"))
