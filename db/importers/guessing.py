"""Which column means what, by its name: the headers that people use, in several languages."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import takewhile
from typing import Any, Final

from db.importers.paths import text_of

_NAMES: Final[Mapping[str, str]] = {
    "id": "item_id id pmid qid question_id questionid uid case_id caseid nr no number key pubid "
    "realidx problem_id idx index sample_id doc_id custom_id instance_id fall_nr fallnummer "
    "fall_id numero",
    "question": "question query question_text problem_text questiontext qtext stem body vignette "
    "case case_text statement "
    "prompt_question frage fragetext pregunta domanda pergunta vraag 質問 問題 问题 المسألة سؤال "
    "input instruction text prompt displayed_text sentence document",
    "context": "context contexts abstract passage background case_description kontext contexte",
    "options": "options choices answer_options candidates endings answers option mc1_targets",
    "gold": "gold_label gold answer_idx answeridx correct_answer correct_option correct_label "
    "correct_answers correct_options correct right_answer ground_truth groundtruth target "
    "final_decision gold_index expected "
    "expected_output expectedoutput ideal reference label class category gold_answer richtig "
    "ra answerkey answer_key correctanswer correctoption correct_choice correct_letter "
    "lösung loesung richtige_antwort antwort dringlichkeit urgency triage réponse reponse "
    "respuesta risposta resposta 正解 答え 答案 cop answer priority grade kategorie klasse "
    "catégorie categoria categoría etiqueta étiquette answer_letter correct_answer_letter "
    "correct_index answer_index correct_answer_index correctanswerindex answerindex correctindex "
    "correct_option_index correct_answer_idx correct_idx human_label expert_label rating",
    "answer": "raw_response completion response model_answer model_output output generated_text "
    "generation model_response actual_output actualoutput llm_output answer_text answer",
    "label": "predicted_answer predicted_label prediction pred predicted answer_label model_label "
    "lable extracted_answer parsed_answer",
    "probabilities": "all_probs probabilities probs head_probabilities option_probs",
    "long_answer": "long_answer exp explanation rationale answer_rationale ideal_answer "
    "erklärung begründung explication",
    "source": "source dataset benchmark data_source src quelle",
    "split": "split subset set_name partition",
    "model": "model model_name model_id llm",
    "annotator": "annotator annotator_id reviewer rater completed_by annotated_by username",
    "label_set": "label_set",
    "labels": "labels",
    "metadata": "metadata",
    "latency": "time_elapsed latency latency_seconds",
    "prompt_tokens": "prompt_tokens input_tokens",
    "answer_tokens": "answer_tokens completion_tokens output_tokens",
}
"""Field to the names of its columns, the most telling first."""

_MEANINGS: Final[Mapping[str, list[str]]] = {
    name: [field for field, names in _NAMES.items() if name in names.split()]
    for names in _NAMES.values()
    for name in names.split()
}
TRUE: Final = frozenset(
    {"1", "true", "yes", "y", "x", "✓", "✔", "ja", "oui", "sí", "si", "vrai", "wahr"}
)
"""How the cells of a column of flags say yes."""
_FLAGS: Final = TRUE | {"", "0", "false", "no", "n", "-", "nein", "non", "faux", "falsch"}
_SUBJECTS: Final = frozenset({"category", "class"})
"""Next to options they are what the question is about, elsewhere its label."""
_RIGHT: Final = ("correct_answer", "right_answer", "correct_option", "answer", "correct")
_WRONG: Final = re.compile(
    r"(?:(?:in|not_)correct|wrong|false|distractor)_?(?:answer|option|choice)?_?(?:\d{1,2}|[a-j])"
)
"""Columns of the options next to one of the right answer, as in GPQA and SciQ."""
_OPTION: Final = re.compile(
    r"(?:op|option|choice|ending|answer|ans|opt|antwort|opción|opcion|opzione|選択肢)?[ _-]?"
    r"\(?([a-j]|\d)\)?",
    re.IGNORECASE,
)


def normalised(name: Any) -> str:
    """Return a column's name in lower case, words joined by ``_``."""
    text = unicodedata.normalize("NFKC", str(name)).strip().casefold()
    return re.sub(r"[^\w]+", "_", text).strip("_")


def guess_field(name: str) -> str | None:
    """Return the field that a column's name suggests, ``options`` for one of several options."""
    plain = normalised(name)
    if plain in _MEANINGS:
        return _MEANINGS[plain][0]
    is_option = _is_own_option(name) or _OPTION.fullmatch(plain) is not None
    return "options" if is_option else None


def guess_mapping(columns: Collection[str]) -> dict[str, Any]:
    """Return the paths of the fields that the columns of a file suggest.

    A column serves one field, and a field gets the most telling of its columns.
    """
    by_name = {normalised(column): column for column in reversed(list(columns))}
    found: dict[str, Any] = {}
    used: set[str] = set()
    options = option_columns_of(columns)
    wrong = [column for name, column in by_name.items() if _WRONG.fullmatch(name)]
    right = next((by_name[name] for name in _RIGHT if name in by_name), None)
    if len(wrong) > 1 and right is not None:
        options, found["gold"] = (right, *sorted(wrong)), right
    if options:
        found["options"] = options
        used |= set(options)
    if options or not by_name.keys().isdisjoint(_NAMES["options"].split()):
        by_name = {name: column for name, column in by_name.items() if name not in _SUBJECTS}
    for field, names in _NAMES.items():
        candidates = [by_name[name] for name in names.split() if name in by_name]
        free = [column for column in candidates if column not in used]
        if free and field not in found:
            found[field] = free[0]
            used.add(free[0])
    for usage in ("token_usage", "usage"):
        if usage in by_name:
            found.setdefault("prompt_tokens", f"{by_name[usage]}.prompt_tokens")
            found.setdefault("answer_tokens", f"{by_name[usage]}.completion_tokens")
    return _with_text_of_model(found)


def flag_columns_of(rows: Sequence[Mapping[Any, Any]], used: Collection[str]) -> tuple[str, ...]:
    """Return the columns of which each says whether one label is right; none where they do not.

    Args:
        rows: The first rows of a file.
        used: Columns that are something else.

    Example:
        >>> flag_columns_of([{"cough": 1, "fever": 0, "rash": 1, "age": 62}], ())
        ('cough', 'fever', 'rash')
    """
    values: dict[str, set[str]] = {}
    for row in rows:
        for column in row.keys() - {*used}:
            values.setdefault(column, set()).add(text_of(row[column]).casefold())
    found = tuple(
        column
        for column in dict.fromkeys(column for row in rows for column in row)
        if column in values and values[column] <= _FLAGS and values[column] != {""}
    )
    has_true = any(values[column] & TRUE for column in found)
    return found if has_true and len(found) >= (2 if _prefix_of(found) else 3) else ()


def names_of_flags(columns: Sequence[str]) -> tuple[str, ...]:
    """Return the label of each column of flags: its name, without what is before all of them.

    Example:
        >>> names_of_flags(["label_cough", "label_fever"]), names_of_flags(["cough", "chill"])
        (('cough', 'fever'), ('cough', 'chill'))
    """
    prefix = _prefix_of(columns)
    return tuple(column[len(prefix) :].strip() for column in columns)


def _prefix_of(columns: Sequence[str]) -> str:
    """Return what all columns begin with, up to a sign that divides words."""
    pairs = zip(min(columns, default=""), max(columns, default=""), strict=False)
    same = "".join(one for one, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    found = re.match(r".*[\W_]", same) if len(columns) > 1 else None
    return found[0] if found else ""


def option_columns_of(columns: Iterable[str]) -> tuple[str, ...]:
    """Return the columns that hold one option each: A to D, ``opa`` to ``opd``, ``ending0`` ..."""
    own = tuple(column for column in columns if _is_own_option(column))
    if own:
        return own
    groups: dict[str, list[str]] = {}
    for column in columns:
        match = _OPTION.fullmatch(normalised(column))
        if match:
            groups.setdefault(normalised(column)[: -len(match[1])].strip("_("), []).append(column)
    group = max(groups.values(), key=len, default=[])
    marks = sorted(normalised(column)[-1] for column in group)
    first = marks[0] if marks else ""
    is_row = first in ("a", "0", "1") and [ord(m) - ord(first) for m in marks] == [
        *range(len(marks))
    ]
    return tuple(sorted(group, key=normalised)) if len(group) > 1 and is_row else ()


def _is_own_option(column: str) -> bool:
    return str(column).startswith("option_") and len(str(column)) > len("option_")


def _with_text_of_model(found: dict[str, Any]) -> dict[str, Any]:
    """Return the fields with what a column ``answer`` means: the right option, or a model's text.

    Next to the number of the right option it repeats that option; without a question it is what a
    model wrote.
    """
    if normalised(found.get("answer", "")) == "answer" and normalised(found.get("gold", "")) in (
        "answer_idx",
        "answeridx",
        "cop",
    ):
        del found["answer"]
    if "question" not in found and "answer" not in found and "long_answer" in found:
        found["answer"] = found.pop("long_answer")
    if normalised(found.get("gold", "")) == "answer" and "question" not in found:
        found["answer"] = found.pop("gold")
    return found
