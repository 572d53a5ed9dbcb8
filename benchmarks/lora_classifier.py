"""What one would do without this product: PEFT's LoRA on transformers' sequence classifier.

As its documentation shows it: a linear layer on the last token's last state, its own loss, the
stock Trainer. Rank, epochs, learning rate and input are those of the joint run that it is compared
with.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from typing import Any

import numpy as np

from eci.arrays import FloatArray
from eci.questions.prompts import load_template
from training.data.questions import ItemQuestion
from training.settings.training import TrainingSettings


def classify(
    folder: str,
    learned: Sequence[ItemQuestion],
    asked: Sequence[ItemQuestion],
    settings: TrainingSettings,
) -> FloatArray:
    """Train on items, and return the probabilities of others, ``(len(asked), C)``."""
    import torch
    from peft import LoraConfig, get_peft_model
    from torch.utils.data import Dataset
    from transformers import (
        AutoModelForSequenceClassification,
        AutoTokenizer,
        DataCollatorWithPadding,
        Trainer,
        TrainingArguments,
    )

    torch.manual_seed(settings.seed)
    labels = learned[0].item.labels
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(
        folder, num_labels=len(labels), dtype=torch.bfloat16
    )
    model.config.pad_token_id = tokenizer.pad_token_id
    lora = settings.lora
    config = LoraConfig(
        task_type="SEQ_CLS",
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules="all-linear",
    )
    template = load_template(settings.model.template)

    class Rows(Dataset[Any]):
        def __init__(self, entries: Sequence[ItemQuestion]) -> None:
            texts = [template.user_turn(entry.question) for entry in entries]
            limit = settings.model.max_prompt_tokens
            self._rows = tokenizer(texts, truncation=True, max_length=limit)["input_ids"]
            self._y = [labels.index(entry.item.label) for entry in entries]

        def __len__(self) -> int:
            return len(self._y)

        def __getitem__(self, index: int) -> dict[str, Any]:
            return {"input_ids": self._rows[index], "labels": self._y[index]}

    optimizer = settings.optimizer
    with tempfile.TemporaryDirectory() as output:
        trainer = Trainer(
            model=get_peft_model(model, config),
            args=TrainingArguments(
                output_dir=output,
                num_train_epochs=optimizer.epochs,
                per_device_train_batch_size=optimizer.batch_size,
                gradient_accumulation_steps=optimizer.accumulation,
                learning_rate=optimizer.learning_rate,
                warmup_steps=optimizer.warmup_fraction,
                lr_scheduler_type="cosine",
                seed=settings.seed,
                use_cpu=True,
                save_strategy="no",
                logging_strategy="no",
                report_to=[],
                disable_tqdm=True,
            ),
            train_dataset=Rows(learned),
            data_collator=DataCollatorWithPadding(tokenizer),
        )
        trainer.train()
        logits = trainer.predict(Rows(asked)).predictions
    shifted = np.asarray(logits, dtype=np.float64)
    shifted = np.exp(shifted - shifted.max(1, keepdims=True))
    found: FloatArray = shifted / shifted.sum(1, keepdims=True)
    return found
