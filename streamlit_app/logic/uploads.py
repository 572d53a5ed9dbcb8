"""An uploaded file on its way into the store: read and counted first, stored when confirmed."""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from db.connection import Database
from db.importers import Format, ImportReport, store_batch
from db.importers.batch import ImportBatch
from db.importers.clinician_reviews import parse_clinician_reviews
from db.importers.items import parse_items
from db.importers.medqa import parse_medqa
from db.importers.model_answers import parse_model_answers
from db.importers.predictions import parse_predictions
from db.importers.pubmedqa import parse_pubmedqa
from db.records import Split
from training.readings import read_new_answers

FORMAT_WORDS: dict[Format, str] = {
    "pubmedqa": "PubMedQA questions (ori_pqal.json)",
    "medqa": "MedQA questions (JSON lines)",
    "model_answers": "Answers of a model (medagents benchmark)",
    "clinician_reviews": "Ratings of MedQA by clinicians, blind and revealed (CSV)",
    "items": "Own questions (JSON lines or CSV)",
    "predictions": "Own run: answers to stored questions (JSON lines)",
}
FORMAT_HELP: dict[Format, str] = {
    "pubmedqa": "The released file of 1,000 labelled items, and beside it test_ground_truth.json, "
    "which names the official test items: without it they would be trained on.",
    "medqa": "One JSON object a line with question, options, answer_idx and meta_info.",
    "model_answers": "A JSON list with question, options, answer_idx and what the model gave: "
    "raw_response or completion, and predicted_answer. It becomes a run named after the file.",
    "clinician_reviews": "One rating a line, as Google Health released them: rater, question, the "
    "answers before and after the gold label was shown, whether information is missing, the time. "
    "The Agreement page shows what they say.",
    "items": "One JSON object a line with item_id, question, label_set (pubmedqa or options), and "
    "where wanted context, options, gold_label, long_answer, split. Or a CSV with such a header.",
    "predictions": 'A first line {"run": {"name": "...", "model": "..."}}, then one JSON object a '
    "line with item_id, answer and, where known, answer_label, head_label, head_probabilities.",
}


@dataclass(frozen=True)
class Upload:
    """A file as the browser sent it."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Preview:
    """What a file holds, read and checked but not stored."""

    file_name: str
    batch: ImportBatch

    @property
    def lines(self) -> tuple[str, ...]:
        """Counts in words, one a line; they hold texts of the file."""
        batch = self.batch
        found = []
        if batch.items:
            splits = Counter[str](item.split for item in batch.items)
            labels = Counter(item.gold_label or "no gold label" for item in batch.items)
            found.append(f"{len(batch.items):,} items: {_counted(splits)}")
            found.append(f"Gold labels: {_counted(labels)}")
        if batch.labels:
            found.append(f"{len(batch.labels):,} labels of annotators that come with the data set")
        if batch.run is not None:
            found.append(f"Run “{batch.run.name}” of model {batch.run.model}")
            read = sum(prediction.answer_label is not None for prediction in batch.predictions)
            found.append(f"{len(batch.predictions):,} answers, {read:,} with a label of their own")
        return tuple(found)


def read_upload(
    format: Format,  # noqa: A002 - the word of the importers
    upload: Upload,
    *,
    test_split: Upload | None = None,
    split: Split = "test",
) -> Preview:
    """Read an uploaded file completely, without touching the store.

    Args:
        test_split: For ``pubmedqa``, which needs it: the file that names the test items.
        split: For ``medqa``: the split of all its items.

    Raises:
        ImportFileError: Faults in the file; the message names each.
    """
    with tempfile.TemporaryDirectory(prefix="llamacare-upload-") as folder:
        path = _write(Path(folder), upload)
        match format:
            case "pubmedqa":
                named = _write(Path(folder), test_split) if test_split else None
                batch = parse_pubmedqa(path, test_split=named)
            case "medqa":
                batch = parse_medqa(path, split=split)
            case "model_answers":
                batch = parse_model_answers(path)
            case "clinician_reviews":
                batch = parse_clinician_reviews(path)
            case "items":
                batch = parse_items(path)
            case "predictions":
                batch = parse_predictions(path)
    return Preview(path.name, batch)


def store_preview(database: Database, preview: Preview) -> ImportReport:
    """Store what was read, completely or not at all, and read the labels of its answers.

    Raises:
        ImportFileError: It contradicts the store; the message names each place.
    """
    report = store_batch(database, preview.batch, Path(preview.file_name))
    read_new_answers(database)
    return report


def describe_report(report: ImportReport) -> str:
    """Say what an import changed; the name of the file comes from outside."""
    if report.is_unchanged:
        return f"{report.file}: everything in it was there already, nothing was added."
    parts = [
        (report.items.added, "new items"),
        (report.items.enriched, "items completed"),
        (report.items.unchanged, "items were there already"),
        (report.num_predictions, "answers"),
        (report.num_annotations, "labels of annotators"),
    ]
    return f"{report.file} was imported: " + ", ".join(f"{n:,} {w}" for n, w in parts if n) + "."


def _write(folder: Path, upload: Upload) -> Path:
    # The name matters (a run is called after its file) and comes from outside: only its last part.
    name = Path(upload.name.replace("\\", "/")).name.replace("\0", "") or "upload"
    path = folder / name[-150:]
    path.write_bytes(upload.content)
    return path


def _counted(counts: Counter[str]) -> str:
    shown = counts.most_common(8)
    more = f" and {len(counts) - len(shown)} more" if len(counts) > len(shown) else ""
    return " · ".join(f"{name} {count:,}" for name, count in shown) + more
