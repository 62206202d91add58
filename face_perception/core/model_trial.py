"""
A process of its own that loads a model file first.

A small valid file may ask for gigabytes while it is loaded, never end, or crash the library that
reads it.  All that then happens to another process, with a limit of memory and of time.  A limit of
this process would hold for all its threads and children too.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Sequence

from .errors import ModelError
from .model_memory import MOST_LOAD_BYTES, memory_fault
from .text import library_words

#: Seconds of CPU that loading a file may take, and how many times that may pass beside other work.
MOST_TRIAL_S = 30.0
PATIENCE = 4
#: How the process ends where the library refuses the file, and says why.
REFUSED = 3
#: Signals that end programs, as a service's do: they say nothing about the file.
_ENDING = {'SIGHUP', 'SIGINT', 'SIGTERM'}

# A text, because the process has to import nothing but the library, wherever the package lies.
# It ends with this process, even where that is killed, and on Ctrl-C without a word.
_FRAME = """
import signal
signal.signal(signal.SIGINT, signal.SIG_DFL)
if sys.platform == 'linux':
    import ctypes
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
{imports}
{read}
try:
    import resource
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.setitimer(signal.ITIMER_PROF, float(sys.argv[2]))
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

    ``read`` are statements that are run before memory is limited; ``sys.argv[3:]`` is what
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
    loading may take.  Raises ``ModelError`` where somebody ended the process meanwhile.
    """
    if not sys.executable:  # Python within another program
        return ''
    # It imports from where this process does: by itself it would begin with the present folder.
    entries = [entry for entry in sys.path if isinstance(entry, str)]
    text = f'import sys\nsys.path[:] = {ascii(entries)}\n{text}'
    try:
        run = subprocess.run(
            [sys.executable, '-c', text, str(most_bytes), str(MOST_TRIAL_S), *arguments],
            input=content,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=PATIENCE * MOST_TRIAL_S,
        )
    except subprocess.TimeoutExpired:
        return f'it takes longer than {PATIENCE * MOST_TRIAL_S:g} s'
    except OSError:  # no process more can be had
        return ''
    if run.returncode == REFUSED:
        said = run.stdout.decode(errors='replace').strip()
        return memory_fault(said) or library_words(said) or '?'
    return _end(library, -run.returncode) if run.returncode < 0 else ''


def _end(library: str, number: int) -> str:
    """Return what the signal that ended the process says about the file."""
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = ''
    if name in _ENDING:
        raise ModelError(f'the process that tries a model file was ended ({name}): try again')
    if name == 'SIGPROF':
        return f'it takes longer than {MOST_TRIAL_S:g} s of CPU time'
    return f'{library} crashes, signal {number}'
