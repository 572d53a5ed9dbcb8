"""Model cards of exports: what the folder is, how it is asked, and what is left out of it."""

from __future__ import annotations

from typing import Any, Final

from eci.model.artifact import ArtifactInfo
from eci.questions.prompts import load_template

_HEADER: Final = """---
library_name: transformers
pipeline_tag: {pipeline}
base_model: {base}
tags:
- eci
---

# {title}

{what} Exported from an artifact of LlamaCare Review; `eci_export.json` names its files with their
SHA-256 and the fingerprint of the base model. The licence is that of the base model. Not a medical
device: nothing it writes or decides is medical advice.

## Weights
{weights}
"""
_NOT_QUANTIZED: Final = (
    "The adapter, where there was one, was trained on the base model as it is stored. In float32 "
    "the probabilities are those of the artifact to 1e-4; 16-bit weights round them."
)
_QUANTIZED: Final = (
    "The artifact holds for the base model in 4-bit NF4. These are its dequantized weights with "
    "the adapter added, so the same function without quantization: 4-bit kernels compute in "
    "bfloat16, and differ from it by their rounding. They take four times the memory. Quantizing "
    "this folder again to NF4 rounds the adapter too and gives another model."
)
_PROMPT: Final = """
## Prompts
It was trained on prompts of this wording (template `{template}`), through its own chat template:

```
{system}
```

The question follows as `Question: ...`, then its context. The text that is read ends where the
answer begins (`add_generation_prompt=True`).
"""
_TEXT: Final = """
## Use
```python
from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained(FOLDER)
model = AutoModelForCausalLM.from_pretrained(FOLDER, dtype="auto")
turns = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": QUESTION}]
asked = tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
ids = tokenizer(asked, add_special_tokens=False, return_tensors="pt")
print(tokenizer.decode(model.generate(**ids, max_new_tokens=64)[0]))
```

## Left out
The ECI head with its calibration and operating points: the artifact has them, and
`python -m eci export --as onnx` writes the head alone.
"""
_CLASSES: Final = """
## Use
```python
from transformers import AutoModelForSequenceClassification, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained(FOLDER)
model = AutoModelForSequenceClassification.from_pretrained(FOLDER, dtype="auto")
turns = [{{"role": "system", "content": SYSTEM}}, {{"role": "user", "content": QUESTION}}]
asked = tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
ids = tokenizer(asked, add_special_tokens=False, return_tensors="pt")
print(model(**ids).logits.softmax(-1), model.config.id2label)
```

Labels: {labels}. The temperature is part of the weights, so these are calibrated probabilities.

## Left out
The operating point: take the most probable label, or apply the costs of the artifact. Prompts of
more than {limit} tokens were cut in training and calibration.
"""


def language_model_card(info: ArtifactInfo, about: dict[str, Any]) -> str:
    """Return the card of a merged language model."""
    what = "A causal language model: the base model with the trained LoRA adapter merged into it."
    return _header(about, "text-generation", "Merged language model", what) + _prompt(info) + _TEXT


def classifier_card(info: ArtifactInfo, about: dict[str, Any]) -> str:
    """Return the card of a classifier."""
    labels = ", ".join(label.name for label in info.label_sets[about["label_set"]].labels)
    what = "A sequence classifier: the model, and its head as one matrix on the last token's state."
    return (
        _header(about, "text-classification", f"Classifier of {about['label_set']}", what)
        + _prompt(info)
        + _CLASSES.format(labels=labels, limit=info.max_prompt_tokens)
    )


def _header(about: dict[str, Any], pipeline: str, title: str, what: str) -> str:
    is_quantized = about["quantization"] != "none"
    return _HEADER.format(
        pipeline=pipeline,
        base=about["base"],
        title=title,
        what=what,
        weights=_QUANTIZED if is_quantized else _NOT_QUANTIZED,
    )


def _prompt(info: ArtifactInfo) -> str:
    template = load_template(info.template)
    names = list(info.label_sets)
    system = (
        template.system(info.label_sets[names[0]].label_set(names[0]))
        if names
        else template.system_options.strip()
    )
    return _PROMPT.format(template=info.template, system=system)
