"""How a command ends: what the user can mend is said in one sentence."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from ..core.errors import FacePerceptionError


def exit_status(
    run: Callable[[argparse.Namespace], int | None], options: argparse.Namespace
) -> int:
    """
    Return the exit status of ``run(options)``: what it returns, and 0 where that is None.

    At an error that has a sentence for the user, or one of the operating system, that is printed
    to standard error, and the status is 1.  Any other is a fault of this package and goes on.
    """
    try:
        return run(options) or 0
    except (FacePerceptionError, OSError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
