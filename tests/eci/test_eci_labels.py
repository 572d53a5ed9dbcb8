"""Label sets: order, lookup, and what they refuse."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from eci.errors import EciError, LabelSetError, UnknownLabelError
from eci.questions.labels import PUBMEDQA, Label, LabelSet


def test_options_keep_their_order_and_text() -> None:
    label_set = LabelSet.from_options({"B": "Heparin", "A": "Aspirin"})
    assert label_set.names == ("B", "A")
    assert label_set.is_options
    assert [label.text for label in label_set] == ["Heparin", "Aspirin"]


def test_options_from_pairs_equal_options_from_a_mapping() -> None:
    pairs = [("A", "yes"), ("B", "no")]
    assert LabelSet.from_options(pairs) == LabelSet.from_options(dict(pairs))


def test_fixed_set_is_not_options_and_has_no_text() -> None:
    label_set = LabelSet.fixed("triage", ["urgent", "routine"])
    assert (len(label_set), label_set.is_options) == (2, False)
    assert label_set.labels[0] == Label("urgent")


def test_pubmedqa_has_its_three_labels_with_definitions() -> None:
    assert PUBMEDQA.names == ("yes", "no", "maybe")
    assert all(label.definition for label in PUBMEDQA)


def test_index_gives_the_position() -> None:
    assert [PUBMEDQA.index(name) for name in PUBMEDQA.names] == [0, 1, 2]


@pytest.mark.parametrize("name", ["else", "Yes", "", " yes"])
def test_unknown_label_is_an_error_that_lists_what_is_allowed(name: str) -> None:
    with pytest.raises(UnknownLabelError, match="Allowed: yes, no, maybe"):
        PUBMEDQA.index(name)


@pytest.mark.parametrize("count", [0, 1, 27])
def test_options_outside_two_to_26_are_refused_with_their_number(count: int) -> None:
    with pytest.raises(LabelSetError, match=f"it has {count} options; 2 to 26"):
        LabelSet.from_options([(chr(65 + k), "text") for k in range(count)])


@pytest.mark.parametrize("count", [2, 10, 26])
def test_two_to_26_options_are_allowed(count: int) -> None:
    options = [(chr(65 + k), "text") for k in range(count)]
    assert len(LabelSet.from_options(options)) == count


@pytest.mark.parametrize("names", [["yes", "yes"], ["yes", "Yes"], ["yes", "yes "]])
def test_a_name_twice_is_refused(names: list[str]) -> None:
    with pytest.raises(LabelSetError, match="'yes' occurs more than once"):
        LabelSet.fixed("x", names)


def test_every_fault_is_named_at_once() -> None:
    with pytest.raises(LabelSetError) as caught:
        LabelSet(" ", (Label("a"), Label("A"), Label(" ")))
    message = str(caught.value)
    assert "name is empty" in message
    assert "label 3 is empty" in message
    assert "more than once" in message


def test_an_empty_set_is_refused() -> None:
    with pytest.raises(LabelSetError, match="no labels"):
        LabelSet.fixed("x", [])


def test_errors_share_the_base_of_the_package() -> None:
    assert issubclass(LabelSetError, EciError)
    assert issubclass(UnknownLabelError, EciError)


def test_label_sets_are_frozen_and_hashable() -> None:
    with pytest.raises(FrozenInstanceError):
        PUBMEDQA.name = "other"  # type: ignore[misc]
    assert len({PUBMEDQA, LabelSet.fixed("x", ["yes"])}) == 2
