"""Look for known vulnerabilities in the locked packages and in torch; ``make audit`` runs this.

Exit 0: none is known. 1: some are. 3: not everything could be checked. pip-audit asks PyPI; where a
mirror in PyPI's place does not serve that data, pip-audit skips packages and still exits 0.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
FOUND, UNCHECKED = 1, 3


def main() -> int:
    """Audit, report, and return the exit code."""
    lock = (ROOT / "requirements-dev.lock").read_text("utf-8").splitlines()
    pins = [line.rstrip("\\") for line in lock if line[:1].isalnum()]
    named = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    with tempfile.TemporaryDirectory() as folder:
        # Without hashes: pip-audit wants all or none, and torch has none.
        file = Path(folder) / "pins.txt"
        file.write_text("\n".join([*pins, *(line for line in named if line.startswith("torch="))]))
        options = ["--disable-pip", "--no-deps", "--progress-spinner", "off", "--format", "json"]
        run = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "pip_audit", *options, "-r", str(file)],
            capture_output=True,
            text=True,
            check=False,
        )
    try:
        packages = json.loads(run.stdout)["dependencies"]
    except (ValueError, KeyError):
        reason = run.stderr.strip().rpartition("\n")[2]
        sys.stderr.write(f"Nothing was checked: pip-audit ended with {run.returncode}: {reason}\n")
        return UNCHECKED
    return report(packages)


def report(packages: list[dict[str, Any]]) -> int:
    """Write what pip-audit found, and return the exit code."""
    vulnerable = [package for package in packages if package.get("vulns")]
    skipped = [package for package in packages if "skip_reason" in package]
    for package in vulnerable:
        for fault in package["vulns"]:
            fixed = ", ".join(fault["fix_versions"]) or "no version yet"
            name = f"{package['name']} {package['version']}"
            sys.stdout.write(f"{name}: {fault['id']}, fixed in {fixed}\n")
    sys.stdout.write(
        f"{len(packages) - len(skipped)} of {len(packages)} packages were checked, "
        f"{len(vulnerable)} have known vulnerabilities.\n"
    )
    if skipped:
        sys.stderr.write(
            f"{len(skipped)} packages were not checked (first: {skipped[0]['skip_reason']}). Run "
            "`make audit` where PyPI's own https://pypi.org/pypi/<package>/json can be read.\n"
        )
    return FOUND if vulnerable else UNCHECKED if skipped else 0


if __name__ == "__main__":
    sys.exit(main())
