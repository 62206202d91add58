"""A process of its own that tries a YuNet file first: some end the process that loads them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from ..model_memory import MOST_RUN_BYTES, MOST_TRIAL_S, memory_fault
from ..text import one_line

#: How the process ends where OpenCV refuses the file, and says why.
REFUSED = 3

# A text, because the process has to import nothing but OpenCV, wherever the package lies.
_PROGRAM = f"""
import sys
import cv2
import numpy as np
try:
    import resource
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with open('/proc/self/statm') as file:
        taken = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + {MOST_RUN_BYTES},) * 2)
except (ImportError, OSError, ValueError):
    pass
cv2.setNumThreads(1)
try:
    first, *others = map(int, sys.argv[2:])
    network = cv2.FaceDetectorYN.create(sys.argv[1], '', (first, first), 0.5, 0.3, 100)
    for side in (first, *others):
        network.setInputSize((side, side))
        network.detect(np.zeros((side, side, 3), np.uint8))
except (cv2.error, MemoryError) as error:
    sys.stdout.buffer.write(str(error or 'bad_alloc').encode(errors='replace'))
    sys.exit({REFUSED})
"""


def trial_fault(model: Path, sides: Sequence[int]) -> str:
    """
    Return why OpenCV cannot use a file for square inputs of these sides, in pixels, or ``''``.

    OpenCV's importer crashes on some valid ONNX files, and others ask for gigabytes or do not end:
    that then happens to another process.
    """
    if not sys.executable:  # Python within another program
        return ''
    command = [sys.executable, '-c', _PROGRAM, str(model.absolute()), *map(str, sides)]
    try:
        run = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=MOST_TRIAL_S,
        )
    except subprocess.TimeoutExpired:
        return f'it takes longer than {MOST_TRIAL_S:g} s'
    except OSError:  # no process more can be had
        return ''
    if run.returncode == REFUSED:
        said = run.stdout.decode(errors='replace').strip()
        return memory_fault(said) or one_line((said.splitlines() or ['?'])[-1], 300)
    return f'OpenCV crashes, signal {-run.returncode}' if run.returncode < 0 else ''
