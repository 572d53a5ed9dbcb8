"""Does anything false, leaked or half-written remain after hostile inputs, kills and full disks?

    python benchmarks/hardening.py                   # everything
    python benchmarks/hardening.py --only damaged --scale 0.1 --dry-run

Every part is seeded: the same seed tries the same inputs and the same moments again.
"""

from __future__ import annotations

import importlib
import traceback
from typing import Final

from history import Measured
from measuring import make_parser, record

PARTS: Final = (
    "inputs",
    "bodies",
    "kills",
    "server_kills",
    "full_disk",
    "damaged",
    "batches",
)
"""Modules of ``benchmarks/hostile``; each has ``measure(seed, scale)`` and returns its figures."""


def main() -> None:
    """Run the parts asked for and record the figures."""
    parser = make_parser(__doc__)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scale", type=float, default=1, help="share of the full numbers")
    options = parser.parse_args()
    figures: list[Measured] = []
    is_partial = set(options.only) != set(PARTS) or options.scale != 1
    for part in options.only:
        try:
            measured = importlib.import_module(f"hostile.{part}").measure(
                options.seed, options.scale
            )
        except Exception:  # the figures of the other parts took half an hour
            traceback.print_exc()
            is_partial = True
            continue
        for figure in measured:
            print(figure.what, figure.measure, figure.figure, figure.unit, figure.note, flush=True)
        figures += measured
    record(__file__, figures, options, is_partial=is_partial)


if __name__ == "__main__":
    main()
