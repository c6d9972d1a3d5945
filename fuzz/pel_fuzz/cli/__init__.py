"""The command line. Importing this package registers every subcommand."""

import sys

from pel_fuzz.exit_codes import ExitCode

try:
    from pel_fuzz.cli import (
        bench,
        check,
        client,
        client_bisect,
        client_check,
        client_consume,
        client_fill,
        client_programs,
        convert,
        diff,
        footprint,
        fuzz,
        prove,
        replay,
        run,
    )
    from pel_fuzz.cli.app import main
except KeyboardInterrupt:  # loading all of it takes a second or two
    print("pel: interrupted", file=sys.stderr)
    sys.exit(ExitCode.INTERRUPTED)

__all__ = [
    "bench",
    "check",
    "client",
    "client_bisect",
    "client_check",
    "client_consume",
    "client_fill",
    "client_programs",
    "convert",
    "diff",
    "footprint",
    "fuzz",
    "main",
    "prove",
    "replay",
    "run",
]
