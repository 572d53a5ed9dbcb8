"""``python -m training``."""

from training.cli.main import main

main(prog_name="python -m training")
