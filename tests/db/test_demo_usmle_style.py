"""The bundled USMLE-style vignettes: form, balance and variety of the 60 items."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

DEMO_FILE = Path(__file__).parents[2] / "db" / "demo" / "usmle_style.jsonl"
FIELDS = {
    "item_id",
    "source",
    "question",
    "context",
    "label_set",
    "labels",
    "options",
    "gold_label",
    "long_answer",
    "split",
    "metadata",
}
STEPS = ("step1", "step2", "step3")
SPLIT_SIZES = {"train": 12, "test": 8}


def _num_words(text: str) -> int:
    return len(text.split())


def _five_grams(item: dict[str, Any]) -> set[tuple[str, ...]]:
    texts = [item["question"], *(option["text"] for option in item["options"])]
    words = " ".join(texts).lower().split()
    return set(zip(*(words[start:] for start in range(5)), strict=False))


def _gold_text(item: dict[str, Any]) -> str:
    texts = {option["label"]: option["text"] for option in item["options"]}
    return str(texts[item["gold_label"]])


@pytest.fixture(scope="module")
def items() -> list[dict[str, Any]]:
    """All bundled vignettes, in file order."""
    return [json.loads(line) for line in DEMO_FILE.read_text(encoding="utf-8").splitlines()]


def test_sixty_items_with_their_step_and_number_as_id(items: list[dict[str, Any]]) -> None:
    expected = [f"demo-usmle-{step}-{number:03d}" for step in STEPS for number in range(1, 21)]
    assert [item["item_id"] for item in items] == expected
    assert all(item["metadata"]["step"] in item["item_id"] for item in items)


def test_every_item_has_the_fields_of_an_option_item(items: list[dict[str, Any]]) -> None:
    for item in items:
        assert set(item) == FIELDS, item["item_id"]
        assert item["source"] == "demo-usmle"
        assert item["context"] == []
        assert item["label_set"] == "options"
        assert item["metadata"]["synthetic"] is True
        assert item["metadata"]["written"] == "2026-11"
        assert item["metadata"]["system"]
        assert item["metadata"]["discipline"]


def test_options_are_distinct_short_and_carry_the_labels_in_order(
    items: list[dict[str, Any]],
) -> None:
    for item in items:
        labels = [option["label"] for option in item["options"]]
        texts = [option["text"] for option in item["options"]]
        assert labels == item["labels"] == list("ABCDE")[: len(labels)], item["item_id"]
        assert len(labels) in {4, 5}, item["item_id"]
        assert len({text.casefold() for text in texts}) == len(texts), item["item_id"]
        assert all(1 <= _num_words(text) <= 12 for text in texts), item["item_id"]
        assert all(text == text.strip() for text in texts), item["item_id"]


def test_two_thirds_have_five_options(items: list[dict[str, Any]]) -> None:
    assert Counter(len(item["options"]) for item in items) == {5: 40, 4: 20}


def test_each_step_has_twelve_train_and_eight_test_items(items: list[dict[str, Any]]) -> None:
    counts = Counter((item["metadata"]["step"], item["split"]) for item in items)
    assert counts == {(step, split): n for step in STEPS for split, n in SPLIT_SIZES.items()}


def test_gold_labels_are_allowed_and_no_letter_dominates(items: list[dict[str, Any]]) -> None:
    assert all(item["gold_label"] in item["labels"] for item in items)
    for split in (*SPLIT_SIZES, None):
        chosen = [item["gold_label"] for item in items if split in {item["split"], None}]
        assert max(Counter(chosen).values()) / len(chosen) <= 0.3, split


def test_key_is_seldom_the_longest_or_the_shortest_option(items: list[dict[str, Any]]) -> None:
    for pick in (max, min):
        at_extreme = [
            item
            for item in items
            if len(_gold_text(item)) == pick(len(option["text"]) for option in item["options"])
        ]
        assert len(at_extreme) / len(items) < 0.4, pick.__name__


def test_questions_are_vignettes_of_bounded_length_ending_in_one_question(
    items: list[dict[str, Any]],
) -> None:
    for item in items:
        question = item["question"]
        assert 40 <= _num_words(question) <= 120, item["item_id"]
        assert question.endswith("?"), item["item_id"]
        assert question.count("?") == 1, item["item_id"]
        assert "\n" not in question, item["item_id"]


def test_rationale_is_one_or_two_sentences(items: list[dict[str, Any]]) -> None:
    for item in items:
        rationale = item["long_answer"]
        assert rationale.endswith("."), item["item_id"]
        assert 1 <= rationale.count(". ") + 1 <= 2, item["item_id"]
        assert 8 <= _num_words(rationale) <= 60, item["item_id"]


def test_no_two_items_are_near_duplicates(items: list[dict[str, Any]]) -> None:
    grams = {item["item_id"]: _five_grams(item) for item in items}
    for (first, left), (second, right) in itertools.combinations(grams.items(), 2):
        overlap = len(left & right) / len(left | right)
        assert overlap < 0.2, (first, second, overlap)


def test_items_spread_over_systems_and_disciplines(items: list[dict[str, Any]]) -> None:
    for name, at_least in (("system", 12), ("discipline", 20)):
        counts = Counter(item["metadata"][name] for item in items)
        assert len(counts) >= at_least, name
        assert max(counts.values()) <= 9, name
