"""Print the licences of all installed packages as docs/licences.md; ``make licences`` runs this."""

from __future__ import annotations

import re
import sys
import sysconfig
from importlib.metadata import Distribution, distributions
from typing import Final

COPYLEFT: Final = re.compile(r"GPL|MPL|EPL|CDDL|General Public|Mozilla|not named")
ELSEWHERE: Final = re.compile(r"pip|llamacare-review|triton|(nvidia|cuda)-(?!ml-py).*")
"""Not locked: what installs, the product, and what the CUDA build of torch brings."""

HEAD: Final = """# Licences

The licences of all packages that `make test` installs, from their metadata, written by
`make licences`; a test compares. The product is under the MIT licence. The CUDA build of torch
brings NVIDIA's libraries (`nvidia-*`, `cuda-*`), which are proprietary: free to use, under NVIDIA's
terms. The CPU build brings none of them. krippendorff (GPL) is a reference in tests, no part of the
product.
"""


def installed_packages() -> list[Distribution]:
    """Return the packages of this environment; Ray puts others of its own on the path."""
    return list(distributions(path=[sysconfig.get_path("purelib")]))


def licence_of(package: Distribution) -> str:
    """Return the licence: an SPDX expression, else classifiers, else the first line of the text."""
    metadata = package.metadata
    classifiers = metadata.get_all("Classifier") or []
    names = [each.rpartition(" :: ")[2] for each in classifiers if each.startswith("License ::")]
    text = (metadata.get("License") or "not named").strip().splitlines()
    return metadata.get("License-Expression") or ", ".join(names) or text[0]


def page() -> str:
    """Return the page: packages that are not permissive first."""
    packages = {
        package.name.lower().replace("_", "-"): licence_of(package)
        for package in installed_packages()
    }
    listed = {name: licence for name, licence in packages.items() if not ELSEWHERE.fullmatch(name)}
    copyleft = {name for name, licence in listed.items() if COPYLEFT.search(licence)}
    parts = [HEAD]
    for heading, names in (
        ("Copyleft, or licence not named", copyleft),
        ("Permissive", listed.keys() - copyleft),
    ):
        rows = [f"| {name} | {listed[name]} |" for name in sorted(names)]
        parts.append("\n".join([f"## {heading}", "| package | licence |", "|---|---|", *rows, ""]))
    return "\n".join(parts)


if __name__ == "__main__":
    sys.stdout.write(page())
