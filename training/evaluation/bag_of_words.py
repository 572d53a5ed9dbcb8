"""A classifier that knows only words: what a model has to beat to be worth its while.

TF-IDF of words and pairs of words, and logistic regression: a second of one core for a thousand
items. It learns from the training items of a run's snapshot and is judged on its test items.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from db.records import OPTION_LABEL_SETS
from db.retraining.snapshot import Snapshot, SnapshotItem
from eci.arrays import FloatArray
from training.data.questions import to_question

_STRENGTH = 3.0
"""Inverse of the penalty. Of 0.3, 1, 3, 10 and 30 the best cross-entropy out of fold on PubMedQA's
500 training items (0.929, 0.920, 0.920, 0.943, 0.989); 30 has more accuracy (57.3 against 55.9 %)
and macro-F1 (35.7 against 31.2), with probabilities that claim too much."""


def judge_by_words(snapshot: Snapshot, label_set: str) -> dict[str, str]:
    """Return the label that words alone give each test item of a label set.

    Nothing where it does not apply: options, several right labels, training items of fewer than
    two labels, or no word that occurs in two of them.
    """
    train = [i for i in snapshot.train if i.label_set == label_set and not i.is_vetoed]
    test = [item for item in snapshot.test if item.label_set == label_set]
    is_plain = label_set not in OPTION_LABEL_SETS and not any(i.is_several for i in train)
    if not test or not is_plain or len({item.label for item in train}) < 2:
        return {}
    labels = train[0].labels
    y = [labels.index(item.label) for item in train]
    learned, asked = ([text_of(item) for item in items] for items in (train, test))
    try:
        probabilities = word_probabilities(learned, y, asked, len(labels))
    except ValueError:  # of the vectoriser: no word occurs in two texts
        return {}
    places = probabilities.argmax(1).tolist()
    return {item.item_id: labels[place] for item, place in zip(test, places, strict=True)}


def text_of(item: SnapshotItem) -> str:
    """Return the words of an item that a model is shown: question and context."""
    question = to_question(item)
    return " ".join([question.question, *(text for _, text in question.context)])


def word_probabilities(
    learned: Sequence[str], y: Sequence[int], asked: Sequence[str], num_labels: int
) -> FloatArray:
    """Fit on texts with their labels, and return the probabilities of others.

    Args:
        y: Place of each learned text's label; at least two different ones.

    Returns:
        Shape ``(len(asked), num_labels)``; 0 for labels that no learned text has.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    # Words that occur once teach nothing; of very few texts all are kept, so that some are.
    at_least = 2 if len(learned) >= 20 else 1
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=at_least)
    model = make_pipeline(words, LogisticRegression(C=_STRENGTH, max_iter=1000))
    model.fit(learned, y)
    found = np.zeros((len(asked), num_labels))
    found[:, model.classes_] = model.predict_proba(asked)
    return found
