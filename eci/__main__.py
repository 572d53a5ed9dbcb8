"""``python -m eci``."""

from eci.cli import main

main(prog_name="python -m eci")
