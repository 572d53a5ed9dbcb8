"""The table of signatures: which fields of a row show which format, and who reads it.

The first signature whose fields the first row has is the format; a file of which no row is known
is read by the names of its fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from db.importers.entries import Reader, by_row
from db.importers.mapping import Mapping as FieldMapping
from db.importers.readers import annotation_tools, benchmarks, harnesses, model_outputs
from db.importers.readers.benchmarks import mapped
from db.importers.readers.headqa import read_headqa
from db.importers.readers.race import read_race
from db.importers.readers.squad import read_squad

FIRST: Final = "[0]"
"""In a path: the first entry of a list."""
_MADE_OF_ITEMS: Final = (
    "It is made of items for training or evaluation; its texts would be stored as other items. "
    "Import an export of the items; for data from elsewhere name the fields with --map."
)


@dataclass(frozen=True)
class Signature:
    """One format: what it is called, how it is known and how it is read."""

    name: str
    fields: str
    """All of these paths are in its first row; ``a|b`` is one or the other."""
    reader: Reader | None = None
    refusal: str = ""
    """Why it cannot be imported and what to do instead, where it has no reader."""
    origin: str = "items"
    """Of its items in the store."""
    around: str = ""
    """A field of the JSON object around its rows."""

    def fits(self, row: Mapping[str, Any], around: Mapping[str, Any]) -> bool:
        """Return whether a first row, or what is around it, has the fields."""
        if self.around and self.around not in around:
            return False
        return all(
            any(_has(row, path) for path in either.split("|")) for either in self.fields.split()
        )


def _has(row: Any, path: str) -> bool:
    for part in path.split("."):
        if part == FIRST and isinstance(row, list) and row:
            row = row[0]
        elif isinstance(row, Mapping) and part in row:
            row = row[part]
        else:
            return False
    return True


SIGNATURES: Final = (
    Signature(
        "per-instance statistics of HELM",
        "instance_id stats",
        refusal="They hold scores without questions or answers: import scenario_state.json of the "
        "same folder.",
    ),
    Signature(
        "the results summary of lm-evaluation-harness",
        "",
        refusal="It holds scores without answers: run lm_eval with --log_samples and import the "
        "samples_*.jsonl file.",
        around="n-shot",
    ),
    Signature(
        "labels of record, as this product exports them",
        "item_id label_of_record imported_label",
        refusal="They are computed from the annotations: import an export of these.",
    ),
    Signature("LlamaCare predictions", "run_id run_name item_id", model_outputs.read_own),
    Signature("LlamaCare annotations", "annotation_id item_id labels", annotation_tools.read_own),
    Signature("Label Studio tasks", "data annotations", annotation_tools.read_label_studio),
    Signature(
        "Label Studio short export",
        "annotation_id annotator lead_time",
        annotation_tools.read_label_studio_min,
    ),
    Signature("Argilla records", "fields responses", annotation_tools.read_argilla),
    Signature("doccano texts", "text label Comments|comments|meta", annotation_tools.read_doccano),
    Signature("Prodigy annotations", "_task_hash answer", annotation_tools.read_prodigy),
    Signature(
        "Potato annotations", "displayed_text label_annotations", annotation_tools.read_potato
    ),
    Signature("lm-evaluation-harness samples", "doc_id doc filtered_resps", harnesses.read_lm_eval),
    Signature(
        "lighteval details", "full_prompt gold_index|gold predictions", harnesses.read_lighteval
    ),
    Signature("lighteval details", "doc.query model_response", harnesses.read_lighteval),
    Signature("HELM scenario state", "instance request result", harnesses.read_helm),
    Signature("Inspect log", "id epoch input", harnesses.read_inspect, around="eval"),
    Signature("OpenAI evals log", "spec", harnesses.read_openai_evals),
    Signature("OpenAI batch output", "custom_id response", model_outputs.read_openai_batch),
    Signature("Anthropic batch results", "custom_id result", model_outputs.read_anthropic_batch),
    Signature(
        "Amazon Bedrock batch output", "recordId modelInput", model_outputs.read_bedrock_batch
    ),
    Signature("Gemini batch output", "response.candidates", model_outputs.read_gemini_batch),
    Signature("vLLM outputs", "request_id outputs", model_outputs.read_vllm),
    Signature("promptfoo results", "provider vars|testCase response", model_outputs.read_promptfoo),
    Signature("promptfoo results", "provider vars|testCase error", model_outputs.read_promptfoo),
    Signature("DeepEval test run", "input actualOutput|actual_output", model_outputs.read_deepeval),
    Signature("PubMedQA", "QUESTION CONTEXTS", benchmarks.PUBMEDQA),
    Signature("PubMedQA (Hugging Face)", "pubid question final_decision", benchmarks.PUBMEDQA_HUB),
    Signature("FrenchMedMCQA", "question answers.a correct_answers", benchmarks.FRENCHMEDMCQA),
    Signature(
        "FrenchMedMCQA (Hugging Face)",
        "question answer_a answer_e correct_answers",
        benchmarks.FRENCHMEDMCQA_HUB,
    ),
    Signature("IgakuQA", "problem_id problem_text choices answer", benchmarks.IGAKUQA),
    Signature(
        "answers to IgakuQA",
        "problem_id prediction explanation",
        by_row(benchmarks.igakuqa_answer),
    ),
    Signature("MedMCQA", "question opa opb cop", benchmarks.MEDMCQA),
    Signature("MedQA", "sent1 ending0 label", benchmarks.MEDQA_ENDINGS),
    Signature(
        "MedXpertQA",
        "question options label medical_task",
        mapped(FieldMapping(gold="label"), source="medxpertqa"),
    ),
    Signature("MMLU", "question choices answer subject", benchmarks.MMLU),
    Signature("HEAD-QA", "data.[0].qtext data.[0].answers", read_headqa),
    Signature("HEAD-QA (Hugging Face)", "qid qtext ra answers", read_headqa),
    Signature("SQuAD", "paragraphs.[0].qas", read_squad),
    Signature(
        "SQuAD (Hugging Face)", "question context answers.text answers.answer_start", read_squad
    ),
    Signature("RACE", "article questions options answers", read_race),
    Signature("BioASQ questions", "body type", by_row(benchmarks.is_yes_no)),
    Signature(
        "MedQA", "question options answer_idx meta_info", benchmarks.read_medqa, origin="medqa"
    ),
    Signature("HealthBench conversations", "prompt rubrics", by_row(benchmarks.conversation)),
    Signature(
        "LlamaCare training texts",
        "prompt_question prompt_answer final_decision",
        mapped(FieldMapping(question="prompt_question", long_answer="prompt_answer")),
    ),
    Signature(
        "LlamaCare training texts", "text final_decision", by_row(benchmarks.instruction_text)
    ),
    Signature(
        "answers with the options' probabilities",
        "question options prediction ground_truth all_probs",
        mapped(FieldMapping(gold="ground_truth", label="prediction", probabilities="all_probs")),
    ),
    Signature(
        "OpenAI chat completions", "messages.[0].role choices.[0].message", model_outputs.read_chats
    ),
    Signature(
        "OpenAI chat completions",
        "request.messages response.choices",
        model_outputs.read_chats,
    ),
    Signature("chats for fine-tuning", "messages.[0].role", refusal=_MADE_OF_ITEMS),
    Signature("ShareGPT conversations", "conversations.[0].value", refusal=_MADE_OF_ITEMS),
    Signature("preference pairs (TRL)", "prompt.[0].role chosen rejected", refusal=_MADE_OF_ITEMS),
    Signature(
        "prompts and completions (TRL)", "prompt.[0].role completion.[0]", refusal=_MADE_OF_ITEMS
    ),
    Signature("Alpaca instructions", "instruction input output", refusal=_MADE_OF_ITEMS),
    Signature(
        "a task of lm-evaluation-harness", "item_id system choices gold", refusal=_MADE_OF_ITEMS
    ),
)
