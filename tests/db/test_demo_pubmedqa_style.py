"""The bundled PubMedQA-style items are complete, synthetic, distinct and consistent."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import fields
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

import db
from db.records import Item

ITEMS_PATH = Path(db.__file__).parent / "demo" / "pubmedqa_style.jsonl"

# "31 of 58 with calprotectin above the cut-off (53.4%" or "29 patients in one group (16.5%".
COUNT_THEN_PERCENT = re.compile(
    r"\b(?P<count>\d[\d,]*)(?: of (?:the )?\d[\d,]*)?\b[^().;:\d]*\((?P<percent>\d+\.\d)%"
)
# "95.3% (61 of 64": the same, percentage first.
PERCENT_THEN_COUNT = re.compile(r"(?P<percent>\d+\.\d)% \((?P<count>\d[\d,]*) of \d")
# "hazard ratio 1.01, 95% CI 0.85 to 1.21; p=0.91": estimate, bounds and, where given, p.
ESTIMATE = re.compile(
    r"(?P<lead>[^().;]{0,40})[ (](?P<estimate>−?\d+(?:\.\d+)?)(?P<unit>[^().;\d]{0,60})"
    r"[ ,(]95% CI (?P<low>−?\d+(?:\.\d+)?) to (?P<high>−?\d+(?:\.\d+)?)(?:; p(?P<p>[=<]0\.\d+))?"
)


def load_items() -> list[dict[str, Any]]:
    """Read the file as plain JSON, without the importers."""
    return [json.loads(line) for line in ITEMS_PATH.read_text(encoding="utf-8").splitlines()]


ITEMS = load_items()
each_item = pytest.mark.parametrize("item", ITEMS, ids=lambda item: item["item_id"])


def context_text(item: dict[str, Any]) -> str:
    return " ".join(section["text"] for section in item["context"])


def number(text: str) -> float:
    return float(text.replace(",", "").replace("−", "-"))


def five_grams(item: dict[str, Any]) -> set[tuple[str, ...]]:
    whole = " ".join([item["question"], context_text(item), item["long_answer"]])
    words = re.findall(r"\w+", whole.lower())
    return set(zip(*(words[shift:] for shift in range(5)), strict=False))


def test_sixty_items_have_unique_consecutive_ids() -> None:
    assert [item["item_id"] for item in ITEMS] == [f"demo-pubmedqa-{n:03d}" for n in range(1, 61)]


def test_questions_and_long_answers_are_unique() -> None:
    assert len({item["question"] for item in ITEMS}) == 60
    assert len({item["long_answer"] for item in ITEMS}) == 60


def test_gold_labels_are_spread_over_both_splits_in_proportion() -> None:
    counts = Counter((item["split"], item["gold_label"]) for item in ITEMS)
    assert counts == {
        ("train", "yes"): 17,
        ("train", "no"): 12,
        ("train", "maybe"): 7,
        ("test", "yes"): 11,
        ("test", "no"): 8,
        ("test", "maybe"): 5,
    }


def test_every_specialty_is_in_both_splits() -> None:
    by_split = {
        split: {item["metadata"]["specialty"] for item in ITEMS if item["split"] == split}
        for split in ("train", "test")
    }
    assert by_split["train"] == by_split["test"]
    assert len(by_split["train"]) == 24


def test_study_designs_are_varied() -> None:
    assert len({item["metadata"]["design"] for item in ITEMS}) >= 10


@each_item
def test_item_has_the_fields_of_the_record(item: dict[str, Any]) -> None:
    # A file says nothing of who may see the item, nor that an item has one right label.
    assert set(item) == {field.name for field in fields(Item)} - {
        "is_hidden",
        "is_several",
        "version",
    }
    assert item["source"] == "demo-pubmedqa"
    assert item["label_set"] == "pubmedqa"
    assert item["labels"] == ["yes", "no", "maybe"]
    assert item["options"] == []
    assert item["question"].endswith("?")
    assert all(set(section) == {"heading", "text"} for section in item["context"])
    assert all(section["text"].strip() == section["text"] != "" for section in item["context"])


@each_item
def test_item_is_marked_synthetic(item: dict[str, Any]) -> None:
    metadata = item["metadata"]
    assert set(metadata) == {"synthetic", "specialty", "design", "year", "written"}
    assert metadata["synthetic"] is True
    assert 2020 <= metadata["year"] <= 2026


@each_item
def test_context_is_a_short_structured_abstract_without_its_conclusion(
    item: dict[str, Any],
) -> None:
    headings = [section["heading"] for section in item["context"]]
    assert 2 <= len(headings) <= 4
    assert headings[-1] in {"RESULTS", "FINDINGS"}
    assert 80 <= len(context_text(item).split()) <= 170


@each_item
def test_long_answer_is_one_or_two_sentences_absent_from_the_context(item: dict[str, Any]) -> None:
    sentences = re.split(r"(?<=\.) (?=[A-Z])", item["long_answer"])
    assert 1 <= len(sentences) <= 2
    assert 12 <= len(item["long_answer"].split()) <= 45
    assert not any(sentence in context_text(item) for sentence in sentences)


@each_item
def test_percentages_match_their_counts(item: dict[str, Any]) -> None:
    text = context_text(item)
    totals = [number(total) for total in re.findall(r"\d[\d,]*\b", text)]
    for pattern in (COUNT_THEN_PERCENT, PERCENT_THEN_COUNT):
        for match in pattern.finditer(text):
            count, percent = number(match["count"]), number(match["percent"])
            # Half a unit of the last digit, and a hair for halves rounded up (18/160 = 11.25).
            assert any(abs(100 * count / total - percent) < 0.0501 for total in totals if total), (
                match[0]
            )


@each_item
def test_intervals_hold_their_estimate_and_agree_with_p(item: dict[str, Any]) -> None:
    for match in ESTIMATE.finditer(context_text(item)):
        low, high = number(match["low"]), number(match["high"])
        assert low < number(match["estimate"]) < high, match[0]
        if match["p"]:
            is_difference = re.search("difference|points", match["lead"] + match["unit"])
            excludes_null = not low <= (0.0 if is_difference else 1.0) <= high
            is_significant = match["p"].startswith("<") or number(match["p"][1:]) < 0.05
            assert excludes_null == is_significant, match[0]


def test_the_consistency_checks_see_most_of_the_numbers() -> None:
    text = "\n".join(context_text(item) for item in ITEMS)
    assert len(COUNT_THEN_PERCENT.findall(text)) + len(PERCENT_THEN_COUNT.findall(text)) >= 85
    assert len(ESTIMATE.findall(text)) >= 0.95 * text.count("95% CI")


def test_no_two_items_are_near_duplicates() -> None:
    grams = {item["item_id"]: five_grams(item) for item in ITEMS}
    overlaps = {
        (first, second): len(grams[first] & grams[second]) / len(grams[first] | grams[second])
        for first, second in combinations(grams, 2)
    }
    closest = max(overlaps, key=lambda pair: overlaps[pair])
    assert overlaps[closest] < 0.2, closest
