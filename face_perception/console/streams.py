"""Text that goes in and out of a program, whatever its terminal was set up with."""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper


def use_utf8() -> None:
    """
    Begin the program anew with names of files as UTF-8 where the locale (``LC_ALL``) has another.

    Names of files, which results take over, could not be written otherwise: Python would make
    them of the locale's bytes.  What is printed stays in the terminal's encoding.
    """
    encoding = sys.getfilesystemencoding()
    if encoding == 'utf-8' or sys.flags.ignore_environment or not sys.executable:
        return
    if os.environ.get('PYTHONUTF8') == '1':  # -X utf8=0 is stronger: it would begin for ever
        return
    os.environ['PYTHONUTF8'] = '1'
    os.environ.setdefault('PYTHONIOENCODING', encoding)
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def mend_streams() -> None:
    """Let programs read and print, whatever was closed and whatever an encoding lacks."""
    for number, name in enumerate(('stdin', 'stdout', 'stderr')):
        stream = getattr(sys, name)
        if stream is None:
            # The descriptor too: else the next file or socket would be printed into.
            null = os.open(os.devnull, os.O_RDWR)
            if null != number:
                os.dup2(null, number)
                os.close(null)
            setattr(sys, name, open(number, 'r' if number == 0 else 'w', closefd=False))
        elif number and isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors='backslashreplace')
