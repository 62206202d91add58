"""
What loading and running a model file may take: a valid one may ask for gigabytes.

An ONNX file of a few hundred bytes can name a tensor of any size.  What it takes to load a file
that is not the package's own shows in another process (``model_trial``); what networks take while
they run is bounded by the size of an arena that all of them share.
"""

from __future__ import annotations

from functools import cache

#: Bytes that the networks of a process may take together while they run: the package's own take
#: 700 MiB with an input of 4096 x 4096 pixels, the largest that can be chosen.
MOST_RUN_BYTES = 2 * 2**30
#: Bytes that loading a file may take, and how often its own size beside them.
MOST_LOAD_BYTES = 2**30
COPIES = 4

#: What ONNX Runtime and OpenCV say when they do not get the memory that a file asks for.
_NO_MEMORY = (
    'bad_alloc',
    'Available memory of',
    'Failed to allocate',
    'Insufficient memory',
    'asks for more memory',  # our own words
)


def memory_fault(text: str) -> str:
    """Return that a library's message means a lack of memory, or ``''``."""
    if not any(words in text for words in _NO_MEMORY):
        return ''
    return f'it asks for more memory than there is or {MOST_RUN_BYTES >> 20} MiB'


@cache
def has_bounded_arena() -> bool:
    """Give ONNX Runtime one bounded arena for all sessions; return whether it could be had."""
    import onnxruntime as ort

    try:
        ort.create_and_register_allocator(
            ort.OrtMemoryInfo(
                'Cpu', ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT
            ),
            ort.OrtArenaCfg({'max_mem': MOST_RUN_BYTES}),
        )
    except Exception:  # the program around has one of its own; no public base class
        return False
    return True
