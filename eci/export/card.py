"""Model cards of exports: what the folder is, how it is asked, and what is left out of it."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined

from eci.model.artifact import ArtifactInfo
from eci.questions.prompts import load_template


def card(name: str, info: ArtifactInfo, about: dict[str, Any]) -> str:
    """Return a card as Markdown.

    Args:
        name: Of its template in ``cards``: ``language_model`` or ``classifier``.
        about: What the folder's list of files says of the export.
    """
    template, names = load_template(info.template), list(info.label_sets)
    system = template.system_options.strip()
    if names:
        system = template.system(info.label_sets[names[0]].label_set(names[0]))
    labels = info.label_sets[about["label_set"]].labels if "label_set" in about else ()
    shown = ", ".join(label.name for label in labels)
    return render(name, info=info, about=about, system=system, labels=shown)


def render(name: str, **values: Any) -> str:
    """Return the text of a template in ``cards`` with its values filled in."""
    folder = files("eci.export").joinpath("cards")
    environment = Environment(  # noqa: S701 - Markdown
        loader=DictLoader({card.name: card.read_text("utf-8") for card in folder.iterdir()}),
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(f"{name}.md").render(**values)
