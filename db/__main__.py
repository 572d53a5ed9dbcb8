"""Entry point of ``python -m db``."""

from db.cli import main

main(prog_name="python -m db")
