"""The command line. Importing this package registers every subcommand."""

from pel_fuzz.cli import bench, check, client, convert, diff, footprint, fuzz, prove, replay, run
from pel_fuzz.cli.app import main

__all__ = [
    "bench",
    "check",
    "client",
    "convert",
    "diff",
    "footprint",
    "fuzz",
    "main",
    "prove",
    "replay",
    "run",
]
