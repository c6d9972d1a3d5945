"""The command line. Importing this package registers every subcommand."""

from pel_fuzz.cli import check, convert, diff, footprint, fuzz, prove, replay, run
from pel_fuzz.cli.app import main

__all__ = ["check", "convert", "diff", "footprint", "fuzz", "main", "prove", "replay", "run"]
