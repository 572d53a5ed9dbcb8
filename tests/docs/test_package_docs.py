"""The READMEs of the packages and docs/architecture.md name the rooms that there are."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("db", "eci", "training", "streamlit_app")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "docs/running/*.md", *(f"{one}/*.md" for one in PACKAGES))
    for path in ROOT.glob(pattern)
)


def rooms_of(package: str) -> set[str]:
    """Return the sub-packages and the modules at the root of a package."""
    folder = ROOT / package
    modules = {path.stem for path in folder.glob("*.py") if not path.stem.startswith("__")}
    return modules | {path.parent.name for path in folder.glob("*/__init__.py")}


def picture_of(package: str) -> list[set[str]]:
    """Return the layers of a package in the picture of the architecture, the top one first."""
    picture = ARCHITECTURE.split("```")[1]
    drawn = re.search(rf"{package}: (.*?)(?=\w+:|\Z)", picture, re.DOTALL)
    assert drawn, f"the picture lacks {package}"
    text = re.sub(r"[|+\-\s]+", " ", drawn[1])
    return [set(re.findall(r"\w+", layer)) for layer in text.split(">")]


@pytest.mark.parametrize("package", PACKAGES)
def test_a_readme_of_at_most_40_lines_names_exactly_the_rooms_there_are(package: str) -> None:
    text = (ROOT / package / "README.md").read_text()
    assert len(text.splitlines()) <= 40
    first_cells = "\n".join(re.findall(r"^\| (`.*?) \|", text, re.MULTILINE))
    assert {name.rstrip("/") for name in re.findall(r"`(.+?)`", first_cells)} == rooms_of(package)
    for name in re.findall(r"`(\w+)/`", first_cells):
        assert (ROOT / package / name).is_dir(), name


@pytest.mark.parametrize("package", PACKAGES)
def test_the_picture_shows_every_room_in_the_order_of_the_import_contract(package: str) -> None:
    layers = picture_of(package)
    assert set().union(*layers) == rooms_of(package)
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    for contract in config["contracts"]:
        if contract.get("containers") == [package]:
            expected = [
                set(re.split(r"\s*\|\s*", layer)) - {"__main__"} for layer in contract["layers"]
            ]
            assert layers == [layer for layer in expected if layer]


def test_the_architecture_has_at_most_120_lines() -> None:
    assert len(ARCHITECTURE.splitlines()) <= 120


def test_the_architecture_names_every_path_of_a_run_directory() -> None:
    source = (ROOT / "training" / "run" / "run_dir.py").read_text()
    names = re.findall(r'self\.\w+_path = path / "([^.].*?)"', source)
    assert len(names) >= 15
    for name in names:
        assert f"`{name}`" in ARCHITECTURE or f"`{name}/`" in ARCHITECTURE, name


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_and_paths_of_a_page_lead_somewhere(page: Path) -> None:
    text = page.read_text()
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if "://" not in target:
            assert (page.parent / target).exists(), target
    for named in re.findall(rf"`((?:{'|'.join(PACKAGES)})/[\w./]*)`", text):
        assert (ROOT / named).exists(), named
