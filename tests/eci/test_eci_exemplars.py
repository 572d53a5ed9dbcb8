"""Choosing shots: fair, repeatable, and never the question itself."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eci.errors import DuplicateError, PromptError
from eci.questions.exemplars import CHOICES, Choice, ExemplarPool, _drawn
from eci.questions.labels import PUBMEDQA, LabelSet
from eci.questions.prompts import Exemplar, Question

# Made-up words, so that texts are alike only where a test makes them so.
WORDS = [
    a + b for a in ("ba", "ke", "li", "mo", "ru", "sa", "te") for b in ("da", "ni", "pol", "x")
]


def _exemplar(number: int, label: str, labels: LabelSet = PUBMEDQA) -> Exemplar:
    rng = random.Random(number)  # noqa: S311
    text = " ".join(rng.choices(WORDS, k=12))
    context = " ".join(rng.choices(WORDS, k=60))
    return Exemplar(Question(f"{text}?", (("", context),), labels, f"e{number}"), label)


def _pool_of(counts: dict[str, int]) -> list[Exemplar]:
    labels = [label for label, count in counts.items() for _ in range(count)]
    return [_exemplar(number, label) for number, label in enumerate(labels)]


def _asked(number: int) -> Question:
    return _exemplar(10_000 + number, "yes").question


SKEWED = _pool_of({"yes": 55, "no": 34, "maybe": 11})


@settings(max_examples=60)
@given(
    counts=st.fixed_dictionaries({name: st.integers(0, 6) for name in PUBMEDQA.names}),
    num_shots=st.integers(0, 12),
    choice=st.sampled_from(CHOICES),
    seed=st.integers(0, 3),
    is_shared=st.booleans(),
    asked=st.integers(0, 30),
)
def test_the_shots_are_so_many_distinct_and_never_the_question(
    counts: dict[str, int],
    num_shots: int,
    choice: Choice,
    seed: int,
    is_shared: bool,
    asked: int,
) -> None:
    exemplars = _pool_of(counts)
    # Sometimes a question of the pool itself, sometimes another.
    question = exemplars[asked].question if asked < len(exemplars) else _asked(asked)
    pool = ExemplarPool(exemplars, choice, seed)
    choose = pool.choose_shared if is_shared else pool.choose
    others = [e for e in exemplars if e.question != question]
    if len(others) < num_shots:
        with pytest.raises(PromptError, match="there are only"):
            choose(question, num_shots)
        return
    shots = choose(question, num_shots)
    assert len(shots) == len({shot.question.question_id for shot in shots}) == num_shots
    assert all(shot in others for shot in shots)
    again = ExemplarPool(sorted(exemplars, key=repr)[::-1], choice, seed)
    assert (again.choose_shared if is_shared else again.choose)(question, num_shots) == shots


@settings(max_examples=60)
@given(
    counts=st.fixed_dictionaries({name: st.integers(0, 6) for name in PUBMEDQA.names}),
    num_shots=st.integers(1, 12),
    seed=st.integers(0, 3),
)
def test_balanced_labels_differ_by_one_while_each_has_exemplars_left(
    counts: dict[str, int], num_shots: int, seed: int
) -> None:
    num_shots = min(num_shots, sum(counts.values()))
    shots = ExemplarPool(_pool_of(counts), "balanced", seed).choose(_asked(0), num_shots)
    taken = Counter(shot.label for shot in shots)
    most = max(taken.values(), default=0)
    for label, count in counts.items():
        assert taken[label] == count or taken[label] >= most - 1


@pytest.mark.parametrize("num_shots", [1, 2, 4])
def test_balanced_prefers_no_label_and_no_place_for_one(num_shots: int) -> None:
    pool = ExemplarPool(SKEWED, "balanced", 0)
    chosen = [pool.choose(_asked(i), num_shots) for i in range(900)]
    for place in range(num_shots):
        counts = Counter(shots[place].label for shots in chosen)
        # Binomial with p = 1/3: 300 expected, standard deviation 14.
        assert all(240 <= counts[label] <= 360 for label in PUBMEDQA.names), (place, counts)


def test_random_takes_every_exemplar_equally_often() -> None:
    pool = ExemplarPool(SKEWED, "random", 0)
    counts = Counter(
        shot.question.question_id for i in range(1000) for shot in pool.choose(_asked(i), 3)
    )
    assert len(counts) == len(SKEWED)
    # 30 expected, standard deviation 5.4.
    assert max(counts.values()) < 57
    assert min(counts.values()) > 9


def test_the_nearest_shot_stands_beside_the_question() -> None:
    def about(words: str, question_id: str) -> Question:
        return Question("Does it help?", (("", words),), PUBMEDQA, question_id)

    nearest = Exemplar(about("asthma inhaler steroid in school children", "nearest"), "no")
    near = Exemplar(about("asthma in pregnancy and its course", "near"), "yes")
    pool = ExemplarPool([near, *SKEWED, nearest], "nearest", 0)
    shots = pool.choose(about("an inhaler with a steroid for children with asthma", "asked"), 2)
    assert shots == (near, nearest)


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("text", ["", "???", "Is it?", "\0", "𝄞 \udcff"])
def test_texts_without_words_are_asked_and_shown(choice: Choice, text: str) -> None:
    odd = [Exemplar(Question(other, (), PUBMEDQA), "yes") for other in (text, "So?", "\1", "And?")]
    assert set(ExemplarPool(odd, choice, 0).choose(odd[0].question, 3)) == set(odd[1:])
    wordless = [Exemplar(Question("?" * i, (), PUBMEDQA), "no") for i in range(1, 4)]
    assert len(ExemplarPool(wordless, choice, 0).choose(odd[0].question, 2)) == 2


@pytest.mark.parametrize("choice", CHOICES)
def test_a_cut_or_reworded_copy_of_the_question_is_not_shown_for_it(choice: Choice) -> None:
    question = SKEWED[3].question
    copies = [
        Exemplar(replace(question.with_context_words(20), question_id="cut"), "yes"),
        Exemplar(replace(question, question="Reworded?", question_id="new"), "no"),
    ]
    pool = ExemplarPool([*SKEWED[:6], *copies], choice, 0)
    for choose in (pool.choose, pool.choose_shared):
        shown = {shot.question.question_id for shot in choose(question, 5)}
        assert shown == {"e0", "e1", "e2", "e4", "e5"}
    with pytest.raises(PromptError, match=r"8 exemplars.*3 of which repeat"):
        pool.choose(question, 6)


def test_an_exemplar_with_the_id_of_the_question_is_not_shown_for_it() -> None:
    corrected = replace(_asked(1), question_id="e0")
    shown = ExemplarPool(SKEWED[:4], "random", 0).choose(corrected, 3)
    assert {shot.question.question_id for shot in shown} == {"e1", "e2", "e3"}


def test_shared_shots_are_shared_and_replaced_within_their_label() -> None:
    pool = ExemplarPool(SKEWED, "balanced", 0)
    shared = pool.choose_shared(_asked(0), 6)
    assert all(pool.choose_shared(_asked(i), 6) == shared for i in range(1, 20))
    for place, shot in enumerate(shared):
        instead = pool.choose_shared(shot.question, 6)
        assert [e.label for e in instead] == [e.label for e in shared]
        assert shot not in instead
        assert instead[:place] == shared[:place]


def test_shots_have_the_labels_of_the_question() -> None:
    triage = LabelSet.fixed("triage", ["urgent", "routine"])
    renamed = LabelSet.fixed("triage", ["red", "green"])
    options = LabelSet.from_options({"A": "rest", "B": "surgery"})
    exemplars = [*SKEWED, _exemplar(500, "urgent", triage), _exemplar(501, "A", options)]
    pool = ExemplarPool(exemplars, "balanced", 0)
    ask = replace(_asked(0), label_set=triage)
    assert [shot.label for shot in pool.choose(ask, 1)] == ["urgent"]
    other_options = LabelSet.from_options({"A": "ice", "B": "heat", "C": "none"})
    assert pool.choose(replace(ask, label_set=other_options), 1)[0].label == "A"
    with pytest.raises(PromptError, match="only 0 exemplars with label set 'triage'"):
        pool.choose(replace(ask, label_set=renamed), 1)


def test_exemplars_that_repeat_the_test_split_are_refused_by_name() -> None:
    test = [_asked(i) for i in range(5)]
    leak = Exemplar(replace(test[2].with_context_words(20), question_id="leak"), "yes")
    ExemplarPool(SKEWED, "balanced", 0, forbidden=test)
    with pytest.raises(DuplicateError, match=r"1 of 101 .*'leak' repeats 'e10002'"):
        ExemplarPool([*SKEWED, leak], "balanced", 0, forbidden=test)


def test_an_unknown_choice_is_refused() -> None:
    with pytest.raises(ValueError, match="Known: random, balanced, nearest"):
        ExemplarPool(SKEWED, "best", 0)  # type: ignore[arg-type]


@given(size=st.integers(0, 30), seed=st.integers())
def test_drawing_gives_each_item_once(size: int, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311
    assert sorted(_drawn(range(size), rng)) == list(range(size))
