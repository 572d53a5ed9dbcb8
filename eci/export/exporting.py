"""``python -m eci export``: an artifact in a form that other programs load."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import click

from eci.model.bundled import default_models_dir

FORMS = ("merged", "sequence-classification", "onnx")


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--artifact",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder with a trained head and adapter.",
)
@click.option("--merged", is_flag=True, help="The same as --as merged.")
@click.option(
    "--as",
    "form",
    type=click.Choice(FORMS),
    help="merged: the language model with the adapter in its weights; sequence-classification: "
    "that with the head; onnx: the head alone.",
)
@click.option(
    "--label-set", metavar="NAME", help="Of a sequence classification, where the head has several."
)
@click.option(
    "--dtype",
    type=click.Choice(["auto", "float32", "bfloat16", "float16"]),
    default="auto",
    help="Of the weights; auto: as the base model is stored. float32 rounds nothing.",
)
@click.option("--base", help="Base model, where its folder has moved. [default: as it was]")
@click.option(
    "--models-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where bundled models are unpacked. [default: models in $LLAMACARE_HOME]",
)
def export(
    folder: Path,
    *,
    artifact: Path,
    merged: bool,
    form: str | None,
    label_set: str | None,
    dtype: str,
    base: str | None,
    models_dir: Path | None,
) -> None:
    """Write an artifact to FOLDER in a form that other programs load.

    FOLDER is new, empty, or an earlier export that no one changed; it is written whole or not at
    all. merged and sequence-classification are plain Hugging Face folders, which transformers loads
    without this package and without PEFT.

    \b
    python -m eci export --merged ./model --artifact .llamacare/runs/RUN/artifact
    """
    if merged == (form is not None) and form != "merged":
        raise click.UsageError(f"Say what to write: --merged, or --as {', '.join(FORMS)}.")
    if label_set and form != "sequence-classification":
        raise click.UsageError("--label-set belongs to --as sequence-classification.")

    from transformers.utils import logging

    from eci.export.head_onnx import export_head
    from eci.export.models import Dtype, ExportSource, export_classifier, export_language_model

    logging.disable_progress_bar()
    chosen: Dtype = next(one for one in get_args(Dtype) if one == dtype)
    source = ExportSource(artifact, base, models_dir or default_models_dir(), chosen)
    if form == "onnx":
        export_head(source, folder)
    elif form == "sequence-classification":
        export_classifier(source, folder, label_set)
    else:
        export_language_model(source, folder)
    click.echo(click.format_filename(folder))
