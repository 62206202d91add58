"""
A process of its own that loads a model file first.

A small valid file may ask for gigabytes while it is loaded, never end, or crash the library that
reads it.  All that then happens to another process, with a limit of memory and of time.  A limit of
this process would hold for all its threads and children too.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

from .model_memory import MOST_LOAD_BYTES, MOST_TRIAL_S, memory_fault
from .text import one_line

#: How the process ends where the library refuses the file, and says why.
REFUSED = 3

# A text, because the process has to import nothing but the library, wherever the package lies.
_FRAME = """
import sys
{imports}
{read}
try:
    import resource
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with open('/proc/self/statm') as file:
        taken = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + int(sys.argv[1]),) * 2)
except (ImportError, OSError, ValueError):
    pass
try:
{load}
except Exception as error:
    sys.stdout.buffer.write((str(error) or 'bad_alloc').encode(errors='replace'))
    sys.exit({refused})
"""


def program(imports: str, load: str, read: str = '') -> str:
    """
    Return a program that loads a model with the statements ``load``, indented by four.

    ``read`` are statements that are run before memory is limited; ``sys.argv[2:]`` is what
    ``trial_fault`` was given as ``arguments``.
    """
    return _FRAME.format(imports=imports, read=read, load=load.strip('\n'), refused=REFUSED)


def trial_fault(
    library: str,
    text: str,
    arguments: Sequence[str] = (),
    content: bytes = b'',
    most_bytes: int = MOST_LOAD_BYTES,
) -> str:
    """
    Return why ``library`` cannot load a model, or ``''``.

    ``text`` is what ``program`` returned, ``content`` its standard input, ``most_bytes`` what
    loading may take.
    """
    if not sys.executable:  # Python within another program
        return ''
    try:
        run = subprocess.run(
            [sys.executable, '-c', text, str(most_bytes), *arguments],
            input=content,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=MOST_TRIAL_S,
            env={**os.environ, 'PYTHONPATH': os.pathsep.join(filter(None, sys.path))},
        )
    except subprocess.TimeoutExpired:
        return f'it takes longer than {MOST_TRIAL_S:g} s'
    except OSError:  # no process more can be had
        return ''
    if run.returncode == REFUSED:
        said = run.stdout.decode(errors='replace').strip()
        return memory_fault(said) or one_line((said.splitlines() or ['?'])[-1], 300)
    return f'{library} crashes, signal {-run.returncode}' if run.returncode < 0 else ''
