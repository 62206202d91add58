"""How a command ends: what the user can mend is said in one sentence."""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Callable

from ..core.errors import FacePerceptionError
from ..core.text import file_path, one_line
from .streams import mend_streams

#: The status of a command that Ctrl-C ended, as of shells: 128 and the number of SIGINT.
INTERRUPTED = 130


def exit_status(
    run: Callable[[argparse.Namespace], int | None], options: argparse.Namespace
) -> int:
    """
    Return the exit status of ``run(options)``: what it returns, and 0 where that is None.

    Ctrl-C is told in a word.  At an error that has a sentence for the user, or one of the
    operating system, that is printed to standard error, and the status is 1.  Any other is a fault
    of this package and goes on.
    """
    mend_streams()
    try:
        return run(options) or 0
    except KeyboardInterrupt:
        print('stopped', file=sys.stderr)
        return INTERRUPTED
    except FacePerceptionError as error:
        print(f'error: {error}', file=sys.stderr)
    except OSError as error:
        print(f'error: {_sentence(error)}', file=sys.stderr)
    return 1


def ended(main: Callable[[], int | None]) -> int:
    """Return the exit status of a program that reads its own command line, as ``exit_status``."""
    return exit_status(lambda _: main(), argparse.Namespace())


def _sentence(error: OSError) -> str:
    if error.filename is None or not error.strerror:
        return one_line(error)
    reason = {
        errno.EEXIST: 'it is no folder',  # asked for as such, and there as something else
        errno.ENOSPC: 'there is no room left on its disk',
    }.get(error.errno or 0, error.strerror)
    name = os.fsdecode(error.filename) if isinstance(error.filename, bytes) else error.filename
    return f"'{file_path(name)}' cannot be used ({reason}): give another path"
