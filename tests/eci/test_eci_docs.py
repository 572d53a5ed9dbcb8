"""What docs/eci_library.md and the example show is what the package does."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import eci
from eci.questions.json_lines import _Fields

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "eci_library.md").read_text()
EXAMPLE = ROOT / "docs" / "examples" / "classify.py"


def test_the_example_runs(tiny_model_dir: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLE), str(tiny_model_dir)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) >= 5
    for line, labels in zip(lines, ("yes no maybe", "urgent routine", "A B C"), strict=False):
        listed = ", ".join(rf"{label} [01]\.\d\d" for label in labels.split())
        assert re.search(rf"\? ({labels.replace(' ', '|')}) \({listed}\)$", line), line
    assert lines[3].startswith("With a shot: ")


def test_the_snippets_of_the_page_run(
    tiny_model_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) == 2
    imports = re.findall(r"^(?:from|import) .*$", EXAMPLE.read_text(), re.MULTILINE)
    code = "\n".join([*imports, *blocks])
    code = code.replace("bundled:smollm2-135m", str(tiny_model_dir))
    exec(compile(code, "docs/eci_library.md", "exec"), {"__name__": "page"})  # noqa: S102
    assert re.match(r"(yes|no|maybe) \{'yes': ", capsys.readouterr().out)


def test_the_page_names_every_field_and_module() -> None:
    for name in _Fields.model_fields:
        assert f"| `{name}` |" in PAGE, name
    for path in Path(eci.__path__[0]).rglob("*.py"):
        assert path.stem.startswith("__") or f"`{path.stem}`" in PAGE, path
