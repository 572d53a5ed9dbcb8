"""Entry point of ``python -m db``."""

from db.cli.main import main

main(prog_name="python -m db")
