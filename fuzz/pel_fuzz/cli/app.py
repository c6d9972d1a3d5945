"""The command `pel`: its group, and the one place where errors become exit codes."""

import os
import signal
import sys
import traceback
from typing import NoReturn

import click

from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.formats.header import FormatError
from pel_reference.errors import InputError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="pel")
def app() -> None:
    """Is a parallel block execution equal to the sequential one? Check, fuzz, replay.

    Every command exits with 0 (agree), 1 (differ or violated), 2 (bad input or usage),
    3 (inconclusive), 70 (our own fault) or 130 (interrupted).
    """


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line; ends the process with one of `ExitCode`.

    SIGTERM, with which `timeout` and CI end what they started, is an interruption like Ctrl-C: what
    was found is told, and no client is left behind.
    """
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    code = run(arguments)
    try:
        sys.stdout.flush()
    except OSError:  # nobody reads any more; Python would complain once more at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = ExitCode.INTERRUPTED
    sys.exit(int(code))


def run(arguments: list[str] | None = None) -> ExitCode:
    """Run the command line and give its exit code. No exception passes, whatever happens."""
    try:
        code = app.main(arguments, prog_name="pel", standalone_mode=False)
        return ExitCode(code or 0)
    except (InputError, FormatError) as error:
        return _complain(str(error))
    except click.ClickException as error:
        error.show()
        return ExitCode.BAD_INPUT
    except (KeyboardInterrupt, click.Abort):
        click.echo("pel: interrupted", err=True)
        return ExitCode.INTERRUPTED
    except (BrokenPipeError, SystemExit):
        # The reader of our output went away. click and rich end the process then, with 1.
        return ExitCode.INTERRUPTED
    except Exception:
        traceback.print_exc()
        click.echo("pel: internal error (this is our fault, not a difference)", err=True)
        return ExitCode.INTERNAL


def _complain(problem: str) -> ExitCode:
    click.echo(f"pel: {problem}", err=True)
    return ExitCode.BAD_INPUT
